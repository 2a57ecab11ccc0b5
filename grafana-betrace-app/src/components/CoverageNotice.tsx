// Says in plain words what an answer covers. Rules of this page: "no violations" never appears alone. It names what the
// service did not read, it never shows missing data as "none found", and it names the tail that has not settled.
import { t } from '@grafana/i18n';
import { Alert, Icon, Stack, Text } from '@grafana/ui';
import type { Coverage } from '../api/types';
import { useHost } from '../host/context';
import { PLAIN } from '../i18n';
import { sourceName } from './sourceName';
import { formatTime } from './TimeText';

export interface CoverageFacts {
  /** kept: all that was kept was read, and not all traces were kept */
  state: 'complete' | 'kept' | 'incomplete' | 'no_data';
  /** each a sentence */
  lines: string[];
}

type Range = { start: string; end: string };
const NAMED = 5;

function rangeText({ start, end }: Range, zone: string): string {
  return t('coverage.range', '{{start}} to {{end}}', { start: formatTime(start, zone), end: formatTime(end, zone) });
}

function rangesText(ranges: Range[], zone: string): string {
  const named = ranges.slice(0, NAMED).map((range) => rangeText(range, zone));
  const more = ranges.length - named.length;
  return named.join(', ') + (more > 0 ? t('coverage.more', ' and {{count}} more', { count: more }) : '');
}

/** True where the windows without any trace leave nothing of the range. */
function nothingThere({ asked, effective_end, windows_empty }: Coverage): boolean {
  const end = Date.parse(effective_end);
  let upTo = Date.parse(asked.start);
  [...windows_empty]
    .sort((a, b) => Date.parse(a.start) - Date.parse(b.start))
    .forEach((window) => {
      if (Date.parse(window.start) <= upTo) {
        upTo = Math.max(upTo, Date.parse(window.end));
      }
    });
  return windows_empty.length > 0 && upTo >= end;
}

function failedLine(coverage: Coverage, zone: string): string[] {
  const { windows_failed: failed } = coverage;
  const reasons = [...new Set(failed.map((window) => window.reason))].slice(0, NAMED).join('; ');
  return failed.length
    ? [t('coverage.failed', 'Not read: {{ranges}}. {{reasons}}', { ...PLAIN, ranges: rangesText(failed, zone), reasons })]
    : [];
}

/** True where traces were not kept, or were taken away: what is not found among the others is not known to be absent. A service of before says nothing of it. */
export function lacksTraces({ sampling, kept_from: kept, redacted_at: redacted }: Partial<Pick<Coverage, 'sampling' | 'kept_from' | 'redacted_at'>>): boolean {
  const isSampled = sampling !== undefined && sampling.known !== 'not_declared' && sampling.known !== 'all';
  return isSampled || Boolean(kept) || Boolean(redacted);
}

/** Where the range had no traces, or they were not kept or taken away, each in a sentence: what is not found there is not known to be absent. */
export function gapLines(coverage: Pick<Coverage, 'data_from' | 'asked' | 'windows_empty' | 'kept_from' | 'redacted_at'> & { sampling?: Coverage['sampling'] }, zone: string): string[] {
  const { data_from: from, asked, windows_empty: empty, sampling, kept_from: kept, redacted_at: redacted } = coverage;
  const lines: string[] = [];
  if (kept) {
    lines.push(t('coverage.kept-from', 'The retention of the source may have deleted traces from before {{time}}.', { time: formatTime(kept, zone) }));
  }
  if (redacted) {
    lines.push(t('coverage.redacted', 'Some traces were redacted in the source, last at {{time}}: it does not say which.', { time: formatTime(redacted, zone) }));
  }
  if (from && Date.parse(from) > Date.parse(asked.start) && Date.parse(from) - Date.parse(asked.start) > 60_000) {
    lines.push(t('coverage.data-from', 'The source has no traces of this range from before {{time}}.', { time: formatTime(from, zone) }));
  }
  if (empty.length > 0) {
    lines.push(t('coverage.empty', 'Without any trace: {{ranges}}. Nothing can be said about it.', { ranges: rangesText(empty, zone) }));
  }
  if (lacksTraces({ sampling })) {
    lines.push(t('coverage.sampling', 'Not all traces were kept: {{text}}.', { ...PLAIN, text: sampling?.text ?? '' }));
  }
  return lines;
}

/** From where on late spans may be hidden: none found there is none so far. */
export function lateLines({ provisional_from: from }: Pick<Coverage, 'provisional_from'>, zone: string): string[] {
  return from
    ? [t('coverage.late', 'After {{time}} Tempo may still hide spans that came late: what is counted there is provisional.', { time: formatTime(from, zone) })]
    : [];
}

