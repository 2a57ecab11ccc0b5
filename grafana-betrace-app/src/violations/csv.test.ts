// Cells that spreadsheets would run, or that would end early.
import { csvCell, exportFileName, violationsToCsv } from './csv';

describe('cells', () => {
  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '  =cmd|x', '\n@x', '\uff1d1'])('makes text of the formula %j', (text) => {
    expect(csvCell(text).replace(/^"/, '')).toMatch(/^'/);
  });

  it('leaves other text alone', () => expect(['a=b', '1-2', 'x@y', ''].map(csvCell)).toEqual(['a=b', '1-2', 'x@y', '']));

  it('encloses what would end a cell', () => {
    expect(csvCell('a,b')).toBe('"a,b"');
    expect(csvCell('say "no"')).toBe('"say ""no"""');
    expect(csvCell('two\r\nlines')).toBe('"two\r\nlines"');
    expect(csvCell('=a"b')).toBe('"\'=a""b"');
  });

  it('writes lists with blanks and nothing for what is not known', () =>
    expect([csvCell(['a', 'b']), csvCell(null), csvCell(undefined), csvCell(false)]).toEqual(['a b', '', '', 'false']));
});

describe('files', () => {
  const violation = {
    id: 'i',
    time: '2026-11-20T10:00:00.000000001Z',
    severity: 'high',
    rule_id: 'r',
    rule_name: 'R, really',
    rule_version: 3,
    trace_id: 't',
    span_id: null,
    message: '=1',
    confirmed: 'batch',
  };

  it('has as many cells in each line', () => {
    const lines = violationsToCsv([violation]).split('\r\n');
    expect(lines[0].split(',')).toHaveLength(14);
    expect(lines[1]).toBe(`2026-11-20T10:00:00.000000001Z,high,r,"R, really",3,t,,,,,'=1,batch,,i`);
    expect(lines).toHaveLength(3);
  });

  it('is named by its range, and by what it lacks', () => {
    const range = { start: '2026-11-20T10:00:00.123Z', end: '2026-11-20T11:00:00Z' };
    expect(exportFileName(range, true, 'csv')).toBe('betrace-violations-20261120T100000-20261120T110000.csv');
    expect(exportFileName(range, false, 'json')).toMatch(/-not-complete\.json$/);
  });
});
