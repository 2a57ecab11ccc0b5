/* The nested data source in the host page: its editor asks, through Grafana's query API (gohost) and the real plugin process, a real betrace. What is drawn is data; how Grafana
   draws it is not here. `scripts/go.sh build` and `host` make the two executables. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import { APP } from '../../../grafana-betrace-app/harness/tools.mjs';
import { weightyFaults } from '../support/axe.mjs';
import { connect, open, START_MS, startGateway } from '../support/gateway.mjs';
import { caretAfter, colours, enterEditor, pieceOf, underlined, write } from '../support/editor.mjs';

export const only = (target) => target.roles; // it is Grafana's: the standalone app has none
export const skip = () => !fs.existsSync(path.join(APP, '.cache/gohost')) && 'no .cache/gohost: it needs Go (scripts/go.sh host)';

const answer = (page) => page.getByRole('region', { name: 'Answer' });

async function choose(page, label, option) {
  await page.getByLabel(label, { exact: true }).click();
  await page.getByRole('option', { name: option }).first().click();
}

export default function datasource({ run, inWindow, step }) {
  const gateways = {};
  before(async () => {
    gateways.main = await startGateway(run.target.dist, run.services.main.url);
    gateways.down = await startGateway(run.target.dist, run.services.down.url);
  }, { timeout: 2 * START_MS });
  after(() => Promise.all(Object.values(gateways).map((one) => one.stop())));

  for (const theme of ['dark', 'light']) {
    step(`violations of a chosen rule as a table with links to Tempo (${theme})`, async () => inWindow({ theme }, async (session) => {
      const { page } = session;
      await connect(session, gateways.main);
      await open(session, 'explore');
      await choose(page, 'Of rules', /Slow DB Query/);
      await page.getByRole('button', { name: 'Run query' }).click();
      await answer(page).getByText('1 frames').waitFor();
      assert.equal(await answer(page).getByRole('row').count(), 61, 'a head and the 60 planted violations');
      assert.deepEqual(JSON.parse(await page.getByTestId('query').innerText()), { refId: 'A', queryType: 'violations', ruleIds: ['slow-db-no-retry'] });
      const link = JSON.parse(await page.getByTestId('links').innerText()).find(Boolean); // the others lead to pages of the app
      assert.equal(link.datasourceUid, 'tempo');
      assert.deepEqual(link.panelsState, { trace: { spanId: '${__data.fields.span_id}' } });
      assert.deepEqual(await weightyFaults(page), []);
      await session.shot('datasource-violations');
    }));
  }

  step('problems are a table of as many rows as the service finds', async () => inWindow({}, async (session) => {
    const { page } = session;
    await connect(session, gateways.main);
    await open(session, 'explore');
    await choose(page, 'Show', /^Problems/);
    await page.getByRole('button', { name: 'Run query' }).click();
    await answer(page).getByText('1 frames').waitFor();
    const { problems } = await run.services.main.get('/v1/problems?start=now-24h&end=now');
    assert.equal(await answer(page).getByRole('row').count(), problems.length + 1, 'a head and a row for each');
    for (const { id } of problems) {
      await answer(page).getByRole('cell', { name: id, exact: true }).waitFor();
    }
    assert.equal(await page.getByRole('radio', { name: 'Ad-hoc' }).count(), 0, 'a text that is not stored has none');
    assert.deepEqual(await weightyFaults(page), []);
    await session.shot('datasource-problems');
  }));

  step('an ad-hoc rule: its fault is said, then it is counted', async () => inWindow({}, async (session) => {
    const { page } = session;
    await connect(session, gateways.main);
    await open(session, 'explore');
    await choose(page, 'Show', /Count/);
    await page.getByRole('radio', { name: 'Ad-hoc' }).dispatchEvent('click'); // its label lies over it, or it over its label
    const broken = 'trace.has(span.name == "db.query" and span.duraton > 1s)';
    const { diagnostics: [diagnostic] } = await run.services.main.post('/v1/rules/validate', { dsl: broken });
    await write(page, broken);
    await page.getByText(/Line 1, column \d+/).waitFor();
    assert.equal(await underlined(page), pieceOf(broken, diagnostic), 'underlined where the service says');
    const of = await colours(page, ['"db.query"', 'and', '1s']);
    assert.equal(new Set(Object.values(of)).size, 3, JSON.stringify(of));
    assert.deepEqual(await weightyFaults(page), [], 'axe on the editor of an ad-hoc text');
    await session.shot('datasource-ad-hoc-fault');
    const before = 'trace.has(span.name == "';
    await write(page, `${before}")`);
    await caretAfter(page, before);
    await page.keyboard.press('Control+Space');
    await page.locator('.suggest-widget.visible .monaco-list-row').filter({ hasText: 'payment.process' }).first().waitFor();
    await page.keyboard.press('Escape');
    await write(page, 'trace.has(span.name == "db.query" and span.duration > 1s) and not trace.has(span.name == "retry")');
    await page.locator('label[for$="-instant"]').last().click();
    await enterEditor(page);
    await page.keyboard.press('Shift+Enter');
    await answer(page).getByRole('cell', { name: '60', exact: true }).waitFor();
  }));

  step('in an alert rule: numbers only, one a rule, zeros included', async () => inWindow({}, async (session) => {
    const { page } = session;
    await connect(session, gateways.main);
    const to = Date.now() - 180_000;
    await open(session, `explore?app=unified-alerting&from=${to - 600_000}&to=${to}`);
    await page.getByText(/now-3m/).waitFor();
    await page.getByRole('button', { name: 'Run query' }).click();
    await answer(page).getByText('3 frames').waitFor();
    assert.equal(await answer(page).getByRole('cell', { name: 'null' }).count(), 0);
    await session.shot('datasource-alert');
  }));

  step('the range of a new alert rule ends now: it is moved back, and a notice says by how much', async () => inWindow({}, async (session) => {
    const { page } = session;
    await connect(session, gateways.down, { FromAlert: 'true' }); // which Grafana's alerting sends
    const to = Date.now();
    await open(session, `explore?app=unified-alerting&from=${to - 600_000}&to=${to}`);
    await page.getByText(/a time range that ends later is moved back/).waitFor();
    await page.getByRole('button', { name: 'Run query' }).click();
    await answer(page).getByRole('note').filter({ hasText: /^The range was moved back by \dm/ }).waitFor();
    assert.equal(await answer(page).getByRole('alert').count(), 0, 'it is not refused');
    assert.equal(await answer(page).getByRole('cell', { name: '0', exact: true }).count(), 0, 'without Tempo nothing is called zero');
  }));

  step('without Tempo a count is null, and the reason is said', async () => inWindow({}, async (session) => {
    const { page } = session;
    await connect(session, gateways.down);
    await open(session, 'explore');
    await choose(page, 'Show', /Count/);
    await answer(page).getByRole('note').filter({ hasText: /Not everything was looked at/ }).first().waitFor(); // it comes in pieces
    assert.equal(await answer(page).getByRole('cell', { name: '0', exact: true }).count(), 0, 'nothing is called zero');
  }));

  for (const theme of ['dark', 'light']) {
    step(`settings: labels, a wrong URL, the Tempo to link to (${theme})`, async () => inWindow({ theme }, async (session) => {
      const { page } = session;
      await open(session, 'settings');
      await page.getByLabel(/^URL/).fill('betrace:8080');
      await page.getByText(/begins with http/).waitFor();
      await page.getByLabel(/^URL/).fill('http://betrace:8080');
      await page.getByLabel(/^Tenant/).fill('acme');
      await page.locator('#betrace-ds-tempo').click();
      await page.getByRole('option', { name: /^Tempo/ }).first().click();
      await page.getByTestId('options').filter({ hasText: '"tempoDatasourceUid":"tempo"' }).waitFor();
      assert.deepEqual(JSON.parse(await page.getByTestId('options').innerText()), { url: 'http://betrace:8080', jsonData: { tenant: 'acme', tempoDatasourceUid: 'tempo', tempoDatasourceName: 'Tempo' } });
      assert.deepEqual(await weightyFaults(page), []);
      await session.shot('datasource-settings');
    }));
  }
}
