// Rules, and the texts that find traces which keep them.
import { keptText } from './keptText';

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
