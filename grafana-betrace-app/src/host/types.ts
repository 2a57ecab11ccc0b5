// What differs between Grafana and the standalone web app. Pages know nothing else of where they run:
// everything of @grafana/runtime is in host/grafana.tsx, everything of the plain browser in host/standalone.tsx.
import type { ComponentType, ReactNode } from 'react';
import type { Action } from '../permissions';

export interface HostRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** of the service, with its query: `/v1/rules?limit=10` */
  path: string;
  /** as it is sent; with `contentType` */
  body?: string;
  contentType?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Any answer of the service, also 4xx and 5xx. No answer at all is an exception. */
export interface HostResponse {
  status: number;
  /** parsed where it was JSON, else the text; undefined where there was none */
  body: unknown;
  header(name: string): string | null;
}

export interface PageTab {
  text: string;
  url: string;
  active: boolean;
}

export interface PageFrameProps {
  title: string;
  subTitle?: ReactNode;
  actions?: ReactNode;
  tabs?: PageTab[];
  /** the page above this one, for breadcrumbs; `url` as `useUrls` gives it */
  parent?: { text: string; url: string };
  children: ReactNode;
}

/** Milliseconds since the epoch. */
export interface TraceTime {
  fromMs: number;
  toMs: number;
}

/** Between Grafana's server and the service, as the plugin's settings have it. */
export interface Connection {
  /** what Grafana's server asks; empty where nobody has said it yet */
  url: string;
  /** where it is changed; null for who may not */
  settingsUrl: string | null;
}

/** Grafana's own API, with the user's own rights: it keeps what the service does not. */
export interface GrafanaApi {
  /** `path` of Grafana: `/api/annotations` */
  request(request: HostRequest): Promise<HostResponse>;
  /** who the user is there */
  login: string;
  /** X-Scope-OrgID of the pages; empty: none */
  tenant: string;
  /** as far as the browser knows: an action may be granted for dashboards alone, so a call may still be refused */
  mayAcknowledge: boolean;
  mayMute: boolean;
}

export interface Host {
  /** `shell`: the standalone pages inside another product, whose server hands the calls on */
  kind: 'grafana' | 'standalone' | 'shell';
  /** what stands before every page's path: `/a/betrace-app`, or nothing */
  prefix: string;
  request(request: HostRequest): Promise<HostResponse>;
  hasPermission(action: Action): boolean;
  /** the IANA zone of the user, `utc` or `browser` */
  timeZone(): string;
  /** where Explore shows this trace; null where there is no Explore or no Tempo data source */
  exploreTraceUrl(traceId: string, spanId: string | null, time: TraceTime): string | null;
  /** null without Grafana: the browser asks the service itself */
  connection(): Connection | null;
  /** undefined without Grafana */
  grafana?: GrafanaApi;
  PageFrame: ComponentType<PageFrameProps>;
  /** from a rule to an alert on it; undefined without Grafana */
  CreateAlert?: ComponentType<{ rule: { id: string; name: string } }>;
}
