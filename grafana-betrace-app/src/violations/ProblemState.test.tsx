// Acknowledging and muting by what people see: what is on the line, what is sent to Grafana, what it refuses, and what is not known.
import { makeTimeRange } from '@grafana/data';
import { screen, within } from '@testing-library/react';

import type { GrafanaApi } from '../host/types';
import { answer, createStubHost, type Handlers } from '../test/host';
import { problemsAnswer } from '../test/problemFixtures';
import { render } from '../test/render';
import { NO_FILTERS, type ViolationFilters } from './filters';
import { matchersOf } from './problemState';
import { ProblemSection } from './ProblemSection';

const ID = '0123456789abcdef';
const SILENCES = '/api/alertmanager/grafana/api/v2/silences';
const AFTER = Date.parse('2026-11-20T12:30:00Z');
const acknowledged = (change: object = {}) => ({ id: 7, time: AFTER, login: 'anna', text: 'Known\nTicket: https://tickets.example/7', tags: ['betrace', `betrace-problem:${ID}`], ...change });
const silence = { id: 's1', endsAt: '2026-11-20T14:00:00Z', status: { state: 'active' }, matchers: matchersOf('fraud-check', '') };
const range = { from: 'now-6h', to: 'now', range: makeTimeRange('2026-11-20T06:00:00Z', '2026-11-20T12:00:00Z'), start: 'now-6h', end: 'now', set: () => undefined };
const SERVICE = { 'GET /v1/problems': problemsAnswer(), 'GET /v1/violations': { violations: [] }, 'POST /v1/contrast': {}, 'GET /v1/contrast': {} };
const filters = (problem: string): ViolationFilters => ({ ...NO_FILTERS, order: 'newest', view: '', problem });

function show(kept: Handlers, { problem = ID, ...rights }: Partial<GrafanaApi> & { problem?: string } = {}) {
  const { requests, request } = createStubHost({ 'GET /api/annotations': [], [`GET ${SILENCES}`]: [], ...kept });
  const grafana: GrafanaApi = { request, login: 'anna', tenant: '', mayAcknowledge: true, mayMute: true, ...rights };
  const view = render(<ProblemSection filters={filters(problem)} range={range} rules={[]} setFilters={() => undefined} />, { handlers: SERVICE, host: { kind: 'grafana', grafana }, at: '/violations' });
  return { ...view, requests };
}

const line = async () => (await screen.findAllByRole('listitem')).find((one) => one.dataset.problem === ID)!;
const button = (name: string) => screen.findByRole('button', { name });

it('says on the line who acknowledged it, with note and ticket, and until when alerts are muted', async () => {
  const { requests } = show({ 'GET /api/annotations': [acknowledged()], [`GET ${SILENCES}`]: [silence] });
  expect(await screen.findAllByText(/muted until/)).toHaveLength(3); // all problems are of one rule
  expect(await line()).toHaveTextContent(/Acknowledged by anna at 2026-11-20 12:30:00: Known https:\/\/tickets.example\/7/);
  expect(await line()).toHaveTextContent("The rule's alerts are muted until 2026-11-20 14:00:00");
  expect(screen.getByRole('link', { name: 'https://tickets.example/7' })).toHaveAttribute('href', 'https://tickets.example/7');
  expect(requests.map(({ method, path, query }) => `${method} ${path}?${query}`)).toEqual(['GET /api/annotations?tags=betrace&type=annotation&limit=1000', `GET ${SILENCES}?`]);
});

it('shows what somebody wrote as text', async () => {
  show({ 'GET /api/annotations': [acknowledged({ login: '<b>x</b>', text: '<img src=x onerror=alert(1)>\nTicket: javascript:alert(1)' })] });
  const text = await screen.findByText(/<img src=x/);
  expect(text).toHaveTextContent('Ticket: javascript:alert(1)');
  expect(document.querySelector('img[src="x"], b, a[href^="javascript"]')).toBeNull();
});

it('acknowledges with a note and a ticket, and takes all of them back', async () => {
  const list: unknown[] = [];
  const { user, requests } = show({
    'GET /api/annotations': () => list,
    'POST /api/annotations': () => list.push(acknowledged(), acknowledged({ id: 6, time: AFTER - 1 })) && { id: 7 },
    'DELETE /api/annotations/7': () => list.pop() && {},
    'DELETE /api/annotations/6': () => list.pop() && {},
  });
  await user.click(await button('Acknowledge'));
  const form = screen.getByRole('form', { name: 'Acknowledge this problem' });
  await user.type(within(form).getByLabelText('Note'), 'Known');
  await user.type(within(form).getByLabelText('Address of the ticket'), 'B-7');
  expect(within(form).getByText(/Anything else is not kept/)).toBeInTheDocument();
  expect(within(form).getByRole('button', { name: 'Acknowledge' })).toBeDisabled();
  await user.clear(within(form).getByLabelText('Address of the ticket'));
  await user.type(within(form).getByLabelText('Address of the ticket'), 'https://t/7');
  await user.click(within(form).getByRole('button', { name: 'Acknowledge' }));
  await user.click(await button('Take the acknowledgement back'));
  await screen.findByRole('button', { name: 'Acknowledge' });
  expect(requests.find(({ method }) => method === 'POST')?.body).toEqual({ text: 'Known\nTicket: https://t/7', tags: ['betrace', `betrace-problem:${ID}`, 'betrace-rule:fraud-check'] });
  expect(requests.filter(({ method }) => method === 'DELETE').map(({ path }) => path)).toEqual(['/api/annotations/7', '/api/annotations/6']);
});

