// Bars from series: null is not zero.
import type { Coverage } from '../api/types';
import { coverage } from '../test/fixtures';
import { totalText, totalsOf } from '../rules/PastPanel';
import { bucketInWords } from './Timeline';
import { isOpen, listTimeline, type Series, stepFor, toTimeline as ofAnswer } from './buckets';

const T = ['2026-11-20T10:00:00.000000000Z', '2026-11-20T10:01:00.000000000Z', '2026-11-20T10:02:00.000000000Z'];
const series = (rule: string, severity: string, values: Array<number | null>): Series => ({
  labels: { rule_id: rule, rule, severity },
  points: values.map((value, i) => [T[i], value]),
});

const LAST = { asked: { start: T[0], end: '2026-11-20T10:03:00Z' }, effective_end: '2026-11-20T10:03:00Z', data_from: null };
const toTimeline = (all: Series[], stepMs: number, change: Partial<Coverage> = {}) => ofAnswer({ series: all as never, coverage: coverage({ ...LAST, ...change }) }, stepMs);

describe('bars', () => {
  it('keeps what was not looked at apart from zero', () => {
    const timeline = toTimeline([series('a', 'high', [0, null, 3])], 60_000);
    expect(timeline.buckets.map((bucket) => bucket.count)).toEqual([0, null, 3]);
    expect(timeline).toMatchObject({ highest: 3, total: 3, notLookedAt: 1, isWhole: false });
  });

  it('adds rules, and says when a sum lacks one', () => {
    const timeline = toTimeline(
      [series('a', 'high', [1, 2, null]), series('b', 'low', [1, null, null]), series('c', 'high', [1, 0, null])],
      60_000
    );
    expect(timeline.buckets.map(({ count, rulesNotLookedAt }) => [count, rulesNotLookedAt])).toEqual([
      [3, 0],
      [2, 1],
      [null, 3],
    ]);
    expect(timeline.buckets[0].bySeverity).toEqual({ high: 2, low: 1 });
    expect(timeline.isWhole).toBe(false);
  });

  it('is whole when every rule was looked at everywhere', () =>
    expect(toTimeline([series('a', 'high', [0, 0, 0])], 60_000).isWhole).toBe(true));

  it('has no bars without rules, and then nothing is whole', () => {
    expect(toTimeline([], 60_000)).toEqual({ buckets: [], highest: 0, notLookedAt: 0, total: 0, isWhole: false });
  });

  it('covers its step', () => {
    expect(toTimeline([series('a', 'high', [1])], 60_000).buckets[0]).toMatchObject({ start: Date.parse(T[0]), end: Date.parse(T[1]) });
  });

  it('leaves out points without a time', () =>
    expect(
      toTimeline(
        [
          {
            labels: series('a', 'x', []).labels,
            points: [
              [null, 1],
              ['soon', 1],
            ],
          },
        ],
        1
      ).buckets
    ).toEqual([]));
});

describe('the newest steps', () => {
  const shape = (all: Series[], change: Parameters<typeof toTimeline>[2]) => toTimeline(all, 60_000, change).buckets.map(({ count, isProvisional, rulesNotLookedAt }) => [count, isProvisional, rulesNotLookedAt]);
  const open = { effective_end: '2026-11-20T10:02:30Z' };

  it('are not settled, which is no gap', () => {
    expect(shape([series('a', 'high', [1, 2, null])], open)).toEqual([[1, false, 0], [2, false, 0], [null, true, 0]]);
    expect(toTimeline([series('a', 'high', [1, 2, null])], 60_000, open)).toMatchObject({ notLookedAt: 0, isWhole: true });
  });

  it('are a gap where they could not be read, and an older step is one', () => {
    const failed = [{ start: T[2], end: '2026-11-20T10:03:00Z', reason: 'http' }];
    expect(shape([series('a', 'high', [1, 2, null])], { ...open, windows_failed: failed })[2]).toEqual([null, false, 1]);
    expect(shape([series('a', 'high', [null, 2, null])], { effective_end: '2026-11-20T10:00:30Z' })[0]).toEqual([null, false, 1]);
  });

  const late = { provisional_from: '2026-11-20T10:01:30Z' };

  it('are provisional from where the service says so', () =>
    expect(shape([series('a', 'high', [1, 2, 3])], late)).toEqual([[1, false, 0], [2, true, 0], [3, true, 0]]));

  it('are gaps also where late spans may be hidden, if they were not read or had no trace', () => {
    const failed = [{ start: T[2], end: '2026-11-20T10:03:00Z', reason: 'http' }];
    const unread = toTimeline([series('a', 'high', [1, 2, null])], 60_000, { ...late, windows_failed: failed });
    expect([unread.notLookedAt, unread.isWhole, isOpen(unread.buckets[2])]).toEqual([1, false, false]);
    const quiet = toTimeline([series('a', 'high', [1, 2, null])], 60_000, { ...late, windows_empty: [{ start: T[2], end: '2026-11-20T10:03:00Z' }] });
    expect([quiet.notLookedAt, quiet.buckets[2].isEmpty, quiet.isWhole]).toEqual([1, true, true]);
    const notCounted = toTimeline([series('a', 'high', [1, 2, null])], 60_000, { ...late, ...open });
    expect([notCounted.notLookedAt, isOpen(notCounted.buckets[2])]).toEqual([0, true]);
  });
});

