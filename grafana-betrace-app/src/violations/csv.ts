/**
 * Violations as a file for spreadsheets and programs. Names and messages come from whoever sends spans, so a cell that a spreadsheet would take for a
 * formula is made text. No state.
 */

/** What is written of a violation (openapi.yaml, Violation). */
export interface ExportedViolation {
  id: string;
  time: string;
  severity: string;
  rule_id: string;
  rule_name: string;
  rule_version: number;
  trace_id: string;
  span_id: string | null;
  root_service?: string;
  root_name?: string;
  services?: readonly string[];
  message: string;
  confirmed: string;
  provisional?: boolean;
}

const COLUMNS = [
  'time',
  'severity',
  'rule_id',
  'rule_name',
  'rule_version',
  'trace_id',
  'span_id',
  'root_service',
  'root_name',
  'services',
  'message',
  'confirmed',
  'provisional',
  'id',
] as const satisfies ReadonlyArray<keyof ExportedViolation>;

/** Spreadsheets run what begins so, also behind blanks, and in the wide forms of East Asian keyboards. */
const FORMULA = /^[\s\u0000]*[=+\-@\uff0b\uff0d\uff1d\uff20]|^[\t\r]/;

/** One cell: a formula becomes text by an apostrophe; quotes, commas and line ends are enclosed. */
export function csvCell(value: unknown): string {
  const text = value === null || value === undefined ? '' : Array.isArray(value) ? value.join(' ') : String(value);
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n;\t]/.test(safe) || safe !== safe.trim() ? `"${safe.replace(/"/g, '""')}"` : safe;
}

/** RFC 4180, with a line of names. */
export function violationsToCsv(violations: readonly ExportedViolation[]): string {
  const lines = [COLUMNS.join(','), ...violations.map((violation) => COLUMNS.map((column) => csvCell(violation[column])).join(','))];
  return `${lines.join('\r\n')}\r\n`;
}

/** A name that says when and whether the list is whole. */
export function exportFileName(range: { start: string; end: string }, isWhole: boolean, extension: 'csv' | 'json'): string {
  const short = (time: string) => time.replace(/\..*$/, '').replace(/[^0-9T]/g, '');
  return `betrace-violations-${short(range.start)}-${short(range.end)}${isWhole ? '' : '-not-complete'}.${extension}`;
}
