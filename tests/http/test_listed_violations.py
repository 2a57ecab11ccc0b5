"""A replay lists the first of many violations with their evidence and counts the others: nothing else of the answer changes, and a replay that begins where the
list ends has the next ones. Over files by the command line, over spans in memory by the service."""
import json
import os
import random
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402

SECOND = 10**9
START = 1_790_000_000
RULES = {"bad": 'trace.has(span.name == "bad")', "worse": 'trace.has(span.name == "worse")', "unlogged": 'not trace.has(span.name == "log")'}
FILE_TRACES, SERVICE_TRACES, LISTED = 5000, 13_000, 10_000  # one page of reads is 2,000
COUNTERS = ("violations_found", "traces_evaluated", "traces_exercised", "inconclusive", "first_violation", "last_violation")


def batch(count, start_ns, step_ns, seed):
    """An OTLP request of so many traces in any order of time, each of one or two spans: bad ones, worse ones and such that were logged."""
    dice, spans = random.Random(seed), []
    for number in dice.sample(range(count), count):
        trace_id, at_ns = f"{dice.getrandbits(128) | 1:032x}", start_ns + number * step_ns
        spans.append(otlp.span(trace_id, dice.choice(("bad", "bad", "worse")), at_ns))
        if dice.random() < 0.3:
            spans.append(otlp.span(trace_id, "log", at_ns + SECOND))
    return otlp.request(spans, "shop")


class OfFiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.traces, cls.rules = os.path.join(cls.folder.name, "traces.json"), os.path.join(cls.folder.name, "rules.json")
        with open(cls.traces, "w", encoding="utf-8") as file:
            json.dump(batch(FILE_TRACES, START * SECOND, 2 * SECOND, 3), file)
        with open(cls.rules, "w", encoding="utf-8") as file:
            json.dump({"rules": [{"id": name, "dsl": dsl} for name, dsl in RULES.items()]}, file)

    def replay(self, *more, start=None):
        start = start or f"{START}"
        done = run_cli("replay", self.rules, self.traces, "--start", start, "--end", f"{START + 2 * FILE_TRACES}", "--json", *more)
        self.assertEqual(done.returncode, 1, done.stderr)
        return json.loads(done.stdout)

    def test_what_is_not_listed_is_counted(self):
        whole = self.replay("--evidence", 0)
        self.assertTrue(all(rule["listed_until"] is None and rule["violations_listed"] == rule["violations_found"] for rule in whole["rules"]))
        for evidence in (1, 60, 900, 3600):
            part = self.replay("--evidence", evidence)
            self.assertEqual([[rule[name] for name in COUNTERS] for rule in part["rules"]], [[rule[name] for name in COUNTERS] for rule in whole["rules"]])
            self.assertEqual((part["status"], part["violations_found"]), (whole["status"], whole["violations_found"]))
            self.assertTrue(evidence == 3600 or all(rule["listed_until"] for rule in part["rules"]), part["rules"])
            for rule in part["rules"]:
                self.look_at_rule(rule, part, whole, evidence)

    def look_at_rule(self, rule, part, whole, evidence):
        listed = [one for one in part["violations"] if one["rule_id"] == rule["rule_id"]]
        all_of = [one for one in whole["violations"] if one["rule_id"] == rule["rule_id"]]
        self.assertEqual(rule["violations_listed"], len(listed))
        if not rule["listed_until"]:
            self.assertEqual(listed, all_of)
            return
        self.assertTrue(evidence <= len(listed) < len(all_of), (evidence, len(listed), len(all_of)))
        self.assertEqual(listed, [one for one in all_of if one["time"] <= rule["listed_until"]], "all up to then, and no other")

    def test_the_next_ones_are_in_the_range_that_begins_there(self):
        whole, seen, start = self.replay("--evidence", 0), [], None
        for _ in range(FILE_TRACES):
            part = self.replay("--evidence", 900, start=start)
            until = [rule["listed_until"] for rule in part["rules"] if rule["rule_id"] == "unlogged"][0]
            seen += [one["id"] for one in part["violations"] if one["rule_id"] == "unlogged"]
            if not until:
                break
            start = until
        self.assertEqual(set(seen), {one["id"] for one in whole["violations"] if one["rule_id"] == "unlogged"})

    def test_who_asks_for_all_has_all(self):
        found = self.replay("--evidence", 0)["violations_found"]
        text = run_cli("replay", self.rules, self.traces, "--start", f"{START}", "--end", f"{START + 2 * FILE_TRACES}", "--limit", 0, "--evidence", 500)
        self.assertIn("bad: ", [line[:5] for line in text.stdout.splitlines()], text.stdout[-500:])
        self.assertRegex(text.stdout, r"unlogged: \d+ violations are listed, of traces up to \S+Z; \d+ of later ones are counted: ask from then on, or with --evidence 0")
        for more in (("--limit", 0), ("--limit", 0, "--output", "junit")):
            whole = run_cli("replay", self.rules, self.traces, "--start", f"{START}", "--end", f"{START + 2 * FILE_TRACES}", *more).stdout
            self.assertNotIn("later ones are counted", whole)
            self.assertNotRegex(whole, r"and \d+ more|… and")
        short = run_cli("replay", self.rules, self.traces, "--start", f"{START}", "--end", f"{START + 2 * FILE_TRACES}", "--evidence", 30, "--limit", 20).stdout
        self.assertIn(f"… and {found - 20} more", short)


class OfTheService(unittest.TestCase):
    def test_ten_thousand_are_listed(self):
        now_ns = time.time_ns()
        with Betrace("--memory-source") as server:
            for part in range(10):
                request = batch(SERVICE_TRACES // 10, now_ns - (11 - part) * 3600 * SECOND, SECOND, part)
                answer = server.post("/v1/spans", json.dumps(request), headers={"content-type": "application/json"})
                self.assertEqual(answer.status, 200, answer)
            started = server.post("/v1/replays", {"dsl": 'not trace.has(span.name == "no.such")', "start_time": "now-12h", "end_time": "now-30m", "emit": False})
            self.assertEqual(started.status, 202, started)
            answer = server.wait_job(started.json()["replay_id"])
            rule, violations = answer["rules"][0], server.violations(started.json()["replay_id"])
            self.assertEqual((answer["status"], rule["violations_found"]), ("completed", SERVICE_TRACES), answer)
            self.assertEqual(rule["violations_listed"], len(violations))
            self.assertTrue(LISTED <= len(violations) < SERVICE_TRACES, len(violations))
            self.assertTrue(all(one["time"] <= rule["listed_until"] for one in violations))
            self.assertEqual((answer["violations_listed"], answer["listed_until"]), (rule["violations_listed"], rule["listed_until"]))


if __name__ == "__main__":
    unittest.main()
