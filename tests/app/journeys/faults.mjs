/* When something is not there or not allowed: no Tempo, no betrace, no rules, no traces, no right to write. Each says what is so and what to do,
   and nothing of it looks like "no violations". */
import assert from 'node:assert/strict';
import { weightyFaults } from '../support/axe.mjs';
import { plainText, settled } from '../support/pages.mjs';
import { RULES } from '../support/world.mjs';

const NO_VIOLATIONS = /\bno violations?\b(?! (so far|is certain|in what))/i;
const RANGE = '?from=now-24h&to=now';
const FORBIDDEN = [
  ['', 'rules:read'], ['/rules', 'rules:read'], ['/rules/new', 'rules:read'], [`/rules/${RULES.slowDb.id}`, 'rules:read'], [`/violations${RANGE}`, 'violations:read'],
  [`/violations/${RULES.slowDb.id}/0123456789abcdef0123456789abcdef`, 'violations:read'], ['/replay', 'replays:read'], ['/replay/some', 'replays:read'],
  ['/compliance', 'compliance:read'], ['/compliance/SOC2', 'compliance:read'],
];
const isOff = (control) => control.evaluate((one) => one.disabled || one.getAttribute('aria-disabled') === 'true');

async function textOf(session, at) {
  await session.goto(at);
  await settled(session.page);
  await plainText(session.page);
  return session.page.locator('main').innerText();
}

async function seen(session, at, name) {
  const text = await textOf(session, at);
  await session.shot(name);
  assert.deepEqual(await weightyFaults(session.page), [], `axe on ${name}`);
  return text;
}

