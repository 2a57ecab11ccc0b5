// Rules, and the texts that find traces which keep them.
import { isAboutEvery, keptText } from './keptText';

it.each([
  ['when { a as x } always { b after x }', 'when { a as x } never { b after x }'],
  ['@SOC2(controls = CC6_1)\nwhen { a }\nalways { b } # always', '@SOC2(controls = CC6_1)\nwhen { a }\nnever { b }'],
  ['when { a } never { b }', 'when { a } always { b }'],
  ['when { a } always { b } never { c }', 'when { a } never { b }'],
  ['when { a } never { c } always { b }', 'when { a } never { b }'],
  ['when { "always {" } always { b.where(k == "}") }', 'when { "always {" } never { b.where(k == "}") }'],
  ['trace.has(a) and not trace.has(b)', 'trace.has(a) and  trace.has(b)'],
])('%s', (dsl, kept) => {
  expect(keptText(dsl)).toBe(kept);
});

it.each(['trace.has(a)', 'not trace.has(a)', 'trace.has(a) or not trace.has(b)', 'when { a }', ''])('says nothing of %s', (dsl) => {
  expect(keptText(dsl)).toBeNull();
});

describe('a rule without when, which is about every trace', () => {
  const entry = { root_name: 'POST /check "out"', root_service: 'shop' };
  const root = 'trace.has(span.name == "POST /check \\"out\\"") and trace.root.name == "POST /check \\"out\\""';
  const when = `when { ${root} and trace.root.service == "shop" }`;

  it.each([
    ['trace.has(a)', 'always { trace.has(a)\n}'],
    ['@SOC2(controls = CC6_1) @X\ncount(a) > 3 # many', 'always { count(a) > 3 # many\n}'],
    ['trace.has(a) or not trace.has(b)', 'always { trace.has(a) or not trace.has(b)\n}'],
    ['never { a }', 'always { a }'],
    ['@SOC2(controls = CC6_1)\nalways { a }', 'never { a }'],
    ['not trace.has(a)', 'always { not trace.has(a)\n}'],
  ])('is held against what the same span begins: %s', (dsl, kept) => {
    expect(keptText(dsl, entry)).toBe(`${when} ${kept}`);
    expect(keptText(dsl, { ...entry, root_service: undefined })).toBe(`when { ${root} } ${kept}`);
  });

  it('is told from one that says what it is about', () =>
    expect(['trace.has(a)', 'never { a }', 'when { a } never { b }', 'trace.has(a) and not trace.has(b)'].map(isAboutEvery)).toEqual([true, true, false, false]));

  it.each([['trace.has(a)', {}], ['trace.has(a)', { root_name: 'a\nb' }], ['trace.has(a) as x', entry], ['', entry]])('says nothing of %s where that is not known, or not sayable', (dsl, of) => {
    expect(keptText(dsl, of)).toBeNull();
  });
});
