// The past next to the text: each state says another thing, and typing on ends what was asked.
import { act, screen, waitFor } from '@testing-library/react';
import { useEffect, useState } from 'react';
import type { RuleCheck, ViolationPage } from '../api/types';
import { coverage, violation } from '../test/fixtures';
import { NEVER, problem, type Handlers } from '../test/host';
import { render } from '../test/render';
import { LivePast } from './LivePast';

const QUERY = 'POST /v1/violations/query';
const page = (change: Partial<ViolationPage> = {}): ViolationPage => ({
  violations: [],
  total_count: 0,
  inconclusive: 0,
  traces_evaluated: 1234,
  traces_evaluated_kind: 'exact',
  exercised: [],
  reason: null,
  coverage: coverage(),
  cursor: null,
  ...change,
});
const many = Array.from({ length: 5 }, (_, i) => violation({ id: String(i), trace_id: String(i).repeat(32) }));

function checkOf(valid: boolean, strategy = 'search') {
  const current = { valid, diagnostics: [], explain: { strategy } } as unknown as RuleCheck;
  return { current, latest: current, error: null };
}

let typeText: (dsl: string) => void;
function Typed({ first, valid, strategy }: { first: string; valid: boolean; strategy?: string }) {
  const [dsl, setDsl] = useState(first);
  useEffect(() => {
    typeText = setDsl;
  }, []);
  return <LivePast dsl={dsl} check={checkOf(valid, strategy)} />;
}

const show = (answer: unknown, { dsl = 'never { a }', valid = true, strategy = 'search', host = {} } = {}) =>
  render(<Typed first={dsl} valid={valid} strategy={strategy} />, {
    handlers: { [QUERY]: answer } as Handlers,
    host,
    at: '/rules/x?panel=cost',
  });

it('counts, links three examples and says what it took', async () => {
  const { host } = show(page({ violations: many, total_count: 5 }));
  expect(await screen.findByText('Violating traces in the last hour: 5')).toBeInTheDocument();
  expect(screen.getAllByRole('link').map((link) => link.getAttribute('href'))).toEqual(
    ['0', '1', '2'].map((one) => `/rules/x?panel=test&trace=${one.repeat(32)}`)
  );
  expect(screen.getByText(/Traces that were looked at: 1,234\./)).toBeInTheDocument();
  expect(host.requests[0].body).toMatchObject({ dsl: 'never { a }', start: 'now-1h', end: 'now' });
});

it('gives no number that is not known', async () => {
  show(page({ violations: many, total_count: null, coverage: coverage({ complete: false }), reason: 'timeout: too slow' }));
  expect(await screen.findByText('Violating traces in the last hour: at least 5')).toBeInTheDocument();
  expect(screen.getByText('too slow')).toBeInTheDocument();
});

it('says "not known" where nothing was found and not everything was read', async () => {
  show(page({ total_count: null, coverage: coverage({ complete: false }), reason: 'timeout: too slow' }));
  expect(await screen.findByText('Violating traces in the last hour: not known')).toBeInTheDocument();
  expect(screen.queryByText(/: 0$/)).not.toBeInTheDocument();
});

it('shows what there is while the rest is looked for, and goes on from there', async () => {
  let finish: (value: unknown) => void = () => undefined;
  const partly = page({ violations: many.slice(0, 1), total_count: null, coverage: coverage({ complete: false }), reason: 'not_evaluated: a part of the range', cursor: 'on' });
  const { host } = show(({ body }: { body: { cursor: string | null } }) => (body.cursor ? new Promise((done) => (finish = done)) : partly));
  expect(await screen.findByText('Violating traces in the last hour: at least 1')).toBeInTheDocument();
  expect(await screen.findByText('Looking further…')).toBeInTheDocument();
  expect(screen.queryByRole('alert')).not.toBeInTheDocument();
  await waitFor(() => expect(host.requests).toHaveLength(2));
  finish(page({ violations: many.slice(1), total_count: 5 }));
  expect(await screen.findByText('Violating traces in the last hour: 5')).toBeInTheDocument();
  expect(screen.getAllByRole('link')[0]).toHaveAttribute('href', `/rules/x?panel=test&trace=${'0'.repeat(32)}`);
  expect(screen.queryByText('Looking further…')).not.toBeInTheDocument();
  expect(host.requests).toHaveLength(2);
});

it('gives no number where there is not one trace', async () => {
  show(page({ coverage: coverage({ windows_empty: [{ start: '2026-11-20T12:00:00Z', end: '2026-11-20T13:00:00Z' }] }) }));
  expect(await screen.findByText(/There is not one trace in this range/)).toBeInTheDocument();
  expect(screen.queryByText(/Violating traces/)).not.toBeInTheDocument();
});

it('says that it failed, and asks again', async () => {
  const { host, user } = show(problem(503, 'busy', 'too many requests'));
  expect(await screen.findByText('The last hour could not be asked')).toBeInTheDocument();
  host.handlers[QUERY] = page();
  await user.click(screen.getByRole('button', { name: 'Try again' }));
  expect(await screen.findByText('Violating traces in the last hour: 0')).toBeInTheDocument();
});

it('asks nothing of a text that has errors, or is none', () => {
  const { host, unmount } = show(page(), { valid: false });
  expect(screen.getByText('Not asked: the text has errors.')).toBeInTheDocument();
  unmount();
  show(page(), { dsl: ' ' });
  expect(screen.getByText(/appears here while you type/)).toBeInTheDocument();
  expect(host.requests).toHaveLength(0);
});

it('reads every trace only when somebody wants it', async () => {
  const { host, user } = show(page(), { strategy: 'every_trace' });
  const ask = await screen.findByRole('button', { name: 'Ask the last hour' });
  expect(host.requests).toHaveLength(0);
  await user.click(ask);
  expect(await screen.findByText('Violating traces in the last hour: 0')).toBeInTheDocument();
  act(() => typeText('never { b }'));
  expect(screen.getByRole('button', { name: 'Ask the last hour' })).toBeInTheDocument();
});

it('aborts the question when the typing goes on, and asks only for the last text', async () => {
  const signals: AbortSignal[] = [];
  const bodies: unknown[] = [];
  const request = ({ body, signal }: { body?: string; signal?: AbortSignal }) => {
    signals.push(signal!);
    bodies.push(JSON.parse(body!).dsl);
    return bodies.length === 1 ? NEVER() : Promise.resolve({ status: 200, headers: {}, body: page() });
  };
  show(page(), { host: { request } });
  await waitFor(() => expect(signals).toHaveLength(1));
  act(() => typeText('never { ab'));
  expect(signals[0].aborted).toBe(true);
  act(() => typeText('never { abc }'));
  expect(await screen.findByText('Violating traces in the last hour: 0', {}, { timeout: 3000 })).toBeInTheDocument();
  expect(bodies).toEqual(['never { a }', 'never { abc }']);
});
