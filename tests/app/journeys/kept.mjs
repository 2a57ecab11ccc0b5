/* Next to a violation: a trace that keeps the same rule, which the service says of it; what sets violating traces apart. By keyboard. */
import assert from 'node:assert/strict';
import { weightyFaults } from '../support/axe.mjs';
import { plainText, settled } from '../support/pages.mjs';
import { RULES } from '../support/world.mjs';

const press = async (session, name) => {
  await session.page.getByRole('button', { name }).focus();
  await session.page.keyboard.press('Enter');
};

export default function kept({ run, inWindow, step }) {
  for (const theme of ['dark', 'light']) {
    step(`a violating trace beside one that keeps the rule, ${theme}`, () => inWindow({ theme }, async (session) => {
      const { main } = run.services;
      const { violations: [{ trace_id: trace }] } = await main.get(`/v1/violations?rule_id=${RULES.slowDb.id}&start=now-24h&limit=1`);
      await session.goto(`/violations/${RULES.slowDb.id}/${trace}`);
      await settled(session.page);
      await press(session, 'Show a trace that keeps it');
      const table = session.page.getByRole('region', { name: 'Both traces by the pieces of the rule' });
      await table.getByRole('row').filter({ hasText: 'retry' }).filter({ hasText: 'not there' }).waitFor();
      const link = await session.page.getByRole('link', { name: 'Open the trace that keeps it' }).getAttribute('href');
      const other = link.split('/').at(-1);
      const { verdict, exercised } = await main.post('/v1/rules/test', { rule_id: RULES.slowDb.id, trace_id: other });
      assert.deepEqual([verdict, exercised], ['satisfied', true]);
      await press(session, 'What sets violating traces apart?');
      await session.page.getByText(/violating traces, and in|separates|too few|nothing/i).first().waitFor();
      await settled(session.page);
      await plainText(session.page);
      await session.shot('violation-kept');
      assert.deepEqual(await weightyFaults(session.page), []);
    }));
  }
}
