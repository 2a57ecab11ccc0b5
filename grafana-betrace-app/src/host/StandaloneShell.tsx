// What stands around every page of the standalone app: the bar with the pages, theme, zone, and the question for a token.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { IconButton, useStyles2 } from '@grafana/ui';
import type { ReactNode } from 'react';
import { NavLink } from 'react-router-dom';
import logo from '../img/logo.svg';
import { urls } from '../routing/urls';
import { useSession } from './sessionContext';
import { TokenDialog } from './TokenDialog';
import { touchStyles } from './touch';
import { useAnchorNavigation } from './useAnchorNavigation';

function pages() {
  const to = urls('');
  return [
    { text: t('nav.start', 'Start'), url: to.start() },
    { text: t('nav.rules', 'Rules'), url: to.rules() },
    { text: t('nav.violations', 'Violations'), url: to.violations() },
    { text: t('nav.changes', 'What changed'), url: to.changes() },
    { text: t('nav.replay', 'Replay'), url: to.replays() },
    { text: t('nav.backtest', 'Alerts on the past'), url: to.backtest() },
    { text: t('nav.compliance', 'Compliance'), url: to.compliance() },
    { text: t('nav.configuration', 'Configuration'), url: to.configuration() },
  ];
}

function Switches() {
  const styles = useStyles2(getStyles);
  const [{ theme, timeZone, token, shell }, session] = useSession();
  const otherTheme = theme === 'dark' ? 'light' : 'dark';
  const themeText = otherTheme === 'light' ? t('nav.theme-light', 'Light theme') : t('nav.theme-dark', 'Dark theme');
  const zoneText = timeZone === 'utc' ? t('nav.zone-local', 'Show local times') : t('nav.zone-utc', 'Show times in UTC');
  const tokenText = token ? t('nav.token-change', 'Change the token') : t('nav.token-give', 'Give a token');
  return (
    <div className={styles.switches}>
      <IconButton
        name="clock-nine"
        size="lg"
        tooltip={zoneText}
        onClick={() => session.set({ timeZone: timeZone === 'utc' ? 'browser' : 'utc' })}
      />
      {!shell && (
        <>
          <IconButton name="adjust-circle" size="lg" tooltip={themeText} onClick={() => session.set({ theme: otherTheme })} />
          <IconButton name="key-skeleton-alt" size="lg" tooltip={tokenText} onClick={() => session.set({ tokenWanted: true })} />
        </>
      )}
    </div>
  );
}

export function StandaloneShell({ basename, children }: { basename: string; children: ReactNode }) {
  const styles = useStyles2(getStyles);
  const touch = useStyles2(touchStyles);
  useAnchorNavigation(basename);
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#content" onClick={skipToContent}>
        {t('nav.skip', 'Skip to the page')}
      </a>
      <div className={touch}>
        <header className={styles.bar}>
          <NavLink to={urls('').start()} className={styles.brand}>
            <img src={logo} alt="" width={24} height={24} />
            {t('nav.brand', 'BeTrace')}
          </NavLink>
          <nav className={styles.nav} aria-label={t('nav.label', 'Pages')}>
            {pages().map(({ text, url }) => (
              <NavLink key={url} to={url} end={url === '/'} className={styles.link}>
                {text}
              </NavLink>
            ))}
          </nav>
          <Switches />
        </header>
      </div>
      {children}
      <TokenDialog />
    </div>
  );
}

// by hand: with a <base> in the document, `#content` alone would be another page
function skipToContent(event: React.MouseEvent) {
  event.preventDefault();
  const content = document.getElementById('content');
  content?.setAttribute('tabindex', '-1');
  content?.focus();
}

const getStyles = (theme: GrafanaTheme2) => ({
  shell: css({ minHeight: '100vh', background: theme.colors.background.canvas }),
  skip: css({
    position: 'absolute',
    left: -9999,
    '&:focus': { left: theme.spacing(1), top: theme.spacing(1), zIndex: 10, background: theme.colors.background.primary },
  }),
  bar: css({
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: theme.spacing(1, 2),
    padding: theme.spacing(1, 3),
    background: theme.colors.background.primary,
    borderBottom: `1px solid ${theme.colors.border.weak}`,
  }),
  brand: css({ display: 'flex', alignItems: 'center', gap: theme.spacing(1), fontWeight: theme.typography.fontWeightMedium }),
  // where not all have room in one line, the pages have the second to themselves
  nav: css({ display: 'flex', flexWrap: 'wrap', flexGrow: 1, gap: theme.spacing(0.5), [theme.breakpoints.down('md')]: { order: 1, flexBasis: '100%' } }),
  switches: css({ display: 'flex', gap: theme.spacing(2), marginLeft: 'auto' }),
  link: css({
    padding: theme.spacing(0.5, 1),
    borderRadius: theme.shape.radius.default,
    color: theme.colors.text.secondary,
    '&:hover': { background: theme.colors.action.hover, color: theme.colors.text.primary },
    '&[aria-current]': { color: theme.colors.text.primary, background: theme.colors.action.selected },
  }),
});
