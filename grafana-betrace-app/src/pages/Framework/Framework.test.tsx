// Reports: asked for, waited for, shown, exported, gone.
import { act, screen, waitFor, within } from '@testing-library/react';
import { control, controlRule, counts, report } from '../../test/reportFixtures';
import { coverage } from '../../test/fixtures';
import { answer, problem, type Handlers } from '../../test/host';
import { render } from '../../test/render';
import FrameworkPage from '.';

const FRAMEWORKS = { frameworks: [{ name: 'SOC2', title: 'SOC 2, trust services', in_catalogue: true, controls: 61, controls_with_rules: 1, rules_count: 1, rules: [] }] };
const UNDER_WAY = { report_id: 'rep-1', status: 'running', framework: 'SOC2', progress: 0.4, parts: { done: 2, total: 5 }, queries: 12, range: { start: '2026-11-19T12:00:00Z', end: '2026-11-20T12:00:00Z' } };

function show(handlers: Handlers = {}, at = '/compliance/SOC2') {
  return render(<FrameworkPage />, { at, path: '/compliance/:framework', handlers: { 'GET /v1/compliance/frameworks': FRAMEWORKS, ...handlers } });
}
const showReport = (made: unknown, at = '/compliance/SOC2?report=rep-1') => show({ 'GET /v1/reports/rep-1': made }, at);
const row = async (name: string) => within((await screen.findByRole('link', { name })).closest('tr') as HTMLElement);

it('evaluates nothing until it is asked to', async () => {
  const { host } = show();
  expect(await screen.findByRole('heading', { name: 'SOC 2, trust services' })).toBeInTheDocument();
  expect(screen.getByText('No report yet')).toBeInTheDocument();
  expect(host.requests.map(({ path }) => path)).toEqual(['/v1/compliance/frameworks']);
});

it('makes a report of the range, and keeps its id in the address', async () => {
  const made = report([control()]);
  const { user, host, location } = show({ 'GET /v1/compliance/reports/SOC2': made, 'GET /v1/reports/rep-1': made }, '/compliance/SOC2?from=now-7d');
  await user.click(await screen.findByRole('button', { name: 'Make the report' }));
  await waitFor(() => expect(location()).toBe('/compliance/SOC2?from=now-7d&report=rep-1'));
  const asked = host.requests.find(({ path }) => path === '/v1/compliance/reports/SOC2');
  expect(Object.fromEntries(asked?.query ?? [])).toMatchObject({ start: 'now-7d' });
  expect(asked?.query.has('end')).toBe(false);
  expect(await screen.findByText('SOC 2: report over 2026-11-19 12:00:00 to 2026-11-20 11:58:00')).toBeInTheDocument();
});

it('waits for a report that takes longer', async () => {
  jest.useFakeTimers({ advanceTimers: true });
  let now: unknown = answer(202, UNDER_WAY);
  const { user } = show({ 'GET /v1/compliance/reports/SOC2': answer(202, UNDER_WAY), 'GET /v1/reports/rep-1': () => now });
  await user.click(await screen.findByRole('button', { name: 'Make the report' }));
  expect(await screen.findByRole('progressbar', { name: 'Progress' })).toHaveValue(40);
  now = report([control()]);
  await act(() => jest.advanceTimersByTimeAsync(1600));
  expect(await screen.findByText('CC6.1')).toBeInTheDocument();
  jest.useRealTimers();
});

it('cancels a report that is under way, for those who may', async () => {
  const handlers = { 'GET /v1/reports/rep-1': answer(202, UNDER_WAY), 'DELETE /v1/reports/rep-1': answer(204, undefined) };
  const { user, host, location } = show(handlers, '/compliance/SOC2?report=rep-1');
  await user.click(await screen.findByRole('button', { name: 'Cancel' }));
  expect(await screen.findByText('No report yet')).toBeInTheDocument();
  expect(location()).toBe('/compliance/SOC2');
  expect(host.requests.filter(({ method }) => method === 'DELETE').map(({ path }) => path)).toEqual(['/v1/reports/rep-1']);
});

