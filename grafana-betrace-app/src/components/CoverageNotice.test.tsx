// What coverage is said to mean, above all where nothing was found.
import { screen } from '@testing-library/react';
import { coverage } from '../test/fixtures';
import { render } from '../test/render';
import { coverageFacts, CoverageNotice } from './CoverageNotice';

const window = { start: '2026-11-20T12:10:00Z', end: '2026-11-20T12:20:00Z' };

it('says that everything was read only when the service says so', () => {
  expect(coverageFacts(coverage(), 'utc')).toEqual({ state: 'complete', lines: [] });
  expect(coverageFacts(coverage({ complete: false }), 'utc').state).toBe('incomplete');
});

it('names what was not read, and why', () => {
  const { lines } = coverageFacts(
    coverage({ complete: false, windows_failed: [{ ...window, reason: 'Tempo answered 500' }] }),
    'utc',
    'tempo_error: it failed'
  );
  expect(lines).toEqual(['tempo_error: it failed', 'Not read: 2026-11-20 12:10:00 to 2026-11-20 12:20:00. Tempo answered 500']);
});

it('does not take kept traces for all', () => {
  const sampling = { known: 'by_chance' as const, declared: null, text: 'traces are a 10 % sample, as 8 traces say that were read whole' };
  expect(coverageFacts(coverage({ sampling }), 'utc')).toEqual({ state: 'kept', lines: [`Not all traces were kept: ${sampling.text}.`] });
  expect(coverageFacts(coverage({ sampling, complete: false }), 'utc').state).toBe('incomplete');
  expect(coverageFacts(coverage({ sampling: { known: 'all', declared: 'none', text: '' } }), 'utc')).toEqual({ state: 'complete', lines: [] });
  expect(coverageFacts(coverage({ sampling: undefined }), 'utc').state).toBe('complete'); // a service of before
});

it('does not take a range without traces for one without violations', () => {
  const empty = [
    { start: '2026-11-20T12:30:00Z', end: '2026-11-20T13:00:00Z' },
    { start: '2026-11-20T12:00:00Z', end: '2026-11-20T12:30:00Z' },
  ];
  expect(coverageFacts(coverage({ windows_empty: empty, complete: false }), 'utc').state).toBe('no_data');
  // a gap between them: something was there
  expect(coverageFacts(coverage({ windows_empty: [window] }), 'utc').state).toBe('complete');
});

it('says where the data begins and where the tail is not settled', () => {
  const { lines } = coverageFacts(coverage({ data_from: '2026-11-20T12:40:00Z', effective_end: '2026-11-20T12:58:00Z' }), 'utc');
  expect(lines[0]).toContain('from before 2026-11-20 12:40:00');
  expect(lines[1]).toContain('After 2026-11-20 12:58:00');
  expect(lines[1]).toContain('settle 2m');
});

it('says what the source may have taken away', () =>
  expect(coverageFacts(coverage({ kept_from: '2026-11-20T12:29:00Z', redacted_at: '2026-11-20T12:31:00Z' }), 'utc').lines).toEqual([
    'The retention of the source may have deleted traces from before 2026-11-20 12:29:00.',
    'Some traces were redacted in the source, last at 2026-11-20 12:31:00: it does not say which.',
  ]));

it('says from where on late spans may be hidden', () =>
  expect(coverageFacts(coverage({ provisional_from: '2026-11-20T12:29:00Z' }), 'utc').lines).toEqual([
    'After 2026-11-20 12:29:00 Tempo may still hide spans that came late: what is counted there is provisional.',
  ]));

const UNCHECKED = 'not among the versions that were checked (2.8, 2.10, 3.0, 3.1)';

it('names a version of Tempo that was not checked, and no other', () => {
  const lines = (version: string | null, note?: string) => coverageFacts(coverage({ source: { kind: 'tempo', version, checked: !note, note } }), 'utc').lines;
  expect(lines('3.0.3')).toEqual([]);
  expect(lines('3.1.0', UNCHECKED)).toEqual([`Tempo 3.1.0 is ${UNCHECKED}. Of such a version every candidate is read.`]);
  expect(lines(null, `${UNCHECKED}: GET /api/status/buildinfo was answered 403`)).toEqual([
    `Tempo is ${UNCHECKED}: GET /api/status/buildinfo was answered 403. Of such a version every candidate is read.`,
  ]);
  expect(coverageFacts(coverage({ source: null }), 'utc').lines).toEqual([]);
});

it('says on which earlier comparisons an answer rests', () => {
  const own = { here: 8, before: 0, oldest: null, newest: null };
  expect(coverageFacts(coverage({ compared: own }), 'utc').lines).toEqual([]);
  const shared = { here: 1, before: 27, oldest: '2026-11-20T11:00:00Z', newest: '2026-11-20T12:00:00Z' };
  expect(coverageFacts(coverage({ compared: shared }), 'utc').lines).toEqual([
    'Violations that were held against a read by id: 1 now, 27 by replays before, since 2026-11-20 11:00:00.',
  ]);
});

it('names at most five windows and counts the rest', () => {
  const failed = Array.from({ length: 7 }, () => ({ ...window, reason: 'timeout' }));
  expect(coverageFacts(coverage({ complete: false, windows_failed: failed }), 'utc').lines[0]).toContain('and 2 more');
});

it('warns in the page when something is missing, and is quiet else', () => {
  render(<CoverageNotice coverage={coverage({ complete: false })} />);
  expect(screen.getByTestId('coverage-incomplete')).toHaveTextContent('There may be violations that are not shown');
  render(<CoverageNotice coverage={coverage()} />);
  expect(screen.getByTestId('coverage-complete')).toHaveTextContent('Everything was read');
  const sampling = { known: 'by_chance' as const, declared: null, text: 'traces are a 10 % sample' };
  render(<CoverageNotice coverage={coverage({ sampling })} />);
  expect(screen.getByTestId('coverage-kept')).toHaveTextContent('There may be violations in those that were not kept');
  expect(screen.getByTestId('coverage-kept')).toHaveAttribute('data-state', 'partial');
  expect(render(<CoverageNotice coverage={null} />).container).toBeEmptyDOMElement();
});
