"""Nothing that was looked at is no pass: a version compared with itself, files without a rule, rules that nothing exercised."""
import json
import os
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import run_cli  # noqa: E402
from trace_files import span, trace  # noqa: E402

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


if __name__ == "__main__":
    unittest.main(verbosity=1)
