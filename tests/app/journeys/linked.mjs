/* The page of a violation whose rule follows links, over orders that go through a queue: the consumer's trace below the producer's, with the witnesses
   in each; a message that nobody took, drawn as missing; all of it by keys, in both themes, read by axe. Runs in Node. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { weightyFaults } from '../support/axe.mjs';
import { generateStory } from '../support/betrace.mjs';
import { focused, tabTo } from '../support/keys.mjs';
import { plainText, settled } from '../support/pages.mjs';

const WORK = '(messaging.operation.type == "process" or messaging.operation == "process")';
const SENT = 'when { span(span.kind == producer and messaging.destination.name == "orders") as sent }';
const LOST = { id: 'order-lost', name: 'Every published order is processed', severity: 'critical', dsl: `${SENT} always { span${WORK} linked to sent within 10m }` };
const FAILED = { id: 'order-failed', name: 'No consumer of an order fails', severity: 'high', dsl: `${SENT} never { span(${WORK} and span.status == error) linked to sent within 10m }` };
const HIDE = /^Hide its spans: process orders/;
const SHOW = /^Show its spans: process orders/;

const ownRows = (page) => page.getByRole('treegrid', { name: 'Spans of the trace' }).getByRole('row');
const linesOf = (part) => part.getByRole('list', { name: 'Which span links to which' }).getByRole('listitem');
const linkedTrace = (page) => page.getByRole('region', { name: /^Linked trace process orders/ });

/** One betrace over orders, some of which are lost and some of which fail: {service, truth}. */
async function queue(run) {
  const file = path.join(run.world.folder, 'orders.pb');
  const told = path.join(run.world.folder, 'orders.json');
  generateStory(file, 'messaging', '--traces', '1000', '--since', '1425m', '--truth', told);
  const service = await run.world.serve('--traces', file);
  await run.world.withRules(service, LOST, FAILED);
  run.target.use('orders', service);
  return { service, truth: JSON.parse(fs.readFileSync(told, 'utf8')) };
}

export default function linked({ run, inWindow, step }) {
  let made;
  /** The violations of a rule; the betrace is started by the first step that asks. */
  const violationsOf = async (rule) => {
    made ??= queue(run);
    const { service, truth } = await made;
    const { violations } = await service.get(`/v1/violations?rule_id=${rule.id}&start=now-24h&limit=100`);
    assert.ok(violations.length > 0, `${rule.id} is violated`);
    return { violations, truth };
  };
  const open = async (session, rule, trace) => {
    await session.goto(`/violations/${rule.id}/${trace}?from=now-24h&to=now`);
    await settled(session.page);
    await ownRows(session.page).filter({ hasText: /Witness/ }).first().waitFor();
  };

  for (const theme of ['dark', 'light']) {
    step(`the consumer's trace is below the producer's, with the witness in each (${theme})`, async () => {
      const { violations: [{ trace_id: trace, witnesses }] } = await violationsOf(FAILED);
      const there = witnesses.find((one) => one.trace_id);
      await inWindow({ theme, upstream: 'orders' }, async (session) => {
        const { page } = session;
        await open(session, FAILED, trace);
        const part = linkedTrace(page);
        await part.getByRole('row').filter({ hasText: /Witness/ }).filter({ hasText: 'process orders' }).waitFor();
        assert.match(await part.innerText(), /linked to publish orders of order-service/);
        assert.deepEqual(await linesOf(part).allInnerTexts(), ['process orders links to publish orders']);
        assert.equal(await page.getByText(/are not among these spans/).count(), 0);
        assert.equal(await part.getByRole('link', { name: `Open trace ${there.trace_id}` }).count(), 1);
        assert.equal(await page.getByRole('region', { name: 'Missing link' }).count(), 0);
        await plainText(page);
        assert.deepEqual(await weightyFaults(page), []);
        await part.scrollIntoViewIfNeeded();
        await session.shot('violation-linked');
      });
    });

    step(`a message that nobody took is drawn as missing, with what failed (${theme})`, async () => {
      const { violations, truth } = await violationsOf(LOST);
      assert.deepEqual(violations.map((one) => one.trace_id).sort(), [...truth['lost-message']].sort(), 'the lost ones, and no other');
      await inWindow({ theme, upstream: 'orders' }, async (session) => {
        const { page } = session;
        await open(session, LOST, violations[0].trace_id);
        const part = page.getByRole('region', { name: 'Missing link' });
        assert.match(await part.innerText(), /No linked trace/);
        assert.ok((await part.innerText()).includes(violations[0].failed.message), 'the sentence of the service');
        await ownRows(page).filter({ hasText: 'Missing link' }).waitFor();
        assert.equal(await linkedTrace(page).count(), 0);
        assert.deepEqual(await weightyFaults(page), []);
        await part.scrollIntoViewIfNeeded();
        await session.shot('violation-lost');
      });
    });
  }

  step('the linked trace is reached by Tab, closed and opened by Enter, its link chosen, gone through by arrows and opened as a page', async () => {
    const { violations: [{ trace_id: trace }] } = await violationsOf(FAILED);
    await inWindow({ upstream: 'orders' }, async (session) => {
      const { page } = session;
      await open(session, FAILED, trace);
      await linkedTrace(page).getByRole('treegrid').waitFor();
      assert.ok((await tabTo(page, (now) => HIDE.test(now.name))).isInView);
      await page.keyboard.press('Enter');
      await linkedTrace(page).getByRole('treegrid').waitFor({ state: 'detached' });
      assert.match((await focused(page)).name, SHOW, 'the focus stays');
      await page.keyboard.press('Enter');
      await linkedTrace(page).getByRole('treegrid').waitFor();
      const link = await tabTo(page, (now) => now.name.startsWith('Open trace'));
      const line = await tabTo(page, (now) => now.name === 'process orders links to publish orders');
      assert.ok(line.isInView);
      await page.keyboard.press('Enter');
      await linkedTrace(page).getByRole('row', { selected: true }).filter({ hasText: 'process orders' }).waitFor();
      await ownRows(page).and(page.getByRole('row', { selected: true })).filter({ hasText: 'publish orders' }).waitFor();
      assert.equal(new URL(page.url()).searchParams.getAll('span').length, 2);
      const row = await tabTo(page, (now) => now.role === 'row');
      assert.ok(link.isInView && row.isInView);
      await page.keyboard.press('End');
      await page.keyboard.press('Enter');
      await page.waitForFunction(() => document.activeElement.getAttribute('aria-selected') === 'true');
      assert.match(new URL(page.url()).searchParams.get('span'), /^[0-9a-f]{16}/);
      await tabTo(page, (now) => now.name.startsWith('Open trace'), 'Shift+Tab');
      await page.keyboard.press('Enter');
      await page.waitForFunction((before) => !location.pathname.includes(before), trace);
      await settled(page);
      await ownRows(page).filter({ hasText: 'process orders' }).first().waitFor();
    });
  });
}
