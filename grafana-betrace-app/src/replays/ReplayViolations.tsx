// The violations of one replay, as they come: while it runs, each look at it brings the next page. In order of arrival then, and of time once all are here.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { useStyles2 } from '@grafana/ui';
import { useCallback, useEffect, useMemo } from 'react';
import { isRunning, useReplayViolations } from '../api/replays';
import type { Replay, Violation } from '../api/types';
import { ErrorState } from '../components/ErrorState';
import { useUrls } from '../routing/useUrls';
import { ViolationTable } from '../violations/ViolationTable';

/** Beyond, the next page comes when somebody scrolls there. */
const FOLLOW_MOST = 1000;

interface Props {
  replay: Replay;
  /** when `replay` was asked for last */
  askedAt: number;
}

function byTime(a: Violation, b: Violation): number {
  return a.time < b.time ? -1 : a.time > b.time ? 1 : 0;
}

export function ReplayViolations({ replay, askedAt }: Props) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const list = useReplayViolations(replay.replay_id);
  const running = isRunning(replay);
  const { hasNextPage, isFetching, isFetchNextPageError, fetchNextPage } = list;
  const pages = list.data?.pages;
  const isWhole = !running && !hasNextPage;
  const violations = useMemo(() => {
    const all = (pages ?? []).flatMap((page) => page.violations);
    return isWhole ? [...all].sort(byTime) : all;
  }, [pages, isWhole]);
  const loaded = violations.length;
  const isBehind = loaded < replay.violations_listed && loaded < FOLLOW_MOST;
  // nobody looks at a replay that has ended: a page that came too early is followed by the next one then
  const isLeftBehind = !running && isBehind && !isFetching && !isFetchNextPageError;
  useEffect(() => {
    if (isBehind && hasNextPage && !isFetching) {
      void fetchNextPage();
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once for each look at the replay: a page may be empty
  }, [askedAt, isLeftBehind]);
  const more = useCallback(() => {
    if (!isFetching) {
      void fetchNextPage();
    }
  }, [isFetching, fetchNextPage]);
  if (list.error && !loaded) {
    return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  }
  if (!loaded) {
    return null;
  }
  // an ad-hoc text has no rule to show a violation with: its trace has the verdicts of the stored ones
  const urlOf = (violation: Violation) => to.violation(violation.rule_id, violation.trace_id, { replay: replay.replay_id });
  return (
    <section>
      <h2 className={styles.heading}>
        {t('replay.violations', 'Violations')}{' '}
        <small className={styles.count}>
          {loaded < replay.violations_found
            ? t('replay.violations-loaded', '{{loaded}} of {{n}} loaded', { loaded: loaded.toLocaleString(), n: replay.violations_found.toLocaleString() })
            : null}
        </small>
      </h2>
      <ViolationTable violations={violations} total={running ? null : replay.violations_found} urlOf={urlOf} onNearEnd={!running && hasNextPage ? more : undefined} />
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  heading: css({ ...theme.typography.h4 }),
  count: css({ color: theme.colors.text.secondary }),
});
