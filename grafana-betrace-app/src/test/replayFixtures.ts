// Replays as the service answers them, whole and valid; tests change what they are about.
import type { Replay } from '../api/types';
import { coverage } from './fixtures';

type Counters = Replay['rules'][number];

export const counters = (change: Partial<Counters> = {}): Counters => ({
  rule_id: 'fraud-check',
  rule_name: 'Fraud check on large orders',
  rule_version: 3,
  condition_hash: 'a'.repeat(64),
  traces_evaluated: 20000,
  traces_evaluated_kind: 'exact',
  traces_candidate: 1200,
  traces_read: 300,
  traces_exercised: 900,
  traces_exercised_kind: 'exact',
  strategy: 'id_sets',
  traces_decided_unread: 0,
  sample_unread: 50,
  sample_differences: 0,
  violations_found: 0,
  violations_listed: change.violations_found ?? 0,
  listed_until: null,
  violations_provisional: 0,
  violations_without_link: 0,
  inconclusive: 0,
  first_violation: null,
  last_violation: null,
  ...change,
});

/** One rule unless `rules` says otherwise; counters go into the whole and into the rule. */
export const replay = (change: Partial<Replay> = {}): Replay => ({
  ...counters(change as Partial<Counters>),
  replay_id: 'r-1',
  start_time: '2026-11-19T12:00:00Z',
  end_time: '2026-11-20T12:00:00Z',
  status: 'completed',
  progress: 1,
  duration_seconds: 3.25,
  queries: 42,
  bytes_inspected: 5 * 2 ** 20,
  bytes_received: 2048,
  emit: false,
  spans_emitted: 0,
  spans_already_there: 0,
  spans_failed: 0,
  created_at: '2026-11-20T12:00:00Z',
  started_at: '2026-11-20T12:00:00Z',
  finished_at: '2026-11-20T12:00:03Z',
  coverage: coverage(),
  rules: [counters(change as Partial<Counters>)],
  ...change,
});
