/* What stands around a plugin's page in Grafana, as far as pages can see it: the navigation made of plugin.json's includes, the page frame with
   title, subtitle, actions and tabs, the page of the plugin's settings, and a boundary that shows a crash. Runs in the browser. */
import * as React from 'react';
import { PluginContextProvider } from '@grafana/data';
import { locationSearchToObject } from '@grafana/runtime';
import { useTheme2 } from '@grafana/ui';
import { useLocation } from 'host:router-compat';

/** Stands in for core's Page behind PluginPage. */
export function Page({ children, pageNav, subTitle, actions, info, renderTitle }) {
  const theme = useTheme2();
  const title = pageNav?.text ?? '';
  return (
    <main id="pageContent" style={{ padding: theme.spacing(3, 4), display: 'flex', flexDirection: 'column', flex: 1, minWidth: 0 }}>
      <header style={{ display: 'flex', justifyContent: 'space-between', flexWrap: 'wrap', gap: theme.spacing(2), marginBottom: theme.spacing(2) }}>
        <div>
          {renderTitle ? renderTitle(title) : title && <h1>{title}</h1>}
          <div style={{ color: theme.colors.text.secondary }}>{subTitle ?? pageNav?.subTitle}</div>
        </div>
        <div style={{ display: 'flex', gap: theme.spacing(1), alignItems: 'start' }}>
          {info?.map((one) => <span key={one.label}>{one.value}</span>)}
          {actions}
        </div>
      </header>
      {pageNav?.children && (
        <div role="tablist" aria-label="Tabs">
          {pageNav.children.map((tab) => <a key={tab.url} href={tab.url} role="tab" aria-selected={Boolean(tab.active)}>{tab.text}</a>)}
        </div>
      )}
      {children}
    </main>
  );
}

/** The entries of plugin.json that this user may open. */
function entries(meta, user) {
  const may = (entry) => (entry.action ? user.permissions[entry.action] : entry.role !== 'Admin' || user.orgRole === 'Admin');
  return (meta.includes ?? []).filter((entry) => entry.type === 'page' && entry.addToNav && may(entry));
}

export function Navigation({ meta }) {
  const theme = useTheme2();
  const { pathname } = useLocation();
  return (
    <nav aria-label="Grafana" style={{ width: 190, padding: theme.spacing(3, 2), borderRight: `1px solid ${theme.colors.border.weak}`, flexShrink: 0 }}>
      <strong>{meta.name}</strong>
      <ul style={{ listStyle: 'none', marginTop: theme.spacing(1) }}>
        {entries(meta, window.grafanaBootData.user).map((entry) => {
          const path = entry.path.replace('%PLUGIN_ID%', meta.id);
          return <li key={path} style={{ padding: theme.spacing(0.5) }}><a href={path} aria-current={pathname === path ? 'page' : undefined}>{entry.name}</a></li>;
        })}
      </ul>
    </nav>
  );
}

export function AppPage({ plugin }) {
  const location = useLocation();
  const Root = plugin.root;
  return (
    <PluginContextProvider meta={plugin.meta}>
      <Root meta={plugin.meta} basename={`/a/${plugin.meta.id}`} path={location.pathname} onNavChanged={() => {}} query={locationSearchToObject(location.search)} />
    </PluginContextProvider>
  );
}

export function SettingsPage({ plugin }) {
  const location = useLocation();
  const query = locationSearchToObject(location.search);
  const page = plugin.configPages?.find((one) => one.id === query.page) ?? plugin.configPages?.[0];
  return (
    <PluginContextProvider meta={plugin.meta}>
      <Page pageNav={{ text: plugin.meta.name, children: plugin.configPages?.map((one) => ({ text: one.title, url: `/plugins/${plugin.meta.id}?page=${one.id}`, active: one === page })) }}>
        {page ? <page.body plugin={plugin} query={query} /> : <p>This plugin has no settings.</p>}
      </Page>
    </PluginContextProvider>
  );
}

export class Boundary extends React.Component {
  state = {};
  static getDerivedStateFromError(error) {
    return { error };
  }
  render() {
    return this.state.error ? <pre data-testid="host-crash">{String(this.state.error.stack)}</pre> : this.props.children;
  }
}
