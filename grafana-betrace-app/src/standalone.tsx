// The standalone web app: what Grafana's frontend gives to plugins, made here out of @grafana/ui itself.
import './standaloneSetup';
import { Global } from '@emotion/react';
import { createTheme, ThemeContext } from '@grafana/data';
import { GlobalStyles, PortalContainer } from '@grafana/ui';
import { useEffect, useMemo } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router-dom';
import { App } from './App';
import { createSession } from './host/session';
import { SessionProvider, useSession } from './host/sessionContext';
import { createStandaloneHost } from './host/standalone';
import { StandaloneShell } from './host/StandaloneShell';
import { initTranslations } from './i18n';

const session = createSession();
const basename = new URL(document.baseURI).pathname.replace(/\/$/, '');

// what Grafana's own style sheet says and GlobalStyles does not
const PAGE = {
  '*, *::before, *::after': { boxSizing: 'border-box' as const },
  body: { margin: 0 },
  'button, input, select, textarea': { fontFamily: 'inherit' },
};

function Standalone() {
  const [{ theme: mode, timeZone, role }] = useSession();
  const theme = useMemo(() => createTheme({ colors: { mode } }), [mode]);
  // another zone or role is another host, so that everything below is drawn again
  const host = useMemo(() => createStandaloneHost(session), [timeZone, role]); // eslint-disable-line react-hooks/exhaustive-deps
  useEffect(() => {
    document.documentElement.style.colorScheme = mode;
  }, [mode]);
  return (
    <ThemeContext.Provider value={theme}>
      <Global styles={PAGE} />
      <GlobalStyles />
      {/* Without transitions: what is typed into a field of the URL is there at once, as in Grafana, or letters that come fast are lost. */}
      <BrowserRouter basename={basename} future={{ v7_startTransition: false, v7_relativeSplatPath: true }}>
        <App host={host}>{(routes) => <StandaloneShell basename={basename}>{routes}</StandaloneShell>}</App>
      </BrowserRouter>
      <PortalContainer />
    </ThemeContext.Provider>
  );
}

async function start() {
  await initTranslations();
  createRoot(document.getElementById('root')!).render(
    <SessionProvider value={session}>
      <Standalone />
    </SessionProvider>
  );
}

void start();
