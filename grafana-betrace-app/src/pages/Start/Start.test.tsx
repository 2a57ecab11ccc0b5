// The first page in every state of the service, and what it must not claim.
import { act, screen, within } from '@testing-library/react';
import { replay } from '../../test/replayFixtures';
import { coverage, rule, violation } from '../../test/fixtures';
import { answer, NEVER, problem, UNREACHABLE, type Handlers, type StubRequest } from '../../test/host';
import { contrastAnswer } from '../../test/contrastFixtures';
import { foundProblem, problemsAnswer } from '../../test/problemFixtures';
import { render } from '../../test/render';
import Start from '.';

const HEALTH = { status: 'HEALTHY', version: '0.1.0', uptime_seconds: 90061, metadata: { source: 'tempo', emits: true } };
const READY = { status: 'ready', parts: { store: { ready: true }, rules: { ready: true }, source: { ready: true }, otlp: { ready: true } } };
type Value = number | null;
const firstOf = (change = {}) => ({ rule_id: 'fraud-check', status: 'completed', found: true, proven: true, at_edge_of_data: false, violation: violation({ time: new Date(Date.now() - 3600_000).toISOString() }), looked_at: coverage().asked, coverage: coverage(), ...change });
const TEN_MINUTES = 600_000;
/** The last step ends at 13:00, where all is settled unless the coverage says otherwise. */
const series = (values: Value[], change = {}, ruleId = 'fraud-check', undecided = {}) => ({
  series: [
    {
      labels: { rule_id: ruleId, rule: 'Fraud check on large orders', severity: 'critical' },
      points: values.map((value, at) => [new Date(Date.parse('2026-11-20T13:00:00Z') - (values.length - at) * TEN_MINUTES).toISOString(), value]),
      undecided: { steps: 0, budget: 0, ...undecided },
    },
  ],
  reason: null,
  coverage: coverage(change),
});

function show(handlers: Handlers = {}, host = {}) {
  return render(<Start />, {
    host,
    handlers: {
      'GET /v1/health': HEALTH,
      'GET /v1/ready': READY,
      'GET /v1/rules': { rules: [rule()], cursor: null },
      'GET /v1/replays': { replays: [], cursor: null },
      'GET /v1/violations/series': series([0, 0]),
      'GET /v1/rules/fraud-check/first-violation': firstOf(),
      'GET /v1/problems': problemsAnswer(),
      ...handlers,
    },
  });
}
const card = async (name: string) => within(await screen.findByRole('region', { name }));

it('shows the service part by part; what is off is no fault and says how to turn it on', async () => {
  show();
  const service = await card('Service');
  expect(await service.findByText('Tempo')).toBeInTheDocument();
  expect(service.getByText('Tempo').closest('li')).toHaveAttribute('data-state', 'ready');
  expect(service.getByText(/With --watch enabled rules are evaluated all the time/).closest('li')).toHaveAttribute('data-state', 'off');
  expect(await service.findByText('BeTrace 0.1.0, running for 1 d 1 h')).toBeInTheDocument();
});

it('names the store that is there', async () => {
  const clickhouse = { kind: 'clickhouse', version: '26.9.2.1 (exporter, Map)', checked: true };
  show({ 'GET /v1/health': { ...HEALTH, metadata: { source: 'clickhouse', emits: true } }, 'GET /v1/ready': { ...READY, source: clickhouse } });
  const service = await card('Service');
  expect(await service.findByText('ClickHouse 26.9.2.1 (exporter, Map)')).toBeInTheDocument();
  expect(service.queryByText('Tempo')).not.toBeInTheDocument();
});

