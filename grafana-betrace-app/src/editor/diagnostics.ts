// Diagnostics of the service as Monaco's markers and quick fixes. Bytes of UTF-8 there, UTF-16 units here.
import type { monacoTypes } from '@grafana/ui';
import type { DataNote, Diagnostic } from '../api/problem';

/** monaco.MarkerSeverity, which is a value and so cannot be imported here. */
const MARKER_ERROR = 8;
const MARKER_WARNING = 4;
const MARKER_INFO = 2;

/** How many UTF-16 units the first `bytes` bytes of a text are. In the middle of a character: to its end. */
export function utf16Offset(text: string, bytes: number): number {
  let units = 0;
  let seen = 0;
  for (const character of text) {
    if (seen >= bytes) {
      break;
    }
    const code = character.codePointAt(0) ?? 0;
    seen += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    units += character.length;
  }
  return units;
}

export function markersOf(diagnostics: Diagnostic[]): monacoTypes.editor.IMarkerData[] {
  return diagnostics.map(({ code, severity, message, line, column, position }) => {
    const startColumn = position?.start_column ?? column;
    const startLineNumber = position?.start_line ?? line;
    const endLineNumber = position?.end_line ?? line;
    const endColumn = position?.end_column ?? column + 1;
    const empty = endLineNumber === startLineNumber && endColumn <= startColumn;
    return {
      code,
      message,
      source: 'BeTraceDSL',
      severity: severity === 'error' ? MARKER_ERROR : MARKER_WARNING,
      startLineNumber,
      startColumn,
      endLineNumber,
      // a place between two characters still needs something to underline
      endColumn: empty ? startColumn + 1 : endColumn,
    };
  });
}

/** Line and column, from 1, of a byte of the text. */
function placeOf(text: string, bytes: number) {
  const before = text.slice(0, utf16Offset(text, bytes)).split('\n');
  return { line: before.length, column: before[before.length - 1].length + 1 };
}

/** What the text met in data, below what is wrong with it. */
export function noteMarkersOf(text: string, notes: DataNote[]): monacoTypes.editor.IMarkerData[] {
  return notes.map(({ message, range }) => {
    const start = placeOf(text, range.start);
    const end = placeOf(text, range.end);
    return {
      message,
      source: 'BeTraceDSL',
      severity: MARKER_INFO,
      startLineNumber: start.line,
      startColumn: start.column,
      endLineNumber: end.line,
      endColumn: end.column,
    };
  });
}

/** The text with the fix of a diagnostic in it. */
export function applyFix(text: string, fix: NonNullable<Diagnostic['fix']>): string {
  return text.slice(0, utf16Offset(text, fix.range.start)) + fix.text + text.slice(utf16Offset(text, fix.range.end));
}
