"""The rules that people are shown: those of the pages in docs/ and of distribution/packs, as texts. Standard library only."""
import glob
import os
import re

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BLOCK = re.compile(r"^```betrace\n(.*?)^```$", re.M | re.S)
OF_FILE = re.compile(r"( *(?:- )?)dsl: *(.*)")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def of_rule_files(text):
    """What stands behind each `dsl:`, as a block or on its line."""
    lines, rules, at = text.split("\n"), [], 0
    while at < len(lines):
        found = OF_FILE.fullmatch(lines[at])
        at += 1
        if not found or found[2] not in ("|", "|-"):
            rules += [found[2]] if found else []
            continue
        body = []
        while at < len(lines) and (not lines[at].strip() or len(lines[at]) - len(lines[at].lstrip()) > len(found[1])):
            body.append(lines[at].strip())
            at += 1
        rules.append("\n".join(body).strip())
    return rules


def written_rules():
    """Each text once, in the order of the pages."""
    rules = []
    for path in sorted(glob.glob(os.path.join(ROOT, "docs", "**", "*.md"), recursive=True)):
        text = read(path)
        rules += [rule for block in BLOCK.findall(text) for rule in re.split(r"\n{2,}", block.strip())] + of_rule_files(text)
    for path in sorted(glob.glob(os.path.join(ROOT, "distribution", "packs", "*.yaml"))):
        rules += of_rule_files(read(path))
    return list(dict.fromkeys(rules))