it.each([
  ['opensearch', 'OpenSearch'],
  ['elasticsearch', 'Elasticsearch'],
])('names %s, says how to connect it, and speaks of no Tempo', async (kind, name) => {
  const health = { ...HEALTH, metadata: { source: kind, emits: true } };
  const { unmount } = show({ 'GET /v1/health': health, 'GET /v1/ready': { ...READY, source: { kind, version: '2.19.1', checked: true } } });
  expect(await (await card('Service')).findByText(`${name} 2.19.1`)).toBeInTheDocument();
  expect(screen.queryByText(/Tempo/)).not.toBeInTheDocument();
  unmount();
  const parts = { ...READY.parts, source: { ready: false, reason: 'connection refused' } };
  show({ 'GET /v1/health': health, 'GET /v1/ready': answer(503, { status: 'not_ready', parts }) });
  expect((await card(`Connect ${name}`)).getByText(new RegExp(`--store, for example ${kind}\\+http://${kind}:9200`))).toBeInTheDocument();
  expect(screen.queryByText(/Tempo/)).not.toBeInTheDocument();
});

it('tells of rules that fell silent, and of a clock that is ahead', async () => {
  const silence = { ready: false, reason: '2 rules have fallen silent, the first since 2026-11-20T12:15:00Z' };
  const clock = { ready: false, reason: 'the clock here is up to 40 s ahead of the store' };
  show({ 'GET /v1/ready': { ...READY, status: 'degraded', parts: { ...READY.parts, silence, clock } } });
  const service = await card('Service');
  expect((await service.findByText(silence.reason)).closest('li')).toHaveAttribute('data-state', 'not_ready');
  expect(service.getByText(clock.reason).closest('li')).toHaveAttribute('data-state', 'not_ready');
});

it('says of a part that is not ready why, and takes a 503 for the answer that it is', async () => {
  const parts = { ...READY.parts, watch: { ready: false, reason: 'watch has a gap from 12:00 to 12:10' } };
  show({ 'GET /v1/ready': answer(503, { status: 'not_ready', parts }) });
  const service = await card('Service');
  expect(await service.findByText('Not ready')).toBeInTheDocument();
  expect(service.getByText('watch has a gap from 12:00 to 12:10').closest('li')).toHaveAttribute('data-state', 'not_ready');
});

it('says from when on what watch counted is provisional, and nothing of it where nothing is', async () => {
  const { unmount } = show({ 'GET /v1/ready': { ...READY, parts: { ...READY.parts, watch: { ready: true, provisional_from: '2026-11-20T12:29:00Z' } } } });
  expect(await (await card('Service')).findByText(/all the time\. What it counted after 2026-11-20 12:29:00 is provisional: .*it looks again\.$/)).toBeInTheDocument();
  unmount();
  show({ 'GET /v1/ready': { ...READY, parts: { ...READY.parts, watch: { ready: true } } } });
  expect(await (await card('Service')).findByText('Enabled rules are evaluated all the time.')).toBeInTheDocument();
});

it('says first how to connect Tempo where there is none, and evaluates nothing', async () => {
  const parts = { ...READY.parts, source: { ready: false, reason: 'connection refused' } };
  const { host } = show({ 'GET /v1/ready': answer(503, { status: 'not_ready', parts }), 'GET /v1/violations/series': NEVER });
  const connect = await card('Connect Tempo');
  expect(connect.getByText(/can answer nothing: connection refused/)).toBeInTheDocument();
  expect(connect.getByText(/--tempo http:\/\/tempo:3200/)).toBeInTheDocument();
  expect(host.requests.filter(({ path }) => path === '/v1/violations/series')).toHaveLength(0);
});

it('says how to connect ClickHouse where that is the store', async () => {
  const parts = { ...READY.parts, source: { ready: false, reason: 'connection refused' } };
  show({ 'GET /v1/health': { ...HEALTH, metadata: { source: 'clickhouse', emits: true } }, 'GET /v1/ready': answer(503, { status: 'not_ready', parts }) });
  const connect = await card('Connect ClickHouse');
  expect(connect.getByText(/--store, for example clickhouse\+http:\/\/clickhouse:8123/)).toBeInTheDocument();
  expect((await card('Service')).queryByText(/--tempo/)).not.toBeInTheDocument();
});

