// Violations of the last 24 hours, never without how much of the day that is.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { LinkButton, useStyles2 } from '@grafana/ui';
import { Link } from 'react-router-dom';
import type { Series } from '../api/types';
import { useSeries } from '../api/violations';
import { Loading } from '../components/Loading';
import { QuestionProblem } from '../components/StaleNotice';
import { SeverityBadge } from '../components/SeverityBadge';
import { CoverageNotice } from '../components/CoverageNotice';
import { reasonSentence, reasonWord } from '../violations/coverageWords';
import { PLAIN } from '../i18n';
import { useUrls } from '../routing/useUrls';
import { Began } from './Began';
import { Card } from './Card';
import { dayCounts, type DayCounts, type RuleCount } from './dayCounts';

const RANGE = { from: 'now-24h', to: 'now' };
const STEP = '10m';
const SEND_SAMPLES = 'betrace generate --otlp http://tempo:4318';
const SHOWN = 8;
/** Of so many it is asked when they began. */
const ASKED = 5;

/** Rules by their ids where all of them are in shadow; else the service says which ones count. */
export const dayQuestion = (shadow: string[]) => ({ start: 'now-24h', end: 'now', step: STEP, ...(shadow.length ? { rule_id: shadow } : {}) });

function headlineOf({ total, steps, unknownSteps, rules }: DayCounts, isComplete: boolean): string {
  const n = total.toLocaleString();
  // no step at all: no rule that is enabled could be evaluated
  if (unknownSteps === steps) {
    return t('start.day.unknown', 'Nothing can be said about the last 24 hours');
  }
  if (total > 0) {
    return isComplete ? t('start.day.some', 'Violations: {{n}}', { n }) : t('start.day.at-least', 'Violations: {{n}} at least', { n });
  }
  if (!isComplete) {
    return t('start.day.none-so-far', 'No violation in what was read, but not everything was');
  }
  // the newest step is never known: its traces may still get spans
  return unknownSteps > 0
    ? t('start.day.none-known', 'No violation in the steps that are known; enabled rules: {{rules}}', { rules: rules.length })
    : t('start.day.none', 'No violation; enabled rules: {{rules}}', { rules: rules.length });
}

function RuleLine({ rule, isAsked }: { rule: RuleCount; isAsked: boolean }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  return (
    <li className={styles.rule}>
      <SeverityBadge severity={rule.severity} />
      <div className={styles.text}>
        <Link to={to.violations({ rule: rule.ruleId, ...RANGE })} className={styles.name}>
          {rule.name}
        </Link>
        {isAsked && (
          <div>
            <Began ruleId={rule.ruleId} />
          </div>
        )}
      </div>
      <strong>{rule.count.toLocaleString()}</strong>
    </li>
  );
}

function Rules({ title, rules, asked }: { title: string; rules: RuleCount[]; asked: ReadonlySet<string> }) {
  const styles = useStyles2(getStyles);
  return rules.length === 0 ? null : (
    <>
      <h3 className={styles.group}>{title}</h3>
      <ul className={styles.list} aria-label={title}>
        {rules.map((rule) => (
          <RuleLine key={rule.ruleId} rule={rule} isAsked={asked.has(rule.ruleId)} />
        ))}
      </ul>
    </>
  );
}

/** Not one trace, of which nothing can be said; and what to look at, or to send. */
function NoTraces({ reason }: { reason: string }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  return (
    <div data-state="empty">
      <p className={styles.headline}>{t('start.day.no-traces', 'No traces in the last 24 hours')}</p>
      <p>{t('start.day.no-traces-why', 'So nothing can be said about any rule: {{reason}}.', { ...PLAIN, reason })}</p>
      <p>
        {t('start.day.no-traces-sample', 'To look around first, send sample traces to Tempo:')} <code>{SEND_SAMPLES}</code>
      </p>
      <LinkButton size="sm" variant="secondary" icon="cog" href={to.configuration()}>
        {t('start.day.no-traces-next', 'Check the connection')}
      </LinkButton>
    </div>
  );
}

function Counts({ series }: { series: Series }) {
  const styles = useStyles2(getStyles);
  const counts = dayCounts(series);
  const violated = counts.rules.filter((rule) => rule.count > 0);
  const shown = violated.slice(0, SHOWN);
  const asked = new Set(shown.slice(0, ASKED).map((rule) => rule.ruleId));
  if (reasonWord(series.reason) === 'no_data') {
    return <NoTraces reason={reasonSentence(series.reason)} />;
  }
  return (
    <>
      <p className={styles.headline}>{headlineOf(counts, series.coverage.complete)}</p>
      {counts.unknownSteps > 0 && counts.unknownSteps < counts.steps && (
        <p className={styles.note}>{t('start.day.steps', 'Not known: {{unknown}} of {{all}} ten-minute steps, all rules together.', { unknown: counts.unknownSteps, all: counts.steps })}</p>
      )}
      <Rules title={t('start.day.now', 'Broken in the last hour')} rules={shown.filter((rule) => rule.recent > 0)} asked={asked} />
      <Rules title={t('start.day.earlier', 'Broken earlier in the day')} rules={shown.filter((rule) => rule.recent === 0)} asked={asked} />
      {violated.length > SHOWN && <p className={styles.note}>{t('start.day.more', 'and {{n}} more rules', { n: violated.length - SHOWN })}</p>}
      <CoverageNotice coverage={series.coverage} reason={reasonSentence(series.reason)} />
    </>
  );
}

interface Props {
  /** the ids of rules in shadow, where there are no others */
  shadow: string[];
  /** these are the first of more */
  isCut: boolean;
}

function Shadow({ shadow, isCut }: Props) {
  return (
    <p>
      {t('start.day.shadow', 'All enabled rules are in shadow: they are judged here, and nothing is sent for them.')}{' '}
      {isCut && t('start.day.shadow-cut', 'There are more than can be asked at once: the first {{n}} by id are counted.', { n: shadow.length.toLocaleString() })}
    </p>
  );
}

export function DayCard({ shadow, isCut }: Props) {
  const to = useUrls();
  const series = useSeries(dayQuestion(shadow));
  // a list of all rules has none of those in shadow, and none of a day without traces
  const link = shadow.length === 0 && reasonWord(series.data?.reason ?? null) !== 'no_data' && (
    <LinkButton size="sm" variant="secondary" href={to.violations(RANGE)}>
      {t('start.day.see', 'See them')}
    </LinkButton>
  );
  return (
    <Card title={t('start.day.title', 'Last 24 hours')} actions={link}>
      {shadow.length > 0 && <Shadow shadow={shadow} isCut={isCut} />}
      {series.isPending && <Loading text={t('start.day.asking', 'Rules are evaluated over the last 24 hours; this can take a while…')} />}
      <QuestionProblem asked={series} />
      {series.data && <Counts series={series.data} />}
    </Card>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  headline: css({ ...theme.typography.h3, margin: theme.spacing(0, 0, 0.5) }),
  note: css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize, margin: 0 }),
  list: css({ listStyle: 'none', margin: theme.spacing(1, 0), padding: 0 }),
  rule: css({ display: 'grid', gridTemplateColumns: '90px minmax(0, 1fr) auto', gap: theme.spacing(1), alignItems: 'baseline', justifyItems: 'start', padding: theme.spacing(0.5, 0) }),
  text: css({ overflowWrap: 'anywhere' }),
  name: css({ color: theme.colors.text.link }),
  group: css({ ...theme.typography.h5, margin: theme.spacing(1.5, 0, 0) }),
});
