// A violating trace next to one that keeps the rule: what is asked, what is shown, and what is said where there is none.
import { screen, within } from '@testing-library/react';
import { coverage, rule, violation } from '../test/fixtures';
import { NEVER, problem, type Handlers, type StubRequest } from '../test/host';
import { render } from '../test/render';
import { KeptBeside } from './KeptBeside';
import { recordCommand } from './keptWords';

const DSL = 'when { pay as p } always { audit after p }';
const witness = (name: string, binding: string | null, start: number, end: number) => ({ span_id: name, binding, name, service: 'shop', start: '2026-11-20T12:34:56Z', duration: '12ms', range: { start, end }, attributes: {} });
const broken = violation({ root_name: 'POST /checkout', root_service: 'shop', witnesses: [witness('pay', 'p', 7, 10)], failed: { start: 27, end: 40, clause: 'always', text: 'audit after p', message: 'no audit after p' } });
const kept = (trace: string, change = {}) =>
  violation({ trace_id: trace, rule_id: 'ad-hoc', root_name: 'POST /checkout', root_service: 'shop', witnesses: [witness('pay', 'p', 7, 10), witness('audit', null, 26, 39)], ...change });
const page = (violations: unknown[], change = {}) => ({ violations, total_count: violations.length, inconclusive: 0, traces_evaluated: 40, traces_evaluated_kind: 'exact', reason: null, coverage: coverage(), cursor: null, ...change });
const FINDING = { kind: 'span_attribute', relation: 'above', key: 'db.rows', value: '221', violating: { traces: 9, of: 10 }, satisfying: { traces: 3, of: 15 } };

function show(handlers: Handlers = {}) {
  return render(<KeptBeside violation={broken} />, {
    handlers: {
      'GET /v1/rules/fraud-check': rule({ dsl: DSL }),
      'POST /v1/violations/query': page([kept('b'.repeat(32))]),
      'POST /v1/rules/test': { verdict: 'satisfied', exercised: true },
      'GET /v1/rules/fraud-check/contrast': { status: 'completed', findings: [FINDING], explanation: '' },
      ...handlers,
    },
  });
}
const ask = async (user: { click(element: Element): Promise<void> }, name = 'Show a trace that keeps it') => user.click(await screen.findByRole('button', { name }));

it('asks nothing of traces before the click, and then for the rule turned round within an hour', async () => {
  const { host, user } = show();
  await screen.findByRole('button', { name: 'Copy the command that makes a test of this' });
  expect(host.requests.map(({ path }) => path)).toEqual(['/v1/rules/fraud-check']);
  await ask(user);
  await screen.findByRole('region', { name: 'Both traces by the pieces of the rule' });
  const body = host.requests.find(({ path }) => path === '/v1/violations/query')?.body;
  expect(body).toMatchObject({ dsl: 'when { pay as p } never { audit after p }', start: '2026-11-20T11:34:56.789Z', end: '2026-11-20T13:34:56.789Z' });
});

it('aligns both by the pieces of the rule, with the difference in a sentence', async () => {
  const { user } = show();
  await ask(user);
  expect(await screen.findByText('This trace: no audit after p. The other has audit of shop, 12ms.')).toBeInTheDocument();
  const rows = within(screen.getByRole('region', { name: 'Both traces by the pieces of the rule' })).getAllByRole('row');
  expect(rows.map((row) => row.textContent)).toEqual(['In the ruleThis traceA trace that keeps it', 'p: paypay of shop, 12mspay of shop, 12ms', 'audit after pnot thereaudit of shop, 12ms']);
  expect(screen.getByText(/begun by the same request/)).toBeInTheDocument();
});

it('shows only what the rule itself calls kept, the likest first', async () => {
  const judged: string[] = [];
  const { user } = show({
    'POST /v1/violations/query': page([kept('a'.repeat(32), { root_name: 'GET /' }), kept('b'.repeat(32)), kept('c'.repeat(32), { time: '2026-11-20T12:20:00Z' })]),
    'POST /v1/rules/test': ({ body }: StubRequest) => {
      judged.push((body as { trace_id: string }).trace_id[0]);
      return { verdict: judged.length === 3 ? 'satisfied' : 'inconclusive', exercised: true };
    },
  });
  await ask(user);
  expect(await screen.findByText(/begun by another request/)).toBeInTheDocument();
  expect(judged).toEqual(['b', 'c', 'a']);
});

