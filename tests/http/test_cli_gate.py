"""Commands as gates of CI: check as SARIF, replay with --fail-on and as JUnit, diff between two versions of rules. Everything over files."""
import json
import os
import re
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import ROOT, run_cli  # noqa: E402
from trace_files import span, trace, trace_id  # noqa: E402


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-gate-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_json(self, status, *arguments):
        done = run_cli(*arguments, "--json")
        self.assertEqual(done.returncode, status, f"{done.stdout}\n{done.stderr}")
        return json.loads(done.stdout)


class SarifTest(Folder):
    def test_the_structure(self):
        """What SARIF 2.1.0 requires of a log, and that every reference in it leads somewhere."""
        path = self.write("a b#é.yaml", "rules:\n- id: one\n  dsl: |\n    when { \"é\" }\n    alway { b }\n- id: two\n"
                          "  dsl: count(a) > 0 and not b.where(status == \"error\")\n")
        other = self.write("c.yaml", "rules:\n- id: three\n  severity: dire\n  dsl: x\n")
        done = run_cli("check", "--format", "sarif", path, other)
        self.assertEqual(done.returncode, 1)
        log = json.loads(done.stdout)
        self.assertEqual(log["version"], "2.1.0")
        self.assertIn("sarif-2.1.0", log["$schema"])
        (run,) = log["runs"]
        driver = run["tool"]["driver"]
        self.assertEqual((driver["name"], run["columnKind"]), ("betrace", "unicodeCodePoints"))
        for rule in driver["rules"]:
            self.assertTrue(rule["shortDescription"]["text"])
        self.assertEqual(len({rule["id"] for rule in driver["rules"]}), len(driver["rules"]))
        problems = json.loads(run_cli("check", "--json", path, other).stdout)["diagnostics"]
        self.assertEqual({p["severity"] for p in problems}, {"error", "warning"})
        self.assertEqual(len(run["results"]), len(problems))
        for result, problem in zip(run["results"], problems):
            self.assertEqual(driver["rules"][result["ruleIndex"]]["id"], result["ruleId"])
            self.assertEqual(result["level"], problem["severity"])
            self.assertIn(result["level"], ("error", "warning", "note", "none"))
            self.assertTrue(result["message"]["text"].startswith(problem["message"]))
            (location,) = result["locations"]
            physical = location["physicalLocation"]
            self.assertEqual(physical["region"], {"startLine": problem["line"], "startColumn": problem["column"]})
            self.assertTrue(physical["artifactLocation"]["uri"].endswith("/c.yaml" if problem["file"] == other else "/a%20b%23%C3%A9.yaml"))
        self.assertEqual({named["name"] for r in run["results"] for named in r["locations"][0].get("logicalLocations", [])}, {"one", "two"})
        self.assertIn("rulefile", {r["ruleId"] for r in run["results"]}, "a wrong field has no code of the language")

    def test_every_code_of_the_language_has_words(self):
        codes = set(re.findall(r"^#define BT_[EW]_\w+ +\"([EW]\d+)\"", (ROOT / "dsl/syntax/diagnostic_codes.h").read_text(encoding="utf-8"), re.M))
        self.assertGreater(len(codes), 30)
        named = set(re.findall(r'\{"([EW]\d+)", "', (ROOT / "server/json/sarif.c").read_text(encoding="utf-8")))
        self.assertEqual(codes, named)

    def test_nothing_wrong_is_an_empty_list(self):
        path = self.write("r.yaml", "rules:\n- id: one\n  dsl: when { a } always { b }\n")
        done = run_cli("check", "--format", "sarif", path)
        self.assertEqual((done.returncode, json.loads(done.stdout)["runs"][0]["results"]), (0, []))
        self.assertEqual(json.loads(done.stdout)["runs"][0]["invocations"], [{"executionSuccessful": True}])

    def test_a_file_that_cannot_be_read_is_not_mended(self):
        path = self.write("r.yaml", "rules:\n- id: one\n  dsl: when { a } always { b }\n")
        done = run_cli("check", "--format", "sarif", path, path + ".nosuch")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(json.loads(done.stdout)["runs"][0]["invocations"], [{"executionSuccessful": False}])

    def test_warnings_fail_where_that_is_asked_for(self):
        path = self.write("r.yaml", "rules:\n- id: one\n  dsl: not a\n")
        self.assertEqual(run_cli("check", path).returncode, 0)
        self.assertEqual(run_cli("check", "--fail-on", "warning", path).returncode, 1)


