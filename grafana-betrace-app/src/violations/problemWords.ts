// A problem in words: how many traces, of how many, where they begin, and how it goes. What is not known is said, and is no number. No state.
import { t } from '@grafana/i18n';

import type { FoundProblem, Problems, RateChange, RatePart, ViolationPage } from '../api/types';
import { PLAIN } from '../i18n';

/** What a list says of its coverage is said of this answer alike. */
export function asPage(answer: Problems): ViolationPage {
  const { inconclusive, traces_evaluated, traces_evaluated_kind, coverage, estimated, reason = null } = answer;
  return {
    violations: [],
    total_count: coverage.complete ? answer.violations_found : null,
    inconclusive,
    traces_evaluated,
    traces_evaluated_kind,
    exercised: [],
    reason,
    cursor: null,
    coverage,
    ...(estimated ? { estimated } : {}),
  };
}

const PERCENT = new Intl.NumberFormat('en-US', { style: 'percent', maximumSignificantDigits: 2 });

export function countInWords({ count, count_kind, share }: FoundProblem): string {
  const values = { ...PLAIN, n: count.toLocaleString(), share: PERCENT.format(share ?? 0) };
  if (count_kind === 'at_least') {
    return t('violations.problems.at-least', 'at least {{n}} traces', values);
  }
  return share === null ? t('violations.problems.traces', '{{n}} traces', values) : t('violations.problems.share', '{{n}} traces, {{share}} of those that the rule is about', values);
}

export function entryInWords({ entry, entry_service }: FoundProblem): string {
  switch (entry) {
    case 'not_looked_at':
      return t('violations.problems.not-looked-at', 'counted, and not looked at further');
    case 'no_root':
      return t('violations.problems.no-root', 'traces without a known first span');
    default:
      return entry_service
        ? t('violations.problems.begins', 'begins in {{service}}', { ...PLAIN, service: entry_service })
        : t('violations.problems.no-service', 'begins in a service without a name');
  }
}

export function trendInWords({ trend, trend_unknown }: FoundProblem): string {
  switch (trend) {
    case 'new':
      return t('violations.problems.new', 'New');
    case 'rising':
      return t('violations.problems.rising', 'Rising');
    case 'steady':
      return t('violations.problems.steady', 'Steady');
    case 'over':
      return t('violations.problems.over', 'Over');
    default:
      return t('violations.problems.unknown', 'How it goes is not known: {{why}}', { ...PLAIN, why: trend_unknown ?? '' });
  }
}

/** The share of what the rule is about; where that is not known, how many in an hour. */
function rateInWords({ violations, exercised, seconds }: RatePart): string {
  if (violations === 0) {
    return t('violations.problems.none-of', 'none');
  }
  if (exercised !== null) {
    return PERCENT.format(violations / Math.max(1, exercised));
  }
  const hourly = ((violations * 3600) / Math.max(1, seconds)).toLocaleString('en-US', { maximumSignificantDigits: 2 });
  return t('violations.problems.hourly', '{{n}} an hour', { ...PLAIN, n: hourly });
}

export function changeInWords({ before, after }: RateChange): string {
  return t('violations.problems.from-to', 'from {{before}} to {{after}}', { ...PLAIN, before: rateInWords(before), after: rateInWords(after) });
}

/** The bars for who does not see them. */
export function barsInWords(bars: ReadonlyArray<number | null>): string {
  const known = bars.filter((bar): bar is number => bar !== null);
  const most = Math.max(0, ...known).toLocaleString();
  const values = { ...PLAIN, most, steps: bars.length, unknown: bars.length - known.length };
  return known.length === bars.length
    ? t('violations.problems.bars', 'Traces in {{steps}} steps of time: at most {{most}} in one', values)
    : t('violations.problems.bars-some', 'Traces in {{steps}} steps of time: at most {{most}} in one; steps that are not known: {{unknown}}', values);
}
