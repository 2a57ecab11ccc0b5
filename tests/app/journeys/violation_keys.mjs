/* The page of a violation without a mouse: Tab, arrows, Enter. Everything on it is reached in the order of the page, has a name, and is in view when
   it has the focus; the trace that keeps the rule is asked for, read and opened. Read by axe with all of it open. From one violation to the next by letters,
   and ? shows all keys. Runs in Node. */
import assert from 'node:assert/strict';
import { weightyFaults } from '../support/axe.mjs';
import { focused, tabTo } from '../support/keys.mjs';
import { rowsOf, settled } from '../support/pages.mjs';
import { RULES } from '../support/world.mjs';

const named = (name) => (now) => now.name === name;
const isRow = (now) => now.role === 'row';
const selected = (page) => page.locator('[role="treegrid"] [aria-selected="true"]').getAttribute('aria-rowindex');

/** What has the focus is in view, and a screen reader has a name for it. */
async function seen(page, wanted) {
  const now = await tabTo(page, wanted);
  assert.ok(now.isInView, `${now.name} is in view when it has the focus`);
  assert.notEqual(now.name, '');
  return now;
}

async function open(session, run) {
  const { violations: [{ trace_id: trace }] } = await run.services.main.get(`/v1/violations?rule_id=${RULES.slowDb.id}&start=now-24h&limit=1`);
  await session.goto(`/violations/${RULES.slowDb.id}/${trace}?from=now-24h&to=now`);
  await settled(session.page);
  await session.page.getByRole('row').filter({ hasText: /Witness/ }).first().waitFor();
  return trace;
}

