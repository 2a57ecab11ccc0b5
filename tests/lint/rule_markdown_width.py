"""Lines of Markdown files end within 120 columns, so that they can be read and compared next to each other. Longer may
be what cannot be broken: a line whose longest word (a link's address, a code span, a picture) leaves no room, and
lines of output and of logs, in blocks of `text`."""
import re

SUMMARY = "lines of Markdown files end within 120 columns"
WIDEST = 120
# A word goes on through a code span, a picture and the address of a link, which Markdown does not break.
WORD = re.compile(r"(?:`+[^`]*`+|!\[[^]]*\]\([^)\s]*\)|\]\([^)\s]*\)|\S)+")
FENCE = re.compile(r"^\s*(```+|~~~+)(.*)$")


def breakable(line):
    """Whether some blank of the line lies within the width, behind what it begins with."""
    start = len(line) - len(line.lstrip(" -*>0123456789.|#"))
    words = list(WORD.finditer(line, start))
    return len(words) > 1 and words[1].start() <= WIDEST and max(len(word.group()) for word in words) + start <= WIDEST


def findings(tree):
    for page in tree.matching(".md"):
        is_output, fence = False, None
        for number, line in enumerate(tree.read(page).splitlines(), 1):
            mark = FENCE.match(line)
            if mark and fence is None:
                fence, is_output = mark.group(1), mark.group(2).split()[:1] == ["text"]
            elif mark and line.strip() == fence:
                fence, is_output = None, False
            elif len(line) > WIDEST and not is_output and breakable(line):
                yield f"{page}:{number}: {len(line)} columns, at most {WIDEST}: break the line, or make a list of a wide table"


LONG, ADDRESS = "word " * 30, "https://example.org/" + "x" * 120
BAD = [{"a.md": LONG + "\n"}, {"a.md": f"| a | {LONG} |\n"}, {"a.md": f"```sh\n{LONG}\n```\n"}, {"docs/a.md": f"- see [a]({ADDRESS[:60]}) {LONG}\n"}]
GOOD = [{"a.md": f"word\n<{ADDRESS}>\n- [a]({ADDRESS})\n```text output\n{LONG}\n```\n"}]
