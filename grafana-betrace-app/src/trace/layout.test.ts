// The order, the oddities and the bars of spans, for traces as they come.
import type { TraceSpan } from '../api/types';
import { axisTicks, barOf, layoutTrace, visibleRows } from './layout';
import { lengthText } from './Waterfall';

const BASE = 1_790_000_000_000_000_000n;

interface Sketch extends Partial<TraceSpan> {
  at?: number | bigint;
  for?: number | bigint;
}

function span(id: string, parent: string | null, { at = 0, for: length = 10, ...more }: Sketch = {}): TraceSpan {
  const start = BASE + BigInt(at);
  return {
    span_id: id,
    parent_span_id: parent,
    name: `span ${id}`,
    service: 'shop',
    kind: 'internal',
    status: 'unset',
    status_message: null,
    start_unix_nano: String(start),
    end_unix_nano: String(start + BigInt(length)),
    attributes: {},
    ...more,
  };
}

function drawn(spans: TraceSpan[]): string[] {
  const layout = layoutTrace(spans);
  return layout.rows.map((row) => `${'  '.repeat(row.depth)}${spans[row.span].span_id}`);
}

describe('order of spans', () => {
  it('draws children right behind their parent, siblings by start', () => {
    expect(drawn([span('d', 'b', { at: 3 }), span('c', 'a', { at: 9 }), span('b', 'a', { at: 2 }), span('a', null)])).toEqual([
      'a',
      '  b',
      '    d',
      '  c',
    ]);
  });

  it('draws a span whose parent is not there as a root, and says so', () => {
    const layout = layoutTrace([span('a', null), span('b', 'gone', { at: 1 })]);
    expect(layout.rows.map((row) => [row.depth, row.missesParent])).toEqual([
      [0, false],
      [0, true],
    ]);
    expect([layout.rootCount, layout.missingParents]).toEqual([2, 1]);
  });

  it('draws spans of a circle once, from the earliest on', () => {
    const spans = [span('a', 'c', { at: 5 }), span('b', 'a', { at: 1 }), span('c', 'b', { at: 9 }), span('under', 'c', { at: 10 })];
    expect(drawn(spans)).toEqual(['b', '  c', '    a', '    under']);
    const layout = layoutTrace(spans);
    expect(layout.rows).toHaveLength(4);
    expect(layout.rows.filter((row) => row.isInCycle).map((row) => spans[row.span].span_id)).toEqual(['b']);
    expect(layout.rows.every((row) => !row.missesParent)).toBe(true);
  });

  it('draws a span that is its own parent', () => {
    expect(layoutTrace([span('a', 'a')]).rows).toMatchObject([{ depth: 0, missesParent: true }]);
  });

  it('keeps both halves of a call and hangs children under the half of their service', () => {
    const spans = [
      span('x', null, { service: 'client', kind: 'client' }),
      span('x', null, { at: 1, service: 'server', kind: 'server' }),
      span('y', 'x', { at: 2, service: 'server' }),
    ];
    expect(drawn(spans)).toEqual(['x', 'x', '  y']);
    expect(layoutTrace(spans).rows[2].parent).toBe(1);
  });

  it('marks spans that start before their parent and those that end before they begin', () => {
    const layout = layoutTrace([span('a', null, { at: 10 }), span('b', 'a', { at: 4, for: -3 })]);
    expect(layout.rows.map((row) => row.startsBeforeParent)).toEqual([false, true]);
    expect(layout.rows.map((row) => row.endsBeforeStart)).toEqual([false, true]);
    expect(layout.rows[1].duration).toBe(0n);
    expect([layout.start - BASE, layout.end - BASE]).toEqual([4n, 20n]);
  });

  it('does not draw a time that is not said as 1970, nor a length from it', () => {
    const layout = layoutTrace([
      span('a', null, { at: 10 }),
      span('b', 'a', { at: 12, end_unix_nano: '0' }),
      span('c', 'a', { start_unix_nano: '0' }),
      span('d', 'a', { start_unix_nano: '0', end_unix_nano: '0' }),
    ]);
    expect([layout.start - BASE, layout.end - BASE]).toEqual([10n, 20n]);
    const rows = new Map(layout.rows.map((row) => [layout.spans[row.span].span_id, row]));
    expect(rows.get('b')).toMatchObject({ hasNotEnded: true, hasNoStart: false, endsBeforeStart: false, duration: 0n });
    expect(rows.get('c')).toMatchObject({ hasNotEnded: false, hasNoStart: true, startsBeforeParent: false, start: BASE + 10n, duration: 0n });
    expect(rows.get('d')).toMatchObject({ hasNotEnded: true, hasNoStart: true, start: BASE + 10n, duration: 0n });
    expect(layout.rows.map(lengthText)).toEqual(expect.arrayContaining(['10ns', 'not ended', 'no start']));
  });

  it('marks the last of siblings only', () => {
    expect(
      layoutTrace([span('a', null), span('b', 'a', { at: 1 }), span('c', 'b', { at: 2 }), span('d', 'a', { at: 3 })]).rows.map(
        (row) => row.isLast
      )
    ).toEqual([true, false, true, true]);
  });

  it('takes an empty trace and times that cannot be read', () => {
    expect(layoutTrace([])).toMatchObject({ rows: [], rootCount: 0, missingParents: 0 });
    expect(layoutTrace([span('a', null, { start_unix_nano: 'soon', end_unix_nano: '' })]).rows[0]).toMatchObject({
      start: 0n,
      duration: 0n,
    });
  });

  it('lays 10,000 spans of one chain and of one parent out', () => {
    const chain = Array.from({ length: 10_000 }, (_, i) => span(`s${i}`, i ? `s${i - 1}` : null, { at: i }));
    const fan = Array.from({ length: 10_000 }, (_, i) => span(`s${i}`, i ? 's0' : null, { at: -i }));
    expect(layoutTrace(chain).rows.at(-1)).toMatchObject({ depth: 9_999 });
    expect(layoutTrace(fan).rows[0].childCount).toBe(9_999);
    expect(layoutTrace(fan).rows[0].descendantCount).toBe(9_999);
  });
});

