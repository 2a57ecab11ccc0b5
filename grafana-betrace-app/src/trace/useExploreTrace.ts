// Where Explore shows a trace. A trace of a ClickHouse is in no Tempo, so nothing is offered for it: its page is the one of --trace-link-template.
import { useHealth } from '../api/service';
import { useHost } from '../host/context';
import type { Host } from '../host/types';

const NOWHERE: Host['exploreTraceUrl'] = () => null;

export function useExploreTrace(): Host['exploreTraceUrl'] {
  const host = useHost();
  const health = useHealth();
  return health.data?.metadata.source === 'clickhouse' ? NOWHERE : host.exploreTraceUrl;
}
