/* A hundred thousand violations of one rule: the first rows and the timeline over all of them, next to the same over a tenth; and the list scrolled
   for a fifth of its length, where a stretch has to cost the page at the end what it costs at the beginning. Times are compared within one run, never
   with a number of seconds. Runs in Node. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { generate } from '../support/betrace.mjs';
import { spent, watchCosts } from '../support/costs.mjs';
import { rowsOf, settled } from '../support/pages.mjs';
import { scrollToRow } from '../support/scrollList.mjs';
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
const AT = '/violations?from=now-25h&to=now';

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
}
