// What stands between an address and its page.
import { screen } from '@testing-library/react';
import { render } from '../test/render';
import { AppRoutes } from './AppRoutes';

const connection = (settingsUrl: string | null) => ({ connection: () => ({ url: '', settingsUrl }) });

it('asks for the address of the service first, and nothing of the service, where none is set', async () => {
  const { host } = render(<AppRoutes />, { at: '/rules', host: connection('/plugins/betrace-app') });
  expect(await screen.findByText('Where is BeTrace?')).toBeInTheDocument();
  expect(screen.getByRole('link', { name: 'Open the settings' })).toHaveAttribute('href', '/plugins/betrace-app');
  expect(screen.queryByRole('alert')).not.toBeInTheDocument();
  expect(host.requests).toEqual([]);
});

it('says who can set it to whom may not', async () => {
  render(<AppRoutes />, { at: '/violations', host: connection(null) });
  expect(await screen.findByText(/An administrator of this Grafana/)).toBeInTheDocument();
});
