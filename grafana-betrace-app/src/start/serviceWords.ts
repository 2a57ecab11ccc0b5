// What the service says of itself, in words: its parts, where traces come from, what to do about what is not ready. No state.
import { t } from '@grafana/i18n';
import type { Health, Ready } from '../api/types';
import { sourceName, storeName } from '../components/sourceName';
import { formatTime } from '../components/TimeText';
import { PLAIN } from '../i18n';

export type PartName = 'store' | 'rules' | 'source' | 'otlp' | 'watch' | 'silence' | 'clock';
export const PARTS: PartName[] = ['source', 'store', 'rules', 'otlp', 'watch', 'silence', 'clock'];

/** What /ready says of where traces come from; a service of before says nothing. */
export type Source = Ready['source'] | undefined;

export function partText(part: PartName, source: Health['metadata']['source'] | undefined, said?: Source): string {
  switch (part) {
    case 'store':
      return t('service.part-store', 'Rule store');
    case 'rules':
      return t('service.part-rules', 'Rules');
    case 'source':
      return said && storeName(said.kind) ? sourceName(said) : sourceText(source);
    case 'otlp':
      return t('service.part-otlp', 'Sending violations (OTLP)');
    case 'watch':
      return t('service.part-watch', 'Watch');
    case 'silence':
      return t('service.part-silence', 'Rules that fall silent');
    case 'clock':
      return t('service.part-clock', 'Clock');
  }
}

export function sourceText(source: Health['metadata']['source'] | undefined): string {
  switch (source) {
    case 'files':
      return t('service.source-files', 'Traces from files');
    case 'memory':
      return t('service.source-memory', 'Traces pushed into memory');
    default:
      return storeName(source) ?? 'Tempo';
  }
}

/** `off`: the service runs without it, which is no fault. `unchecked`: it works, and is of a version with which BeTrace was never checked. */
export type PartState = 'ready' | 'unchecked' | 'not_ready' | 'off';

export interface Part {
  name: PartName;
  state: PartState;
  text: string;
  /** why it is not ready, or how to turn it on */
  note: string;
}

function offNote(name: PartName): string {
  switch (name) {
    case 'otlp':
      return t('service.off-otlp', 'Off. With --otlp http://collector:4318 violations become spans, which your trace store has and alerts see.');
    case 'watch':
      return t('service.off-watch', 'Off. With --watch enabled rules are evaluated all the time, not only when somebody asks.');
    case 'silence':
      return t('service.off-silence', 'Off. With --silence 8d the service tells when traces stop exercising a rule, as after a rename.');
    default:
      return '';
  }
}

function uncheckedNote(source: Source): string {
  return t('service.unchecked', 'Ready, but {{note}}. Every candidate is read, and more of them by id.', { ...PLAIN, note: source?.note ?? '' });
}

function readyNote(name: PartName, source: Source): string {
  switch (name) {
    case 'source':
      return source?.note ? t('service.known-fault', 'Ready, but {{note}}.', { ...PLAIN, note: source.note }) : t('service.on', 'Ready');
    case 'watch':
      return t('service.on-watch', 'Enabled rules are evaluated all the time.');
    case 'silence':
      return t('service.on-silence', 'As far as is known, no enabled rule fell silent.');
    default:
      return t('service.on', 'Ready');
  }
}

function stateOf(name: PartName, ready: Ready): PartState {
  const part = ready.parts[name];
  if (!part?.ready) {
    return part ? 'not_ready' : 'off';
  }
  const said: Source = ready.source;
  return name === 'source' && said?.checked === false ? 'unchecked' : 'ready';
}

/** What watch has counted and will look at again; '' where there is none. */
function provisionalNote(from: string | undefined, zone: string): string {
  return from
    ? t('service.provisional', 'What it counted after {{time}} is provisional: spans that came late may be missing, and it looks again.', { time: formatTime(from, zone) })
    : '';
}

function plainNoteOf(name: PartName, state: PartState, ready: Ready): string {
  switch (state) {
    case 'off':
      return offNote(name);
    case 'ready':
      return readyNote(name, ready.source);
    case 'unchecked':
      return uncheckedNote(ready.source);
    case 'not_ready':
      return ready.parts[name]?.reason ?? '';
  }
}

function noteOf(name: PartName, state: PartState, ready: Ready, zone: string): string {
  const notes = [plainNoteOf(name, state, ready), provisionalNote(ready.parts[name]?.provisional_from, zone)];
  return notes.filter(Boolean).join(' ');
}

/** Every part there can be; what the service does not name is off. */
export function partsOf(ready: Ready, source: Health['metadata']['source'] | undefined, zone: string): Part[] {
  return PARTS.map((name) => {
    const state = stateOf(name, ready);
    return { name, state, text: partText(name, source, ready.source), note: noteOf(name, state, ready, zone) };
  }).filter((part) => part.state !== 'off' || part.note !== '');
}

export function uptimeText(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) {
    return t('service.uptime-days', '{{days}} d {{hours}} h', { days, hours: hours % 24 });
  }
  return hours > 0 ? t('service.uptime-hours', '{{hours}} h {{minutes}} min', { hours, minutes: minutes % 60 }) : t('service.uptime-minutes', '{{minutes}} min', { minutes });
}

/** What to do about a source that does not answer. */
export function sourceHelp(kind: Health['metadata']['source'] | undefined): string {
  if (kind === 'clickhouse') {
    return t(
      'service.clickhouse-help',
      'See that ClickHouse runs, that its HTTP port is reachable from the service, and that --store, for example clickhouse+http://clickhouse:8123/otel?table=otel_traces, names it. betrace doctor says more.'
    );
  }
  if (kind === 'opensearch' || kind === 'elasticsearch') {
    return t(
      'service.elastic-help',
      'See that {{name}} runs, that its HTTP port is reachable from the service, and that --store, for example {{kind}}+http://{{kind}}:9200?index=otel-v1-apm-span-*, names it and its indices.',
      { ...PLAIN, name: storeName(kind), kind }
    );
  }
  return t('service.source-help', 'Start the service with --tempo and the address of Tempo’s HTTP port, for example --tempo http://tempo:3200, and see that it is reachable from there.');
}
