"""Replays of a service over a real Tempo rest on what earlier ones compared: the first reads its sample by id, the
next ones almost nothing. A tenant's is its own. A restart is paid for. A batch that begins to lie is found out
within the number of replays that docs/RELIABILITY.md promises."""
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from betrace_process import Betrace  # noqa: E402
from http_wire import Answer, Proxy, send_whole  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

RULE = {"id": "no-retry", "severity": "low", "dsl": 'trace.has(span.name == "db.query") and not trace.has(span.name == "retry")'}
FLAGS = ("--settle", "0s", "--handover", "0s", "--margin", "1m")
AGE_S = 600
TRACES, VIOLATIONS = 120, 60
PROMISED = 20


class Liar(Proxy):
    """In front of a Tempo: its batches call `retry` by another name while `lies` is set, and nothing is there while `is_away` is."""

    def __init__(self, upstream):
        super().__init__(upstream, self.answer_or_lie)
        self.lies = self.is_away = False

    def answer_or_lie(self, wire, request, answer):
        said = Answer(503, {}, b"") if self.is_away else answer()
        if self.lies and "by(span:id)" in request.parameters.get("q", ""):
            said = said.with_body(said.body.replace(b"retry", b"betry"))
        send_whole(wire, request, said)
        return True

    def by_id(self):
        return sum(request.path.startswith("/api/v2/traces/") for request in self.seen)


class TrustOnTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        start = (int(time.time()) - AGE_S) * 10**9
        ids = [otlp.new_trace_id() for _ in range(TRACES)]
        spans = [otlp.span(trace_id, "db.query", start) for trace_id in ids]
        spans += [otlp.span(trace_id, "retry", start) for trace_id in ids[VIOLATIONS:]]
        cls.tempo.push(spans)
        now = int(time.time())
        cls.tempo.wait_until(lambda: len(cls.tempo.search("{}", now - 3600, now)) == TRACES, "searchable")

    def setUp(self):
        self.liar = self.enterContext(Liar(self.tempo.url))
        self.server = self.enterContext(Betrace("--tempo", self.liar.url, *FLAGS))
        self.assertEqual(self.server.post("/v1/rules", RULE).status, 201)

    def replay(self):
        """(the job, how many traces were read by id)"""
        before = self.liar.by_id()
        started = self.server.post("/v1/replays", {"rule_ids": [RULE["id"]], "start_time": "now-1h", "end_time": "now", "emit": False})
        self.assertEqual(started.status, 202, started)
        job = self.server.wait_job(started.json()["replay_id"])
        return job, self.liar.by_id() - before

    def completed(self):
        job, by_id = self.replay()
        self.assertEqual((job["status"], job["violations_found"]), ("completed", VIOLATIONS), job)
        self.assertEqual(job["coverage"]["compared"]["here"], by_id)
        return job["coverage"]["compared"], by_id

    def test_it_is_paid_once(self):
        compared, by_id = self.completed()
        self.assertEqual(compared, {"here": 8, "before": 0, "oldest": None, "newest": None})
        later = [self.completed() for _ in range(10)]
        self.assertLessEqual(sum(by_id for _, by_id in later), 6, "where each read 8")
        for compared, _ in later:
            self.assertGreaterEqual(compared["before"], 8)
            self.assertLessEqual(compared["oldest"], compared["newest"])

    def test_a_tempo_that_came_back_is_paid_for(self):
        self.completed()
        self.assertLess(self.completed()[1], 8)
        self.liar.is_away = True
        self.replay()
        self.liar.is_away = False
        self.server.get("/ready")
        compared, by_id = self.completed()
        self.assertEqual((compared["before"], by_id), (0, 8))
        self.assertLess(self.completed()[1], 8)

    def test_a_lie_is_found_out(self):
        self.completed()
        self.liar.lies = True
        for replays in range(1, PROMISED + 1):
            job, _ = self.replay()
            if job["status"] == "incomplete":
                break
        self.assertEqual(job["status"], "incomplete", f"after {replays} replays")
        self.assertEqual(job["reason"].split(":")[0], "sample_differs")
        for _ in range(3):
            job, by_id = self.replay()
            self.assertEqual(job["status"], "incomplete")
            self.assertGreaterEqual(by_id, 32, "the rate goes up")
            self.assertEqual(job["coverage"]["compared"]["before"], 0)
        self.liar.lies = False
        self.assertEqual(self.completed()[1], 32)
        self.completed()


if __name__ == "__main__":
    require_tempo()
    unittest.main()
