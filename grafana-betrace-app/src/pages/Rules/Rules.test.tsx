// The list of rules as a user sees it.
import { screen, waitFor, within } from '@testing-library/react';
import { rule } from '../../test/fixtures';
import { answer, problem, UNREACHABLE, type Handlers } from '../../test/host';
import { render } from '../../test/render';
import RulesPage from '.';

const two = { rules: [rule(), rule({ id: 'second', name: 'Second rule', enabled: false, severity: 'low', broken: 'E033' })], cursor: null };

const show = (handlers: Handlers, at = '/rules', mayNot = (_action: string) => false) =>
  render(<RulesPage />, { handlers: { 'GET /v1/rules': two, ...handlers }, at, path: '/rules', host: { hasPermission: (action) => !mayNot(action) } });

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
  expect(host.requests[0].query.toString()).toBe('q=fraud&severity=critical&enabled=true&label=a&limit=200');
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

it('shows the next page when asked', async () => {
  const { user } = show({
    'GET /v1/rules': ({ query }: { query: URLSearchParams }) =>
      query.get('cursor') ? { rules: [rule({ id: 'third', name: 'Third rule' })], cursor: null } : { ...two, cursor: 'next' },
  });
  await user.click(await screen.findByRole('button', { name: 'Show more' }));
  expect(await screen.findByRole('link', { name: 'Third rule' })).toBeInTheDocument();
  expect(screen.getByRole('link', { name: 'Second rule' })).toBeInTheDocument();
  expect(screen.getByRole('link', { name: 'Third rule' })).toHaveFocus();
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
