// Problems of a range as the service answers them.
import type { Coverage, FoundProblem, Problems } from '../api/types';
import { coverage } from './fixtures';
import { replay } from './replayFixtures';

const SEEN = { trace_id: 'a'.repeat(32), time: '2026-11-20T12:00:00.000000000Z' };

export const foundProblem = (change: Partial<FoundProblem> = {}): FoundProblem => ({
  id: '0123456789abcdef',
  rule_id: 'fraud-check',
  rule_name: 'Fraud check',
  severity: 'critical',
  failed: { clause: 'always', text: 'audit' },
  message: 'no span named "audit" in this trace',
  entry: 'root',
  entry_service: 'checkout',
  count: 1234,
  count_kind: 'exact',
  provisional: 0,
  exercised: 49360,
  exercised_kind: 'exact',
  share: 0.025,
  sparkline: [0, 12, null, 3],
  first_seen: SEEN,
  last_seen: SEEN,
  trend: 'rising',
  trend_unknown: null,
  changes: [],
  changes_unknown: null,
  link: '/v1/problems?rule_id=fraud-check&id=0123456789abcdef',
  ...change,
});

const UNKNOWN = { trend: 'unknown', share: null } as const;

export const problemsAnswer = (change: Partial<Problems> = {}, covered: Partial<Coverage> = {}): Problems => ({
  ...(replay({}) as unknown as Problems),
  status: 'completed',
  coverage: coverage(covered),
  start: SEEN.time,
  end: SEEN.time,
  step_seconds: 3600,
  steps: 4,
  problems_total: 5,
  problems: [
    foundProblem(),
    foundProblem({ id: '1123456789abcdef', entry: 'no_root', entry_service: '', count: 3, count_kind: 'at_least', trend_unknown: 'steps that decide it are not known', ...UNKNOWN }),
    foundProblem({ id: '2123456789abcdef', entry: 'not_looked_at', entry_service: null, failed: null, message: 'what failed was not looked at', count: 7, trend_unknown: 'its violations were not looked at', ...UNKNOWN }),
  ],
  ...change,
});
