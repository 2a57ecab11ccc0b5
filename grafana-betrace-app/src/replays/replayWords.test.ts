// What is said of a replay, and what is not.
import { coverage } from '../test/fixtures';
import { counters, replay } from '../test/replayFixtures';
import { bytesText, emissionText, findingOf, foundText, priceOf, replayTitle, secondsText } from './replayWords';

it('says "no violation" of a complete replay alone', () => {
  expect(findingOf(replay())).toEqual({ tone: 'none', headline: 'No violation in 20,000 traces', notes: [] });
  expect(findingOf(replay({ traces_evaluated_kind: 'at_least' })).headline).toBe('No violation in at least 20,000 traces');
  for (const status of ['incomplete', 'cancelled', 'failed'] as const) {
    expect(findingOf(replay({ status })).tone).toBe('unknown');
  }
  expect(findingOf(replay({ status: 'incomplete' })).headline).toContain('not "no violations"');
});

it('does not take a range without traces for a good one', () => {
  const { tone, headline } = findingOf(replay({ status: 'incomplete', reason: 'no_data: the source has no trace in this range', traces_evaluated: 0 }));
  expect(tone).toBe('unknown');
  expect(headline).toContain('nothing to read');
});

it('says what the counts of sampled traces stand for', () => {
  const sampling = { known: 'by_chance' as const, declared: null, text: 'traces are a 10 % sample' };
  const estimated = { text: 'none seen; at most 35 of about 2,400 exercised traces (95 %)' };
  const none = findingOf(replay({ coverage: coverage({ sampling }), rules: [counters({ estimated })] }));
  expect(none).toEqual({ tone: 'unknown', headline: 'No violation in the 20,000 traces that were kept: traces were sampled', notes: [`${estimated.text}.`, 'Not all traces were kept: traces are a 10 % sample.'] });
});

it('does not take a rule that nothing exercised for one that held', () => {
  const { tone, notes } = findingOf(replay({ traces_exercised: 0 }));
  expect(tone).toBe('unknown');
  expect(notes).toEqual(['No trace exercised Fraud check on large orders: nothing in the range could have broken it.']);
  // not known exactly: nothing is said
  expect(findingOf(replay({ traces_exercised: 0, traces_exercised_kind: 'at_least' })).notes).toEqual([]);
  const two = replay({ rules: [counters({ traces_exercised: 0 }), counters({ rule_id: 'b', rule_name: 'B' })] });
  expect(findingOf(two).tone).toBe('none');
  expect(findingOf(two).notes).toHaveLength(1);
});

it('says why nothing exercised a rule, as the service says it', () => {
  const why = { rule_id: 'fraud-check', known: true, message: 'nothing exercised this rule: no trace has chekout; near: checkout (442 traces)' };
  const { tone, notes } = findingOf(replay({ traces_exercised: 0, traces_exercised_kind: 'at_least', unexercised: [why] }));
  expect(tone).toBe('unknown');
  expect(notes).toEqual([
    'No trace exercised Fraud check on large orders: nothing in the range could have broken it.',
    'Fraud check on large orders: nothing exercised this rule: no trace has chekout; near: checkout (442 traces)',
  ]);
  const unknown = { ...why, known: false, message: 'UNKNOWN: whether anything exercised this rule: it took too long' };
  const open = findingOf(replay({ traces_exercised: 0, traces_exercised_kind: 'at_least', unexercised: [unknown] }));
  expect(open.tone).toBe('unknown');
  expect(open.notes).toEqual(['Fraud check on large orders: UNKNOWN: whether anything exercised this rule: it took too long']);
  // a range that ends without traces: what is not known of its end changes nothing of what is
  expect(findingOf(replay({ status: 'incomplete', unexercised: [why] })).notes.join(' ')).toContain('near: checkout');
});

