// Answers that come in pages and are wanted whole.
import type { UseInfiniteQueryResult } from '@tanstack/react-query';
import { useEffect } from 'react';

type Paged = Pick<UseInfiniteQueryResult, 'data' | 'hasNextPage' | 'isFetching' | 'error' | 'fetchNextPage'>;

/**
 * Asks for one page after the other until there is none. A failure ends it: `hasNextPage` says that something is missing,
 * and it goes on when the question is asked again and succeeds.
 */
export function useEveryPage<T extends Paged>(query: T): T {
  const { data, hasNextPage, isFetching, error, fetchNextPage } = query;
  useEffect(() => {
    if (hasNextPage && !isFetching && !error) {
      void fetchNextPage();
    }
  }, [data, hasNextPage, isFetching, error, fetchNextPage]); // data: a page may come before it was seen that it was asked for
  return query;
}
