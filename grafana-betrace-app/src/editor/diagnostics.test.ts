// Bytes of the service against UTF-16 units of editors, markers and fixes.
import type { Diagnostic } from '../api/problem';
import { applyFix, markersOf, noteMarkersOf, utf16Offset } from './diagnostics';

const diagnostic = (change: Partial<Diagnostic> = {}): Diagnostic => ({
  code: 'E010',
  severity: 'error',
  message: 'expected }',
  line: 1,
  column: 3,
  range: { start: 2, end: 5 },
  ...change,
});

it.each([
  ['abc', 2, 2],
  // é is two bytes and one unit, € three and one, 😀 four and two
  ['é€😀x', 2, 1],
  ['é€😀x', 5, 2],
  ['é€😀x', 9, 4],
  ['é€😀x', 10, 5],
  ['ab', 99, 2],
  // inside of a character: its end
  ['😀x', 1, 2],
])('%s: byte %d is unit %d', (text, bytes, units) => {
  expect(utf16Offset(text, bytes)).toBe(units);
});

it('marks where the service says, as editors count', () => {
  const position = { start_line: 2, start_column: 4, end_line: 2, end_column: 9 };
  expect(markersOf([diagnostic({ position })])[0]).toMatchObject({ startLineNumber: 2, startColumn: 4, endColumn: 9, severity: 8, code: 'E010' });
  expect(markersOf([diagnostic({ severity: 'warning' })])[0]).toMatchObject({ startLineNumber: 1, startColumn: 3, severity: 4 });
});

it('underlines something where the place is between two characters', () => {
  const position = { start_line: 1, start_column: 7, end_line: 1, end_column: 7 };
  expect(markersOf([diagnostic({ position })])[0].endColumn).toBe(8);
});

it('marks what was met in data as information, where the bytes are', () => {
  const notes = [{ message: 'amount was a string', range: { start: 10, end: 16 } }];
  expect(noteMarkersOf('"é€"\n  amount > 5', notes)).toMatchObject([
    { message: 'amount was a string', severity: 2, startLineNumber: 2, startColumn: 3, endLineNumber: 2, endColumn: 9 },
  ]);
});

it('applies a fix to bytes of the text', () => {
  expect(applyFix('"é" afetr x', { range: { start: 5, end: 10 }, text: 'after' })).toBe('"é" after x');
});
