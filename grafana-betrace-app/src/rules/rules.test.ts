// Rules without React: drafts, filters, differences of texts, sums of the past.
import { coverage, rule } from '../test/fixtures';
import { changedFields, draftOf, draftProblems, EMPTY_DRAFT, inputOf, keepDraft, keptDraft } from './draft';
import { NO_FILTER, isFiltered, ruleFilter } from './filters';
import { lineDiff } from './lineDiff';
import { notSavable, ownErrors, serviceErrors } from './fieldErrors';
import { ApiError } from '../api/problem';
import { totalsOf, totalText } from './PastPanel';
import { parseTrace } from './TestPanel';

describe('a draft', () => {
  it('of a rule that was not touched would change nothing', () => {
    const draft = draftOf(rule({ settle: '2m', require_complete: true, links_sampled: false, store: 'archive', annotations: { a: 'b' } }));
    expect(changedFields(draft, draft)).toEqual([]);
    expect(inputOf(draft)).toMatchObject({
      id: 'fraud-check',
      settle: '2m',
      margin: null,
      require_complete: true,
      links_sampled: false,
      store: 'archive',
      annotations: { a: 'b' },
    });
  });

  it('leaves rows without a key out, and blanks around', () => {
    const saved = draftOf(rule());
    expect(changedFields(saved, { ...saved, labels: [...saved.labels, ['', 'x']], name: ` ${saved.name} ` })).toEqual([]);
    expect(changedFields(saved, { ...saved, labels: [['team', 'other']], settle: '5m' })).toEqual(['labels', 'settle']);
  });

  it('sends no id that was not given', () => {
    expect(inputOf({ ...EMPTY_DRAFT, name: 'n' })).not.toHaveProperty('id');
  });

  it('is kept in the tab, and forgotten', () => {
    keepDraft('a', { draft: draftOf(rule({ name: 'kept' })), version: 3 });
    expect(keptDraft('a')).toMatchObject({ version: 3, draft: { name: 'kept' } });
    expect(keptDraft('b')).toBeNull();
    keepDraft('a', null);
    expect(keptDraft('a')).toBeNull();
  });

  it('of another version of this page is not read', () => {
    window.sessionStorage.setItem('betrace.draft.a', '{"draft":{"text":"x"}}');
    expect(keptDraft('a')).toBeNull();
    window.sessionStorage.setItem('betrace.draft.a', 'not json');
    expect(keptDraft('a')).toBeNull();
    window.sessionStorage.clear();
  });

  it('says what can be said before asking', () => {
    expect(draftProblems(EMPTY_DRAFT)).toEqual({ name: 'missing', dsl: 'missing' });
    const bad = {
      ...draftOf(rule()),
      id: 'new',
      labels: [
        ['a', '1'],
        ['a ', '2'],
      ] as never,
      description: '€'.repeat(2000),
    };
    expect(draftProblems(bad)).toEqual({ id: 'bad', labels: 'twice', description: 'long' });
    expect(Object.keys(ownErrors(bad)).sort()).toEqual(['description', 'id', 'labels']);
    for (const budget of ['0', '2m', '-1', '1e3', '1.5']) {
      expect(draftProblems({ ...draftOf(rule()), budget })).toEqual({ budget: 'bad' });
    }
    expect(inputOf({ ...draftOf(rule({ budget: 7 })), budget: ' 5000000 ' }).budget).toBe(5000000);
    expect(inputOf(draftOf(rule({ budget: 7 }))).budget).toBe(7);
  });
});

describe('a rule cannot be saved', () => {
  const draft = draftOf(rule());
  const fine = { isChanged: true, isInvalid: false };
  it.each([
    ['but can when all is well', draft, fine, undefined],
    ['by a viewer', draft, { ...fine, writeReason: 'you may not' }, 'you may not'],
    ['when nothing changed', draft, { ...fine, isChanged: false }, 'Nothing has changed'],
    ['without a name', { ...draft, name: ' ' }, fine, 'Give it a name'],
    ['without a text', { ...draft, dsl: '' }, fine, 'Write the rule'],
    ['with errors in the text', draft, { ...fine, isInvalid: true }, 'The text has errors'],
    ['with a bad id', { ...draft, id: '-' }, fine, 'Some fields are not right'],
  ])('%s', (_name, one, state, expected) => {
    expect(notSavable(one, state)).toBe(expected);
  });

  it('and the service says which field', () => {
    const error = new ApiError(400, 'invalid-field', '', '', [{ field: 'labels.team', message: 'too long' }]);
    expect(serviceErrors(error)).toEqual({ labels: 'too long' });
    expect(serviceErrors(null)).toEqual({});
  });
});