export default function violationKeys({ run, inWindow, step }) {
  for (const theme of ['dark', 'light']) {
    step(`the trace that keeps the rule is asked for, read and opened by keys (${theme})`, () => inWindow({ theme }, async (session) => {
      const { page } = session;
      const trace = await open(session, run);
      await seen(page, named('Show a trace that keeps it'));
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: 'Open the trace that keeps it' }).waitFor();
      assert.equal((await focused(page)).name, 'Show a trace that keeps it', 'what came below took no focus');
      await seen(page, named('What sets violating traces apart?'));
      await page.keyboard.press('Enter');
      await settled(page);
      assert.deepEqual(await weightyFaults(page), [], 'axe with both open');
      const table = await seen(page, named('Both traces by the pieces of the rule'));
      assert.equal(table.role, 'region', 'a table that may be wider than its place is scrolled by keys');
      await session.shot('violation-keys');
      await seen(page, named('Open the trace that keeps it'));
      await page.keyboard.press('Enter');
      await page.waitForFunction((before) => !location.pathname.includes(before), trace);
      await settled(page);
      await page.getByText('This trace does not violate the rule as it is now').waitFor();
      await page.goBack();
      await page.getByRole('row').filter({ hasText: /Witness/ }).first().waitFor();
    }));
  }

  for (const theme of ['dark', 'light']) {
    step(`j and k go through the list and its violations, and ? shows the keys (${theme})`, () => inWindow({ theme }, async (session) => {
      const { page } = session;
      const { violations } = await run.services.main.get(`/v1/violations?rule_id=${RULES.slowDb.id}&start=now-24h&limit=3`);
      await session.goto(`/violations?from=now-24h&to=now&view=list&rule=${RULES.slowDb.id}`);
      await rowsOf(page).first().waitFor();
      await settled(page);
      await page.keyboard.press('j');
      await page.waitForFunction(() => document.activeElement.getAttribute('data-row') === '0');
      await page.keyboard.press('j');
      await page.waitForFunction(() => document.activeElement.getAttribute('data-row') === '1');
      await page.keyboard.press('Enter');
      await page.waitForURL(new RegExp(violations[1].trace_id));
      await page.getByRole('link', { name: 'Next', exact: true }).waitFor();
      await page.keyboard.press('j');
      await page.waitForURL(new RegExp(violations[2].trace_id));
      await page.getByRole('link', { name: 'Previous' }).waitFor();
      await page.keyboard.press('k');
      await page.waitForURL(new RegExp(violations[1].trace_id));
      await page.getByRole('row').filter({ hasText: /Witness/ }).first().waitFor();
      await settled(page);
      await seen(page, named('Show a trace that keeps it'));
      await page.keyboard.press('?');
      const dialog = page.getByRole('dialog', { name: 'Keys of this page' });
      await dialog.getByText('To the next violation of the list').waitFor();
      assert.equal(await page.getByRole('dialog').count(), 1);
      await page.keyboard.press('j');
      for (let at = 0; at < 4; at++) {
        await page.keyboard.press('Tab');
        await page.waitForFunction(() => document.querySelector('[role="dialog"]').contains(document.activeElement));
      }
      assert.deepEqual(await weightyFaults(page), [], 'axe with the dialog open');
      await session.shot('violation-keys-dialog');
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      await page.waitForFunction(() => document.activeElement.textContent.includes('Show a trace that keeps it'));
      assert.ok(page.url().includes(violations[1].trace_id), 'no key acted behind the dialog');
    }));
  }

  for (const theme of ['dark', 'light']) {
    step(`all that the source has of the witness is read by keys, and then of the span that is clicked (${theme})`, () => inWindow({ theme }, async (session) => {
      const { page } = session;
      await page.setViewportSize({ width: 1280, height: 850 });
      await open(session, run);
      await seen(page, named('All attributes, events and links'));
      await page.keyboard.press('Enter');
      const resource = page.getByRole('region', { name: 'Resource' });
      await resource.getByText('service.name').waitFor();
      assert.equal((await focused(page)).name, 'Only what rules compare', 'the focus stays');
      assert.deepEqual(await weightyFaults(page), [], 'axe with all of a span');
      await session.shot('violation-whole-span');
      const read = page.waitForResponse((answer) => /\/verdicts\?span=[0-9a-f]{16}$/.test(answer.url()) && answer.ok());
      await page.getByRole('row', { selected: false }).filter({ hasNotText: 'Span' }).first().click();
      await read;
      await resource.getByText('service.name').waitFor();
      if (run.target.name !== 'standalone') {
        return; // the hosts' menu leaves no room at the width of a phone
      }
      await page.setViewportSize({ width: 390, height: 844 });
      await resource.scrollIntoViewIfNeeded();
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), 'no wider than a phone');
      await session.shot('violation-whole-span-390');
    }));
  }

  step('Tab comes to the witness in the waterfall; arrows move, close and open, Enter selects, and Tab goes on to the span', () => inWindow({}, async (session) => {
    const { page } = session;
    await open(session, run);
    const row = await seen(page, isRow);
    assert.match(row.name, /Witness/, 'the row that Tab comes to is the one that is selected');
    const before = await selected(page);
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    await page.waitForFunction((was) => document.querySelector('[role="treegrid"] [aria-selected="true"]').getAttribute('aria-rowindex') !== was, before);
    assert.match(new URL(page.url()).searchParams.get('span'), /^[0-9a-f]{16}/);
    const rows = () => page.getByRole('treegrid').getAttribute('aria-rowcount').then(Number);
    const all = await rows();
    await page.keyboard.press('ArrowLeft');
    await page.waitForFunction((count) => Number(document.querySelector('[role="treegrid"]').getAttribute('aria-rowcount')) < count, all);
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction((count) => Number(document.querySelector('[role="treegrid"]').getAttribute('aria-rowcount')) === count, all);
    assert.equal((await focused(page)).role, 'row', 'the focus stays in the waterfall');
    await seen(page, named('Copy the span id'));
    await seen(page, (now) => now.tag === 'a' && now.name.includes(RULES.slowDb.name));
    const back = await tabTo(page, isRow, 'Shift+Tab');
    assert.ok(back.isInView);
  }));
}
