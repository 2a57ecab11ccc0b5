// What to look at first, from a day of counts: rules that the day does not speak about, and whether what is broken began today. No state.
import { t } from '@grafana/i18n';
import { PLAIN } from '../i18n';
import type { FirstViolation, Rule, Series } from '../api/types';
import { formatTime } from '../components/TimeText';
import { reasonSentence } from '../violations/coverageWords';

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
function undecidedOf({ series }: Series): Unjudged[] {
  return series.flatMap(({ labels, points, undecided }): Unjudged[] => {
    const said = { ruleId: labels.rule_id, name: labels.rule };
    const numbers = { n: undecided.steps, all: points.length };
    if (undecided.budget > 0) {
      const why = t('leads.budget', 'It takes more steps than its budget on traces of {{n}} of {{all}} ten-minute steps. Give the rule a larger budget, or tie its spans together.', { ...numbers, n: undecided.budget });
      return [{ ...said, kind: 'budget', why }];
    }
    const why = t('leads.open', 'Traces of {{n}} of {{all}} ten-minute steps cannot be decided. The verdict of such a trace says why.', numbers);
    return undecided.steps > 0 ? [{ ...said, kind: 'open', why }] : [];
  });
}

function unreadOf({ series }: Series): Unjudged[] {
  const why = t('leads.unread', 'Not one step of the day is known');
  return series.filter(({ points }) => numbersOf(points).length === 0).map(({ labels }) => ({ ruleId: labels.rule_id, name: labels.rule, kind: 'unread', why }));
}

function idleOf({ series }: Series): Unjudged[] {
  return series.flatMap(({ labels, points }) => {
    const known = numbersOf(points);
    const why = t('leads.idle', 'No trace is about it in the ten-minute steps that are known: {{known}} of {{all}}', { known: known.length, all: points.length });
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

/** today: it did not happen in the day before, which was read. before: it did. unknown: neither is proven. */
export function beganWhen(first: FirstViolation, nowMs: number, zone: string): { kind: 'today' | 'before' | 'unknown'; text: string } {
  const time = first.violation ? formatTime(first.violation.time, zone) : '';
  if (first.violation && Date.parse(first.violation.time) < nowMs - DAY_MS) {
    return { kind: 'before', text: t('leads.before', 'Was broken the day before, too') };
  }
  if (first.violation && first.proven && !first.at_edge_of_data) {
    return { kind: 'today', text: t('leads.today', 'Began at {{time}}; the day before it was not broken', { ...PLAIN, time }) };
  }
  if (first.violation && first.proven) {
    return { kind: 'unknown', text: t('leads.edge', 'Broken since the oldest traces that there are, {{time}}; it may have begun before', { ...PLAIN, time }) };
  }
  return { kind: 'unknown', text: t('leads.unproven', 'When it began is not known: {{reason}}', { ...PLAIN, reason: reasonSentence(first.reason ?? null) }) };
}
