"""The clock of BeTrace's machine is ahead of Tempo's, which the Date of its answers tells: whatever is asked, nothing is called settled that is not
by Tempo's clock, and the service says so. A Tempo whose clock is right, or that sends no Date, changes nothing."""
import contextlib
import datetime
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import prometheus_text  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402
from stub_tempo import StubTempo  # noqa: E402

SETTLE, AHEAD = 10, 300
RULE = {"id": "r1", "dsl": 'trace.has(span.name == "x")'}
# What is asked, and where its coverage stands.
QUESTIONS = ("/v1/rules/r1/first-violation?start=now-1h", "/v1/violations?start=now-1h", "/v1/violations/series?start=now-1h&step=1m")


def seconds_before(moment, text):
    return moment - datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class ClockAhead(unittest.TestCase):
    @contextlib.contextmanager
    def service(self, behind, *more):
        # This Tempo hides its configuration, so that what may come late would settle long after any clock's difference (test_late_spans.py).
        settings = ("--settle", f"{SETTLE}s", "--lateness", "0s", *more)
        with StubTempo(behind=behind) as tempo, Betrace("--tempo", tempo.url, "--otlp", tempo.url, *settings) as server:
            self.assertEqual(server.post("/v1/rules", RULE).status, 201)
            yield server

    def coverages(self, server):
        """(what was asked, seconds from now to the end of what is called settled)"""
        started = server.post("/v1/replays", {"rule_ids": ["r1"], "start_time": "now-1h", "end_time": "now"})
        self.assertEqual(started.status, 202, started)
        ended = server.wait_job(started.json()["replay_id"])
        yield "replay", seconds_before(time.time(), ended["coverage"]["effective_end"])
        for path in QUESTIONS:
            answer = server.get(path)
            self.assertEqual(answer.status, 200, answer)
            yield path, seconds_before(time.time(), answer.json()["coverage"]["effective_end"])

    @staticmethod
    def gauge(server, name):
        samples = prometheus_text.read(server.get("/metrics").body.decode())[name].samples
        return samples[0][2] if samples else 0

    def test_nothing_is_settled_before_tempo_has_it(self):
        with self.service(AHEAD) as server:
            for what, seconds in self.coverages(server):
                with self.subTest(asked=what):
                    self.assertGreaterEqual(seconds, SETTLE + AHEAD)

    def test_it_is_said(self):
        with self.service(AHEAD) as server:
            ready = server.get("/ready").json()
            self.assertFalse(ready["parts"]["clock"]["ready"])
            self.assertIn("ahead of the store's", ready["parts"]["clock"]["reason"])
            self.assertEqual(ready["status"], "degraded")
            self.assertGreaterEqual(self.gauge(server, "betrace_tempo_clock_ahead_seconds"), AHEAD)
            for _ in range(3):
                server.get(QUESTIONS[0])
            self.assertEqual(len([line for line in server.lines if "ahead of Tempo's" in line]), 1, server.lines)

    def test_watch_goes_by_it(self):
        with self.service(AHEAD, "--watch", "--interval", "500ms") as server:
            deadline = time.monotonic() + 60
            while self.gauge(server, "betrace_watch_rounds_total") < 3:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.2)
            self.assertGreaterEqual(self.gauge(server, "betrace_watch_lag_seconds"), SETTLE + AHEAD)

    def test_a_clock_that_is_right_or_behind_or_not_told_changes_nothing(self):
        for behind in (0, -AHEAD, None):
            with self.subTest(behind=behind), self.service(behind) as server:
                for what, seconds in self.coverages(server):
                    self.assertLess(seconds, AHEAD, what)
                self.assertNotIn("clock", server.get("/ready").json()["parts"])
                self.assertEqual(self.gauge(server, "betrace_tempo_clock_ahead_seconds"), 0)
                self.assertEqual([line for line in server.lines if "ahead of Tempo's" in line], [])

    def test_the_command_line_says_it_too(self):
        with StubTempo(behind=AHEAD) as tempo:
            done = run_cli("replay", "--dsl", RULE["dsl"], "--tempo", tempo.url, "--settle", f"{SETTLE}s", "--since", "1h", "--json")
        self.assertIn("ahead of Tempo's", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
