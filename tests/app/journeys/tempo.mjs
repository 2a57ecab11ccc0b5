/* The pages before a real Tempo: empty, then with a day of traces and one of ten thousand spans, at last with ten thousand traces. No data, no rules, one violation and ten
   thousand are four different pages; a pack is tried and stored; the past is beside the text while one types, and beside each shape of the form; a
   violation has a trace that keeps its rule next to it. What is shown is held against what the service says. How soon what is typed is answered is
   printed and not judged. Runs in Node. */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { weightyFaults } from '../support/axe.mjs';
import { enterEditor, write } from '../support/editor.mjs';
import { tabTo } from '../support/keys.mjs';
import { spansOf, traceIdOf } from '../support/largeTrace.mjs';
import { chooseOption, plainText, rowsOf, settled } from '../support/pages.mjs';
import { startTempo } from '../support/tempo.mjs';
import { EVERY_TRACE, RULES } from '../support/world.mjs';

const SPANS = 10_000;
const DAY = 1500;
const TEN_THOUSAND = 10_000;
const HOUR = 300;
const PLANTED = 20;
const RANGE = 'from=now-24h&to=now';
/** Longer than the page itself waits for eight rules, two at a time, each asked twice for 20 s at most. */
const PATIENCE_MS = 300_000;
const KEY_MS = 40;
const JOB = { id: 'job-is-audited', name: 'A job is audited', severity: 'high', dsl: 'when { nightly.job } always { audit.log }' };
const SLOW = 'when { db.query.where(span.duration > 1s) } always { retry }';
const NEVER_NONE = /(?<!“)\bno violations?\b(?! (so far|is certain|in what))/i;
const NO_TRACE = /no traces?\b/i;
/** Each shape of the form, and whether some trace of the hour breaks it. */
const SHAPES = [
  { kind: 'A needs B', fields: [['Where there is', 'payment.process'], ['there must be', 'no.such.span']], isBroken: true },
  { kind: 'Never A', fields: [['There must never be', 'retry']], isBroken: true },
  { kind: 'A before B', fields: [['There must be', 'db.query'], ['before every', 'retry']], isBroken: false },
  { kind: 'At most N of A in a request', fields: [['A trace has at most so many of', 'db.query'], ['At most', '0']], isBroken: true },
  { kind: 'B within a time after A', fields: [['After every', 'db.query'], ['there must be', 'retry'], ['Within', '5s']], isBroken: true },
];

const card = (page, name) => page.getByRole('region', { name });
const beside = (page) => card(page, 'The last hour');
const secondsAgo = (minutes) => String(Math.floor(Date.now() / 1000) - minutes * 60);

export const only = (target) => target.name !== 'host12';

/** Begins to note when the past beside the text changes; `afterAnswer` says how long after the service's answer that was. */
async function watchPast(page) {
  await page.evaluate(() => {
    const said = (window.__said = []);
    const region = document.querySelector('[aria-label="The last hour"]');
    const look = () => /looked at/.test(region.innerText) && said.push(performance.now());
    new MutationObserver(() => requestAnimationFrame(look)).observe(region, { subtree: true, childList: true, characterData: true });
  });
}

/** Milliseconds from the service's last answer about the past until it is drawn, and how long the service took. */
const afterAnswer = (page) => page.evaluate(() => {
  const { responseEnd, duration } = performance.getEntriesByType('resource').filter(({ name }) => name.includes('/v1/violations/query')).at(-1);
  return { drawn: window.__said.find((at) => at >= responseEnd) - responseEnd, asked: duration };
});

