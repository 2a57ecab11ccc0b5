"""`betrace vacuity`: rules that say nothing, the part of the condition that no trace meets, and names that are in no trace."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import ROOT, run_cli  # noqa: E402
from pack_tests import otlp_family, read_tests, trace_id_of  # noqa: E402
from trace_files import span, trace  # noqa: E402

RULES = """rules:
- {id: fine, dsl: "when { checkout.where(amount > 100) } always { fraud-check }"}
- {id: typo, dsl: "when { chekout } always { fraud-check }"}
- {id: renamed, dsl: 'when { trace.has(span.name == "payment.charge") and checkout } always { fraud-check }'}
- {id: narrow, dsl: "when { checkout and checkout.where(amount > 100) and checkout.where(region == mars) } always { fraud-check }"}
- {id: negative, dsl: "when { not nobody and checkout and count(checkout) > 5 } always { fraud-check }"}
- {id: bare, dsl: 'trace.has(span.name == "checkout" and amuont > 3) and not fraud-check'}
- {id: never-dead, dsl: "when { checkout } never { pii.wirte }"}
- {id: tried, shadow: true, dsl: "when { checkout } always { pii.write }"}
"""
# Each: the condition, the names that are in no trace and whether an alternative can do without them, the exit status.
ALTERNATIVES = (
    ("when { checkout or legacy-checkout } always { browse or pii.write }", [("legacy-checkout", True)], 0),
    ("when { checkout.where(amount > 1 or amuont > 1) } always { true }", [("amuont", True)], 0),
    ("when { checkout or (nobody and browse) or nowhere } always { true }", [("nobody", True), ("nowhere", True)], 0),
    ("when { checkout } never { (nobody or nowhere) and browse }", [("nobody", False), ("nowhere", False)], 1),
    ("when { checkout } never { (nobody or browse) and nobody }", [("nobody", False)], 1),
    ("when { checkout } never { (nobody or browse) and nowhere }", [("nobody", True), ("nowhere", False)], 1),
    ("when { checkout } never { browse or (nobody or nowhere) }", [("nobody", True), ("nowhere", True)], 0),
    ("when { checkout } never { (nobody or browse) or nowhere.where(k == 1 or amount > 1) }",
     [("nobody", True), ("nowhere", True), ("k", True)], 0),
    ("when { nobody or nowhere } always { checkout }", [("nobody", False), ("nowhere", False)], 1),
)


def pack_traces(rule_id, number, test):
    return json.dumps({"resourceSpans": otlp_family(test, 1_700_000_000 * 10**9, trace_id_of(rule_id, number))}) + "\n"


class VacuityTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-vacuity-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.rules = self.write("rules.yaml", RULES)
        self.traces = self.write("t.jsonl", "".join((
            trace(1, span("checkout", amount=200, region="earth"), span("fraud-check"), span("payment.capture", service="payment-service")),
            trace(2, span("checkout", amount=5, region="earth"), span("pii.write")),
            trace(3, span("browse")))))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def look(self, status, *arguments):
        done = run_cli("vacuity", "--rules", self.rules, "--traces", self.traces, "--json", *arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return {rule["rule_id"]: rule for rule in json.loads(done.stdout)["rules"]}

    def test_which_rules_say_nothing_and_why(self):
        rules = self.look(1)
        self.assertEqual({k: r["result"] for k, r in rules.items()},
                         {"fine": "exercised", "typo": "never_exercised", "renamed": "never_exercised", "narrow": "never_exercised",
                          "negative": "never_exercised", "bare": "never_exercised", "never-dead": "exercised", "tried": "exercised"})
        conjuncts = {k: [(c["text"], c["traces"]) for c in r["conjuncts"]] for k, r in rules.items()}
        self.assertEqual(conjuncts["narrow"], [("checkout", 2), ("checkout.where(amount > 100)", 1), ("checkout.where(region == mars)", 0)])
        self.assertEqual(conjuncts["negative"], [("not nobody", 3), ("checkout", 2), ("count(checkout) > 5", 0)])
        self.assertEqual(conjuncts["renamed"], [('trace.has(span.name == "payment.charge")', 0), ("checkout", 0)])
        self.assertEqual(conjuncts["fine"], [])

    def test_names_that_are_nowhere(self):
        rules = self.look(1)
        absent = {k: [(a["name"], a["clause"], a["near"]) for a in r["absent"]] for k, r in rules.items()}
        self.assertEqual(absent["fine"], [])
        self.assertEqual(absent["typo"], [("chekout", "when", ["checkout"])])
        self.assertEqual(absent["renamed"], [("payment.charge", "when", ["payment-service", "payment.capture"])])
        self.assertEqual(absent["bare"], [("amuont", "condition", ["amount"])])
        self.assertEqual(absent["never-dead"], [("pii.wirte", "never", ["pii.write"])])

    def test_alternatives_of_an_or_count_as_one(self):
        for dsl, names, status in ALTERNATIVES:
            with self.subTest(dsl):
                arguments = ("vacuity", "--dsl", dsl, "--traces", self.traces)
                done = run_cli(*arguments, "--json")
                self.assertEqual(done.returncode, status, done.stdout + done.stderr)
                found = json.loads(done.stdout)["rules"][0]["absent"]
                self.assertEqual([(a["name"], a["spared"]) for a in found], names)
                text = run_cli(*arguments).stdout
                notes = [line for line in text.splitlines() if line.startswith("  note: no trace has a")]
                self.assertEqual(len(notes), sum(is_spared for _, is_spared in names), text)
                self.assertTrue(all("; another alternative of the `or` can hold without it" in line for line in notes), text)

    def test_the_packs_pass_on_the_traces_of_their_tests(self):
        packs = sorted((ROOT / "distribution" / "packs").glob("*.yaml"))
        self.assertGreater(len(packs), 5)
        for pack in packs:
            with self.subTest(pack.name):
                traces = "".join(pack_traces(*test) for test in read_tests(pack))
                done = run_cli("vacuity", "--rules", str(pack), "--traces", self.write("pack.jsonl", traces))
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_shadow_rules_say_what_they_would_have_reported(self):
        tried = self.look(0, "--rule", "tried")["tried"]
        self.assertEqual((tried["shadow"], tried["rate"]["violated"], tried["rate"]["exercised"]), (True, 1, 2))
        done = run_cli("vacuity", "--rules", self.rules, "--traces", self.traces)
        self.assertIn("tried: exercised by 2 traces; shadow: it would have reported 1 violation\n", done.stdout)
        self.assertIn('  no trace has a span or service "pii.wirte" (never); near: pii.write; `never` may not be able to fail\n', done.stdout)

    def test_an_empty_range_says_nothing_about_rules(self):
        rules = self.look(3, "--rule", "fine", "--end", "2020-01-01T00:00:00Z")
        self.assertEqual(rules["fine"]["result"], "unknown")


if __name__ == "__main__":
    unittest.main(verbosity=1)
