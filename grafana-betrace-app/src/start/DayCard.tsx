// Violations of the last 24 hours, never without how much of the day that is.
import { css } from '@emotion/css';
import { dateTimeFormat, type GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Badge, LinkButton, useStyles2 } from '@grafana/ui';
import { useMemo } from 'react';
import { Link } from 'react-router-dom';
import type { Rule, Series } from '../api/types';
import { isUnevaluated, useSeries } from '../api/violations';
import { Loading } from '../components/Loading';
import { QuestionProblem } from '../components/StaleNotice';
import { SeverityBadge } from '../components/SeverityBadge';
import { CoverageNotice, gapLines } from '../components/CoverageNotice';
import { formatTime } from '../components/TimeText';
import { useHost } from '../host/context';
import { reasonSentence, reasonWord } from '../violations/coverageWords';
import { PLAIN } from '../i18n';
import { useUrls } from '../routing/useUrls';
import { Began } from './Began';
import { Card } from './Card';
import { RoseLine, useRose, type Rose } from './Rose';
import { dayCounts, dayQuestion, exercisedRules, minutesOf, type DayCounts, type RuleCount } from './dayCounts';

const RANGE = { from: 'now-24h', to: 'now' };
const SEND_SAMPLES = 'betrace generate --otlp http://tempo:4318';
const SHOWN = 8;
/** Of so many it is asked when they began. */
const ASKED = 5;
/** Of so many, when their rates rose and with what. */
const ROSE = 3;

function leadOf(counts: DayCounts, coverage: Series['coverage']): string {
  if (counts.unknownSteps > 0) {
    return t('start.day.none-known', 'No violation in the steps that are known');
  }
  if (counts.emptySteps > 0 || gapLines(coverage, 'utc').length > 0) {
    return t('start.day.none-where', 'No violation where there were traces');
  }
  return coverage.provisional_from ? t('start.day.none-yet', 'No violation so far') : t('start.day.none', 'No violation');
}

/** What a day without violations is worth: rules that no trace was about could not be broken. */
function noneOf(counts: DayCounts, coverage: Series['coverage'], exercised: Series | undefined): string {
  const rules = counts.rules.length;
  const about = exercised && exercisedRules(exercised);
  const lead = leadOf(counts, coverage);
  if (!about?.isWhole) {
    return t('start.day.about-unknown', '{{lead}}; for which of the {{rules}} enabled rules there were traces is not known', { ...PLAIN, lead, rules });
  }
  if (about.rules === 0 && exercised?.coverage.provisional_from) {
    return t('start.day.about-none-yet', 'No trace was about any of the {{rules}} enabled rules so far: nothing could break them', { rules });
  }
  if (about.rules === 0) {
    return t('start.day.about-none', 'No trace was about any of the {{rules}} enabled rules: nothing could break them', { rules });
  }
  return about.rules === rules
    ? t('start.day.about-all', '{{lead}}; enabled rules: {{rules}}', { ...PLAIN, lead, rules })
    : t('start.day.about-some', '{{lead}}; enabled rules that traces were about: {{n}} of {{rules}}', { ...PLAIN, lead, n: about.rules, rules });
}

function headlineOf(counts: DayCounts, series: Series, exercised: Series | undefined): string {
  const { total, steps, unknownSteps, emptySteps } = counts;
  const n = total.toLocaleString();
  const isComplete = series.coverage.complete;
  if (total > 0) {
    return isComplete && unknownSteps === 0 ? t('start.day.some', 'Violations: {{n}}', { n }) : t('start.day.at-least', 'Violations: {{n}} at least', { n });
  }
  // no step at all: no rule that is enabled could be evaluated, or nothing is settled yet
  if (unknownSteps + emptySteps >= steps) {
    return t('start.day.unknown', 'Nothing can be said about the last 24 hours');
  }
  return isComplete ? noneOf(counts, series.coverage, exercised) : t('start.day.none-so-far', 'No violation in what was read, but not everything was');
}

interface Line {
  rule: RuleCount;
  /** what is counted under this title */
  count: number;
  isAsked: boolean;
  /** undefined: nobody asks when its rate rose */
  rose: Rose | undefined;
  isShadow: boolean;
}

function RuleLine({ rule, count, isAsked, rose, isShadow }: Line) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  return (
    <li className={styles.rule}>
      <SeverityBadge severity={rule.severity} />
      <div className={styles.text}>
        <Link to={to.violations({ rule: rule.ruleId, ...RANGE })} className={styles.name}>
          {rule.name}
        </Link>{' '}
        {isShadow && <Badge color="purple" icon="eye" text={t('rule.in-shadow', 'Shadow')} />}
        {count < rule.count && <div className={styles.note}>{t('start.day.of-day', 'In the last 24 hours: {{n}}', { n: rule.count.toLocaleString() })}</div>}
        {rule.standsFor && <div className={styles.note}>{rule.standsFor}</div>}
        {isAsked && (
          <div>
            <Began ruleId={rule.ruleId} />
          </div>
        )}
        {rose && <RoseLine rose={rose} ruleId={rule.ruleId} range={RANGE} />}
      </div>
      <strong>{count.toLocaleString()}</strong>
    </li>
  );
}

