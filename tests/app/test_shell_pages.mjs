/* The pages in the shell of Kibana and of OpenSearch Dashboards, in a real Chromium against a real BeTrace: rules, a replay, violations, one violation, the address of the
   shell, a reload, the way back, and BeTrace away. Before it stands the stand-in of support/shell.mjs, with a base path and a space. KIBANA_URL and DASHBOARDS_URL name
   real ones with the plugin and betrace.allowWrites, before a BeTrace that has the traces of `betrace generate --scenario none` in the last day; with one of them the
   stand-ins are left out. Screenshots go to build/app/screenshots/. Runs in Node. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { generate, serve } from './support/betrace.mjs';
import { chooseOption } from './support/pages.mjs';
import { launch, Session } from './support/session.mjs';
import { install, PRODUCTS, startShell } from './support/shell.mjs';
import { deadPort } from './support/world.mjs';

const LIMIT_MS = 600_000;
const RULE = { id: 'shell-slow', name: 'Slow queries are retried', severity: 'high', dsl: 'trace.has(span.name == "db.query" and span.duration > 1s) and not trace.has(span.name == "retry")' };
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'betrace-shell-pages-'));
let browser;
before(async () => (browser = await launch()));
after(async () => {
  await browser?.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Of the real ones: what their own pages write into the console is theirs. */
class Target {
  constructor(name, url) {
    Object.assign(this, { name, url });
  }
  async prepare() {}
  address(inside) {
    return `${this.url}/app/betrace${inside}`;
  }
  inside(url) {
    const { pathname, search } = new URL(url);
    return (pathname + search).slice(new URL(this.url).pathname.replace(/\/$/, '').length).replace('/app/betrace', '');
  }
}

const PAGES = 'iframe[title="BeTrace"]';

function journeys(name, product, isReal, shell) {
  const { header } = PRODUCTS[product];
  const inShell = (title, use) => test(title, { timeout: LIMIT_MS }, async () => {
    const target = new Target(name, shell().url);
    const session = await Session.open(browser, target, { theme: 'light' });
    try {
      await use(session, session.page.frameLocator(PAGES));
      assert.deepEqual(session.faults.filter((one) => !isReal || one.includes('/api/betrace')), []);
      assert.deepEqual(session.outside, []);
    } catch (error) {
      await session.shot(`failed-${Date.now()}`).catch(() => {});
      error.message += `\n  at ${session.page.url()}`;
      throw error;
    } finally {
      await session.close();
    }
  });
  const titled = (pages, title) => pages.getByRole('heading', { level: 1, name: title }).waitFor();
  const stands = (session, pattern) => session.page.waitForURL((url) => pattern.test(session.target.inside(url.href)));

  before(async () => {
    const made = await fetch(`${shell().url}/api/betrace/v1/rules/import`, { method: 'POST', headers: { [header]: 'test', 'content-type': 'application/json' }, body: JSON.stringify({ rules: [RULE] }) });
    assert.ok(made.ok, await made.text());
  });

  inShell('rules: the list, a rule, the address of the shell, and back', async (session, pages) => {
    await session.goto('/rules');
    await titled(pages, 'Rules');
    await pages.getByRole('link', { name: RULE.name }).first().click();
    await stands(session, /^\/rules\/shell-slow/);
    await titled(pages, RULE.name);
    assert.ok((await session.page.locator(PAGES).boundingBox()).height > 600, 'the pages have the room that there is');
    await session.shot('shell-rule');
    await session.page.goBack();
    await stands(session, /^\/rules(\?|$)/);
    await titled(pages, 'Rules');
    await pages.getByRole('link', { name: 'Configuration' }).click();
    await pages.getByText(/This server asks BeTrace in your name/).waitFor();
    assert.equal(await pages.getByRole('button', { name: /token/ }).count(), 0, 'nobody is asked for a token');
    await session.shot('shell-configuration');
  });

  inShell('a replay, its violations, and one of them, which a reload shows again', async (session, pages) => {
    await session.goto('/replay?from=now-24h&to=now');
    await titled(pages, /Replay/);
    await chooseOption({ getByRole: (...given) => pages.getByRole(...given), keyboard: session.page.keyboard }, 'Rules', RULE.name);
    await stands(session, /rule=shell-slow/);
    await pages.getByRole('button', { name: 'Start the replay' }).click();
    await stands(session, /^\/replay\/[^?]+/);
    await pages.getByRole('region', { name: 'What was found' }).getByRole('status').filter({ hasText: /[1-9]\d* violations|Violations found: [1-9]/ }).first().waitFor();
    await session.shot('shell-replay');
    await session.goto('/violations?from=now-24h&to=now&rule=shell-slow&view=list');
    await titled(pages, 'Violations');
    await pages.getByTestId('violation-rows').getByRole('row').first().waitFor();
    await session.shot('shell-violations');
    await pages.getByTestId('violation-rows').getByRole('row').first().getByRole('link').first().click();
    await stands(session, /^\/violations\/shell-slow\/[0-9a-f]{32}/);
    await pages.getByText('db.query').first().waitFor();
    const at = session.where();
    await session.page.reload();
    await pages.getByText('db.query').first().waitFor();
    assert.equal(session.where().replace(/\?.*/, ''), at.replace(/\?.*/, ''));
    await session.shot('shell-violation');
  });
}

