/* Kibana and OpenSearch Dashboards, as far as the plugin of distribution/kibana sees them: their router, their settings, a base path with a space, their check against
   forged requests, their policy for scripts, and in the browser the registry of bundles and an app's history. The plugin comes out of its zip. Runs in Node. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ROOT } from './betrace.mjs';

export const PRODUCTS = {
  kibana: { version: '8.12.2', top: 'kibana', scope: '@kbn', store: 'elasticsearch', header: 'kbn-xsrf', manifest: 'kibana.json', bundles: '__kbnBundles__' },
  dashboards: { version: '2.8.0', top: 'opensearch-dashboards', scope: '@osd', store: 'opensearch', header: 'osd-xsrf', manifest: 'opensearch_dashboards.json', bundles: '__osdBundles__' },
};
/** As Kibana 8.12 sends it with each answer. */
const POLICY = "script-src 'report-sample' 'self'; worker-src 'report-sample' 'self' blob:; style-src 'report-sample' 'self' 'unsafe-inline'";
const python = (...given) => execFileSync('python3', given, { encoding: 'utf8', env: { ...process.env, SOURCE_DATE_EPOCH: '1700000000' } }).trim();

/** The zip, as `make kibana` makes it. */
export const makeZip = (name, version, folder) => python(path.join(ROOT, 'distribution/kibana/make_plugin.py'), name, version, folder);

// Of @kbn/config-schema what the plugin uses: a type is its default.
const SCHEMA = `const type = (options) => (options || {}).defaultValue;
exports.schema = { uri: type, string: type, boolean: type, duration: type, maybe: () => undefined, recordOf: () => ({}), object: (fields) => fields };`;

/** The plugin as it is installed: {folder, plugin: what server/index.js exports}. */
export function install(name, folder) {
  const { version, top, scope } = PRODUCTS[name];
  const modules = path.join(folder, name, 'node_modules', scope, 'config-schema');
  fs.mkdirSync(modules, { recursive: true });
  fs.writeFileSync(path.join(modules, 'index.js'), SCHEMA);
  python('-m', 'zipfile', '-e', makeZip(name, version, folder), path.join(folder, name));
  const installed = path.join(folder, name, top, 'betrace');
  return { folder: installed, plugin: createRequire(import.meta.url)(path.join(installed, 'server/index.js')) };
}

const SHELL_SCRIPT = (product, base) => `
const base = ${JSON.stringify(base)}, root = base + '/app/betrace', listeners = [];
const history = {
  get location() { return { pathname: location.pathname.slice(root.length), search: location.search, hash: location.hash }; },
  replace(to) { window.history.replaceState(null, '', root + to); listeners.forEach((one) => one(history.location)); },
  push(to) { window.history.pushState(null, '', root + to); listeners.forEach((one) => one(history.location)); },
  listen(one) { listeners.push(one); return () => listeners.splice(listeners.indexOf(one), 1); },
};
window.addEventListener('popstate', () => listeners.forEach((one) => one(history.location)));
window.shellHistory = history;
window.${product.bundles} = { define(key, get) {
  const basePath = { prepend: (to) => base + to };
  const getStartServices = async () => [{ chrome: { setBreadcrumbs: ([{ text }]) => { document.querySelector('header').textContent = text; } } }];
  const register = async (app) => { window.leave = await app.mount({ element: document.getElementById('app'), history }); };
  if (key === 'plugin/betrace/public') get().plugin().setup({ http: { basePath }, application: { register }, getStartServices });
} };`;

const patternOf = (template) => new RegExp(`^${template.replace('/{path*}', '(?:/(?<path>.*))?').replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);

function bodyOf(request, limit) {
  return new Promise((resolve) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      resolve(body.length > limit ? null : body);
    });
  });
}

/** A server with the plugin in it: {url, routes, said, close}. options: {name, installed, settings, base, user(), dark, features}. */
export async function startShell({ name, installed, settings, base = '', user, dark = false, features }) {
  const product = PRODUCTS[name];
  const routes = [];
  const said = [];
  const add = (method) => (route, handler) => routes.push({ method, ...route, pattern: patternOf(route.path), handler });
  const router = { get: add('GET'), post: add('POST'), put: add('PUT'), delete: add('DELETE') };
  const config = { ...installed.plugin.config.schema, timeout: { asMilliseconds: () => settings.timeoutMs ?? 100_000 }, ...settings };
  const context = {
    [product.store]: { client: { asCurrentUser: { transport: { request: async () => user() } } } },
    uiSettings: { client: { get: async () => dark } },
  };
  installed.plugin.plugin({
    config: { create: () => ({ subscribe: (take) => take(config) }) },
    logger: { get: () => ({ warn: (text) => said.push(text) }) },
  }).setup({ http: { createRouter: () => router, basePath: { get: () => base } } }, features ? { features } : {});

  async function answer(request, response) {
    const url = new URL(request.url, 'http://x');
    const at = url.pathname.startsWith(base) ? url.pathname.slice(base.length) : '';
    const send = (status, headers, body) => response.writeHead(status, { 'content-security-policy': POLICY, ...headers }).end(body);
    if (at.startsWith('/app/betrace')) {
      return send(200, { 'content-type': 'text/html', 'content-security-policy': POLICY },
        `<!doctype html><title>Shell</title><body><header>Shell</header><div id="app"></div><script src="${base}/shell.js"></script><script src="${base}/bundle.js"></script>`);
    }
    if (at === '/shell.js' || at === '/bundle.js') {
      return send(200, { 'content-type': 'text/javascript' }, at === '/shell.js' ? SHELL_SCRIPT(product, base) : fs.readFileSync(path.join(installed.folder, 'target/public/betrace.plugin.js')));
    }
    const found = routes.find((route) => route.method === request.method && route.pattern.test(at));
    if (!found) {
      return send(404, {}, 'the shell knows no such route');
    }
    if (request.method !== 'GET' && !request.headers[product.header]) {
      return send(400, {}, `Request must contain a ${product.header} header.`);
    }
    const body = await bodyOf(request, found.options.body?.maxBytes ?? 0);
    if (body === null) {
      return send(413, {}, 'the shell takes no such body');
    }
    const params = Object.fromEntries(Object.entries(found.pattern.exec(at).groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value ?? '')]));
    const aborted$ = { subscribe: (left) => (response.on('close', () => response.writableFinished || left()), { unsubscribe() {} }) };
    const custom = ({ statusCode, headers, body: content }) => {
      // of another body these servers make an error document of their own
      if (content !== undefined && !Buffer.isBuffer(content)) throw new Error('a body has to be a Buffer');
      return [statusCode, name === 'kibana' ? { ...headers, 'content-security-policy': POLICY } : headers, content];
    };
    const made = name === 'kibana' ? { core: Promise.resolve(context) } : { core: context };
    return send(...(await found.handler(made, { url, params, headers: request.headers, body, events: { aborted$ } }, { custom })));
  }
  const server = http.createServer((request, response) => answer(request, response).catch((error) => response.writeHead(500).end(`thrown: ${error.stack}`)));
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}${base}`, routes, said, close: () => new Promise((done) => (server.closeAllConnections(), server.close(done))) };
}
