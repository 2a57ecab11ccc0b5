"""Unfinished work is either done or an issue; the tree says nothing about it."""
import re

SUMMARY = "no words that mark unfinished work"
MARKS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")


def findings(tree):
    for file, number, match in tree.grep(MARKS):
        yield f"{file}:{number}: {match.group(1)}: finish it or open an issue"


BAD = [{"dsl/a.c": f"/* {word}: later */\n"} for word in ("TO" + "DO", "FIX" + "ME", "XX" + "X")] + [{"README.md": "TO" + "DO\n"}]
GOOD = [{"README.md": "A todo list in lower case is a word like others.\n"}]
