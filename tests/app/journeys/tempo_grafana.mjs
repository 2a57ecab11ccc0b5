/* What Grafana shows of a real Tempo besides the pages: the data source in Explore, as a table of Grafana, and the way from a
   row to the page of its violation; both dashboards with ten rules, at both widths of screens. Without a trace, and where the
   Tempo is not reached, nothing of it is a zero. Here and without Grafana, too: Compliance from no rule to a report on what
   the traces say. Runs in Node. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after } from 'node:test';
import { APP } from '../../../grafana-betrace-app/harness/tools.mjs';
import { weightyFaults } from '../support/axe.mjs';
import { connect, open, startGateway } from '../support/gateway.mjs';
import { plainText, rowsOf } from '../support/pages.mjs';
import { startTempo } from '../support/tempo.mjs';
import { RULES } from '../support/world.mjs';

const TRACES = 1200;
const PLANTED = 30;
const HEIGHT = 1100;
const WIDTHS = [1280, 1920];
const SEVERITIES = ['critical', 'error', 'high', 'medium', 'warning', 'low', 'info'];
/** Ten, with names as people write them. */
const TEN = [
  'Every slow database query is tried again within the request', 'Payments in eu-west-1 never fail without a refund', 'Personal data is read only with an audit log entry',
  'A payment is taken once per order, never twice', 'Inventory is reserved before the payment is taken', 'At most five database queries in one request',
  'The gateway answers within two seconds', 'Checkout calls the fraud check before it pays', 'Every retry follows a query that was slow', 'No span is longer than its own request',
].map((name, at) => ({
  id: `rule-${at}`, name, severity: SEVERITIES[at % SEVERITIES.length],
  dsl: at % 2 === 0 ? RULES.slowDb.dsl : `trace.has(span.duration > ${900 + at * 10}ms)`,
}));

export const only = (target) => target.name !== 'host13';

const answer = (page) => page.getByRole('region', { name: 'Answer' });
const packOf = (page, title) => page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: title, exact: true }) });
/** No orange of Grafana is readable on white for axe; the word stands there, too. */
const ofColor = ({ id }) => id === 'color-contrast';
const colorOf = (cell) => cell.evaluate((one) => getComputedStyle(one.querySelector('*') ?? one).color);

/** Every panel has its answer. */
async function answered(page, most) {
  await page.waitForFunction((n) => {
    const states = [...document.querySelectorAll('section[data-state]')].map((one) => one.dataset.state);
    return states.length >= n && !states.some((one) => ['Loading', 'Streaming'].includes(one));
  }, most);
}

/** What the panel draws: what it says of its answer is a mark in Grafana and a text in the harness, which may be long. */
const drawn = (panel) => panel.locator('[data-view]');
/** Boxes of texts that are cut: what they need is more than what they have. */
const cutTexts = (region) => region.evaluate((box, gap) => [box, ...box.querySelectorAll('*')]
  .filter(({ scrollWidth, clientWidth, scrollHeight, clientHeight }) => clientWidth > 0 && (scrollWidth > clientWidth + gap || scrollHeight > clientHeight + gap))
  .map((one) => `${one.tagName} ${one.textContent.slice(0, 80)}`), 2);

