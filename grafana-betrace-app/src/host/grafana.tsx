// The host inside Grafana: requests through the plugin proxy, Grafana's page frame, permissions, zone and Explore.
import { PluginPage, config, getBackendSrv, hasPermission, isFetchError } from '@grafana/runtime';
import type { NavModelItem } from '@grafana/data';
import { Stack } from '@grafana/ui';
import { useLocation } from 'react-router-dom';
import { PLUGIN_ID, PLUGIN_PREFIX } from '../constants';
import { CreateAlert } from './CreateAlert';
import { exploreTraceUrl } from './exploreUrl';
import type { Host, HostRequest, HostResponse, PageFrameProps } from './types';

/** Grafana's own permission, of editors and admins unless `viewers_can_edit` or a role says otherwise. */
const EXPLORE = 'datasources:explore';
/** Likewise, of administrators: the settings of plugins. */
const CHANGE_SETTINGS = 'plugins:write';
/** Likewise, of editors and administrators; one of the latter two is enough. */
const ANNOTATE = 'annotations:create';
const SILENCE = ['alert.silences:create', 'alert.instances:create'];

export interface AppSettings {
  /** address of the service, as Grafana's server reaches it */
  apiUrl?: string;
  /** X-Scope-OrgID; empty or undefined: none */
  tenant?: string;
  /** the Tempo data source that Explore links open; else the first one */
  tempoDatasourceUid?: string;
}

function askGrafana({ method, path, body, contentType, headers, signal }: HostRequest): Promise<HostResponse> {
  return new Promise((resolve, reject) => {
    const answer = (data: unknown, status: number, responseHeaders?: Headers) =>
      resolve({ status, body: data === '' ? undefined : data, header: (name) => responseHeaders?.get(name) ?? null });
    const subscription = getBackendSrv()
      .fetch<unknown>({
        url: path,
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

const request = (what: HostRequest) => askGrafana({ ...what, path: `/api/plugin-proxy/${PLUGIN_ID}${what.path}` });

function tempoUid(settings: AppSettings): string | null {
  if (settings.tempoDatasourceUid) {
    return settings.tempoDatasourceUid;
  }
  return Object.values(config.datasources).find((source) => source.type === 'tempo')?.uid ?? null;
}

/** As Grafana's navigation writes addresses: below the sub path, where it has one. */
const inNavigation = (path: string) => `${config.appSubUrl}${path}`;

function PageFrame({ title, subTitle, actions, tabs, parent, children }: PageFrameProps) {
  const { pathname } = useLocation();
  const pageNav: NavModelItem = {
    text: title,
    // Grafana knows by its address that this page is the one of its navigation. Without it the breadcrumbs name the page twice.
    url: inNavigation(pathname),
    ...(parent ? { parentItem: { text: parent.text, url: inNavigation(parent.url) } } : {}),
    ...(tabs ? { children: tabs.map((tab) => ({ text: tab.text, url: tab.url, active: tab.active })) } : {}),
  };
  return (
    <PluginPage pageNav={pageNav} subTitle={subTitle} actions={actions && <Stack wrap="wrap">{actions}</Stack>}>
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
      // viewers have no Explore, so a link would lead them nowhere
      const uid = hasPermission(EXPLORE) ? tempoUid(settings) : null;
      return uid && exploreTraceUrl(config.appSubUrl, uid, traceId, spanId, time);
    },
    connection: () => ({
      url: settings.apiUrl ?? '',
      settingsUrl: hasPermission(CHANGE_SETTINGS) ? inNavigation(`/plugins/${PLUGIN_ID}`) : null,
    }),
    grafana: {
      request: askGrafana,
      tenant: settings.tenant ?? '',
      get login() {
        return config.bootData.user.login;
      },
      get mayAcknowledge() {
        return hasPermission(ANNOTATE);
      },
      get mayMute() {
        return SILENCE.some((action) => hasPermission(action));
      },
    },
    PageFrame,
    CreateAlert,
  };
}
