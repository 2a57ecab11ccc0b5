/**
 * A rough reading of a piece of a rule, to choose where in the drawing a missing span belongs. The sentence itself
 * comes from the service, whose parser decides what a rule means. No state.
 */

export interface Token {
  text: string;
  kind: 'word' | 'string' | 'symbol';
  /** How many brackets are open around it. */
  depth: number;
  /** Its place in the text, in characters. */
  at: number;
}

const BLANK = /(?:\s+|#[^\n]*|\/\/[^\n]*|\/\*[^]*?\*\/)+/y;
const STRING = /"(?:[^"\\]|\\.)*"|`[^`]*`/y;
const WORD = /[\p{L}\p{N}_](?:[\p{L}\p{N}_.]|-(?=[A-Za-z0-9_]))*/uy;
const SYMBOL = /==|!=|<=|>=|&&|\|\||=~|!~|[^]/y;

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  for (let at = match(BLANK, text, 0).length; at < text.length;) {
    const string = match(STRING, text, at);
    const word = string ? '' : match(WORD, text, at);
    const symbol = string || word ? '' : match(SYMBOL, text, at);
    const token = string || word || symbol;
    if (')]}'.includes(symbol) && symbol) {
      depth = Math.max(0, depth - 1);
    }
    tokens.push({ text: token, kind: string ? 'string' : word ? 'word' : 'symbol', depth, at });
    if ('([{'.includes(symbol) && symbol) {
      depth++;
    }
    at += token.length;
    at += match(BLANK, text, at).length;
  }
  return tokens;
}

/** The text on one line. Strings keep their blanks. */
export function onOneLine(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|`[^`]*`|\s+/g, (piece) => (/^\s/.test(piece) ? ' ' : piece)).trim();
}

/** Whether the text is one `not …`, and what is under it. */
export function withoutNot(text: string): { isNot: boolean; text: string } {
  const trimmed = text.trim();
  const found = /^(?:not(?![\w.-])|!(?![=~]))\s*/.exec(trimmed);
  return found ? { isNot: true, text: trimmed.slice(found[0].length) } : { isNot: false, text: trimmed };
}

export type ConditionKind = 'span' | 'place' | 'order' | 'count' | 'condition';

const RELATIONS = new Set(['before', 'after', 'within', 'between', 'under', 'above', 'child', 'parent', 'sibling', 'linked', 'downstream']);
const AGGREGATES = new Set(['count', 'sum', 'min', 'max', 'avg', 'trace.count', 'trace.sum', 'trace.min', 'trace.max', 'trace.avg']);
const COMPARISONS = new Set(['==', '=', '!=', '<', '<=', '>', '>=', '=~', '!~', 'in', 'contains', 'matches', 'starts_with', 'ends_with']);

/** Of tokens that are wrapped in one pair of brackets, those inside. */
function unwrapped(tokens: Token[]): Token[] {
  const isWrapped =
    tokens.length > 2 && tokens[0].text === '(' && tokens.findIndex((token, i) => i > 0 && token.depth === 0) === tokens.length - 1;
  return isWrapped ? unwrapped(tokens.slice(1, -1).map((token) => ({ ...token, depth: token.depth - 1 }))) : tokens;
}

/** The tokens outside of all brackets. */
export function topTokens(text: string): Token[] {
  return unwrapped(tokenize(text)).filter((token) => token.depth === 0);
}

function isCompound(tokens: Token[]): boolean {
  let betweens = 0;
  return tokens.some((token) => {
    if (token.kind === 'word' && token.text === 'between') {
      betweens++;
    }
    if (token.text === 'and' && betweens > 0) {
      betweens--; // the "and" of "between a and b"
      return false;
    }
    return token.kind !== 'string' && ['and', 'or', '&&', '||', 'not', '!'].includes(token.text);
  });
}

/**
 * What a condition (without a leading `not`) asks for: `span`: some span is there. `place`: some span at a place or time of others. `order`: one
 * span before or after all of a kind. `count`: a number of spans or a sum over them. `condition`: anything else.
 */
export function kindOfCondition(text: string): ConditionKind {
  const tokens = topTokens(text);
  const words = tokens.filter((token) => token.kind === 'word').map((token) => token.text);
  if (!tokens.length || isCompound(tokens)) {
    return 'condition';
  }
  if (words[0] === 'trace.has_before' || words[0] === 'trace.has_after') {
    return 'order';
  }
  const compares = tokens.some((token) => token.kind !== 'string' && COMPARISONS.has(token.text));
  if (compares) {
    return words.some((word) => AGGREGATES.has(word)) ? 'count' : 'condition';
  }
  if (words.slice(1).some((word) => RELATIONS.has(word)) || (tokens[0].kind === 'string' && words.some((word) => RELATIONS.has(word)))) {
    return 'place';
  }
  return tokens[0].text === 'true' || tokens[0].text === 'false' ? 'condition' : 'span';
}

export type Relation = 'before' | 'after' | 'within' | 'under' | 'above' | 'sibling' | 'linked to' | 'linked from' | 'downstream';

export interface Place {
  relation: Relation;
  /** Name of the binding that the place is told by. */
  binding: string;
  point: 'start' | 'end';
  /** As written; null: no limit. */
  within: string | null;
}

const REFERRED: Record<string, { relation: Relation; skip: number }> = {
  before: { relation: 'before', skip: 1 },
  after: { relation: 'after', skip: 1 },
  between: { relation: 'after', skip: 1 },
  under: { relation: 'under', skip: 1 },
  above: { relation: 'above', skip: 1 },
  child: { relation: 'under', skip: 2 },
  parent: { relation: 'above', skip: 2 },
  sibling: { relation: 'sibling', skip: 2 },
  linked: { relation: 'linked to', skip: 2 },
  downstream: { relation: 'downstream', skip: 2 },
};

/** What is asked for may be in another trace. */
export const isLinkRelation = (relation: Relation): boolean => ['linked to', 'linked from', 'downstream'].includes(relation);

function readReference(token: Token | undefined, bindings: ReadonlySet<string>): Pick<Place, 'binding' | 'point'> | null {
  if (token?.kind !== 'word') {
    return null;
  }
  const [, name, point] = /^(.*?)(?:\.(start|end))?$/.exec(token.text)!;
  return bindings.has(name) ? { binding: name, point: point === 'end' ? 'end' : 'start' } : null;
}

/** The first place in the text that is told by one of these bindings. */
export function placeOf(text: string, bindings: ReadonlySet<string>): Place | null {
  const tokens = topTokens(text);
  for (let i = 1; i < tokens.length; i++) {
    const { text: word, kind } = tokens[i];
    const rule = kind === 'word' && Object.hasOwn(REFERRED, word) ? REFERRED[word] : null;
    const reference = rule && readReference(tokens[i + rule.skip], bindings);
    if (rule && reference) {
      const next = i + rule.skip + 1;
      const relation = word === 'linked' && tokens[i + 1].text === 'from' ? 'linked from' : rule.relation;
      const isTime = relation === 'before' || relation === 'after' || isLinkRelation(relation);
      const isLimited = isTime && tokens[next]?.text === 'within' && tokens[next + 2]?.text !== 'of';
      return { relation, ...reference, within: isLimited ? (tokens[next + 1]?.text ?? null) : null };
    }
    const around = word === 'within' && kind === 'word' && tokens[i + 2]?.text === 'of' ? readReference(tokens[i + 3], bindings) : null;
    if (around) {
      return { relation: 'within', ...around, within: tokens[i + 1].text };
    }
  }
  return null;
}
