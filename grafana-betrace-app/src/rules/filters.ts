// The list of rules by its URL: `?q=&severity=&enabled=&label=team:payments&framework=`.
import type { RuleFilter } from '../api/rules';
import { SEVERITIES, type Severity } from '../api/types';
import { param } from '../routing/useUrlState';

const SEVERITY_OR_ANY: Array<Severity | ''> = ['', ...SEVERITIES];

export const RULE_PARAMETERS = {
  q: param.text(),
  severity: param.choice(SEVERITY_OR_ANY, ''),
  enabled: param.flag(),
  label: param.list(),
  framework: param.text(),
};

export interface RuleFilterState {
  q: string;
  severity: Severity | '';
  enabled: boolean | null;
  label: string[];
  framework: string;
}

export const NO_FILTER: RuleFilterState = { q: '', severity: '', enabled: null, label: [], framework: '' };

export function isFiltered(state: RuleFilterState): boolean {
  return Boolean(state.q || state.severity || state.enabled !== null || state.label.length || state.framework);
}

/** As the service is asked: what is not said is left out, so that equal questions are equal. */
export function ruleFilter({ q, severity, enabled, label, framework }: RuleFilterState): RuleFilter {
  return {
    ...(q.trim() ? { q: q.trim() } : {}),
    ...(severity ? { severity } : {}),
    ...(enabled === null ? {} : { enabled }),
    ...(label.length ? { label } : {}),
    ...(framework ? { framework } : {}),
  };
}
