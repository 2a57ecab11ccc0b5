"""SIGTERM is obeyed whatever Tempo and the receiver of spans do: with requests that wait for them, calls that wait for a place, replays, streams and an export that
hangs. The process ends by itself, soon, and what it had acknowledged is there after a restart. What counts as soon:
tests/support/stop_case.py.
"""
import os
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import prometheus_text  # noqa: E402
from measured_stop import measure_stop, united_length  # noqa: E402
from stop_case import PATIENCE, RULE, StopCase, request  # noqa: E402

WAITING, QUEUED, REPLAYS, STREAMS = 16, 1_000, 50, 20
TENANTS = 4  # of those that queue: no tenant may have more than half of a lane's line
PLACES_MOST = 32  # of their lane
VERDICTS = "/v1/traces/00000000000000000000000000000001/verdicts"


class Stop(StopCase):
    settings = ("--max-connections", 2 * QUEUED)

    # ---- what is under way ----

    def ask_for_verdicts(self):
        for _ in range(WAITING):
            self.ask(request(VERDICTS))

    def ask_on_demand(self):
        for path in ("/v1/rules/r1/first-violation?start=now-1h", "/v1/rules/r1/contrast?start=now-1h", "/v1/rules/r1/explain?start=now-1h", "/v1/violations?start=now-1h",
                     "/v1/violations/series?start=now-1h", "/v1/compliance/reports/soc2?start=now-1h", "/ready"):
            for _ in range(2):
                self.ask(request(path))

    def queue_calls(self):
        """Each on a connection of its own, which has more to ask behind it."""
        for i in range(QUEUED):
            self.ask(request(VERDICTS, more=f"X-Scope-OrgID: t{i % TENANTS}\r\n") * 2)
        deadline = time.monotonic() + 60
        while (queued := self.queued_calls()) < QUEUED - PLACES_MOST:
            self.assertLess(time.monotonic(), deadline, f"{queued} of {QUEUED} calls are queued")
            time.sleep(0.02)

    def queued_calls(self):
        families = prometheus_text.read(self.server.get("/metrics").body.decode())
        return sum(value for _, labels, value in families["betrace_lane_queued"].samples if labels["lane"] == "source")

    def start_replays(self):
        for _ in range(REPLAYS):
            answer = self.server.post("/v1/replays", {"dsl": RULE, "start_time": "now-1h"})
            self.assertEqual(answer.status, 202, answer)
            self.replay = answer.json()["replay_id"]

    def open_streams(self):
        for i in range(STREAMS):
            path = f"/v1/replays/{self.replay}/events" if i % 2 else "/v1/violations?start=now-1h"
            self.ask(request(path, more="Accept: text/event-stream\r\n"))

    def export_spans(self):
        span = {"trace_id": "1", "span_id": "1", "name": "x", "start_time": int(time.time()), "duration_ms": 1}
        for _ in range(4):
            self.ask(request("/v1/spans", "POST", {"spans": [span]}))

    def test_idle(self):
        self.check_stop("nothing under way")

    def test_verdicts_wait_for_tempo(self):
        self.tempo.behaviour = "hang"
        self.ask_for_verdicts()
        self.wait_for_question()
        self.check_stop(f"{WAITING} verdicts that wait for Tempo")

    def test_calls_queue(self):
        self.tempo.behaviour = "hang"
        self.queue_calls()
        self.wait_for_question()
        self.check_stop(f"{QUEUED} calls, most of them queued")

    def test_replays_and_streams(self):
        self.tempo.behaviour = "hang"
        self.start_replays()
        self.open_streams()
        self.wait_for_question()
        self.check_stop(f"{REPLAYS} replays and {STREAMS} streams")

    def test_exports_hang(self):
        self.tempo.behaviour = "hang"
        self.export_spans()
        self.wait_for_question()
        self.check_stop("an export that hangs")

    def test_checks_of_ready_hang(self):
        """They are nobody's call: whoever asked is answered before they end. What they use outlives them all the same."""
        for _ in range(5):
            self.tempo.behaviour = "hang"
            self.ask(request("/ready"))
            self.wait_for_question()
            self.check_stop("checks of /ready that hang")

    def test_everything_at_once(self):
        """And rules are written until the moment of the signal."""
        for behaviour in ("trickle", "hang"):
            self.tempo.behaviour = behaviour
            writer = threading.Thread(target=lambda: [self.write_rule(f"late-{i:02}") for i in range(20)])
            writer.start()
            self.start_replays()
            self.open_streams()
            writer.join()
            self.ask_on_demand()
            self.export_spans()
            self.ask_for_verdicts()
            self.queue_calls()
            self.wait_for_question()
            self.check_stop(f"everything under way, Tempo: {behaviour}")
            self.acknowledged = self.acknowledged[:1]
            for i in range(20):
                self.server.delete(f"/v1/rules/late-{i:02}")


class Measure(unittest.TestCase):
    """What is taken off is never more than what there was, and a process that only sleeps is not excused."""

    def test_spans(self):
        for spans, length in (([], 0), ([(1, 2)], 1), ([(1, 3), (2, 4)], 3), ([(5, 6), (1, 2), (1, 2)], 2), ([(1, 9), (2, 3)], 8)):
            self.assertEqual(united_length(spans), length)

    def test_a_process_that_sleeps(self):
        program = "import signal, time\nsignal.signal(signal.SIGTERM, lambda *_: (time.sleep(1.5), exit(0)))\nprint(1, flush=True)\nwhile True: time.sleep(9)"
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            stopped = measure_stop(process, PATIENCE)
        self.assertEqual(stopped.status, 0)
        self.assertGreater(stopped.own, 1.0, stopped)


if __name__ == "__main__":
    unittest.main(argv=[argument for argument in sys.argv if argument != "--short"], verbosity=1)
