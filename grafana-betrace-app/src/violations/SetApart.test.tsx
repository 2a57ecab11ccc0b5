// What sets a problem's traces apart, in words: what was found, that nothing was, and that nobody knows; and for which problems it is asked.
import { screen } from '@testing-library/react';

import type { Contrast, FoundProblem, RateChange } from '../api/types';
import { contrastAnswer, finding } from '../test/contrastFixtures';
import { NEVER, problem as refusal } from '../test/host';
import { foundProblem } from '../test/problemFixtures';
import { render } from '../test/render';
import { SetApart } from './SetApart';
import { aroundRises } from './setApart';

const AROUND = { start: '2026-11-20T08:42:00.000Z', end: '2026-11-20T12:00:00.000Z' };
const CONTRAST = 'GET /v1/rules/fraud-check/contrast';
const show = (answer: unknown) => render(<SetApart ruleId="fraud-check" around={AROUND} />, { handlers: { [CONTRAST]: answer } });
const said = async (answer: Partial<Contrast>) => {
  show(contrastAnswer(answer));
  await screen.findByText((_, element) => element?.hasAttribute('data-apart') ?? false);
  return document.querySelector('[data-apart]')?.textContent;
};

it('names what violating traces have, each with its numbers; what the same traces have with the same value once', async () => {
  const region = finding({ key: 'cloud.region', value: 'eu-west-1', satisfying: { traces: 14, of: 36 } });
  const findings = [finding(), finding({ value: '1.4.2', in_violating: 'less_often' }), finding({ ...region, kind: 'span_attribute', key: 'user.region' }), region];
  expect(await said({ findings })).toBe('With service.version 1.4.3 (46 of 46 violating traces, 0 of 36 that keep the rule) · cloud.region eu-west-1 (46 of 46, 14 of 36)');
});

it('says of the first what it was compared with, where nothing keeps the rule', async () => {
  expect(await said({ compared_with: 'same_entry' })).toBe('With service.version 1.4.3 (46 of 46 violating traces, 0 of 36 others that begin with the same span)');
});

it.each([
  [{ kind: 'span_name', key: null, value: 'cache.miss' }, 'With span cache.miss ('],
  [{ kind: 'service', key: null, value: 'stock' }, 'With service stock ('],
  [{ relation: 'above', key: 'db.rows', value: '350' }, 'With db.rows above 350 ('],
  [{ relation: 'present', key: 'error.type', value: null }, 'With any error.type ('],
] as const)('names a mark of each kind: %j', async (change, words) => {
  expect(await said({ findings: [finding(change)] })).toContain(words);
});

it.each([
  ['nothing, where both were read', { conclusion: 'nothing_separates' }, 'No attribute and no name is known to set its traces apart: 46 that violate the rule were compared with 36 that keep it.'],
  ['too few', { conclusion: 'too_few_traces' }, 'Too few traces to tell what sets its traces apart: 46 that violate the rule, 36 that keep it.'],
  ['not known, where not all was read', { conclusion: 'nothing_separates', status: 'incomplete', reason: 'windows_failed: one was not read' }, 'What sets its traces apart is not known: windows_failed: one was not read'],
  ['what nobody knows, where traces lost attributes', { conclusion: 'nothing_separates', findings_unsure: 2 }, 'No attribute and no name is known to set its traces apart: 46 that violate the rule were compared with 36 that keep it. 2 may, and nobody knows, because some traces lost attributes or spans.'],
  ['with what it was compared, where nothing keeps the rule', { conclusion: 'nothing_separates', compared_with: 'same_entry' }, 'No attribute and no name is known to set its traces apart: 46 that violate the rule were compared with 36 others that begin with the same span and do not violate it.'],
  ['only less often', { findings: [finding({ in_violating: 'less_often' })] }, 'Its traces only lack what others have.'],
] as const)('says %s', async (_, change, words) => {
  expect(await said({ findings: [], ...change } as Partial<Contrast>)).toBe(words);
});

it('says that it looks, and that it could not', async () => {
  const { unmount } = show(NEVER);
  expect(await screen.findByRole('status')).toHaveTextContent('Looking for what sets its traces apart…');
  unmount();
  show(refusal(503, 'busy', 'two run already'));
  expect(await screen.findByText('What sets its traces apart could not be asked: two run already')).toBeInTheDocument();
});

describe('for which problems', () => {
  const part = { violations: 0, exercised: 1000, seconds: 3600 };
  const rise = (at: string, more: Partial<RateChange> = {}): RateChange => ({ direction: 'rose', at, from: at, to: at, before: part, after: part, ...more });
  const at = '2026-11-20T11:00:00.000Z';
  const range = { start: '2026-11-20T09:00:00Z', end: '2026-11-20T15:00:00Z' };
  const of = (...all: Array<Partial<FoundProblem>>) => [...aroundRises(all.map((one, place) => foundProblem({ id: String(place), ...one })), range)];

  it('is asked three hours around the last rise, within the range', () => {
    expect(of({ changes: [rise('2026-11-20T09:10:00Z'), rise(at)] })).toEqual([['0', { start: '2026-11-20T09:00:00.000Z', end: '2026-11-20T14:00:00.000Z' }]]);
  });

  it('is asked for the first three that rose, and not for one that fell, stayed or is not known', () => {
    const rose = { changes: [rise(at)] };
    const asked = of({ changes: [] }, rose, { changes: null }, { changes: [rise(at, { direction: 'fell' })] }, rose, rose, rose);
    expect(asked.map(([id]) => id)).toEqual(['1', '4', '5']);
  });
});
