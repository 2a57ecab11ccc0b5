// Which page stands where, and who may see it. Every page is a chunk of its own.
import { lazy, Suspense, type ComponentType } from 'react';
import { Route, Routes } from 'react-router-dom';
import { Forbidden } from '../components/Forbidden';
import { Loading } from '../components/Loading';
import { NoAddress } from '../components/Unreachable';
import { PageFrame, useHost } from '../host/context';
import { ACTIONS, type Action } from '../permissions';
import { t } from '@grafana/i18n';
import { PATTERNS } from './urls';

type Page = { path: string; action: Action | null; Page: ComponentType };

const page = (path: string, action: Action | null, load: () => Promise<{ default: ComponentType }>): Page => ({
  path,
  action,
  Page: lazy(load),
});

const PAGES: Page[] = [
  page(PATTERNS.start, ACTIONS.readRules, () => import('../pages/Start')),
  page(PATTERNS.rules, ACTIONS.readRules, () => import('../pages/Rules')),
  page(PATTERNS.newRule, ACTIONS.readRules, () => import('../pages/Rule')),
  page(PATTERNS.rule, ACTIONS.readRules, () => import('../pages/Rule')),
  page(PATTERNS.replays, ACTIONS.readReplays, () => import('../pages/Replays')),
  page(PATTERNS.replay, ACTIONS.readReplays, () => import('../pages/Replay')),
  page(PATTERNS.violations, ACTIONS.readViolations, () => import('../pages/Violations')),
  page(PATTERNS.violation, ACTIONS.readViolations, () => import('../pages/Violation')),
  page(PATTERNS.trace, ACTIONS.readViolations, () => import('../pages/Trace')),
  page(PATTERNS.changes, ACTIONS.readViolations, () => import('../pages/Changes')),
  page(PATTERNS.backtest, ACTIONS.readViolations, () => import('../pages/Backtest')),
  page(PATTERNS.compliance, ACTIONS.readCompliance, () => import('../pages/Compliance')),
  page(PATTERNS.framework, ACTIONS.readCompliance, () => import('../pages/Framework')),
  page(PATTERNS.configuration, null, () => import('../pages/Configuration')),
  page('*', null, () => import('../pages/NotFound')),
];

/** A page for those who may see it, else the page that says who can help. Without an address of the service no page asks for anything. */
function Guarded({ action, Page }: Pick<Page, 'action' | 'Page'>) {
  const host = useHost();
  if (action !== null && !host.hasPermission(action)) {
    return (
      <PageFrame title={t('unauthorized.title', 'Not for you yet')}>
        <Forbidden action={action} />
      </PageFrame>
    );
  }
  const connection = host.connection();
  if (action !== null && connection?.url === '') {
    return (
      <PageFrame title={t('unreachable.app', 'BeTrace')}>
        <NoAddress connection={connection} />
      </PageFrame>
    );
  }
  return <Page />;
}

export function AppRoutes() {
  return (
    <Suspense fallback={<Loading />}>
      <Routes>
        {PAGES.map(({ path, action, Page }) => (
          <Route key={path} path={path} element={<Guarded action={action} Page={Page} />} />
        ))}
      </Routes>
    </Suspense>
  );
}
