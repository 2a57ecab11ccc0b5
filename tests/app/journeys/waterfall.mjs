/* The waterfall of a trace of ten thousand spans, scrolled by wheel and by keys, next to the same over a thousand and over twenty. Few rows are in
   the document at any time, and what scrolling costs does not grow with the trace: times are compared within one run, never with a number of
   seconds. Frames a second are printed and not judged: they say more about what else the machine does. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { serve } from '../support/betrace.mjs';
import { spent, watchCosts } from '../support/costs.mjs';
import { traceIdOf, writeLargeTraces } from '../support/largeTrace.mjs';
import { settled } from '../support/pages.mjs';
import { RULES } from '../support/world.mjs';

const FEW = 20;
const SOME = 1000;
const MOST = 10_000;
const MOST_ROWS = 80;
const ROUNDS = 3;
const WHEELS = 40;
const WHEEL_PX = 600; // in all less than the height of SOME rows
const KEYS = ['PageDown', 'ArrowDown'];
const PRESSES = 30;
/** A cost that grew with the trace would be ten times as high. */
const MOST_TIMES = 3;
/** From here on the browser calls a task long. */
const LONG_MS = 50;

const grid = (page) => page.getByRole('treegrid', { name: 'Spans of the trace' });

/** Opens the violation over the trace of so many spans, in a window of its own page. */
async function open(session, count) {
  await session.goto(`/violations/${RULES.slowDb.id}/${traceIdOf(count)}`);
  await settled(session.page);
  await grid(session.page).getByRole('row').filter({ hasText: /Witness/ }).first().waitFor();
}

/** Begins to count frames, long tasks and rows in the document; `read` ends it. */
async function watch(page) {
  await page.evaluate(() => {
    const seen = { frames: 0, gap: 0, longest: 0, rows: 0, begin: performance.now(), isOn: true };
    window.__waterfall = seen;
    seen.observer = new PerformanceObserver((list) => list.getEntries().forEach((entry) => (seen.longest = Math.max(seen.longest, entry.duration))));
    seen.observer.observe({ type: 'longtask' });
    const scroller = document.querySelector('[role="treegrid"]');
    let last = seen.begin;
    const frame = (now) => {
      seen.frames += 1;
      seen.gap = Math.max(seen.gap, now - last);
      last = now;
      seen.rows = Math.max(seen.rows, scroller.querySelectorAll('[role="row"]').length);
      if (seen.isOn) {
        requestAnimationFrame(frame);
      }
    };
    requestAnimationFrame(frame);
  });
}

const read = (page) => page.evaluate(() => {
  const { frames, gap, longest, rows, begin, observer } = window.__waterfall;
  window.__waterfall.isOn = false;
  observer.disconnect();
  return { perSecond: (frames * 1000) / (performance.now() - begin), gap, longest, rows };
});

const nextFrame = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

async function byWheel(page) {
  const { x, y, width, height } = await grid(page).boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  for (let at = 0; at < WHEELS; at++) {
    await page.mouse.wheel(0, WHEEL_PX);
    await nextFrame(page);
  }
}

async function byKeys(page) {
  await grid(page).locator('[role="row"][tabindex="0"]').focus();
  await page.keyboard.press('Home');
  for (const key of KEYS) {
    for (let at = 0; at < PRESSES; at++) {
      await page.keyboard.press(key);
      await nextFrame(page);
    }
  }
}

/** One way through the waterfall from its first row: {rows, perSecond, gap, longest, cost}. */
async function measure(page, way) {
  await grid(page).evaluate((one) => (one.querySelector('[role="presentation"]').parentElement.scrollTop = 0));
  await nextFrame(page);
  const client = await watchCosts(page);
  const before = await spent(client);
  await watch(page);
  await way(page);
  const seen = await read(page);
  const cost = (await spent(client)) - before;
  await client.detach();
  return { ...seen, cost };
}