it('says first how to write a rule where there is none, and evaluates nothing', async () => {
  const { host } = show({ 'GET /v1/rules': { rules: [], cursor: null } });
  const first = await card('Write the first rule');
  expect(first.getByRole('link', { name: 'Write a rule' })).toHaveAttribute('href', '/rules/new');
  expect(first.getByRole('link', { name: 'Try one without saving it' })).toHaveAttribute('href', '/replay?what=dsl');
  expect((await card('Begin with a pack')).getAllByRole('button', { name: 'How would it have done here?' }).length).toBeGreaterThan(5);
  expect(host.requests.filter(({ path }) => path === '/v1/violations/series')).toHaveLength(0);
});

it('does not offer to write to who may not, and says why', async () => {
  show({ 'GET /v1/rules': { rules: [], cursor: null } }, { hasPermission: (action: string) => action.endsWith(':read') });
  const first = await card('Write the first rule');
  expect(first.queryByRole('link', { name: 'Write a rule' })).not.toBeInTheDocument();
  expect(first.getByText(/may read, not change/)).toBeInTheDocument();
});

it('counts rules in shadow with the others, marks them, and says where there are no others', async () => {
  const { host, unmount } = show({ 'GET /v1/rules': { rules: [rule({ shadow: true })], cursor: null }, 'GET /v1/violations/series': series([2]) });
  const day = await card('Last 24 hours');
  expect(await day.findByText('Violations: 2')).toBeInTheDocument();
  expect(day.getByText(/All enabled rules are in shadow/)).toBeInTheDocument();
  expect(day.getByText('Shadow')).toBeInTheDocument();
  const asked = host.requests.filter(({ path }) => path === '/v1/violations/series');
  expect(asked.slice(0, 2).map(({ query }) => [query.get('shadow'), query.get('rule_id')])).toEqual([['true', null], ['true', null]]);
  unmount();
  show({ 'GET /v1/rules': { rules: [rule({ shadow: true }), rule({ id: 'other' })], cursor: null }, 'GET /v1/violations/series': series([2]) });
  expect(await (await card('Last 24 hours')).findByText('Shadow')).toBeInTheDocument();
  expect(screen.queryByText(/All enabled rules are in shadow/)).not.toBeInTheDocument();
});

it('asks for longer steps of more rules than the service has numbers for in steps of ten minutes', async () => {
  const { host } = show({ 'GET /v1/rules': { rules: Array.from({ length: 2000 }, (_, at) => rule({ id: `r${at}` })), cursor: null }, 'GET /v1/violations/series': series([0]) });
  await card('Last 24 hours');
  expect(host.requests.find(({ path }) => path === '/v1/violations/series')?.query.get('step')).toBe('30m');
});

it('tells stored rules that are all disabled from none', async () => {
  const rules = ({ query }: StubRequest) => ({ rules: query.get('enabled') === 'true' ? [] : [rule({ enabled: false })], cursor: null });
  show({ 'GET /v1/rules': rules });
  expect(await screen.findByText('No rule is enabled')).toBeInTheDocument();
});

it('counts the last day, with a way to the violations', async () => {
  show({ 'GET /v1/violations/series': series([3, 0, 34]) });
  const day = await card('Last 24 hours');
  expect(await day.findByText('Violations: 37')).toBeInTheDocument();
  expect(day.getByTestId('coverage-complete')).toBeInTheDocument();
  expect(day.getByRole('link', { name: 'Fraud check on large orders' })).toHaveAttribute('href', '/violations?rule=fraud-check&from=now-24h&to=now');
});

