// What is coloured how, read line by line as Monarch does. The real Monaco is driven in tests/app.
import type { Language } from '../api/types';
import { configurationOf, monarchOf } from './language';

// As the service says it, with fewer words.
const language: Language = {
  name: 'BeTraceDSL',
  words: [
    { name: 'when', class: 'clause', signature: '', doc: '' },
    { name: 'and', class: 'logic', signature: '', doc: '' },
    { name: '&&', class: 'logic', signature: '', doc: '' },
    { name: 'child of', class: 'relation', signature: '', doc: '' },
    { name: 'trace.has', class: 'function', signature: '', doc: '' },
    { name: 'span.name', class: 'field', signature: '', doc: '' },
  ],
  values: {},
  units: ['ms'],
  reserved: [],
  tokens: [
    { class: 'comment', pattern: '#[^\\n]*|//[^\\n]*|/\\*(?:[^*]|\\*+[^*/])*\\*+/' },
    { class: 'string', pattern: '"(?:[^"\\\\\\n]|\\\\[^\\n])*"|`[^`]*`' },
    { class: 'annotation', pattern: '@[A-Za-z_]+' },
    { class: 'duration', pattern: '(?:[0-9]+(?:ms|s))+' },
    { class: 'number', pattern: '[0-9]+' },
    { class: 'path', pattern: '[A-Za-z_][A-Za-z0-9_-]*(?:\\.[A-Za-z_][A-Za-z0-9_-]*)*' },
    { class: 'operator', pattern: '==|&&|[=<>]' },
    { class: 'punctuation', pattern: '[()\\[\\]{},.]' },
  ],
  comments: { line: ['#', '//'], block: ['/*', '*/'] },
  brackets: [
    ['(', ')'],
    ['{', '}'],
  ],
  limits: { bytes: 65536, nesting: 64, nodes: 4096, bindings: 8 },
};

type Rule = [RegExp, string | { cases: Record<string, string> }, string?];

/** Reads one line as Monarch does: the first rule that matches at the place wins. Enough to see what is coloured how. */
function colours(text: string, state = 'root'): Array<[string, string]> {
  const monarch = monarchOf(language) as unknown as { tokenizer: Record<string, Rule[]> } & Record<string, string[]>;
  const found: Array<[string, string]> = [];
  const states = ['root', state];
  for (let at = 0; at < text.length;) {
    const rules = monarch.tokenizer[states[states.length - 1]];
    const hit = rules
      .map(([pattern, action, next]) => ({ match: new RegExp(`^(?:${pattern.source})`, 'u').exec(text.slice(at)), action, next }))
      .find(({ match }) => match !== null && match[0] !== '');
    if (!hit?.match) {
      at += 1;
      continue;
    }
    const [piece] = hit.match;
    const token =
      typeof hit.action === 'string'
        ? hit.action
        : (Object.entries(hit.action.cases).find(([guard]) =>
            guard.startsWith('@') ? monarch[guard.slice(1)]?.includes(piece) : new RegExp(`^(?:${guard})$`).test(piece)
          )?.[1] ?? hit.action.cases['@default']);
    found.push([piece, token]);
    at += piece.length;
    if (hit.next) {
      hit.next === '@pop' ? states.pop() : states.push(hit.next.slice(1));
    }
  }
  return found;
}

it('colours words by what they are, out of the words of the service', () => {
  expect(colours('when { trace.has(span.name == "x") } and checkout child of c 500ms 3')).toEqual([
    ['when', 'keyword'],
    ['{', 'delimiter'],
    ['trace.has', 'predefined'],
    ['(', 'delimiter'],
    ['span.name', 'type'],
    ['==', 'operator'],
    ['"x"', 'string'],
    [')', 'delimiter'],
    ['}', 'delimiter'],
    ['and', 'keyword'],
    ['checkout', 'identifier'],
    ['child', 'keyword'],
    ['of', 'keyword'],
    ['c', 'identifier'],
    ['500ms', 'number'],
    ['3', 'number'],
  ]);
});

it('knows comments, also over lines, and raw strings', () => {
  expect(colours('a # when')).toEqual([
    ['a', 'identifier'],
    ['# when', 'comment'],
  ]);
  expect(colours('*/ a', 'comment')[0]).toEqual(['*/', 'comment']);
  expect(colours('more` a', 'raw').slice(0, 2)).toEqual([
    ['more', 'string'],
    ['`', 'string'],
  ]);
  expect(colours('"open')).toEqual([['"open', 'string.invalid']]);
});

it('takes a field by its first part, whatever follows', () => {
  expect(colours('span.http.status')).toEqual([['span.http.status', 'type']]);
});

it('closes brackets and strings', () => {
  const { autoClosingPairs, comments } = configurationOf(language);
  expect(autoClosingPairs?.map(({ open }) => open)).toEqual(['(', '{', '"']);
  expect(comments?.blockComment).toEqual(['/*', '*/']);
});
