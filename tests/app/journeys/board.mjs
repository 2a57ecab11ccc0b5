/* The list of rules as a board of their health: packs are folded and say how their rules are, each row says what the last day was, and what nobody looked at
   is no zero. Many rules are chosen and changed after one question; what was not done is named. By keys, in both themes, on a phone. Runs in Node. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { weightyFaults } from '../support/axe.mjs';
import { writeLargeTraces } from '../support/largeTrace.mjs';
import { tabTo } from '../support/keys.mjs';
import { plainText, settled } from '../support/pages.mjs';
import { RULES } from '../support/world.mjs';

/** Spans of one trace: a rule about pairs of them spends its budget. */
const PAIRED = 1500;
const DAY = 'start=now-24h&end=now&step=10m&shadow=true';
const packOf = (page, name) => page.getByRole('region', { name, exact: true });
const rowOf = (page, id) => page.locator(`[data-rule="${id}"]`);
const told = (page, text) => page.getByRole('status').filter({ hasText: text });
const of = (pack, ...rules) => rules.map((rule) => ({ ...rule, labels: { pack } }));
const idle = (id, more = {}) => ({ id, name: `Rule ${id}`, severity: 'low', dsl: `when { "operation ${id}" } always { retry }`, ...more });

/** 48 rules: one pack that is broken and idle, one that is idle, one that is off, and rules of no pack. */
const many = () => [
  ...of('soc2', RULES.slowDb, RULES.audit, ...Array.from({ length: 10 }, (_, at) => idle(`soc2-${at}`))),
  ...of('messaging', ...Array.from({ length: 20 }, (_, at) => idle(`message-${at}`))),
  ...of('own-pack', ...Array.from({ length: 13 }, (_, at) => idle(`off-${at}`, { enabled: false }))),
  idle('mine-0'), { ...RULES.incident, labels: {} }, idle('mine-1'),
];

