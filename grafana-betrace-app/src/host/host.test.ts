// The host without Grafana: requests, session, what a token may do.
import { exploreTraceUrl } from './exploreUrl';
import { createSession } from './session';
import { createStandaloneHost } from './standalone';
import { probeRole } from './probeRole';
import { ACTIONS } from '../permissions';

function stubFetch(status: number, body: string, contentType = 'application/json') {
  const response = {
    status,
    text: async () => body,
    json: async () => JSON.parse(body),
    headers: new Headers({ 'Content-Type': contentType, ETag: '"4"' }),
  };
  const fetch = jest.fn(async (_url: unknown, _options: unknown) => response);
  Object.assign(global, { fetch });
  return fetch;
}

beforeEach(() => {
  window.localStorage.clear();
  window.sessionStorage.clear();
});

describe('the standalone host', () => {
  it('asks the service that the page came from, with token and tenant', async () => {
    const fetch = stubFetch(200, '{"a":1}', 'application/problem+json; charset=utf-8');
    const session = createSession();
    session.set({ token: 'secret', tenant: 'one' });
    const response = await createStandaloneHost(session).request({ method: 'GET', path: '/v1/rules?limit=1' });
    expect(String(fetch.mock.calls[0][0])).toBe('http://localhost/v1/rules?limit=1');
    expect(fetch.mock.calls[0][1]).toMatchObject({ headers: { Authorization: 'Bearer secret', 'X-Scope-OrgID': 'one' } });
    expect(response).toMatchObject({ status: 200, body: { a: 1 } });
    expect(response.header('etag')).toBe('"4"');
  });

  it('sends no header for a token that is not there, and leaves other texts as text', async () => {
    const fetch = stubFetch(200, 'rules: []', 'application/yaml');
    const response = await createStandaloneHost(createSession()).request({ method: 'GET', path: '/v1/rules/export' });
    expect(fetch.mock.calls[0][1]).toMatchObject({ headers: {} });
    expect(response.body).toBe('rules: []');
  });

  it('asks for a token when the service wants one', async () => {
    stubFetch(401, '{}');
    const session = createSession();
    await createStandaloneHost(session).request({ method: 'GET', path: '/v1/rules' });
    expect(session.get().tokenWanted).toBe(true);
  });

  it('offers a viewer no writes', () => {
    const session = createSession();
    const host = createStandaloneHost(session);
    expect(host.hasPermission(ACTIONS.writeRules)).toBe(true);
    session.set({ role: 'viewer' });
    expect(host.hasPermission(ACTIONS.writeRules)).toBe(false);
    expect(host.hasPermission(ACTIONS.readRules)).toBe(true);
  });
});

describe('in the shell of another product', () => {
  const shell = (role: string) => {
    document.head.innerHTML = `<meta name="betrace-shell" content='${JSON.stringify({ header: 'kbn-xsrf', role, theme: 'light' })}'>`;
  };
  afterEach(() => {
    document.head.innerHTML = '';
  });

  it('sends the header that the shell wants and no token, whatever this tab remembers', async () => {
    createSession().set({ token: 'secret', tenant: 'one', theme: 'dark' });
    shell('editor');
    const fetch = stubFetch(200, '{}');
    const host = createStandaloneHost(createSession());
    await host.request({ method: 'POST', path: '/v1/rules' });
    expect(fetch.mock.calls[0][1]).toMatchObject({ headers: { 'kbn-xsrf': 'betrace' } });
    expect(JSON.stringify(fetch.mock.calls[0][1])).not.toMatch(/secret|X-Scope-OrgID/);
    expect(host.kind).toBe('shell');
    expect(createSession().get().theme).toBe('light');
  });

  it('asks for no token, offers what the shell hands on, and leaves what the pages alone remember', async () => {
    createSession().set({ theme: 'dark' });
    shell('viewer');
    stubFetch(401, '{}');
    const session = createSession();
    const host = createStandaloneHost(session);
    await host.request({ method: 'GET', path: '/v1/rules' });
    session.set({ timeZone: 'utc' });
    expect(session.get().tokenWanted).toBe(false);
    expect(host.hasPermission(ACTIONS.writeRules)).toBe(false);
    document.head.innerHTML = '';
    expect(createSession().get()).toMatchObject({ theme: 'dark', timeZone: 'browser', role: 'editor' });
  });
});

describe('the session', () => {
  it('keeps theme and zone in the browser, the token in the tab', () => {
    createSession().set({ theme: 'light', timeZone: 'utc', token: 'secret', role: 'viewer' });
    expect(createSession().get()).toMatchObject({ theme: 'light', timeZone: 'utc', token: 'secret', role: 'viewer', tokenWanted: false });
    expect(JSON.stringify(window.localStorage)).not.toContain('secret');
  });

  it('works where storage is forbidden', () => {
    const forbidden = jest.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
      throw new Error('forbidden');
    });
    const session = createSession();
    const seen = jest.fn();
    const stop = session.subscribe(seen);
    session.set({ theme: 'light' });
    expect(session.get().theme).toBe('light');
    stop();
    session.set({ theme: 'dark' });
    expect(seen).toHaveBeenCalledTimes(1);
    forbidden.mockRestore();
  });
});

describe('what a token may do', () => {
  it.each([
    [200, { role: 'editor' }],
    [422, { role: 'editor' }],
    [403, { role: 'viewer' }],
    [401, { problem: 'unknown token' }],
    [400, { problem: 'unknown token' }],
    [503, { problem: 'unknown token' }],
  ])('%d', async (status, expected) => {
    const fetch = stubFetch(status, '{"title":"t","detail":"unknown token"}');
    expect(await probeRole('secret', '')).toEqual(expected);
    expect(String(fetch.mock.calls[0][0])).toContain('dry_run=true');
  });
});

it('opens a trace in Explore with room on both sides', () => {
  const url = new URL(exploreTraceUrl('/sub', 'tempo-uid', 'abc', 'span', { fromMs: 1_000_000, toMs: 2_000_000 }), 'http://g');
  expect(url.pathname).toBe('/sub/explore');
  expect(url.searchParams.has('orgId')).toBe(false); // would move the reader to another organisation
  const pane = JSON.parse(url.searchParams.get('panes') ?? '').a;
  expect(pane).toMatchObject({
    datasource: 'tempo-uid',
    range: { from: '940000', to: '2060000' },
    panelsState: { trace: { spanId: 'span' } },
  });
  expect(pane.queries[0]).toMatchObject({ query: 'abc', queryType: 'traceql', datasource: { type: 'tempo', uid: 'tempo-uid' } });
});
