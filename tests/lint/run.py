"""Runs the lint rules: every rule_*.py next to this file, first against its own samples, then against the project.

A rule is a module with
  SUMMARY           one line: what it holds and why
  findings(tree)    an iterable of "path:line: what is wrong, what to do" (tree: sources.Tree)
  BAD               list of {path: text}: little trees in which the rule must find something
  GOOD              list of {path: text}: little trees in which it must find nothing
A rule that misses one of its bad samples fails, so no rule can be silently blind. One that cannot be tried, because its
program is missing, raises sources.Skipped: it counts as skipped, and as failed where CI=true.

    python3 tests/lint/run.py [rule …]       prints a line per rule and ends with `N passed, N failed, N skipped`
"""
import importlib
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from sources import Skipped, Tree  # noqa: E402  (the folder must be on the path first)

MAX_PRINTED = int(os.environ.get("LINT_MAX", 20))


def rule_names():
    return sorted(name[5:-3] for name in os.listdir(HERE) if name.startswith("rule_") and name.endswith(".py"))


def sample_findings(rule, sample):
    with tempfile.TemporaryDirectory(prefix="betrace-lint-") as folder:
        for path, text in sample.items():
            full = os.path.join(folder, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
        return list(rule.findings(Tree(folder)))


def self_test(rule):
    """What the rule itself gets wrong, as lines."""
    wrong = []
    if not rule.BAD:
        wrong.append("rule has no bad sample: it was never seen to fail")
    for number, sample in enumerate(rule.BAD):
        if not sample_findings(rule, sample):
            wrong.append(f"bad sample {number} ({', '.join(sample)}) was not found")
    for number, sample in enumerate(rule.GOOD):
        wrong += [f"good sample {number} was refused: {line}" for line in sample_findings(rule, sample)]
    return wrong


def printed(lines):
    """The first findings; a rule that finds hundreds must not hide what the next one found."""
    rest = [f"… and {len(lines) - MAX_PRINTED} more"] if len(lines) > MAX_PRINTED else []
    return [f"       {line}" for line in lines[:MAX_PRINTED] + rest]


def try_rule(rule, tree):
    """(word, lines): what came of one rule."""
    try:
        lines = [f"self-test: {line}" for line in self_test(rule)] or sorted(rule.findings(tree))
    except Skipped as missing:
        return "FAIL" if os.environ.get("CI") == "true" else "skip", [f"did not run: {missing}"]
    return "FAIL" if lines else "ok  ", lines


def main(names):
    tree = Tree(os.path.dirname(os.path.dirname(HERE)))
    words = []
    names = names or rule_names()
    for name in names:
        rule = importlib.import_module(f"rule_{name}")
        word, lines = try_rule(rule, tree)
        words.append(word)
        print(f"{word} {name}: {rule.SUMMARY}", *printed(lines), sep="\n", flush=True)
    print(f"{words.count('ok  ')} passed, {words.count('FAIL')} failed, {words.count('skip')} skipped")
    return 1 if "FAIL" in words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
