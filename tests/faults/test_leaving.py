"""Readers who leave cancel their work: of each route that asks Tempo a reader asks, Tempo hangs, the reader closes its
connection, and the questions to Tempo end. What is kept for others (replays and reports, which are jobs with ids of their
own, and the check of /ready, which is everybody's) goes on.

Whether a question ended because its reader left or by itself is told by another service beside, whose reader stays.
"""
import os
import socket
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
from betrace_process import Betrace  # noqa: E402
from stub_tempo import StubTempo  # noqa: E402
from test_starvation import ATTACKED, ROUTES, SPAN, request  # noqa: E402

SHORT = "--short" in sys.argv
PATIENCE = 30.0
JOBS = {"/ready", "/v1/rules/r1/replay", "/v1/replays", "/v1/compliance/reports/soc2"}
BRIEF = {"/v1/dsl/complete", "/v1/spans"}  # which end by themselves after some seconds
LINES = "Accept: application/x-ndjson\r\n"


def path_of(route):
    return route[1].partition("?")[0]


class Leaving(unittest.TestCase):
    def start(self):
        tempo = StubTempo()
        tempo.__enter__()
        self.addCleanup(tempo.__exit__)
        server = Betrace("--tempo", tempo.url, "--otlp", tempo.url, "--tempo-timeout", "10m")
        server.start()
        self.addCleanup(server.folder.cleanup)
        self.addCleanup(server.kill)  # how it stops is another test
        self.assertEqual(server.post("/v1/rules", ATTACKED).status, 201)
        tempo.behaviour = "hang"
        return tempo, server

    def ask(self, tempo, server, route, more=""):
        """Until Tempo has been asked for it. Returns the connection."""
        method, path, body = route
        if path == "/v1/spans":
            body = {"spans": [dict(SPAN, start_time=int(time.time()))]}
        one = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        self.addCleanup(one.close)
        one.sendall(request(method, path, body, {"Accept": "application/x-ndjson"} if more else {}))
        self.wait(lambda: tempo.held, "Tempo is asked")
        return one

    def wait(self, condition, what):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)

    def check(self, route, more=""):
        (tempo, server), (tempo_beside, server_beside) = self.start(), self.start()
        self.ask(tempo_beside, server_beside, route, more)
        reader = self.ask(tempo, server, route, more)
        began = time.monotonic()
        reader.close()
        self.wait(lambda: not tempo.held, "the work of a reader who left ends")
        print(f"{route[0]} {path_of(route)}: its questions ended {time.monotonic() - began:.1f} s after its reader left", file=sys.stderr)
        if path_of(route) not in BRIEF:
            self.assertTrue(tempo_beside.held, "with a reader who stays it goes on")
        self.assertEqual(server.get("/health").status, 200)

    def test_routes(self):
        routes = [route for route in ROUTES if path_of(route) not in JOBS]
        self.assertEqual(len(routes), len(ROUTES) - len(JOBS))
        for route in routes[::2] if SHORT else routes:
            with self.subTest(route=path_of(route)):
                self.check(route)

    def test_streams(self):
        self.check(("GET", "/v1/violations?start=now-1h", None), LINES)


if __name__ == "__main__":
    unittest.main(argv=[argument for argument in sys.argv if argument != "--short"], verbosity=1)
