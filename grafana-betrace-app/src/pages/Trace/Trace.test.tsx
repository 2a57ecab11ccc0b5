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

describe('its spans', () => {
  const child = (id: string, change: object) => ({ ...span, span_id: id.repeat(16), parent_span_id: span.span_id, name: `step ${id}`, ...change });
  const spans = [span, child('2', { attributes: { 'db.system': 'postgresql' } }), child('3', { status: 'error' }), child('4', { service: 'Stock', status: 'error' })];
  const selected = () => screen.getByRole('row', { selected: true });

  it('are found by name, service and attribute, one after the other and back', async () => {
    const { user, location } = show({ ...TRACE, spans });
    const field = await screen.findByRole('searchbox', { name: 'Find in: Spans of the trace' });
    await user.type(field, 'step{Enter}');
    expect(selected()).toHaveTextContent('step 2');
    expect(screen.getByText('Found: 1 of 3')).toBeInTheDocument();
    expect(location()).toContain(`span=${'2'.repeat(16)}`);
    await user.keyboard('{Enter}{Enter}{Enter}');
    expect(selected()).toHaveTextContent('step 2');
    await user.keyboard('{Shift>}{Enter}{/Shift}');
    expect(selected()).toHaveTextContent('step 4');
    for (const [text, name] of [['STOCK', 'step 4'], ['db.system=post', 'step 2']]) {
      await user.clear(field);
      await user.type(field, `${text}{Enter}`);
      expect(selected()).toHaveTextContent(name);
    }
    await user.clear(field);
    await user.type(field, 'nothing{Enter}');
    expect(screen.getByText('No span here has that')).toBeInTheDocument();
  });

  it('that are hidden are opened to', async () => {
    const { user } = show({ ...TRACE, spans });
    await user.click(await screen.findByRole('button', { name: 'Close all' }));
    expect(screen.queryByText('step 3')).not.toBeInTheDocument();
    await user.click(screen.getByRole('button', { name: 'Next error (2)' }));
    expect(selected()).toHaveTextContent('step 3');
    await user.click(screen.getByRole('button', { name: 'Next error (2)' }));
    expect(selected()).toHaveTextContent('step 4');
  });
});

describe('its rules', () => {
  const verdict = (id: string, word: string) => ({ rule_id: id, rule_name: `Rule ${id}`, rule_version: 1, severity: 'high', shadow: false, verdict: word, reason: null, spent: null, exercised: true, violation: null });

  it('that it keeps or that are not about it are shown on a click', async () => {
    const { user } = show({ ...TRACE, verdicts: [verdict('a', 'satisfied'), verdict('b', 'not_applicable'), verdict('c', 'violated')] });
    expect(await screen.findByText('Rule c')).toBeInTheDocument();
    expect(screen.queryByText('Rule a')).not.toBeInTheDocument();
    await user.click(screen.getByRole('button', { name: 'Rules that it keeps: 1; rules that are not about it: 1' }));
    expect(screen.getByText('Rule a')).toBeInTheDocument();
    expect(screen.getByText('Rule b')).toBeInTheDocument();
  });

  it('are said to be kept only where none is open or could not be asked', async () => {
    const { unmount } = show({ ...TRACE, verdicts: [verdict('a', 'satisfied')] });
    expect(await screen.findByText('The trace violates none of them, and none is left open.')).toBeInTheDocument();
    unmount();
    show({ ...TRACE, verdicts: [verdict('a', 'satisfied')], not_evaluated: [{ rule_id: 'd', reason: 'E001' }] });
    expect(await screen.findByText('E001')).toBeInTheDocument();
    expect(screen.queryByText(/none is left open/)).not.toBeInTheDocument();
  });
});
