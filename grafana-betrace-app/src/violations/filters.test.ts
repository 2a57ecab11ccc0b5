// Filters in the URL and the questions that follow from them.
import { isNarrowed, isWiderThanList, listQuery, NO_FILTERS, seriesQuery, VIOLATION_PARAMETERS, type ViolationFilters } from './filters';

const NONE: ViolationFilters = { ...NO_FILTERS, order: 'newest', view: 'list' };
const FULL: ViolationFilters = {
  rule: ['a', 'b.c-d'],
  severity: 'high',
  service: 'shop & co',
  framework: 'SOC2',
  trace: 'beef',
  order: 'oldest',
  view: 'problems',
};
const RANGE = { start: 'now-6h', end: 'now' };

function read(query: string): ViolationFilters {
  const values = new URLSearchParams(query);
  return Object.fromEntries(
    Object.entries(VIOLATION_PARAMETERS).map(([name, parameter]) => [name, parameter.read(values.getAll(name))])
  ) as never;
}

function written(filters: ViolationFilters): string {
  const values = new URLSearchParams();
  Object.entries(VIOLATION_PARAMETERS).forEach(([name, parameter]) =>
    parameter.write(filters[name as never] as never).forEach((value) => values.append(name, value))
  );
  return values.toString();
}

describe('URL', () => {
  it('gives back what was put in', () => expect(read(written(FULL))).toEqual(FULL));

  it('says nothing of what does not narrow', () => {
    expect(written(NONE)).toBe('');
    expect(read('')).toEqual(NONE);
  });

  it('leaves out what cannot be meant', () =>
    expect(read('severity=awful&trace=xyz&order=best&rule=..%2Fx&rule=ok&rule=ok')).toEqual({ ...NONE, rule: ['ok'] }));

  it('reads trace ids in capitals', () => expect(read('trace=BEEF ')).toMatchObject({ trace: 'beef' }));
});

describe('questions', () => {
  it('asks for everything that narrows', () => {
    expect(listQuery(FULL, RANGE)).toEqual({
      ...RANGE,
      timeout: '5s',
      order: 'oldest',
      rule_id: ['a', 'b.c-d'],
      severity: 'high',
      service: 'shop & co',
      framework: 'SOC2',
      trace_id: 'beef',
    });
    expect(listQuery(NONE, RANGE)).toEqual({ ...RANGE, timeout: '5s', order: 'newest' });
  });

  it('asks series only for what they know, and says that it did', () => {
    expect(seriesQuery(FULL, RANGE, 60)).toEqual({ ...RANGE, step: '60s', timeout: '5s', shadow: true, rule_id: ['a', 'b.c-d'], severity: 'high', framework: 'SOC2' });
    expect([FULL, NONE].map(isWiderThanList)).toEqual([true, false]);
  });

  it('knows whether anything narrows', () => {
    expect(isNarrowed({ ...NONE, order: 'oldest' })).toBe(false);
    expect(isNarrowed({ ...NONE, service: 'x' })).toBe(true);
  });
});
