// A trace as a waterfall: one row a span in the order of the tree, its bar where it lies in time, witnesses marked by
// icon and word. A row of its own for what is missing. Only rows in view are in the document, and the one that Tab leads
// to. Arrow keys move, left and right close and open, Enter selects.
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Badge, Icon, useStyles2, useTheme2 } from '@grafana/ui';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useRef, useState, type KeyboardEvent } from 'react';

import { rowsWith, useRowFocus } from '../components/rowsInView';
import { PLAIN } from '../i18n';
import { usePageKeys } from '../keys/pageKeys';
import { isMissingLink, type Failure, type Ghost } from './failure';
import { ghostBar, type TraceItem } from './items';
import { axisTicks, barOf, type Bar, type TraceLayout, type TraceRow } from './layout';
import { formatDuration } from './nanoseconds';
import type { Mark } from './witnesses';

interface Props {
  /** what a screen reader calls it */
  label: string;
  layout: TraceLayout;
  items: readonly TraceItem[];
  /** of the shown rule, by place of the span */
  marks: ReadonlyMap<number, Mark[]>;
  missing: { failure: Failure; ghost: Ghost } | null;
  collapsed: ReadonlySet<number>;
  onToggle(span: number): void;
  selected: number | null;
  onSelect(span: number): void;
  /** Each new number brings the selected span into view. */
  jump: number;
}

const ROW_PX = 30;
const INDENT_PX = 12;
const DEEPEST_INDENT = 16;
const NO_MARKS: readonly Mark[] = [];

// Red and orange are for what is wrong.
const SERVICE_COLORS = ['', 'semi-dark-', 'light-', 'dark-', 'super-light-'].flatMap((shade) =>
  ['blue', 'green', 'purple', 'yellow'].map((hue) => shade + hue)
);

/** A colour for each service, the same on every run; names tell them apart too. */
export function serviceColor(theme: GrafanaTheme2, service: string): string {
  let hash = 0;
  for (const character of service) {
    hash = (hash * 31 + character.codePointAt(0)!) >>> 0;
  }
  return theme.visualization.getColorByName(SERVICE_COLORS[hash % SERVICE_COLORS.length]);
}

export function markText(marks: readonly Mark[]): string {
  const names = marks.flatMap((mark) => mark.bindings).join(', ');
  return names ? t('trace.witness-named', 'Witness: {{names}}', { ...PLAIN, names }) : t('trace.witness', 'Witness');
}

/** How long a span lasted, or why that is not known. */
export function lengthText(row: TraceRow): string {
  if (row.hasNotEnded) {
    return t('trace.not-ended', 'not ended');
  }
  if (row.hasNoStart) {
    return t('trace.no-start', 'no start');
  }
  return row.endsBeforeStart ? t('trace.backwards', 'ends before it starts') : formatDuration(row.duration);
}

/** What is odd about a span, in words. */
export function oddities(row: TraceRow): string[] {
  return [
    row.missesParent && t('trace.odd.missing-parent', 'Its parent is not in this trace.'),
    row.isInCycle && t('trace.odd.cycle', 'Its parents lead back to itself.'),
    row.startsBeforeParent && t('trace.odd.before-parent', 'It starts before its parent: the clocks differ, or the parent is wrong.'),
    row.endsBeforeStart && t('trace.odd.negative', 'It ends before it starts: its duration counts as 0.'),
    row.hasNoStart && t('trace.odd.no-start', 'It says no start: it is drawn where the trace begins.'),
    row.hasNotEnded && t('trace.odd.not-ended', 'It has not ended: its duration counts as 0.'),
  ].filter((text) => text !== false);
}

function Marker({ bar, className, color, label }: { bar: Bar; className: string; color?: string; label?: string }) {
  const styles = useStyles2(getStyles);
  // Beside the bar where there is room: left of it when it ends far right.
  const isRight = bar.left + bar.width < 0.8;
  const place = isRight ? { left: `calc(${(bar.left + bar.width) * 100}% + 6px)` } : { right: `calc(${(1 - bar.left) * 100}% + 6px)` };
  return (
    <>
      <span className={className} style={{ left: `${bar.left * 100}%`, width: `max(2px, ${bar.width * 100}%)`, background: color }} />
      {label && (
        <span className={styles.duration} style={bar.width > 0.7 ? { right: 6 } : place}>
          {label}
        </span>
      )}
    </>
  );
}

