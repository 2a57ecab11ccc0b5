// Where the row for what is missing goes, and what collapsing leaves.
import type { TraceSpan } from '../api/types';
import { layoutTrace } from './layout';
import { collapseAllBut, ghostBar, openTo, traceItems } from './items';

const span = (id: string, parent: string | null, at: number): TraceSpan => ({
  span_id: id,
  parent_span_id: parent,
  name: id,
  service: '',
  kind: 'internal',
  status: 'unset',
  status_message: null,
  attributes: {},
  start_unix_nano: String(at),
  end_unix_nano: String(at + 10),
});
// a > (b > c), d
const SPANS = [span('a', null, 0), span('b', 'a', 1), span('c', 'b', 2), span('d', 'a', 3)];
const LAYOUT = layoutTrace(SPANS);
const ANY = { from: null, to: null };

function drawn(collapsed: number[], ghost: Parameters<typeof traceItems>[2]): string[] {
  return traceItems(LAYOUT, new Set(collapsed), ghost).map((item) =>
    item.kind === 'ghost' ? `?${item.depth}` : SPANS[LAYOUT.rows[item.row].span].span_id
  );
}

describe('the row for what is missing', () => {
  it.each([
    ['anywhere', { span: -1, position: 'after', ...ANY }, ['a', 'b', 'c', 'd', '?0']],
    ['after a span with children', { span: 1, position: 'after', ...ANY }, ['a', 'b', 'c', '?1', 'd']],
    ['before', { span: 1, position: 'before', ...ANY }, ['a', '?1', 'b', 'c', 'd']],
    ['before the first', { span: 0, position: 'before', ...ANY }, ['?0', 'a', 'b', 'c', 'd']],
    ['under', { span: 1, position: 'under', ...ANY }, ['a', 'b', '?2', 'c', 'd']],
    ['after the last', { span: 0, position: 'after', ...ANY }, ['a', 'b', 'c', 'd', '?0']],
  ] as const)('%s', (_, ghost, expected) => expect(drawn([], ghost)).toEqual(expected));

  it('stays beside what hides its neighbour', () => {
    expect(drawn([1], { span: 2, position: 'before', ...ANY })).toEqual(['a', 'b', '?2', 'd']);
    expect(drawn([0], { span: 2, position: 'after', ...ANY })).toEqual(['a', '?2']);
  });

  it('is not there when nothing is missing', () => expect(drawn([], null)).toEqual(['a', 'b', 'c', 'd']));

  it('covers the time in which it would have been, inside of the trace', () => {
    const at = (from: bigint | null, to: bigint | null) => ghostBar(LAYOUT, { span: 0, position: 'after', from, to });
    expect(LAYOUT.end).toBe(13n);
    expect(at(null, null)).toEqual({ left: 0, width: 1 });
    expect(at(13n, null)).toEqual({ left: 1, width: 0 });
    expect(at(-5n, 100n)).toEqual({ left: 0, width: 1 });
  });
});

describe('hiding what does not matter', () => {
  it('keeps the way to the wanted spans open', () => {
    expect([...collapseAllBut(LAYOUT, new Set([2]))]).toEqual([]);
    expect([...collapseAllBut(LAYOUT, new Set([3]))]).toEqual([1]);
    expect([...collapseAllBut(LAYOUT, new Set())]).toEqual([0, 1]);
  });

  it('ends on the way to a span that is chosen, and stays elsewhere', () => {
    expect([...openTo(LAYOUT, new Set([0, 1]), 2)]).toEqual([]);
    expect([...openTo(LAYOUT, new Set([0, 1]), 3)]).toEqual([1]);
    expect([...openTo(LAYOUT, new Set([0, 1]), 1)]).toEqual([1]);
  });
});
