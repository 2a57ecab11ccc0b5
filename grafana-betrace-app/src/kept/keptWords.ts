// A violating trace and one that keeps the rule, piece by piece of the rule's text, and the difference in a sentence. No state.
import { t } from '@grafana/i18n';
import type { components } from '../api/schema';
import type { Violation, Witness } from '../api/types';
import { PLAIN } from '../i18n';
import { onOneLine } from '../trace/ruleText';
import { ownWordsFrom } from './keptText';

type Contrast = components['schemas']['Contrast'];

export interface Piece {
  /** of the rule's text */
  text: string;
  here: Witness | null;
  there: Witness | null;
}

/** Places in texts are in bytes. */
function pieceOf(dsl: string, { binding, range }: Witness): string {
  const bytes = new TextEncoder().encode(dsl).slice(range.start, range.end);
  const text = onOneLine(new TextDecoder().decode(bytes));
  return binding ? `${binding}: ${text}` : text;
}

function piecesOf(dsl: string, witnesses: readonly Witness[]): Map<string, Witness> {
  const pieces = new Map<string, Witness>();
  witnesses.forEach((witness) => {
    const text = pieceOf(dsl, witness);
    pieces.set(text, pieces.get(text) ?? witness);
  });
  return pieces;
}

/** One row for each piece of the text that a span of either trace stands for. */
export function alignedPieces(rule: { dsl: string; violation: Violation }, kept: { dsl: string; violation: Violation }): Piece[] {
  const here = piecesOf(rule.dsl, rule.violation.witnesses);
  const from = ownWordsFrom(rule.dsl, kept.dsl);
  const there = piecesOf(kept.dsl, kept.violation.witnesses.filter(({ range }) => range.start >= from));
  return [...new Set([...here.keys(), ...there.keys()])].map((text) => ({ text, here: here.get(text) ?? null, there: there.get(text) ?? null }));
}

export function spanText({ name, service, duration }: Witness): string {
  return service ? t('kept.span', '{{name}} of {{service}}, {{duration}}', { ...PLAIN, name, service, duration }) : t('kept.span-alone', '{{name}}, {{duration}}', { ...PLAIN, name, duration });
}

export function differenceText(violation: Violation, pieces: readonly Piece[]): string {
  const why = violation.failed?.message ?? violation.message;
  const only = (side: 'here' | 'there', other: 'here' | 'there') => pieces.flatMap((piece) => (piece[side] && !piece[other] ? [spanText(piece[side])] : [])).join('; ');
  const there = only('there', 'here');
  if (there) {
    return t('kept.there', 'This trace: {{why}}. The other has {{spans}}.', { ...PLAIN, why, spans: there });
  }
  return t('kept.same', 'This trace: {{why}}. In the other it is as the rule wants it.', { ...PLAIN, why });
}

function markText({ kind, relation, key, value }: Contrast['findings'][number]): string {
  if (kind === 'span_name') {
    return t('kept.mark-name', 'a span {{value}}', { ...PLAIN, value: value ?? '' });
  }
  if (kind === 'service') {
    return t('kept.mark-service', 'the service {{value}}', { ...PLAIN, value: value ?? '' });
  }
  const sign = { is: '=', above: '>', present: '' }[relation];
  return [key, sign, relation === 'present' ? '' : value].filter(Boolean).join(' ');
}

/** What goes along with violating, over many traces: the surest mark. */
export function contrastText({ findings, explanation, compared_with: compared }: Pick<Contrast, 'findings' | 'explanation' | 'compared_with'>): string {
  const first = findings[0];
  if (!first) {
    return explanation;
  }
  const { violating, satisfying } = first;
  const values = { ...PLAIN, mark: markText(first), a: violating.traces, b: violating.of, c: satisfying.traces, d: satisfying.of };
  return compared === 'same_entry'
    ? t('kept.contrast-entry', '{{mark}}: in {{a}} of {{b}} violating traces, and in {{c}} of {{d}} others that begin with the same span. This need not be the cause.', values)
    : t('kept.contrast', '{{mark}}: in {{a}} of {{b}} violating traces, and in {{c}} of {{d}} that keep the rule. This need not be the cause.', values);
}

/** In single quotes for a shell. */
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The command that writes the trace down as a test of the rule, without what the rule does not read. Tempo's address is in its environment. */
export const recordCommand = (traceId: string, dsl: string) => `betrace record ${traceId} --dsl ${quoted(dsl.trim())} --tempo "$BETRACE_TEMPO_URL"`;
