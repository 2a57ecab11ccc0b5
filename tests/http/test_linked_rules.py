"""Tests of rule files with linked traces (`others:`), through `betrace test`: tests/cases/linked/*.yaml pass as they are, and fail where another
verdict is expected.
"""
import glob
import json
import os
import re
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support")]
from betrace_process import run_cli  # noqa: E402

FILES = sorted(glob.glob(os.path.join(HERE, "..", "cases", "linked", "*.yaml")))
VERDICTS = ("violated", "satisfied", "inconclusive", "not_applicable")


def results(path):
    done = run_cli("test", "--json", path)
    return done.returncode, json.loads(done.stdout)["tests"]


class LinkedRules(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="betrace-linked-")
        self.addCleanup(self.folder.cleanup)

    def write(self, text):
        path = os.path.join(self.folder.name, "rules.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_files_pass(self):
        for path in FILES:
            code, found = results(path)
            self.assertEqual((code, {result["outcome"] for result in found}), (0, {"passed"}), found)
            self.assertEqual({result["expected"] for result in found}, set(VERDICTS), "each verdict is met")

    def test_each_fails_with_another_verdict(self):
        """Each test expects the next verdict in the list, and says what came."""
        for path in FILES:
            with open(path, encoding="utf-8") as file:
                text = file.read()
            following = {verdict: VERDICTS[(i + 1) % len(VERDICTS)] for i, verdict in enumerate(VERDICTS)}
            text = re.sub(r" *witness: .*\n", "", text)
            code, found = results(self.write(re.sub(r"expect: (\w+)", lambda match: f"expect: {following[match[1]]}", text)))
            self.assertEqual((code, {result["outcome"] for result in found}), (1, {"failed"}))
            for result in found:
                self.assertEqual(following[result["verdict"]], result["expected"], result)

    def errors_of(self, span):
        path = self.write(f"""rules:
- id: processed
  dsl: 'when {{ "orders publish" as p }} always {{ "orders process" linked to p within 10m }}'
  tests:
  - name: a consumer has it
    expect: satisfied
    witness: {{p: "7"}}
    trace: [{{span: orders publish, id: m}}]
    others:
      consumer: [{span}]
""")
        return [line.removeprefix(path) for line in run_cli("check", path).stdout.splitlines() if "error: " in line]

    def test_an_id_that_is_a_number_is_one_error(self):
        """What names such a span is not said to be wrong besides."""
        self.assertEqual(self.errors_of("{span: orders process, links: [{trace: 00000000000000000000000000000012, span: m}]}"), [
            ":10:57: error: trace: expected a text, got the number 00000000000000000000000000000012; put it in quotes"])
        self.assertEqual(self.errors_of("{span: orders process, id: 7, links: [{trace: consumer, span: '7'}]}"), [
            ":10:45: error: id: expected a text, got the number 7; put it in quotes"])
        (error,) = self.errors_of("{span: orders process, links: [{trace: own, span: m}]}")
        self.assertIn("witness: expected the id of a span of this test", error)

    def test_a_witness_says_its_trace(self):
        path = self.write("""rules:
- id: no-error-downstream
  dsl: 'when { "orders publish" as p } never { span(span.status == error) downstream of p within 1h }'
  tests:
  - name: all is well
    expect: satisfied
    trace: [{span: orders publish, id: m}]
    others:
      consumer: [{span: orders process, links: [{trace: own, span: m}]}, {span: charge, id: c, service: bank, status: error}]
""")
        done = run_cli("test", path)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, r"charge \(id c\) in trace consumer of bank")


if __name__ == "__main__":
    unittest.main(verbosity=1)
