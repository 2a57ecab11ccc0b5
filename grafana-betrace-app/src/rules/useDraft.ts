// The draft of the rule page: it begins with the stored rule, a link or this tab, and ends with the saved rule. It
// knows the version that it began with.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Rule } from '../api/types';
import { changedFields, draftOf, EMPTY_DRAFT, keepDraft, keptDraft, type Draft } from './draft';

export interface DraftState {
  draft: Draft;
  /** the version that this draft was made from, for If-Match; null for a new rule */
  version: number | null;
  changed: Array<keyof Draft>;
  /** it was found in the tab, not typed since the page was opened */
  restored: boolean;
  edit(change: Partial<Draft>): void;
  /** back to what is saved (or to nothing) */
  discard(): void;
  /** goes on from what was stored: after a save, or to take what somebody else saved */
  accept(rule: Rule): void;
  /** after a save of `sent`: what was typed while it was under way stays, and is not saved yet */
  saved(rule: Rule, sent: Draft): void;
  /** after a new rule was stored out of `sent`: what was typed while that was under way is kept for the page of the stored one, as not saved yet */
  created(rule: Rule, sent: Draft): void;
  /** the draft stays, and counts as made from this version: to overwrite what somebody else saved */
  rebase(rule: Rule): void;
}

interface State {
  draft: Draft;
  base: Draft;
  version: number | null;
  restored: boolean;
}

function unchanged(rule: Rule | null): State {
  const draft = rule ? draftOf(rule) : EMPTY_DRAFT;
  return { draft, base: draft, version: rule?.version ?? null, restored: false };
}

function start(rule: Rule | null, initial: Partial<Draft>): State {
  const fresh = unchanged(rule);
  const kept = keptDraft(rule?.id ?? '');
  const isFromLink = Object.keys(initial).length > 0;
  if (kept && (!isFromLink || kept.origin === JSON.stringify(initial))) {
    const restored = changedFields(fresh.base, kept.draft).length > 0;
    return { ...fresh, draft: kept.draft, version: restored ? (kept.version ?? fresh.version) : fresh.version, restored };
  }
  return { ...fresh, draft: { ...fresh.draft, ...initial } };
}

const NOTHING: Partial<Draft> = {};

/** `rule` null: a new one, with what a link said of it as `initial`. Both are read once: a page for another rule is another component (key). */
export function useDraft(rule: Rule | null, initial = NOTHING): DraftState {
  const [state, setState] = useState(() => start(rule, initial));
  const [origin] = useState(() => JSON.stringify(initial));
  const id = rule?.id ?? '';
  // as of now, for what ends later than it began
  const latest = useRef(state.draft);
  useEffect(() => {
    latest.current = state.draft;
  }, [state.draft]);
  const changed = useMemo(() => changedFields(state.base, state.draft), [state.base, state.draft]);
  useEffect(() => {
    keepDraft(id, changed.length ? { draft: state.draft, version: state.version, origin } : null);
  }, [id, changed, state.draft, state.version, origin]);
  const edit = useCallback(
    (change: Partial<Draft>) => setState((now) => ({ ...now, draft: { ...now.draft, ...change }, restored: false })),
    []
  );
  const accept = useCallback((stored: Rule) => setState(unchanged(stored)), []);
  const saved = useCallback(
    (stored: Rule, sent: Draft) =>
      setState((now) => (now.draft === sent ? unchanged(stored) : { ...now, base: draftOf(stored), version: stored.version, restored: false })),
    []
  );
  const discard = useCallback(() => {
    // here too: who discards may leave the page at once, before the effect above runs
    keepDraft(id, null);
    setState(unchanged(rule));
  }, [id, rule]);
  const created = useCallback(
    (stored: Rule, sent: Draft) => {
      const typed = { ...latest.current, id: stored.id };
      const isTyped = changedFields({ ...sent, id: stored.id }, typed).length > 0;
      keepDraft(stored.id, isTyped ? { draft: typed, version: stored.version, origin: JSON.stringify(NOTHING) } : null);
      const kept = keptDraft('');
      if (kept && changedFields(kept.draft, latest.current).length === 0) {
        // not where another new rule has been begun meanwhile, after this page was left
        keepDraft('', null);
      }
      setState(unchanged(null));
    },
    []
  );
  const isBehind = rule !== null && state.version !== null && rule.version > state.version && changed.length === 0;
  if (isBehind) {
    // somebody else saved it, and nothing was typed here: show theirs
    setState(unchanged(rule));
  }
  const rebase = useCallback((stored: Rule) => setState((now) => ({ ...now, base: draftOf(stored), version: stored.version })), []);
  return { draft: state.draft, version: state.version, changed, restored: state.restored, edit, discard, accept, saved, created, rebase };
}
