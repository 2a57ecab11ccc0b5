// Which spans a text finds: by name, service, status, id and the attributes that are shown, whatever the case. No state.
import type { TraceSpan } from '../api/types';
import type { TraceLayout } from './layout';

function holds({ span_id, name, service, status, status_message, attributes }: TraceSpan, wanted: string): boolean {
  const attributeTexts = Object.entries(attributes).map(([key, value]) => `${key}=${value}`);
  return [span_id, name, service, status, status_message ?? '', ...attributeTexts].some((text) => text.toLowerCase().includes(wanted));
}

/** Their places, in the order of the rows. */
export function foundSpans({ rows, spans }: TraceLayout, text: string): number[] {
  const wanted = text.trim().toLowerCase();
  return wanted === '' ? [] : rows.map(({ span }) => span).filter((span) => holds(spans[span], wanted));
}

export const failedSpans = ({ rows, spans }: TraceLayout): number[] => rows.map(({ span }) => span).filter((span) => spans[span].status === 'error');

/** The one after the selected one in the order of the rows, or the one before; at an end it begins anew. */
export function nextFound({ rowOfSpan }: TraceLayout, found: readonly number[], selected: number | null, by: 1 | -1): number {
  const at = selected === null ? -1 : rowOfSpan[selected];
  const ahead = by > 0 ? found.find((span) => rowOfSpan[span] > at) : found.filter((span) => rowOfSpan[span] < at).at(-1);
  return ahead ?? (by > 0 ? found[0] : found[found.length - 1]);
}
