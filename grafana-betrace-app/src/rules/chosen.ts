// Rules that are chosen by their ids, as long as they are there: also after something was done with them, for what comes next.
import { useMemo, useState } from 'react';

export interface Chosen {
  ids: ReadonlySet<string>;
  has(id: string): boolean;
  set(ids: readonly string[], isChosen: boolean): void;
}

/** What is not among `there` any more is not chosen any more. */
export function useChosen(there: ReadonlyArray<{ id: string }>): Chosen {
  const [all, setAll] = useState<ReadonlySet<string>>(new Set());
  return useMemo(() => {
    const ids = new Set(there.map(({ id }) => id).filter((id) => all.has(id)));
    return {
      ids,
      has: (id) => ids.has(id),
      set: (some, isChosen) => setAll((before) => new Set(isChosen ? [...before, ...some] : [...before].filter((id) => !some.includes(id)))),
    };
  }, [all, there]);
}
