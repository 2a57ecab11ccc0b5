/**
 * The bars of the timeline from the service's series. A step that nobody looked at (null) is not a step without
 * violations (0). A sum over several rules is only a lower bound if one of them was not read. No state.
 */

/** openapi.yaml, Series. */
export interface Series {
  labels: { rule_id: string; rule: string; severity: string };
  points: ReadonlyArray<ReadonlyArray<string | number | null>>;
}

export interface Bucket {
  /** Milliseconds since the epoch. */
  start: number;
  end: number;
  /** Violating traces over all rules that were looked at; null: no rule was. */
  count: number | null;
  /** Rules that were not looked at in this step; with a count: it may be more. */
  rulesNotLookedAt: number;
  /** Counts above 0, by severity. */
  bySeverity: Record<string, number>;
}

export interface Timeline {
  buckets: Bucket[];
  /** The highest count; 0 when there is none. */
  highest: number;
  notLookedAt: number;
  total: number;
  /** All rules were looked at in all steps. */
  isWhole: boolean;
}

function addPoint(
  buckets: Map<number, Bucket>,
  severity: string,
  stepMs: number,
  [time, value]: ReadonlyArray<string | number | null>
): void {
  const start = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  if (Number.isNaN(start)) {
    return;
  }
  const bucket = buckets.get(start) ?? { start, end: start + stepMs, count: null, rulesNotLookedAt: 0, bySeverity: {} };
  buckets.set(start, bucket);
  if (typeof value !== 'number') {
    bucket.rulesNotLookedAt++;
    return;
  }
  bucket.count = (bucket.count ?? 0) + value;
  if (value > 0) {
    bucket.bySeverity[severity] = (bucket.bySeverity[severity] ?? 0) + value;
  }
}

/** Adds the rules' series step by step. */
export function toTimeline(series: readonly Series[], stepMs: number): Timeline {
  const byStart = new Map<number, Bucket>();
  series.forEach(({ labels, points }) => points.forEach((point) => addPoint(byStart, labels.severity, stepMs, point)));
  const buckets = [...byStart.values()].sort((a, b) => a.start - b.start);
  const counts = buckets.map((bucket) => bucket.count ?? 0);
  return {
    buckets,
    highest: counts.reduce((most, count) => Math.max(most, count), 0),
    notLookedAt: buckets.filter((bucket) => bucket.count === null).length,
    total: counts.reduce((sum, count) => sum + count, 0),
    isWhole: buckets.length > 0 && buckets.every((bucket) => bucket.rulesNotLookedAt === 0),
  };
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** A round step, in seconds, that makes at most `most` bars of a range. */
export function stepFor(rangeMs: number, most: number): number {
  const least = rangeMs / 1000 / Math.max(1, most);
  return STEPS_S.find((step) => step >= least) ?? Math.ceil(least / 86_400) * 86_400;
}
