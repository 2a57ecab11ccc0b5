// What requests look like, and what every kind of failure becomes.
import { answer, createStubHost, NEVER, problem, UNREACHABLE } from '../test/host';
import { createApi, queryString } from './client';
import { ApiError, asApiError, isAbort, problemLine, problemOf } from './problem';

describe('what is sent', () => {
  it('puts path, repeated and absent parameters where they belong', async () => {
    const host = createStubHost({ 'GET /v1/rules': { rules: [], cursor: null }, 'GET /v1/rules/a%2Fb': {} });
    const api = createApi(host);
    await api.get('/v1/rules', { query: { label: ['team:a', 'b'], enabled: false, q: '', limit: 5 } });
    expect(host.requests[0].query.toString()).toBe('label=team%3Aa&label=b&enabled=false&limit=5');
    await api.get('/v1/rules/{id}', { path: { id: 'a/b' } });
    expect(host.requests[1].path).toBe('/v1/rules/a%2Fb');
  });

  it('sends JSON, the version for If-Match, and other texts as they are', async () => {
    const host = createStubHost({ 'PUT /v1/rules/r': {}, 'POST /v1/rules/import': {} });
    const api = createApi(host);
    await api.put('/v1/rules/{id}', { path: { id: 'r' }, body: { name: 'n' }, ifMatch: 7 });
    expect(host.requests[0]).toMatchObject({ body: { name: 'n' }, headers: { 'If-Match': '"7"' } });
    await api.post('/v1/rules/import', { raw: { contentType: 'application/yaml', text: 'rules: []' } });
    expect(host.requests[1].body).toBe('rules: []');
  });

  it('makes no question mark for nothing', () => {
    expect(queryString(undefined)).toBe('');
    expect(queryString({ a: null, b: undefined, c: '' })).toBe('');
  });
});

describe('what goes wrong', () => {
  const fails = async (handler: unknown): Promise<ApiError> => {
    const api = createApi(createStubHost({ 'GET /v1/rules': handler }));
    return api.get('/v1/rules').then(
      () => Promise.reject(new Error('it did not fail')),
      (error) => error
    );
  };

  it('is a problem with status, type, title, detail and errors', async () => {
    const error = await fails(problem(422, 'rule-invalid', 'see errors', [{ field: 'name', message: 'too long' }]));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 422, type: 'rule-invalid', title: 'Title of rule-invalid', detail: 'see errors', isFinal: true });
    expect(error.errors.map(problemLine)).toEqual(['name: too long']);
  });

  it('is said by status where a proxy answers something else', async () => {
    expect(await fails(answer(502, '<html>bad gateway</html>'))).toMatchObject({ status: 502, title: 'HTTP 502', isFinal: false });
    expect(problemOf(500, { message: 'of Grafana' })).toMatchObject({ detail: 'of Grafana' });
    expect(problemOf(404, undefined)).toMatchObject({ title: 'HTTP 404', detail: '' });
  });

  it('is status 0 where nobody answers', async () => {
    expect(await fails(UNREACHABLE)).toMatchObject({ status: 0, detail: 'Failed to fetch', isFinal: false });
    expect(asApiError('text').detail).toBe('text');
  });

  it('stays a cancellation when it was one', async () => {
    const abort = new AbortController();
    const api = createApi(createStubHost({ 'GET /v1/rules': NEVER }));
    const waiting = api.get('/v1/rules', { signal: abort.signal });
    abort.abort();
    await waiting.catch((error) => expect(isAbort(error)).toBe(true));
    expect.assertions(1);
  });
});

it('reads each kind of error line', () => {
  const range = { start: 0, end: 1 };
  expect(problemLine({ code: 'E010', severity: 'error', message: 'expected {', line: 2, column: 5, range })).toBe('2:5 E010 expected {');
  expect(problemLine({ rule_id: 'r', code: null, severity: 'error', message: 'unknown key', line: 1, column: 1, range: null })).toBe(
    'r 1:1 unknown key'
  );
});
