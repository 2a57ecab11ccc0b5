// What each rule did in the last day, from the two series that Start asks for as well: violations, and traces that a rule is about. What was not looked at,
// or not in full, is a state of its own and no zero. No state.
import { t } from '@grafana/i18n';
import type { Rule, Series } from '../api/types';
import { isUnevaluated } from '../api/violations';
import { gapLines } from '../components/CoverageNotice';
import { PLAIN } from '../i18n';
import { unjudgedRules, type Unjudged } from '../start/leads';
import { reasonSentence, reasonWord } from '../violations/coverageWords';
import { exercisedOf } from '../violations/NotExercised';
import { isWithoutTraces, openFrom, startOf, stepOf, valueOf } from '../violations/steps';

/** From what needs a look to what needs none. `partial`: no violation in what is known, and not all is. `unread`: nothing is known. */
export const HEALTHS = ['violated', 'unjudged', 'unread', 'partial', 'idle', 'kept', 'off', 'asking'] as const;
export type Health = (typeof HEALTHS)[number];

export interface RuleDay {
  health: Health;
  /** why it is so, where the state alone does not say it; else empty */
  why: string;
  /** violating traces of the steps that are known; null: no step is */
  count: number | null;
  isAtLeast: boolean;
  /** of the traces that the rule is about, in steps where both are known; null: in none, or no trace was */
  share: number | null;
  /** an hour each, the oldest first; empty: nothing was counted */
  bars: Array<number | null>;
  /** where the newest step with a violation begins */
  last: string | null;
}

/** What the page knows of the day: undefined until it was answered. `failed` says why it never will be. */
export interface DayAnswer {
  counts?: Series;
  exercised?: Series;
  failed?: string;
  /** whether traces were about the rules could not be asked */
  exercisedFailed?: boolean;
}

type OneSeries = Series['series'][number];

const HOUR_MS = 3600_000;
const NOTHING: Omit<RuleDay, 'health' | 'why'> = { count: null, isAtLeast: false, share: null, bars: [], last: null };

/** An hour of which a step is not known shows what was found there; a gap, where nothing was. */
function hourBars(counts: Series, { points }: OneSeries): Array<number | null> {
  const perBar = Math.max(1, Math.round(HOUR_MS / stepOf(counts)));
  return Array.from({ length: Math.ceil(points.length / perBar) }, (_, at) => {
    const values = points.slice(Math.max(0, points.length - (at + 1) * perBar), points.length - at * perBar).map(valueOf);
    const sum = values.reduce<number>((all, value) => all + (value ?? 0), 0);
    return sum > 0 || !values.includes(null) ? sum : null;
  }).reverse();
}

function shareOf(one: OneSeries, about: OneSeries | undefined): number | null {
  const exercised = new Map(about?.points.map((point) => [startOf(point), valueOf(point)]));
  const both = one.points.flatMap((point) => {
    const [n, of] = [valueOf(point), exercised.get(startOf(point)) ?? null];
    return n === null || of === null ? [] : [{ n, of }];
  });
  const of = both.reduce((sum, point) => sum + point.of, 0);
  return of > 0 ? both.reduce((sum, point) => sum + point.n, 0) / of : null;
}

/** Settled steps that are not known, although there may have been traces. */
function unknownSteps(counts: Series, { points }: OneSeries): number {
  const stepMs = stepOf(counts);
  const open = openFrom(counts, points, stepMs);
  const isGap = (point: OneSeries['points'][number]) =>
    valueOf(point) === null && !(startOf(point) >= open) && !isWithoutTraces(counts.coverage, startOf(point), startOf(point) + stepMs);
  return points.filter(isGap).length;
}

/** Taken away, or never kept: what is not there may have violated. A time without any trace is another matter, and is said beside it. */
function keptOf(counts: Series, unknown: number, steps: number): Pick<RuleDay, 'health' | 'why'> {
  const { coverage } = counts;
  if (unknown > 0 || !coverage.complete) {
    return { health: 'partial', why: t('board.why-steps', 'Not known: {{unknown}} of {{steps}} steps', { unknown, steps }) };
  }
  const [lost] = gapLines({ ...coverage, data_from: null, windows_empty: [] }, 'utc');
  if (lost) {
    return { health: 'partial', why: lost };
  }
  const hedges = [
    ...(gapLines(coverage, 'utc').length > 0 ? [t('board.where-traces', 'where there were traces')] : []),
    ...(coverage.provisional_from ? [t('board.so-far', 'so far: late spans may still come')] : []),
  ];
  return { health: 'kept', why: hedges.join(', ') };
}

/** Of a rule that has counts and no violation among them. */
function quietOf(unjudged: Unjudged | undefined, { counts, exercised, exercisedFailed }: DayAnswer & { counts: Series }, one: OneSeries): Pick<RuleDay, 'health' | 'why'> {
  const about = exercised?.series.find(({ labels }) => labels.rule_id === one.labels.rule_id);
  if (unjudged && unjudged.kind !== 'idle') {
    return { health: unjudged.kind === 'unread' ? 'unread' : 'unjudged', why: unjudged.why };
  }
  if (isUnevaluated(exercised)) {
    return { health: 'asking', why: '' };
  }
  if (!exercised || !about) {
    const why = t('board.why-about', 'Whether a trace was about it is not known');
    return exercised || exercisedFailed ? { health: 'partial', why } : { health: 'asking', why: '' };
  }
  switch (exercisedOf(exercised, about.points)) {
    case 'idle':
      return { health: 'idle', why: unjudged?.why ?? '' };
    case 'unknown':
      return { health: 'partial', why: unjudged?.why ?? t('board.why-about', 'Whether a trace was about it is not known') };
    case 'exercised':
      return keptOf(counts, unknownSteps(counts, one), one.points.length);
  }
}

