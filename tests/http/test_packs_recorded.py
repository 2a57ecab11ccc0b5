"""Rules of distribution/packs on what real libraries wrote (tests/libraries/recorded). Each wrong run is found by its rule. Right runs have no
violation of high or critical. What is not found has a reason. A rule without a right and a wrong run of two libraries says so in its
description. Inputs in the shape of what libraries write (tests/libraries/shapes) have the values that were worked out by hand. `--write` writes
what each file gives (tests/libraries/expected.json), the table of rules and libraries (distribution/packs/LIBRARIES.md), and what descriptions
say of runs. RECORDED names another folder."""
import gzip
import json
import os
import pathlib
import re
import sys
import textwrap
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "libraries"), str(ROOT / "tests" / "http")]
from betrace_process import run_cli  # noqa: E402
from scenarios import BROKEN, NOT_FOUND, STACKS, broken  # noqa: E402
from test_listen_agents import VIOLATED as LIVE  # noqa: E402

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
bodies, which it does not do by itself. Spans that a program names itself, such as `payment.capture`, come out of the
SDKs of Node and Python. MCP is a client and a server of its SDK over stdio, and openai-v2 writes the
questions to the model. Responses is the OpenAI Agents SDK under agents-v2 and openai-v2, with OpenAI's API for
responses, which is its default. openai-v2 writes nothing of that API. LangChain is an agent of LangGraph under
OpenInference (OI) and under OpenLLMetry (OL); long runs of it are not kept. The libraries:
"""
LEFT = """Every other rule was tried on a right and a wrong run of at least two libraries. The descriptions of these say on what
they were tried. Guardrails and handoffs of the OpenAI Agents SDK are tried by `tests/http/test_listen_agents.py`."""
LARGEST = 1000 * 1024  # of all files together
SHAPES = ROOT / "tests" / "libraries" / "shapes"
# file → rule → its right value, as people worked it out before they ran it
RIGHT = {
    "agents-1-two-names-and-sums": {"ai-token-budget": "satisfied"},
    "agents-2-a-span-for-each-turn": {"ai-same-tool-again-and-again": "violated"},
    # The arguments of the five calls are wrapped with the number of a step: that they are equal cannot be said.
    "agents-3-one-agent-two-spans": {"ai-agents-in-a-circle": "not_applicable", "ai-same-call-repeated": "not_applicable"},
    # llm.invocation_parameters has no limit. The pack reads that key since; before, the rule was not exercised.
    "agents-4-other-names": {"ai-dangerous-tool-needs-approval": "violated", "ai-token-budget": "violated", "ai-model-not-allowed": "violated",
                             "ai-truncated-answer-used": "violated", "ai-tool-failure-hidden": "not_applicable", "ai-unbounded-answer": "violated",
                             "ai-agents-in-a-circle": "not_applicable"},
    "agents-5-no-operation-name": {"ai-dangerous-tool-needs-approval": "violated", "ai-tool-after-content-filter": "violated",
                                   "ai-model-not-allowed": "violated"},
    "agents-6-client-only": {"ai-truncated-answer-used": "not_applicable", "ai-tool-after-content-filter": "not_applicable"},
    # Whatever was dropped, three spans are no 26 questions.
    "agents-7-dropped-attributes": {"ai-runaway-loop": "satisfied", **dict.fromkeys((
        "ai-dangerous-tool-needs-approval", "ai-token-budget", "ai-same-tool-again-and-again", "ai-truncated-answer-used", "ai-model-not-allowed",
        "ai-unbounded-answer", "ai-same-call-repeated", "ai-agents-in-a-circle", "ai-answer-without-retrieval", "ai-tool-after-content-filter"),
        "inconclusive")},
    "agents-8-approvals": {"ai-dangerous-tool-needs-approval": "violated"},
    "sdks-1-node-pg-16-queries": {"nplus1-queries-per-request": "satisfied"},
    "sdks-2-py-requests-old-retried": {"sre-unavailable-not-retried": "satisfied"},
    "sdks-3-py-requests-old-hammer": {"sre-hammering-after-429": "violated"},
    "sdks-4-py-flask-old-secret": {"security-secret-in-url": "violated"},
    "sdks-5-go-otelgrpc-loop": {"nplus1-rpc-method-loop": "violated"},
    "sdks-6-node-sent-before-commit": {"messaging-sent-before-commit": "violated"},
    "sdks-7-node-amqplib-twice": {"messaging-processed-twice-with-success": "violated"},
    "sdks-8-java-jdbc-drop": {"security-destructive-statement-in-production": "violated"},
}
TRACES_OF_SHAPES = 18  # three of approvals, one of each other
TRIED = re.compile(r" ?Tried on [^.]*\.$")
DESCRIPTION = r"(^  - id: {}\n    name: .*\n    description: >-\n)((?:      .*\n)+)"


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


def said_of(paths):
    """What all packs say of the traces of these files."""
    words = [word for pack in sorted(PACKS.glob("*.yaml")) for word in ("--rules", pack)]
    done = run_cli("eval", "--json", "--all", *words, *paths, timeout=600)
    if done.returncode not in (0, 1, 3):
        raise AssertionError(done.stderr[:2000])
    return [verdict for verdict in map(json.loads, done.stdout.splitlines()) if "trace_id" in verdict]


def verdicts(there):
    """name of a file → rule → verdicts of its traces"""
    file_of = {trace: name for name, (path, _, _) in there.items() if path for trace in trace_ids(path)}
    found = {name: {} for name in there}
    for verdict in said_of([path for path, _, _ in there.values() if path]):
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


def seen_in(rule, found, has_when, there):
    """(libraries with a wrong run that is found, and a right one in the same program; programs with right runs that exercise the rule)"""
    wrong, kept, seen = {}, set(), set()
    for name, (_, stack, scenario) in there.items():
        violated, held = rule in found[name]["violated"], rule in found[name]["held"]
        if rule in broken(stack, scenario) and violated:
            wrong[stack.library_of(scenario)] = stack.column
        elif scenario.startswith("right"):
            kept.update([stack.column] if held or not (violated or has_when) else [])
            seen.update([stack.column] if held or violated else [])
    both = {f"{column}'s SDK" if library.endswith("-sdk") else re.sub("^(js|py|go|java)-", "", library) for library, column in wrong.items() if column in kept}
    return both | {"openai-agents-v2" for kind, of_kind in LIVE.items() if rule in of_kind}, seen


def tried_on(rule, found, has_when, there):
    """What a rule's description has to say of its runs. Those with a right and a wrong run of two libraries say nothing."""
    both, seen = seen_in(rule, found, has_when, there)
    if len(both) >= 2:
        return ""
    if both:
        return f"Tried on {next(iter(both))} alone."
    return f"Tried on right runs of {' and '.join(sorted(seen))}, and on made spans." if seen else "Tried on made spans alone."