export default function tempo({ run, inWindow, step }) {
  const made = {};
  after(() => Promise.all([made.tempo?.stop()]));
  const served = async (name, ...rules) => {
    const service = await run.world.withRules(await run.world.serve('--tempo', made.tempo.url), ...rules);
    run.target.use(name, service);
    return (made[name] = service);
  };
  const inTempo = (upstream, options, body) => inWindow({ upstream, ...options }, (session) => body(session, session.page, made[upstream]));

  step('an empty Tempo: each page says that there are no traces, and none that there are no violations', async () => {
    made.tempo = await startTempo();
    await served('withoutData', ...Object.values(RULES));
    for (const theme of ['dark', 'light']) {
      await inTempo('withoutData', { theme }, async (session, page) => {
        for (const [name, at] of [['start', ''], ['violations', `/violations?${RANGE}`]]) {
          await session.goto(at);
          await settled(page);
          await session.shot(`tempo-no-data-${name}`);
          const text = await page.locator('main').innerText();
          assert.match(text, NO_TRACE, name);
          assert.doesNotMatch(text, NEVER_NONE);
          assert.deepEqual(await weightyFaults(page), []);
        }
        await session.goto('/rules/new');
        await write(page, SLOW);
        await beside(page).getByText(NO_TRACE).first().waitFor();
        assert.equal(await beside(page).getByText(/Violating traces/).count(), 0, 'a number of nothing is none');
        await session.shot('tempo-no-data-editor');
      });
    }
  });

  step('it is given a day of traces', async () => {
    await made.tempo.generate(DAY, '--scenario', 'rollout', '--seed', '7', '--since', '22h', '--end', secondsAgo(70));
    await made.tempo.generate(HOUR, '--seed', '8', '--violations', String(PLANTED), '--since', '40m', '--end', secondsAgo(8));
    await made.tempo.push('batch', spansOf(SPANS));
    await served('withoutRules');
    await served('withTraces', RULES.slowDb, JOB, { ...EVERY_TRACE, enabled: false });
  });

  step('without rules a pack is tried on the day by keys and stored in shadow, and the day is counted for it', () => inTempo('withoutRules', {}, async (session, page, service) => {
    await session.goto('');
    const pack = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'N+1 and fan-out', exact: true }) });
    await pack.getByRole('button', { name: 'How would it have done here?' }).press('Enter');
    await pack.locator('[data-state]').nth(7).waitFor();
    await page.waitForFunction(() => !document.querySelector('main [data-state="asked"]'), undefined, { timeout: PATIENCE_MS });
    const states = await pack.locator('[data-state]').evaluateAll((all) => all.map((one) => one.dataset.state));
    assert.ok(states.length === 8 && states.every((state) => ['broken', 'kept', 'idle', 'partial'].includes(state)), states.join(' '));
    assert.deepEqual((await service.get('/v1/rules')).rules, [], 'a preview stores nothing');
    await session.shot('tempo-packs');
    await pack.getByRole('button', { name: 'Add 8 rules in shadow' }).press('Enter');
    await card(page, 'Last 24 hours').getByText(/All enabled rules are in shadow/).waitFor({ timeout: PATIENCE_MS });
    assert.equal((await service.get('/v1/rules')).rules.length, 8);
  }));

  step('the first page counts the day as the service does, and leads to what is broken', () => inTempo('withTraces', {}, async (session, page, service) => {
    const total = async () => {
      const { series } = await service.get('/v1/violations/series?start=now-24h&step=10m');
      return series.flatMap((one) => one.points).reduce((sum, [, count]) => sum + (count ?? 0), 0);
    };
    const before = await total();
    await session.goto('');
    const day = card(page, 'Last 24 hours');
    const headline = day.getByText(/^Violations: [\d,]+( so far)?$/);
    await headline.waitFor({ timeout: PATIENCE_MS });
    const said = Number(/[\d,]+/.exec(await headline.innerText())[0].replace(',', ''));
    // a step of ten minutes may end, and count, while the page is drawn
    assert.ok([before, await total()].includes(said), `${said}: ${before} before`);
    await settled(page);
    await session.shot('tempo-start');
    await day.getByRole('link', { name: RULES.slowDb.name }).first().press('Enter');
    await page.locator('[data-problem]').first().waitFor({ timeout: PATIENCE_MS });
  }));

  for (const theme of ['dark', 'light']) {
    step(`the past stands beside the text while it is typed (${theme})`, (context) => inTempo('withTraces', { theme }, async (session, page, service) => {
      const asked = [];
      page.on('request', (request) => request.url().includes('/v1/violations/query') && asked.push(JSON.parse(request.postData()).dsl));
      await session.goto('/rules/new');
      await enterEditor(page);
      await watchPast(page);
      await page.keyboard.type(SLOW.replace(/ \}$/, ' '), { delay: KEY_MS }); // the editor closes the bracket itself
      await page.keyboard.press('Escape');
      await beside(page).getByText(/Traces that were looked at/).waitFor();
      const { violations } = await service.post('/v1/violations/query', { dsl: SLOW, start: 'now-1h', end: 'now', limit: 200 });
      assert.ok(violations.length >= PLANTED, 'the planted ones at least');
      await beside(page).getByText(new RegExp(`Violating traces in the last hour: (at least )?${violations.length}( so far)?$`)).waitFor();
      const { drawn, asked: took } = await afterAnswer(page);
      context.diagnostic(`${asked.length} questions while ${SLOW.length} letters were typed; the last was answered in ${took.toFixed(0)} ms and drawn ${drawn.toFixed(0)} ms later`);
      assert.ok(asked.length < SLOW.length / 4, `typing asks when it stops: ${asked.length}`);
      assert.deepEqual(await weightyFaults(page), []);
      await session.shot('tempo-past');
    }));
  }

  step('each shape of the form has its past beside it, which is that of the service', (context) => inTempo('withTraces', {}, async (session, page, service) => {
    await session.goto('/rules/new');
    const form = page.getByRole('region', { name: 'Form for common rules' });
    for (const { kind, fields, isBroken } of SHAPES) {
      await chooseOption(page, 'Shape of the rule', kind);
      const isOfAll = (text) => text !== null && fields.every(([, value]) => JSON.parse(text).dsl.includes(value));
      const asked = page.waitForResponse((answer) => answer.url().includes('/v1/violations/query') && answer.ok() && isOfAll(answer.request().postData()));
      await watchPast(page);
      for (const [label, value] of fields) {
        await form.getByLabel(label, { exact: true }).fill(value);
      }
      const { dsl } = JSON.parse((await asked).request().postData());
      await beside(page).getByText(/was read: /).waitFor({ timeout: PATIENCE_MS });
      const { violations, total_count: total } = await service.post('/v1/violations/query', { dsl, start: 'now-1h', end: 'now', limit: 200, timeout: '60s' });
      assert.equal(violations.length > 0, isBroken, `${dsl}: ${violations.length}`);
      const count = total ?? violations.length;
      const said = count > 0 ? `(at least )?${count}( so far)?` : '(0( so far)?|none where there were traces)';
      await beside(page).getByText(new RegExp(`Violating traces in the last hour: ${said}$`)).waitFor();
      const { drawn, asked: took } = await afterAnswer(page);
      context.diagnostic(`${kind}: ${dsl}: ${count}; answered in ${took.toFixed(0)} ms, drawn ${drawn.toFixed(0)} ms later`);
    }
    await session.shot('tempo-shapes');
  }));

  step('one violation, of ten thousand spans: it is counted, opened, gone through, and its rule is asked when it began, by keys', () => inTempo('withTraces', {}, async (session, page) => {
    await session.goto(`/violations?${RANGE}&rule=${JOB.id}&view=list`);
    await rowsOf(page).first().waitFor({ timeout: PATIENCE_MS });
    await page.getByText('1 violation', { exact: true }).waitFor();
    await session.shot('tempo-one');
    await rowsOf(page).first().press('Enter');
    await page.waitForURL(new RegExp(traceIdOf(SPANS)));
    const spans = page.getByRole('treegrid', { name: 'Spans of the trace' });
    await spans.getByRole('row').filter({ hasText: /Witness/ }).first().waitFor();
    assert.ok(Number(await spans.getAttribute('aria-rowcount')) > SPANS);
    await tabTo(page, (now) => now.role === 'row');
    await page.keyboard.press('End');
    await page.waitForFunction((last) => document.activeElement.getAttribute('aria-rowindex') === last, await spans.getAttribute('aria-rowcount'));
    await session.shot('tempo-one-opened');
    await page.getByRole('button', { name: 'Find the first' }).first().press('Enter');
    await page.waitForFunction(() => !document.querySelector('main [data-state="loading"]'), undefined, { timeout: PATIENCE_MS });
    await plainText(page);
  }));

  step('next to a violation a trace that keeps its rule, and what sets violating traces apart, by keys', () => inTempo('withTraces', {}, async (session, page, service) => {
    const { violations: [{ trace_id: trace }] } = await service.get(`/v1/violations?rule_id=${RULES.slowDb.id}&start=now-1h&limit=1`);
    await session.goto(`/violations/${RULES.slowDb.id}/${trace}`);
    await page.getByRole('button', { name: 'Show a trace that keeps it' }).press('Enter');
    const link = await page.getByRole('link', { name: 'Open the trace that keeps it' }).getAttribute('href');
    const { verdict, exercised } = await service.post('/v1/rules/test', { rule_id: RULES.slowDb.id, trace_id: link.split('/').at(-1) });
    assert.deepEqual([verdict, exercised], ['satisfied', true]);
    await page.getByRole('button', { name: 'What sets violating traces apart?' }).press('Enter');
    await page.getByText(/violating traces, and in|separates|too few|nothing/i).first().waitFor({ timeout: PATIENCE_MS });
    await session.shot('tempo-kept');
  }));

  step('ten thousand violations: the first are there, and how many in all is said or said to be unknown', (context) => inTempo('withTraces', {}, async (session, page) => {
    await made.tempo.generate(TEN_THOUSAND, '--seed', '9', '--since', '20h', '--end', secondsAgo(80));
    const begin = performance.now();
    await session.goto(`/violations?${RANGE}&rule=${EVERY_TRACE.id}&view=list`);
    await rowsOf(page).first().waitFor({ timeout: PATIENCE_MS });
    context.diagnostic(`the first rows of ${TEN_THOUSAND} after ${(performance.now() - begin).toFixed(0)} ms`);
    const said = card(page, 'What was looked at');
    await said.getByText(/^([\d,]+ violations|\d+ violations loaded; how many there are in all is not known)$/).first().waitFor();
    await rowsOf(page).first().focus();
    await page.keyboard.press('End');
    await page.waitForFunction(() => Number(document.activeElement.getAttribute('aria-rowindex')) > 100);
    await session.shot('tempo-ten-thousand');
  }));
}
