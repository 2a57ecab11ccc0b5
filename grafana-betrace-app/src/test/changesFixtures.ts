// An answer about what changed: a rollout that made payments slow.
import type { Change, Changes } from '../api/types';

export const change = (more: Partial<Change> = {}): Change => ({
  text: 'payment takes less than 300ms (shop): 100 % of 4500 → 71.7 % of 1500 (95 %: 69.4 to 74)',
  behaviour: 'payment takes less than 300ms (shop)',
  kind: 'latency',
  before: { kept: 4500, traces: 4500, share: 1, low: 0.9992, high: 1 },
  after: { kept: 1076, traces: 1500, share: 0.7173, low: 0.6938, high: 0.74 },
  chance: 0.0025,
  damage: 424,
  behaviours: 18,
  since: { first: '2026-03-10T06:01:50Z', from: '2026-03-10T06:01:28Z', until: '2026-03-10T06:13:24Z' },
  marks: [
    { key: 'resource.service.version', value: '1.4.3', share: 1 },
    { key: 'resource.cloud.region', value: 'eu-west-1', share: 1 },
  ],
  trace_before: '20fad7a240dcfea9fdcb1fe96c7d0de0',
  trace_after: 'f943be547db20591c554641044bc7043',
  dsl: 'when { name:"payment" as a }\nalways { a.where(span.duration < 300ms) }\n',
  ...more,
});

const version = (service: string, name: string, first: string) => ({ service, version: name, first, last: '2026-03-10T11:59:00Z', traces: 10 });

export const changesAnswer = (more: Partial<Changes> = {}): Changes => ({
  status: 'changed',
  reason: null,
  changes: [change()],
  matched: [],
  sides: {
    baseline: { start: '2026-03-09T12:00:00Z', end: '2026-03-10T06:00:00Z', having: null },
    candidate: { start: '2026-03-10T06:00:00Z', end: '2026-03-10T12:00:00Z', having: null },
  },
  versions: [
    version('shop', '1.4.2', '2026-03-09T12:00:02Z'),
    version('stock', '1.4.2', '2026-03-09T12:00:02Z'),
    version('shop', '1.4.3', '2026-03-10T06:01:50Z'),
    version('stock', '1.4.3', '2026-03-10T06:03:00Z'),
  ],
  has_more_versions: false,
  sampling: { known: 'not_declared', declared: null, text: 'sampling not declared' },
  behaviours: 124,
  unchanged: 99,
  baseline_traces: 4500,
  candidate_traces: 1500,
  chance_of_any: 0.025,
  least_seen: 7,
  traces_incomplete: 0,
  traces_too_large: 0,
  traces_not_read: 0,
  spans_not_named: 0,
  attributes_drifting: 0,
  behaviours_beyond: 0,
  not_read: null,
  ...more,
});
