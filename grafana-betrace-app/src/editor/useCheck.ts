// The service's opinion of a text while it is typed: asked a moment after the last key, and never shown for another text than it is about.
import { useEffect, useState } from 'react';
import { useRuleCheck } from '../api/rules';
import type { RuleCheck } from '../api/types';

const CHECK_AFTER_MS = 300;

/** A value that has not changed for a while; until then the one before. */
export function useSettled(value: string, afterMs: number): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), afterMs);
    return () => clearTimeout(timer);
  }, [value, afterMs]);
  return settled;
}

export interface Check {
  /** about the text as it stands; null while that is not known yet, or there is no text */
  current: RuleCheck | null;
  /** the last one, perhaps about an older text: what stays on the page meanwhile */
  latest: RuleCheck | null;
  error: unknown;
}

/** What the service says of a text, a little after the typing stops. */
export function useCheck(dsl: string): Check {
  const settled = useSettled(dsl, CHECK_AFTER_MS);
  const { data, isPlaceholderData, error } = useRuleCheck(settled);
  const isCurrent = settled === dsl && !isPlaceholderData && dsl.trim() !== '';
  return { current: (isCurrent && data) || null, latest: data ?? null, error };
}
