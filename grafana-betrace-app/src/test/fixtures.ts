// Answers of the service, whole and valid; tests change what they are about.
import type { Coverage, Rule, Violation } from '../api/types';

export const coverage = (change: Partial<Coverage> = {}): Coverage => ({
  complete: true,
  source: { kind: 'tempo', version: '3.0.3', checked: true },
  asked: { start: '2026-11-20T12:00:00Z', end: '2026-11-20T13:00:00Z' },
  effective_end: '2026-11-20T13:00:00Z',
  handover_from: null,
  data_from: '2026-11-20T12:00:01Z',
  windows_empty: [],
  windows_failed: [],
  unsettled: 0,
  outside: 0,
  long_traces: [],
  assumptions: { margin: '15m', lateness: '15m', settle: '2m', clock_skew: '0s' },
  ...change,
});

export const rule = (change: Partial<Rule> = {}): Rule => ({
  id: 'fraud-check',
  name: 'Fraud check on large orders',
  description: 'Large orders are checked before they are paid.',
  dsl: 'when { checkout.where(amount > 1000) } always { fraud-check }',
  severity: 'critical',
  enabled: true,
  shadow: false,
  watch_all: false,
  labels: { team: 'payments' },
  annotations: {},
  controls: [],
  settle: null,
  margin: null,
  clock_skew: null,
  require_complete: null,
  version: 3,
  condition_hash: 'a'.repeat(64),
  created_at: '2026-11-01T09:00:00Z',
  updated_at: '2026-11-19T10:30:00.123456789Z',
  updated_by: 'ada',
  broken: null,
  ...change,
});

export const violation = (change: Partial<Violation> = {}): Violation => ({
  id: '0'.repeat(32),
  rule_id: 'fraud-check',
  rule_name: 'Fraud check on large orders',
  rule_version: 3,
  condition_hash: 'a'.repeat(64),
  severity: 'critical',
  trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
  span_id: '00f067aa0ba902b7',
  time: '2026-11-20T12:34:56.789012345Z',
  message: 'checkout without fraud-check',
  confirmed: 'by_id',
  witnesses: [],
  ...change,
});
