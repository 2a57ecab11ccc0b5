"""Property: at most as many traces exercise a rule as were evaluated, and at most as many violate it as exercised it.
Holds over files and over spans in memory, in every way of counting, for rules on events, scopes, structure and on
nothing that a search could ask for. tests/e2e/test_property_tempo.py holds Tempo to the same laws. BETRACE_SEED
picks another seed."""
import json
import os
import random
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as xml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import replay_compare as compare  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402
from count_laws import KINDS, MODES, broken_laws, broken_laws_of  # noqa: E402
from random_rules import random_rule  # noqa: E402
from random_spans import random_traces  # noqa: E402
from trace_files import span, trace  # noqa: E402

SECOND = 1_000_000_000
SEED = int(os.environ.get("BETRACE_SEED", "2411"))
RULES, TRACES = 60, 120


class CountLaws(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}", flush=True)
        rng = random.Random(SEED)
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-counts-")
        cls.addClassCleanup(cls.folder.cleanup)
        now = int(time.time())
        cls.start, cls.end = now - 3 * 3600, now - 600
        cls.traces = random_traces(rng, TRACES, (cls.start + 1) * SECOND, (cls.end - cls.start - 70) * SECOND)
        cls.rules, _ = compare.compile_rules(KINDS + [random_rule(rng, plain=number % 3 > 0) for number in range(RULES)])
        cls.path = compare.write_traces(cls.folder.name, cls.traces)
        cls.rule_file = compare.write_rules(cls.folder.name, cls.rules)

    def test_files(self):
        """A file is read whole: everything is counted exactly, whatever was asked for."""
        for mode in MODES:
            done = run_cli("replay", "--rules", self.rule_file, "--traces", self.path, "--count", mode, "--json", "--start", self.start, "--end", self.end)
            answer = json.loads(done.stdout)
            self.assertEqual(answer["status"], "completed", answer.get("reason"))
            self.assertEqual(broken_laws_of(answer), [])
            for one in answer["rules"]:
                self.assertEqual((one["traces_evaluated"], one["traces_evaluated_kind"], one["traces_exercised_kind"]), (TRACES, "exact", "exact"), one)
            self.assertGreater(sum(one["traces_exercised"] > 0 for one in answer["rules"]), 10, "rules that something exercises are among them")

    def test_memory(self):
        with Betrace("--memory-source") as server:
            for one in self.traces:
                answer = server.post("/v1/spans", json.dumps(one.stored_request()), headers={"content-type": "application/json"})
                self.assertEqual(answer.status, 200, answer)
            for mode in MODES:
                for rule in self.rules:
                    started = server.post("/v1/replays", {"dsl": rule.text, "start_time": self.start, "end_time": self.end, "count": mode})
                    self.assertEqual(started.status, 202, started)
                    self.assertEqual(broken_laws(server.wait_job(started.json()["replay_id"])), [], (mode, rule.text))


class EventsInFiles(unittest.TestCase):
    """Reproduced as it was reported: "0 violations in at least 0 traces (2000 exercised)"."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-counts-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.path = os.path.join(cls.folder.name, "events.jsonl")
        with open(cls.path, "w", encoding="utf-8") as file:
            file.writelines(trace(number, span("work", events=[("retry", {"k": "x"})]), at=number) for number in range(1, 41))

    def replay(self, dsl, *more):
        return run_cli("replay", "--dsl", dsl, "--traces", self.path, *more)

    def test_all_of_them_are_counted(self):
        answer = json.loads(self.replay('when { trace.has(event.name == "retry") } always { work }', "--json").stdout)
        self.assertEqual([answer[name] for name in ("traces_evaluated", "traces_evaluated_kind", "traces_exercised", "traces_exercised_kind", "violations_found")],
                         [40, "exact", 40, "exact", 0])

    def test_a_rule_that_no_event_exercises_is_skipped_in_junit(self):
        for name, is_skipped in (("retry", False), ("no.such.event", True)):
            done = self.replay(f'when {{ trace.has(event.name == "{name}") }} always {{ work }}', "--format", "junit")
            document = xml.fromstring(done.stdout)
            self.assertEqual((document.get("skipped"), next(document.iter("testcase")).find("skipped") is not None), (str(int(is_skipped)), is_skipped), done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=1)
