"""Everything at once for some seconds: pushes, replays, cancels, rule changes, streams and reads on one service. Nothing answers 5xx but "busy", the process ends
clean, and what it says afterwards is the truth. Under ThreadSanitizer (make check-full) a race ends the process with a status of its own, which fails.

STRESS_SECONDS=n says how long.
"""
import http.client
import json
import os
import random
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import Betrace  # noqa: E402
import prometheus_text  # noqa: E402

SECONDS = float(os.environ.get("STRESS_SECONDS", "8"))
RULES = 6
BAD = 'trace.has(span.name == "bad")'
TEXTS = (BAD, 'when { trace.has(span.name == "bad") } always { trace.has(span.name == "audit") }', 'trace.has(span.name == "good" and span.duration > 1ms)')
RANGE = {"start_time": "now-1h", "end_time": "now-5m"}


class Actor(threading.Thread):
    """Does one thing again and again until the time is over; `what` was done how often, and what went wrong."""

    def __init__(self, stress, what, seed):
        super().__init__(name=what, daemon=True)
        self.stress, self.what, self.random = stress, what, random.Random(seed)
        self.done, self.error = 0, None

    def run(self):
        try:
            while time.monotonic() < self.stress.deadline:
                getattr(self, self.what)()
                self.done += 1
        except Exception as error:  # whatever it is, the test names it
            self.error = error

    def ask(self, method, path, body=None, allowed=(), **more):
        answer = self.stress.server.request(method, path, body, timeout=120, **more)
        busy = answer.status == 503 and json.loads(answer.body)["type"].rsplit(":", 1)[1] in ("busy", "limit")
        if not (answer.status < 400 or answer.status in allowed or busy):
            raise AssertionError(f"{method} {path}: {answer}")
        return answer

    def push(self):
        spans = []
        for _ in range(self.random.randrange(1, 20)):
            is_bad = self.random.random() < 0.2
            trace_id = f"{self.random.getrandbits(127) + 1:032x}"
            spans.append({"trace_id": trace_id, "span_id": "1", "name": "bad" if is_bad else "good", "start_time": int(time.time() - self.random.randrange(400, 3000)), "duration_ms": 1})
        answer = self.ask("POST", "/v1/spans", {"spans": spans})
        if answer.status == 200:
            with self.stress.lock:
                self.stress.bad.update(s["trace_id"] for s in spans if s["name"] == "bad")

    def note_replay(self, replay_id):
        """Streams listen to the latest; older ones are ended, so that the queue stays short however slow the build is."""
        with self.stress.lock:
            self.stress.replays.append(replay_id)
            old, self.stress.replays = self.stress.replays[:-12], self.stress.replays[-12:]
        for one in old:
            self.ask("DELETE", f"/v1/replays/{one}", allowed=(404,))
            self.ask("DELETE", f"/v1/replays/{one}", allowed=(404,))

    def replay(self):
        choice = self.random.random()
        body = dict(RANGE, dsl=self.random.choice(TEXTS)) if choice < 0.5 else dict(RANGE, labels={"set": "stress"})
        started = self.ask("POST", "/v1/replays", body, allowed=(400, 404))
        if started.status != 202:
            return
        replay_id = started.json()["replay_id"]
        self.note_replay(replay_id)
        for _ in range(self.random.randrange(4)):
            self.ask("GET", f"/v1/replays/{replay_id}", allowed=(404,))
        if self.random.random() < 0.5:
            self.ask("DELETE", f"/v1/replays/{replay_id}", allowed=(404,))
        else:
            self.ask("GET", f"/v1/replays/{replay_id}/violations?limit=20", allowed=(404,))

    def edit(self):
        rule_id = f"r{self.random.randrange(RULES)}"
        rule = {"id": rule_id, "dsl": self.random.choice(TEXTS), "labels": {"set": "stress"}, "severity": self.random.choice(("low", "high"))}
        method, path, body = self.random.choice((("POST", "/v1/rules", rule), ("PUT", f"/v1/rules/{rule_id}", rule), ("DELETE", f"/v1/rules/{rule_id}", None),
                                                 ("POST", f"/v1/rules/{rule_id}/disable", None), ("POST", f"/v1/rules/{rule_id}/enable", None),
                                                 ("GET", f"/v1/rules/{rule_id}/versions", None), ("POST", f"/v1/rules/{rule_id}/replay", RANGE)))
        answer = self.ask(method, path, body, allowed=(404, 409))
        if path.endswith("/replay") and answer.status == 202:
            self.note_replay(answer.json()["replay_id"])

    def stream(self):
        """Reads a part of a stream and goes away, or all of it."""
        with self.stress.lock:
            replay_id = self.random.choice(self.stress.replays) if self.stress.replays else "r-0"
        path, accept = self.random.choice(((f"/v1/replays/{replay_id}/events", "text/event-stream"), ("/v1/violations?start=now-1h&timeout=2s", "application/x-ndjson"),
                                           ("/v1/violations?start=now-1h&timeout=2s", "text/event-stream")))
        connection = http.client.HTTPConnection("127.0.0.1", self.stress.server.port, timeout=120)
        try:
            connection.request("GET", path, headers={"Accept": accept})
            response = connection.getresponse()
            if response.status >= 500 and response.status != 503:
                raise AssertionError(f"{path}: {response.status}")
            end = min(time.monotonic() + 3, self.stress.deadline)
            for _ in range(self.random.choice((1, 5, 1000))):
                if not response.read1(4096) or time.monotonic() > end:
                    break
        finally:
            connection.close()

    def look(self):
        with self.stress.lock:
            trace_id = self.random.choice(sorted(self.stress.bad)[:50]) if self.stress.bad else "1"
        path = self.random.choice(("/v1/rules", "/metrics", "/ready", "/v1/health", "/v1/replays", f"/v1/traces/{trace_id}/verdicts", "/v1/violations?start=now-1h&limit=5&timeout=1s",
                                   f"/v1/rules/r{self.random.randrange(RULES)}/first-violation?start=now-1h&timeout=1s"))
        answer = self.ask("GET", path, allowed=(404,))
        if path == "/metrics":
            prometheus_text.read(answer.body.decode())


