// The settings of the plugin: what is saved, and what is left alone.
import { fireEvent, screen, waitFor } from '@testing-library/react';
import { config } from '@grafana/runtime';
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
  window.sessionStorage.clear();
  config.datasources = {};
  // jsdom says that it cannot reload a page
  jest.spyOn(console, 'error').mockImplementation(() => undefined);
});

const address = () => screen.getByLabelText(/^Address/);
const saved = () => fetch.mock.calls.map(([options]) => options).find(({ method }) => method === 'POST');

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

it('saves the tenant that everybody asks for, and takes it away again', async () => {
  const { user } = show({ apiUrl: 'http://betrace:8080', tenant: 'acme' });
  expect(screen.getByLabelText(/^Tenant/)).toHaveValue('acme');
  fireEvent.change(screen.getByLabelText(/^Tenant/), { target: { value: ' beta ' } });
  await user.click(screen.getByRole('button', { name: 'Save' }));
  await waitFor(() => expect(saved()).toBeDefined());
  expect(saved().data.jsonData).toEqual({ apiUrl: 'http://betrace:8080', tenant: 'beta', tempoDatasourceUid: '' });
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

it('says after a save that it is saved, once, and that the service answers', async () => {
  const first = show({ apiUrl: 'http://betrace:8080' });
  await first.user.click(screen.getByRole('button', { name: 'Save' }));
  await waitFor(() => expect(saved()).toBeDefined());
  first.unmount();
  fetch.mockReturnValue(of({ data: { status: 'HEALTHY', version: '0.1.0' } }));
  const second = show({ apiUrl: 'http://betrace:8080' });
  expect(screen.getByText('Saved')).toBeInTheDocument();
  expect(await screen.findByText('BeTrace 0.1.0 answers at http://betrace:8080')).toBeInTheDocument();
  expect(fetch).toHaveBeenCalledWith(expect.objectContaining({ url: '/api/plugin-proxy/betrace-app/v1/health', method: 'GET' }));
  second.unmount();
  show({ apiUrl: 'http://betrace:8080' });
  expect(screen.queryByText('Saved')).not.toBeInTheDocument();
});

it.each([
  ['nobody answers', throwError(() => ({ status: 502, data: { message: 'Bad Gateway' } })), 'Bad Gateway'],
  ['a token is wanted', throwError(() => ({ status: 401, data: { detail: 'a token is needed' } })), 'a token is needed'],
  ['it is something else', of({ data: '<html>' }), /not BeTrace/],
])('says that the connection fails: %s', async (_name, answer, said) => {
  fetch.mockReturnValue(answer);
  show({ apiUrl: 'http://betrace:8080' });
  expect(await screen.findByText('Grafana’s server gets no answer of BeTrace at http://betrace:8080')).toBeInTheDocument();
  expect(screen.getByText(said)).toBeInTheDocument();
});

it('asks nobody where no address is set', () => {
  show({});
  expect(fetch).not.toHaveBeenCalled();
});

it('lists the Tempo data sources by name, and keeps a stored one that is gone', async () => {
  config.datasources = { T: { uid: 't', name: 'Traces', type: 'tempo' }, P: { uid: 'p', name: 'Metrics', type: 'prometheus' } } as never;
  const { user, unmount } = show({ apiUrl: 'http://b', tempoDatasourceUid: 't' });
  expect(screen.getByLabelText(/^Tempo data source/)).toHaveValue('Traces');
  await user.click(screen.getByRole('button', { name: 'Save' }));
  await waitFor(() => expect(saved()?.data.jsonData.tempoDatasourceUid).toBe('t'));
  unmount();
  show({ apiUrl: 'http://b', tempoDatasourceUid: 'gone' });
  expect(screen.getByLabelText(/^Tempo data source/)).toHaveValue('gone');
});
