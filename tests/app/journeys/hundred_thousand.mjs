/* A hundred thousand violations of one rule: the first rows and the timeline over all of them, next to the same over a tenth; the list scrolled
   for a fifth of its length, where a stretch has to cost the page at the end what it costs at the beginning; and the list gone through by keys, to its
   end and back. Times are compared within one run, never
   with a number of seconds. Runs in Node. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { generate } from '../support/betrace.mjs';
import { spent, watchCosts } from '../support/costs.mjs';
import { rowsOf, settled } from '../support/pages.mjs';
import { scrollToRow, WALK_MS } from '../support/scrollList.mjs';
import { EVERY_TRACE, MANY } from '../support/world.mjs';

const ALL = 100_000;
const STRETCH = 2000;
const SCROLLED = ALL / 5;
const MOST_ROWS = 80;
const ROUNDS = 3;
/** What grew with the list would be seven times as much. */
const MOST_TIMES = 3;
/** Of so many stretches the cheapest counts: what else the machine did is not in it. */
const COMPARED = 3;
/** Of so many presses of End: each comes to the last row that is loaded, and has the next ones loaded. */
const MOST_PRESSES = 20_000;
/** After so many presses in no row the focus does not come back. */
const MOST_LOST = 100;
const AT = '/violations?from=now-25h&to=now&view=list';

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Milliseconds until the first rows are drawn, and until the timeline is. */
async function drawing(session) {
  const begin = performance.now();
  await session.goto(AT);
  await rowsOf(session.page).first().waitFor();
  const rows = performance.now() - begin;
  await session.page.getByRole('region', { name: 'Violations over time' }).waitFor();
  return { rows, timeline: performance.now() - begin };
}

/** Runs in the page: presses End until the last row has the focus, {presses, ms, longestMs: from a press until the focus is further down, rows, lost: presses after which it was in no row}. */
async function endByKeys([wanted, mostPresses, limitMs, mostLost]) {
  const scroller = document.querySelector('[data-testid="violation-rows"]');
  const at = () => Number(document.activeElement.getAttribute('aria-rowindex') ?? 0);
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const begin = performance.now();
  const walk = { presses: 0, longestMs: 0, rows: 0, lost: 0, stretches: [] };
  let last = begin;
  for (let seen = at(); seen < wanted && walk.lost < mostLost && walk.presses < mostPresses && performance.now() - begin < limitMs; walk.presses++) {
    document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true, cancelable: true }));
    await frame();
    walk.rows = Math.max(walk.rows, scroller.querySelectorAll('[role="row"]').length);
    walk.lost += at() === 0 ? 1 : 0;
    if (at() > seen) {
      walk.longestMs = Math.max(walk.longestMs, performance.now() - last);
      last = performance.now();
      if (Math.floor(at() / 10_000) > Math.floor(seen / 10_000)) {
        walk.stretches.push(Math.round(performance.now() - begin));
      }
      seen = at();
    }
  }
  return { ...walk, at: at(), ms: Math.round(performance.now() - begin) };
}

export const only = (target) => target.name === 'standalone';

export default function hundredThousand({ run, inWindow, step }) {
  let service;
  const large = async () => {
    if (!service) {
      service = await run.world.serve('--traces', generate(path.join(run.world.folder, 'hundred-thousand.pb'), ALL, 0));
      await run.world.withRules(service, EVERY_TRACE);
      run.target.use('hundredThousand', service);
    }
    return { upstream: 'hundredThousand' };
  };

  step(`the first rows and the timeline of ${ALL} violations, and of ${MANY}`, async (context) => {
    const seen = { few: [], all: [] };
    const windows = { few: { upstream: 'many' }, all: await large() };
    for (let round = 0; round < ROUNDS; round++) {
      for (const name of ['few', 'all']) {
        await inWindow(windows[name], async (session) => seen[name].push(await drawing(session)));
      }
    }
    const of = (name, what) => median(seen[name].map((one) => one[what]));
    for (const what of ['rows', 'timeline']) {
      context.diagnostic(`${what} of ${ALL} after ${of('all', what).toFixed(0)} ms, ${(of('all', what) / of('few', what)).toFixed(2)} times that of ${MANY}`);
    }
    await inWindow(windows.all, async (session) => {
      await drawing(session);
      await settled(session.page);
      await session.shot('violations-100000');
      const bars = await session.page.getByRole('group', { name: 'Steps of time' }).getByRole('button').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')));
      const counted = bars.reduce((sum, bar) => sum + Number(/: (\d+) violations/.exec(bar)?.[1] ?? 0), 0);
      assert.ok(counted > ALL * 0.9 && counted <= ALL, `the bars count ${counted}; the newest step may not be counted yet`);
    });
  });

  step(`${SCROLLED} of ${ALL} violations are scrolled over, and the last stretches cost the page what the first do`, async (context) => inWindow(await large(), async (session) => {
    const { page } = session;
    await session.goto(AT);
    await settled(page);
    await rowsOf(page).first().waitFor();
    const client = await watchCosts(page);
    const stretches = [];
    let rows = 0;
    for (let to = STRETCH; to <= SCROLLED; to += STRETCH) {
      const before = await spent(client);
      const walk = await scrollToRow(page, to);
      assert.ok(walk.last >= to, `row ${to} was reached, not only ${walk.last}`);
      assert.equal(walk.stuck, 0, 'the view is full of rows after each step');
      rows = Math.max(rows, walk.rows);
      stretches.push({ cost: (await spent(client)) - before, ms: walk.ms });
    }
    const cheapest = (some) => Math.min(...some.map(({ cost }) => cost));
    const [first, last] = [cheapest(stretches.slice(0, COMPARED)), cheapest(stretches.slice(-COMPARED))];
    context.diagnostic(`rows ${STRETCH} at a time: ${stretches.map(({ cost, ms }) => `${(cost * 1000).toFixed(0)} of ${ms}`).join(', ')} ms of the main thread; the last take ${(last / first).toFixed(2)} times the first; at most ${rows} rows in the document`);
    assert.ok(rows <= MOST_ROWS, `${rows} rows in the document`);
    assert.ok(last <= first * MOST_TIMES, `a stretch costs more the further down it is: ${first} and ${last} s`);
  }));

  step(`${ALL} violations are gone through by keys, to the last and back to the first`, async (context) => inWindow(await large(), async (session) => {
    const { page } = session;
    await session.goto(AT);
    await settled(page);
    await rowsOf(page).first().focus();
    await page.keyboard.press('PageDown');
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction(() => Number(document.activeElement.getAttribute('aria-rowindex')) > 3);
    const walk = await page.evaluate(endByKeys, [ALL + 1, MOST_PRESSES, WALK_MS, MOST_LOST]);
    context.diagnostic(`row ${walk.at - 1} after ${walk.presses} presses and ${walk.ms} ms, each 10,000 at ${walk.stretches.join(', ')} ms; longest wait for the next rows ${walk.longestMs.toFixed(0)} ms; at most ${walk.rows} rows in the document`);
    assert.equal(walk.lost, 0, 'the focus is in a row all the way');
    assert.equal(walk.at, ALL + 1, 'the last has the focus');
    assert.ok(walk.rows <= MOST_ROWS, `${walk.rows} rows in the document`);
    await session.shot('violations-100000-end');
    await page.keyboard.press('ArrowUp');
    await page.waitForFunction((row) => document.activeElement.getAttribute('aria-rowindex') === String(row), ALL);
    await page.keyboard.press('Home');
    await page.waitForFunction(() => document.activeElement.getAttribute('aria-rowindex') === '2');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/violations\/[^/]+\/[0-9a-f]{32}/);
  }));
}
