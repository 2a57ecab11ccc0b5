"""Rules with a settle of their own in one question: what one rule waits for changes no number of another one. Here over spans in memory, through every answer of the
service that is given rule by rule: replays, violations on demand, series. tests/e2e/test_rule_windows_tempo.py asks Tempo and files the same."""
import json
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from betrace_process import Betrace  # noqa: E402

SECOND, MINUTE = 10**9, 60 * 10**9
BAD = {"id": "bad", "dsl": 'trace.has(span.name == "bad")'}
PATIENT = {"id": "patient", "dsl": 'when { trace.has(span.name == "web") } always { trace.has(span.name == "audit") }', "settle": "23h30m"}
SETTLE = "10m"  # of the service: so that what is young stays so while the tests run
OLD, WEB, YOUNG = (f"{number:032x}" for number in (1, 2, 3))
AGES = {OLD: ("bad", 20 * MINUTE), WEB: ("web", 19 * MINUTE), YOUNG: ("bad", 20 * SECOND)}


def planted(now_ns):
    """[(trace id, OTLP request)]: two settled traces and one that is not."""
    return [(trace_id, otlp.request([otlp.span(trace_id, name, now_ns - age)], "shop")) for trace_id, (name, age) in AGES.items()]


def by_rule(answer):
    return {rule["rule_id"]: rule for rule in answer["rules"]}


class RuleWindows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Betrace("--memory-source", "--settle", SETTLE).__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        for rule in (BAD, PATIENT):
            answer = cls.server.post("/v1/rules", rule)
            assert answer.status == 201, answer
        for _, request in planted(time.time_ns()):
            answer = cls.server.post("/v1/spans", json.dumps(request), headers={"content-type": "application/json"})
            assert answer.status == 200, answer

    def replay(self, rules, since):
        started = self.server.post("/v1/replays", {"rule_ids": [rule["id"] for rule in rules], "start_time": f"now-{since}", "end_time": "now", "emit": False})
        self.assertEqual(started.status, 202, started)
        answer = self.server.wait_job(started.json()["replay_id"])
        return answer, self.server.violations(started.json()["replay_id"])

    def test_a_replay_counts_each_rule_by_its_own(self):
        answer, violations = self.replay((BAD, PATIENT), "24h")
        rules, alone = by_rule(answer), by_rule(self.replay((BAD,), "24h")[0])["bad"]
        self.assertEqual(answer["status"], "completed", answer)
        names = ("violations_found", "violations_provisional", "traces_evaluated", "traces_exercised", "inconclusive", "unsettled")
        self.assertEqual([rules["bad"][name] for name in names], [2, 1, 2, 2, 0, 1], rules["bad"])
        self.assertEqual([rules["bad"][name] for name in names], [alone[name] for name in names])
        self.assertEqual([rules["patient"][name] for name in names], [0, 0, 0, 0, 0, 3], rules["patient"])
        self.assertEqual({v["trace_id"]: v["provisional"] for v in violations}, {OLD: False, YOUNG: True})
        self.assertLess(rules["patient"]["effective_end"], rules["bad"]["effective_end"])
        self.assertEqual(answer["coverage"]["effective_end"], rules["patient"]["effective_end"], "of all rules: what each of them calls settled")
        self.assertEqual(answer["coverage"]["unsettled"], 3)

    def test_a_rule_of_which_nothing_is_settled_is_named(self):
        answer, _ = self.replay((BAD, PATIENT), "1h")
        self.assertEqual(answer["status"], "incomplete")
        self.assertIn("unsettled: of rule patient", answer["reason"])
        self.assertEqual((by_rule(answer)["bad"]["violations_found"], by_rule(answer)["bad"]["violations_provisional"]), (2, 1))

    def test_violations_on_demand(self):
        answer = self.server.get("/v1/violations?start=now-24h&end=now").json()
        self.assertEqual({v["trace_id"]: v["provisional"] for v in answer["violations"]}, {OLD: False, YOUNG: True}, answer)

    def test_series(self):
        """Each rule's steps end with its own settle. Of the last hour the patient rule has none; the other's stand."""
        answer = self.server.get("/v1/violations/series?start=now-1h&end=now&step=1m").json()
        points = {one["labels"]["rule_id"]: [n for _, n in one["points"]] for one in answer["series"]}
        self.assertEqual(sum(n or 0 for n in points["bad"]), 1, answer)
        self.assertEqual([n for n in points["patient"] if n is not None], [], answer)


if __name__ == "__main__":
    unittest.main(verbosity=1)
