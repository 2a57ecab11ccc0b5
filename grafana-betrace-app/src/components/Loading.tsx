// Something is being asked for, said to screen readers too.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Spinner, useStyles2 } from '@grafana/ui';

/** Something is being asked for. `text` says what, where it takes long. `isLine`: among lines of text, not in place of them. */
export function Loading({ text, isLine = false }: { text?: string; isLine?: boolean }) {
  const styles = useStyles2(getStyles);
  return (
    <div className={isLine ? styles.line : styles.block} role="status" aria-live="polite" data-state="loading">
      <Spinner inline /> {text ?? t('state.loading', 'Loading…')}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  block: css({ padding: theme.spacing(3), color: theme.colors.text.secondary }),
  line: css({ color: theme.colors.text.secondary }),
});