interface SpanCellsProps {
  layout: TraceLayout;
  row: TraceRow;
  marks: readonly Mark[];
  isCollapsed: boolean;
  onToggle(span: number): void;
}

const SpanCells = memo(function SpanCells({ layout, row, marks, isCollapsed, onToggle }: SpanCellsProps) {
  const styles = useStyles2(getStyles);
  const theme = useTheme2();
  const span = layout.spans[row.span];
  const odd = oddities(row);
  return (
    <>
      <span role="gridcell" className={styles.name} style={{ paddingLeft: Math.min(row.depth, DEEPEST_INDENT) * INDENT_PX }}>
        {row.childCount > 0 ? (
          <Icon
            name={isCollapsed ? 'angle-right' : 'angle-down'}
            className={styles.toggle}
            onClick={(event) => {
              event.stopPropagation();
              onToggle(row.span);
            }}
          />
        ) : (
          <span className={styles.noToggle} />
        )}
        {marks.length > 0 && <Badge className={styles.badge} color="red" icon="eye" text={markText(marks)} />}
        {span.status === 'error' && (
          <Icon name="exclamation-circle" className={styles.error} title={t('trace.status-error', 'Status error')} />
        )}
        {odd.length > 0 && <Icon name="question-circle" className={styles.odd} title={odd.join(' ')} />}
        <span className={styles.text} title={[span.name, span.service].join(' · ')}>
          <span className={styles.spanName}>{span.name || t('trace.no-name', '(no name)')}</span>{' '}
          <span className={styles.service}>{span.service}</span>
          {isCollapsed && row.descendantCount > 0 && (
            <span className={styles.hidden}> {t('trace.hidden', '+{{n}} hidden', { ...PLAIN, n: row.descendantCount })}</span>
          )}
        </span>
      </span>
      <span role="gridcell" className={styles.track}>
        <Marker
          bar={barOf(layout, row)}
          className={cx(styles.bar, marks.length > 0 && styles.witnessBar)}
          color={serviceColor(theme, span.service)}
          label={lengthText(row)}
        />
      </span>
    </>
  );
});

function missingText(failure: Failure): string {
  if (isMissingLink(failure)) {
    return t('trace.missing-link', 'Missing link');
  }
  return failure.near ? t('trace.missing-here', 'Missing here') : t('trace.missing', 'Missing');
}

function GhostCells({ layout, missing, depth }: { layout: TraceLayout; missing: NonNullable<Props['missing']>; depth: number }) {
  const styles = useStyles2(getStyles);
  const { failure, ghost } = missing;
  const said = failure.sentence;
  return (
    <>
      <span role="gridcell" className={styles.name} style={{ paddingLeft: Math.min(depth, DEEPEST_INDENT) * INDENT_PX }}>
        <span className={styles.noToggle} />
        <Badge
          className={styles.badge}
          color="orange"
          icon="question-circle"
          text={missingText(failure)}
        />
        <span className={cx(styles.text, styles.ghostText)} title={said}>
          {failure.text}
        </span>
      </span>
      <span role="gridcell" className={styles.track} aria-label={said}>
        <Marker bar={ghostBar(layout, ghost)} className={styles.ghostBar} />
      </span>
    </>
  );
}

function Axis({ layout }: { layout: TraceLayout }) {
  const styles = useStyles2(getStyles);
  return (
    <div role="row" className={cx(styles.row, styles.axis)}>
      <span role="columnheader">{t('trace.span-and-service', 'Span and service')}</span>
      <span role="columnheader" className={styles.ticks} aria-label={t('trace.time', 'Time since the trace began')}>
        {axisTicks(layout, 5).map(({ at, label }) => (
          <span key={at} className={styles.tick} style={at > 0.9 ? { right: 0 } : { left: `${at * 100}%` }}>
            {label}
          </span>
        ))}
      </span>
    </div>
  );
}

/** The item after a key; undefined: another key, or one that opens and closes. */
function itemAfter(key: string, at: number, last: number): number | undefined {
  const places: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 10, PageUp: at - 10, Home: 0, End: last };
  return key in places ? Math.min(last, Math.max(0, places[key])) : undefined;
}

