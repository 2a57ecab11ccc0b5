// The alerts, the noisy ones first: how often each pages, what would change that, and when it fired.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { useStyles2 } from '@grafana/ui';

import type { BacktestAlert } from '../api/types';
import { number } from '../changes/changeWords';
import { List } from '../components/List';
import { TimeText } from '../components/TimeText';
import { useHost } from '../host/context';
import { factsOf, labelsInWords, pagesInWords, seconds } from './backtestWords';

const SHOWN = 5;

function Firings({ alert: { firings, pages } }: { alert: BacktestAlert }) {
  const styles = useStyles2(getStyles);
  return (
    <List className={styles.firings}>
      {firings.slice(0, SHOWN).map((firing) => (
        <li key={`${firing.fired} ${labelsInWords(firing.labels)}`}>
          <TimeText time={firing.fired} /> {firing.resolved === null ? t('backtest.still', '(it fires at the end)') : `(${seconds(firing.seconds)})`}{' '}
          <span className={styles.note}>{labelsInWords(firing.labels)}</span>
        </li>
      ))}
      {pages > SHOWN && <li className={styles.note}>{t('backtest.more', 'and {{n}} more', { n: number(pages - Math.min(SHOWN, firings.length)) })}</li>}
    </List>
  );
}

export function AlertList({ alerts }: { alerts: readonly BacktestAlert[] }) {
  const styles = useStyles2(getStyles);
  const zone = useHost().timeZone();
  return (
    <ul className={styles.list} aria-label={t('backtest.list', 'Alerts that were tested, those that page too often first')}>
      {alerts.map((alert) => (
        <li key={`${alert.file} ${alert.line}`} className={styles.alert} data-too-often={alert.too_often}>
          <h2 className={styles.name}>{alert.alert}</h2>
          <p className={styles.fact}>{pagesInWords(alert)}</p>
          {factsOf(alert, zone).map((fact) => (
            <p key={fact} className={styles.fact}>
              {fact}
            </p>
          ))}
          {alert.firings.length > 0 && <Firings alert={alert} />}
        </li>
      ))}
    </ul>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', margin: 0, marginTop: theme.spacing(1), padding: 0 }),
  alert: css({
    padding: theme.spacing(1.5, 0, 1.5, 1.5),
    borderBottom: `1px solid ${theme.colors.border.weak}`,
    borderLeft: '4px solid transparent',
    '&[data-too-often="true"]': { borderLeftColor: theme.colors.error.border },
  }),
  name: css({ ...theme.typography.h5, margin: 0, overflowWrap: 'anywhere' }),
  fact: css({ margin: 0, color: theme.colors.text.secondary, overflowWrap: 'anywhere' }),
  firings: css({ marginTop: theme.spacing(0.5), fontVariantNumeric: 'tabular-nums', overflowWrap: 'anywhere' }),
  note: css({ color: theme.colors.text.secondary }),
});
