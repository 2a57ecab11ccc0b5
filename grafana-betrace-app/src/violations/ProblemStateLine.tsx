// What Grafana keeps of a problem, on its line: who acknowledged it, with what note and ticket, what came since, and until when alerts are muted. All of it is
// text that somebody wrote, and is shown as text.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Badge, Icon, useStyles2 } from '@grafana/ui';

import { TimeText } from '../components/TimeText';
import { PLAIN } from '../i18n';
import type { KnownState } from './problemState';

/** What whoever acknowledged it has not seen. */
export function SinceBadge({ state: { acknowledged } }: { state: KnownState }) {
  switch (acknowledged?.since) {
    case 'regressed':
      return <Badge text={t('violations.state.regressed', 'Regressed')} color="red" />;
    case 'rose':
      return <Badge text={t('violations.state.rose', 'Rose since it was acknowledged')} color="orange" />;
    default:
      return null;
  }
}

export function ProblemStateLine({ state: { acknowledged, muted } }: { state: KnownState }) {
  const styles = useStyles2(getStyles);
  const who = acknowledged?.newest.who || t('violations.state.somebody', 'somebody');
  return (
    <>
      {acknowledged && (
        <p className={styles.fact} data-acknowledged>
          <Icon name="check" size="sm" /> {t('violations.state.by', 'Acknowledged by {{who}} at', { ...PLAIN, who })} <TimeText time={new Date(acknowledged.newest.at).toISOString()} />
          {acknowledged.since === 'again' && <> · {t('violations.state.again', 'came again since')}</>}
          {acknowledged.newest.note && <span className={styles.note}>: {acknowledged.newest.note}</span>}
          {acknowledged.newest.ticket && (
            <>
              {' '}
              <a href={acknowledged.newest.ticket} target="_blank" rel="noreferrer">
                {acknowledged.newest.ticket}
              </a>
            </>
          )}
        </p>
      )}
      {muted && (
        <p className={styles.fact} data-muted>
          <Icon name="bell-slash" size="sm" />{' '}
          {muted.longest.isOther ? t('violations.state.some-muted', "Some of the rule's alerts are muted until") : t('violations.state.muted', "The rule's alerts are muted until")}{' '}
          <TimeText time={muted.longest.until} />
        </p>
      )}
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  fact: css({ margin: 0, color: theme.colors.text.secondary, overflowWrap: 'anywhere', fontVariantNumeric: 'tabular-nums', '& a': { color: theme.colors.text.link, textDecoration: 'underline' } }),
  note: css({ color: theme.colors.text.primary, whiteSpace: 'pre-line' }),
});
