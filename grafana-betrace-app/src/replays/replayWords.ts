// A replay in words: what it found, what that rests on, what it cost. "No violation" is said of what was read in full and of nothing else. No state.
import { t } from '@grafana/i18n';
import { PLAIN } from '../i18n';
import type { Replay, ReplayStatus } from '../api/types';
import { gapLines, lacksTraces } from '../components/CoverageNotice';
import { formatTime } from '../components/TimeText';
import { reasonWord } from '../violations/coverageWords';

type Rule = Replay['rules'][number];
type Counters = Pick<Replay, 'traces_evaluated' | 'traces_evaluated_kind' | 'traces_exercised' | 'traces_exercised_kind'>;

export function statusText(status: ReplayStatus): string {
  switch (status) {
    case 'queued':
      return t('replay.status.queued', 'Waiting');
    case 'running':
      return t('replay.status.running', 'Running');
    case 'completed':
      return t('replay.status.completed', 'Complete');
    case 'incomplete':
      return t('replay.status.incomplete', 'Incomplete');
    case 'cancelled':
      return t('replay.status.cancelled', 'Cancelled');
    case 'failed':
      return t('replay.status.failed', 'Failed');
  }
}

/** What was replayed: names of rules, or that it was a text of its own. */
export function replayTitle(rules: Rule[]): string {
  const names = rules.map((rule) => rule.rule_name || rule.rule_id).filter((name) => name !== '');
  if (names.length === 0 || isAdHoc(rules)) {
    return t('replay.ad-hoc', 'A rule that is not saved');
  }
  return names.length <= 2 ? names.join(', ') : t('replay.names', '{{first}} and {{n}} more', { ...PLAIN, first: names[0], n: names.length - 1 });
}

/** Texts that are not stored have no version. */
export function isAdHoc(rules: Rule[]): boolean {
  return rules.length === 1 && !rules[0].rule_version;
}

function counted(count: number, kind: 'exact' | 'at_least'): string {
  const number = count.toLocaleString();
  return kind === 'exact' ? number : t('replay.at-least', 'at least {{number}}', { number });
}

export function evaluatedText({ traces_evaluated: count, traces_evaluated_kind: kind }: Counters): string {
  return counted(count, kind);
}

export function exercisedText({ traces_exercised: count, traces_exercised_kind: kind }: Counters): string {
  return counted(count, kind);
}

/** How many violations, of a replay or of one of its rules. A number alone is said of what was read and judged in full. */
export function foundText({ status }: Pick<Replay, 'status'>, { violations_found: count, inconclusive }: Pick<Rule, 'violations_found' | 'inconclusive'>): string {
  const isWhole = status === 'completed' && !inconclusive;
  return isWhole || count > 0 ? counted(count, isWhole ? 'exact' : 'at_least') : t('replay.not-known', 'not known');
}

export interface Finding {
  tone: 'violated' | 'none' | 'unknown' | 'running';
  headline: string;
  /** what the headline must not be read without */
  notes: string[];
}

function runningFinding(replay: Replay): Finding {
  const count = replay.violations_found;
  const headline = count
    ? t('replay.found.so-far', 'Violations so far: {{n}}', { n: count.toLocaleString() })
    : t('replay.found.none-so-far', 'No violation so far; not everything is read yet');
  return { tone: 'running', headline, notes: [] };
}

function violatedHeadline({ violations_found: count, status }: Replay): string {
  const number = count.toLocaleString();
  if (status === 'completed') {
    return count === 1 ? t('replay.found.one', '1 violation') : t('replay.found.some', '{{n}} violations', { n: number });
  }
  return t('replay.found.at-least', 'Violations found: {{n}}. There may be more: not everything was read', { n: number });
}

/** Of those that were searched for in vain it is known too; where it could not be found out nobody can call the rule exercised. */
function notExercised({ rules, unexercised = [] }: Replay, isKnown = false): Rule[] {
  const told = new Set(unexercised.filter(({ known }) => known || !isKnown).map((one) => one.rule_id));
  return rules.filter((rule) => told.has(rule.rule_id) || (rule.traces_exercised === 0 && rule.traces_exercised_kind === 'exact'));
}

/** Of each rule what the service says of it, once: why nothing exercised it, or what it met in the data. */
function saidOf({ rules }: Replay, said: Array<{ rule_id: string; message: string }> = []): string[] {
  const nameOf = (id: string) => rules.find((rule) => rule.rule_id === id)?.rule_name || id;
  return [...new Set(said.map(({ rule_id: id, message }) => (isAdHoc(rules) ? message : `${nameOf(id)}: ${message}`)))];
}

/** Of each rule of which not all violations are listed. */
function listedOf({ rules }: Replay, zone: string): string[] {
  return rules
    .filter((rule) => rule.listed_until)
    .map((rule) =>
      t('replay.listed', '{{rule}}: {{listed}} of {{found}} violations are listed, of traces up to {{until}}. Start a replay from then on to see the others.', {
        ...PLAIN,
        rule: rule.rule_name || rule.rule_id,
        listed: rule.violations_listed.toLocaleString(),
        found: rule.violations_found.toLocaleString(),
        until: formatTime(rule.listed_until!, zone),
      })
    );
}

