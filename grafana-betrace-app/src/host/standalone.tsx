// The host without Grafana: fetch to the service that served the page, a token where it wants one, settings of this browser.
import { StandaloneFrame } from './StandaloneFrame';
import { ACTIONS, type Action } from '../permissions';
import type { Host, HostRequest, HostResponse } from './types';
import type { Session } from './session';

const WRITES: Action[] = [ACTIONS.writeRules, ACTIONS.operateRules, ACTIONS.writeReplays];

async function readBody(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === '') {
    return undefined;
  }
  return /[/+]json\b/.test(response.headers.get('Content-Type') ?? '') ? JSON.parse(text) : text;
}

async function request(session: Session, { method, path, body, contentType, headers, signal }: HostRequest): Promise<HostResponse> {
  const { token, tenant, shell } = session.get();
  // the service is where this page came from, also behind a proxy that put it below a path
  const response = await fetch(new URL(path.slice(1), document.baseURI), {
    method,
    body,
    signal,
    headers: {
      ...(contentType ? { 'Content-Type': contentType } : {}),
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
      ...(tenant ? { 'X-Scope-OrgID': tenant } : {}),
      ...(shell ? { [shell.header]: 'betrace' } : {}),
      ...headers,
    },
  });
  if (response.status === 401) {
    session.askForToken();
  }
  return { status: response.status, body: await readBody(response), header: (name) => response.headers.get(name) };
}

export function createStandaloneHost(session: Session): Host {
  return {
    kind: session.get().shell ? 'shell' : 'standalone',
    prefix: '',
    request: (what) => request(session, what),
    hasPermission: (action) => session.get().role === 'editor' || !WRITES.includes(action),
    timeZone: () => session.get().timeZone,
    exploreTraceUrl: () => null,
    connection: () => null,
    PageFrame: StandaloneFrame,
  };
}
