// A plain list, alike in both hosts.
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import type { ComponentProps } from 'react';

/** A plain list that looks the same in Grafana, whose style sheet takes lists' marks away, and without it. */
export function List({ className, ...props }: ComponentProps<'ul'>) {
  const styles = useStyles2(getStyles);
  return <ul {...props} className={cx(styles, className)} />;
}

const getStyles = (theme: GrafanaTheme2) =>
  css({
    listStyle: 'disc',
    margin: 0,
    padding: theme.spacing(0, 0, 0, 2.5),
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(0.5),
    '& > li': { display: 'list-item' },
  });
