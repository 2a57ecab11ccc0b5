// The violations of the range as problems, one line for each. Nothing is called absent of which not everything was read.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Badge, useStyles2, type BadgeColor } from '@grafana/ui';
import { Link } from 'react-router-dom';

import type { FoundProblem, Rule } from '../api/types';
import { useProblems } from '../api/violations';
import { EmptyState } from '../components/EmptyState';
import { Loading } from '../components/Loading';
import { SeverityBadge } from '../components/SeverityBadge';
import { QuestionProblem } from '../components/StaleNotice';
import { TimeText } from '../components/TimeText';
import { PLAIN } from '../i18n';
import type { UrlTimeRange } from '../routing/timeRange';
import { useUrls } from '../routing/useUrls';
import { CoverageSummary } from './CoverageSummary';
import { reasonSentence, whyEmpty } from './coverageWords';
import { EmptyList } from './EmptyList';
import { isNarrowed, NO_FILTERS, problemsQuery, type ViolationFilters } from './filters';
import { ProblemChanges } from './ProblemChanges';
import { asPage, barsInWords, countInWords, entryInWords, trendInWords } from './problemWords';

const COLOR: Record<FoundProblem['trend'], BadgeColor> = { new: 'red', rising: 'orange', steady: 'purple', over: 'green', unknown: 'purple' };
const BAR = { width: 4, gap: 1, height: 24, least: 2 };

/** A step that is not known is hatched by a short line in the middle, which no number has. */
function Bars({ bars }: { bars: FoundProblem['sparkline'] }) {
  const styles = useStyles2(getStyles);
  const most = Math.max(1, ...bars.map((bar) => bar ?? 0));
  const heightOf = (bar: number) => (bar === 0 ? 0 : Math.max(BAR.least, (BAR.height * bar) / most));
  const at = (index: number) => index * (BAR.width + BAR.gap);
  return (
    <svg role="img" aria-label={barsInWords(bars)} className={styles.bars} width={at(bars.length)} height={BAR.height} viewBox={`0 0 ${at(bars.length)} ${BAR.height}`}>
      {bars.map((bar, index) =>
        bar === null ? (
          <line key={index} className={styles.gap} x1={at(index)} x2={at(index) + BAR.width} y1={BAR.height / 2} y2={BAR.height / 2} />
        ) : (
          <rect key={index} className={styles.bar} x={at(index)} y={BAR.height - heightOf(bar)} width={BAR.width} height={heightOf(bar)} />
        )
      )}
    </svg>
  );
}

function ProblemLine({ problem, range }: { problem: FoundProblem; range: UrlTimeRange }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const { rule_id, rule_name, severity, message, entry_service, first_seen, last_seen, sparkline, trend } = problem;
  const query = { from: range.from, to: range.to, rule: rule_id, ...(entry_service ? { service: entry_service } : {}) };
  return (
    <li className={styles.problem} data-problem={problem.id}>
      <div className={styles.line}>
        <SeverityBadge severity={severity} />
        <h2 className={styles.name}>
          <Link to={to.violations(query)}>{rule_name || rule_id}</Link>
        </h2>
        {trend !== 'unknown' && <Badge text={trendInWords(problem)} color={COLOR[trend]} />}
      </div>
      <p className={styles.fact}>
        {message}; {entryInWords(problem)}
      </p>
      <div className={styles.line}>
        <Bars bars={sparkline} />
        <span className={styles.fact}>{countInWords(problem)}</span>
        <span className={styles.fact}>
          {t('violations.problems.first', 'first')} <TimeText time={first_seen.time} />, {t('violations.problems.last', 'last')} <TimeText time={last_seen.time} />
        </span>
      </div>
      <ProblemChanges problem={problem} range={range} />
      {trend === 'unknown' && <p className={styles.fact}>{trendInWords(problem)}</p>}
    </li>
  );
}

interface Props {
  filters: ViolationFilters;
  range: UrlTimeRange;
  rules: readonly Rule[] | undefined;
  setFilters(change: Partial<ViolationFilters>): void;
}

export function ProblemSection({ filters, range, rules, setFilters }: Props) {
  const styles = useStyles2(getStyles);
  const asked = useProblems(problemsQuery(filters, range));
  const { data: answer, refetch } = asked;
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
      {answer.problems.length > 0 && (
        <ul className={styles.list} aria-label={t('violations.problems.list', 'Problems, those of the gravest rules first')}>
          {answer.problems.map((problem) => (
            <ProblemLine key={problem.id} problem={problem} range={range} />
          ))}
        </ul>
      )}
      {more > 0 && <p className={styles.fact}>{t('violations.problems.more', '{{n}} more problems are not shown: choose rules or a severity.', { ...PLAIN, n: more })}</p>}
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', margin: 0, padding: 0 }),
  problem: css({ padding: theme.spacing(1.5, 0), borderBottom: `1px solid ${theme.colors.border.weak}` }),
  line: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(0.5, 1.5) }),
  name: css({ ...theme.typography.h5, margin: 0, overflowWrap: 'anywhere', '& a': { color: theme.colors.text.link } }),
  fact: css({ margin: 0, color: theme.colors.text.secondary, overflowWrap: 'anywhere', fontVariantNumeric: 'tabular-nums' }),
  bars: css({ maxWidth: '100%' }),
  bar: css({ fill: theme.colors.error.main }),
  gap: css({ stroke: theme.colors.text.disabled, strokeWidth: 1 }),
});