it('does not cancel for those who may not', async () => {
  render(<FrameworkPage />, {
    at: '/compliance/SOC2?report=rep-1',
    path: '/compliance/:framework',
    handlers: { 'GET /v1/compliance/frameworks': FRAMEWORKS, 'GET /v1/reports/rep-1': answer(202, UNDER_WAY) },
    host: { hasPermission: (action: string) => action.endsWith(':read') },
  });
  expect(await screen.findByRole('button', { name: 'Cancel' })).toHaveAttribute('aria-disabled', 'true');
});

it('says what shows when it was made, and what it follows', async () => {
  const previous = { report_id: 'rep-0', head: 'b'.repeat(64), reason: null };
  showReport(report([control()], { previous }, true, { token: 'MIIB', reason: null }));
  expect(await screen.findByText('The report before it: rep-0')).toBeInTheDocument();
  expect(screen.getByText(/^A time-stamp authority stamped it/)).toBeInTheDocument();
});

it('says why there is no time stamp and why nobody knows what it follows', async () => {
  const previous = { report_id: null, head: null, reason: 'no key' };
  showReport(report([control()], { previous }, true, { token: null, reason: 'the authority <b>refused</b>' }));
  expect(await screen.findByText('The report before it is not known: no key')).toBeInTheDocument();
  expect(screen.getByText('It has no time stamp: the authority <b>refused</b>')).toBeInTheDocument();
});

it('says of which framework a report is, whatever the address says', async () => {
  showReport(report([control()], { framework: { name: 'HIPAA', title: 'HIPAA', in_catalogue: true } }));
  expect(await screen.findByText(/^HIPAA: report over/)).toBeInTheDocument();
});

it('shows each rule with its denominators, and leads to its violations', async () => {
  showReport(report([control()]));
  const rule = await row('PII is audited');
  const cells = rule.getAllByRole('cell').map((cell) => cell.textContent);
  expect(cells.slice(3, 8)).toEqual(['20,000', '900', '897', '3', '0']);
  const violations = rule.getByRole('link', { name: 'See the violations' });
  expect(violations).toHaveAttribute('href', '/violations?rule=pii-audit&from=2026-11-19T12%3A00%3A00Z&to=2026-11-20T12%3A00%3A00Z&view=list');
});

it('says of a rule in shadow why its control claims nothing while it is violated', async () => {
  const trial = controlRule({ rule_id: 'trial', name: 'On trial', decides: false });
  const off = controlRule({ rule_id: 'off', name: 'Off', decides: false, counts: null, status: 'not_evaluated', reason: 'the rule is disabled' });
  showReport(report([control({ status: 'not_evaluated', rules: [trial, off] }), control({ control: 'CC6.2', rules: [controlRule()] })]));
  expect((await row('On trial')).getByText(/^In shadow: .* claims nothing by it/)).toBeInTheDocument();
  expect(screen.getAllByText(/^In shadow/)).toHaveLength(1);
});

it('says of a count that it is a least one', async () => {
  showReport(report([control({ rules: [controlRule({ counts: counts({ evaluated_kind: 'at_least' }) })] })]));
  expect((await row('PII is audited')).getByText('≥ 20,000')).toBeInTheDocument();
});

it('never shows what was not exercised or not evaluated as passed', async () => {
  const idle = control({ control: 'A', status: 'not_exercised', rules: [controlRule({ rule_id: 'a', name: 'A rule', status: 'not_exercised', counts: counts({ exercised: 0, violated: 0, satisfied: 0 }) })] });
  const off = control({ control: 'B', status: 'not_evaluated', rules: [controlRule({ rule_id: 'b', name: 'B rule', status: 'not_evaluated', counts: null, reason: 'the rule is disabled' })] });
  showReport(report([idle, off]));
  expect((await row('A rule')).getByText('Not exercised')).toBeInTheDocument();
  expect((await row('B rule')).getByText('the rule is disabled')).toBeInTheDocument();
  expect(screen.queryByText('Pass')).not.toBeInTheDocument();
});