it('says nothing of a step without any trace, also where the service counts zero there', () => {
  const empty = { windows_empty: [{ start: T[0], end: T[1] }] };
  expect(toTimeline([series('a', 'high', [0, 0, 1])], 60_000, empty).buckets.map(({ count, isEmpty }) => [count, isEmpty])).toEqual([[null, true], [0, false], [1, false]]);
  expect(toTimeline([series('a', 'high', [null, 0, 1])], 60_000, { data_from: T[1] })).toMatchObject({ notLookedAt: 1, isWhole: true });
});

it('says of one rule what bars of kept traces stand for, and of several nothing', () => {
  const estimated = { text: '', points: [{ low: 0, high: 35 }, { low: 465, high: 763 }, { low: 20, high: null }] };
  const sampling = { known: 'by_chance' as const, declared: null, text: 'traces are a 10 % sample' };
  const one = { ...series('a', 'high', [0, 60, 20]), estimated };
  const words = (all: Series[]) => toTimeline(all, 60_000, { sampling }).buckets.map((bucket) => bucketInWords(bucket, 'utc').replace(/^.*\d: /, ''));
  expect(words([one])).toEqual([
    'no violations among the traces that were kept; at most 35 happened (95 %)',
    '60 violations (high 60) among the traces that were kept; 465 to 763 happened (95 %)',
    '20 violations (high 20) among the traces that were kept',
  ]);
  expect(words([one, one]).join()).not.toMatch(/happened/);
  const counts = { series: [{ ...one, undecided: { steps: 0, budget: 0 } }], reason: null, coverage: coverage({ ...LAST, sampling }) };
  const total = { seen: 80, low: 500, high: 800, confidence: 0.95 };
  expect(totalText(totalsOf(counts as never))).toBe('80 among the traces that were kept; of others nothing is known');
  expect(totalText(totalsOf({ ...counts, series: [{ ...counts.series[0], estimated: { ...estimated, text: '80 seen; 500 to 800 happened', total } }] } as never))).toBe('80 seen; 500 to 800 happened');
});

describe('bars of a list that is whole', () => {
  const at = (time: string) => ({ time, severity: 'high' as const });

  it('have each violation once, the edges cut as the range is', () => {
    const asked = { start: '2026-11-20T10:00:20Z', end: '2026-11-20T10:02:40Z' };
    const found = ['2026-11-20T10:00:10Z', '2026-11-20T10:01:59Z', '2026-11-20T10:02:00Z', '2026-11-20T10:02:50Z'].map(at);
    const timeline = listTimeline(found, coverage({ ...LAST, asked, effective_end: asked.end }), 60_000);
    expect(timeline.buckets.map(({ count }) => count)).toEqual([1, 1, 2]);
    expect([timeline.buckets[0].start, timeline.buckets[2].end]).toEqual([Date.parse(asked.start), Date.parse(asked.end)]);
    expect(timeline).toMatchObject({ total: 4, isWhole: true, notLookedAt: 0 });
  });

  it('know zero, no trace, and not settled apart', () => {
    const change = { ...LAST, effective_end: '2026-11-20T10:02:30Z', windows_empty: [{ start: T[0], end: T[1] }] };
    const { buckets } = listTimeline([at('2026-11-20T10:02:10Z')], coverage(change), 60_000);
    expect(buckets.map(({ count, isEmpty, isProvisional }) => [count, isEmpty, isProvisional])).toEqual([[null, true, false], [0, false, false], [1, false, true]]);
    const late = listTimeline([], coverage({ ...change, provisional_from: T[1] }), 60_000).buckets;
    expect(late.map(({ count, isEmpty, isProvisional }) => [count, isEmpty, isProvisional])).toEqual([[null, true, false], [0, false, true], [0, false, true]]);
  });
});

describe('steps', () => {
  it.each([
    [60_000, 60, 1],
    [3_600_000, 60, 60],
    [3_600_000, 61, 60],
    [86_400_000, 100, 900],
    [30 * 86_400_000, 10, 3 * 86_400],
    [0, 60, 1],
  ])('%d ms in %d bars: %d s', (range, most, step) => expect(stepFor(range, most)).toBe(step));
});
