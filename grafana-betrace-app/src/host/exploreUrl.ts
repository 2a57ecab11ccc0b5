// Addresses of Grafana's Explore.
import type { TraceTime } from './types';

/** An Explore pane that shows one trace. A minute on each side, since Tempo looks only into blocks of the range. */
export function exploreTraceUrl(subUrl: string, tempoUid: string, traceId: string, spanId: string | null, time: TraceTime): string {
  const margin = 60_000;
  const pane = {
    datasource: tempoUid,
    queries: [{ refId: 'A', query: traceId, queryType: 'traceql', datasource: { type: 'tempo', uid: tempoUid } }],
    range: { from: String(time.fromMs - margin), to: String(time.toMs + margin) },
    ...(spanId ? { panelsState: { trace: { spanId } } } : {}),
  };
  // no orgId: Explore opens in the organisation that the reader is in
  const query = new URLSearchParams({ schemaVersion: '1', panes: JSON.stringify({ a: pane }) });
  return `${subUrl}/explore?${query}`;
}
