/**
 * The bars of the timeline: from the list where it is all there is, else from the service's series. A step that nobody looked at (null) is not a step
 * without violations (0), and neither is one without any trace. A sum over several rules is only a lower bound if one of them was not read. The newest
 * steps, which are not settled, are provisional: what is found there is shown, and no more is said. No state.
 */
import type { Coverage, Series as Answer, Violation } from '../api/types';
import { lacksTraces } from '../components/CoverageNotice';
import { isWithoutTraces, openFrom, provisionalFrom, startOf, valueOf } from './steps';

/** openapi.yaml, Series. */
export interface Series {
  labels: { rule_id: string; rule: string; severity: string };
  points: ReadonlyArray<ReadonlyArray<string | number | null>>;
  estimated?: Answer['series'][number]['estimated'];
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
  /** Not settled yet, or late spans may be hidden: the count is what is found so far; null: nothing was counted there yet. */
  isProvisional: boolean;
  /** Not one trace is there: nothing can be said. Its count is null. */
  isEmpty: boolean;
  /** Traces were sampled, so the count is of those that were kept. Left out: nothing says so. */
  isSampled?: boolean;
  /** Of one rule: between what so many happened, with 95 % confidence; high null: there is no such bound. */
  happened?: { low: number; high: number | null };
}

export interface Timeline {
  buckets: Bucket[];
  /** The highest count; 0 when there is none. */
  highest: number;
  /** Steps of which nothing is known, and that are no newest ones. */
  notLookedAt: number;
  total: number;
  /** All rules were looked at in all steps but the newest, of which nothing was counted yet. */
  isWhole: boolean;
}

type Gaps = Pick<Coverage, 'asked' | 'data_from' | 'windows_empty'>;
type Dated = Pick<Violation, 'time' | 'severity'>;

const emptyBucket = (start: number, end: number): Bucket => ({ start, end, count: null, rulesNotLookedAt: 0, bySeverity: {}, isProvisional: false, isEmpty: false });

function add(bucket: Bucket, severity: string, value: number): void {
  bucket.count = (bucket.count ?? 0) + value;
  if (value > 0) {
    bucket.bySeverity[severity] = (bucket.bySeverity[severity] ?? 0) + value;
  }
}

/** One of the newest, of which nothing was counted yet, which is no gap. */
export const isOpen = ({ count, isProvisional, isEmpty, rulesNotLookedAt }: Bucket): boolean => count === null && isProvisional && !isEmpty && rulesNotLookedAt === 0;

/** What has no trace says nothing, whatever was counted there. */
function markEmpty(bucket: Bucket, gaps: Gaps): void {
  const isBefore = Boolean(gaps.data_from) && Date.parse(gaps.data_from ?? '') >= bucket.end;
  if (!bucket.count && (isBefore || isWithoutTraces(gaps, bucket.start, bucket.end))) {
    bucket.isEmpty = true;
    bucket.count = null;
    bucket.rulesNotLookedAt = 0;
  }
}

const markSampled = (buckets: Bucket[], coverage: Coverage): Bucket[] => (lacksTraces(coverage) ? buckets.map((bucket) => ({ ...bucket, isSampled: true })) : buckets);

function timelineOf(buckets: Bucket[]): Timeline {
  const counts = buckets.map((bucket) => bucket.count ?? 0);
  return {
    buckets,
    highest: counts.reduce((most, count) => Math.max(most, count), 0),
    notLookedAt: buckets.filter((bucket) => bucket.count === null && !isOpen(bucket)).length,
    total: counts.reduce((sum, count) => sum + count, 0),
    isWhole: buckets.length > 0 && buckets.every((bucket) => bucket.rulesNotLookedAt === 0),
  };
}

/** The buckets of the violations of the list, by the time that the list gives them; those of a trace that began at an end of the range may lie beyond it. */
function fill(buckets: readonly Bucket[], violations: readonly Dated[]): void {
  violations.forEach(({ time, severity }) => {
    const at = buckets.findIndex((bucket) => Date.parse(time) < bucket.end);
    const bucket = buckets[at < 0 ? buckets.length - 1 : at];
    if (bucket) {
      add(bucket, severity, 1);
    }
  });
}

/** Of a list that is whole: chart and list are the same evaluation, and each violation is in one bar. */
export function listTimeline(violations: readonly Dated[], coverage: Coverage, stepMs: number): Timeline {
  const [from, to] = [Date.parse(coverage.asked.start), Date.parse(coverage.asked.end)];
  const settled = Date.parse(coverage.effective_end);
  const certain = Math.min(settled, provisionalFrom(coverage));
  const buckets: Bucket[] = [];
  for (let start = Math.floor(from / stepMs) * stepMs; start < to; start += stepMs) {
    const bucket = emptyBucket(Math.max(start, from), Math.min(start + stepMs, to));
    buckets.push({ ...bucket, count: 0, isProvisional: bucket.end > certain });
  }
  fill(buckets, violations);
  buckets.forEach((bucket) => bucket.end <= settled && markEmpty(bucket, coverage));
  return timelineOf(markSampled(buckets, coverage));
}

function addPoint(buckets: Map<number, Bucket>, severity: string, stepMs: number, openMs: number, point: Answer['series'][number]['points'][number]): void {
  const start = startOf(point);
  if (Number.isNaN(start)) {
    return;
  }
  const bucket = buckets.get(start) ?? emptyBucket(start, start + stepMs);
  buckets.set(start, bucket);
  const value = valueOf(point);
  if (value !== null) {
    add(bucket, severity, value);
  } else if (start >= openMs) {
    bucket.isProvisional = true;
  } else {
    bucket.rulesNotLookedAt++;
  }
}

/** Bounds of several rules are none of their sum. */
function markHappened(buckets: Map<number, Bucket>, [only, ...others]: Answer['series']): void {
  only?.estimated?.points?.forEach(({ low, high }, at) => {
    const bucket = others.length ? undefined : buckets.get(startOf(only.points[at]));
    if (bucket && low !== null) {
      bucket.happened = { low, high };
    }
  });
}

/** Adds the rules' series step by step. */
export function toTimeline(answer: Pick<Answer, 'series' | 'coverage'>, stepMs: number): Timeline {
  const byStart = new Map<number, Bucket>();
  const provisional = provisionalFrom(answer.coverage);
  answer.series.forEach(({ labels, points }) => {
    const open = openFrom(answer, points, stepMs);
    points.forEach((point) => addPoint(byStart, labels.severity, stepMs, open, point));
  });
  markHappened(byStart, answer.series);
  const buckets = [...byStart.values()].sort((a, b) => a.start - b.start);
  buckets.forEach((bucket) => {
    if (!bucket.isProvisional) {
      markEmpty(bucket, answer.coverage);
    }
    bucket.isProvisional ||= bucket.end > provisional;
  });
  return timelineOf(markSampled(buckets, answer.coverage));
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** A round step, in seconds, that makes at most `most` bars of a range. */
export function stepFor(rangeMs: number, most: number): number {
  const least = rangeMs / 1000 / Math.max(1, most);
  return STEPS_S.find((step) => step >= least) ?? Math.ceil(least / 86_400) * 86_400;
}
