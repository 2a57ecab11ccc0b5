// What alerts would have done, in words. What could not be counted is said as such: never as "no page".
import { t } from '@grafana/i18n';
import type { Backtest, BacktestAlert } from '../api/types';
import { number } from '../changes/changeWords';
import { lacksTraces } from '../components/CoverageNotice';
import { formatTime } from '../components/TimeText';
import { PLAIN } from '../i18n';

export type Tone = 'often' | 'seldom' | 'unknown';

export interface Summary {
  tone: Tone;
  headline: string;
  notes: string[];
}

const UNITS: Array<[string, number]> = [['d', 86400], ['h', 3600], ['m', 60], ['s', 1]];

/** "8m", "1h30m", "2d3h": the two largest units that are there. */
export function seconds(value: number): string {
  const first = UNITS.findIndex(([, size]) => value >= size);
  let left = value;
  const parts = UNITS.slice(Math.max(first, 0), first + 2).map(([unit, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count > 0 ? `${count}${unit}` : '';
  });
  return parts.join('') || '0s';
}

const times = (count: number) => (count === 1 ? t('backtest.once', 'once') : t('backtest.times', '{{n}} times', { n: number(count) }));

const isTested = ({ rests_on }: BacktestAlert) => rests_on === 'counted';

/** Those that page too often first, then those that page, then the others. */
export function testedAlerts({ alerts }: Backtest): BacktestAlert[] {
  const turn = ({ too_often, pages }: BacktestAlert) => (too_often ? 0 : pages > 0 ? 1 : 2);
  return alerts.filter(isTested).sort((a, b) => turn(a) - turn(b));
}

function headlineOf(answer: Backtest): { tone: Tone; headline: string } {
  const often = answer.alerts.filter((alert) => alert.too_often).length;
  if (answer.status === 'too_often') {
    const headline = often === 1 ? t('backtest.often-one', 'One alert pages too often') : t('backtest.often', '{{n}} alerts page too often', { n: number(often) });
    return { tone: 'often', headline };
  }
  return answer.status === 'seldom'
    ? { tone: 'seldom', headline: t('backtest.seldom', 'No alert that was tested pages too often') }
    : { tone: 'unknown', headline: t('backtest.unknown', 'No alert pages too often as far as is known') };
}

const names = (alerts: readonly BacktestAlert[]) => [...new Set(alerts.map(({ alert }) => alert))].join(', ');

function untestedLines({ alerts }: Backtest): string[] {
  const assumed = alerts.filter(({ rests_on }) => rests_on === 'assumed');
  const lacking = alerts.filter(({ rests_on }) => rests_on === 'no_series');
  const lines = [];
  if (assumed.length) {
    lines.push(t('backtest.assumed', 'Not tested: {{alerts}}. BeTrace and its watch are assumed to be well.', { ...PLAIN, alerts: names(assumed) }));
  }
  if (lacking.length) {
    lines.push(t('backtest.no-series', 'Not tested: {{alerts}}. What they look at is not there in a backtest.', { ...PLAIN, alerts: names(lacking) }));
    lacking.filter(({ not_there }) => not_there.some(({ counted }) => counted)).forEach((alert) =>
      lines.push(t('backtest.no-rule', '{{alert}} looks at {{selectors}}: no rule that was counted has it.', { ...PLAIN, alert: alert.alert, selectors: selectors(alert) }))
    );
  }
  return lines;
}

export function summaryOf(answer: Backtest, zone: string): Summary {
  const range = { ...PLAIN, start: formatTime(answer.start, zone), end: formatTime(answer.end, zone), rules: number(answer.rules.length), step: answer.step };
  const counted =
    answer.rules.length === 1
      ? t('backtest.counted-one', 'One rule was counted from {{start}} to {{end}}, in steps of {{step}}.', range)
      : t('backtest.counted', '{{rules}} rules were counted from {{start}} to {{end}}, in steps of {{step}}.', range);
  const notes = [counted];
  if (answer.not_counted) {
    notes.push(t('backtest.not-counted', 'Not counted in full: {{why}}. What was not counted is no silence.', { ...PLAIN, why: answer.not_counted }));
  }
  if (lacksTraces(answer)) {
    notes.push(t('coverage.sampling', 'Not all traces were kept: {{text}}.', { ...PLAIN, text: answer.sampling.text }));
  }
  return { ...headlineOf(answer), notes: [...notes, ...untestedLines(answer), ...answer.unexercised.map(({ message }) => message)] };
}

/** Whether something that it looks at is not there, was not counted, or could not be evaluated. */
const isKnown = ({ unknown, refused, not_there }: BacktestAlert) => unknown.length === 0 && refused === null && not_there.length === 0;

const selectors = ({ not_there }: BacktestAlert) => not_there.map(({ selector }) => selector).join(', ');

/** "5 pages, 35 a week, 2 at night; the longest fires for 10m" */
export function pagesInWords(alert: BacktestAlert): string {
  const { pages, pages_per_week, pages_at_night, firings, too_often } = alert;
  if (pages === 0) {
    return isKnown(alert) ? t('backtest.none', 'No page') : t('backtest.none-known', 'No page as far as is known');
  }
  const longest = Math.max(0, ...firings.map((firing) => firing.seconds));
  const values = { ...PLAIN, n: number(pages), week: number(Number(pages_per_week.toFixed(1))), night: number(pages_at_night), longest: seconds(longest) };
  const text =
    pages === 1
      ? t('backtest.page', '1 page, {{week}} a week, {{night}} at night; it fires for {{longest}}', values)
      : t('backtest.pages', '{{n}} pages, {{week}} a week, {{night}} at night; the longest fires for {{longest}}', values);
  return too_often ? t('backtest.too-often', '{{text}}: too often', { ...PLAIN, text }) : text;
}

/** What would make it page seldom enough, and what of it is not known. */
export function factsOf(alert: BacktestAlert, zone: string): string[] {
  const { suggestions, unknown, unknown_seconds, refused, too_often } = alert;
  const facts = [];
  if (suggestions.for) {
    facts.push(t('backtest.try-for', 'With for: {{wait}} it pages {{times}}.', { ...PLAIN, wait: suggestions.for.for, times: times(suggestions.for.pages) }));
  }
  if (suggestions.threshold) {
    const values = { ...PLAIN, instead: String(suggestions.threshold.instead), now: String(suggestions.threshold.now), times: times(suggestions.threshold.pages) };
    facts.push(t('backtest.try-threshold', 'With {{instead}} in place of {{now}} in its first comparison it pages {{times}}.', values));
  }
  if (too_often && facts.length === 0) {
    facts.push(t('backtest.no-suggestion', 'No other for and no other threshold that was tried makes it page seldom enough.'));
  }
  if (unknown.length) {
    const values = { ...PLAIN, long: seconds(unknown_seconds), from: formatTime(unknown[0].from, zone), until: formatTime(unknown[unknown.length - 1].until, zone) };
    facts.push(t('backtest.not-known', 'Not known for {{long}}, between {{from}} and {{until}}: what it looks at could not be counted then.', values));
  }
  if (alert.not_there.length) {
    facts.push(t('backtest.not-there', 'It looks at {{selectors}}, and this backtest has no such series.', { ...PLAIN, selectors: selectors(alert) }));
  }
  if (refused) {
    facts.push(t('backtest.refused', 'Prometheus refuses some of its evaluations: {{why}}.', { ...PLAIN, why: refused }));
  }
  return facts;
}

const SAID_ABOVE = ['alertname', 'job', 'instance'];

export const labelsInWords = (labels: Record<string, string>) =>
  Object.entries(labels)
    .filter(([name]) => !SAID_ABOVE.includes(name))
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
