// What editors load once: lists of rules, frameworks, labels. A failure is a sentence and never an empty list without a word.
import { useEffect, useRef, useState } from 'react';

interface Resource<T> {
  value: T;
  /** why there is nothing; empty: all is well */
  problem: string;
}

export function messageOf(error: unknown): string {
  const { data, message } = (error ?? {}) as { data?: { message?: string }; message?: string };
  return data?.message ?? message ?? String(error);
}

/** Loads once when the component appears. */
export function useResource<T>(load: () => Promise<T>, initial: T): Resource<T> {
  const [resource, setResource] = useState<Resource<T>>({ value: initial, problem: '' });
  const first = useRef(load);
  useEffect(() => {
    let isThere = true;
    first.current().then(
      (value) => isThere && setResource({ value, problem: '' }),
      (error) => isThere && setResource((before) => ({ ...before, problem: messageOf(error) }))
    );
    return () => {
      isThere = false;
    };
  }, []);
  return resource;
}