const named = Object.keys(PRODUCTS).map((one) => `${one.toUpperCase()}_URL`).filter((one) => process.env[one]);
for (const product of Object.keys(PRODUCTS)) {
  const variable = `${product.toUpperCase()}_URL`;
  describe(`a stand-in of ${product}`, { skip: named.length ? `${named.join(' and ')} named a real one` : false }, () => {
    let shell, service, installed;
    before(async () => {
      installed = install(product, folder);
      service = await serve(folder, '--traces', generate(path.join(folder, 'traces.jsonl'), 300, 5));
      shell = await startShell({ name: product, installed, base: product === 'kibana' ? '/kibana/s/ops' : '', settings: { url: service.url, allowWrites: true }, user: async () => ({}) });
    }, { timeout: LIMIT_MS });
    after(async () => {
      await shell?.close();
      await service?.stop();
    });
    journeys(`shell-${product}`, product, false, () => shell);

    test('what the shell does to the address goes to the pages, and leaving takes them away', { timeout: LIMIT_MS }, async () => {
      const session = await Session.open(browser, new Target('shell', shell.url), { theme: 'light' });
      const pages = session.page.frameLocator(PAGES);
      await session.goto('');
      await pages.getByRole('heading', { level: 1 }).waitFor();
      await session.page.evaluate(() => window.shellHistory.push('/compliance'));
      await pages.getByRole('heading', { level: 1, name: 'Compliance' }).waitFor();
      assert.equal(await session.page.locator('header').innerText(), 'BeTrace');
      await session.page.evaluate(() => window.leave());
      assert.equal(await session.page.locator(PAGES).count(), 0);
      assert.deepEqual(session.faults, []);
      await session.close();
    });

    test('reading alone offers no writes, and BeTrace away is a sentence', { timeout: LIMIT_MS }, async () => {
      for (const [url, words] of [[service.url], [`http://127.0.0.1:${await deadPort()}`, /nothing listens there/]]) {
        const other = await startShell({ name: product, installed, settings: { url }, user: async () => ({}) });
        const session = await Session.open(browser, new Target(`shell-${product}`, other.url), { theme: 'light' });
        const pages = session.page.frameLocator(PAGES);
        await session.goto('/rules');
        if (url === service.url) {
          await pages.getByRole('heading', { level: 1, name: 'Rules' }).waitFor();
          assert.equal(await pages.getByRole('switch').first().isDisabled(), true, 'a rule is not to be switched off');
        } else {
          await pages.getByText(words).first().waitFor();
          assert.doesNotMatch(await pages.locator('body').innerText(), /No rules|no rule/i, 'nothing is said of rules');
        }
        await session.shot(url === service.url ? 'shell-viewer' : 'shell-down');
        await session.close();
        await other.close();
      }
    });
  });

  describe(`a real one at ${variable}`, { skip: process.env[variable] ? false : `${variable} names none` }, () => {
    journeys(product, product, true, () => ({ url: process.env[variable].replace(/\/$/, '') }));
  });
}
