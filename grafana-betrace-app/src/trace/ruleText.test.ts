// The rough reading of a rule's text: kinds of conditions and places.
import { kindOfCondition, onOneLine, placeOf, tokenize, withoutNot } from './ruleText';

describe('tokens', () => {
  it('takes strings and comments as one, and hyphens into names', () => {
    expect(tokenize('a-b.where(k == "x ) and") # and\n /* or */ `z`').map((token) => token.text)).toEqual([
      'a-b.where',
      '(',
      'k',
      '==',
      '"x ) and"',
      ')',
      '`z`',
    ]);
    expect(tokenize('f(g(x))').map((token) => token.depth)).toEqual([0, 0, 1, 1, 2, 1, 0]);
  });

  it('ends for whatever it is given', () => {
    for (const text of ['', '"open', '`', ')))', '/*', '#', '\u{1F600} =~ é', '((((']) {
      expect(
        tokenize(text)
          .map((token) => token.text)
          .join('').length
      ).toBeLessThanOrEqual(text.length);
    }
  });
});

describe('kinds of conditions', () => {
  it.each([
    ['fraud-check', 'span'],
    ['trace.has(span.name == "retry")', 'span'],
    ['"GET /cart"', 'span'],
    ['(audit.log)', 'span'],
    ['fraud-check after c within 500ms where(order_id == c.order_id)', 'place'],
    ['"GET /cart" under c', 'place'],
    ['x between p and q', 'place'],
    ['trace.has_before(span.name == "a", "b")', 'order'],
    ['count(db.query under r) <= 10', 'count'],
    ['10 < trace.count(x)', 'count'],
    ['trace.duration > 5s', 'condition'],
    ['a and b', 'condition'],
    ['x between p and q or y', 'condition'],
    ['a.where(span.duration < 2s)', 'span'],
    ['"a and b before c"', 'span'],
    ['true', 'condition'],
    ['', 'condition'],
  ])('%s is %s', (text, kind) => expect(kindOfCondition(text)).toBe(kind));
});

describe('places', () => {
  const bindings = new Set(['p', 'c']);
  it.each([
    ['audit after p within 5s', { relation: 'after', binding: 'p', point: 'start', within: '5s' }],
    ['audit after p.end', { relation: 'after', binding: 'p', point: 'end', within: null }],
    ['refund before c where(id == c.id)', { relation: 'before', binding: 'c', point: 'start', within: null }],
    ['log within 2s of p', { relation: 'within', binding: 'p', point: 'start', within: '2s' }],
    ['q under c', { relation: 'under', binding: 'c', point: 'start', within: null }],
    ['q child of c', { relation: 'under', binding: 'c', point: 'start', within: null }],
    ['q after other before p', { relation: 'before', binding: 'p', point: 'start', within: null }],
    ['after', null],
    ['q after other', null],
    ['q.where(x == "after p")', null],
  ])('%s', (text, place) => expect(placeOf(text, bindings)).toEqual(place));
});

describe('texts', () => {
  it('finds one leading not', () => {
    expect(withoutNot('not trace.has(x)')).toEqual({ isNot: true, text: 'trace.has(x)' });
    expect(withoutNot('!x')).toEqual({ isNot: true, text: 'x' });
    expect(withoutNot('notable.span')).toEqual({ isNot: false, text: 'notable.span' });
    expect(withoutNot('not-found')).toEqual({ isNot: false, text: 'not-found' });
  });

  it('makes one line and leaves strings alone', () => expect(onOneLine('a  and\n  "x  y"')).toBe('a and "x  y"'));
});
