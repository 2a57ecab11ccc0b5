// The list of violations. Only the rows in view are in the document, so ten thousand scroll as ten do; the next page is asked for when its first row comes
// near. Arrow keys move from row to row, j and k too, from anywhere on the page; Enter opens one. Tab leads from the row to the link to its problem.
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Badge, useStyles2 } from '@grafana/ui';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { Link, useNavigate } from 'react-router-dom';

import type { Violation } from '../api/types';
import { rowsWith, useRowFocus } from '../components/rowsInView';
import { SeverityBadge } from '../components/SeverityBadge';
import { formatTime } from '../components/TimeText';
import { useHost } from '../host/context';
import { usePageKeys } from '../keys/pageKeys';

interface Props {
  violations: readonly Violation[];
  /** null: not known */
  total: number | null;
  urlOf(violation: Violation): string;
  /** undefined: nobody says of these which problem they are of */
  problemUrlOf?: (ruleId: string, problem: string) => string;
  /** Asked for when the end comes near; undefined: there is no more. */
  onNearEnd?: () => void;
}

const ROW_PX = 40;
const NEAR_END_ROWS = 20;

function rowAfter(key: string, at: number, last: number, page: number): number | undefined {
  const places: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: last };
  return key in places ? Math.min(last, Math.max(0, places[key])) : undefined;
}

// Plain elements, and drawn again only for another violation: a fast scroll makes hundreds of them a second.
interface CellsProps {
  violation: Violation;
  url: string;
  /** '': the service does not say which problem it is of; undefined: of none of the rows */
  problemUrl?: string;
  isCurrent: boolean;
}

const Cells = memo(function Cells({ violation, url, problemUrl, isCurrent }: CellsProps) {
  const styles = useStyles2(getStyles);
  const timeZone = useHost().timeZone();
  return (
    <>
      <span role="gridcell" className={styles.time}>
        <Link to={url} tabIndex={-1}>
          <time dateTime={violation.time} title={violation.time}>
            {formatTime(violation.time, timeZone, 'milliseconds')}
          </time>
        </Link>
      </span>
      <span role="gridcell">
        <SeverityBadge severity={violation.severity} />
      </span>
      <span role="gridcell" className={styles.cut} title={violation.rule_name}>
        {violation.rule_name}
      </span>
      <span role="gridcell" className={cx(styles.cut, styles.message)} title={violation.message}>
        {violation.provisional && <Badge text={t('violations.table.provisional', 'Provisional')} color="orange" />} {violation.message}
      </span>
      <span role="gridcell" className={cx(styles.cut, styles.root)} title={[violation.root_service, violation.root_name].join(' ')}>
        {violation.root_service || '–'}
      </span>
      <span role="gridcell" className={cx(styles.cut, styles.trace, styles.id)} title={violation.trace_id}>
        {violation.trace_id}
      </span>
      {problemUrl !== undefined && (
        <span role="gridcell" className={styles.problem}>
          {problemUrl === '' ? (
            t('violations.table.problem-unknown', 'Not known')
          ) : (
            <Link to={problemUrl} tabIndex={isCurrent ? 0 : -1} aria-label={t('violations.table.open-problem', 'Open its problem')}>
              {t('violations.table.open', 'Open')}
            </Link>
          )}
        </span>
      )}
    </>
  );
});

function HeaderRow({ hasProblems }: { hasProblems: boolean }) {
  const styles = useStyles2(getStyles);
  const names: Array<[string, string?]> = [
    [t('violations.table.time', 'Time')],
    [t('violations.table.severity', 'Severity')],
    [t('violations.table.rule', 'Rule')],
    [t('violations.table.what', 'What happened'), styles.message],
    [t('violations.table.service', 'Entry service'), styles.root],
    [t('violations.table.trace', 'Trace'), styles.trace],
  ];
  if (hasProblems) {
    names.push([t('violations.table.problem', 'Problem'), styles.problem]);
  }
  return (
    <div role="row" aria-rowindex={1} className={cx(styles.row, hasProblems && styles.withProblem, styles.header)}>
      {names.map(([name, className]) => (
        <span role="columnheader" key={name} className={className}>
          {name}
        </span>
      ))}
    </div>
  );
}

/** Keys in the row `at`: `go` makes another the one that has the focus. */
function rowKeys(at: number, count: number, perPage: () => number, open: () => void, go: (row: number) => void) {
  return (event: KeyboardEvent) => {
    const next = rowAfter(event.key, at, count - 1, perPage());
    if (next !== undefined) {
      event.preventDefault();
      go(next);
    } else if (event.key === 'Enter' && event.target === event.currentTarget) {
      open();
    }
  };
}

