// Something is being asked for, said to screen readers too.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Spinner, useStyles2 } from '@grafana/ui';

/** Something is being asked for. `text` says what, where it takes long. */
export function Loading({ text }: { text?: string }) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles} role="status" aria-live="polite" data-state="loading">
      <Spinner inline /> {text ?? t('state.loading', 'Loading…')}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => css({ padding: theme.spacing(3), color: theme.colors.text.secondary });
