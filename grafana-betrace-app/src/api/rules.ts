// Rules: react-query hooks. Every write makes the lists stale, and what is evaluated from rules too.
import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useApi } from './context';
import { useEveryPage } from './everyPage';
import type { Api } from './client';
import type { Rule, RuleInput, Severity } from './types';

export interface RuleFilter {
  enabled?: boolean;
  severity?: Severity;
  /** `key:value` or `key`; all have to match */
  label?: string[];
  framework?: string;
  q?: string;
}

/** Pages of rules by id; `data.pages`, `fetchNextPage`. */
export function useRules(filter: RuleFilter = {}, limit = 200) {
  const api = useApi();
  return useInfiniteQuery({
    queryKey: ['rules', 'list', filter, limit],
    queryFn: ({ pageParam, signal }) => api.get('/v1/rules', { query: { ...filter, limit, cursor: pageParam ?? undefined }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.cursor,
    placeholderData: keepPreviousData,
  });
}

/** The longest page that the service gives. */
const LONGEST_PAGE = 1000;

/** Every rule that the filter leaves, one page after the other; `hasNextPage` as long as some are missing. */
export function useAllRules(filter: RuleFilter = {}) {
  return useEveryPage(useRules(filter, LONGEST_PAGE));
}

export function useRule(id: string | undefined) {
  const api = useApi();
  return useQuery({
    queryKey: ['rules', 'one', id],
    queryFn: ({ signal }) => api.get('/v1/rules/{id}', { path: { id: id ?? '' }, signal }),
    enabled: Boolean(id),
  });
}

export function useRuleVersions(id: string | undefined) {
  const api = useApi();
  return useQuery({
    queryKey: ['rules', 'versions', id],
    queryFn: ({ signal }) => api.get('/v1/rules/{id}/versions', { path: { id: id ?? '' }, signal }),
    enabled: Boolean(id),
  });
}

export function useRuleExplanation(id: string | undefined, start: string, end: string) {
  const api = useApi();
  return useQuery({
    queryKey: ['rules', 'explain', id, start, end],
    queryFn: ({ signal }) => api.get('/v1/rules/{id}/explain', { path: { id: id ?? '' }, query: { start, end }, signal }),
    enabled: Boolean(id),
  });
}

/** What a text means; asked again for each new text, the last answer stays until the next is there. */
export function useRuleCheck(dsl: string) {
  const api = useApi();
  return useQuery({
    queryKey: ['dsl', 'validate', dsl],
    queryFn: ({ signal }) => api.post('/v1/rules/validate', { body: { dsl }, signal }),
    enabled: dsl.trim() !== '',
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
}

/** What was computed from rules, and lists of them. */
const STALE_AFTER_WRITE = [['rules'], ['violations'], ['series'], ['compliance'], ['traces']];

function useRuleWrite<V, R>(write: (value: V) => Promise<R>, stale: string[][] = STALE_AFTER_WRITE) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: write,
    onSuccess: () => Promise.all(stale.map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
}

export function useCreateRule() {
  const api = useApi();
  return useRuleWrite((rule: RuleInput) => api.post('/v1/rules', { body: rule }));
}

/** With the version that the writer saw: 412 where another one is stored by now. */
export function useReplaceRule() {
  const api = useApi();
  return useRuleWrite(({ id, version, rule }: { id: string; version?: number; rule: RuleInput }) =>
    api.put('/v1/rules/{id}', { path: { id }, body: rule, ifMatch: version })
  );
}

/** The rule itself is not asked for again: it would be a 404. */
export function useDeleteRule() {
  const api = useApi();
  return useRuleWrite(
    ({ id, version }: { id: string; version?: number }) => api.delete('/v1/rules/{id}', { path: { id }, ifMatch: version }),
    [['rules', 'list'], ...STALE_AFTER_WRITE.slice(1)]
  );
}

export function useEnableRule() {
  const api = useApi();
  return useRuleWrite(({ id, enabled }: { id: string; enabled: boolean }) =>
    enabled ? api.post('/v1/rules/{id}/enable', { path: { id } }) : api.post('/v1/rules/{id}/disable', { path: { id } })
  );
}

export type RuleChange = 'enable' | 'disable' | 'shadow' | 'light' | 'delete';

/** `light`: out of shadow. What is replaced or deleted is the version that was seen. */
function changeRule(api: Api, change: RuleChange, rule: Rule): Promise<unknown> {
  const path = { id: rule.id };
  switch (change) {
    case 'enable':
      return api.post('/v1/rules/{id}/enable', { path });
    case 'disable':
      return api.post('/v1/rules/{id}/disable', { path });
    case 'delete':
      return api.delete('/v1/rules/{id}', { path, ifMatch: rule.version });
    default:
      return api.put('/v1/rules/{id}', { path, body: { ...rule, shadow: change === 'shadow' }, ifMatch: rule.version });
  }
}

export interface Changed {
  done: Rule[];
  failed: Array<{ rule: Rule; error: unknown }>;
}

/** Many rules, one after the other: that one fails keeps none from the next. Lists are asked for once, when all are done. */
export function useChangeRules() {
  const api = useApi();
  return useRuleWrite(async ({ change, rules }: { change: RuleChange; rules: readonly Rule[] }): Promise<Changed> => {
    const changed: Changed = { done: [], failed: [] };
    for (const rule of rules) {
      await changeRule(api, change, rule).then(
        () => changed.done.push(rule),
        (error: unknown) => changed.failed.push({ rule, error })
      );
    }
    return changed;
  });
}

export function useImportRules() {
  const api = useApi();
  return useRuleWrite(({ yaml, dryRun, test }: { yaml: string; dryRun: boolean; test: boolean }) =>
    api.post('/v1/rules/import', { query: { dry_run: dryRun, test }, raw: { contentType: 'application/yaml', text: yaml } })
  );
}

/** Stores those rules whose ids are free, in shadow: they are judged and nothing is sent. A rule that is stored is not touched. */
export function useAddInShadow() {
  const api = useApi();
  return useRuleWrite(async (rules: RuleInput[]) => {
    const post = (some: RuleInput[], dryRun: boolean) =>
      api.post('/v1/rules/import', { query: { dry_run: dryRun }, body: { rules: some.map((rule) => ({ ...rule, shadow: true })) } });
    const tried = await post(rules, true);
    const free = new Set(tried.rules.filter(({ result }) => result === 'created').map(({ id }) => id));
    return free.size === 0 ? tried : post(rules.filter(({ id }) => id !== undefined && free.has(id)), false);
  });
}
