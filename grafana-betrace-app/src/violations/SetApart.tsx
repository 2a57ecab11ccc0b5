// What sets a problem's traces apart, in one line: the values first, and in how many traces each was found.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Spinner, useStyles2 } from '@grafana/ui';
import { Fragment } from 'react';

import { asApiError } from '../api/problem';
import type { Contrast } from '../api/types';
import { PLAIN } from '../i18n';
import { findingName, namedFindings, noneInWords, useSetApart, type Around } from './setApart';

interface Counts {
  n: number;
  of: number;
  m: number;
  others: number;
}

/** The first one says what the numbers are of. */
function firstCounts(compared: Contrast['compared_with'], counts: Counts): string {
  return compared === 'satisfying'
    ? t('violations.apart.counts', '({{n}} of {{of}} violating traces, {{m}} of {{others}} that keep the rule)', { ...counts })
    : t('violations.apart.counts-entry', '({{n}} of {{of}} violating traces, {{m}} of {{others}} others that begin with the same span)', { ...counts });
}

function Said({ answer }: { answer: Contrast }) {
  const named = namedFindings(answer);
  if (named.length === 0) {
    return noneInWords(answer);
  }
  return (
    <>
      {t('violations.apart.with', 'With')}{' '}
      {named.map((one, at) => {
        const { violating, satisfying } = one;
        const counts = { ...PLAIN, n: violating.traces, of: violating.of, m: satisfying.traces, others: satisfying.of };
        return (
          <Fragment key={`${one.kind} ${one.key} ${one.value}`}>
            {at > 0 && ' · '}
            <strong>{findingName(one)}</strong>{' '}
            {at === 0
              ? firstCounts(answer.compared_with, counts)
              : t('violations.apart.counts-short', '({{n}} of {{of}}, {{m}} of {{others}})', counts)}
          </Fragment>
        );
      })}
    </>
  );
}

export function SetApart({ ruleId, around }: { ruleId: string; around: Around }) {
  const styles = useStyles2(getStyles);
  const { data, error } = useSetApart(ruleId, around);
  if (error) {
    const { detail, title } = asApiError(error);
    return <p className={styles.line}>{t('violations.apart.failed', 'What sets its traces apart could not be asked: {{why}}', { ...PLAIN, why: detail || title })}</p>;
  }
  if (!data) {
    return (
      <div className={styles.line} role="status">
        <Spinner inline size="sm" /> {t('violations.apart.looking', 'Looking for what sets its traces apart…')}
      </div>
    );
  }
  return (
    <p className={styles.line} data-apart={data.conclusion}>
      <Said answer={data} />
    </p>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  line: css({ margin: 0, overflowWrap: 'anywhere', fontVariantNumeric: 'tabular-nums', color: theme.colors.text.secondary, '& strong': { color: theme.colors.text.primary } }),
});
