// The list of rules by its URL: `?q=&severity=&enabled=&label=team:payments&framework=&state=violated&open=soc2`. The service is not asked by `state`, which the
// page knows from the last day, nor by `open`, the packs that are not folded.
import type { RuleFilter } from '../api/rules';
import { SEVERITIES, type Severity } from '../api/types';
import { param } from '../routing/useUrlState';
import { HEALTHS, type Health } from './board';

const SEVERITY_OR_ANY: Array<Severity | ''> = ['', ...SEVERITIES];

export const RULE_PARAMETERS = {
  q: param.text(),
  severity: param.choice(SEVERITY_OR_ANY, ''),
  enabled: param.flag(),
  label: param.list(),
  framework: param.text(),
  state: param.choice<Health | ''>(['', ...HEALTHS], ''),
  open: param.list(),
};

export interface RuleFilterState {
  q: string;
  severity: Severity | '';
  enabled: boolean | null;
  label: string[];
  framework: string;
  state: Health | '';
  open: string[];
}

type Asked = Omit<RuleFilterState, 'open'>;

export const NO_FILTER: Asked = { q: '', severity: '', enabled: null, label: [], framework: '', state: '' };

export function isFiltered(state: Asked): boolean {
  return Boolean(state.q || state.severity || state.enabled !== null || state.label.length || state.framework || state.state);
}

/** As the service is asked: what is not said is left out, so that equal questions are equal. */
export function ruleFilter({ q, severity, enabled, label, framework }: Omit<Asked, 'state'>): RuleFilter {
  return {
    ...(q.trim() ? { q: q.trim() } : {}),
    ...(severity ? { severity } : {}),
    ...(enabled === null ? {} : { enabled }),
    ...(label.length ? { label } : {}),
    ...(framework ? { framework } : {}),
  };
}
