// When the rate of a broken rule rose today, and what sets its traces apart: one question for the problems of the rules that stand first.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Spinner, useStyles2 } from '@grafana/ui';
import { useQuery } from '@tanstack/react-query';

import { leading } from '../api/bounded';
import { useApi } from '../api/context';
import { asApiError } from '../api/problem';
import type { FoundProblem } from '../api/types';
import { PLAIN } from '../i18n';
import { reasonSentence } from '../violations/coverageWords';
import { ChangeLine } from '../violations/ProblemChanges';
import { SetApart } from '../violations/SetApart';
import { aroundRises, lastRise, type Around } from '../violations/setApart';

interface Range {
  from: string;
  to: string;
}

export interface Rose {
  /** undefined: not known yet */
  problems: readonly FoundProblem[] | undefined;
  /** why not everything was read; null: all was */
  unread: string | null;
  arounds: ReadonlyMap<string, Around>;
  error: unknown;
}

/** Of each rule the problem of the most traces that rose. */
function risenOf(problems: readonly FoundProblem[], ruleId: string): FoundProblem | undefined {
  return problems.filter((one) => one.rule_id === ruleId && lastRise(one) !== null).sort((a, b) => b.count - a.count)[0];
}

/** `isReady`: which rules stand first is known, and will not change. */
export function useRose(ruleIds: readonly string[], { from, to }: Range, isReady: boolean): Rose {
  const api = useApi();
  const { data, error } = useQuery({
    queryKey: ['problems', 'rose', ruleIds, from, to],
    queryFn: ({ signal }) => leading(signal, () => api.get('/v1/problems', { query: { rule_id: [...ruleIds], start: from, end: to, limit: 50, timeout: '60s' }, signal })),
    enabled: isReady && ruleIds.length > 0,
    staleTime: 5 * 60_000,
  });
  const risen = data ? ruleIds.flatMap((id) => risenOf(data.problems, id) ?? []) : [];
  const unread = data && data.status !== 'completed' ? (data.reason ?? data.status) : null;
  return { problems: data?.problems, unread, arounds: data ? aroundRises(risen, data) : new Map<string, Around>(), error };
}

function whyUnknown(own: readonly FoundProblem[], unread: string | null): string | null {
  return unread ? reasonSentence(unread) : own.length === 0 ? t('rose.none-found', 'the search for problems found none of its violations') : (own.find(({ changes }) => !changes)?.changes_unknown ?? null);
}

function NotChanged({ why }: { why: string | null }) {
  return <>{why ? t('rose.unknown', 'When its rate changed is not known: {{why}}', { ...PLAIN, why }) : t('rose.steady', 'No change of its rate could be told from chance in the traces that there are.')}</>;
}

function Asking({ error }: { error: unknown }) {
  if (error) {
    const { detail, title } = asApiError(error);
    return <NotChanged why={detail || title} />;
  }
  return (
    <div role="status">
      <Spinner inline size="sm" /> {t('rose.looking', 'Looking when its rate changed…')}
    </div>
  );
}

function Found({ problems, rose: { arounds, unread }, ruleId, range }: { problems: readonly FoundProblem[]; rose: Rose; ruleId: string; range: Range }) {
  const own = problems.filter((one) => one.rule_id === ruleId);
  const problem = risenOf(own, ruleId) ?? own.find(({ changes }) => changes?.length);
  const change = problem?.changes?.at(-1);
  if (!problem || !change) {
    return <NotChanged why={whyUnknown(own, unread)} />;
  }
  const around = arounds.get(problem.id);
  return (
    <>
      <ChangeLine change={change} range={range} />
      {around && <SetApart ruleId={ruleId} around={around} />}
    </>
  );
}

export function RoseLine({ rose, ruleId, range }: { rose: Rose; ruleId: string; range: Range }) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.line}>{rose.problems ? <Found problems={rose.problems} rose={rose} ruleId={ruleId} range={range} /> : <Asking error={rose.error} />}</div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  line: css({ margin: 0, color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize }),
});
