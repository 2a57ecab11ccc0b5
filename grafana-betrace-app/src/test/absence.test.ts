// Every sentence of a page that says what is not, or was not: those about traces are said of answers that lack something, and must not say more; all others
// are listed. A new sentence of this kind fails here until a list has it.
import texts from '../locales/en-US/betrace-app.json';
import type { Coverage, FirstViolation, Series, ViolationPage } from '../api/types';
import { coverageFacts, gapLines } from '../components/CoverageNotice';
import { previewWords } from '../packs/preview';
import { findingOf } from '../replays/replayWords';
import { boardOf, healthWord } from '../rules/board';
import { countText } from '../rules/LivePast';
import { totalsOf, totalText } from '../rules/PastPanel';
import { dayBefore, unjudgedRules } from '../start/leads';
import { listTimeline, toTimeline } from '../violations/buckets';
import { coverageInWords, whyEmpty } from '../violations/coverageWords';
import { firstInWords } from '../violations/FirstViolation';
import { exercisedInWords } from '../violations/NotExercised';
import { page } from '../violations/testPages';
import { bucketInWords } from '../violations/Timeline';
import { coverage, rule } from './fixtures';
import { replay } from './replayFixtures';

const at = (minute: number) => `2026-11-20T12:${String(minute).padStart(2, '0')}:00Z`;
const ASKED = { start: at(0), end: at(40) };
const WHOLE: Partial<Coverage> = { asked: ASKED, effective_end: at(40), data_from: null };

/** What an answer may lack; `reason` where the service then says that it is not complete. */
const LACKS: Array<[string, Partial<Coverage>, string | null]> = [
  ['traces from before', { ...WHOLE, data_from: at(20) }, null],
  ['traces in the middle', { ...WHOLE, windows_empty: [{ start: at(10), end: at(20) }] }, null],
  ['traces that were not kept', { ...WHOLE, sampling: { known: 'by_chance', declared: null, text: 'traces are a 10 % sample' } }, null],
  ['traces that retention deleted', { ...WHOLE, kept_from: at(20) }, null],
  ['traces that were redacted', { ...WHOLE, redacted_at: at(20) }, null],
  ['traces at the end', { ...WHOLE, windows_empty: [{ start: at(30), end: at(40) }] }, null],
  ['a window that was read', { ...WHOLE, complete: false, windows_failed: [{ start: at(10), end: at(20), reason: 'http: 500' }] }, 'windows_failed: one window could not be read'],
  ['any trace', { ...WHOLE, complete: false, windows_empty: [ASKED] }, 'no_data: the source has no trace in this range'],
];

/** Of live answers: Tempo may hide late spans in the newest part of what was counted. */
const LATE: Partial<Coverage> = { ...WHOLE, provisional_from: at(20) };
const LIVE = ['the list', 'a bar of the list', 'a bar of the service', 'the last hour', 'the past', 'the day before', 'a rule that no trace is about', 'a rule of the board'];

/** Zero wherever the answer says nothing against it, as a service counts that does not look for what is missing. */
const series = (change: Partial<Coverage>, reason: string | null): Series => ({
  series: [{ labels: { rule_id: 'r', rule: 'R', severity: 'low' }, points: [0, 10, 20, 30].map((minute) => [at(minute), reason && minute === 10 ? null : 0]), undecided: { steps: 0, budget: 0 } }],
  reason,
  coverage: coverage(change),
});
/** As `series`, of traces that the rule is about. */
const exercised = (change: Partial<Coverage>, reason: string | null): Series => {
  const counts = series(change, reason);
  return { ...counts, series: counts.series.map((one) => ({ ...one, points: one.points.map(([time, value]) => [time, value === null ? null : 5]) })) };
};
const onBoard = (change: Partial<Coverage>, reason: string | null): string => {
  const day = boardOf([rule({ id: 'r' })], { counts: series(change, reason), exercised: exercised(change, reason) }).get('r')!;
  return `${healthWord(day.health)} ${day.why}`;
};
const empty = (change: Partial<Coverage>, reason: string | null) => page(0, { reason, total_count: reason ? null : 0 }, change);
const first = (change: Partial<Coverage>, reason: string | null): FirstViolation =>
  ({ status: reason ? 'incomplete' : 'completed', reason: reason ?? undefined, found: false, violation: null, proven: false, at_edge_of_data: false, looked_at: ASKED, coverage: coverage(change) }) as unknown as FirstViolation;

/** A hedge: what was not read, what had no trace, what is not known. */
const HEDGED = /not known|not all traces were kept|were not kept|not everything|without any trace|no traces|no trace|where there were traces|that there are|not of the whole range|nothing|could not be read|that are known|not looked at|partial|unknown|may have deleted|does not say/i;

