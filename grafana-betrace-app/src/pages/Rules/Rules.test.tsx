// The list of rules as a user sees it.
import { screen, waitFor, within } from '@testing-library/react';
import type { Series } from '../../api/types';
import { coverage, rule } from '../../test/fixtures';
import { answer, problem, UNREACHABLE, type Handlers } from '../../test/host';
import { render } from '../../test/render';
import RulesPage from '.';

const two = { rules: [rule(), rule({ id: 'second', name: 'Second rule', enabled: false, severity: 'low', broken: 'E033' })], cursor: null };

const readyOf = (kind: string) => ({ status: 'ready', source: { kind, version: '', checked: true }, parts: {} });
const FILES = readyOf('files');

const show = (handlers: Handlers, at = '/rules', mayNot = (_action: string) => false) =>
  render(<RulesPage />, { handlers: { 'GET /v1/rules': two, 'GET /v1/ready': FILES, ...handlers }, at, path: '/rules', host: { hasPermission: (action) => !mayNot(action) } });

it('lists rules with what they are', async () => {
  show({});
  const row = (await screen.findByRole('link', { name: 'Second rule' })).closest('tr')!;
  expect(within(row).getByText('Low')).toBeInTheDocument();
  expect(within(row).getByText('Not evaluated')).toBeInTheDocument();
  expect(within(row).getByRole('switch')).not.toBeChecked();
  expect(screen.getByRole('link', { name: /Fraud check/ })).toHaveAttribute('href', '/rules/fraud-check');
});

it('asks by what the URL says, and a click on a label adds to it', async () => {
  const { host, location, user } = show({}, '/rules?severity=critical&enabled=true&q=fraud&label=a');
  await screen.findByRole('link', { name: 'Second rule' });
  expect(host.requests[0].query.toString()).toBe('q=fraud&severity=critical&enabled=true&label=a&limit=1000');
  await user.click(screen.getAllByRole('button', { name: 'team:payments' })[0]);
  expect(location()).toContain('label=a&label=team%3Apayments');
});

it('puts what is typed into the URL, without a step of "back"', async () => {
  const { location, user } = show({});
  await user.type(await screen.findByRole('searchbox', { name: 'Search rules' }), 'fra');
  await waitFor(() => expect(location()).toBe('/rules?q=fra'));
});

it('says what to do when there are none, or none that match', async () => {
  const { user, location } = show({ 'GET /v1/rules': { rules: [], cursor: null } }, '/rules?q=x');
  await user.click((await screen.findAllByRole('button', { name: 'Clear the filters' }))[0]);
  expect(location()).toBe('/rules');
  expect(await screen.findByText('There are no rules yet')).toBeInTheDocument();
  expect(screen.getByRole('link', { name: 'Write a rule' })).toHaveAttribute('href', '/rules/new');
});

it('enables and disables, and says when that failed', async () => {
  const { host, user } = show({ 'POST /v1/rules/second/enable': rule() });
  const name = { name: 'Enabled: Second rule' };
  await user.click(await screen.findByRole('switch', name));
  await waitFor(() => expect(host.requests.map(({ method, path }) => `${method} ${path}`)).toContain('POST /v1/rules/second/enable'));
  host.handlers['POST /v1/rules/second/enable'] = problem(403, 'forbidden', 'an editor is needed');
  await waitFor(() => expect(screen.getByRole('switch', name)).toBeEnabled());
  await user.click(screen.getByRole('switch', name));
  expect(await screen.findByText('an editor is needed')).toBeInTheDocument();
});

it('offers viewers nothing that they may not', async () => {
  show({}, '/rules', (action) => !action.endsWith(':read'));
  expect(await screen.findByRole('switch', { name: 'Enabled: Second rule' })).toBeDisabled();
  expect(screen.getByRole('button', { name: 'Import' })).toHaveAttribute('aria-disabled', 'true');
});

