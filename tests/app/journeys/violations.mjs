/* From the list of violations to the trace that one of them is: filters are in the address, a click opens the trace with its witnesses marked,
   and back, forward and a reload show again what was there. */
import assert from 'node:assert/strict';
import { rowsOf, settled } from '../support/pages.mjs';
import { RULES } from '../support/world.mjs';

const AT = '/violations?from=now-24h&to=now&view=list';

async function open(session, at = AT) {
  await session.goto(at);
  await settled(session.page);
  await rowsOf(session.page).first().waitFor();
}

export default function violations({ run, inWindow, step }) {
  const all = () => run.services.main.get('/v1/violations?start=now-24h&limit=1000');
  const count = (page, of) => page.getByRole('region', { name: 'What was looked at' }).getByText(of).waitFor();

  step('the list has as many as the service found, and says what was looked at', () => inWindow({}, async (session) => {
    const { violations: found, coverage } = await all();
    assert.ok(coverage.complete && found.length > 100);
    await open(session);
    await count(session.page, new RegExp(`^${found.length} violations`));
  }));

  step('a filter narrows the list, stands in the address, and back undoes it', () => inWindow({}, async (session) => {
    const { violations: found } = await all();
    const ofOne = found.filter((one) => one.rule_id === RULES.audit.id).length;
    await open(session);
    await session.page.getByRole('combobox', { name: 'Severity' }).click();
    await session.page.getByRole('option', { name: /^Warning/i }).click();
    await count(session.page, new RegExp(`^${found.filter((one) => one.severity === 'warning').length} violations`));
    assert.match(session.where(), /severity=warning/);
    await session.page.goBack();
    await count(session.page, new RegExp(`^${found.length} violations`));
    assert.doesNotMatch(session.where(), /severity/);
    await session.page.goForward();
    assert.match(session.where(), /severity=warning/);
    await open(session, `${AT}&rule=${RULES.audit.id}`);
    await count(session.page, new RegExp(`^${ofOne} violations`));
  }));

  step('a click opens the trace, its witness is marked, and a reload and back show the same', () => inWindow({}, async (session) => {
    await open(session, `${AT}&rule=${RULES.slowDb.id}`);
    await rowsOf(session.page).first().click();
    await session.page.waitForURL(/\/violations\/slow-db-no-retry\/[0-9a-f]{32}/);
    const shown = async () => {
      await settled(session.page);
      await session.page.getByRole('region', { name: 'Why it violates the rule' }).getByText('retry').first().waitFor();
      await session.page.getByRole('row').filter({ hasText: 'db.query' }).filter({ hasText: /Witness/ }).first().waitFor();
    };
    await shown();
    const address = session.where();
    await session.shot('violation-opened');
    await session.page.reload();
    await shown();
    assert.equal(session.where(), address);
    await session.page.goBack();
    await rowsOf(session.page).first().waitFor();
    assert.match(session.where(), /^\/violations\?/);
    await session.page.goForward();
    await shown();
  }));

  step('the way to Explore is there where there is an Explore', () => inWindow({}, async (session) => {
    const { violations: [one] } = await all();
    await session.goto(`/violations/${one.rule_id}/${one.trace_id}`);
    await settled(session.page);
    const link = session.page.getByRole('link', { name: /Explore/ });
    if (run.target.roles) {
      const panes = JSON.parse(new URL(await link.first().getAttribute('href'), run.target.host.url).searchParams.get('panes'));
      const [pane] = Object.values(panes);
      assert.equal(pane.queries[0].query, one.trace_id);
      assert.equal(pane.datasource, 'tempo');
    } else {
      assert.equal(await link.count(), 0);
    }
  }));
}
