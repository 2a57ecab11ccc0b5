// The page of a rule as a user sees it; a textarea stands for Monaco.
import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { coverage, rule, violation } from '../../test/fixtures';
import { answer, problem, type Handlers } from '../../test/host';
import { render } from '../../test/render';
import { page } from '../../violations/testPages';
import RulePage from '.';

jest.mock('@grafana/ui', () => ({
  ...jest.requireActual('@grafana/ui'),
  CodeEditor: jest.requireActual('../../test/codeEditor').CodeEditor,
}));

const LANGUAGE = {
  name: 'BeTraceDSL',
  words: [],
  values: {},
  units: [],
  reserved: [],
  tokens: [],
  comments: { line: ['#'], block: ['/*', '*/'] },
  brackets: [],
  limits: {},
};
const explain = { strategy: 'search', searched: ['{ name = "checkout" }'], subtracted: [], projected: null, reads: 'batch', outline: null };
const VALID = { valid: true, diagnostics: [], formatted: null, condition_hash: null, explain };
const position = { start_line: 1, start_column: 5, end_line: 1, end_column: 10 };
const INVALID = {
  valid: false,
  diagnostics: [
    {
      code: 'E010',
      severity: 'error',
      message: 'found afetr',
      line: 1,
      column: 5,
      range: { start: 2, end: 7 },
      position,
      fix: { range: { start: 2, end: 7 }, text: 'after' },
    },
  ],
  formatted: null,
  condition_hash: null,
  explain: null,
};
const validate = ({ body }: { body: { dsl: string } }) => (body.dsl.includes('afetr') ? INVALID : VALID);

function show(handlers: Handlers = {}, at = '/rules/fraud-check', readOnly = false) {
  return render(<RulePage />, {
    handlers: { 'GET /v1/dsl/language': LANGUAGE, 'GET /v1/rules/fraud-check': rule(), 'POST /v1/rules/validate': validate, ...handlers },
    at,
    path: at.startsWith('/rules/new') ? '/rules/new' : '/rules/:id',
    host: readOnly ? { hasPermission: (action) => !action.endsWith(':write') } : {},
  });
}

const text = () => screen.findByRole('textbox', { name: /Text of the rule/ });
const type = async (dsl: string) => fireEvent.change(await text(), { target: { value: dsl } });
const button = (name: string) => screen.getByRole('button', { name });
const isOff = (element: HTMLElement) => element.getAttribute('aria-disabled') === 'true' || (element as HTMLButtonElement).disabled;

beforeEach(() => window.sessionStorage.clear());

it('shows a rule, what it asks Tempo, and nothing to save', async () => {
  const { user } = show();
  expect(await text()).toHaveValue(rule().dsl);
  expect(await screen.findByText(/Tempo is asked for traces that may violate/)).toBeInTheDocument();
  expect(screen.queryByText('{ name = "checkout" }')).not.toBeInTheDocument();
  await user.click(button('What Tempo is asked, in TraceQL'));
  expect(await screen.findByText('{ name = "checkout" }')).toBeInTheDocument();
  expect(screen.getByText('The text is valid.')).toBeInTheDocument();
  expect(isOff(button('Save'))).toBe(true);
});

it('leaves the guard of durations out of what it shows', async () => {
  const guarded = { ...explain, searched: ['{ duration > 1s && duration <= 9223372036854775807ns }'] };
  const { user } = show({ 'POST /v1/rules/validate': { ...VALID, explain: guarded } });
  await user.click(await screen.findByRole('button', { name: 'What Tempo is asked, in TraceQL' }));
  expect(await screen.findByText('{ duration > 1s }')).toBeInTheDocument();
});

it('shows what is wrong, where, and writes the fix', async () => {
  show();
  await type('a afetr b');
  expect(await screen.findByText('found afetr')).toBeInTheDocument();
  expect(screen.getByText('1:5')).toBeInTheDocument();
  expect(isOff(button('Save'))).toBe(true);
  fireEvent.click(button('Write after'));
  expect(await text()).toHaveValue('a after b');
  expect(await screen.findByText('The text is valid.')).toBeInTheDocument();
});

