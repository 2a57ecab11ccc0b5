// The one way to render a page or a component in a test: host stub, query client, router, theme.
import { createTheme, ThemeContext } from '@grafana/data';
import { QueryClient } from '@tanstack/react-query';
import { render as renderDom, type RenderResult } from '@testing-library/react';
import userEvent, { type UserEvent } from '@testing-library/user-event';
import { useEffect, type ReactElement } from 'react';
import { MemoryRouter, Route, Routes, useLocation } from 'react-router-dom';
import { ApiProvider } from '../api/context';
import { HostProvider } from '../host/context';
import type { Host } from '../host/types';
import { PageKeys } from '../keys/pageKeys';
import { createStubHost, type Handlers, type StubHost } from './host';

interface Options {
  /** answers of the service: `{'GET /v1/rules': {...}}` */
  handlers?: Handlers;
  host?: Partial<Host>;
  /** where the page stands, and what its path is: for `useParams` */
  at?: string;
  path?: string;
}

export interface Rendered extends RenderResult {
  host: StubHost;
  client: QueryClient;
  user: UserEvent;
  /** path and query as they are now */
  location(): string;
}

let current = '';
function Location() {
  const { pathname, search } = useLocation();
  useEffect(() => {
    current = pathname + search;
  });
  return null;
}

export function render(element: ReactElement, { handlers, host: overrides, at = '/', path = '*' }: Options = {}): Rendered {
  const host = createStubHost(handlers, overrides);
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, gcTime: Infinity }, mutations: { retry: false } } });
  const result = renderDom(
    <ThemeContext.Provider value={createTheme()}>
      <HostProvider host={host}>
        <ApiProvider client={client}>
          <MemoryRouter initialEntries={[at]} future={{ v7_startTransition: false, v7_relativeSplatPath: true }}>
            <Location />
            <PageKeys>
              <Routes>
                <Route path={path} element={element} />
                <Route path="*" element={null} />
              </Routes>
            </PageKeys>
          </MemoryRouter>
        </ApiProvider>
      </HostProvider>
    </ThemeContext.Provider>
  );
  return { ...result, host, client, user: userEvent.setup({ delay: null, pointerEventsCheck: 0 }), location: () => current };
}
