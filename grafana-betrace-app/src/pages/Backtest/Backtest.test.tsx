// The page as a whole: what it asks, and what it says of each answer.
import { screen, within } from '@testing-library/react';

import { backtestAlert, backtestAnswer, noisy } from '../../test/backtestFixtures';
import { problem } from '../../test/host';
import { render } from '../../test/render';
import Backtest from '.';

const AT = '/backtest?from=2026-03-09T12:00:00.000Z&to=2026-03-10T12:00:00.000Z';
const show = (answer: unknown = backtestAnswer()) => render(<Backtest />, { handlers: { 'POST /v1/backtests': answer }, at: AT, path: '/backtest' });

const ask = async (answer?: unknown) => {
  const shown = show(answer);
  await shown.user.click(screen.getByRole('button', { name: 'Try on the past' }));
  return shown;
};

it('asks for nothing before somebody says so, then for the shipped alerts', async () => {
  const { host, user } = show();
  expect(screen.getByText('No alert is tried yet')).toBeInTheDocument();
  expect(host.requests).toEqual([]);
  await user.click(screen.getByRole('button', { name: 'Try on the past' }));
  expect(await screen.findByText('One alert pages too often')).toBeInTheDocument();
  expect(host.requests[0].body).toEqual({
    start: '2026-03-09T12:00:00.000Z', end: '2026-03-10T12:00:00.000Z', per_week: 1, night: '22-7', zone: '+00:00', timeout: '60s',
  });
});

it('asks for what is pasted, and not for an empty text or a night that is none', async () => {
  const { host, user } = show();
  await user.click(screen.getByRole('radio', { name: 'Own rule file' }));
  const button = screen.getByRole('button', { name: 'Try on the past' });
  expect(button).toBeDisabled();
  await user.type(screen.getByLabelText('Rule file of Prometheus (YAML)'), 'groups:');
  await user.clear(screen.getByLabelText('Night'));
  await user.type(screen.getByLabelText('Night'), '25-7');
  expect(screen.getByText('Two hours of the day, as 22-7')).toBeInTheDocument();
  expect(button).toBeDisabled();
  await user.clear(screen.getByLabelText('Night'));
  await user.type(screen.getByLabelText('Night'), '20-6');
  await user.clear(screen.getByLabelText('Pages a week'));
  await user.type(screen.getByLabelText('Pages a week'), '3');
  await user.click(button);
  await screen.findByText('One alert pages too often');
  expect(host.requests[0].body).toMatchObject({ alerts: 'groups:', per_week: 3, night: '20-6' });
});

it('says of a noisy alert how often, what would help, and when; of the others that they were not tested', async () => {
  await ask();
  const list = await screen.findByRole('list', { name: /^Alerts that were tested/ });
  expect(within(list).getAllByRole('heading').map((heading) => heading.textContent)).toEqual(['Noisy', 'Quiet']);
  const one = within(list).getByRole('heading', { name: 'Noisy' }).closest('li')!;
  ['7 pages, 49 a week, 2 at night; the longest fires for 8m: too often', 'With for: 5m it pages once.', 'With 3 in place of 0', '2026-03-10 06:10:00', 'rule_id=retried severity=high', 'and 3 more'].forEach((text) =>
    expect(one).toHaveTextContent(text)
  );
  expect(within(list).getByText('No page')).toBeInTheDocument();
  ['Not tested: Down. BeTrace and its watch are assumed to be well.', 'Not tested: Silent. What they look at is not there in a backtest.'].forEach((text) =>
    expect(screen.getByText(text)).toBeInTheDocument()
  );
});

it('says where nothing helps that was tried', async () => {
  await ask(backtestAnswer({ alerts: [noisy({ suggestions: { for: null, threshold: null } })] }));
  expect(await screen.findByText('No other for and no other threshold that was tried makes it page seldom enough.')).toBeInTheDocument();
});

it('says nothing of what was not counted', async () => {
  const gap = { from: '2026-03-10T01:00:00Z', until: '2026-03-10T03:00:00Z' };
  const alerts = [backtestAlert({ unknown: [gap], unknown_seconds: 7200 }), backtestAlert({ alert: 'Odd', line: 20, refused: 'a vector has two samples' })];
  const sampling = { known: 'by_chance' as const, declared: '10 %', text: 'traces are a 10 % sample' };
  await ask(backtestAnswer({ status: 'unknown', alerts, not_counted: 'Tempo answered 400', sampling }));
  expect(await screen.findByText('No alert pages too often as far as is known')).toBeInTheDocument();
  expect(screen.getAllByText('No page as far as is known')).toHaveLength(2);
  ['Not counted in full: Tempo answered 400. What was not counted is no silence.',
    'Not known for 2h, between 2026-03-10 01:00:00 and 2026-03-10 03:00:00: what it looks at could not be counted then.', 'Prometheus refuses some of its evaluations: a vector has two samples.',
    'Not all traces were kept: traces are a 10 % sample.'].forEach((text) => expect(screen.getByText(text)).toBeInTheDocument());
});

it('says of what an alert looks at in vain', async () => {
  const missing = [{ selector: 'betrace_violations_total{rule_id="gone"}', rule_id: 'gone', counted: true }];
  const alerts = [backtestAlert({ not_there: missing }), backtestAlert({ alert: 'Gone', line: 20, rests_on: 'no_series', not_there: missing })];
  await ask(backtestAnswer({ status: 'unknown', alerts }));
  expect(await screen.findByText('No page as far as is known')).toBeInTheDocument();
  expect(screen.getByText('It looks at betrace_violations_total{rule_id="gone"}, and this backtest has no such series.')).toBeInTheDocument();
  expect(screen.getByText('Gone looks at betrace_violations_total{rule_id="gone"}: no rule that was counted has it.')).toBeInTheDocument();
});

it('names the rules that no trace exercised', async () => {
  await ask(backtestAnswer({ status: 'seldom', alerts: [backtestAlert()], unexercised: [{ rule_id: 'a', known: true, message: 'no trace exercised a', absent: [] }] as never }));
  expect(await screen.findByText('No alert that was tested pages too often')).toBeInTheDocument();
  expect(screen.getByText('no trace exercised a')).toBeInTheDocument();
});

it('shows what the service refuses, with its place', async () => {
  await ask(problem(400, 'invalid-field', 'alerts: no', [{ field: 'alerts', message: 'alerts:4:22: expr: rat is not known here' }]));
  expect(await screen.findByText('The alerts could not be tried')).toBeInTheDocument();
  expect(screen.getByText(/alerts:4:22: expr: rat is not known here/)).toBeInTheDocument();
});
