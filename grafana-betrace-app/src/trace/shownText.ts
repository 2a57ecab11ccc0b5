/**
 * Texts of traces as they can be seen. What is obeyed or not drawn (controls, marks of direction, what has no width) is written out, as the command line does.
 * JSON in a text stands on lines of its own, by its characters alone: numbers that go through the browser lose digits. No state.
 */
const HIDDEN = /[\p{Cc}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Zl}\p{Zp}\uFFF9-\uFFFB]/gu;

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  return code < 0x80 ? `\\x${hex.padStart(2, '0')}` : code > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
}

/** Line breaks and tabs stay: in a stack trace they are what makes it readable. */
export const shownText = (text: string): string => text.replace(HIDDEN, (one) => (one === '\n' || one === '\t' ? one : escaped(one)));

const isJson = (text: string): boolean => {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
};

/** An object or a list of JSON with a line for each member; any other text as it is. */
export function onLines(text: string): string {
  if (!/^\s*[[{]/.test(text) || !isJson(text)) {
    return text;
  }
  let depth = 0;
  const line = () => `\n${'  '.repeat(depth)}`;
  const parts = text.match(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/gu) ?? [];
  return parts.reduce((out, part, at) => {
    const isEmpty = /^[[{]$/.test(parts[at - 1] ?? '') && /^[\]}]$/.test(part);
    if (/^[[{]$/.test(part)) {
      depth += 1;
      return out + part + (/^[\]}]$/.test(parts[at + 1]) ? '' : line());
    }
    if (/^[\]}]$/.test(part)) {
      depth -= 1;
      return out + (isEmpty ? '' : line()) + part;
    }
    return out + part + (part === ',' ? line() : part === ':' ? ' ' : '');
  }, '');
}
