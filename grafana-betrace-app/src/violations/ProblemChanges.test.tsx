// When a problem's rate changed, in words; that nobody looked is said.
import { makeTimeRange } from '@grafana/data';
import { screen } from '@testing-library/react';

import type { FoundProblem, RateChange } from '../api/types';
import { foundProblem } from '../test/problemFixtures';
import { render } from '../test/render';
import { ProblemChanges } from './ProblemChanges';

const change = (more: Partial<RateChange> = {}): RateChange => ({
  direction: 'rose',
  at: '2026-11-20T11:42:13.000000000Z',
  from: '2026-11-20T11:39:00.000000000Z',
  to: '2026-11-20T11:45:00.000000000Z',
  before: { violations: 20, exercised: 1000, seconds: 3600 },
  after: { violations: 90, exercised: 200, seconds: 720 },
  ...more,
});

const range = { from: 'now-6h', to: 'now', range: makeTimeRange('2026-11-20T06:00:00Z', '2026-11-20T12:00:00Z'), start: 'now-6h', end: 'now', set: () => undefined };
const show = (problem: Partial<FoundProblem>) => render(<ProblemChanges problem={foundProblem(problem)} range={range} />, { at: '/violations', path: '/violations' });
const text = () => document.body.textContent;

it('says when it rose, from what to what, and between which times', () => {
  show({ changes: [change()] });
  expect(text()).toMatch(/Rose at 2026-11-20 11:42:13: from 2% to 45% \(between 2026-11-20 11:39:00 and 2026-11-20 11:45:00\)/);
});

it('leads to what else changed then', () => {
  show({ changes: [change()] });
  expect(screen.getByRole('link', { name: 'What else changed then?' })).toHaveAttribute('href', expect.stringContaining(`at=${encodeURIComponent(change().at)}`));
});

it('tells a rate by time where what the rule is about was not counted', () => {
  const part = (violations: number) => ({ violations, exercised: null, seconds: 7200 });
  show({ changes: [change({ direction: 'fell', before: part(9), after: part(0) })] });
  expect(text()).toContain('Fell at 2026-11-20 11:42:13: from 4.5 an hour to none');
});

it('shows the last two, and that there were more', () => {
  show({ changes: [1, 2, 3, 4].map((n) => change({ at: `2026-11-20T0${n}:00:00.000000000Z` })) });
  expect(text()).not.toContain('02:00:00:');
  expect(text()).toMatch(/03:00:00: .*04:00:00: .*Earlier in this range its rate changed 2 times more/);
});

it('says nothing of a rate that stayed, and that nobody looked where nobody did', () => {
  show({ changes: [] });
  expect(text()).toBe('');
  show({ changes: null, changes_unknown: 'there was no room for the counts' });
  expect(text()).toContain('Whether its rate changed is not known: there was no room for the counts');
});
