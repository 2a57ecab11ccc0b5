// The violations of the range as problems, one line for each; j and k go from one to the next. Nothing is called absent of which not everything was read.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Alert, Checkbox, useStyles2 } from '@grafana/ui';
import { useMemo, useRef, useState } from 'react';

import { asApiError } from '../api/problem';
import { MOST_ACKNOWLEDGEMENTS, useAcknowledgements, useMutings } from '../api/problemState';
import type { FoundProblem, Problems, Rule } from '../api/types';
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
import { isQuiet, stateOf, type KnownState } from './problemState';
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

interface Kept {
  of(problem: FoundProblem): KnownState;
  /** sentences about what of it is not known */
  unknown: string[];
}

/** What Grafana keeps about the problems of an answer. A list that could not be read says nothing, whatever it said before. */
function useKept(answer: Problems | undefined): Kept {
  const enabled = Boolean(answer?.problems.length);
  const acknowledgements = useAcknowledgements({ enabled });
  const mutings = useMutings({ enabled });
  const why = (error: unknown) => ({ ...PLAIN, why: asApiError(error).message });
  return {
    of: (problem) => (answer ? stateOf(problem, answer, acknowledgements.error ? undefined : acknowledgements.data, mutings.error ? undefined : mutings.data) : {}),
    unknown: [
      acknowledgements.error && t('violations.state.acknowledged-unknown', 'Which problems are acknowledged is not known: {{why}}', why(acknowledgements.error)),
      mutings.error && t('violations.state.muted-unknown', 'Which rules are muted is not known: {{why}}', why(mutings.error)),
      !acknowledgements.error &&
        acknowledgements.data?.isCut &&
        t('violations.state.cut', 'Only the newest {{n}} acknowledgements were read. Whether other problems are acknowledged is not known.', { ...PLAIN, n: MOST_ACKNOWLEDGEMENTS.toLocaleString() }),
    ].filter((text) => typeof text === 'string'),
  };
}

export function ProblemSection({ filters, range, rules, setFilters }: Props) {
  const styles = useStyles2(getStyles);
  const asked = useProblems(problemsQuery(filters, range));
  const list = useProblemKeys();
  const { data: answer, refetch } = asked;
  const kept = useKept(answer);
  const [hidesQuiet, setHidesQuiet] = useState(false);
  const arounds = useMemo(() => (answer ? aroundRises(answer.problems, answer) : new Map<string, Around>()), [answer]);
  if (asked.isPending) {
    return <Loading text={t('violations.problems.loading', 'Reading the whole range, and grouping what is found…')} />;
  }
  if (!answer) {
    return <QuestionProblem asked={asked} title={t('violations.problems.failed', 'The problems could not be found')} />;
  }
  const page = asPage(answer);
  const why = answer.problems.length ? null : whyEmpty(page, rules);
  const isOpen = ({ id }: FoundProblem) => id === filters.problem;
  const states = answer.problems.map((problem) => ({ problem, state: kept.of(problem) }));
  const quiet = states.filter(({ state }) => isQuiet(state));
  const hidden = hidesQuiet ? quiet.filter(({ problem }) => !isOpen(problem)) : [];
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
      {kept.unknown.map((text) => (
        <p key={text} className={styles.fact} data-state="not-known">
          {text}
        </p>
      ))}
      {quiet.length > 0 && (
        <div>
          <Checkbox
            label={t('violations.state.hide', 'Hide acknowledged problems ({{n}})', { ...PLAIN, n: quiet.length })}
            description={t('violations.state.hide-which', 'Those that regressed or rose since stay.')}
            value={hidesQuiet}
            onChange={(event) => setHidesQuiet(event.currentTarget.checked)}
          />
        </div>
      )}
      {hidden.length > 0 && <p className={styles.fact}>{t('violations.state.hidden', 'Acknowledged problems that are hidden: {{n}}', { ...PLAIN, n: hidden.length })}</p>}
      {answer.problems.length > 0 && (
        <ul ref={list} className={styles.list} aria-label={t('violations.problems.list', 'Problems, those of the gravest rules first')}>
          {states.filter((one) => !hidden.includes(one)).map(({ problem, state }) => (
            <ProblemLine
              key={problem.id}
              problem={problem}
              range={range}
              around={arounds.get(problem.id)}
              rule={rules?.find(({ id }) => id === problem.rule_id)}
              state={state}
              isOpen={isOpen(problem)}
              onToggle={() => setFilters({ problem: isOpen(problem) ? '' : problem.id })}
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
