// The drill-down by what people see: why, the trace, links, and what is not there.
import { screen, waitFor, within } from '@testing-library/react';

import type { TraceSpan, TraceVerdicts, Violation } from '../../api/types';
import { coverage, rule, violation } from '../../test/fixtures';
import { problem, UNREACHABLE } from '../../test/host';
import { render } from '../../test/render';
import { giveElementsASize, page } from '../../violations/testPages';
import ViolationPage from '.';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const START = 1_795_264_496_000_000_000n;

function span(id: string, parent: string | null, offset: number, change: Partial<TraceSpan> = {}): TraceSpan {
  const start = START + BigInt(offset) * 1_000_000n;
  return {
    span_id: id,
    parent_span_id: parent,
    name: id,
    service: 'shop',
    kind: 'internal',
    status: 'unset',
    status_message: null,
    start_unix_nano: String(start),
    end_unix_nano: String(start + 100_000_000n),
    attributes: {},
    ...change,
  };
}

const WITNESS = {
  span_id: 'pay',
  binding: 'p',
  name: 'pay',
  service: 'shop',
  start: '2026-11-21T12:34:56.050000000Z',
  duration: '100ms',
  range: { start: 0, end: 3 },
  attributes: { amount: '7' },
};

const found = (change: Partial<Violation> = {}): Violation =>
  violation({
    trace_id: TRACE,
    witnesses: [WITNESS],
    failed: { start: 0, end: 9, clause: 'always', text: 'audit after p within 1s', message: 'no audit after p within 1s' },
    choices_total: 1,
    ...change,
  });

const judged = (change: object = {}) => ({
  rule_id: 'fraud-check',
  rule_name: 'Fraud check on large orders',
  rule_version: 3,
  severity: 'critical' as const,
  shadow: false,
  verdict: 'violated' as const,
  reason: null,
  spent: null,
  exercised: true,
  violation: found(),
  ...change,
});

const verdicts = (change: Partial<TraceVerdicts> = {}): TraceVerdicts => ({
  trace_id: TRACE,
  span_count: 3,
  start: '2026-11-21T12:34:56Z',
  end: '2026-11-21T12:34:57Z',
  root_name: 'POST /checkout',
  root_service: 'shop',
  incomplete: [],
  verdicts: [judged()],
  not_evaluated: [],
  spans: [span('root', null, 0), span('pay', 'root', 50, { attributes: { amount: '7' }, status: 'error' }), span('ship', 'root', 80)],
  linked: [],
  ...change,
});

const VERDICTS = `GET /v1/traces/${TRACE}/verdicts`;
const PATH = `/violations/fraud-check/${TRACE}`;

beforeAll(giveElementsASize);

const show = (answers: unknown = verdicts(), at = PATH, more: object = {}, host = {}) =>
  render(<ViolationPage />, { handlers: { [VERDICTS]: answers, 'GET /v1/rules/fraud-check': rule(), ...more }, at, path: '/violations/:ruleId/:traceId', host });
const spans = () => screen.getAllByRole('row').filter((row) => row.hasAttribute('data-item'));
const said = (row: HTMLElement) => row.textContent ?? '';

describe('why', () => {
  it('asks for the verdicts and the spans in one', async () => {
    const { host } = show();
    await screen.findByRole('treegrid');
    const asked = host.requests.filter(({ path }) => !['/v1/rules/fraud-check', '/v1/health'].includes(path));
    expect(asked.map((request) => [request.path, request.query.get('include')])).toEqual([[`/v1/traces/${TRACE}/verdicts`, 'spans']]);
  });

  it('says what is missing, near which span, and by which version of the rule', async () => {
    show();
    const why = await screen.findByRole('region', { name: 'Why it violates the rule' });
    expect(why).toHaveTextContent(/^no audit after p within 1sp is the span pay of shop\./);
    expect(why).toHaveTextContent('p: pay of shop (amount = 7)');
    expect(screen.getByRole('link', { name: 'fraud-check, version 3' })).toHaveAttribute(
      'href',
      '/rules/fraud-check?panel=history&version=3'
    );
    expect(screen.getByText('Confirmed')).toBeInTheDocument();
  });

  it('goes through the ways in which the rule is broken, and says that there are more', async () => {
    const other = {
      witnesses: [{ ...WITNESS, span_id: 'ship', name: 'ship', start: '2026-11-21T12:34:56.080000000Z' }],
      failed: { start: 0, end: 9, clause: 'always' as const, text: 'count(x) == 2', message: 'count(x) is 3, expected == 2' },
    };
    const { user } = show(verdicts({ verdicts: [judged({ violation: found({ more_choices: [other], choices_total: 12 }) })] }));
    expect(await screen.findByText(/Way 1 of 2 that are reported \(12 in all\)/)).toBeInTheDocument();
    await user.click(screen.getByRole('button', { name: 'The next way' }));
    expect(screen.getByRole('region', { name: 'Why it violates the rule' })).toHaveTextContent(
      'count(x) is 3, expected == 2'
    );
    expect(
      spans()
        .filter((row) => row.dataset.witness)
        .map(said)
    ).toEqual([expect.stringContaining('ship')]);
    expect(screen.queryByText('Missing here')).not.toBeInTheDocument();
  });
});

