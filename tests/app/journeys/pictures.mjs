/* The pictures that docs, the README and the catalogue of plugins show, of sample data that are the same on every run. With --pictures they are
   written to docs/images/; without it each page is drawn and its picture's size is judged, so that a picture that cannot be made any more is noticed.
   Runs in Node. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { generateStory, ROOT } from '../support/betrace.mjs';
import { settled } from '../support/pages.mjs';

/** Their names; tests/app/test_pictures.mjs holds them against what docs show. */
export const PICTURES = ['violations', 'violation', 'violation-linked'];
/** Readers of docs wait for them, and clones carry every version. */
export const MOST_BYTES = 150_000;

const IMAGES = path.join(ROOT, 'docs/images');
const WIDTH = 1200;
const RANGE = 'from=1795292700000&to=1795379100000'; // 24 hours up to END
const END = '2026-11-22T20:25:00Z';

const RETRIED = {
  id: 'slow-query-retried', name: 'A slow query is retried', severity: 'high',
  dsl: 'when { db.query.where(span.duration > 1s) } always { retry }',
};
const AUDITED = {
  id: 'pii-read-is-audited', name: 'Who reads personal data is written down', severity: 'critical',
  dsl: 'when { data.access.where(data.classification == "PII") } always { audit.log }',
};
const PROCESSED = {
  id: 'order-failed', name: 'No consumer of an order fails', severity: 'high',
  dsl: 'when { "publish orders" as sent } never { span(span.status == error) linked to sent within 10m }',
};

/** Names of icons that are drawn as another one, or not at all. */
const wrongIcons = (page) => page.evaluate(async () => {
  const names = new Map([...document.querySelectorAll('svg[data-testid^="icon-"]')].map((one) => [one, one.dataset.testid.slice('icon-'.length)]));
  const wrong = [];
  for (const [icon, name] of names) {
    const answer = await fetch(new URL(`public/build/img/icons/unicons/${name}.svg`, document.baseURI));
    const drawn = icon.querySelector('path')?.getAttribute('d');
    if (answer.ok && !(drawn && (await answer.text()).includes(drawn))) {
      wrong.push(name);
    }
  }
  return wrong;
});

export const only = (target) => target.name === 'standalone';

export default function pictures({ run, inWindow, step }) {
  const made = {};
  /** A betrace over a story, started by the first step that asks. */
  const over = (story, ...rules) => (made[story] ??= (async () => {
    const file = generateStory(path.join(run.world.folder, `${story}.pb`), story, '--traces', '6000', '--since', '24h', '--end', END);
    const service = await run.world.withRules(await run.world.serve('--traces', file), ...rules);
    run.target.use(story, service);
    return service;
  })());
  const first = async (service, rule) => {
    const { violations: [one] } = await service.get(`/v1/violations?rule_id=${rule.id}&start=2026-11-21T20:25:00Z&end=${END}&limit=1`);
    return `/violations/${rule.id}/${one.trace_id}?${RANGE}`;
  };
  const inSize = (story, height, body) => inWindow({ theme: 'light', upstream: story }, async (session) => {
    await session.page.setViewportSize({ width: WIDTH, height });
    await body(session, session.page);
  });
  const draw = async (page, name) => {
    assert.ok(PICTURES.includes(name));
    await page.mouse.move(0, 0);
    await page.waitForLoadState('networkidle'); // icons come one by one after the page is drawn
    assert.deepEqual(await wrongIcons(page), [], 'each icon is the one that it is called');
    const picture = await page.screenshot({ animations: 'disabled' });
    assert.ok(picture.length <= MOST_BYTES, `${name}.png has ${picture.length} bytes, ${MOST_BYTES} at most`);
    if (run.writesPictures) {
      fs.writeFileSync(path.join(IMAGES, `${name}.png`), picture);
    }
  };

  step('the problems of a day, and one violation', async () => {
    const service = await over('rollout', RETRIED, AUDITED);
    await inSize('rollout', 700, async (session, page) => {
      await session.goto(`/violations?${RANGE}`);
      await page.locator('[data-apart="separates"]').nth(1).waitFor(); // of both rules that the rollout breaks
      await settled(page);
      await draw(page, 'violations');
      await session.goto(await first(service, RETRIED));
      await settled(page);
      await page.getByRole('row').filter({ hasText: 'Missing' }).waitFor();
      await draw(page, 'violation');
    });
  });

  step('a violation with the linked trace that shows it', async () => {
    const service = await over('messaging', PROCESSED);
    await inSize('messaging', 920, async (session, page) => {
      await session.goto(await first(service, PROCESSED));
      await settled(page);
      const linked = page.getByRole('region', { name: /^Linked trace process orders/ });
      await linked.getByRole('row').filter({ hasText: /Witness/ }).waitFor();
      await page.getByRole('region', { name: 'Linked traces' }).evaluate((one) => one.scrollIntoView({ block: 'end' }));
      await draw(page, 'violation-linked');
    });
  });
}
