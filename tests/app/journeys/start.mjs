/* The first page: it counts the last day as the service does, leads to those violations, and without rules or Tempo says what to do first instead
   of how good everything is. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { weightyFaults } from '../support/axe.mjs';
import { writeLargeTraces } from '../support/largeTrace.mjs';
import { plainText, settled } from '../support/pages.mjs';

/** Spans that are set against one another take more steps than a rule may by default. */
const PAIRED = 1500;

const card = (page, name) => page.getByRole('region', { name });
const packOf = (page, title) => page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: title, exact: true }) });

export default function start({ run, inWindow, step }) {
  step('the last day has as many violations as the service counts, and leads to them', () => inWindow({}, async (session) => {
    await session.goto('');
    const day = card(session.page, 'Last 24 hours');
    const headline = day.getByText(/^Violations: [\d,]+/);
    await headline.waitFor();
    const { series } = await run.services.main.get('/v1/violations/series?start=now-24h&step=10m');
    const total = series.flatMap((one) => one.points).reduce((sum, [, count]) => sum + (count ?? 0), 0);
    assert.equal(Number(/[\d,]+/.exec(await headline.innerText())[0].replace(',', '')), total);
    await day.getByText(/Broken since the oldest traces that there are/).first().waitFor();
    await settled(session.page);
    assert.deepEqual(await weightyFaults(session.page), []);
    await plainText(session.page);
    await session.shot('start');
    await day.getByRole('link', { name: 'See them' }).click();
    await session.page.waitForURL(/\/violations\?from=now-24h/);
  }));

  step('without rules it says how to write the first', () => inWindow({ upstream: 'empty' }, async (session) => {
    await session.goto('');
    await card(session.page, 'Write the first rule').getByRole('link', { name: 'Write a rule' }).click();
    await session.page.waitForURL(/\/rules\/new/);
  }));

  step('without Tempo it says so, and nothing of how many violations there were', () => inWindow({ upstream: 'down' }, async (session) => {
    await session.goto('');
    await card(session.page, 'Connect Tempo').waitFor();
    await settled(session.page);
    assert.doesNotMatch(await session.page.locator('body').innerText(), /No violation/);
    await card(session.page, 'Service').getByText('Not ready', { exact: true }).waitFor();
  }));

  step('a rule that spends its budget on a trace is named, with what to do and the way to it', async () => {
    const file = writeLargeTraces(path.join(run.world.folder, 'start-budget.jsonl'), [PAIRED]);
    const service = await run.world.serve('--traces', file);
    await service.post('/v1/rules', { id: 'pairs', name: 'No two at odds', severity: 'low', dsl: 'when { db.query as x } never { db.query where(k < x.k) }' });
    run.target.use('paired', service);
    await inWindow({ upstream: 'paired' }, async (session) => {
      await session.goto('');
      const named = card(session.page, 'Cannot be judged').getByRole('listitem').filter({ hasText: 'No two at odds' });
      await named.getByText(/more steps than its budget on traces of 1 of \d+ steps of 10 minutes/).waitFor();
      assert.equal(await named.getAttribute('data-kind'), 'budget');
      assert.deepEqual(await weightyFaults(session.page), []);
      await plainText(session.page);
      await session.shot('start-budget');
      await named.getByRole('link').click();
      await session.page.waitForURL(/\/rules\/pairs/);
    });
  });

  /* What is added here is for this step and the next ones of this world: it is the last journey that takes the service without rules. */
  for (const theme of ['dark', 'light']) {
    step(`without rules a pack is tried on the last day by keyboard, ${theme}`, () => inWindow({ upstream: 'empty', theme }, async (session) => {
      await session.goto('');
      const pack = packOf(session.page, 'N+1 and fan-out');
      await pack.getByRole('button', { name: 'How would it have done here?' }).focus();
      await session.page.keyboard.press('Enter');
      await settled(session.page);
      const states = await pack.locator('[data-state]').evaluateAll((all) => all.map((one) => one.dataset.state));
      assert.equal(states.length, 8);
      assert.ok(states.every((state) => ['broken', 'kept', 'idle', 'partial'].includes(state)), states.join(' '));
      await plainText(session.page);
      await session.shot('start-packs');
      assert.deepEqual(await weightyFaults(session.page), []);
      assert.deepEqual((await run.services.empty.get('/v1/rules')).rules, [], 'a preview stores nothing');
    }));
  }

  step('one click stores a pack in shadow, and the day is then counted for it', () => inWindow({ upstream: 'empty' }, async (session) => {
    await session.goto('');
    await packOf(session.page, 'N+1 and fan-out').getByRole('button', { name: 'Add 8 rules in shadow' }).click();
    await card(session.page, 'Last 24 hours').getByText(/All enabled rules are in shadow/).waitFor();
    const { rules } = await run.services.empty.get('/v1/rules');
    assert.deepEqual(rules.map(({ shadow, labels }) => [shadow, labels.pack]), Array(8).fill([true, 'n-plus-one']));
    const unjudged = card(session.page, 'Cannot be judged').getByRole('listitem');
    await unjudged.first().waitFor();
    await settled(session.page);
    // Every trace exercises the eighth and the one that is a bare condition.
    assert.deepEqual(await unjudged.evaluateAll((all) => all.map((one) => one.dataset.kind)), Array(6).fill('idle'));
    await session.shot('start-shadow');
    assert.deepEqual(await weightyFaults(session.page), []);
  }));

  step('compliance offers the pack with rules for controls, and a click makes them stand for them', () => inWindow({ upstream: 'empty' }, async (session) => {
    await session.goto('/compliance');
    const pack = packOf(session.page, 'SOC 2');
    for (const title of ['SOC 2', 'PCI DSS 4.0', 'HIPAA']) {
      await packOf(session.page, title).getByRole('button', { name: 'Add 6 rules in shadow' }).waitFor();
    }
    await session.shot('compliance-packs');
    assert.deepEqual(await weightyFaults(session.page), []);
    await pack.getByRole('button', { name: 'Add 6 rules in shadow' }).click();
    await session.page.getByText(/Rules: 6; controls with rules: 7 of/).waitFor();
    assert.equal(await pack.count(), 0, 'what has rules is not offered again');
  }));
}
