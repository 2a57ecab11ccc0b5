// What changed, in words. No data and too few traces are said as such: never as "nothing changed".
import { t } from '@grafana/i18n';
import type { Change, Changes } from '../api/types';
import { lacksTraces } from '../components/CoverageNotice';
import { formatTime } from '../components/TimeText';
import { PLAIN } from '../i18n';

export type Tone = 'changed' | 'same' | 'unknown';

export interface Summary {
  tone: Tone;
  headline: string;
  notes: string[];
}

/** "71.7", "0.05", "100": three digits that count, and 100 for all of them alone. */
export function percent(share: number): string {
  const value = share * 100;
  const text = String(Number(value.toPrecision(3)));
  return text === '100' && value < 100 ? '> 99.9' : text;
}

export const number = (value: number) => value.toLocaleString();

/** "71.7 % of 1,500 traces (95 %: 69.4 to 74)" */
export function shareInWords({ share, traces, low, high }: Change['after']): string {
  const values = { ...PLAIN, share: percent(share), traces: number(traces), low: percent(low), high: percent(high) };
  return t('changes.share', '{{share}} % of {{traces}} traces (95 %: {{low}} to {{high}})', values);
}

/** When it began, as far as it is known; null where both sides are of one time. */
export function sinceInWords({ since }: Change, zone: string): string | null {
  if (!since) {
    return null;
  }
  const values = { ...PLAIN, until: formatTime(since.until, zone), from: formatTime(since.from, zone) };
  return values.from === values.until
    ? t('changes.since', 'It began at {{until}}', values)
    : t('changes.since-between', 'It began between {{from}} and {{until}}', values);
}

const attribute = (key: string) => key.replace(/^resource\./, '');

/** What the traces have in common that are not as before. */
export function marksInWords({ marks }: Change): string | null {
  if (!marks.length) {
    return null;
  }
  const values = { ...PLAIN, marks: marks.map(({ key, value }) => `${attribute(key)} ${value}`).join(', ') };
  return marks.every(({ share }) => share >= 1)
    ? t('changes.marks-all', 'All that are not as before have {{marks}}', values)
    : t('changes.marks-nearly', 'Nearly all that are not as before have {{marks}}', values);
}

function sidesLine({ sides, baseline_traces, candidate_traces }: Changes, zone: string): string {
  const of = ({ start, end, having }: Changes['sides']['baseline']) => {
    const range = t('coverage.range', '{{start}} to {{end}}', { start: formatTime(start, zone), end: formatTime(end, zone) });
    return having ? `${having}, ${range}` : range;
  };
  return t('changes.sides', 'Traces of before: {{before}} ({{baseline}}); of after: {{after}} ({{candidate}}).', {
    ...PLAIN,
    before: number(baseline_traces),
    after: number(candidate_traces),
    baseline: of(sides.baseline),
    candidate: of(sides.candidate),
  });
}

function matchedLines({ matched }: Changes): string[] {
  return matched.map(({ key, value, share }) =>
    t('changes.matched', 'All traces of after have {{key}} {{value}}: so have the {{share}} % of those of before that are compared.', {
      ...PLAIN,
      key: attribute(key),
      value,
      share: percent(share),
    })
  );
}

export function summaryOf(answer: Changes, zone: string): Summary {
  const { changes, unchanged, behaviours, least_seen, chance_of_any } = answer;
  const about = [sidesLine(answer, zone), ...matchedLines(answer)];
  if (answer.status === 'unknown') {
    const notes = [
      t('changes.unknown-why', '{{reason}}. This does not say that nothing changed.', { ...PLAIN, reason: capital(answer.reason ?? '') }),
      ...about,
    ];
    return { tone: 'unknown', headline: t('changes.unknown', 'Nothing can be said about what changed'), notes };
  }
  if (answer.status === 'as_before') {
    const values = { behaviours: number(behaviours), least: number(least_seen) };
    const notes = [
      t('changes.same-why', '{{behaviours}} behaviours were compared. If {{least}} traces of after broke one that all keep, it would be told; fewer may have.', values),
      ...about,
    ];
    return { tone: 'same', headline: t('changes.same', 'Nothing changed that so many traces show'), notes };
  }
  const values = { unchanged: number(unchanged), chance: percent(chance_of_any) };
  const notes = [
    t('changes.changed-why', '{{unchanged}} behaviours are as before. The chance that any of these is chance is at most {{chance}} %.', values),
    ...about,
  ];
  const headline =
    changes.length === 1 ? t('changes.changed-one', 'One thing changed') : t('changes.changed', '{{n}} things changed', { n: number(changes.length) });
  return { tone: 'changed', headline, notes };
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** What no line speaks about, each with its number. */
export function leftOut(answer: Changes): string[] {
  const counted: Array<[number, string]> = [
    [answer.traces_incomplete, t('changes.left.incomplete', 'Traces that lack spans, times or attributes')],
    [answer.traces_too_large, t('changes.left.large', 'Traces of more than 512 spans')],
    [answer.traces_not_read, t('changes.left.unread', 'Traces that could not be read')],
    [answer.spans_not_named, t('changes.left.names', 'Spans of names beyond the first 256')],
    [answer.attributes_drifting, t('changes.left.drifting', 'Attributes whose numbers drift within the baseline, as ids do')],
    [answer.behaviours_beyond, t('changes.left.behaviours', 'Behaviours beyond the most that are compared')],
  ];
  const lines = counted.filter(([count]) => count > 0).map(([count, what]) => `${what}: ${number(count)}`);
  if (answer.not_read) {
    lines.push(t('changes.left.part', 'A part of the range was not read: {{why}}', { ...PLAIN, why: answer.not_read }));
  }
  if (lacksTraces(answer)) {
    lines.push(t('coverage.sampling', 'Not all traces were kept: {{text}}.', { ...PLAIN, text: answer.sampling.text }));
  }
  return lines;
}
