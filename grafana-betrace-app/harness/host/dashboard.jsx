/* A dashboard that comes with the app, below /dashboard/<file>: its variables, its grid and its panels over what the nested data source answers. What
   asks a Prometheus has no data here. Runs in the browser. */
import * as React from 'react';
import { useLocation } from 'host:router-compat';
import { Page } from './chrome.jsx';
import { rangeOf, useNested } from './datasource.jsx';
import { Panel } from './panels.jsx';
import * as templates from './templates.js';

const COLUMNS = 24;
const CELL = 30;
const GAP = 8;
const ID = 'betrace-app';
const heightOf = ({ h }) => h * CELL + (h - 1) * GAP;

/** Its variables get their values: the rules that the address names, else all or, where one is chosen, the first. */
async function variablesOf(dashboard, source, search) {
  const wanted = dashboard.templating.list.find(({ name }) => name === 'rule');
  const all = (await source.metricFindQuery(wanted.query)).map(({ value }) => value);
  const named = new URLSearchParams(search).getAll('var-rule');
  return { rule: named.length ? named : wanted.multi ? all : all.slice(0, 1), datasource: 'BeTrace' };
}

function useDashboard(plugin, name, search) {
  const [loaded, setLoaded] = React.useState(null);
  React.useEffect(() => {
    if (!plugin) {
      return;
    }
    (async () => {
      const dashboard = await (await fetch(`/public/plugins/${ID}/dashboards/${name}.json`)).json();
      const source = new plugin.DataSourceClass(window.grafanaBootData.settings.datasources.BeTrace);
      const range = rangeOf(search);
      templates.set({ ...(await variablesOf(dashboard, source, search)), __from: range.from.valueOf(), __to: range.to.valueOf() });
      setLoaded({ dashboard, source, range });
    })();
  }, [plugin, name, search]);
  return loaded;
}

function Asked({ panel, source, range }) {
  const [answer, setAnswer] = React.useState(null);
  React.useEffect(() => {
    const ours = panel.targets.filter(({ datasource }) => datasource.type === 'betrace-datasource');
    const targets = ours.map((target) => ({ ...target, datasource: source.getRef() }));
    if (targets.length === 0) {
      setAnswer({ data: [], state: 'Done' });
      return undefined;
    }
    const request = { requestId: String(panel.id), app: 'dashboard', targets, range, intervalMs: 60_000, maxDataPoints: 200, scopedVars: {}, timezone: 'utc', startTime: Date.now() };
    const failed = (error) => setAnswer({ data: [], state: 'Error', errors: [{ message: error.data?.message ?? String(error) }] });
    const asked = source.query(request).subscribe({ next: (next) => setAnswer({ ...next, state: next.state ?? 'Done' }), error: failed });
    return () => asked.unsubscribe();
  }, [panel, source, range]);
  return <Panel panel={panel} answer={answer} height={heightOf(panel.gridPos)} />;
}

function Row({ panel, isOpen, onToggle }) {
  return <button aria-expanded={isOpen} onClick={onToggle} style={{ width: '100%', textAlign: 'left' }}>{panel.title}</button>;
}

function Grid({ dashboard, source, range }) {
  const [open, setOpen] = React.useState([]);
  const shown = dashboard.panels.flatMap((panel) => [panel, ...(open.includes(panel.id) ? panel.panels : [])]);
  const toggle = (id) => setOpen(open.includes(id) ? open.filter((one) => one !== id) : [...open, id]);
  return (
    <div style={{ display: 'grid', gridTemplateColumns: `repeat(${COLUMNS}, minmax(0, 1fr))`, gridAutoRows: CELL, gap: GAP }}>
      {shown.map((panel) => (
        <div key={panel.id} style={{ gridColumn: `${panel.gridPos.x + 1} / span ${panel.gridPos.w}`, gridRow: `${panel.gridPos.y + 1} / span ${panel.gridPos.h}`, minWidth: 0 }}>
          {panel.type === 'row' ? <Row panel={panel} isOpen={open.includes(panel.id)} onToggle={() => toggle(panel.id)} /> : <Asked panel={panel} source={source} range={range} />}
        </div>
      ))}
    </div>
  );
}

export function DashboardPage() {
  const { pathname, search } = useLocation();
  const loaded = useDashboard(useNested(), pathname.split('/').at(-1), search);
  return <Page pageNav={{ text: loaded?.dashboard.title ?? 'Dashboard' }}>{loaded && <Grid {...loaded} />}</Page>;
}
