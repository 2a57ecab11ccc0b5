// The changes, those of the most traces first: what traces did, in how many of those that could, before and after.
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { LinkButton, useStyles2 } from '@grafana/ui';
import { Link, useLocation } from 'react-router-dom';

import type { Change } from '../api/types';
import { useHost } from '../host/context';
import { PLAIN } from '../i18n';
import { ACTIONS } from '../permissions';
import { useUrls } from '../routing/useUrls';
import { marksInWords, number, shareInWords, sinceInWords } from './changeWords';

function Share({ label, share, isAfter = false }: { label: string; share: Change['after']; isAfter?: boolean }) {
  const styles = useStyles2(getStyles);
  const interval = { left: `${share.low * 100}%`, width: `${(share.high - share.low) * 100}%` };
  return (
    <div className={styles.share}>
      <dt className={styles.label}>{label}</dt>
      <dd className={styles.value}>
        <div className={styles.bar} aria-hidden="true">
          <div className={cx(styles.filled, isAfter && styles.filledAfter)} style={{ width: `${share.share * 100}%` }} />
          <div className={styles.interval} style={interval} />
        </div>
        {shareInWords(share)}
      </dd>
    </div>
  );
}

function Links({ change }: { change: Change }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const { search } = useLocation(); // for the way back
  const mayWrite = useHost().hasPermission(ACTIONS.writeRules);
  return (
    <div className={styles.links}>
      <Link className={styles.link} to={to.trace(change.trace_before) + search}>
        {t('changes.trace-before', 'A trace as before')}
      </Link>
      <Link className={styles.link} to={to.trace(change.trace_after) + search}>
        {t('changes.trace-after', 'A trace that is not')}
      </Link>
      {change.dsl && mayWrite && (
        <LinkButton size="sm" variant="secondary" icon="plus" href={to.newRule({ dsl: onOneLine(change.dsl), name: change.behaviour })}>
          {t('changes.keep', 'Keep as a rule')}
        </LinkButton>
      )}
      {!change.dsl && (
        <span className={styles.note}>{t('changes.no-rule', 'It was so now and then only: no rule says that.')}</span>
      )}
    </div>
  );
}

function OneChange({ change, place }: { change: Change; place: number }) {
  const styles = useStyles2(getStyles);
  const zone = useHost().timeZone();
  const more = change.behaviours - 1;
  const also =
    more === 1
      ? t('changes.also-one', 'One more behaviour changed with it')
      : t('changes.also', '{{n}} more behaviours changed with it', { ...PLAIN, n: number(more) });
  const facts = [sinceInWords(change, zone), marksInWords(change), more > 0 ? also : null].filter((fact) => fact !== null);
  return (
    <li className={styles.change}>
      <h2 className={styles.behaviour}>
        <span className={styles.place}>{place}</span> {change.behaviour}
      </h2>
      <dl className={styles.shares}>
        <Share label={t('changes.line.before', 'Before')} share={change.before} />
        <Share label={t('changes.line.after', 'After')} share={change.after} isAfter />
      </dl>
      {facts.map((fact) => (
        <p key={fact} className={styles.fact}>
          {fact}
        </p>
      ))}
      <Links change={change} />
    </li>
  );
}

/** Grafana 13 takes line ends out of the addresses of links: what stands before and behind one would become one word. */
const onOneLine = (dsl: string) => dsl.trim().replace(/\s*\n\s*/g, ' ');

export function ChangeList({ changes }: { changes: readonly Change[] }) {
  const styles = useStyles2(getStyles);
  return (
    <ol className={styles.list} aria-label={t('changes.list', 'Changes, those of the most traces first')}>
      {changes.map((change, index) => (
        <OneChange key={`${change.behaviour} ${change.trace_after}`} change={change} place={index + 1} />
      ))}
    </ol>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', margin: 0, padding: 0 }),
  change: css({ padding: theme.spacing(1.5, 0), borderBottom: `1px solid ${theme.colors.border.weak}` }),
  behaviour: css({ ...theme.typography.h5, margin: 0, overflowWrap: 'anywhere' }),
  place: css({ color: theme.colors.text.secondary, marginRight: theme.spacing(0.5) }),
  shares: css({ margin: theme.spacing(1, 0) }),
  share: css({ display: 'flex', alignItems: 'baseline', gap: theme.spacing(1), marginBottom: theme.spacing(0.5) }),
  label: css({ flex: '0 0 56px', margin: 0, color: theme.colors.text.secondary, fontWeight: theme.typography.fontWeightRegular }),
  value: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(0, 1), margin: 0, minWidth: 0, flexGrow: 1 }),
  bar: css({ position: 'relative', flex: '0 1 200px', minWidth: 80, height: 10, background: theme.colors.background.secondary }),
  filled: css({ height: '100%', background: theme.colors.text.disabled }),
  filledAfter: css({ background: theme.colors.error.border }),
  interval: css({ position: 'absolute', top: 4, height: 2, minWidth: 2, background: theme.colors.text.primary }),
  fact: css({ margin: 0, color: theme.colors.text.secondary, overflowWrap: 'anywhere' }),
  links: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(0.5, 2), marginTop: theme.spacing(1) }),
  link: css({ color: theme.colors.text.link }),
  note: css({ color: theme.colors.text.secondary }),
});
