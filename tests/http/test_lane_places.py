"""--lane-places: how much of one kind of work goes on at once. What is set is what runs: while Tempo hangs, as many
evaluations are under way as their lane has places."""
import os
import socket
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import prometheus_text  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402
from stub_tempo import StubTempo  # noqa: E402

RULE = {"id": "r1", "dsl": '@SOC2(controls = {CC7_2}) trace.has(span.name == "x")'}
TENANTS = 6
LANES = "memory, store, search, push, answer, pages, evaluation, series or report"
# What work of a lane is: a path, asked by each tenant.
WORK = {"evaluation": "/v1/violations?start=now-1h", "series": "/v1/violations/series?start=now-1h",
        "report": "/v1/compliance/reports/soc2?start=now-1h", "search": "/v1/rules/r1/first-violation?start=now-1h"}


class LanePlaces(unittest.TestCase):
    def lanes(self, server, what="places"):
        families = prometheus_text.read(server.get("/metrics").body.decode())
        return {labels["lane"]: value for _, labels, value in families[f"betrace_lane_{what}"].samples}

    def test_what_is_not_set_follows_the_processors(self):
        with Betrace("--memory-source") as server:
            usual = self.lanes(server)
        processors = os.cpu_count()
        self.assertEqual(usual["search"], min(16, max(4, processors)))
        self.assertEqual((usual["evaluation"], usual["series"]), (min(8, max(2, processors)),) * 2)
        self.assertEqual(usual["report"], min(4, max(2, processors)))
        with Betrace("--memory-source", "--lane-places", "search=7,report=1") as server:
            self.assertEqual(self.lanes(server), {**usual, "search": 7, "report": 1})

    def test_every_lane_that_may_be_set(self):
        lanes = LANES.replace(" or ", ", ").split(", ")
        wanted = {lane: i + 1 for i, lane in enumerate(lanes)}
        text = ",".join(f"{lane}={places}" for lane, places in wanted.items())
        with Betrace("--memory-source", env={"BETRACE_LANE_PLACES": text}) as server:
            self.assertLessEqual(wanted.items(), self.lanes(server).items())
        with tempfile.TemporaryDirectory(prefix="betrace-lanes-") as folder:
            file = os.path.join(folder, "settings")
            with open(file, "w", encoding="utf-8") as settings:
                settings.write(f"lane-places = {text}\n")
            shown = run_cli("serve", "--config", file, "--print-config").stdout
            self.assertRegex(shown, rf"lane-places +{text}\b")
            shown = run_cli("serve", "--config", file, "--lane-places", "search=3", "--print-config").stdout
            self.assertRegex(shown, r"lane-places +search=3 +.*flag", "the later one takes the place of the whole")

    def test_wrong_ones(self):
        for text in ("", "search", "search=", "search=0", "search=65", "search=-1", "search=4x", "search=4,", ",search=4", "search=4,search=5",
                     "replay=9", "source=9", "watch=9", "Search=4", "search=4;store=2", "search = 4"):
            done = run_cli("serve", "--memory-source", "--lane-places", text, "--print-config")
            self.assertEqual(done.returncode, 2, text)
            self.assertIn(f"--lane-places has to be LANE=N,LANE=N (1 to 64 each); a LANE is {LANES}; \"{text}\" came", done.stderr)

    def running(self, server, lane):
        return self.lanes(server, "running")[lane]

    def check_work(self, lane, places):
        with StubTempo() as tempo, Betrace("--tempo", tempo.url, "--lane-places", f"{lane}={places}") as server:
            for i in range(TENANTS):
                headers = {"X-Scope-OrgID": f"t{i}"}
                self.assertEqual(server.post("/v1/rules", RULE, headers=headers).status, 201)
            tempo.behaviour = "hang"
            for i in range(TENANTS):
                one = socket.create_connection(("127.0.0.1", server.port), timeout=30)
                self.addCleanup(one.close)
                one.sendall(f"GET {WORK[lane]} HTTP/1.1\r\nHost: localhost\r\nX-Scope-OrgID: t{i}\r\n\r\n".encode())
            deadline = time.monotonic() + 30
            while self.running(server, lane) < places:
                self.assertLess(time.monotonic(), deadline, f"{self.running(server, lane)} of {places} in lane {lane}")
                time.sleep(0.02)
            time.sleep(0.2)
            self.assertEqual(self.running(server, lane), places, lane)

    def test_what_is_set_is_what_runs(self):
        for lane in WORK:
            for places in (1, 4):
                with self.subTest(lane=lane, places=places):
                    self.check_work(lane, places)


if __name__ == "__main__":
    unittest.main()
