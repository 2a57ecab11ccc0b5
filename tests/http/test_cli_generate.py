"""`betrace generate`: each scenario tells its story, and the commands that look for one find it. Everything over files."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import ROOT, run_cli  # noqa: E402

END, START, ROLLOUT = "2026-03-10T12:00:00Z", "2026-03-09T12:00:00Z", "2026-03-10T06:00:00Z"
AROUND = ("--before", f"{START}..{ROLLOUT}", "--after", f"{ROLLOUT}..{END}")
RULES = """rules:
- id: slow-db-no-retry
  dsl: when { db.query.where(span.duration > 1s) } always { retry }
- id: pii-audit
  dsl: when { span(data.classification == "PII") } always { audit.log }
"""
VERSIONS = ("--baseline", "1.4.2", "--candidate", "1.4.3")


def spans_of(path):
    """(resource attributes, span) of each span of a file of JSON lines."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            for resource in json.loads(line)["resourceSpans"]:
                attributes = {one["key"]: one["value"]["stringValue"] for one in resource["resource"]["attributes"]}
                for scope in resource["scopeSpans"]:
                    yield from ((attributes, span) for span in scope["spans"])


class Scenarios(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="betrace-generate-"))
        cls.rules = os.path.join(cls.folder, "rules.yaml")
        with open(cls.rules, "w", encoding="utf-8") as file:
            file.write(RULES)

    def make(self, scenario, traces=4000, *more):
        path, truth = (os.path.join(self.folder, f"{scenario}.{kind}") for kind in ("jsonl", "truth"))
        done = run_cli("generate", "--scenario", scenario, "--traces", traces, "--end", END, "--out", path, "--truth", truth, *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(truth, encoding="utf-8") as file:
            return path, {rule: set(ids) for rule, ids in json.load(file).items()}

    def ask(self, status, command, path, *arguments, rules=None):
        done = run_cli(command, "--rules", rules or self.rules, "--traces", path, *arguments, "--json")
        self.assertEqual(done.returncode, status, f"{done.stdout}\n{done.stderr}")
        return json.loads(done.stdout)

    def violating(self, path, rule, rules=None):
        """The traces that a replay of the rule finds."""
        found = self.ask(1, "replay", path, "--rule", rule, "--limit", "0", rules=rules)
        return {one["trace_id"] for one in found["violations"]}

    def test_a_rollout_is_found_by_all_who_look_for_one(self):
        path, truth = self.make("rollout")
        for rule in ("slow-db-no-retry", "pii-audit"):
            with self.subTest(rule):
                self.assertEqual(self.violating(path, rule), truth[rule])
                first = self.ask(1, "first", path, "--rule", rule)
                self.assertTrue(ROLLOUT <= first["violation"]["time"] < "2026-03-10T07:30:00Z", first["violation"])
                marks = self.marks(path, rule)
                self.assertIn(("service.version", "1.4.3"), marks)
                self.assertIn(("cloud.region", "eu-west-1"), marks)
        self.assertIn(("tenant", "globex"), self.marks(path, "pii-audit"))
        self.assertNotIn(("tenant", "globex"), self.marks(path, "slow-db-no-retry"))
        self.assertEqual(run_cli("gate", "--rules", self.rules, "--traces", path, *VERSIONS).returncode, 1)
        self.assertEqual(run_cli("compare", "--rules", self.rules, "--rule", "slow-db-no-retry", "--traces", path, *AROUND).returncode, 1)

    def marks(self, path, rule):
        """(key, value) of what contrast finds more often among those that violate the rule."""
        done = run_cli("contrast", "--rules", self.rules, "--traces", path, "--rule", rule, "--json")
        found = json.loads(done.stdout)["findings"]
        return {(one["key"], one["value"]) for one in found if one["in_violating"] == "more_often" and one["relation"] == "is"}

    def test_noise_blames_no_version(self):
        path, truth = self.make("noise", 12000)
        self.assertTrue(truth["slow-db-no-retry"])
        self.assertEqual(self.violating(path, "slow-db-no-retry"), truth["slow-db-no-retry"])
        self.assertEqual(run_cli("gate", "--rules", self.rules, "--traces", path, *VERSIONS).returncode, 0)
        self.assertEqual(self.marks(path, "slow-db-no-retry"), set())

    def test_none_plants_as_many_as_are_asked_for(self):
        _, truth = self.make("none", 600, "--violations", 20)
        self.assertEqual({rule: len(ids) for rule, ids in truth.items()},
                         {"slow-db-no-retry": 20, "incident-pattern": 20, "pii-audit": 20})
        path, _ = self.make("none", 200)
        self.assertEqual({attributes["service.version"] for attributes, _ in spans_of(path)}, {"1.4.2"})

    def test_messages_are_linked_and_some_are_lost(self):
        path, truth = self.make("messaging", 4000)
        found = {}
        for _, span in spans_of(path):
            found.setdefault(span["traceId"], []).append(span)
        links = [(link["traceId"], link["spanId"]) for spans in found.values() for span in spans for link in span.get("links", ())]
        sent = {(span["traceId"], span["spanId"]) for spans in found.values() for span in spans if span["name"] == "publish orders"}
        self.assertEqual(len(links), len(set(links)))
        self.assertLessEqual(set(links), sent, "every link leads to what published the message")
        self.assertEqual({trace for trace, _ in sent - set(links)}, truth["lost-message"])
        self.assertTrue(truth["lost-message"])
        rule = "messaging-failed-without-dead-letter"
        self.assertEqual(self.violating(path, rule, self.pack("messaging")), truth[rule])
        self.assertTrue(truth[rule])
        for rule in ("messaging-linked-never-processed", "messaging-linked-fan-out-complete"):
            self.assertEqual(self.violating(path, rule, self.pack("messaging")), truth["lost-message"], rule)
        kept = self.ask(0, "replay", path, "--rule", "messaging-linked-processed-before-sent", rules=self.pack("messaging"))
        self.assertEqual((kept["status"], kept["violations"]), ("completed", []))

    def test_an_agent_breaks_rules_of_its_pack(self):
        path, truth = self.make("agent", 1200)
        for rule, ids in truth.items():
            self.assertTrue(ids, rule)
            self.assertEqual(self.violating(path, rule, self.pack("ai-agents")), ids)

    @staticmethod
    def pack(name):
        return os.path.join(ROOT, "distribution", "packs", f"{name}.yaml")

    def test_a_shorter_range_tells_the_same_story(self):
        path, truth = self.make("rollout", 3000, "--since", "2h")
        first = self.ask(1, "first", path, "--rule", "slow-db-no-retry")
        self.assertTrue("2026-03-10T11:30:00Z" <= first["violation"]["time"] < "2026-03-10T11:34:00Z", first["violation"])
        self.assertTrue(truth["slow-db-no-retry"])

    def test_what_does_not_go_together(self):
        out = ("--out", os.path.join(self.folder, "no.jsonl"))
        done = run_cli("generate", "--scenario", "rollout", "--violations", 5, *out)
        self.assertEqual((done.returncode, "--violations goes with --scenario none" in done.stderr), (2, True), done.stderr)
        done = run_cli("generate", "--scenario", "roll", *out)
        self.assertEqual(done.returncode, 2)
        self.assertIn("rollout", done.stderr)
        self.assertFalse(os.path.exists(out[1]))


if __name__ == "__main__":
    unittest.main()
