// The timeline with what it is asked for, and what it cannot take into account.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Icon, useStyles2 } from '@grafana/ui';
import { useMemo } from 'react';

import { useSeries } from '../api/violations';
import { Loading } from '../components/Loading';
import { QuestionProblem } from '../components/StaleNotice';
import { stepFor, toTimeline } from './buckets';
import { isStillLooking } from './coverageWords';
import { isWiderThanList, seriesQuery } from './filters';
import { LookedAt } from './LookedAt';
import { Timeline } from './Timeline';
import type { useViolationList } from './useViolationList';

type List = Pick<ReturnType<typeof useViolationList>, 'filters' | 'range' | 'query'>;

const MOST_BARS = 100;

/** The newest rows come first: the service asks its Tempo few questions at once, and a count over the range can take all places. */
function useTimeline({ filters, range, query }: List) {
  const step = stepFor(range.range.to.valueOf() - range.range.from.valueOf(), MOST_BARS);
  const series = useSeries(seriesQuery(filters, range, step), { enabled: !query.isFetching || query.isFetchingNextPage });
  const timeline = useMemo(() => series.data && toTimeline(series.data.series, step * 1000), [series.data, step]);
  return { series, timeline };
}

export function TimelineSection({ list, hasShadow }: { list: List; hasShadow: boolean }) {
  const styles = useStyles2(getStyles);
  const { series, timeline } = useTimeline(list);
  if (series.isPending) {
    return <Loading text={t('violations.timeline.loading', 'Counting…')} />;
  }
  const pick = (start: number, end: number) => list.range.set(new Date(start).toISOString(), new Date(end).toISOString());
  return (
    <>
      <QuestionProblem asked={series} title={t('violations.timeline.failed', 'The timeline could not be counted')} />
      {timeline && <Timeline timeline={timeline} onPick={pick} />}
      {series.data && isStillLooking(series.data) && (
        <div className={styles.note} role="status">
          <LookedAt coverage={series.data.coverage} />{' '}
          {t('violations.timeline.going-on', 'Counting goes on, newest first; hatched steps are not known yet…')}
        </div>
      )}
      {isWiderThanList(list.filters) && (
        <p className={styles.note}>
          <Icon name="info-circle" />{' '}
          {t(
            'violations.timeline.wider',
            'The timeline counts all services and traces: only the list is narrowed by service and trace id.'
          )}
        </p>
      )}
      {hasShadow && !list.filters.rule.length && (
        <p className={styles.note}>
          <Icon name="info-circle" />{' '}
          {t(
            'violations.timeline.shadow',
            'Rules in shadow are listed, and counted in the timeline only when they are chosen as a filter.'
          )}
        </p>
      )}
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  note: css({ margin: 0, color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize }),
});