function ruleDay(rule: Rule, unjudged: Unjudged | undefined, day: DayAnswer): RuleDay {
  if (!rule.enabled) {
    return { ...NOTHING, health: 'off', why: t('board.why-off', 'It is disabled: nobody looked') };
  }
  if (rule.broken !== null) {
    return { ...NOTHING, health: 'unjudged', why: rule.broken };
  }
  const { counts } = day;
  if (!counts) {
    return day.failed === undefined ? { ...NOTHING, health: 'asking', why: '' } : { ...NOTHING, health: 'unread', why: day.failed };
  }
  const one = counts.series.find(({ labels }) => labels.rule_id === rule.id);
  if (!one || reasonWord(counts.reason) === 'no_data') {
    return { ...NOTHING, health: 'unread', why: one ? reasonSentence(counts.reason) : t('board.why-left-out', 'The answer leaves it out: it may be of another store, or new') };
  }
  const known = one.points.map(valueOf).filter((value): value is number => value !== null);
  const count = known.length ? known.reduce((sum, value) => sum + value, 0) : null;
  const about = day.exercised?.series.find(({ labels }) => labels.rule_id === rule.id);
  const last = [...one.points].reverse().find((point) => (valueOf(point) ?? 0) > 0)?.[0];
  const found = { count, share: shareOf(one, about), bars: known.length ? hourBars(counts, one) : [], last: typeof last === 'string' ? last : null };
  const isAtLeast = unknownSteps(counts, one) > 0;
  const undecided = unjudged && unjudged.kind !== 'idle' ? unjudged.why : '';
  if (count) {
    return { ...found, isAtLeast, health: 'violated', why: undecided };
  }
  return { ...found, isAtLeast, ...(isUnevaluated(counts) ? { health: 'asking' as const, why: '' } : quietOf(unjudged, { ...day, counts }, one)) };
}

/** By the id of the rule. */
export function boardOf(rules: readonly Rule[], day: DayAnswer): Map<string, RuleDay> {
  const unjudged = new Map(unjudgedRules(rules, day.counts, day.exercised).map((one) => [one.ruleId, one]));
  return new Map(rules.map((rule) => [rule.id, ruleDay(rule, unjudged.get(rule.id), day)]));
}

/** One word for a badge. */
export function healthWord(health: Health): string {
  switch (health) {
    case 'violated':
      return t('board.violated', 'Broken');
    case 'unjudged':
      return t('board.unjudged', 'Cannot be judged');
    case 'unread':
      return t('board.unread', 'Not looked at');
    case 'partial':
      return t('board.partial', 'Not known in full');
    case 'idle':
      return t('board.idle', 'Not exercised');
    case 'kept':
      return t('board.kept', 'No violation found');
    case 'off':
      return t('board.off', 'Off');
    case 'asking':
      return t('board.asking', 'Being asked…');
  }
}

/** "Rules: 12 (3 broken, 2 cannot be judged, …)": all states that there are, so that none looks like another. */
export function healthsInWords(days: readonly RuleDay[]): string {
  const said = HEALTHS.flatMap((health) => {
    const n = days.filter((day) => day.health === health).length;
    return n === 0 ? [] : [countWord(health, n)];
  });
  return t('board.of', 'Rules: {{all}} ({{states}})', { ...PLAIN, all: days.length, states: said.join(', ') });
}

function countWord(health: Health, n: number): string {
  switch (health) {
    case 'violated':
      return t('board.n-violated', '{{n}} broken', { n });
    case 'unjudged':
      return t('board.n-unjudged', '{{n}} cannot be judged', { n });
    case 'unread':
      return t('board.n-unread', '{{n}} not looked at', { n });
    case 'partial':
      return t('board.n-partial', '{{n}} not known in full', { n });
    case 'idle':
      return t('board.n-idle', '{{n}} not exercised', { n });
    case 'kept':
      return t('board.n-kept', '{{n}} with none found', { n });
    case 'off':
      return t('board.n-off', '{{n}} off', { n });
    case 'asking':
      return t('board.n-asking', '{{n}} being asked', { n });
  }
}

const PERCENT = new Intl.NumberFormat('en-US', { style: 'percent', maximumSignificantDigits: 2 });

export function countInWords({ count, isAtLeast }: RuleDay): string {
  const n = (count ?? 0).toLocaleString();
  return isAtLeast ? t('board.at-least', 'at least {{n}} traces', { ...PLAIN, n }) : t('board.traces', '{{n}} traces', { ...PLAIN, n });
}

export function shareInWords({ health, share }: RuleDay): string {
  if (share !== null) {
    return PERCENT.format(share);
  }
  if (health === 'idle') {
    return t('board.none-about', 'no trace is about it');
  }
  return health === 'off' || health === 'unread' ? t('board.not-looked', 'not looked at') : health === 'asking' ? '…' : t('board.not-known', 'not known');
}

export function barsInWords({ bars }: RuleDay): string {
  const known = bars.filter((bar): bar is number => bar !== null);
  const values = { ...PLAIN, most: Math.max(0, ...known).toLocaleString(), unknown: bars.length - known.length };
  return t('board.bars', 'Violating traces by the hour, last day: at most {{most}} in one; hours that are not known: {{unknown}}', values);
}

/** Rules of one pack, or of none (empty name), which are the first. */
export interface RulePack {
  name: string;
  rules: Rule[];
}

export function packsOf(rules: readonly Rule[]): RulePack[] {
  const names = [...new Set(rules.map(({ labels }) => labels.pack ?? ''))].sort();
  return names.map((name) => ({ name, rules: rules.filter(({ labels }) => (labels.pack ?? '') === name) }));
}