it('offers who may write and not operate everything but the switch', async () => {
  show({}, '/rules', (action) => action.endsWith(':operate'));
  expect(await screen.findByRole('switch', { name: 'Enabled: Second rule' })).toBeDisabled();
  expect(screen.getByRole('button', { name: 'Import' })).not.toHaveAttribute('aria-disabled', 'true');
});

it('deletes after a question, the version that was seen', async () => {
  const { host, user } = show({ 'DELETE /v1/rules/second': answer(204) });
  await screen.findByRole('link', { name: 'Second rule' });
  await user.click(screen.getByRole('button', { name: 'More for Second rule' }));
  await user.click(await screen.findByRole('menuitem', { name: /Delete/ }));
  expect(host.requests.some(({ method }) => method === 'DELETE')).toBe(false);
  await user.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Delete' }));
  await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument());
  expect(host.requests.find(({ method }) => method === 'DELETE')).toMatchObject({ path: '/v1/rules/second', headers: { 'If-Match': '"3"' } });
});

it('reads all pages: a pack is not counted by half', async () => {
  show({
    'GET /v1/rules': ({ query }: { query: URLSearchParams }) =>
      query.get('cursor') ? { rules: [rule({ id: 'third', name: 'Third rule' })], cursor: null } : { ...two, cursor: 'next' },
  });
  expect(await screen.findByRole('link', { name: 'Third rule' })).toBeInTheDocument();
  expect(screen.getByText(/^Rules: 3 /)).toBeInTheDocument();
});

const STEP_MS = 600_000;
const BEGIN = Date.parse('2026-11-20T12:00:00Z');
const DAY = { asked: { start: '2026-11-20T12:00:00Z', end: '2026-11-20T14:00:00Z' }, effective_end: '2026-11-20T14:00:00Z', data_from: '2026-11-20T12:00:00Z' };

const seriesOf = (values: Record<string, Array<number | null>>, budget: string[] = []): Series => ({
  series: Object.entries(values).map(([id, all]) => ({
    labels: { rule_id: id, rule: id, severity: 'high' as const },
    points: all.map((value, at) => [new Date(BEGIN + at * STEP_MS).toISOString(), value]),
    undecided: { steps: budget.includes(id) ? 1 : 0, budget: budget.includes(id) ? 1 : 0 },
  })),
  reason: null,
  coverage: coverage(DAY),
});

