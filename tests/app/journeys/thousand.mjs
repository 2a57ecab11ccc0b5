/* A thousand rules, more than a page of the service has: the list, its search and its next rows by keys, the filter of violations and the form of a
   replay, which offer every one of them, and the first page, which names what the day says of them. Times are printed and not judged. Runs in Node. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { weightyFaults } from '../support/axe.mjs';
import { generate } from '../support/betrace.mjs';
import { focused, tabTo, typeSeen } from '../support/keys.mjs';
import { plainText, rowsOf, settled } from '../support/pages.mjs';
import { RANGE } from '../support/places.mjs';
import { RULES } from '../support/world.mjs';

const ALL = 1000;
const PAGE = 200;
/** By its id the last of all, which are listed by ids. */
const LAST = { ...RULES.slowDb, id: 'zz-last', name: 'Last of all rules' };
const TEAMS = 10;

const names = (page) => page.locator('tbody tr');

/** Rules about names that no trace has, and one that is violated: the last. */
function rules() {
  const others = Array.from({ length: ALL - 1 }, (_, at) => ({
    id: `rule-${String(at).padStart(4, '0')}`, name: `Operation ${at} is retried`, severity: 'low', labels: { team: `team-${at % TEAMS}` },
    dsl: `when { "operation ${at}" } always { retry }`,
  }));
  return [...others, LAST];
}

export const only = (target) => target.name === 'standalone';

export default function thousandRules({ run, inWindow, step }) {
  let made;
  const services = () => (made ??= (async () => {
    const service = await run.world.serve('--traces', generate(path.join(run.world.folder, 'thousand.pb'), 2000, 20));
    await service.post('/v1/rules/import', { rules: rules() });
    run.target.use('thousand', service);
    return service;
  })());
  const inThousand = (options, body) => async (context) => {
    await services();
    return inWindow({ upstream: 'thousand', ...options }, (session) => body(session, context));
  };
  const drawn = async (context, what, begin) => context.diagnostic(`${what} of ${ALL} rules after ${(performance.now() - begin).toFixed(0)} ms`);

  for (const theme of ['dark', 'light']) {
    step(`the list has a page of them, a search finds the last, and the next rows come by keys (${theme})`, inThousand({ theme }, async (session, context) => {
      const { page } = session;
      const begin = performance.now();
      await session.goto('/rules');
      await names(page).nth(PAGE - 1).waitFor();
      await drawn(context, 'the list', begin);
      await settled(page);
      await session.shot('thousand-rules');
      assert.deepEqual(await weightyFaults(page), []);
      await tabTo(page, (now) => now.name === 'Search rules');
      const typed = performance.now();
      await page.keyboard.type(LAST.name);
      await page.getByRole('link', { name: LAST.name }).waitFor();
      await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
      await drawn(context, 'the search', typed);
      await tabTo(page, (now) => now.name === LAST.name);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: LAST.name, level: 1 }).waitFor();
      await page.goBack();
      await page.getByRole('button', { name: 'Clear the filters' }).first().press('Enter');
      const more = page.getByRole('button', { name: 'Show more' });
      for (let shown = PAGE; shown < ALL; shown += PAGE) {
        await names(page).nth(shown - 1).waitFor();
        await more.press('Enter');
        await names(page).nth(shown + PAGE - 1).waitFor();
      }
      await page.getByRole('link', { name: LAST.name }).waitFor();
      assert.equal((await focused(page)).name, `Operation ${ALL - PAGE} is retried`, 'the first of the rows that came last has the focus');
      await plainText(page);
    }));
  }

  step('the filter of violations and the form of a replay offer the last rule, by keys', inThousand({}, async (session, context) => {
    const { page } = session;
    const begin = performance.now();
    await session.goto(`/violations?${RANGE}&view=list`);
    await rowsOf(page).first().waitFor();
    await drawn(context, 'the violations', begin);
    await settled(page);
    await session.shot('thousand-violations');
    for (const at of [`/violations?${RANGE}&view=list`, '/replay']) {
      await session.goto(at);
      await settled(page);
      const field = page.getByRole('combobox', { name: /rule/i }).first();
      await field.focus();
      await typeSeen(page, 'Last of');
      await page.getByRole('option', { name: LAST.name }).waitFor();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.waitForURL(/[?&]rule=zz-last/);
    }
  }));

  step('the first page says what the day has of them', inThousand({}, async (session, context) => {
    const { page } = session;
    const begin = performance.now();
    await session.goto('');
    await page.getByRole('region', { name: 'Last 24 hours' }).getByText(/^Violations: [\d,]+/).waitFor();
    await drawn(context, 'the day', begin);
    await page.getByRole('region', { name: 'Cannot be judged' }).getByText(/and \d+ more rules/).waitFor();
    await settled(page);
    await session.shot('thousand-start');
    assert.deepEqual(await weightyFaults(page), []);
    await page.getByRole('link', { name: LAST.name }).first().waitFor();
    await session.goto('/compliance');
    await settled(page);
    await session.shot('thousand-compliance');
  }));
}
