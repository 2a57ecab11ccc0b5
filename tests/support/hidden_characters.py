"""Makes dsl/base/hidden_characters.h: the characters that are not shown where they stand, or change how others are.

    python3 tests/support/hidden_characters.py > dsl/base/hidden_characters.h && make format

The list is what Unicode's data files call so. UnicodeData.txt: the categories Cc (controls), Zl and Zp (separators of
lines and paragraphs). DerivedCoreProperties.txt: Default_Ignorable_Code_Point, which holds tags, variation selectors,
what has no width, and code points that are kept for more of these. PropList.txt: Bidi_Control. And the annotation
characters U+FFF9 to U+FFFB, the only ones of Cf that are never shown and not ignorable. Python's unicodedata has the
first file. Of the others it lacks Other_Default_Ignorable_Code_Point and Prepended_Concatenation_Mark, which are
written down here: Default_Ignorable_Code_Point is made of them as the head of DerivedCoreProperties.txt says.
"""
import sys
import unicodedata

# PropList.txt, Other_Default_Ignorable_Code_Point.
OTHER_IGNORABLE = ((0x34F, 0x34F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x2065, 0x2065), (0x3164, 0x3164), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8),
                   (0xE0000, 0xE0000), (0xE0002, 0xE001F), (0xE0080, 0xE00FF), (0xE01F0, 0xE0FFF))
# PropList.txt, Prepended_Concatenation_Mark, of Unicode 15.1; and the format controls of hieroglyphs: Cf that is shown.
SHOWN_FORMATS = ((0x600, 0x605), (0x6DD, 0x6DD), (0x70F, 0x70F), (0x890, 0x891), (0x8E2, 0x8E2), (0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x13440))
SELECTORS = ("VARIATION SELECTOR", "MONGOLIAN FREE VARIATION SELECTOR")


def lies_in(code, ranges):
    return any(first <= code <= last for first, last in ranges)


def is_hidden(code):
    character = chr(code)
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp") or lies_in(code, OTHER_IGNORABLE):
        return True
    if category == "Cf":
        return not lies_in(code, SHOWN_FORMATS)
    return unicodedata.name(character, "").startswith(SELECTORS)


def hidden_ranges():
    ranges = []
    for code in range(0x110000):
        if not is_hidden(code):
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return [tuple(one) for one in ranges]


def header():
    rows = ", ".join("{0x%X, 0x%X}" % one for one in hidden_ranges())
    lines, line = [], "   "
    for row in rows.split(", {"):
        row = row if row.startswith("{") else "{" + row
        if len(line) + len(row) + 2 > 118:
            lines.append(line)
            line = "   "
        line += " " + row + ","
    lines.append(line)
    return """/* Characters that are not shown where they stand, or change how others are shown. These are controls, separators of
 * lines and paragraphs, marks of direction, and all that Unicode calls ignorable: tags, variation selectors, what has no
 * width. tests/support/hidden_characters.py makes this from Unicode's data and names the files: change nothing here.
 * Thread: a constant. */
#ifndef BT_DSL_BASE_HIDDEN_CHARACTERS_H
#define BT_DSL_BASE_HIDDEN_CHARACTERS_H

#include <stdint.h>

typedef struct bt_code_range {
  uint32_t first, last;
} bt_code_range;

/* In order, without overlap. */
static const bt_code_range bt_hidden_characters[] = {
%s
};

#endif
""" % "\n".join(lines).rstrip(",")


if __name__ == "__main__":
    sys.stdout.write(header())