it('saves the version that was seen, with all fields', async () => {
  const { host, user } = show({ 'PUT /v1/rules/fraud-check': ({ body }: { body: object }) => rule({ ...body, version: 4 }) });
  fireEvent.change(await screen.findByRole('textbox', { name: /^Name/ }), { target: { value: 'Renamed' } });
  await type('when { a } never { b }');
  await waitFor(() => expect(isOff(button('Save'))).toBe(false));
  await user.click(button('Save'));
  await waitFor(() => expect(isOff(button('Save'))).toBe(true));
  const put = host.requests.find(({ method }) => method === 'PUT');
  expect(put?.headers).toEqual({ 'If-Match': '"3"' });
  expect(put?.body).toMatchObject({
    name: 'Renamed',
    dsl: 'when { a } never { b }',
    severity: 'critical',
    labels: { team: 'payments' },
    settle: null,
  });
});

it('keeps what is typed while a save is under way, as not saved yet', async () => {
  let finish: (stored: unknown) => void = () => undefined;
  const { host, user } = show({ 'PUT /v1/rules/fraud-check': () => new Promise((resolve) => (finish = resolve)) });
  await type('first');
  await waitFor(() => expect(isOff(button('Save'))).toBe(false));
  await user.click(button('Save'));
  expect(await screen.findByText('Saving…')).toBeInTheDocument();
  await type('second');
  const stored = rule({ version: 4, dsl: 'first' });
  host.handlers['GET /v1/rules/fraud-check'] = stored;
  finish(stored);
  await waitFor(() => expect(isOff(button('Save'))).toBe(false));
  expect(await text()).toHaveValue('second');
  await user.click(button('Save'));
  const versions = () => host.requests.filter(({ method }) => method === 'PUT').map(({ headers }) => headers['If-Match']);
  await waitFor(() => expect(versions()).toEqual(['"3"', '"4"']));
  window.sessionStorage.clear();
});

it('creates a rule out of what a link brought, and goes to it', async () => {
  const { host, user, location } = show(
    { 'POST /v1/rules': () => rule({ id: 'made' }) },
    '/rules/new?dsl=when+%7B+a+%7D+never+%7B+b+%7D&name=From+a+link'
  );
  expect(await text()).toHaveValue('when { a } never { b }');
  await waitFor(() => expect(isOff(button('Save'))).toBe(false));
  await user.click(button('Save'));
  await waitFor(() => expect(location()).toBe('/rules/made'));
  expect(host.requests.find(({ method, path }) => method === 'POST' && path === '/v1/rules')?.body).toMatchObject({ name: 'From a link' });
  expect(window.sessionStorage).toHaveLength(0);
});

