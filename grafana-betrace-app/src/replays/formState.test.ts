// From the URL to the request of a replay.
import { formProblem, parseLabels, requestOf, type FormState } from './formState';

const state = (change: Partial<FormState>): FormState => ({ what: 'rules', rule: [], labels: '', dsl: '', count: 'auto', emit: null, ...change });
const RANGE = { start: 'now-24h', end: 'now' };
const ASKED = { start_time: 'now-24h', end_time: 'now', count: 'auto' };

it.each([
  ['team=payments', { team: 'payments' }],
  [' team:payments , tier = 1,', { team: 'payments', tier: '1' }],
  ['url=http://x', { url: 'http://x' }],
  ['', {}],
  ['payments', null],
  ['=x', null],
])('reads labels %j', (text, labels) => expect(parseLabels(text)).toEqual(labels));

it('says what is missing', () => {
  expect(formProblem(state({}))).toContain('at least one rule');
  expect(formProblem(state({ rule: ['a'] }))).toBeNull();
  expect(formProblem(state({ what: 'labels', labels: 'x' }))).toContain('key=value');
  expect(formProblem(state({ what: 'labels' }))).toContain('key=value');
  expect(formProblem(state({ what: 'dsl', dsl: ' ' }))).toContain('Write a rule');
  expect(formProblem(state({ what: 'dsl', dsl: 'x' }))).toBeNull();
});

it('asks for exactly one of rules, labels and text, and never to send the last', () => {
  const all = { rule: ['a', 'b'], labels: 'team=x', dsl: 'trace.has(a)', emit: true };
  expect(requestOf(state({ ...all, what: 'rules' }), RANGE)).toEqual({ ...ASKED, rule_ids: ['a', 'b'], emit: true });
  expect(requestOf(state({ ...all, what: 'labels' }), RANGE)).toEqual({ ...ASKED, labels: { team: 'x' }, emit: true });
  expect(requestOf(state({ ...all, what: 'dsl' }), RANGE)).toEqual({ ...ASKED, dsl: 'trace.has(a)' });
});

it('leaves sending to the service unless somebody chose', () => {
  expect(requestOf(state({ rule: ['a'], count: 'exact' }), RANGE)).toEqual({ ...ASKED, count: 'exact', rule_ids: ['a'] });
});
