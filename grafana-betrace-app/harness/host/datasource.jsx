/* The nested data source by itself: its query editor over what it answers, and its settings, as Explore and the settings page would mount them. Tables and
   links are printed as data; with `drawn` in the address the first is a table as Grafana draws it. Runs in the browser. */
import * as React from 'react';
import { dateTime } from '@grafana/data';
import { Button } from '@grafana/ui';
import { useLocation } from 'host:router-compat';
import { Page } from './chrome.jsx';
import { TableView } from './panels.jsx';

const ID = 'betrace-datasource';
const DRAWN_PX = 400;

export function useNested() {
  const [plugin, setPlugin] = React.useState(null);
  React.useEffect(() => {
    window.System.import(`/public/plugins/${ID}/module.js`).then((module) => setPlugin(module.plugin));
  }, []);
  return plugin;
}

/** The last 24 hours, or what the address says in milliseconds. */
export function rangeOf(search) {
  const given = new URLSearchParams(search);
  const to = Number(given.get('to') ?? Date.now());
  const from = Number(given.get('from') ?? to - 86_400_000);
  return { from: dateTime(from), to: dateTime(to), raw: { from: dateTime(from), to: dateTime(to) } };
}

const shown = (value) => (value === null || value === undefined ? 'null' : String(value));

/** Explore draws a frame with the panel that it names. Its own table forgets what fields ask of their cells. */
function asExploreDraws(frame) {
  if (frame.meta?.preferredVisualisationPluginId === 'table') {
    return frame;
  }
  return { ...frame, fields: frame.fields.map((field) => ({ ...field, config: { ...field.config, custom: {} } })) };
}

const Notices = ({ frame }) => (frame.meta?.notices ?? []).map((notice) => <p key={notice.text} role="note">{notice.text}</p>);

function Frame({ frame }) {
  const rows = Array.from({ length: frame.length }, (_, row) => row);
  return (
    <figure>
      <Notices frame={frame} />
      <table>
        <thead><tr>{frame.fields.map((field) => <th key={field.name} style={{ textAlign: 'left' }}>{field.config.displayName ?? field.config.displayNameFromDS ?? field.name}</th>)}</tr></thead>
        <tbody>
          {rows.map((row) => <tr key={row}>{frame.fields.map((field) => <td key={field.name} style={{ padding: '0 8px' }}>{shown(field.values[row])}</td>)}</tr>)}
        </tbody>
      </table>
      <pre data-testid="links">{JSON.stringify(frame.fields.flatMap((field) => field.config.links ?? []).map((link) => link.internal))}</pre>
    </figure>
  );
}

function Explore({ plugin, search }) {
  const source = React.useMemo(() => new plugin.DataSourceClass(window.grafanaBootData.settings.datasources.BeTrace), [plugin]);
  const app = new URLSearchParams(search).get('app') ?? 'explore';
  const isDrawn = new URLSearchParams(search).has('drawn');
  const [query, setQuery] = React.useState({ refId: 'A', ...source.getDefaultQuery(app) });
  const [answer, setAnswer] = React.useState(null);
  const latest = React.useRef(query);
  const looking = React.useRef(null); // as Grafana does: another run, or Cancel, ends the one before
  const change = (next) => {
    latest.current = next;
    setQuery(next);
  };
  const run = () => {
    const request = { requestId: String(Math.random()), app, targets: [latest.current].filter((one) => source.filterQuery(one)), range: rangeOf(search), intervalMs: 60_000, maxDataPoints: 200, scopedVars: {}, timezone: 'utc', startTime: Date.now() };
    looking.current?.unsubscribe();
    looking.current = source.query(request).subscribe({ next: setAnswer, error: (error) => setAnswer({ data: [], errors: [{ message: error.data?.message ?? String(error) }] }) });
  };
  const Editor = plugin.components.QueryEditor;
  return (
    <>
      <Editor query={query} datasource={source} onChange={change} onRunQuery={run} app={app} range={rangeOf(search)} />
      <p>
        <Button variant="secondary" onClick={run}>Run query</Button>
        <Button variant="secondary" onClick={() => looking.current?.unsubscribe()}>Cancel</Button>
      </p>
      <pre data-testid="query">{JSON.stringify(query)}</pre>
      {answer && (
        <section aria-label="Answer">
          {(answer.errors ?? []).map((error) => <p key={error.message} role="alert">{error.message}</p>)}
          {isDrawn && answer.data.map((frame, at) => <Notices key={at} frame={frame} />)}
          {isDrawn && answer.data.length > 0 ? <TableView frames={answer.data.map(asExploreDraws)} height={DRAWN_PX} /> : answer.data.map((frame, at) => <Frame key={at} frame={frame} />)}
          <p data-testid="state">{answer.state ?? 'Done'}</p>
          <p>{answer.data.length} frames</p>
        </section>
      )}
    </>
  );
}

function Settings({ plugin }) {
  const [options, setOptions] = React.useState({ ...window.grafanaBootData.settings.datasources.BeTrace, url: '', jsonData: {}, secureJsonFields: {}, secureJsonData: {} });
  const Editor = plugin.components.ConfigEditor;
  return (
    <>
      <Editor options={options} onOptionsChange={setOptions} />
      <pre data-testid="options">{JSON.stringify({ url: options.url, jsonData: options.jsonData })}</pre>
    </>
  );
}

/** /datasource/explore and /datasource/settings */
export function DataSourcePage() {
  const { pathname, search } = useLocation();
  const plugin = useNested();
  const Part = pathname.endsWith('/settings') ? Settings : Explore;
  return <Page pageNav={{ text: 'BeTrace data source' }}>{plugin && <Part plugin={plugin} search={search} />}</Page>;
}
