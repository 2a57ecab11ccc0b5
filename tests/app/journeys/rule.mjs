/* A rule from the first letter to a second version: written, broken (underlined where the service says), mended, tested on a trace, asked of the
   past, saved, found in the list, switched off and on, changed, and looked up in its history. */
import assert from 'node:assert/strict';
import { pieceOf, underlined, write, holds } from '../support/editor.mjs';
import { plainText, settled } from '../support/pages.mjs';
import { RULES } from '../support/world.mjs';

const BROKEN = 'trace.has(span.name == "db.query" and span.duraton > 1s)';
const WHOLE = RULES.slowDb.dsl;
const NAME = 'Databases answer in time';

export default function rule({ run, inWindow, step }) {
  const save = (page) => page.getByRole('button', { name: 'Save', exact: true });

  step('create, break, mend, test, ask the past, save', () => inWindow({ upstream: 'write' }, async (session) => {
    const { page } = session;
    const service = run.services.write;
    await session.goto('/rules');
    await settled(page);
    await page.getByRole('link', { name: 'New rule' }).click();
    await page.waitForURL(/\/rules\/new$/);
    await page.getByRole('textbox', { name: /^Name/ }).fill(NAME);

    await write(page, BROKEN);
    const { diagnostics: [diagnostic] } = await service.post('/v1/rules/validate', { dsl: BROKEN });
    assert.equal(await underlined(page), pieceOf(BROKEN, diagnostic), 'underlined where the service says');
    await page.getByRole('list', { name: 'Errors and warnings' }).getByText(diagnostic.message).waitFor();
    assert.ok(await save(page).evaluate((button) => button.disabled || button.getAttribute('aria-disabled') === 'true'), 'what is broken cannot be saved');
    await session.shot('rule-broken');

    await write(page, WHOLE);
    await page.getByText('The text is valid.').waitFor();
    await holds(page, WHOLE);
    assert.equal(await page.locator('.squiggly-error').count(), 0);

    const { violations: [one] } = await service.get(`/v1/violations?rule_id=${RULES.slowDb.id}&start=now-24h&limit=1`);
    await page.getByRole('tab', { name: 'Test on a trace' }).click();
    await page.getByRole('textbox', { name: 'Trace id' }).fill(one.trace_id);
    await page.getByRole('button', { name: 'Judge this trace' }).click();
    await page.getByRole('status').filter({ hasText: one.trace_id }).filter({ hasText: 'Violated' }).waitFor();

    await page.getByRole('tab', { name: 'How would it have done?' }).click();
    await page.getByRole('button', { name: 'Ask the past' }).click();
    await page.getByRole('heading', { name: /Violating traces: (at least )?\d+/ }).waitFor();
    await plainText(page);
    await session.shot('rule-past');

    await save(page).click();
    await page.waitForURL(/\/rules\/databases-answer-in-time/);
    const stored = await service.get('/v1/rules/databases-answer-in-time');
    assert.deepEqual([stored.name, stored.dsl, stored.version], [NAME, WHOLE, 1]);
  }));

  step('it is in the list, is switched off and on, is changed, and its versions are in its history', () => inWindow({ upstream: 'write' }, async (session) => {
    const { page } = session;
    await session.goto('/rules');
    const enabled = page.getByRole('switch', { name: `Enabled: ${NAME}` });
    for (const wanted of [false, true]) {
      await Promise.all([page.waitForResponse((answer) => answer.request().method() === 'POST' && answer.ok()), enabled.click({ force: true })]);
      assert.equal((await run.services.write.get('/v1/rules/databases-answer-in-time')).enabled, wanted);
      /* It shows what is wanted at once, and takes no click until the service has answered and the list was read again. */
      await page.waitForFunction(([name, on]) => {
        const control = document.querySelector(`[aria-label="${name}"]`);
        return control.checked === on && !control.disabled;
      }, [`Enabled: ${NAME}`, wanted]);
    }
    const before = await run.services.write.get('/v1/rules/databases-answer-in-time');
    await page.getByRole('link', { name: NAME }).click();
    await page.getByRole('heading', { name: NAME, level: 1 }).waitFor();
    await page.getByRole('textbox', { name: /^Description/ }).fill('A second is too long');
    await save(page).click();
    await page.getByText(new RegExp(`version ${before.version + 1}`, 'i')).first().waitFor();
    assert.equal((await run.services.write.get('/v1/rules/databases-answer-in-time')).description, 'A second is too long');
    await page.getByRole('tab', { name: 'History' }).click();
    await page.getByText(/version 1\b/i).first().waitFor();
    await session.shot('rule-history');
  }));

  step('what the list filters by stands in the address and is there after a reload', () => inWindow({}, async (session) => {
    const { page } = session;
    await session.goto('/rules');
    await page.getByRole('link', { name: RULES.incident.name }).waitFor();
    await page.getByRole('searchbox', { name: 'Search rules' }).fill('retry');
    await page.getByRole('link', { name: RULES.incident.name }).waitFor({ state: 'detached' });
    assert.match(session.where(), /[?&]\w+=retry/);
    await page.reload();
    await page.getByRole('link', { name: RULES.slowDb.name }).waitFor();
    assert.equal(await page.getByRole('link', { name: RULES.incident.name }).count(), 0);
  }));
}