describe('the last day', () => {
  const steps = (value: number | null) => Array(12).fill(value);
  const rules = ['bad', 'heavy', 'idle', 'fine'].map((id) => rule({ id, name: id, labels: { pack: 'soc2' } }));
  const stored = [...rules, rule({ id: 'mine', name: 'mine', enabled: false })];
  const handlers: Handlers = {
    'GET /v1/rules': ({ query }: { query: URLSearchParams }) => ({ rules: query.get('enabled') ? rules : stored, cursor: null }),
    'GET /v1/violations/series': ({ query }: { query: URLSearchParams }) =>
      query.get('value') === 'exercised'
        ? seriesOf({ bad: steps(10), heavy: steps(10), idle: steps(0), fine: steps(10) })
        : seriesOf({ bad: [...steps(0).slice(2), 3, 0], heavy: [null, ...steps(0).slice(1)], idle: steps(0), fine: steps(0) }, ['heavy']),
  };

  it('is asked in two questions for all rules, and a folded pack says how its rules are', async () => {
    const { host, user, location } = show(handlers);
    expect(await screen.findByText('Rules: 4 (1 broken, 1 cannot be judged, 1 not exercised, 1 with none found)')).toBeInTheDocument();
    expect(screen.getByText('Rules: 1 (1 off)')).toBeInTheDocument();
    expect(host.requests.filter(({ path }) => path.includes('series'))).toHaveLength(2);
    expect(screen.queryByRole('link', { name: 'bad' })).not.toBeInTheDocument();
    await user.click(screen.getByRole('button', { name: 'SOC 2', expanded: false }));
    expect(location()).toBe('/rules?open=soc2');
    const row = screen.getByRole('link', { name: 'bad' }).closest('tr')!;
    expect(within(row).getByRole('link', { name: '3 traces' })).toHaveAttribute('href', '/violations?rule=bad&from=now-24h&to=now');
    expect(within(row).getByText('2.5%')).toBeInTheDocument();
    expect(row.querySelector('time')).toHaveAttribute('datetime', '2026-11-20T13:40:00.000Z');
    expect(within(screen.getByRole('link', { name: 'heavy' }).closest('tr')!).getByText(/more steps than its budget/)).toBeInTheDocument();
    expect(host.requests.filter(({ path }) => path.includes('series'))).toHaveLength(2);
  });

  it('is asked of a store when somebody wants it, and is not looked at before', async () => {
    const { host, user } = show({ ...handlers, 'GET /v1/ready': readyOf('tempo') });
    expect(await screen.findByText('Rules: 4 (4 not looked at)')).toBeInTheDocument();
    expect(host.requests.some(({ path }) => path.includes('series'))).toBe(false);
    await user.click(screen.getByRole('button', { name: 'Look at the last 24 hours' }));
    expect(await screen.findByText(/^Rules: 4 \(1 broken/)).toBeInTheDocument();
    expect(screen.queryByRole('button', { name: 'Look at the last 24 hours' })).not.toBeInTheDocument();
    expect(host.requests.filter(({ path }) => path.includes('series'))).toHaveLength(2);
  });

  it('filters by a state, which unfolds', async () => {
    const { user, location } = show(handlers);
    await user.click(await screen.findByRole('button', { name: 'Cannot be judged: 1' }));
    expect(location()).toBe('/rules?state=unjudged');
    expect(screen.getByRole('link', { name: 'heavy' })).toBeInTheDocument();
    expect(screen.queryByRole('link', { name: 'bad' })).not.toBeInTheDocument();
  });

  it('is not looked at where the question failed or may not be asked, and is no zero', async () => {
    const { unmount } = show({ ...handlers, 'GET /v1/violations/series': UNREACHABLE }, '/rules?open=soc2');
    expect(await screen.findByText('Rules: 4 (4 not looked at)')).toBeInTheDocument();
    expect(screen.getAllByText('not looked at').length).toBeGreaterThan(4);
    unmount();
    show(handlers, '/rules?open=soc2', (action) => action.includes('violations'));
    expect(await screen.findByText('Rules: 4 (4 not looked at)')).toBeInTheDocument();
    expect(screen.getAllByText('You may not read violations')).toHaveLength(4);
  });

  it('goes from row to row and chooses by keys', async () => {
    const { user } = show(handlers, '/rules?open=soc2');
    await screen.findByRole('link', { name: 'bad' });
    await user.keyboard('jjx');
    expect(screen.getByRole('link', { name: 'bad' })).toHaveFocus();
    expect(screen.getByRole('checkbox', { name: 'Choose bad' })).toBeChecked();
  });

  it('changes many after one question, and names what was not done, which stays chosen', async () => {
    const { host, user } = show({
      ...handlers,
      'PUT /v1/rules/bad': rule({ id: 'bad' }),
      'PUT /v1/rules/heavy': problem(412, 'version-mismatch', 'it is version 4 by now'),
      'PUT /v1/rules/idle': rule({ id: 'idle' }),
      'PUT /v1/rules/fine': rule({ id: 'fine' }),
    });
    await user.click(await screen.findByRole('checkbox', { name: 'Choose all 4 of SOC 2' }));
    expect(screen.getByText('Chosen: 4 (4 of them not shown)')).toBeInTheDocument();
    await user.click(screen.getByRole('button', { name: 'Put in shadow' }));
    const dialog = within(await screen.findByRole('dialog'));
    expect(dialog.getAllByRole('listitem').map((one) => one.textContent)).toEqual(['bad', 'heavy', 'idle', 'fine']);
    expect(host.requests.some(({ method }) => method === 'PUT')).toBe(false);
    await user.click(dialog.getByRole('button', { name: 'Put in shadow' }));
    expect(await dialog.findByText('Not done with 1 of 4 rules; done with the others')).toBeInTheDocument();
    expect(dialog.getByRole('listitem')).toHaveTextContent(/^heavy: .*it is version 4 by now/);
    expect(host.requests.find(({ path }) => path === '/v1/rules/bad')).toMatchObject({ headers: { 'If-Match': '"3"' }, body: { id: 'bad', shadow: true } });
    host.handlers['PUT /v1/rules/heavy'] = rule({ id: 'heavy' });
    await user.click(dialog.getByRole('button', { name: 'Try these again' }));
    await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument());
    expect(screen.getByText('Put in shadow: 4')).toBeInTheDocument();
    expect(screen.getByText('Chosen: 4 (4 of them not shown)')).toBeInTheDocument();
  });

  it('leaves alone what is so already', async () => {
    const { user } = show({ ...handlers, 'POST /v1/rules/mine/enable': rule({ id: 'mine' }) });
    await user.click(await screen.findByRole('checkbox', { name: 'Choose all 4 of SOC 2' }));
    await user.click(screen.getByRole('checkbox', { name: 'Choose mine' }));
    await user.click(within(screen.getByRole('group', { name: 'Chosen rules' })).getByRole('button', { name: 'Enable' }));
    const dialog = within(await screen.findByRole('dialog', { name: 'Rules to enable: 1' }));
    expect(dialog.getByText(/4 are so already/)).toBeInTheDocument();
    await user.click(dialog.getByRole('button', { name: 'Enable' }));
    expect(await screen.findByText('Enabled: 1')).toBeInTheDocument();
  });
});

