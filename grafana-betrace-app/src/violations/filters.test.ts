// Filters in the URL and the questions that follow from them.
import { chosenCount, isNarrowed, isWiderThanList, keepingView, listQuery, NO_FILTERS, rowsQuery, seriesQuery, VIOLATION_PARAMETERS, viewOf, type ViolationFilters } from './filters';

const NONE: ViolationFilters = { ...NO_FILTERS, order: 'newest', view: '' };
const FULL: ViolationFilters = {
  rule: ['a', 'b.c-d'],
  severity: 'high',
  service: 'shop & co',
  framework: 'SOC2',
  trace: 'beef',
  order: 'oldest',
  view: 'problems',
  problem: '0123456789abcdef',
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
    expect(read('severity=awful&trace=xyz&order=best&rule=..%2Fx&rule=ok&rule=ok&view=x&problem=0123')).toEqual({ ...NONE, rule: ['ok'] }));

  it('reads trace ids in capitals', () => expect(read('trace=BEEF ')).toMatchObject({ trace: 'beef' }));
});

describe('the view', () => {
  it.each([
    ['', 'problems'],
    ['rule=a&severity=high&framework=SOC2', 'problems'],
    ['problem=0123456789abcdef', 'problems'],
    ['trace=beef', 'list'],
    ['service=shop', 'list'],
    ['order=oldest', 'list'],
    ['view=list', 'list'],
    ['view=problems&service=shop', 'problems'],
  ])('of %s is %s', (query, view) => expect(viewOf(read(query))).toBe(view));

  it('stays as it is when filters change, and is written only where they say another', () => {
    expect(keepingView(NONE, { severity: 'high' })).toEqual({ severity: 'high', view: '' });
    expect(keepingView(NONE, { service: 'shop' })).toEqual({ service: 'shop', view: 'problems' });
    expect(keepingView(read('service=shop'), { service: '' })).toEqual({ service: '', view: 'list' });
    expect(keepingView(read('view=list'), { trace: 'beef' })).toEqual({ trace: 'beef', view: '' });
    expect(keepingView(NONE, { view: 'list' })).toEqual({ view: 'list' });
    expect(keepingView(read('view=list'), { view: 'problems' })).toEqual({ view: '' });
  });
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
      problem: '0123456789abcdef',
    });
    expect(listQuery(NONE, RANGE)).toEqual({ ...RANGE, timeout: '5s', order: 'newest' });
  });

  it('asks series only for what they know, and says that it did', () => {
    expect(seriesQuery(FULL, RANGE, 60)).toEqual({ ...RANGE, step: '60s', timeout: '5s', shadow: true, rule_id: ['a', 'b.c-d'], severity: 'high', framework: 'SOC2' });
    expect([FULL, NONE].map(isWiderThanList)).toEqual([true, false]);
  });

  it('asks for the violations of a problem without the other filters', () =>
    expect(rowsQuery({ id: '0123456789abcdef', rule_id: 'a' }, RANGE)).toEqual({ ...RANGE, order: 'newest', timeout: '60s', rule_id: ['a'], problem: '0123456789abcdef' }));

  it('knows whether anything narrows', () => {
    expect(isNarrowed({ ...NONE, order: 'oldest' })).toBe(false);
    expect(isNarrowed({ ...NONE, service: 'x' })).toBe(true);
    expect(['problem=0123456789abcdef', 'problem=0123456789abcdef&view=list'].map((query) => isNarrowed(read(query)))).toEqual([false, true]);
  });
});

it('counts what narrows: rules once, the order never, and a problem only in the list', () => {
  const none = { ...NO_FILTERS, order: 'oldest', view: '' } as const;
  expect(chosenCount(none)).toBe(0);
  expect(chosenCount({ ...none, rule: ['a', 'b'], severity: 'high' })).toBe(2);
  const problem = { ...none, order: 'newest', problem: '0123456789abcdef' } as const;
  expect([chosenCount(problem), chosenCount({ ...problem, view: 'list' })]).toEqual([0, 1]);
});
