// What annotations and silences of Grafana say of a problem, and what the counts say since it was acknowledged. What is not known is not said.
import fs from 'node:fs';
import path from 'node:path';

import type { FoundProblem, RateChange } from '../api/types';
import { foundProblem } from '../test/problemFixtures';
import { annotationOf, isQuiet, matchersOf, readAcknowledgements, readMutings, silenceOf, sinceThen, STAYS_HEARD, stateOf, webAddress } from './problemState';

const ID = '0123456789abcdef';
const at = (minute: number) => `2026-11-20T12:${String(minute).padStart(2, '0')}:00Z`;
const ms = (minute: number) => Date.parse(at(minute));
const kept = (change: object = {}) => ({ id: 7, time: ms(10), login: 'anna', text: 'Known', tags: ['betrace', `betrace-problem:${ID}`, 'betrace-rule:fraud-check'], ...change });
const read = (...items: unknown[]) => readAcknowledgements(items, 100)?.of.get(ID)?.[0];

describe('an acknowledgement', () => {
  it.each([
    ['a note and a ticket', 'Known since Monday\nsecond line', 'https://tickets.example/B-7'],
    ['a note', 'Ticket: none yet', ''],
    ['a ticket', '', 'http://tickets.example/1?a=b#c'],
    ['neither', '', ''],
  ])('comes back as it was written: %s', (_, note, ticket) => {
    const { text, tags } = annotationOf(foundProblem(), note, ticket);
    expect(text).not.toBe('');
    expect(tags).toEqual(['betrace', `betrace-problem:${ID}`, 'betrace-rule:fraud-check']);
    expect(read(kept({ text, tags }))).toEqual({ id: 7, problemId: ID, who: 'anna', at: ms(10), note, ticket });
  });

  it('has no tag that is too long for the databases of Grafana', () => {
    expect(annotationOf({ id: ID, rule_id: 'r'.repeat(101) }, '', '').tags).toEqual(['betrace', `betrace-problem:${ID}`]);
  });

  it.each(['javascript:alert(1)', 'data:text/html,x', '//tickets.example', 'ftp://a/b', 'https://a b', 'B-7'])('has no link of %s', (ticket) => {
    expect(webAddress(ticket)).toBe('');
    expect(read(kept({ text: `Known\nTicket: ${ticket}` }))).toMatchObject({ note: `Known\nTicket: ${ticket}`, ticket: '' });
  });

  it('is not what somebody else annotates under our tag, and an answer that is no list is no empty list', () => {
    expect(read(kept({ tags: ['betrace', 'deployment'] }), kept({ id: 'seven' }), null, 'text')).toBeUndefined();
    expect(readAcknowledgements({ message: 'a proxy' }, 100)).toBeNull();
  });

  it('is the newest one, and a list as long as its limit is cut', () => {
    const list = readAcknowledgements([kept({ id: 1, time: ms(5) }), kept({ id: 2, time: ms(20) })], 2);
    expect(list?.of.get(ID)?.map(({ id }) => id)).toEqual([2, 1]);
    expect(list?.isCut).toBe(true);
  });
});

describe('what is known', () => {
  const asked = { start: at(0), step_seconds: 600 };
  const none = new Map();

  it('tells "none" from "not known"', () => {
    expect(stateOf(foundProblem(), asked, { of: none, isCut: false }, none)).toEqual({ acknowledged: null, muted: null });
    expect(stateOf(foundProblem(), asked, undefined, undefined)).toEqual({ acknowledged: undefined, muted: undefined });
    expect(stateOf(foundProblem(), asked, { of: none, isCut: true }, none).acknowledged).toBeUndefined();
  });
});

