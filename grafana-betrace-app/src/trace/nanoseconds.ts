/**
 * Times and durations in nanoseconds. They pass 2^53, so they are bigint from the first character to the last division: a double would
 * move spans of one trace by hundreds of nanoseconds against each other. No state.
 */

const NS_PER_SECOND = 1_000_000_000n;
const RFC_3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;

/** Nanoseconds since the epoch of an RFC 3339 time, exactly; null: it is none. */
export function parseTime(text: string | null): bigint | null {
  const match = RFC_3339.exec(text ?? '');
  if (!match) {
    return null;
  }
  const [, day, clock, fraction = '', zone] = match;
  const ms = Date.parse(`${day}T${clock}${zone.toUpperCase()}`);
  return Number.isNaN(ms) ? null : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0') || '0');
}

/** A number of nanoseconds in digits, as the service writes it; null: it is none. */
export function parseNanoseconds(text: string): bigint | null {
  return /^-?\d{1,20}$/.test(text) ? BigInt(text) : null;
}

/** Milliseconds since the epoch, for dates and axes. */
export function toMilliseconds(ns: bigint): number {
  return Number(ns / 1_000_000n);
}

const UNITS: ReadonlyArray<[bigint, string]> = [
  [NS_PER_SECOND, 's'],
  [1_000_000n, 'ms'],
  [1_000n, 'µs'],
];

/** Three digits and a unit, as `1.23s`, `45.6ms`, `789µs`; from 100 s on `2m05s`. A negative one keeps its sign. */
export function formatDuration(ns: bigint): string {
  if (ns < 0n) {
    return `−${formatDuration(-ns)}`;
  }
  if (ns >= 100n * NS_PER_SECOND) {
    const seconds = ns / NS_PER_SECOND;
    return `${seconds / 60n}m${String(seconds % 60n).padStart(2, '0')}s`;
  }
  for (const [size, unit] of UNITS) {
    if (ns >= size) {
      const amount = Number((ns * 1000n) / size) / 1000;
      return `${amount.toFixed(amount < 10 ? 2 : amount < 100 ? 1 : 0)}${unit}`;
    }
  }
  return `${ns}ns`;
}

const DURATION_PART = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/y;
const UNIT_NS: Record<string, bigint> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: NS_PER_SECOND,
  m: 60n * NS_PER_SECOND,
  h: 3600n * NS_PER_SECOND,
  d: 86_400n * NS_PER_SECOND,
};

/** A duration as rules and the service write it (`500ms`, `1m30s`, `1.5s`); null: it is none. */
export function parseDuration(text: string | null): bigint | null {
  if (text === null) {
    return null;
  }
  let total = 0n;
  DURATION_PART.lastIndex = 0;
  while (DURATION_PART.lastIndex < text.length) {
    const match = DURATION_PART.exec(text);
    if (!match) {
      return null;
    }
    const [whole, fraction = ''] = match[1].split('.');
    const unit = UNIT_NS[match[2]];
    total += BigInt(whole) * unit + (BigInt(fraction || '0') * unit) / 10n ** BigInt(fraction.length);
  }
  return text === '' ? null : total;
}