describe('the trace', () => {
  it('marks the witness in words and draws what is missing behind it', async () => {
    show();
    await screen.findByRole('treegrid');
    expect(spans().map(said)).toEqual([
      expect.stringMatching(/^root shop/),
      expect.stringContaining('Witness: p'),
      expect.stringContaining('Missing here'),
      expect.stringMatching(/^ship/),
    ]);
    expect(spans()[1]).toHaveAttribute('aria-level', '2');
  });

  it('shows the witness first, with its attributes and what they are', async () => {
    show();
    const details = await screen.findByRole('complementary', { name: 'Selected span' });
    expect(details).toHaveTextContent('Witness (p) of');
    expect(details).toHaveTextContent('amount7');
    expect(details).toHaveTextContent('Only attributes that an enabled rule compares are shown here');
  });

  it('selects by a click and keeps the span in the URL, which opens it again', async () => {
    const { user, location, unmount } = show();
    await screen.findByRole('treegrid');
    await user.click(within(spans()[3]).getByText('ship'));
    expect(location()).toBe(`${PATH}?span=ship.internal`);
    unmount();
    show(verdicts(), `${PATH}?span=ship.internal`);
    expect(await screen.findByRole('complementary', { name: 'Selected span' })).toHaveTextContent('ship');
  });

  it('closes and opens with the keys', async () => {
    const { user } = show();
    await screen.findByRole('treegrid');
    spans()[0].focus();
    await user.keyboard('{ArrowLeft}');
    expect(spans().map(said)).toEqual([expect.stringContaining('+2 hidden'), expect.stringContaining('Missing here')]);
    await user.keyboard('{ArrowRight}{ArrowDown}{ArrowDown}{ArrowDown}{Enter}');
    await waitFor(() => expect(screen.getByRole('complementary', { name: 'Selected span' })).toHaveTextContent('ship'));
  });

  it('keeps few of ten thousand spans in the document', async () => {
    const many = [span('root', null, 0), ...Array.from({ length: 9_999 }, (_, i) => span(`s${i}`, 'root', i))];
    show(verdicts({ spans: many, span_count: 10_000, verdicts: [judged({ verdict: 'satisfied', violation: null })] }));
    await screen.findByRole('treegrid');
    expect(spans().length).toBeLessThan(80);
    expect(screen.getByRole('treegrid')).toHaveAttribute('aria-rowcount', '10001');
  });

  it('says what may be missing of it', async () => {
    show(verdicts({ incomplete: ['unsettled', 'partial', 'pruned', 'missing_parents'], span_count: 20_000 }));
    const notice = await screen.findByText('This may not be the whole trace');
    expect(notice.closest('[data-testid], [role=alert], div')?.parentElement?.parentElement).toHaveTextContent(
      /more spans may come.*does not give all of it.*were summed up.*name a parent that is not there.*first 3 of its 20000 spans/
    );
  });

  it('says what is odd about a span', async () => {
    show(
      verdicts({ spans: [span('root', 'gone', 10), span('pay', 'root', 0, { end_unix_nano: String(START - 5n) })] }),
      `${PATH}?span=pay.internal`
    );
    const details = await screen.findByRole('complementary', { name: 'Selected span' });
    expect(details).toHaveTextContent('It starts before its parent');
    expect(details).toHaveTextContent('It ends before it starts: its duration counts as 0');
  });
});

