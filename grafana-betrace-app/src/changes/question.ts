// What is compared with what: as the URL has it, and as the service is asked.
import { dateTimeFormat, dateTimeParse } from '@grafana/data';
import type { ChangesQuery } from '../api/changes';
import { serviceTime, type UrlTimeRange } from '../routing/timeRange';
import { param } from '../routing/useUrlState';

export const KINDS = ['moment', 'versions'] as const;

export interface Question {
  by: (typeof KINDS)[number];
  /** relative, or ISO */
  at: string;
  baseline: string;
  candidate: string;
}

export const QUESTION = { by: param.choice(KINDS, 'moment'), at: param.text(), baseline: param.text(), candidate: param.text() };

const side = (version: string) => `service.version=${version}`;

/** Null as long as nobody said what to compare. */
export function changesQuery({ by, at, baseline, candidate }: Question, { start, end }: UrlTimeRange): ChangesQuery | null {
  if (by === 'moment') {
    return at ? { start, end, around: serviceTime(at) } : null;
  }
  return candidate ? { start, end, candidate: side(candidate), ...(baseline ? { baseline: side(baseline) } : {}) } : null;
}

const FORMAT = 'YYYY-MM-DD HH:mm:ss';
const RELATIVE = /^now-\d+(ms|s|m|h|d)$/;

/** A moment as somebody types it, in the zone that times are shown in: for the URL; null where it is none. */
export function readMoment(text: string, timeZone: string): string | null {
  const trimmed = text.trim();
  if (RELATIVE.test(trimmed)) {
    return trimmed;
  }
  if (!/^\d{4}-\d\d-\d\d/.test(trimmed)) {
    return null;
  }
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/i.test(trimmed);
  const moment = hasZone ? new Date(trimmed) : dateTimeParse(trimmed.replace('T', ' '), { timeZone }).toDate();
  return Number.isNaN(moment.valueOf()) ? null : moment.toISOString();
}

export function showMoment(at: string, timeZone: string): string {
  return at === '' || RELATIVE.test(at) ? at : dateTimeFormat(at, { timeZone, format: FORMAT });
}

/** What is proposed: an hour ago where the range reaches up to now, else its middle. */
export function proposedMoment({ from, to, range }: UrlTimeRange): string {
  const length = range.to.valueOf() - range.from.valueOf();
  return to === 'now' && from.startsWith('now') && length > 7_200_000 ? 'now-1h' : new Date(range.from.valueOf() + length / 2).toISOString();
}
