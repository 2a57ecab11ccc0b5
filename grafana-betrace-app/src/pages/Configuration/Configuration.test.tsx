// The Configuration page in both hosts.
import { act, screen } from '@testing-library/react';
import { createSession, type Session } from '../../host/session';
import { SessionProvider } from '../../host/sessionContext';
import { render } from '../../test/render';
import Configuration from '.';

const HANDLERS = {
  'GET /v1/health': { status: 'HEALTHY', version: '0.1.0', uptime_seconds: 60, metadata: { source: 'files', emits: false } },
  'GET /v1/ready': { status: 'ready', parts: { store: { ready: true }, source: { ready: true } } },
};

function show(session: Session) {
  return render(
    <SessionProvider value={session}>
      <Configuration />
    </SessionProvider>,
    { handlers: HANDLERS }
  );
}

beforeEach(() => {
  window.localStorage.clear();
  window.sessionStorage.clear();
});

it('shows what the service says of itself, and how to see its settings', async () => {
  show(createSession());
  expect(await screen.findByText('Traces from files')).toBeInTheDocument();
  expect(screen.getByText('betrace serve --print-config')).toBeInTheDocument();
});

const TEMPO = { ...HANDLERS['GET /v1/health'], metadata: { source: 'tempo', emits: false } };
const saying = (source: object) => ({ 'GET /v1/health': TEMPO, 'GET /v1/ready': { ...HANDLERS['GET /v1/ready'], source } });

it('says which Tempo it is', async () => {
  render(<Configuration />, { handlers: saying({ kind: 'tempo', version: '3.0.3', checked: true }), host: { kind: 'grafana' } });
  expect((await screen.findByText('Tempo 3.0.3')).closest('li')).toHaveAttribute('data-state', 'ready');
});

it('says what follows from a version that was not checked', async () => {
  const note = 'not among the versions that were checked (2.8, 2.10, 3.0, 3.1)';
  render(<Configuration />, { handlers: saying({ kind: 'tempo', version: '3.1.0', checked: false, note }), host: { kind: 'grafana' } });
  const part = (await screen.findByText('Tempo 3.1.0')).closest('li');
  expect(part).toHaveAttribute('data-state', 'unchecked');
  expect(part).toHaveTextContent(`Ready, but ${note}. Every candidate is read, and more of them by id.`);
});

it('changes theme and zone of this browser', async () => {
  const session = createSession();
  const { user } = show(session);
  await user.click(await screen.findByRole('radio', { name: 'Light' }));
  await user.click(screen.getByRole('radio', { name: 'UTC' }));
  expect(session.get()).toMatchObject({ theme: 'light', timeZone: 'utc' });
});

it('asks for a token, says what it may do, and forgets it', async () => {
  const session = createSession();
  const { user } = show(session);
  expect(await screen.findByText(/No token is given/)).toBeInTheDocument();
  await user.click(screen.getByRole('button', { name: 'Give a token' }));
  expect(session.get().tokenWanted).toBe(true);
  act(() => session.set({ token: 'secret', role: 'viewer', tenant: 'acme', tokenWanted: false }));
  expect(await screen.findByText('A token is in use. It may read, not change. Tenant: acme.')).toBeInTheDocument();
  expect(screen.queryByText(/secret/)).not.toBeInTheDocument();
  await user.click(screen.getByRole('button', { name: 'Forget the token' }));
  expect(session.get()).toMatchObject({ token: '', tenant: '' });
});

it('leads to the settings of the plugin inside Grafana', async () => {
  render(<Configuration />, { handlers: HANDLERS, host: { kind: 'grafana' } });
  expect(await screen.findByRole('link', { name: 'Open the settings' })).toHaveAttribute('href', '/plugins/betrace-app');
  expect(screen.queryByText('Give a token')).not.toBeInTheDocument();
});
