/* A replay from the form to its result: it is asked for, watched, survives a reload while it runs, lists what it
 * found. One is cancelled. What was asked is in the address, as fast as it is typed. */
import assert from 'node:assert/strict';
import { holds } from '../support/editor.mjs';
import { chooseOption, plainText, settled } from '../support/pages.mjs';
import { RULES, SLOW } from '../support/world.mjs';

const TIMES_SLOWER = 10;
const KEY_MS = 20;
const LABELS = 'team=payments, tier=1';
const TEXT = 'trace.has(span.name == "retry")';

const finding = (page) => page.getByRole('region', { name: 'What was found' });

async function start(session, rule) {
  await session.goto(`/replay?from=now-24h&to=now`);
  await settled(session.page);
  await chooseOption(session.page, 'Rules', rule.name);
  await session.page.waitForURL(new RegExp(`rule=${rule.id}`));
  await session.page.getByRole('button', { name: 'Start the replay' }).click();
  await session.page.waitForURL(/\/replay\/[^?]+/);
}

export default function replay({ run, inWindow, step }) {
  step('a replay ends with what the service counts, and lists it', () => inWindow({}, async (session) => {
    await start(session, RULES.slowDb);
    const heading = finding(session.page).getByRole('status').filter({ hasText: /^\s*\d+ violations?\s*$/ });
    await heading.waitFor();
    const { violations_found: found } = await run.services.main.get(`/v1/rules/${RULES.slowDb.id}/replay/status`);
    assert.equal((await heading.innerText()).trim(), `${found} violations`);
    assert.equal(await session.page.getByRole('grid', { name: 'Violations' }).getAttribute('aria-rowcount'), String(found + 1));
    await plainText(session.page);
    await session.shot('replay-done');
  }));

  step('one that takes longer shows how far it is, also after a reload in the middle', (context) => inWindow({ upstream: 'many' }, async (session) => {
    await start(session, SLOW);
    const progress = session.page.getByRole('progressbar', { name: 'Progress' });
    await session.page.waitForFunction(() => document.querySelector('progress')?.value > 0);
    const address = session.where();
    const before = Number(await progress.getAttribute('value'));
    await session.shot('replay-running');
    await session.page.reload();
    await progress.waitFor();
    const after = Number(await progress.getAttribute('value'));
    context.diagnostic(`progress ${before} % before the reload, ${after} % after it`);
    assert.ok(before > 0 && after >= before && after < 100);
    await finding(session.page).getByRole('status').filter({ hasText: /^\s*[\d,]+ violations\s*$/ }).waitFor({ timeout: 240_000 });
    assert.equal(session.where(), address);
    const { violations_found: found } = await run.services.many.get(`/v1/rules/${SLOW.id}/replay/status`);
    assert.equal((await finding(session.page).getByRole('status').innerText()).trim(), `${found.toLocaleString('en-US')} violations`);
  }));

  step('one is cancelled, and then says that it knows nothing of the rest', () => inWindow({ upstream: 'many' }, async (session) => {
    await start(session, SLOW);
    await session.page.getByRole('button', { name: 'Cancel' }).click();
    await session.page.getByText('Cancelled', { exact: true }).first().waitFor();
    assert.doesNotMatch(await finding(session.page).innerText(), /^No violation in/);
  }));

  step('what is typed fast on a slow machine is all there', () => inWindow({}, async (session) => {
    const { page } = session;
    const devtools = await page.context().newCDPSession(page);
    await session.goto('/replay?what=labels');
    await settled(page);
    await devtools.send('Emulation.setCPUThrottlingRate', { rate: TIMES_SLOWER });
    const labels = page.getByRole('textbox', { name: /^Labels/ });
    await labels.focus();
    await page.keyboard.type(LABELS, { delay: KEY_MS });
    await page.waitForURL((url) => url.searchParams.get('labels') === LABELS);
    assert.equal(await labels.inputValue(), LABELS);
    await page.getByRole('radio', { name: 'A rule that is not saved' }).check({ force: true });
    await page.locator('.monaco-editor .view-line').first().click();
    await page.keyboard.type(TEXT, { delay: KEY_MS });
    await page.waitForURL((url) => url.searchParams.get('dsl') === TEXT);
    await holds(page, TEXT);
  }));

  step('earlier ones are listed, and one that is not there any more says so', () => inWindow({}, async (session) => {
    await session.goto('/replay');
    await settled(session.page);
    await session.page.getByRole('link', { name: RULES.slowDb.name }).first().click();
    await session.page.waitForURL(/\/replay\/[^?]+/);
    await finding(session.page).waitFor();
    await session.goto('/replay/no-such-replay');
    await session.page.getByRole('heading', { name: 'No such replay' }).waitFor();
  }));
}
