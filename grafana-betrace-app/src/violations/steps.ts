// Which steps of a series are still open: the newest ones, whose traces may still get spans. That nobody counted them yet is no gap; a step that could not
// be read is one, and so is an older one that waits for a trace. No state.
import type { Coverage, Series } from '../api/types';

type Point = Series['series'][number]['points'][number];
type Answer = Pick<Series, 'series' | 'coverage'>;

export const startOf = ([time]: Point): number => (typeof time === 'string' ? Date.parse(time) : Number.NaN);
export const valueOf = ([, value]: Point): number | null => (typeof value === 'number' ? value : null);

/** How long a step is, in milliseconds, by the first two. */
export function stepOf({ series }: Pick<Series, 'series'>): number {
  const [first, second] = series[0]?.points ?? [];
  return first && second ? startOf(second) - startOf(first) : Number.NaN;
}

/** Whether the source has no trace in a step, as far as the step lies in the range: the first one begins before it. In milliseconds. */
export function isWithoutTraces({ asked, windows_empty: windows }: Pick<Coverage, 'asked' | 'windows_empty'>, start: number, end: number): boolean {
  const from = Math.max(start, Date.parse(asked.start));
  const to = Math.min(end, Date.parse(asked.end));
  return windows.some((window) => Date.parse(window.start) <= from && Date.parse(window.end) >= to);
}

/** From here on late spans may be hidden in what was counted, in milliseconds; Infinity: in nothing. */
export const provisionalFrom = ({ provisional_from: from }: Pick<Coverage, 'provisional_from'>): number => (from ? Date.parse(from) : Infinity);

/** Of one rule, from where on steps are open, in milliseconds; Infinity: none is. */
export function openFrom({ coverage }: Answer, points: readonly Point[], stepMs: number): number {
  const settled = Date.parse(coverage.effective_end);
  const isFailed = (start: number) => coverage.windows_failed.some((window) => Date.parse(window.start) < start + stepMs && Date.parse(window.end) > start);
  let first = Infinity;
  for (let at = points.length - 1; at >= 0; at--) {
    const start = startOf(points[at]);
    if (valueOf(points[at]) !== null || !(start + stepMs > settled) || isFailed(start)) {
      break;
    }
    first = start;
  }
  return first;
}
