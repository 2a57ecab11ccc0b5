// Which store answered, as the service says it. No state.
import type { Coverage } from '../api/types';

type Source = NonNullable<Coverage['source']>;

/** "Tempo 3.0.3"; "ClickHouse" where the version is not known. */
export function sourceName({ kind, version }: Pick<Source, 'kind' | 'version'>): string {
  const name = kind === 'clickhouse' ? 'ClickHouse' : 'Tempo';
  return version ? `${name} ${version}` : name;
}