it('says beside the number of a rule what it stands for where traces were sampled, also while a step is open', async () => {
  const text = '12 seen of a 10 % sample; 65 to 205 happened (95 %); this is of the 2 of 3 points that are known';
  const bounds = { seen: 12, low: 65, high: 205, confidence: 0.95 as const };
  const sampling = { known: 'by_chance' as const, declared: null, text: 'traces are a 10 % sample' };
  const answered = series([12, 0, null], { sampling });
  const of = (estimated: object) => ({ ...answered, series: [{ ...answered.series[0], estimated }] });
  const { unmount } = show({ 'GET /v1/violations/series': of({ text, total: null, of_known: bounds }) });
  expect(await (await card('Last 24 hours')).findByText(text)).toBeInTheDocument();
  unmount();
  show({ 'GET /v1/violations/series': of({ text, total: null, of_known: null }) });
  const day = await card('Last 24 hours');
  expect(await day.findByText(/Violations: 12/)).toBeInTheDocument();
  expect(day.queryByText(text)).not.toBeInTheDocument();
});

/** What each step is, and what traces are about in each; the coverage; and what the day then says. */
const day24 = (counts: Value[], exercised: Value[], change = {}, reason: string | null = null) => ({
  'GET /v1/violations/series': ({ query }: StubRequest) => ({ ...series(query.get('value') === 'exercised' ? exercised : counts, change), reason }),
});
const UNSETTLED = { effective_end: '2026-11-20T12:58:00Z' };
const EMPTY_HALF = { windows_empty: [{ start: '2026-11-20T12:30:00Z', end: '2026-11-20T12:40:00Z' }] };

it.each([
  ['read in full, with traces that the rule is about', day24([0, 0, 0], [1, 2, 0]), 'No violation; enabled rules: 1'],
  ['the newest step is not settled, which is no gap', day24([0, 0, null], [1, 2, null], UNSETTLED), 'No violation; enabled rules: 1'],
  ['a step is not known', day24([0, null, 0], [1, null, 2]), 'No violation in the steps that are known; enabled rules: 1'],
  ['the newest step could not be read', day24([0, 0, null], [1, 2, null], { ...UNSETTLED, windows_failed: [{ start: '2026-11-20T12:50:00Z', end: '2026-11-20T13:00:00Z', reason: 'http' }] }), 'No violation in the steps that are known; enabled rules: 1'],
  ['nothing that it is about', day24([0, 0, 0], [0, 0, 0]), 'No trace was about any of the 1 enabled rules: nothing could break them'],
  ['whether anything is, is not known', day24([0, 0, 0], [0, null, 0]), 'No violation; for which of the 1 enabled rules there were traces is not known'],
  ['a part without any trace, null', day24([null, 0, 0], [null, 2, 0], EMPTY_HALF), 'No violation where there were traces; enabled rules: 1'],
  ['a part without any trace, zero', day24([0, 0, 0], [0, 2, 0], EMPTY_HALF), 'No violation where there were traces; enabled rules: 1'],
  ['the source has nothing older', day24([0, 0, 0], [0, 2, 0], { data_from: '2026-11-20T12:40:00Z' }), 'No violation where there were traces; enabled rules: 1'],
  ['not everything was read', day24([0, null, 0], [1, 2, 0], { complete: false }, 'windows_failed: one'), 'No violation in what was read, but not everything was'],
  ['nothing is settled', day24([null], [null], { ...UNSETTLED, complete: false }, 'unsettled: nothing'), 'Nothing can be said about the last 24 hours'],
  ['no step is known', day24([null, null], [null, null]), 'Nothing can be said about the last 24 hours'],
])('says of a day without violations no more than is known: %s', async (_, handlers, said) => {
  show(handlers);
  expect(await (await card('Last 24 hours')).findByText(said)).toBeInTheDocument();
});

it('hedges a number for what is not known, not for the newest step, which is not settled', async () => {
  const open = show(day24([0, 2, null], [1, 2, null], UNSETTLED));
  expect(await screen.findByText('Violations: 2')).toBeInTheDocument();
  expect(screen.queryByText(/Not known/)).not.toBeInTheDocument();
  expect(screen.getByText('Counted: 2026-11-20 12:30:00 to 2026-11-20 12:50:00.')).toBeInTheDocument();
  open.unmount();
  show(day24([null, 2, null], [1, 2, null], UNSETTLED));
  expect(await screen.findByText('Violations: 2 at least')).toBeInTheDocument();
  expect(screen.getByText('Not known: 1 of 2 steps of 10 minutes, all rules together.')).toBeInTheDocument();
});

