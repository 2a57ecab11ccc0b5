// The violations of the range as problems, one line for each; j and k go from one to the next. Nothing is called absent of which not everything was read.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Alert, useStyles2 } from '@grafana/ui';
import { useMemo, useRef } from 'react';

import type { Rule } from '../api/types';
import { useProblems } from '../api/violations';
import { EmptyState } from '../components/EmptyState';
import { Loading } from '../components/Loading';
import { QuestionProblem } from '../components/StaleNotice';
import { PLAIN } from '../i18n';
import { usePageKeys } from '../keys/pageKeys';
import type { UrlTimeRange } from '../routing/timeRange';
import { CoverageSummary } from './CoverageSummary';
import { reasonSentence, whyEmpty } from './coverageWords';
import { EmptyList } from './EmptyList';
import { isNarrowed, NO_FILTERS, problemsQuery, type ViolationFilters } from './filters';
import { ProblemLine } from './ProblemLine';
import { asPage } from './problemWords';
import { aroundRises, type Around } from './setApart';

interface Props {
  filters: ViolationFilters;
  range: UrlTimeRange;
  rules: readonly Rule[] | undefined;
  setFilters(change: Partial<ViolationFilters>): void;
}

/** From elsewhere on the page the first key comes to the first problem. */
function useProblemKeys() {
  const list = useRef<HTMLUListElement>(null);
  const step = (by: number) => {
    const lines = [...(list.current?.children ?? [])];
    const at = lines.findIndex((line) => line.contains(document.activeElement));
    lines[at < 0 ? 0 : Math.min(lines.length - 1, Math.max(0, at + by))]?.querySelector<HTMLElement>('[data-toggle]')?.focus();
  };
  usePageKeys([
    { key: 'j', text: t('keys.next-problem', 'To the next problem'), run: () => step(1), repeats: true },
    { key: 'k', text: t('keys.previous-problem', 'To the problem before'), run: () => step(-1), repeats: true },
    { key: 'Enter', text: t('keys.open-problem', 'Show its violations, or hide them') },
  ]);
  return list;
}

export function ProblemSection({ filters, range, rules, setFilters }: Props) {
  const styles = useStyles2(getStyles);
  const asked = useProblems(problemsQuery(filters, range));
  const list = useProblemKeys();
  const { data: answer, refetch } = asked;
  const arounds = useMemo(() => (answer ? aroundRises(answer.problems, answer) : new Map<string, Around>()), [answer]);
  if (asked.isPending) {
    return <Loading text={t('violations.problems.loading', 'Reading the whole range, and grouping what is found…')} />;
  }
  if (!answer) {
    return <QuestionProblem asked={asked} title={t('violations.problems.failed', 'The problems could not be found')} />;
  }
  const page = asPage(answer);
  const why = answer.problems.length ? null : whyEmpty(page, rules);
  const more = answer.problems_total - answer.problems.length;
  return (
    <>
      <QuestionProblem asked={asked} />
      <CoverageSummary page={page} loaded={answer.violations_found} />
      {(filters.service || filters.trace) && (
        <p className={styles.fact}>{t('violations.problems.all-services', 'Problems are shown of all services and traces: the filters by service and trace are for single violations.')}</p>
      )}
      {why === 'none-found' && (
        <EmptyList why={why} page={page} filters={filters} isNarrowed={isNarrowed(filters)} isLoading={asked.isFetching} onClear={() => setFilters(NO_FILTERS)} onGoOn={() => void refetch()} onRetry={() => void refetch()} />
      )}
      {why && why !== 'none-found' && (
        <EmptyState icon="question-circle" title={t('violations.problems.none-known', 'No problem is known, and not everything was looked at')}>
          {t('violations.problems.none-known-why', 'This is not “no problems”: {{reason}}', { ...PLAIN, reason: reasonSentence(page.reason) })}
        </EmptyState>
      )}
      {filters.problem && !answer.problems.some(({ id }) => id === filters.problem) && (
        <Alert severity="info" title={t('violations.problems.not-among', 'The problem of this link is not among those that are shown')} onRemove={() => setFilters({ problem: '' })}>
          {t('violations.problems.not-among-why', 'It may lie outside of this range or of these filters. And a problem has another id once its rule has other parts.')}
        </Alert>
      )}
      {answer.problems.length > 0 && (
        <ul ref={list} className={styles.list} aria-label={t('violations.problems.list', 'Problems, those of the gravest rules first')}>
          {answer.problems.map((problem) => (
            <ProblemLine
              key={problem.id}
              problem={problem}
              range={range}
              around={arounds.get(problem.id)}
              rule={rules?.find(({ id }) => id === problem.rule_id)}
              isOpen={problem.id === filters.problem}
              onToggle={() => setFilters({ problem: problem.id === filters.problem ? '' : problem.id })}
            />
          ))}
        </ul>
      )}
      {more > 0 && <p className={styles.fact}>{t('violations.problems.more', '{{n}} more problems are not shown: choose rules or a severity.', { ...PLAIN, n: more })}</p>}
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', margin: 0, padding: 0 }),
  fact: css({ margin: 0, color: theme.colors.text.secondary, overflowWrap: 'anywhere', fontVariantNumeric: 'tabular-nums' }),
});
