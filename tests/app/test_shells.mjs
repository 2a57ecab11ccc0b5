/* The plugin of Kibana and OpenSearch Dashboards: what its zip holds, and its server side out of the zip, with a stand-in of theirs (support/shell.mjs) before and a real
   BeTrace behind it. Nothing reaches BeTrace but what docs/openapi.yaml lists for the pages; who asks, the tenant and the token are the server's; every failure is a
   sentence. Runs in Node. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { binary, generate, ROOT, serve } from './support/betrace.mjs';
import { operations } from './support/openapi.mjs';
import { install, makeZip, PRODUCTS, startShell } from './support/shell.mjs';
import { deadPort } from './support/world.mjs';

const NOT_OF_PAGES = ['POST /v1/spans', 'POST /v1/traces', 'GET /v1/gate', 'POST /v1/gate', 'GET /v1/suggestions', 'GET /v1/replays/{id}/events'];
const ofPages = operations().filter((one) => one.template.startsWith('/v1/') && !NOT_OF_PAGES.includes(`${one.method} ${one.template}`));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'betrace-shells-'));
const installed = {};
const without = async () => {
  throw Object.assign(new Error('no handler found for uri'), { statusCode: 400 });
};
before(() => Object.keys(PRODUCTS).forEach((name) => (installed[name] = install(name, folder))), { timeout: 120_000 });
after(() => fs.rmSync(folder, { recursive: true, force: true }));

/** A service that answers what a test says, and remembers what it was asked. */
async function fake(answer) {
  const asked = [];
  const server = http.createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      asked.push({ method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(parts).toString() });
      answer(response, request);
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { asked, url: `http://127.0.0.1:${server.address().port}`, close: () => new Promise((done) => (server.closeAllConnections(), server.close(done))) };
}
const ok = (response) => response.writeHead(200, { 'content-type': 'application/json', 'set-cookie': 'a=b', etag: '"4"' }).end('{"a":1}');

