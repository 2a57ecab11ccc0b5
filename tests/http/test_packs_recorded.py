"""Rules of distribution/packs on what real libraries wrote (tests/libraries/recorded). Each wrong run is found by its rule. Right runs have no
violation of high or critical. What is not found has a reason. `--write` writes what each file gives
(tests/libraries/expected.json) and the table of rules and libraries (distribution/packs/LIBRARIES.md). RECORDED names another folder."""
import gzip
import json
import os
import pathlib
import re
import sys
import textwrap
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "libraries")]
from betrace_process import run_cli  # noqa: E402
from scenarios import BROKEN, NOT_FOUND, STACKS, broken  # noqa: E402

PACKS = ROOT / "distribution" / "packs"
PAGE = PACKS / "LIBRARIES.md"
EXPECTED = ROOT / "tests" / "libraries" / "expected.json"
RECORDED = pathlib.Path(os.environ.get("RECORDED") or ROOT / "tests" / "libraries" / "recorded")
RULE = re.compile(r"^  - id: (\S+)\n.*?^    severity: (\w+)\n.*?^    dsl: \|\n(.*?)^    tests:", re.M | re.S)
HEAD = """# Packs on what libraries write

`tests/libraries` has small services and agents with right and wrong runs, under real instrumentations. Their spans are
recorded, and `make check` holds the rules of the packs to them. `tests/http/test_packs_recorded.py --write` writes this
page. It says:

- **F**: a wrong run was found by the rule, and no right run violates it.
- **N**: a wrong run was not found. Why is [below](#what-is-not-found).
- **h**: runs exercise the rule, and it holds. No run breaks it on purpose.
- **L**: a right run violates it. Such rules are medium or lower.
- empty: no run of these libraries exercises it. That is not "no violations".

Node and Python wrote old and new names of the HTTP and database conventions where they can. The Java agent has the
new names of HTTP always, and old and new ones of databases. It was also told to write commits and the sizes of
bodies, which it does not do by itself. MCP is a client and a server of its SDK over stdio, and openai-v2 writes the
questions to the model. The libraries:
"""
LEFT = """No run exercises these. Most ask for spans that your program names itself, such as `payment.capture`; their tests use
spans that we wrote. Guardrails and handoffs of the OpenAI Agents SDK are tried by `tests/http/test_listen_agents.py`."""
LARGEST = 700 * 1024  # of all files together


def rules():
    """id → (severity, whether it has a `when`, pack), in the order of the packs."""
    found = {}
    for path in sorted(PACKS.glob("*.yaml")):
        for rule, severity, dsl in RULE.findall(path.read_text(encoding="utf-8")):
            found[rule] = (severity, "when {" in dsl, path.stem)
    return found


def runs():
    """name of a file → (its path, stack, scenario)"""
    paths = {path.name.split(".jsonl")[0]: path for path in RECORDED.glob("*.jsonl*")}
    return {stack.file(scenario): (paths.get(stack.file(scenario)), stack, scenario) for stack in STACKS for scenario in stack.scenarios()}


def trace_ids(path):
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return set(re.findall(r'"traceId":"(\w+)"', text))


def verdicts(there):
    """name of a file → rule → verdicts of its traces"""
    file_of = {trace: name for name, (path, _, _) in there.items() if path for trace in trace_ids(path)}
    paths = [path for path, _, _ in there.values() if path]
    words = [word for pack in sorted(PACKS.glob("*.yaml")) for word in ("--rules", pack)]
    done = run_cli("eval", "--json", "--all", *words, *paths)
    if done.returncode not in (0, 1, 3):
        raise AssertionError(done.stderr[:2000])
    found = {name: {} for name in there}
    for line in done.stdout.splitlines():
        verdict = json.loads(line)
        if "trace_id" in verdict:
            found[file_of[verdict["trace_id"]]].setdefault(verdict["rule_id"], set()).add(verdict["verdict"])
    return found


def exercised(verdicts_of, has_when):
    """A rule without `when` says "satisfied" of everything, so that only a violation shows that it sees."""
    return "violated" in verdicts_of or (has_when and "satisfied" in verdicts_of)


def summary(found, known):
    """What expected.json holds: of each file the rules that are violated, and the others that are exercised."""
    return {name: {"violated": sorted(rule for rule, said in of_file.items() if "violated" in said),
                   "held": sorted(rule for rule, said in of_file.items() if "violated" not in said and exercised(said, known[rule][1])),
                   "unknown": sorted(rule for rule, said in of_file.items() if "inconclusive" in said)}
            for name, of_file in sorted(found.items())}