it('does not take what was not read for zero', async () => {
  show({ 'GET /v1/violations/series': { ...series([0, null, 2], { complete: false }), reason: 'windows_failed: one window could not be read' } });
  const day = await card('Last 24 hours');
  expect(await day.findByText('Violations: 2 at least')).toBeInTheDocument();
  expect(day.getByText('Not known: 1 of 3 steps of 10 minutes, all rules together.')).toBeInTheDocument();
  expect(day.getByTestId('coverage-incomplete')).toHaveTextContent('one window could not be read');
});

it('does not take a day without any trace for a good one', async () => {
  const nothing = { ...series([null, null], { complete: false }), reason: 'no_data: the source has no trace in this range' };
  show({ 'GET /v1/violations/series': nothing });
  const day = await card('Last 24 hours');
  expect(await day.findByText('No traces in the last 24 hours')).toBeInTheDocument();
  expect(day.getByText('So nothing can be said about any rule: the source has no trace in this range.')).toBeInTheDocument();
  expect(day.getByText(/betrace generate --otlp/)).toBeInTheDocument();
  expect(day.queryByRole('link', { name: 'See them' })).not.toBeInTheDocument();
  const unjudged = await card('Cannot be judged');
  expect(await unjudged.findByText('Without traces no rule can be judged.')).toBeInTheDocument();
  expect(unjudged.queryByRole('listitem')).not.toBeInTheDocument();
});

it('does not take rules that were all left out for a day without violations', async () => {
  show({ 'GET /v1/violations/series': { series: [], reason: null, coverage: coverage() } });
  expect(await (await card('Last 24 hours')).findByText('Nothing can be said about the last 24 hours')).toBeInTheDocument();
});

it('says that rules could not be listed, and does not wait for ever', async () => {
  const rules = ({ query }: StubRequest) => (query.get('enabled') === 'true' ? problem(503, 'busy', 'too many requests') : { rules: [rule()], cursor: null });
  show({ 'GET /v1/rules': rules });
  expect(await screen.findByText('too many requests')).toBeInTheDocument();
});

it('does not go on calling a service ready that does not answer any more', async () => {
  jest.useFakeTimers({ advanceTimers: true });
  let isUp = true;
  show({ 'GET /v1/ready': () => (isUp ? READY : problem(502, 'bad-gateway', 'nobody there')) });
  const service = await card('Service');
  expect((await service.findAllByText('Ready')).length).toBeGreaterThan(0);
  isUp = false;
  await act(() => jest.advanceTimersByTimeAsync(15_100));
  expect(await (await card('Service')).findByText('nobody there')).toBeInTheDocument();
  expect((await card('Service')).queryByText('Ready')).not.toBeInTheDocument();
  jest.useRealTimers();
});

it('shows recent replays, or that there are none', async () => {
  show({ 'GET /v1/replays': { replays: [replay()], cursor: null } });
  expect(await (await card('Recent replays')).findByRole('link', { name: 'Fraud check on large orders' })).toHaveAttribute('href', '/replay/r-1');
});

it('says when nobody answers', async () => {
  show({ 'GET /v1/health': UNREACHABLE, 'GET /v1/ready': UNREACHABLE, 'GET /v1/rules': UNREACHABLE, 'GET /v1/replays': UNREACHABLE });
  expect((await screen.findAllByText('The service did not answer')).length).toBeGreaterThan(0);
});