describe('while a new rule is being saved', () => {
  const NEW = '/rules/new?dsl=first&name=n';
  /** Its save is under way; the function answers it. */
  async function saving(handlers: Handlers = {}) {
    let finish: (stored: unknown) => void = () => undefined;
    const shown = show({ 'POST /v1/rules': () => new Promise((resolve) => (finish = resolve)), ...handlers }, NEW);
    expect(await text()).toHaveValue('first');
    await waitFor(() => expect(isOff(button('Save'))).toBe(false));
    await shown.user.click(button('Save'));
    expect(await screen.findByText('Saving…')).toBeInTheDocument();
    return { ...shown, finish: () => finish(stored) };
  }
  const stored = rule({ id: 'n', name: 'n', version: 1, dsl: 'first', severity: 'medium', labels: {}, annotations: {} });

  it('what is typed then is there on its page, as not saved yet', async () => {
    const { finish, location, unmount } = await saving();
    await type('second');
    finish();
    await waitFor(() => expect(location()).toBe('/rules/n'));
    unmount();
    const { host, user } = show({ 'GET /v1/rules/n': stored, 'PUT /v1/rules/n': rule({ ...stored, version: 2, dsl: 'second' }) }, '/rules/n');
    expect(await text()).toHaveValue('second');
    await waitFor(() => expect(isOff(button('Save'))).toBe(false));
    await user.click(button('Save'));
    await waitFor(() => expect(isOff(button('Save'))).toBe(true));
    expect(host.requests.find(({ method }) => method === 'PUT')).toMatchObject({ headers: { 'If-Match': '"1"' }, body: { id: 'n', dsl: 'second' } });
  });

  it('who leaves is not led back, and meets no draft of what was saved', async () => {
    const { finish, location, unmount } = await saving();
    const before = location();
    unmount();
    finish();
    await waitFor(() => expect(window.sessionStorage).toHaveLength(0));
    expect(location()).toBe(before);
  });

  it('another new rule that was begun meanwhile stays', async () => {
    const { finish, unmount } = await saving();
    unmount();
    const next = show({}, '/rules/new');
    await type('of another rule');
    finish();
    await waitFor(() => expect(next.host.requests.length).toBeGreaterThan(0));
    next.unmount();
    show({}, '/rules/new');
    expect(await text()).toHaveValue('of another rule');
  });
});

it('says which rule has the id already', async () => {
  const { user } = show({ 'POST /v1/rules': problem(409, 'conflict', 'there is a rule "taken" already') }, '/rules/new?dsl=a&name=n');
  await user.type(await screen.findByRole('textbox', { name: /^Id/ }), 'taken');
  await waitFor(() => expect(isOff(button('Save'))).toBe(false));
  await user.click(button('Save'));
  expect(await screen.findByRole('link', { name: 'See that rule' })).toHaveAttribute('href', '/rules/taken');
});

it('puts a refused field at its place', async () => {
  const errors = [{ field: 'settle', message: 'has to be a duration' }];
  const { user } = show({
    'PUT /v1/rules/fraud-check': problem(400, 'invalid-field', 'settle: has to be a duration', errors),
    'GET /v1/rules/fraud-check': rule({ settle: '1m' }),
  });
  await user.type(await screen.findByRole('textbox', { name: /^Settle/ }), 'x');
  await user.click(button('Save'));
  // beside the field; the problem document above says it with its name
  expect(await screen.findByText('has to be a duration')).toBeInTheDocument();
});

describe('when somebody else saved meanwhile', () => {
  const theirs = rule({ version: 5, dsl: 'theirs', updated_by: 'grace' });
  const conflict = async () => {
    const shown = show({
      'PUT /v1/rules/fraud-check': ({ headers }: { headers: Record<string, string> }) =>
        headers['If-Match'] === '"5"' ? rule({ version: 6, dsl: 'mine' }) : problem(412, 'version-changed', 'another version'),
    });
    await type('mine');
    await waitFor(() => expect(isOff(button('Save'))).toBe(false));
    shown.host.handlers['GET /v1/rules/fraud-check'] = theirs;
    await shown.user.click(button('Save'));
    expect(await screen.findByText(/Version 5 is stored now \(grace\)/)).toBeInTheDocument();
    return shown;
  };

  it('shows the difference, and saves over it on request', async () => {
    const { host, user } = await conflict();
    expect(screen.getByText(/− theirs/)).toBeInTheDocument();
    expect(screen.getByText(/\+ mine/)).toBeInTheDocument();
    await user.click(button('Save mine over it'));
    await waitFor(() => expect(screen.queryByText(/Somebody else/)).not.toBeInTheDocument());
    expect(host.requests.filter(({ method }) => method === 'PUT').map(({ headers }) => headers['If-Match'])).toEqual(['"3"', '"5"']);
  });

  it('takes theirs on request', async () => {
    const { user } = await conflict();
    await user.click(button('Take theirs, drop mine'));
    expect(await text()).toHaveValue('theirs');
    expect(isOff(button('Save'))).toBe(true);
  });
});

