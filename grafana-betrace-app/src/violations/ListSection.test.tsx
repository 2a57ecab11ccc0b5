// The list by what people see: rows, pages, keys, and each way of being empty.
import { screen, waitFor } from '@testing-library/react';

import type { Coverage, Rule, ViolationPage } from '../api/types';
import { rule } from '../test/fixtures';
import { answer, NEVER, problem, UNREACHABLE, type StubRequest } from '../test/host';
import { render } from '../test/render';
import { ListSection } from './ListSection';
import { firstPage, giveElementsASize, numbered, page, RULES, series, STEPS } from './testPages';
import { useViolationList } from './useViolationList';

function Section({ rules }: { rules: readonly Rule[] }) {
  return <ListSection list={useViolationList()} rules={rules} />;
}

beforeAll(giveElementsASize);

/** Each rule has traces that it is about. */
const EXERCISED = { 'GET /v1/violations/series': series([4, 2]) };
const show = (handlers: object = {}, at = '/violations?from=now-6h&to=now', rules: readonly Rule[] = RULES) =>
  render(<Section rules={rules} />, { handlers: { 'GET /v1/violations': page(3), ...EXERCISED, ...handlers }, at, path: '/violations' });
const asked = (requests: StubRequest[], path: string) =>
  requests.filter((request) => request.path === path).map((request) => request.query);
const rows = () => screen.queryAllByRole('row').filter((row) => row.hasAttribute('data-row'));

