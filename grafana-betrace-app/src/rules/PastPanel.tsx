// How would this text have done over a range that is past? Counts of the text as it stands next to those of the saved
// rule, before anything is saved. Asked when the button is pressed, since it costs Tempo work; the range is the page's,
// in the URL.
import { t } from '@grafana/i18n';
import { Alert, Button, Stack, Text } from '@grafana/ui';
import { useState } from 'react';
import type { Series } from '../api/types';
import { useSeriesQuery } from '../api/violations';
import { CoverageNotice, lacksTraces } from '../components/CoverageNotice';
import { ErrorState } from '../components/ErrorState';
import { Loading } from '../components/Loading';
import { TimeRange } from '../components/TimeRange';
import { useUrlTimeRange } from '../routing/timeRange';
import { isOpen, stepFor, toTimeline } from '../violations/buckets';
import { stepOf } from '../violations/steps';
import { Timeline } from '../violations/Timeline';
import { ViolationSamples } from './ViolationSamples';

interface Props {
  dsl: string;
  blocked?: string;
  /** of the saved rule, where its text differs from this one */
  savedId?: string;
  onTest(traceId: string): void;
}

interface Asked {
  dsl: string;
  start: string;
  end: string;
  stepS: number;
}

export interface Totals {
  count: number;
  /** steps that nobody looked at, or without any trace */
  unknown: number;
  /** without the newest, of which nothing was counted yet */
  steps: number;
  /** late spans may be hidden in some */
  isProvisional: boolean;
  /** traces were sampled, and the count is of those that were kept */
  isSampled?: boolean;
  /** then, of one rule: what the count stands for, in one sentence */
  standsFor?: string;
}

export function totalsOf(series: Series): Totals {
  const stepMs = stepOf(series);
  const [only, ...others] = series.series;
  const timeline = series.series.flatMap((one) => toTimeline({ ...series, series: [one] }, stepMs).buckets);
  const counted = timeline.filter((bucket) => !isOpen(bucket));
  return {
    count: timeline.reduce((sum, bucket) => sum + (bucket.count ?? 0), 0),
    unknown: counted.filter((bucket) => bucket.count === null).length,
    steps: counted.length,
    isProvisional: Boolean(series.coverage.provisional_from),
    ...(lacksTraces(series.coverage) ? { isSampled: true } : {}),
    ...((only?.estimated?.total ?? only?.estimated?.of_known) && !others.length ? { standsFor: only.estimated.text } : {}),
  };
}

/** "12", "at least 12" where some steps are not known, or "12 so far"; where none is known, no number at all. */
export function totalText(totals: Totals): string {
  const { count, unknown, steps, isProvisional } = totals;
  if (unknown === steps && count === 0) {
    return t('past.not-known', 'not known');
  }
  if (totals.standsFor) {
    return totals.standsFor;
  }
  if (totals.isSampled) {
    return t('past.kept', '{{count}} among the traces that were kept; of others nothing is known', { count });
  }
  if (unknown > 0 && count === 0) {
    return t('past.none-known', 'none in the steps that are known');
  }
  if (unknown > 0) {
    return t('past.at-least', 'at least {{count}}', { count });
  }
  return isProvisional ? t('past.so-far', '{{count}} so far', { count }) : String(count);
}

function Outcome({ asked, savedId, onTest }: { asked: Asked; savedId?: string; onTest(traceId: string): void }) {
  const range = useUrlTimeRange();
  const query = { start: asked.start, end: asked.end, step: `${asked.stepS}s`, timeout: '1m' };
  const counts = useSeriesQuery({ dsl: asked.dsl, ...query });
  const exercised = useSeriesQuery({ dsl: asked.dsl, ...query, value: 'exercised' }, { enabled: Boolean(counts.data) });
  const saved = useSeriesQuery({ rule_ids: [savedId ?? ''], ...query }, { enabled: Boolean(counts.data && savedId) });
  if (counts.error) {
    return (
      <ErrorState error={counts.error} title={t('past.failed', 'The past could not be asked')} onRetry={() => void counts.refetch()} />
    );
  }
  if (!counts.data) {
    return <Loading text={t('past.loading', 'Evaluating the past. This may take up to a minute.')} />;
  }
  const besides = exercised.error ?? saved.error;
  const total = totalsOf(counts.data);
  const of = exercised.data && totalsOf(exercised.data);
  const before = saved.data && totalsOf(saved.data);
  return (
    <Stack direction="column" gap={2}>
      <div role="status">
        <Text element="h4">{t('past.total', 'Violating traces: {{total}}', { total: totalText(total) })}</Text>
        {of && <div>{t('past.exercised', 'Traces that exercised it: {{total}}', { total: totalText(of) })}</div>}
        {before && <div>{t('past.saved', 'The rule as it is saved: {{total}}', { total: totalText(before) })}</div>}
        {besides && <ErrorState error={besides} title={t('past.besides-failed', 'A number next to it could not be counted')} />}
        {total.unknown > 0 && (
          <div>
            {t('past.unknown', '{{unknown}} of {{steps}} steps are not known: not read in full, or without any trace.', {
              ...total,
            })}
          </div>
        )}
      </div>
      {of && exercised.data?.coverage.complete && of.count === 0 && of.unknown === 0 && of.steps > 0 && (
        <Alert
          severity="info"
          title={t(
            'past.never-exercised',
            'No trace of this range exercised the rule. That is not the same as keeping it: are the names right?'
          )}
        />
      )}
      <Timeline
        timeline={toTimeline(counts.data, asked.stepS * 1000)}
        onPick={(from, to) => range.set(new Date(from).toISOString(), new Date(to).toISOString())}
      />
      <CoverageNotice coverage={counts.data.coverage} reason={counts.data.reason} />
      {total.count > 0 && <ViolationSamples dsl={asked.dsl} start={asked.start} end={asked.end} onTest={onTest} />}
    </Stack>
  );
}

export function PastPanel({ dsl, blocked, savedId, onTest }: Props) {
  const range = useUrlTimeRange();
  const [asked, setAsked] = useState<Asked | null>(null);
  const stepS = stepFor(range.range.to.valueOf() - range.range.from.valueOf(), 48);
  const now: Asked = { dsl, start: range.start, end: range.end, stepS };
  const isOld = asked !== null && JSON.stringify(asked) !== JSON.stringify(now);
  return (
    <Stack direction="column" gap={2}>
      <Stack direction="row" gap={1} alignItems="center" wrap="wrap">
        <TimeRange value={range} />
        <Button disabled={Boolean(blocked)} tooltip={blocked} onClick={() => setAsked(now)}>
          {t('past.ask', 'Ask the past')}
        </Button>
        <Text color="secondary">{t('past.why', 'Evaluates this text over the range. Nothing is saved or emitted.')}</Text>
      </Stack>
      {isOld && <Alert severity="info" title={t('past.old', 'The text or the range has changed since: ask again.')} />}
      {asked && <Outcome asked={asked} savedId={savedId} onTest={onTest} />}
    </Stack>
  );
}
