// Loading, failed, partial and stale are four things on every page, told apart by what is drawn and not by a colour alone. Empty is in the tests of each page.
import { act, screen, waitFor } from '@testing-library/react';
import type { ReactElement } from 'react';
import { rule, violation } from '../test/fixtures';
import { NEVER, problem, type Handlers } from '../test/host';
import { render } from '../test/render';
import { replay } from '../test/replayFixtures';
import { problemsAnswer } from '../test/problemFixtures';
import { page as violationPage } from '../violations/testPages';
import Compliance from '../pages/Compliance';
import Configuration from '../pages/Configuration';
import Replay from '../pages/Replay';
import Replays from '../pages/Replays';
import RulePage from '../pages/Rule';
import Rules from '../pages/Rules';
import Start from '../pages/Start';
import ViolationPage from '../pages/Violation';
import Violations from '../pages/Violations';

// Monaco does not run in jsdom, and the settings of a browser need its session
jest.mock('../editor/DslEditor', () => ({ DslEditor: ({ value, label }: { value: string; label: string }) => <textarea aria-label={label} value={value} readOnly /> }));
jest.mock('../pages/Configuration/StandaloneSettings', () => ({ StandaloneSettings: () => null }));

const STATES = ['loading', 'failed', 'partial', 'stale', 'empty'];
const TRACE = violation().trace_id;
const FAILED = { windows_failed: [{ start: '2026-11-20T12:10:00Z', end: '2026-11-20T12:20:00Z', reason: 'Tempo answered 500' }], complete: false };
const page = violationPage(1, { reason: 'windows_failed: Tempo answered 500' }, FAILED);
const series = { series: [{ labels: { rule_id: 'fraud-check', rule: 'Fraud check', severity: 'critical' }, points: [['2026-11-20T12:00:00Z', 0]], undecided: { steps: 0, budget: 0 } }], reason: page.reason, coverage: page.coverage };
const verdicts = {
  trace_id: TRACE, span_count: 1, start: '2026-11-21T12:34:56Z', end: '2026-11-21T12:34:57Z', root_name: 'pay', root_service: 'shop', incomplete: ['partial'], not_evaluated: [], spans: [],
  verdicts: [{ rule_id: 'fraud-check', rule_name: 'Fraud check', rule_version: 3, severity: 'critical', shadow: false, verdict: 'violated', reason: null, spent: null, exercised: true, violation: violation() }],
};
const frameworks = { frameworks: [{ name: 'SOC2', title: 'SOC 2', in_catalogue: true, controls: 61, controls_with_rules: 1, rules_count: 1, rules: [{ rule_id: 'r', name: 'R', controls: ['CC6.1'], enabled: true, shadow: false, broken: false }] }] };
const explain = { valid: true, diagnostics: [], formatted: '', condition_hash: '', explain: null };

const ANSWERS: Handlers = {
  'GET /v1/health': { status: 'HEALTHY', version: '1', uptime_seconds: 1, metadata: { source: 'tempo', emits: false } },
  'GET /v1/ready': { status: 'ready', parts: { store: { ready: true }, source: { ready: true } } },
  'GET /v1/rules': { rules: [rule()], cursor: null },
  'GET /v1/rules/fraud-check': rule(),
  'GET /v1/rules/fraud-check/first-violation': NEVER,
  'POST /v1/rules/validate': explain,
  'GET /v1/replays': { replays: [replay()], cursor: null },
  'GET /v1/replays/r-1': replay({ status: 'incomplete', reason: page.reason ?? '', coverage: page.coverage }),
  'GET /v1/replays/r-1/violations': { violations: [], cursor: null },
  'GET /v1/violations': page,
  'GET /v1/problems': problemsAnswer({ status: 'incomplete', reason: page.reason ?? '' }, FAILED),
  'GET /v1/violations/series': series,
  [`GET /v1/traces/${TRACE}/verdicts`]: verdicts,
  'GET /v1/compliance/frameworks': frameworks,
};

