"""`betrace suggest`: what holds in nearly all traces is found with its exceptions, what does not is not, and the output is a rule file whose tests
pass."""
import itertools
import json
import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import changed_worlds as worlds  # noqa: E402
from betrace_process import run_cli  # noqa: E402
from trace_files import span, trace, trace_id  # noqa: E402

AUTHORIZED = 'when { name:"order" as a }\nalways { name:"authorize" child of a }'
END, ROLLOUT = "2026-03-10T12:00:00Z", "2026-03-10T06:00:00Z"
ODD = 'odd "name" \\ 日本'


def shop(number):
    """Every order is authorized before it is charged (but one in 2,000), audited nearly always (but one in 50), with two to four queries. When it is
    authorized differs from trace to trace: what comes first by the clock alone is no order."""
    root, order = f"{number * 16 + 1:016x}", f"{number * 16 + 2:016x}"
    spans = [span("GET /", id=root, parent="", duration=90), span("order", id=order, at=1, parent=root, duration=20 + number % 7)]
    if number != 1234:
        spans.append(span("authorize", at=2 + number * 7 % 40, parent=order))
    spans.append(span("charge", at=5 + number * 7 % 40, parent=order, secret="4111"))
    spans += [span("query", at=6 + i, parent=order) for i in range(2 + number % 3)]
    if number % 50:
        spans.append(span("audit", at=12, parent=order))
    if number % 3 == 0:
        spans.append(span(ODD, at=3 if number % 4 == 1 else 8, parent=order))
    return trace(number, *spans, at=number)


class SuggestTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-suggest-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.traces = cls.write("t.jsonl", "".join(shop(number) for number in range(1, 2001)) + "".join(trace(number, span("ping")) for number in range(3000, 3300)))
        cls.answer = json.loads(run_cli("suggest", "--traces", cls.traces, "--limit", "100", "--sample", "5000", "--json").stdout)
        cls.rules = {rule["dsl"].strip(): rule for rule in cls.answer["rules"]}

    @classmethod
    def write(cls, name, text):
        path = os.path.join(cls.folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_order_presence_counts_and_latency(self):
        for dsl in (AUTHORIZED, 'when { name:"authorize" and name:"charge" }\nalways { trace.has_before(name:"authorize", name:"charge") }',
                    'when { name:"order" as a }\nalways { count(name:"query" child of a) <= 4 }'):
            self.assertIn(dsl, self.rules)
        self.assertEqual({rule["kind"] for rule in self.rules.values()}, {"child", "order", "count"})

    def test_exceptions_are_named(self):
        rule = self.rules[AUTHORIZED]
        self.assertEqual((rule["rate"]["violated"], rule["rate"]["exercised"]), (1, 2000))
        self.assertEqual([e["trace_id"] for e in rule["exceptions"]], [trace_id(1234)])
        text = run_cli("suggest", "--traces", self.traces, "--limit", "100").stdout
        self.assertIn(f"#   exception: {trace_id(1234)}\n", text)
        self.assertIn("1999 of 2000 traces that exercise it keep it (99.95 %)", text)

    def test_what_does_not_hold_is_not_proposed(self):
        for dsl in self.rules:
            self.assertNotIn('always { name:"audit"', dsl, "98 % is not enough")
            self.assertNotRegex(dsl, r'always \{ name:"GET /"', "that a span has its ancestors says nothing")
            self.assertNotRegex(dsl, r'always \{ name:"odd')
        loose = json.loads(run_cli("suggest", "--traces", self.traces, "--limit", "100", "--min-share", "95", "--json").stdout)
        self.assertTrue(any('always { name:"audit"' in rule["dsl"] for rule in loose["rules"]), "with a lower share it is")

    def test_the_promises_of_the_shop_come_first(self):
        """On the day before the rollout: three promises under a condition, and the service that becomes slow. No accident."""
        path = os.path.join(self.folder.name, "shop.jsonl")
        self.assertEqual(run_cli("generate", "--traces", "6000", "--end", END, "--out", path).returncode, 0)
        rules = json.loads(run_cli("suggest", path, "--end", ROLLOUT, "--limit", "16", "--json").stdout)["rules"]
        said = [rule["behaviour"] for rule in rules]
        self.assertEqual(said[:3], ["fraud-check with payment.process where amount > 1000 (payment-service)",
                                    "audit.log with data.access where data.classification == PII (profile-service)",
                                    "retry with db.query where span.duration > 1s (inventory-service)"])
        self.assertIn("payment.process takes less than 300ms (payment-service)", said[:6])
        for rule in rules:
            self.assertGreaterEqual(rule["lift_at_least"], 1.1, rule)
            self.assertEqual((rule["rate"]["violated"], rule["exceptions"]), (0, []), rule)
            self.assertNotIn(rule["kind"], ("order", "child", "absence"), rule)  # all orders and calls of the shop are the clock's and everyone's
            self.assertNotRegex(rule["behaviour"], r"^(db\.query|payment\.process|checkout|POST /checkout) with", "every trace has these")
        slow = json.loads(run_cli("suggest", path, "--json").stdout)["rules"]
        self.assertNotIn("audit.log with data.access where data.classification == PII (profile-service)", [rule["behaviour"] for rule in slow])

    def test_planted_conditions_come_first(self):
        """Random worlds whose steps are called of one tenant or of large amounts: what asks for these steps comes before all else."""
        asked = 0
        for seed in range(8):
            world, path = worlds.World(seed, "none"), os.path.join(self.folder.name, "world.jsonl")
            worlds.write(world, path, 1500)
            root = world.steps[0]
            planted = {step.name for step in world.steps if step.when and step.parent is root}
            rules = json.loads(run_cli("suggest", path, "--since", "20000d", "--limit", "100", "--json").stdout)["rules"]
            first = list(itertools.takewhile(lambda words: " where " in words, (rule["behaviour"] for rule in rules)))
            for name in planted:
                asked += 1
                self.assertTrue(any(re.match(rf"{name} with {root.name} where (tenant ==|amount >)", behaviour) for behaviour in first), (seed, name, first))
        self.assertGreater(asked, 4)

    def test_the_table_says_lift_bound_and_exceptions(self):
        head = run_cli("suggest", "--traces", self.traces, "--limit", "100").stdout.split("rules:\n")[0]
        self.assertRegex(head, r"behaviours were tested; at most 5 % of those told are expected to be chance\.")
        self.assertRegex(head, r"#  lift >=     kept of traces   share >=  exceptions  rule\n")
        self.assertRegex(head, r"# +[0-9.]+ +1999 of 2000 +99\.72 % +1  suggested-authorize-called-by-order\n")

    def test_the_output_is_a_rule_file_whose_tests_pass(self):
        done = run_cli("suggest", "--traces", self.traces, "--limit", "100")
        self.assertEqual(done.returncode, 0, done.stderr)
        path = self.write("suggested.yaml", done.stdout)
        self.assertEqual(run_cli("check", path).returncode, 0)
        tested = json.loads(run_cli("test", "--json", path).stdout)
        self.assertEqual(tested["summary"]["passed"], tested["summary"]["tests"])
        self.assertEqual({t["verdict"] for t in tested["tests"]}, {"satisfied", "violated"})
        self.assertIn("shadow: true", done.stdout)
        self.assertNotIn("4111", done.stdout, "attributes are left out")
        self.assertIn("日本", done.stdout)
        self.assertEqual(run_cli("fmt", "--check", path).returncode, 0)
        self.assertEqual(done.stdout, run_cli("suggest", "--traces", self.traces, "--limit", "100").stdout, "the same each time")

    def test_nothing_to_say(self):
        few = self.write("few.jsonl", "".join(shop(number) for number in range(1, 20)))
        done = run_cli("suggest", "--traces", few)
        self.assertEqual(done.returncode, 0)
        self.assertIn("rules: []", done.stdout)
        empty = run_cli("suggest", "--traces", few, "--end", "2020-01-01T00:00:00Z")
        self.assertEqual(empty.returncode, 3)
        self.assertIn("no trace", empty.stderr)
        self.assertEqual(run_cli("suggest", "--traces", few, "--min-share", "20").returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=1)
