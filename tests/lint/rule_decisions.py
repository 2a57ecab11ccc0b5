"""Each decision that code or a page names by its number is in docs/DECISIONS.md or in the archive.

No number is used twice: a page that names it could mean either. docs/DECISIONS.md stays short: what somebody who
changes the code must know, each with its status and date."""
import re

SUMMARY = "every decision that is named by its number exists once, and docs/DECISIONS.md keeps to what is live"
LIVE, ARCHIVE = "docs/DECISIONS.md", "docs/decisions/archive.md"
MOST_LIVE = 45
NAMED = re.compile(r"DECISIONS(?:\.md)?[`)]? ((?:\d{1,3}(?!\d)(?:,| to| and)? ?)+)")
ENTRY = re.compile(r"^(?:### )?(\d+)\. \S")
STATUS = re.compile(r"(?:Live|Replaced by \d+), \d{4}-\d\d-\d\d\. ")


def entries_of(tree, page):
    """(line number, decision's number) of each entry of a page."""
    lines = tree.read(page).splitlines() if page in tree.files else []
    return [(place, match.group(1)) for place, line in enumerate(lines, 1) if (match := ENTRY.match(line))]


def numbers(tree):
    return {number for page in (LIVE, ARCHIVE) for _, number in entries_of(tree, page)}


def used_twice(tree):
    for page in (LIVE, ARCHIVE):
        first = {}
        for place, number in entries_of(tree, page):
            if first.setdefault(number, place) != place:
                yield f"{page}:{place}: line {first[number]} has the number {number} too: give this one the next free number"


def findings(tree):
    if LIVE not in tree.files:
        return
    known, lines = numbers(tree), tree.read(LIVE).splitlines()
    for file, number, match in tree.grep(NAMED):
        for named in re.findall(r"\d+", match.group(1)):
            if named not in known:
                yield f"{file}:{number}: there is no decision {named}: name one of {LIVE} or {ARCHIVE}"
    yield from used_twice(tree)
    entries = [place for place, line in enumerate(lines) if ENTRY.match(line)]
    if len(entries) > MOST_LIVE:
        yield f"{LIVE}:1: {len(entries)} decisions, at most {MOST_LIVE}: leave in the archive what nobody has to know"
    for place in entries:
        if lines[place].startswith("### ") and not any(STATUS.match(line) for line in lines[place + 1:place + 3]):
            yield f"{LIVE}:{place + 1}: begin its text with a status and a date: Live, 2026-01-31."


TEXT = "### 4. A\n\nLive, 2026-01-31. B\n"
BAD = [
    {LIVE: TEXT, "dsl/a.c": "/* DECISIONS 5 */\n"},
    {LIVE: TEXT, ARCHIVE: "7. **A**\n", "README.md": "(DECISIONS 4, 7 and 8)\n"},
    {LIVE: TEXT + "### 6. A\n\nB\n"},
    {LIVE: TEXT + TEXT},
    {LIVE: TEXT, ARCHIVE: "7. **A**\n8. **A**\n7. **B**\n"},
    {LIVE: "".join(TEXT.replace("4.", f"{n}.") for n in range(99))},
]
GOOD = [{LIVE: TEXT, ARCHIVE: "4. **A**\n7. **A**\n8. **A**\n", "dsl/a.c": "/* docs/DECISIONS.md 4, DECISIONS 7 to 8 */\n"}]
