/** The violations before and after one in a list, for going through it one by one. No state. */

interface Identity {
  trace_id: string;
  rule_id: string;
}

export interface Neighbours<T> {
  /** Its place in the list; −1: it is not in it (any more, or not loaded yet). */
  at: number;
  previous: T | null;
  next: T | null;
}

export function neighbours<T extends Identity>(list: readonly T[], traceId: string, ruleId: string): Neighbours<T> {
  const at = list.findIndex((violation) => violation.trace_id === traceId && violation.rule_id === ruleId);
  return { at, previous: at > 0 ? list[at - 1] : null, next: at >= 0 ? (list[at + 1] ?? null) : null };
}
