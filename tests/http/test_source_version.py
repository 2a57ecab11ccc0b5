"""/ready, explain and the coverage of every answer name the version of Tempo. One that was not checked is named so,
and one that hides its version is no error. The Tempo here finds nothing, whatever one asks: the test looks at what
the service says of it."""
import http.server
import json
import os
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from seed_rules import SLOW_DB  # noqa: E402

CHECKED = "2.8, 2.10, 3.0, 3.1"
TWO_AS_ONE = "it may store two traces as one; 2.8.1 and newer do not"
NOT_CHECKED = f"not among the versions that were checked ({CHECKED})"
RANGE = "start=2026-03-09T12:00:00Z&end=2026-03-10T12:00:00Z"


class SayingTempo:
    """Says what it is, as `version` has it; None: a gateway keeps that to itself. While `away`, connections are cut."""

    def __init__(self, version):
        self.version = version
        self.away = False
        self.asked = 0
        self.began = time.monotonic()

    def minutes(self):
        """How often it may be asked again without a reason, on a machine that has other things to do."""
        return int((time.monotonic() - self.began) / 60)

    def __enter__(self):
        tempo = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                if tempo.away:
                    return
                if self.path == "/api/status/buildinfo":
                    tempo.asked += 1
                if self.path.startswith(("/api/status/", "/status/")) and (tempo.version is None or self.path != "/api/status/buildinfo"):
                    self.answer(403, b"")
                elif self.path == "/api/status/buildinfo":
                    self.answer(200, json.dumps({"version": tempo.version, "goVersion": "go1.26.8"}).encode())
                else:
                    self.answer(200, b'{"traces": [], "metrics": {"completedJobs": 1, "totalJobs": 1}}')

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def source(version, note=None):
    said = {"kind": "tempo", "version": version, "checked": note in (None, TWO_AS_ONE)}
    return said if note is None else {**said, "note": note}


