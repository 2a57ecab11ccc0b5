// What cannot be seen is written out, and JSON stands on lines without losing a digit.
import { onLines, shownText } from './shownText';

it('writes out what is obeyed, or has no width', () => {
  expect(shownText('a\u202eb\u200bc\u0007\u{e0041}\u001b[31m')).toBe('a\\u202eb\\u200bc\\x07\\u{e0041}\\x1b[31m');
  expect(shownText('at a()\n\tat b() — ä 漢 😀 C:\\x')).toBe('at a()\n\tat b() — ä 漢 😀 C:\\x');
});

it('puts JSON on lines, with every digit of its numbers', () => {
  expect(onLines('{"id":9223372036854775807,"of": [ ], "text":"a, {b}: \\"c\\"","list":[1,{"x":null}]}')).toBe(
    ['{', '  "id": 9223372036854775807,', '  "of": [],', '  "text": "a, {b}: \\"c\\"",', '  "list": [', '    1,', '    {', '      "x": null', '    }', '  ]', '}'].join('\n')
  );
  for (const text of ['780177723283783680', '{not json}', '[cut at the en', 'true', '{}', '']) {
    expect(onLines(text)).toBe(text);
  }
  expect(onLines('["[ ]", "{ }"]')).toBe('[\n  "[ ]",\n  "{ }"\n]');
});
