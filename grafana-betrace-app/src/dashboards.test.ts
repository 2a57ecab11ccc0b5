// The dashboard that comes with the app: its queries are ones that the data source knows, and plugin.json names the file.
import dashboard from './dashboards/violations.json';
import { DATASOURCE_ID } from './constants';
import type { QueryType, VariableQuery } from './datasource/types';
import pluginJson from './plugin.json';

const KNOWN: Record<QueryType, true> = {
  violations: true,
  count: true,
  exercised: true,
  ratio: true,
  first_violation: true,
  annotations: true,
};
const KINDS: Record<VariableQuery['kind'], true> = { rules: true, severities: true, frameworks: true, services: true, labels: true };

it('is named in plugin.json', () => {
  expect(pluginJson.includes.filter(({ type }) => type === 'dashboard').map(({ path }) => path)).toEqual(['dashboards/violations.json']);
});

it('asks our data source, by its variable, what it can be asked', () => {
  const targets = dashboard.panels.flatMap((panel) => panel.targets);
  expect(targets.length).toBeGreaterThan(3);
  targets.forEach(({ queryType, datasource }) => {
    expect(KNOWN).toHaveProperty(queryType);
    expect(datasource).toEqual({ type: DATASOURCE_ID, uid: '${datasource}' });
  });
  dashboard.annotations.list.forEach(({ target }) => target && expect(KNOWN).toHaveProperty(target.queryType));
});

it('has variables of kinds that the data source lists', () => {
  const [source, rule] = dashboard.templating.list;
  expect(source).toMatchObject({ type: 'datasource', query: DATASOURCE_ID });
  expect(KINDS).toHaveProperty((rule.query as { kind: string }).kind);
});

it('has panels of different ids that do not lie on each other', () => {
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  dashboard.panels.forEach((a) =>
    dashboard.panels.forEach((b) => {
      const [p, q] = [a.gridPos, b.gridPos];
      const apart = a.id === b.id || p.x + p.w <= q.x || q.x + q.w <= p.x || p.y + p.h <= q.y || q.y + q.h <= p.y;
      expect(apart).toBe(true);
    })
  );
});
