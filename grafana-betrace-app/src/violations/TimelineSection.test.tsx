// The timeline by what people see, and what a click on a bar does.
import { screen, waitFor } from '@testing-library/react';

import { coverage } from '../test/fixtures';
import { problem } from '../test/host';
import { render } from '../test/render';
import { firstPage, page, series } from './testPages';
import { TimelineSection } from './TimelineSection';
import { useViolationList } from './useViolationList';

function Section() {
  return <TimelineSection list={useViolationList({ enabled: false })} />;
}

function Listed() {
  return <TimelineSection list={useViolationList()} />;
}

const show = (handlers: object = {}, at = '/violations?from=now-6h&to=now') =>
  render(<Section />, { handlers: { 'GET /v1/violations/series': series([2, null]), ...handlers }, at, path: '/violations' });

describe('the timeline', () => {
  it('says that a step was not looked at, which is not zero', async () => {
    show();
    expect(await screen.findByRole('button', { name: /12:00:00 to .*: 2 violations \(critical 2\)/ })).toBeInTheDocument();
    expect(screen.getByRole('button', { name: /12:30:00 to .*: not looked at/ })).toBeInTheDocument();
    expect(screen.getByText(/Hatched: not looked at/)).toBeInTheDocument();
  });

  it('narrows the range to a bar', async () => {
    const { user, location } = show();
    await user.click(await screen.findByRole('button', { name: /2 violations/ }));
    expect(decodeURIComponent(location())).toMatch(/from=2026-11-20T12:00:00.000Z&to=2026-11-20T12:05:00.000Z/);
  });

  it('says what it cannot take into account', async () => {
    show({}, '/violations?service=shop');
    expect(await screen.findByText(/The timeline counts all services and traces/)).toBeInTheDocument();
  });

  it('shows what is counted, and asks again until all is', async () => {
    let asked = 0;
    const left = [{ start: '2026-11-20T12:00:00Z', end: '2026-11-20T12:30:00Z', reason: 'not evaluated yet: ask again' }];
    const part = {
      ...series([null, 3]),
      reason: 'not_evaluated: some steps',
      coverage: coverage({ complete: false, windows_failed: left }),
    };
    show({ 'GET /v1/violations/series': () => (asked++ === 0 ? part : series([2, 3])) });
    expect(await screen.findByText(/Counting goes on/)).toBeInTheDocument();
    expect(screen.getByRole('progressbar')).toHaveValue(50);
    expect(screen.getByRole('button', { name: /12:30:00 to .*: 3 violations/ })).toBeInTheDocument();
    expect(await screen.findByRole('button', { name: /12:00:00 to .*: 2 violations/ })).toBeInTheDocument();
    expect(screen.queryByText(/Counting goes on/)).not.toBeInTheDocument();
    expect(asked).toBe(2);
  });

  const whole = page(2);
  const withList = (handlers: object) => render(<Listed />, { handlers: { 'GET /v1/violations': whole, ...handlers }, at: '/violations?from=now-6h&to=now', path: '/violations' });

  it('is made of the list where that is whole: one evaluation, and nothing is asked twice', async () => {
    const { host } = withList({});
    expect(await screen.findByRole('button', { name: /2 violations \(critical 2\)/ })).toBeInTheDocument();
    expect(host.requests.map(({ path }) => path)).toEqual(['/v1/violations']);
    expect(screen.getByRole('button', { name: /12:55:00 to .*13:00:00: no violations$/ })).toBeInTheDocument();
  });

  it('says of a list that is not settled to its end that the end is not, and that nothing is known where there is no trace', async () => {
    const change = { effective_end: '2026-11-20T12:58:00Z', windows_empty: [{ start: '2026-11-20T12:00:00Z', end: '2026-11-20T12:10:00Z' }] };
    withList({ 'GET /v1/violations': page(2, {}, change) });
    expect(await screen.findByRole('button', { name: /13:00:00: no violations so far; not settled yet/ })).toBeInTheDocument();
    expect(screen.getAllByRole('button', { name: /: no trace, so nothing can be said/ }).length).toBeGreaterThan(1);
  });

  it('is counted over the very range of a list that is not whole, of the same rules', async () => {
    const { host } = withList({ 'GET /v1/violations': firstPage(2), 'GET /v1/violations/series': series([2, 3]) });
    await screen.findByRole('group', { name: 'Steps of time' });
    const { asked } = coverage();
    const query = host.requests.find(({ path }) => path === '/v1/violations/series')?.query;
    expect([query?.get('start'), query?.get('end'), query?.get('shadow')]).toEqual([asked.start, asked.end, 'true']);
  });

  it('says where the bars and the list have other numbers, and why', async () => {
    withList({ 'GET /v1/violations': page(2, {}, { complete: false }), 'GET /v1/violations/series': series([2, 3]) });
    expect(await screen.findByText(/The bars have 5 violations and the list has 2/)).toHaveTextContent('settled');
  });

  it('asks for no bars where no rule is meant', async () => {
    const { host } = withList({ 'GET /v1/violations': page(0, { reason: 'no_rules: none' }, { complete: false }) });
    await waitFor(() => expect(host.requests).toHaveLength(1));
    expect(screen.queryByRole('group', { name: 'Steps of time' })).not.toBeInTheDocument();
  });

  it('says what went wrong', async () => {
    show({ 'GET /v1/violations/series': problem(503, 'unavailable', 'no counts') });
    expect(await screen.findByText('no counts')).toBeInTheDocument();
  });
});
