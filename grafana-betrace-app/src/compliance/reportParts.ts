// The entries of a report (docs/COMPLIANCE.md) as the page needs them. No state.
import type { Report } from '../api/compliance';
import type { Coverage } from '../api/types';

/** From what must be seen first to what claims nothing. */
export const STATUSES = ['violated', 'inconclusive', 'incomplete', 'no_data', 'not_evaluated', 'not_exercised', 'partly_exercised', 'pass', 'no_rules'] as const;
export type ControlStatus = (typeof STATUSES)[number];

export interface Counts {
  evaluated: number;
  evaluated_kind: 'exact' | 'at_least';
  exercised: number;
  exercised_kind: 'exact' | 'at_least';
  satisfied: number;
  violated: number;
  inconclusive: number;
  going_on: number;
  provisional: number;
}

export interface ControlRule {
  rule_id: string;
  name: string;
  status: ControlStatus;
  reason: string | null;
  counts: Counts | null;
  decides: boolean;
}

export interface Moment {
  time: string;
  trace_id: string;
}

export interface Control {
  control: string;
  title: string | null;
  in_catalogue: boolean;
  status: ControlStatus;
  rules: ControlRule[];
  removed: Array<{ rule_id?: string }>;
  first_violation: Moment | null;
  last_violation: Moment | null;
}

export interface ReportHead {
  report_id: string;
  framework: { name: string; title: string; in_catalogue: boolean };
  range: { start: string; end: string };
  evaluated_at: string;
  settled_end: string;
  complete: boolean;
  notes: string[];
  coverage: Coverage;
  /** Its first two are null where the service does not know; reports of before have none of it. */
  previous?: { report_id: string | null; head: string | null; reason: string | null };
}

export interface ReportParts {
  head: ReportHead;
  controls: Control[];
  totals: Partial<Record<ControlStatus, number>>;
  isSigned: boolean;
  chainHead: string;
  /** null: no authority was asked for one. */
  timeStamp: { token: string | null; reason: string | null } | null;
}

export function partsOfReport({ entries, evidence }: Report): ReportParts {
  const bodies = (type: string) => entries.filter((entry) => entry.type === type).map((entry) => entry.body);
  const end = (bodies('end')[0] ?? {}) as { controls?: ReportParts['totals'] };
  return {
    head: bodies('report')[0] as unknown as ReportHead,
    controls: bodies('control') as unknown as Control[],
    totals: end.controls ?? {},
    isSigned: evidence.signed === 'ed25519',
    chainHead: evidence.head,
    timeStamp: evidence.time_stamp ?? null,
  };
}

/** Worst first, and then in the order of the report, which is that of the framework. */
export function inOrder(controls: Control[]): Control[] {
  return [...controls].sort((a, b) => STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status));
}

export function hasRules({ rules, removed }: Control): boolean {
  return rules.length > 0 || removed.length > 0;
}
