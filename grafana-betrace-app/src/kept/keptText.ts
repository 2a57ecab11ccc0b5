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

/** Null: the rule's shape says too little of what it is about. */
export function keptText(dsl: string): string | null {
  const tokens = tokenize(dsl);
  return tokens.some((token) => isWord(token, 'when')) ? turnedClauses(dsl, tokens) : turnedConjunction(dsl, tokens);
}
