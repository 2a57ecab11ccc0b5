// One replay: running, done, incomplete, gone; what it must never look like.
import { act, screen, waitFor } from '@testing-library/react';
import { counters, replay } from '../../test/replayFixtures';
import { coverage, violation } from '../../test/fixtures';
import { answer, NEVER, problem, UNREACHABLE, type Handlers, type StubRequest } from '../../test/host';
import { render } from '../../test/render';
import type { Replay as ReplayAnswer } from '../../api/types';
import Replay from '.';

// the real one shows only rows in view, and jsdom lays nothing out
jest.mock('../../violations/ViolationTable', () => ({
  ViolationTable: ({ violations }: { violations: Array<{ id: string; message: string }> }) => (
    <ul>
      {violations.map(({ id, message }) => (
        <li key={id}>{message}</li>
      ))}
    </ul>
  ),
}));

const NONE = { violations: [], total_count: 0, cursor: null };

function show(one: unknown, handlers: Handlers = {}, at = '/replay/r-1', host = {}) {
  return render(<Replay />, { at, host, path: '/replay/:id', handlers: { 'GET /v1/replays/r-1': one, 'GET /v1/replays/r-1/violations': NONE, ...handlers } });
}
const finding = () => screen.findByRole('region', { name: 'What was found' });

it('shows what a complete replay found, and what that rests on', async () => {
  const moment = { trace_id: 'ab', time: '2026-11-19T15:44:43.024538349Z' };
  show(replay({ violations_found: 37, first_violation: moment, last_violation: { trace_id: 'cd', time: '2026-11-20T10:00:00Z' } }));
  expect(await finding()).toHaveTextContent('37 violations');
  expect(screen.getByText('Complete')).toBeInTheDocument();
  expect(screen.getByRole('link', { name: '2026-11-19 15:44:43' })).toHaveAttribute('href', '/violations/fraud-check/ab?replay=r-1');
  expect(screen.getByTestId('coverage-complete')).toHaveTextContent('Everything was read');
  for (const text of ['20,000', '900', '42', '5.0 MiB']) {
    expect(screen.getByText(text)).toBeInTheDocument();
  }
});

it('never shows an incomplete replay as done', async () => {
  const failed = [{ start: '2026-11-20T12:10:00Z', end: '2026-11-20T12:20:00Z', reason: 'timeout' }];
  show(replay({ status: 'incomplete', reason: 'windows_failed: 1 window could not be read', coverage: coverage({ complete: false, windows_failed: failed }) }));
  expect((await finding()).dataset.tone).toBe('unknown');
  expect(screen.getByText('Incomplete')).toBeInTheDocument();
  expect(screen.queryByText('Complete')).not.toBeInTheDocument();
  expect(screen.getByTestId('coverage-incomplete')).toHaveTextContent('1 window could not be read');
  expect(screen.getByTestId('coverage-incomplete')).toHaveTextContent('2026-11-20 12:10:00 to 2026-11-20 12:20:00');
});

it('says why a replay failed, without a coverage', async () => {
  show(replay({ status: 'failed', reason: 'source: connection refused', coverage: null }));
  expect(await finding()).toHaveTextContent('The replay failed: it says nothing about the rules');
  expect(screen.getByText('connection refused')).toBeInTheDocument();
});

it('goes on from a page that came before the violations did', async () => {
  const pages = ({ query }: StubRequest) =>
    query.get('cursor') ? { violations: [violation({ message: 'came later' })], total_count: 1, cursor: null } : { violations: [], total_count: null, cursor: 'next' };
  const { host } = show(replay({ violations_found: 1 }), { 'GET /v1/replays/r-1/violations': pages });
  expect(await screen.findByText('came later')).toBeInTheDocument();
  expect(host.requests.filter(({ path }) => path.endsWith('/violations'))).toHaveLength(2);
});

