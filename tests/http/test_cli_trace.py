"""`betrace trace`: the tree, its marks and its words, at several widths and in ASCII. Lines are compared as a whole: they are what people see."""
import json
import os
import resource
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import run_cli  # noqa: E402
from trace_files import span, trace  # noqa: E402

CHECKOUT, CHARGE = "00000000000000c1", "00000000000000c2"
SHOP = trace(0x8F2C, span("POST /checkout", duration=800, service="web-frontend", kind=2),
             span("checkout", at=20, duration=700, id=CHECKOUT, service="checkout-service", amount=2000),
             *[span("db.query", at=40 + i, duration=1.5, parent=CHECKOUT, service="inventory") for i in range(12)],
             span("payment.charge_card_with_a_very_long_name_that_does_not_fit", at=120, duration=400, parent=CHECKOUT, id=CHARGE,
                  service="payment-service-eu-west-1-primary", status=2, message="declined"),
             span("bank.call", at=130, duration=0.012, parent=CHARGE, service="bank"),
             span("orphan", at=300, duration=4, parent="0000000000009999", service="mailer"))
RULES = """rules:
- id: fraud-check-required
  severity: critical
  dsl: |
    when { checkout.where(amount > 1000) as c }
    always { fraud-check after c within 500ms }
- {id: no-declines, dsl: 'when { checkout } never { trace.has(span.status == "error") }'}
- {id: idle, dsl: "when { nothing } always { a }"}
- {id: audited, dsl: 'trace.has(span.name == "db.query") and not trace.has(span.name == "audit.log")'}
"""


class TraceTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-trace-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.rules = self.write("rules.yaml", RULES)
        self.traces = self.write("t.jsonl", SHOP)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def draw(self, *arguments, columns=80, locale="C.UTF-8", traces=None, number="8f2c"):
        return run_cli("trace", number, "--traces", traces or self.traces, *arguments, env={"COLUMNS": str(columns), "LC_ALL": locale})

    def tree(self, *arguments, **settings):
        return self.draw(*arguments, **settings).stdout.split("\n\n")[-1].rstrip("\n").split("\n")

    def test_verdicts_in_words(self):
        done = self.draw("--rules", self.rules)
        self.assertEqual(done.returncode, 1)
        head, verdicts = done.stdout.split("\n\n")[:2]
        self.assertEqual(head, "00000000000000000000000000008f2c  2026-01-01T00:00:00.000Z  800ms  17 spans of 6 services\n"
                         "1 span names a parent that is not in this trace (marked ?)")
        self.assertEqual(verdicts.split("\n"), [
            "[1] fraud-check-required: violated (critical)",
            "    no fraud-check after c within 500ms",
            "      c = checkout of checkout-service, at +20.0ms for 700ms: amount = 2000",
            "[2] no-declines: violated (medium)",
            '    there is a span where span.status == "error", and there must be none',
            "      checkout of checkout-service, at +20.0ms for 700ms",
            "      payment.charge_card_with_a_very_long_name_that_does_not_fit of payment-service-eu-west-1-primary, at +120ms for 400ms",
            "[3] idle: not_applicable (`when` does not hold)",
            "[4] audited: violated (medium)",
            '    no span named "audit.log" in this trace',
            "      db.query of inventory, at +40.0ms for 1.50ms",
            "      db.query of inventory, at +41.0ms for 1.50ms",
            "      db.query of inventory, at +42.0ms for 1.50ms",
            "      and 5 more spans, numbered below"])

    def test_names_of_the_file_are_said_with_what_they_stand_for(self):
        rules = self.write("named.yaml", "names: {paid: payment.where(amount==1), large: checkout.where(amount>1000)}\n"
                           "rules: [{id: one, dsl: 'when { large as c } always { paid after c }'}, {id: two, dsl: 'when { large } always { checkout }'}]\n")
        self.assertEqual(self.draw("--rules", rules).stdout.split("\n\n")[1].split("\n"), [
            "[1] one: violated (medium)",
            "    no paid after c",
            "      c = checkout of checkout-service, at +20.0ms for 700ms: amount = 2000",
            "    large stands for checkout.where(amount > 1000)",
            "    paid stands for payment.where(amount == 1)",
            "[2] two: satisfied"])

    def test_the_tree_at_80_columns(self):
        self.assertEqual(self.tree("--rules", self.rules, "--rule", "fraud-check-required", "--rule", "no-declines"), [
            "    POST /checkout                       web-frontend       800ms  █████████████",
            "1,2 └─ checkout                          checkout-service   700ms  ████████████",
            "       ├─ db.query                       inventory         1.50ms  █",
            "       ├─ db.query                       inventory         1.50ms  █",
            "       ├─ … and 10 more of these, 15.0ms together (--all draws them)",
            "2      └─ payment.charge_card_with_a_… ! payment-service…   400ms   ███████",
            "          └─ bank.call                   bank              12.0us    ▏",
            "    ? orphan                             mailer            4.00ms      █"])

    def test_every_line_of_the_tree_fits(self):
        for columns in (40, 80, 120, 200):
            for arguments in ((), ("--rules", self.rules), ("--rules", self.rules, "--all")):
                for line in self.tree(*arguments, columns=columns):
                    self.assertLessEqual(len(line), max(columns, 72 if "of these" in line else 0), (columns, line))
        self.assertIn("payment.charge_card_with_a_very_long_name", "\n".join(self.tree(columns=120)))

    def test_ascii_where_the_locale_is_not_utf8(self):
        text = "\n".join(self.tree(locale="C"))
        self.assertTrue(text.isascii(), text)
        self.assertIn("`- checkout ", text)
        self.assertIn("   |- db.query ", text)
        self.assertEqual(self.tree(locale="de_DE.UTF-8")[1][:3], "└─ ")

    def test_all_draws_every_span(self):
        self.assertEqual(sum("db.query" in line for line in self.tree("--all")), 12)
        self.assertEqual(len(self.tree("--all")), 17)

    def test_json(self):
        answer = json.loads(self.draw("--rules", self.rules, "--json").stdout)
        self.assertEqual([v["verdict"] for v in answer["verdicts"]], ["violated", "violated", "not_applicable", "violated"])
        self.assertEqual((answer["missing_parents"], len(answer["spans"]), answer["duration_ns"]), (1, 17, 800000000))
        spans = {s["span_id"]: s for s in answer["spans"]}
        self.assertEqual(spans[CHECKOUT]["witness_of"], ["fraud-check-required", "no-declines"])
        self.assertEqual((spans[CHARGE]["depth"], spans[CHARGE]["is_error"], spans[CHARGE]["witness_of"]), (2, True, ["no-declines"]))

    def test_statuses(self):
        self.assertEqual(self.draw("--rules", self.rules, "--rule", "idle").returncode, 0)
        self.assertEqual(self.draw("--dsl", "when { checkout } always { x }", "--require-complete").returncode, 3, "a span may be missing")
        missing = self.draw(number="abc")
        self.assertEqual(missing.returncode, 3)
        self.assertIn("has no trace 00000000000000000000000000000abc", missing.stderr)
        self.assertEqual(self.draw(number="nothex").returncode, 2)

    def test_cycles_halves_and_deep_chains_are_drawn_whole(self):
        a, b = "00000000000000aa", "00000000000000bb"
        cycle = self.write("cycle.jsonl", trace(1, span("x", id=a, parent=b), span("y", at=1, id=b, parent=a)))
        self.assertEqual([line.split("  ")[0] for line in self.tree(traces=cycle, number="1")], ["(cycle) x", "└─ y"])
        halves = self.write("halves.jsonl", trace(2, span("client", id=a, service="one", kind=3), span("server", id=a, parent="", service="two", kind=2),
                                                  span("work", at=1, parent=a, service="two")))
        self.assertEqual([line.split("  ")[0] for line in self.tree(traces=halves, number="2")], ["server", "└─ work", "client"])
        deep = self.write("deep.jsonl", trace(3, *[span(f"s{i}", id=f"{i + 1:016x}", parent=f"{i:016x}" if i else "") for i in range(3000)]))
        lines = self.tree(traces=deep, number="3")
        self.assertEqual(len(lines), 3000)
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertIn("s2999", lines[-1])

    def test_eight_times_the_spans_cost_eight_times_as_much(self):
        """In processor time of the command, which drew each span by looking at all others."""
        def cost(count):
            many = self.write("many.jsonl", trace(5, *[span(f"s{i % 50}", at=i, id=f"{i + 1:016x}", parent=f"{1:016x}" if i else "") for i in range(count)]))
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            self.assertEqual(len(self.tree("--all", traces=many, number="5")), count)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime - before.ru_utime
        few = min(cost(5000) for _ in range(3))
        self.assertLess(cost(40000) / few, 24)

    def test_names_that_would_move_the_cursor(self):
        wild = self.write("wild.jsonl", trace(4, span("a\033[2Jb\nc", service="\x07日本"), span("日本語の名前" * 10)))
        text = "\n".join(self.tree(traces=wild, number="4"))
        self.assertIn("a\\x1b[2Jb\\nc", text)
        self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f]")


if __name__ == "__main__":
    unittest.main(verbosity=1)
