// The newest violations of one problem. Those of a problem that were only counted cannot be listed as its own: the list of the rule has them.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, useStyles2 } from '@grafana/ui';
import { useEffect, useRef } from 'react';
import { Link, useLocation } from 'react-router-dom';

import type { FoundProblem, Violation, ViolationPage } from '../api/types';
import { useViolations } from '../api/violations';
import { Loading } from '../components/Loading';
import { QuestionProblem } from '../components/StaleNotice';
import { formatTime } from '../components/TimeText';
import { useHost } from '../host/context';
import { PLAIN } from '../i18n';
import type { UrlTimeRange } from '../routing/timeRange';
import { useUrls } from '../routing/useUrls';
import type { Chosen } from './ApartBars';
import { reasonSentence } from './coverageWords';
import { rowsQuery } from './filters';
import { findingName, type Finding } from './setApart';
import { searchWithRange } from './useViolationList';

const ROWS = 10;

/** The number is that of the problem: the list stops looking once it has its rows. */
function rowsInWords({ violations, cursor, reason }: ViolationPage, { count, count_kind }: FoundProblem): string {
  const values = { ...PLAIN, n: violations.length, total: count.toLocaleString(), reason: reasonSentence(reason) };
  if (!violations.length) {
    return t('violations.problems.no-rows', 'None of its violations could be listed: {{reason}}', values);
  }
  if (count_kind === 'at_least') {
    return t('violations.problems.newest-at-least', 'The newest {{n}} of at least {{total}}', values);
  }
  return cursor !== null && count > violations.length ? t('violations.problems.newest-rows', 'The newest {{n}} of {{total}}', values) : '';
}

function Row({ violation, url }: { violation: Violation; url: string }) {
  const styles = useStyles2(getStyles);
  const timeZone = useHost().timeZone();
  return (
    <li className={styles.row}>
      <Link to={url} className={styles.time}>
        <time dateTime={violation.time} title={violation.time}>
          {formatTime(violation.time, timeZone, 'milliseconds')}
        </time>
      </Link>
      <span className={styles.root}>{[violation.root_service, violation.root_name].filter(Boolean).join(' ') || violation.trace_id}</span>
      <span className={styles.message}>{violation.message}</span>
    </li>
  );
}

function ListedRows({ problem, range }: { problem: FoundProblem; range: UrlTimeRange }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const { search } = useLocation();
  const asked = useViolations(rowsQuery(problem, range), { limit: ROWS });
  const page = asked.data?.pages[0];
  if (asked.isPending) {
    return <Loading text={t('violations.problems.rows-loading', 'Looking for its violations…')} />;
  }
  if (!page) {
    return <QuestionProblem asked={asked} title={t('violations.problems.rows-failed', 'Its violations could not be listed')} />;
  }
  const said = rowsInWords(page, problem);
  return (
    <>
      <QuestionProblem asked={asked} />
      {page.violations.length > 0 && (
        <ul className={styles.list} aria-label={t('violations.problems.rows', 'Its violations, newest first')}>
          {page.violations.map((violation) => (
            <Row key={violation.id} violation={violation} url={`${to.violation(violation.rule_id, violation.trace_id)}?${searchWithRange(search, range)}`} />
          ))}
        </ul>
      )}
      {said && <p className={styles.fact}>{said}</p>}
    </>
  );
}

/** Those of the sample: nobody asks the store for them again. */
function RowsWith({ finding, ruleId, range, onAll }: { finding: Finding; ruleId: string; range: UrlTimeRange; onAll(): void }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const { search } = useLocation();
  const said = useRef<HTMLParagraphElement>(null);
  const { examples, violating } = finding;
  useEffect(() => {
    said.current?.scrollIntoView?.({ block: 'nearest' }); // the bars may lie a screen below
  }, [finding]);
  const values = { ...PLAIN, n: examples.length, of: violating.traces, name: findingName(finding) };
  return (
    <>
      <p ref={said} role="status" className={styles.fact}>
        {t('violations.apart.with-mark', '{{n}} of the {{of}} violating traces of the sample with {{name}}.', values)}{' '}
        <Button size="sm" variant="secondary" icon="times" onClick={onAll}>
          {t('violations.apart.all-again', 'Show the newest again')}
        </Button>
      </p>
      <ul className={styles.list} aria-label={t('violations.apart.rows', 'Violations with {{name}}', values)}>
        {examples.map((trace) => (
          <li key={trace} className={styles.row}>
            <Link to={`${to.violation(ruleId, trace)}?${searchWithRange(search, range)}`} className={styles.trace}>
              {trace}
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}

interface Props extends Chosen {
  problem: FoundProblem;
  range: UrlTimeRange;
}

export function ProblemRows({ problem, range, chosen, onChoose }: Props) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const isCounted = problem.entry === 'not_looked_at';
  const query = { from: range.from, to: range.to, rule: problem.rule_id, view: 'list', ...(isCounted ? {} : { problem: problem.id }) };
  return (
    <>
      {chosen ? (
        <RowsWith finding={chosen} ruleId={problem.rule_id} range={range} onAll={() => onChoose(null)} />
      ) : isCounted ? (
        <p className={styles.fact}>{t('violations.problems.only-counted', 'These were counted by a search, and nobody looked at what failed in each. The list of the rule looks at each.')}</p>
      ) : (
        <ListedRows problem={problem} range={range} />
      )}
      <Link to={to.violations(query)} className={styles.all}>
        {isCounted ? t('violations.problems.all-of-rule', 'All violations of the rule') : t('violations.problems.all-rows', 'All violations of this problem')}
      </Link>
    </>
  );
}

/** On a phone. */
const TAPPED = { display: 'inline-flex', alignItems: 'center', minHeight: 44 };

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', margin: 0, padding: 0 }),
  row: css({
    display: 'grid',
    gridTemplateColumns: 'max-content minmax(120px, 1fr) minmax(160px, 3fr)',
    gap: theme.spacing(0, 2),
    padding: theme.spacing(0.5, 0),
    overflowWrap: 'anywhere',
    [theme.breakpoints.down('md')]: { gridTemplateColumns: 'minmax(0, 1fr)', padding: theme.spacing(1, 0), '& + &': { borderTop: `1px solid ${theme.colors.border.weak}` } },
  }),
  time: css({ color: theme.colors.text.link, fontVariantNumeric: 'tabular-nums', [theme.breakpoints.down('sm')]: TAPPED }),
  trace: css({ gridColumn: '1 / -1', color: theme.colors.text.link, fontFamily: theme.typography.fontFamilyMonospace, overflowWrap: 'anywhere', [theme.breakpoints.down('sm')]: TAPPED }),
  root: css({ color: theme.colors.text.primary }),
  message: css({ color: theme.colors.text.secondary }),
  fact: css({ margin: theme.spacing(0.5, 0), color: theme.colors.text.secondary }),
  all: css({ display: 'inline-block', padding: theme.spacing(0.5, 0), color: theme.colors.text.link, [theme.breakpoints.down('sm')]: TAPPED }),
});
