// What sets traces apart, drawn: the strongest first, both numbers of each as text, and a click that shows the traces that have it.
import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';

import type { Contrast } from '../api/types';
import { contrastAnswer, finding } from '../test/contrastFixtures';
import { problem as refusal } from '../test/host';
import { foundProblem } from '../test/problemFixtures';
import { render } from '../test/render';
import { ApartBars } from './ApartBars';
import { ProblemRows } from './ProblemRows';
import type { Finding } from './setApart';

const RANGE = { from: 'now-6h', to: 'now', start: '2026-11-20T08:00:00.000Z', end: '2026-11-20T14:00:00.000Z' };

function Both() {
  const [chosen, setChosen] = useState<Finding | null>(null);
  return (
    <>
      <ProblemRows problem={foundProblem({ entry: 'not_looked_at' })} range={RANGE as never} chosen={chosen} onChoose={setChosen} />
      <ApartBars ruleId="fraud-check" around={RANGE} chosen={chosen} onChoose={setChosen} />
    </>
  );
}
const show = (answer: unknown) => render(<Both />, { handlers: { 'GET /v1/rules/fraud-check/contrast': answer } });
const drawn = async (answer: Partial<Contrast>) => {
  show(contrastAnswer(answer));
  const region = await screen.findByRole('region', { name: 'What sets violating traces apart' });
  await within(region).findAllByRole('listitem');
  return region;
};

it('draws the strongest first, each with both its numbers', async () => {
  const weak = finding({ key: 'tenant', value: 'a', violating: { traces: 23, of: 46 }, satisfying: { traces: 9, of: 36 } });
  const lacking = finding({ value: '1.4.2', in_violating: 'less_often', violating: { traces: 0, of: 46 }, satisfying: { traces: 36, of: 36 }, examples: [] });
  const region = await drawn({ findings: [weak, finding(), lacking], findings_total: 5 });
  expect(within(region).getAllByRole('listitem').map((item) => item.textContent)).toEqual([
    'service.version 1.4.3Violating46 of 46, 100 %Keeping0 of 36, 0 %',
    'service.version 1.4.2Violating0 of 46, 0 %Keeping36 of 36, 100 %',
    'tenant aViolating23 of 46, 50 %Keeping9 of 36, 25 %',
  ]);
  expect(within(region).getAllByRole('button')).toHaveLength(2); // no violating trace has the one that they lack
  expect(region).toHaveTextContent('46 traces of a sample that violate the rule are compared with 36 that keep it.');
  expect(region).toHaveTextContent('2 more are weaker, and not shown.');
});

it('says what the other side is, that something was lost, and that not all was read', async () => {
  const lost = { ...contrastAnswer().satisfying, lost: 4 };
  const region = await drawn({ compared_with: 'same_entry', satisfying: lost, findings_unsure: 3, status: 'cancelled', reason: 'cancelled: its time was over' });
  expect(region).toHaveTextContent('compared with 36 others that begin with the same span and do not violate it.');
  expect(region).toHaveTextContent('4 of them lost attributes or spans, so what they lack is not known: 3 more may set the traces apart.');
  expect(region).toHaveTextContent('Not all of the range was looked at: cancelled: its time was over');
  expect(within(region).getByRole('button')).toHaveTextContent('Others0 of 36, 0 %');
});

it('shows the violating traces that have what is clicked, and the newest again', async () => {
  const region = await drawn({ findings: [finding()] });
  const button = within(region).getByRole('button', { name: /service.version 1.4.3/ });
  await userEvent.click(button);
  expect(button).toHaveAttribute('aria-pressed', 'true');
  const list = screen.getByRole('list', { name: 'Violations with service.version 1.4.3' });
  const links = within(list).getAllByRole('link');
  expect(links.map((link) => link.textContent)).toEqual(['a'.repeat(32), 'b'.repeat(32)]);
  expect(links[0]).toHaveAttribute('href', expect.stringContaining(`/violations/fraud-check/${'a'.repeat(32)}?`));
  expect(screen.getByText('2 of the 46 violating traces of the sample with service.version 1.4.3.')).toBeInTheDocument();
  await userEvent.click(screen.getByRole('button', { name: 'Show the newest again' }));
  expect(button).toHaveAttribute('aria-pressed', 'false');
  expect(list).not.toBeInTheDocument();
});

it('says why nothing is drawn', async () => {
  const { unmount } = show(contrastAnswer({ findings: [], conclusion: 'too_few_traces', compared_with: 'same_entry' }));
  expect(await screen.findByText('Too few traces to tell what sets its traces apart: 46 that violate the rule, 36 others that begin with the same span and do not violate it.')).toBeInTheDocument();
  unmount();
  show(refusal(503, 'busy', 'two run already'));
  expect(await screen.findByText('What sets its traces apart could not be asked: two run already')).toBeInTheDocument();
});
