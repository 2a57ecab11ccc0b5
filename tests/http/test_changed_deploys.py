"""`betrace changed` without sides finds deploys by service.version, compares the most recent one, and says which."""
import json
import os
import sys
import tempfile
import unittest
from xml.etree import ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import run_cli  # noqa: E402
from trace_files import span, trace  # noqa: E402

TRACES = 1200  # one a second, from 2026-01-01T00:00:00Z


class Deploys(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="betrace-deploys-"))

    def write(self, version_of, checks=lambda number: True):
        """Orders of a web service, which stays as it is, and of checkout, whose version and region are those of the number."""
        path = os.path.join(self.folder, "t.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            for number in range(1, TRACES + 1):
                version, region = version_of(number)
                resource = {"service.version": version, **({"cloud.region": region} if region else {})}
                spans = [span("order", resource={"service.version": "7"}), span("checkout", service="checkout", resource=resource)]
                if checks(number):
                    spans.append(span("check", service="checkout", resource=resource))
                file.write(trace(number, *spans, at=number * 1000))
        return path

    def ask(self, path, *arguments, status):
        done = run_cli("changed", "--traces", path, *arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_the_deploy_is_found_and_compared(self):
        new = lambda number: number > 900 and number % 2 == 0  # noqa: E731
        path = self.write(lambda number: ("1.4.3", "eu") if new(number) else ("1.4.2", "eu" if number % 2 == 0 else "us"), lambda number: not new(number) or number % 4)
        text = self.ask(path, status=1)
        self.assertIn("deploy: checkout 1.4.2 → 1.4.3 at 2026-01-01T00:15:02Z, in eu\n", text)
        self.assertRegex(text, "(?m)^compared: traces with 1.4.3 of this service, and all others of it; another deploy: --deploy SERVICE=VERSION$")
        self.assertRegex(text, r"(?m)^check .*100 % of \d+ → 50 % of 150 ")
        answer = json.loads(self.ask(path, "--json", status=1))
        self.assertEqual(answer["deploys"], [{"service": "checkout", "from": "1.4.2", "to": "1.4.3", "first_seen": "2026-01-01T00:15:02.000000000Z", "region": "eu", "compared": True}])
        self.assertEqual(answer["candidate_traces"], 150)
        for form in ("markdown", "github"):
            self.assertIn("checkout 1.4.2 → 1.4.3", self.ask(path, "--output", form, status=1))
        junit = ElementTree.fromstring(self.ask(path, "--output", "junit", status=1))
        self.assertIn("checkout 1.4.2 → 1.4.3", junit.findall("testsuite/testcase")[-1].findtext("system-out"))

    def test_of_several_the_most_recent_one_or_the_one_that_is_named(self):
        path = self.write(lambda number: ("1" if number <= 400 else "2" if number <= 800 else "3", None), lambda number: number <= 400 or number > 800)
        text = self.ask(path, status=1)  # 3 checks, and some of the others did not
        self.assertIn("deploy: checkout 2 → 3 at 2026-01-01T00:13:21Z\ndeploy: checkout 1 → 2 at 2026-01-01T00:06:41Z\ncompared: traces with 3 ", text)
        answer = json.loads(self.ask(path, "--deploy", "checkout=2", "--json", status=1))
        self.assertEqual([(one["from"], one["to"], one["compared"]) for one in answer["deploys"]], [("2", "3", False), ("1", "2", True)])
        self.assertEqual((answer["baseline_traces"], answer["candidate_traces"]), (800, 400))
        for wrong in ("checkout=9", "web=7", "2"):
            text = self.ask(path, "--deploy", wrong, status=2)
            self.assertIn("checkout 1 → 2", text)
            self.assertNotIn("nothing changed", text)

    def test_a_version_that_is_seldom_met_is_no_deploy(self):
        """One in 200 from the third minute on: by chance it would be missing before then four times in ten."""
        path = self.write(lambda number: ("canary" if number % 200 == 180 else "1", None))
        text = self.ask(path, status=2)
        self.assertIn("no deploy was found: in 1200 traces of the range no service began with another service.version", text)
        self.assertNotIn("nothing changed", text)
        # The same share, but not before the last quarter, where it would hardly be missing.
        path = self.write(lambda number: ("canary" if number % 40 == 20 and number > 900 else "1", None))
        self.assertIn("deploy: checkout 1 → canary at", self.ask(path, status=3))  # of eight traces nothing is said

    def test_without_traces_it_is_not_known(self):
        path = self.write(lambda number: ("1", None))
        for sides in ((), ("--deploy", "checkout=1")):
            text = self.ask(path, "--start", "2020-01-01T00:00:00Z", "--end", "2020-01-02T00:00:00Z", *sides, status=3)
            self.assertIn("in 0 traces", text)

    def test_one_way_to_name_the_sides(self):
        path = self.write(lambda number: ("1", None))
        for sides in (("--deploy", "a=b", "--around", "2026-01-01T00:10:00Z"), ("--deploy", "a=b", "--candidate", "a=b"), ("--baseline", "a=b")):
            self.assertIn("it takes --around TIME", self.ask(path, *sides, status=2))


if __name__ == "__main__":
    unittest.main(verbosity=1)
