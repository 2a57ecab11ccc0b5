// The answer of a replay at a glance, never without what it rests on.
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Icon, useStyles2, type IconName } from '@grafana/ui';
import type { Replay } from '../api/types';
import { useHost } from '../host/context';
import { reasonSentence } from '../violations/coverageWords';
import { findingOf, type Finding } from './replayWords';

const ICON: Record<Finding['tone'], IconName> = { violated: 'times-circle', none: 'check-circle', unknown: 'exclamation-triangle', running: 'clock-nine' };

export function FindingBox({ replay }: { replay: Replay }) {
  const styles = useStyles2(getStyles);
  const { tone, headline, notes } = findingOf(replay, useHost().timeZone());
  const isRunning = tone === 'running';
  const percent = Math.floor(replay.progress * 100);
  const reason = replay.reason && (replay.status === 'failed' || replay.status === 'cancelled') ? [reasonSentence(replay.reason)] : [];
  return (
    <section className={cx(styles.box, styles[tone])} data-tone={tone} aria-label={t('replay.finding', 'What was found')}>
      <p className={styles.headline} role="status">
        <Icon name={ICON[tone]} size="xl" /> {headline}
      </p>
      {[...reason, ...notes].map((note) => (
        <p key={note} className={styles.note}>
          {note}
        </p>
      ))}
      {isRunning && (
        <div className={styles.progress}>
          <progress className={styles.bar} max={100} value={percent} aria-label={t('replay.progress', 'Progress')} />
          {t('replay.percent', '{{percent}} %', { percent })}
        </div>
      )}
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  box: css({
    padding: theme.spacing(2),
    background: theme.colors.background.primary,
    border: `1px solid ${theme.colors.border.weak}`,
    borderLeftWidth: 4,
    borderRadius: theme.shape.radius.default,
  }),
  violated: css({ borderLeftColor: theme.colors.error.border, '& svg': { color: theme.colors.error.text } }),
  none: css({ borderLeftColor: theme.colors.success.border, '& svg': { color: theme.colors.success.text } }),
  unknown: css({ borderLeftColor: theme.colors.warning.border, '& svg': { color: theme.colors.warning.text } }),
  running: css({ borderLeftColor: theme.colors.info.border, '& svg': { color: theme.colors.info.text } }),
  headline: css({ ...theme.typography.h4, margin: 0, display: 'flex', alignItems: 'center', gap: theme.spacing(1) }),
  note: css({ margin: theme.spacing(0.5, 0, 0), color: theme.colors.text.secondary }),
  progress: css({ display: 'flex', alignItems: 'center', gap: theme.spacing(1), marginTop: theme.spacing(1) }),
  bar: css({
    appearance: 'none',
    width: 240,
    height: 8,
    border: 'none',
    borderRadius: 4,
    overflow: 'hidden',
    background: theme.colors.background.secondary,
    '&::-webkit-progress-bar': { background: theme.colors.background.secondary },
    '&::-webkit-progress-value': { background: theme.colors.primary.main },
    '&::-moz-progress-bar': { background: theme.colors.primary.main },
  }),
});
