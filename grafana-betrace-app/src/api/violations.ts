// Violations, series and verdicts on traces. The service computes all of them on demand, and cancels a query that the
// page leaves.
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useApi } from './context';
import type { Api, CallOptions } from './client';
import type { paths } from './schema';
import type { Series } from './types';

export type ViolationFilter = Omit<NonNullable<CallOptions<paths['/v1/violations']['get']>['query']>, 'limit' | 'cursor'>;
export type SeriesFilter = NonNullable<CallOptions<paths['/v1/violations/series']['get']>['query']>;
export type SeriesQuery = NonNullable<CallOptions<paths['/v1/violations/series']['post']>['body']>;

/** Of the pages behind the first: whoever goes on goes far, and each page is work for all rows that are there. */
const NEXT_ROWS = 1000;

export function useViolations(filter: ViolationFilter, { limit = 200, enabled = true } = {}) {
  const api = useApi();
  return useInfiniteQuery({
    queryKey: ['violations', 'list', filter, limit],
    queryFn: ({ pageParam, signal }) => api.get('/v1/violations', { query: { ...filter, limit: pageParam ? Math.max(limit, NEXT_ROWS) : limit, cursor: pageParam ?? undefined }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.cursor,
    enabled,
  });
}

export type ProblemFilter = NonNullable<CallOptions<paths['/v1/problems']['get']>['query']>;

/** The violations of the range as problems. All of the range is read for it, as far as the service's time lets it. */
export function useProblems(filter: ProblemFilter, { enabled = true } = {}) {
  const api = useApi();
  return useQuery({
    queryKey: ['problems', filter],
    queryFn: ({ signal }) => api.get('/v1/problems', { query: filter, signal }),
    enabled,
  });
}

/** Between two questions for what goes on: the service holds back the answer itself, for as long as the question lets it. */
const AGAIN_MS = 200;

/** Steps are null because nobody came to them yet. */
export const isUnevaluated = (series: Series | undefined) => Boolean(series?.reason?.startsWith('not_evaluated'));

/** More than so many rules are named in the body: an address is too short for them. */
const MOST_IN_ADDRESS = 50;

function askSeries(api: Api, filter: SeriesFilter, signal: AbortSignal) {
  const { rule_id: named = [], ...rest } = filter;
  return named.length > MOST_IN_ADDRESS
    ? api.post('/v1/violations/series', { body: { ...rest, rule_ids: named }, signal })
    : api.get('/v1/violations/series', { query: filter, signal });
}

/** Counts that are not known when the time is over are null; it is asked again until they are. */
export function useSeries(filter: SeriesFilter, { enabled = true } = {}) {
  const api = useApi();
  return useQuery({
    queryKey: ['series', filter],
    queryFn: ({ signal }) => askSeries(api, filter, signal),
    refetchInterval: ({ state }) => (isUnevaluated(state.data) && !state.error ? AGAIN_MS : false),
    enabled,
  });
}

/** The same for labels or a text that is not stored. */
export function useSeriesQuery(body: SeriesQuery, { enabled = true } = {}) {
  const api = useApi();
  return useQuery({
    queryKey: ['series', 'query', body],
    queryFn: ({ signal }) => api.post('/v1/violations/series', { body, signal }),
    enabled,
  });
}

export function useFirstViolation(ruleId: string | undefined, start: string, end: string, { enabled = true } = {}) {
  const api = useApi();
  return useQuery({
    queryKey: ['violations', 'first', ruleId, start, end],
    queryFn: ({ signal }) => api.get('/v1/rules/{id}/first-violation', { path: { id: ruleId ?? '' }, query: { start, end }, signal }),
    enabled: enabled && Boolean(ruleId),
  });
}

/** With `spans` also the spans, of the same read. */
export function useTraceVerdicts(traceId: string | undefined, { spans = false, enabled = true } = {}) {
  const api = useApi();
  const query = spans ? { include: 'spans' as const } : {};
  return useQuery({
    queryKey: ['traces', 'verdicts', traceId, spans],
    queryFn: ({ signal }) => api.get('/v1/traces/{trace_id}/verdicts', { path: { trace_id: traceId ?? '' }, query, signal }),
    enabled: enabled && Boolean(traceId),
  });
}

/** One span with all that the source has of it, read at that moment: not from an answer that is kept. */
export function useWholeSpan(traceId: string, spanId: string) {
  const api = useApi();
  return useQuery({
    queryKey: ['traces', 'span', traceId, spanId],
    queryFn: ({ signal }) => api.get('/v1/traces/{trace_id}/verdicts', { path: { trace_id: traceId }, query: { span: spanId }, signal }),
    gcTime: 0,
  });
}