it('keeps none, not known, no way to ask and failed apart', async () => {
  const none = show({ 'POST /v1/violations/query': page([]) });
  await ask(none.user);
  expect(await screen.findByText(/No trace within an hour of this one exercised/)).toBeInTheDocument();
  none.unmount();
  const partial = show({ 'POST /v1/violations/query': page([], { coverage: coverage({ complete: false }), reason: 'windows_failed: Tempo did not answer' }) });
  await ask(partial.user);
  expect(await screen.findByText(/not everything was looked at. Tempo did not answer/)).toBeInTheDocument();
  partial.unmount();
  const shapeless = show({ 'GET /v1/rules/fraud-check': rule({ dsl: 'trace.has(a) as x' }) });
  await ask(shapeless.user);
  expect(await screen.findByText(/does not say which traces it is about/)).toBeInTheDocument();
  shapeless.unmount();
  const failed = show({ 'POST /v1/violations/query': problem(503, 'busy', 'too many requests') });
  await ask(failed.user);
  expect(await screen.findByText('A trace that keeps the rule could not be looked for')).toBeInTheDocument();
  failed.unmount();
  const waiting = show({ 'POST /v1/violations/query': NEVER });
  await ask(waiting.user);
  expect(await screen.findByText('Looking for a trace that keeps the rule…')).toBeInTheDocument();
});

it('holds a rule without when against what the same span begins', async () => {
  const { host, user } = show({ 'GET /v1/rules/fraud-check': rule({ dsl: 'trace.has(a)' }), 'POST /v1/rules/test': { verdict: 'satisfied', exercised: false } });
  await ask(user);
  await screen.findByRole('region', { name: 'Both traces by the pieces of the rule' });
  expect(screen.queryByText(/The other has/)).not.toBeInTheDocument();
  expect(screen.queryByText('not there', { selector: 'tr:nth-child(2) td' })).not.toBeInTheDocument();
  const body = host.requests.find(({ path }) => path === '/v1/violations/query')?.body;
  expect(body).toMatchObject({ dsl: 'when { trace.has(span.name == "POST /checkout") and trace.root.name == "POST /checkout" and trace.root.service == "shop" } always { trace.has(a)\n}' });
});

it.each([
  ['data_from', { data_from: '2026-11-20T12:40:00Z' }, /has no traces of this range from before 2026-11-20 12:40:00/],
  ['windows_empty', { windows_empty: [{ start: '2026-11-20T12:10:00Z', end: '2026-11-20T12:20:00Z' }] }, /Without any trace: .*12:10:00/],
])('does not say that there is none where there were no traces: %s', async (_, change, said) => {
  const { user } = show({ 'POST /v1/violations/query': page([], { coverage: coverage(change) }) });
  await ask(user);
  expect(await screen.findByText(said)).toHaveTextContent('not everything was looked at');
});

it('says what sets violating traces apart over many, and what was not compared', async () => {
  const { user, unmount } = show();
  await ask(user, 'What sets violating traces apart?');
  expect(await screen.findByText(/^db\.rows > 221: in 9 of 10 violating traces, and in 3 of 15 that keep the rule/)).toBeInTheDocument();
  unmount();
  const none = show({ 'GET /v1/rules/fraud-check/contrast': { status: 'incomplete', reason: 'windows_failed: one was not read', findings: [], explanation: 'nothing separates them' } });
  await ask(none.user, 'What sets violating traces apart?');
  expect(await screen.findByText(/nothing separates them Not everything was compared: one was not read/)).toBeInTheDocument();
});

it('writes a command that a shell reads as it is meant', () => {
  expect(recordCommand('ab', "a.where(k == 'x')\n")).toBe(`betrace record ab --dsl 'a.where(k == '\\''x'\\'')' --tempo "$BETRACE_TEMPO_URL"`);
});