it('keeps unsaved changes over a reload, and drops them on request', async () => {
  const first = show();
  await type('unsaved');
  first.unmount();
  const { user } = show();
  expect(await text()).toHaveValue('unsaved');
  expect(screen.getByText('Your unsaved changes from before are back')).toBeInTheDocument();
  await user.click(screen.getAllByRole('button', { name: 'Discard my changes' })[0]);
  expect(await text()).toHaveValue(rule().dsl);
});

it('goes on with a draft when the same link is opened again, and begins anew with another', async () => {
  const first = show({}, '/rules/new?dsl=one');
  await type('one and more');
  first.unmount();
  const second = show({}, '/rules/new?dsl=one');
  expect(await text()).toHaveValue('one and more');
  second.unmount();
  show({}, '/rules/new?dsl=two');
  expect(await text()).toHaveValue('two');
});

it('lets a viewer read and test, and says why nothing can be changed', async () => {
  show({}, '/rules/fraud-check', true);
  expect(await text()).toHaveAttribute('readonly');
  expect(screen.getByRole('textbox', { name: /^Name/ })).toBeDisabled();
  expect(isOff(button('Save'))).toBe(true);
  expect(screen.getByText(/it may read, not change/)).toBeInTheDocument();
});

describe('test on a trace', () => {
  const RESULT = {
    rule_id: null,
    trace_id: 'abc',
    verdict: 'violated',
    reason: null,
    exercised: true,
    diagnostics: [],
    notes: [{ message: '`amount` was a string in 1 of 1 spans', range: { start: 0, end: 6 } }],
    violation: violation({
      trace_id: 'abc',
      witnesses: [
        {
          span_id: 's',
          name: 'checkout',
          service: 'web',
          start: '',
          duration: '5ms',
          range: { start: 7, end: 15 },
          attributes: { amount: '2000' },
        },
      ],
    }),
  };

  it('judges the text as it stands on the trace of the URL', async () => {
    const { host, user } = show({ 'POST /v1/rules/test': RESULT }, '/rules/fraud-check?panel=test&trace=abc');
    await user.click(await screen.findByRole('button', { name: 'Judge this trace' }));
    expect(await screen.findByText('checkout without fraud-check')).toBeInTheDocument();
    expect(screen.getByText('(amount = 2000)')).toBeInTheDocument();
    expect(screen.getByText('`amount` was a string in 1 of 1 spans')).toBeInTheDocument();
    expect(screen.getByRole('link', { name: /Open as a violation/ })).toHaveAttribute('href', '/violations/fraud-check/abc');
    expect(host.requests.find(({ path }) => path === '/v1/rules/test')?.body).toEqual({ dsl: rule().dsl, trace_id: 'abc' });
  });

  it('does not let a verdict pass for that of a text that was typed later', async () => {
    const { user } = show({ 'POST /v1/rules/test': RESULT }, '/rules/fraud-check?panel=test&trace=abc');
    await user.click(await screen.findByRole('button', { name: 'Judge this trace' }));
    expect(await screen.findByText('checkout without fraud-check')).toBeInTheDocument();
    expect(screen.queryByText(/of another text or trace/)).not.toBeInTheDocument();
    await type('when { a } never { b }');
    expect(await screen.findByText(/of another text or trace/)).toBeInTheDocument();
    window.sessionStorage.clear();
  });

  it('judges a pasted trace, and says when it is none', async () => {
    const { host, user } = show(
      { 'POST /v1/rules/test': { ...RESULT, verdict: 'inconclusive', reason: 'skew', violation: null } },
      '/rules/fraud-check?panel=test'
    );
    await user.click(await screen.findByRole('radio', { name: 'Pasted' }));
    const field = await screen.findByRole('textbox', { name: /OTLP JSON/ });
    fireEvent.change(field, { target: { value: '{' } });
    expect(await screen.findByText(/This is not JSON/)).toBeInTheDocument();
    expect(isOff(button('Judge this trace'))).toBe(true);
    fireEvent.change(field, { target: { value: '{"resourceSpans":[]}' } });
    await user.click(button('Judge this trace'));
    expect(await screen.findByText(/too close in time/)).toBeInTheDocument();
    expect(host.requests.find(({ path }) => path === '/v1/rules/test')?.body).toMatchObject({ trace: { resourceSpans: [] } });
  });
});

