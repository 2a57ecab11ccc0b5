/* The host's server on loopback: the host page at every address, its bundle, the built plugin under its own id and that of its nested data
   source, the icons of @grafana/ui, the plugin proxy to a real betrace, and the plugin's settings. Who the user is, which theme and which betrace
   stand in cookies, so that deep links and reloads keep them. Nothing is stored but the settings, and what kept.mjs keeps. Runs in Node, on the event loop. */
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { Kept, keptActionsOf } from './kept.mjs';
import { actionsOf, decide, ROLES } from './plugin-proxy.mjs';
import { APP } from './tools.mjs';

const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.ttf': 'font/ttf', '.json': 'application/json', '.map': 'application/json', '.png': 'image/png', '.woff2': 'font/woff2', '.html': 'text/html; charset=utf-8' };
const NESTED = 'betrace-datasource';
/* Grafana's name for a user without a basic role: signed in, and nothing is granted. */
const NO_ROLE = 'None';
/* Grafana's own fonts, by the names that @grafana/ui asks for; the files are those that the standalone app ships. */
const INTER = '@fontsource-variable/inter/files/inter-latin-wght';
const MONO = '@fontsource-variable/roboto-mono/files/roboto-mono-latin-wght-normal.woff2';
const fontOf = (name) => (name.startsWith('inter/') ? `${INTER}-${name.includes('Italic') ? 'italic' : 'normal'}.woff2` : MONO);

function cookiesOf(request) {
  const pairs = (request.headers.cookie ?? '').split(/;\s*/).map((one) => one.split('='));
  const jar = Object.fromEntries(pairs.map(([name, value]) => [name, decodeURIComponent(value ?? '')]));
  return { role: [...ROLES, NO_ROLE].includes(jar.role) ? jar.role : 'Admin', theme: jar.theme === 'light' ? 'light' : 'dark', upstream: jar.upstream ?? 'main', language: jar.language ?? 'en-US' };
}