describe('collapsing', () => {
  const spans = [span('a', null), span('b', 'a', { at: 1 }), span('c', 'b', { at: 2 }), span('d', 'a', { at: 3 })];

  it('hides what hangs under a span and nothing else', () => {
    const layout = layoutTrace(spans);
    const seen = (collapsed: number[]) => visibleRows(layout, new Set(collapsed)).map((row) => spans[layout.rows[row].span].span_id);
    expect(seen([])).toEqual(['a', 'b', 'c', 'd']);
    expect(seen([1])).toEqual(['a', 'b', 'd']);
    expect(seen([0, 1])).toEqual(['a']);
    expect(seen([3])).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('bars', () => {
  it('keeps nanoseconds that a double would lose', () => {
    const layout = layoutTrace([span('a', null, { for: 8 }), span('b', 'a', { at: 3, for: 2 })]);
    expect(barOf(layout, layout.rows[1])).toEqual({ left: 0.375, width: 0.25 });
    expect(Number(BASE) + 3 === Number(BASE)).toBe(true);
  });

  it('stays inside for a trace without length', () => {
    const layout = layoutTrace([span('a', null, { for: 0 })]);
    expect(barOf(layout, layout.rows[0])).toEqual({ left: 0, width: 0 });
    expect(axisTicks(layout, 5)).toEqual([{ at: 0, label: '0' }]);
  });

  it('names offsets from the start on the axis', () => {
    expect(axisTicks(layoutTrace([span('a', null, { for: 4_000_000 })]), 5).map((tick) => tick.label)).toEqual([
      '0',
      '1.00ms',
      '2.00ms',
      '3.00ms',
      '4.00ms',
    ]);
  });
});
