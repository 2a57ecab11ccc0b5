// Which rows of a long list are in the document, and which of them has the focus.
import { defaultRangeExtractor, type Range } from '@tanstack/react-virtual';
import { useEffect, useRef, type RefObject } from 'react';

/** The rows in view, and the one that Tab leads to, which may be scrolled away and must not lose the focus then. */
export function rowsWith(at: number, range: Range): number[] {
  const drawn = defaultRangeExtractor(range);
  return drawn.includes(at) || at >= range.count ? drawn : [...drawn, at].sort((a, b) => a - b);
}

/**
 * Moves the focus to a row that is drawn later: call the answer with its number, and make it `at`. `attribute` has the number of a row, `drawn` changes with
 * the rows that are drawn. A number and not a flag: what is left to do of an earlier drawing would take the flag, and the row that it had is not drawn any more.
 */
export function useRowFocus(scroller: RefObject<HTMLElement>, attribute: string, at: number, drawn: unknown) {
  const wanted = useRef<number | null>(null);
  const focusWanted = () => {
    const row = wanted.current === at && scroller.current?.querySelector<HTMLElement>(`[${attribute}="${at}"]`);
    if (row) {
      wanted.current = null;
      row.focus({ preventScroll: true });
    }
  };
  useEffect(focusWanted, [at, drawn]); // eslint-disable-line react-hooks/exhaustive-deps
  return (row: number) => {
    wanted.current = row;
    focusWanted();
  };
}
