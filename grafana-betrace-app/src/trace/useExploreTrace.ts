// Where Explore shows a trace. One of another store is in no Tempo, so nothing is offered for it: its page is the one of --trace-link-template.
import { useHealth } from '../api/service';
import { storeName } from '../components/sourceName';
import { useHost } from '../host/context';
import type { Host } from '../host/types';

const NOWHERE: Host['exploreTraceUrl'] = () => null;

export function useExploreTrace(): Host['exploreTraceUrl'] {
  const host = useHost();
  const health = useHealth();
  const store = storeName(health.data?.metadata.source);
  return store && store !== 'Tempo' ? NOWHERE : host.exploreTraceUrl;
}
