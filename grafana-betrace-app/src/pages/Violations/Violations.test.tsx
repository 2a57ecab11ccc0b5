// The page as a whole, and its filters.
import { screen, waitFor } from '@testing-library/react';

import { render } from '../../test/render';
import { firstPage, giveElementsASize, page, RULES, series } from '../../violations/testPages';
import Violations from '.';

const HANDLERS = {
  'GET /v1/rules': { rules: RULES, cursor: null },
  'GET /v1/violations': page(3),
  'GET /v1/violations/series': series([2, null]),
};

beforeAll(giveElementsASize);

const show = (handlers: object = {}, at = '/violations?from=now-6h&to=now') =>
  render(<Violations />, { handlers: { ...HANDLERS, ...handlers }, at, path: '/violations' });

describe('the page', () => {
  it('has the list, the timeline and what can be asked of them', async () => {
    show();
    expect(await screen.findByText('message 0')).toBeInTheDocument();
    expect(await screen.findByRole('group', { name: 'Steps of time' })).toBeInTheDocument();
    expect(screen.getByRole('button', { name: 'Export' })).toBeEnabled();
    expect(screen.getByRole('button', { name: 'When did it start?' })).toHaveAttribute('aria-expanded', 'false');
  });

  it('asks for the newest violations first, since counting would take both places that a slow Tempo has', async () => {
    let answerList: (value: unknown) => void = () => undefined;
    const { host } = show({ 'GET /v1/violations': () => new Promise((done) => (answerList = done)) });
    await waitFor(() => expect(host.requests.some(({ path }) => path === '/v1/violations')).toBe(true));
    await screen.findByText('Counting…');
    expect(host.requests.some(({ path }) => path === '/v1/violations/series')).toBe(false);
    answerList(page(3));
    expect(await screen.findByRole('group', { name: 'Steps of time' })).toBeInTheDocument();
  });

  it('says that an export is not all', async () => {
    show({ 'GET /v1/violations': firstPage(100) });
    expect(await screen.findByRole('button', { name: 'Export what is loaded' })).toBeInTheDocument();
  });

  it('has no timeline without rules', async () => {
    show({ 'GET /v1/rules': { rules: [], cursor: null }, 'GET /v1/violations': page(0) });
    expect(await screen.findByText('There are no rules yet')).toBeInTheDocument();
    expect(screen.queryByRole('group', { name: 'Steps of time' })).not.toBeInTheDocument();
  });
});

describe('filters', () => {
  it('offers the rules of every page that the service has of them', async () => {
    const last = { ...RULES[0], id: 'last', name: 'The last one', controls: [] };
    const rules = ({ query }: { query: URLSearchParams }) => (query.get('cursor') ? { rules: [last], cursor: null } : { rules: RULES, cursor: 'next' });
    const { user, location } = show({ 'GET /v1/rules': rules });
    await screen.findByText('message 0');
    await user.click(screen.getByRole('combobox', { name: 'Rule' }));
    await user.click(await screen.findByRole('option', { name: 'The last one' }));
    expect(location()).toContain('rule=last');
  });

  it('writes a trace id into the URL when it is finished, and refuses what is none', async () => {
    const { user, location } = show();
    const field = await screen.findByLabelText('Trace id');
    await user.type(field, 'xyz{Enter}');
    expect(screen.getByText('A trace id has 1 to 32 hex digits')).toBeInTheDocument();
    expect(location()).not.toContain('trace=');
    await user.clear(field);
    await user.type(field, 'BEEF{Enter}');
    expect(location()).toContain('trace=beef');
  });

  it('changes the order and clears the filters, not the range', async () => {
    const { user, location } = show({}, '/violations?from=now-1h&to=now&severity=high&rule=other');
    await user.click(await screen.findByLabelText('Oldest first'));
    expect(location()).toContain('order=oldest');
    await user.click(screen.getByRole('button', { name: 'Clear filters' }));
    expect(location()).toBe('/violations?from=now-1h&to=now&order=oldest');
  });
});