def marks(found, known, there):
    """rule → column → its mark on the page."""
    marked = {rule: {} for rule in known}
    for name, (_, stack, scenario) in there.items():
        for rule in found[name]["violated"] + found[name]["held"] + list(broken(stack, scenario)):
            said = marked[rule].setdefault(stack.column, set())
            violated = rule in found[name]["violated"]
            if rule in broken(stack, scenario):
                said.add("found" if violated else "missed")
            elif violated:
                said.add("noise" if scenario not in BROKEN else "beside")
            else:
                said.add("held")
    return marked


def cell(said):
    """One mark, of what matters most: a miss, noise, a wrong run that was found, then what was only exercised."""
    if {"missed", "found"} <= said:
        return "F N"
    return next((mark for kind, mark in (("missed", "N"), ("noise", "L"), ("found", "F"), ("held", "h"), ("beside", "h")) if kind in said), "")


def table(columns, tried, marked):
    rows = [f"| `{rule}` | " + " | ".join(cell(marked[rule].get(column, set())) for column in columns) + " |"
            for rule in tried if any(cell(marked[rule].get(column, set())) for column in columns)]
    return ["| rule | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns), *rows]


def page(found, known, there):
    marked = marks(found, known, there)
    tried = [rule for rule in known if any(said - {"beside"} for said in marked[rule].values())]
    tables = [table(list(dict.fromkeys(stack.column for stack in STACKS if stack.agent == agent)), tried, marked) for agent in (False, True)]
    versions = {}
    for stack in STACKS:
        versions.setdefault(stack.column, {}).update(stack.versions())
    used = {column: ", ".join(f"{re.sub('^(js|py|go|java)-', '', name)} {version}" for name, version in libraries.items()) for column, libraries in versions.items()}
    reasons = {}
    for (rule, name, scenario), why in NOT_FOUND.items():
        stack = next(stack for stack in STACKS if stack.name == name)
        said = "inconclusive" if rule in found[stack.file(scenario)]["unknown"] else "satisfied" if rule in found[stack.file(scenario)]["held"] or not known[rule][1] else "not applicable"
        reasons.setdefault(f"{stack.column}: {why}", {}).setdefault(f"`{rule}` ({said})")
    reasons = [f"- {where}. {', '.join(found_not)}." for where, found_not in reasons.items()]
    packs = {}
    for rule, (_, _, pack) in known.items():
        if rule not in tried:
            packs.setdefault(pack, []).append(f"`{rule}`")
    left = [f"- {pack}: {', '.join(rules_of_pack)}" for pack, rules_of_pack in packs.items()]
    text = [HEAD, *(f"- **{column}**: {libraries}" for column, libraries in used.items()), "", "## Services", "", *tables[0], "", "## Agents", "", *tables[1], "",
            "## What is not found", "", *reasons, "", "## Not tried", "", LEFT, "", *left]
    return "\n".join(wrapped(line) for line in text) + "\n"


def wrapped(line):
    """Lists within 120 columns; tables and text as they are."""
    return "\n".join(textwrap.wrap(line, 120, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)) if line.startswith("- ") else line


class Recorded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rules, cls.runs = rules(), runs()
        cls.found = summary(verdicts(cls.runs), cls.rules)

    def test_each_run_was_recorded_and_nothing_else(self):
        self.assertEqual([name for name, (path, _, _) in self.runs.items() if not path], [])
        self.assertEqual({path.name.split(".jsonl")[0] for path in RECORDED.iterdir()}, set(self.runs))
        self.assertLess(sum(path.stat().st_size for path in RECORDED.iterdir()), LARGEST)

    def test_each_wrong_run_is_found_by_its_rule_or_named(self):
        missed = {(rule, stack.name, scenario) for name, (_, stack, scenario) in self.runs.items() for rule in broken(stack, scenario)
                  if rule not in self.found[name]["violated"]}
        self.assertEqual(missed, set(NOT_FOUND))

    def test_right_runs_have_no_violation_of_high_or_critical(self):
        for name, (_, _, scenario) in self.runs.items():
            self.assertIn(scenario in BROKEN, (not scenario.startswith("right"),), name)
            if scenario not in BROKEN:
                loud = [rule for rule in self.found[name]["violated"] if self.rules[rule][0] in ("high", "critical")]
                self.assertEqual(loud, [], name)

    @unittest.skipIf("RECORDED" in os.environ, "of the files that are kept")
    def test_files_give_what_was_written_down(self):
        expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
        self.assertEqual(self.found, expected)

    @unittest.skipIf("RECORDED" in os.environ, "of the files that are kept")
    def test_the_page_is_true(self):
        self.assertEqual(PAGE.read_text(encoding="utf-8"), page(self.found, self.rules, self.runs))


def write():
    known, there = rules(), runs()
    found = summary(verdicts(there), known)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(of_file)}" for name, of_file in found.items())
    EXPECTED.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    PAGE.write_text(page(found, known, there), encoding="utf-8")


if __name__ == "__main__":
    write() if sys.argv[1:] == ["--write"] else unittest.main()
