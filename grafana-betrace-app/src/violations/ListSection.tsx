// The list with what it rests on; or why there is none.
import { t } from '@grafana/i18n';
import { Button } from '@grafana/ui';
import { useEffect } from 'react';
import { useLocation } from 'react-router-dom';

import type { Rule } from '../api/types';
import { ErrorState } from '../components/ErrorState';
import { Loading } from '../components/Loading';
import { QuestionProblem } from '../components/StaleNotice';
import { useUrls } from '../routing/useUrls';
import { CoverageSummary } from './CoverageSummary';
import { whyEmpty } from './coverageWords';
import { EmptyList } from './EmptyList';
import { isNarrowed, NO_FILTERS } from './filters';
import { searchWithRange, type useViolationList } from './useViolationList';
import { ViolationTable } from './ViolationTable';

/** `rules`: all that are stored; undefined: not known (yet). */
export function ListSection({ list, rules }: { list: ReturnType<typeof useViolationList>; rules: readonly Rule[] | undefined }) {
  const to = useUrls();
  const { search } = useLocation();
  const { query, violations, lastPage, canGoOn, goOn, filters, setFilters } = list;
  const why = lastPage && !violations.length ? whyEmpty({ ...lastPage, violations }, rules) : null;
  // A rare violation may lie many pages away: the range that was asked for is looked at to its end.
  useEffect(() => {
    if (why === 'still-looking' && canGoOn) {
      goOn();
    }
  }, [why, canGoOn, goOn]);
  if (query.isPending) {
    return <Loading text={t('violations.loading', 'Looking for violations…')} />;
  }
  if (!lastPage) {
    return (
      <ErrorState
        error={query.error}
        title={t('violations.failed', 'Violations could not be listed')}
        onRetry={() => void query.refetch()}
      />
    );
  }
  return (
    <>
      <CoverageSummary page={lastPage} loaded={violations.length} />
      {query.isFetchNextPageError ? (
        <ErrorState
          error={query.error}
          title={t('violations.more-failed', 'The next violations could not be loaded')}
          onRetry={() => void query.fetchNextPage()}
        />
      ) : (
        <QuestionProblem asked={query} />
      )}
      {why ? (
        <EmptyList
          why={why}
          page={lastPage}
          filters={filters}
          isNarrowed={isNarrowed(filters)}
          isLoading={query.isFetching}
          onClear={() => setFilters(NO_FILTERS)}
          onGoOn={goOn}
          onRetry={() => void query.refetch()}
        />
      ) : (
        <ViolationTable
          violations={violations}
          total={lastPage.total_count}
          urlOf={(violation) => `${to.violation(violation.rule_id, violation.trace_id)}?${searchWithRange(search, list.range)}`}
          problemUrlOf={(ruleId, problem) => to.violations({ rule: ruleId, problem, from: list.range.from, to: list.range.to })}
          onNearEnd={canGoOn ? goOn : undefined}
        />
      )}
      {canGoOn && violations.length > 0 && (
        <Button variant="secondary" fill="text" onClick={goOn}>
          {t('violations.look-further', 'Look further')}
        </Button>
      )}
      {query.isFetchingNextPage && violations.length > 0 && <Loading text={t('violations.loading-more', 'Looking further…')} />}
    </>
  );
}
