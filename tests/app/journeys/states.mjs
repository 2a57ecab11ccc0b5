/* What a page looks like while it is asking, when nobody answers as asked, when there is nothing, and when what it shows is of before: four things
   that nobody takes for each other, and none of them for "no violations". The fifth, an answer in part, is in slow.mjs and in the tests of the
   pages. Also a page for each of: nothing set up, no rules, no data, one violation, ten thousand. Runs in Node. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { weightyFaults } from '../support/axe.mjs';
import { generate } from '../support/betrace.mjs';
import { plainText, rowsOf, settled } from '../support/pages.mjs';
import { places, RANGE } from '../support/places.mjs';
import { MANY, RULES } from '../support/world.mjs';

const STATES = ['loading', 'failed', 'empty', 'partial', 'stale'];
const NO_VIOLATIONS = /\bno violations?\b(?! (so far|is certain|in what))/i;
const API = /\/v1\//;
const WAITING = ['start', 'rules', 'rule', 'violations', 'violation', 'changes', 'trace', 'replays', 'compliance', 'configuration'];
const PROBLEM = { status: 500, contentType: 'application/problem+json', body: JSON.stringify({ type: 'urn:betrace:problem:internal', title: 'Internal error', status: 500, detail: 'the disk is full' }) };
const STALE = /This is from \d{4}-\d\d-\d\d \d\d:\d\d:\d\d and may have changed: asking again failed/;

const inState = (page, state) => page.locator(`main [data-state="${state}"]`);
const shown = async (page) => {
  const counts = await Promise.all(STATES.map((state) => inState(page, state).count()));
  return STATES.filter((_, at) => counts[at] > 0);
};
const waitingPlaces = async (run) => (await places(run.services.main)).filter(({ name }) => WAITING.includes(name));

export default function states({ run, inWindow, step }) {
  step('while a page is asking it says so, and nothing else', (context) => inWindow({}, async (session) => {
    const { page } = session;
    const found = await waitingPlaces(run);
    await page.route(API, () => undefined);
    for (const { name, at } of found) {
      await context.test(name, async () => {
        await session.goto(at);
        await inState(page, 'loading').first().waitFor();
        await session.shot(`loading-${name}`);
        assert.deepEqual(await shown(page), ['loading']);
        assert.doesNotMatch(await page.locator('main').innerText(), NO_VIOLATIONS);
      });
    }
  }));

  for (const theme of ['dark', 'light']) {
    step(`when the answer is a fault a page says which, and offers to ask again (${theme})`, (context) => inWindow({ theme }, async (session) => {
      const { page } = session;
      const found = await waitingPlaces(run);
      await page.route(API, (route) => route.fulfill(PROBLEM));
      for (const { name, at } of found) {
        await context.test(name, async () => {
          await session.goto(at);
          const failed = inState(page, 'failed').first();
          await failed.waitFor();
          await settled(page);
          await session.shot(`failed-${name}`);
          assert.match(await failed.innerText(), /the disk is full/);
          assert.ok((await page.locator('main').getByRole('button', { name: 'Try again' }).count()) > 0);
          assert.deepEqual(await shown(page), ['failed']);
          assert.doesNotMatch(await page.locator('main').innerText(), NO_VIOLATIONS);
          assert.deepEqual(await weightyFaults(page), []);
        });
      }
    }));

    step(`what was read before stays when asking again fails, and says of when it is (${theme})`, () => inWindow({ theme }, async (session) => {
      const { page } = session;
      await session.goto(`/violations?${RANGE}&view=list`);
      await rowsOf(page).first().waitFor();
      await settled(page);
      const before = await rowsOf(page).count();
      await page.route(API, (route) => route.fulfill(PROBLEM));
      await page.getByTestId('data-testid RefreshPicker run button').click();
      await inState(page, 'stale').filter({ hasText: STALE }).first().waitFor();
      assert.equal(await rowsOf(page).count(), before, 'the rows are there');
      assert.ok((await shown(page)).includes('stale') && !(await shown(page)).includes('failed'));
      await session.shot('violations-stale');
      assert.deepEqual(await weightyFaults(page), []);
      await page.unroute(API);
      await inState(page, 'stale').first().getByRole('button', { name: 'Try again' }).click();
      await page.waitForFunction(() => document.querySelectorAll('[data-state="stale"]').length < 2);
    }));
  }

  // A service of its own: another journey stores rules in the one that is called empty.
  step('no rules: each page says what to do first', (context) => inWindow({ upstream: 'bare' }, async (session) => {
    const { page } = session;
    run.target.use('bare', await run.world.serve('--traces', generate(path.join(run.world.folder, 'bare.pb'), 200, 1)));
    for (const [name, at] of [['rules', '/rules'], ['violations', `/violations?${RANGE}`], ['replays', '/replay'], ['compliance', '/compliance']]) {
      await context.test(name, async () => {
        await session.goto(at);
        await settled(page);
        // of violations it is also said that nothing was looked at
        assert.deepEqual((await shown(page)).filter((state) => state !== 'partial'), ['empty']);
        await session.shot(`empty-${name}`);
        await plainText(page);
      });
    }
  }));

  step('one violation is counted, and opens', () => inWindow({ upstream: 'one' }, async (session) => {
    const { page } = session;
    const one = await run.world.serve('--traces', generate(path.join(run.world.folder, 'one.pb'), 200, 1));
    await run.world.withRules(one, ...Object.values(RULES));
    run.target.use('one', one);
    await session.goto(`/violations?${RANGE}&rule=${RULES.slowDb.id}&view=list`);
    await rowsOf(page).first().waitFor();
    await settled(page);
    await page.getByText('1 violation', { exact: true }).waitFor();
    await session.shot('violations-one');
    await rowsOf(page).first().click();
    await page.waitForURL(/\/violations\/[^/]+\/[0-9a-f]{32}/);
    await settled(page);
  }));

  step('of ten thousand violations the first are there, and how many more is said or said to be unknown', () => inWindow({ upstream: 'many' }, async (session) => {
    await session.goto('/violations?from=now-25h&to=now&view=list');
    await rowsOf(session.page).first().waitFor();
    await session.page.getByRole('region', { name: 'What was looked at' }).getByText(new RegExp(`^(${MANY.toLocaleString('en-US')} violations|\\d+ violations loaded; how many there are in all is not known)$`)).first().waitFor();
    await session.shot('violations-many');
  }));

  if (run.target.roles) {
    step('nothing is set up: each page asks where BeTrace is, and leads there', () => {
      run.target.use('unset', { url: '' });
      return inWindow({ upstream: 'unset' }, async (session) => {
        const { page } = session;
        for (const at of ['', '/rules', `/violations?${RANGE}`, '/replay', '/compliance']) {
          await session.goto(at);
          await page.getByRole('heading', { name: 'Where is BeTrace?' }).waitFor();
          assert.deepEqual(await shown(page), ['empty'], at);
          assert.match(await page.getByRole('link', { name: 'Open the settings' }).getAttribute('href'), /\/plugins\/betrace-app/);
        }
        await session.shot('nothing-set-up');
        assert.deepEqual(await weightyFaults(page), []);
      });
    });
  }
}
