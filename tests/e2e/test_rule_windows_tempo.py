"""Rules with a settle of their own in one replay, over the real Tempo and over files: each rule's numbers, lines and
exit status are what they are without the other rule. A settled violation is sent whatever another rule waits for."""
import json
import os
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as xml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", folder) for folder in ("support", "tempo", "http")]
from betrace_process import Betrace, run_cli  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402
from test_rule_windows import AGES, BAD, OLD, PATIENT, SETTLE, YOUNG, by_rule, planted  # noqa: E402

RULES = """rules:
- id: bad
  dsl: trace.has(span.name == "bad")
- id: patient
  settle: 23h30m
  dsl: when { trace.has(span.name == "web") } always { trace.has(span.name == "audit") }
"""
NUMBERS = ("violations_found", "violations_provisional", "traces_evaluated", "traces_exercised", "inconclusive", "unsettled", "effective_end")


class RuleWindowsOverTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-windows-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        cls.rules = os.path.join(cls.folder.name, "rules.yaml")
        cls.traces = os.path.join(cls.folder.name, "traces.jsonl")
        cls.planted_ns = time.time_ns()
        with open(cls.rules, "w", encoding="utf-8") as rules, open(cls.traces, "w", encoding="utf-8") as traces:
            rules.write(RULES)
            for _, request in planted(cls.planted_ns):
                status, _, body = cls.tempo.push_request(request)
                assert status == 200, body
                traces.write(json.dumps(request) + "\n")
        now = int(time.time())
        cls.tempo.wait_until(lambda: len(cls.tempo.search("{}", now - 3600, now + 60)) == len(AGES), "all traces are searchable")

    def run_replay(self, *arguments, since="24h", source=None):
        for _ in range(5):  # while a busy Tempo hands a block over, what a batch read is not found by id for seconds
            done = run_cli("replay", *(source or ("--tempo", self.tempo.url)), "--settle", SETTLE, "--since", since, "--end", f"{self.planted_ns // 10**9}", *arguments)
            if "not there yet" not in done.stdout:
                break
        return done

    def numbers(self, *arguments, **where):
        rules = by_rule(json.loads(self.run_replay("--rules", self.rules, "--json", *arguments, **where).stdout))
        return {name: [rule[number] for number in NUMBERS] for name, rule in rules.items()}

    def test_each_rule_has_the_numbers_that_it_has_alone(self):
        for strategy in ("read", "id_sets", "projection"):
            for count in ("auto", "exact"):
                together = self.numbers("--strategy", strategy, "--count", count)
                for name, numbers in together.items():
                    self.assertEqual(numbers[:-1], self.numbers("--rule", name, "--strategy", strategy, "--count", count)[name][:-1], (name, strategy))
                self.assertEqual(together["bad"][:4], [2, 1, 2, 2])
                self.assertEqual(together["patient"][:3], [0, 0, 0])

    def test_files_are_settled(self):
        rules = self.numbers(source=("--traces", self.traces))
        self.assertEqual((rules["bad"][:3], rules["patient"][:3]), ([2, 0, 3], [1, 0, 3]))
        self.assertEqual(rules["bad"][-1], rules["patient"][-1])

    def test_the_text_says_up_to_when(self):
        done = self.run_replay("--rules", self.rules)
        self.assertEqual(done.returncode, 1, done.stdout)
        lines = {line.split(": ")[0]: line for line in done.stdout.splitlines()}
        self.assertRegex(lines["bad"], r"2 violations in 2 traces \(2 exercised the rule\), 0 inconclusive; first at .*; settled up to \S+Z, 1 trace after that$")
        self.assertRegex(lines["patient"], r"0 violations in 0 traces \(0 exercised the rule\), 0 inconclusive; settled up to \S+Z, 3 traces after that$")

    def test_nothing_settled_for_one_is_unknown_for_it_alone(self):
        done = self.run_replay("--rules", self.rules, since="1h")
        self.assertEqual(done.returncode, 1, done.stdout)
        lines = {line.split(": ")[0]: line for line in done.stdout.splitlines()}
        self.assertIn("2 violations in 2 traces", lines["bad"])
        self.assertNotIn("UNKNOWN", lines["bad"])
        self.assertIn("patient: UNKNOWN: no trace was judged; nothing in the range is final for it yet", lines["patient"])
        document = xml.fromstring(self.run_replay("--rules", self.rules, "--format", "junit", since="1h").stdout)
        self.assertEqual({case.get("name"): [part.tag for part in case if part.tag != "system-out"] for case in document.iter("testcase")}, {"bad": ["failure"], "patient": ["error"]})

    def test_a_settled_violation_is_sent(self):
        with Betrace("--tempo", self.tempo.url, "--otlp", self.tempo.otlp_url, "--settle", SETTLE) as server:
            for rule in (BAD, PATIENT):
                self.assertEqual(server.post("/v1/rules", rule).status, 201)
            started = server.post("/v1/replays", {"rule_ids": ["bad", "patient"], "start_time": "now-24h", "end_time": self.planted_ns // 10**9})
            answer = server.wait_job(started.json()["replay_id"])
            self.assertEqual((answer["status"], answer["spans_emitted"], answer["spans_failed"]), ("completed", 1, 0), answer)
            provisional = {v["trace_id"]: v["provisional"] for v in server.violations(started.json()["replay_id"])}
            self.assertEqual(provisional, {OLD: False, YOUNG: True})


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
