// BeTraceDSL for Monaco, made from what the service says about its language (GET /v1/dsl/language): no word of the language is written here.
// Pure functions; Monaco itself comes with @grafana/ui and is only named as a type.
import type { monacoTypes } from '@grafana/ui';
import type { Language } from '../api/types';

export const LANGUAGE_ID = 'betrace-dsl';

/** Token names that both of Grafana's themes colour. */
const WORD_TOKENS: Record<string, string> = {
  clause: 'keyword',
  logic: 'keyword',
  relation: 'keyword',
  part: 'keyword',
  operator: 'keyword',
  constant: 'number',
  function: 'predefined',
  field: 'type',
};

const CLASS_TOKENS: Record<string, string> = {
  annotation: 'tag',
  duration: 'number',
  number: 'number',
  operator: 'operator',
  punctuation: 'delimiter',
};

/** `child of` colours both words; words of signs (`==`) are of the operator class anyway. */
function wordsOf(language: Language, wordClass: string): string[] {
  const words = language.words.filter((word) => word.class === wordClass).flatMap((word) => word.name.split(' '));
  return [...new Set(words)].filter((word) => /^[A-Za-z_]/.test(word));
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

/** What the service calls paths, coloured by what the word is; `span.http.status` is a field by its first part. */
function pathRule(pattern: string): monacoTypes.languages.IMonarchLanguageRule {
  const cases: Record<string, string> = {};
  Object.keys(WORD_TOKENS).forEach((wordClass) => {
    cases[`@${wordClass}`] = WORD_TOKENS[wordClass];
  });
  cases['(?:span|resource|scope|event|trace)\\..*'] = 'type';
  return [new RegExp(pattern), { cases: { ...cases, '@default': 'identifier' } }];
}

/** Comments and raw strings run over lines, which Monarch reads one by one: they need states. */
export function monarchOf(language: Language): monacoTypes.languages.IMonarchLanguage {
  const { comments } = language;
  const [open, close] = comments.block.map(escape);
  const others = language.tokens.filter((token) => token.class !== 'comment' && token.class !== 'string');
  const root: monacoTypes.languages.IMonarchLanguageRule[] = [
    [new RegExp(`(?:${comments.line.map(escape).join('|')}).*$`), 'comment'],
    [new RegExp(open), 'comment', '@comment'],
    [/"(?:[^"\\\n]|\\.)*"/, 'string'],
    [/"(?:[^"\\\n]|\\.)*$/, 'string.invalid'],
    [/`/, 'string', '@raw'],
    ...others.map((token): monacoTypes.languages.IMonarchLanguageRule =>
      token.class === 'path' ? pathRule(token.pattern) : [new RegExp(token.pattern), CLASS_TOKENS[token.class] ?? 'identifier']
    ),
  ];
  const words = Object.fromEntries(Object.keys(WORD_TOKENS).map((wordClass) => [wordClass, wordsOf(language, wordClass)]));
  return {
    ...words,
    unicode: true,
    tokenizer: {
      root,
      comment: [
        [new RegExp(close), 'comment', '@pop'],
        [/./, 'comment'],
      ],
      raw: [
        [/[^`]+/, 'string'],
        [/`/, 'string', '@pop'],
      ],
    },
  };
}

export function configurationOf(language: Language): monacoTypes.languages.LanguageConfiguration {
  const [open, close] = language.comments.block;
  const brackets = language.brackets.map(([left, right]): [string, string] => [left, right]);
  const pairs = brackets.map(([left, right]) => ({ open: left, close: right }));
  return {
    comments: { lineComment: language.comments.line[0], blockComment: [open, close] },
    brackets,
    autoClosingPairs: [...pairs, { open: '"', close: '"', notIn: ['string', 'comment'] }],
    surroundingPairs: [...pairs, { open: '"', close: '"' }],
    // `checkout-service`, `payment.charge`: one word
    wordPattern: /[A-Za-z_][A-Za-z0-9_.-]*/,
  };
}