export function ViolationTable({ violations, total, urlOf, problemUrlOf, onNearEnd }: Props) {
  const styles = useStyles2(getStyles);
  const navigate = useNavigate();
  const scroller = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState(0);
  const at = Math.min(current, Math.max(0, violations.length - 1));
  const rows = useVirtualizer({
    count: violations.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
    rangeExtractor: (range) => rowsWith(at, range),
    initialRect: { width: 1000, height: 600 },
  });
  const items = rows.getVirtualItems();
  const lastShown = items.length ? items[items.length - 1].index : 0;
  useEffect(() => {
    if (onNearEnd && lastShown >= violations.length - NEAR_END_ROWS) {
      onNearEnd();
    }
  }, [onNearEnd, lastShown, violations.length]);
  const perPage = () => Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_PX) - 1);
  const moveFocus = useRowFocus(scroller, 'data-row', at, items);
  const go = (row: number) => {
    moveFocus(row);
    setCurrent(row);
    rows.scrollToIndex(row);
  };
  const onKeyDown = rowKeys(at, violations.length, perPage, () => void navigate(urlOf(violations[at])), go);
  /** From elsewhere on the page the first key comes to the row that Tab leads to. */
  const step = (by: number) => go(scroller.current?.contains(document.activeElement) ? Math.min(violations.length - 1, Math.max(0, at + by)) : at);
  usePageKeys([
    { key: 'j', text: t('keys.next-row', 'To the next violation'), run: () => step(1), repeats: true },
    { key: 'k', text: t('keys.previous-row', 'To the violation before'), run: () => step(-1), repeats: true },
    { key: 'Enter', text: t('keys.open-row', 'Open the violation') },
    { key: 'Home', shown: t('keys.ends', 'Home, End'), text: t('keys.ends-row', 'To the first and the last that are loaded') },
  ]);
  return (
    <div
      className={styles.table}
      role="grid"
      aria-label={t('violations.table.label', 'Violations')}
      aria-rowcount={total === null ? -1 : total + 1}
    >
      <HeaderRow hasProblems={problemUrlOf !== undefined} />
      <div ref={scroller} className={styles.scroller} data-testid="violation-rows">
        <div role="presentation" style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {items.map(({ index, start }) => (
            <div
              key={violations[index].id}
              role="row"
              aria-rowindex={index + 2}
              data-row={index}
              tabIndex={index === at ? 0 : -1}
              className={cx(styles.row, problemUrlOf && styles.withProblem, styles.body)}
              style={{ transform: `translateY(${start}px)` }}
              onKeyDown={onKeyDown}
              onFocus={() => setCurrent(index)}
              onClick={(event) => !(event.target as HTMLElement).closest('a') && void navigate(urlOf(violations[index]))}
            >
              <Cells
                violation={violations[index]}
                url={urlOf(violations[index])}
                problemUrl={problemUrlOf && (violations[index].problem ? problemUrlOf(violations[index].rule_id, violations[index].problem) : '')}
                isCurrent={index === at}
              />
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  table: css({ containerType: 'inline-size', border: `1px solid ${theme.colors.border.weak}`, borderRadius: theme.shape.radius.default }),
  scroller: css({ height: 'calc(100vh - 420px)', minHeight: 280, overflowY: 'auto', overflowX: 'hidden', scrollbarGutter: 'stable' }),
  row: css({
    display: 'grid',
    gridTemplateColumns: '195px 90px minmax(120px, 1.2fr) minmax(160px, 3fr) minmax(110px, 1fr) 120px',
    gap: theme.spacing(1),
    alignItems: 'center',
    height: ROW_PX,
    padding: theme.spacing(0, 1),
    '@container (max-width: 900px)': { gridTemplateColumns: '195px 90px minmax(100px, 1fr) minmax(140px, 2fr)' },
    '@container (max-width: 600px)': { gridTemplateColumns: '195px 80px minmax(60px, 1fr)' },
  }),
  withProblem: css({
    '@container (min-width: 901px)': { gridTemplateColumns: '195px 90px minmax(120px, 1.2fr) minmax(160px, 3fr) minmax(110px, 1fr) 120px 80px' },
    '@container (min-width: 601px) and (max-width: 900px)': { gridTemplateColumns: '195px 90px minmax(100px, 1fr) minmax(140px, 2fr) 80px' },
  }),
  header: css({
    overflowY: 'auto',
    scrollbarGutter: 'stable',
    fontWeight: theme.typography.fontWeightMedium,
    color: theme.colors.text.secondary,
    borderBottom: `1px solid ${theme.colors.border.weak}`,
    background: theme.colors.background.secondary,
  }),
  body: css({
    position: 'absolute',
    top: 0,
    left: 0,
    width: '100%',
    cursor: 'pointer',
    borderBottom: `1px solid ${theme.colors.border.weak}`,
    '&:hover': { background: theme.colors.action.hover },
    '&:focus-visible': { outline: `2px solid ${theme.colors.primary.main}`, outlineOffset: -2 },
  }),
  time: css({ fontVariantNumeric: 'tabular-nums', whiteSpace: 'nowrap', '& a': { color: theme.colors.text.link } }),
  cut: css({ overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }),
  message: css({ '@container (max-width: 600px)': { display: 'none' } }),
  root: css({ '@container (max-width: 900px)': { display: 'none' } }),
  trace: css({ '@container (max-width: 900px)': { display: 'none' } }),
  problem: css({ '& a': { color: theme.colors.text.link }, '@container (max-width: 600px)': { display: 'none' } }),
  id: css({ fontFamily: theme.typography.fontFamilyMonospace, fontSize: theme.typography.bodySmall.fontSize }),
});
