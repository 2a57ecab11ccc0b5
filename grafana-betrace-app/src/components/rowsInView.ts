// Which rows of a long list are in the document. No state.
import { defaultRangeExtractor, type Range } from '@tanstack/react-virtual';

/** The rows in view, and the one that Tab leads to, which may be scrolled away and must not lose the focus then. */
export function rowsWith(at: number, range: Range): number[] {
  const drawn = defaultRangeExtractor(range);
  return drawn.includes(at) || at >= range.count ? drawn : [...drawn, at].sort((a, b) => a - b);
}
