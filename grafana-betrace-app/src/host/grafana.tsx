// The host inside Grafana: requests through the plugin proxy, Grafana's page frame, permissions, zone and Explore.
import { PluginPage, config, getBackendSrv, hasPermission, isFetchError } from '@grafana/runtime';
import type { NavModelItem } from '@grafana/data';
import { PLUGIN_ID, PLUGIN_PREFIX } from '../constants';
import { exploreTraceUrl } from './exploreUrl';
import type { Host, HostRequest, HostResponse, PageFrameProps } from './types';

export interface AppSettings {
  /** address of the service, as Grafana's server reaches it */
  apiUrl?: string;
  /** the Tempo data source that Explore links open; else the first one */
  tempoDatasourceUid?: string;
}

function request({ method, path, body, contentType, headers, signal }: HostRequest): Promise<HostResponse> {
  return new Promise((resolve, reject) => {
    const answer = (data: unknown, status: number, responseHeaders?: Headers) =>
      resolve({ status, body: data === '' ? undefined : data, header: (name) => responseHeaders?.get(name) ?? null });
    const subscription = getBackendSrv()
      .fetch<unknown>({
        url: `/api/plugin-proxy/${PLUGIN_ID}${path}`,
        method,
        data: body,
        headers: { ...(contentType ? { 'Content-Type': contentType } : {}), ...headers },
        showErrorAlert: false,
        showSuccessAlert: false,
      })
      .subscribe({
        next: (response) => answer(response.data, response.status, response.headers),
        error: (error: unknown) => {
          if (isFetchError(error) && error.status >= 400) {
            answer(error.data, error.status);
          } else {
            reject(error);
          }
        },
      });
    signal?.addEventListener('abort', () => {
      subscription.unsubscribe();
      reject(signal.reason);
    });
  });
}

function tempoUid(settings: AppSettings): string | null {
  if (settings.tempoDatasourceUid) {
    return settings.tempoDatasourceUid;
  }
  return Object.values(config.datasources).find((source) => source.type === 'tempo')?.uid ?? null;
}

function PageFrame({ title, subTitle, actions, tabs, parent, children }: PageFrameProps) {
  const pageNav: NavModelItem = {
    text: title,
    ...(parent ? { parentItem: { text: parent.text, url: parent.url } } : {}),
    ...(tabs ? { children: tabs.map((tab) => ({ text: tab.text, url: tab.url, active: tab.active })) } : {}),
  };
  return (
    <PluginPage pageNav={pageNav} subTitle={subTitle} actions={actions}>
      {children}
    </PluginPage>
  );
}

export function createGrafanaHost(settings: AppSettings): Host {
  return {
    kind: 'grafana',
    prefix: PLUGIN_PREFIX,
    request,
    hasPermission,
    timeZone: () => config.bootData.user.timezone || 'browser',
    exploreTraceUrl(traceId, spanId, time) {
      const uid = tempoUid(settings);
      return uid && exploreTraceUrl(config.appSubUrl, uid, traceId, spanId, time);
    },
    PageFrame,
  };
}
