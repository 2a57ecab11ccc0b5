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

  describe('are shown whole on a click', () => {
    const none = { items: [], dropped: 0 };
    const whole = (change: object = {}) => ({
      name: 'checkout', service: 'shop', start_unix_nano: '1000000', status_message: '', trace_state: '', attributes: none, resource: none, scope: { name: '', version: '', attributes: none },
      events: [], dropped_events: 0, links: [], dropped_links: 0, records: 1, left_out: { attributes: 0, events: 0, links: 0 }, ...change,
    });
    const text = (key: string, value: string | null, more: object = {}) => ({ key, type: 'string', value, ...more });
    /** Answers the page's own question with the spans, and that of one span with these. */
    const asked: Array<string | null> = [];
    const answer = (wholes: (id: string) => unknown) => (request: { query: URLSearchParams }) => {
      const id = request.query.get('span');
      asked.push(id);
      return id ? wholes(id) : { ...TRACE, spans };
    };
    const details = () => screen.getByRole('complementary', { name: 'Selected span' });

    it('with keys that stand twice, numbers to the last digit, what is hidden, and what is cut', async () => {
      asked.length = 0;
      const items = [text('twice', 'one'), text('twice', 'two'), text('big', '9223372036854775807', { type: 'int' }), text('json', '{"id":780177723283783680}'), text('h\u202eid', 'a\u200bb'),
        text('long', 'xxx', { bytes: 123456 }), text('map', null, { type: 'not_read' }), text('raw', '5', { type: 'unknown' }), text('edge', 'y', { may_be_cut: true })];
      const event = { name: 'exception', time_unix_nano: '1500000', attributes: { items: [text('stack', 'at a()\n\tat b()')], dropped: 2 } };
      const link = { trace_id: 'ab'.repeat(16), span_id: 'cd'.repeat(8), attributes: none };
      const full = whole({ attributes: { items, dropped: 3 }, resource: { items: [text('zone', 'x')], dropped: 0 }, scope: { name: 'lib', version: '7', attributes: { items: [text('of.scope', 's')], dropped: null } },
        events: [event], links: [link], records: 2, left_out: { attributes: 44, events: 1, links: 0 }, status_message: 'no funds', trace_state: 'a=b' });
      const { user } = show(answer((id) => ({ ...TRACE, whole_spans: id === span.span_id ? [whole({ name: 'the other half', start_unix_nano: '2' }), full] : [whole({ name: 'step 2', attributes: { items: [text('mine', 'yes')], dropped: 0 } })] })));
      await screen.findByRole('treegrid');
      expect(asked).toEqual([null]);
      await user.click(screen.getByRole('button', { name: 'All attributes, events and links' }));
      const part = await screen.findByRole('region', { name: 'Attributes' });
      for (const said of ['twiceone', 'twicetwo', 'big9223372036854775807 int', '"id": 780177723283783680', 'h\\u202eida\\u200bb', 'longxxx Cut here: 123456 bytes in all', 'only the trace itself has it', 'The store keeps no type',
        'As long as a text that Tempo cuts', 'Status messageno funds', 'tracestatea=b', 'Dropped before they were stored: 3']) {
        expect(part).toHaveTextContent(said);
      }
      expect(screen.getByRole('region', { name: 'Resource' })).toHaveTextContent('zonex');
      expect(screen.getByRole('region', { name: 'Scope' })).toHaveTextContent('Namelib 7of.scopes');
      expect(screen.getByRole('region', { name: 'Event exception, after 500µs' })).toHaveTextContent('stackat a() at b()Dropped before they were stored: 2');
      expect(screen.getByRole('region', { name: 'Link' })).toHaveTextContent('ab'.repeat(16));
      expect(details()).toHaveTextContent('The source has this span in forms that differ, or with a key twice.');
      expect(details()).toHaveTextContent('up to 44 attributes, 1 events and 0 links');
      // The next span that is chosen is shown so, too, and nothing is asked again for the rest.
      await user.click(screen.getByText('step 2'));
      expect(await screen.findByText('mine')).toBeInTheDocument();
      expect(asked).toEqual([null, span.span_id, '2'.repeat(16)]);
      await user.click(screen.getByRole('button', { name: 'Only what rules compare' }));
      expect(details()).toHaveTextContent('Only attributes that an enabled rule compares are shown here.');
    });

    it('or why they cannot be, with the rest as it was', async () => {
      const { user } = show(answer(() => problem(404, 'not-found', 'The trace has no span 1.')));
      await user.click(await screen.findByRole('button', { name: 'All attributes, events and links' }));
      expect(await screen.findByText('The trace has no span 1.')).toBeInTheDocument();
      expect(details()).toHaveTextContent('Span id');
    });
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
