// Alerts on the past: when they would have fired, and how often somebody would have been woken.
import { dateTimeFormat } from '@grafana/data';
import { t } from '@grafana/i18n';
import { useState } from 'react';

import { useBacktest } from '../../api/backtest';
import { AlertList } from '../../backtest/AlertList';
import { BacktestForm, type Draft } from '../../backtest/BacktestForm';
import { summaryOf, testedAlerts, type Tone } from '../../backtest/backtestWords';
import { EmptyState } from '../../components/EmptyState';
import { Loading } from '../../components/Loading';
import { QuestionProblem } from '../../components/StaleNotice';
import { SummaryBox, type SummaryTone } from '../../components/SummaryBox';
import { TimeRange } from '../../components/TimeRange';
import { PageFrame, useHost } from '../../host/context';
import { useUrlTimeRange } from '../../routing/timeRange';

const TONE: Record<Tone, SummaryTone> = { often: 'bad', seldom: 'good', unknown: 'unknown' };

export default function Backtest() {
  const range = useUrlTimeRange();
  const zone = useHost().timeZone();
  const [draft, setDraft] = useState<Draft | null>(null);
  const { start, end } = range;
  const question = draft && {
    start,
    end,
    ...(draft.of === 'own' ? { alerts: draft.text } : {}),
    per_week: Number(draft.perWeek),
    night: draft.night.trim(),
    zone: dateTimeFormat(range.range.to, { timeZone: zone, format: 'Z' }),
  };
  const asked = useBacktest(question);
  const answer = asked.data;
  const summary = answer && summaryOf(answer, zone);
  return (
    <PageFrame
      title={t('backtest.title', 'Alerts on the past')}
      subTitle={t('backtest.subtitle', 'When alerts would have fired, and how often somebody would have been woken. Nothing is stored.')}
      actions={<TimeRange value={range} onRefresh={question ? () => void asked.refetch() : undefined} loading={asked.isFetching} />}
    >
      <BacktestForm isAsking={asked.isFetching} onAsk={setDraft} />
      {question === null && (
        <EmptyState icon="history" title={t('backtest.none-yet', 'No alert is tried yet')}>
          {t(
            'backtest.none-yet-why',
            'The enabled rules are counted over the range, step by step. The alerts are evaluated over these counts as Prometheus does.'
          )}
        </EmptyState>
      )}
      {question !== null && asked.isPending && <Loading text={t('backtest.loading', 'Counting and evaluating, which may take a minute…')} />}
      <QuestionProblem asked={asked} title={t('backtest.failed', 'The alerts could not be tried')} />
      {answer && summary && (
        <>
          <SummaryBox label={t('backtest.summary', 'What came of it')} tone={TONE[summary.tone]} headline={summary.headline} notes={summary.notes} />
          <AlertList alerts={testedAlerts(answer)} />
        </>
      )}
    </PageFrame>
  );
}
