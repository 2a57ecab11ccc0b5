// Reports as the service answers them (docs/COMPLIANCE.md); tests change what they are about.
import type { Report } from '../api/compliance';
import { coverage } from './fixtures';
import type { Control, ControlRule, ControlStatus, Counts, ReportHead, ReportParts } from '../compliance/reportParts';

export const counts = (change: Partial<Counts> = {}): Counts => ({
  evaluated: 20000,
  evaluated_kind: 'exact',
  exercised: 900,
  exercised_kind: 'exact',
  satisfied: 897,
  violated: 3,
  inconclusive: 0,
  going_on: 0,
  provisional: 0,
  ...change,
});

export const controlRule = (change: Partial<ControlRule> = {}): ControlRule => ({
  rule_id: 'pii-audit',
  name: 'PII is audited',
  status: 'violated',
  reason: null,
  counts: counts(),
  decides: true,
  ...change,
});

export const control = (change: Partial<Control> = {}): Control => ({
  control: 'CC6.1',
  title: 'Logical access to protected assets',
  in_catalogue: true,
  status: 'violated',
  rules: [controlRule()],
  removed: [],
  first_violation: null,
  last_violation: null,
  ...change,
});

export function report(controls: Control[], change: Partial<ReportHead> = {}, signed = false, timeStamp: ReportParts['timeStamp'] = null): Report {
  const head: ReportHead = {
    report_id: 'rep-1',
    framework: { name: 'SOC2', title: 'SOC 2', in_catalogue: true },
    range: { start: '2026-11-19T12:00:00Z', end: '2026-11-20T12:00:00Z' },
    evaluated_at: '2026-11-20T12:00:05Z',
    settled_end: '2026-11-20T11:58:00Z',
    complete: true,
    notes: [],
    coverage: coverage(),
    ...change,
  };
  const totals: Partial<Record<ControlStatus, number>> = {};
  controls.forEach(({ status }) => (totals[status] = (totals[status] ?? 0) + 1));
  const hash = 'a'.repeat(64);
  const bodies = [{ type: 'report', body: head }, ...controls.map((body) => ({ type: 'control', body })), { type: 'end', body: { controls: totals, entries: controls.length + 2, rules: 1 } }];
  return {
    format: 'betrace-report/1',
    entries: bodies.map(({ type, body }, number) => ({ type, body, number, previous: hash, hash })),
    evidence: { chain: 'sha256', head: hash, key_id: signed ? hash : null, signature: signed ? 'c2ln' : null, signed: signed ? 'ed25519' : 'unsigned', time_stamp: timeStamp },
  } as unknown as Report;
}
