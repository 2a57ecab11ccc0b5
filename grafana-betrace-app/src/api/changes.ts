// What changed, without a rule; and which versions there are to compare.
import { useQuery } from '@tanstack/react-query';
import { useApi } from './context';

export interface ChangesQuery {
  start: string;
  end: string;
  around?: string;
  baseline?: string;
  candidate?: string;
}

/** Reading takes its time: as long as the service lets it. Nothing is asked before somebody said what to compare. */
export function useChanges(query: ChangesQuery | null) {
  const api = useApi();
  return useQuery({
    queryKey: ['changes', query],
    queryFn: ({ signal }) => api.get('/v1/changes', { query: { start: '', end: '', ...query, timeout: '60s' }, signal }),
    enabled: query !== null,
    staleTime: Infinity,
  });
}

const VERSIONS = 'when { resource.attributes["service.version"] == "';

/** Values of service.version that the source knows: the editor completes them in the same way. */
export function useVersions({ enabled }: { enabled: boolean }) {
  const api = useApi();
  return useQuery({
    queryKey: ['dsl', 'versions'],
    queryFn: ({ signal }) => api.post('/v1/dsl/complete', { body: { dsl: VERSIONS, offset: VERSIONS.length }, signal }),
    select: ({ items }) => items.map(({ label }) => label),
    enabled,
    staleTime: 60_000,
  });
}
