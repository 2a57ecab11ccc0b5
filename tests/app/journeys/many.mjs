/* Ten thousand violations: the document holds the rows in view and a few more however far one scrolls, the view is full of them again after each step, they are those of the
   service in its order, and the end is reached. In how many frames the view was not full yet, and how long the main
   thread was busy, is printed and not judged: that says more about what else the machine does.
   At Grafana's second host in make check-more too. */
import assert from 'node:assert/strict';
import { rowsOf, settled } from '../support/pages.mjs';
import { scrollToRow } from '../support/scrollList.mjs';
import { MANY } from '../support/world.mjs';

const MOST_ROWS = 80;

export const only = (target) => target.name !== 'host12';

export default function many({ run, inWindow, step }) {
  step(`${MANY} violations scroll with few rows in the document`, (context) => inWindow({ upstream: 'many' }, async (session) => {
    await session.goto('/violations?from=now-25h&to=now&view=list');
    await settled(session.page);
    await rowsOf(session.page).first().waitFor();
    const walk = await scrollToRow(session.page, MANY);
    context.diagnostic(`${walk.last} rows in ${walk.steps} steps, ${walk.ms} ms, ${walk.busyMs} ms of them in tasks over 50 ms; at most ${walk.rows} rows in the document, ${walk.blank} frames in which the view was not full yet`);
    assert.equal(walk.last, MANY, 'the end was reached');
    assert.equal(walk.stuck, 0, 'the view is full of rows after each step');
    const rows = Object.entries(walk.seen);
    assert.ok(rows.length > MANY / 20, `${rows.length} rows were looked at`);
    assert.equal(new Set(rows.map(([, trace]) => trace)).size, rows.length, 'each with a trace of its own');
    const { violations } = await run.services.many.get('/v1/violations?start=now-25h&limit=1000');
    const known = rows.filter(([at]) => Number(at) < violations.length);
    assert.ok(known.length > 100);
    assert.deepEqual(known.map(([, trace]) => trace), known.map(([at]) => violations[at].trace_id), 'in the order of the service');
    assert.ok(walk.rows <= MOST_ROWS, `${walk.rows} rows in the document`);
  }));
}
