// The page as a whole: what it asks, and what it says of each answer.
import { screen, waitFor } from '@testing-library/react';

import { change, changesAnswer } from '../../test/changesFixtures';
import { answer, problem } from '../../test/host';
import { render } from '../../test/render';
import { giveElementsASize } from '../../violations/testPages';
import Changes from '.';

beforeAll(giveElementsASize);

const RANGE = 'from=2026-03-09T12:00:00.000Z&to=2026-03-10T12:00:00.000Z';
const ASKED = `/changes?${RANGE}&at=2026-03-10T06:00:00.000Z`;
const VERSIONS = { items: [{ label: '1.4.2' }, { label: '1.4.3' }] };

const show = (handlers: object = {}, at = ASKED, host: object = {}) =>
  render(<Changes />, {
    handlers: { 'GET /v1/changes': changesAnswer(), 'POST /v1/dsl/complete': VERSIONS, ...handlers },
    at,
    path: '/changes',
    host,
  });

it('asks for nothing before somebody says what to compare', async () => {
  const { host, user, location } = show({}, `/changes?${RANGE}`);
  expect(screen.getByText('Nothing is compared yet')).toBeInTheDocument();
  expect(host.requests).toEqual([]);
  const field = screen.getByLabelText('Moment');
  expect(field).toHaveValue('2026-03-10 00:00:00');
  await user.clear(field);
  await user.type(field, '2026-03-10 06:00:00');
  await user.click(screen.getByRole('button', { name: 'Compare' }));
  expect(await screen.findByText('One thing changed')).toBeInTheDocument();
  expect(location()).toContain('at=2026-03-10T06%3A00%3A00.000Z');
  const { query } = host.requests[0];
  expect([query.get('around'), query.get('start'), query.get('candidate')]).toEqual(['2026-03-10T06:00:00.000Z', '2026-03-09T12:00:00.000Z', null]);
});

it('refuses a moment that is none', async () => {
  const { user } = show({}, `/changes?${RANGE}`);
  const field = screen.getByLabelText('Moment');
  await user.clear(field);
  await user.type(field, 'yesterday');
  expect(screen.getByText('A time is written as 2026-03-10 06:00:00, or as now-1h')).toBeInTheDocument();
  expect(screen.getByRole('button', { name: 'Compare' })).toBeDisabled();
});

it('proposes the versions that there are, and asks for what was chosen', async () => {
  const { host, user } = show({}, `/changes?${RANGE}&by=versions`);
  await user.click(screen.getByRole('combobox', { name: 'New version' }));
  await user.click(await screen.findByRole('option', { name: '1.4.3' }));
  await user.click(screen.getByRole('button', { name: 'Compare' }));
  await screen.findByText('One thing changed');
  const asked = host.requests.find(({ path }) => path === '/v1/changes')!.query;
  expect([asked.get('candidate'), asked.get('baseline'), asked.get('around')]).toEqual(['service.version=1.4.3', null, null]);
});

it('says of each change what it was, how much, since when, where, and what to do', async () => {
  show();
  const one = (await screen.findByRole('heading', { name: /payment takes less than 300ms/ })).closest('li')!;
  ['100 % of 4,500 traces (95 %: 99.9 to 100)', '71.7 % of 1,500 traces (95 %: 69.4 to 74)', 'It began between', 'service.version 1.4.3', '17 more behaviours'].forEach((text) =>
    expect(one).toHaveTextContent(text)
  );
  expect(screen.getByRole('link', { name: 'A trace as before' })).toHaveAttribute('href', `/traces/${change().trace_before}${ASKED.slice('/changes'.length)}`);
  const keep = new URL(screen.getByRole('link', { name: 'Keep as a rule' }).getAttribute('href')!, 'http://here');
  expect([keep.pathname, keep.searchParams.get('dsl'), keep.searchParams.get('name')]).toEqual(['/rules/new', change().dsl!.trim().replace('\n', ' '), change().behaviour]);
  expect(screen.getByText('2026-03-10 06:01:50: first trace with version 1.4.3 of shop, stock')).toBeInTheDocument();
});

it('offers no rule to whom may not write, and none where no rule says it', async () => {
  const { unmount } = show({}, ASKED, { hasPermission: () => false });
  await screen.findByText('One thing changed');
  expect(screen.queryByText('Keep as a rule')).not.toBeInTheDocument();
  unmount();
  show({ 'GET /v1/changes': changesAnswer({ changes: [change({ dsl: null })] }) });
  expect(await screen.findByText('It was so now and then only: no rule says that.')).toBeInTheDocument();
  expect(screen.queryByText('Keep as a rule')).not.toBeInTheDocument();
});

it('says that nothing can be said, and draws nothing, where it is unknown', async () => {
  show({ 'GET /v1/changes': changesAnswer({ status: 'unknown', reason: 'its time was over before both sides were read', changes: [], versions: [] }) });
  expect(await screen.findByText('Nothing can be said about what changed')).toBeInTheDocument();
  expect(screen.getByText(/This does not say that nothing changed/)).toBeInTheDocument();
  expect(screen.queryByRole('region', { name: 'When it began' })).not.toBeInTheDocument();
});

it('says what nothing changed rests on', async () => {
  show({ 'GET /v1/changes': changesAnswer({ status: 'as_before', changes: [], versions: [], traces_incomplete: 3 }) });
  expect(await screen.findByText('Nothing changed that so many traces show')).toBeInTheDocument();
  expect(screen.getByText('Traces that lack spans, times or attributes: 3')).toBeInTheDocument();
  expect(screen.getByText('No service shows a second service.version in these traces.')).toBeInTheDocument();
});

it('shows what the service refuses, by its field', async () => {
  show({ 'GET /v1/changes': problem(400, 'invalid-field', 'around: no', [{ field: 'around', message: 'expected a time between start and end' }]) });
  expect(await screen.findByText('It could not be compared')).toBeInTheDocument();
  expect(screen.getByText(/expected a time between start and end/)).toBeInTheDocument();
});

it('asks again on a click, and only then', async () => {
  let times = 0;
  const { user } = show({ 'GET /v1/changes': () => answer(200, changesAnswer({ unchanged: (times += 1) })) });
  await screen.findByText(/^1 behaviours are as before/);
  await user.click(screen.getByRole('button', { name: /Ask again|Refresh/ }));
  await waitFor(() => expect(times).toBe(2));
});
