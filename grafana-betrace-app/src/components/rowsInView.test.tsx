// The focus of a long list, on a list of plain elements.
import { renderHook } from '@testing-library/react';

import { useRowFocus } from './rowsInView';

function aList(count: number) {
  const scroller = document.createElement('div');
  scroller.innerHTML = Array.from({ length: count }, (_, row) => `<div data-row="${row}" tabindex="-1"></div>`).join('');
  document.body.replaceChildren(scroller);
  const row = (number: number) => scroller.querySelector<HTMLElement>(`[data-row="${number}"]`)!;
  const list = renderHook(({ at, drawn }) => useRowFocus({ current: scroller }, 'data-row', at, drawn), { initialProps: { at: 0, drawn: 0 } });
  row(0).focus();
  return { list, row, other: document.body.appendChild(document.createElement('button')) };
}

describe('the focus of a long list', () => {
  it('goes to the row that was asked for, also when what is left of an earlier drawing comes between', () => {
    const { list, row } = aList(4);
    list.result.current(3);
    list.rerender({ at: 0, drawn: 1 });
    expect(row(0)).toHaveFocus();
    list.rerender({ at: 3, drawn: 2 });
    expect(row(3)).toHaveFocus();
  });

  it('waits for a row that is not drawn yet', () => {
    const { list, row } = aList(4);
    const last = row(3);
    last.remove();
    list.result.current(3);
    list.rerender({ at: 3, drawn: 1 });
    row(2).parentElement!.append(last);
    list.rerender({ at: 3, drawn: 2 });
    expect(last).toHaveFocus();
  });

  it('is not taken back later from what was chosen since, when the row was the same', () => {
    const { list, row, other } = aList(4);
    list.result.current(0);
    expect(row(0)).toHaveFocus();
    other.focus();
    list.rerender({ at: 0, drawn: 1 });
    expect(other).toHaveFocus();
  });
});