export default function board({ run, inWindow, step }) {
  let made;
  const service = () => (made ??= (async () => {
    const started = await run.world.serve('--traces', path.join(run.world.folder, 'traces.pb'));
    await started.post('/v1/rules/import', { rules: many() });
    run.target.use('board', started);
    return started;
  })());
  const inBoard = (options, body) => async () => {
    await service();
    await inWindow({ upstream: 'board', ...options }, body);
  };
  const widths = run.target.roles ? [1280, 1920, 720] : [1280, 1920, 390, 360]; // the navigation of the host page takes its part

  for (const theme of ['dark', 'light']) {
    step(`48 rules stand in four packs, which say how their rules are (${theme})`, inBoard({ theme }, async (session) => {
      const { page } = session;
      await session.goto('/rules');
      await packOf(page, 'SOC 2').getByText('Rules: 12 (2 broken, 10 not exercised)').waitFor();
      await packOf(page, 'Messaging').getByText('Rules: 20 (20 not exercised)').waitFor();
      await packOf(page, 'own-pack').getByText('Rules: 13 (13 off)').waitFor();
      assert.equal(await rowOf(page, RULES.slowDb.id).count(), 0, 'a pack is folded');
      for (const width of widths) {
        await page.setViewportSize({ width, height: 850 });
        await session.goto('/rules?open=soc2');
        await rowOf(page, RULES.slowDb.id).getByText('Broken', { exact: true }).waitFor();
        await settled(page);
        await session.shot(`board-${width}`);
        const reach = await page.evaluate(() => document.scrollingElement.scrollWidth);
        assert.ok(reach <= width, `the page reaches to ${reach} of ${width}`);
        assert.deepEqual(await weightyFaults(page), []);
      }
      await plainText(page);
    }));
  }

  step('a row has the numbers of the service, of two questions for all rules', inBoard({}, async (session) => {
    const { page } = session;
    const asked = [];
    page.on('request', (request) => /\/v1\/(violations|problems|rules\/.+|traces)/.test(request.url()) && asked.push(request.url()));
    await session.goto('/rules?open=soc2');
    const row = rowOf(page, RULES.slowDb.id);
    await row.getByText('Broken', { exact: true }).waitFor();
    await settled(page);
    const isOther = (url) => !/\/violations\/series\?/.test(url);
    assert.deepEqual(asked.filter(isOther), [], 'nobody asks once for each rule');
    assert.equal(new Set(asked).size, 2);
    const sumOf = async (value) => {
      const { series } = await (await service()).get(`/v1/violations/series?${DAY}&rule_id=${RULES.slowDb.id}&value=${value}`);
      return series[0].points.reduce((sum, [, n]) => sum + (n ?? 0), 0);
    };
    const [broken, about] = [await sumOf('count'), await sumOf('exercised')];
    await row.getByRole('link', { name: new RegExp(`^(at least )?${broken.toLocaleString('en-US')} traces$`) }).waitFor();
    const share = new Intl.NumberFormat('en-US', { style: 'percent', maximumSignificantDigits: 2 }).format(broken / about);
    await row.getByRole('cell').filter({ hasText: share }).first().waitFor();
    assert.equal(await row.getByRole('img', { name: /^Violating traces by the hour/ }).count(), 1);
    const off = await packOf(page, 'own-pack').innerText();
    assert.doesNotMatch(off, /none found|\b0\b/);
  }));

  step('by keys alone a pack unfolds, rows are chosen, and they go into shadow after one question', inBoard({}, async (session) => {
    const { page } = session;
    const main = await service();
    await session.goto('/rules');
    await packOf(page, 'SOC 2').getByText(/^Rules: 12 \(2 broken/).waitFor();
    await tabTo(page, (now) => now.name === 'SOC 2');
    await page.keyboard.press('Enter');
    await rowOf(page, RULES.slowDb.id).waitFor();
    for (let at = 0; at < 4; at++) {
      await page.keyboard.press('j'); // past the rules of no pack, which stand first
    }
    const first = await page.evaluate(() => document.activeElement.closest('[data-rule]').dataset.rule);
    await page.keyboard.press('x');
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.getByText('Chosen: 2', { exact: true }).waitFor();
    await tabTo(page, (now) => now.name === 'Put in shadow');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('listitem').nth(1).waitFor();
    await session.shot('board-question');
    assert.deepEqual(await weightyFaults(page), []);
    assert.equal((await main.get(`/v1/rules/${first}`)).shadow, false, 'nothing is done before the answer');
    await dialog.getByRole('button', { name: 'Put in shadow' }).press('Enter');
    await told(page, 'Put in shadow: 2').waitFor();
    assert.equal((await main.get(`/v1/rules/${first}`)).shadow, true);
    await page.getByText('Chosen: 2', { exact: true }).waitFor(); // for what comes next
    await session.shot('board-chosen');
  }));

  step('what was not done is named, with why, and the others are done', inBoard({}, async (session) => {
    const { page } = session;
    const main = await service();
    await session.goto('/rules?open=messaging');
    await settled(page);
    for (const at of [17, 18, 19]) {
      await page.getByRole('checkbox', { name: `Choose Rule message-${at}` }).check({ force: true });
    }
    await main.post('/v1/rules/message-18/disable');
    await page.getByRole('group', { name: 'Chosen rules' }).getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await dialog.getByText('Not done with 1 of 3 rules; done with the others').waitFor();
    assert.match(await dialog.getByRole('listitem').innerText(), /^Rule message-18: ./);
    await session.shot('board-partly');
    assert.deepEqual(await weightyFaults(page), []);
    const left = (await main.get('/v1/rules?limit=1000')).rules.map(({ id }) => id).filter((id) => /message-1[789]/.test(id));
    assert.deepEqual(left, ['message-18']);
    await page.getByText('Chosen: 1', { exact: true }).waitFor();
    await dialog.getByRole('button', { name: 'Try these again' }).click(); // at the version that is stored by now
    await told(page, 'Deleted: 3').waitFor();
    await dialog.waitFor({ state: 'detached' });
  }));

  step('a filter shows what cannot be judged, with why', async () => {
    const file = writeLargeTraces(path.join(run.world.folder, 'board-budget.jsonl'), [PAIRED]);
    const started = await run.world.serve('--traces', file);
    await started.post('/v1/rules', { id: 'pairs', name: 'No two at odds', severity: 'low', labels: { pack: 'own' }, dsl: 'when { db.query as x } never { db.query where(k < x.k) }' });
    run.target.use('board-budget', started);
    await inWindow({ upstream: 'board-budget' }, async (session) => {
      const { page } = session;
      await session.goto('/rules');
      await page.getByRole('button', { name: 'Cannot be judged: 1' }).click();
      await rowOf(page, 'pairs').getByText(/more steps than its budget/).waitFor();
      assert.equal(await rowOf(page, 'pairs').getAttribute('data-health'), 'unjudged');
      await session.shot('board-unjudged');
      assert.deepEqual(await weightyFaults(page), []);
    });
  });

  for (const theme of ['dark', 'light']) {
    step(`without a store, and without rules, nothing is called free of violations (${theme})`, async () => {
      await inWindow({ upstream: 'down', theme }, async (session) => {
        await session.goto('/rules');
        await rowOf(session.page, RULES.slowDb.id).getByText('Not looked at', { exact: true }).first().waitFor();
        await session.page.getByText('Nobody asked yet').first().waitFor(); // a store is searched for each rule
        await session.shot('board-not-asked');
        await session.page.getByRole('button', { name: 'Look at the last 24 hours' }).click();
        await session.page.getByText('Not one step of the day is known').first().waitFor();
        await session.shot('board-no-store');
        assert.doesNotMatch(await session.page.locator('main').innerText(), /none found|No violation/);
        assert.deepEqual(await weightyFaults(session.page), []);
      });
      const nothing = await run.world.serve('--traces', path.join(run.world.folder, 'traces.pb'));
      run.target.use('board-empty', nothing);
      await inWindow({ upstream: 'board-empty', theme }, async (session) => {
        await session.goto('/rules');
        await session.page.getByText('There are no rules yet').waitFor();
        await session.shot('board-no-rules');
        assert.deepEqual(await weightyFaults(session.page), []);
      });
    });
  }
}
