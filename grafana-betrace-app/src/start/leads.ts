// What to look at first, from a day of counts: rules that the day does not speak about, and whether what is broken began today. No state.
import { t } from '@grafana/i18n';
import { PLAIN } from '../i18n';
import type { FirstViolation, Rule, Series } from '../api/types';
import { gapLines } from '../components/CoverageNotice';
import { formatTime } from '../components/TimeText';
import { reasonSentence } from '../violations/coverageWords';
import { openFrom, provisionalFrom, startOf, stepOf, valueOf } from '../violations/steps';
import { minutesOf } from './dayCounts';

export interface Unjudged {
  ruleId: string;
  name: string;
  /** text: it does not compile. budget: it takes more steps on a trace than it may. open: verdicts are inconclusive for another reason. unread: no
      step of the day is known. idle: no trace of the day is about it. */
  kind: 'text' | 'budget' | 'open' | 'unread' | 'idle';
  why: string;
}

const numbersOf = (points: Series['series'][number]['points']) => points.map((point) => point[1]).filter((value): value is number => typeof value === 'number');

/** Rules with traces of which nobody knows whether they violate, whatever the other steps of the day say. */
function undecidedOf(counts: Series): Unjudged[] {
  return counts.series.flatMap(({ labels, points, undecided }): Unjudged[] => {
    const said = { ruleId: labels.rule_id, name: labels.rule };
    const numbers = { n: undecided.steps, all: points.length, minutes: minutesOf(counts) };
    if (undecided.budget > 0) {
      const why = t('leads.budget', 'It takes more steps than its budget on traces of {{n}} of {{all}} steps of {{minutes}} minutes. Give the rule a larger budget, or tie its spans together.', { ...numbers, n: undecided.budget });
      return [{ ...said, kind: 'budget', why }];
    }
    const why = t('leads.open', 'Traces of {{n}} of {{all}} steps of {{minutes}} minutes cannot be decided. The verdict of such a trace says why.', numbers);
    return undecided.steps > 0 ? [{ ...said, kind: 'open', why }] : [];
  });
}

function unreadOf({ series }: Series): Unjudged[] {
  const why = t('leads.unread', 'Not one step of the day is known');
  return series.filter(({ points }) => numbersOf(points).length === 0).map(({ labels }) => ({ ruleId: labels.rule_id, name: labels.rule, kind: 'unread', why }));
}

function idleOf(exercised: Series): Unjudged[] {
  return exercised.series.flatMap(({ labels, points }) => {
    const known = numbersOf(points);
    const settled = points.filter((point) => !(startOf(point) >= openFrom(exercised, points, stepOf(exercised))));
    const isWhole = exercised.coverage.complete && known.length >= settled.length && gapLines(exercised.coverage, 'utc').length === 0;
    const wholeText = exercised.coverage.provisional_from
      ? t('leads.idle-yet', 'No trace of the last 24 hours is about it so far')
      : t('leads.idle-day', 'No trace of the last 24 hours is about it, as far as they are settled');
    const why = isWhole
      ? wholeText
      : t('leads.idle', 'No trace is about it in the steps of {{minutes}} minutes that are known: {{known}} of {{all}}', { known: known.length, all: points.length, minutes: minutesOf(exercised) });
    return known.length > 0 && known.every((value) => value === 0) ? [{ ruleId: labels.rule_id, name: labels.rule, kind: 'idle' as const, why }] : [];
  });
}

/** Rules that are enabled and of which the day says nothing, or not all because traces could not be decided. */
export function unjudgedRules(rules: readonly Rule[], counts: Series | undefined, exercised: Series | undefined): Unjudged[] {
  const text = rules.flatMap(({ id, name, broken }): Unjudged[] => (broken === null ? [] : [{ ruleId: id, name, kind: 'text', why: broken }]));
  const all = [...text, ...(counts ? [...undecidedOf(counts), ...unreadOf(counts)] : []), ...(exercised ? idleOf(exercised) : [])];
  return all.filter((one, at) => all.findIndex(({ ruleId }) => ruleId === one.ruleId) === at);
}

const DAY_MS = 24 * 3600 * 1000;

/** Whether traces of the day before are about the rule: what was not broken then, or not known to have been there, is not new today. */
export type DayBefore = 'exercised' | 'idle' | 'unknown';

/** `exercised`: the numbers of steps of an hour. Of the steps that end before the last 24 hours begin. */
export function dayBefore(exercised: Series, nowMs: number): DayBefore {
  const HOUR_MS = 3600 * 1000;
  const points = exercised.series.flatMap((one) => one.points).filter((point) => startOf(point) + HOUR_MS <= nowMs - DAY_MS);
  if (points.some((point) => (valueOf(point) ?? 0) > 0)) {
    return 'exercised';
  }
  const isWhole = exercised.coverage.complete && gapLines(exercised.coverage, 'utc').length === 0;
  const isCertain = (point: (typeof points)[number]) => valueOf(point) === 0 && startOf(point) + HOUR_MS <= provisionalFrom(exercised.coverage);
  return isWhole && points.length > 0 && points.every(isCertain) ? 'idle' : 'unknown';
}

/** Nothing from before it in what was read, and that was everything. */
export const mayBeNew = (first: FirstViolation, nowMs: number): boolean =>
  first.violation !== null && first.proven && !first.at_edge_of_data && Date.parse(first.violation.time) >= nowMs - DAY_MS;

function todayText(before: DayBefore, values: { time: string }): string {
  switch (before) {
    case 'exercised':
      return t('leads.today', 'Began at {{time}}; the day before it was not broken', { ...PLAIN, ...values });
    case 'idle':
      return t('leads.today-idle', 'The first that was found is of {{time}}; no trace of the day before is about the rule', { ...PLAIN, ...values });
    case 'unknown':
      return t('leads.today-unknown', 'The first that was found is of {{time}}; whether traces of the day before are about the rule is not known', { ...PLAIN, ...values });
  }
}

/** today: it did not happen in the day before, which was read and had traces that the rule is about. before: it did. unknown: neither is proven. */
export function beganWhen(first: FirstViolation, nowMs: number, zone: string, day: DayBefore = 'unknown'): { kind: 'today' | 'before' | 'unknown'; text: string } {
  const time = first.violation ? formatTime(first.violation.time, zone) : '';
  if (first.violation && Date.parse(first.violation.time) < nowMs - DAY_MS) {
    return { kind: 'before', text: t('leads.before', 'Was broken the day before, too') };
  }
  if (mayBeNew(first, nowMs)) {
    return { kind: day === 'exercised' ? 'today' : 'unknown', text: todayText(day, { time }) };
  }
  if (first.violation && first.proven) {
    return { kind: 'unknown', text: t('leads.edge', 'Broken since the oldest traces that there are, {{time}}; it may have begun before', { ...PLAIN, time }) };
  }
  return { kind: 'unknown', text: t('leads.unproven', 'When it began is not known: {{reason}}', { ...PLAIN, reason: reasonSentence(first.reason ?? null) }) };
}
