// Shapes: what is written, how names are quoted, what is read back, and what is left to the text.
import { problemsOf, SHAPES, shapeOf, textOf, writeName, type ShapeFields } from './shapes';

const WORDS = new Set(['when', 'always', 'never', 'as', 'count', 'span', 'name', 'before', 'after', 'within', 'true']);
const fields = (change: Partial<ShapeFields>): ShapeFields => ({
  kind: 'needs',
  a: 'checkout',
  b: 'fraud-check',
  limit: '3',
  time: '1m30s',
  ...change,
});

it.each([
  ['needs', 'when { checkout } always { fraud-check }'],
  ['never', 'never { checkout }'],
  ['before', 'when { fraud-check as it } always { checkout before it }'],
  ['at_most', 'count(checkout) > 3'],
  ['within', 'when { checkout as it } always { fraud-check after it within 1m30s }'],
] as const)('writes %s', (kind, text) => {
  expect(textOf(fields({ kind }), WORDS)).toBe(text);
});

it.each([
  ['checkout', 'checkout'],
  ['http.retry', 'http.retry'],
  ['GET /cart', '"GET /cart"'],
  ['say "x" \\ y', '"say \\"x\\" \\\\ y"'],
  ['a\nb\u0001', '"a\\nb\\u0001"'],
  ['a..b', '"a..b"'],
  ['a.2', '"a.2"'],
  ['Count', '"Count"'],
  ['span.x', '"span.x"'],
  ['it', '"it"'],
  ['größe', '"größe"'],
  [' x ', '" x "'],
])('writes the name %j as %s', (name, written) => {
  expect(writeName(name, WORDS)).toBe(written);
});

it('reads what it writes', () => {
  const names = ['checkout', 'GET /cart', 'a "b" \\', '\\n', 'x\ty', 'it', 'never', 'c.d-e', '} always { x', '日本'];
  SHAPES.forEach((kind) =>
    names.forEach((a) =>
      names.forEach((b) => {
        const text = textOf(fields({ kind, a, b }), WORDS)!;
        const back = shapeOf(text, WORDS);
        expect(back && textOf(back, WORDS)).toBe(text);
        expect(back).toMatchObject({ kind, a });
      })
    )
  );
});

it('reads a shape however it is laid out, whatever its binding is called', () => {
  expect(shapeOf('when {\n  "a" as  x\n}\nalways { b  after x within 5s }\n', WORDS)).toEqual(
    fields({ kind: 'within', a: 'a', b: 'b', limit: '', time: '5s' })
  );
});

it('reads a name in backquotes as it stands', () => {
  expect(shapeOf('never { `a\\\\b "c"` }', WORDS)).toMatchObject({ kind: 'never', a: 'a\\\\b "c"' });
});

it.each([
  'when { a and c } always { b }',
  'when { a.where(k == 1) } always { b }',
  'when { a as x } always { b after y within 5s }',
  'when { a as x } always { x after x within 5s }',
  'when { span.k } always { b }',
  'count(a) >= 3',
  '# why\nnever { a }',
  'never { a } never { b }',
  'never { "a\\q" }',
  'never { "" }',
  '',
])('leaves %j to the text', (text) => {
  expect(shapeOf(text, WORDS)).toBeNull();
});

it('writes nothing while a field is missing or wrong', () => {
  expect(problemsOf(fields({ a: '', b: '' }))).toEqual(['a', 'b']);
  expect(problemsOf(fields({ kind: 'never', b: '' }))).toEqual([]);
  expect(problemsOf(fields({ kind: 'at_most', limit: '-1' }))).toEqual(['limit']);
  expect(problemsOf(fields({ kind: 'within', time: '5 apples' }))).toEqual(['time']);
  expect(textOf(fields({ kind: 'within', time: '' }), WORDS)).toBeNull();
});
