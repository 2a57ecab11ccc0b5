// The timeline by what people see, and what a click on a bar does.
import { screen } from '@testing-library/react';

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

  it('says what went wrong', async () => {
    show({ 'GET /v1/violations/series': problem(503, 'unavailable', 'no counts') });
    expect(await screen.findByText('no counts')).toBeInTheDocument();
  });
});
