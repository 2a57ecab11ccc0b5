// An answer of before, while asking again failed: of when it is, why there is no newer one, and how to ask once more.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, Icon, useStyles2 } from '@grafana/ui';
import { asApiError } from '../api/problem';
import { useHost } from '../host/context';
import { PLAIN } from '../i18n';
import { ErrorState } from './ErrorState';
import { formatTime } from './TimeText';

/** What a page asked: as react-query has it. */
export interface Asked {
  data: unknown;
  error: unknown;
  /** milliseconds since the epoch */
  dataUpdatedAt: number;
  refetch(): unknown;
}

function StaleNotice({ asked: { error, dataUpdatedAt, refetch } }: { asked: Asked }) {
  const styles = useStyles2(getStyles);
  const { title, detail } = asApiError(error);
  const time = formatTime(new Date(dataUpdatedAt).toISOString(), useHost().timeZone());
  return (
    <section className={styles.box} role="status" data-state="stale">
      <Icon name="history" size="lg" className={styles.icon} />
      <div className={styles.text}>
        <strong>{t('stale.title', 'This is from {{time}} and may have changed: asking again failed.', { ...PLAIN, time })}</strong>
        <div>{[title, detail].filter(Boolean).join(': ')}</div>
      </div>
      <Button size="sm" variant="secondary" icon="sync" onClick={() => void refetch()}>
        {t('error.retry', 'Try again')}
      </Button>
    </section>
  );
}

/** What went wrong with a question: nothing is known, or what is shown is of before. `title`: what was attempted. */
export function QuestionProblem({ asked, title }: { asked: Asked; title?: string }) {
  if (!asked.error) {
    return null;
  }
  return asked.data === undefined ? <ErrorState error={asked.error} title={title} onRetry={() => void asked.refetch()} /> : <StaleNotice asked={asked} />;
}

const getStyles = (theme: GrafanaTheme2) => ({
  box: css({
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'start',
    gap: theme.spacing(1),
    padding: theme.spacing(1, 1.5),
    marginBottom: theme.spacing(2),
    border: `1px dashed ${theme.colors.warning.border}`,
    borderRadius: theme.shape.radius.default,
  }),
  icon: css({ color: theme.colors.warning.text, flexShrink: 0 }),
  text: css({ flex: '1 1 280px', minWidth: 0, overflowWrap: 'anywhere' }),
});
