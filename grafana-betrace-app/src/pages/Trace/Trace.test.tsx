// A trace by its id, with the way back to what it is an example of.
import { screen } from '@testing-library/react';

import { problem } from '../../test/host';
import { render } from '../../test/render';
import { giveElementsASize } from '../../violations/testPages';
import TracePage from '.';

beforeAll(giveElementsASize);

const ID = 'f943be547db20591c554641044bc7043';
const span = { span_id: '1'.repeat(16), parent_span_id: null, name: 'checkout', service: 'shop', kind: 'server', status: 'unset', status_message: null, start_unix_nano: '1000000', end_unix_nano: '3000000', attributes: {} };
const TRACE = { trace_id: ID, span_count: 1, start: '2026-03-10T06:11:02Z', end: '2026-03-10T06:11:03Z', root_name: 'checkout', root_service: 'shop', incomplete: [], verdicts: [], not_evaluated: [], spans: [span] };
const show = (trace: unknown) => render(<TracePage />, { handlers: { 'GET /v1/traces/*': trace, 'GET /v1/health': { metadata: {} } }, at: `/traces/${ID}`, path: '/traces/:traceId' });

it('shows the spans of a trace that violates nothing, and where Explore has it', async () => {
  show(TRACE);
  expect(await screen.findByText('1 spans, begun by checkout of shop')).toBeInTheDocument();
  expect(screen.getByRole('link', { name: 'Open in Explore' })).toHaveAttribute('href', expect.stringContaining(ID));
  expect(screen.queryByText('All rules on this trace')).not.toBeInTheDocument();
});

it('says why it cannot be read', async () => {
  show(problem(404, 'not-found', 'There is no such trace.'));
  expect(await screen.findByText('There is no such trace.')).toBeInTheDocument();
});
