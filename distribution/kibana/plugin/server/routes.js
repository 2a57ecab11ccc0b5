/* The routes of the plugin, one for each operation of BeTrace that the pages use (operations.json, made from docs/openapi.yaml) and one for the pages. So a path or
   a method that is not listed reaches nothing. Writing needs the setting betrace.allowWrites and, in a Kibana with security, the privilege of its feature. */
'use strict';
const { ask, problem } = require('./upstream');
const { page } = require('./pages');

/** BeTrace's own limit of a body. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;
const PREFIX = '/api/betrace';
const as = (data, { ok }) => ok(data);

/** The path that BeTrace is asked for; null where a part is none: what comes in was decoded, and goes on encoded. */
function pathOf(template, params) {
  const parts = Object.values(params || {});
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    return null;
  }
  return template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params[name]));
}

/** The space of a request: Kibana has it at the end of the base path. */
const spaceOf = (basePath) => (/\/s\/([^/]+)$/.exec(basePath) || [null, 'default'])[1];

function refusal(operation, settings, space) {
  if (operation.role === 'editor' && !settings.allowWrites) {
    return problem(403, 'role', 'Only reading is allowed', `${settings.product} hands on nothing that changes BeTrace. Who looks after it can set betrace.allowWrites in ${settings.file}.`);
  }
  if (settings.tenants && !settings.tenants[space]) {
    return problem(403, 'tenant', 'This space has no tenant', `The setting betrace.tenants in ${settings.file} names no tenant of BeTrace for the space ${space}.`);
  }
  return null;
}

/**
 * router: of Kibana's or Dashboards' core.http; settings(): {…of upstream.js, allowWrites, tenants}; basePath(request): the base path with its space;
 * userOf(context, request): the name of who is logged in, undefined without security; shellOf(context, request): what index.html is told.
 */
exports.registerRoutes = ({ router, operations, files, settings, basePath, userOf, shellOf, log }) => {
  const send = (response, { status, headers, body }) => response.custom({ statusCode: status, headers, body: body && body.length ? body : undefined });

  async function handOn(operation, context, request) {
    const now = settings();
    const space = spaceOf(basePath(request));
    const path = pathOf(operation.path, request.params);
    if (path === null) {
      return problem(404, 'not-found', 'There is no such page', 'A part of the path is empty or only dots.');
    }
    const refused = refusal(operation, now, space);
    if (refused) {
      return refused;
    }
    let user;
    try {
      user = await userOf(context, request);
    } catch (error) {
      log.warn(`BeTrace was not asked, because the name of the user could not be had: ${error.message}`);
      return problem(503, 'unknown-user', 'Who asks is not known', `${now.product} could not say who is logged in, so it did not ask BeTrace. Try again.`);
    }
    const aborted$ = request.events && request.events.aborted$;
    return ask(now, { method: operation.method, path: path + request.url.search, headers: request.headers, body: Buffer.isBuffer(request.body) ? request.body : undefined, user, tenant: now.tenants && now.tenants[space], aborted$ });
  }

  for (const operation of operations) {
    const isRead = operation.method === 'GET';
    const tag = operation.role === 'editor' ? 'access:betrace-write' : 'access:betrace-read';
    router[operation.method.toLowerCase()]({
      path: PREFIX + operation.path,
      validate: { params: as, query: as, ...(isRead ? {} : { body: as }) },
      options: { tags: [tag], ...(isRead ? {} : { body: { parse: false, output: 'data', maxBytes: MAX_BODY_BYTES } }) },
    }, async (context, request, response) => send(response, await handOn(operation, context, request)));
  }
  router.get({ path: `${PREFIX}/{path*}`, validate: { params: as, query: as }, options: { tags: ['access:betrace-read'] } }, async (context, request, response) => {
    const shell = await shellOf(context, request);
    const found = page(files, request.params.path || '', basePath(request) + PREFIX, { ...shell, role: settings().allowWrites ? 'editor' : 'viewer' });
    return send(response, found || problem(404, 'not-found', 'There is no such page', 'Neither a page nor a call of BeTrace that its pages use.'));
  });
};