describe('the list', () => {
  it('shows violations, how many of how many traces, and that all was looked at', async () => {
    show();
    expect(await screen.findByText('message 0')).toBeInTheDocument();
    expect(rows()).toHaveLength(3);
    expect(screen.getByText('3 violations')).toBeInTheDocument();
    expect(screen.getByText(/^All of 2026-11-20 12:00:00 to 2026-11-20 13:00:00 was looked at: 5,000 traces/)).toBeInTheDocument();
  });

  it('asks what the URL says, and nothing is asked twice', async () => {
    const { host } = show(
      {},
      '/violations?from=now-1h&to=now&rule=other&severity=critical&service=shop&framework=SOC2&trace=BEEF&order=oldest'
    );
    await screen.findByText('message 0');
    const [first, ...others] = asked(host.requests, '/v1/violations');
    expect(Object.fromEntries(first)).toMatchObject({
      start: 'now-1h',
      end: 'now',
      rule_id: 'other',
      severity: 'critical',
      service: 'shop',
      framework: 'SOC2',
      trace_id: 'beef',
      order: 'oldest',
    });
    expect(others).toEqual([]);
  });

  it('keeps few of ten thousand rows in the document', async () => {
    show({ 'GET /v1/violations': page(10_000) });
    await screen.findByText('message 0');
    expect(rows().length).toBeLessThan(60);
    expect(screen.getByRole('grid')).toHaveAttribute('aria-rowcount', '10001');
  });

  it('loads the next page when the end comes near, by the cursor, and knows the total only then', async () => {
    const pages = (request: StubRequest) =>
      request.query.get('cursor') === 'next' ? { ...page(0), violations: [numbered(100)], total_count: 6 } : firstPage(5);
    const { host } = show({ 'GET /v1/violations': pages });
    expect(await screen.findByText('message 100')).toBeInTheDocument();
    expect(screen.getByText('6 violations')).toBeInTheDocument();
    expect(asked(host.requests, '/v1/violations').map((query) => query.get('cursor'))).toEqual([null, 'next']);
  });

  it('says that a total is not known', async () => {
    const pages = (request: StubRequest) => (request.query.get('cursor') ? NEVER() : firstPage(5));
    show({ 'GET /v1/violations': pages });
    expect(await screen.findByText('5 violations loaded; how many there are in all is not known')).toBeInTheDocument();
    expect(screen.getByText(/There may be more violations/)).toBeInTheDocument();
    expect(screen.getByRole('grid')).toHaveAttribute('aria-rowcount', '-1');
  });

  it('shows how far it has come while it is still looking, with what it has', async () => {
    const half = { windows_failed: [{ start: '2026-11-20T12:00:00Z', end: '2026-11-20T12:45:00Z', reason: 'not evaluated yet' }] };
    const first = { ...firstPage(2), coverage: { ...firstPage(2).coverage, ...half } };
    const pages = (request: StubRequest) => (request.query.get('cursor') ? NEVER() : first);
    const { host } = show({ 'GET /v1/violations': pages });
    expect(await screen.findByText('message 1')).toBeInTheDocument();
    expect(screen.getByRole('progressbar', { name: 'Part of the range that was looked at' })).toHaveValue(25);
    expect(screen.getByText('Looking further…')).toBeInTheDocument();
    expect(asked(host.requests, '/v1/violations').map((query) => query.get('timeout'))).toEqual(['5s', '5s']);
  });

  it('offers a way on where the end of the list is far', async () => {
    const pages = (request: StubRequest) => (request.query.get('cursor') ? page(0) : firstPage(100));
    const { host, user } = show({ 'GET /v1/violations': pages });
    await user.click(await screen.findByRole('button', { name: 'Look further' }));
    expect(asked(host.requests, '/v1/violations')[1].get('cursor')).toBe('next');
    expect(screen.queryByRole('progressbar')).not.toBeInTheDocument();
  });

  it('keeps what is loaded when the next page fails, and does not ask on by itself', async () => {
    const pages = (request: StubRequest) => (request.query.get('cursor') ? problem(503, 'busy', 'too many questions') : firstPage(2));
    const { host } = show({ 'GET /v1/violations': pages });
    expect(await screen.findByText(/too many questions/)).toBeInTheDocument();
    expect(rows()).toHaveLength(2);
    expect(asked(host.requests, '/v1/violations')).toHaveLength(2);
  });

  it('goes on over pages without rows that come at once, and asks for more rows than at first', async () => {
    const none = (cursor: string) => ({ ...firstPage(0), cursor });
    const pages: Record<string, unknown> = { next: none('a'), a: none('b'), b: none('c'), c: { ...page(0), violations: [numbered(7)] } };
    const { host } = show({ 'GET /v1/violations': ({ query }: StubRequest) => pages[query.get('cursor') ?? ''] ?? firstPage(2) });
    expect(await screen.findByText('message 7')).toBeInTheDocument();
    expect(rows()).toHaveLength(3);
    expect(asked(host.requests, '/v1/violations').map((query) => query.get('limit'))).toEqual(['200', '1000', '1000', '1000', '1000']);
  });

  it('is walked with the keys and opens a row with Enter, with the list in the link', async () => {
    const { user, location } = show();
    await screen.findByText('message 0');
    const first = rows()[0];
    expect(first).toHaveAttribute('tabindex', '0');
    first.focus();
    await user.keyboard('{ArrowDown}{ArrowDown}{ArrowUp}');
    await waitFor(() => expect(rows()[1]).toHaveFocus());
    await user.keyboard('{End}{Enter}');
    expect(location()).toBe(`/violations/fraud-check/${'2'.padStart(32, '0')}?from=now-6h&to=now`);
  });

  it('links each row to its problem, by a click and by Tab; one whose problem the service does not say has none', async () => {
    const listed = { ...page(2), violations: [{ ...numbered(0), problem: '0123456789abcdef' }, numbered(1)] };
    const { user, location } = show({ 'GET /v1/violations': listed }, '/violations?from=now-1h&to=now&view=list&severity=high');
    await screen.findByText('message 0');
    const link = screen.getByRole('link', { name: 'Open its problem' });
    expect(rows()[0]).toContainElement(link);
    expect(rows()[1]).toHaveTextContent('Not known');
    rows()[0].focus();
    await user.tab();
    expect(link).toHaveFocus();
    await user.keyboard('{Enter}');
    expect(location()).toBe('/violations?rule=fraud-check&problem=0123456789abcdef&from=now-1h&to=now');
  });

  it('is gone through by j and k, from anywhere on the page', async () => {
    const { user } = show();
    await screen.findByText('message 0');
    await user.keyboard('j');
    await waitFor(() => expect(rows()[0]).toHaveFocus());
    await user.keyboard('jj');
    await waitFor(() => expect(rows()[2]).toHaveFocus());
    await user.keyboard('k');
    await waitFor(() => expect(rows()[1]).toHaveFocus());
  });

  it('shows HTML and long names as text', async () => {
    show({ 'GET /v1/violations': { ...page(1), violations: [{ ...numbered(0), message: '<b>a/b</b> & "c"' }] } });
    expect(await screen.findByText('<b>a/b</b> & "c"')).toBeInTheDocument();
  });
});

