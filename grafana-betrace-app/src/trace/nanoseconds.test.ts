// Times and durations, exact to the nanosecond.
import { formatDuration, parseDuration, parseNanoseconds, parseTime } from './nanoseconds';

describe('times', () => {
  it('reads RFC 3339 to the nanosecond', () => {
    expect(parseTime('2026-11-20T15:05:58.765964923Z')).toBe(1795187158765964923n);
    expect(parseTime('2026-11-20T16:05:58.5+01:00')).toBe(1795187158500000000n);
    expect(parseTime('1969-12-31T23:59:59.999999999Z')).toBe(-1n);
  });

  it('refuses what is no time', () => {
    expect(['', 'now', '2026-11-20', '2026-13-01T00:00:00Z', '2026-11-20T15:05:58'].map(parseTime)).toEqual([null, null, null, null, null]);
  });

  it('reads digits only as nanoseconds', () => {
    expect(parseNanoseconds('1795187158765964923')).toBe(1795187158765964923n);
    expect(['', '1.5', '1e3', '0x10'].map(parseNanoseconds)).toEqual([null, null, null, null]);
  });
});

describe('durations', () => {
  it('has three digits and a unit', () => {
    expect([0n, 999n, 1_000n, 45_600n, 1_230_000n, 999_900_000n, 99_900_000_000n, 125_000_000_000n, -1_500n].map(formatDuration)).toEqual([
      '0ns',
      '999ns',
      '1.00µs',
      '45.6µs',
      '1.23ms',
      '1000ms',
      '99.9s',
      '2m05s',
      '−1.50µs',
    ]);
  });

  it('reads what rules write', () => {
    expect(parseDuration('1m30s')).toBe(90_000_000_000n);
    expect(parseDuration('1.5s')).toBe(1_500_000_000n);
    expect(parseDuration('500ms')).toBe(500_000_000n);
    expect(['', '5', 's', '5 s', '1y'].map(parseDuration)).toEqual([null, null, null, null, null]);
  });
});
