"""`GET /v1/changes` says what `betrace changed --json` says. What was not read, or is too little, never reads as "as before"."""
import json
import os
import socket
import sys
import tempfile
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support")]
from betrace_process import Betrace, run_cli  # noqa: E402
from slow_tempo import SlowTempo  # noqa: E402
from trace_files import span, trace  # noqa: E402

START, AROUND, END = "2026-03-09T12:00:00Z", "2026-03-10T06:00:00Z", "2026-03-10T12:00:00Z"
RANGE = {"start": START, "end": END}
VERSIONS = {"baseline": "service.version=1.4.2", "candidate": "service.version=1.4.3"}


class HalfTempo(SlowTempo):
    """Refuses, if it is broken, to search what is older than 90 min."""

    def __init__(self, new, is_broken):
        super().__init__(new, 0)
        self.released.set()
        self.is_broken = is_broken

    def search(self, target):
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)
        is_old = int(asked.get("start", [self.now])[0]) < self.now - self.held_seconds
        return (400, "text/plain", b"no") if self.is_broken and is_old else super().search(target)


class ChangesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.traces = cls.path("t.jsonl")
        done = run_cli("generate", "--traces", "4000", "--end", END, "--out", cls.traces)
        assert done.returncode == 0, done.stderr
        cls.service = cls.enterClassContext(Betrace("--traces", cls.traces))

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    def get(self, query, service=None):
        return (service or self.service).get("/v1/changes?" + urllib.parse.urlencode(query))

    def ask(self, query, service=None):
        answer = self.get(query, service)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def command(self, query):
        done = run_cli("changed", "--traces", self.traces, *(part for name, value in query.items() for part in ("--" + name, value)), "--json")
        return json.loads(done.stdout)

    def refused(self, query, service=None):
        answer = self.get(query, service)
        self.assertEqual(answer.status, 400, answer)
        return {one["field"]: one["message"] for one in answer.json()["errors"]}

    # ---- what it says ----

    def test_it_says_what_the_command_says(self):
        for query in ({"around": AROUND}, VERSIONS, {"candidate": VERSIONS["candidate"]}, {"around": AROUND, "sample": "900", "seed": "7"},
                      {"baseline": f"{START}..{AROUND}", "candidate": f"{AROUND}..{END}"}):
            with self.subTest(query):
                answer = self.ask(RANGE | query)
                self.assertEqual(answer, self.command(RANGE | query))
                self.assertEqual(answer["status"], "changed")
                self.assertTrue(any("payment.process" in change["text"] for change in answer["changes"]), answer["changes"])

    def test_its_lines_are_those_that_the_command_prints(self):
        lines = [change["text"] for change in self.ask(RANGE | {"around": AROUND})["changes"]]
        printed = run_cli("changed", "--traces", self.traces, "--start", START, "--end", END, "--around", AROUND).stdout
        self.assertEqual(lines, [line for line in printed.splitlines() if "→" in line])
        self.assertIn("; all in 1.4.3, eu-west-1", lines[0])

    def test_versions_are_told_with_their_first_traces(self):
        seen = {(one["service"], one["version"]): one for one in self.ask(RANGE | {"around": AROUND})["versions"]}
        old, new = seen["payment-service", "1.4.2"], seen["payment-service", "1.4.3"]
        self.assertLess(old["first"], AROUND)
        self.assertGreaterEqual(new["first"], AROUND)
        self.assertLess(new["first"], "2026-03-10T06:30")
        self.assertGreater(new["last"], "2026-03-10T11:30")
        self.assertLess(new["traces"], old["traces"])
        self.assertEqual(self.ask(RANGE | {"baseline": f"{START}..2026-03-09T20:00:00Z", "candidate": f"2026-03-09T20:00:00Z..{AROUND}"})["versions"], [],
                         "nobody has a second version there")

    def test_a_trace_that_was_sampled_is_said(self):
        self.assertIn("sampling not declared", self.ask(RANGE | {"around": AROUND})["sampling"]["text"])
        with Betrace("--traces", self.traces, "--sampling", "declared=10%") as service:
            self.assertIn("traces are a 10 % sample, as --sampling declared=10% says", self.ask(RANGE | {"around": AROUND}, service)["sampling"]["text"])
        with Betrace("--traces", self.traces, "--sampling", "none") as service:
            self.assertEqual(self.ask(RANGE | {"around": AROUND}, service)["sampling"]["text"], "")

    def test_a_store_is_asked_by_its_name(self):
        with SlowTempo(60, 0) as tempo, Betrace("--traces", self.traces, "--named-store", f"away=tempo+{tempo.url}", "--settle", "1m") as service:
            query = {"start": "now-1h", "around": str(tempo.now - 620)}
            told = [self.ask(query | store, service) for store in ({"store": "away"}, {"store": "default"}, {})]
            self.assertEqual([(one["baseline_traces"], one["candidate_traces"]) for one in told], [(39, 21), (0, 0), (0, 0)])
            self.assertIn("nowhere", self.refused(RANGE | {"around": AROUND, "store": "nowhere"}, service)["store"])

    # ---- what it does not know ----

    def test_few_traces_are_unknown(self):
        path = self.path("few.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(trace(number, span("order"), span("charge", at=1), at=number * 1000) for number in range(1, 50))
        with Betrace("--traces", path) as service:
            query = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:01:00Z", "around": "2026-01-01T00:00:30Z"}
            answer = self.ask(query, service)
            self.assertEqual((answer["status"], answer["reason"], answer["baseline_traces"]), ("unknown", "the baseline has too few traces", 29))
            answer = self.ask(query | {"around": "2026-01-01T00:00:45Z"}, service)
            self.assertEqual((answer["status"], answer["reason"]), ("unknown", "the candidate has too few traces"))

    def test_no_trace_is_unknown(self):
        answer = self.ask({"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z", "around": "2020-01-01T12:00:00Z"})
        self.assertEqual((answer["status"], answer["changes"], answer["baseline_traces"], answer["versions"]), ("unknown", [], 0, []))

    def test_a_source_that_is_gone_is_unknown(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            with Betrace("--tempo", f"http://127.0.0.1:{closed.getsockname()[1]}") as service:
                answer = self.ask({"start": "now-2h", "around": "now-1h", "timeout": "10s"}, service)
        self.assertEqual((answer["status"], answer["changes"]), ("unknown", []))
        self.assertTrue(answer["reason"])

    def test_it_ends_when_its_time_is_over(self):
        with SlowTempo(60, 60) as tempo, Betrace("--tempo", tempo.url) as service:
            try:  # the answer comes while the Tempo still holds what it was asked
                answer = self.ask({"start": "now-4h", "around": "now-1h", "timeout": "1s"}, service)
            finally:
                tempo.released.set()
        self.assertEqual((answer["status"], answer["changes"]), ("unknown", []))
        self.assertIn("time was over", answer["reason"])

    def test_a_part_that_was_not_read_is_not_as_before(self):
        for is_broken in (False, True):
            with HalfTempo(200, is_broken) as tempo, Betrace("--tempo", tempo.url, "--settle", "1m") as service:
                answer = self.ask({"start": "now-4h", "around": str(tempo.now - 700), "timeout": "30s"}, service)
            self.assertEqual((answer["baseline_traces"], answer["candidate_traces"], answer["changes"]), (99, 101, []), answer["reason"])
            self.assertEqual(answer["status"], "unknown" if is_broken else "as_before", answer["reason"])
            self.assertEqual(bool(answer["not_read"]), is_broken)

    def test_what_is_not_settled_is_left_out(self):
        with SlowTempo(60, 0) as tempo, Betrace("--tempo", tempo.url, "--settle", "30m") as service:
            answer = self.ask({"start": "now-1h", "around": "now-11m"}, service)
        self.assertEqual(answer["status"], "unknown")
        self.assertLess(answer["sides"]["candidate"]["end"], answer["sides"]["candidate"]["start"])

    # ---- what is refused ----

    def test_what_is_wrong_is_named(self):
        self.assertEqual(set(self.refused({"start": "yesterday", "sample": "0", "seed": "x", "timeout": "2m"})), {"start", "sample", "seed", "timeout"})
        self.assertIn("between start and end", self.refused(RANGE | {"around": "2026-03-11T00:00:00Z"})["around"])
        self.assertIn("is needed", self.refused(RANGE)["around"])
        self.assertIn("is needed", self.refused(RANGE | {"baseline": "a=b"})["around"])
        self.assertIn("one or the other", self.refused(RANGE | {"around": AROUND, "candidate": "a=b"})["around"])
        self.assertEqual(set(self.refused(RANGE | {"baseline": "1.4.2", "candidate": "now..now-1h"})), {"baseline", "candidate"})
        self.assertEqual(self.get(RANGE | {"around": AROUND, "nosuch": "1"}).status, 400)
        with Betrace("--traces", self.traces, "--max-range", "12h") as service:
            answer = self.refused({"start": AROUND, "end": END, "baseline": f"{START}..{AROUND}", "candidate": f"{AROUND}..{END}"}, service)
        self.assertEqual(set(answer), {"baseline"})

    def test_without_room_it_is_busy(self):
        with Betrace("--traces", self.traces, "--memory-limit", "4MiB") as service:
            answer = self.get(RANGE | {"around": AROUND}, service)
            self.assertEqual(answer.status, 503)
            self.assertIn("retry-after", answer.headers)
            self.assertIn("--memory-limit for the samples of what changed", answer.json()["detail"])

    def test_what_it_held_is_given_back(self):
        self.ask(RANGE | {"around": AROUND})
        held = [line for line in self.service.get("/metrics").body.decode().splitlines() if line.startswith('betrace_memory_held_bytes{kind="reads"}')]
        self.assertEqual([line.split()[-1] for line in held], ["0"])


if __name__ == "__main__":
    unittest.main()
