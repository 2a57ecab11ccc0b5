// What came of a comparison at a glance, never without what it rests on.
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Icon, useStyles2, type IconName } from '@grafana/ui';

import type { Changes } from '../api/types';
import { List } from '../components/List';
import { useHost } from '../host/context';
import { leftOut, summaryOf, type Tone } from './changeWords';

const ICON: Record<Tone, IconName> = { changed: 'exchange-alt', same: 'check-circle', unknown: 'exclamation-triangle' };

export function SummaryBox({ answer }: { answer: Changes }) {
  const styles = useStyles2(getStyles);
  const { tone, headline, notes } = summaryOf(answer, useHost().timeZone());
  const missing = leftOut(answer);
  return (
    <section className={cx(styles.box, styles[tone])} data-tone={tone} aria-label={t('changes.summary', 'What came of it')}>
      <p className={styles.headline} role="status">
        <Icon name={ICON[tone]} size="xl" /> {headline}
      </p>
      {notes.map((note) => (
        <p key={note} className={styles.note}>
          {note}
        </p>
      ))}
      {missing.length > 0 && (
        <>
          <p className={styles.note}>{t('changes.left-out', 'Not compared:')}</p>
          <List>
            {missing.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </List>
        </>
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
    overflowWrap: 'anywhere',
    '& li': { color: theme.colors.text.secondary },
  }),
  changed: css({ borderLeftColor: theme.colors.error.border, '& svg': { color: theme.colors.error.text } }),
  same: css({ borderLeftColor: theme.colors.success.border, '& svg': { color: theme.colors.success.text } }),
  unknown: css({ borderLeftColor: theme.colors.warning.border, '& svg': { color: theme.colors.warning.text } }),
  headline: css({ ...theme.typography.h4, margin: 0, display: 'flex', alignItems: 'center', gap: theme.spacing(1) }),
  note: css({ margin: theme.spacing(0.5, 0, 0), color: theme.colors.text.secondary }),
});
