// A host for tests: answers come from a table of handlers, requests are kept. A request without a handler is an error of the test, and is said so.
import type { Host, HostRequest, HostResponse } from '../host/types';

export interface StubRequest {
  method: string;
  /** without the query */
  path: string;
  query: URLSearchParams;
  /** parsed where it was JSON */
  body: unknown;
  headers: Record<string, string>;
}

export interface StubAnswer {
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** `'GET /v1/rules': {rules: [], cursor: null}` or a function of the request; a StubAnswer is made by `answer(422, {...})`. */
export type Handler = unknown | ((request: StubRequest) => unknown);
export type Handlers = Record<string, Handler>;

class Answer {
  constructor(readonly value: StubAnswer) {}
}

export const answer = (status: number, body?: unknown, headers?: Record<string, string>) => new Answer({ status, body, headers });

/** A problem document as the service gives them. */
export const problem = (status: number, type: string, detail: string, errors?: unknown[]) =>
  answer(status, { type: `urn:betrace:problem:${type}`, title: `Title of ${type}`, status, detail, ...(errors ? { errors } : {}) });

/** An answer that never comes, until the request is cancelled. */
export const NEVER = () => new Promise<never>(() => undefined);

/** No service there. */
export const UNREACHABLE = () => {
  throw new TypeError('Failed to fetch');
};

function find(handlers: Handlers, method: string, path: string): Handler {
  const exact = handlers[`${method} ${path}`];
  if (exact !== undefined) {
    return exact;
  }
  // `GET /v1/rules/*`
  const key = Object.keys(handlers).find((name) => name.endsWith('*') && `${method} ${path}`.startsWith(name.slice(0, -1)));
  return key === undefined ? undefined : handlers[key];
}

function parse({ body, contentType }: HostRequest): unknown {
  return body !== undefined && contentType === 'application/json' ? JSON.parse(body) : body;
}

function abortable<T>(signal: AbortSignal | undefined, value: Promise<T>): Promise<T> {
  const aborted = new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  return Promise.race([value, aborted]);
}

export interface StubHost extends Host {
  requests: StubRequest[];
  handlers: Handlers;
}

export function createStubHost(handlers: Handlers = {}, overrides: Partial<Host> = {}): StubHost {
  const requests: StubRequest[] = [];
  const host: StubHost = {
    kind: 'standalone',
    prefix: '',
    requests,
    handlers,
    hasPermission: () => true,
    timeZone: () => 'utc',
    exploreTraceUrl: (traceId, spanId) => `/explore?trace=${traceId}&span=${spanId ?? ''}`,
    connection: () => null,
    PageFrame: ({ title, subTitle, actions, tabs, children }) => (
      <main>
        <h1>{title}</h1>
        {subTitle}
        {actions}
        {tabs?.map((tab) => (
          <a key={tab.url} href={tab.url} aria-current={tab.active ? 'page' : undefined}>
            {tab.text}
          </a>
        ))}
        {children}
      </main>
    ),
    async request(request): Promise<HostResponse> {
      const url = new URL(request.path, 'http://service');
      const seen = {
        method: request.method,
        path: url.pathname,
        query: url.searchParams,
        body: parse(request),
        headers: request.headers ?? {},
      };
      requests.push(seen);
      const handler = find(host.handlers, request.method, url.pathname);
      if (handler === undefined) {
        throw new Error(`this test has no handler for ${request.method} ${url.pathname}`);
      }
      const result = await abortable(request.signal, Promise.resolve(typeof handler === 'function' ? handler(seen) : handler));
      const { status = 200, body, headers = {} } = result instanceof Answer ? result.value : { body: result };
      return { status, body, header: (name) => headers[name] ?? null };
    },
    ...overrides,
  };
  return host;
}
