// The last day of all rules, in the two questions that Start asks as well. Over files they are asked at once. A store is searched for each rule by them, so
// there they are asked when somebody wants it, or when Start has asked.
import { t } from '@grafana/i18n';
import { useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { asApiError } from '../api/problem';
import { useAllRules } from '../api/rules';
import { useReady } from '../api/service';
import type { Rule } from '../api/types';
import { useSeries } from '../api/violations';
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
  /** begins to ask; undefined: it is asked, or cannot be */
  ask?(): void;
}

const NEAR = ['files', 'memory'];

export function useBoard(rules: readonly Rule[]): Board {
  const mayAsk = usePermission(ACTIONS.readViolations);
  const judged = useAllRules({ enabled: true });
  const n = judged.data?.pages.reduce((sum, page) => sum + page.rules.length, 0) ?? 0;
  const [isWanted, setIsWanted] = useState(false);
  const client = useQueryClient();
  const ready = useReady();
  const question = dayQuestion(n);
  const isKept = [question, { ...question, value: 'exercised' }].every((one) => client.getQueryData(['series', one]) !== undefined);
  const isCheap = isKept || NEAR.includes(ready.data?.source?.kind ?? '');
  const mayBegin = mayAsk && n > 0 && !judged.hasNextPage;
  const enabled = mayBegin && (isWanted || isCheap);
  const isHeldBack = mayBegin && !enabled && !ready.isPending;
  const counts = useSeries(question, { enabled });
  const exercised = useSeries({ ...question, value: 'exercised' }, { enabled });
  const notAsked = isHeldBack ? t('board.not-asked', 'Nobody asked yet') : failedText(judged.error ?? counts.error);
  const failed = mayAsk ? (counts.data ? undefined : notAsked) : t('board.may-not', 'You may not read violations');
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
  return { days, asked, ask: isHeldBack ? () => setIsWanted(true) : undefined };
}
