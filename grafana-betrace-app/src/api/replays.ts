// Replays: started here, running in the service. The page asks every second and a half while one runs, so a reload loses nothing.
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useApi } from './context';
import type { CallOptions } from './client';
import type { paths } from './schema';
import type { Replay } from './types';

export type StartReplay = NonNullable<CallOptions<paths['/v1/replays']['post']>['body']>;

export const POLL_MS = 1500;

export function isRunning(replay: Pick<Replay, 'status'> | undefined): boolean {
  return replay?.status === 'queued' || replay?.status === 'running';
}

export function useReplays(limit = 50) {
  const api = useApi();
  return useInfiniteQuery({
    queryKey: ['replays', 'list', limit],
    queryFn: ({ pageParam, signal }) => api.get('/v1/replays', { query: { limit, cursor: pageParam ?? undefined }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.cursor,
    refetchInterval: (query) => (query.state.data?.pages.some((page) => page.replays.some(isRunning)) ? POLL_MS : false),
  });
}

export function useReplay(id: string | undefined) {
  const api = useApi();
  return useQuery({
    queryKey: ['replays', 'one', id],
    queryFn: ({ signal }) => api.get('/v1/replays/{id}', { path: { id: id ?? '' }, signal }),
    enabled: Boolean(id),
    refetchInterval: (query) => (isRunning(query.state.data) ? POLL_MS : false),
  });
}

/** Violations as they come: while the replay runs each page has a cursor, also the last one so far. */
export function useReplayViolations(id: string | undefined, limit = 200) {
  const api = useApi();
  return useInfiniteQuery({
    queryKey: ['replays', 'violations', id, limit],
    queryFn: ({ pageParam, signal }) =>
      api.get('/v1/replays/{id}/violations', { path: { id: id ?? '' }, query: { limit, cursor: pageParam ?? undefined }, signal }),
    enabled: Boolean(id),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.cursor,
  });
}

export function useStartReplay() {
  const api = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: StartReplay) => api.post('/v1/replays', { body }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['replays', 'list'] }),
  });
}

/** Cancels a running replay, forgets a finished one. */
export function useDeleteReplay() {
  const api = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api.delete('/v1/replays/{id}', { path: { id } }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['replays'] }),
  });
}
