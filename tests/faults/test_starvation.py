"""Nobody takes the service from others: clients of one tenant ask for all that waits for Tempo, while Tempo hangs, is slow or trickles, as viewer, as editor and
without a token. Meanwhile another tenant's rules are listed in about the time that it takes when nobody else asks, and /ready is answered.

No time is asserted by itself: what the calls may take is a multiple of what they take on the idle service just before. With --short all routes and callers attack at
once; without it each route is tried alone as well, so that a failure names it.
"""
import http.client
import json
import os
import socket
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import Betrace, has_sanitizer, run_cli  # noqa: E402
from stub_tempo import StubTempo  # noqa: E402

SHORT = "--short" in sys.argv
CONNECTIONS = 12  # of each caller on each route: more than any pool has threads by default
QUESTIONS = 3  # on each connection, without waiting for answers
CALLS = 40  # of the other tenant to its rules
# What may be added to the idle time: 30 times as much, and half a second for a machine with other work; under a sanitizer
# the attack itself, 1,500 requests that are read and refused, takes longer than that.
RATIO, FLOOR_SECONDS = 30, 5.0 if has_sanitizer() else 0.5
PATIENCE = 10.0  # after which a call counts as not answered
ATTACKED = {"id": "r1", "dsl": 'trace.has(span.name == "x")', "labels": {"of": "starvation"}}
SPAN = {"trace_id": "1", "span_id": "1", "name": "x", "start_time": 1, "duration_ms": 1}
# Every route that asks a source or an exporter, with its body: (method, path, body).
ROUTES = (
    ("GET", "/ready", None), ("GET", "/v1/rules/r1/explain?start=now-1h", None), ("POST", "/v1/rules/r1/replay", {"start_time": "now-1h"}),
    ("GET", "/v1/rules/r1/first-violation?start=now-1h", None), ("GET", "/v1/rules/r1/contrast?start=now-1h", None),
    ("POST", "/v1/dsl/complete", {"dsl": "trace.has(span.", "offset": 15}), ("POST", "/v1/replays", {"dsl": ATTACKED["dsl"], "start_time": "now-1h"}),
    ("GET", "/v1/violations?start=now-1h", None), ("POST", "/v1/violations/query", {"dsl": ATTACKED["dsl"], "start": "now-1h"}),
    ("GET", "/v1/violations/series?start=now-1h", None), ("POST", "/v1/violations/series", {"start": "now-2h"}),
    ("GET", "/v1/compliance/reports/soc2?start=now-1h", None), ("GET", "/v1/traces/00000000000000000000000000000001/verdicts", None),
    ("POST", "/v1/spans", {"spans": [SPAN]}))


def request(method, path, body, headers):
    text = json.dumps(body).encode() if body is not None else b""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(text)}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + text


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Caller:
    """Measures calls of the other tenant, each on a connection of its own."""

    def __init__(self, server, headers):
        self.server, self.headers = server, headers

    def seconds_of(self, path, headers):
        """None: not answered within PATIENCE, or not served."""
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            text = response.read()
            is_served = response.status == 200 or (path == "/ready" and response.status == 503 and b'"parts"' in text)
            return time.monotonic() - began if is_served else None
        except OSError:
            return None
        finally:
            connection.close()

    def call(self, path, headers, taken, goes_on):
        while goes_on() and None not in taken:
            taken.append(self.seconds_of(path, headers))

    def measure(self):
        """{path: [seconds]}: as many calls of its rules as CALLS, and beside them those of /ready, which may wait for Tempo; a call that is not answered is the
        last, and None."""
        taken = {"/v1/rules": [], "/ready": []}
        ready = threading.Thread(target=self.call, args=("/ready", {}, taken["/ready"], lambda: not taken["/ready"] or listing.is_alive()))
        listing = threading.Thread(target=self.call, args=("/v1/rules", self.headers, taken["/v1/rules"], lambda: len(taken["/v1/rules"]) < CALLS))
        for one in (listing, ready):
            one.start()
        for one in (listing, ready):
            one.join()
        return taken


