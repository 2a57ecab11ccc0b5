"""`betrace compare` and `betrace gate`: rates over the traces that exercise a rule, their intervals, and when nothing may be concluded."""
import json
import math
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import run_cli  # noqa: E402
from trace_files import span, trace  # noqa: E402

RULE = "when { checkout as c } always { fraud-check after c }"
BEFORE, AFTER = "2026-01-01T00:00:00Z..2026-01-01T01:00:00Z", "2026-01-01T01:00:00Z..2026-01-01T02:00:00Z"
HOUR_MS = 3600000
Z = 1.959963984540054


def wilson(hits, trials):
    """As in Wilson (1927), by solving (p − hits/trials)² = z² p (1 − p) / trials for p: another way to write it than the program's."""
    p, a, b = hits / trials, 1 + Z * Z / trials, -(2 * hits / trials + Z * Z / trials)
    root = math.sqrt(max(0, b * b - 4 * a * p * p))
    return max(0, (-b - root) / (2 * a)), min(1, (-b + root) / (2 * a))


def traces(first, good, bad, at=0, version="1", others=0):
    """`good` checkouts with a fraud check, `bad` ones without, and others that do not exercise the rule."""
    resource, lines, number = {"service.version": version}, [], first
    for count, names in ((good, ("checkout", "fraud-check")), (bad, ("checkout",)), (others, ("browse",))):
        for _ in range(count):
            lines.append(trace(number, *[span(name, at=i, resource=resource) for i, name in enumerate(names)], at=at + number % 1000))
            number += 1
    return "".join(lines)


class RatesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-rates-")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "t.jsonl")

    def run_json(self, status, *arguments, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)
        done = run_cli(*arguments, "--traces", self.path, "--json")
        self.assertEqual(done.returncode, status, f"{done.stdout}\n{done.stderr}")
        return json.loads(done.stdout)

    def compare(self, status, text, rule=RULE):
        return self.run_json(status, "compare", "--dsl", rule, "--before", BEFORE, "--after", AFTER, text=text)

    def gate(self, status, text, *arguments, rule=RULE):
        return self.run_json(status, "gate", "--dsl", rule, "--baseline", "1", "--candidate", "2", *arguments, text=text)

    # ---- compare ----

    def test_a_fix_that_worked(self):
        answer = self.compare(0, traces(1, 60, 40, others=500) + traces(2000, 198, 2, at=HOUR_MS, others=900))
        self.assertEqual(answer["conclusion"], "lower")
        for side, hits, trials in (("before", 40, 100), ("after", 2, 200)):
            self.assertEqual((answer[side]["violated"], answer[side]["exercised"]), (hits, trials), "others do not count")
            low, high = wilson(hits, trials)
            self.assertAlmostEqual(answer[side]["interval"]["low"], low, 12)
            self.assertAlmostEqual(answer[side]["interval"]["high"], high, 12)
        self.assertLess(answer["difference"]["interval"]["high"], 0)

    def test_newcombe(self):
        """The example of Newcombe (1998), method 10: 56 of 70 against 48 of 80 is 0.2000, 0.0524 to 0.3339."""
        answer = self.compare(0, traces(1, 14, 56) + traces(2000, 32, 48, at=HOUR_MS))
        interval = answer["difference"]["interval"]
        self.assertAlmostEqual(answer["difference"]["rate"], -0.2, 12)
        self.assertAlmostEqual(interval["high"], -0.0524, 4)
        self.assertAlmostEqual(interval["low"], -0.3339, 4)

    def test_worse_and_not_shown(self):
        self.assertEqual(self.compare(1, traces(1, 100, 1) + traces(2000, 60, 40, at=HOUR_MS))["conclusion"], "higher")
        self.assertEqual(self.compare(3, traces(1, 9, 1) + traces(2000, 10, 0, at=HOUR_MS))["conclusion"], "not_shown")
        self.assertEqual(self.compare(3, traces(1, 90, 0) + traces(2000, 100, 0, at=HOUR_MS))["conclusion"], "not_shown")

    def test_more_traffic_is_no_regression(self):
        answer = self.compare(3, traces(1, 95, 5) + traces(2000, 950, 50, at=HOUR_MS))
        self.assertEqual((answer["conclusion"], answer["after"]["violated"]), ("not_shown", 50))

    def test_nothing_is_concluded_without_data(self):
        answer = self.compare(3, traces(1, 60, 40))
        self.assertEqual((answer["conclusion"], answer["difference"]), ("cannot_conclude", None))
        self.assertIn("no_data", answer["after"]["why_not"])
        answer = self.compare(3, traces(1, 60, 40) + traces(2000, 0, 0, at=HOUR_MS, others=5))
        self.assertEqual((answer["conclusion"], answer["after"]["exercised"]), ("cannot_conclude", 0))

    def test_inconclusive_verdicts(self):
        text = traces(1, 60, 40) + trace(5000, span("checkout"), span("x", parent="00000000000000ee"), at=HOUR_MS) + traces(6000, 100, 0, at=HOUR_MS)
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)
        done = run_cli("compare", "--dsl", RULE, "--before", BEFORE, "--after", AFTER, "--traces", self.path, "--require-complete", "--json")
        self.assertEqual(done.returncode, 3)
        answer = json.loads(done.stdout)
        self.assertEqual((answer["conclusion"], answer["after"]["inconclusive"]), ("cannot_conclude", 1))

    def test_rules_whose_exercise_is_not_asked_of_tempo(self):
        """A bare condition, one without positive part, one with aggregates: the number of exercising traces is that of the evaluator."""
        text = traces(1, 60, 40, others=30) + traces(2000, 100, 0, at=HOUR_MS, others=30)
        for rule, before, after in (("checkout and not fraud-check", (40, 100), (0, 100)), ("not fraud-check", (70, 130), (30, 130)),
                                    ("when { count(checkout) > 0 or (browse and not x) } always { fraud-check }", (70, 130), (30, 130)),
                                    ("when { checkout as c and not (fraud-check under c) } never { browse }", (0, 40), (0, 100)),
                                    ("always { fraud-check }", (70, 130), (30, 130))):
            with self.subTest(rule=rule):
                with open(self.path, "w", encoding="utf-8") as file:
                    file.write(text)
                done = run_cli("compare", "--dsl", rule, "--before", BEFORE, "--after", AFTER, "--traces", self.path, "--json")
                answer = json.loads(done.stdout)
                self.assertEqual((answer["before"]["violated"], answer["before"]["exercised"]), before)
                if "under" not in rule:
                    self.assertEqual((answer["after"]["violated"], answer["after"]["exercised"]), after)
                self.assertTrue(answer["before"]["certain"], answer["before"])

    def test_usage(self):
        for arguments in (["--before", BEFORE], ["--before", BEFORE, "--after", "now"], ["--before", BEFORE, "--after", "now..now-1h"]):
            self.assertEqual(run_cli("compare", "--dsl", RULE, "--traces", self.path, *arguments).returncode, 2)

    # ---- gate ----

    def test_gate(self):
        good, worse = traces(1, 190, 10, others=50), traces(3000, 70, 30, version="2")
        answer = self.gate(1, good + worse)
        (rule,) = answer["rules"]
        self.assertEqual((answer["result"], rule["result"]), ("worse", "worse"))
        self.assertEqual([(rule[s]["violated"], rule[s]["exercised"]) for s in ("baseline", "candidate")], [(10, 200), (30, 100)])
        self.assertEqual(self.gate(0, good + traces(3000, 95, 5, version="2"))["result"], "pass")
        self.assertEqual(self.gate(3, good + traces(3000, 19, 1, version="2"))["result"], "too_few")
        self.assertEqual(self.gate(0, good + traces(3000, 19, 1, version="2"), "--min-exercised", "20")["result"], "pass")
        self.assertEqual(self.gate(3, good)["result"], "too_few", "no trace of the candidate is no pass")
        self.assertEqual(self.gate(3, traces(1, 5, 5) + traces(3000, 95, 5, version="2"))["result"], "too_few", "nor is one without a baseline")
        self.assertEqual(self.gate(0, good + worse, "--max-increase", "20%")["result"], "pass")

    def test_gate_by_another_attribute_and_service(self):
        text = traces(1, 190, 10) + traces(3000, 70, 30, version="2")
        self.assertEqual(self.gate(3, text, "--service", "nobody")["result"], "too_few")
        self.assertEqual(self.gate(1, text, "--by", "resource.service.version", "--service", "web")["result"], "worse")
        self.assertEqual(self.gate(3, text, "--by", "span.service.version")["result"], "too_few", "it is the resource's")
        self.assertEqual(self.gate(1, text, rule="checkout as c and not (fraud-check after c)")["result"], "worse", "a bare condition, with a binding")

    def test_values_are_quoted(self):
        self.assertEqual(self.gate(3, traces(1, 60, 0), "--candidate", 'x" or true or "')["result"], "too_few")
        self.assertEqual(run_cli("gate", "--dsl", RULE, "--traces", self.path, "--baseline", "1").returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=1)