class SourceVersionTest(unittest.TestCase):
    def coverages(self, server):
        """Of every answer that has one."""
        server.post("/v1/rules", SLOW_DB)
        body = {"start_time": "2026-03-09T12:00:00Z", "end_time": "2026-03-10T12:00:00Z"}
        self.assertEqual(server.post(f"/v1/rules/{SLOW_DB['id']}/replay", body).status, 202)
        return {"replay": server.wait_replay(SLOW_DB["id"])["coverage"],
                "violations": server.get(f"/v1/violations?{RANGE}").json()["coverage"],
                "series": server.get(f"/v1/violations/series?{RANGE}&step=1h").json()["coverage"],
                "first": server.get(f"/v1/rules/{SLOW_DB['id']}/first-violation?{RANGE}").json()["coverage"]}

    def check(self, version, expected):
        with SayingTempo(version) as tempo, Betrace("--tempo", tempo.url) as server:
            ready = server.get("/ready")
            self.assertEqual((ready.status, ready.json()["status"], ready.json()["source"]), (200, "ready", expected))
            for name, coverage in self.coverages(server).items():
                self.assertEqual(coverage["source"], expected, name)
            explained = server.get(f"/v1/rules/{SLOW_DB['id']}/explain?{RANGE}").json()
            self.assertEqual(explained["source"], expected)
            why = {option["strategy"]: option.get("why_not") for option in explained["rules"][0]["strategies"]}
            self.assertIsNone(why["read"])
            self.assertEqual(why["id_sets"], None if expected["checked"] else "it rests on what was not checked on this version of Tempo")
            self.assertLessEqual(tempo.asked, 1 + tempo.minutes(), "once is enough for all of it")
            return [line for line in server.lines if "the source is" in line]

    def test_a_version_that_was_checked(self):
        said = self.check("3.0.3", source("3.0.3"))
        self.assertEqual(len(said), 1, said)
        self.assertIn("the source is Tempo 3.0.3", said[0])
        self.assertIn("info", said[0].lower())

    def test_a_checked_one_of_which_a_fault_is_known(self):
        said = self.check("2.8.0", source("2.8.0", TWO_AS_ONE))
        self.assertIn(f"the source is Tempo 2.8.0, {TWO_AS_ONE}", said[0])
        self.assertIn("warn", said[0].lower())

    def test_another_version(self):
        said = self.check("3.2.0", source("3.2.0", NOT_CHECKED))
        self.assertIn(f"the source is Tempo 3.2.0, {NOT_CHECKED}", said[0])
        self.assertIn("warn", said[0].lower())

    def test_one_that_does_not_say(self):
        note = NOT_CHECKED + ": GET /api/status/buildinfo was answered 403"
        said = self.check(None, source(None, note))
        self.assertIn(f"the source is Tempo, {note}", said[0])

    def test_files_and_memory_are_our_own(self):
        with Betrace("--memory-source") as server:
            expected = {"kind": "memory", "version": None, "checked": True}
            self.assertEqual(server.get("/ready").json()["source"], expected)
            for name, coverage in self.coverages(server).items():
                self.assertEqual(coverage["source"], expected, name)

    def test_a_question_without_rules_asked_nobody(self):
        with SayingTempo("3.0.3") as tempo, Betrace("--tempo", tempo.url) as server:
            page = server.get(f"/v1/violations?{RANGE}").json()
            self.assertTrue(page["reason"].startswith("no_rules"), page)
            self.assertIsNone(page["coverage"]["source"])

    def test_a_tempo_that_is_replaced(self):
        """It goes away, and comes back as another one: that is known within moments, not after the minute."""
        with SayingTempo("2.10.8") as tempo, Betrace("--tempo", tempo.url) as server:
            self.assertEqual(server.get("/ready").json()["source"]["version"], "2.10.8")
            tempo.away = True
            tempo.version = "3.2.0"
            while server.get("/ready").status != 503:
                time.sleep(0.1)
            self.assertEqual(server.get("/ready").json()["source"]["version"], "2.10.8", "the last that is known")
            tempo.away = False
            while server.get("/ready").json()["source"]["version"] != "3.2.0":
                time.sleep(0.1)
            self.assertEqual(self.coverages(server)["replay"]["source"], source("3.2.0", NOT_CHECKED))
            self.assertLessEqual(tempo.asked, 3 + tempo.minutes(), "at the start, after the reconnect, and once in vain at most")

    def test_one_that_is_away_at_the_start(self):
        with SayingTempo("3.0.3") as tempo:
            tempo.away = True
            with Betrace("--tempo", tempo.url) as server:
                self.assertEqual(server.get("/ready").json()["source"]["version"], None)
                tempo.away = False
                while server.get("/ready").json()["source"] != source("3.0.3"):
                    time.sleep(0.1)

    def test_the_command_line(self):
        rule = ("--dsl", SLOW_DB["dsl"], "--start", "2026-03-09T12:00:00Z", "--end", "2026-03-10T12:00:00Z")
        for version, text in (("3.0.3", "source: Tempo 3.0.3\n"), ("3.2.0", f"source: Tempo 3.2.0, {NOT_CHECKED}\n"),
                              (None, f"source: Tempo, {NOT_CHECKED}: GET /api/status/buildinfo was answered 403\n")):
            with SayingTempo(version) as tempo:
                for command in ("replay", "first", "explain"):
                    self.assertIn(text, run_cli(command, "--tempo", tempo.url, *rule).stdout, command)
                answer = json.loads(run_cli("replay", "--tempo", tempo.url, "--json", *rule).stdout)
                self.assertEqual(answer["coverage"]["source"]["checked"], version == "3.0.3")
                self.assertEqual(answer["strategy"], "read")
                self.assertEqual(json.loads(run_cli("explain", "--tempo", tempo.url, "--json", *rule).stdout)["source"]["version"], version)
                junit = run_cli("replay", "--tempo", tempo.url, "--format", "junit", *rule).stdout
                self.assertIn('<property name="source" value="' + text[len("source: "):-1] + '"/>', junit)

    def test_health_names_it(self):
        for version, words in (("3.0.3", "ready\n"), ("3.2.0", f"ready\n  Tempo 3.2.0: {NOT_CHECKED}\n")):
            with SayingTempo(version) as tempo, Betrace("--tempo", tempo.url) as server:
                ended = run_cli("health", "--ready", "--server", f"http://127.0.0.1:{server.port}")
                self.assertEqual((ended.returncode, ended.stdout), (0, words))


if __name__ == "__main__":
    unittest.main(verbosity=1)
