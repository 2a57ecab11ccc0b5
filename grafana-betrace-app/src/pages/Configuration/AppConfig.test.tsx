// The settings of the plugin: what is saved, and what is left alone.
import { fireEvent, screen, waitFor } from '@testing-library/react';
import { of, throwError } from 'rxjs';
import { render } from '../../test/render';
import AppConfig from './AppConfig';

const fetch = jest.fn();
jest.mock('@grafana/runtime', () => ({
  ...jest.requireActual('@grafana/runtime'),
  getBackendSrv: () => ({ fetch: (options: unknown) => fetch(options) }),
}));

const meta = (jsonData: object, secureJsonFields: object = {}) => ({ id: 'betrace-app', jsonData, secureJsonFields });
const show = (jsonData: object, secureJsonFields = {}) =>
  render(<AppConfig plugin={{ meta: meta(jsonData, secureJsonFields) } as never} query={{}} />);

beforeEach(() => {
  fetch.mockReset().mockReturnValue(of({}));
  // jsdom says that it cannot reload a page
  jest.spyOn(console, 'error').mockImplementation(() => undefined);
});

const address = () => screen.getByLabelText(/^Address/);
const saved = () => fetch.mock.calls[0]?.[0];

it('saves the address without a slash at its end, and a token that was typed', async () => {
  const { user } = show({ other: 1 });
  fireEvent.change(address(), { target: { value: 'http://betrace:8080/' } });
  fireEvent.change(screen.getByLabelText(/^Token/), { target: { value: 'secret' } });
  await user.click(screen.getByRole('button', { name: 'Save' }));
  await waitFor(() => expect(saved()).toBeDefined());
  expect(saved()).toMatchObject({ url: '/api/plugins/betrace-app/settings', method: 'POST' });
  expect(saved().data).toMatchObject({
    enabled: true,
    jsonData: { other: 1, apiUrl: 'http://betrace:8080' },
    secureJsonData: { apiToken: 'secret' },
  });
});

it('leaves a stored token alone', async () => {
  const { user } = show({ apiUrl: 'http://betrace:8080' }, { apiToken: true });
  await user.click(screen.getByRole('button', { name: 'Save' }));
  await waitFor(() => expect(saved()).toBeDefined());
  expect(saved().data).not.toHaveProperty('secureJsonData');
});

it('takes no address that is none, and says why nothing was saved', async () => {
  fetch.mockReturnValue(throwError(() => new Error('no permission')));
  const { user } = show({});
  fireEvent.change(address(), { target: { value: 'betrace:8080' } });
  expect(screen.getByText(/begins with http/)).toBeInTheDocument();
  expect(screen.getByRole('button', { name: 'Save' })).toBeDisabled();
  fireEvent.change(address(), { target: { value: 'http://betrace:8080' } });
  await user.click(screen.getByRole('button', { name: 'Save' }));
  expect(await screen.findByText('no permission')).toBeInTheDocument();
});
