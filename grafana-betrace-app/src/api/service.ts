// The service itself: is it there, can it work, what is the language.
import { useQuery } from '@tanstack/react-query';
import { useHost } from '../host/context';
import { useApi } from './context';
import { problemOf } from './problem';
import type { Ready } from './types';

export function useHealth() {
  const api = useApi();
  return useQuery({ queryKey: ['service', 'health'], queryFn: ({ signal }) => api.get('/v1/health', { signal }), refetchInterval: 15_000 });
}

/** Each part with its reason. A 503 is an answer here, not an error: it says which part is not ready. */
export function useReady() {
  const host = useHost();
  return useQuery({
    queryKey: ['service', 'ready'],
    queryFn: async ({ signal }) => {
      const response = await host.request({ method: 'GET', path: '/v1/ready', signal });
      const body = response.body;
      if (typeof body === 'object' && body !== null && 'parts' in body) {
        return body as Ready;
      }
      throw problemOf(response.status, body);
    },
    refetchInterval: 15_000,
  });
}

/** Words, signatures, docs and token classes; the same for as long as the service runs. */
export function useLanguage() {
  const api = useApi();
  return useQuery({ queryKey: ['dsl', 'language'], queryFn: ({ signal }) => api.get('/v1/dsl/language', { signal }), staleTime: Infinity });
}
