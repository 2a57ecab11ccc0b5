// Enabled rules that the last day does not speak about, or not in full: their silence is no good sign.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Icon, useStyles2, type IconName } from '@grafana/ui';
import { Link } from 'react-router-dom';
import { isUnevaluated, useSeries } from '../api/violations';
import type { Rule } from '../api/types';
import { Loading } from '../components/Loading';
import { QuestionProblem } from '../components/StaleNotice';
import { useUrls } from '../routing/useUrls';
import { Card } from './Card';
import { reasonWord } from '../violations/coverageWords';
import { dayQuestion } from './dayCounts';
import { unjudgedRules, type Unjudged } from './leads';

const SHOWN = 8;
const LOOK = { text: 'broken', budget: 'unread', open: 'unread', unread: 'unread', idle: 'idle' } as const;
const ICON: Record<Unjudged['kind'], IconName> = {
  text: 'exclamation-circle',
  budget: 'exclamation-triangle',
  open: 'question-circle',
  unread: 'exclamation-triangle',
  idle: 'minus-circle',
};

function Line({ one }: { one: Unjudged }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  return (
    <li className={styles.line} data-kind={one.kind}>
      <Icon name={ICON[one.kind]} className={styles[LOOK[one.kind]]} />
      <div className={styles.text}>
        <Link to={to.rule(one.ruleId)} className={styles.name}>
          {one.name || one.ruleId}
        </Link>
        <div className={styles.why}>{one.why}</div>
      </div>
    </li>
  );
}

interface Props {
  /** enabled ones, as far as they were listed */
  rules: readonly Rule[];
}

/** The numbers are those of the day's card: a step is evaluated once for both. */
export function UnjudgedCard({ rules }: Props) {
  const styles = useStyles2(getStyles);
  const counts = useSeries(dayQuestion(rules.length));
  const exercised = useSeries({ ...dayQuestion(rules.length), value: 'exercised' });
  const isAsking = counts.isPending || exercised.isPending || isUnevaluated(counts.data) || isUnevaluated(exercised.data);
  const hasNoTraces = reasonWord(counts.data?.reason ?? null) === 'no_data';
  const known = unjudgedRules(rules, isUnevaluated(counts.data) ? undefined : counts.data, isUnevaluated(exercised.data) ? undefined : exercised.data);
  // without traces that is every rule, and is said once
  const list = hasNoTraces ? known.filter((one) => one.kind === 'text') : known;
  const asked = { ...(exercised.error ? exercised : counts), refetch: () => Promise.all([counts.refetch(), exercised.refetch()]) };
  return (
    <Card title={t('leads.title', 'Cannot be judged')}>
      {list.length > 0 && (
        <ul className={styles.list}>
          {list.slice(0, SHOWN).map((one) => (
            <Line key={one.ruleId} one={one} />
          ))}
        </ul>
      )}
      {list.length > SHOWN && <p className={styles.why}>{t('leads.more', 'and {{n}} more rules', { n: list.length - SHOWN })}</p>}
      <QuestionProblem asked={asked} title={t('leads.failed', 'Which rules no trace is about could not be asked')} />
      {!asked.error && isAsking && <Loading text={t('leads.asking', 'Looking for rules that no trace is about…')} />}
      {hasNoTraces && <p className={styles.why}>{t('leads.no-traces', 'Without traces no rule can be judged.')}</p>}
      {!asked.error && !isAsking && !hasNoTraces && list.length === 0 && (
        <p className={styles.why}>
          <Icon name="check-circle" /> {t('leads.none', 'No rule that is known to be without traces, or to have one that could not be decided.')}
        </p>
      )}
    </Card>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', margin: 0, padding: 0 }),
  line: css({ display: 'grid', gridTemplateColumns: 'auto minmax(0, 1fr)', gap: theme.spacing(1), padding: theme.spacing(0.5, 0) }),
  text: css({ overflowWrap: 'anywhere' }),
  name: css({ color: theme.colors.text.link }),
  why: css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize, margin: 0 }),
  idle: css({ color: theme.colors.info.text }),
  unread: css({ color: theme.colors.warning.text }),
  broken: css({ color: theme.colors.error.text }),
});
