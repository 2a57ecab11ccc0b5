/* The host page: real @grafana/{data,runtime,ui} around the built plugin, which System loads as Grafana does. Routes are core's: the app below
   /a/<id>, its settings at /plugins/<id>; everything else is outside and only names its path. Runs in the browser. */
import * as React from 'react';
import { createRoot } from 'react-dom/client';
import { createTheme, ThemeContext } from '@grafana/data';
import { locationService } from '@grafana/runtime';
import { GlobalStyles, PortalContainer } from '@grafana/ui';
import { initializeI18n } from 'host:i18n';
import { setPluginPage } from 'host:plugin-page';
import { Router } from 'host:router-v5';
import { CompatRouter, Route, Routes, useLocation } from 'host:router-compat';
import { AppPage, Boundary, Navigation, Page, SettingsPage } from './chrome.jsx';
import { DashboardPage } from './dashboard.jsx';
import { DataSourcePage } from './datasource.jsx';
import { provideServices } from './services.js';
import { publish } from './shared.js';

const { meta, theme: mode } = window.__host;

/* Core turns clicks on plain links of its own origin into steps of the history. */
function followLinks(history) {
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[href]');
    const plain = !event.defaultPrevented && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    if (link && plain && link.origin === location.origin && !link.target && !link.hasAttribute('download')) {
      event.preventDefault();
      history.push(link.pathname + link.search + link.hash);
    }
  });
}

function Outside() {
  const { pathname, search } = useLocation();
  return <Page pageNav={{ text: 'Outside the app' }}><code data-testid="outside">{pathname + search}</code></Page>;
}

function Host({ plugin, history }) {
  return (
    <Boundary>
      <ThemeContext.Provider value={createTheme({ colors: { mode } })}>
        <Router history={history}>
          <CompatRouter>
            <GlobalStyles />
            <div style={{ display: 'flex', minHeight: '100vh' }}>
              <Navigation meta={plugin.meta} />
              <React.Suspense fallback="loading">
                <Routes>
                  <Route path={`/a/${meta.id}/*`} element={<AppPage plugin={plugin} />} />
                  <Route path={`/plugins/${meta.id}`} element={<SettingsPage plugin={plugin} />} />
                  <Route path="/datasource/*" element={<DataSourcePage />} />
                  <Route path="/dashboard/*" element={<DashboardPage />} />
                  <Route path="*" element={<Outside />} />
                </Routes>
              </React.Suspense>
            </div>
            <PortalContainer />
          </CompatRouter>
        </Router>
      </ThemeContext.Provider>
    </Boundary>
  );
}

async function start() {
  provideServices();
  setPluginPage(Page);
  publish();
  const { language } = window.grafanaBootData.user;
  await initializeI18n({ language, ns: [] }, language);
  const { plugin } = await window.System.import(`/${meta.module}`);
  plugin.meta = meta;
  plugin.init?.(meta);
  window.__plugin = plugin;
  const history = locationService.getHistory();
  followLinks(history);
  createRoot(document.getElementById('root')).render(<Host plugin={plugin} history={history} />);
}

start().catch((error) => {
  console.error('the host page did not start', error);
  document.body.append(String(error.stack ?? error));
});