class StressTest(unittest.TestCase):
    def test_everything_at_once(self):
        self.lock, self.bad, self.replays = threading.Lock(), set(), []
        with Betrace("--memory-source=64MiB", "--memory-limit", "40MiB", "--max-replays", "3") as self.server:
            self.deadline = time.monotonic() + SECONDS
            actors = [Actor(self, what, seed) for seed, what in enumerate(("push", "push", "replay", "replay", "edit", "edit", "stream", "stream", "look", "look"))]
            for actor in actors:
                actor.start()
            for actor in actors:
                actor.join(SECONDS + 180)
                self.assertFalse(actor.is_alive(), f"{actor.name} hangs")
            self.assertEqual([(a.name, a.error) for a in actors if a.error], [], "".join(self.server.lines))
            self.assertTrue(all(a.done for a in actors), {a.name: a.done for a in actors})
            self.wait_until_idle()  # what still runs may need all of the room, which violations on demand have a part of, too
            self.check_truth()
            self.check_quiet()
            print([(a.name, a.done) for a in actors], file=sys.stderr)

    def check_truth(self):
        """What was acknowledged is there, no more and no less."""
        started = self.server.post("/v1/replays", dict(RANGE, dsl=BAD)).json()
        status = self.server.wait_job(started["replay_id"])
        self.assertEqual(status["status"], "completed", status)
        self.assertEqual({v["trace_id"] for v in self.server.violations(started["replay_id"])}, self.bad)

    def wait_until_idle(self):
        """Until no replay is queued or running; returns the metrics then."""
        deadline = time.monotonic() + 180
        while True:
            families = prometheus_text.read(self.server.get("/metrics").body.decode())
            left = sum(v for _, l, v in families["betrace_replays"].samples if l["state"] in ("queued", "running"))
            if not left:
                return families
            self.assertLess(time.monotonic(), deadline, f"{left} replays are left")
            time.sleep(0.1)

    def check_quiet(self):
        """Nothing is left running, and no worker is lost."""
        families = self.wait_until_idle()
        limit = families["betrace_replay_results_limit_bytes"].samples[0][2]
        self.assertLessEqual(families["betrace_replay_results_bytes"].samples[0][2], limit)
        before = families["process_open_fds"].samples[0][2]
        self.assertLess(before, 200, "connections are closed")


if __name__ == "__main__":
    unittest.main(verbosity=1)