interface Case {
  name: string;
  element: ReactElement;
  at: string;
  path: string;
  /** drawn when there is an answer */
  drawn: RegExp;
  isPartial?: boolean;
}

const CASES: Case[] = [
  { name: 'Start', element: <Start />, at: '/', path: '/', drawn: /No violation in what was read/, isPartial: true },
  { name: 'Rules', element: <Rules />, at: '/rules', path: '/rules', drawn: /Fraud check on large orders/ },
  { name: 'a rule', element: <RulePage />, at: '/rules/fraud-check', path: '/rules/:id', drawn: /Fraud check on large orders/ },
  { name: 'Problems', element: <Violations />, at: '/violations', path: '/violations', drawn: /1,234 traces/, isPartial: true },
  { name: 'Violations', element: <Violations />, at: '/violations?view=list', path: '/violations', drawn: /1 violation$/, isPartial: true },
  { name: 'a violation', element: <ViolationPage />, at: `/violations/fraud-check/${TRACE}`, path: '/violations/:ruleId/:traceId', drawn: /may not be the whole trace/, isPartial: true },
  { name: 'Replay', element: <Replays />, at: '/replay', path: '/replay', drawn: /Earlier replays/ },
  { name: 'a replay', element: <Replay />, at: '/replay/r-1', path: '/replay/:id', drawn: /Not everything was read/, isPartial: true },
  { name: 'Compliance', element: <Compliance />, at: '/compliance', path: '/compliance', drawn: /Rules: 1/ },
  { name: 'Configuration', element: <Configuration />, at: '/configuration', path: '/configuration', drawn: /running for/ },
];

const shown = () => STATES.filter((state) => document.querySelector(`[data-state="${state}"]`));
const show = ({ element, at, path }: Case, handlers: Handlers) => render(element, { handlers, at, path });
const FAULT = problem(503, 'busy', 'too many questions at once');

describe.each(CASES)('$name', (one) => {
  it('says that it is asking, and nothing else', async () => {
    show(one, { 'GET *': NEVER, 'POST *': NEVER });
    await waitFor(() => expect(shown()).toEqual(['loading']));
  });

  it('says which fault it was, and offers to ask again', async () => {
    show(one, { 'GET *': FAULT, 'POST *': FAULT });
    expect((await screen.findAllByText('too many questions at once')).length).toBeGreaterThan(0);
    await waitFor(() => expect(shown()).toEqual(['failed']));
    expect(screen.getAllByRole('button', { name: 'Try again' }).length).toBeGreaterThan(0);
  });

  it(one.isPartial ? 'says that it is an answer in part' : 'shows an answer without a word of its state', async () => {
    show(one, ANSWERS);
    expect((await screen.findAllByText(one.drawn)).length).toBeGreaterThan(0);
    await waitFor(() => expect(shown().filter((state) => state !== 'loading' && state !== 'empty')).toEqual(one.isPartial ? ['partial'] : []));
  });

  it('says that what it shows is of before when asking again fails', async () => {
    const { host, client, user } = show(one, ANSWERS);
    expect((await screen.findAllByText(one.drawn)).length).toBeGreaterThan(0);
    host.handlers = { 'GET *': FAULT, 'POST *': FAULT };
    await act(() => client.invalidateQueries());
    if (one.name === 'Configuration') {
      // what was ready a while ago says nothing of now
      return waitFor(() => expect(shown()).toEqual(['failed']));
    }
    expect((await screen.findAllByText(/may have changed: asking again failed/)).length).toBeGreaterThan(0);
    expect(screen.getAllByText(one.drawn).length).toBeGreaterThan(0);
    host.handlers = ANSWERS;
    for (const button of screen.getAllByRole('button', { name: 'Try again' })) {
      await user.click(button);
    }
    await waitFor(() => expect(shown()).not.toContain('stale'));
  });
});
