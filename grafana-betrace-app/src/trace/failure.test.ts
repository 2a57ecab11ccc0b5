// What failed in words, where the missing would have been, and which spans are witnesses.
import type { TraceSpan, Witness } from '../api/types';
import { describeFailure, ghostOf } from './failure';
import { layoutTrace } from './layout';
import { markWitnesses } from './witnesses';

const START = 1_795_187_158_000_000_000n;

function span(id: string, parent: string | null, offset: number, more: Partial<TraceSpan> = {}): TraceSpan {
  return {
    span_id: id,
    parent_span_id: parent,
    name: id,
    service: 'shop',
    kind: 'internal',
    status: 'unset',
    status_message: null,
    attributes: {},
    start_unix_nano: String(START + BigInt(offset)),
    end_unix_nano: String(START + BigInt(offset + 100)),
    ...more,
  };
}

const P: Witness = {
  span_id: 'p',
  binding: 'p',
  name: 'p',
  service: 'shop',
  start: '2026-11-20T15:05:58.000000050Z',
  duration: '100ns',
  range: { start: 0, end: 1 },
};
const failed = (clause: 'always' | 'never' | 'condition', text: string) => ({
  start: 0,
  end: text.length,
  clause,
  text,
  message: `the sentence about ${text}`,
});
const describe1 = (clause: 'always' | 'never' | 'condition', text: string, witnesses = [P]) =>
  describeFailure({ witnesses, failed: failed(clause, text) });

describe('what failed', () => {
  it.each([
    ['always', 'audit', true, 'span'],
    ['always', 'not leak', false, 'span'],
    ['never', 'leak', false, 'span'],
    ['never', 'not audit', true, 'span'],
    ['condition', 'not trace.has(span.name == "retry")', true, 'span'],
    ['condition', 'trace.has(x)', false, 'span'],
    ['condition', 'not trace.has_before(a, b)', true, 'order'],
    ['always', 'count(x) <= 10', true, 'count'],
    ['never', 'count(x) > 2', false, 'count'],
    ['condition', 'count(x) > 2', false, 'count'],
    ['always', 'p.where(span.duration < 2s)', true, 'condition'],
    ['always', 'a and b', true, 'condition'],
    ['always', 'audit after p within 5s', true, 'place'],
    ['always', 'audit after elsewhere', true, 'place'],
  ] as const)('%s { %s }', (clause, text, isMissing, kind) => {
    expect(describe1(clause, text)).toMatchObject({ isMissing, kind, sentence: `the sentence about ${text}` });
  });

  it('shows the text without its leading not, on one line', () => {
    expect(describe1('condition', 'not\n  trace.has(\n x)')?.text).toBe('trace.has( x)');
  });

  it('says nothing where the service does not', () => {
    expect(describeFailure({ witnesses: [P], failed: null })).toBeNull();
    expect(describe1('always', '')).toBeNull();
  });
});

describe('where it would have been', () => {
  const layout = layoutTrace([span('root', null, 0), span('p', 'root', 50), span('q', 'root', 500)]);
  const ghost = (text: string, witnesses = [P]) => ghostOf(layout, describe1('always', text, witnesses));

  it('is told by the bound span', () => {
    expect(ghost('audit after p within 200ns')).toEqual({ span: 1, position: 'after', from: START + 50n, to: START + 250n });
    expect(ghost('audit after p.end')).toEqual({ span: 1, position: 'after', from: START + 150n, to: null });
    expect(ghost('authz before p')).toEqual({ span: 1, position: 'before', from: null, to: START + 50n });
    expect(ghost('audit linked to p within 1us')).toEqual({ span: 1, position: 'under', from: START + 50n, to: START + 1050n });
    expect(ghost('audit linked from p within 20ns')).toEqual({ span: 1, position: 'before', from: START + 30n, to: START + 150n });
    expect(ghost('audit downstream of p within 1us over 2 links')).toEqual({ span: 1, position: 'under', from: START + 50n, to: START + 1050n });
    expect(ghost('q under p')).toEqual({ span: 1, position: 'under', from: START + 50n, to: START + 150n });
  });

  it('is anywhere without one, or when that span is not there', () => {
    const anywhere = { span: -1, position: 'after', from: null, to: null };
    expect(ghost('audit')).toEqual(anywhere);
    expect(ghost('audit after p', [{ ...P, span_id: 'gone' }])).toEqual(anywhere);
  });

  it('is nowhere for numbers and for what is there', () => {
    expect(ghost('count(x) <= 1')).toBeNull();
    expect(ghostOf(layout, describe1('never', 'leak'))).toBeNull();
    expect(ghostOf(layout, null)).toBeNull();
  });
});

describe('witnesses', () => {
  const violation = { rule_id: 'r', rule_name: 'R', trace_id: 't', witnesses: [P, { ...P, binding: 'again' }] };

  it('marks a span once for a rule, with all names that it has there', () => {
    const { marks, missing } = markWitnesses('t', [span('root', null, 0), span('p', 'root', 50)], [violation, { ...violation, rule_id: 's' }]);
    expect([...marks]).toEqual([
      [
        1,
        [
          { ruleId: 'r', ruleName: 'R', violatingTrace: 't', bindings: ['p', 'again'] },
          { ruleId: 's', ruleName: 'R', violatingTrace: 't', bindings: ['p', 'again'] },
        ],
      ],
    ]);
    expect(missing).toEqual([]);
  });

  it('are of the trace that they name, else of the violating one', () => {
    const linked = { ...violation, witnesses: [P, { ...P, binding: 'there', trace_id: 'u' }] };
    const marksIn = (trace: string) => [...markWitnesses(trace, [span('p', null, 50)], [linked]).marks.values()].flat();
    expect(marksIn('t')).toEqual([{ ruleId: 'r', ruleName: 'R', violatingTrace: 't', bindings: ['p'] }]);
    expect(marksIn('u')).toEqual([{ ruleId: 'r', ruleName: 'R', violatingTrace: 't', bindings: ['there'] }]);
    expect(marksIn('v')).toEqual([]);
    expect(markWitnesses('t', [], [linked]).missing).toEqual([P]);
  });

  it('tells the halves of a call apart', () => {
    const halves = [span('p', null, 50, { service: 'other' }), span('p', null, 60), span('p', null, 50)];
    expect([...markWitnesses('t', halves, [violation]).marks.keys()]).toEqual([2]);
  });

  it('names those that are not among the spans, once', () => {
    expect(markWitnesses('t', [], [violation]).missing).toEqual([P]);
  });

  it('marks spans of further choices too', () => {
    const more = [
      { witnesses: [{ ...P, span_id: 'q', name: 'q', start: '2026-11-20T15:05:58.000000500Z' }], failed: failed('always', 'x') },
    ];
    expect([...markWitnesses('t', [span('p', null, 50), span('q', null, 500)], [{ ...violation, more_choices: more }]).marks.keys()]).toEqual([
      0, 1,
    ]);
  });
});
