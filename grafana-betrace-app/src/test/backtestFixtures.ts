// An answer of a backtest: a noisy alert, one that pages, one that does not, and two that are not tested.
import type { Backtest, BacktestAlert } from '../api/types';

export const backtestAlert = (more: Partial<BacktestAlert> = {}): BacktestAlert => ({
  alert: 'Own',
  file: 'alerts',
  line: 4,
  also_in: [],
  rests_on: 'counted',
  not_there: [],
  pages: 0,
  pages_per_week: 0,
  pages_at_night: 0,
  too_often: false,
  by_severity: [],
  suggestions: { for: null, threshold: null },
  unknown: [],
  unknown_seconds: 0,
  refused: null,
  firings: [],
  ...more,
});

const firing = (minute: number) => ({
  labels: { alertname: 'Noisy', job: 'betrace', instance: 'betrace:8080', rule_id: 'retried', severity: 'high' },
  active: `2026-03-10T06:${minute}:00Z`,
  fired: `2026-03-10T06:${minute}:00Z`,
  resolved: `2026-03-10T06:${minute + 8}:00Z`,
  seconds: 480,
});

export const noisy = (more: Partial<BacktestAlert> = {}) =>
  backtestAlert({
    alert: 'Noisy',
    line: 9,
    pages: 7,
    pages_per_week: 49.04,
    pages_at_night: 2,
    too_often: true,
    suggestions: { for: { for: '5m', pages: 1 }, threshold: { now: 0, instead: 3, offset: 40, pages: 0 } },
    firings: [10, 20, 30, 40].map(firing),
    ...more,
  });

export const backtestAnswer = (more: Partial<Backtest> = {}): Backtest => ({
  status: 'too_often',
  alerts: [
    backtestAlert({ alert: 'Quiet', line: 1 }),
    noisy(),
    backtestAlert({ alert: 'Down', line: 12, rests_on: 'assumed' }),
    backtestAlert({ alert: 'Silent', line: 15, rests_on: 'no_series' }),
  ],
  rules: [{ rule_id: 'retried', violations: 92, exercised: 276, unknown_steps: 0 }],
  start: '2026-03-09T12:00:00Z',
  end: '2026-03-10T12:00:00Z',
  step: '1m',
  steps: 1440,
  assumed_well: 'up',
  not_counted: null,
  evaluations: 5760,
  evaluating_seconds: 0.3,
  requests: 12,
  bytes_inspected: 0,
  bytes_received: 0,
  sampling: { known: 'not_declared', declared: null, text: 'sampling not declared' },
  unexercised: [],
  notes: [],
  ...more,
});
