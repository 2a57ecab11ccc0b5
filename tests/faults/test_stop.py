"""SIGTERM is obeyed whatever Tempo and the receiver of spans do: with requests that wait for them, calls that wait for a place, replays, streams and an export that
hangs. The process ends by itself, soon, and what it had acknowledged is there after a restart.

How long it took is printed. What it may take is generous: less than a unit or a pod is given (30 s), many times what it needs on an idle machine. Without --short the
test waits for the end beyond that, so that the figure of a service that fails is known.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import Betrace, has_sanitizer  # noqa: E402
from stub_tempo import StubTempo  # noqa: E402

SHORT = "--short" in sys.argv
RULE = 'trace.has(span.name == "x")'
WAITING, QUEUED, REPLAYS, STREAMS = 16, 1_000, 50, 20
PER_CONNECTION = 20  # questions of those that queue
VERDICTS = "/v1/traces/00000000000000000000000000000001/verdicts"

BOUND_SECONDS = 15.0 if has_sanitizer() else 5.0
PATIENCE = BOUND_SECONDS if SHORT else 180.0


def request(path, method="GET", body=None, more=""):
    text = json.dumps(body).encode() if body is not None else b""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(text)}\r\n{more}\r\n".encode() + text


class Stop(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="betrace-stop-")
        self.addCleanup(self.folder.cleanup)
        self.tempo = StubTempo()
        self.tempo.__enter__()
        self.addCleanup(self.tempo.__exit__)
        self.acknowledged, self.held = [], []
        self.server = self.start_service()
        self.write_rule("r1")

    def start_service(self):
        server = Betrace("--tempo", self.tempo.url, "--otlp", self.tempo.url, db=os.path.join(self.folder.name, "rules.db"))
        server.start()
        self.addCleanup(server.folder.cleanup)
        self.addCleanup(lambda: server.process.poll() is None and server.kill())
        return server

    def write_rule(self, rule_id):
        if self.server.post("/v1/rules", {"id": rule_id, "dsl": RULE}).status == 201:
            self.acknowledged.append(rule_id)

    def ask(self, text):
        """Sends and reads nothing."""
        one = socket.create_connection(("127.0.0.1", self.server.port), timeout=30)
        self.addCleanup(one.close)
        self.held.append(one)
        try:
            one.sendall(text)
        except OSError:
            pass

    def wait_for_tempo(self):
        """Until something waits for it; the rest is on its way then."""
        deadline = time.monotonic() + 10
        while not self.tempo.held:
            self.assertLess(time.monotonic(), deadline, "nobody asks Tempo")
            time.sleep(0.01)
        time.sleep(0.3)

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
        for i in range(QUEUED // PER_CONNECTION):
            path = (VERDICTS, "/v1/rules", "/v1/rules/r1/explain?start=now-1h")[i % 3]
            self.ask(request(path) * PER_CONNECTION)

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

    # ---- the end ----

    def measure_stop(self):
        """Seconds, or None: it did not end within PATIENCE."""
        began = time.monotonic()
        self.server.process.send_signal(signal.SIGTERM)
        try:
            status = self.server.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.server.kill()
            return None
        taken = time.monotonic() - began
        self.server.close_log()
        self.assertEqual(status, 0, "".join(self.server.lines))
        return taken

    def check_stop(self, what):
        taken = self.measure_stop()
        print(f"stop with {what}: " + (f"{taken:.2f} s" if taken is not None else f"STILL THERE after {PATIENCE:.0f} s"), file=sys.stderr)
        self.tempo.behaviour = "prompt"
        self.server = self.start_service()  # whatever came of the first, what it acknowledged is kept
        stored = {rule["id"] for rule in self.server.get("/v1/rules?limit=1000").json()["rules"]}
        self.assertLessEqual(set(self.acknowledged), stored)
        self.assertIsNotNone(taken, f"SIGTERM and still there after {PATIENCE:.0f} s")
        self.assertLess(taken, BOUND_SECONDS)

    def test_idle(self):
        self.check_stop("nothing under way")

    def test_verdicts_wait_for_tempo(self):
        self.tempo.behaviour = "hang"
        self.ask_for_verdicts()
        self.wait_for_tempo()
        self.check_stop(f"{WAITING} verdicts that wait for Tempo")

    def test_calls_queue(self):
        self.tempo.behaviour = "hang"
        self.queue_calls()
        self.wait_for_tempo()
        self.check_stop(f"{QUEUED} calls, most of them queued")

    def test_replays_and_streams(self):
        self.tempo.behaviour = "hang"
        self.start_replays()
        self.open_streams()
        self.wait_for_tempo()
        self.check_stop(f"{REPLAYS} replays and {STREAMS} streams")

    def test_exports_hang(self):
        self.tempo.behaviour = "hang"
        self.export_spans()
        self.wait_for_tempo()
        self.check_stop("an export that hangs")

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
            self.wait_for_tempo()
            self.check_stop(f"everything under way, Tempo: {behaviour}")
            self.acknowledged = self.acknowledged[:1]
            for i in range(20):
                self.server.delete(f"/v1/rules/late-{i:02}")


if __name__ == "__main__":
    unittest.main(argv=[argument for argument in sys.argv if argument != "--short"], verbosity=1)
