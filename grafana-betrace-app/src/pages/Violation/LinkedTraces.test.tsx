// The linked traces below the one that is looked at, by what people see: which are read and when, their witnesses, and the link that is missing.
import { screen, within } from '@testing-library/react';

import type { SpanLink, TraceSpan, TraceVerdicts, Violation, Witness } from '../../api/types';
import { rule, violation } from '../../test/fixtures';
import { problem } from '../../test/host';
import { render } from '../../test/render';
import { giveElementsASize } from '../../violations/testPages';
import ViolationPage from '.';

const OWN = '4bf92f3577b34da6a3ce929d0e0e4736';
const START = 1_795_264_496_000_000_000n;
const RELATION = 'span(span.name == "process orders") linked to p within 10m';

/** The id of the nth linked trace. */
const idOf = (n: number) => String(n).padStart(32, '0');
const verdictsOf = (traceId: string) => `GET /v1/traces/${traceId}/verdicts`;

function span(id: string, name: string, service: string): TraceSpan {
  return {
    span_id: id,
    parent_span_id: null,
    name,
    service,
    kind: 'internal',
    status: 'unset',
    status_message: null,
    start_unix_nano: String(START),
    end_unix_nano: String(START + 100_000_000n),
    attributes: {},
  };
}

const SENT: Witness = {
  span_id: 'send',
  binding: 'p',
  name: 'publish orders',
  service: 'shop',
  start: '2026-11-21T12:34:56.000000000Z',
  duration: '100ms',
  range: { start: 0, end: 1 },
};
const WORKED: Witness = { ...SENT, span_id: 'work', binding: null, name: 'process orders', service: 'worker' };

const found = (clause: 'always' | 'never', witnesses: Witness[], change: object = {}): Violation =>
  violation({
    trace_id: OWN,
    witnesses,
    failed: { start: 0, end: 9, clause, text: RELATION, message: `the sentence about ${RELATION}` },
    choices_total: 1,
    ...change,
  });

const trace = (traceId: string, spans: TraceSpan[], change: Partial<TraceVerdicts> = {}): TraceVerdicts => ({
  trace_id: traceId,
  span_count: spans.length,
  start: '2026-11-21T12:34:56Z',
  end: '2026-11-21T12:34:57Z',
  root_name: spans[0].name,
  root_service: spans[0].service,
  incomplete: [],
  verdicts: [],
  not_evaluated: [],
  spans,
  linked: [],
  ...change,
});

const linked = (n: number, change: object = {}) => ({
  trace_id: idOf(n),
  span_count: 1,
  start: `2026-11-21T12:34:56.${String(n).padStart(3, '0')}Z`,
  end: `2026-11-21T12:34:56.${String(n + 1).padStart(3, '0')}Z`,
  root_name: `process orders ${n}`,
  root_service: 'worker',
  incomplete: false,
  links: [] as SpanLink[],
  link_count: 0,
  ...change,
});

/** The page of a violation with these linked traces; each can be read. */
function show(shown: Violation | null, traces: Array<ReturnType<typeof linked>>, more: object = {}) {
  const judged = {
    rule_id: 'fraud-check',
    rule_name: 'Orders are processed',
    rule_version: 1,
    severity: 'high' as const,
    shadow: false,
    verdict: shown ? ('violated' as const) : ('satisfied' as const),
    reason: null,
    spent: null,
    exercised: true,
    violation: shown,
  };
  const own = trace(OWN, [span('send', 'publish orders', 'shop')], { verdicts: [judged], linked: traces });
  const others = Object.fromEntries(traces.map((one) => [verdictsOf(one.trace_id), trace(one.trace_id, [span('work', 'process orders', 'worker')])]));
  return render(<ViolationPage />, {
    handlers: { [verdictsOf(OWN)]: own, 'GET /v1/rules/fraud-check': rule(), ...others, ...more },
    at: `/violations/fraud-check/${OWN}`,
    path: '/violations/:ruleId/:traceId',
  });
}

const section = (n: number) => screen.findByRole('region', { name: `Linked trace process orders ${n} of worker` });
const spansIn = async (n: number) =>
  within(await within(await section(n)).findByRole('treegrid'))
    .getAllByRole('row')
    .filter((row) => row.hasAttribute('data-item'));
