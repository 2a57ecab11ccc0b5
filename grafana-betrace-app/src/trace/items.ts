// What the drawn trace consists of: the spans that are not hidden, and at most one row for what is missing. No state.
import type { Ghost } from './failure';
import { fractionOf, type Bar, type TraceLayout, visibleRows } from './layout';

export type TraceItem = { kind: 'span'; row: number } | { kind: 'ghost'; depth: number };

/** Where the ghost goes among the rows that are seen, and how deep. A hidden neighbour is stood for by what hides it. */
function placeOfGhost(layout: TraceLayout, visible: readonly number[], ghost: Ghost): { at: number; depth: number } {
  const row = ghost.span < 0 ? -1 : layout.rowOfSpan[ghost.span];
  if (row < 0) {
    return { at: visible.length, depth: 0 };
  }
  const { depth, descendantCount } = layout.rows[row];
  const firstAfter = (last: number) => {
    const at = visible.findIndex((seen) => seen > last);
    return at < 0 ? visible.length : at;
  };
  switch (ghost.position) {
    case 'before':
      return { at: visible.includes(row) ? firstAfter(row - 1) : firstAfter(row), depth };
    case 'under':
      return { at: firstAfter(row), depth: depth + 1 };
    case 'after':
      return { at: firstAfter(row + descendantCount), depth };
  }
}

export function traceItems(layout: TraceLayout, collapsed: ReadonlySet<number>, ghost: Ghost | null): TraceItem[] {
  const visible = visibleRows(layout, collapsed);
  const items: TraceItem[] = visible.map((row) => ({ kind: 'span', row }));
  if (ghost) {
    const { at, depth } = placeOfGhost(layout, visible, ghost);
    items.splice(at, 0, { kind: 'ghost', depth });
  }
  return items;
}

/** The time in which what is missing would have been, in parts of the trace's. */
export function ghostBar(layout: TraceLayout, { from, to }: Ghost): Bar {
  const left = fractionOf(layout, from ?? layout.start);
  return { left, width: Math.max(0, fractionOf(layout, to ?? layout.end) - left) };
}

/** The spans (places) whose whole subtree holds none of these: hiding them leaves what matters. */
export function collapseAllBut(layout: TraceLayout, wanted: ReadonlySet<number>): Set<number> {
  const keeps = new Array<boolean>(layout.rows.length).fill(false);
  for (let i = layout.rows.length - 1; i >= 0; i--) {
    const { span, parent } = layout.rows[i];
    if ((keeps[i] || wanted.has(span)) && parent >= 0) {
      keeps[parent] = true;
    }
  }
  return new Set(layout.rows.filter((row, i) => row.childCount > 0 && !keeps[i]).map((row) => row.span));
}

/** What stays closed so that this span (its place) is seen. */
export function openTo(layout: TraceLayout, collapsed: ReadonlySet<number>, span: number): Set<number> {
  const closed = new Set(collapsed);
  for (let row = layout.rows[layout.rowOfSpan[span]].parent; row >= 0; row = layout.rows[row].parent) {
    closed.delete(layout.rows[row].span);
  }
  return closed;
}
