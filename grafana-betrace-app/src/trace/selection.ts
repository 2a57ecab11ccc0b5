/**
 * Which spans are selected: in the URL, so that a link shows the same. One that was chosen in its trace is named by its id and kind, since halves of a
 * call share an id, and is looked for in each trace of the page. The ends of a link are named by their ids and traces.
 */
import type { TraceSpan } from '../api/types';
import { param, useUrlState } from '../routing/useUrlState';

const PARAMETERS = { span: param.list() };

export const nameOfSpan = ({ span_id, kind }: TraceSpan): string => `${span_id}.${kind}`;
export const nameOfEnd = (traceId: string, spanId: string): string => `${spanId}.${traceId}`;

export interface Selected {
  /** its place among the spans; −1: none of these */
  span: number;
  /** the name by which an end of a link is selected; empty: it is none */
  end: string;
}

/** What of these names is a span of this trace. */
export function selectedOf(names: readonly string[], traceId: string, spans: readonly TraceSpan[]): Selected {
  const wanted = new Set(names);
  const end = spans.findIndex((span) => wanted.has(nameOfEnd(traceId, span.span_id)));
  if (end >= 0) {
    return { span: end, end: nameOfEnd(traceId, spans[end].span_id) };
  }
  return { span: spans.findIndex((span) => wanted.has(nameOfSpan(span))), end: '' };
}

/** The names of what is selected, and how to select others. */
export function useSelection(): [readonly string[], (names: string[]) => void] {
  const [{ span }, setUrl] = useUrlState(PARAMETERS);
  return [span, (names) => setUrl({ span: names }, { replace: true })];
}
