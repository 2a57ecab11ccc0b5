// Bars from series: null is not zero.
import { type Series, stepFor, toTimeline } from './buckets';

const T = ['2026-11-20T10:00:00.000000000Z', '2026-11-20T10:01:00.000000000Z', '2026-11-20T10:02:00.000000000Z'];
const series = (rule: string, severity: string, values: Array<number | null>): Series => ({
  labels: { rule_id: rule, rule, severity },
  points: values.map((value, i) => [T[i], value]),
});

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