export default function tempoGrafana({ run, inWindow, step }) {
  const made = { gateways: [] };
  after(() => Promise.all([...made.gateways, made.tempo].map((one) => one?.stop())));
  const served = async (name, ...rules) => {
    made[name] = await run.world.withRules(await run.world.serve('--tempo', made.tempo.url), ...rules);
    run.target.use(name, made[name]);
  };
  const gateway = async (service) => {
    const started = await startGateway(run.target.dist, service.url);
    made.gateways.push(started);
    return started;
  };
  const hasSource = run.target.roles && fs.existsSync(path.join(APP, '.cache/gohost'));
  /** A window of which the data source asks this betrace. */
  const inGrafana = (asked, options, body) => inWindow(options, async (session) => {
    await connect(session, await gateway(asked()));
    await body(session, session.page);
  });
  const openDashboard = async (session, name) => {
    await session.page.goto(new URL(`/dashboard/${name}`, run.target.host.url).href);
    await answered(session.page, 4);
  };

  step('a Tempo is there, without a trace', async () => {
    made.tempo = await startTempo();
    await served('before', ...TEN);
  });

  if (hasSource) {
    step('without a trace no number of the dashboard is zero, and each panel says why', () => inGrafana(() => made.before, {}, async (session, page) => {
      await openDashboard(session, 'violations');
      const numbers = page.getByRole('region', { name: 'Violating traces', exact: true });
      await numbers.getByText('not known').nth(TEN.length - 1).waitFor();
      await numbers.getByRole('note').filter({ hasText: /no trace/i }).first().waitFor();
      await session.shot('tempo-dashboard-no-data');
      await open(session, 'explore?drawn');
      await page.getByRole('button', { name: 'Run query' }).click();
      await answer(page).getByRole('note').filter({ hasText: /no trace/i }).first().waitFor();
      assert.deepEqual(await weightyFaults(page), []);
      await session.shot('tempo-explore-no-data');
    }));

    step('where BeTrace does not reach its Tempo the panels say so, and no number is zero either', () => inGrafana(() => run.services.down, {}, async (session, page) => {
      await openDashboard(session, 'violations');
      await page.getByRole('region', { name: 'Violations, newest first' }).locator('[role=alert], [role=note]').first().waitFor();
      const numbers = page.getByRole('region', { name: 'Violating traces', exact: true });
      assert.equal(await numbers.getByText('0', { exact: true }).count(), 0);
      await session.shot('tempo-dashboard-failed');
    }));
  }

  step('it is given half a day of traces', async () => {
    await made.tempo.generate(TRACES, '--seed', '7', '--violations', String(PLANTED), '--since', '11h', '--end', String(Math.floor(Date.now() / 1000) - 600));
    await served('ten', ...TEN);
    await served('nothing');
  });

  step('compliance: a pack is added by one key, and the report shows what the traces say of its controls', () => inWindow({ upstream: 'nothing' }, async (session) => {
    const { page } = session;
    await session.goto('/compliance');
    await packOf(page, 'SOC 2').getByRole('button', { name: 'Add 6 rules in shadow' }).press('Enter');
    await page.getByText(/Rules: 6; controls with rules: 7 of/).waitFor();
    assert.equal(await packOf(page, 'SOC 2').count(), 0, 'what has rules is not offered again');
    await page.getByRole('link', { name: /^SOC 2/ }).click();
    await page.getByRole('button', { name: 'Make the report' }).press('Enter');
    const control = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'CC6.1' }) });
    await control.getByText('Not evaluated').waitFor();
    const { entries } = await made.nothing.get(`/v1/reports/${new URL(page.url()).searchParams.get('report')}?format=json`);
    const { rules: [{ name, counts }] } = entries.find(({ type, body }) => type === 'control' && body.control === 'CC6.1').body;
    assert.equal(counts.evaluated, TRACES);
    assert.ok(counts.violated > 0);
    const row = page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
    const cells = (await row.getByRole('cell').allInnerTexts()).map((text) => text.trim());
    assert.deepEqual([cells[2], cells[3], cells[6]], ['Violated', TRACES.toLocaleString('en-US'), counts.violated.toLocaleString('en-US')]);
    await row.getByText(/^In shadow: .* claims nothing by it/).waitFor();
    await plainText(page);
    assert.deepEqual(await weightyFaults(page), []);
    await session.shot('tempo-report');
    await row.getByRole('link', { name: 'See the violations' }).press('Enter');
    await rowsOf(page).first().waitFor();
  }));

  if (!hasSource) {
    return;
  }

  for (const theme of ['dark', 'light']) {
    step(`Explore: rows have widths, colours of severities, and lead to the violation (${theme})`, () => inGrafana(() => made.ten, { theme, upstream: 'ten' }, async (session, page) => {
      await open(session, 'explore?drawn');
      await page.getByRole('button', { name: 'Run query' }).press('Enter');
      const cell = (name) => answer(page).getByRole('gridcell', { name, exact: true }).first();
      await cell('critical').waitFor();
      await session.shot('tempo-explore');
      const colors = await Promise.all(['critical', 'high', 'low'].map((severity) => colorOf(cell(severity))));
      assert.equal(new Set(colors).size, 3, colors.join(' '));
      const heads = await answer(page).getByRole('columnheader').evaluateAll((all) => all.map((one) => [one.textContent, Math.round(one.getBoundingClientRect().width)]));
      assert.deepEqual(heads.slice(0, 5), [['Time', 190], ['Rule', 240], ['Severity', 100], ['Trace', 300], ['Message', 440]]);
      const row = answer(page).getByRole('row').nth(1);
      const names = row.getByRole('gridcell').nth(1);
      assert.deepEqual(await cutTexts(names), [], 'the whole name of the rule');
      const trace = await row.getByRole('gridcell').nth(3).innerText();
      assert.deepEqual((await weightyFaults(page)).filter((fault) => theme === 'dark' || !ofColor(fault)), []);
      await row.getByRole('gridcell').nth(4).getByRole('link').click();
      await page.waitForURL(new RegExp(`/a/betrace-app/violations/rule-\\d/${trace.trim()}$`));
      await page.getByRole('treegrid', { name: 'Spans of the trace' }).getByRole('row').filter({ hasText: /Witness/ }).first().waitFor();
    }));

    for (const width of WIDTHS) {
      step(`both dashboards with ten rules at ${width} pixels (${theme})`, () => inGrafana(() => made.ten, { theme, upstream: 'ten' }, async (session, page) => {
        await page.setViewportSize({ width, height: HEIGHT });
        await openDashboard(session, 'violations');
        const numbers = page.getByRole('region', { name: 'Violating traces', exact: true });
        for (const { name } of TEN) {
          await numbers.getByText(name, { exact: true }).waitFor();
        }
        assert.deepEqual(await cutTexts(drawn(numbers)), [], 'names that cannot be read');
        const table = page.getByRole('region', { name: 'Since when' });
        const colors = await Promise.all(['critical', 'high'].map((severity) => colorOf(table.getByRole('gridcell', { name: severity, exact: true }).first())));
        assert.notEqual(...colors);
        const heads = await table.getByRole('columnheader').allInnerTexts();
        assert.ok(!heads.includes('Rule id') && !heads.includes('Found'), heads.join(', '));
        await session.shot(`tempo-dashboard-violations-${width}`);
        const watch = page.getByRole('button', { name: 'Health of watch' });
        assert.deepEqual((await weightyFaults(page)).filter((fault) => !ofColor(fault)), []);
        assert.equal(await watch.getAttribute('aria-expanded'), 'false');
        await watch.press('Enter');
        await page.getByRole('region', { name: 'Behind the present' }).waitFor();
        await openDashboard(session, 'rule');
        assert.deepEqual(await cutTexts(drawn(page.getByRole('region', { name: 'Share of violating traces' }))), []);
        await session.shot(`tempo-dashboard-rule-${width}`);
        await plainText(page);
      }));
    }
  }
}