/** Keys in the row `at`; `go` makes another the one that has the focus. */
function itemKeys({ layout, items, collapsed, onToggle, onSelect }: Props, at: number, go: (item: number) => void) {
  const openOrClose = (key: string, row: TraceRow) => {
    const isClosed = collapsed.has(row.span);
    if (row.childCount > 0 && (key === 'ArrowRight') === isClosed) {
      onToggle(row.span);
    } else if (key === 'ArrowRight' && row.childCount > 0) {
      go(Math.min(items.length - 1, at + 1));
    } else if (key === 'ArrowLeft' && row.parent >= 0) {
      go(
        Math.max(
          0,
          items.findIndex((item) => item.kind === 'span' && item.row === row.parent)
        )
      );
    }
  };
  return (event: KeyboardEvent) => {
    const item = items[at];
    const next = itemAfter(event.key, at, items.length - 1);
    const isMine = next !== undefined || ['ArrowLeft', 'ArrowRight', 'Enter', ' '].includes(event.key);
    if (!isMine) {
      return;
    }
    event.preventDefault();
    if (next !== undefined) {
      go(next);
    } else if (item?.kind === 'span') {
      const row = layout.rows[item.row];
      return event.key === 'Enter' || event.key === ' ' ? onSelect(row.span) : openOrClose(event.key, row);
    }
  };
}

function keyOf(layout: TraceLayout, item: TraceItem): string {
  return item.kind === 'ghost' ? 'ghost' : `span ${layout.rows[item.row].span}`;
}

function useSpanKeys() {
  usePageKeys([
    { key: '↑ ↓', text: t('keys.spans', 'In the trace: to another span') },
    { key: '← →', text: t('keys.span-children', 'In the trace: hide and show what a span called') },
    { key: 'Enter', text: t('keys.span', 'In the trace: select the span') },
  ]);
}