def descriptions():
    """rule → its description on one line"""
    texts = "".join(path.read_text(encoding="utf-8") for path in sorted(PACKS.glob("*.yaml")))
    return {rule: " ".join(re.search(DESCRIPTION.format(rule), texts, re.M)[2].split()) for rule in rules()}


def table(columns, tried, marked):
    rows = [f"| `{rule}` | " + " | ".join(cell(marked[rule].get(column, set())) for column in columns) + " |"
            for rule in tried if any(cell(marked[rule].get(column, set())) for column in columns)]
    return ["| rule | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns), *rows]


def page(found, known, there):
    marked = marks(found, known, there)
    tried = [rule for rule in known if any(said - {"beside"} for said in marked[rule].values())]
    services, agents = (list(dict.fromkeys(stack.column for stack in STACKS if stack.agent == agent)) for agent in (False, True))
    tables = [table(columns, tried, marked) for columns in (services, agents[:6], agents[6:])]
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
    for rule, (_, has_when, pack) in known.items():
        said = tried_on(rule, found, has_when, there)
        if said:
            packs.setdefault(said.removeprefix("Tried on ").rstrip("."), []).append(f"`{rule}`")
    left = [f"- {what}: {', '.join(rules_there)}" for what, rules_there in sorted(packs.items())]
    text = [HEAD, *(f"- **{column}**: {libraries}" for column, libraries in used.items()), "", "## Services", "", *tables[0], "", "## Agents", "", *tables[1], "", *tables[2], "",
            "## What is not found", "", *reasons, "", "## Tried on less", "", LEFT, "", *left]
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
        clean, quiet = {False: {}, True: {}}, 0
        for name, (_, stack, scenario) in self.runs.items():
            self.assertIn(scenario in BROKEN, (not scenario.startswith("right"),), name)
            if scenario not in BROKEN:
                violated = self.found[name]["violated"]
                self.assertEqual([rule for rule in violated if self.rules[rule][0] in ("high", "critical")], [], name)
                clean[stack.agent].setdefault(stack.column, []).append(name)
                quiet += len(violated)
        apps, agents = (sum(map(len, clean[agent].values())) for agent in (False, True))
        self.assertEqual((len(clean[False]), len(clean[True])), (4, 12))
        self.assertGreaterEqual(agents, 10)
        print(f"{apps} right runs of apps in {', '.join(clean[False])} and {agents} of agents of {len(clean[True])} libraries: "
              f"0 violations of high or critical, {quiet} of lower ones")

    def test_a_description_says_what_its_rule_was_tried_on_where_two_libraries_are_missing(self):
        said = descriptions()
        for rule, (_, has_when, _) in self.rules.items():
            found = TRIED.search(said[rule])
            self.assertEqual(found[0].strip() if found else "", tried_on(rule, self.found, has_when, self.runs), rule)

    def test_shapes_have_their_right_values(self):
        paths = {path.name.split(".jsonl")[0]: path for path in SHAPES.iterdir()}
        self.assertEqual(set(paths), set(RIGHT))
        file_of = {trace: name for name, path in paths.items() for trace in trace_ids(path)}
        self.assertEqual(len(file_of), TRACES_OF_SHAPES)
        for verdict in said_of(paths.values()):
            name, rule = file_of[verdict["trace_id"]], verdict["rule_id"]
            if rule in RIGHT[name]:
                self.assertEqual(verdict["verdict"], RIGHT[name][rule], (name, verdict))
                self.assertEqual(verdict.get("reason"), "dropped" if verdict["verdict"] == "inconclusive" else None, name)

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
    for rule, (_, has_when, pack) in known.items():
        path, said = PACKS / f"{pack}.yaml", tried_on(rule, found, has_when, there)
        text = path.read_text(encoding="utf-8")
        head, now = re.search(DESCRIPTION.format(rule), text, re.M).groups()
        told = TRIED.sub("", " ".join(now.split()))
        if said or told != " ".join(now.split()):
            wanted = textwrap.wrap(f"{told} {said}".strip(), 138, break_long_words=False, break_on_hyphens=False)
            path.write_text(text.replace(head + now, head + "".join(f"      {line}\n" for line in wanted)), encoding="utf-8")


if __name__ == "__main__":
    write() if sys.argv[1:] == ["--write"] else unittest.main()