describe('links', () => {
  it('opens the trace in Explore where there is one', async () => {
    show();
    expect(await screen.findByRole('link', { name: 'Open in Explore' })).toHaveAttribute('href', expect.stringContaining(`trace=${TRACE}`));
  });

  it('finds when it started, and only on a click', async () => {
    const first = {
      found: true,
      status: 'completed',
      proven: true,
      at_edge_of_data: false,
      reason: null,
      looked_at: { start: '2026-11-19T00:00:00Z', end: '2026-11-20T13:00:00Z' },
      coverage: coverage(),
      violation: found({ trace_id: 'b'.repeat(32) }),
    };
    const { host, user } = show(verdicts(), PATH, { 'GET /v1/rules/fraud-check/first-violation': first });
    const ask = await screen.findByRole('button', { name: 'Find the first' });
    expect(host.requests.filter(({ path }) => path.endsWith('first-violation'))).toHaveLength(0);
    await user.click(ask);
    expect(await screen.findByText(/It started at .*Proven/)).toBeInTheDocument();
    expect(screen.getByRole('link', { name: 'Show it' })).toHaveAttribute('href', `/violations/fraud-check/${'b'.repeat(32)}`);
  });

  it('asks not for the beginning of what is no violation any more', async () => {
    show(verdicts({ verdicts: [judged({ verdict: 'satisfied', violation: null })] }));
    await screen.findByRole('treegrid');
    expect(screen.queryByRole('button', { name: 'Find the first' })).not.toBeInTheDocument();
  });

  it('copies its own address', async () => {
    const { user } = show();
    Object.defineProperty(window, 'isSecureContext', { value: true, configurable: true }); // else the button needs execCommand
    const write = jest.spyOn(navigator.clipboard, 'writeText').mockResolvedValue();
    await user.click(await screen.findByRole('button', { name: 'Copy link' }));
    await waitFor(() => expect(write).toHaveBeenCalledWith(window.location.href));
  });

  it('offers no Explore where there is none', async () => {
    show(verdicts(), PATH, {}, { exploreTraceUrl: () => null });
    await screen.findByRole('treegrid');
    expect(screen.queryByRole('link', { name: 'Open in Explore' })).not.toBeInTheDocument();
  });

  it('offers no Explore for a trace of a ClickHouse, which no Tempo has', async () => {
    show(verdicts(), PATH, { 'GET /v1/health': { metadata: { source: 'clickhouse' } } });
    await screen.findByRole('treegrid');
    await waitFor(() => expect(screen.queryByRole('link', { name: 'Open in Explore' })).not.toBeInTheDocument());
  });

  it('links to the page that the service names, and to no other kind of address', async () => {
    const page = `https://signoz.example/trace/${TRACE}?spanId=pay`;
    const { unmount } = show(verdicts({ verdicts: [judged({ violation: found({ trace_url: page }) })] }));
    expect(await screen.findByRole('link', { name: 'Open the trace' })).toHaveAttribute('href', page);
    unmount();
    show(verdicts({ verdicts: [judged({ violation: found({ trace_url: 'javascript:alert(1)' }) })] }));
    await screen.findByRole('treegrid');
    expect(screen.queryByRole('link', { name: 'Open the trace' })).not.toBeInTheDocument();
  });

  it('shows all rules on this trace, with links to what else it violates', async () => {
    const others = [
      judged(),
      judged({ rule_id: 'b', rule_name: 'B', violation: found({ rule_id: 'b', rule_name: 'B' }) }),
      judged({ rule_id: 'c', rule_name: 'C', verdict: 'inconclusive', reason: 'skew', violation: null }),
    ];
    show(verdicts({ verdicts: others, not_evaluated: [{ rule_id: 'd', reason: 'E001' }] }));
    const rules = await screen.findByRole('region', { name: 'All rules on this trace' });
    expect(within(rules).getByRole('link', { name: 'B' })).toHaveAttribute('href', `/violations/b/${TRACE}`);
    expect(within(rules).getByRole('link', { name: 'C' })).toHaveAttribute('href', '/rules/c');
    expect(rules).toHaveTextContent('too close in time');
    expect(rules).toHaveTextContent('Not evaluatedd E001');
  });

  it('goes to the next violation of the list that the reader came from', async () => {
    const list = page(0, {
      violations: [found({ id: '1', trace_id: 'a' }), found({ id: '2' }), found({ id: '3', trace_id: 'c' })],
      total_count: 3,
    });
    show(verdicts(), `${PATH}?from=now-1h&to=now&severity=critical&span=x.y`, { 'GET /v1/violations': list });
    expect(await screen.findByText('2 of 3')).toBeInTheDocument();
    expect(screen.getByRole('link', { name: 'Previous' })).toHaveAttribute(
      'href',
      '/violations/fraud-check/a?from=now-1h&to=now&severity=critical'
    );
    expect(screen.getByRole('link', { name: 'Next' })).toHaveAttribute(
      'href',
      '/violations/fraud-check/c?from=now-1h&to=now&severity=critical'
    );
  });

  it('goes to the next one by j, to the one before by k, and nowhere beyond an end', async () => {
    const list = page(0, { violations: [found({ id: '2' }), found({ id: '3', trace_id: 'c' })], total_count: 2 });
    const { user, location } = show(verdicts(), `${PATH}?from=now-1h&to=now`, { 'GET /v1/violations': list });
    await screen.findByText('1 of 2');
    await user.keyboard('k');
    expect(location()).toBe(`${PATH}?from=now-1h&to=now`);
    await user.keyboard('?');
    expect(await screen.findByRole('dialog', { name: 'Keys of this page' })).toHaveTextContent('jTo the next violation of the list');
    await user.keyboard('j{Escape}');
    expect(location()).toBe(`${PATH}?from=now-1h&to=now`);
    await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument());
    await user.keyboard('j');
    expect(location()).toBe('/violations/fraud-check/c?from=now-1h&to=now');
  });

  it('links the runbook of the rule, if it is an address of the web', async () => {
    const annotated = (address: string) => ({ 'GET /v1/rules/fraud-check': rule({ annotations: { runbook_url: address } }) });
    const { unmount } = show(verdicts(), PATH, annotated('https://runbooks.example/fraud'));
    expect(await screen.findByRole('link', { name: 'Runbook' })).toHaveAttribute('href', 'https://runbooks.example/fraud');
    unmount();
    show(verdicts(), PATH, annotated('javascript:alert(1)'));
    await screen.findByRole('button', { name: 'Copy the command that makes a test of this' });
    expect(screen.queryByRole('link', { name: 'Runbook' })).not.toBeInTheDocument();
  });

  it('does not evaluate a list for who comes by another link', async () => {
    const { host } = show();
    await screen.findByRole('treegrid');
    expect(host.requests.filter(({ path }) => path.startsWith('/v1/violations'))).toHaveLength(0);
    expect(screen.queryByText('Next')).not.toBeInTheDocument();
  });
});

