/* plugin.json's routes against docs/openapi.yaml, by the rules of Grafana's plugin proxy: every operation reaches exactly its own path for those
   who may, and 403 for those who may not; no write is open to a viewer, and no action opens what another is for, however the path is written.
   The rules themselves are tested first. Runs in Node. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { actionsOf, caught, decide, ROLES } from '../../grafana-betrace-app/harness/plugin-proxy.mjs';
import { ROOT } from './support/betrace.mjs';
import { operations } from './support/openapi.mjs';

const plugin = JSON.parse(fs.readFileSync(path.join(ROOT, 'grafana-betrace-app/src/plugin.json'), 'utf8'));
const SETTINGS = { JsonData: { apiUrl: 'http://betrace:8080' }, SecureJsonData: { apiToken: 'secret' } };
/* What has no business behind Grafana: probes and scrapes go to the service itself, spans are pushed by whoever makes
   them, a rollout asks its gate there, and assistants ask for suggestions. */
const NOT_BEHIND_GRAFANA = ['GET /health', 'GET /ready', 'GET /metrics', 'POST /v1/spans', 'POST /v1/traces', 'POST /api/v2/spans', 'POST /api/v1/spans',
  'GET /v1/gate', 'POST /v1/gate', 'GET /v1/suggestions', 'POST /mcp'];
/* Viewers may cancel a report at the service itself. Behind Grafana this takes who may cancel replays: its route has to catch a path, and from there
   viewers could reach other deletes. */
const EDITORS_BEHIND_GRAFANA = ['DELETE /v1/reports/{id}'];
const isOutside = (operation) => NOT_BEHIND_GRAFANA.includes(`${operation.method} ${operation.template}`);
const all = operations();
const behind = all.filter((one) => !isOutside(one));
const isForEditors = (operation) => operation.role === 'editor' || EDITORS_BEHIND_GRAFANA.includes(`${operation.method} ${operation.template}`);
const may = (role, operation) => !isForEditors(operation) || role !== 'Viewer';
/* One route catches whatever is posted below a rule's id: it cannot tell enabling from replaying, nor, where a slash is doubled, from importing. So it
   asks for an action of its own, which says that it opens all of these; those who may write, or replay, cannot do the other's by way of it. */
