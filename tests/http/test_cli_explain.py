"""`betrace explain` without a Tempo: what would be sent, and that nothing is estimated. With a Tempo: tests/e2e/test_cli_tempo.py."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import run_cli  # noqa: E402

RULE = "when { checkout.where(amount > 1000) as c } always { fraud-check after c within 500ms }"


class ExplainTest(unittest.TestCase):
    def test_text(self):
        done = run_cli("explain", "--dsl", RULE)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r'\n  search +\{ \(name = "checkout" \|\| resource\.service\.name = "checkout"\) && ')
        self.assertIn("decided here: ", done.stdout)
        self.assertIn("violations of young traces are read again by id", done.stdout)
        self.assertIn("no estimates: ", done.stdout)

    def test_json(self):
        answer = json.loads(run_cli("explain", "--dsl", RULE, "--json").stdout)
        self.assertFalse(answer["probed"])
        (rule,) = answer["rules"]
        self.assertIn("search", [query["use"] for query in rule["queries"]])
        self.assertTrue(any(option["strategy"] == rule["strategy"] for option in rule["strategies"]))

    def test_several_names(self):
        """An attribute that goes by several names, with all that are read for it."""
        rule = "@semconv(stable) @alias(tool, t.name) when { x.where(http.method == 1) } always { y.where(tool == a) }"
        said = run_cli("explain", "--dsl", rule).stdout
        self.assertIn("\n  http.method is the first that is there of: http.request.method, http.method\n", said)
        self.assertIn("\n  tool is the first that is there of: tool, t.name\n", said)
        (answer,) = json.loads(run_cli("explain", "--dsl", rule, "--json").stdout)["rules"]
        self.assertEqual(answer["several_names"], [{"attribute": "http.method", "keys": ["http.request.method", "http.method"]}, {"attribute": "tool", "keys": ["tool", "t.name"]}])
        (answer,) = json.loads(run_cli("explain", "--dsl", RULE, "--json").stdout)["rules"]
        self.assertEqual((answer["several_names"], answer["own_names"]), ([], []))

    def test_names_of_spans(self):
        """What the words stand for that the rule uses, names in names among them."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "r.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write("names: {call: span(k==1 or m==2), mail: call.where(n==3), idle: span(x)}\nrules:\n- {id: one, dsl: 'when { mail } always { b }'}\n")
            said, answer = run_cli("explain", path).stdout, json.loads(run_cli("explain", path, "--json").stdout)
        self.assertIn("\n  call stands for: span(k == 1 or m == 2)\n  mail stands for: call.where(n == 3)\n", said)
        self.assertEqual(answer["rules"][0]["own_names"], [{"name": "call", "spans": "span(k == 1 or m == 2)"}, {"name": "mail", "spans": "call.where(n == 3)"}])

    def test_files_and_usage(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "r.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write("rules:\n- {id: one, dsl: 'when { a } always { b }'}\n- {id: two, dsl: 'count(c) > 3'}\n")
            done = run_cli("explain", path)
            self.assertRegex(done.stdout, r"(?s)^one\n.*\ntwo\n")
            self.assertNotRegex(run_cli("explain", path, "--rule", "two").stdout, r"(?m)^one$")
        self.assertEqual(run_cli("explain").returncode, 2)
        self.assertEqual(run_cli("explain", "--dsl", "when {").returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=1)
