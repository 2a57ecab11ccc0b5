// What the list of violations rests on, in words: how many traces were looked at, and which part of the range says nothing. "No violations" is said only of
// what was read in full. What every coverage says alike is said by CoverageNotice's words. No state.
import { t } from '@grafana/i18n';

import { PLAIN } from '../i18n';
import type { Coverage, ViolationPage } from '../api/types';
import { coverageFacts, lacksTraces } from '../components/CoverageNotice';
import { formatTime } from '../components/TimeText';

type TimeWindow = { start: string; end: string };

export interface CoverageWords {
  /** whole: everything that can be final was read. partial: not all, or not yet. nothing: nothing was looked at. */
  tone: 'whole' | 'partial' | 'nothing';
  headline: string;
  notes: string[];
}

const NOT_EVALUATED = 'not evaluated yet';

/** The sentence of a reason, which begins with a stable word and a colon. */
export function reasonSentence(reason: string | null): string {
  return (reason ?? '').replace(/^[a-z_]+: /, '');
}

export function reasonWord(reason: string | null): string {
  return /^[a-z_]+/.exec(reason ?? '')?.[0] ?? '';
}

/** Part of what was asked for is not come to yet, and asking again goes on. */
export const isStillLooking = ({ reason }: { reason: string | null }): boolean => reasonWord(reason) === 'not_evaluated';

/** The part of the range that was come to, in whole percent. What could not be read was come to. */
export function lookedAtPercent({ asked, windows_failed }: Pick<Coverage, 'asked' | 'windows_failed'>): number {
  const length = ({ start, end }: TimeWindow) => Math.max(0, Date.parse(end) - Date.parse(start));
  const left = windows_failed.filter(({ reason }) => reason.startsWith(NOT_EVALUATED)).reduce((sum, window) => sum + length(window), 0);
  const whole = length(asked);
  return whole === 0 ? 100 : Math.max(0, Math.min(100, Math.floor(100 * (1 - left / whole))));
}

/** How many traces were looked at: exactly, or at least. */
export function tracesInWords(page: Pick<ViolationPage, 'traces_evaluated' | 'traces_evaluated_kind'>): string {
  const count = page.traces_evaluated.toLocaleString();
  return page.traces_evaluated_kind === 'exact'
    ? t('violations.coverage.traces-exact', '{{count}} traces', { ...PLAIN, count })
    : t('violations.coverage.traces-at-least', 'at least {{count}} traces', { ...PLAIN, count });
}

function span(window: TimeWindow, zone: string): string {
  return t('violations.coverage.window', '{{from}} to {{to}}', {
    ...PLAIN,
    from: formatTime(window.start, zone),
    to: formatTime(window.end, zone),
  });
}

/** What the cursor will still look at is neither read nor failed. */
function notYetNotes(windows: readonly TimeWindow[], zone: string): string[] {
  if (!windows.length) {
    return [];
  }
  const whole = { start: windows[0].start, end: windows[windows.length - 1].end };
  return [t('violations.coverage.not-yet', 'Not looked at yet: {{window}}.', { ...PLAIN, window: span(whole, zone) })];
}

function notesOf({ coverage, inconclusive }: ViolationPage, zone: string): string[] {
  const isNotYet = ({ reason }: Coverage['windows_failed'][number]) => reason.startsWith(NOT_EVALUATED);
  const failed = coverage.windows_failed.filter((window) => !isNotYet(window));
  const notes = [
    ...notYetNotes(coverage.windows_failed.filter(isNotYet), zone),
    ...coverageFacts({ ...coverage, windows_failed: failed }, zone).lines,
  ];
  if (inconclusive) {
    notes.push(
      t('violations.coverage.inconclusive', '{{n}} verdicts could not be reached; each may be a violation.', { ...PLAIN, n: inconclusive })
    );
  }
  if (coverage.handover_from) {
    const time = formatTime(coverage.handover_from, zone);
    notes.push(
      t('violations.coverage.handover', 'From {{time}} on Tempo may be moving traces, and not show all of them for a moment.', {
        ...PLAIN,
        time,
      })
    );
  }
  return notes;
}

function isNothing(page: ViolationPage): boolean {
  return (
    ['no_data', 'no_rules', 'unsettled', 'source', 'problem_not_looked_at'].includes(reasonWord(page.reason)) ||
    (page.traces_evaluated === 0 && !page.coverage.complete && !page.violations.length)
  );
}

function headlineOf(page: ViolationPage, tone: CoverageWords['tone'], zone: string): string {
  const traces = tracesInWords(page);
  if (tone === 'whole') {
    const values = { window: span({ start: page.coverage.asked.start, end: page.coverage.effective_end }, zone), traces };
    if (lacksTraces(page.coverage)) {
      return t('violations.coverage.kept', 'All that was kept of {{window}} was looked at: {{traces}}. Other traces were not kept.', { ...PLAIN, ...values });
    }
    return t('violations.coverage.whole', 'All of {{window}} was looked at: {{traces}}.', { ...PLAIN, ...values });
  }
  if (isStillLooking(page)) {
    return page.traces_evaluated || page.violations.length
      ? t('violations.coverage.so-far', 'A part of the range was looked at so far: {{traces}}. There may be more violations.', {
          ...PLAIN,
          traces,
        })
      : t('violations.coverage.none-so-far', 'Nothing was looked at so far.');
  }
  const reason = reasonSentence(page.reason);
  return tone === 'nothing'
    ? t('violations.coverage.nothing', 'Nothing was looked at: {{reason}}', { ...PLAIN, reason })
    : t('violations.coverage.partial', 'Not everything was looked at ({{traces}}): {{reason}}', { ...PLAIN, traces, reason });
}

/** Of the newest page: it says what all pages up to it say. */
export function coverageInWords(page: ViolationPage, zone: string): CoverageWords {
  const isRead = page.coverage.complete || reasonWord(page.reason) === 'problem_not_found';
  const tone = isRead ? 'whole' : isNothing(page) ? 'nothing' : 'partial';
  return {
    tone,
    headline: headlineOf(page, tone, zone),
    notes: notesOf(page, zone),
  };
}

/** How many violations there are, as far as it is known. */
export function totalInWords(loaded: number, total: number | null): string {
  if (total !== null) {
    return total === 1
      ? t('violations.total.one', '1 violation')
      : t('violations.total.known', '{{total}} violations', { ...PLAIN, total: total.toLocaleString() });
  }
  return t('violations.total.unknown', '{{loaded}} violations loaded; how many there are in all is not known', {
    ...PLAIN,
    loaded: loaded.toLocaleString(),
  });
}

export type Emptiness = 'no-rules' | 'none-enabled' | 'none-found' | 'nothing-looked-at' | 'still-looking' | 'source-down' | 'no-such-problem';

/** Why the list is empty; null: it is not. `rules`: of all that are stored; undefined: not known yet. */
export function whyEmpty(page: ViolationPage, rules: ReadonlyArray<{ enabled: boolean }> | undefined): Emptiness | null {
  if (page.violations.length) {
    return null;
  }
  if (rules && !rules.some((rule) => rule.enabled)) {
    return rules.length ? 'none-enabled' : 'no-rules';
  }
  if (page.coverage.complete) {
    return 'none-found';
  }
  if (page.cursor !== null) {
    return 'still-looking';
  }
  if (reasonWord(page.reason).startsWith('problem_')) {
    return 'no-such-problem';
  }
  const failed = page.coverage.windows_failed.length > 0 && page.traces_evaluated === 0;
  return failed && reasonWord(page.reason) !== 'no_data' ? 'source-down' : 'nothing-looked-at';
}
