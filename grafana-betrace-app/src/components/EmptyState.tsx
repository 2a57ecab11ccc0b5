// Nothing to show: why, and what to do next.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Icon, useStyles2, type IconName } from '@grafana/ui';
import type { ReactNode } from 'react';

interface Props {
  /** why there is nothing, in a few words */
  title: string;
  /** what to do next, or what it means */
  children?: ReactNode;
  /** the button for it */
  action?: ReactNode;
  icon?: IconName;
}

export function EmptyState({ title, children, action, icon = 'info-circle' }: Props) {
  const styles = useStyles2(getStyles);
  return (
    <section className={styles.box} data-state="empty">
      <Icon name={icon} size="xxl" className={styles.icon} />
      <h2 className={styles.title}>{title}</h2>
      {children && <div className={styles.text}>{children}</div>}
      {action && <div className={styles.action}>{action}</div>}
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  box: css({ display: 'flex', flexDirection: 'column', alignItems: 'center', textAlign: 'center', padding: theme.spacing(6, 2) }),
  icon: css({ color: theme.colors.text.secondary, marginBottom: theme.spacing(1) }),
  title: css({ ...theme.typography.h4 }),
  text: css({ color: theme.colors.text.secondary, maxWidth: 600 }),
  action: css({ marginTop: theme.spacing(2) }),
});