async function withShell(options, use) {
  const shell = await startShell({ name: 'kibana', user: without, ...options, installed: installed[options.name ?? 'kibana'] });
  try {
    return await use(shell);
  } finally {
    await shell.close();
  }
}
async function withFake(answer, options, use) {
  const service = await fake(answer);
  try {
    return await withShell({ ...options, settings: { url: service.url, ...options.settings } }, (shell) => use(shell, service.asked));
  } finally {
    await service.close();
  }
}
const call = (shell, at, { method = 'GET', headers = {}, body } = {}) => fetch(`${shell.url}/api/betrace${at}`, { method, body, headers: { 'kbn-xsrf': 'x', 'osd-xsrf': 'x', ...headers } });
/** The problem document that came: a sentence, and nothing of a program's insides. */
async function problem(answer, status, words) {
  const text = await answer.text();
  assert.equal(answer.status, status, text);
  assert.match(answer.headers.get('content-type'), /^application\/problem\+json/);
  const { detail, title, type } = JSON.parse(text);
  assert.match(detail, words);
  assert.match(detail, /^[A-Z].*\.$/);
  assert.match(type, /^urn:betrace:problem:/);
  assert.doesNotMatch(title + detail, /Error|ECONN|\bat \S+ \(|undefined/);
}

for (const [name, product] of Object.entries(PRODUCTS)) {
  describe(`the zip for ${name}`, () => {
    const names = (zip) => execFileSync('python3', ['-m', 'zipfile', '-l', zip], { encoding: 'utf8' }).split('\n').slice(1).map((line) => line.split(' ')[0]).filter(Boolean);
    test('has the same bytes wherever and whenever it is made, and another version makes another manifest', () => {
      const places = ['one', 'two'].map((one) => path.join(folder, one));
      const [one, two] = places.map((place) => fs.readFileSync(makeZip(name, product.version, place)));
      assert.ok(one.equals(two));
      const other = makeZip(name, '9.9.9', folder);
      const manifest = execFileSync('python3', ['-c', 'import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]).decode())', other, `${product.top}/betrace/${product.manifest}`], { encoding: 'utf8' });
      assert.deepEqual(Object.values(JSON.parse(manifest)).filter((value) => String(value).startsWith('9.9.9')).length, 2);
    });
    test('holds a manifest for that release, the two sides, the pages and nothing besides', () => {
      const all = names(makeZip(name, product.version, folder)).map((one) => one.replace(`${product.top}/betrace/`, ''));
      const own = all.filter((one) => !one.startsWith('pages/')).sort();
      assert.deepEqual(own, ['LICENSE', product.manifest, 'package.json', 'server/index.js', 'server/operations.json', 'server/pages.js', 'server/routes.js', 'server/upstream.js', 'target/public/betrace.plugin.js'].sort());
      const pages = fs.readdirSync(path.join(ROOT, 'grafana-betrace-app/dist-ui'), { recursive: true, withFileTypes: true }).filter((one) => one.isFile() && !/\.(gz|map)$/.test(one.name));
      assert.equal(all.length - own.length, pages.length);
      assert.ok(all.includes('pages/index.html') && all.includes('pages/THIRD_PARTY_NOTICES.txt'));
      const manifest = JSON.parse(fs.readFileSync(path.join(installed[name].folder, product.manifest), 'utf8'));
      assert.equal(manifest.id, 'betrace');
      assert.ok(manifest.server && manifest.ui && manifest.requiredPlugins.length === 0);
      assert.ok(Object.values(manifest).includes(product.version));
    });
    test('no place is left unfilled, and no page or script asks for what a policy of theirs forbids', () => {
      for (const file of ['server/index.js', 'server/routes.js', 'server/upstream.js', 'server/pages.js', 'target/public/betrace.plugin.js']) {
        const text = fs.readFileSync(path.join(installed[name].folder, file), 'utf8');
        assert.doesNotMatch(text, /@[A-Z_]+@/, file);
        assert.doesNotMatch(text, /\beval\(|new Function\(|innerHTML|document\.write/, file);
      }
      const html = fs.readFileSync(path.join(installed[name].folder, 'pages/index.html'), 'utf8');
      assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)|\son\w+=|style=/);
      assert.match(html, /<base href="\/">/);
    });
    test('the settings: reading alone unless somebody says otherwise', () => {
      const fields = installed[name].plugin.config.schema;
      assert.deepEqual(Object.keys(fields).sort(), ['allowWrites', 'ca', 'tenants', 'timeout', 'token', 'tokenFile', 'url']);
      assert.equal(fields.allowWrites, false);
      assert.equal(installed[name].plugin.config.exposeToBrowser, undefined, 'no setting goes to the browser');
    });
  });
}

test('a version that is none, or pages that were not built, are said', () => {
  const make = path.join(ROOT, 'distribution/kibana/make_plugin.py');
  const fails = (given, env, words) => assert.throws(() => execFileSync('python3', [make, ...given], { stdio: 'pipe', env: { ...process.env, ...env } }), (error) => words.test(String(error.stderr)));
  fails(['kibana', '8.12'], {}, /exact version/);
  fails(['grafana', '8.12.2'], {}, /kibana or dashboards/);
  fails(['kibana', '8.12.2', folder], { BETRACE_PAGES: folder }, /make ui/);
});

describe('what goes on to BeTrace', () => {
  test('every operation of the pages reaches its own path, and those that change something only where it is allowed', async () => {
    assert.ok(ofPages.length > 30);
    for (const allowWrites of [true, false]) {
      await withFake(ok, { settings: { allowWrites } }, async (shell, asked) => {
        for (const { method, path: at, role } of ofPages) {
          asked.length = 0;
          const answer = await call(shell, `${at}?a=%2F&b=1`, { method, body: method === 'GET' ? undefined : '{"x":1}' });
          if (role === 'editor' && !allowWrites) {
            await problem(answer, 403, /betrace\.allowWrites in kibana\.yml/);
            assert.deepEqual(asked, [], `${method} ${at}`);
          } else {
            assert.equal(answer.status, 200, `${method} ${at}`);
            assert.deepEqual([asked[0].method, asked[0].url, asked[0].body], [method, `${at}?a=%2F&b=1`, method === 'GET' ? '' : '{"x":1}']);
          }
        }
      });
    }
  });
  test('each asks for the privilege of its kind, and no route but the pages\' is open to more', async () => {
    await withShell({ settings: { url: 'http://127.0.0.1:1' } }, async ({ routes }) => {
      assert.equal(routes.length, ofPages.length + 1);
      for (const { method, path: at, options } of routes) {
        const { role } = ofPages.find((one) => one.method === method && `/api/betrace${one.template}` === at) ?? { role: 'viewer' };
        assert.deepEqual(options.tags, [role === 'editor' ? 'access:betrace-write' : 'access:betrace-read'], at);
        assert.notEqual(options.xsrfRequired, false);
        assert.notEqual(options.authRequired, false);
      }
    });
  });
  test('nothing else does: other paths, methods, ways up and what is asked by others', async () => {
    await withFake(ok, { settings: { allowWrites: true } }, async (shell, asked) => {
      const odd = ['/v1', '/v1/', '/v1/nosuch', '/metrics', '/mcp', '/v1/rules/%2e%2e', '/v1/rules/..%2f..%2fmetrics/versions', '/v1/rules/a/b/c', '/v1//rules', '/v1/rules/%2e%2e/versions'];
      for (const at of odd) {
        await call(shell, at).then((answer) => answer.text());
      }
      for (const one of NOT_OF_PAGES) {
        const [method, at] = one.split(' ');
        assert.equal((await call(shell, at.replace('{id}', 'a'), { method, body: method === 'GET' ? undefined : '{}' })).status, 404, one);
      }
      assert.equal((await call(shell, '/v1/rules', { method: 'DELETE' })).status, 404);
      assert.equal((await call(shell, '/v1/rules', { method: 'PATCH', body: '{}' })).status, 404);
      const reached = asked.map((one) => one.url).filter((url) => url !== '/v1/rules/..%2F..%2Fmetrics/versions');
      assert.deepEqual(reached, [], 'a slash within an id stays escaped, and is an id');
    });
  });
  test('an id keeps its odd letters, and is one part of the path', async () => {
    await withFake(ok, { settings: {} }, async (shell, asked) => {
      for (const id of ['a.b', 'ä ö', 'a/b', '100%', 'a?b#c', '../x']) {
        await call(shell, `/v1/rules/${encodeURIComponent(id)}`);
        assert.equal(asked.at(-1).url, `/v1/rules/${encodeURIComponent(id)}`);
      }
    });
  });
  test('the body as it came, its type, If-Match and the time it may take; no other header of the browser', async () => {
    await withFake(ok, { settings: { allowWrites: true } }, async (shell, asked) => {
      const bytes = 'rules: [{id: ä}]\n';
      const headers = { 'content-type': 'application/yaml', 'if-match': '"3"', 'betrace-timeout': '5s', cookie: 'sid=secret', authorization: 'Bearer browser', 'x-scope-orgid': 'theirs', 'x-grafana-user': 'mallory', 'x-forwarded-for': '1.2.3.4' };
      await call(shell, '/v1/rules/import', { method: 'POST', body: bytes, headers });
      const [{ body, headers: got }] = asked;
      assert.equal(body, bytes);
      assert.deepEqual([got['content-type'], got['if-match'], got['betrace-timeout']], ['application/yaml', '"3"', '5s']);
      assert.doesNotMatch(JSON.stringify(got), /secret|browser|theirs|mallory|1\.2\.3\.4|xsrf/);
    });
  });
  test('a token of a file or of the settings, the user\'s name and the tenant of the space', async () => {
    const tokenFile = path.join(folder, 'token');
    fs.writeFileSync(tokenFile, 'of-a-file\n');
    const tenants = { ops: 'acme' };
    const base = '/kibana/s/ops';
    await withFake(ok, { base, settings: { tokenFile, tenants }, user: async () => ({ username: 'jane' }) }, async (shell, asked) => {
      await call(shell, '/v1/rules');
      const { headers } = asked[0];
      assert.deepEqual([headers.authorization, headers['x-grafana-user'], headers['x-scope-orgid']], ['Bearer of-a-file', 'jane', 'acme']);
      fs.writeFileSync(tokenFile, 'newer');
      await call(shell, '/v1/rules');
      assert.equal(asked[1].headers.authorization, 'Bearer newer');
    });
    await withFake(ok, { name: 'dashboards', settings: { token: 'set' }, user: async () => ({ body: { user_name: 'Jörg\n' } }) }, async (shell, asked) => {
      await call(shell, '/v1/rules');
      assert.deepEqual([asked[0].headers.authorization, asked[0].headers['x-grafana-user'], asked[0].headers['x-scope-orgid']], ['Bearer set', 'J%C3%B6rg%0A', undefined]);
    });
    await withFake(ok, { settings: { tenants } }, async (shell, asked) => {
      await problem(await call(shell, '/v1/rules'), 403, /no tenant of BeTrace for the space default/);
      assert.deepEqual(asked, []);
    });
  });
  test('where it cannot be said who asks, BeTrace is not asked', async () => {
    const failing = async () => {
      throw Object.assign(new Error('security_exception'), { statusCode: 500 });
    };
    await withFake(ok, { settings: {}, user: failing }, async (shell, asked) => {
      await problem(await call(shell, '/v1/rules'), 503, /could not say who is logged in/);
      assert.deepEqual(asked, []);
      assert.match(shell.said[0], /security_exception/);
    });
  });
  test('a Kibana with roles is told of a feature that gives reading, or all', async () => {
    const told = [];
    await withShell({ settings: { url: 'http://127.0.0.1:1' }, features: { registerKibanaFeature: (one) => told.push(one) } }, async () => {
      assert.deepEqual([told[0].id, told[0].privileges.read.api, told[0].privileges.all.api], ['betrace', ['betrace-read'], ['betrace-read', 'betrace-write']]);
    });
  });
});

describe('what comes back', () => {
  test('BeTrace\'s answer with its status, and none of its cookies', async () => {
    await withFake(ok, { settings: {} }, async (shell) => {
      const answer = await call(shell, '/v1/rules');
      assert.deepEqual([await answer.text(), answer.headers.get('etag'), answer.headers.get('set-cookie')], ['{"a":1}', '"4"', null]);
    });
    const said = (response) => response.writeHead(409, { 'content-type': 'application/problem+json' }).end('{"type":"urn:betrace:problem:version","title":"Other version","status":409,"detail":"It changed."}');
    await withFake(said, { settings: {} }, async (shell) => problem(await call(shell, '/v1/rules'), 409, /It changed/));
    await withFake((response) => response.writeHead(204).end(), { settings: { allowWrites: true } }, async (shell) => {
      const answer = await call(shell, '/v1/rules/a', { method: 'DELETE' });
      assert.deepEqual([answer.status, await answer.text()], [204, '']);
    });
  });
  test('a sentence where there is no answer, a wrong token, a slow or a broken one, or what is no BeTrace', async () => {
    await withShell({ settings: { url: `http://127.0.0.1:${await deadPort()}` } }, async (shell) => problem(await call(shell, '/v1/rules'), 502, /nothing listens there.*betrace\.url in kibana\.yml/));
    await withShell({ settings: { url: 'http://betrace.invalid:8080' } }, async (shell) => problem(await call(shell, '/v1/rules'), 502, /its name/));
    await withShell({ settings: { url: 'http://127.0.0.1:1', tokenFile: path.join(folder, 'nosuch') } }, async (shell) => problem(await call(shell, '/v1/rules'), 502, /betrace\.tokenFile/));
    const broken = {
      'does not take the token': [502, (response) => response.writeHead(401).end()],
      'is no BeTrace': [502, (response) => response.writeHead(302, { location: 'http://x/' }).end()],
      'closed the connection|connection failed': [502, (response) => response.writeHead(200, { 'content-length': '99' }).write('{', () => response.destroy())],
      'within 0\\.2 s': [504, () => {}],
    };
    for (const [words, [status, answer]] of Object.entries(broken)) {
      await withFake(answer, { settings: { timeoutMs: 200 } }, async (shell) => problem(await call(shell, '/v1/rules'), status, new RegExp(words)));
    }
  });
  test('not more than the limits: of a body, and of an answer', async () => {
    const endless = (response) => {
      const part = Buffer.alloc(1 << 20, 'x');
      const more = () => response.writable && response.write(part, more);
      response.writeHead(200, { 'content-type': 'application/json' });
      more();
    };
    await withFake(endless, { settings: {} }, async (shell) => problem(await call(shell, '/v1/rules'), 502, /more than 64 MiB/));
    await withFake(ok, { settings: { allowWrites: true } }, async (shell, asked) => {
      assert.equal((await call(shell, '/v1/rules', { method: 'POST', body: 'x'.repeat(11 << 20) })).status, 413);
      assert.deepEqual(asked, []);
    });
  });
  test('who leaves lets BeTrace go, too', async () => {
    let left;
    const gone = new Promise((done) => (left = done));
    const started = new Promise((done) => withFake((response) => (done(), response.on('close', left)), { settings: {} }, async (shell) => {
      const leaving = new AbortController();
      const asking = fetch(`${shell.url}/api/betrace/v1/rules`, { signal: leaving.signal }).catch(() => {});
      await started;
      leaving.abort();
      await asking;
      await gone;
    }));
    await gone;
  });
});

describe('the pages', () => {
  const shellSaid = (html) => JSON.parse(/name="betrace-shell" content="([^"]*)"/.exec(html)[1].replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code)));
  for (const [name, { header }] of Object.entries(PRODUCTS)) {
    test(`${name}: every path of the app is index.html, with the base path and what the shell says`, async () => {
      await withShell({ name, dark: true, settings: { url: 'http://127.0.0.1:1', token: 'secret', allowWrites: true } }, async (shell) => {
        for (const at of ['', '/', '/rules', '/violations/a.b/0af7651916cd43dd8448eb211c80319c', '/index.html']) {
          const answer = await call(shell, at);
          const html = await answer.text();
          assert.equal(answer.status, 200, at);
          assert.match(html, /<base href="\/api\/betrace\/">/);
          assert.deepEqual(shellSaid(html), { theme: 'dark', header, role: 'editor' });
          assert.doesNotMatch(html, /secret|127\.0\.0\.1/);
          assert.match(answer.headers.get('content-security-policy'), /script-src [^;]*'self'/);
        }
      });
      const { page, readPages } = createRequire(import.meta.url)(path.join(installed[name].folder, 'server/pages.js'));
      const made = page(readPages(path.join(installed[name].folder, 'pages')), 'rules', '/a"<b/s/ops', { theme: 'light' }).body.toString();
      assert.match(made, /<base href="\/a&#34;&#60;b\/s\/ops\/">/);
    });
  }
  test('files with their types, kept where their name holds a hash; no file from elsewhere', async () => {
    await withShell({ settings: { url: 'http://127.0.0.1:1' } }, async (shell) => {
      const html = await (await call(shell, '/')).text();
      const script = /src="(assets\/main\.[0-9a-f]{16}\.js)"/.exec(html)[1];
      const got = await call(shell, `/${script}`);
      assert.deepEqual([got.status, got.headers.get('content-type'), got.headers.get('cache-control')], [200, 'text/javascript; charset=utf-8', 'private, max-age=31536000, immutable']);
      assert.equal((await call(shell, '/logo.svg')).headers.get('content-type'), 'image/svg+xml');
      for (const at of ['/assets/nosuch.js', '/public/nosuch', '/v1/nosuch', '/assets/..%2f..%2fserver%2findex.js']) {
        await problem(await call(shell, at), 404, /Neither a page nor a call/);
      }
      assert.match(await (await call(shell, '/..%2f..%2fserver%2findex.js')).text(), /^<!doctype html>/);
    });
  });
});

