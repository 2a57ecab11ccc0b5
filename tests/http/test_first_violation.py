"""When did it start, over the HTTP API and on the command line: a real server over trace files, and over a Tempo that hangs."""
import json
import os
import socket
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from seed_rules import PII_AUDIT, SLOW_DB  # noqa: E402

END = "2026-03-10T12:00:00Z"
START = "2026-03-09T12:00:00Z"
NEVER = {"id": "never", "dsl": 'trace.has(span.name == "no.such.span")'}
PATH = f"/v1/rules/{SLOW_DB['id']}/first-violation"


class HangingTempo:
    """Takes connections and never answers."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.taken = []
        threading.Thread(target=self._take, daemon=True).start()
        return self

    def _take(self):
        try:
            while True:
                self.taken.append(self.listener.accept()[0])
        except OSError:
            pass

    def __exit__(self, *_):
        self.listener.close()
        for connection in self.taken:
            connection.close()


class FirstViolation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-first-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.traces = os.path.join(cls.folder.name, "traces.pb")
        done = run_cli("generate", "--traces", 1000, "--violations", 11, "--end", END, "--since", "24h", "--out", cls.traces)
        assert done.returncode == 0, done.stderr
        done = run_cli("replay", "--dsl", SLOW_DB["dsl"], "--traces", cls.traces, "--start", START, "--end", END, "--json")
        cls.violations = json.loads(done.stdout)["violations"]
        assert len(cls.violations) == 11, done.stdout

    def cli(self, *arguments):
        done = run_cli("first", *arguments)
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    # ---- HTTP ----

    def ask(self, server, query=f"?start={START}&end={END}", path=PATH):
        answer = server.get(path + query)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def test_it_is_the_earliest_of_a_replay(self):
        with Betrace("--traces", self.traces) as server:
            for rule in (SLOW_DB, NEVER):
                self.assertEqual(server.post("/v1/rules", rule).status, 201)
            first = self.ask(server)
            self.assertEqual((first["status"], first["found"], first["proven"]), ("completed", True, True), first)
            earliest = min(self.violations, key=lambda v: (v["time"], v["trace_id"]))
            for key in ("trace_id", "time", "span_id", "message", "witnesses"):
                self.assertEqual(first["violation"][key], earliest[key])
            self.assertEqual(first["violation"]["rule_id"], SLOW_DB["id"])
            self.assertTrue(first["coverage"]["complete"])
            self.assertEqual(first["coverage"]["asked"]["end"][:19], END[:19])
            # That trace began before its violation, so it lies before the range.
            later = self.ask(server, f"?start={self.violations[3]['time']}&end={END}")
            self.assertEqual(later["violation"]["trace_id"], self.violations[4]["trace_id"])
            none = self.ask(server, path="/v1/rules/never/first-violation")
            self.assertEqual((none["status"], none["found"], none["violation"], none["proven"]), ("completed", False, None, False))
            self.assertTrue(none["coverage"]["complete"])
            nothing = self.ask(server, "?start=2020-01-01T00:00:00Z&end=2020-01-02T00:00:00Z")
            self.assertEqual((nothing["status"], nothing["found"]), ("incomplete", False))
            self.assertIn("no_data", nothing["reason"])
            self.assertFalse(nothing["coverage"]["complete"])

    def test_wrong_requests(self):
        with Betrace("--traces", self.traces, "--max-range", "48h") as server:
            server.post("/v1/rules", SLOW_DB)
            self.assertEqual(server.get("/v1/rules/nosuch/first-violation").status, 404)
            for query in ("?start=soon", "?end=soon", f"?start={END}&end={START}", f"?start={START}&end={START}", "?timeout=0s", "?timeout=5m",
                          "?timeout=often", "?since=24h", "?start=now-50h"):
                with self.subTest(query=query):
                    answer = server.get(PATH + query)
                    self.assertEqual(answer.status, 400, answer)
                    self.assertEqual(answer.headers["content-type"], "application/problem+json")
            self.assertEqual(server.get(PATH).status, 200, "the default range keeps to --max-range")

    def test_past_its_time_it_answers_what_is_certain(self):
        with HangingTempo() as tempo, Betrace("--tempo", tempo.url) as server:
            server.post("/v1/rules", SLOW_DB)
            begun = time.monotonic()
            answers = []
            def look():
                answers.append(server.get(PATH + "?timeout=4s"))
            threads = [threading.Thread(target=look) for _ in range(5)]  # more than there are places
            for thread in threads:
                thread.start()
            time.sleep(1)
            self.assertEqual(server.get("/health").status, 200, "others are still served")
            for thread in threads:
                thread.join()
            self.assertLess(time.monotonic() - begun, 30)
            for answer in answers:
                self.assertEqual(answer.status, 200, answer)
                first = answer.json()
                self.assertEqual((first["status"], first["found"], first["proven"]), ("cancelled", False, False), first)
                self.assertFalse(first["coverage"]["complete"])

    # ---- the command line ----

    def test_command_line(self):
        where = ("--traces", self.traces)
        found = self.cli("--dsl", SLOW_DB["dsl"], *where, "--json")
        self.assertEqual(found.returncode, 1, found)
        self.assertEqual(json.loads(found.stdout)["violation"]["trace_id"], self.violations[0]["trace_id"])
        text = self.cli("--dsl", SLOW_DB["dsl"], *where)
        self.assertEqual(text.returncode, 1, text)
        self.assertIn(self.violations[0]["trace_id"], text.stdout)
        self.assertIn("proven", text.stdout)
        none = self.cli("--dsl", NEVER["dsl"], *where)
        self.assertEqual(none.returncode, 0, none)
        self.assertIn("no violation", none.stdout)
        nothing = self.cli("--dsl", SLOW_DB["dsl"], *where, "--start", "2020-01-01T00:00:00Z", "--end", "2020-01-02T00:00:00Z")
        self.assertEqual(nothing.returncode, 3, nothing)
        self.assertIn("no_data", nothing.stdout)
        unreachable = self.cli("--dsl", SLOW_DB["dsl"], "--tempo", "http://127.0.0.1:1")
        self.assertEqual(unreachable.returncode, 3, unreachable)

    def test_wrong_usage(self):
        two = ("--dsl", SLOW_DB["dsl"], "--dsl", PII_AUDIT["dsl"])
        for arguments in (two, ("--dsl", SLOW_DB["dsl"], "--limit", "3"), ("--dsl", SLOW_DB["dsl"], "--since", "long"), ()):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.cli(*arguments, "--traces", self.traces).returncode, 2)
        self.assertEqual(self.cli("--dsl", SLOW_DB["dsl"]).returncode, 2)
        self.assertEqual(self.cli("--help").returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=1)
