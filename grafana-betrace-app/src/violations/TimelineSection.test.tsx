// The timeline by what people see, and what a click on a bar does.
import { screen } from '@testing-library/react';

import { coverage } from '../test/fixtures';
import { problem } from '../test/host';
import { render } from '../test/render';
import { series } from './testPages';
import { TimelineSection } from './TimelineSection';
import { useViolationList } from './useViolationList';

function Section() {
  return <TimelineSection list={useViolationList({ enabled: false })} hasShadow={false} />;
}

const show = (handlers: object = {}, at = '/violations?from=now-6h&to=now') =>
  render(<Section />, { handlers: { 'GET /v1/violations/series': series([2, null]), ...handlers }, at, path: '/violations' });

describe('the timeline', () => {
  it('says that a step was not looked at, which is not zero', async () => {
    show();
    expect(await screen.findByRole('button', { name: /12:00:00 to .*: 2 violations \(critical 2\)/ })).toBeInTheDocument();
    expect(screen.getByRole('button', { name: /12:30:00 to .*: not looked at, or not settled yet/ })).toBeInTheDocument();
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

  it('says what went wrong', async () => {
    show({ 'GET /v1/violations/series': problem(503, 'unavailable', 'no counts') });
    expect(await screen.findByText('no counts')).toBeInTheDocument();
  });
});
