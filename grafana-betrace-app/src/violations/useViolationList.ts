// The list as the URL describes it: the same for the page and for the drill-down, which goes from one violation to the next.
import { useCallback, useMemo } from 'react';

import type { Violation, ViolationPage } from '../api/types';
import { useViolations } from '../api/violations';
import { useUrlTimeRange } from '../routing/timeRange';
import { useUrlState } from '../routing/useUrlState';
import { listQuery, VIOLATION_PARAMETERS, type ViolationFilters } from './filters';

export const DEFAULT_FROM = 'now-6h';
const PAGE_ROWS = 200;

/** The list's part of the URL, which pages around it hand on to each other: without what belongs to one trace. */
export function listSearch(search: string): string {
  const parameters = new URLSearchParams(search);
  parameters.delete('span');
  const text = parameters.toString();
  return text && `?${text}`;
}

/** The range always, so that the drill-down knows that there is a list, and which. */
export function searchWithRange(search: string, { from, to }: { from: string; to: string }): string {
  const parameters = new URLSearchParams(search);
  parameters.set('from', from);
  parameters.set('to', to);
  return parameters.toString();
}

interface Options {
  enabled?: boolean | ((filters: ViolationFilters) => boolean);
}

export function useViolationList({ enabled = true }: Options = {}) {
  const range = useUrlTimeRange(DEFAULT_FROM);
  const [filters, setFilters] = useUrlState(VIOLATION_PARAMETERS);
  const query = useViolations(listQuery(filters, range), { limit: PAGE_ROWS, enabled: typeof enabled === 'boolean' ? enabled : enabled(filters) });
  const pages = query.data?.pages;
  const violations: Violation[] = useMemo(() => {
    const seen = new Set<string>();
    return (pages ?? []).flatMap((page) => page.violations).filter(({ id }) => !seen.has(id) && Boolean(seen.add(id)));
  }, [pages]);
  const lastPage: ViolationPage | undefined = pages?.[pages.length - 1];
  const { hasNextPage, isFetching, isFetchNextPageError, fetchNextPage } = query;
  const canGoOn = hasNextPage && !isFetching && !isFetchNextPageError;
  // Another one after each page, also after one that came at once and without rows: who goes on by an effect would stop there.
  const goOn = useCallback(() => void fetchNextPage({ cancelRefetch: false }), [fetchNextPage, pages]); // eslint-disable-line react-hooks/exhaustive-deps
  return { range, filters, setFilters, query, violations, lastPage, canGoOn, goOn };
}
