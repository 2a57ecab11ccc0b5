// Violations of the last day by rule, from the series of the service. A step that was not read in full is null there and counts as not known here: it is
// neither a zero nor left out silently. The newest steps, which are not settled yet, are open: no step of the day is hedged for them. No state.
import { SEVERITIES, type Series, type Severity } from '../api/types';
import { exercisedOf } from '../violations/NotExercised';
import { isWithoutTraces, openFrom, startOf, stepOf, valueOf } from '../violations/steps';

export interface RuleCount {
  ruleId: string;
  name: string;
  severity: Severity;
  count: number;
  /** of them in the newest hour */
  recent: number;
  /** where traces were sampled: what the count stands for, in one sentence that says of how many points */
  standsFor?: string;
}

export interface DayCounts {
  /** with violations first, most of them and most severe first */
  rules: RuleCount[];
  total: number;
  /** steps over all rules, without open ones; those without any trace; and all others of which nothing is known */
  steps: number;
  emptySteps: number;
  unknownSteps: number;
  /** where counting begins, the newest hour of it begins, and what is open does; in milliseconds. NaN: there is no step */
  from: number;
  recentFrom: number;
  to: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** So many numbers gives the service in one answer. */
const MOST_CELLS = 200_000;

/** Of all enabled rules, also of those in shadow: as the list of violations has them. Of very many in longer steps. */
export function dayQuestion(rules: number) {
  const minutes = [10, 30].find((one) => rules * ((24 * 60) / one + 2) <= MOST_CELLS) ?? 60;
  return { start: 'now-24h', end: 'now', step: `${minutes}m`, shadow: true };
}

export const minutesOf = (series: Pick<Series, 'series'>) => Math.round(stepOf(series) / MINUTE_MS);

type Point = Series['series'][number]['points'][number];

const sumOf = (points: readonly Point[]) => points.reduce((sum, point) => sum + (valueOf(point) ?? 0), 0);

function inOrder(a: RuleCount, b: RuleCount): number {
  return b.count - a.count || SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) || a.name.localeCompare(b.name);
}

export function dayCounts(series: Series): DayCounts {
  const stepMs = stepOf(series);
  const opens = series.series.map(({ points }) => openFrom(series, points, stepMs));
  const points = series.series[0]?.points ?? [];
  const last = points.length ? startOf(points[points.length - 1]) : Number.NaN;
  const recentFrom = last - HOUR_MS; // whole steps of an hour, and the newest
  const rules = series.series.map(({ labels, points: all, estimated }) => ({
    ruleId: labels.rule_id,
    name: labels.rule || labels.rule_id,
    severity: labels.severity,
    count: sumOf(all),
    recent: sumOf(all.filter((point) => startOf(point) >= recentFrom)),
    ...((estimated?.total ?? estimated?.of_known) ? { standsFor: estimated.text } : {}),
  }));
  const isEmpty = (point: Point) => isWithoutTraces(series.coverage, startOf(point), startOf(point) + stepMs);
  const settled = series.series.flatMap((one, at) => one.points.filter((point) => !(startOf(point) >= opens[at])));
  return {
    rules: [...rules].sort(inOrder),
    total: rules.reduce((sum, rule) => sum + rule.count, 0),
    steps: settled.length,
    emptySteps: settled.filter(isEmpty).length,
    unknownSteps: settled.filter((point) => valueOf(point) === null && !isEmpty(point)).length,
    from: points.length ? startOf(points[0]) : Number.NaN,
    recentFrom,
    to: Math.min(last + stepMs, Date.parse(series.coverage.asked.end), ...opens),
  };
}

/** How many rules a trace of the day is about; and whether that is known of all of them. */
export function exercisedRules(exercised: Series): { rules: number; isWhole: boolean } {
  const known = exercised.series.map(({ points }) => exercisedOf(exercised, points));
  return { rules: known.filter((one) => one === 'exercised').length, isWhole: !known.includes('unknown') };
}