describe('in Grafana, whose server does not reach the service', () => {
  const BAD_GATEWAY = answer(502, { message: 'Bad Gateway' });
  const down = { 'GET /v1/health': BAD_GATEWAY, 'GET /v1/ready': BAD_GATEWAY, 'GET /v1/rules': BAD_GATEWAY, 'GET /v1/replays': BAD_GATEWAY };
  const connection = (settingsUrl: string | null) => ({ connection: () => ({ url: 'http://betrace:8080', settingsUrl }) });

  it('says so once, with the address and the way to the settings', async () => {
    show(down, connection('/plugins/betrace-app'));
    expect(await screen.findByText('Grafana’s server does not reach BeTrace at http://betrace:8080')).toBeInTheDocument();
    expect(screen.getAllByRole('alert')).toHaveLength(1);
    expect(screen.queryByText(/Bad Gateway|502/)).not.toBeInTheDocument();
    expect(screen.getByRole('link', { name: 'Open the settings' })).toHaveAttribute('href', '/plugins/betrace-app');
  });

  it('says who can help to whom may not change settings', async () => {
    show(down, connection(null));
    expect(await screen.findByText(/An administrator of this Grafana/)).toBeInTheDocument();
    expect(screen.queryByRole('link', { name: 'Open the settings' })).not.toBeInTheDocument();
  });

  it('shows a refusal of the service itself as it is', async () => {
    show({ 'GET /v1/rules': problem(502, 'tempo-unreachable', 'Tempo does not answer') }, connection(null));
    expect(await screen.findByText('Tempo does not answer')).toBeInTheDocument();
    expect(screen.queryByText(/does not reach BeTrace/)).not.toBeInTheDocument();
  });
});