/** Each says what was not found; with everything there it says so without a hedge. */
const SAYINGS: Array<[string, (change: Partial<Coverage>, reason: string | null) => string]> = [
  ['the list', (change, reason) => [whyEmpty(empty(change, reason), [{ enabled: true }]) === 'none-found' ? '' : 'partial', coverageInWords(empty(change, reason), 'utc').headline, ...coverageInWords(empty(change, reason), 'utc').notes].join(' ')],
  ['a bar of the list', (change) => listTimeline([], coverage(change), 600_000).buckets.map((bucket) => bucketInWords(bucket, 'utc')).join(' ')],
  ['a bar of the service', (change, reason) => toTimeline(series(change, reason), 600_000).buckets.map((bucket) => bucketInWords(bucket, 'utc')).join(' ')],
  ['the first', (change, reason) => firstInWords(first(change, reason), 'utc').join(' ')],
  ['a replay', (change, reason) => { const { tone, headline, notes } = findingOf(replay({ status: reason ? 'incomplete' : 'completed', reason: reason ?? undefined, coverage: coverage(change) })); return [tone === 'unknown' ? tone : '', headline, ...notes].join(' '); }],
  ['the last hour', (change, reason) => [countText(empty(change, reason)), ...coverageFacts(coverage(change), 'utc').lines].join(' ')],
  ['the past', (change, reason) => totalText(totalsOf(series(change, reason)))],
  ['the day before', (change, reason) => (dayBefore({ ...series(change, reason) }, Date.parse(at(40)) + 48 * 3600_000) === 'idle' ? 'idle' : 'unknown')],
  ['a rule that no trace is about', (change, reason) => unjudgedRules([], undefined, series(change, reason)).map(({ why }) => (/as far as they are settled/.test(why) ? 'all' : why)).join(' ')],
  ['a rule of the board', onBoard],
];

describe.each(SAYINGS)('%s', (name, say) => {
  it('says it plainly where everything is there', () => expect(say(WHOLE, null)).not.toMatch(name === 'a rule that no trace is about' ? /known/ : HEDGED));

  it.each(LACKS.filter(([, , reason]) => name !== 'a bar of the list' || !reason))('says what is missing: %s', (_, change, reason) => expect(say(change, reason)).toMatch(HEDGED));

  if (LIVE.includes(name)) {
    it('says that late spans may come', () => expect(say(LATE, null)).toMatch(/so far|not settled|provisional|unknown/));
    it('does not say so where none may', () => expect(say(WHOLE, null)).not.toMatch(/so far|not settled yet|provisional|unknown/));
  }
});

it('says of an empty list, a preview and rules that no trace is about that it is so far', () => {
  expect(previewWords({ page: empty(LATE, null), exercised: { traces: 3, known: 3, hours: 3 } }).text).toMatch(/so far/);
  expect(exercisedInWords(series(LATE, null)).join(' ')).toMatch(/so far/);
  expect(exercisedInWords(series(WHOLE, null)).join(' ')).not.toMatch(/so far/);
});

it.each(LACKS)('an empty list and a preview of a pack do not call that kept: %s', (_, change, reason) => {
  if (reason) {
    expect(previewWords({ page: empty(change, reason), exercised: { traces: 3, known: 3, hours: 3 } }).state).not.toBe('kept');
    expect(exercisedInWords(series(change, reason)).join(' ')).toMatch(/not known/);
  } else {
    expect(gapLines(coverage(change), 'utc')).toHaveLength(1);
  }
});

it('a preview of a pack does not call that kept of which not all traces were', () => {
  const [, sampled] = LACKS[2];
  expect(previewWords({ page: empty(sampled, null), exercised: { traces: 3, known: 3, hours: 3 } })).toEqual({ state: 'partial', text: 'None found among the traces that were kept: traces are a 10 % sample' });
  const broken = { ...empty(sampled, null), violations: [{}], total_count: 12, estimated: { text: '12 seen of a 10 % sample; 65 to 205 happened (95 %)' } } as unknown as ViolationPage;
  expect(previewWords({ page: broken, exercised: null }).text).toBe('Broken by traces: 12 seen of a 10 % sample; 65 to 205 happened (95 %)');
});

/** The sentences above, and those whose own tests say them of answers that lack something: start, kept, packs. */
const ABOUT_TRACES = [
  /^board\./, /^coverage\./, /^kept\.(none|other-request|not-there)/, /^leads\.(idle|none|today|unread|unproven|no-traces|asking|failed|began-failed)/, /^live\./, /^packs\.(idle|nothing|partial|unknown|unread|failed)/,
  /^past\./, /^rose\./, /^replay\.(found|not-exercised|inconclusive|not-known)/, /^start\.day\./, /^violations\./, /^violation\.(provisional-text|not-any-more|find-place)/,
];
/** What the service says of its own comparisons, reports, links and single traces, in the words of the service's status. */
const OF_A_STATUS = [/^backtest\./, /^changes\./, /^compliance\./, /^framework\./, /^trace\./, /^verdict\./, /^test\.not-exercised/, /^violation\./, /^explain\./, /^cost\./];
/** About pages, rights, forms, rules and the connection, not about what traces did. */
const NOT_ABOUT_TRACES = [
  /^(config|configuration|delete|editor|error|forbidden|history|import|keys|kept|many|not-found|packs|replay|replays|rule|rules|save|service|shape|start|test|text|token|unauthorized|unreachable)\./,
];

it('knows every sentence that says what is not', () => {
  const flat = (of: object, before = ''): Array<[string, string]> => Object.entries(of).flatMap(([key, value]) => (typeof value === 'string' ? [[before + key, value] as [string, string]] : flat(value as object, `${before}${key}.`)));
  const negative = flat(texts).filter(([, text]) => /\b(no|not|none|never|nothing|nobody|without|0)\b/i.test(text));
  const unknown = negative.filter(([key]) => ![...ABOUT_TRACES, ...OF_A_STATUS, ...NOT_ABOUT_TRACES].some((known) => known.test(key)));
  expect(negative.length).toBeGreaterThan(150);
  expect(unknown).toEqual([]);
});