export default function faults({ run, inWindow, step }) {
  step('Tempo is down: the pages say that nothing is known', () => inWindow({ upstream: 'down' }, async (session) => {
    const { page } = session;
    await session.goto(`/violations${RANGE}&view=list`);
    await page.getByRole('heading', { name: 'The traces could not be read' }).waitFor();
    assert.doesNotMatch(await page.locator('main').innerText(), NO_VIOLATIONS);
    await session.shot('violations-tempo-down');
    assert.match(await seen(session, '', 'start-tempo-down'), /does not reach its traces|not ready/i);
    assert.match(await seen(session, '/rules', 'rules-tempo-down'), new RegExp(RULES.slowDb.name));
  }));

  step('no rules: the pages say what to do first', () => inWindow({ upstream: 'empty' }, async (session) => {
    assert.match(await seen(session, '/rules', 'rules-empty'), /no rules yet/i);
    assert.match(await seen(session, `/violations${RANGE}`, 'violations-no-rules'), /no rules yet/i);
    assert.match(await seen(session, '', 'start-empty'), /Write the first rule/);
    assert.match(await seen(session, '/replay', 'replays-empty'), /No replays yet/);
  }));

  step('a range without any trace is not called free of violations', () => inWindow({}, async (session) => {
    const text = await seen(session, '/violations?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z&view=list', 'violations-no-data');
    assert.match(text, /Nothing was looked at/);
    assert.doesNotMatch(text.replace(/not [“"]no violations[”"]/, ''), NO_VIOLATIONS);
  }));

  step('a Tempo of a version that was not checked is named, where it is set up and beside what it answered', () => inWindow({ upstream: 'newer' }, async (session) => {
    const note = 'not among the versions that were checked (2.8, 2.10, 3.0, 3.1)';
    const said = await seen(session, '/configuration', 'configuration-newer-tempo');
    assert.ok(said.includes('Tempo 3.2.0') && said.includes(`Ready, but ${note}.`), said);
    const answered = await seen(session, '/violations?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z&view=list', 'violations-newer-tempo');
    assert.ok(answered.includes(`Tempo 3.2.0 is ${note}.`), answered);
  }));

  step('a rule and a violation that are not there', () => inWindow({}, async (session) => {
    assert.match(await seen(session, '/rules/no-such-rule', 'rule-missing'), /There is no rule no-such-rule/);
    await seen(session, `/violations/${RULES.slowDb.id}/0123456789abcdef0123456789abcdef`, 'violation-missing');
  }));

  if (!run.target.roles) {
    step('a service that wants a token asks for it, and a viewer’s reads and does not write', () => inWindow({ upstream: 'guarded' }, async (session) => {
      const { page } = session;
      await session.goto('/rules');
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel(/^Token/).fill('betrace_wrong');
      await page.keyboard.press('Enter');
      await dialog.getByRole('alert').waitFor();
      await session.shot('token-refused');
      assert.deepEqual(await weightyFaults(page), [], 'axe on the question for a token');
      await dialog.getByLabel(/^Token/).fill(run.world.tokens.viewer);
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: RULES.slowDb.name }).waitFor();
      assert.ok(await isOff(page.getByRole('switch', { name: `Enabled: ${RULES.slowDb.name}` })), 'a viewer’s token does not switch');
      await page.reload();
      await page.getByRole('link', { name: RULES.slowDb.name }).waitFor();
    }));
  }

  if (run.target.roles) {
    step('a viewer reads everything and is told why nothing can be changed', () => inWindow({ role: 'Viewer' }, async (session) => {
      const { page } = session;
      assert.match(await seen(session, '/rules', 'rules-viewer'), new RegExp(RULES.slowDb.name));
      assert.ok(await isOff(page.getByRole('switch', { name: `Enabled: ${RULES.slowDb.name}` })), 'the switch is off limits');
      await seen(session, `/rules/${RULES.slowDb.id}`, 'rule-viewer');
      assert.ok(await isOff(page.getByRole('button', { name: 'Save', exact: true })), 'Save is off limits');
      await page.getByText(/You may read here, not change/).first().waitFor();
      await seen(session, '/replay', 'replays-viewer');
      assert.ok(await isOff(page.getByRole('button', { name: 'Start the replay' })), 'a replay is off limits');
      const status = await page.evaluate(() => fetch('/api/plugin-proxy/betrace-app/v1/rules', { method: 'POST', body: '{}' }).then((answer) => answer.status));
      assert.equal(status, 403, 'and the proxy refuses it');
    }));

    step('who has no role is told on every page which permission is missing and who can help', () => inWindow({ role: 'None' }, async (session) => {
      for (const [at, permission] of FORBIDDEN) {
        const text = await textOf(session, at);
        assert.match(text, /You have no access to this page/, at);
        assert.match(text, new RegExp(`Ask an administrator of this Grafana for a role with the permission betrace-app\\.${permission}\\.`), at);
        assert.doesNotMatch(text, NO_VIOLATIONS, at);
      }
      const answers = await session.page.evaluate(() => Promise.all(['rules', 'violations', 'replays', 'compliance/frameworks', 'health'].map((one) => fetch(`/api/plugin-proxy/betrace-app/v1/${one}`).then((answer) => answer.status))));
      assert.deepEqual(answers, [403, 403, 403, 403, 403], 'and the proxy refuses all of it');
    }));

    // those pages are one page, and this one is drawn by what the proxy refuses
    for (const theme of ['dark', 'light']) {
      step(`what is refused can be read by everybody (${theme})`, () => inWindow({ role: 'None', theme }, async (session) => {
        await seen(session, '/rules', 'forbidden');
        assert.match(await seen(session, '/configuration', 'forbidden-configuration'), /an administrator can change both/);
      }));
    }

    step('the plugin has no token, and the service wants one: no page takes that for an answer', () => inWindow({ upstream: 'guarded' }, async (session) => {
      for (const at of ['', '/rules', `/rules/${RULES.slowDb.id}`, `/violations${RANGE}`, '/replay', '/compliance']) {
        const text = at.startsWith('/violations') ? await seen(session, at, 'no-token') : await textOf(session, at);
        assert.match(text, /The service wants a token that it knows/, at);
        assert.doesNotMatch(text, NO_VIOLATIONS, at);
      }
    }));

    step('an editor may write', () => inWindow({ role: 'Editor', upstream: 'write' }, async (session) => {
      await seen(session, '/rules', 'rules-editor');
      assert.ok(!(await isOff(session.page.getByRole('switch', { name: `Enabled: ${RULES.slowDb.name}` }))));
    }));

    step('the service is not there: the pages say that the proxy does not reach it', () => inWindow({ upstream: 'gone' }, async (session) => {
      for (const at of ['', '/rules', `/violations${RANGE}`, '/replay']) {
        await session.goto(at);
        await session.page.getByRole('alert').first().waitFor();
        assert.doesNotMatch(await session.page.locator('main').innerText(), NO_VIOLATIONS);
      }
      await session.shot('service-gone');
    }));
  }
}
