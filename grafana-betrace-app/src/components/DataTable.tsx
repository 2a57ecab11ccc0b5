// A table that is read, in a region of its own that scrolls sideways: head, numbers to the right, links in their colour. What else a table has is its own.
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import type { ReactNode } from 'react';

export interface Column {
  text: string;
  isNumber?: boolean;
}

interface Props {
  label: string;
  columns: Column[];
  className?: string;
  /** its rows; a cell of class `number` stands under a column of numbers */
  children: ReactNode;
}

export function DataTable({ label, columns, className, children }: Props) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.scroll} role="region" aria-label={label} tabIndex={0}>
      <table className={cx(styles.table, className)}>
        <thead>
          <tr>
            {columns.map(({ text, isNumber }) => (
              <th key={text} scope="col" className={isNumber ? 'number' : undefined}>
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  scroll: css({ overflowX: 'auto' }),
  table: css({
    width: '100%',
    '& th, & td': { padding: theme.spacing(0.5, 1), textAlign: 'left', verticalAlign: 'top' },
    '& thead th': { color: theme.colors.text.secondary, fontWeight: theme.typography.fontWeightMedium, borderBottom: `1px solid ${theme.colors.border.medium}` },
    '& .number': { textAlign: 'right', fontVariantNumeric: 'tabular-nums', whiteSpace: 'nowrap' },
    '& a': { color: theme.colors.text.link },
  }),
});