RULES = """rules:
- {id: big, severity: critical, dsl: "when { a } never { bad }"}
- {id: small, severity: low, dsl: "when { a } always { b }"}
- {id: idle, severity: critical, dsl: "when { nobody } always { b }"}
"""


class GateTest(Folder):
    def setUp(self):
        super().setUp()
        self.rules = self.write("rules.yaml", RULES)
        self.low = self.write("low.jsonl", trace(1, span("a")) + trace(2, span("a"), span("b")))
        self.high = self.write("high.jsonl", trace(3, span("a"), span("b"), span("bad")))

    def replay(self, *arguments):
        return run_cli("replay", "--rules", self.rules, *arguments)

    def test_fail_on(self):
        self.assertEqual(self.replay("--traces", self.low).returncode, 1)
        self.assertEqual(self.replay("--traces", self.low, "--fail-on", "low").returncode, 1)
        self.assertEqual(self.replay("--traces", self.low, "--fail-on", "warning").returncode, 0)
        self.assertEqual(self.replay("--traces", self.low, "--traces", self.high, "--fail-on", "critical").returncode, 1)
        self.assertIn("small: 1 violation", self.replay("--traces", self.low, "--fail-on", "critical").stdout, "they are shown all the same")

    def test_a_range_without_traces_is_no_pass(self):
        done = self.replay("--traces", self.low, "--fail-on", "critical", "--start", "2020-01-01T00:00:00Z", "--end", "2020-01-02T00:00:00Z")
        self.assertEqual(done.returncode, 3, done.stdout)
        document = xml.fromstring(self.replay("--traces", self.low, "--format", "junit", "--start", "2020-01-01T00:00:00Z", "--end",
                                              "2020-01-02T00:00:00Z").stdout)
        self.assertEqual((document.get("tests"), document.get("errors"), document.get("failures")), ("3", "3", "0"))

    def test_one_rule_of_the_file(self):
        done = self.replay("--traces", self.low, "--rule", "big")
        self.assertEqual(done.returncode, 0)
        self.assertNotIn("small", done.stdout)
        self.assertEqual(self.replay("--traces", self.low, "--rule", "bgi").returncode, 2)

    def test_junit(self):
        done = self.replay("--traces", self.low, "--traces", self.high, "--format", "junit", "--fail-on", "high")
        self.assertEqual(done.returncode, 1)
        document = xml.fromstring(done.stdout)
        self.assertEqual([document.get(k) for k in ("tests", "failures", "errors", "skipped")], ["3", "1", "0", "1"])
        cases = {case.get("name"): case for case in document.iter("testcase")}
        self.assertIn(trace_id(3), cases["big"].find("failure").text)
        self.assertIsNone(cases["small"].find("failure"), "below --fail-on")
        self.assertIn(trace_id(1), cases["small"].find("system-out").text)
        self.assertIsNotNone(cases["idle"].find("skipped"), "no trace exercised it: that is no pass")


