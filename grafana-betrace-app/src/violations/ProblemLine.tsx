// One problem: what fails, where, how often and how it goes. A click anywhere on it opens its violations below; the button in it is for the keyboard.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Badge, Icon, useStyles2, type BadgeColor } from '@grafana/ui';
import { useEffect, useRef, useState } from 'react';

import type { FoundProblem, Rule } from '../api/types';
import { Bars } from '../components/Bars';
import { Runbook } from '../components/Runbook';
import { SeverityBadge } from '../components/SeverityBadge';
import { TimeText } from '../components/TimeText';
import { useHost } from '../host/context';
import type { UrlTimeRange } from '../routing/timeRange';
import { ApartBars } from './ApartBars';
import { ProblemChanges } from './ProblemChanges';
import { ProblemRows } from './ProblemRows';
import { ProblemSteps } from './ProblemSteps';
import type { KnownState } from './problemState';
import { NotKeptHere, ProblemStateForm } from './ProblemStateForm';
import { ProblemStateLine, SinceBadge } from './ProblemStateLine';
import { barsInWords, countInWords, entryInWords, trendInWords } from './problemWords';
import type { Around, Finding } from './setApart';

const COLOR: Record<FoundProblem['trend'], BadgeColor> = { new: 'red', rising: 'orange', steady: 'purple', over: 'green', unknown: 'purple' };

/** `around` where its line says what sets it apart, so that it is asked once. */
function OpenProblem({ problem, range, around, rule, state }: Pick<Props, 'problem' | 'range' | 'around' | 'rule' | 'state'>) {
  const styles = useStyles2(getStyles);
  const { grafana } = useHost();
  const [chosen, setChosen] = useState<Finding | null>(null);
  const { start, end } = range;
  return (
    <div id={`problem-${problem.id}`} className={styles.rows}>
      {grafana && <ProblemStateForm grafana={grafana} problem={problem} state={state} />}
      <ProblemRows problem={problem} range={range} chosen={chosen} onChoose={setChosen} />
      <ApartBars ruleId={problem.rule_id} around={around ?? { start, end }} chosen={chosen} onChoose={setChosen} />
      <ProblemSteps problem={problem} range={range} rule={rule} />
      {!grafana && <NotKeptHere />}
    </div>
  );
}

interface Props {
  problem: FoundProblem;
  range: UrlTimeRange;
  /** where to look for what sets it apart; undefined: nobody looks */
  around: Around | undefined;
  /** undefined: not known (yet) */
  rule: Rule | undefined;
  state: KnownState;
  isOpen: boolean;
  onToggle(): void;
}

export function ProblemLine({ problem, range, around, rule, state, isOpen, onToggle }: Props) {
  const styles = useStyles2(getStyles);
  const { id, rule_id, rule_name, severity, message, first_seen, last_seen, sparkline, trend } = problem;
  const element = useRef<HTMLLIElement>(null);
  const wasOpenAtFirst = useRef(isOpen);
  useEffect(() => {
    if (wasOpenAtFirst.current) {
      element.current?.scrollIntoView?.({ block: 'nearest' }); // a link to it may lead far down
    }
  }, []);
  return (
    <li ref={element} className={styles.problem} data-problem={id}>
      <div className={styles.head}>
        <div className={styles.line}>
          <SeverityBadge severity={severity} />
          <h2 className={styles.name}>
            <button type="button" data-toggle className={styles.toggle} aria-expanded={isOpen} aria-controls={isOpen ? `problem-${id}` : undefined} onClick={onToggle}>
              <Icon name={isOpen ? 'angle-down' : 'angle-right'} />
              <span>{rule_name || rule_id}</span>
            </button>
          </h2>
          {trend !== 'unknown' && <Badge text={trendInWords(problem)} color={COLOR[trend]} />}
          <SinceBadge state={state} />
        </div>
        <p className={styles.fact}>
          {message}; {entryInWords(problem)}
        </p>
        <div className={styles.line}>
          <Bars bars={sparkline} label={barsInWords(sparkline)} />
          <span className={styles.fact}>{countInWords(problem)}</span>
          <span className={styles.fact}>
            {t('violations.problems.first', 'first')} <TimeText time={first_seen.time} />, {t('violations.problems.last', 'last')} <TimeText time={last_seen.time} />
          </span>
          <Runbook rule={rule} />
        </div>
        <ProblemChanges problem={problem} range={range} around={around} />
        {trend === 'unknown' && <p className={styles.fact}>{trendInWords(problem)}</p>}
        <ProblemStateLine state={state} />
      </div>
      {isOpen && <OpenProblem problem={problem} range={range} around={around} rule={rule} state={state} />}
    </li>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  problem: css({
    borderBottom: `1px solid ${theme.colors.border.weak}`,
    [theme.breakpoints.down('sm')]: { border: `1px solid ${theme.colors.border.weak}`, borderRadius: theme.shape.radius.default, marginBottom: theme.spacing(1), background: theme.colors.background.primary },
  }),
  // The button is as large as all of it; times have a tooltip, and links lead elsewhere, so they lie above.
  head: css({ position: 'relative', display: 'grid', gap: theme.spacing(0.5), padding: theme.spacing(1.5, 1), '&:hover': { background: theme.colors.action.hover }, '& time, & a': { position: 'relative', zIndex: 1 } }),
  line: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(0.5, 1.5), '& a': { color: theme.colors.text.link } }),
  name: css({ ...theme.typography.h5, margin: 0, minWidth: 0, overflowWrap: 'anywhere', [theme.breakpoints.down('sm')]: { order: 1, flexBasis: '100%' } }),
  toggle: css({
    display: 'inline-flex',
    alignItems: 'center',
    gap: theme.spacing(0.5),
    padding: 0,
    border: 'none',
    background: 'none',
    font: 'inherit',
    textAlign: 'left',
    color: theme.colors.text.link,
    '&::after': { content: '""', position: 'absolute', inset: 0 },
    '&:focus-visible': { outline: 'none' },
    '&:focus-visible::after': { outline: `2px solid ${theme.colors.primary.main}`, outlineOffset: -2 },
  }),
  fact: css({ margin: 0, color: theme.colors.text.secondary, overflowWrap: 'anywhere', fontVariantNumeric: 'tabular-nums' }),
  rows: css({ padding: theme.spacing(0, 1, 1.5, 3), [theme.breakpoints.down('sm')]: { paddingLeft: theme.spacing(1) } }),
});
