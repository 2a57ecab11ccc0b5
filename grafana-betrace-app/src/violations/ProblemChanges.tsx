// When a problem's rate changed, with the way to what else changed then. That nobody looked is not that nothing changed.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { useStyles2 } from '@grafana/ui';
import { Link } from 'react-router-dom';

import type { FoundProblem, RateChange } from '../api/types';
import { formatTime, TimeText } from '../components/TimeText';
import { useHost } from '../host/context';
import { PLAIN } from '../i18n';
import type { UrlTimeRange } from '../routing/timeRange';
import { useUrls } from '../routing/useUrls';
import { changeInWords } from './problemWords';
import { SetApart } from './SetApart';
import { lastRise, type Around } from './setApart';

/** The last ones tell how it is now. */
const SHOWN = 2;

/** What the range of a page is, or of an answer. */
type AskedRange = Pick<UrlTimeRange, 'from' | 'to'>;

export function ChangeLine({ change, range }: { change: RateChange; range: AskedRange }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const { at, direction, from, to: until } = change;
  const isRise = direction === 'rose';
  const timeZone = useHost().timeZone();
  const inZone = (time: string) => formatTime(time, timeZone);
  return (
    <p className={styles.fact} data-change={direction}>
      <strong>{isRise ? t('violations.problems.rose', 'Rose at') : t('violations.problems.fell', 'Fell at')}</strong> <TimeText time={at} />: {changeInWords(change)}{' '}
      <span className={styles.less}>{t('violations.problems.between', '(between {{from}} and {{until}})', { ...PLAIN, from: inZone(from), until: inZone(until) })}</span>{' '}
      <Link to={to.changes({ from: range.from, to: range.to, by: 'moment', at })}>{t('violations.problems.what-changed', 'What else changed then?')}</Link>
    </p>
  );
}

interface Props {
  problem: FoundProblem;
  range: AskedRange;
  /** where to look for what sets it apart; undefined: nobody looks */
  around?: Around;
}

export function ProblemChanges({ problem, range, around }: Props) {
  const styles = useStyles2(getStyles);
  const { changes, changes_unknown } = problem;
  if (!changes) {
    const why = t('violations.problems.changes-unknown', 'Whether its rate changed is not known: {{why}}', { ...PLAIN, why: changes_unknown ?? '' });
    return problem.trend === 'unknown' ? null : <p className={styles.fact}>{why}</p>;
  }
  const earlier = changes.length - SHOWN;
  return (
    <>
      {changes.slice(-SHOWN).map((change) => (
        <ChangeLine key={change.at} change={change} range={range} />
      ))}
      {around && lastRise(problem) && <SetApart ruleId={problem.rule_id} around={around} />}
      {earlier > 0 && <p className={styles.fact}>{t('violations.problems.earlier', 'Earlier in this range its rate changed {{n}} times more.', { ...PLAIN, n: earlier })}</p>}
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  fact: css({ margin: 0, overflowWrap: 'anywhere', fontVariantNumeric: 'tabular-nums', '& a': { color: theme.colors.text.link, textDecoration: 'underline' } }),
  less: css({ color: theme.colors.text.secondary }),
});
