/* BeTrace's pages in @PRODUCT@, server side: what is @PRODUCT@'s own, its settings, its users and its features. The rest is in routes.js. */
'use strict';
const path = require('path');
const { schema } = require('@SCOPE@/config-schema');
const { readPages } = require('./pages');
const { registerRoutes } = require('./routes');
const operations = require('./operations.json');

exports.config = {
  schema: schema.object({
    url: schema.uri({ scheme: ['http', 'https'], defaultValue: 'http://127.0.0.1:8080' }),
    token: schema.maybe(schema.string()),
    tokenFile: schema.maybe(schema.string()),
    ca: schema.maybe(schema.string()),
    timeout: schema.duration({ defaultValue: '100s' }),
    allowWrites: schema.boolean({ defaultValue: false }),
    tenants: schema.maybe(schema.recordOf(schema.string(), schema.string())),
  }),
};

const WITHOUT_SECURITY = [400, 404, 405];

/** The cluster says whose request it is; one without security does not know the question. */
async function userOf(context) {
  const core = await context.core;
  try {
    const answer = await core['@STORE@'].client.asCurrentUser.transport.request({ method: 'GET', path: '@WHO_PATH@' });
    return (answer.body || answer)['@WHO_FIELD@'];
  } catch (error) {
    if (WITHOUT_SECURITY.includes(error.statusCode)) return undefined;
    throw error;
  }
}

async function shellOf(context) {
  const core = await context.core;
  const dark = await core.uiSettings.client.get('theme:darkMode');
  return { theme: dark === true || dark === 'enabled' ? 'dark' : 'light', header: '@XSRF@' };
}

const EVERYTHING = { app: ['betrace'], savedObject: { all: [], read: [] }, ui: [] };
/** What a role may be given in @PRODUCT@, where it knows features. */
const FEATURE = {
  id: 'betrace', name: 'BeTrace', category: { id: 'observability', label: 'Observability', order: 3000 }, app: ['betrace'],
  privileges: { all: { ...EVERYTHING, api: ['betrace-read', 'betrace-write'] }, read: { ...EVERYTHING, api: ['betrace-read'] } },
};

exports.plugin = (initializer) => ({
  setup(core, plugins) {
    let config;
    initializer.config.create().subscribe((newest) => (config = newest));
    if (plugins.features && plugins.features.registerKibanaFeature) {
      plugins.features.registerKibanaFeature(FEATURE);
    }
    registerRoutes({
      router: core.http.createRouter(),
      operations,
      files: readPages(path.join(__dirname, '../pages')),
      settings: () => ({ ...config, timeoutMs: config.timeout.asMilliseconds(), product: '@PRODUCT@', file: '@SETTINGS_FILE@' }),
      basePath: (request) => core.http.basePath.get(request),
      userOf,
      shellOf,
      log: initializer.logger.get(),
    });
  },
  start() {},
  stop() {},
});
