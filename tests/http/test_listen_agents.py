"""The pack ai-agents over traces of a real agent: the OpenAI Agents SDK with OpenTelemetry's instrumentations of it and
of its client, under `betrace listen` (tests/listen/agent/agent.py). A right run and one for each mistake."""
import json
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
AGENT = os.path.join(ROOT, "tests", "listen", "agent")
sys.path[:0] = [os.path.join(HERE, "..", "support")]
from betrace_process import run_cli  # noqa: E402
from python_packages import python_with  # noqa: E402

VIOLATED = {
    "right": set(),
    "unapproved": {"ai-dangerous-tool-needs-approval"},
    "repeated": {"ai-same-call-repeated"},
    "guardrail": {"ai-guardrail-ignored", "ai-answer-without-retrieval"},  # the first run ended before it looked anything up
    "handoff": {"ai-handoff-without-context"},
    "memory": {"ai-answer-without-retrieval"},
    "unbounded": {"ai-unbounded-answer"},
}


class AgentTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.python = python_with(os.path.join(AGENT, "requirements.txt"))

    def listen(self, kind):
        done = run_cli("listen", "--rules", os.path.join(ROOT, "distribution/packs/ai-agents.yaml"), "--settle", "300ms",
                       "--json", "--", self.python, os.path.join(AGENT, "agent.py"), kind)
        self.assertEqual(done.returncode, 1 if VIOLATED[kind] else 0, f"{kind}\n{done.stdout[:2000]}\n{done.stderr[-3000:]}")
        return json.loads(done.stdout)

    def test_each_mistake_is_found_and_nothing_else(self):
        for kind, violated in VIOLATED.items():
            with self.subTest(kind=kind):
                said = self.listen(kind)
                found = {rule["rule_id"] for rule in said["rules"] if rule["violated"]}
                self.assertEqual(found, violated)
                self.assertEqual([rule["rule_id"] for rule in said["rules"] if rule["inconclusive"]], [])
                self.assertEqual((said["traces"], said["refused"]), (1, 0))

    def test_the_right_run_exercises_the_rules_that_the_wrong_ones_violate(self):
        satisfied = {rule["rule_id"] for rule in self.listen("right")["rules"] if rule["satisfied"]}
        wrong = set().union(*VIOLATED.values()) - {"ai-guardrail-ignored"}  # which never trips there
        self.assertLessEqual(wrong, satisfied)


if __name__ == "__main__":
    unittest.main()