describe('lines of two texts', () => {
  const signs = (before: string, after: string) => lineDiff(before, after).map(({ kind, text }) => `${kind[0]}${text}`);
  it.each([
    ['a\nb', 'a\nb', ['sa', 'sb']],
    ['a\nb\nc', 'a\nc', ['sa', 'rb', 'sc']],
    ['a\nc', 'a\nb\nc', ['sa', 'ab', 'sc']],
    ['a', 'b', ['ra', 'ab']],
    ['', 'a', ['r', 'aa']],
  ])('%j and %j', (before, after, expected) => expect(signs(before, after)).toEqual(expected));

  it('give both texts back', () => {
    const before = 'a\nb\na\nc\nd';
    const after = 'b\na\nd\ne';
    const lines = lineDiff(before, after);
    const without = (kind: string) =>
      lines
        .filter((line) => line.kind !== kind)
        .map(({ text }) => text)
        .join('\n');
    expect(without('added')).toBe(before);
    expect(without('removed')).toBe(after);
  });
});

describe('filters of the list', () => {
  it('ask only for what is said', () => {
    expect(ruleFilter(NO_FILTER)).toEqual({});
    expect(isFiltered(NO_FILTER)).toBe(false);
    const state = { q: ' a ', severity: 'high' as const, enabled: false, label: ['x:y'], framework: 'soc2', state: '' as const };
    expect(ruleFilter(state)).toEqual({ q: 'a', severity: 'high', enabled: false, label: ['x:y'], framework: 'soc2' });
    expect(isFiltered({ ...NO_FILTER, enabled: false })).toBe(true);
  });
});

describe('sums of the past', () => {
  const at = (minute: number) => `2026-11-20T12:${String(minute).padStart(2, '0')}:00Z`;
  /** Steps of a minute that end at 12:10, where all is settled unless the coverage says otherwise. */
  const of = (values: Array<number | null>, change = {}) => ({
    series: [{ labels: {} as never, points: values.map((value, i) => [at(10 - values.length + i), value]), undecided: { steps: 0, budget: 0 } }],
    reason: null,
    coverage: coverage({ asked: { start: at(0), end: at(10) }, effective_end: at(10), data_from: null, ...change }),
  });
  const series = (...values: Array<number | null>) => of(values);
  it('count what is known, and say "at least" where something is not', () => {
    expect(totalText(totalsOf(series(1, 2, 0)))).toBe('3');
    expect(totalsOf(series(1, null, 2))).toEqual({ count: 3, unknown: 1, steps: 3, isProvisional: false });
    expect(totalText(totalsOf(series(1, null)))).toBe('at least 1');
    expect(totalText(totalsOf(series(0, null)))).toBe('none in the steps that are known');
    expect(totalText(totalsOf(series(null)))).toBe('not known');
    expect(totalText(totalsOf(of([0, 0], { windows_empty: [{ start: at(8), end: at(9) }] })))).toBe('none in the steps that are known');
    expect(totalText(totalsOf(of([0, 0, null], { effective_end: '2026-11-20T12:09:30Z' })))).toBe('0');
    expect(totalText(totalsOf(series()))).toBe('not known');
  });
});

it('reads a pasted trace, or says why not', () => {
  expect(parseTrace('{"resourceSpans":[]}')).toEqual({ trace: { resourceSpans: [] } });
  expect(parseTrace('[1]')).toHaveProperty('problem');
  expect(parseTrace('{')).toHaveProperty('problem', expect.stringContaining('not JSON'));
});