describe('how would it have done', () => {
  const points = (...values: Array<number | null>) => values.map((value, hour) => [`2026-11-20T0${hour}:00:00Z`, value]);
  const seriesOf = (...values: Array<number | null>) => ({
    series: [{ labels: { rule_id: 'ad-hoc', rule: 'ad-hoc', severity: 'medium' }, points: points(...values), undecided: { steps: 0, budget: 0 } }],
    reason: null,
    coverage: coverage({ asked: { start: '2026-11-20T00:00:00Z', end: '2026-11-20T13:00:00Z' }, data_from: '2026-11-20T00:00:00Z' }),
  });

  it('compares the text with the saved one, before anything is saved', async () => {
    const series = ({ body }: { body: { dsl?: string; value?: string } }) =>
      body.value === 'exercised' ? seriesOf(40, 50) : body.dsl ? seriesOf(3, 4) : seriesOf(1, 1);
    const { host, user } = show(
      { 'POST /v1/violations/series': series, 'POST /v1/violations/query': page(1, { violations: [violation()] }) },
      '/rules/fraud-check?panel=past'
    );
    await type('when { a } never { b }');
    await user.click(await screen.findByRole('button', { name: 'Ask the past' }));
    expect(await screen.findByText('Violating traces: 7')).toBeInTheDocument();
    expect(await screen.findByText('Traces that exercised it: 90')).toBeInTheDocument();
    expect(await screen.findByText('The rule as it is saved: 2')).toBeInTheDocument();
    expect(host.requests.filter(({ path }) => path.endsWith('/series'))[0].body).toMatchObject({
      dsl: 'when { a } never { b }',
      start: 'now-24h',
      end: 'now',
    });
    await user.click(await screen.findByRole('button', { name: 'Judge it' }));
    expect(await screen.findByRole('textbox', { name: 'Trace id' })).toHaveValue(violation().trace_id);
  });

  it('says of the numbers beside it that they could not be counted', async () => {
    const series = ({ body }: { body: { value?: string } }) => (body.value === 'exercised' ? problem(503, 'busy', 'too many requests') : seriesOf(0, 0));
    const { user } = show({ 'POST /v1/violations/series': series }, '/rules/fraud-check?panel=past');
    await user.click(await screen.findByRole('button', { name: 'Ask the past' }));
    expect(await screen.findByText('too many requests')).toBeInTheDocument();
    expect(screen.getByText('Violating traces: 0')).toBeInTheDocument();
  });

  it('says of which steps it speaks where some are not known, and that nothing was exercised', async () => {
    const series = ({ body }: { body: { value?: string } }) => (body.value === 'exercised' ? seriesOf(0, 0) : seriesOf(0, null));
    const { user } = show({ 'POST /v1/violations/series': series }, '/rules/fraud-check?panel=past');
    await user.click(await screen.findByRole('button', { name: 'Ask the past' }));
    expect(await screen.findByText('Violating traces: none in the steps that are known')).toBeInTheDocument();
    expect(screen.getByText(/1 of 2 steps are not known/)).toBeInTheDocument();
    expect(await screen.findByText(/No trace of this range exercised the rule/)).toBeInTheDocument();
  });
});

it('shows versions, what changed, and puts an old one into the form', async () => {
  const versions = [rule({ version: 1, dsl: 'old text' }), rule({ version: 2, dsl: 'old text', severity: 'low' }), rule({ version: 3 })];
  const { user } = show({ 'GET /v1/rules/fraud-check/versions': { versions } }, '/rules/fraud-check?panel=history');
  expect(await screen.findByText('Changed: Severity')).toBeInTheDocument();
  expect(screen.getByText('Created')).toBeInTheDocument();
  await user.click(screen.getAllByRole('button', { name: 'Put this version into the form' })[1]);
  expect(await text()).toHaveValue('old text');
});