const readIds = (requests: ReadonlyArray<{ path: string }>) =>
  requests.flatMap(({ path }) => /^\/v1\/traces\/(\w+)\/verdicts/.exec(path)?.[1] ?? []).filter((id) => id !== OWN);

beforeAll(giveElementsASize);

describe('linked traces', () => {
  it('are not spoken of where there are none', async () => {
    show(null, []);
    await screen.findByRole('treegrid');
    expect(screen.queryByRole('region', { name: 'Linked traces' })).not.toBeInTheDocument();
  });

  it('are drawn below, with the witnesses in each and how the rule asks for the link', async () => {
    show(found('never', [SENT, { ...WORKED, trace_id: idOf(7) }]), [linked(7)]);
    const part = await section(7);
    expect(await within(part).findByRole('treegrid', { name: 'Spans of the linked trace process orders 7 of worker' })).toBeInTheDocument();
    expect(part).toHaveTextContent('linked to publish orders of shop · one span · begins 7.00ms after this trace');
    expect((await spansIn(7)).map((row) => row.textContent)).toEqual([expect.stringContaining('Witness')]);
    expect(within(part).getByRole('link', { name: `Open trace ${idOf(7)}` })).toHaveAttribute('href', `/violations/fraud-check/${idOf(7)}`);
    const details = within(part).getByRole('complementary', { name: 'Selected span of the linked trace process orders 7 of worker' });
    expect(within(details).getByRole('link')).toHaveAttribute('href', `/violations/fraud-check/${OWN}`);
  });

  it('do not count as lost in the trace that they are not of', async () => {
    show(found('never', [SENT, { ...WORKED, trace_id: idOf(7) }]), [linked(7)]);
    await section(7);
    expect(screen.queryByText(/are not among these spans/)).not.toBeInTheDocument();
  });

  it('are read at once where they hold witnesses, and else on a click, when there are many', async () => {
    const traces = Array.from({ length: 12 }, (_, i) => linked(i + 1));
    const { host, user } = show(found('never', [SENT, { ...WORKED, trace_id: idOf(9) }]), traces);
    expect((await spansIn(9)).length).toBe(1);
    expect(readIds(host.requests)).toEqual([idOf(9)]);
    expect(screen.getAllByRole('region', { name: /^Linked trace process/ })[0]).toBe(await section(9));
    const open = within(await section(1)).getByRole('button', { name: 'Show its spans: process orders 1 of worker' });
    expect(open).toHaveAttribute('aria-expanded', 'false');
    open.focus();
    await user.keyboard('{Enter}');
    expect(await within(await section(1)).findByRole('treegrid')).toBeInTheDocument();
    expect(readIds(host.requests)).toEqual([idOf(9), idOf(1)]);
    await user.keyboard('{Enter}');
    expect(within(await section(1)).queryByRole('treegrid')).not.toBeInTheDocument();
    expect(screen.getAllByRole('region', { name: /^Linked trace process/ })).toHaveLength(10);
    await user.click(screen.getByRole('button', { name: 'List 2 more linked traces' }));
    expect(screen.getAllByRole('region', { name: /^Linked trace process/ })).toHaveLength(12);
  });

  it('are read at once when there are few, though nothing in them is a witness', async () => {
    const { host } = show(null, [linked(1), linked(2)]);
    await spansIn(2);
    expect(readIds(host.requests).sort()).toEqual([idOf(1), idOf(2)]);
  });

  it('are read by the name that a witness has for them, though the service lists them not', async () => {
    show(found('never', [SENT, { ...WORKED, trace_id: idOf(5) }]), [], { [verdictsOf(idOf(5))]: trace(idOf(5), [span('work', 'process orders', 'worker')]) });
    const part = await screen.findByRole('region', { name: `Linked trace ${idOf(5)}` });
    expect((await within(part).findByRole('treegrid')).textContent).toContain('process orders');
  });

  it('say that spans may be missing in them', async () => {
    show(null, [linked(1, { incomplete: true })]);
    expect(await section(1)).toHaveTextContent('Spans may be missing in it, so nothing in it counts as absent.');
  });

  it('say that they could not be read, and are asked again', async () => {
    const { host, user } = show(null, [linked(1)], { [verdictsOf(idOf(1))]: problem(503, 'source', 'Tempo does not answer.') });
    expect(await within(await section(1)).findByText('The linked trace could not be read')).toBeInTheDocument();
    host.handlers[verdictsOf(idOf(1))] = trace(idOf(1), [span('work', 'process orders', 'worker')]);
    await user.click(within(await section(1)).getByRole('button', { name: 'Try again' }));
    expect(await within(await section(1)).findByRole('treegrid')).toBeInTheDocument();
  });

  it('are selected in by a click, which the URL keeps and another trace does not follow', async () => {
    const { user, location } = show(found('never', [SENT, { ...WORKED, trace_id: idOf(7) }]), [linked(7)]);
    const [row] = await spansIn(7);
    await user.click(row);
    expect(location()).toBe(`/violations/fraud-check/${OWN}?span=work.internal`);
    expect(screen.getByRole('complementary', { name: 'Selected span' })).toHaveTextContent('publish orders');
  });
});

