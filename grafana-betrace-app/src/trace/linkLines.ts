/** Which spans of a linked trace are tied to which, in words. The service lists the first links of each trace, and older ones list none. No state. */
import { t } from '@grafana/i18n';

import type { SpanLink, TraceVerdicts } from '../api/types';
import { PLAIN } from '../i18n';
import { nameOfTrace, type LinkedFacts } from './linked';
import { nameOfEnd } from './selection';

export interface LinkLine {
  key: string;
  text: string;
  /** its spans as the selection names them; only one where the link names no other */
  ends: string[];
}

/** Names of spans by their ids, of each trace whose spans were read. */
export type NamesOfSpans = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Lines that are shown; how many more there are is said. */
export const LINES_SHOWN = 3;

/** Of two spans with one id the first. Spans that were not asked for have no names. */
export function namesOfSpans(spans: TraceVerdicts['spans']): Map<string, string> {
  const names = new Map<string, string>();
  spans?.forEach(({ span_id: id, name }) => names.has(id) || names.set(id, name));
  return names;
}

/** Without the zeros that ids may begin with: of those a part says nothing. */
function shortId(id: string): string {
  const digits = id.replace(/^0+(?=.)/, '');
  return digits.length > 8 ? `${digits.slice(0, 8)}…` : digits;
}

function spanText(names: NamesOfSpans, traceId: string, spanId: string, withId: boolean): string {
  const known = names.get(traceId)?.get(spanId);
  const id = shortId(spanId);
  if (known === undefined) {
    return t('trace.linked.span-id', 'span {{id}}', { ...PLAIN, id });
  }
  const name = known || t('trace.no-name', '(no name)');
  return withId ? t('trace.linked.span-and-id', '{{name}} ({{id}})', { ...PLAIN, name, id }) : name;
}

interface Words {
  names: NamesOfSpans;
  /** the trace that is looked at, and the linked one that the lines stand under: neither is named */
  isHere(traceId: string): boolean;
  traceText(traceId: string): string;
}

function lineText(link: SpanLink, { names, isHere, traceText }: Words, withIds: boolean): string {
  const from = spanText(names, link.from_trace_id, link.from_span_id, withIds);
  const trace = traceText(link.to_trace_id);
  if (link.to_span_id === null) {
    return t('trace.linked.link-to-trace', '{{from}} links to the trace {{trace}}', { ...PLAIN, from, trace });
  }
  const to = spanText(names, link.to_trace_id, link.to_span_id, withIds);
  return isHere(link.to_trace_id)
    ? t('trace.linked.link', '{{from}} links to {{to}}', { ...PLAIN, from, to })
    : t('trace.linked.link-in-trace', '{{from}} links to {{to}} in the trace {{trace}}', { ...PLAIN, from, to, trace });
}

function endsOf(link: SpanLink): string[] {
  const to = link.to_span_id === null ? [] : [nameOfEnd(link.to_trace_id, link.to_span_id)];
  return [nameOfEnd(link.from_trace_id, link.from_span_id), ...to];
}

/** Links with the same ends are one line. */
function linksByEnds(links: readonly SpanLink[]): Array<[string, SpanLink[]]> {
  const lines = new Map<string, SpanLink[]>();
  for (const link of links) {
    const key = JSON.stringify([link.from_trace_id, link.from_span_id, link.to_trace_id, link.to_span_id]);
    lines.set(key, [...(lines.get(key) ?? []), link]);
  }
  return [...lines];
}

/** The first lines under one linked trace, and how many links they do not tell. Lines that would read the same also say the ids. */
export function linkLines(facts: LinkedFacts, verdicts: TraceVerdicts, names: NamesOfSpans): { lines: LinkLine[]; left: number } {
  // undefined: of an older service
  const links: SpanLink[] = (facts as Partial<LinkedFacts>).links ?? [];
  const shown = linksByEnds(links).slice(0, LINES_SHOWN);
  const words: Words = {
    names,
    isHere: (id) => id === verdicts.trace_id || id === facts.trace_id,
    traceText: (id) => nameOfTrace([verdicts, ...verdicts.linked].find((one) => one.trace_id === id)) ?? shortId(id),
  };
  const texts = shown.map(([, [link]]) => lineText(link, words, false));
  const lines = shown.map(([key, [link]], i) => {
    const isAlone = texts.indexOf(texts[i]) === texts.lastIndexOf(texts[i]);
    return { key, text: isAlone ? texts[i] : lineText(link, words, true), ends: endsOf(link) };
  });
  const told = shown.reduce((sum, [, same]) => sum + same.length, 0);
  return { lines, left: links.length ? facts.link_count - told : 0 };
}