describe('what is not there', () => {
  it('says that the trace is gone, and shows what the list still knows', async () => {
    const list = page(0, { violations: [found({ message: 'what the list knows' })], total_count: 1 });
    show(problem(404, 'not-found', 'The source has no trace.'), `${PATH}?from=now-1h`, { 'GET /v1/violations': list });
    expect(await screen.findByText('The trace is not there')).toBeInTheDocument();
    expect(screen.getByText('The source has no trace.')).toBeInTheDocument();
    expect(await screen.findByText('what the list knows')).toBeInTheDocument();
  });

  it('says that the trace does not violate the rule any more', async () => {
    show(verdicts({ verdicts: [judged({ verdict: 'inconclusive', reason: 'incomplete', violation: null, rule_version: 4 })] }));
    expect(await screen.findByText('This trace does not violate the rule as it is now')).toBeInTheDocument();
    expect(screen.getByText(/Its verdict with version 4 is: inconclusive/)).toBeInTheDocument();
    expect(screen.getByRole('treegrid')).toBeInTheDocument();
  });

  it('says that the rule was not asked', async () => {
    show(verdicts({ verdicts: [] }));
    expect(await screen.findByText(/There is no enabled rule fraud-check/)).toBeInTheDocument();
  });

  it('says why a rule could not be asked', async () => {
    show(verdicts({ verdicts: [], not_evaluated: [{ rule_id: 'fraud-check', reason: 'E001 at 1:1' }] }));
    expect(await screen.findByText('Its text does not compile: E001 at 1:1')).toBeInTheDocument();
  });

  it('shows that the service is not there, and asks again', async () => {
    const { host, user } = show(UNREACHABLE);
    expect(await screen.findByText('The trace could not be read')).toBeInTheDocument();
    host.handlers[VERDICTS] = verdicts();
    await user.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await screen.findByRole('treegrid')).toBeInTheDocument();
  });
});
