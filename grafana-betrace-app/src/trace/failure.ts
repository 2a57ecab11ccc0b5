/**
 * What a rule expected and did not get, or got and must not have: the sentence of the service, and where in the drawn
 * trace the missing span would have been. The sentence is the one that commands and spans have, word for word. No state.
 */
import type { Witness } from '../api/types';
import { type TraceLayout } from './layout';
import { parseDuration, parseTime } from './nanoseconds';
import { type ConditionKind, isLinkRelation, kindOfCondition, onOneLine, type Place, placeOf, type Relation, topTokens, withoutNot } from './ruleText';
import { type Choice, indexById, spanOfWitness } from './witnesses';

export interface Failure {
  /** Something is not there that the rule expects; else something is there, or holds, that the rule forbids. */
  isMissing: boolean;
  kind: ConditionKind;
  /** The service's sentence. */
  sentence: string;
  /** The piece of the rule's text that it is about, on one line. */
  text: string;
  /** The witness by which the rule tells where it should be; null: anywhere in the trace. */
  near: { witness: Witness; place: Place } | null;
}

/** A span that links should lead to is not there, so a whole trace may be missing. */
export const isMissingLink = (failure: Failure): boolean => failure.near !== null && isLinkRelation(failure.near.place.relation);

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
    sentence: failed.message,
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

/** Of relations whose missing span does not go behind all that hangs under the other. */
const POSITIONS: Partial<Record<Relation, Ghost['position']>> = {
  under: 'under',
  'linked to': 'under',
  downstream: 'under',
  before: 'before',
  above: 'before',
  'linked from': 'before',
};

const ANYWHERE: Ghost = { span: -1, position: 'after', from: null, to: null };

function timesOf(place: Place, start: bigint, end: bigint): Pick<Ghost, 'from' | 'to'> {
  const point = place.point === 'end' ? end : start;
  const within = place.within === null ? null : parseDuration(place.within);
  switch (place.relation) {
    case 'after':
    case 'linked to':
    case 'downstream':
      return { from: point, to: within === null ? null : point + within };
    case 'before':
      return { from: within === null ? null : point - within, to: point };
    case 'within':
      return within === null ? { from: null, to: null } : { from: point - within, to: point + within };
    case 'linked from':
      return { from: within === null ? null : start - within, to: end };
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
  return { span, position: POSITIONS[place.relation] ?? 'after', ...timesOf(place, start, start + (parseDuration(witness.duration) ?? 0n)) };
}
