// One rule of a pack, and how it would have done over the last day.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, Icon, Spinner, useStyles2, type IconName } from '@grafana/ui';
import { asApiError } from '../api/problem';
import { SeverityBadge } from '../components/SeverityBadge';
import { TimeText } from '../components/TimeText';
import { PLAIN } from '../i18n';
import type { PackRule } from './packs';
import { previewWords, usePreview, type PreviewState } from './preview';

const ICON: Record<PreviewState, IconName> = {
  broken: 'times-circle',
  kept: 'check-circle',
  idle: 'minus-circle',
  partial: 'exclamation-triangle',
  nothing: 'question-circle',
};

function Said({ preview }: { preview: ReturnType<typeof usePreview> }) {
  const styles = useStyles2(getStyles);
  if (preview.data) {
    const { state, text } = previewWords(preview.data);
    return (
      <span data-state={state}>
        <Icon name={ICON[state]} className={styles[state]} /> {text}
        {preview.error && (
          <em>
            {' '}
            {t('packs.stale', 'Asking again failed; this is of')} <TimeText time={new Date(preview.dataUpdatedAt).toISOString()} />
          </em>
        )}
      </span>
    );
  }
  if (preview.error) {
    const { title, detail } = asApiError(preview.error);
    return (
      <span data-state="failed">
        <Icon name="exclamation-circle" className={styles.broken} /> {t('packs.failed', 'Could not be asked: {{why}}', { ...PLAIN, why: detail || title })}{' '}
        <Button size="sm" variant="secondary" fill="text" onClick={() => void preview.refetch()}>
          {t('packs.again', 'Ask again')}
        </Button>
      </span>
    );
  }
  return (
    <span role="status" data-state="asked">
      <Spinner inline size="sm" /> {t('packs.asking', 'Asking the last day…')}
    </span>
  );
}

export function PreviewLine({ rule }: { rule: PackRule }) {
  const styles = useStyles2(getStyles);
  const preview = usePreview(rule.dsl, true);
  return (
    <li className={styles.line}>
      <SeverityBadge severity={rule.severity} />
      <div className={styles.text}>
        <strong>{rule.name}</strong>
        <div className={styles.said}>
          <Said preview={preview} />
        </div>
      </div>
    </li>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  line: css({ display: 'grid', gridTemplateColumns: '80px minmax(0, 1fr)', gap: theme.spacing(1), alignItems: 'start', justifyItems: 'start', padding: theme.spacing(0.5, 0) }),
  text: css({ overflowWrap: 'anywhere' }),
  said: css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize }),
  broken: css({ color: theme.colors.error.text }),
  kept: css({ color: theme.colors.success.text }),
  idle: css({ color: theme.colors.info.text }),
  partial: css({ color: theme.colors.warning.text }),
  nothing: css({ color: theme.colors.warning.text }),
});