function Rules({ title, lines }: { title: string; lines: Line[] }) {
  const styles = useStyles2(getStyles);
  return lines.length === 0 ? null : (
    <>
      <h3 className={styles.group}>{title}</h3>
      <ul className={styles.list} aria-label={title}>
        {lines.map((line) => (
          <RuleLine key={line.rule.ruleId} {...line} />
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

/** Which part of the day was counted, whatever the clock says by now. */
function Counted({ counts }: { counts: DayCounts }) {
  const styles = useStyles2(getStyles);
  const zone = useHost().timeZone();
  const [from, to] = [counts.from, counts.to].map((ms) => (Number.isFinite(ms) ? formatTime(new Date(ms).toISOString(), zone) : ''));
  return from && to ? <p className={styles.note}>{t('start.day.counted', 'Counted: {{from}} to {{to}}.', { ...PLAIN, from, to })}</p> : null;
}

/** Each number stands under the time that it is of: of what is broken lately, the last hour's. */
function Groups({ counts, shadow, isCounted }: { counts: DayCounts; shadow: ReadonlySet<string>; isCounted: boolean }) {
  const styles = useStyles2(getStyles);
  const zone = useHost().timeZone();
  const violated = counts.rules.filter((rule) => rule.count > 0);
  const shown = violated.slice(0, SHOWN);
  const rose = useRose(shown.slice(0, ROSE).map(({ ruleId }) => ruleId), RANGE, isCounted);
  const lineOf = (rule: RuleCount, count: number): Line => {
    const place = shown.indexOf(rule);
    return { rule, count, isAsked: place < ASKED, rose: place < ROSE ? rose : undefined, isShadow: shadow.has(rule.ruleId) };
  };
  const since = Number.isFinite(counts.recentFrom) ? dateTimeFormat(counts.recentFrom, { timeZone: zone, format: 'HH:mm' }) : '';
  const recent = shown.filter((rule) => rule.recent > 0).map((rule) => lineOf(rule, rule.recent));
  return (
    <>
      <Rules title={t('start.day.now', 'Broken in the last hour, since {{since}}', { ...PLAIN, since })} lines={recent} />
      <Rules title={t('start.day.earlier', 'Broken earlier in the day')} lines={shown.filter((rule) => rule.recent === 0).map((rule) => lineOf(rule, rule.count))} />
      {violated.length > SHOWN && <p className={styles.note}>{t('start.day.more', 'and {{n}} more rules', { n: violated.length - SHOWN })}</p>}
    </>
  );
}

function Counts({ series, exercised, shadow }: { series: Series; exercised: Series | undefined; shadow: ReadonlySet<string> }) {
  const styles = useStyles2(getStyles);
  const counts = dayCounts(series);
  if (reasonWord(series.reason) === 'no_data') {
    return <NoTraces reason={reasonSentence(series.reason)} />;
  }
  return (
    <>
      <p className={styles.headline}>{headlineOf(counts, series, exercised)}</p>
      <Counted counts={counts} />
      {counts.unknownSteps > 0 && counts.unknownSteps < counts.steps && (
        <p className={styles.note}>{t('start.day.steps', 'Not known: {{unknown}} of {{all}} steps of {{minutes}} minutes, all rules together.', { unknown: counts.unknownSteps, all: counts.steps, minutes: minutesOf(series) })}</p>
      )}
      <Groups counts={counts} shadow={shadow} isCounted={!isUnevaluated(series)} />
      <CoverageNotice coverage={series.coverage} reason={reasonSentence(series.reason)} />
    </>
  );
}

export function DayCard({ rules }: { rules: readonly Rule[] }) {
  const to = useUrls();
  const series = useSeries(dayQuestion(rules.length));
  const exercised = useSeries({ ...dayQuestion(rules.length), value: 'exercised' });
  const shadow = useMemo(() => new Set(rules.filter((rule) => rule.shadow).map((rule) => rule.id)), [rules]);
  // a list of a day without traces has nothing
  const link = reasonWord(series.data?.reason ?? null) !== 'no_data' && (
    <LinkButton size="sm" variant="secondary" href={to.violations(RANGE)}>
      {t('start.day.see', 'See them')}
    </LinkButton>
  );
  return (
    <Card title={t('start.day.title', 'Last 24 hours')} actions={link}>
      {shadow.size > 0 && shadow.size === rules.length && <p>{t('start.day.shadow', 'All enabled rules are in shadow: they are judged here, and nothing is sent for them.')}</p>}
      {series.isPending && <Loading text={t('start.day.asking', 'Rules are evaluated over the last 24 hours; this can take a while…')} />}
      <QuestionProblem asked={series} />
      {series.data && <Counts series={series.data} exercised={exercised.data} shadow={shadow} />}
    </Card>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  headline: css({ ...theme.typography.h3, margin: theme.spacing(0, 0, 0.5) }),
  note: css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize, margin: 0 }),
  list: css({ listStyle: 'none', margin: theme.spacing(1, 0), padding: 0 }),
  rule: css({ display: 'grid', gridTemplateColumns: '90px minmax(0, 1fr) auto', gap: theme.spacing(1), alignItems: 'baseline', justifyItems: 'start', padding: theme.spacing(0.5, 0), [theme.breakpoints.down('sm')]: { gridTemplateColumns: 'minmax(0, 1fr) auto', rowGap: 0 } }),
  text: css({ overflowWrap: 'anywhere', [theme.breakpoints.down('sm')]: { order: 1, gridColumn: '1 / -1' } }),
  name: css({ color: theme.colors.text.link }),
  group: css({ ...theme.typography.h5, margin: theme.spacing(1.5, 0, 0) }),
});
