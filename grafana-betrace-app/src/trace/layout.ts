/**
 * The order in which the spans of a trace are drawn: each right behind its parent, siblings by start. Traces are taken as they come:
 * parents may be missing, lead in a circle or start after their children, two halves of a call may share an id, spans may end before they
 * begin. Every span is drawn exactly once. No recursion: chains of parents may be as long as the trace. No state.
 */
import type { TraceSpan } from '../api/types';
import { formatDuration, parseNanoseconds } from './nanoseconds';

export interface TraceRow {
  /** Its place in the trace's spans; unique where ids are not. */
  span: number;
  /** The row of its parent; −1: a root. */
  parent: number;
  depth: number;
  childCount: number;
  /** Rows below it that hang under it, at any depth: what collapsing hides. */
  descendantCount: number;
  /** The last of its siblings: its branch ends here. */
  isLast: boolean;
  /** It names a parent that is not among these spans. */
  missesParent: boolean;
  /** Drawn as a root because its parents lead back to it. */
  isInCycle: boolean;
  /** It starts before its parent does: clocks of two machines, or a wrong parent. */
  startsBeforeParent: boolean;
  /** Its end lies before its start; its duration counts as 0. */
  endsBeforeStart: boolean;
  /** It says no start (0): it is drawn where the trace begins. */
  hasNoStart: boolean;
  /** It says no end (0): it has not ended. */
  hasNotEnded: boolean;
  start: bigint;
  duration: bigint;
}

export interface TraceLayout {
  spans: readonly TraceSpan[];
  rows: TraceRow[];
  /** Row of each span, by its place. */
  rowOfSpan: Int32Array;
  start: bigint;
  end: bigint;
  rootCount: number;
  missingParents: number;
}

interface Times {
  start: bigint[];
  end: bigint[];
}

const NONE = -1;

/** What a span says where it has no such time. */
function isZero(nanoseconds: string): boolean {
  return parseNanoseconds(nanoseconds) === 0n;
}

/** A time that is not said (0) takes no part: such a span begins with the trace and has no length. */
function readTimes(spans: readonly TraceSpan[]): Times {
  const said = spans.map((span) => parseNanoseconds(span.start_unix_nano) ?? 0n);
  const known = said.filter((time) => time !== 0n);
  const earliest = known.reduce((a, b) => (b < a ? b : a), known[0] ?? 0n);
  const start = said.map((time) => (time === 0n ? earliest : time));
  const end = spans.map((span, i) => {
    const time = parseNanoseconds(span.end_unix_nano) ?? 0n;
    return time === 0n || said[i] === 0n ? start[i] : time;
  });
  return { start, end };
}

/** Children of a call whose halves share an id hang under the half of their own service, else under the first. */
function findParents(spans: readonly TraceSpan[]): Int32Array {
  const byId = new Map<string, number[]>();
  spans.forEach((span, i) => {
    const same = byId.get(span.span_id);
    if (same) {
      same.push(i);
    } else {
      byId.set(span.span_id, [i]);
    }
  });
  return Int32Array.from(spans, (span, i) => {
    const candidates = (span.parent_span_id && byId.get(span.parent_span_id)) || [];
    const others = candidates.filter((candidate) => candidate !== i);
    return others.find((candidate) => spans[candidate].service === span.service) ?? others[0] ?? NONE;
  });
}

function sortedChildren(spans: readonly TraceSpan[], parents: Int32Array, times: Times): { roots: number[]; children: number[][] } {
  const children: number[][] = spans.map(() => []);
  const roots: number[] = [];
  parents.forEach((parent, i) => (parent === NONE ? roots : children[parent]).push(i));
  const bySpan = (a: number, b: number) => {
    if (times.start[a] !== times.start[b]) {
      return times.start[a] < times.start[b] ? -1 : 1;
    }
    return spans[a].span_id < spans[b].span_id ? -1 : spans[a].span_id > spans[b].span_id ? 1 : a - b;
  };
  roots.sort(bySpan);
  children.forEach((list) => list.sort(bySpan));
  return { roots, children };
}

/** Puts every row's descendants into its count, from the last row up. */
function countDescendants(rows: TraceRow[]): void {
  for (let i = rows.length - 1; i >= 0; i--) {
    if (rows[i].parent !== NONE) {
      rows[rows[i].parent].descendantCount += rows[i].descendantCount + 1;
    }
  }
}

class Drawing {
  readonly rows: TraceRow[] = [];
  readonly rowOfSpan: Int32Array;

  constructor(
    private readonly spans: readonly TraceSpan[],
    private readonly parents: Int32Array,
    private readonly children: number[][],
    private readonly times: Times
  ) {
    this.rowOfSpan = new Int32Array(spans.length).fill(NONE);
  }

  /** Draws a span and all that hangs under it. */
  drawFrom(root: number, isInCycle: boolean): void {
    const waiting = [root];
    while (waiting.length) {
      const span = waiting.pop()!;
      if (this.rowOfSpan[span] !== NONE) {
        continue;
      }
      this.addRow(span, span === root, span === root && isInCycle);
      const children = this.children[span];
      for (let i = children.length - 1; i >= 0; i--) {
        waiting.push(children[i]);
      }
    }
  }

