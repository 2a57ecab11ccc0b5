// The timeline with what it is asked for, and what it cannot take into account. Chart and list are one evaluation. Where the list is all there is, the
// bars are made of it. Else they are counted over the very range of the list, of the same rules, and say where they differ.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Icon, useStyles2 } from '@grafana/ui';
import { useMemo } from 'react';

import { PLAIN } from '../i18n';
import { useSeries } from '../api/violations';
import { Loading } from '../components/Loading';
import { QuestionProblem } from '../components/StaleNotice';
import { formatTime } from '../components/TimeText';
import { useHost } from '../host/context';
import { listTimeline, stepFor, toTimeline, type Timeline as TimelineData } from './buckets';
import { isStillLooking, reasonWord } from './coverageWords';
import { isWiderThanList, seriesQuery } from './filters';
import { LookedAt } from './LookedAt';
import { Timeline } from './Timeline';
import type { useViolationList } from './useViolationList';

type List = Pick<ReturnType<typeof useViolationList>, 'filters' | 'range' | 'query' | 'violations' | 'lastPage'>;

const MOST_BARS = 100;

/** Nothing of the range is left to be listed, and everything that can be final was read. */
const isWhole = ({ lastPage }: List): boolean => Boolean(lastPage?.coverage.complete && lastPage.cursor === null);

/** The newest rows come first: the service asks its Tempo few questions at once, and a count over the range can take all places. */
function useTimeline(list: List) {
  const { filters, range, query, violations, lastPage } = list;
  const step = stepFor(range.range.to.valueOf() - range.range.from.valueOf(), MOST_BARS);
  const asked = lastPage?.coverage.asked ?? { start: range.start, end: range.end };
  const isOfList = isWhole(list);
  const isFree = !query.isFetching || query.isFetchingNextPage;
  const hasRules = reasonWord(lastPage?.reason ?? null) !== 'no_rules';
  const series = useSeries(seriesQuery(filters, asked, step), { enabled: !isOfList && isFree && hasRules });
  const timeline = useMemo(
    () => (isOfList && lastPage ? listTimeline(violations, lastPage.coverage, step * 1000) : series.data && toTimeline(series.data, step * 1000)),
    [isOfList, lastPage, violations, series.data, step]
  );
  return { series, timeline, asked, isOfList, hasRules };
}

interface Compared {
  timeline: TimelineData;
  total: number | null | undefined;
  asked: { start: string; end: string };
}

/** Where the numbers of both are final and not the same: why. */
function Differs({ timeline, total, asked }: Compared) {
  const styles = useStyles2(getStyles);
  const zone = useHost().timeZone();
  const { buckets, isWhole: isAll } = timeline;
  if (total === null || total === undefined || !isAll || total === timeline.total || !buckets.length) {
    return null;
  }
  const values = { ...PLAIN, chart: timeline.total.toLocaleString(), list: total.toLocaleString(), from: formatTime(asked.start, zone), to: formatTime(asked.end, zone) };
  const isBeyond = buckets[0].start < Date.parse(asked.start) || buckets[buckets.length - 1].end > Date.parse(asked.end);
  return (
    <p className={styles.note} data-state="differs">
      <Icon name="info-circle" />{' '}
      {isBeyond && t('violations.timeline.beyond', 'The list is of {{from}} to {{to}}; the first and the last bar are whole steps and reach beyond it.', values)}{' '}
      {t('violations.timeline.differs', 'The bars have {{chart}} violations and the list has {{list}}: bars have what is settled, and were read after the list.', values)}
    </p>
  );
}

export function TimelineSection({ list }: { list: List }) {
  const styles = useStyles2(getStyles);
  const { series, timeline, asked, isOfList, hasRules } = useTimeline(list);
  if (!hasRules) {
    return null;
  }
  if (!isOfList && series.isPending) {
    return <Loading text={t('violations.timeline.loading', 'Counting…')} />;
  }
  const pick = (start: number, end: number) => list.range.set(new Date(start).toISOString(), new Date(end).toISOString());
  return (
    <>
      {!isOfList && <QuestionProblem asked={series} title={t('violations.timeline.failed', 'The timeline could not be counted')} />}
      {timeline && <Timeline timeline={timeline} onPick={pick} />}
      {!isOfList && series.data && isStillLooking(series.data) && (
        <div className={styles.note} role="status">
          <LookedAt coverage={series.data.coverage} />{' '}
          {t('violations.timeline.going-on', 'Counting goes on, newest first; hatched steps are not known yet…')}
        </div>
      )}
      {!isOfList && isWiderThanList(list.filters) && (
        <p className={styles.note}>
          <Icon name="info-circle" />{' '}
          {t(
            'violations.timeline.wider',
            'The timeline counts all services and traces: only the list is narrowed by service and trace id.'
          )}
        </p>
      )}
      {!isOfList && timeline && !isWiderThanList(list.filters) && <Differs timeline={timeline} total={list.lastPage?.total_count} asked={asked} />}
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  note: css({ margin: 0, color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize }),
});