it('shows the worst first, and controls without rules only when asked to', async () => {
  const pass = control({ control: 'P', status: 'pass', rules: [controlRule({ rule_id: 'p', name: 'P rule', status: 'pass' })] });
  const none = control({ control: 'N', status: 'no_rules', rules: [] });
  const removed = control({ control: 'R', status: 'no_rules', rules: [], removed: [{ rule_id: 'gone' }] });
  const { user, location } = showReport(report([pass, none, removed, control()]));
  await screen.findByText('P rule');
  const names = () => screen.getAllByRole('rowheader').map((header) => header.textContent);
  expect(names()).toEqual(['CC6.1', 'P', 'R']);
  expect(screen.getByText('Taken away since the start of the range: gone')).toBeInTheDocument();
  await user.click(screen.getByRole('checkbox', { name: 'Also controls without rules' }));
  expect(location()).toContain('all=true');
  expect(names()).toEqual(['CC6.1', 'P', 'N', 'R']);
  expect(within(screen.getByLabelText('Controls by status')).getByText('No rules').parentElement).toHaveTextContent('2');
});

it('says first what must be read first, and what was not read', async () => {
  const failed = [{ start: '2026-11-20T12:10:00Z', end: '2026-11-20T12:20:00Z', reason: 'timeout' }];
  showReport(report([control()], { notes: ['a rule was changed inside the range'], coverage: coverage({ complete: false, windows_failed: failed }), complete: false }));
  expect(await screen.findByText('a rule was changed inside the range')).toBeInTheDocument();
  expect(screen.getByTestId('coverage-incomplete')).toHaveTextContent('timeout');
});

it('tells signed reports from those that prove nothing', async () => {
  showReport(report([control()]));
  expect(await screen.findByText(/not signed, so it proves nothing/)).toBeInTheDocument();
  showReport(report([control()], {}, true));
  expect(await screen.findByText(/betrace verify-report/)).toBeInTheDocument();
});

it('saves the report as a file of each kind', async () => {
  const created: Blob[] = [];
  Object.assign(URL, { createObjectURL: (blob: Blob) => (created.push(blob), 'blob:x'), revokeObjectURL: () => undefined });
  const names: string[] = [];
  jest.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
    names.push(this.download);
  });
  const { user, host } = showReport(report([control()]));
  for (const name of ['Evidence (JSON)', 'HTML', 'OSCAL']) {
    await user.click(await screen.findByRole('button', { name }));
    await waitFor(() => expect(screen.getByRole('button', { name })).toBeEnabled());
  }
  await waitFor(() => expect(names).toEqual(['SOC2-2026-11-20.evidence.json', 'SOC2-2026-11-20.html', 'SOC2-2026-11-20.oscal.json']));
  expect(host.requests.filter(({ path }) => path === '/v1/reports/rep-1').map(({ query }) => query.get('format'))).toEqual(['json', 'json', 'html', 'oscal']);
  expect(host.requests.filter(({ query }) => query.get('unfinished') === '503')).toHaveLength(3);
  expect(created).toHaveLength(3);
  jest.restoreAllMocks();
});

it('saves no file where there is no report yet', async () => {
  const click = jest.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => undefined);
  let now: unknown = report([control()]);
  const { user } = show({ 'GET /v1/reports/rep-1': () => now }, '/compliance/SOC2?report=rep-1');
  const button = await screen.findByRole('button', { name: 'HTML' });
  now = problem(503, 'unfinished', 'There is no report yet');
  await user.click(button);
  expect(await screen.findByText('There is no report yet')).toBeInTheDocument();
  expect(click).not.toHaveBeenCalled();
  jest.restoreAllMocks();
});

it('says that a report is gone, and why the service refused one', async () => {
  showReport(problem(404, 'not-found', 'no such report'));
  expect(await screen.findByText('This report is not kept any more')).toBeInTheDocument();
  const { user } = show({ 'GET /v1/compliance/reports/SOC2': problem(503, 'busy', 'two reports are under way') });
  await user.click(await screen.findByRole('button', { name: 'Make the report' }));
  expect(await screen.findByText('two reports are under way')).toBeInTheDocument();
});