describe('nothing to list', () => {
  const empty = (more: Partial<ViolationPage> = {}, change: Partial<Coverage> = {}) => ({ 'GET /v1/violations': page(0, more, change) });

  it('says of how many traces none violates', async () => {
    show(empty());
    expect(await screen.findByText('No violations among 5,000 traces')).toBeInTheDocument();
    await waitFor(() => expect(screen.queryByText(/Looking whether traces were about/)).not.toBeInTheDocument());
    expect(screen.queryByText(/nothing could break it|is not known/)).not.toBeInTheDocument();
  });

  it.each([
    ['no trace is about the rule', series([0, 0]), 'No trace was about Fraud check: nothing could break it.'],
    ['that is not known', series([0, null]), 'Whether traces were about Fraud check is not known.'],
    ['that could not be asked', problem(503, 'busy', 'too many'), 'Whether traces were about these rules could not be asked.'],
  ])('says of what an empty list says nothing: %s', async (_, exercised, said) => {
    show({ ...empty(), 'GET /v1/violations/series': exercised });
    expect(await screen.findByText(said)).toBeInTheDocument();
  });

  it.each([
    ['data_from', { data_from: '2026-11-20T12:40:00Z' }, /from before 2026-11-20 12:40:00/],
    ['windows_empty', { windows_empty: [{ start: '2026-11-20T12:10:00Z', end: '2026-11-20T12:20:00Z' }] }, /Without any trace: 2026-11-20 12:10:00/],
  ])('says of a range that had no traces in a part that it had none: %s', async (_, change, said) => {
    show(empty({}, change));
    expect(await screen.findByText('No violations where there were traces: 5,000 traces')).toBeInTheDocument();
    expect(screen.getAllByText(said).length).toBeGreaterThan(0);
  });

  it('says what the number of kept traces stands for', async () => {
    const estimated = { text: 'none seen; at most 35 (95 %)' };
    show(empty({ estimated }, { sampling: { known: 'by_chance', declared: null, text: 'traces are a 10 % sample' } }));
    expect(await screen.findByText('none seen; at most 35 (95 %)')).toBeInTheDocument();
    expect(screen.getByText('No violations among 5,000 traces that were kept')).toBeInTheDocument();
  });

  it('offers to clear filters', async () => {
    const { user, location } = show(empty(), '/violations?severity=high');
    await screen.findByText('No violations among 5,000 traces');
    await user.click(screen.getAllByRole('button', { name: 'Clear filters' })[0]);
    expect(location()).toBe('/violations');
  });

  it('leads to the first rule where there is none', async () => {
    show(empty({ reason: 'no_rules: none', total_count: null }, { complete: false }), undefined, []);
    expect(await screen.findByText('There are no rules yet')).toBeInTheDocument();
  });

  it('says that no rule is enabled', async () => {
    show(empty(), undefined, [rule({ enabled: false })]);
    expect(await screen.findByText('No rule is enabled')).toBeInTheDocument();
  });

  it('never says "no violations" of a range without traces', async () => {
    show(empty({ total_count: null, traces_evaluated: 0, reason: 'no_data: the source has no trace in this range' }, { complete: false }));
    expect(await screen.findByRole('heading', { name: 'Nothing was looked at' })).toBeInTheDocument();
    expect(screen.queryByText(/^No violations/)).not.toBeInTheDocument();
  });

  it('says that the traces could not be read, with the reason', async () => {
    const failed = { complete: false, windows_failed: [{ start: STEPS[0], end: STEPS[1], reason: 'refused' }] };
    show(empty({ total_count: null, traces_evaluated: 0, reason: 'source: the connection was refused' }, failed));
    expect(await screen.findByText('The traces could not be read')).toBeInTheDocument();
    expect(screen.getByText('Nothing is known about this range: the connection was refused')).toBeInTheDocument();
  });

  it('looks on by itself while nothing was found and the range is not over', async () => {
    const pages = (request: StubRequest) => (request.query.get('cursor') ? page(0) : firstPage(0));
    const { host } = show({ 'GET /v1/violations': pages });
    expect(await screen.findByText('No violations among 5,000 traces')).toBeInTheDocument();
    expect(asked(host.requests, '/v1/violations')).toHaveLength(2);
  });

  it('shows that the service is not there', async () => {
    show({ 'GET /v1/violations': UNREACHABLE });
    expect(await screen.findByText('Violations could not be listed')).toBeInTheDocument();
  });

  it('shows what the service refuses', async () => {
    show({ 'GET /v1/violations': answer(400, { title: 'Bad Request', detail: 'start: is after end', status: 400, type: 'x' }) });
    expect(await screen.findByText('start: is after end')).toBeInTheDocument();
  });
});
