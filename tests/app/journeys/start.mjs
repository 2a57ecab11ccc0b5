/* The first page: it counts the last day as the service does, leads to those violations, and without rules or Tempo says what to do first instead
   of how good everything is. */
import assert from 'node:assert/strict';
import { plainText, settled } from '../support/pages.mjs';

const card = (page, name) => page.getByRole('region', { name });

export default function start({ run, inWindow, step }) {
  step('the last day has as many violations as the service counts, and leads to them', () => inWindow({}, async (session) => {
    await session.goto('');
    const day = card(session.page, 'Last 24 hours');
    const headline = day.getByText(/^Violations: [\d,]+/);
    await headline.waitFor();
    const { series } = await run.services.main.get('/v1/violations/series?start=now-24h&step=10m');
    const total = series.flatMap((one) => one.points).reduce((sum, [, count]) => sum + (count ?? 0), 0);
    assert.equal(Number(/[\d,]+/.exec(await headline.innerText())[0].replace(',', '')), total);
    await plainText(session.page);
    await session.shot('start');
    await day.getByRole('link', { name: 'See them' }).click();
    await session.page.waitForURL(/\/violations\?from=now-24h/);
  }));

  step('without rules it says how to write the first', () => inWindow({ upstream: 'empty' }, async (session) => {
    await session.goto('');
    await card(session.page, 'Write the first rule').getByRole('link', { name: 'Write a rule' }).click();
    await session.page.waitForURL(/\/rules\/new/);
  }));

  step('without Tempo it says so, and nothing of how many violations there were', () => inWindow({ upstream: 'down' }, async (session) => {
    await session.goto('');
    await card(session.page, 'Connect Tempo').waitFor();
    await settled(session.page);
    assert.doesNotMatch(await session.page.locator('body').innerText(), /No violation/);
    await card(session.page, 'Service').getByText('Not ready', { exact: true }).waitFor();
  }));
}
