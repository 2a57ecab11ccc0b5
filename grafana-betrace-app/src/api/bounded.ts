// So many questions at once and no more; the others wait for their turn, and leave when nobody wants their answer any more.

export type Bounded = <T>(signal: AbortSignal, ask: () => Promise<T>) => Promise<T>;

const left = () => new DOMException('nobody waits for this answer any more', 'AbortError');

export function bounded(most: number): Bounded {
  let running = 0;
  const waiting: Array<() => void> = [];
  const next = () => {
    running -= 1;
    waiting.shift()?.();
  };
  const turn = (signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const begin = () => {
        running += 1;
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        waiting.splice(waiting.indexOf(begin), 1);
        reject(left());
      };
      if (running < most) {
        begin();
        return;
      }
      waiting.push(begin);
      signal.addEventListener('abort', leave, { once: true });
    });
  return async (signal, ask) => {
    if (signal.aborted) {
      throw left();
    }
    await turn(signal);
    try {
      return await ask();
    } finally {
      next();
    }
  };
}

/** Questions that nobody asked by a click: when something began, and what sets it apart. One runs at a time, on all of the page. */
export const leading: Bounded = bounded(1);
