// A trace that exercised the rule, kept it, and is like the violating one: of its time, and begun by the same request where there is one. Asked on a
// click, and judged with the rule itself before it is shown.
import { useQuery } from '@tanstack/react-query';
import type { Api } from '../api/client';
import { useApi } from '../api/context';
import type { Violation } from '../api/types';
import { gapLines, lateLines } from '../components/CoverageNotice';
import { useHost } from '../host/context';
import { isAboutEvery, keptText } from './keptText';

const AROUND_MS = 60 * 60 * 1000;
const HALF_A_DAY_MS = 12 * AROUND_MS;
const MOST = 50;
const TRIED = 3;

export interface Kept {
  /** the text that found it, which its witnesses' places are of */
  dsl: string;
  violation: Violation;
  isSameRequest: boolean;
}

/** shape: the rule's shape names nothing to look for. none: nothing was found, in full or in what was read. */
export type KeptAnswer = { state: 'found'; kept: Kept } | { state: 'shape' } | { state: 'none'; isComplete: boolean; reason: string | null };

const around = ({ time }: Violation, ms: number) => [-ms, ms].map((offset) => new Date(Date.parse(time) + offset).toISOString());
const isSame = (a: Violation, b: Violation) => a.root_name === b.root_name && a.root_service === b.root_service;

function byLikeness(to: Violation) {
  const far = (one: Violation) => Math.abs(Date.parse(one.time) - Date.parse(to.time));
  return (a: Violation, b: Violation) => Number(isSame(b, to)) - Number(isSame(a, to)) || far(a) - far(b);
}

async function isKept(api: Api, dsl: string, ruleId: string, traceId: string, signal: AbortSignal): Promise<boolean> {
  const { verdict, exercised } = await api.post('/v1/rules/test', { body: { rule_id: ruleId, trace_id: traceId }, signal });
  return verdict === 'satisfied' && (exercised === true || isAboutEvery(dsl));
}

async function lookFor(api: Api, dsl: string, violation: Violation, zone: string, signal: AbortSignal): Promise<KeptAnswer> {
  const text = keptText(dsl, violation);
  if (text === null) {
    return { state: 'shape' };
  }
  const [start, end] = around(violation, AROUND_MS);
  const page = await api.post('/v1/violations/query', { body: { dsl: text, start, end, limit: MOST, timeout: '20s' }, signal });
  const candidates = page.violations.filter((one) => one.trace_id !== violation.trace_id).sort(byLikeness(violation));
  for (const candidate of candidates.slice(0, TRIED)) {
    if (await isKept(api, dsl, violation.rule_id, candidate.trace_id, signal)) {
      return { state: 'found', kept: { dsl: text, violation: candidate, isSameRequest: isSame(candidate, violation) } };
    }
  }
  const gaps = [...gapLines(page.coverage, zone), ...lateLines(page.coverage, zone)];
  const isComplete = page.coverage.complete && candidates.length <= TRIED && gaps.length === 0;
  return { state: 'none', isComplete, reason: page.reason ?? gaps.join(' ') };
}

export function useKept(dsl: string | undefined, violation: Violation, isWanted: boolean) {
  const api = useApi();
  const zone = useHost().timeZone();
  return useQuery({
    queryKey: ['violations', 'kept', violation.rule_id, violation.trace_id, dsl],
    queryFn: ({ signal }) => lookFor(api, dsl ?? '', violation, zone, signal),
    enabled: isWanted && dsl !== undefined,
    staleTime: 5 * 60_000,
  });
}

export function useContrast(violation: Violation, isWanted: boolean) {
  const api = useApi();
  const [start, end] = around(violation, HALF_A_DAY_MS);
  return useQuery({
    queryKey: ['violations', 'contrast', violation.rule_id, violation.trace_id],
    queryFn: ({ signal }) => api.get('/v1/rules/{id}/contrast', { path: { id: violation.rule_id }, query: { start, end, limit: 1 }, signal }),
    enabled: isWanted,
    staleTime: 5 * 60_000,
  });
}
