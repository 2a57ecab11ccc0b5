"""A lane that is full refuses at once: 503 with Retry-After, and no more than 50 ms later than a call that only reads a
little memory is answered at the same time. Everybody who is in the lane waits for a Tempo, or a receiver, that hangs.

The time of the machine is in both, so that their difference is the service's; each call has a connection of its own, the
two kinds go in turns, and medians are compared.
"""
import json
import os
import socket
import statistics
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import prometheus_text  # noqa: E402
from betrace_process import Betrace  # noqa: E402
from stub_tempo import StubTempo  # noqa: E402

ROUNDS = 25 if "--short" in sys.argv else 100
LATER_SECONDS = 0.05
MAX_QUEUED, TENANTS = 16, 3
PATIENCE = 30.0
RULE = {"id": "r1", "dsl": 'trace.has(span.name == "x")'}
SPAN = {"trace_id": "1", "span_id": "1", "name": "x", "duration_ms": 1}
# What fills a lane: (method, path, body).
FILLERS = {"source": ("GET", "/v1/traces/00000000000000000000000000000001/verdicts", None),
           "search": ("GET", "/v1/rules/r1/first-violation?start=now-1h", None),
           "push": ("POST", "/v1/spans", {"spans": [SPAN]})}


class FullLanes(unittest.TestCase):
    def setUp(self):
        self.tempo = StubTempo()
        self.tempo.__enter__()
        self.addCleanup(self.tempo.__exit__)
        self.server = Betrace("--tempo", self.tempo.url, "--otlp", self.tempo.url, "--max-queued", MAX_QUEUED)
        self.server.start()
        self.addCleanup(self.server.__exit__)
        for i in range(TENANTS):
            self.assertEqual(self.server.post("/v1/rules", RULE, headers={"X-Scope-OrgID": f"t{i}"}).status, 201)
        self.tempo.behaviour = "hang"
        self.held = []
        self.addCleanup(lambda: [one.close() for one in self.held])

    def ask(self, question, tenant):
        method, path, body = question
        if body:
            body = {"spans": [dict(SPAN, start_time=int(time.time()))]}
        text = json.dumps(body).encode() if body else b""
        one = socket.create_connection(("127.0.0.1", self.server.port), timeout=PATIENCE)
        one.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-Scope-OrgID: {tenant}\r\n"
                    f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n".encode() + text)
        return one

    def answer_of(self, question, tenant):
        """(status, head, seconds)."""
        began, text = time.monotonic(), b""
        with self.ask(question, tenant) as one:
            while chunk := one.recv(65536):
                text += chunk
        head = text.partition(b"\r\n\r\n")[0].decode().lower()
        return int(head.split(" ", 2)[1]), head, time.monotonic() - began

    def refused(self, lane):
        families = prometheus_text.read(self.server.get("/metrics").body.decode())
        return next(value for _, labels, value in families["betrace_lane_refused_total"].samples if labels["lane"] == lane)

    def top_up(self, lane):
        """Whatever became free is taken: some give up while the test goes on."""
        self.held += [self.ask(FILLERS[lane], f"t{i}") for i in range(TENANTS)]

    def fill(self, lane):
        """Until all are refused for some time: the line of each tenant, or the whole one, is full."""
        deadline = time.monotonic() + PATIENCE
        while self.refused(lane) < 4 * TENANTS:
            self.assertLess(time.monotonic(), deadline, f"lane {lane} takes and takes")
            self.top_up(lane)

    def check(self, lane):
        self.fill(lane)
        taken, trivial = [], []
        for i in range(ROUNDS):
            self.top_up(lane)
            status, head, seconds = self.answer_of(FILLERS[lane], f"t{i % TENANTS}")
            self.assertEqual(status, 503, head)
            self.assertRegex(head, r"\nretry-after: [1-9]\d*(\r|$)")
            taken.append(seconds)
            status, head, seconds = self.answer_of(("GET", "/health", None), f"t{i % TENANTS}")
            self.assertEqual(status, 200, head)
            trivial.append(seconds)
        refusal, other = statistics.median(taken), statistics.median(trivial)
        print(f"lane {lane} is full: refused after {refusal * 1000:.1f} ms (median of {ROUNDS}, {max(taken) * 1000:.1f} at most), "
              f"GET /health {other * 1000:.1f} ({max(trivial) * 1000:.1f})", file=sys.stderr)
        self.assertLess(refusal, other + LATER_SECONDS)

    def test_source(self):
        self.check("source")

    def test_search(self):
        self.check("search")

    def test_push(self):
        self.check("push")


if __name__ == "__main__":
    unittest.main(argv=[argument for argument in sys.argv if argument != "--short"], verbosity=1)