export function Waterfall(props: Props) {
  const { label, layout, items, marks, missing, collapsed, onToggle, selected, onSelect, jump } = props;
  const styles = useStyles2(getStyles);
  useSpanKeys();
  const scroller = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState(0);
  const at = Math.min(current, Math.max(0, items.length - 1));
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 15,
    rangeExtractor: (range) => rowsWith(at, range),
    initialRect: { width: 1000, height: 600 },
  });
  const seen = rows.getVirtualItems();
  const moveFocus = useRowFocus(scroller, 'data-item', at, seen);
  const onKeyDown = itemKeys(props, at, (item) => {
    moveFocus(item);
    setCurrent(item);
    rows.scrollToIndex(item);
  });
  // The span of a deep link, and the first witness, may lie far down.
  const shown = useRef<number | null>(null);
  useEffect(() => {
    const place = items.findIndex((item) => item.kind === 'span' && layout.rows[item.row].span === selected);
    if (shown.current !== jump && place >= 0) {
      rows.scrollToIndex(place, { align: 'center' });
      setCurrent(place);
    }
    shown.current = jump;
  }, [items, layout, selected, rows, jump]);
  // made once a drawing and not once a row: putting classes together is a good part of what a row costs
  const plain = cx(styles.row, styles.body);
  const look = (row: TraceRow | null) => {
    if (!row) {
      return cx(plain, styles.ghost);
    }
    const isWitness = marks.has(row.span);
    const isSelected = row.span === selected;
    return isWitness || isSelected ? cx(plain, isWitness && styles.witness, isSelected && styles.selected) : plain;
  };
  return (
    <div role="treegrid" aria-label={label} aria-rowcount={items.length + 1} className={styles.grid}>
      <Axis layout={layout} />
      <div ref={scroller} className={styles.scroller}>
        <div role="presentation" style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {seen.map(({ index, start }) => {
            const item = items[index];
            const row = item.kind === 'span' ? layout.rows[item.row] : null;
            const isCollapsed = row !== null && collapsed.has(row.span);
            return (
              <div
                key={keyOf(layout, item)}
                role="row"
                aria-rowindex={index + 2}
                aria-level={(row ? row.depth : item.kind === 'ghost' ? item.depth : 0) + 1}
                aria-expanded={row && row.childCount > 0 ? !isCollapsed : undefined}
                aria-selected={row !== null && row.span === selected}
                data-item={index}
                data-witness={row && marks.has(row.span) ? 'true' : undefined}
                tabIndex={index === at ? 0 : -1}
                className={look(row)}
                style={{ transform: `translateY(${start}px)` }}
                onKeyDown={onKeyDown}
                onFocus={() => setCurrent(index)}
                onClick={() => row && onSelect(row.span)}
              >
                {row && (
                  <SpanCells
                    layout={layout}
                    row={row}
                    marks={marks.get(row.span) ?? NO_MARKS}
                    isCollapsed={isCollapsed}
                    onToggle={onToggle}
                  />
                )}
                {item.kind === 'ghost' && missing && <GhostCells layout={layout} missing={missing} depth={item.depth} />}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  grid: css({
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    containerType: 'inline-size',
    minWidth: 0,
  }),
  scroller: css({ maxHeight: 'max(320px, calc(100vh - 420px))', overflowY: 'auto', overflowX: 'hidden', scrollbarGutter: 'stable' }),
  row: css({
    display: 'grid',
    gridTemplateColumns: 'minmax(220px, 45%) 1fr',
    height: ROW_PX,
    alignItems: 'center',
    '@container (max-width: 560px)': { gridTemplateColumns: 'minmax(0, 65%) 1fr' },
  }),
  axis: css({
    overflowY: 'auto',
    scrollbarGutter: 'stable',
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
    padding: theme.spacing(0, 1),
    background: theme.colors.background.secondary,
    borderBottom: `1px solid ${theme.colors.border.weak}`,
  }),
  ticks: css({ position: 'relative', height: '100%' }),
  tick: css({
    position: 'absolute',
    top: 6,
    whiteSpace: 'nowrap',
    '@container (max-width: 560px)': { '&:not(:first-child):not(:last-child)': { display: 'none' } },
  }),
  body: css({
    position: 'absolute',
    top: 0,
    left: 0,
    width: '100%',
    padding: theme.spacing(0, 1),
    cursor: 'pointer',
    borderLeft: '3px solid transparent',
    '&:hover': { background: theme.colors.action.hover },
    '&:focus-visible': { outline: `2px solid ${theme.colors.primary.main}`, outlineOffset: -2 },
  }),
  witness: css({ borderLeftColor: theme.colors.error.main, background: theme.colors.error.transparent }),
  selected: css({ background: theme.colors.action.selected }),
  ghost: css({ borderLeftColor: theme.colors.warning.main, background: theme.colors.warning.transparent, cursor: 'default' }),
  name: css({ display: 'flex', alignItems: 'center', gap: 4, minWidth: 0, paddingRight: theme.spacing(1) }),
  toggle: css({ flexShrink: 0, cursor: 'pointer' }),
  noToggle: css({ width: 16, flexShrink: 0 }),
  badge: css({ flexShrink: 0 }),
  error: css({ color: theme.colors.error.text, flexShrink: 0 }),
  odd: css({ color: theme.colors.warning.text, flexShrink: 0 }),
  text: css({ overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }),
  spanName: css({ fontWeight: theme.typography.fontWeightMedium }),
  service: css({ color: theme.colors.text.secondary }),
  hidden: css({ color: theme.colors.text.secondary, fontStyle: 'italic' }),
  ghostText: css({ fontFamily: theme.typography.fontFamilyMonospace, fontSize: theme.typography.bodySmall.fontSize }),
  track: css({ position: 'relative', height: '100%' }),
  bar: css({ position: 'absolute', top: 9, height: 12, borderRadius: 2 }),
  witnessBar: css({ outline: `2px solid ${theme.colors.error.main}`, outlineOffset: 1 }),
  ghostBar: css({
    position: 'absolute',
    top: 7,
    height: 16,
    border: `2px dashed ${theme.colors.warning.main}`,
    borderRadius: 2,
    boxSizing: 'border-box',
    minWidth: 8,
  }),
  duration: css({
    position: 'absolute',
    top: 5,
    fontSize: theme.typography.bodySmall.fontSize,
    color: theme.colors.text.primary,
    background: theme.colors.background.primary,
    borderRadius: 2,
    padding: '0 4px',
    lineHeight: '20px',
    whiteSpace: 'nowrap',
    pointerEvents: 'none',
  }),
});
