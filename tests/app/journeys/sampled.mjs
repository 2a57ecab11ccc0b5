/* One trace in ten was kept: every page that shows a number of them says what it stands for, and a page without violations does not say that
   there were none. In Grafana and standalone alike. Runs in Node. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { weightyFaults } from '../support/axe.mjs';
import { settled } from '../support/pages.mjs';

const TENTH = 'ot=th:e6666666666666';
const AUDITED = { id: 'audited', name: 'Checkouts are audited', dsl: 'when { checkout } always { audit.log }' };
const KEPT = { id: 'kept', name: 'No checkout fails', dsl: 'when { checkout } never { trace.has(span.status == error) }' };
const SEEN = '12 seen of a 10 % sample; 65 to 205 happened (95 %)';

/** 240 traces of the last hours; every twentieth lacks its audit. Their ids are of those that the threshold keeps. */
function lines() {
  const start = Math.floor(Date.now() / 1000) - 130 * 60;
  return Array.from({ length: 240 }, (_, i) => {
    const traceId = `${String(i + 1).padStart(18, '0')}ff${String(i + 1).padStart(12, '0')}`;
    const at = `${start + i * 30}000000000`;
    const spans = (i % 20 ? ['checkout', 'audit.log'] : ['checkout']).map((name, place) => ({
      traceId, name, spanId: `00000000000000b${place + 1}`, parentSpanId: place ? '00000000000000b1' : '', kind: 1,
      startTimeUnixNano: at, endTimeUnixNano: at, traceState: TENTH,
    }));
    const attributes = [{ key: 'service.name', value: { stringValue: 'web' } }];
    return JSON.stringify({ resourceSpans: [{ resource: { attributes }, scopeSpans: [{ spans }] }] });
  }).join('\n');
}

export default function sampled({ run, inWindow: openWindow, step }) {
  let service;
  const inWindow = async (body) => {
    service ??= (async () => {
      const file = path.join(run.world.folder, 'sampled.jsonl');
      fs.writeFileSync(file, lines());
      const started = await run.world.serve('--traces', file);
      await run.world.withRules(started, AUDITED, KEPT);
      run.target.use('sampled', started);
      return started;
    })();
    await service;
    await openWindow({ upstream: 'sampled' }, body);
  };
  const shows = async (session, where, text, name) => {
    await session.goto(where);
    await session.page.getByText(text).first().waitFor();
    await settled(session.page);
    assert.deepEqual(await weightyFaults(session.page), []);
    await session.shot(name);
  };

  step('the list of one rule', () => inWindow((session) => shows(session, '/violations?from=now-24h&to=now&rule=audited&view=list', SEEN, 'sampled-violations')));

  step('an empty list is none of the kept ones', () => inWindow(async (session) => {
    await shows(session, '/violations?from=now-24h&to=now&rule=kept&view=list', /none seen; at most 35/, 'sampled-none');
    assert.doesNotMatch(await session.page.locator('main').innerText(), /All traces were looked at/);
  }));

  step('a replay', () => inWindow(async (session) => {
    const day = { start_time: 'now-24h', end_time: 'now' };
    const { replay_id } = await (await service).post('/v1/rules/audited/replay', day);
    await shows(session, `/replay/${replay_id}`, SEEN, 'sampled-replay');
  }));

  step('the rule and its last hour', () => inWindow((session) => shows(session, '/rules/audited', /seen of a 10 % sample; .* happened \(95 %\)/, 'sampled-rule')));

  step('the start', () => inWindow((session) => shows(session, '/', 'Checkouts are audited', 'sampled-start')));
}