describe('a real BeTrace behind it', () => {
  test('rules are made in the user\'s name, asked for and replayed; a viewer\'s token is told so', async () => {
    const tokens = path.join(folder, 'tokens');
    const make = (name, role, ...more) => execFileSync(binary(), ['token', 'new', '--name', name, '--role', role, '--file', tokens, ...more], { encoding: 'utf8' }).split('\n')[0];
    const [editor, viewer] = [make('kibana', 'editor', '--grafana-user'), make('reading', 'viewer')];
    const traces = generate(path.join(folder, 'traces.jsonl'), 200, 5);
    const service = await serve(folder, '--traces', traces, '--tokens', tokens);
    const settings = { url: service.url, allowWrites: true };
    const rule = { id: 'slow', name: 'Slow', dsl: 'trace.has(span.name == "db.query" and span.duration > 1s) and not trace.has(span.name == "retry")' };
    const json = { 'content-type': 'application/json' };
    try {
      await withShell({ base: '/kibana', settings: { ...settings, token: editor }, user: async () => ({ username: 'jane' }) }, async (shell) => {
        const made = await call(shell, '/v1/rules', { method: 'POST', headers: json, body: JSON.stringify(rule) });
        assert.equal(made.status, 201, await made.clone().text());
        assert.equal((await made.json()).updated_by, 'jane');
        const found = await (await call(shell, '/v1/violations/query', { method: 'POST', headers: json, body: JSON.stringify({ rule_ids: ['slow'], start: 'now-24h', end: 'now' }) })).json();
        assert.equal(found.violations?.length, 5, JSON.stringify(found).slice(0, 400));
        const missing = await call(shell, '/v1/rules/nosuch');
        assert.deepEqual([missing.status, (await missing.json()).detail], [404, 'there is no rule "nosuch"']);
      });
      await withShell({ settings: { ...settings, token: viewer } }, async (shell) => {
        const refused = await call(shell, '/v1/rules', { method: 'POST', headers: json, body: JSON.stringify({ ...rule, id: 'other' }) });
        assert.equal(refused.status, 403);
        assert.equal((await call(shell, '/v1/rules')).status, 200);
      });
      await withShell({ settings: { ...settings, token: 'wrong' } }, async (shell) => problem(await call(shell, '/v1/rules'), 502, /does not take the token/));
    } finally {
      await service.stop();
    }
  });
});
