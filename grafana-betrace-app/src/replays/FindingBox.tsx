// The answer of a replay at a glance, never without what it rests on.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { useStyles2 } from '@grafana/ui';
import type { Replay } from '../api/types';
import { SummaryBox, type SummaryTone } from '../components/SummaryBox';
import { useHost } from '../host/context';
import { reasonSentence } from '../violations/coverageWords';
import { findingOf, type Finding } from './replayWords';

const TONE: Record<Finding['tone'], SummaryTone> = { violated: 'bad', none: 'good', unknown: 'unknown', running: 'running' };

export function FindingBox({ replay }: { replay: Replay }) {
  const styles = useStyles2(getStyles);
  const { tone, headline, notes } = findingOf(replay, useHost().timeZone());
  const isRunning = tone === 'running';
  const percent = Math.floor(replay.progress * 100);
  const reason = replay.reason && (replay.status === 'failed' || replay.status === 'cancelled') ? [reasonSentence(replay.reason)] : [];
  return (
    <SummaryBox
      label={t('replay.finding', 'What was found')}
      tone={TONE[tone]}
      icon={tone === 'violated' ? 'times-circle' : undefined}
      headline={headline}
      notes={[...reason, ...notes]}
    >
      {isRunning && (
        <div className={styles.progress}>
          <progress className={styles.bar} max={100} value={percent} aria-label={t('replay.progress', 'Progress')} />
          {t('replay.percent', '{{percent}} %', { percent })}
        </div>
      )}
    </SummaryBox>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
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