describe('while it runs', () => {
  beforeEach(() => jest.useFakeTimers({ advanceTimers: true }));
  afterEach(() => jest.useRealTimers());

  it('asks again, shows violations as they come, and ends', async () => {
    let now: ReplayAnswer = replay({ status: 'running', progress: 0.25, coverage: null });
    const pages: Record<string, unknown> = {
      '': { violations: [], total_count: 0, cursor: 't0' },
      t0: { violations: [violation({ id: '1', message: 'the first', time: '2026-11-20T12:30:00Z' })], total_count: 1, cursor: 't1' },
      t1: { violations: [violation({ id: '2', message: 'the second', time: '2026-11-20T12:10:00Z' })], total_count: 2, cursor: null },
    };
    const seen = ({ query }: StubRequest) => pages[query.get('cursor') ?? ''];
    show(() => now, { 'GET /v1/replays/r-1/violations': seen });
    expect(await screen.findByRole('progressbar', { name: 'Progress' })).toHaveValue(25);
    expect(await finding()).toHaveTextContent('not everything is read yet');
    now = { ...now, progress: 0.5, violations_found: 1, violations_listed: 1 };
    await act(() => jest.advanceTimersByTimeAsync(1600));
    expect(await screen.findByText('the first')).toBeInTheDocument();
    expect(await finding()).toHaveTextContent('Violations so far: 1');
    now = replay({ violations_found: 2 });
    await act(() => jest.advanceTimersByTimeAsync(1600));
    await screen.findByText('the second');
    expect(screen.queryByRole('progressbar')).not.toBeInTheDocument();
    // all are here: by time
    expect(screen.getAllByText(/^the (first|second)$/).map((item) => item.textContent)).toEqual(['the second', 'the first']);
  });

  it('can be cancelled', async () => {
    let now: ReplayAnswer = replay({ status: 'running', progress: 0.5, coverage: null });
    const cancel = () => {
      now = replay({ status: 'cancelled', coverage: null });
      return answer(204);
    };
    const { user, host } = show(() => now, { 'DELETE /v1/replays/r-1': cancel });
    await user.click(await screen.findByRole('button', { name: 'Cancel' }));
    await waitFor(() => expect(screen.getByText('Cancelled')).toBeInTheDocument());
    expect(host.requests.filter((request) => request.method === 'DELETE')).toHaveLength(1);
    expect(await finding()).toHaveTextContent('says nothing about the rest');
  });
});

it('is forgotten, and the list shown', async () => {
  const { user, location, host } = show(replay(), { 'DELETE /v1/replays/r-1': answer(204) });
  await user.click(await screen.findByRole('button', { name: 'Forget' }));
  await waitFor(() => expect(location()).toBe('/replay'));
  expect(host.requests.filter((request) => request.method === 'DELETE')).toHaveLength(1);
});

it('says when it could not be forgotten, and stays', async () => {
  const { user, location } = show(replay(), { 'DELETE /v1/replays/r-1': problem(503, 'busy', 'not now') });
  await user.click(await screen.findByRole('button', { name: 'Forget' }));
  expect(await screen.findByText('not now')).toBeInTheDocument();
  expect(location()).toBe('/replay/r-1');
});

it('can be asked again, with the same question', async () => {
  show(replay());
  const again = await screen.findByRole('link', { name: 'Replay again' });
  expect(again).toHaveAttribute('href', '/replay?from=2026-11-19T12%3A00%3A00Z&to=2026-11-20T12%3A00%3A00Z&rule=fraud-check');
});

it('keeps the text of an unsaved rule in the address', async () => {
  const rules = [counters({ rule_id: 'ad-hoc', rule_name: 'ad-hoc', rule_version: 0 })];
  show(replay({ rules }), {}, '/replay/r-1?dsl=trace.has(a)');
  expect(await screen.findByText('trace.has(a)')).toBeInTheDocument();
  expect(screen.getByRole('link', { name: 'Replay again' })).toHaveAttribute('href', expect.stringContaining('what=dsl&dsl=trace.has%28a%29'));
});

it('shows several rules one by one', async () => {
  show(replay({ violations_found: 3, rules: [counters({ violations_found: 3 }), counters({ rule_id: 'b', rule_name: 'B', traces_exercised: 0 })] }));
  const row = (await screen.findByRole('link', { name: 'B' })).closest('tr');
  expect(row).toHaveTextContent('B0020,0000–');
  expect(screen.getByText(/No trace exercised B/)).toBeInTheDocument();
});

it('does not let a viewer cancel or forget, and says why', async () => {
  show(replay({ status: 'running', progress: 0 }), {}, '/replay/r-1', { hasPermission: (action: string) => action.endsWith(':read') });
  expect(await screen.findByRole('button', { name: 'Cancel' })).toHaveAttribute('aria-disabled', 'true');
});

it('says that it is not there any more', async () => {
  show(problem(404, 'not-found', 'no such replay'));
  expect(await screen.findByText('No such replay')).toBeInTheDocument();
  expect(screen.getByRole('link', { name: 'See the replays' })).toHaveAttribute('href', '/replay');
});

it('shows that it is asking, and when nobody answers', async () => {
  show(NEVER);
  expect(await screen.findByText('Loading…')).toBeInTheDocument();
  show(UNREACHABLE);
  expect(await screen.findByText('The service did not answer')).toBeInTheDocument();
});