function sendJson(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function sendFile(response, folder, name, caching) {
  const file = path.join(folder, path.normalize(`/${decodeURIComponent(name)}`));
  fs.readFile(file, (error, bytes) => {
    if (error) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream', 'cache-control': caching }).end(bytes);
  });
}

/** The plugin's description as Grafana's frontend gets it. */
function metaOf(plugin, settings) {
  const baseUrl = `public/plugins/${plugin.id}`;
  return { ...plugin, enabled: true, pinned: true, baseUrl, module: `${baseUrl}/module.js`, jsonData: settings.JsonData, secureJsonFields: Object.fromEntries(Object.keys(settings.SecureJsonData).map((name) => [name, true])) };
}

const dataSource = (id, type, name) => ({ id, uid: type, type, name, access: 'proxy', url: '', readOnly: false, isDefault: id === 1, meta: { id: type, name, info: { logos: { small: '', large: '' } }, module: '', baseUrl: '' }, jsonData: {} });

function bootData(plugin, version, user) {
  // as Grafana grants them: Explore is for editors and admins
  const explore = user.role === 'Viewer' ? [] : ['datasources:explore'];
  const granted = [...actionsOf(plugin, user.role), 'plugins.app:access', 'datasources:read', ...explore, ...keptActionsOf(user.role)];
  const permissions = Object.fromEntries(granted.map((one) => [one, true]));
  if (user.role === 'Admin') {
    permissions['plugins:write'] = true;
  }
  return {
    settings: {
      buildInfo: { version, commit: 'none', env: 'production', edition: 'Open Source', hasUpdate: false, hideVersion: false },
      appSubUrl: '', appUrl: '', featureToggles: {}, panels: {}, apps: {}, defaultDatasource: 'Tempo',
      datasources: { Tempo: dataSource(1, 'tempo', 'Tempo'), BeTrace: dataSource(2, NESTED, 'BeTrace') },
    },
    user: { id: 1, login: user.role.toLowerCase(), orgId: 1, orgRole: user.role, isSignedIn: true, timezone: 'utc', weekStart: 'monday', lightTheme: user.theme === 'light', theme: user.theme, locale: user.language, language: user.language, permissions },
    navTree: [],
  };
}

/* `<` is written out so that no setting can end the script. */
const literal = (value) => JSON.stringify(value).replaceAll('<', '\\u003c');

function hostPage(meta, version, user) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Grafana host</title><base href="/"><link rel="icon" href="data:,"><link rel="stylesheet" href="/host/host.css"></head>
<body class="theme-${user.theme}" style="margin:0"><div id="root"></div><script>
window.__grafana_public_path__='/public/';
window.grafanaBootData=${literal(bootData(meta, version, user))};
window.__host=${literal({ meta, theme: user.theme })};
window.MonacoEnvironment={getWorkerUrl:()=>'/host/editor.worker.js'};
</script><script src="/host/system.js"></script><script src="/host/amd.js"></script><script src="/host/host.js"></script></body></html>`;
}

/* One call through the proxy. Headers of the browser's own origin do not go on, as in Grafana. */
function forward(request, response, verdict, query) {
  const { cookie, origin, referer, host, connection, ...headers } = request.headers;
  for (const name of Object.keys(headers).filter((one) => one.startsWith('sec-'))) {
    delete headers[name];
  }
  const upstream = http.request(verdict.url + query, { method: request.method, headers: { ...headers, ...verdict.headers } }, (answer) => {
    const { 'set-cookie': _, ...kept } = answer.headers;
    response.writeHead(answer.statusCode, kept);
    answer.pipe(response);
  });
  upstream.on('error', () => !response.headersSent && sendJson(response, 502, { message: 'Bad Gateway' }));
  response.on('close', () => upstream.destroy());
  request.pipe(upstream);
}

/* Grafana has a few icons more than the package: those that the pages need stand in src/icons. */
function imageFolder(host, pathname) {
  const ours = path.join(APP, 'src/icons');
  return fs.existsSync(path.join(ours, 'unicons', path.basename(pathname))) ? path.join(ours, '..') : path.join(host.modules, '@grafana/ui/dist/public/img');
}

async function bodyOf(request) {
  let text = '';
  for await (const part of request) {
    text += part;
  }
  return text === '' ? {} : JSON.parse(text);
}

async function answerSettings(host, request, response, user) {
  if (request.method === 'POST') {
    if (user.role !== 'Admin') {
      return sendJson(response, 403, { message: "You'll need additional permissions to perform this action. Permissions needed: plugins:write" });
    }
    const body = await bodyOf(request);
    host.saved.push(body);
    return sendJson(response, 200, { message: 'Plugin settings updated' });
  }
  return sendJson(response, 200, metaOf(host.plugin, host.settingsOf(user)));
}

async function answerApi(host, request, response, address, user) {
  const settings = host.settingsOf(user);
  const prefix = `/api/plugin-proxy/${host.plugin.id}/`;
  if (address.pathname.startsWith(prefix)) {
    const verdict = decide(host.plugin, actionsOf(host.plugin, user.role), request.method, address.pathname.slice(prefix.length), settings);
    host.calls.push({ method: request.method, path: address.pathname, status: verdict.status });
    if (verdict.status === 200) {
      return forward(request, response, verdict, address.search);
    }
    return sendJson(response, verdict.status, { message: verdict.status === 403 ? 'plugin proxy route access denied' : 'plugin route match not found' });
  }
  if (address.pathname === `/api/plugins/${host.plugin.id}/settings`) {
    return answerSettings(host, request, response, user);
  }
  if (address.pathname === '/api/datasources') {
    return sendJson(response, 200, Object.values(bootData(host.plugin, host.version, user).settings.datasources));
  }
  const kept = host.kept.answer(request.method, address, await bodyOf(request), { role: user.role, login: user.role.toLowerCase() });
  host.asked.push(`${request.method} ${address.pathname}${address.search}`);
  return sendJson(response, kept?.status ?? 404, kept?.body ?? { message: 'Not found' });
}

function answer(host, request, response) {
  const address = new URL(request.url, 'http://host');
  const user = cookiesOf(request);
  const own = `/public/plugins/${host.plugin.id}/`;
  const nested = `/public/plugins/${NESTED}/`;
  const at = (prefix) => address.pathname.startsWith(prefix) && address.pathname.slice(prefix.length);
  if (at('/api/')) {
    return answerApi(host, request, response, address, user);
  }
  for (const [prefix, folder, caching] of [
    [own, host.dist, 'no-cache'], [nested, path.join(host.dist, 'datasource'), 'no-cache'], ['/host/', host.folder, 'max-age=600'],
    ['/public/build/img/', imageFolder(host, address.pathname), 'max-age=600'],
  ]) {
    if (at(prefix)) {
      return sendFile(response, folder, at(prefix), caching);
    }
  }
  if (at('/public/fonts/')) {
    return sendFile(response, path.join(APP, 'node_modules'), fontOf(at('/public/fonts/')), 'max-age=600');
  }
  if (at('/public/')) {
    return response.writeHead(404).end();
  }
  return response.writeHead(200, { 'content-type': TYPES['.html'] }).end(hostPage(metaOf(host.plugin, host.settingsOf(user)), host.version, user));
}

/** Starts it: {url, calls, saved, asked, kept, close}. built is what buildHost gave; dist the built plugin; upstreams {name: URL of a betrace}. */
export async function startHost({ built, dist, upstreams, port = 0 }) {
  const plugin = JSON.parse(fs.readFileSync(path.join(dist, 'plugin.json'), 'utf8'));
  const host = {
    ...built, dist, plugin, calls: [], saved: [], asked: [], kept: new Kept(),
    settingsOf: (user) => ({ JsonData: { apiUrl: upstreams[user.upstream] ?? upstreams.main }, SecureJsonData: {} }),
  };
  const server = http.createServer((request, response) => {
    Promise.resolve(answer(host, request, response)).catch((error) => sendJson(response, 500, { message: String(error) }));
  });
  await new Promise((done) => server.listen(port, '127.0.0.1', done));
  const close = () => new Promise((done) => {
    server.closeAllConnections();
    server.close(done);
  });
  return { url: `http://127.0.0.1:${server.address().port}`, calls: host.calls, saved: host.saved, asked: host.asked, kept: host.kept, close };
}
