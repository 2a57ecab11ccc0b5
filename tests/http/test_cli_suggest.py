"""`betrace suggest`: what holds in nearly all traces is found with its exceptions, what does not is not, and the output is a rule file whose tests
pass."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import run_cli  # noqa: E402
from trace_files import span, trace, trace_id  # noqa: E402

ODD = 'odd "name" \\ 日本'


def shop(number):
    """Every order is authorized before it is charged (but one in 2,000), audited nearly always (but one in 50), with two to four queries."""
    root, order = f"{number * 16 + 1:016x}", f"{number * 16 + 2:016x}"
    spans = [span("GET /", id=root, parent="", duration=90), span("order", id=order, at=1, parent=root, duration=20 + number % 7)]
    if number != 1234:
        spans.append(span("authorize", at=2, parent=order))
    spans.append(span("charge", at=5, parent=order, secret="4111"))
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
        for dsl in ('when { "charge" as a }\nalways { "authorize" before a }', 'when { "order" as a }\nalways { count("query" under a) <= 4 }',
                    'when { "order" as a }\nalways { a.where(span.duration < 30ms) }'):
            self.assertIn(dsl, self.rules)
        self.assertEqual({rule["kind"] for rule in self.rules.values()}, {"order", "presence", "count", "latency"})

    def test_exceptions_are_named(self):
        rule = self.rules['when { "charge" as a }\nalways { "authorize" before a }']
        self.assertEqual((rule["rate"]["violated"], rule["rate"]["exercised"]), (1, 2000))
        self.assertEqual([e["trace_id"] for e in rule["exceptions"]], [trace_id(1234)])
        text = run_cli("suggest", "--traces", self.traces, "--limit", "100").stdout
        self.assertIn(f"#   exception: {trace_id(1234)}\n", text)
        self.assertIn("1999 of 2000 traces that exercise it keep it (99.95 %)", text)

    def test_what_does_not_hold_is_not_proposed(self):
        for dsl in self.rules:
            self.assertNotIn('always { "audit"', dsl, "98 % is not enough")
            self.assertNotRegex(dsl, r'always \{ "(GET /|order)"( before a)? \}', "that a span has its ancestors says nothing")
            self.assertNotIn(f'when {{ "charge" as a }}\nalways {{ "{ODD}', dsl)
        loose = json.loads(run_cli("suggest", "--traces", self.traces, "--limit", "100", "--min-share", "95", "--json").stdout)
        self.assertTrue(any('always { "audit"' in rule["dsl"] for rule in loose["rules"]), "with a lower share it is")

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
