/* A compliance report from the list of frameworks to a file that an auditor can check: it is made when asked for, says the same as the service,
   stands in the address, and what is saved passes verify-report. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { binary } from '../support/betrace.mjs';
import { plainText, settled } from '../support/pages.mjs';
import { RULES } from '../support/world.mjs';

async function make(session) {
  await session.goto('/compliance');
  await settled(session.page);
  await session.page.getByRole('link', { name: /^SOC 2/ }).click();
  await session.page.getByRole('heading', { name: 'No report yet' }).waitFor();
  await session.page.getByRole('button', { name: 'Make the report' }).click();
  await session.page.waitForURL(/report=rep-/);
  await session.page.getByRole('rowheader', { name: 'CC6.1' }).waitFor();
  return new URL(session.page.url()).searchParams.get('report');
}

/** The rule's row: status and counts as they are shown. */
async function shown(page) {
  const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: RULES.audit.name }) });
  return (await row.getByRole('cell').allInnerTexts()).map((text) => text.trim());
}

export default function compliance({ run, inWindow, step }) {
  step('a report says what the service says, again after a reload', () => inWindow({}, async (session) => {
    const id = await make(session);
    const { entries } = await run.services.main.get(`/v1/reports/${id}?format=json`);
    const { counts, status } = entries.find((entry) => entry.type === 'rule' && entry.body.rule_id === RULES.audit.id).body;
    assert.equal(status, 'violated');
    const expected = [counts.evaluated, counts.exercised, counts.satisfied, counts.violated, counts.inconclusive].map((count) => count.toLocaleString('en-US'));
    const cells = await shown(session.page);
    assert.equal(cells[2], 'Violated');
    assert.deepEqual(cells.slice(3, 8), expected);
    await plainText(session.page);
    await session.shot('compliance-report');
    await session.page.reload();
    await session.page.getByRole('rowheader', { name: 'CC6.1' }).waitFor();
    assert.deepEqual(await shown(session.page), cells);
  }));

  step('the saved evidence passes verify-report, and the other forms are saved, too', () => inWindow({}, async (session) => {
    await make(session);
    for (const [name, ending] of [['Evidence (JSON)', '.evidence.json'], ['HTML', '.html'], ['OSCAL', '.oscal.json']]) {
      const [download] = await Promise.all([session.page.waitForEvent('download'), session.page.getByRole('button', { name }).click()]);
      assert.ok(download.suggestedFilename().endsWith(ending), download.suggestedFilename());
      const file = await download.path();
      assert.ok(fs.statSync(file).size > 1000);
      if (ending === '.evidence.json') {
        execFileSync(binary(), ['verify-report', file, '--chain-only']); // throws unless the status is 0
      }
    }
  }));

  step('a report that is not kept any more says so', () => inWindow({}, async (session) => {
    await session.goto('/compliance/SOC2?report=rep-00000000000000000000000000000000');
    await session.page.getByRole('heading', { name: 'This report is not kept any more' }).waitFor();
  }));
}
