// Which Tempo answered, as the service says it. No state.
import type { Coverage } from '../api/types';

/** "Tempo 3.0.3"; "Tempo" where the version is not known. */
export function sourceName({ version }: Pick<NonNullable<Coverage['source']>, 'version'>): string {
  return version ? `Tempo ${version}` : 'Tempo';
}
