// A range of time as the URL has it (`from=now-24h&to=now`, or absolute) and as the service reads it.
import { dateMath, dateTime, type RawTimeRange, type TimeRange } from '@grafana/data';
import { useCallback, useMemo } from 'react';
import { param, useUrlState } from './useUrlState';

export interface UrlTimeRange {
  /** as in the URL */
  from: string;
  to: string;
  /** for TimeRangePicker */
  range: TimeRange;
  /** for the service; relative ends stay relative, so equal questions have equal keys */
  start: string;
  end: string;
  set(from: string, to: string): void;
}

// What api.md knows as relative; Grafana knows more (now/d), which is made absolute here.
const SERVICE_RELATIVE = /^now(-\d+(ms|s|m|h|d))?$/;

const ISO_LIKE = /^\d{4}-\d\d-\d\d/;

function isEpochMs(text: string): boolean {
  return /^\d{12,}$/.test(text);
}

/** A moment of the URL; null where it says nothing that can be read. */
export function parseMoment(text: string, roundUp = false) {
  if (text.startsWith('now')) {
    return dateMath.toDateTime(text, { roundUp }) ?? null;
  }
  if (isEpochMs(text)) {
    return dateTime(Number(text));
  }
  const moment = ISO_LIKE.test(text) ? dateTime(text) : null;
  return moment?.isValid() ? moment : null;
}

export function serviceTime(text: string, roundUp = false): string {
  if (SERVICE_RELATIVE.test(text)) {
    return text;
  }
  const moment = parseMoment(text, roundUp);
  return moment ? moment.toISOString() : text;
}

/** As it goes into the URL: relative text as it is, absolute as ISO, readable by people and by Grafana. */
export function urlMoment(value: RawTimeRange['from']): string {
  return typeof value === 'string' ? value : value.toISOString();
}

export function makeTimeRange(from: string, to: string): TimeRange {
  const now = dateTime();
  const start = parseMoment(from) ?? dateTime(now).subtract(24, 'hours');
  const end = parseMoment(to, true) ?? now;
  const raw = (text: string, moment: typeof now) => (text.startsWith('now') ? text : moment);
  return { from: start, to: end, raw: { from: raw(from, start), to: raw(to, end) } };
}

const parameters = new Map<string, { from: ReturnType<typeof param.text>; to: ReturnType<typeof param.text> }>();

function parametersFor(fallback: string) {
  const known = parameters.get(fallback) ?? { from: param.text(fallback), to: param.text('now') };
  parameters.set(fallback, known);
  return known;
}

/** The range of this page; `fallback` is its start where the URL says none. */
export function useUrlTimeRange(fallback = 'now-24h'): UrlTimeRange {
  const [{ from, to }, setState] = useUrlState(parametersFor(fallback));
  const set = useCallback((nextFrom: string, nextTo: string) => setState({ from: nextFrom, to: nextTo }), [setState]);
  return useMemo(
    () => ({ from, to, range: makeTimeRange(from, to), start: serviceTime(from), end: serviceTime(to, true), set }),
    [from, to, set]
  );
}
