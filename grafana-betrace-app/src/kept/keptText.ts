// The text that finds traces which exercise a rule and keep it: the rule with its demand turned round. The service judges such a trace with the rule
// itself before it is shown, so a wrong turn finds nothing and shows nothing. No state.
import { tokenize, type Token } from '../trace/ruleText';

const isWord = (token: Token | undefined, ...words: string[]) => token?.kind === 'word' && token.depth === 0 && words.includes(token.text);

/** `always {…}` from its word to the end of its brackets; null where there is none. */
function clauseOf(tokens: Token[], word: string): { start: number; end: number } | null {
  const first = tokens.findIndex((token, i) => isWord(token, word) && tokens[i + 1]?.text === '{');
  const last = tokens.findIndex((token, i) => i > first + 1 && token.depth === 0 && token.text === '}');
  return first < 0 || last < 0 ? null : { start: tokens[first].at, end: tokens[last].at + 1 };
}

function turnedClauses(dsl: string, tokens: Token[]): string | null {
  const always = clauseOf(tokens, 'always');
  const never = clauseOf(tokens, 'never');
  if (!always) {
    return never && `${dsl.slice(0, never.start)}always${dsl.slice(never.start + 'never'.length)}`;
  }
  const wanted = `never${dsl.slice(always.start + 'always'.length, always.end)}`;
  return `${dsl.slice(0, Math.min(always.start, never?.start ?? Infinity))}${wanted}`;
}

/** Of conjuncts the first `not` is taken away: the rest is what the rule is about, and that makes the difference. */
function turnedConjunction(dsl: string, tokens: Token[]): string | null {
  const top = tokens.filter((token) => token.depth === 0 && token.kind !== 'string');
  const not = top.find((token, i) => token.text === 'not' && i > 0 && top[i - 1].text === 'and');
  if (!not || top.some(({ text }) => ['or', '||', 'between'].includes(text))) {
    return null;
  }
  return dsl.slice(0, not.at) + dsl.slice(not.at + 'not'.length);
}

/** What began the trace that is looked at. */
export interface Entry {
  root_name?: string;
  root_service?: string;
}

/** A name of a trace, as it stands in a rule. */
const quoted = (name: string) => `"${name.replace(/[\\"]/g, '\\$&')}"`;

/** A rule without `when` is about every trace: others like this one are those that the same span begins. */
function whenBegunLike({ root_name: name, root_service: service }: Entry): string | null {
  const isPlain = (text: string | undefined): text is string => Boolean(text) && !/[\u0000-\u001f]/.test(text ?? '');
  if (!isPlain(name)) {
    return null;
  }
  // the span is asked for too, because Tempo finds spans, and a root only in a trace that was read
  return `when { trace.has(span.name == ${quoted(name)}) and trace.root.name == ${quoted(name)}${isPlain(service) ? ` and trace.root.service == ${quoted(service)}` : ''} }`;
}

/** Without the annotations before it: `@SOC2(controls = CC6_1)`. */
function bodyOf(tokens: Token[]): Token[] {
  if (tokens[0]?.text !== '@') {
    return tokens;
  }
  const end = tokens[2]?.text === '(' ? tokens.findIndex((token) => token.depth === 0 && token.text === ')') : 1;
  return end < 0 ? [] : bodyOf(tokens.slice(end + 1));
}

function turnedWhole(dsl: string, tokens: Token[], entry: Entry): string | null {
  const when = whenBegunLike(entry);
  if (!when) {
    return null;
  }
  if (tokens.some((token) => isWord(token, 'always', 'never'))) {
    const start = Math.min(...[clauseOf(tokens, 'always'), clauseOf(tokens, 'never')].map((clause) => clause?.start ?? Infinity));
    const turned = turnedClauses(dsl, tokens);
    return turned && Number.isFinite(start) ? `${when} ${turned.slice(start)}` : null;
  }
  const body = bodyOf(tokens);
  // a name for a span may stand at the top of a condition only
  return body.length === 0 || body.some((token) => isWord(token, 'as')) ? null : `${when} always { ${dsl.slice(body[0].at)}\n}`;
}

/** Whether nothing in it says which traces it is about: then none that satisfies it has to exercise it. */
export function isAboutEvery(dsl: string): boolean {
  const tokens = tokenize(dsl);
  return !tokens.some((token) => isWord(token, 'when')) && turnedConjunction(dsl, tokens) === null;
}

/** Where the rule's own words begin in a text that finds its like, in bytes: spans of the words before them are in both traces. */
export function ownWordsFrom(dsl: string, kept: string): number {
  const first = isAboutEvery(dsl) ? tokenize(kept).find((token) => isWord(token, 'always', 'never')) : undefined;
  return new TextEncoder().encode(kept.slice(0, first?.at ?? 0)).length;
}

/** Null: the rule's shape says too little of what it is about, and nothing is known of what began the trace. */
export function keptText(dsl: string, entry: Entry = {}): string | null {
  const tokens = tokenize(dsl);
  if (tokens.some((token) => isWord(token, 'when'))) {
    return turnedClauses(dsl, tokens);
  }
  return turnedConjunction(dsl, tokens) ?? turnedWhole(dsl, tokens, entry);
}
