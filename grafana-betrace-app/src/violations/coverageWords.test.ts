// What is said of what was looked at, and why a list is empty.
import type { Coverage, ViolationPage } from '../api/types';
import { coverageInWords, totalInWords, whyEmpty } from './coverageWords';

const T = (minute: number) => `2026-11-20T10:${String(minute).padStart(2, '0')}:00.000000000Z`;
const words = (given: ViolationPage) => coverageInWords(given, 'utc');
const window = (from: number, to: number) => ({ start: T(from), end: T(to) });

function page(more: Partial<ViolationPage> = {}, coverage: Partial<Coverage> = {}): ViolationPage {
  return {
    violations: [],
    total_count: 0,
    inconclusive: 0,
    traces_evaluated: 1234,
    traces_evaluated_kind: 'exact',
    exercised: [],
    reason: null,
    cursor: null,
    coverage: {
      complete: true,
      source: { kind: 'tempo', version: '3.0.3', checked: true },
      asked: window(0, 30),
      effective_end: T(30),
      handover_from: null,
      data_from: null,
      windows_empty: [],
      windows_failed: [],
      unsettled: 0,
      outside: 0,
      long_traces: [],
      long_traces_count: 0,
      differing_traces: [],
      differing_traces_count: 0,
      sampling: { known: 'not_declared', declared: null, text: '' },
      assumptions: {},
      ...coverage,
    },
    ...more,
  };
}

const partial = (reason: string, more: Partial<ViolationPage> = {}, coverage: Partial<Coverage> = {}) =>
  page({ total_count: null, reason, ...more }, { complete: false, ...coverage });

describe('coverage in words', () => {
  it('says how much of what was looked at when everything was', () => {
    expect(words(page())).toEqual({
      tone: 'whole',
      headline: 'All of 2026-11-20 10:00:00 to 2026-11-20 10:30:00 was looked at: 1,234 traces.',
      notes: [],
    });
    expect(words(page({ traces_evaluated_kind: 'at_least' })).headline).toContain('at least 1,234 traces');
  });

  it('says that the end is not settled, and does not count it as looked at', () => {
    const said = words(page({}, { effective_end: T(28) }));
    expect(said.headline).toContain('10:00:00 to 2026-11-20 10:28:00');
    expect(said.notes).toEqual([expect.stringMatching(/^After 2026-11-20 10:28:00 traces may still get spans/)]);
  });

  it('tells what failed from what was not looked at yet', () => {
    const failed = [
      { ...window(0, 10), reason: 'not evaluated yet: the cursor goes on with it' },
      { ...window(12, 13), reason: 'http: status 500' },
      { ...window(14, 15), reason: 'http: status 500' },
    ];
    const said = words(partial('not_evaluated: a part', { cursor: 'x' }, { windows_failed: failed }));
    expect(said.tone).toBe('partial');
    expect(said.headline).toBe('A part of the range was looked at so far: 1,234 traces. There may be more violations.');
    expect(said.notes).toEqual([
      'Not looked at yet: 2026-11-20 10:00:00 to 2026-11-20 10:10:00.',
      expect.stringMatching(/^Not read: .*10:12:00.*10:14:00.*http: status 500/),
    ]);
  });

  it('never takes an empty source for no violations', () => {
    const said = words(
      partial('no_data: the source has no trace in this range', { traces_evaluated: 0 }, { windows_empty: [window(0, 30)] })
    );
    expect(said).toMatchObject({ tone: 'nothing', headline: 'Nothing was looked at: the source has no trace in this range' });
    expect(said.notes[0]).toContain('Nothing can be said about it');
  });

  it('says that searches never show a trace whose spans all lack an end', () => {
    const said = words(partial('inconclusive: 2 verdicts', { inconclusive: 2 }, { unended: 3 }));
    expect(said.notes).toContain("Traces with a span that never ended: 3. Tempo's searches never show a trace whose spans all lack an end.");
  });

  it('says that traces without a time are judged in every range', () => {
    const said = words(partial('inconclusive: 2 verdicts', { inconclusive: 2 }, { without_time: 3 }));
    expect(said.notes).toContain('Traces whose spans have neither a start nor an end: 3. Nobody knows when they were, so they are judged in every range.');
  });

  it('names verdicts that could not be reached, long traces and copies that differ', () => {
    const said = words(
      partial(
        'inconclusive: 2 verdicts',
        { inconclusive: 2 },
        { long_traces_count: 3, differing_traces_count: 4, handover_from: T(20), data_from: T(5) }
      )
    );
    expect(said.headline).toBe('Not everything was looked at (1,234 traces): 2 verdicts');
    expect(said.notes).toHaveLength(5);
  });
});

describe('totals', () => {
  it('does not make a total of what is loaded', () => {
    expect(totalInWords(200, null)).toBe('200 violations loaded; how many there are in all is not known');
    expect([totalInWords(200, 1500), totalInWords(1, 1), totalInWords(0, 0)]).toEqual(['1,500 violations', '1 violation', '0 violations']);
  });
});

describe('why a list is empty', () => {
  const enabled = [{ enabled: true }];
  it.each([
    ['no rules', page(), [], 'no-rules'],
    ['none enabled', page(), [{ enabled: false }], 'none-enabled'],
    ['looked at everything', page(), enabled, 'none-found'],
    ['rules not known yet', page(), undefined, 'none-found'],
    ['more to come', partial('not_evaluated: x', { cursor: 'x' }), enabled, 'still-looking'],
    ['no trace', partial('no_data: x', { traces_evaluated: 0 }, { windows_empty: [window(0, 30)] }), enabled, 'nothing-looked-at'],
    ['too young', partial('unsettled: x', { traces_evaluated: 0 }), enabled, 'nothing-looked-at'],
    [
      'unreachable',
      partial('source: refused', { traces_evaluated: 0 }, { windows_failed: [{ ...window(0, 30), reason: 'refused' }] }),
      enabled,
      'source-down',
    ],
  ] as const)('%s', (_, given, rules, why) => expect(whyEmpty(given, rules)).toBe(why));

  it('is not asked of a list that is not', () => expect(whyEmpty(page({ violations: [{} as never] }), [])).toBeNull());
});