class Starvation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-starvation-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.tokens = os.path.join(cls.folder.name, "tokens")
        cls.headers = {"nobody": {}}
        for name, role, tenant in (("viewer", "viewer", "greedy"), ("editor", "editor", "greedy"), ("other", "editor", "patient")):
            made = run_cli("token", "new", "--file", cls.tokens, "--name", name, "--role", role, "--tenants", tenant)
            assert made.returncode == 0, made.stderr
            cls.headers[name] = {"Authorization": f"Bearer {made.stdout.strip()}", "X-Scope-OrgID": tenant}

    def test_every_route_is_one(self):
        """So that the others attack with what is really carried out."""
        now = dict(SPAN, start_time=int(time.time()))
        with StubTempo() as tempo, Betrace("--tempo", tempo.url, "--otlp", tempo.url, "--tokens", self.tokens) as server:
            self.assertEqual(server.post("/v1/rules", ATTACKED, headers=self.headers["editor"]).status, 201)
            for method, path, body in ROUTES:
                with self.subTest(route=f"{method} {path}"):
                    asked = tempo.asked
                    answer = server.request(method, path, {"spans": [now]} if path == "/v1/spans" else body, headers=self.headers["editor"])
                    self.assertNotIn(answer.status, (400, 401, 403, 405), answer)
                    deadline = time.monotonic() + PATIENCE
                    while tempo.asked == asked and path != "/ready":
                        self.assertLess(time.monotonic(), deadline, "it asks no source")
                        time.sleep(0.01)

    def attack(self, server, routes):
        """Asks and reads nothing. Returns the connections."""
        held = []
        for method, path, body in routes:
            for who in ("viewer", "editor", "nobody"):
                for _ in range(CONNECTIONS):
                    one = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
                    held.append(one)
                    try:
                        one.sendall(request(method, path, body, self.headers[who]) * QUESTIONS)
                    except OSError:
                        pass  # refused and closed is an answer, too
        return held

    def check_not_starved(self, behaviour, routes):
        """The other tenant's calls while `routes` are attacked, against the same calls before."""
        with StubTempo() as tempo:
            server = Betrace("--tempo", tempo.url, "--otlp", tempo.url, "--tokens", self.tokens)
            server.start()
            self.addCleanup(server.folder.cleanup)
            self.addCleanup(server.kill)  # how it stops is another test
            self.assertEqual(server.post("/v1/rules", ATTACKED, headers=self.headers["editor"]).status, 201)
            caller = Caller(server, self.headers["other"])
            self.assertEqual(server.post("/v1/rules", {"id": "own", "dsl": ATTACKED["dsl"]}, headers=self.headers["other"]).status, 201)
            idle = caller.measure()
            tempo.behaviour = behaviour
            held = self.attack(server, routes)
            deadline = time.monotonic() + 2
            while not tempo.held and time.monotonic() < deadline:
                time.sleep(0.01)
            busy = caller.measure()
            asked = tempo.asked
            for one in held:
                one.close()
        self.compare(behaviour, routes, idle, busy, asked)

    def compare(self, behaviour, routes, idle, busy, asked):
        what = f"Tempo {behaviour}, {len(routes)} routes" if len(routes) > 1 else f"Tempo {behaviour}, {routes[0][0]} {routes[0][1]}"
        for path, taken in busy.items():
            self.assertNotIn(None, idle[path], f"{path} is answered on the idle service")
            before = percentile(idle[path], 0.99)
            is_answered = None not in taken
            said = f"p99 {percentile(taken, 0.99) * 1000:.1f} ms" if is_answered else f"call {len(taken)} NOT ANSWERED in {PATIENCE:.0f} s"
            print(f"{what} ({asked} questions): GET {path} {said}, idle {before * 1000:.1f} ms", file=sys.stderr)
            with self.subTest(behaviour=behaviour, routes=len(routes), first=f"{routes[0][0]} {routes[0][1]}", path=path):
                self.assertTrue(is_answered, f"GET {path} was not answered within {PATIENCE:.0f} s")
                if path != "/ready":  # which may wait for what it asks Tempo
                    self.assertLess(percentile(taken, 0.99), RATIO * before + FLOOR_SECONDS)

    def check_all(self, behaviour):
        self.check_not_starved(behaviour, ROUTES)
        for route in () if SHORT else ROUTES:
            self.check_not_starved(behaviour, (route,))

    def test_tempo_hangs(self):
        self.check_all("hang")

    def test_tempo_is_slow(self):
        self.check_all("slow")

    def test_tempo_trickles(self):
        self.check_all("trickle")


if __name__ == "__main__":
    unittest.main(argv=[argument for argument in sys.argv if argument != "--short"], verbosity=1)
