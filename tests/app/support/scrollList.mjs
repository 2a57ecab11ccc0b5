/* The list of violations scrolled as people do, with what it took: how many rows were in the document, whether the view was full of them, and which
   violations they were. Runs in Node. */

/** What ends a wait for rows that never come, and a walk that gets nowhere. No time is judged by them. */
const MOST_FRAMES = 6000;
export const WALK_MS = 800_000;

/** Scrolls the list by twelve screens at a time until this row of it is there: {rows: the most at once, blank: frames with a gap in view, stuck: steps after which it stayed, seen: row by number,
    steps, ms, busyMs}. */
export async function scrollToRow(page, row) {
  return page.evaluate(async ([wanted, mostFrames, limitMs]) => {
    const scroller = document.querySelector('[data-testid="violation-rows"]');
    let busyMs = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (busyMs += entry.duration - 50))).observe({ type: 'longtask' });
    const begin = performance.now();
    let rows = 0;
    let steps = 0;
    let last = 0;
    let blank = 0;
    let stuck = 0;
    const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 10)));
    const rowsNow = () => [...scroller.querySelectorAll('[role="row"]')];
    const seen = {};
    const isCovered = (drawn) => {
      const { top, bottom } = scroller.getBoundingClientRect();
      const places = drawn.map((row) => row.getBoundingClientRect()).sort((a, b) => a.top - b.top);
      let to = top;
      for (const place of places) {
        to = place.top <= to + 1 ? Math.max(to, place.bottom) : to;
      }
      return to >= bottom - 1;
    };
    while (last < wanted && performance.now() - begin < limitMs) {
      scroller.scrollTop += scroller.clientHeight * 12;
      await frame();
      let waited = 0;
      for (; !isCovered(rowsNow()) && waited < mostFrames; waited++) {
        await frame();
      }
      blank += waited;
      stuck += waited === mostFrames ? 1 : 0;
      const drawn = rowsNow();
      rows = Math.max(rows, drawn.length);
      last = Math.max(last, ...drawn.map((row) => Number(row.getAttribute('aria-rowindex')) - 1));
      drawn.forEach((row) => (seen[Number(row.getAttribute('aria-rowindex')) - 2] = [...row.children].map((cell) => cell.textContent).find((text) => /^[0-9a-f]{32}$/.test(text))));
      steps += 1;
    }
    return { rows, steps, last, blank, stuck, seen, ms: Math.round(performance.now() - begin), busyMs: Math.round(busyMs) };
  }, [row, MOST_FRAMES, WALK_MS]);
}
