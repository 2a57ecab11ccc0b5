/**
 * What a rule expected and did not get, or got and must not have: in words, and where in the drawn trace it would have been. The words never say
 * more than the service did: they name the clause that failed, whether its text is about something that is not there or that is there, and the
 * text itself. No state.
 */
import { t } from '@grafana/i18n';

import type { Witness } from '../api/types';
import { type TraceLayout } from './layout';
import { parseDuration, parseTime } from './nanoseconds';
import { type ConditionKind, kindOfCondition, onOneLine, type Place, placeOf, topTokens, withoutNot } from './ruleText';
import { type Choice, indexById, spanOfWitness } from './witnesses';

export interface Failure {
  /** Something is not there that the rule expects; else something is there, or holds, that the rule forbids. */
  isMissing: boolean;
  kind: ConditionKind;
  /** One sentence, which ends where the text follows. */
  headline: string;
  /** The piece of the rule's text that it is about, on one line. */
  text: string;
  /** The witness by which the rule tells where it should be; null: anywhere in the trace. */
  near: { witness: Witness; place: Place } | null;
}

function missingHeadline(kind: ConditionKind, isNear: boolean): string {
  switch (kind) {
    case 'span':
      return t('trace.failure.missing-span', 'Missing: no span of this trace meets');
    case 'place':
      return isNear
        ? t('trace.failure.missing-place', 'Missing here: no span of this trace meets')
        : t('trace.failure.missing-span', 'Missing: no span of this trace meets');
    case 'order':
      return t('trace.failure.missing-order', 'Missing: this order of spans is not in the trace');
    case 'count':
      return t('trace.failure.missing-count', 'Expected, but the numbers are not so');
    case 'condition':
      return t('trace.failure.missing-condition', 'Expected, but this does not hold');
  }
}

function presentHeadline(kind: ConditionKind, clause: string): string {
  if (clause === 'condition') {
    return kind === 'count'
      ? t('trace.failure.bad-count', 'The rule describes bad traces, and these numbers are so')
      : t('trace.failure.bad-condition', 'The rule describes bad traces, and this holds');
  }
  switch (kind) {
    case 'span':
    case 'place':
      return t('trace.failure.forbidden-span', 'Must not be there, but a span of this trace meets');
    case 'order':
      return t('trace.failure.forbidden-order', 'Must not be, but spans are in this order');
    case 'count':
      return t('trace.failure.forbidden-count', 'Must not be, but the numbers are so');
    case 'condition':
      return t('trace.failure.forbidden-condition', 'Must not be, but this holds');
  }
}

/** `c.where(…)` asks something of a span that is there: it fails without anything being missing. */
function isAboutBinding(text: string, witnesses: readonly Witness[]): boolean {
  const head = topTokens(text)[0]?.text.split('.')[0];
  return witnesses.some((witness) => witness.binding && witness.binding === head);
}

function nearWitness(text: string, witnesses: readonly Witness[]): Failure['near'] {
  const bindings = new Set(witnesses.flatMap((witness) => (witness.binding ? [witness.binding] : [])));
  const place = placeOf(text, bindings);
  const witness = place && witnesses.find((candidate) => candidate.binding === place.binding);
  return place && witness ? { witness, place } : null;
}

/** What failed for this choice of spans; null: the service did not say. */
export function describeFailure(choice: Choice): Failure | null {
  const { failed } = choice;
  if (!failed || !failed.text) {
    return null;
  }
  const { isNot, text } = withoutNot(failed.text);
  const isMissing = (failed.clause === 'always') !== isNot;
  const kind = isAboutBinding(text, choice.witnesses) ? 'condition' : kindOfCondition(text);
  const near = isMissing && kind === 'place' ? nearWitness(text, choice.witnesses) : null;
  return {
    isMissing,
    kind,
    near,
    text: onOneLine(text),
    headline: isMissing ? missingHeadline(kind, near !== null) : presentHeadline(kind, failed.clause),
  };
}

/** A row that stands for what is missing. */
export interface Ghost {
  /** The span (its place) beside which it is drawn; −1: at the end, it could be anywhere. */
  span: number;
  position: 'before' | 'under' | 'after';
  /** The time in which it would have been; null: the whole trace. */
  from: bigint | null;
  to: bigint | null;
}

const ANYWHERE: Ghost = { span: -1, position: 'after', from: null, to: null };

function timesOf(place: Place, start: bigint, end: bigint): Pick<Ghost, 'from' | 'to'> {
  const point = place.point === 'end' ? end : start;
  const within = place.within === null ? null : parseDuration(place.within);
  switch (place.relation) {
    case 'after':
      return { from: point, to: within === null ? null : point + within };
    case 'before':
      return { from: within === null ? null : point - within, to: point };
    case 'within':
      return within === null ? { from: null, to: null } : { from: point - within, to: point + within };
    case 'under':
      return { from: start, to: end };
    case 'above':
    case 'sibling':
      return { from: null, to: null };
  }
}

/** Where to draw what is missing; null: nothing is. */
export function ghostOf(layout: TraceLayout, failure: Failure | null): Ghost | null {
  if (!failure?.isMissing || failure.kind === 'count' || failure.kind === 'condition') {
    return null;
  }
  if (!failure.near) {
    return ANYWHERE;
  }
  const { witness, place } = failure.near;
  const span = spanOfWitness(indexById(layout.spans), layout.spans, witness);
  const start = parseTime(witness.start);
  if (span < 0 || start === null) {
    return ANYWHERE;
  }
  const position = place.relation === 'under' ? 'under' : place.relation === 'before' || place.relation === 'above' ? 'before' : 'after';
  return { span, position, ...timesOf(place, start, start + (parseDuration(witness.duration) ?? 0n)) };
}
