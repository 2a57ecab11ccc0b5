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
