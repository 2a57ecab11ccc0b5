// The client of the service and its cache, for everything below.
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createContext, useContext, useMemo, type ReactNode } from 'react';
import { useHost } from '../host/context';
import { createApi, type Api } from './client';
import { ApiError } from './problem';

const ApiContext = createContext<Api | null>(null);

/** Evaluations are dear: nothing is asked again because a window came to the front, and what was refused is not asked twice. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        refetchOnWindowFocus: false,
        retry: (failures, error) => failures < 1 && !(error instanceof ApiError && error.isFinal),
        retryDelay: 1000,
      },
      mutations: { retry: false },
    },
  });
}

export function ApiProvider({ client, children }: { client: QueryClient; children: ReactNode }) {
  const host = useHost();
  const api = useMemo(() => createApi(host), [host]);
  return (
    <QueryClientProvider client={client}>
      <ApiContext.Provider value={api}>{children}</ApiContext.Provider>
    </QueryClientProvider>
  );
}

export function useApi(): Api {
  const api = useContext(ApiContext);
  if (!api) {
    throw new Error('useApi: there is no ApiProvider above this component');
  }
  return api;
}
