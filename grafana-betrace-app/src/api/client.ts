// Typed calls of the service. The types are those of docs/openapi.yaml (schema.d.ts is generated: `npm run api-types`);
// a path, a parameter or a body that the contract does not know is a compile error.
import type { Host } from '../host/types';
import { ApiError, asApiError, isAbort, problemOf } from './problem';
import type { paths } from './schema';

type Method = 'get' | 'post' | 'put' | 'delete';
/** Paths that have this method. */
type PathOf<M extends Method> = { [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never }[keyof paths];
type Operation<M extends Method, P extends keyof paths> = paths[P][M];

type QueryOf<O> = O extends { parameters: { query?: infer Q } } ? Q : never;
type PathParamsOf<O> = O extends { parameters: { path: infer X } } ? X : never;
type JsonOf<R> = R extends { content: { 'application/json': infer B } }
  ? B
  : R extends { content: { 'application/yaml': unknown } }
    ? string
    : void;
type BodyOf<O> = O extends { requestBody?: infer R } ? JsonOf<NonNullable<R>> : never;
type Success<R> = R extends { 200: infer X }
  ? X
  : R extends { 201: infer X }
    ? X
    : R extends { 202: infer X }
      ? X
      : R extends { 204: infer X }
        ? X
        : never;
export type AnswerOf<M extends Method, P extends keyof paths> = Operation<M, P> extends { responses: infer R } ? JsonOf<Success<R>> : never;

type Optional<K extends string, V> = [V] extends [never] ? { [key in K]?: undefined } : { [key in K]?: V };
type Required<K extends string, V> = [V] extends [never] ? { [key in K]?: undefined } : { [key in K]: V };
export type CallOptions<O> = Optional<'query', QueryOf<O>> &
  Required<'path', PathParamsOf<O>> &
  Optional<'body', BodyOf<O>> & {
    /** a rule's version for If-Match */
    ifMatch?: number;
    /** another body than JSON, as text */
    raw?: { contentType: string; text: string };
    signal?: AbortSignal;
  };

export type QueryValue = string | number | boolean | null | undefined | string[];

function fill(path: string, values: Record<string, string> | undefined): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values?.[name] ?? ''));
}

/** Lists become repeated parameters; what is undefined, null or empty is left out. */
export function queryString(query: Record<string, QueryValue> | undefined): string {
  const parameters = new URLSearchParams();
  Object.entries(query ?? {}).forEach(([name, value]) => {
    (Array.isArray(value) ? value : [value]).forEach((one) => {
      if (one !== undefined && one !== null && one !== '') {
        parameters.append(name, String(one));
      }
    });
  });
  const text = parameters.toString();
  return text && `?${text}`;
}

export interface Api {
  get<P extends PathOf<'get'>>(path: P, ...options: Options<'get', P>): Promise<AnswerOf<'get', P>>;
  post<P extends PathOf<'post'>>(path: P, ...options: Options<'post', P>): Promise<AnswerOf<'post', P>>;
  put<P extends PathOf<'put'>>(path: P, ...options: Options<'put', P>): Promise<AnswerOf<'put', P>>;
  delete<P extends PathOf<'delete'>>(path: P, ...options: Options<'delete', P>): Promise<AnswerOf<'delete', P>>;
}
type Options<M extends Method, P extends keyof paths> = [PathParamsOf<Operation<M, P>>] extends [never]
  ? [options?: CallOptions<Operation<M, P>>]
  : [options: CallOptions<Operation<M, P>>];

interface LooseOptions {
  query?: Record<string, QueryValue>;
  path?: Record<string, string>;
  body?: unknown;
  ifMatch?: number;
  raw?: { contentType: string; text: string };
  signal?: AbortSignal;
}

async function call(host: Host, method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, options: LooseOptions = {}): Promise<unknown> {
  const { raw, body, ifMatch, signal } = options;
  try {
    const response = await host.request({
      method,
      path: fill(path, options.path) + queryString(options.query),
      signal,
      body: raw ? raw.text : body === undefined ? undefined : JSON.stringify(body),
      contentType: raw ? raw.contentType : body === undefined ? undefined : 'application/json',
      headers: ifMatch === undefined ? undefined : { 'If-Match': `"${ifMatch}"` },
    });
    if (response.status >= 400) {
      throw problemOf(response.status, response.body);
    }
    return response.body;
  } catch (error) {
    if (isAbort(error) || signal?.aborted || error instanceof ApiError) {
      throw error;
    }
    throw asApiError(error);
  }
}

export function createApi(host: Host): Api {
  // the one place where the loose form below meets the contract's types
  const method = (name: 'GET' | 'POST' | 'PUT' | 'DELETE') =>
    ((path: string, options?: LooseOptions) => call(host, name, path, options)) as never;
  return { get: method('GET'), post: method('POST'), put: method('PUT'), delete: method('DELETE') };
}
