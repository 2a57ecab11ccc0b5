"""Violations that come late, on a Tempo whose settings have the proportions of its defaults (tests/facts/facts_late.py): its searches show them, hide them
and show them again. A replay that says completed has every one of what it calls settled, and one that finds none there says until when it may hide some.

With `--lateness 0s`, which is not true here, and a range of its own a replay would have said "0 violations … completed": the test sees that it is so.
"""
import datetime
import json
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", folder) for folder in ("support", "tempo", "facts")]
import facts_late  # noqa: E402
import otlp  # noqa: E402
from betrace_process import run_cli  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND = 1_000_000_000
LATENESS = 60
AGES = (16, 20, 25, 30, 35, 40, 45, 50, 55)  # of the violators, all in one push
KEPT = 40  # traces that keep the rule, of the minute before the push
RULE = "when { work } always { audit }"
PATIENCE = 300


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class LateViolations(unittest.TestCase):
    def push(self):
        self.pushed = time.time()
        self.planted, spans = {}, []
        for age in AGES:
            trace_id = otlp.new_trace_id()
            self.planted[trace_id] = self.pushed - age
            spans.append(otlp.span(trace_id, "work", int((self.pushed - age) * SECOND)))
        for number in range(KEPT):
            trace_id, at = otlp.new_trace_id(), int((self.pushed - 1 - number * LATENESS / KEPT) * SECOND)
            spans += [otlp.span(trace_id, "work", at), otlp.span(trace_id, "audit", at + 1000)]
        self.tempo.push(spans)

    def replay(self, *more):
        done = run_cli("replay", "--dsl", RULE, "--tempo", self.tempo.url, "--start", int(self.pushed) - 90, "--end", int(self.pushed), "--settle", "5s",
                       "--margin", "5s", *more)
        return done, None if "--json" not in more else json.loads(done.stdout)

    def check(self, done, answer, seconds):
        """Every violator that is called settled, and status 3 where none of the range is and none was found."""
        found = {violation["trace_id"] for violation in answer["violations"]}
        self.assertLessEqual(found, set(self.planted))
        end = moment(answer["coverage"]["effective_end"])
        settled = {trace_id for trace_id, at in self.planted.items() if at < end}
        if answer["status"] == "completed":
            self.assertLessEqual(settled, found, f"{seconds:.0f} s after the push")
        self.assertEqual(done.returncode, 1 if found else 3 if answer["status"] != "completed" else 0)
        return answer["status"] == "completed" and len(settled) == len(AGES)

    def test_no_completed_lacks_one(self):
        with TempoServer(config_text=facts_late.config(3, facts_late.SLACK)) as self.tempo:
            self.push()
            is_whole, hidden, seconds = False, 0, 0
            while not is_whole and seconds < PATIENCE:
                seconds = time.time() - self.pushed
                done, answer = self.replay("--lateness", f"{LATENESS}s", "--json")
                is_whole = self.check(done, answer, seconds)
                _, bold = self.replay("--lateness", "0s", "--json")
                hidden += bold["status"] == "completed" and len(bold["violations"]) < len(AGES)
                time.sleep(4)
            self.assertTrue(is_whole, f"nothing was settled in {PATIENCE} s")
            self.assertGreater(seconds, LATENESS)
            self.assertTrue(hidden, "without the wait no answer lacked one: this test sees nothing")

    def test_none_yet_is_unknown_and_says_until_when(self):
        with TempoServer(config_text=facts_late.config(3, facts_late.SLACK)) as self.tempo:
            self.pushed = time.time()
            trace_id, at = otlp.new_trace_id(), int((self.pushed - 1) * SECOND)
            self.tempo.push([otlp.span(trace_id, "work", at), otlp.span(trace_id, "audit", at + 1000)])
            self.tempo.wait_until(lambda: self.tempo.search("{}", start=int(self.pushed) - 90, end=int(self.pushed) + 1), "the trace is searchable")
            done, _ = self.replay("--lateness", f"{LATENESS}s")
            self.assertEqual(done.returncode, 3, done.stdout)
            self.assertRegex(done.stdout, r"UNKNOWN: .*none among the 1 trace that it shows; until [-0-9T:]+Z it may hide late ones")
            # Of a time in which no trace is shown nobody knows what would have exercised the rule.
            longer, _ = self.replay("--lateness", f"{LATENESS}s", "--start", str(int(self.pushed) - 3600))
            self.assertEqual(longer.returncode, 3, longer.stdout)
            self.assertIn("shows no trace before", longer.stdout)
            self.assertNotIn("exercised this rule", longer.stdout)


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
