// What is said of the beginning: proven, not proven, at the edge of the data, none.
import { screen } from '@testing-library/react';

import { coverage, violation } from '../test/fixtures';
import type { Handlers } from '../test/host';
import { render } from '../test/render';
import { FirstViolation } from './FirstViolation';
import { STEPS } from './testPages';

const show = (handlers: Handlers) => render(<FirstViolation rules={[{ id: 'fraud-check', name: 'Fraud check' }]} />, { handlers });

describe('when did it start', () => {
  const first = (change: object) => ({
    'GET /v1/rules/fraud-check/first-violation': {
      rule_id: 'fraud-check',
      status: 'completed',
      found: true,
      violation: violation(),
      proven: true,
      at_edge_of_data: false,
      looked_at: { start: '2026-10-21T00:00:00Z', end: STEPS[1] },
      coverage: coverage(),
      windows: 1,
      traces_read: 1,
      inconclusive: 0,
      duration_seconds: 1,
      queries: 1,
      bytes_inspected: 1,
      bytes_received: 1,
      ...change,
    },
  });

  async function ask(change: object): Promise<string> {
    const { user } = show(first(change));
    await user.click(screen.getByRole('button', { name: 'Find the first' }));
    return (await screen.findByText(/20/)).closest('[role=status]')?.textContent ?? '';
  }

  it('is asked only on a click', async () => {
    const { host } = show(first({}));
    await screen.findByRole('button', { name: 'Find the first' });
    expect(host.requests).toEqual([]);
  });

  it('says a proven beginning', async () => expect(await ask({})).toMatch(/It started at 2026-11-20 12:34:56\. Proven/));

  it('does not say that of the edge of the data', async () => {
    const said = await ask({ at_edge_of_data: true });
    expect(said).toMatch(/The first that the source still holds .* it may have started earlier/);
    expect(said).not.toMatch(/It started/);
  });

  it('says what is not proven', async () =>
    expect(await ask({ proven: false, status: 'incomplete', reason: 'windows_failed: one hour could not be read' })).toMatch(
      /Not proven: one hour could not be read/
    ));

  describe('where the policy of a sampler kept what may violate the rule', () => {
    const kept = (since: string | null, change: object) => ({
      coverage: coverage({ sampling: { known: 'in_part', declared: 'policy', text: 'traces were sampled' } }),
      policy: { name: 'betrace/fraud-check/0123456789ab', traces: 3, first: STEPS[0], last: STEPS[1], since },
      ...change,
    });
    const unproven = { proven: false, reason: 'sampled: an earlier one may not have been kept' };

    it('says nothing else than that of what was not kept', async () => {
      const said = await ask(kept('2026-10-20T00:00:00Z', {}));
      expect(said).toMatch(/Proven: .* kept since 2026-10-20 .* by the policy betrace\/fraud-check\/0123456789ab/);
      expect(said).not.toMatch(/Nothing is known/);
    });

    it('says from when on, where that is later', async () =>
      expect(await ask(kept('2026-10-22T00:00:00Z', unproven))).toMatch(
        /Not proven: .*Not all traces were kept: traces were sampled\. .*kept since 2026-10-22/
      ));

    it('does not say it where nobody declares it', async () => expect(await ask(kept(null, unproven))).not.toMatch(/kept since/));
  });

  it('says what the rule could not compare, next to "none"', async () => {
    const message = '`http.status_code` was a string in 1 of 3 spans';
    const said = await ask({ found: false, violation: null, coverage: coverage({ data_from: null }), notes: [{ rule_id: 'fraud-check', message, range: { start: 0, end: 1 } }] });
    expect(said).toContain(`everything was read. ${message}.`);
  });

  it('says that none was found, and whether that is certain', async () => {
    expect(await ask({ found: false, violation: null, coverage: coverage({ data_from: null }) })).toMatch(/No violation from .*: everything was read/);
  });

  it('says why nothing exercised the rule', async () => {
    const message = 'nothing exercised this rule: no trace has chekout; near: checkout';
    const unexercised = [{ rule_id: 'fraud-check', known: true, message }];
    expect(await ask({ found: false, violation: null, unexercised })).toContain(message);
  });

  it.each([
    ['data_from', { data_from: '2026-11-20T12:00:01Z' }, /The source has no traces of this range from before 2026-11-20 12:00:01/],
    ['windows_empty', { data_from: null, windows_empty: [{ start: '2026-11-01T00:00:00Z', end: '2026-11-02T00:00:00Z' }] }, /Without any trace: 2026-11-01 00:00:00 to/],
  ])('does not say that everything was read where there were no traces: %s', async (_, change, said) => {
    const text = await ask({ found: false, violation: null, coverage: coverage(change) });
    expect(text).toMatch(said);
    expect(text).not.toMatch(/everything was read/);
  });

  it('does not say "no violation" when not everything was read', async () => {
    const said = await ask({ found: false, violation: null, proven: false, status: 'incomplete', reason: 'no_data: nothing there' });
    expect(said).toMatch(/but not everything was read: nothing there/);
  });
});
