// The app, the same in Grafana and without: what the pages are in.
import { useState } from 'react';
import { ApiProvider, createQueryClient } from './api/context';
import { ErrorBoundary } from './components/ErrorBoundary';
import { HostProvider } from './host/context';
import type { Host } from './host/types';
import { PageKeys } from './keys/pageKeys';
import { AppRoutes } from './routing/AppRoutes';

export function App({ host, children }: { host: Host; children?: (routes: React.ReactNode) => React.ReactNode }) {
  const [client] = useState(createQueryClient);
  const routes = (
    <PageKeys>
      <ErrorBoundary>
        <AppRoutes />
      </ErrorBoundary>
    </PageKeys>
  );
  return (
    <HostProvider host={host}>
      <ApiProvider client={client}>{children ? children(routes) : routes}</ApiProvider>
    </HostProvider>
  );
}