function dataLines(coverage: Coverage, zone: string): string[] {
  const { asked, assumptions } = coverage;
  const lines = gapLines(coverage, zone);
  if (Date.parse(coverage.effective_end) < Date.parse(asked.end)) {
    const values = { time: formatTime(coverage.effective_end, zone), settle: assumptions.settle ?? '' };
    lines.push(
      t('coverage.tail', 'After {{time}} traces may still get spans (settle {{settle}}): what is found there is provisional.', values)
    );
  }
  return [...lines, ...lateLines(coverage, zone)];
}

function traceLines(coverage: Coverage): string[] {
  const lines: string[] = [];
  const long = coverage.long_traces_count ?? coverage.long_traces.length;
  if (long > 0) {
    lines.push(t('coverage.long', 'Traces longer than the margin, judged where they were found: {{count}}.', { count: long }));
  }
  if (coverage.differing_traces_count) {
    const count = coverage.differing_traces_count;
    lines.push(t('coverage.differing', 'Traces with copies of one span that do not agree: {{count}}.', { count }));
  }
  if (coverage.contradicted_count) {
    const count = coverage.contradicted_count;
    lines.push(t('coverage.contradicted', 'Traces of which Tempo says what contradicts itself, so that nobody knows: {{count}}.', { count }));
  }
  if (coverage.unended) {
    lines.push(
      t('coverage.unended', "Traces with a span that never ended: {{count}}. Tempo's searches never show a trace whose spans all lack an end.", {
        count: coverage.unended,
      })
    );
  }
  if (coverage.without_time) {
    lines.push(
      t('coverage.without-time', 'Traces whose spans have neither a start nor an end: {{count}}. Nobody knows when they were, so they are judged in every range.', {
        count: coverage.without_time,
      })
    );
  }
  return lines;
}

/** A service of before names no source. */
function sourceLine(source: Coverage['source'] | undefined): string[] {
  return source?.checked === false
    ? [t('coverage.unchecked', '{{tempo}} is {{note}}. Of such a version every candidate is read.', { ...PLAIN, tempo: sourceName(source), note: source.note ?? '' })]
    : [];
}

/** Of replays that rest on what earlier ones compared. */
function comparedLine({ compared }: Coverage, zone: string): string[] {
  if (!compared?.before || !compared.oldest) {
    return [];
  }
  const values = { ...PLAIN, here: compared.here, before: compared.before, time: formatTime(compared.oldest, zone) };
  return [t('coverage.compared', 'Violations that were held against a read by id: {{here}} now, {{before}} by replays before, since {{time}}.', values)];
}

/** What a coverage says, without React: for tests, exports and titles. `reason` is the answer's own. */
export function coverageFacts(coverage: Coverage, zone: string, reason?: string | null): CoverageFacts {
  const read = lacksTraces(coverage) ? 'kept' : 'complete';
  const state = nothingThere(coverage) ? 'no_data' : coverage.complete ? read : 'incomplete';
  const why = !coverage.complete && reason ? [reason] : [];
  return { state, lines: [...why, ...failedLine(coverage, zone), ...dataLines(coverage, zone), ...traceLines(coverage), ...sourceLine(coverage.source), ...comparedLine(coverage, zone)] };
}

function headline(state: CoverageFacts['state'], coverage: Coverage, zone: string): string {
  switch (state) {
    case 'complete': {
      const range = rangeText({ start: coverage.asked.start, end: coverage.effective_end }, zone);
      return t('coverage.complete', 'Everything was read: {{range}}.', { range });
    }
    case 'kept':
      return t('coverage.kept', 'All traces that were kept were read. There may be violations in those that were not kept.');
    case 'no_data':
      return t('coverage.no-data', 'There is not one trace in this range. A wrong tenant, an outage and a passed retention look the same.');
    case 'incomplete':
      return t('coverage.incomplete', 'Not everything was read. There may be violations that are not shown.');
  }
}

export function CoverageNotice({ coverage, reason }: { coverage: Coverage | null | undefined; reason?: string | null }) {
  const zone = useHost().timeZone();
  if (!coverage) {
    return null;
  }
  const { state, lines } = coverageFacts(coverage, zone, reason);
  const title = headline(state, coverage, zone);
  if (state === 'complete') {
    return (
      <Stack direction="column" gap={0} data-testid="coverage-complete">
        <Text variant="bodySmall" color="secondary">
          <Icon name="check-circle" /> {title} {lines.join(' ')}
        </Text>
      </Stack>
    );
  }
  return (
    <Alert severity={state === 'kept' ? 'info' : 'warning'} title={title} data-testid={`coverage-${state}`} data-state="partial">
      {lines.map((line) => (
        <div key={line}>{line}</div>
      ))}
    </Alert>
  );
}
