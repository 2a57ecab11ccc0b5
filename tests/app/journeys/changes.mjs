/* What changed, without a rule: the page says what the service says, leads to a trace of before and one of after, and to a rule of it; and where traces
   are too few it does not say that nothing changed. In both themes, read by axe. Runs in Node. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { weightyFaults } from '../support/axe.mjs';
import { generateStory } from '../support/betrace.mjs';
import { plainText, settled } from '../support/pages.mjs';

const AT = '/changes?from=now-24h&to=now';
const RETRIED = { id: 'slow-queries-retried', name: 'Slow queries are retried', dsl: 'when { db.query.where(duration > 1s) } always { retry }', severity: 'high' };
const summary = (page) => page.getByRole('region', { name: 'What came of it' });

export default function changes({ run, inWindow: openWindow, step }) {
  let rollout;
  /** A betrace over a rollout of 1.4.3 in the last quarter of the day, started by the first step that asks. */
  const started = () => (rollout ??= (async () => {
    const file = generateStory(path.join(run.world.folder, 'rollout.pb'), 'rollout', '--traces', '4000', '--since', '1425m');
    const service = await run.world.withRules(await run.world.serve('--traces', file), RETRIED);
    run.target.use('rollout', service);
    return service;
  })());
  const inWindow = async (options, body) => {
    await started();
    await openWindow({ ...options, upstream: 'rollout' }, body);
  };
  const ask = async (query) => (await started()).get(`/v1/changes?start=now-24h&${query}&timeout=60s`);

  step('a moment is typed, and the page says what the service says', () => inWindow({}, async (session) => {
    const { page } = session;
    await session.goto(AT);
    await page.getByText('Nothing is compared yet').waitFor();
    await page.getByLabel('Moment').fill('now-6h');
    await page.getByRole('button', { name: 'Compare' }).click();
    await summary(page).waitFor();
    const answer = await ask('around=now-6h');
    assert.equal(answer.status, 'changed');
    assert.deepEqual(await page.getByRole('list', { name: /^Changes/ }).getByRole('heading').allInnerTexts(), answer.changes.map(({ behaviour }, at) => `${at + 1} ${behaviour}`));
    assert.match(session.where(), /at=now-6h/);
    await page.reload();
    await summary(page).waitFor();
  }));

  for (const theme of ['dark', 'light']) {
    step(`two versions are chosen out of those that there are (${theme})`, () => inWindow({ theme }, async (session) => {
      const { page } = session;
      await session.goto(AT);
      await page.getByRole('radio', { name: 'Two versions' }).click();
      for (const [name, version] of [['Old version', '1.4.2'], ['New version', '1.4.3']]) {
        await page.getByRole('combobox', { name }).click();
        await page.getByRole('option', { name: version }).click();
      }
      await page.getByRole('button', { name: 'Compare' }).click();
      await summary(page).getByText('service.version=1.4.3').waitFor();
      await page.getByRole('region', { name: 'When it began' }).getByText(/first trace with version 1\.4\.3/).first().waitFor();
      await settled(page);
      await plainText(page);
      assert.deepEqual(await weightyFaults(page), []);
      await session.shot('changes');
    }));
  }

  step('a change leads to its traces and back, and to a rule', () => inWindow({}, async (session) => {
    const { page } = session;
    await session.goto(`${AT}&at=now-6h`);
    const answer = await ask('around=now-6h');
    const first = page.getByRole('list', { name: /^Changes/ }).getByRole('listitem').first();
    await first.getByRole('link', { name: 'A trace that is not' }).click();
    await page.waitForURL(/\/traces\/[0-9a-f]{32}/);
    await page.getByRole('heading', { name: /^Trace [0-9a-f]{8}/ }).waitFor();
    await settled(page);
    assert.deepEqual(await weightyFaults(page), []);
    await page.getByRole('link', { name: 'What changed' }).first().click();
    await page.goBack();
    await page.goBack();
    await first.getByRole('link', { name: 'Keep as a rule' }).click();
    await page.waitForURL(/\/rules\/new/);
    assert.equal(new URL(page.url()).searchParams.get('dsl'), answer.changes[0].dsl.trim().replace(/\n/g, ' '));
    await page.getByText('always').first().waitFor();
  }));

  step('from an alert to when a problem began, and what else changed then', () => inWindow({}, async (session) => {
    const { page } = session;
    const service = await started();
    await session.goto(`/violations?from=now-24h&to=now&rule=${RETRIED.id}`); // as an alert's instance links to it
    const rose = page.locator('[data-change="rose"]');
    await rose.getByText(/^Rose at/).waitFor();
    const { problems: [problem] } = await service.get(`/v1/problems?start=now-24h&rule_id=${RETRIED.id}`);
    const change = problem.changes.at(-1), began = Date.now() - 1425 * 60_000 / 4;
    assert.ok(Math.abs(Date.parse(change.at) - began) < 45 * 60_000, `${change.at} is when 1.4.3 came`);
    assert.match(await rose.innerText(), /^Rose at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d: from none to [\d.]+% \(between/);
    // An SRE at night: the alert's link was the only click.
    await page.locator('[data-apart="separates"]').waitFor();
    const line = await page.locator('[data-problem]').first().innerText();
    for (const said of [/With .*service\.version 1\.4\.3/, /cloud\.region eu-west-1/, /no retry in this trace/]) {
      assert.match(line, said);
    }
    await settled(page);
    assert.deepEqual(await weightyFaults(page), []);
    await session.shot('problem-rose');
    await rose.getByRole('link', { name: 'What else changed then?' }).click();
    await summary(page).waitFor();
    const text = await page.locator('main').innerText();
    for (const said of ['1.4.3', 'eu-west-1', 'retry']) {
      assert.ok(text.includes(said), `${said}: ${text.slice(0, 2000)}`);
    }
  }));

  for (const theme of ['dark', 'light']) {
    step(`what sets its traces apart is drawn; a key shows the traces that have it (${theme})`, () => inWindow({ theme }, async (session) => {
      const { page } = session;
      const service = await started();
      const { problems: [problem] } = await service.get(`/v1/problems?start=now-24h&rule_id=${RETRIED.id}`);
      await session.goto(`/violations?from=now-24h&to=now&problem=${problem.id}`);
      const region = page.getByRole('region', { name: 'What sets violating traces apart' });
      const version = region.getByRole('button', { name: /^service\.version 1\.4\.3/ });
      await version.waitFor();
      assert.match(await version.innerText(), /Violating\s+(\d+) of \1, 100 %\s+Keeping\s+\d+ of \d+, \d+ %/);
      await region.getByText(/^\d+ traces of a sample that violate the rule are compared with \d+ that keep it\./).waitFor();
      await version.focus();
      await page.keyboard.press('Enter');
      const having = page.getByRole('list', { name: 'Violations with service.version 1.4.3' });
      const links = await Promise.all((await having.getByRole('link').all()).map((link) => link.getAttribute('href')));
      assert.equal(links.length, 5);
      const [, trace] = /violations\/[^/]+\/([0-9a-f]{32})/.exec(links[0]);
      const { violations } = await service.get(`/v1/violations?start=now-24h&rule_id=${RETRIED.id}&trace_id=${trace}`);
      assert.equal(violations.length, 1, 'it violates the rule');
      await settled(page);
      assert.deepEqual(await weightyFaults(page), []);
      await session.shot('problem-apart');
      const width = run.target.roles ? 720 : 390;
      await page.setViewportSize({ width, height: 1600 });
      await settled(page);
      assert.deepEqual(await weightyFaults(page), []);
      await session.shot(`problem-apart-${width}`);
      const reach = await page.evaluate(() => document.scrollingElement.scrollWidth);
      assert.ok(reach <= width, `the page reaches to ${reach} of ${width}`);
      await page.getByRole('button', { name: 'Show the newest again' }).click();
      await having.waitFor({ state: 'detached' });
    }));

    step(`the first page says it, too, without a click (${theme})`, () => inWindow({ theme }, async (session) => {
      const { page } = session;
      await session.goto('/');
      const day = page.getByRole('region', { name: 'Last 24 hours' });
      await day.locator('[data-apart="separates"]').filter({ hasText: /With service\.version 1\.4\.3 .*cloud\.region eu-west-1/ }).waitFor();
      await day.locator('[data-change="rose"]').waitFor();
      await settled(page);
      assert.deepEqual(await weightyFaults(page), []);
      await session.shot('start-rose');
      await page.setViewportSize({ width: run.target.roles ? 720 : 390, height: 1400 });
      await settled(page);
      await session.shot('start-rose-narrow');
    }));
  }

  step('too few traces are not "nothing changed"', () => inWindow({}, async (session) => {
    const { page } = session;
    await session.goto('/changes?from=now-3m&to=now&at=now-1m');
    await summary(page).getByText('Nothing can be said about what changed').waitFor();
    assert.doesNotMatch(await page.locator('main').innerText(), /nothing changed(?! that|\.)/i);
    assert.deepEqual(await weightyFaults(page), []);
  }));
}
