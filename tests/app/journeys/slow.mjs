/* A Tempo that has answered the newest hours and takes its time over the rest: pages and Explore show what there is, how far it has come, and
   that it goes on; when the rest comes it joins what is shown. Who leaves ends the question. Runs in Node. */
import assert from 'node:assert/strict';
import { weightyFaults } from '../support/axe.mjs';
import { connect, open, startGateway } from '../support/gateway.mjs';
import { rowsOf } from '../support/pages.mjs';
import { slowTempo } from '../support/slowTempo.mjs';
import { serve } from '../support/betrace.mjs';

const NEW = 3;
const OLD = 2;
const RULE = { id: 'slow', name: 'Slow', severity: 'high', dsl: 'trace.has(span.name == "slow.query")' };

/** A betrace before a Tempo of its own, for one step. */
async function withSlowTempo(run, body) {
  const tempo = await slowTempo(NEW, OLD);
  let service;
  try {
    service = await serve(run.world.folder, ...run.target.options, '--tempo', tempo.url);
    await service.post('/v1/rules', RULE);
    await body(service, tempo);
  } finally {
    await Promise.all([tempo.stop(), service?.stop()]);
  }
}

export default function slow({ run, inWindow, step }) {
  for (const theme of ['dark', 'light']) {
    step(`the page shows the newest violations while the rest is looked for (${theme})`, () => withSlowTempo(run, (service, tempo) => {
      run.target.use('slow', service);
      return inWindow({ theme, upstream: 'slow' }, async (session) => {
        const { page } = session;
        await session.goto('/violations?from=now-6h&to=now&view=list');
        await rowsOf(page).nth(NEW - 1).waitFor();
        assert.equal(await rowsOf(page).count(), NEW);
        const progress = page.getByRole('progressbar', { name: 'Part of the range that was looked at' });
        await progress.first().waitFor();
        const looked = Number(await progress.first().getAttribute('value'));
        assert.ok(looked > 0 && looked < 100, `${looked} %`);
        await page.getByText('Looking further…').waitFor();
        assert.deepEqual(await weightyFaults(page), [], 'axe while it is looking');
        await session.shot('violations-slow');
        tempo.release();
        await page.getByText(`${NEW + OLD} violations`, { exact: true }).waitFor();
        assert.equal(await rowsOf(page).count(), NEW + OLD);
        await progress.first().waitFor({ state: 'detached' });
        await page.getByText(/All of .* was looked at/).waitFor();
      });
    }));
  }

  if (!run.target.roles) {
    return; // without Grafana there is no data source
  }

  for (const theme of ['dark', 'light']) {
    step(`Explore shows the newest violations while the rest is looked for (${theme})`, () => withSlowTempo(run, (service, tempo) => inWindow({ theme }, async (session) => {
      const { page } = session;
      const gateway = await startGateway(run.target.dist, service.url);
      try {
        await connect(session, gateway);
        const to = Date.now();
        await open(session, `explore?from=${to - 6 * 3_600_000}&to=${to}`);
        await page.getByRole('button', { name: 'Run query' }).click();
        const answer = page.getByRole('region', { name: 'Answer' });
        await answer.getByRole('row').nth(NEW).waitFor();
        assert.equal(await answer.getByTestId('state').innerText(), 'Streaming');
        assert.match(await answer.getByRole('note').first().innerText(), /^Still looking, newest first: \d+ % of the range was looked at so far/);
        assert.deepEqual(await weightyFaults(page), [], 'axe while it is looking');
        await session.shot('datasource-slow');
        tempo.release();
        await answer.getByTestId('state').filter({ hasText: 'Done' }).waitFor();
        assert.equal(await answer.getByRole('row').count(), 1 + NEW + OLD, 'a head, and what was shown before with the rest');
        assert.equal(await answer.getByRole('note').filter({ hasText: 'Still looking' }).count(), 0);
      } finally {
        await gateway.stop();
      }
    })));
  }

  step('Cancel ends the question, and the service hears of it', () => withSlowTempo(run, (service) => inWindow({}, async (session) => {
    const { page } = session;
    const gateway = await startGateway(run.target.dist, service.url);
    const asked = [];
    page.on('request', (request) => request.url().includes('/api/ds/query') && asked.push(request));
    try {
      await connect(session, gateway);
      await open(session, 'explore');
      await page.getByRole('button', { name: 'Run query' }).click();
      await page.getByTestId('state').filter({ hasText: 'Streaming' }).waitFor();
      const ended = page.waitForEvent('requestfailed', (request) => request.url().includes('/api/ds/query'));
      await page.getByRole('button', { name: 'Cancel' }).click();
      await ended;
      const before = asked.length;
      await page.waitForTimeout(1000);
      assert.equal(asked.length, before, 'nothing is asked any more');
    } finally {
      await gateway.stop();
    }
  })));
}