it('says what happened when the rules cannot be read', async () => {
  const { host, user } = show({ 'GET /v1/rules': UNREACHABLE });
  expect(await screen.findByText(/Is the service running/)).toBeInTheDocument();
  host.handlers['GET /v1/rules'] = two;
  await user.click(screen.getByRole('button', { name: 'Try again' }));
  expect(await screen.findByRole('link', { name: 'Second rule' })).toBeInTheDocument();
});

describe('import', () => {
  const result = { dry_run: true, created: 1, updated: 0, unchanged: 0, rules: [{ id: 'x', name: 'x', result: 'created', version: 1, condition_hash: '', line: 1, diagnostics: [] }], tests: { passed: 2, failed: 0, errors: 0, results: [] } };

  it('first says what it would do, then does it', async () => {
    const { host, user } = show({ 'POST /v1/rules/import': ({ query }: { query: URLSearchParams }) => ({ ...result, dry_run: query.get('dry_run') === 'true' }) });
    await user.click(await screen.findByRole('button', { name: 'Import' }));
    await user.type(await screen.findByRole('textbox', { name: /Or its text/ }), 'rules: x');
    await user.click(screen.getByRole('button', { name: 'See what it would do' }));
    expect(await screen.findByText(/It would create 1/)).toBeInTheDocument();
    expect(screen.getByText('Tests of the file passed: 2')).toBeInTheDocument();
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Import' }));
    expect(await screen.findByText(/^Created 1/)).toBeInTheDocument();
    const imports = host.requests.filter(({ path }) => path.endsWith('/import'));
    expect(imports.map(({ query, body }) => [query.get('dry_run'), query.get('test'), body])).toEqual([
      ['true', 'true', 'rules: x'],
      ['false', 'true', 'rules: x'],
    ]);
  });

  it('names every problem of the file', async () => {
    const errors = [{ rule_id: null, code: null, severity: 'error', message: 'no key "dls"', line: 4, column: 3, range: null }];
    const { user } = show({ 'POST /v1/rules/import': problem(422, 'rules-invalid', 'nothing was changed', errors) });
    await user.click(await screen.findByRole('button', { name: 'Import' }));
    await user.type(await screen.findByRole('textbox', { name: /Or its text/ }), 'x');
    await user.click(screen.getByRole('button', { name: 'See what it would do' }));
    expect(await screen.findByText(/4:3 no key "dls"/)).toBeInTheDocument();
    expect(screen.getByText('Nothing was stored')).toBeInTheDocument();
  });
});
