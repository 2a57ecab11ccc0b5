// Which store answered, as the service says it. No state.
import type { Coverage } from '../api/types';

type Source = NonNullable<Coverage['source']>;

/** Names of products: the same in every language. */
const STORES: Partial<Record<Source['kind'], string>> = {
  tempo: 'Tempo',
  clickhouse: 'ClickHouse',
  opensearch: 'OpenSearch',
  elasticsearch: 'Elasticsearch',
};

/** The product; undefined for files and memory, which are our own, and where nothing is said. */
export function storeName(kind: Source['kind'] | undefined): string | undefined {
  return kind && STORES[kind];
}

/** "Tempo 3.0.3"; "ClickHouse" where the version is not known. */
export function sourceName({ kind, version }: Pick<Source, 'kind' | 'version'>): string {
  const name = storeName(kind) ?? 'Tempo';
  return version ? `${name} ${version}` : name;
}
