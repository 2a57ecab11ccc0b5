/* Alerts on the past: the page says what the service says, of the shipped alerts and of a rule file that is pasted; a mistake in it is told with its
   place; and a range without traces is not "no page". In both themes, read by axe. Runs in Node. */
import assert from 'node:assert/strict';
import { weightyFaults } from '../support/axe.mjs';
import { plainText, settled } from '../support/pages.mjs';

const AT = '/backtest?from=now-24h&to=now';
const OWN = 'groups:\n- name: own\n  rules:\n  - alert: AnyViolation\n    expr: increase(betrace_violations_total[5m]) > 0\n';
const summary = (page) => page.getByRole('region', { name: 'What came of it' });
const tried = (page) => page.getByRole('list', { name: /^Alerts that were tested/ });
const turn = ({ too_often, pages }) => (too_often ? 0 : pages > 0 ? 1 : 2);

export default function backtest({ run, inWindow, step }) {
  const ask = (body) => run.world.services.main.post('/v1/backtests', { start: 'now-24h', timeout: '60s', ...body });

  for (const theme of ['dark', 'light']) {
    step(`the shipped alerts are tried, the noisy ones first (${theme})`, () => inWindow({ theme }, async (session) => {
      const { page } = session;
      await session.goto(AT);
      await page.getByText('No alert is tried yet').waitFor();
      await page.getByRole('button', { name: 'Try on the past' }).click();
      await summary(page).waitFor();
      const answer = await ask({});
      const tested = answer.alerts.filter(({ rests_on }) => rests_on === 'counted').sort((a, b) => turn(a) - turn(b));
      assert.deepEqual(await tried(page).getByRole('heading').allInnerTexts(), tested.map(({ alert }) => alert));
      await summary(page).getByText(/Not tested: BetraceDown/).waitFor();
      await settled(page);
      await plainText(page);
      assert.deepEqual(await weightyFaults(page), []);
      await session.shot('backtest');
    }));
  }

  step('a rule file is pasted, and a mistake in it has its place', () => inWindow({}, async (session) => {
    const { page } = session;
    await session.goto(AT);
    await page.getByRole('radio', { name: 'Own rule file' }).click();
    await page.getByLabel('Rule file of Prometheus (YAML)').fill(OWN.replace('increase', 'incraese'));
    await page.getByRole('button', { name: 'Try on the past' }).click();
    await page.getByText(/alerts:5:\d+: expr: .*incraese is not known here/).first().waitFor();
    await page.getByLabel('Rule file of Prometheus (YAML)').fill(OWN);
    await page.getByLabel('Pages a week').fill('1000');
    await page.getByRole('button', { name: 'Try on the past' }).click();
    await tried(page).getByRole('heading', { name: 'AnyViolation' }).waitFor();
    const { alerts: [own] } = await ask({ alerts: OWN, per_week: 1000 });
    await tried(page).getByText(new RegExp(`^${own.pages} pages?, `)).waitFor();
    assert.deepEqual(await weightyFaults(page), []);
  }));

  step('a range without traces is not "no page"', () => inWindow({}, async (session) => {
    const { page } = session;
    await session.goto('/backtest?from=2020-01-01T00:00:00.000Z&to=2020-01-02T00:00:00.000Z');
    await page.getByRole('button', { name: 'Try on the past' }).click();
    await summary(page).getByText('No alert pages too often as far as is known').waitFor();
    await summary(page).getByText(/Not counted in full: the source has no trace in the range/).waitFor();
    assert.doesNotMatch(await page.locator('main').innerText(), /no page(?! as far as is known)/i);
  }));
}
