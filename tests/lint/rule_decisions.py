"""Each decision that code or a page names by its number is in docs/DECISIONS.md or in the archive.

docs/DECISIONS.md stays short: what somebody who changes the code must know, each with its status and date."""
import re

SUMMARY = "every decision that is named by its number exists, and docs/DECISIONS.md keeps to what is live"
LIVE, ARCHIVE = "docs/DECISIONS.md", "docs/decisions/archive.md"
MOST_LIVE = 45
NAMED = re.compile(r"DECISIONS(?:\.md)?[`)]? ((?:\d{1,3}(?!\d)(?:,| to| and)? ?)+)")
ENTRY = re.compile(r"^(?:### )?(\d+)\. \S")
STATUS = re.compile(r"(?:Live|Replaced by \d+), \d{4}-\d\d-\d\d\. ")


def numbers(tree):
    return {match.group(1) for page in (LIVE, ARCHIVE) if page in tree.files for line in tree.read(page).splitlines() for match in [ENTRY.match(line)] if match}


def findings(tree):
    if LIVE not in tree.files:
        return
    known, lines = numbers(tree), tree.read(LIVE).splitlines()
    for file, number, match in tree.grep(NAMED):
        for named in re.findall(r"\d+", match.group(1)):
            if named not in known:
                yield f"{file}:{number}: there is no decision {named}: name one of {LIVE} or {ARCHIVE}"
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
    {LIVE: "".join(TEXT.replace("4.", f"{n}.") for n in range(99))},
]
GOOD = [{LIVE: TEXT, ARCHIVE: "7. **A**\n8. **A**\n", "dsl/a.c": "/* docs/DECISIONS.md 4, DECISIONS 7 to 8 */\n"}]