/** The least of each over rounds in turn: what else the machine did is not in it. */
async function compare(session, way) {
  const best = new Map();
  for (let round = 0; round < ROUNDS; round++) {
    for (const count of [FEW, SOME, MOST]) {
      await open(session, count);
      const now = await measure(session.page, way);
      const { rows, perSecond, gap, longest, cost } = best.get(count) ?? { rows: 0, perSecond: 0, gap: Infinity, longest: Infinity, cost: Infinity };
      best.set(count, {
        rows: Math.max(rows, now.rows), perSecond: Math.max(perSecond, now.perSecond),
        gap: Math.min(gap, now.gap), longest: Math.min(longest, now.longest), cost: Math.min(cost, now.cost),
      });
    }
  }
  return best;
}

function judge(context, name, best) {
  for (const [count, { rows, perSecond, gap, longest, cost }] of best) {
    context.diagnostic(`${name}, ${count} spans: ${perSecond.toFixed(1)} frames a second (${(perSecond / best.get(FEW).perSecond).toFixed(2)} of those over ${FEW} spans), widest gap ${gap.toFixed(0)} ms, `
      + `longest task over ${LONG_MS} ms ${longest.toFixed(0)} ms, ${(cost * 1000).toFixed(0)} ms of the main thread, at most ${rows} rows in the document`);
    assert.ok(rows <= MOST_ROWS, `${rows} rows in the document over ${count} spans`);
  }
  const [some, most] = [best.get(SOME), best.get(MOST)];
  assert.ok(most.cost <= some.cost * MOST_TIMES, `what scrolling costs grows with the trace: ${some.cost} and ${most.cost} s`);
  assert.ok(most.longest <= Math.max(some.longest, LONG_MS) * MOST_TIMES, `a long task grows with the trace: ${some.longest} and ${most.longest} ms`);
}

export default function waterfall({ run, inWindow, step }) {
  let service;
  /** One betrace for all steps, started by the first. */
  const large = async () => {
    if (!service) {
      const file = writeLargeTraces(path.join(run.world.folder, 'large.jsonl'), [FEW, SOME, MOST]);
      service = await run.world.serve('--traces', file);
      await service.post('/v1/rules', RULES.slowDb);
      run.target.use('large', service);
    }
    return { upstream: 'large' };
  };

  step(`${MOST} spans scroll by wheel as a few do`, async (context) => inWindow(await large(), async (session) => {
    judge(context, 'by wheel', await compare(session, byWheel));
  }));

  step(`${MOST} spans scroll by keys as a few do`, async (context) => inWindow(await large(), async (session) => {
    judge(context, 'by keys', await compare(session, byKeys));
  }));

  step('a violation opens at its witness, in the middle of the trace; the last row is reached by wheel and by keys', async () => inWindow(await large(), async (session) => {
    const { page } = session;
    await open(session, MOST);
    const rows = grid(page).getByRole('row');
    const at = (number) => grid(page).locator(`[aria-rowindex="${number}"]`);
    const last = Number(await grid(page).getAttribute('aria-rowcount'));
    assert.ok(last > MOST, `a head, and a row for each span: ${last}`);
    await session.shot('violation-10000-spans');
    await watch(page);
    const { x, y, width, height } = await grid(page).boundingBox();
    await page.mouse.move(x + width / 2, y + height / 2);
    for (let tries = 0; tries < 300 && (await at(last).count()) === 0; tries++) {
      await page.mouse.wheel(0, 2500);
      await nextFrame(page);
    }
    await at(last).waitFor();
    await grid(page).locator('[role="row"][tabindex="0"]').focus();
    await page.keyboard.press('Home');
    await at(2).waitFor();
    await page.keyboard.press('End');
    await page.waitForFunction((last) => document.activeElement.getAttribute('aria-rowindex') === String(last), last);
    await page.keyboard.press('ArrowUp');
    await page.waitForFunction((last) => document.activeElement.getAttribute('aria-rowindex') === String(last), last - 1);
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement.getAttribute('aria-selected') === 'true');
    assert.ok((await rows.count()) <= MOST_ROWS);
    assert.ok((await read(page)).rows <= MOST_ROWS, 'few rows all the way');
  }));
}
