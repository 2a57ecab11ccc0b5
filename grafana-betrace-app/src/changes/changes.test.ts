// What changed in words, as marks, and as a question.
import { change, changesAnswer } from '../test/changesFixtures';
import { makeTimeRange, type UrlTimeRange } from '../routing/timeRange';
import { leftOut, marksInWords, percent, shareInWords, sinceInWords, summaryOf } from './changeWords';
import { timelineMarks } from './marks';
import { changesQuery, proposedMoment, readMoment, showMoment } from './question';

describe('words', () => {
  it('have three digits that count, and 100 % for all alone', () => {
    expect([1, 0.7173, 0.0005, 0, 0.99996].map(percent)).toEqual(['100', '71.7', '0.05', '0', '> 99.9']);
    expect(shareInWords(change().after)).toBe('71.7 % of 1,500 traces (95 %: 69.4 to 74)');
  });

  it('say when it began as far as it is known, and nothing of sides of one time', () => {
    expect(sinceInWords(change(), 'utc')).toBe('It began between 2026-03-10 06:01:28 and 2026-03-10 06:13:24');
    expect(sinceInWords(change({ since: null }), 'utc')).toBeNull();
  });

  it('tell "all" from "nearly all"', () => {
    expect(marksInWords(change())).toBe('All that are not as before have service.version 1.4.3, cloud.region eu-west-1');
    expect(marksInWords(change({ marks: [{ key: 'tenant', value: 'a/b', share: 0.97 }] }))).toBe('Nearly all that are not as before have tenant a/b');
    expect(marksInWords(change({ marks: [] }))).toBeNull();
  });

  it('never call what is unknown unchanged', () => {
    const { tone, headline, notes } = summaryOf(changesAnswer({ status: 'unknown', reason: 'the baseline has too few traces', changes: [] }), 'utc');
    expect([tone, headline]).toEqual(['unknown', 'Nothing can be said about what changed']);
    expect(notes[0]).toBe('The baseline has too few traces. This does not say that nothing changed.');
  });

  it('say how many traces would have been told where nothing changed', () => {
    const { tone, notes } = summaryOf(changesAnswer({ status: 'as_before', changes: [] }), 'utc');
    expect(tone).toBe('same');
    expect(notes[0]).toContain('If 7 traces of after broke one that all keep, it would be told; fewer may have.');
  });

  it('say what both sides were made to have', () => {
    const { notes } = summaryOf(changesAnswer({ matched: [{ key: 'resource.cloud.region', value: 'eu-west-1', share: 0.3382 }] }), 'utc');
    expect(notes).toContain('All traces of after have cloud.region eu-west-1: so have the 33.8 % of those of before that are compared.');
  });

  it('name what is left out, with numbers, and nothing else', () => {
    expect(leftOut(changesAnswer())).toEqual([]);
    const sampling = { known: 'by_chance' as const, declared: '10%', text: 'traces are a 10 % sample' };
    expect(leftOut(changesAnswer({ traces_too_large: 1200, not_read: 'no answer', sampling }))).toEqual([
      'Traces of more than 512 spans: 1,200',
      'A part of the range was not read: no answer',
      'Not all traces were kept: traces are a 10 % sample.',
    ]);
  });
});

describe('marks', () => {
  it('are of versions that are new to a service, together where they came together', () => {
    const { versions, boundary, changes } = timelineMarks(changesAnswer())!;
    expect(versions).toEqual([{ version: '1.4.3', services: ['shop', 'stock'], first: Date.parse('2026-03-10T06:01:50Z') }]);
    expect(boundary).toBe(Date.parse('2026-03-10T06:00:00Z'));
    expect(changes).toEqual([{ number: 1, from: Date.parse('2026-03-10T06:01:28Z'), until: Date.parse('2026-03-10T06:13:24Z') }]);
  });

  it('have no boundary between sides of one time', () => {
    const both = { start: '2026-03-09T12:00:00Z', end: '2026-03-10T12:00:00Z', having: 'service.version=1' };
    const marks = timelineMarks(changesAnswer({ sides: { baseline: both, candidate: both }, changes: [change({ since: null })] }))!;
    expect([marks.boundary, marks.changes]).toEqual([null, []]);
  });
});

describe('the question', () => {
  const range = (from: string, to: string): UrlTimeRange => ({ from, to, range: makeTimeRange(from, to), start: from, end: to, set: () => undefined });
  const none = { by: 'moment' as const, at: '', baseline: '', candidate: '' };

  it('is none before somebody said what to compare', () => {
    expect(changesQuery(none, range('now-24h', 'now'))).toBeNull();
    expect(changesQuery({ ...none, by: 'versions', baseline: '1' }, range('now-24h', 'now'))).toBeNull();
  });

  it('is a moment, or versions', () => {
    expect(changesQuery({ ...none, at: 'now-1h' }, range('now-24h', 'now'))).toEqual({ start: 'now-24h', end: 'now', around: 'now-1h' });
    expect(changesQuery({ by: 'versions', at: 'now-1h', baseline: '', candidate: '2' }, range('now-24h', 'now'))).toEqual({
      start: 'now-24h',
      end: 'now',
      candidate: 'service.version=2',
    });
  });

  it('reads a time in the zone in which times are shown, and shows it so', () => {
    expect(readMoment('2026-03-10 06:00:00', 'utc')).toBe('2026-03-10T06:00:00.000Z');
    expect(readMoment('2026-03-10 06:00', 'Asia/Tokyo')).toBe('2026-03-09T21:00:00.000Z');
    expect(readMoment('2026-03-10T06:00:00Z', 'Asia/Tokyo')).toBe('2026-03-10T06:00:00.000Z');
    expect(readMoment(' now-1h ', 'utc')).toBe('now-1h');
    expect([readMoment('yesterday', 'utc'), readMoment('2026-33-10 06:00', 'utc')]).toEqual([null, null]);
    expect(showMoment('2026-03-09T21:00:00.000Z', 'Asia/Tokyo')).toBe('2026-03-10 06:00:00');
  });

  it('proposes the last hour, or the middle of a range of the past', () => {
    expect(proposedMoment(range('now-24h', 'now'))).toBe('now-1h');
    expect(proposedMoment(range('2026-03-09T12:00:00Z', '2026-03-10T12:00:00Z'))).toBe('2026-03-10T00:00:00.000Z');
  });
});
