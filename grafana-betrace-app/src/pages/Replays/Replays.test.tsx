// The form of a replay and the list of earlier ones, by what a user sees and does.
import { screen, waitFor } from '@testing-library/react';
import { counters, replay } from '../../test/replayFixtures';
import { rule } from '../../test/fixtures';
import { problem, UNREACHABLE, type Handlers } from '../../test/host';
import { render } from '../../test/render';
import Replays from '.';

// Monaco does not run in jsdom
jest.mock('../../editor/DslEditor', () => ({
  DslEditor: ({ value, label, onChange, onSave }: { value: string; label: string; onChange(value: string): void; onSave(): void }) => (
    <textarea aria-label={label} value={value} onChange={(event) => onChange(event.currentTarget.value)} onKeyDown={(event) => event.key === 's' && event.ctrlKey && onSave()} />
  ),
}));

const health = (emits: boolean) => ({ status: 'HEALTHY', version: '1', uptime_seconds: 1, metadata: { source: 'tempo', emits } });
const VALID = { valid: true, diagnostics: [], formatted: '', condition_hash: '', explain: null };

function show(handlers: Handlers = {}, at = '/replay', host = {}) {
  return render(<Replays />, {
    at,
    host,
    handlers: {
      'GET /v1/replays': { replays: [], cursor: null },
      'GET /v1/rules': { rules: [rule(), rule({ id: 'b', name: 'B' })], cursor: null },
      'GET /v1/health': health(true),
      'POST /v1/rules/validate': VALID,
      ...handlers,
    },
  });
}
const posted = (host: ReturnType<typeof show>['host']) => host.requests.find((request) => request.method === 'POST' && request.path === '/v1/replays')?.body;
const startButton = () => screen.findByRole('button', { name: /Start the replay/ });

it('starts what the URL says and goes to the replay', async () => {
  const { user, host, location } = show({ 'POST /v1/replays': { replay_id: 'r-9', status: 'queued' } }, '/replay?rule=fraud-check&from=now-7d&count=exact');
  await user.click(await startButton());
  await waitFor(() => expect(location()).toBe('/replay/r-9'));
  expect(posted(host)).toEqual({ rule_ids: ['fraud-check'], start_time: 'now-7d', end_time: 'now', count: 'exact' });
});

it('takes the text of an unsaved rule along, because the service does not keep it', async () => {
  const { user, host, location } = show({ 'POST /v1/replays': { replay_id: 'r-9', status: 'queued' } });
  await user.click(await screen.findByRole('radio', { name: 'A rule that is not saved' }));
  await user.type(screen.getByRole('textbox', { name: /Rule/ }), 'trace.has(a)');
  expect(location()).toBe('/replay?what=dsl&dsl=trace.has%28a%29');
  await user.keyboard('{Control>}s{/Control}');
  await waitFor(() => expect(location()).toBe('/replay/r-9?dsl=trace.has%28a%29'));
  expect(posted(host)).toMatchObject({ dsl: 'trace.has(a)' });
  expect(posted(host)).not.toHaveProperty('emit');
});

it('cannot be started without a rule, and says so', async () => {
  show();
  expect(await startButton()).toHaveAttribute('aria-disabled', 'true');
  expect(screen.getByText('Choose at least one rule.')).toBeInTheDocument();
});

it('shows what is wrong with a text, where', async () => {
  const diagnostics = [{ code: 'E001', severity: 'error', message: 'unknown name', line: 1, column: 7, range: {} }];
  show({ 'POST /v1/rules/validate': { ...VALID, valid: false, diagnostics } }, '/replay?what=dsl&dsl=trace.');
  expect(await screen.findByText('1:7 unknown name')).toBeInTheDocument();
});

it('shows why the service refused', async () => {
  const { user } = show({ 'POST /v1/replays': problem(422, 'rule-invalid', 'line 1: unknown name') }, '/replay?rule=b');
  await user.click(await startButton());
  expect(await screen.findByText('line 1: unknown name')).toBeInTheDocument();
  expect(screen.getByText('The replay was not started')).toBeInTheDocument();
});

it('offers to send only where the service can', async () => {
  const { user, location } = show({}, '/replay?rule=b');
  const emit = await screen.findByRole('switch', { name: /Send violations/ });
  await waitFor(() => expect(emit).toBeChecked());
  await user.click(emit);
  expect(location()).toBe('/replay?rule=b&emit=false');
});

it('says why nothing is sent where there is no OTLP endpoint', async () => {
  show({ 'GET /v1/health': health(false) });
  expect(await screen.findByText(/no OTLP endpoint/)).toBeInTheDocument();
  expect(screen.getByRole('switch')).toBeDisabled();
});

it('tells a viewer why not', async () => {
  show({}, '/replay?rule=b', { hasPermission: (action: string) => action.endsWith(':read') });
  expect(await startButton()).toHaveAttribute('aria-disabled', 'true');
  expect(screen.getByText(/viewer’s: it may read, not change/)).toBeInTheDocument();
});

it('lists earlier replays; of an incomplete one zero is not known', async () => {
  const replays = [replay({ replay_id: 'r-1', violations_found: 37 }), replay({ replay_id: 'r-2', status: 'incomplete', rules: [counters({ rule_name: 'B' })] })];
  show({ 'GET /v1/replays': { replays, cursor: null } });
  const row = (name: string) => screen.getByRole('link', { name }).closest('tr');
  await screen.findByRole('link', { name: 'B' });
  expect(row('Fraud check on large orders')).toHaveTextContent(/Complete37/);
  expect(row('B')).toHaveTextContent(/Incompletenot known/);
  expect(screen.getByRole('link', { name: 'B' })).toHaveAttribute('href', '/replay/r-2');
});

it('asks for older ones page by page', async () => {
  const pages: Record<string, unknown> = {
    '': { replays: [replay()], cursor: 'c1' },
    c1: { replays: [replay({ replay_id: 'r-2', rules: [counters({ rule_name: 'Older' })] })], cursor: null },
  };
  const { user } = show({ 'GET /v1/replays': ({ query }: { query: URLSearchParams }) => pages[query.get('cursor') ?? ''] });
  await user.click(await screen.findByRole('button', { name: 'Show older ones' }));
  expect(await screen.findByRole('link', { name: 'Older' })).toBeInTheDocument();
  expect(screen.queryByRole('button', { name: 'Show older ones' })).not.toBeInTheDocument();
});

it('says when there are none, and when nobody answers', async () => {
  show();
  expect(await screen.findByText('No replays yet')).toBeInTheDocument();
  show({ 'GET /v1/replays': UNREACHABLE });
  expect(await screen.findByText('The service did not answer')).toBeInTheDocument();
});
