// What sets violating traces apart, drawn: for each attribute or name its share of both sides as a pair of bars, the strongest first. A click shows the traces that have it.
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { useStyles2 } from '@grafana/ui';
import { useId } from 'react';

import { asApiError } from '../api/problem';
import type { Contrast } from '../api/types';
import { Loading } from '../components/Loading';
import { PLAIN } from '../i18n';
import { byStrength, findingName, noneInWords, otherSide, useSetApart, type Around, type Finding } from './setApart';

const SHOWN = 8;

interface Share {
  traces: number;
  of: number;
}

function Bar({ label, share: { traces, of }, className }: { label: string; share: Share; className: string }) {
  const styles = useStyles2(getStyles);
  const percent = (100 * traces) / of;
  const values = { ...PLAIN, n: traces, of, percent: Math.round(percent) };
  return (
    <span className={styles.share}>
      <span>{label}</span>
      <span className={styles.track} aria-hidden>
        <span className={cx(styles.bar, className)} style={{ width: `${percent}%` }} />
      </span>
      <span>{t('violations.apart.share', '{{n}} of {{of}}, {{percent}} %', values)}</span>
    </span>
  );
}

function Pair({ finding, compared }: { finding: Finding; compared: Contrast['compared_with'] }) {
  const styles = useStyles2(getStyles);
  const others = compared === 'satisfying' ? t('violations.apart.side-keeping', 'Keeping') : t('violations.apart.side-others', 'Others');
  return (
    <>
      <strong className={styles.name}>{findingName(finding)}</strong>
      <Bar label={t('violations.apart.side-violating', 'Violating')} share={finding.violating} className={styles.violating} />
      <Bar label={others} share={finding.satisfying} className={styles.others} />
    </>
  );
}

function Sides({ answer }: { answer: Contrast }) {
  const { violating, satisfying, compared_with: compared, findings_unsure: unsure, status } = answer;
  const values = { ...PLAIN, n: violating.sampled.toLocaleString(), others: otherSide(compared, satisfying.sampled), lost: violating.lost + satisfying.lost, unsure };
  return (
    <>
      {t('violations.apart.sides', '{{n}} traces of a sample that violate the rule are compared with {{others}}. What is named goes along with violating, and need not be its cause.', values)}{' '}
      {values.lost > 0 && t('violations.apart.lost', '{{lost}} of them lost attributes or spans, so what they lack is not known: {{unsure}} more may set the traces apart.', values)}{' '}
      {status !== 'completed' && status !== 'sampled' && t('violations.apart.partial', 'Not all of the range was looked at: {{why}}', { ...PLAIN, why: answer.reason ?? status })}
    </>
  );
}

export interface Chosen {
  chosen: Finding | null;
  onChoose(finding: Finding | null): void;
}

const isSame = (a: Finding, b: Finding | null) => b !== null && findingName(a) === findingName(b) && a.kind === b.kind;

function Drawn({ answer, chosen, onChoose }: { answer: Contrast } & Chosen) {
  const styles = useStyles2(getStyles);
  const strongest = byStrength(answer.findings);
  const rest = answer.findings_total - Math.min(SHOWN, strongest.length);
  return (
    <>
      <p className={styles.fact}>
        <Sides answer={answer} />
      </p>
      <ol className={styles.list}>
        {strongest.slice(0, SHOWN).map((one) => (
          <li key={`${one.kind} ${one.relation} ${one.key} ${one.value}`}>
            {one.examples.length > 0 ? (
              <button type="button" className={cx(styles.pair, styles.button)} aria-pressed={isSame(one, chosen)} onClick={() => onChoose(isSame(one, chosen) ? null : one)}>
                <Pair finding={one} compared={answer.compared_with} />
              </button>
            ) : (
              <div className={styles.pair}>
                <Pair finding={one} compared={answer.compared_with} />
              </div>
            )}
          </li>
        ))}
      </ol>
      {rest > 0 && <p className={styles.fact}>{t('violations.apart.rest', '{{n}} more are weaker, and not shown.', { ...PLAIN, n: rest })}</p>}
    </>
  );
}

function Answered({ ruleId, around, ...choice }: { ruleId: string; around: Around } & Chosen) {
  const styles = useStyles2(getStyles);
  const { data, error } = useSetApart(ruleId, around);
  if (error) {
    const { detail, title } = asApiError(error);
    return <p className={styles.fact}>{t('violations.apart.failed', 'What sets its traces apart could not be asked: {{why}}', { ...PLAIN, why: detail || title })}</p>;
  }
  if (!data) {
    return <Loading text={t('violations.apart.looking', 'Looking for what sets its traces apart…')} />;
  }
  return data.findings.length > 0 ? <Drawn answer={data} {...choice} /> : <p className={styles.fact}>{noneInWords(data)}</p>;
}

export function ApartBars(props: { ruleId: string; around: Around } & Chosen) {
  const styles = useStyles2(getStyles);
  const id = useId();
  return (
    <section aria-labelledby={id} data-apart-bars>
      <h3 id={id} className={styles.title}>
        {t('violations.apart.title', 'What sets violating traces apart')}
      </h3>
      <Answered {...props} />
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  title: css({ ...theme.typography.h6, margin: theme.spacing(1, 0, 0.5) }),
  fact: css({ margin: theme.spacing(0.5, 0), color: theme.colors.text.secondary, overflowWrap: 'anywhere' }),
  list: css({ listStyle: 'none', margin: theme.spacing(0, 0, 1), padding: 0, display: 'grid', gridTemplateColumns: 'repeat(auto-fill, minmax(min(100%, 360px), 1fr))', gap: theme.spacing(1) }),
  pair: css({ display: 'grid', gap: theme.spacing(0.25), width: '100%', height: '100%', alignContent: 'start', padding: theme.spacing(1), border: `1px solid ${theme.colors.border.weak}`, borderRadius: theme.shape.radius.default }),
  button: css({
    background: 'none',
    font: 'inherit',
    color: 'inherit',
    textAlign: 'left',
    '&:hover': { background: theme.colors.action.hover },
    '&[aria-pressed="true"]': { borderColor: theme.colors.primary.main, background: theme.colors.action.selected },
    '&:focus-visible': { outline: `2px solid ${theme.colors.primary.main}`, outlineOffset: 2 },
  }),
  name: css({ overflowWrap: 'anywhere' }),
  share: css({ display: 'grid', gridTemplateColumns: '72px minmax(40px, 1fr) minmax(112px, max-content)', gap: theme.spacing(1), alignItems: 'center', fontVariantNumeric: 'tabular-nums' }),
  track: css({ height: 10, background: theme.colors.background.secondary, border: `1px solid ${theme.colors.border.weak}` }),
  bar: css({ display: 'block', height: '100%' }),
  violating: css({ background: theme.colors.error.main }),
  others: css({ background: theme.colors.text.secondary }),
});
