/* The past next to the text while one types: how many, which, and what it took. A Tempo that holds its answers back shows that a question which is
   not wanted any more is aborted, and that only the last text is asked. Runs in Node. */
import assert from 'node:assert/strict';
import { weightyFaults } from '../support/axe.mjs';
import { serve } from '../support/betrace.mjs';
import { write } from '../support/editor.mjs';
import { slowTempo } from '../support/slowTempo.mjs';

const NEW = 5;
const RULE = 'trace.has(span.name == "slow.query")';
const EXAMPLES = 3;
const SIZES = [{ width: 1280, height: 800 }, { width: 1920, height: 1080 }, { width: 640, height: 900 }];

async function withTempo(run, heldMinutes, body) {
  const tempo = await slowTempo(NEW, 0, heldMinutes);
  let service;
  try {
    service = await serve(run.world.folder, ...run.target.options, '--tempo', tempo.url);
    run.target.use('past', service);
    await body(service, tempo);
  } finally {
    await Promise.all([tempo.stop(), service?.stop()]);
  }
}

const beside = (page) => page.getByRole('region', { name: 'The last hour' });

export default function past({ run, inWindow, step }) {
  for (const theme of ['dark', 'light']) {
    step(`what the last hour says stands beside the text (${theme})`, () => withTempo(run, 90, (service) => inWindow({ theme, upstream: 'past' }, async (session) => {
      const { page } = session;
      await session.goto('/rules/new');
      await write(page, RULE);
      await beside(page).getByText(new RegExp(`Violating traces in the last hour: (at least )?${NEW}( so far)?$`)).waitFor();
      const links = beside(page).getByRole('link');
      assert.equal(await links.count(), EXAMPLES);
      await beside(page).getByText(/Traces that were looked at: (at least )?\d+/).waitFor();
      assert.deepEqual(await weightyFaults(page), [], 'axe beside the text');
      for (const size of SIZES) {
        await page.setViewportSize(size);
        await session.shot(`editor-past-${size.width}`);
        const reach = await beside(page).evaluate((one) => Math.ceil(one.getBoundingClientRect().right));
        assert.ok(reach <= size.width, `it reaches to ${reach} of ${size.width}`);
      }
      const { violations } = await service.post('/v1/violations/query', { dsl: RULE, start: 'now-1h', end: 'now' });
      await links.first().click();
      assert.equal(await page.getByRole('textbox', { name: 'Trace id' }).inputValue(), violations[0].trace_id);
    })));
  }

  step('typing on aborts the question, and the last text alone is answered', () => withTempo(run, 0, (_, tempo) => inWindow({ upstream: 'past' }, async (session) => {
    const { page } = session;
    const aborted = [];
    const isPast = (request) => request.url().includes('/v1/violations/query');
    page.on('requestfailed', (request) => isPast(request) && aborted.push(JSON.parse(request.postData()).dsl));
    await session.goto('/rules/new');
    const first = page.waitForRequest(isPast);
    await write(page, RULE);
    await first;
    await beside(page).getByText('Looking at the last hour…').waitFor();
    const second = page.waitForRequest(isPast);
    await write(page, `${RULE} and slow.query`);
    await second;
    assert.deepEqual(aborted, [RULE]);
    tempo.release();
    await beside(page).getByText(/Violating traces in the last hour: /).waitFor();
    assert.deepEqual(aborted, [RULE], 'the last one is not');
  })));
}