/** What the counts stand for, where traces were sampled. */
function estimatedOf({ rules }: Replay): string[] {
  const named = rules.length > 1;
  return rules.flatMap(({ estimated, rule_name: name, rule_id: id }) =>
    estimated ? [named ? t('replay.estimated', '{{rule}}: {{text}}.', { ...PLAIN, rule: name || id, text: estimated.text }) : `${estimated.text}.`] : []
  );
}

function notesOf(replay: Replay, zone: string): string[] {
  const notes: string[] = [...estimatedOf(replay), ...(replay.coverage && replay.violations_found === 0 ? gapLines(replay.coverage, zone) : [])];
  const never = notExercised(replay, true);
  if (replay.status === 'completed' && never.length > 0) {
    const names = never.map((rule) => rule.rule_name || rule.rule_id).join(', ');
    notes.push(
      isAdHoc(replay.rules)
        ? t('replay.not-exercised-text', 'No trace exercised the rule: nothing in the range could have broken it.')
        : t('replay.not-exercised', 'No trace exercised {{names}}: nothing in the range could have broken it.', { ...PLAIN, names })
    );
  }
  notes.push(...saidOf(replay, replay.unexercised), ...saidOf(replay, replay.notes), ...listedOf(replay, zone));
  if (replay.inconclusive) {
    notes.push(t('replay.inconclusive', '{{n}} verdicts could not be reached; each may be a violation.', { n: replay.inconclusive.toLocaleString() }));
  }
  if (replay.coverage?.unsettled) {
    notes.push(t('replay.unsettled', '{{n}} traces are too young to be final.', { n: replay.coverage.unsettled.toLocaleString() }));
  }
  return notes;
}

/** What the replay says about the rules. */
export function findingOf(replay: Replay, zone = 'utc'): Finding {
  if (replay.status === 'queued' || replay.status === 'running') {
    return runningFinding(replay);
  }
  const notes = notesOf(replay, zone);
  if (replay.violations_found > 0) {
    return { tone: 'violated', headline: violatedHeadline(replay), notes };
  }
  return replay.status === 'completed' ? completedFinding(replay, notes) : { tone: 'unknown', headline: unknownHeadline(replay), notes };
}

/** Complete, and without a violation: which is no good news where nothing could have been one. */
function completedFinding(replay: Replay, notes: string[]): Finding {
  if (replay.inconclusive) {
    return { tone: 'unknown', headline: t('replay.found.undecided', 'No violation is certain, and not every trace could be judged'), notes };
  }
  const traces = evaluatedText(replay);
  const hasGaps = replay.coverage !== undefined && replay.coverage !== null && gapLines(replay.coverage, 'utc').length > 0;
  if (replay.coverage && lacksTraces(replay.coverage)) {
    return { tone: 'unknown', headline: t('replay.found.none-kept', 'No violation in the {{traces}} traces that were kept: traces were sampled', { traces }), notes };
  }
  const headline = hasGaps
    ? t('replay.found.none-where', 'No violation in {{traces}} traces, which are not of the whole range', { traces })
    : t('replay.found.none', 'No violation in {{traces}} traces', { traces });
  return { tone: hasGaps || notExercised(replay).length === replay.rules.length ? 'unknown' : 'none', headline, notes };
}

function unknownHeadline({ status, reason }: Replay): string {
  if (reasonWord(reason ?? null) === 'no_data') {
    return t('replay.found.no-data', 'There was nothing to read: this is not "no violations"');
  }
  switch (status) {
    case 'cancelled':
      return t('replay.found.cancelled', 'Cancelled before anything was found: this says nothing about the rest');
    case 'failed':
      return t('replay.found.failed', 'The replay failed: it says nothing about the rules');
    default:
      return t('replay.found.incomplete', 'No violation in what was read, but not everything was: this is not "no violations"');
  }
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytesText(bytes: number): string {
  const unit = bytes > 0 ? Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10)) : 0;
  const value = bytes / 2 ** (10 * unit);
  return `${unit === 0 || value >= 100 ? Math.round(value).toLocaleString() : value.toFixed(1)} ${UNITS[unit]}`;
}

export function secondsText(seconds: number): string {
  if (seconds < 60) {
    return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  }
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** What it cost the source, each part a word and a value. */
export function priceOf(replay: Replay): Array<{ name: string; value: string }> {
  const always = [
    { name: t('replay.price-duration', 'Took'), value: secondsText(replay.duration_seconds) },
    { name: t('replay.price-read', 'Traces read whole'), value: replay.traces_read.toLocaleString() },
  ];
  // files have no requests
  if (!replay.queries) {
    return always;
  }
  return [
    ...always,
    { name: t('replay.price-queries', 'Requests to Tempo'), value: (replay.queries ?? 0).toLocaleString() },
    { name: t('replay.price-inspected', 'Tempo inspected'), value: bytesText(replay.bytes_inspected ?? 0) },
    { name: t('replay.price-received', 'Received'), value: bytesText(replay.bytes_received ?? 0) },
  ];
}

/** What came of sending violation spans; null where none were to be sent. */
export function emissionText(replay: Replay): string | null {
  if (!replay.emit) {
    return null;
  }
  const sent = (replay.spans_emitted ?? 0).toLocaleString();
  const there = (replay.spans_already_there ?? 0).toLocaleString();
  const failed = replay.spans_failed ?? 0;
  const text = t('replay.emitted', '{{sent}} violation spans sent, {{there}} were there already', { sent, there });
  return failed ? `${text}; ${t('replay.emit-failed', '{{failed}} could not be sent', { failed: failed.toLocaleString() })}` : text;
}