describe('leads', () => {
  const counts = (count: Value[], exercised: Value[]) => ({ query }: StubRequest) => series(query.get('value') === 'exercised' ? exercised : count);
  /** The day before in steps of an hour, asked for by the rule's id; it ends a day before now. */
  const dayBefore = (values: Value[], change = {}) => {
    const end = Math.floor((Date.now() - 24 * 3600_000) / 3600_000) * 3600_000;
    const points = values.map((value, at) => [new Date(end - (values.length - at) * 3600_000).toISOString(), value]);
    return { series: [{ labels: { rule_id: 'fraud-check', rule: 'Fraud check on large orders', severity: 'critical' }, points, undecided: { steps: 0, budget: 0 } }], reason: null, coverage: coverage({ data_from: null, ...change }) };
  };
  const withDayBefore = (day: unknown) => ({ query }: StubRequest) => (query.get('step') === '1h' ? day : series(query.get('value') === 'exercised' ? [5, 5] : [0, 3]));

  it('tells what is broken now from what was, each number under the time that it is of', async () => {
    show({ 'GET /v1/violations/series': counts([4, 0, 0, 0, 0, 0, 0, 0, 3, null], [5]) });
    const day = await card('Last 24 hours');
    const recent = within(await day.findByRole('list', { name: 'Broken in the last hour, since 11:50' }));
    expect(recent.getByText('3')).toBeInTheDocument();
    expect(recent.getByText('In the last 24 hours: 7')).toBeInTheDocument();
    expect(day.queryByRole('list', { name: 'Broken earlier in the day' })).not.toBeInTheDocument();
  });

  it('calls new today what the day before had traces for, and did not break', async () => {
    const { host } = show({ 'GET /v1/violations/series': withDayBefore(dayBefore([0, 7])) });
    expect(await screen.findByText('New today')).toBeInTheDocument();
    expect(screen.getByText(/the day before it was not broken/)).toBeInTheDocument();
    const asked = host.requests.find(({ query }) => query.get('step') === '1h')?.query;
    expect([asked?.get('rule_id'), asked?.get('value'), asked?.get('start'), asked?.get('end')]).toEqual(['fraud-check', 'exercised', 'now-48h', 'now-24h']);
  });

  it.each([
    ['no trace is about it', dayBefore([0, 0]), /no trace of the day before is about the rule/],
    ['not known', dayBefore([0, null]), /whether traces of the day before are about the rule is not known/],
    ['a part of it has no trace', dayBefore([0, 0], { windows_empty: [{ start: '2026-11-20T12:00:00Z', end: '2026-11-20T12:30:00Z' }] }), /is not known/],
    ['its traces are gone', dayBefore([0, 0], { data_from: '2026-11-20T12:40:00Z' }), /is not known/],
    ['not everything was read', dayBefore([0, 0], { complete: false }), /is not known/],
    ['no trace at all', { series: [], reason: 'no_data: none', coverage: coverage({ complete: false }) }, /is not known/],
    ['the step that reaches into today does not count', { ...dayBefore([0, 0]), series: [{ ...dayBefore([0]).series[0], points: [[new Date(Date.now() - 24.5 * 3600_000).toISOString(), 9]] }] }, /is not known/],
  ])('does not call new what the day before says nothing of: %s', async (_, day, said) => {
    show({ 'GET /v1/violations/series': withDayBefore(day) });
    expect(await screen.findByText(said)).toBeInTheDocument();
    expect(screen.queryByText('New today')).not.toBeInTheDocument();
  });

  it('does not call new what was there before, nor what is not proven', async () => {
    const earlier = { 'GET /v1/violations/series': counts([4, 0, 0, 0, 0, 0, 0, 0, 0, 0], [5]) };
    show({ ...earlier, 'GET /v1/rules/fraud-check/first-violation': firstOf({ violation: violation({ time: new Date(Date.now() - 30 * 3600_000).toISOString() }) }) });
    expect(await screen.findByText('Was broken the day before, too')).toBeInTheDocument();
    expect(screen.getByRole('list', { name: 'Broken earlier in the day' })).toBeInTheDocument();
    show({ ...earlier, 'GET /v1/rules/fraud-check/first-violation': firstOf({ at_edge_of_data: true }) });
    expect(await screen.findByText(/it may have begun before/)).toBeInTheDocument();
    show({ ...earlier, 'GET /v1/rules/fraud-check/first-violation': firstOf({ proven: false, reason: 'windows_failed: one was not read' }) });
    expect(await screen.findByText('When it began is not known: one was not read')).toBeInTheDocument();
    show({ ...earlier, 'GET /v1/rules/fraud-check/first-violation': problem(503, 'busy', 'two run already') });
    expect(await screen.findByText('When it began could not be asked: two run already')).toBeInTheDocument();
    expect(screen.queryByText('New today')).not.toBeInTheDocument();
  });

  describe('when its rate rose', () => {
    const part = (violations: number) => ({ violations, exercised: 100, seconds: 3600 });
    const rise = { direction: 'rose' as const, at: '2026-11-20T11:42:13Z', from: '2026-11-20T11:39:00Z', to: '2026-11-20T11:45:00Z', before: part(2), after: part(45) };
    const broken = (problems: unknown, more = {}) => show({ 'GET /v1/violations/series': counts([4, 3], [5]), 'GET /v1/problems': problems, ...more });
    const answered = (...changes: Array<Partial<ReturnType<typeof foundProblem>>>) => problemsAnswer({ problems: changes.map((one, at) => foundProblem({ id: `${at}`, ...one })) });

    it('says so, and what sets its traces apart, without a click', async () => {
      const { host } = broken(answered({ changes: [], count: 99 }, { changes: [rise], count: 4 }), { 'GET /v1/rules/fraud-check/contrast': contrastAnswer() });
      expect(await screen.findByText(/Rose at/)).toBeInTheDocument();
      expect(await screen.findByText('service.version 1.4.3')).toBeInTheDocument();
      const asked = host.requests.find(({ path }) => path === '/v1/problems')?.query;
      expect([asked?.getAll('rule_id'), asked?.get('start'), asked?.get('end')]).toEqual([['fraud-check'], 'now-24h', 'now']);
    });

    it.each([
      ['no change', answered({ changes: [] }), 'No change of its rate could be told from chance in the traces that there are.'],
      ['not everything was read', { ...answered({ changes: [] }), status: 'incomplete', reason: 'timeout: the time was over' }, 'When its rate changed is not known: the time was over'],
      ['one is not known', answered({ changes: [] }, { changes: null, changes_unknown: 'steps were not read' }), 'When its rate changed is not known: steps were not read'],
      ['not among problems', answered({ rule_id: 'other' }), 'When its rate changed is not known: the search for problems found none of its violations'],
      ['refused', problem(503, 'busy', 'two run already'), 'When its rate changed is not known: two run already'],
      ['asking', NEVER, 'Looking when its rate changed…'],
    ])('keeps apart: %s', async (_, problems, words) => {
      broken(problems);
      expect(await screen.findByText(words)).toBeInTheDocument();
    });

    it('says when it fell, and asks nothing further', async () => {
      const { host } = broken(answered({ changes: [rise, { ...rise, direction: 'fell' }] }));
      expect(await screen.findByText(/Fell at/)).toBeInTheDocument();
      expect(host.requests.some(({ path }) => path.endsWith('/contrast'))).toBe(false);
    });

    it('does not ask before it is known which rules stand first', async () => {
      const { host } = show({ 'GET /v1/violations/series': { ...series([4, null]), reason: 'not_evaluated: 1 step' } });
      expect(await screen.findByText('Looking when its rate changed…')).toBeInTheDocument();
      expect(host.requests.some(({ path }) => path === '/v1/problems')).toBe(false);
    });
  });

  it('names rules of which the day says nothing, each with why', async () => {
    const rules = { 'GET /v1/rules': { rules: [rule(), rule({ id: 'old', name: 'Old text', broken: 'its text does not compile' })], cursor: null } };
    show({ ...rules, 'GET /v1/violations/series': counts([0, 0], [0, 0, null]) });
    const unjudged = await card('Cannot be judged');
    expect((await unjudged.findByRole('link', { name: 'Fraud check on large orders' })).closest('li')).toHaveAttribute('data-kind', 'idle');
    expect(unjudged.getByText('No trace is about it in the steps of 10 minutes that are known: 2 of 3')).toBeInTheDocument();
    expect(unjudged.getByText('its text does not compile')).toBeInTheDocument();
  });

  it.each([
    ['budget', { steps: 3, budget: 2 }, /more steps than its budget on traces of 2 of 4 .* larger budget/],
    ['open', { steps: 3 }, /Traces of 3 of 4 .* cannot be decided/],
  ])('names a rule whose verdicts are not reached, with its violations too: %s', async (kind, undecided, why) => {
    show({ 'GET /v1/violations/series': ({ query }: StubRequest) => (query.get('value') === 'exercised' ? series([5]) : series([null, null, null, 7], {}, 'fraud-check', undecided)) });
    const unjudged = await card('Cannot be judged');
    const link = await unjudged.findByRole('link', { name: 'Fraud check on large orders' });
    expect(link).toHaveAttribute('href', '/rules/fraud-check');
    expect(link.closest('li')).toHaveAttribute('data-kind', kind);
    expect(unjudged.getByText(why)).toBeInTheDocument();
    expect((await card('Last 24 hours')).getByText(/Violations: 7/)).toBeInTheDocument();
  });

  it('keeps asking, failing and finding none apart', async () => {
    show({ 'GET /v1/violations/series': counts([0], [3]) });
    expect(await (await card('Cannot be judged')).findByText(/No rule that is known to be without traces/)).toBeInTheDocument();
    const { unmount } = show({ 'GET /v1/violations/series': ({ query }: StubRequest) => (query.get('value') === 'exercised' ? NEVER() : series([0])) });
    expect(await screen.findByText('Looking for rules that no trace is about…')).toBeInTheDocument();
    unmount();
    show({ 'GET /v1/violations/series': ({ query }: StubRequest) => (query.get('value') === 'exercised' ? problem(503, 'busy', 'too many') : series([0])) });
    expect(await screen.findByText('Which rules no trace is about could not be asked')).toBeInTheDocument();
  });
});
