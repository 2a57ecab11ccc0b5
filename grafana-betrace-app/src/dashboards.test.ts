// The dashboards that come with the app: their queries are ones that the data source knows, and plugin.json names the files.
import fs from 'node:fs';
import path from 'node:path';
import { DATASOURCE_ID } from './constants';
import rule from './dashboards/rule.json';
import violations from './dashboards/violations.json';
import type { QueryType, VariableQuery } from './datasource/types';
import pluginJson from './plugin.json';

const KNOWN: Record<QueryType, true> = {
  violations: true,
  count: true,
  exercised: true,
  ratio: true,
  first_violation: true,
  problems: true,
  annotations: true,
};
const KINDS: Record<VariableQuery['kind'], true> = { rules: true, severities: true, frameworks: true, services: true, labels: true };

interface Target {
  queryType?: string;
  expr?: string;
  datasource: { type: string; uid: string };
}
interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { h: number; w: number; x: number; y: number };
  targets?: Target[];
  panels?: Panel[];
}

const rows = (panels: unknown) => panels as Panel[];
const withThoseInRows = (panels: unknown) => rows(panels).flatMap((panel) => [panel, ...(panel.panels ?? [])]);
const targetsOf = (panels: unknown) => withThoseInRows(panels).flatMap((panel) => panel.targets ?? []);

it('are named in plugin.json', () => {
  const files = fs.readdirSync(path.join(__dirname, 'dashboards')).map((name) => `dashboards/${name}`);
  expect(pluginJson.includes.filter(({ type }) => type === 'dashboard').map(({ path: at }) => at).sort()).toEqual(files.sort());
  expect(rule.uid).not.toBe(violations.uid);
});

describe.each([
  ['violations', violations],
  ['rule', rule],
])('%s', (_, dashboard) => {
  it('asks our data source, by its variable, what it can be asked', () => {
    const targets = targetsOf(dashboard.panels).filter(({ expr }) => expr === undefined);
    expect(targets.length).toBeGreaterThan(3);
    targets.forEach(({ queryType, datasource }) => {
      expect(KNOWN).toHaveProperty(queryType ?? 'none');
      expect(datasource).toEqual({ type: DATASOURCE_ID, uid: '${datasource}' });
    });
    dashboard.annotations.list.forEach(({ target }) => target && expect(KNOWN).toHaveProperty(target.queryType));
  });

  it('asks again by itself, and not more often than settled steps come', () => expect(dashboard.refresh).toBe('5m'));

  it('has variables of kinds that the data source lists', () => {
    const [source, choice] = dashboard.templating.list;
    expect(source).toMatchObject({ type: 'datasource', query: DATASOURCE_ID });
    expect(KINDS).toHaveProperty((choice.query as { kind: string }).kind);
  });

  it('has panels of different ids that do not lie on each other', () => {
    const all = withThoseInRows(dashboard.panels);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    all.forEach((a) =>
      all.forEach((b) => {
        const [p, q] = [a.gridPos, b.gridPos];
        const apart = a.id === b.id || p.x + p.w <= q.x || q.x + q.w <= p.x || p.y + p.h <= q.y || q.y + q.h <= p.y;
        expect(apart).toBe(true);
      })
    );
  });
});

it('asks of watch only metrics that the service has, in a row that is closed until somebody opens it', () => {
  const metrics = fs.readFileSync(path.join(__dirname, '../../docs/reference/metrics.md'), 'utf8');
  const row = rows(violations.panels).find(({ type }) => type === 'row');
  expect(row).toMatchObject({ title: 'Health of watch', collapsed: true });
  const names = targetsOf(row?.panels).map(({ expr }) => /betrace_\w+/.exec(expr ?? '')?.[0] ?? 'none');
  expect(names.length).toBeGreaterThan(3);
  names.forEach((name) => expect(metrics).toContain(`\`${name}\``));
});

it('shows names of many rules over the whole width, and one rule in a dashboard that chooses exactly one', () => {
  const stat = violations.panels.find(({ type }) => type === 'stat');
  expect(stat).toMatchObject({ gridPos: { w: 24 }, options: { textMode: 'value_and_name', text: { titleSize: 13 } } });
  expect(rule.templating.list[1]).toMatchObject({ name: 'rule', multi: false, includeAll: false });
});