it('mutes the alerts of the rule, and ends it', async () => {
  const list: unknown[] = [];
  const { user, requests } = show({ [`GET ${SILENCES}`]: () => list, [`POST ${SILENCES}`]: () => list.push(silence) && { silenceID: 's1' }, 'DELETE /api/alertmanager/grafana/api/v2/silence/s1': () => list.pop() && {} });
  await user.click(await button('4 hours'));
  await user.click(await button("End the muting of the rule's alerts"));
  await button('4 hours');
  const body = requests.find(({ method }) => method === 'POST')?.body as { startsAt: string; endsAt: string };
  expect(body).toMatchObject({ matchers: matchersOf('fraud-check', ''), createdBy: 'anna', comment: 'BeTrace: violations of Fraud check' });
  expect(Date.parse(body.endsAt) - Date.parse(body.startsAt)).toBe(4 * 3_600_000);
});

it('says why Grafana refused, and goes on', async () => {
  const refused = answer(403, { title: 'Access denied', message: 'Permissions needed: annotations:create' });
  const { user } = show({ 'POST /api/annotations': refused, [`POST ${SILENCES}`]: refused });
  await user.click(await button('Acknowledge'));
  await user.click(within(screen.getByRole('form')).getByRole('button', { name: 'Acknowledge' }));
  expect(await screen.findByText('Grafana did not keep this acknowledgement')).toBeInTheDocument();
  expect(screen.getByText('Permissions needed: annotations:create')).toBeInTheDocument();
  await user.click(await button('1 hour'));
  expect(await screen.findByText('Grafana did not mute these alerts')).toBeInTheDocument();
});

it('has no buttons for who may not', async () => {
  show({ 'GET /api/annotations': [acknowledged()] }, { mayAcknowledge: false, mayMute: false });
  expect(await screen.findByText(/may not acknowledge.*annotations:create/)).toBeInTheDocument();
  expect(screen.getByText(/may not mute.*alert.silences:create/)).toBeInTheDocument();
  expect(screen.queryByRole('button', { name: /cknowledge|hour|day|week/ })).not.toBeInTheDocument();
});

it('does not call "not acknowledged" what could not be read', async () => {
  show({ 'GET /api/annotations': answer(403, { message: 'no annotations:read' }), [`GET ${SILENCES}`]: { message: 'a proxy' } });
  expect(await screen.findByText('Which problems are acknowledged is not known: no annotations:read')).toBeInTheDocument();
  expect(screen.getByText('Which rules are muted is not known: Grafana did not answer with a list')).toBeInTheDocument();
});

it('says that a list was cut', async () => {
  show({ 'GET /api/annotations': Array.from({ length: 1000 }, (_, id) => acknowledged({ id, tags: ['betrace', 'betrace-problem:ffffffffffffffff'] })) });
  expect(await screen.findByText(/Only the newest 1,000 acknowledgements were read.*is not known/)).toBeInTheDocument();
});

it('hides acknowledged ones where one asks for it, says how many, and leaves the open one', async () => {
  const { user } = show({ 'GET /api/annotations': [acknowledged(), acknowledged({ id: 8, tags: ['betrace', 'betrace-problem:1123456789abcdef'] })] });
  await user.click(await screen.findByRole('checkbox', { name: /Hide acknowledged problems \(2\)/ }));
  expect(screen.getByText('Acknowledged problems that are hidden: 1')).toBeInTheDocument();
  const shown = screen.getAllByRole('listitem').map(({ dataset }) => dataset.problem);
  expect(shown).toContain(ID);
  expect(shown).not.toContain('1123456789abcdef');
  expect(shown).toContain('2123456789abcdef');
});

it('asks nothing without Grafana, and says where all of this is kept', async () => {
  const { host } = render(<ProblemSection filters={filters(ID)} range={range} rules={[]} setFilters={() => undefined} />, { handlers: SERVICE, at: '/violations' });
  expect(await screen.findByText(/are kept by Grafana.*These pages keep none/)).toBeInTheDocument();
  expect(host.requests.filter(({ path }) => !path.startsWith('/v1/'))).toEqual([]);
});
