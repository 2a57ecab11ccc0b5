/* The services that Grafana's core gives to @grafana/runtime: HTTP over fetch, data sources, templates, extensions (none). Each keeps the
   shape that core's has where plugins can see it: an error of backendSrv carries status, statusText and data. Runs in the browser. */
import { EventBusSrv } from '@grafana/data';
import * as runtime from '@grafana/runtime';
import { Observable, lastValueFrom, map } from 'rxjs';
import { getVariables, replace } from './templates.js';

function addressOf(options) {
  const address = new URL(options.url.startsWith('/') ? options.url : `/${options.url}`, location.origin);
  for (const [name, value] of Object.entries(options.params ?? {})) {
    for (const one of [value].flat()) {
      if (one !== undefined && one !== null) {
        address.searchParams.append(name, one);
      }
    }
  }
  return address;
}

async function bodyOf(response, options) {
  if (options.responseType === 'blob') {
    return response.blob();
  }
  const text = await response.text();
  if (options.responseType === 'text') {
    return text;
  }
  try {
    return JSON.parse(text);
  } catch {
    return text === '' ? undefined : text;
  }
}

async function send(options, signal) {
  const plain = typeof options.data === 'string' || options.data instanceof Blob;
  const response = await fetch(addressOf(options), {
    method: options.method ?? 'GET',
    body: options.data === undefined || plain ? options.data : JSON.stringify(options.data),
    headers: { ...(plain ? {} : { 'Content-Type': 'application/json' }), Accept: 'application/json, text/plain, */*', ...options.headers },
    signal,
  });
  const answer = {
    data: await bodyOf(response, options),
    status: response.status,
    statusText: response.statusText,
    ok: response.ok,
    headers: response.headers,
    redirected: response.redirected,
    type: response.type,
    url: response.url,
    config: options,
  };
  if (!response.ok) {
    throw { ...answer, isHandled: false };
  }
  return answer;
}

function failureOf(error, options) {
  if (error && typeof error === 'object' && 'status' in error) {
    return error;
  }
  const cancelled = error?.name === 'AbortError';
  return { config: options, status: cancelled ? -1 : 0, statusText: cancelled ? 'Request was aborted' : 'Network error', data: { message: String(error) }, cancelled };
}

class FetchBackend {
  fetch(options) {
    return new Observable((subscriber) => {
      const controller = new AbortController();
      options.abortSignal?.addEventListener('abort', () => controller.abort());
      send(options, controller.signal).then(
        (answer) => {
          subscriber.next(answer);
          subscriber.complete();
        },
        (error) => subscriber.error(failureOf(error, options))
      );
      return () => controller.abort();
    });
  }
  request(options) {
    return lastValueFrom(this.fetch(options).pipe(map((answer) => answer.data)));
  }
  datasourceRequest(options) {
    return lastValueFrom(this.fetch(options));
  }
  get(url, params, requestId, options) {
    return this.request({ ...options, url, params, method: 'GET' });
  }
  post(url, data, options) {
    return this.request({ ...options, url, data, method: 'POST' });
  }
  put(url, data, options) {
    return this.request({ ...options, url, data, method: 'PUT' });
  }
  patch(url, data, options) {
    return this.request({ ...options, url, data, method: 'PATCH' });
  }
  delete(url, data, options) {
    return this.request({ ...options, url, data, method: 'DELETE' });
  }
}

function dataSources(settings) {
  const wanted = (ref) => settings.find((one) => [one.uid, one.name].includes(typeof ref === 'string' ? ref : ref?.uid)) ?? (ref ? undefined : settings[0]);
  return {
    getList: (filter) => settings.filter((one) => !filter?.type || [filter.type].flat().includes(one.type)),
    getInstanceSettings: wanted,
    get: async (ref) => wanted(ref) ?? Promise.reject(new Error('no such data source')),
    reload() {},
    registerRuntimeDataSource() {},
  };
}

/** Gives @grafana/runtime everything that pages of an app may ask it for. */
export function provideServices() {
  runtime.setCurrentUser(window.grafanaBootData.user);
  runtime.setBackendSrv(new FetchBackend());
  runtime.setAppEvents(new EventBusSrv());
  runtime.setEchoSrv({ flush() {}, addBackend() {}, addEvent() {} });
  runtime.setTemplateSrv({ replace, getVariables, containsTemplate: () => false, updateTimeRange() {} });
  runtime.setDataSourceSrv(dataSources(Object.values(window.grafanaBootData.settings.datasources)));
  runtime.setPluginLinksHook?.(() => ({ isLoading: false, links: [] }));
  runtime.setPluginComponentsHook?.(() => ({ isLoading: false, components: [] }));
  runtime.setPluginComponentHook?.(() => ({ isLoading: false, component: null }));
  runtime.setReturnToPreviousHook?.(() => () => {});
}
