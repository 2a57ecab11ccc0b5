// What Grafana keeps about problems: acknowledgements are annotations of the organisation, muting is a silence of its Alertmanager. How they are written, what a
// list of them says of a problem, and what the counts say since. What could not be read is not known. No state.
import type { FoundProblem, Problems, RateChange } from '../api/types';

export const TAG = 'betrace';
const PROBLEM_TAG = 'betrace-problem:';
const RULE_TAG = 'betrace-rule:';
/** The databases of Grafana have so many characters for the value of a tag; an id of a rule may be longer. */
const LONGEST_TAG = 100;
const TICKET = 'Ticket: ';
/** Grafana takes no annotation without a text. */
const WITHOUT_NOTE = 'Acknowledged';

export interface Acknowledgement {
  id: number;
  problemId: string;
  /** empty: Grafana does not say, as of a service account */
  who: string;
  /** milliseconds since the epoch */
  at: number;
  note: string;
  /** http or https, or empty */
  ticket: string;
}

export interface Muting {
  id: string;
  /** RFC 3339 */
  until: string;
  /** it silences other alerts than those that a silence of ours does, such as those of one service */
  isOther: boolean;
}

export interface Matcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
}

type Unknowns = Record<string, unknown>;
const isObject = (value: unknown): value is Unknowns => typeof value === 'object' && value !== null;
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The address, or an empty text for anything that is none of the web: `javascript:` and what has a blank in it. */
export function webAddress(text: string): string {
  const trimmed = text.trim();
  return /^https?:\/\/\S+$/i.test(trimmed) ? trimmed : '';
}

/** The body of POST /api/annotations. Its time is Grafana's own, and it belongs to no dashboard. */
export function annotationOf({ id, rule_id }: Pick<FoundProblem, 'id' | 'rule_id'>, note: string, ticket: string) {
  const lines = [note.trim(), ticket && TICKET + ticket].filter(Boolean);
  return {
    text: lines.join('\n') || WITHOUT_NOTE,
    tags: [TAG, PROBLEM_TAG + id, ...(rule_id.length <= LONGEST_TAG ? [RULE_TAG + rule_id] : [])],
  };
}

function acknowledgementOf(item: unknown): Acknowledgement | null {
  const { id, time, login, text, tags } = isObject(item) ? item : ({} as Unknowns);
  const tag = Array.isArray(tags) ? tags.find((one) => textOf(one).startsWith(PROBLEM_TAG)) : undefined;
  if (typeof id !== 'number' || typeof time !== 'number' || tag === undefined) {
    return null;
  }
  const lines = textOf(text).split('\n');
  const last = lines.at(-1) ?? '';
  const ticket = last.startsWith(TICKET) ? webAddress(last.slice(TICKET.length)) : '';
  const note = (ticket ? lines.slice(0, -1) : lines).join('\n').trim();
  return { id, problemId: tag.slice(PROBLEM_TAG.length), who: textOf(login), at: time, note: note === WITHOUT_NOTE ? '' : note, ticket };
}

export interface Acknowledgements {
  /** of a problem, the newest first */
  of: Map<string, Acknowledgement[]>;
  /** the list ends before the oldest of them: of a problem that has none in it, it is not known whether there is one */
  isCut: boolean;
}

/** Null: the answer is no list of annotations. */
export function readAcknowledgements(body: unknown, limit: number): Acknowledgements | null {
  if (!Array.isArray(body)) {
    return null;
  }
  const of = new Map<string, Acknowledgement[]>();
  for (const one of body.map(acknowledgementOf)) {
    if (one) {
      of.set(one.problemId, [...(of.get(one.problemId) ?? []), one].sort((a, b) => b.at - a.at));
    }
  }
  return { of, isCut: body.length >= limit };
}

/** Alerts that say that nobody looks, and that a rule fell silent: also these name a rule, and who mutes violations goes on to hear of them. */
export const STAYS_HEARD = 'BeTrace (cannot look|rule silent).*|Datasource(NoData|Error)';

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** What the alerts on violations of a rule have, of the data source, of Prometheus and of budgets. None names a problem. Only those of Prometheus have a tenant. */
export function matchersOf(ruleId: string, tenant: string): Matcher[] {
  return [
    { name: 'rule_id', value: ruleId, isRegex: false, isEqual: true },
    { name: 'alertname', value: STAYS_HEARD, isRegex: true, isEqual: false },
    ...(tenant ? [{ name: 'tenant', value: `|${escaped(tenant)}`, isRegex: true, isEqual: true }] : []),
  ];
}

