// The heading of a page in the standalone app; inside Grafana PluginPage does this.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import { useEffect } from 'react';
import { Link } from 'react-router-dom';
import type { PageFrameProps } from './types';

export function StandaloneFrame({ title, subTitle, actions, tabs, parent, children }: PageFrameProps) {
  const styles = useStyles2(getStyles);
  useEffect(() => {
    document.title = `${title} · BeTrace`;
  }, [title]);
  return (
    <main className={styles.main} id="content">
      <header className={styles.header}>
        <div>
          {parent && (
            <Link className={styles.parent} to={parent.url}>
              {parent.text}
            </Link>
          )}
          <h1 className={styles.title}>{title}</h1>
          {subTitle && <div className={styles.subTitle}>{subTitle}</div>}
        </div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </header>
      {tabs && (
        <nav className={styles.tabs}>
          {tabs.map((tab) => (
            <Link key={tab.url} to={tab.url} className={styles.tab} aria-current={tab.active ? 'page' : undefined}>
              {tab.text}
            </Link>
          ))}
        </nav>
      )}
      {children}
    </main>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  main: css({ padding: theme.spacing(2, 3, 4), maxWidth: 1600, width: '100%', margin: '0 auto', minWidth: 0 }),
  header: css({
    display: 'flex',
    flexWrap: 'wrap',
    gap: theme.spacing(2),
    justifyContent: 'space-between',
    marginBottom: theme.spacing(2),
  }),
  parent: css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize, textDecoration: 'underline' }),
  title: css({ ...theme.typography.h2, margin: 0, overflowWrap: 'anywhere' }),
  subTitle: css({ color: theme.colors.text.secondary }),
  actions: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1), alignItems: 'center' }),
  tabs: css({
    display: 'flex',
    flexWrap: 'wrap',
    gap: theme.spacing(0, 2),
    borderBottom: `1px solid ${theme.colors.border.weak}`,
    marginBottom: theme.spacing(2),
  }),
  tab: css({
    padding: theme.spacing(1, 0.5),
    color: theme.colors.text.secondary,
    '&[aria-current]': { color: theme.colors.text.primary, boxShadow: `inset 0 -2px ${theme.colors.primary.border}` },
  }),
});
