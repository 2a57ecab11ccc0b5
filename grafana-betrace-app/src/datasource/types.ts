// The query model: what dashboards, Explore, alert rules and provisioning files hold. pkg/query/query.go reads the same model and says what is wrong with a query.
// Fields are added and never renamed: stored dashboards have them.
import type { DataSourceJsonData } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import type { Diagnostic } from '../api/problem';

/**
 * violations: table, newest first. count, exercised: one series a rule, by steps. ratio: count of exercised. first_violation: one row a rule.
 * problems: one row for each rule, failed part and entry service; of stored rules alone. annotations: violations as annotations. Alerts take count, exercised and ratio, and always get one number a rule.
 */
export type QueryType = 'violations' | 'count' | 'exercised' | 'ratio' | 'first_violation' | 'problems' | 'annotations';

export interface BetraceQuery extends DataQuery {
  queryType?: QueryType;

  /** Which stored rules. All that are given have to hold; none of the four: every enabled rule (numbers: without shadow rules, unless named here). */
  ruleIds?: string[];
  severities?: string[];
  labels?: Record<string, string>;
  framework?: string;
  /** The text of a rule that is not stored, instead of the four above. */
  dsl?: string;

  /** violations and annotations only: a service that some span of the trace has, one trace, and the most rows (200; at most 5000). */
  service?: string;
  traceId?: string;
  limit?: number;

  /** count, exercised and ratio only: "30s", "5m", "1h", "1d"; without it a round one that fits the panel. */
  step?: string;
  /** One number a rule over the whole range instead of a series. A ratio is then that of the two totals: what burn rates need. */
  instant?: boolean;
  /** Of instant counts, where the range was not looked at in full and violations were found in the rest: that number (the default), or nothing. */
  incomplete?: 'at_least' | 'null';
}

export interface BetraceOptions extends DataSourceJsonData {
  /** X-Scope-OrgID */
  tenant?: string;
  /** trace ids link to this Tempo data source */
  tempoDatasourceUid?: string;
  tempoDatasourceName?: string;
  /** seconds a call may take */
  timeout?: number;
  tlsAuthWithCACert?: boolean;
}

export interface BetraceSecureOptions {
  apiToken?: string;
  tlsCACert?: string;
}

/** What a dashboard variable lists. label: values of this label. */
export interface VariableQuery extends DataQuery {
  kind: 'rules' | 'severities' | 'frameworks' | 'services' | 'labels';
  label?: string;
}

/** GET resources/rules */
export interface RuleItem {
  id: string;
  name: string;
  severity: string;
  enabled: boolean;
  shadow: boolean;
  broken: boolean;
  labels: Record<string, string> | null;
}

/** POST resources/validate */
export interface Validation {
  valid: boolean;
  diagnostics: Diagnostic[];
}

export const SEVERITIES = ['info', 'low', 'warning', 'medium', 'high', 'error', 'critical'];

export const isNumbers = (type: QueryType | undefined) => type === 'count' || type === 'exercised' || type === 'ratio';
