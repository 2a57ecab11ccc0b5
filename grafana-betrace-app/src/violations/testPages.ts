// Answers for tests of the list of violations.
import type { Coverage, Violation, ViolationPage } from '../api/types';
import { coverage, rule, violation } from '../test/fixtures';

export const STEPS = ['2026-11-20T12:00:00.000000000Z', '2026-11-20T12:30:00.000000000Z'];

export function numbered(i: number): Violation {
  const hex = i.toString(16).padStart(32, '0');
  return violation({ id: hex, trace_id: hex, message: `message ${i}`, services: ['shop', `service-${i % 3}`], root_service: 'shop' });
}

export function page(count: number, more: Partial<ViolationPage> = {}, change: Partial<Coverage> = {}): ViolationPage {
  const violations = Array.from({ length: count }, (_, i) => numbered(i));
  return {
    violations,
    total_count: count,
    inconclusive: 0,
    traces_evaluated: 5000,
    traces_evaluated_kind: 'exact',
    exercised: [],
    reason: null,
    cursor: null,
    coverage: coverage(change),
    ...more,
  };
}

/** A page after which there is more. */
export const firstPage = (count: number) =>
  page(count, { total_count: null, cursor: 'next', reason: 'not_evaluated: a part' }, { complete: false });

export const series = (values: Array<number | null>) => ({
  series: [
    { labels: { rule_id: 'fraud-check', rule: 'Fraud check', severity: 'critical' }, points: values.map((value, i) => [STEPS[i], value]) },
  ],
  reason: null,
  coverage: coverage(),
});

export const RULES = [rule(), rule({ id: 'other', name: 'Other rule', controls: [{ framework: 'SOC2', control: 'CC6_1' }] })];

/** jsdom gives every element the height 0, in which no row would be drawn. */
export function giveElementsASize(): void {
  Object.defineProperty(HTMLElement.prototype, 'clientHeight', { configurable: true, value: 600 });
  Object.defineProperty(HTMLElement.prototype, 'clientWidth', { configurable: true, value: 1000 });
}
