// The page as a whole, and its filters.
import { screen, waitFor } from '@testing-library/react';

import { render } from '../../test/render';
import { foundProblem, problemsAnswer } from '../../test/problemFixtures';
import { firstPage, giveElementsASize, page, RULES, series } from '../../violations/testPages';
import Violations from '.';

const HANDLERS = {
  'GET /v1/rules': { rules: RULES, cursor: null },
  'GET /v1/violations': page(3),
  'GET /v1/violations/series': series([2, null]),
};

beforeAll(giveElementsASize);

const show = (handlers: object = {}, at = '/violations?from=now-6h&to=now&view=list') =>
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
    const { user, location } = show({}, '/violations?from=now-1h&to=now&severity=high&rule=other&view=list');
    await user.click(await screen.findByLabelText('Oldest first'));
    expect(location()).toContain('order=oldest');
    await user.click(screen.getByRole('button', { name: 'Clear filters' }));
    expect(location()).toBe('/violations?from=now-1h&to=now&order=oldest');
  });
});

describe('problems', () => {
  const AT = '/violations?from=now-6h&to=now';
  const group = (answer: unknown, more: object = {}, at = AT) => show({ 'GET /v1/problems': answer, ...more }, at);

  it('come first, over the range and of the rules of the address; the list is one click away', async () => {
    const { host, user, location } = group(problemsAnswer(), {}, `${AT}&severity=high`);
    expect(await screen.findByRole('list', { name: /^Problems/ })).toBeInTheDocument();
    const asked = host.requests.find(({ path }) => path === '/v1/problems')!;
    expect(Object.fromEntries(asked.query)).toEqual({ start: 'now-6h', end: 'now', limit: '200', timeout: '60s', severity: 'high' });
    expect(screen.queryByLabelText('Trace id')).not.toBeInTheDocument();
    await user.click(screen.getByRole('radio', { name: 'Every violation' }));
    expect(await screen.findByText('message 0')).toBeInTheDocument();
    expect(location()).toContain('view=list');
    await user.click(screen.getByRole('radio', { name: 'Problems' }));
    expect(location()).toBe(`${AT}&severity=high`);
  });

  it.each(['service=shop', 'trace=beef', 'order=oldest'])('give way to the list for an address with %s', async (filter) => {
    const { host } = group(problemsAnswer(), {}, `${AT}&${filter}`);
    expect(await screen.findByText('message 0')).toBeInTheDocument();
    expect(host.requests.some(({ path }) => path === '/v1/problems')).toBe(false);
  });

  it('have what failed, where it begins, how many of how many, and how it goes', async () => {
    const { host } = group(problemsAnswer());
    const list = await screen.findByRole('list', { name: 'Problems, those of the gravest rules first' });
    const [first, second, third] = [...list.children] as HTMLElement[];
    ['Critical', 'Fraud check', 'Rising', 'no span named "audit" in this trace; begins in checkout', '1,234 traces, 2.5% of those that the rule is about'].forEach((text) => expect(first).toHaveTextContent(text));
    expect(first.querySelectorAll('rect')).toHaveLength(3);
    expect(first.querySelectorAll('line')).toHaveLength(1);
    expect(first.querySelector('svg[role=img]')).toHaveAccessibleName('Traces in 4 steps of time: at most 12 in one; steps that are not known: 1');
    ['traces without a known first span', 'at least 3 traces', 'How it goes is not known: steps that decide it are not known'].forEach((text) => expect(second).toHaveTextContent(text));
    ['counted, and not looked at further', '7 traces'].forEach((text) => expect(third).toHaveTextContent(text));
    expect(screen.getByText('2 more problems are not shown: choose rules or a severity.')).toBeInTheDocument();
    expect(host.requests.some(({ path }) => path === '/v1/violations')).toBe(false);
  });

  it('are none only where everything was read', async () => {
    group(problemsAnswer({ problems: [], problems_total: 0, violations_found: 0 }));
    expect(await screen.findByText(/^No violations among/)).toBeInTheDocument();
  });

  it('are not known where the time was over', async () => {
    group(problemsAnswer({ problems: [], problems_total: 0, violations_found: 0, status: 'incomplete', reason: 'timeout: the time was over' }, { complete: false }));
    expect(await screen.findByText('No problem is known, and not everything was looked at')).toBeInTheDocument();
    expect(screen.getByText('This is not “no problems”: the time was over')).toBeInTheDocument();
    expect(screen.queryByText(/^No violations/)).not.toBeInTheDocument();
  });

  it('say what filters do not reach them', async () => {
    group(problemsAnswer(), {}, `${AT}&service=shop&view=problems`);
    expect(await screen.findByText(/^Problems are shown of all services and traces/)).toBeInTheDocument();
  });

  it('open by Enter and Space to their newest violations, which the address says', async () => {
    const { host, user, location } = group(problemsAnswer());
    const [toggle] = await screen.findAllByRole('button', { name: 'Fraud check' });
    expect(toggle).toHaveAttribute('aria-expanded', 'false');
    toggle.focus();
    await user.keyboard('{Enter}');
    const rows = await screen.findByRole('list', { name: 'Its violations, newest first' });
    expect(toggle).toHaveAttribute('aria-expanded', 'true');
    expect(document.getElementById(toggle.getAttribute('aria-controls')!)).toContainElement(rows);
    expect(location()).toBe(`${AT}&problem=0123456789abcdef`);
    const asked = host.requests.find(({ path }) => path === '/v1/violations')!;
    expect(Object.fromEntries(asked.query)).toEqual({ start: 'now-6h', end: 'now', order: 'newest', timeout: '60s', rule_id: 'fraud-check', problem: '0123456789abcdef', limit: '10' });
    expect(rows.querySelector('a')).toHaveAttribute('href', expect.stringMatching(/^\/violations\/[^/]+\/[0-9a-f]{32}\?.*problem=0123456789abcdef/));
    expect(screen.getByRole('link', { name: 'All violations of this problem' })).toHaveAttribute(
      'href',
      '/violations?from=now-6h&to=now&rule=fraud-check&view=list&problem=0123456789abcdef'
    );
    await user.keyboard(' ');
    expect(screen.queryByRole('list', { name: 'Its violations, newest first' })).not.toBeInTheDocument();
    expect(location()).toBe(AT);
  });

  it('are gone through by j and k, from anywhere on the page, and by no letter that is typed', async () => {
    const { user } = group(problemsAnswer());
    const toggles = await screen.findAllByRole('button', { name: 'Fraud check' });
    await user.keyboard('j');
    expect(toggles[0]).toHaveFocus();
    await user.keyboard('jjj');
    expect(toggles[2]).toHaveFocus();
    await user.keyboard('k');
    expect(toggles[1]).toHaveFocus();
    const field = screen.getByRole('combobox', { name: 'Rule' });
    await user.type(field, 'j');
    expect(field).toHaveFocus();
  });

  it('lead to their rule, its month, what changed around their first violation, and a test', async () => {
    const AT_OPEN = `${AT}&problem=0123456789abcdef`;
    const { user } = group(problemsAnswer(), {}, AT_OPEN);
    const steps = await screen.findByRole('navigation', { name: 'What to do next' });
    const hrefs = [...steps.querySelectorAll('a')].map((link) => link.getAttribute('href'));
    expect(hrefs).toEqual([
      '/rules/fraud-check',
      '/replay?rule=fraud-check&from=now-30d&to=now',
      '/changes?from=now-6h&to=now&by=moment&at=2026-11-20T12%3A00%3A00.000000000Z',
    ]);
    const write = jest.spyOn(navigator.clipboard, 'writeText').mockResolvedValue();
    Object.defineProperty(window, 'isSecureContext', { value: true });
    await user.click(await screen.findByRole('button', { name: 'Copy the command that makes a test of this' }));
    expect(write).toHaveBeenCalledWith(expect.stringContaining(`betrace record ${'a'.repeat(32)} --dsl`));
  });

  it('link the runbook of their rule, if it is an address of the web', async () => {
    const annotated = (address: string) => ({ 'GET /v1/rules': { rules: [{ ...RULES[0], annotations: { runbook_url: address } }], cursor: null } });
    const { unmount } = group(problemsAnswer(), annotated('https://runbooks.example/fraud'));
    const [link] = await screen.findAllByRole('link', { name: 'Runbook' });
    expect(link).toHaveAttribute('href', 'https://runbooks.example/fraud');
    unmount();
    group(problemsAnswer(), annotated('javascript:alert(1)'));
    await screen.findAllByRole('button', { name: 'Fraud check' });
    expect(screen.queryByRole('link', { name: 'Runbook' })).not.toBeInTheDocument();
  });

  it('are open where the address names one; of more than are shown it says how many', async () => {
    group(problemsAnswer(), { 'GET /v1/violations': page(3, { total_count: null, reason: 'not_evaluated: a part', cursor: 'more' }, { complete: false }) }, `${AT}&problem=0123456789abcdef`);
    expect(await screen.findByText('The newest 3 of 1,234')).toBeInTheDocument();
  });

  it('have at least as many as are known', async () => {
    group(problemsAnswer({ problems: [foundProblem({ count_kind: 'at_least' })] }), {}, `${AT}&problem=0123456789abcdef`);
    expect(await screen.findByText('The newest 3 of at least 1,234')).toBeInTheDocument();
  });

  it('are not called empty where none could be listed', async () => {
    group(problemsAnswer(), { 'GET /v1/violations': page(0, { total_count: null, reason: 'source: it does not answer' }, { complete: false }) }, `${AT}&problem=0123456789abcdef`);
    expect(await screen.findByText('None of its violations could be listed: it does not answer')).toBeInTheDocument();
  });

  it('that were only counted lead to the list of their rule, and nothing is asked for', async () => {
    const { host } = group(problemsAnswer(), {}, `${AT}&problem=2123456789abcdef`);
    expect(await screen.findByText(/^These were counted by a search/)).toBeInTheDocument();
    expect(screen.getByRole('link', { name: 'All violations of the rule' })).toHaveAttribute('href', '/violations?from=now-6h&to=now&rule=fraud-check&view=list');
    expect(host.requests.some(({ path }) => path === '/v1/violations')).toBe(false);
  });

  it('say that the one of the address is not among them', async () => {
    const { user, location } = group(problemsAnswer(), {}, `${AT}&problem=ffffffffffffffff`);
    expect(await screen.findByText('The problem of this link is not among those that are shown')).toBeInTheDocument();
    await user.click(screen.getByRole('button', { name: /Close/ }));
    expect(location()).toBe(AT);
  });

  it('narrow the list, which says so and is freed of it', async () => {
    const { host, user, location } = show({}, `${AT}&view=list&problem=0123456789abcdef`);
    await screen.findByText('message 0');
    expect(host.requests.find(({ path }) => path === '/v1/violations')!.query.get('problem')).toBe('0123456789abcdef');
    await user.click(screen.getByRole('button', { name: 'Of one problem only' }));
    expect(location()).toBe(`${AT}&view=list`);
  });

  it('of which the list has none are not called absent', async () => {
    show({ 'GET /v1/violations': page(0, { total_count: null, reason: 'problem_not_found: no violation of this range is of this problem' }, { complete: false }) }, `${AT}&view=list&problem=0123456789abcdef`);
    expect(await screen.findByText('No violation of this problem is known here')).toBeInTheDocument();
    expect(screen.getByText(/^This is not “no violations”/)).toBeInTheDocument();
  });

  it('leave it to the list to say that no rule is enabled', async () => {
    const { host } = group(problemsAnswer(), { 'GET /v1/rules': { rules: [], cursor: null }, 'GET /v1/violations': page(0) });
    expect(await screen.findByText('There are no rules yet')).toBeInTheDocument();
    expect(host.requests.filter(({ path }) => path === '/v1/violations')).not.toHaveLength(0);
  });
});
