// When did it start? Asked for one rule at a time and only on a click, since it may read far back. It says whether the answer is proven, and whether the source
// has anything older at all.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, Icon, Spinner, useStyles2 } from '@grafana/ui';
import { useState } from 'react';
import { Link } from 'react-router-dom';

import { PLAIN } from '../i18n';
import type { FirstViolation as Answer } from '../api/types';
import { useFirstViolation } from '../api/violations';
import { ErrorState } from '../components/ErrorState';
import { gapLines } from '../components/CoverageNotice';
import { formatTime } from '../components/TimeText';
import { useHost } from '../host/context';
import { useUrls } from '../routing/useUrls';
import { reasonSentence } from './coverageWords';

export interface NamedRule {
  id: string;
  name: string;
}

/** From when on a tail sampler kept all that may violate the rule, as it is declared; from the beginning on nothing is missing. */
const keptSince = ({ policy }: Answer) => policy?.since ?? null;
const isAllKept = (answer: Answer) => Date.parse(keptSince(answer) ?? '') <= Date.parse(answer.looked_at.start);

/** Where what was looked at had no traces, or they were not kept; what was not looked at is not spoken of. */
const firstGaps = (answer: Answer, timeZone: string) =>
  gapLines({ ...answer.coverage, asked: answer.looked_at, ...(isAllKept(answer) ? { sampling: undefined } : {}) }, timeZone);

function policyLines(answer: Answer, timeZone: string): string[] {
  const since = keptSince(answer);
  return since
    ? [
        t('violations.first.kept-since', 'All traces that may violate it were kept since {{time}}: by the policy {{name}}, as declared.', {
          ...PLAIN,
          time: formatTime(since, timeZone),
          name: answer.policy?.name ?? '',
        }),
      ]
    : [];
}

/** What is known about the beginning, in one sentence each. */
export function firstInWords(answer: Answer, timeZone: string): string[] {
  const from = formatTime(answer.looked_at.start, timeZone);
  const to = formatTime(answer.looked_at.end, timeZone);
  const reason = reasonSentence(answer.reason ?? null);
  const gaps = firstGaps(answer, timeZone);
  const why = [...policyLines(answer, timeZone), ...(answer.unexercised ?? []).map(({ message }) => message)];
  if (!answer.found || !answer.violation) {
    if (answer.status === 'completed' && gaps.length > 0) {
      return [t('violations.first.none-where', 'No violation in the traces that there are from {{from}} to {{to}}.', { ...PLAIN, from, to }), ...gaps, ...why];
    }
    return answer.status === 'completed'
      ? [t('violations.first.none', 'No violation from {{from}} to {{to}}: everything was read.', { ...PLAIN, from, to }), ...why]
      : [
          t('violations.first.none-not-proven', 'None was found from {{from}} to {{to}}, but not everything was read: {{reason}}', {
            ...PLAIN,
            from,
            to,
            reason,
          }),
          ...policyLines(answer, timeZone),
        ];
  }
  const time = formatTime(answer.violation.time, timeZone);
  if (answer.at_edge_of_data && answer.proven) {
    return [
      t('violations.first.edge-proven', 'The first that the source still holds is of {{time}}; everything before it was read and judged.', {
        ...PLAIN,
        time,
      }),
      t('violations.first.edge', 'The source has no traces from before that: it may have started earlier.'),
      ...policyLines(answer, timeZone),
    ];
  }
  const lines = [
    answer.proven
      ? t('violations.first.proven', 'It started at {{time}}. Proven: everything from {{from}} up to then was read and judged.', {
          ...PLAIN,
          time,
          from,
        })
      : t('violations.first.not-proven', 'The earliest that was found is of {{time}}. Not proven: {{reason}}', {
          ...PLAIN,
          time,
          reason: reason || t('violations.first.unread', 'something before it could not be read or judged.'),
        }),
  ];
  lines.push(...gaps, ...policyLines(answer, timeZone));
  if (answer.at_edge_of_data) {
    lines.push(t('violations.first.edge', 'The source has no traces from before that: it may have started earlier.'));
  }
  return lines;
}

function AnswerLines({ answer, rule }: { answer: Answer; rule: NamedRule }) {
  const to = useUrls();
  const zone = useHost().timeZone();
  const lines = [...firstInWords(answer, zone), ...(answer.notes ?? []).map((note) => `${note.message}.`)];
  const isSure = answer.status === 'completed' && !answer.at_edge_of_data && !answer.unexercised?.length && firstGaps(answer, zone).length === 0;
  return (
    <span role="status">
      <Icon name={isSure ? 'check-circle' : 'exclamation-triangle'} /> {lines.join(' ')}{' '}
      {answer.violation && <Link to={to.violation(rule.id, answer.violation.trace_id)}>{t('violations.first.show', 'Show it')}</Link>}
    </span>
  );
}

function OneRule({ rule }: { rule: NamedRule }) {
  const styles = useStyles2(getStyles);
  const [isAsked, setIsAsked] = useState(false);
  // Without a range the service looks as far back as it may.
  const first = useFirstViolation(rule.id, '', '', { enabled: isAsked });
  return (
    <li className={styles.rule}>
      <Button
        size="sm"
        variant="secondary"
        icon="history"
        disabled={first.isFetching}
        onClick={() => (isAsked ? void first.refetch() : setIsAsked(true))}
      >
        {t('violations.first.ask', 'Find the first')}
      </Button>
      <strong>{rule.name}</strong>
      {first.isFetching && (
        <span role="status">
          <Spinner inline /> {t('violations.first.looking', 'Looking from the oldest trace on…')}
        </span>
      )}
      {first.data && !first.isFetching && <AnswerLines answer={first.data} rule={rule} />}
      {first.error && !first.isFetching && (
        <ErrorState error={first.error} title={t('violations.first.failed', 'The beginning could not be found out')} />
      )}
    </li>
  );
}

export function FirstViolation({ rules }: { rules: readonly NamedRule[] }) {
  const styles = useStyles2(getStyles);
  if (!rules.length) {
    return null;
  }
  return (
    <ul className={styles.list} aria-label={t('violations.first.label', 'When did it start?')}>
      {rules.map((rule) => (
        <OneRule key={rule.id} rule={rule} />
      ))}
    </ul>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', padding: 0, margin: theme.spacing(0, 0, 1), maxHeight: 200, overflowY: 'auto' }),
  rule: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(0.5, 1), padding: theme.spacing(0.5, 0) }),
});