  private addRow(span: number, isRoot: boolean, isInCycle: boolean): void {
    const parentSpan = isRoot ? NONE : this.parents[span];
    const parent = parentSpan === NONE ? NONE : this.rowOfSpan[parentSpan];
    const start = this.times.start[span];
    const duration = this.times.end[span] - start;
    this.rowOfSpan[span] = this.rows.length;
    this.rows.push({
      span,
      parent,
      depth: parent === NONE ? 0 : this.rows[parent].depth + 1,
      childCount: 0,
      descendantCount: 0,
      isLast: false,
      missesParent: isRoot && !isInCycle && Boolean(this.spans[span].parent_span_id),
      isInCycle,
      startsBeforeParent: parent !== NONE && !isZero(this.spans[span].start_unix_nano) && start < this.times.start[parentSpan],
      endsBeforeStart: duration < 0n,
      hasNoStart: isZero(this.spans[span].start_unix_nano),
      hasNotEnded: isZero(this.spans[span].end_unix_nano),
      start,
      duration: duration < 0n ? 0n : duration,
    });
    if (parent !== NONE) {
      this.rows[parent].childCount++;
    }
  }
}

/** The last row of each family of siblings closes its branch; a later one takes that from the one before. */
function markLast(rows: TraceRow[]): void {
  const lastChild = new Map<number, number>();
  rows.forEach((row, i) => lastChild.set(row.parent, i));
  lastChild.forEach((i) => (rows[i].isLast = true));
}

function bounds(times: Times): { start: bigint; end: bigint } {
  let start = times.start[0] ?? 0n;
  let end = start;
  for (let i = 0; i < times.start.length; i++) {
    start = times.start[i] < start ? times.start[i] : start;
    end = times.start[i] > end ? times.start[i] : end;
    end = times.end[i] > end ? times.end[i] : end;
  }
  return { start, end };
}

/** Lays a trace out; spans in any order. */
export function layoutTrace(spans: readonly TraceSpan[]): TraceLayout {
  const times = readTimes(spans);
  const parents = findParents(spans);
  const { roots, children } = sortedChildren(spans, parents, times);
  const drawing = new Drawing(spans, parents, children, times);
  roots.forEach((root) => drawing.drawFrom(root, false));
  if (drawing.rows.length < spans.length) {
    // What no root leads to hangs in a circle or under one: the earliest of each is drawn as a root.
    const left = spans.map((_, i) => i).filter((i) => drawing.rowOfSpan[i] === NONE);
    left.sort((a, b) => (times.start[a] < times.start[b] ? -1 : times.start[a] > times.start[b] ? 1 : a - b));
    left.forEach((span) => drawing.rowOfSpan[span] === NONE && drawing.drawFrom(span, true));
  }
  const { rows, rowOfSpan } = drawing;
  countDescendants(rows);
  markLast(rows);
  return {
    spans,
    rows,
    rowOfSpan,
    ...bounds(times),
    rootCount: rows.filter((row) => row.parent === NONE).length,
    missingParents: rows.filter((row) => row.missesParent).length,
  };
}

/** Rows that are seen when those in `collapsed` (places of spans) hide what hangs under them. */
export function visibleRows(layout: TraceLayout, collapsed: ReadonlySet<number>): number[] {
  const visible: number[] = [];
  for (let i = 0; i < layout.rows.length;) {
    visible.push(i);
    i += collapsed.has(layout.rows[i].span) ? layout.rows[i].descendantCount + 1 : 1;
  }
  return visible;
}

/** Where a time lies between start and end of the trace, 0 to 1. A trace without length has everything at 0. */
export function fractionOf(layout: Pick<TraceLayout, 'start' | 'end'>, time: bigint): number {
  const whole = layout.end - layout.start;
  if (whole <= 0n) {
    return 0;
  }
  const clamped = time < layout.start ? layout.start : time > layout.end ? layout.end : time;
  return Number(((clamped - layout.start) * 1_000_000n) / whole) / 1_000_000;
}

export interface Bar {
  left: number;
  width: number;
}

/** Where a span is drawn, in parts of the trace's time. */
export function barOf(layout: TraceLayout, row: TraceRow): Bar {
  const left = fractionOf(layout, row.start);
  return { left, width: fractionOf(layout, row.start + row.duration) - left };
}

/** Places on the time axis, with what stands there: the offset from the trace's start. */
export function axisTicks(layout: TraceLayout, count: number): Array<{ at: number; label: string }> {
  const whole = layout.end - layout.start;
  const ticks = whole > 0n ? count : 1;
  return Array.from({ length: ticks }, (_, i) => ({
    at: ticks === 1 ? 0 : i / (ticks - 1),
    label: i === 0 ? '0' : formatDuration((whole * BigInt(i)) / BigInt(ticks - 1)),
  }));
}
