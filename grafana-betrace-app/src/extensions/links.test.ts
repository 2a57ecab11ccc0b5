// Links from Grafana's pages: equal to plugin.json, right addresses, and nothing where they make no sense.
import { dateTime, PluginExtensionPoints } from '@grafana/data';
import pluginJson from '../plugin.json';
import { PLUGIN_PREFIX } from '../constants';
import { SEVERITIES } from '../api/types';
import { alertLink, LINKS, logServiceLink, logTraceLink, ruleLink, serviceLink, traceLink, violationsLink } from './links';

const ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const tempo = { type: 'tempo', uid: 't' };
const ours = { type: 'betrace-datasource', uid: 'b' };
const query = (link: { path: string } | undefined) => Object.fromEntries(new URL(link?.path ?? '', 'http://g').searchParams);

it('is what plugin.json says: title, description, targets', () => {
  const said = pluginJson.extensions.addedLinks.map(({ title, description, targets }) => ({ title, description, targets }));
  expect(LINKS.map(({ title, description, targets }) => ({ title, description, targets }))).toEqual(said);
});

it('stays below our app, and has no more links at a point than Grafana shows', () => {
  const points = LINKS.flatMap(({ targets }) => targets);
  expect(Math.max(...points.map((point) => points.filter((one) => one === point).length))).toBeLessThanOrEqual(2);
  LINKS.forEach(({ path }) => expect(path?.startsWith(`${PLUGIN_PREFIX}/`)).toBe(true));
});

/* Of the others that Grafana has for links, `grafana/traceview/details` shows those of Profiles Drilldown alone, and
   `grafana/alerting/alertingrule/action` those of the plugin that a rule says it comes from. Traces Drilldown has one,
   `grafana-exploretraces-app/investigation/v1`, which newer ones gave up: it shows whatever link is first as "Add to
   investigation". Its traces are drawn by Grafana's trace view, with the links of that. */
it('is at points that Grafana has, by titles of their own: Grafana compares descriptions of links by their titles', () => {
  const points: string[] = Object.values(PluginExtensionPoints);
  LINKS.flatMap(({ targets }) => targets).forEach((target) => expect(points).toContain(target));
  expect(new Set(LINKS.map(({ title }) => title)).size).toBe(LINKS.length);
});

// Seen in Grafana 12.3: a longer one is cut there.
it('has titles of at most 25 characters for the menus of Explore and of alerts', () => {
  const menus = ['grafana/explore/toolbar/action', 'grafana/alerting/instance/action'];
  const titles = LINKS.filter(({ targets }) => [targets].flat().some((one) => menus.includes(one))).map(({ title }) => title);
  expect(titles.length).toBe(3);
  titles.forEach((title) => expect(title.length).toBeLessThanOrEqual(25));
});

it.each(LINKS.map((link) => [link.title, link] as const))(
  '%s: anything unexpected is no link, and no exception',
  (_title, { configure }) => {
    const nonsense = [
      undefined,
      null,
      {},
      { targets: 'x' },
      { targets: [null] },
      { attributes: 1 },
      { traceID: 7, datasource: tempo },
      { attributes: { 'service.name': 'x' }, timeRange: null },
      { attributes: { trace_id: 7, service_name: null }, timeRange: { from: 'x' } },
      { instance: { labels: 'x', activeAt: {} } },
      { instance: { labels: { rule_id: 7, severity: 7 } } },
    ];
    nonsense.forEach((context) => {
      const link = configure?.(context as never);
      expect(link === undefined || link.path?.startsWith(PLUGIN_PREFIX)).toBe(true);
    });
  }
);

it('links a trace of Tempo with its time, from microseconds', () => {
  const startTime = Date.parse('2026-11-20T12:00:00Z') * 1000;
  const link = traceLink({ traceID: ID.toUpperCase(), startTime, duration: 5_000_000, datasource: tempo });
  expect(query(link)).toEqual({ trace: ID, from: '2026-11-20T11:00:00.000Z', to: '2026-11-20T13:00:05.000Z' });
  expect(query(traceLink({ traceID: ID, datasource: tempo }))).toEqual({ trace: ID });
});

it.each([
  ['of another data source', { traceID: ID, datasource: { type: 'jaeger' } }],
  ['without an id', { datasource: tempo }],
  ['with something else for an id', { traceID: '../x', datasource: tempo }],
])('links no trace %s', (_name, context) => expect(traceLink(context)).toBeUndefined());

it('links a service with the range', () => {
  const context = { attributes: { 'service.name': ['checkout & co'] }, timeRange: { from: 0, to: 1000 }, datasource: tempo };
  expect(query(serviceLink(context))).toEqual({
    service: 'checkout & co',
    from: '1970-01-01T00:00:00.000Z',
    to: '1970-01-01T00:00:01.000Z',
  });
  expect(serviceLink({ attributes: { other: ['x'] } })).toBeUndefined();
});

