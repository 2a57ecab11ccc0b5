// What the form of a replay asks for, between the URL and the request. No state.
import { t } from '@grafana/i18n';
import type { StartReplay } from '../api/replays';
import { param } from '../routing/useUrlState';

export const WHATS = ['rules', 'labels', 'dsl'] as const;
export type What = (typeof WHATS)[number];
export const COUNTS = ['auto', 'exact', 'at_least'] as const;
export type Count = (typeof COUNTS)[number];

/** `rule` may stand several times; `emit` is not said unless somebody chose. */
export const FORM_PARAMETERS = {
  what: param.choice(WHATS, 'rules'),
  rule: param.list(),
  labels: param.text(),
  dsl: param.text(),
  count: param.choice(COUNTS, 'auto'),
  emit: param.flag(),
};

/** The range of "Replay 30 days". */
export const MONTH = { from: 'now-30d', to: 'now' };

export interface FormState {
  what: What;
  rule: string[];
  labels: string;
  dsl: string;
  count: Count;
  emit: boolean | null;
}

/** `team=payments, tier=1`, also with colons; null where a part is neither. */
export function parseLabels(text: string): Record<string, string> | null {
  const labels: Record<string, string> = {};
  for (const part of text.split(',').map((one) => one.trim())) {
    if (part === '') {
      continue;
    }
    const at = part.search(/[=:]/);
    if (at <= 0) {
      return null;
    }
    labels[part.slice(0, at).trim()] = part.slice(at + 1).trim();
  }
  return labels;
}

/** Why it cannot be started as it is; null: it can. */
export function formProblem(state: FormState): string | null {
  switch (state.what) {
    case 'rules':
      return state.rule.length ? null : t('replays.form.no-rule', 'Choose at least one rule.');
    case 'labels': {
      const labels = parseLabels(state.labels);
      return labels && Object.keys(labels).length ? null : t('replays.form.no-labels', 'Give labels as key=value, with commas between them.');
    }
    case 'dsl':
      return state.dsl.trim() ? null : t('replays.form.no-text', 'Write a rule.');
  }
}

/** A text that is not saved is never emitted, and then nothing is said about it. */
export function requestOf(state: FormState, range: { start: string; end: string }): StartReplay {
  const common = { start_time: range.start, end_time: range.end, count: state.count };
  const emit = state.emit === null ? {} : { emit: state.emit };
  switch (state.what) {
    case 'rules':
      return { ...common, ...emit, rule_ids: state.rule };
    case 'labels':
      return { ...common, ...emit, labels: parseLabels(state.labels) ?? {} };
    case 'dsl':
      return { ...common, dsl: state.dsl };
  }
}
