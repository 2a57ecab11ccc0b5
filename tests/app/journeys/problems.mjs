/* Violations as problems, which the page shows first: it says what the service says, one line for each. One opens by a click or a key to its violations, stands open in
   its address, and leads to all of them. A range that has no trace is not called free of problems. In both themes and on a phone, read by axe. Runs in Node. */
import assert from 'node:assert/strict';
import { weightyFaults } from '../support/axe.mjs';
import { tabTo } from '../support/keys.mjs';
import { plainText, rowsOf, settled } from '../support/pages.mjs';

const AT = '/violations?from=now-24h&to=now';
const rows = (page) => page.getByRole('list', { name: 'Its violations, newest first' });
const toggles = (page) => listed(page).locator('[aria-expanded]');
const listed = (page) => page.getByRole('list', { name: /^Problems, those of the gravest/ });

async function read(session, name) {
  await settled(session.page);
  await plainText(session.page);
  assert.deepEqual(await weightyFaults(session.page), []);
  await session.shot(name);
}

export default function problems({ run, inWindow, step }) {
  for (const theme of ['dark', 'light']) {
    step(`problems are first, in the order of the service (${theme})`, () => inWindow({ theme }, async (session) => {
      const { page } = session;
      await session.goto(AT);
      await listed(page).waitFor();
      const answer = await run.world.services.main.get('/v1/problems?start=now-24h&end=now&limit=200&timeout=60s');
      assert.ok(answer.problems.length > 1, 'there are several');
      const lines = await listed(page).locator(':scope > li').all();
      assert.equal(lines.length, answer.problems.length);
      assert.deepEqual(await listed(page).getByRole('heading').allInnerTexts(), answer.problems.map((one) => one.rule_name || one.rule_id));
      assert.deepEqual(await Promise.all(lines.map((line) => line.getAttribute('data-problem'))), answer.problems.map(({ id }) => id));
      await read(session, 'problems');
    }));

    step(`one opens to its newest violations, also from its address and on a phone (${theme})`, () => inWindow({ theme }, async (session) => {
      const { page } = session;
      const { problems: [first] } = await run.world.services.main.get('/v1/problems?start=now-24h&end=now&limit=200&timeout=60s');
      await session.goto(AT);
      await toggles(page).first().click();
      await rows(page).waitFor();
      assert.match(session.where(), new RegExp(`[?&]problem=${first.id}`));
      const { violations: own } = await run.world.services.main.get(`/v1/violations?start=now-24h&end=now&problem=${first.id}&limit=10`);
      const links = await Promise.all((await rows(page).getByRole('link').all()).map((link) => link.getAttribute('href')));
      assert.equal(links.length, own.length);
      own.forEach(({ trace_id: trace }, at) => assert.ok(links[at].includes(trace), `${trace} is in place ${at}`));
      await read(session, 'problem-open');
      const width = run.target.roles ? 720 : 390; // the navigation of the host page takes its part
      await page.setViewportSize({ width, height: 844 });
      await session.goto(session.where());
      await rows(page).waitFor();
      assert.equal(await toggles(page).first().getAttribute('aria-expanded'), 'true');
      await read(session, `problem-open-${width}`);
      const reach = await page.evaluate(() => document.scrollingElement.scrollWidth);
      assert.ok(reach <= width, `the page reaches to ${reach} of ${width}`);
    }));
  }

  step('keys open and close one, and go to a violation of it and back', () => inWindow({}, async (session) => {
    const { page } = session;
    await session.goto(AT);
    await toggles(page).first().focus();
    await page.keyboard.press('Space');
    await rows(page).waitFor();
    await page.keyboard.press('Enter');
    await rows(page).waitFor({ state: 'detached' });
    await page.keyboard.press('Enter');
    await rows(page).waitFor();
    const open = session.where();
    const first = rows(page).getByRole('link').first();
    const [trace] = /[0-9a-f]{32}/.exec(await first.getAttribute('href'));
    const name = (await first.innerText()).trim();
    await tabTo(page, (now) => now.tag === 'a' && now.name === name);
    await page.keyboard.press('Enter');
    await page.waitForURL(new RegExp(`/violations/[^/]+/${trace}`));
    await page.goBack();
    await rows(page).waitFor();
    assert.equal(session.where(), open);
  }));

  step('a row of the list of every violation leads to its problem, which opens', () => inWindow({}, async (session) => {
    const { page } = session;
    await session.goto(`${AT}&view=list`);
    const { violations: [newest] } = await run.world.services.main.get('/v1/violations?start=now-24h&end=now&limit=1');
    await page.getByRole('link', { name: 'Open its problem' }).first().waitFor();
    await read(session, 'list-with-problems');
    await page.locator('[data-row="0"]').getByRole('link', { name: 'Open its problem' }).click();
    await rows(page).waitFor();
    const open = listed(page).locator(':scope > li', { has: page.locator('[aria-expanded="true"]') });
    assert.equal(await open.getAttribute('data-problem'), newest.problem);
  }));

  step('j and k go from one to the next; an open one says what to do next', () => inWindow({}, async (session) => {
    const { page } = session;
    await session.goto(AT);
    await toggles(page).nth(1).waitFor();
    const lines = await listed(page).locator(':scope > li').evaluateAll((all) => all.map((one) => one.dataset.problem));
    const focusedLine = (id) => page.waitForFunction((wanted) => document.activeElement.closest('[data-problem]')?.dataset.problem === wanted, id);
    await page.keyboard.press('j');
    await focusedLine(lines[0]);
    await page.keyboard.press('j');
    await focusedLine(lines[1]);
    await page.keyboard.press('k');
    await focusedLine(lines[0]);
    await page.keyboard.press('Enter');
    await rows(page).waitFor();
    const steps = page.getByRole('navigation', { name: 'What to do next' });
    await steps.getByRole('button', { name: 'Copy the command that makes a test of this' }).waitFor();
    await read(session, 'problem-steps');
    await steps.getByRole('link', { name: 'Replay 30 days' }).click();
    await page.waitForURL(/\/replay\?rule=[^&]+&from=now-30d&to=now/);
  }));

  step('that nothing sets its traces apart is said with what they were compared with', () => inWindow({}, async (session) => {
    const { page } = session;
    const { problems: all } = await run.world.services.main.get('/v1/problems?start=now-24h&end=now&limit=200&timeout=60s');
    for (const [rule, others] of [['slow-db-no-retry', /\d+ that keep it\./], ['incident-pattern', /\d+ others that begin with the same span and do not violate it\./]]) {
      await session.goto(`${AT}&problem=${all.find(({ rule_id: id }) => id === rule).id}`);
      await page.getByRole('region', { name: 'What sets violating traces apart' }).getByText(others).waitFor();
    }
  }));

  step('a problem leads to all of its violations, and back', () => inWindow({}, async (session) => {
    const { page } = session;
    const { problems } = await run.world.services.main.get('/v1/problems?start=now-24h&end=now&limit=200&timeout=60s');
    const many = problems.find(({ count }) => count > 10);
    await session.goto(`${AT}&problem=${many.id}`);
    await page.getByText(`The newest 10 of ${many.count.toLocaleString('en-US')}`).waitFor();
    await page.getByRole('link', { name: 'All violations of this problem' }).click();
    await rowsOf(page).first().waitFor();
    assert.match(session.where(), new RegExp(`view=list&problem=${many.id}`));
    await page.getByRole('region', { name: 'What was looked at' }).getByText(`${many.count.toLocaleString('en-US')} violations`).waitFor();
    await read(session, 'problem-list');
    await page.goBack();
    await rows(page).waitFor();
  }));

  step('Grafana keeps who acknowledged a problem and what is muted; without Grafana a sentence says so', () => inWindow({}, async (session) => {
    const { page } = session;
    const { problems: [first] } = await run.world.services.main.get('/v1/problems?start=now-24h&end=now&limit=200&timeout=60s');
    await session.goto(`${AT}&problem=${first.id}`);
    await rows(page).waitFor();
    if (!run.target.roles) {
      await page.getByText(/are kept by Grafana.*These pages keep none/).waitFor();
      return;
    }
    const line = listed(page).locator(`[data-problem="${first.id}"]`);
    await page.getByRole('button', { name: 'Acknowledge', exact: true }).click();
    await page.getByLabel('Note').fill('Known since <b>Monday</b>');
    await page.getByLabel('Address of the ticket').fill('https://tickets.example/B-7');
    await read(session, 'problem-acknowledge');
    await page.getByRole('form', { name: 'Acknowledge this problem' }).getByRole('button', { name: 'Acknowledge' }).click();
    await line.getByText(/Acknowledged by admin at.*Known since <b>Monday<\/b>/).waitFor();
    await page.getByRole('button', { name: '4 hours', exact: true }).click();
    await line.getByText(/The rule's alerts are muted until/).waitFor();
    assert.equal(run.target.host.kept.silences.at(-1).matchers[0].value, first.rule_id);
    await page.getByRole('checkbox', { name: /Hide acknowledged problems/ }).waitFor();
    await read(session, 'problem-state');
    run.target.host.asked.length = 0;
    await session.goto(session.where());
    await line.getByText(/muted until/).waitFor();
    await settled(page);
    assert.deepEqual(run.target.host.asked.map((one) => one.split('?')[0]).sort(), ['GET /api/alertmanager/grafana/api/v2/silences', 'GET /api/annotations'], 'one question for all problems');
    await page.getByRole('button', { name: "End the muting of the rule's alerts" }).click();
    await line.locator('[data-muted]').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Take the acknowledgement back' }).click();
    await line.locator('[data-acknowledged]').waitFor({ state: 'detached' });
  }));

  for (const theme of run.target.roles ? ['dark', 'light'] : []) {
    step(`who may not acknowledge sees what others did, also on a phone (${theme})`, () => inWindow({ theme, role: 'Viewer' }, async (session) => {
      const { page } = session;
      const { problems: [first] } = await run.world.services.main.get('/v1/problems?start=now-24h&end=now&limit=200&timeout=60s');
      const { kept } = run.target.host;
      kept.annotations = [];
      kept.addAnnotation({ body: { text: 'Known\nTicket: https://tickets.example/B-7', tags: ['betrace', `betrace-problem:${first.id}`] }, login: 'anna' });
      await page.setViewportSize({ width: 720, height: 844 });
      await session.goto(`${AT}&problem=${first.id}`);
      await listed(page).getByText(/Acknowledged by anna at/).waitFor();
      await page.getByText(/may not acknowledge/).waitFor();
      await read(session, 'problem-state-viewer-720');
      const reach = await page.evaluate(() => document.scrollingElement.scrollWidth);
      assert.ok(reach <= 720, `the page reaches to ${reach}`);
      kept.annotations = [];
    }));
  }

  step('a range without traces has no "no problem"', () => inWindow({}, async (session) => {
    const { page } = session;
    await session.goto('/violations?from=2020-01-01T00:00:00.000Z&to=2020-01-02T00:00:00.000Z');
    await page.getByText('No problem is known, and not everything was looked at').waitFor();
    assert.doesNotMatch(await page.locator('main').innerText(), /No violations among/);
    assert.deepEqual(await weightyFaults(page), []);
  }));
}
