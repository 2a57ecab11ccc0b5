// The URL is the view state: filters, tabs and ranges are read from the query and written to it, so a link, a reload, back and forward all show the same.
// A value that equals its default is not in the URL. Names that a page does not know stay as they are.
import { useCallback, useEffect, useMemo, useRef } from 'react';
import { useSearchParams } from 'react-router-dom';

export interface Parameter<T> {
  read(values: string[]): T;
  /** nothing where it is the default */
  write(value: T): string[];
}

export const param = {
  text: (fallback = ''): Parameter<string> => ({
    read: (values) => values[0] ?? fallback,
    write: (value) => (value === fallback ? [] : [value]),
  }),
  list: (): Parameter<string[]> => ({ read: (values) => values.filter((value) => value !== ''), write: (value) => value }),
  /** true, false, or not said */
  flag: (): Parameter<boolean | null> => ({
    read: (values) => (values[0] === 'true' ? true : values[0] === 'false' ? false : null),
    write: (value) => (value === null ? [] : [String(value)]),
  }),
  /** what is not one of the choices (an old or mistyped link) is the fallback */
  choice: <C extends string>(choices: readonly C[], fallback: C): Parameter<C> => ({
    read: (values) => choices.find((choice) => choice === values[0]) ?? fallback,
    write: (value) => (value === fallback ? [] : [value]),
  }),
};

// a table of parameters of any types
type Parameters = Record<string, Parameter<any>>;
type StateOf<P> = { [K in keyof P]: P[K] extends Parameter<infer T> ? T : never };
export interface SetOptions {
  /** for what should not be a step of "back", such as typing */
  replace?: boolean;
}

/**
 * `const [state, set] = useUrlState(PARAMETERS)` with PARAMETERS a constant outside of the component.
 * One `set` an event: it takes what the URL says now and changes what it is given.
 */
export function useUrlState<P extends Parameters>(
  parameters: P
): [StateOf<P>, (change: Partial<StateOf<P>>, options?: SetOptions) => void] {
  const [search, setSearch] = useSearchParams();
  const text = search.toString();
  const latest = useRef(search);
  useEffect(() => {
    latest.current = search;
  }, [search]);
  const state = useMemo(() => {
    const values = new URLSearchParams(text);
    const entries = Object.entries(parameters).map(([name, parameter]) => [name, parameter.read(values.getAll(name))]);
    return Object.fromEntries(entries) as StateOf<P>;
  }, [parameters, text]);
  const set = useCallback(
    (change: Partial<StateOf<P>>, { replace = false }: SetOptions = {}) => {
      const next = new URLSearchParams(latest.current);
      Object.entries(change).forEach(([name, value]) => {
        next.delete(name);
        parameters[name].write(value).forEach((one) => next.append(name, one));
      });
      if (next.toString() === latest.current.toString()) {
        return; // said again: a step of "back" that changes nothing would be in the way
      }
      latest.current = next;
      setSearch(next, { replace });
    },
    [parameters, setSearch]
  );
  return [state, set];
}
