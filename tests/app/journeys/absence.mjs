/* What was not found, and what that is worth: rules in shadow alone, traces that came a moment ago, a rule that no trace is about. Chart and list say the
   same, and no sentence says more than the service knows. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { weightyFaults } from '../support/axe.mjs';
import { binary } from '../support/betrace.mjs';
import { plainText, rowsOf, settled } from '../support/pages.mjs';
import { RULES } from '../support/world.mjs';

const AT = '/violations?from=now-24h&to=now&view=list';
const NOBODY = { id: 'nobody', name: 'Nobody asks this', severity: 'low', dsl: 'when { no.such.span } always { audit.log }' };

const card = (page, name) => page.getByRole('region', { name });

/** What the bars add up to. */
async function sumOfBars(page) {
  const bars = page.getByRole('group', { name: 'Steps of time' }).getByRole('button');
  await bars.first().waitFor();
  const said = await bars.evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')));
  return said.reduce((sum, text) => sum + Number(/: (\d+) violations/.exec(text)?.[1] ?? 0), 0);
}

async function listed(page) {
  const text = await page.getByRole('region', { name: 'What was looked at' }).getByText(/^[\d,]+ violations?$/).innerText();
  return Number(/[\d,]+/.exec(text)[0].replace(',', ''));
}

/** A betrace that holds what was pushed to it a moment ago: a day of a shop, or its last part. */
async function withFresh(run, name, since, rules) {
  const service = await run.world.serve('--memory-source=64MiB');
  const file = path.join(run.world.folder, `${name}.jsonl`);
  execFileSync(binary(), ['generate', '--scenario', 'none', '--seed', '9', '--traces', '600', '--violations', '30', '--since', since, '--out', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  for (const line of fs.readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const { ok, status } = await fetch(`${service.url}/v1/spans`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: line });
    assert.ok(ok, `${status}`);
  }
  for (const rule of rules) {
    await service.post('/v1/rules', rule);
  }
  run.target.use(name, service);
}

export default function absence({ run, inWindow, step }) {
  step('where all rules are in shadow, chart and list are of them, and have the same number', async () => {
    await withFresh(run, 'shadowed', '20h', Object.values(RULES).map((rule) => ({ ...rule, shadow: true })));
    await inWindow({ upstream: 'shadowed' }, async (session) => {
      await session.goto(AT);
      await rowsOf(session.page).first().waitFor();
      await settled(session.page);
      assert.equal(await session.page.getByRole('alert').count(), 0, 'nothing was refused');
      const [bars, rows] = [await sumOfBars(session.page), await listed(session.page)];
      assert.ok(rows > 0);
      assert.equal(bars, rows);
      await plainText(session.page);
      await session.shot('violations-shadow');
      assert.deepEqual(await weightyFaults(session.page), []);
      await session.goto('');
      await card(session.page, 'Last 24 hours').getByText(/All enabled rules are in shadow/).waitFor();
      await settled(session.page);
      await session.shot('start-shadow-only');
    });
  });

  step('of traces of the last hours nothing is new today, and each number is under its time', async () => {
    await withFresh(run, 'fresh', '3h', Object.values(RULES));
    for (const theme of ['dark', 'light']) {
      await inWindow({ upstream: 'fresh', theme }, async (session) => {
        await session.goto('');
        const day = card(session.page, 'Last 24 hours');
        const recent = day.getByRole('list', { name: /^Broken in the last hour, since \d\d:\d\d$/ });
        await recent.getByText(/^In the last 24 hours: \d+$/).first().waitFor();
        await day.locator('[data-began]').first().waitFor();
        await settled(session.page);
        const numbers = await recent.locator('strong').allInnerTexts();
        const days = await recent.getByText(/^In the last 24 hours: \d+$/).allInnerTexts();
        days.forEach((text, at) => assert.ok(Number(numbers[at]) < Number(/\d+$/.exec(text)[0]), `${numbers[at]} in the hour, ${text}`));
        assert.equal(await day.getByText('New today').count(), 0, 'the day before had no trace');
        assert.equal(await day.getByText(/Not known/).count(), 0, 'the newest step is no gap');
        await plainText(session.page);
        await session.shot('start-fresh');
        assert.deepEqual(await weightyFaults(session.page), []);
        await session.goto(AT);
        await rowsOf(session.page).first().waitFor();
        await settled(session.page);
        assert.equal(await sumOfBars(session.page), await listed(session.page));
        await session.shot('violations-fresh');
      });
    }
  });

  step('an empty list says of which rules that says nothing', async () => {
    await withFresh(run, 'idle', '3h', [NOBODY]);
    await inWindow({ upstream: 'idle' }, async (session) => {
      await session.goto('/violations?from=now-1h&to=now&view=list');
      await session.page.getByText(/^No violations/).waitFor();
      await session.page.getByText('No trace was about Nobody asks this: nothing could break it.').waitFor();
      await settled(session.page);
      await plainText(session.page);
      await session.shot('violations-idle');
      assert.deepEqual(await weightyFaults(session.page), []);
      await session.goto('');
      await card(session.page, 'Last 24 hours').getByText(/No trace was about any of the 1 enabled rules/).waitFor();
      await settled(session.page);
      await session.shot('start-idle');
    });
  });

  step('a rule without when is compared with what the same span begins', async () => {
    await withFresh(run, 'whenless', '3h', [{ id: 'retried', name: 'Retried', severity: 'low', dsl: 'trace.has(span.name == "retry")' }]);
    await inWindow({ upstream: 'whenless' }, async (session) => {
      await session.goto(AT);
      await rowsOf(session.page).first().click();
      await settled(session.page);
      await session.page.getByRole('button', { name: 'Show a trace that keeps it' }).click();
      await session.page.getByText('It was begun by the same request.').waitFor();
      await session.page.getByRole('button', { name: 'What sets violating traces apart?' }).click();
      await settled(session.page);
      assert.doesNotMatch(await session.page.locator('body').innerText(), /nothing to compare|does not say which traces/);
      await session.shot('violation-whenless');
    });
  });
}
