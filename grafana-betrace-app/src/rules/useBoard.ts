// The last day of all rules, in the two questions that Start asks as well: nobody asks once for each rule, and what one page asked the other has.
import { t } from '@grafana/i18n';
import { useMemo } from 'react';
import { asApiError } from '../api/problem';
import { useAllRules } from '../api/rules';
import type { Rule } from '../api/types';
import { isUnevaluated, useSeries } from '../api/violations';
import { usePermission } from '../host/context';
import { ACTIONS } from '../permissions';
import { dayQuestion } from '../start/dayCounts';
import { boardOf, type DayAnswer, type RuleDay } from './board';

function failedText(error: unknown): string | undefined {
  if (!error) {
    return undefined;
  }
  const { title, detail } = asApiError(error);
  return [title, detail].filter(Boolean).join(': ');
}

export interface Board {
  days: ReadonlyMap<string, RuleDay>;
  /** the questions, where one failed */
  asked: { data: unknown; error: unknown; dataUpdatedAt: number; refetch(): unknown };
  isAsking: boolean;
}

export function useBoard(rules: readonly Rule[]): Board {
  const mayAsk = usePermission(ACTIONS.readViolations);
  const judged = useAllRules({ enabled: true });
  const n = judged.data?.pages.reduce((sum, page) => sum + page.rules.length, 0) ?? 0;
  const enabled = mayAsk && n > 0 && !judged.hasNextPage;
  const counts = useSeries(dayQuestion(n), { enabled });
  const exercised = useSeries({ ...dayQuestion(n), value: 'exercised' }, { enabled });
  const isAsking = enabled && !counts.error && !exercised.error && (counts.isPending || exercised.isPending || isUnevaluated(counts.data) || isUnevaluated(exercised.data));
  const failed = mayAsk ? (counts.data ? undefined : failedText(judged.error ?? counts.error)) : t('board.may-not', 'You may not read violations');
  const days = useMemo(() => {
    const day: DayAnswer = {
      counts: counts.data,
      exercised: exercised.data,
      failed,
      exercisedFailed: Boolean(exercised.error),
    };
    return boardOf(rules, day);
  }, [rules, counts.data, exercised.data, exercised.error, failed]);
  const asked = { ...(counts.error ? counts : exercised), refetch: () => Promise.all([counts.refetch(), exercised.refetch()]) };
  return { days, asked, isAsking };
}
