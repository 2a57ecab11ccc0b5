// When alerts would have fired over a range.
import { useQuery } from '@tanstack/react-query';
import { useApi } from './context';

export interface BacktestQuestion {
  start: string;
  end: string;
  /** a rule file of Prometheus; not there: the shipped alerts */
  alerts?: string;
  per_week: number;
  night: string;
  zone: string;
}

/** Counting takes its time: as long as the service lets it. Nothing is asked before somebody said so. */
export function useBacktest(question: BacktestQuestion | null) {
  const api = useApi();
  return useQuery({
    queryKey: ['backtest', question],
    queryFn: ({ signal }) => api.post('/v1/backtests', { body: { ...question, timeout: '60s' }, signal }),
    enabled: question !== null,
    staleTime: Infinity,
  });
}
