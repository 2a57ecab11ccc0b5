/**
 * The traces that span links tie to the violating one: their order, which of them the page reads at once, and how the rule asks for the link. By
 * which spans they are tied the service says (linkLines.ts). No state.
 */
import { t } from '@grafana/i18n';

import type { TraceVerdicts, Violation } from '../api/types';
import { PLAIN } from '../i18n';
import { describeFailure, isMissingLink, type Failure } from './failure';
import { parseTime } from './nanoseconds';
import { isLinkRelation, placeOf } from './ruleText';
import { choicesOf, traceOfWitness, type Choice } from './witnesses';

export type LinkedFacts = TraceVerdicts['linked'][number];

/** What people call a trace: its root. null: it has none, or the trace is not known. */
export function nameOfTrace(trace: Pick<TraceVerdicts, 'root_name' | 'root_service'> | null | undefined): string | null {
  return trace?.root_name
    ? t('trace.linked.name', '{{name}} of {{service}}', { ...PLAIN, name: trace.root_name, service: trace.root_service ?? '–' })
    : null;
}

export interface LinkedTrace {
  traceId: string;
  /** null: the service did not list it, and a witness names it */
  facts: LinkedFacts | null;
  hasWitness: boolean;
  /** Nanoseconds from the start of the trace that is looked at to its own; null: not known. */
  after: bigint | null;
}

/** Traces that are read without being asked for. */
export const READ_AT_ONCE = 3;

/** Those with witnesses of this choice first, each part in the service's order. Older services list none. */
export function linkedTraces(verdicts: TraceVerdicts, violation: Violation | null, choice: number): LinkedTrace[] {
  const witnesses = violation ? choicesOf(violation)[choice].witnesses.map((one) => traceOfWitness(one, violation)) : [];
  const withWitness = new Set(witnesses.filter((id) => id !== verdicts.trace_id));
  const begin = parseTime(verdicts.start);
  const listed = (verdicts.linked ?? []).map((facts) => {
    const start = parseTime(facts.start);
    const after = start === null || begin === null ? null : start - begin;
    return { traceId: facts.trace_id, facts, hasWitness: withWitness.has(facts.trace_id), after };
  });
  const known = new Set(listed.map(({ traceId }) => traceId));
  const others = [...withWitness].filter((id) => !known.has(id)).map((traceId) => ({ traceId, facts: null, hasWitness: true, after: null }));
  const all = [...listed, ...others];
  return [...all.filter((one) => one.hasWitness), ...all.filter((one) => !one.hasWitness)];
}

/** Whether the trace at this place of the list is read without being asked for: of many only those that hold witnesses. */
export function isReadAtOnce(traces: readonly LinkedTrace[], at: number): boolean {
  return at < READ_AT_ONCE && (traces.length <= READ_AT_ONCE || traces[at].hasWitness);
}

/** How the rule asks for a link, with the span that it starts from; null: what failed does not say so. */
export function linkText({ witnesses, failed }: Choice): string | null {
  const names = new Set(witnesses.flatMap((witness) => (witness.binding ? [witness.binding] : [])));
  const place = failed && placeOf(failed.text, names);
  const witness = place && isLinkRelation(place.relation) ? witnesses.find((one) => one.binding === place.binding) : undefined;
  if (!place || !witness) {
    return null;
  }
  const values = { ...PLAIN, name: witness.name, service: witness.service };
  switch (place.relation) {
    case 'linked from':
      return t('trace.linked.from', 'linked from {{name}} of {{service}}', values);
    case 'downstream':
      return t('trace.linked.downstream', 'downstream of {{name}} of {{service}}', values);
    default:
      return t('trace.linked.to', 'linked to {{name}} of {{service}}', values);
  }
}

/** The failure that a link explains which is not there, and whether the violation rests on no such trace having come, others or not; null: no link is missing. */
export function missingLink(violation: Violation | null, choice: number): { failure: Failure; restsOnNoTrace: boolean } | null {
  const failure = violation && describeFailure(choicesOf(violation)[choice]);
  const restsOnNoTrace = violation?.rests_on === 'no linked trace';
  return failure && (restsOnNoTrace || isMissingLink(failure)) ? { failure, restsOnNoTrace } : null;
}
