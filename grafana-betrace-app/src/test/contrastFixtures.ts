// What goes along with violating, as the service answers it: 1.4.3 alone violates.
import type { Contrast } from '../api/types';
import { coverage } from './fixtures';

export const finding = (change: Partial<Contrast['findings'][number]> = {}): Contrast['findings'][number] => ({
  kind: 'resource_attribute',
  relation: 'is',
  key: 'service.version',
  value: '1.4.3',
  type: 'string',
  in_violating: 'more_often',
  violating: { traces: 46, of: 46 },
  satisfying: { traces: 0, of: 36 },
  support: 46,
  odds_ratio: { value: 6789, low: 132, high: 348000 },
  p: 1e-24,
  p_corrected: 1e-22,
  examples: ['a'.repeat(32), 'b'.repeat(32)],
  ...change,
});

const side = (sampled: number): Contrast['violating'] => ({ total: sampled, total_kind: 'exact', sampled, chosen: sampled, gone: 0, judged_otherwise: 0, lost: 0 });

export const contrastAnswer = (change: Partial<Contrast> = {}): Contrast => ({
  rule_id: 'fraud-check',
  status: 'completed',
  conclusion: 'separates',
  explanation: '1 attribute goes along with violating the rule',
  method: { test: 'fisher_exact_two_sided', correction: 'tarone', level: 0.05, divisor: 20, effect: 'odds_ratio_woolf_haldane_95', meaning: '' },
  compared_with: 'satisfying',
  violating: side(46),
  satisfying: side(36),
  findings: [finding()],
  findings_total: 1,
  findings_unsure: 0,
  looked_at: 40,
  able: 20,
  left_out_keys: false,
  spans_left_out: 0,
  excluded: [],
  excluded_total: 0,
  seed: 1,
  unexercised: [],
  notes: [],
  coverage: coverage(),
  duration_seconds: 0.1,
  queries: 3,
  bytes_inspected: 0,
  bytes_received: 0,
  ...change,
});
