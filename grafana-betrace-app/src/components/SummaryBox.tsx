// What came of a question at a glance, never without what it rests on.
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Icon, useStyles2, type IconName } from '@grafana/ui';
import type { ReactNode } from 'react';

/** bad: something is to be done; good: it is known to be well; unknown: neither; running: not yet. */
export type SummaryTone = 'bad' | 'good' | 'unknown' | 'running';

interface Props {
  label: string;
  tone: SummaryTone;
  icon?: IconName;
  headline: string;
  notes: readonly string[];
  children?: ReactNode;
}

const ICON: Record<SummaryTone, IconName> = { bad: 'exclamation-circle', good: 'check-circle', unknown: 'exclamation-triangle', running: 'clock-nine' };

export function SummaryBox({ label, tone, icon = ICON[tone], headline, notes, children }: Props) {
  const styles = useStyles2(getStyles);
  return (
    <section className={cx(styles.box, styles[tone])} data-tone={tone} aria-label={label}>
      <p className={styles.headline} role="status">
        <Icon name={icon} size="xl" /> {headline}
      </p>
      {notes.map((note) => (
        <p key={note} className={styles.note}>
          {note}
        </p>
      ))}
      {children}
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
    overflowWrap: 'anywhere',
    '& li': { color: theme.colors.text.secondary },
  }),
  bad: css({ borderLeftColor: theme.colors.error.border, '& svg': { color: theme.colors.error.text } }),
  good: css({ borderLeftColor: theme.colors.success.border, '& svg': { color: theme.colors.success.text } }),
  unknown: css({ borderLeftColor: theme.colors.warning.border, '& svg': { color: theme.colors.warning.text } }),
  running: css({ borderLeftColor: theme.colors.info.border, '& svg': { color: theme.colors.info.text } }),
  headline: css({ ...theme.typography.h4, margin: 0, display: 'flex', alignItems: 'center', gap: theme.spacing(1) }),
  note: css({ margin: theme.spacing(0.5, 0, 0), color: theme.colors.text.secondary }),
});
