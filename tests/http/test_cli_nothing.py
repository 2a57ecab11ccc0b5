"""Nothing that was looked at is no pass: a version compared with itself, files without a rule, rules that nothing exercised."""
import json
import os
import re
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import run_cli  # noqa: E402
from trace_files import span, trace  # noqa: E402

# All commands; those that judge traces are the ones that --require-exercised is for. `check` looks at no trace.
JUDGES = tuple(re.findall(r"(?m)^  ([a-z-]+) +\S", run_cli("--help").stdout))
TYPO = "when { db.client.query } always { retry }"


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-nothing-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.traces = self.write("t.jsonl", "".join((
            trace(1, span("checkout", amount=200), span("db.query"), span("db.query")), trace(2, span("checkout"), span("db.query")), trace(3, span("browse")))))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_for(self, status, *arguments):
        done = run_cli(*arguments)
        self.assertEqual(done.returncode, status, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done


class SameVersionTest(Folder):
    def test_a_version_is_not_compared_with_itself(self):
        done = self.run_for(2, "gate", "--dsl", "when { checkout } always { db.query }", "--traces", self.traces, "--min-exercised", "0",
                            "--baseline", "1.4.2", "--candidate", "1.4.2")
        self.assertIn('--baseline and --candidate are both "1.4.2"', done.stderr)
        self.assertEqual(done.stdout, "")


class NoRulesTest(Folder):
    def setUp(self):
        super().setUp()
        self.none = self.write("none.yaml", "rules: []\n")
        self.group = self.write("group.yaml", "groups:\n- {name: g, rules: []}\n")
        self.some = self.write("some.yaml", "rules:\n- {id: a, dsl: a}\n")

    def test_files_without_a_rule_are_refused(self):
        for command in ("check", "test"):
            for files in ([self.none], [self.group], [self.none, self.group]):
                done = self.run_for(2, command, *files)
                self.assertRegex(done.stdout + done.stderr, "expected rules in .*none.yaml|expected rules in .*group.yaml")
                self.assertIn("there are none", done.stdout + done.stderr)
            self.run_for(0, command, self.none, self.some)

    def test_every_output_says_it(self):
        self.assertEqual(json.loads(self.run_for(2, "check", self.none, "--json").stdout)["valid"], False)
        log = json.loads(self.run_for(2, "check", self.none, "--output", "sarif").stdout)
        self.assertFalse(log["runs"][0]["invocations"][0]["executionSuccessful"])
        suite = xml.fromstring(self.run_for(2, "check", self.none, "--output", "junit").stdout)
        self.assertIn("there are none", suite.find(".//failure").text)
        one, = json.loads(self.run_for(2, "test", self.none, "--json").stdout)["broken"]
        self.assertIn("there are none", one["message"])
        suite = xml.fromstring(self.run_for(2, "test", self.none, "--output", "junit").stdout)
        self.assertEqual(len(suite.findall(".//error")), 1)
        self.assertEqual(len(log["runs"][0]["results"]), 1)
        for command in ("check", "test"):
            self.assertIn("there are none", self.run_for(2, command, self.none, "--output", "github").stdout)

    def test_commands_over_traces_name_the_file(self):
        for command in ("replay", "eval", "first", "vacuity"):
            done = self.run_for(2, command, self.none, self.traces)
            self.assertIn("none.yaml", done.stderr)
            self.assertIn("there are none", done.stderr)


class IdleTest(Folder):
    SAYS = "nothing exercised this rule: no trace has db.client.query; near: db.query (2 traces)"

    def setUp(self):
        super().setUp()
        self.idle = self.write("idle.yaml", f'rules:\n- {{id: typo, severity: low, dsl: "{TYPO}"}}\n- {{id: kept, dsl: "when {{ checkout }} always {{ checkout }}"}}\n')

    def first_line(self, status, *arguments):
        return self.run_for(status, *arguments).stdout.splitlines()[0]

    def test_replay_says_it_first(self):
        self.assertEqual(self.first_line(0, "replay", "--dsl", TYPO, self.traces), "dsl: " + self.SAYS)
        self.assertEqual(self.first_line(3, "replay", "--dsl", TYPO, self.traces, "--require-exercised"), "dsl: " + self.SAYS)
        self.assertEqual(self.first_line(0, "replay", self.idle, self.traces), "typo: " + self.SAYS)
        both = self.write("both.yaml", f'rules:\n- {{id: typo, dsl: "{TYPO}"}}\n- {{id: bad, dsl: "when {{ checkout }} always {{ audit }}"}}\n')
        self.assertEqual(self.first_line(1, "replay", both, self.traces, "--require-exercised"), "typo: " + self.SAYS, "before the violations")

    def test_what_every_trace_was_held_to_is_not_idle(self):
        for rule in ("count(db.query) > 3", "never { count(db.query) > 3 }", "trace.has(nobody)", "when { checkout } never { nobody }",
                     "when { not nobody } never { nothing }", "when { count(nobody) < 1 } never { nothing }"):
            done = self.run_for(0, "replay", "--dsl", rule, self.traces, "--require-exercised")
            self.assertNotIn("nothing exercised", done.stdout)
            self.run_for(0, "first", "--dsl", rule, self.traces)
            self.run_for(0, "eval", "--dsl", rule, self.traces, "--require-exercised")

    def test_first_is_not_known(self):
        self.assertEqual(self.first_line(3, "first", "--dsl", TYPO, self.traces), "dsl: " + self.SAYS)
        self.assertEqual(self.first_line(3, "first", "--dsl", "db.querry and not retry", self.traces),
                         "dsl: nothing exercised this rule: no trace has db.querry; near: db.query (2 traces)")
        self.assertEqual(self.first_line(3, "first", "--dsl", "when { checkout.where(amount > 900) } always { retry }", self.traces),
                         "dsl: nothing exercised this rule: no trace meets its `when`; betrace vacuity says which part of it")
        self.assertEqual(self.first_line(3, "first", "--dsl", "when { checkout.where(amuont > 9) } always { retry }", self.traces),
                         "dsl: nothing exercised this rule: no trace has the attribute amuont; near: amount (1 trace)")
        one, = json.loads(self.run_for(3, "first", "--dsl", TYPO, self.traces, "--json").stdout)["unexercised"]
        self.assertEqual((one["known"], one["message"], one["absent"]),
                         (True, self.SAYS, [{"kind": "span or service", "name": "db.client.query", "near": [{"name": "db.query", "traces": 2}]}]))
        answer = json.loads(self.run_for(0, "first", "--dsl", "when { checkout } always { db.query }", self.traces, "--json").stdout)
        self.assertEqual(answer["unexercised"], [])

    def test_replay_in_every_form(self):
        for form in ("json", "jsonl"):
            answer = json.loads(self.run_for(3, "replay", self.idle, self.traces, "--output", form, "--require-exercised").stdout)
            one, = (answer if form == "json" else answer["summary"])["unexercised"]
            self.assertEqual((one["rule_id"], one["message"]), ("typo", self.SAYS))
        for flags, status, element in (([], 0, "skipped"), (["--require-exercised"], 3, "error")):
            suite = xml.fromstring(self.run_for(status, "replay", self.idle, self.traces, "--output", "junit", *flags).stdout)
            self.assertEqual([e.get("message") for e in suite.findall(f".//{element}")], [self.SAYS])
            note = self.run_for(status, "replay", self.idle, self.traces, "--output", "github", *flags).stdout
            self.assertIn("no trace has db.client.query", note)
            self.assertTrue(note.startswith("::error" if flags else "::warning"), note)
        done = self.run_for(3, "replay", self.idle, self.traces, "--ids", "--require-exercised")
        self.assertEqual(done.stdout, "")
        self.assertIn(self.SAYS, done.stderr)
        self.run_for(0, "replay", self.idle, self.traces, "--fail-on", "high", "--require-exercised")

    def test_many_rules_are_one_line(self):
        rules = self.write("many.yaml", "rules:\n" + "".join(f"- {{id: r{i}, dsl: 'when {{ nobody{i} }} always {{ x }}'}}\n" for i in range(9)))
        self.assertEqual(self.first_line(3, "replay", rules, self.traces, "--require-exercised"),
                         "nothing exercised 9 of 9 rules: r0, r1, r2 and 6 more; betrace vacuity says why")

    def test_every_command_that_judges_has_the_flag(self):
        idle = ("--dsl", TYPO)
        window = "2025-12-31T00:00:00Z..2026-01-02T00:00:00Z"
        tested = self.write("tested.yaml", f'rules:\n- id: typo\n  dsl: "{TYPO}"\n  tests:\n  - {{trace: [{{span: db.query}}], expect: not_applicable}}\n')
        commands = {"replay": (0, "replay", *idle, self.traces), "eval": (0, "eval", *idle, self.traces), "first": (3, "first", *idle, self.traces),
                    "trace": (0, "trace", "1", *idle, self.traces), "test": (0, "test", tested),
                    "gate": (0, "gate", *idle, self.traces, "--baseline", "1", "--candidate", "2", "--min-exercised", "0"),
                    "compare": (3, "compare", *idle, self.traces, "--before", window, "--after", window),
                    "diff": (0, "diff", "--dsl", "when { nobody } always { x }", *idle, self.traces), "contrast": (3, "contrast", *idle, self.traces),
                    "listen": (3, "listen", *idle, "--settle", "10ms", "--", "true")}
        for name, (status, *arguments) in commands.items():
            self.run_for(status, *arguments)
            at = arguments.index("--") if "--" in arguments else len(arguments)
            self.run_for(3, *arguments[:at], "--require-exercised", *arguments[at:])
        listed = {name for name in commands if "--require-exercised" in run_cli(name, "--help").stdout}
        self.assertEqual(listed, set(commands))
        self.assertEqual({name for name in JUDGES if "--require-exercised" in run_cli(name, "--help").stdout}, set(commands) | {"merge", "verify-report"},
                         "test_cli_merge.py and test_cli_verify_report.py have the last two")
        exercised = ("--dsl", "when { checkout } always { checkout }", "--require-exercised")
        for arguments in (("replay", *exercised, self.traces), ("eval", *exercised, self.traces), ("trace", "1", *exercised, self.traces)):
            self.run_for(0, *arguments)

    def test_a_test_that_exercises_no_rule(self):
        text = 'rules:\n- id: a\n  dsl: "when { a } always { b }"\n  tests:\n  - {trace: [{span: c}], expect: not_applicable}\n'
        done = self.run_for(3, "test", self.write("a.yaml", text), "--require-exercised")
        self.assertIn("a: no test exercises this rule", done.stderr)
        self.run_for(0, "test", self.write("b.yaml", text + "  - {trace: [{span: a}, {span: b}], expect: satisfied}\n"), "--require-exercised")


if __name__ == "__main__":
    unittest.main(verbosity=1)
