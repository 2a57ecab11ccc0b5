// What stands on the time line: where the two sides meet, where versions are first seen, and when each change began.
import type { Changes } from '../api/types';

export interface VersionMark {
  version: string;
  services: string[];
  /** milliseconds */
  first: number;
}

export interface ChangeMark {
  /** its place in the list, from 1 */
  number: number;
  from: number;
  until: number;
}

export interface TimelineMarks {
  start: number;
  end: number;
  /** where the candidate begins; null: the sides are of one time */
  boundary: number | null;
  versions: VersionMark[];
  changes: ChangeMark[];
}

/** Services that get a version within so much of the range get it together. */
const TOGETHER = 0.02;

/** A version is new to a service that showed another one before. */
function newVersions({ versions }: Changes, width: number): VersionMark[] {
  const known = new Set<string>();
  const marks: VersionMark[] = [];
  versions.forEach(({ service, version, first }) => {
    const at = Date.parse(first);
    const isNew = known.has(service);
    known.add(service);
    if (!isNew) {
      return;
    }
    const same = marks.find((mark) => mark.version === version && at - mark.first <= width * TOGETHER);
    if (same) {
      same.services.push(service);
    } else {
      marks.push({ version, services: [service], first: at });
    }
  });
  return marks;
}

export function timelineMarks(answer: Changes): TimelineMarks | null {
  const { baseline, candidate } = answer.sides;
  const start = Math.min(Date.parse(baseline.start), Date.parse(candidate.start));
  const end = Math.max(Date.parse(baseline.end), Date.parse(candidate.end));
  if (!(end > start)) {
    return null;
  }
  const isSplit = Date.parse(candidate.start) >= Date.parse(baseline.end) && Date.parse(candidate.start) > start;
  const changes = answer.changes.flatMap(({ since }, index) =>
    since ? [{ number: index + 1, from: Date.parse(since.from), until: Date.parse(since.until) }] : []
  );
  return { start, end, boundary: isSplit ? Date.parse(candidate.start) : null, versions: newVersions(answer, end - start), changes };
}
