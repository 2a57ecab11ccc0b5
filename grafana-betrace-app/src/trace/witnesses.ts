/**
 * Which spans of a trace show which violation. A witness names a span by its id, which two halves of a call may share, so the name, the
 * service and the start decide between them. Witnesses may be of the violating trace and of others that links tie to it. No state.
 */
import type { TraceSpan, Violation, Witness } from '../api/types';
import { parseTime } from './nanoseconds';

export type Failed = NonNullable<Violation['failed']>;

export interface Choice {
  witnesses: readonly Witness[];
  failed: Failed | null;
}

export interface Mark {
  ruleId: string;
  ruleName: string;
  /** The trace that violates the rule, which need not be the span's own. */
  violatingTrace: string;
  /** Names of the rule for this span; empty: it is a witness without a name. */
  bindings: string[];
}

export type Violating = Pick<Violation, 'rule_id' | 'rule_name' | 'trace_id' | 'witnesses' | 'failed' | 'more_choices'>;

/** The place of a witness among the spans; −1: it is not among them. */
export function spanOfWitness(spansById: ReadonlyMap<string, readonly number[]>, spans: readonly TraceSpan[], witness: Witness): number {
  const candidates = (witness.span_id && spansById.get(witness.span_id)) || [];
  const start = parseTime(witness.start);
  const alike = candidates.filter((i) => spans[i].name === witness.name && spans[i].service === witness.service);
  return alike.find((i) => String(start) === spans[i].start_unix_nano) ?? alike[0] ?? candidates[0] ?? -1;
}

/** Places of spans by their id, in order. */
export function indexById(spans: readonly TraceSpan[]): Map<string, number[]> {
  const index = new Map<string, number[]>();
  spans.forEach((span, i) => {
    const same = index.get(span.span_id);
    if (same) {
      same.push(i);
    } else {
      index.set(span.span_id, [i]);
    }
  });
  return index;
}

/** All ways in which the rule is broken that are reported, the first one first. */
export function choicesOf(violation: Violating): Choice[] {
  const more = (violation.more_choices ?? []).map((choice) => ({ witnesses: choice.witnesses ?? [], failed: choice.failed ?? null }));
  return [{ witnesses: violation.witnesses, failed: violation.failed ?? null }, ...more];
}

/** The trace that a witness is a span of. */
export const traceOfWitness = (witness: Witness, violation: Pick<Violation, 'trace_id'>): string => witness.trace_id ?? violation.trace_id;

/** The violation with this way of breaking the rule alone. */
export function withOneChoice<Shown extends Violating>(violation: Shown, choice: number): Shown {
  return { ...violation, witnesses: [...choicesOf(violation)[choice].witnesses], more_choices: [] };
}

/** The marks of each span of a trace, by its place; and witnesses in this trace that are not among the spans. */
export function markWitnesses(
  traceId: string,
  spans: readonly TraceSpan[],
  violations: readonly Violating[]
): { marks: Map<number, Mark[]>; missing: Witness[] } {
  const index = indexById(spans);
  const marks = new Map<number, Mark[]>();
  const missing = new Map<string, Witness>();
  for (const violation of violations) {
    const all = choicesOf(violation).flatMap((choice) => choice.witnesses);
    for (const witness of all.filter((one) => traceOfWitness(one, violation) === traceId)) {
      const span = spanOfWitness(index, spans, witness);
      if (span < 0) {
        const key = `${witness.span_id} ${witness.name} ${witness.start}`;
        missing.set(key, missing.get(key) ?? witness);
      } else {
        addMark(marks, span, violation, witness.binding ?? null);
      }
    }
  }
  return { marks, missing: [...missing.values()] };
}

function addMark(marks: Map<number, Mark[]>, span: number, violation: Violating, binding: string | null): void {
  const list = marks.get(span) ?? [];
  marks.set(span, list);
  let mark = list.find((other) => other.ruleId === violation.rule_id && other.violatingTrace === violation.trace_id);
  if (!mark) {
    mark = { ruleId: violation.rule_id, ruleName: violation.rule_name, violatingTrace: violation.trace_id, bindings: [] };
    list.push(mark);
  }
  if (binding && !mark.bindings.includes(binding)) {
    mark.bindings.push(binding);
  }
}
