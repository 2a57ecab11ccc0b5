// The host in Grafana, with its services stubbed: proxy, failures, cancellation, permissions, Explore.
import { config } from '@grafana/runtime';
import { Observable, of, throwError } from 'rxjs';
import { createGrafanaHost } from './grafana';

const fetch = jest.fn();
let mockGranted: string[] = [];
jest.mock('@grafana/runtime', () => ({
  ...jest.requireActual('@grafana/runtime'),
  getBackendSrv: () => ({ fetch: (...options: unknown[]) => fetch(...options) }),
  hasPermission: (action: string) => mockGranted.includes(action),
}));

const host = createGrafanaHost({});

beforeEach(() => {
  mockGranted = ['betrace-app.rules:read', 'datasources:explore'];
});

it('goes through the plugin proxy, without alerts of its own', async () => {
  fetch.mockReturnValue(of({ data: { rules: [] }, status: 200, headers: new Headers({ ETag: '"2"' }) }));
  const response = await host.request({
    method: 'PUT',
    path: '/v1/rules/a',
    body: '{}',
    contentType: 'application/json',
    headers: { 'If-Match': '"1"' },
  });
  expect(fetch).toHaveBeenCalledWith(
    expect.objectContaining({
      url: '/api/plugin-proxy/betrace-app/v1/rules/a',
      method: 'PUT',
      data: '{}',
      headers: { 'Content-Type': 'application/json', 'If-Match': '"1"' },
      showErrorAlert: false,
    })
  );
  expect(response).toMatchObject({ status: 200, body: { rules: [] } });
  expect(response.header('etag')).toBe('"2"');
});

it('gives refusals of the service as answers, and no answer as an exception', async () => {
  fetch.mockReturnValue(throwError(() => ({ status: 422, data: { title: 'bad' }, config: {} })));
  expect(await host.request({ method: 'GET', path: '/v1/rules' })).toMatchObject({ status: 422, body: { title: 'bad' } });
  fetch.mockReturnValue(throwError(() => new TypeError('Failed to fetch')));
  await expect(host.request({ method: 'GET', path: '/v1/rules' })).rejects.toThrow('Failed to fetch');
});

it('cancels by leaving the request', async () => {
  const left = jest.fn();
  fetch.mockReturnValue(new Observable(() => left));
  const abort = new AbortController();
  const waiting = host.request({ method: 'GET', path: '/v1/rules', signal: abort.signal });
  abort.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  expect(left).toHaveBeenCalledTimes(1);
});

it('finds the Tempo data source, or offers no link', () => {
  const time = { fromMs: 0, toMs: 1 };
  config.datasources = {};
  expect(host.exploreTraceUrl('t', null, time)).toBeNull();
  config.datasources = { T: { uid: 'first', type: 'tempo' } } as never;
  expect(decodeURIComponent(host.exploreTraceUrl('t', null, time) ?? '')).toContain('"uid":"first"');
  expect(decodeURIComponent(createGrafanaHost({ tempoDatasourceUid: 'mine' }).exploreTraceUrl('t', null, time) ?? '')).toContain(
    '"uid":"mine"'
  );
});

it('offers no link to Explore to whom Grafana does not let in there', () => {
  config.datasources = { T: { uid: 'first', type: 'tempo' } } as never;
  mockGranted = ['betrace-app.rules:read'];
  expect(createGrafanaHost({ tempoDatasourceUid: 'mine' }).exploreTraceUrl('t', null, { fromMs: 0, toMs: 1 })).toBeNull();
});

it('knows the address of the service, and where who may changes it', () => {
  config.appSubUrl = '/grafana';
  expect(host.connection()).toEqual({ url: '', settingsUrl: null });
  mockGranted = ['plugins:write'];
  expect(createGrafanaHost({ apiUrl: 'http://betrace:8080' }).connection()).toEqual({
    url: 'http://betrace:8080',
    settingsUrl: '/grafana/plugins/betrace-app',
  });
  config.appSubUrl = '';
});

it('asks Grafana for permissions', () => {
  expect(host.hasPermission('betrace-app.rules:read')).toBe(true);
  expect(host.hasPermission('betrace-app.rules:write')).toBe(false);
});