it('says what rules met in the data, whatever was found', () => {
  const message = '`refnud` is the name of no span and no service in the 442 traces that were read; near: refund';
  const notes = [{ rule_id: 'fraud-check', message, range: { start: 8, end: 14 } }];
  expect(findingOf(replay({ notes }))).toEqual({ tone: 'none', headline: 'No violation in 20,000 traces', notes: [`Fraud check on large orders: ${message}`] });
  expect(findingOf(replay({ notes: [...notes, { ...notes[0]!, range: { start: 30, end: 36 } }] })).notes).toHaveLength(1); // the name stands twice
  expect(findingOf(replay({ notes, violations_found: 1 })).notes).toEqual([`Fraud check on large orders: ${message}`]);
  const rules = [counters({ rule_id: 'ad-hoc', rule_name: 'ad-hoc', rule_version: 0 })];
  expect(findingOf(replay({ notes: [{ ...notes[0]!, rule_id: 'ad-hoc' }], rules })).notes).toEqual([message]);
});

it('does not take an undecided verdict for a satisfied one', () => {
  const { tone, headline, notes } = findingOf(replay({ inconclusive: 2 }));
  expect(tone).toBe('unknown');
  expect(headline).toContain('not every trace could be judged');
  expect(notes).toEqual(['2 verdicts could not be reached; each may be a violation.']);
});

it('counts violations as what they are: all, or at least', () => {
  expect(findingOf(replay({ violations_found: 1 })).headline).toBe('1 violation');
  expect(findingOf(replay({ violations_found: 1234 })).headline).toBe('1,234 violations');
  expect(findingOf(replay({ violations_found: 5, status: 'incomplete' }))).toMatchObject({ tone: 'violated', headline: 'Violations found: 5. There may be more: not everything was read' });
  expect(findingOf(replay({ violations_found: 5, status: 'running' }))).toMatchObject({ tone: 'running', headline: 'Violations so far: 5' });
  expect(findingOf(replay({ status: 'queued' })).headline).toContain('not everything is read yet');
});

it('gives a number alone only of what was read and judged in full', () => {
  const completed = { status: 'completed' as const };
  expect(foundText(completed, counters())).toBe('0');
  expect(foundText(completed, counters({ violations_found: 1234 }))).toBe('1,234');
  expect(foundText(completed, counters({ inconclusive: 1 }))).toBe('not known');
  expect(foundText(completed, counters({ violations_found: 2, inconclusive: 1 }))).toBe('at least 2');
  for (const status of ['queued', 'running', 'incomplete', 'cancelled', 'failed'] as const) {
    expect(foundText({ status }, counters())).toBe('not known');
    expect(foundText({ status }, counters({ violations_found: 3 }))).toBe('at least 3');
  }
});

it('says what is too young to be final', () => {
  expect(findingOf(replay({ coverage: coverage({ unsettled: 7 }) })).notes).toEqual(['7 traces are too young to be final.']);
});

it('names what was replayed', () => {
  expect(replayTitle([counters()])).toBe('Fraud check on large orders');
  expect(replayTitle([counters(), counters({ rule_name: 'B' })])).toBe('Fraud check on large orders, B');
  expect(replayTitle([counters(), counters(), counters()])).toBe('Fraud check on large orders and 2 more');
  expect(replayTitle([counters({ rule_id: 'ad-hoc', rule_name: 'ad-hoc', rule_version: 0 })])).toBe('A rule that is not saved');
});

it('names the price, and of files only what there is', () => {
  expect(priceOf(replay()).map(({ value }) => value)).toEqual(['3.3 s', '300', '42', '5.0 MiB', '2.0 KiB']);
  expect(priceOf(replay({ queries: 0 }))).toHaveLength(2);
});

it('says what came of sending', () => {
  expect(emissionText(replay())).toBeNull();
  expect(emissionText(replay({ emit: true, spans_emitted: 3, spans_already_there: 2 }))).toBe('3 violation spans sent, 2 were there already');
  expect(emissionText(replay({ emit: true, spans_failed: 1 }))).toContain('1 could not be sent');
});

it.each([
  [0, '0 B'],
  [1023, '1,023 B'],
  [1536, '1.5 KiB'],
  [200 * 2 ** 30, '200 GiB'],
])('writes %d bytes', (bytes, text) => expect(bytesText(bytes)).toBe(text));

it.each([
  [0.04, '0.0 s'],
  [59.6, '60 s'],
  [61, '1 min 1 s'],
  [3700, '1 h 1 min'],
])('writes %d seconds', (seconds, text) => expect(secondsText(seconds)).toBe(text));
