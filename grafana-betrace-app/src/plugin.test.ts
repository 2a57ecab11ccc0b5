// plugin.json says to Grafana what the code says to itself; here both are held together.
import pluginJson from './plugin.json';
import { PLUGIN_ID, PLUGIN_PREFIX } from './constants';
import { ACTIONS } from './permissions';
import { PATTERNS } from './routing/urls';

const granted = pluginJson.roles.flatMap(({ role }) => role.permissions.map(({ action }) => action));

it('grants exactly the actions that the code asks for', () => {
  expect([...granted].sort()).toEqual(Object.values(ACTIONS).sort());
});

it('lets viewers read and only editors write', () => {
  pluginJson.roles.forEach(({ role, grants }) => {
    const writes = role.permissions.some(({ action }) => !action.endsWith(':read'));
    expect(grants).toEqual(writes ? ['Editor', 'Admin'] : ['Viewer', 'Editor', 'Admin']);
  });
});

it('shows pages that the app has, each with an action that is granted', () => {
  const pages = pluginJson.includes.filter(({ type, role }) => type === 'page' && !role);
  expect(pages.length).toBeGreaterThan(3);
  pages.forEach(({ path, action }) => {
    const below = path.replace('/a/%PLUGIN_ID%', '').replace(/^\//, '');
    expect(Object.values(PATTERNS)).toContain(below);
    expect(granted).toContain(action);
  });
  expect(pluginJson.id).toBe(PLUGIN_ID);
  expect(PLUGIN_PREFIX).toBe(`/a/${pluginJson.id}`);
});

describe('routes of the proxy', () => {
  it('ask for an action that is granted, and hand on the token and the tenant of the settings, whatever a browser sends', () => {
    pluginJson.routes.forEach((route) => {
      expect(granted).toContain(route.reqAction);
      expect(route.headers).toEqual([
        { name: 'Authorization', content: 'Bearer {{ .SecureJsonData.apiToken }}' },
        { name: 'X-Scope-OrgID', content: '{{ .JsonData.tenant | orEmpty }}' },
      ]);
    });
  });

  it('go where their path says', () => {
    pluginJson.routes.forEach(({ path, url }) => expect(url).toBe(`{{ .JsonData.apiUrl }}/${path.replace(/\/\*$/, '')}`));
  });

  it('name a method each, and let nothing write with a permission to read but what only reads', () => {
    const reading = /^v1\/(rules\/(validate|test)|dsl\/(complete|hover|format)|violations\/(query|series)|backtests)$/;
    pluginJson.routes.forEach(({ method, path, reqAction }) => {
      expect(['GET', 'POST', 'PUT', 'DELETE']).toContain(method);
      expect(reqAction.endsWith(':read')).toBe(method === 'GET' || reading.test(path));
    });
  });
});
