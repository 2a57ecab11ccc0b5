// The small pieces that every page shows: errors, badges, times.
import { screen } from '@testing-library/react';
import { ApiError } from '../api/problem';
import { SEVERITIES, type Severity, type Verdict } from '../api/types';
import { ACTIONS } from '../permissions';
import { render } from '../test/render';
import { ErrorBoundary } from './ErrorBoundary';
import { ErrorState } from './ErrorState';
import { Forbidden, writeDisabledReason } from './Forbidden';
import { SeverityBadge } from './SeverityBadge';
import { formatTime, TimeText } from './TimeText';
import { VerdictBadge } from './VerdictBadge';

it('shows a problem document whole, and tries again', async () => {
  const retry = jest.fn();
  const error = new ApiError(422, 'rule-invalid', 'The rule is invalid', 'two things', [{ field: 'name', message: 'is missing' }]);
  const { user } = render(<ErrorState error={error} title="Not saved" onRetry={retry} />);
  for (const text of ['Not saved', 'The rule is invalid', 'two things', 'name: is missing', 'Status 422 (rule-invalid)']) {
    expect(screen.getByText(text)).toBeInTheDocument();
  }
  await user.click(screen.getByRole('button', { name: 'Try again' }));
  expect(retry).toHaveBeenCalledTimes(1);
});

it('says what to look at when nobody answers', () => {
  render(<ErrorState error={new TypeError('Failed to fetch')} />);
  expect(screen.getByText(/Is the service running/)).toBeInTheDocument();
  expect(screen.queryByText(/^Status/)).not.toBeInTheDocument();
});

it('says who can help where something is not allowed', () => {
  render(<ErrorState error={new ApiError(403, '', 'HTTP 403', 'plugin proxy route access denied')} />);
  expect(screen.getByText('plugin proxy route access denied')).toBeInTheDocument();
  expect(screen.getByText(/an administrator can change both/)).toBeInTheDocument();
});

it('names the permission that is missing, and why a write is not offered', () => {
  render(<Forbidden action={ACTIONS.readRules} />);
  expect(screen.getByText(/betrace-app.rules:read/)).toBeInTheDocument();
  expect(writeDisabledReason(true, 'grafana')).toBeUndefined();
  expect(writeDisabledReason(false, 'standalone')).toContain('token');
  expect(writeDisabledReason(false, 'shell')).not.toContain('token');
});

it.each<[Verdict, string]>([
  ['violated', 'Violated'],
  ['inconclusive', 'Inconclusive'],
  ['satisfied', 'Satisfied'],
  ['not_applicable', 'Not applicable'],
])('says %s in words, with an icon of its own', (verdict, text) => {
  const { container } = render(<VerdictBadge verdict={verdict} />);
  expect(screen.getByText(text)).toBeInTheDocument();
  expect(container.querySelector('svg')).not.toBeNull();
});

it('has a word for every severity', () => {
  SEVERITIES.forEach((severity: Severity) => render(<SeverityBadge severity={severity} />));
  expect(screen.getByText('Critical')).toBeInTheDocument();
  expect(screen.getByText('Info')).toBeInTheDocument();
});

it('shows times in the zone of the user, and keeps the exact one', () => {
  const time = '2026-11-20T12:34:56.789012345Z';
  expect(formatTime(time, 'utc', 'milliseconds')).toBe('2026-11-20 12:34:56.789');
  expect(formatTime(time, 'Asia/Tokyo')).toBe('2026-11-20 21:34:56');
  render(<TimeText time={time} />);
  expect(screen.getByText('2026-11-20 12:34:56')).toHaveAttribute('datetime', time);
  expect(render(<TimeText time={null} />).container).toHaveTextContent('–');
});

it('keeps the rest of the app when a page throws', () => {
  jest.spyOn(console, 'error').mockImplementation(() => undefined);
  const Broken = () => {
    throw new Error('of this page');
  };
  render(
    <ErrorBoundary>
      <Broken />
    </ErrorBoundary>
  );
  expect(screen.getByText('of this page')).toBeInTheDocument();
});