const OPERATE = 'betrace-app.rules:operate';
const OPERATIONS = ['POST /v1/rules/{id}/enable', 'POST /v1/rules/{id}/disable', 'POST /v1/rules/{id}/replay'];
const READS = [[/^\/v1\/(violations|traces|changes|backtests|problems)/, 'violations'], [/^\/v1\/replays/, 'replays'], [/^\/v1\/(compliance|reports)/, 'compliance'], [/^\/v1\//, 'rules']];

/** The action that an operation asks for: who was given others only does not reach it. */
function actionOf(operation) {
  if (OPERATIONS.includes(`${operation.method} ${operation.template}`)) {
    return OPERATE;
  }
  const [, what] = READS.find(([prefix]) => prefix.test(operation.template));
  return isForEditors(operation) ? `betrace-app.${what === 'rules' ? 'rules' : 'replays'}:write` : `betrace-app.${what}:read`;
}
const opensToo = (action, { method, template }) => action === OPERATE && method === 'POST' && template.startsWith('/v1/rules/');

/** Ways to write a path that a proxy may read as the same one: escaped, doubled and dotted slashes, each alone and all of them, and detours. */
function spellings(path) {
  const parts = path.replace(/^\//, '').split('/');
  const at = (place, by) => parts.slice(0, place).join('/') + by + parts.slice(place).join('/');
  const places = parts.map((_, place) => place).slice(1);
  const written = ['/', '%2f', '%2F', '%252f', '//', '%2f%2f', '/%2f', '%2f/', '/./'].flatMap((by) => [...places.map((place) => at(place, by)), parts.join(by)]);
  const heads = ['v1', 'v1/rules', 'v1/violations', 'v1/replays', 'v1/reports', 'v1/compliance', 'v1/traces', 'v1/dsl'];
  const steps = ['', '..', '../..', '%2e%2e', '%2e%2e%2f%2e%2e', '..%2f..'];
  const escaped = parts.slice(1).join('%2f');
  return [...written, ...written.map((one) => `${one}/`), ...heads.flatMap((head) => steps.flatMap((step) => [`${head}/${step}${path}`, `${head}/${step}/${parts.slice(1).join('/')}`, `${head}/${step}%2f${escaped}`]))];
}

const ask = (role, method, at) => decide(plugin, actionsOf(plugin, role), method, at.replace(/^\//, ''), SETTINGS);

describe('the rules of the proxy', () => {
  test('a path matches by whole segments, and a last * catches the rest', () => {
    assert.equal(caught('v1/rules', 'v1/rules'), '');
    assert.equal(caught('v1/rules', 'v1/rules/'), '');
    assert.equal(caught('v1/rules', 'v1/rules/a'), null);
    assert.equal(caught('v1/rules/*', 'v1/rules/a/enable'), 'a/enable');
    assert.equal(caught('v1/rules/*', 'v1/rules'), null);
    assert.equal(caught('v1/*', 'v1/rules/a'), 'rules/a');
    assert.equal(caught('v1/rules/*', 'v1/rulesets/a'), null);
  });
  test('an escaped slash is none while segments are compared, and is one in what goes on; what is no escape matches nothing', () => {
    assert.equal(caught('v1/rules/*', 'v1/rules/a%2freplay'), 'a/replay');
    assert.equal(caught('v1/rules/*/replay', 'v1/rules/a%2freplay'), null);
    assert.equal(caught('v1/rules/*', 'v1/rules//a/replay'), '/a/replay');
    assert.equal(caught('v1/rules/*', 'v1%2frules/a'), null);
    assert.equal(caught('v1/rules/*', 'v1/rules/%zz'), null);
  });
  test('a * in the middle matches one segment and forwards nothing', () => {
    assert.equal(caught('v1/rules/*/enable', 'v1/rules/a/enable'), '');
    assert.equal(caught('v1/rules/*/enable', 'v1/rules/a/b/enable'), null);
  });
  test('the first match decides, a refusal does not fall through, and a missing method matches all', () => {
    const sample = { id: 'x', roles: [], routes: [
      { path: 'v1/a', method: 'POST', reqAction: 'x:write', url: '{{ .JsonData.apiUrl }}/v1/a' },
      { path: 'v1/*', url: '{{ .JsonData.apiUrl }}/v1', headers: [{ name: 'Authorization', content: 'Bearer {{ .SecureJsonData.apiToken }}' }] },
    ] };
    assert.equal(decide(sample, new Set(), 'POST', 'v1/a', SETTINGS).status, 403);
    assert.equal(decide(sample, new Set(['x:write']), 'POST', 'v1/a', SETTINGS).url, 'http://betrace:8080/v1/a');
    const got = decide(sample, new Set(), 'PUT', 'v1/a/b', SETTINGS);
    assert.equal(got.url, 'http://betrace:8080/v1/a/b');
    assert.deepEqual(got.headers, { Authorization: 'Bearer secret' });
    assert.equal(decide(sample, new Set(), 'GET', 'v2/a', SETTINGS).status, 404);
    assert.deepEqual(decide(sample, new Set(), 'GET', 'v1/b', { ...SETTINGS, SecureJsonData: {} }).headers, { Authorization: 'Bearer <no value>' });
  });
  test('a grant holds for the roles above', () => {
    const sample = { roles: [{ role: { permissions: [{ action: 'x:write' }] }, grants: ['Editor'] }] };
    assert.deepEqual(ROLES.map((role) => actionsOf(sample, role).has('x:write')), [false, true, true]);
  });
});

describe('every operation, as every role', () => {
  assert.ok(behind.length > 20, 'docs/openapi.yaml has operations');
  for (const role of ROLES) {
    for (const operation of behind) {
      const wanted = may(role, operation) ? 'goes to its own path' : 'is refused';
      test(`${role}: ${operation.method} ${operation.template} ${wanted}`, () => {
        const got = ask(role, operation.method, operation.path);
        assert.equal(got.status, may(role, operation) ? 200 : 403);
        if (got.status === 200) {
          assert.equal(got.url, `http://betrace:8080${operation.path}`);
          assert.deepEqual(got.headers, { Authorization: 'Bearer secret', 'X-Scope-OrgID': '' });
        }
      });
    }
  }
  test('what does not belong behind Grafana is not reached by anyone', () => {
    for (const operation of all.filter(isOutside)) {
      for (const role of ROLES) {
        assert.notEqual(ask(role, operation.method, operation.path).status, 200, `${role} ${operation.method} ${operation.path}`);
      }
    }
  });
});

describe('the routes themselves', () => {
  const writes = (route) => route.method !== 'GET';
  const viewerActions = actionsOf(plugin, 'Viewer');
  const named = new Set((plugin.roles ?? []).flatMap((one) => one.role.permissions.map((permission) => permission.action)));

  test('each names its method and an action that some role gives, and carries the token', () => {
    for (const route of plugin.routes) {
      const name = `${route.method} ${route.path}`;
      assert.match(route.method ?? '', /^(GET|POST|PUT|DELETE)$/, name);
      assert.ok(named.has(route.reqAction), `${name}: ${route.reqAction}`);
      assert.match(route.url, /^\{\{ \.JsonData\.apiUrl \}\}\/v1(\/|$)/, name);
      assert.deepEqual(route.headers.filter((one) => one.name === 'Authorization').length, 1, name);
    }
  });
  test('each is met by an operation, so that none is dead', () => {
    const met = new Set(behind.map((operation) => ask('Admin', operation.method, operation.path).route));
    assert.deepEqual(plugin.routes.filter((route) => !met.has(route)).map((route) => `${route.method} ${route.path}`), []);
  });
  test('each that a write goes through asks for a write action, which viewers do not have', () => {
    for (const operation of behind.filter(isForEditors)) {
      const { route } = ask('Admin', operation.method, operation.path);
      assert.match(route.reqAction, /:(write|operate)$/, `${operation.method} ${operation.template}`);
      assert.ok(!viewerActions.has(route.reqAction), route.reqAction);
    }
  });
  test('one that viewers may send bodies through catches nothing, so that no path leads on from it', () => {
    for (const route of plugin.routes.filter((one) => writes(one) && viewerActions.has(one.reqAction))) {
      assert.doesNotMatch(route.path, /\*/, `${route.method} ${route.path}`);
    }
  });
  test('each action opens what it is for, and alone nothing that another is for, however the path is written', () => {
    let opened = 0;
    for (const action of named) {
      for (const operation of all) {
        const own = !isOutside(operation) && actionOf(operation) === action;
        opened += own;
        for (const spelling of own ? [operation.path] : opensToo(action, operation) ? [] : spellings(operation.path)) {
          const got = decide(plugin, new Set([action]), operation.method, spelling.replace(/^\//, ''), SETTINGS);
          const arrives = got.status === 200 && got.url === `http://betrace:8080${operation.path}`;
          assert.equal(arrives, own, `${action}: ${operation.method} ${spelling} became ${got.status} ${got.url}`);
        }
      }
    }
    assert.equal(opened, behind.length, 'every operation has the one action that opens it');
  });
  test('no detour leads a viewer to a write', () => {
    const heads = ['v1/rules/validate', 'v1/dsl/format', 'v1/violations/query', 'v1/rules', 'v1/replays', 'v1'];
    const steps = ['..', '%2e%2e', '../..', '..%2f..', './../..'];
    for (const operation of all.filter((one) => one.role === 'editor')) {
      for (const detour of heads.flatMap((head) => steps.map((step) => `${head}/${step}${operation.path}`))) {
        const got = ask('Viewer', operation.method, detour);
        assert.notEqual(got.status, 200, `${operation.method} ${detour} became ${got.url}`);
      }
    }
  });
});

describe('the rest of plugin.json', () => {
  test('every page that asks for an action asks for one that some role gives', () => {
    const admin = actionsOf(plugin, 'Admin');
    for (const page of plugin.includes.filter((one) => one.action)) {
      assert.ok(admin.has(page.action), `${page.name}: ${page.action}`);
    }
  });
  test('all that an action lets in may read, so that no writer meets a page that refuses to load', () => {
    for (const role of ROLES) {
      assert.ok(actionsOf(plugin, role).size > 0, role);
    }
    assert.ok([...actionsOf(plugin, 'Viewer')].every((action) => action.endsWith(':read')));
  });
});