class DiffTest(Folder):
    OLD = """rules:
- {id: fraud, dsl: "when { checkout.where(amount > 100) } always { fraud-check }"}
- {id: same, dsl: "when { checkout } never { refund }", severity: low}
- {id: moved, dsl: "when { a } always { b }"}
- {id: gone, dsl: "when { checkout } always { audit }"}
"""
    NEW = """rules:
- {id: fraud, dsl: "when { checkout.where(amount > 500) } always { fraud-check }"}
- {id: same, dsl: "when   { checkout } never { refund }   # a comment", severity: high}
- {id: moved-here, dsl: "when { a } always { b }"}
- {id: extra, dsl: "count(checkout) > 1"}
"""

    def setUp(self):
        super().setUp()
        self.old, self.new = self.write("old.yaml", self.OLD), self.write("new.yaml", self.NEW)
        self.traces = self.write("t.jsonl", "".join((
            trace(1, span("checkout", amount=200), span("audit")),             # fraud: violated → not_applicable
            trace(2, span("checkout", amount=900), span("audit")),             # violated in both
            trace(3, span("checkout", amount=900), span("fraud-check")),       # gone: violated → no rule
            trace(4, span("checkout", amount=1), span("checkout"), span("audit")))))  # extra: no rule → violated

    def test_what_changes_and_why(self):
        answer = self.run_json(1, "diff", self.old, self.new, "--traces", self.traces)
        rules = {(r["new"] or r["old"])["id"]: r for r in answer["rules"]}
        self.assertEqual({k: r["change"] for k, r in rules.items()},
                         {"fraud": "changed", "same": "edited", "moved-here": "renamed", "extra": "added", "gone": "removed"})
        self.assertEqual(answer["verdicts_changed"], 3)
        seen = {k: [(t["trace_id"], t["change"], t["before"], t["after"]) for t in r["traces"]] for k, r in rules.items()}
        self.assertEqual(seen, {"fraud": [(trace_id(1), "no_longer_violated", "violated", "not_applicable")], "same": [], "moved-here": [],
                                "extra": [(trace_id(4), "newly_violated", None, "violated")],
                                "gone": [(trace_id(3), "no_longer_violated", "violated", None)]})
        self.assertEqual((rules["fraud"]["old"]["violations"], rules["fraud"]["new"]["violations"]), (2, 1))
        self.assertEqual((rules["fraud"]["old"]["exercised"], rules["fraud"]["new"]["exercised"]), (3, 2))
        self.assertIn("fraud-check", rules["fraud"]["traces"][0]["violation"]["message"])

    def test_as_text(self):
        done = run_cli("diff", self.old, self.new, "--traces", self.traces)
        self.assertEqual(done.returncode, 1)
        for line in ("fraud: changed", "  - when { checkout.where(amount > 100) }", "  + when { checkout.where(amount > 500) }", "  violations 2 → 1",
                     "  exercised by traces 3 → 2", f"  - violated → not_applicable  2026-01-01T00:00:00Z  {trace_id(1)}",
                     "moved-here: renamed from moved; its condition is the same, so no verdict changes",
                     f"  + no rule → violated  2026-01-01T00:00:00Z  {trace_id(4)}", "3 verdicts change"):
            self.assertIn(line + "\n", done.stdout)

    def test_nothing_changes(self):
        answer = self.run_json(0, "diff", self.old, self.old, "--traces", self.traces)
        self.assertEqual({r["change"] for r in answer["rules"]}, {"same"})

    def test_examples_are_limited_and_counts_are_not(self):
        many = self.write("many.jsonl", "".join(trace(n, span("checkout", amount=200), span("audit")) for n in range(1, 31)))
        answer = self.run_json(1, "diff", self.old, self.new, "--traces", many, "--examples", "2")
        fraud = next(r for r in answer["rules"] if r["new"] and r["new"]["id"] == "fraud")
        self.assertEqual((fraud["no_longer_violated"], len(fraud["traces"])), (30, 30))
        self.assertEqual([t["after"] for t in fraud["traces"]], ["not_applicable"] * 2 + [None] * 28, "only examples are read again")
        self.assertIn("… and 28 more", run_cli("diff", self.old, self.new, "--traces", many, "--examples", "2").stdout)

    def test_without_data_nothing_is_said(self):
        self.assertEqual(self.run_json(3, "diff", self.old, self.new, "--traces", self.traces, "--end", "2020-01-01T00:00:00Z")["status"], "incomplete")

    def test_wrong_use(self):
        broken = self.write("broken.yaml", "rules:\n- id: a\n  dsl: 'when {'\n")
        for arguments in ([self.old], [self.old, broken], [self.old, self.new, self.new]):
            self.assertEqual(run_cli("diff", *arguments, "--traces", self.traces).returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=1)