describe('of a log line', () => {
  const timeRange = { from: Date.parse('2026-11-20T12:00:00Z'), to: Date.parse('2026-11-20T12:10:00Z') };

  it('links its trace, with an hour on both sides of the logs', () => {
    const link = logTraceLink({ attributes: { trace_id: [ID.toUpperCase()] }, timeRange, datasource: { type: 'loki' } });
    expect(query(link)).toEqual({ trace: ID, from: '2026-11-20T11:00:00.000Z', to: '2026-11-20T13:10:00.000Z' });
    expect(query(logTraceLink({ attributes: { trace_id: [ID] } }))).toEqual({ trace: ID });
    expect(logTraceLink({ attributes: { trace_id: ['../x'] }, timeRange })).toBeUndefined();
    expect(logTraceLink({ attributes: { service_name: ['web'] }, timeRange })).toBeUndefined();
  });

  it('links its service with the range of the logs', () => {
    const range = { from: '2026-11-20T12:00:00.000Z', to: '2026-11-20T12:10:00.000Z' };
    expect(query(logServiceLink({ attributes: { service_name: ['web & co'] }, timeRange }))).toEqual({ service: 'web & co', ...range });
    expect(logServiceLink({ attributes: { trace_id: [ID] } })).toBeUndefined();
  });
});

describe('of an alert', () => {
  const labels = { rule_id: 'slow-db', severity: 'high', team: 'sre' };

  it('links the violations of its rule, from an hour before it fired', () => {
    const activeAt = '2026-11-20T12:00:00Z';
    expect(query(alertLink({ instance: { labels, activeAt } }))).toEqual({ rule: 'slow-db', from: '2026-11-20T11:00:00.000Z', to: 'now' });
    // Grafana says so of one that does not fire
    const resting = { labels, activeAt: '0001-01-01T00:00:00Z' };
    expect(query(alertLink({ instance: resting }))).toEqual({ rule: 'slow-db', from: 'now-1h', to: 'now' });
    SEVERITIES.forEach((severity) => expect(alertLink({ instance: { labels: { ...labels, severity } } })).toBeDefined());
  });

  it('reads what Grafana has frozen, through the proxies that it gives', () => {
    const guarded = <T extends object>(object: T): T =>
      new Proxy(object, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name);
          return value instanceof Object ? guarded(value) : value;
        },
      });
    const instance = Object.freeze({ labels: Object.freeze({ ...labels }), activeAt: '2026-11-20T12:00:00Z' });
    const given = guarded({ instance });
    expect(() => given.instance.labels).toThrow(TypeError);
    expect(query(alertLink(given))).toEqual({ rule: 'slow-db', from: '2026-11-20T11:00:00.000Z', to: 'now' });
  });

  it.each([
    ['without the id of a rule', { severity: 'high' }],
    ['without a severity of ours', { ...labels, severity: 'page' }],
    ['with something else for an id', { ...labels, rule_id: '../x' }],
  ])('links nothing %s', (_name, other) => expect(alertLink({ instance: { labels: { ...other } } })).toBeUndefined());
});

it('links queries about traces, and no others', () => {
  const timeRange = { from: 'now-1h', to: 'now' };
  expect(query(violationsLink({ targets: [{ datasource: tempo, query: '{ status = error }' }], timeRange }))).toEqual(timeRange);
  expect(query(violationsLink({ targets: [{ datasource: tempo, query: ` ${ID} ` }], timeRange }))).toEqual({ trace: ID, ...timeRange });
  expect(
    query(violationsLink({ targets: [{ datasource: ours }], timeRange: { from: dateTime('2026-11-20T12:00:00Z'), to: 'now' } }))
  ).toEqual({
    from: '2026-11-20T12:00:00.000Z',
    to: 'now',
  });
  expect(violationsLink({ targets: [{ datasource: { type: 'prometheus' } }, { datasource: 'name' }], timeRange })).toBeUndefined();
});

describe('of one query of ours', () => {
  const timeRange = { from: 'now-1h', to: 'now' };
  const asked = (...targets: object[]) =>
    new URL(violationsLink({ targets: targets.map((one) => ({ datasource: ours, ...one })), timeRange })?.path ?? '', 'http://g').searchParams;

  it('carries what it narrows', () => {
    const link = asked({ ruleIds: ['slow-db', 'b'], severities: ['high'], framework: 'soc2', service: 'web & co', traceId: ID.toUpperCase() });
    expect(link.getAll('rule')).toEqual(['slow-db', 'b']);
    expect(Object.fromEntries([...link].filter(([name]) => name !== 'rule'))).toEqual({
      severity: 'high',
      framework: 'soc2',
      service: 'web & co',
      trace: ID,
      ...timeRange,
    });
  });

  // Each of these would show fewer violations than the query has.
  it.each([
    ['two severities', [{ severities: ['high', 'low'] }]],
    ['a variable', [{ ruleIds: ['$rule'], service: '${service}', framework: '[[framework]]' }]],
    ['a variable beside an id', [{ ruleIds: ['slow-db', '$rule'] }]],
    ['another query beside it', [{ ruleIds: ['a'] }, { ruleIds: ['b'] }]],
    ['filters of another shape', [{ ruleIds: 'a', severities: {}, service: 7 }]],
  ])('narrows nothing by %s', (_name, targets) => expect(Object.fromEntries(asked(...targets))).toEqual(timeRange));

  it('does not count a query that is switched off', () =>
    expect(asked({ ruleIds: ['a'] }, { ruleIds: ['b'], hide: true }).getAll('rule')).toEqual(['a']));
});

it('makes a rule of a text of our data source only', () => {
  const dsl = 'when { a } never { b }';
  expect(
    query(
      ruleLink({
        targets: [
          { datasource: tempo, query: 'x' },
          { datasource: ours, dsl },
        ],
      })
    )
  ).toEqual({ dsl });
  expect(
    ruleLink({
      targets: [
        { datasource: ours, dsl: ' ' },
        { datasource: tempo, dsl },
      ],
    })
  ).toBeUndefined();
});