/** Links of the span "work" of the nth linked trace to the span "send" of the own one, with what is different. */
const link = (n: number, change: Partial<SpanLink> = {}): SpanLink => ({
  from_trace_id: idOf(n),
  from_span_id: 'work',
  to_trace_id: OWN,
  to_span_id: 'send',
  ...change,
});
const linesIn = async (n: number) =>
  within(within(await section(n)).getByRole('list', { name: 'Which span links to which' }))
    .getAllByRole('listitem')
    .map((line) => line.textContent);

describe('which span links to which', () => {
  it('is said by the names of the spans', async () => {
    show(null, [linked(1, { links: [link(1)], link_count: 1 })]);
    await spansIn(1);
    expect(await linesIn(1)).toEqual(['process orders links to publish orders']);
  });

  it('is said by ids of spans that are not there or were not read yet, and by the trace where no span is named', async () => {
    const ties = [link(1, { to_span_id: '00000000000000ff' }), link(1, { to_span_id: null }), link(1, { from_span_id: 'f0f1f2f3f4f5f6f7' })];
    const closed = [2, 3, 4].map((n) => linked(n));
    const { user } = show(null, [linked(1, { links: ties, link_count: 3 }), ...closed]);
    await section(1);
    expect(await linesIn(1)).toEqual(['span work links to span ff', 'span work links to the trace publish orders of shop', 'span f0f1f2f3… links to publish orders']);
    await user.click(within(await section(1)).getByRole('button', { name: /^Show its spans/ }));
    await spansIn(1);
    expect((await linesIn(1)).slice(0, 2)).toEqual(['process orders links to span ff', 'process orders links to the trace publish orders of shop']);
    await user.click(within(await section(1)).getByRole('button', { name: /^Hide its spans/ }));
    expect((await linesIn(1))[0]).toBe('process orders links to span ff');
  });

  it('names the other linked trace', async () => {
    show(null, [linked(1, { links: [link(1, { to_trace_id: idOf(2), to_span_id: 'ffff' })], link_count: 1 }), linked(2)]);
    await spansIn(1);
    expect(await linesIn(1)).toEqual(['process orders links to span ffff in the trace process orders 2 of worker']);
  });

  it('is told for three links, with ids where the names are the same, and the others are counted', async () => {
    const ids = Array.from({ length: 20 }, (_, i) => `a${i}`);
    const ties = [link(1), link(1), ...ids.map((id) => link(1, { from_span_id: id }))];
    const spans = [span('work', 'process orders', 'worker'), ...ids.map((id) => span(id, 'retry', 'worker'))];
    show(null, [linked(1, { links: ties, link_count: 500 })], { [verdictsOf(idOf(1))]: trace(idOf(1), spans) });
    await spansIn(1);
    expect(await linesIn(1)).toEqual([
      'process orders links to publish orders',
      'retry (a0) links to publish orders (send)',
      'retry (a1) links to publish orders (send)',
      'and 496 more',
    ]);
  });

  it('selects both spans when it is chosen, opens the linked trace, and is in the URL', async () => {
    const spans = [span('first', 'receive', 'worker'), span('work', 'process orders', 'worker')];
    const closed = [2, 3, 4].map((n) => linked(n));
    const { user, location } = show(null, [linked(1, { links: [link(1)], link_count: 1 }), ...closed], {
      [verdictsOf(OWN)]: trace(OWN, [span('begin', 'POST /orders', 'shop'), span('send', 'publish orders', 'shop'), span('work', 'another', 'shop')], {
        linked: [linked(1, { links: [link(1)], link_count: 1 }), ...closed],
      }),
      [verdictsOf(idOf(1))]: trace(idOf(1), spans),
    });
    const line = within(await section(1)).getByRole('button', { name: 'span work links to publish orders' });
    expect(line).toHaveAttribute('aria-current', 'false');
    line.focus();
    await user.keyboard('{Enter}');
    await spansIn(1);
    const chosen = (name: string) => within(screen.getByRole('treegrid', { name })).getAllByRole('row', { selected: true }).map((row) => row.textContent);
    expect(chosen('Spans of the trace')).toEqual([expect.stringContaining('publish orders')]);
    expect(chosen('Spans of the linked trace process orders 1 of worker')).toEqual([expect.stringContaining('process orders')]);
    expect(new URLSearchParams(location().split('?')[1]).getAll('span')).toEqual([`work.${idOf(1)}`, `send.${OWN}`]);
    expect(line).toHaveTextContent('process orders links to publish orders');
    expect(line).toHaveAttribute('aria-current', 'true');
    expect(line).toHaveFocus();
    await user.click((await spansIn(1))[0]);
    expect(line).toHaveAttribute('aria-current', 'false');
    expect(chosen('Spans of the linked trace process orders 1 of worker')).toEqual([expect.stringContaining('receive')]);
  });

  it('opens what hides the span that is chosen', async () => {
    const hidden = { ...span('send', 'publish orders', 'shop'), parent_span_id: 'begin' };
    const ties = [linked(1, { links: [link(1)], link_count: 1 })];
    const { user } = show(null, ties, {
      [verdictsOf(OWN)]: trace(OWN, [span('begin', 'POST /orders', 'shop'), hidden], { linked: ties }),
    });
    const line = await within(await section(1)).findByRole('button', { name: 'process orders links to publish orders' });
    const rows = () => within(screen.getByRole('treegrid', { name: 'Spans of the trace' })).getAllByRole('row').length - 1;
    await user.click(screen.getAllByRole('button', { name: 'Close all' })[0]);
    expect(rows()).toBe(1);
    await user.click(line);
    expect(rows()).toBe(2);
  });

  it('is not spoken of where the service does not say it', async () => {
    const { links: _links, link_count: _count, ...older } = linked(1);
    show(null, [older as ReturnType<typeof linked>]);
    await spansIn(1);
    expect(within(await section(1)).queryByRole('list', { name: 'Which span links to which' })).not.toBeInTheDocument();
  });
});

describe('a link that is missing', () => {
  it('is a dashed row of the trace and a part of its own, with what failed', async () => {
    show(found('always', [SENT]), []);
    const part = await screen.findByRole('region', { name: 'Missing link' });
    expect(part).toHaveTextContent(`No linked span${'the sentence about '}${RELATION}`);
    expect(part).not.toHaveTextContent('sampler');
    expect(within(screen.getByRole('treegrid')).getByText('Missing link')).toBeInTheDocument();
  });

  it('says that a sampler may have dropped it where it rests on no such trace having come, though another is linked', async () => {
    show(found('always', [SENT], { rests_on: 'no linked trace' }), [linked(1)]);
    await section(1);
    const part = await screen.findByRole('region', { name: 'Missing link' });
    expect(part).toHaveTextContent('No linked trace');
    expect(part).toHaveTextContent('a sampler that drops traces one by one leaves the same behind');
  });

  it('is not spoken of where a linked span is there that must not be', async () => {
    show(found('never', [SENT, { ...WORKED, trace_id: idOf(7) }]), [linked(7)]);
    await section(7);
    expect(screen.queryByRole('region', { name: 'Missing link' })).not.toBeInTheDocument();
  });
});