describe('a muting', () => {
  const active = (matchers: unknown, change: object = {}) => ({ id: 's', endsAt: at(50), status: { state: 'active' }, matchers, ...change });
  const ours = (rule = 'fraud-check', tenant = '') => matchersOf(rule, tenant);

  it('is a silence of ours that is in force', () => {
    const { matchers, startsAt, endsAt, createdBy } = silenceOf(foundProblem(), 4, ms(0), { login: 'anna', tenant: '' });
    expect([startsAt, endsAt, createdBy]).toEqual(['2026-11-20T12:00:00.000Z', '2026-11-20T16:00:00.000Z', 'anna']);
    expect(readMutings([active([...matchers].reverse())], '')?.get('fraud-check')).toEqual([{ id: 's', until: at(50), isOther: false }]);
    expect(readMutings([active(ours(), { status: { state: 'expired' } }), active(ours('other'), { status: { state: 'pending' } })], '')?.size).toBe(0);
    expect(readMutings('nothing', '')).toBeNull();
  });

  it('is only of some alerts where it asks for more, and none of a rule that it does not name', () => {
    const more = [...ours(), { name: 'service', value: 'shop', isRegex: false, isEqual: true }];
    expect(readMutings([active(more)], '')?.get('fraud-check')?.[0].isOther).toBe(true);
    expect(readMutings([active([{ name: 'team', value: 'sre', isRegex: false, isEqual: true }]), active([{ name: 'rule_id', value: 'x', isRegex: false, isEqual: false }])], '')?.size).toBe(0);
    const state = stateOf(foundProblem(), { start: at(0), step_seconds: 600 }, undefined, readMutings([active(more, { id: 'more' }), active(ours(), { id: 'ours', endsAt: at(20) })], '')!);
    expect(state.muted).toEqual({ longest: { id: 'ours', until: at(20), isOther: false }, ids: ['ours'] });
  });

  it('is of the tenant of these pages, and of alerts that say none', () => {
    const tenant = ours('fraud-check', 'a.b').find(({ name }) => name === 'tenant')!;
    const matches = (value: string) => new RegExp(`^(?:${tenant.value})$`).test(value);
    expect(['', 'a.b', 'axb', 'other'].map(matches)).toEqual([true, true, false, false]);
    expect(readMutings([active(ours('fraud-check', 'other'))], 'a.b')?.get('fraud-check')?.[0].isOther).toBe(true);
  });

  it('keeps what is shipped heard: that nobody looks, and that a rule fell silent', () => {
    const folder = path.join(__dirname, '../../../distribution/grafana/provisioning/alerting');
    const rules = fs.readdirSync(folder).flatMap((file) => fs.readFileSync(path.join(folder, file), 'utf8').split('- uid: ').slice(1));
    const names = rules.map((rule) => /title: (.*)/.exec(rule)![1]);
    const heard = names.filter((name) => new RegExp(`^(?:${STAYS_HEARD})$`).test(name));
    expect(heard).toEqual(names.filter((name) => /cannot look|silent/.test(name)));
    expect(heard.length).toBeGreaterThanOrEqual(6);
    const muted = rules.filter((_, index) => /violation|budget burns/.test(names[index]));
    // the one on violation spans names the rule by the attribute of these spans
    expect(muted.filter((rule) => !rule.includes('$labels.rule_id')).map((rule) => rule.split('\n')[0])).toEqual(['betrace-violation-spans']);
  });
});

describe('since it was acknowledged', () => {
  // steps of ten minutes from 12:00: three with violations, quiet ones, and it comes back at 12:45
  const asked = { start: at(0), step_seconds: 600 };
  const part = (violations: number, exercised: number | null = 500) => ({ violations, exercised, seconds: 1200 });
  const rise = (change: Partial<RateChange> = {}): RateChange => ({ direction: 'rose', at: at(45), from: at(44), to: at(46), before: part(0), after: part(9), ...change });
  const back = (change: Partial<FoundProblem> = {}) => foundProblem({ sparkline: [4, 5, 0, 0, 9, 9], changes: [rise()], last_seen: { trace_id: 'a'.repeat(32), time: at(59) }, ...change });
  const since = (change: Partial<FoundProblem>, minute = 15) => sinceThen(back(change), ms(minute), asked);

  it('regressed where it was over in between, and came back', () => expect(since({})).toBe('regressed'));
  it('rose where it was never over', () => expect(since({ sparkline: [4, 5, 1, 1, 9, 9], changes: [rise({ before: part(2) })] })).toBe('rose'));
  it.each([
    ['a quiet step is not known', { sparkline: [4, 5, 0, null, 9, 9] }, 15],
    ['nothing exercised the rule while it was quiet', { changes: [rise({ before: part(0, 0) })] }, 15],
    ['what exercised it was not counted', { changes: [rise({ before: part(0, null) })] }, 15],
    ['no whole step lies in between', {}, 38],
  ])('does not say "regressed" where %s', (_, change, minute) => expect(since(change, minute)).toBe('rose'));
  it('came again where it went on', () => expect(since({ changes: [] })).toBe('again'));
  it('came again where nobody looked for changes', () => expect(since({ changes: null })).toBe('again'));
  it('says nothing of what was before', () => {
    expect(since({}, 59)).toBeNull();
    expect(since({ changes: [rise({ direction: 'fell' })] }, 59)).toBeNull();
  });

  it('lets only what did not come back or rise out of the way', () => {
    const state = (change: Partial<FoundProblem>) => stateOf(back(change), asked, readAcknowledgements([kept({ time: ms(15) })], 100)!, undefined);
    expect(isQuiet(state({}))).toBe(false);
    expect(isQuiet(state({ changes: [rise({ before: part(2) })] }))).toBe(false);
    expect(isQuiet(state({ changes: [] }))).toBe(true);
    expect(isQuiet({ acknowledged: undefined })).toBe(false);
    expect(isQuiet({ acknowledged: null })).toBe(false);
  });
});
