// Which span links to which, under a linked trace: one line a link. Choosing a line selects its spans in the waterfalls.
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { useStyles2 } from '@grafana/ui';

import type { TraceVerdicts } from '../api/types';
import { PLAIN } from '../i18n';
import type { LinkedFacts } from './linked';
import { linkLines, type NamesOfSpans } from './linkLines';
import { useSelection } from './selection';

interface Props {
  /** of the linked trace */
  facts: LinkedFacts;
  /** of the trace that is looked at */
  verdicts: TraceVerdicts;
  names: NamesOfSpans;
  onChoose(): void;
}

export function LinkLines({ facts, verdicts, names, onChoose }: Props) {
  const styles = useStyles2(getStyles);
  const [selected, select] = useSelection();
  const { lines, left } = linkLines(facts, verdicts, names);
  if (!lines.length) {
    return null;
  }
  const isSelected = (ends: readonly string[]) => ends.length === selected.length && ends.every((end) => selected.includes(end));
  return (
    <ul className={styles.list} aria-label={t('trace.linked.links', 'Which span links to which')}>
      {lines.map(({ key, text, ends }) => (
        <li key={key}>
          <button
            type="button"
            className={cx(styles.line, isSelected(ends) && styles.selected)}
            title={t('trace.linked.select', 'Select these spans in their traces')}
            aria-current={isSelected(ends)}
            onClick={() => {
              select(ends);
              onChoose();
            }}
          >
            {text}
          </button>
        </li>
      ))}
      {left > 0 && <li className={styles.left}>{t('trace.linked.more-links', 'and {{n}} more', { ...PLAIN, n: left.toLocaleString() })}</li>}
    </ul>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', padding: 0, margin: theme.spacing(0, 0, 1) }),
  line: css({
    border: 'none',
    borderRadius: theme.shape.radius.default,
    background: 'transparent',
    color: theme.colors.text.link,
    cursor: 'pointer',
    padding: theme.spacing(0.25, 0.5),
    marginLeft: theme.spacing(-0.5),
    textAlign: 'left',
    overflowWrap: 'anywhere',
    '&:hover': { background: theme.colors.action.hover },
    '&:focus-visible': { outline: `2px solid ${theme.colors.primary.main}` },
  }),
  selected: css({ background: theme.colors.action.selected }),
  left: css({ color: theme.colors.text.secondary }),
});