const keyOf = ({ name, value, isRegex, isEqual = true }: Partial<Matcher>) => JSON.stringify([name, value, isRegex, isEqual]);

/** Silences that are in force now and name the rule, each rule by its id; null: the answer is no list of silences. */
export function readMutings(body: unknown, tenant: string): Map<string, Muting[]> | null {
  if (!Array.isArray(body)) {
    return null;
  }
  const of = new Map<string, Muting[]>();
  for (const { id, endsAt, status, matchers } of body.filter(isObject)) {
    const all: Array<Partial<Matcher>> = Array.isArray(matchers) ? matchers.filter(isObject) : [];
    const rule = all.find(({ name, isRegex, isEqual = true }) => name === 'rule_id' && !isRegex && isEqual)?.value;
    if (rule === undefined || !isObject(status) || status.state !== 'active') {
      continue;
    }
    const ours = matchersOf(rule, tenant).map(keyOf).sort().join();
    const muting = { id: textOf(id), until: textOf(endsAt), isOther: all.map(keyOf).sort().join() !== ours };
    of.set(rule, [...(of.get(rule) ?? []), muting].sort((a, b) => Date.parse(b.until) - Date.parse(a.until)));
  }
  return of;
}

/** The body of POST /api/alertmanager/grafana/api/v2/silences. */
export function silenceOf({ rule_id, rule_name }: Pick<FoundProblem, 'rule_id' | 'rule_name'>, hours: number, now: number, { login, tenant }: { login: string; tenant: string }) {
  return {
    matchers: matchersOf(rule_id, tenant),
    startsAt: new Date(now).toISOString(),
    endsAt: new Date(now + hours * 3_600_000).toISOString(),
    createdBy: login || TAG, // it wants a name
    comment: `BeTrace: violations of ${rule_name || rule_id}`,
  };
}

type Asked = Pick<Problems, 'start' | 'step_seconds'>;

/** Whether all that is known between the acknowledgement and the rise is zero, in traces that the rule is about. A step that is not known tells nothing. */
function wasOver({ before, at }: RateChange, since: number, sparkline: FoundProblem['sparkline'], { start, step_seconds }: Asked): boolean {
  const step = step_seconds * 1000;
  const first = Date.parse(start);
  const between = sparkline.filter((_, index) => first + index * step >= since && first + (index + 1) * step <= Date.parse(at));
  return before.violations === 0 && (before.exercised ?? 0) > 0 && between.length > 0 && between.every((count) => count === 0);
}

/** Since it was acknowledged: it was over and came back, its rate rose, it was violated. Null: none of these is known. */
export type Since = 'regressed' | 'rose' | 'again' | null;

export function sinceThen({ changes, sparkline, last_seen }: Pick<FoundProblem, 'changes' | 'sparkline' | 'last_seen'>, since: number, asked: Asked): Since {
  const rises = (changes ?? []).filter(({ direction, at }) => direction === 'rose' && Date.parse(at) > since);
  if (rises.some((rise) => wasOver(rise, since, sparkline, asked))) {
    return 'regressed';
  }
  return rises.length ? 'rose' : Date.parse(last_seen.time) > since ? 'again' : null;
}

/** What is known of a problem; undefined: that is not known, null: there is none. */
export interface KnownState {
  acknowledged?: { newest: Acknowledgement; ids: number[]; since: Since } | null;
  muted?: { longest: Muting; ids: string[] } | null;
}

/** What both lists say of a problem; undefined: the list is not known. */
export function stateOf(problem: FoundProblem, asked: Asked, acknowledgements: Acknowledgements | undefined, mutings: Map<string, Muting[]> | undefined): KnownState {
  const own = acknowledgements?.of.get(problem.id);
  const silences = mutings?.get(problem.rule_id) ?? [];
  const whole = silences.filter(({ isOther }) => !isOther);
  const [longest] = whole.length ? whole : silences;
  return {
    acknowledged: own
      ? { newest: own[0], ids: own.map(({ id }) => id), since: sinceThen(problem, own[0].at, asked) }
      : acknowledgements && !acknowledgements.isCut
        ? null
        : undefined,
    muted: longest ? { longest, ids: whole.map(({ id }) => id) } : mutings && null,
  };
}

/** Whether it may be out of the way: who acknowledged it has not seen that it came back, or that it rose. */
export const isQuiet = ({ acknowledged }: KnownState): boolean => Boolean(acknowledged) && acknowledged?.since !== 'regressed' && acknowledged?.since !== 'rose';
