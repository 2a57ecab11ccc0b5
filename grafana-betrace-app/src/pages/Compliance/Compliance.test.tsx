// The list of frameworks.
import { screen } from '@testing-library/react';
import { NEVER, problem } from '../../test/host';
import { render } from '../../test/render';
import Compliance from '.';

const framework = (change = {}) => ({ name: 'SOC2', title: 'SOC 2', in_catalogue: true, controls: 61, controls_with_rules: 0, rules_count: 0, rules: [], ...change });
const rule = (change = {}) => ({ rule_id: 'r', name: 'R', controls: ['CC6.1'], enabled: true, shadow: false, broken: false, ...change });
const show = (frameworks: unknown) => render(<Compliance />, { handlers: { 'GET /v1/compliance/frameworks': frameworks } });

it('lists frameworks with rules before the others', async () => {
  const hipaa = framework({ name: 'HIPAA', title: 'HIPAA', controls: 44, controls_with_rules: 1, rules_count: 2, rules: [rule(), rule({ enabled: false })] });
  show({ frameworks: [framework(), hipaa] });
  expect(await screen.findByText('Rules: 2; controls with rules: 1 of 44; disabled, on trial or broken: 1')).toBeInTheDocument();
  expect(screen.getAllByRole('link').map((link) => link.getAttribute('href'))).toEqual(['/compliance/HIPAA', '/compliance/SOC2']);
  expect(screen.getByText('No rule stands for it')).toBeInTheDocument();
});

it('shows a framework that is in no catalogue', async () => {
  show({ frameworks: [framework({ name: 'house', title: 'house', in_catalogue: false, controls: 0, controls_with_rules: 3, rules_count: 3, rules: [rule()] })] });
  expect(await screen.findByText('Rules: 3; controls: 3')).toBeInTheDocument();
});

it('says how a rule comes to stand for a control where none does', async () => {
  show({ frameworks: [framework()] });
  expect(await screen.findByText('No rule stands for a control yet')).toBeInTheDocument();
  expect(screen.getByText(/@SOC2\(controls = CC6_1\)/)).toBeInTheDocument();
});

it('shows that it is asking, and what went wrong', async () => {
  show(NEVER);
  expect(await screen.findByText('Loading…')).toBeInTheDocument();
  show(problem(403, 'tenant', 'the token may not use this tenant'));
  expect(await screen.findByText('the token may not use this tenant')).toBeInTheDocument();
});

it('offers the pack that has rules for a framework without any, and none where there is none', async () => {
  show({ frameworks: [framework(), framework({ name: 'GDPR', title: 'GDPR' })] });
  expect(await screen.findByRole('heading', { name: 'Packs with rules for controls' })).toBeInTheDocument();
  expect(screen.getAllByRole('button', { name: /Add \d+ rules in shadow/ })).toHaveLength(1);
});
