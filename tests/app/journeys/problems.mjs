/* Violations as problems: the page says what the service says, one line for each, leads to the single violations of one, and does not call a range that has
   no trace free of problems. In both themes, read by axe. Runs in Node. */
import assert from 'node:assert/strict';
import { weightyFaults } from '../support/axe.mjs';
import { plainText, rowsOf, settled } from '../support/pages.mjs';

const AT = '/violations?from=now-24h&to=now';
const listed = (page) => page.getByRole('list', { name: /^Problems, those of the gravest/ });

export default function problems({ run, inWindow, step }) {
  for (const theme of ['dark', 'light']) {
    step(`the list becomes problems, in the order of the service (${theme})`, () => inWindow({ theme }, async (session) => {
      const { page } = session;
      await session.goto(AT);
      await rowsOf(page).first().waitFor();
      await page.getByRole('radio', { name: 'Problems' }).click();
      await listed(page).waitFor();
      const answer = await run.world.services.main.get('/v1/problems?start=now-24h&end=now&limit=200&timeout=60s');
      assert.ok(answer.problems.length > 1, 'there are several');
      const lines = await listed(page).getByRole('listitem').all();
      assert.equal(lines.length, answer.problems.length);
      assert.deepEqual(await listed(page).getByRole('heading').allInnerTexts(), answer.problems.map((one) => one.rule_name || one.rule_id));
      assert.deepEqual(await Promise.all(lines.map((line) => line.getAttribute('data-problem'))), answer.problems.map(({ id }) => id));
      await settled(page);
      await plainText(page);
      assert.deepEqual(await weightyFaults(page), []);
      await session.shot('problems');
    }));
  }

  step('a problem leads to its violations, and back', () => inWindow({}, async (session) => {
    const { page } = session;
    await session.goto(`${AT}&view=problems`);
    const first = listed(page).getByRole('listitem').first();
    const name = await first.getByRole('heading').innerText();
    await first.getByRole('link').click();
    await rowsOf(page).first().waitFor();
    assert.match(session.where(), /[?&]rule=/);
    await rowsOf(page).first().getByText(name).waitFor();
    await page.goBack();
    await listed(page).waitFor();
  }));

  step('a range without traces has no "no problem"', () => inWindow({}, async (session) => {
    const { page } = session;
    await session.goto('/violations?from=2020-01-01T00:00:00.000Z&to=2020-01-02T00:00:00.000Z&view=problems');
    await page.getByText('No problem is known, and not everything was looked at').waitFor();
    assert.doesNotMatch(await page.locator('main').innerText(), /No violations among/);
    assert.deepEqual(await weightyFaults(page), []);
  }));
}
