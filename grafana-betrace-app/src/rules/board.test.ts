// The state of a rule in the last day: what is not known never looks like what is.
import type { Series } from '../api/types';
import { coverage, rule } from '../test/fixtures';
import { barsInWords, boardOf, countInWords, healthsInWords, packsOf, shareInWords, type DayAnswer } from './board';

const STEP_MS = 600_000;
const BEGIN = Date.parse('2026-11-20T12:00:00Z');
const END = '2026-11-20T14:00:00Z';
const WHOLE = { asked: { start: '2026-11-20T12:00:00Z', end: END }, effective_end: END, data_from: null };

const seriesOf = (values: Array<number | null>, change = {}, more: Partial<Series> = {}): Series => ({
  series: [{ labels: { rule_id: 'r', rule: 'R', severity: 'high' }, points: values.map((value, at) => [new Date(BEGIN + at * STEP_MS).toISOString(), value]), undecided: { steps: 0, budget: 0 } }],
  reason: null,
  coverage: coverage({ ...WHOLE, ...change }),
  ...more,
});
const zeros = Array<number>(12).fill(0);
const tens = Array<number>(12).fill(10);
const dayOf = (day: DayAnswer, change = {}) => boardOf([rule({ id: 'r', ...change })], day).get('r')!;

it('is without violation only where all was read, and a trace was about the rule', () => {
  expect(dayOf({ counts: seriesOf(zeros), exercised: seriesOf(tens) })).toMatchObject({ health: 'kept', why: '', share: 0, last: null });
  expect(dayOf({ counts: seriesOf(zeros), exercised: seriesOf(zeros) }).health).toBe('idle');
  expect(dayOf({ counts: seriesOf([null, ...zeros.slice(1)]), exercised: seriesOf(tens) })).toMatchObject({ health: 'partial', why: 'Not known: 1 of 12 steps' });
  expect(dayOf({ counts: seriesOf(zeros), exercised: seriesOf([null, ...zeros.slice(1)]) }).health).toBe('partial');
  expect(dayOf({ counts: seriesOf(zeros), exercisedFailed: true })).toMatchObject({ health: 'partial', why: 'Whether a trace was about it is not known' });
});

it.each([
  ['not kept', { sampling: { known: 'by_chance' as const, declared: null, text: 'traces are a 10 % sample' } }],
  ['deleted', { kept_from: '2026-11-20T13:00:00Z' }],
  ['redacted', { redacted_at: '2026-11-20T13:00:00Z' }],
  ['not read', { complete: false }],
])('is not known in full where traces were %s', (_, change) => {
  expect(dayOf({ counts: seriesOf(zeros, change), exercised: seriesOf(tens) }).health).toBe('partial');
});

it('says where there were no traces, and that late spans may come', () => {
  const empty = { windows_empty: [{ start: '2026-11-20T12:00:00Z', end: '2026-11-20T12:10:00Z' }] };
  expect(dayOf({ counts: seriesOf([null, ...zeros.slice(1)], empty), exercised: seriesOf([null, ...tens.slice(1)], empty) })).toMatchObject({ health: 'kept', why: 'where there were traces' });
  expect(dayOf({ counts: seriesOf(zeros, { provisional_from: '2026-11-20T13:00:00Z' }), exercised: seriesOf(tens) }).why).toMatch(/so far/);
});

it('counts at least, where steps are not known, and its share where both are', () => {
  const day = dayOf({ counts: seriesOf([null, ...zeros.slice(2), 5]), exercised: seriesOf(tens) });
  expect(day).toMatchObject({ health: 'violated', count: 5, isAtLeast: true, bars: [null, 5], last: new Date(BEGIN + 11 * STEP_MS).toISOString() });
  expect(day.share).toBeCloseTo(5 / 110);
  expect(countInWords(day)).toBe('at least 5 traces');
  expect(barsInWords(day)).toMatch(/at most 5 in one; hours that are not known: 1/);
});

it('looks at nothing that is off, left out, without traces, unread or cannot be compiled', () => {
  const day = { counts: seriesOf(zeros), exercised: seriesOf(tens) };
  expect(dayOf(day, { enabled: false })).toMatchObject({ health: 'off', count: null, share: null, bars: [] });
  expect(dayOf(day, { broken: 'E033: no such key' })).toMatchObject({ health: 'unjudged', why: 'E033: no such key' });
  expect(dayOf({ ...day, counts: seriesOf(zeros, {}, { series: [] }) })).toMatchObject({ health: 'unread', count: null });
  expect(dayOf({ ...day, counts: seriesOf(zeros, {}, { reason: 'no_data: the source has no trace' }) })).toMatchObject({ health: 'unread', why: 'the source has no trace', count: null });
  expect(dayOf({ failed: 'Not reached' })).toMatchObject({ health: 'unread', why: 'Not reached' });
  expect(shareInWords(dayOf({ failed: 'Not reached' }))).toBe('not looked at');
});

it('waits for what is being asked, and says what is broken meanwhile', () => {
  const asking = { reason: 'not_evaluated: more follows' };
  expect(dayOf({}).health).toBe('asking');
  expect(dayOf({ counts: seriesOf(zeros, { complete: false }, asking) }).health).toBe('asking');
  expect(dayOf({ counts: seriesOf([2, ...zeros.slice(1)], { complete: false }, asking) })).toMatchObject({ health: 'violated', count: 2 });
});

it('names a violated rule broken, and what of it could not be decided beside it', () => {
  const counts = seriesOf([null, 3, ...zeros.slice(2)]);
  counts.series[0].undecided = { steps: 1, budget: 1 };
  const day = dayOf({ counts, exercised: seriesOf(tens) });
  expect(day.health).toBe('violated');
  expect(day.why).toMatch(/more steps than its budget/);
  expect(healthsInWords([day, dayOf({}, { enabled: false })])).toBe('Rules: 2 (1 broken, 1 off)');
});

it('puts rules of no pack first', () => {
  const packs = packsOf([rule({ id: 'a', labels: { pack: 'soc2' } }), rule({ id: 'b' }), rule({ id: 'c', labels: { pack: 'soc2' } })]);
  expect(packs.map(({ name, rules }) => [name, rules.map(({ id }) => id)])).toEqual([['', ['b']], ['soc2', ['a', 'c']]]);
});