it('says what the saved rule costs', async () => {
  const explained = {
    searched: { start: '', end: '' },
    probed: true,
    rules: [
      {
        strategy: 'read',
        strategies: [
          { strategy: 'read', possible: true, cost: { traces_read: 12, requests: 3, bytes: 2048, units: 1 } },
          { strategy: 'id_sets', possible: false, why_not: 'no single span shows it' },
        ],
        decided_locally: 'order in time',
        price: { replays: 0 },
      },
    ],
    probes: {},
  };
  show({ 'GET /v1/rules/fraud-check/explain': explained }, '/rules/fraud-check?panel=cost');
  expect(await screen.findByText(/about 12 traces read, 3 requests, 2.0 kB \(chosen\)/)).toBeInTheDocument();
  expect(screen.getByText(/no single span shows it/)).toBeInTheDocument();
});

describe('Ctrl+S', () => {
  const put = { 'PUT /v1/rules/fraud-check': ({ body }: { body: object }) => rule({ ...body, version: 4 }) };
  const sent = (host: { requests: Array<{ method: string }> }) => host.requests.filter(({ method }) => method === 'PUT');

  it('saves once from any field of the rule and from its text, and the browser saves no page', async () => {
    const { host, user } = show(put);
    await text();
    const name = screen.getByLabelText(/^Name/);
    await user.type(name, '!');
    expect(fireEvent.keyDown(name, { key: 's', ctrlKey: true })).toBe(false);
    await waitFor(() => expect(sent(host)).toHaveLength(1));
    await type('when { a } never { b }');
    fireEvent.keyDown(await text(), { key: 's', ctrlKey: true });
    await waitFor(() => expect(sent(host)).toHaveLength(2));
  });

  it('sends nothing that Save would not, and other keys save nothing', async () => {
    const { host, user } = show(put);
    await text();
    const name = screen.getByLabelText(/^Name/);
    expect(fireEvent.keyDown(name, { key: 's', ctrlKey: true })).toBe(false);
    await user.type(name, 's');
    fireEvent.keyDown(name, { key: 's', ctrlKey: true, shiftKey: true });
    fireEvent.keyDown(name, { key: 's', altKey: true });
    expect(sent(host)).toHaveLength(0);
  });
});

it('shows its keys by ?, leads to the past month and to what changed', async () => {
  const { user } = show();
  expect(await screen.findByRole('link', { name: 'Replay 30 days' })).toHaveAttribute('href', '/replay?rule=fraud-check&from=now-30d&to=now');
  expect(screen.getByRole('link', { name: 'What changed?' })).toHaveAttribute('href', '/changes');
  await user.keyboard('?');
  expect(await screen.findByRole('dialog', { name: 'Keys of this page' })).toHaveTextContent('Ctrl+SSave, from the text or any field');
});

it('deletes after a question', async () => {
  const { user, location, host } = show({ 'DELETE /v1/rules/fraud-check': answer(204) });
  await user.click(await screen.findByRole('button', { name: 'Delete' }));
  await user.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Delete' }));
  await waitFor(() => expect(location()).toBe('/rules'));
  expect(host.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(1);
});

it('says that a rule is not there', async () => {
  show({ 'GET /v1/rules/gone': problem(404, 'not-found', 'no rule "gone"') }, '/rules/gone');
  expect(await screen.findByText('There is no rule gone')).toBeInTheDocument();
});

it('says that a stored rule is not evaluated', async () => {
  show({ 'GET /v1/rules/fraud-check': rule({ broken: 'E033 bad regex' }) });
  expect(await screen.findByText('E033 bad regex')).toBeInTheDocument();
});
