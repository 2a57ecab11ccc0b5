// A rule while somebody writes it: what the form shows, what the page sends, and what is not saved yet. It stays in the
// tab, so that a reload or a look at another page loses nothing.
import { SEVERITIES, type Rule, type RuleInput, type Severity } from '../api/types';

export type Pair = [key: string, value: string];

export interface Draft {
  id: string;
  name: string;
  description: string;
  dsl: string;
  severity: Severity;
  enabled: boolean;
  shadow: boolean;
  watch_all: boolean;
  labels: Pair[];
  annotations: Pair[];
  /** durations; empty: the service's */
  settle: string;
  margin: string;
  clock_skew: string;
  /** null: the service's */
  require_complete: boolean | null;
  /** a number of steps; empty: the service's */
  budget: string;
  /** null: the service's */
  links_sampled: boolean | null;
  /** the name of a store; empty: the service's */
  store: string;
}

export const EMPTY_DRAFT: Draft = {
  id: '',
  name: '',
  description: '',
  dsl: '',
  severity: 'medium',
  enabled: true,
  shadow: false,
  watch_all: false,
  labels: [],
  annotations: [],
  settle: '',
  margin: '',
  clock_skew: '',
  require_complete: null,
  budget: '',
  links_sampled: null,
  store: '',
};

export function draftOf(rule: Rule): Draft {
  const { id, name, description, dsl, severity, enabled, shadow, watch_all, require_complete, links_sampled } = rule;
  return {
    ...{ id, name, description, dsl, severity, enabled, shadow, watch_all, require_complete, links_sampled },
    labels: Object.entries(rule.labels),
    annotations: Object.entries(rule.annotations),
    settle: rule.settle ?? '',
    margin: rule.margin ?? '',
    clock_skew: rule.clock_skew ?? '',
    budget: rule.budget ? String(rule.budget) : '',
    store: rule.store ?? '',
  };
}

const named = (pairs: Pair[]) => Object.fromEntries(pairs.filter(([key]) => key.trim() !== '').map(([key, value]) => [key.trim(), value]));
const orNull = (text: string) => (text.trim() === '' ? null : text.trim());

const STEPS = /^\s*[1-9][0-9]{0,12}\s*$/;
const budgetOf = ({ budget }: Draft) => (budget.trim() === '' ? null : Number(budget));

/** What is sent. Without an id the service makes one from the name. */
export function inputOf(draft: Draft): RuleInput {
  const { name, description, dsl, severity, enabled, shadow, watch_all, require_complete, links_sampled } = draft;
  return {
    ...(draft.id.trim() ? { id: draft.id.trim() } : {}),
    ...{ name: name.trim(), description, dsl, severity, enabled, shadow, watch_all, require_complete, links_sampled },
    labels: named(draft.labels),
    annotations: named(draft.annotations),
    settle: orNull(draft.settle),
    margin: orNull(draft.margin),
    clock_skew: orNull(draft.clock_skew),
    budget: budgetOf(draft),
    store: orNull(draft.store),
  };
}

/** Names of the fields that would be saved otherwise than they are. */
export function changedFields(saved: Draft, draft: Draft): Array<keyof Draft> {
  const before: Record<string, unknown> = inputOf(saved);
  const after: Record<string, unknown> = inputOf(draft);
  return (Object.keys(draft) as Array<keyof Draft>).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** Words of the service's paths, and of ours. */
const RESERVED = ['validate', 'test', 'import', 'export', 'new'];

/** What can be said before asking the service. */
export function draftProblems(draft: Draft): Partial<Record<keyof Draft, 'missing' | 'bad' | 'twice' | 'long'>> {
  const keys = (pairs: Pair[]) => pairs.map(([key]) => key.trim()).filter((key) => key !== '');
  const twice = (pairs: Pair[]) => new Set(keys(pairs)).size !== keys(pairs).length;
  return {
    ...(draft.name.trim() === '' ? { name: 'missing' as const } : {}),
    ...(draft.dsl.trim() === '' ? { dsl: 'missing' as const } : {}),
    ...(draft.id !== '' && (!ID.test(draft.id) || RESERVED.includes(draft.id)) ? { id: 'bad' as const } : {}),
    ...(new TextEncoder().encode(draft.description).length > 4096 ? { description: 'long' as const } : {}),
    ...(budgetOf(draft) === null || STEPS.test(draft.budget) ? {} : { budget: 'bad' as const }),
    ...(twice(draft.labels) ? { labels: 'twice' as const } : {}),
    ...(twice(draft.annotations) ? { annotations: 'twice' as const } : {}),
  };
}

const KEY = 'betrace.draft.';

export interface KeptDraft {
  draft: Draft;
  /** the version that it was made from; null for a new rule */
  version: number | null;
  /** what a link brought, as JSON: the same link again goes on with this draft, another one begins anew */
  origin?: string;
}

function isDraft(value: unknown): value is Draft {
  const draft = value as Draft | null;
  return (
    typeof draft === 'object' &&
    draft !== null &&
    typeof draft.dsl === 'string' &&
    Array.isArray(draft.labels) &&
    SEVERITIES.includes(draft.severity)
  );
}

/** The draft that this tab keeps of a rule; `''` is the new rule. */
export function keptDraft(id: string): KeptDraft | null {
  try {
    const kept = JSON.parse(window.sessionStorage.getItem(KEY + id) ?? 'null');
    return kept && isDraft(kept.draft)
      ? { draft: { ...EMPTY_DRAFT, ...kept.draft }, version: kept.version ?? null, origin: kept.origin }
      : null;
  } catch {
    return null;
  }
}

export function keepDraft(id: string, kept: KeptDraft | null) {
  try {
    if (kept) {
      window.sessionStorage.setItem(KEY + id, JSON.stringify(kept));
    } else {
      window.sessionStorage.removeItem(KEY + id);
    }
  } catch {
    // storage is full or forbidden: then a reload does lose it
  }
}
