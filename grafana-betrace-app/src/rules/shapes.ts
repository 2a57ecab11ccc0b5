// The five commonest shapes of a rule: fields to text, and text back to fields. A text is one of them only if writing
// its fields again means the same; every other text is freer than the form. Pure, without imports: a journey runs it
// through the real checker.

export const SHAPES = ['needs', 'never', 'before', 'at_most', 'within'] as const;
export type ShapeKind = (typeof SHAPES)[number];

/** What somebody typed into the form: names as they are in traces, without quotes. */
export interface ShapeFields {
  kind: ShapeKind;
  a: string;
  b: string;
  /** of `at_most`: a whole number */
  limit: string;
  /** of `within`: a duration of the language */
  time: string;
}

export const HAS_SECOND: Record<ShapeKind, boolean> = { needs: true, never: false, before: true, at_most: false, within: true };

/** The binding of `before` and `within`; a span of this name is written in quotes. */
const BINDING = 'it';
const BARE = /^[A-Za-z_]\w*(?:-\w+)*(?:\.[A-Za-z_]\w*(?:-\w+)*)*$/;
const LIMIT = /^\d{1,15}$/;
const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|ms|s|m|h|d))+$/;
const ESCAPES: Record<string, string> = { '"': '"', '\\': '\\', n: '\n', t: '\t', r: '\r' };

/** Words of the language, and the binding, mean something else without quotes. */
function isBare(name: string, words: ReadonlySet<string>): boolean {
  return BARE.test(name) && name.split('.').every((part) => part !== BINDING && !words.has(part.toLowerCase()));
}

function escapeCharacter(character: string): string {
  const letter = Object.keys(ESCAPES).find((key) => ESCAPES[key] === character);
  return letter ? `\\${letter}` : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A name as the language writes it: bare where that means the name and nothing else. */
export function writeName(name: string, words: ReadonlySet<string>): string {
  return isBare(name, words) ? name : `"${name.replace(/["\\\u0000-\u001f\u007f]/g, escapeCharacter)}"`;
}

function readName(written: string, words: ReadonlySet<string>): string | null {
  if (written.startsWith('`')) {
    return written.slice(1, -1); // the formatter writes names with backslashes so
  }
  if (!written.startsWith('"')) {
    return isBare(written, words) ? written : null;
  }
  const body = written.slice(1, -1);
  if (/\\(?!["\\ntr]|u[0-9a-fA-F]{4})/.test(body.replace(/\\\\/g, ''))) {
    return null;
  }
  return body.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_, code: string | undefined, letter: string) =>
    code === undefined ? ESCAPES[letter] : String.fromCharCode(parseInt(code, 16))
  );
}

/** What is not filled in, or not in a way that the language reads. */
export function problemsOf(fields: ShapeFields): Array<keyof ShapeFields> {
  const problems: Array<keyof ShapeFields> = [];
  if (fields.a === '') {
    problems.push('a');
  }
  if (HAS_SECOND[fields.kind] && fields.b === '') {
    problems.push('b');
  }
  if (fields.kind === 'at_most' && !LIMIT.test(fields.limit)) {
    problems.push('limit');
  }
  if (fields.kind === 'within' && !DURATION.test(fields.time)) {
    problems.push('time');
  }
  return problems;
}

/** The rule; null while a field is missing or wrong. */
export function textOf(fields: ShapeFields, words: ReadonlySet<string>): string | null {
  if (problemsOf(fields).length > 0) {
    return null;
  }
  const a = writeName(fields.a, words);
  const b = writeName(fields.b, words);
  switch (fields.kind) {
    case 'needs':
      return `when { ${a} } always { ${b} }`;
    case 'never':
      return `never { ${a} }`;
    case 'before':
      return `when { ${b} as ${BINDING} } always { ${a} before ${BINDING} }`;
    case 'at_most':
      return `count(${a}) > ${Number(fields.limit)}`;
    case 'within':
      return `when { ${a} as ${BINDING} } always { ${b} after ${BINDING} within ${fields.time} }`;
  }
}

const NAME = '("(?:[^"\\\\\\n]|\\\\.)*"|`[^`]*`|[A-Za-z_][\\w.-]*)';
const BOUND = '([A-Za-z_]\\w*)';
/** Blanks stand for any number of them. */
const pattern = (text: string) => new RegExp(`^\\s*${text.replaceAll('  ', '\\s+').replaceAll(' ', '\\s*')}\\s*$`);

const PATTERNS: Array<{ kind: ShapeKind; pattern: RegExp; groups: string[] }> = [
  { kind: 'needs', pattern: pattern(`when { ${NAME} } always { ${NAME} }`), groups: ['a', 'b'] },
  { kind: 'never', pattern: pattern(`never { ${NAME} }`), groups: ['a'] },
  {
    kind: 'before',
    pattern: pattern(`when { ${NAME}  as  ${BOUND} } always { ${NAME}  before  ${BOUND} }`),
    groups: ['b', 'bound', 'a', 'named'],
  },
  { kind: 'at_most', pattern: pattern(`count \\( ${NAME} \\) > (\\d{1,15})`), groups: ['a', 'limit'] },
  {
    kind: 'within',
    pattern: pattern(`when { ${NAME}  as  ${BOUND} } always { ${NAME}  after  ${BOUND}  within  ([\\w.]+) }`),
    groups: ['a', 'bound', 'b', 'named', 'time'],
  },
];

/** A bare name that is the binding means the span that is bound, and not a name. */
function namesOf(found: Record<string, string>, words: ReadonlySet<string>): { a: string; b: string } | null {
  const isBinding = (name: string | undefined) => name !== undefined && name === found.bound;
  if (found.bound !== found.named || words.has((found.bound ?? '').toLowerCase()) || isBinding(found.a) || isBinding(found.b)) {
    return null;
  }
  const a = readName(found.a, words);
  const b = found.b === undefined ? '' : readName(found.b, words);
  return a === null || b === null || a === '' || (found.b !== undefined && b === '') ? null : { a, b };
}

/** The fields of a text that is one of the shapes; null: the text is freer. */
export function shapeOf(text: string, words: ReadonlySet<string>): ShapeFields | null {
  for (const { kind, pattern: shape, groups } of PATTERNS) {
    const match = shape.exec(text);
    if (match) {
      const found: Record<string, string> = Object.fromEntries(groups.map((group, index) => [group, match[index + 1]]));
      const names = namesOf(found, words);
      const fields = names && { kind, ...names, limit: found.limit ?? '', time: found.time ?? '' };
      return fields && problemsOf(fields).length === 0 ? fields : null;
    }
  }
  return null;
}
