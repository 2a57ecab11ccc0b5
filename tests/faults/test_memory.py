"""--memory-limit is kept: many large replays at once, of rules that every trace violates, with questions on demand and
series next to them. What the process has resident is held against the account in /metrics all the time, and
afterwards the memory is the system's again. A trace whose linked traces do not fit is named.

Traces come from a file, so that nothing is measured but the service; with --tempo from a real Tempo, whose answers are read and decoded meanwhile. Bytes are asserted,
and no time is.
"""
import datetime
import json
import os
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import Betrace, has_sanitizer, run_cli  # noqa: E402
import prometheus_text  # noqa: E402
from trace_files import span, trace, trace_id  # noqa: E402

SHORT, TEMPO = "--short" in sys.argv, "--tempo" in sys.argv
MIB = 2**20
TRACES, RULES, REPLAYS, LIMIT_MIB = (1_000, 30, 6, 16) if TEMPO and SHORT else (2_000, 30, 12, 32) if SHORT else (5_000, 30, 20, 128) if TEMPO else (20_000, 30, 50, 256)
# Besides the account: the program, its threads and traces that are read, and what the C library keeps between what is used.
# Of a Tempo the answers, of which --tempo-concurrency come at once, and what is made of them.
SLACK_MIB, SLACK_RATIO = 34 + (64 if TEMPO else 0), 1.03
LEFT_MIB = 24  # more than before the first replay and what is held still, when all were deleted
START, END = "2026-03-09T12:00:00Z", "2026-03-10T12:00:00Z"
RANGE = {"start_time": START, "end_time": END}
PATIENCE = 1200 if TEMPO or not SHORT else 600
if TEMPO:
    from run_tempo import TempoServer
    # Three minutes back, so that every trace is settled.
    newest = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - datetime.timedelta(minutes=3)
    START, END = ((newest - datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ") for hours in (24, 0))
    RANGE = {"start_time": START, "end_time": END}


class Memory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-memory-")
        cls.addClassCleanup(cls.folder.cleanup)
        to = cls.start_tempo() if TEMPO else ("--out", os.path.join(cls.folder.name, "traces.pb"))
        cls.source = ("--tempo", cls.tempo.url) if TEMPO else ("--traces", to[1])
        made = run_cli("generate", "--traces", TRACES, "--violations", 20, "--end", END, "--since", "24h", *to, timeout=PATIENCE)
        assert made.returncode == 0, made.stderr
        if TEMPO:
            start, end = (int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()) for text in (START, END))
            cls.tempo.wait_until(lambda: len(cls.tempo.search("{}", start - 600, end + 600, limit=100_000, spss=1)) >= TRACES, "searchable")

    @classmethod
    def start_tempo(cls):
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        return "--otlp", cls.tempo.otlp_url

    def start_service(self):
        server = Betrace(*self.source, "--memory-limit", f"{LIMIT_MIB}MiB")
        server.start()
        self.addCleanup(server.__exit__)
        for i in range(RULES):
            answer = server.post("/v1/rules", {"id": f"r{i:02}", "dsl": f'not trace.has(span.name == "nothing-{i}")', "labels": {"of": "memory"}})
            self.assertEqual(answer.status, 201, answer)
        return server

    # ---- figures ----

    @staticmethod
    def resident(server):
        with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) * 1024

    @staticmethod
    def figures(server):
        """{kind: bytes} of the account, the most that all of them ever were, its limit, and replays by state."""
        families = prometheus_text.read(server.get("/metrics").body.decode())
        held = {labels["kind"]: value for _, labels, value in families["betrace_memory_held_bytes"].samples}
        states = {labels["state"]: value for _, labels, value in families["betrace_replays"].samples}
        return held, families["betrace_memory_most_bytes"].samples[0][2], families["betrace_memory_limit_bytes"].samples[0][2], states

    def watch(self, server):
        """Until no replay is left: the account is never over its limit, and what is resident never far from it. Returns the most of both, and the kinds seen."""
        most_held, most_resident, kinds, begun = 0, 0, set(), time.monotonic()
        deadline, self.seen = begun + PATIENCE, []
        while True:
            held, most, limit, states = self.figures(server)
            resident = self.resident(server)
            self.assertEqual(limit, LIMIT_MIB * MIB)
            most_held, most_resident = max(most_held, sum(held.values())), max(most_resident, resident)
            self.seen.append((time.monotonic() - begun, resident, sum(held.values())))
            kinds |= {kind for kind, value in held.items() if value}
            if not has_sanitizer():
                self.assertLess(resident, SLACK_RATIO * limit + SLACK_MIB * MIB, held)
            self.assertLessEqual(sum(held.values()), most, held)
            self.assertLessEqual(most, limit, held)  # also between two looks
            if not states["queued"] + states["running"]:
                return most_held, most_resident, kinds
            self.assertLess(time.monotonic(), deadline, states)
            time.sleep(0.02)

    # ---- what is asked ----

    def submit(self, server, body, tenant=None):
        answer = server.post("/v1/replays", body, headers={"X-Scope-OrgID": tenant} if tenant else None)
        self.assertEqual(answer.status, 202, answer)
        return answer.json()["replay_id"]

    def ask_beside(self, server, ended):
        """Pages and series, as people ask for them meanwhile. Each is answered, in full or with its reason."""
        wrong = []
        while not ended.is_set():
            for path in (f"/v1/violations?start={START}&end={END}&limit=100&timeout=2s", f"/v1/violations/series?start={START}&end={END}&step=1h&timeout=2s"):
                answer = server.get(path)
                if answer.status not in (200, 503):
                    wrong.append(answer)
                ended.wait(10 if TEMPO else 0)  # or all that a small Tempo can do would be answers that are cut short
        self.wrong = wrong

    def test_many_large_replays(self):
        server = self.start_service()
        before = self.resident(server)
        ended = threading.Event()
        asker = threading.Thread(target=self.ask_beside, args=(server, ended))
        ids = [self.submit(server, dict(RANGE, labels={"of": "memory"})) for _ in range(REPLAYS)]
        asker.start()
        try:
            most_held, most_resident, kinds = self.watch(server)
        finally:
            ended.set()
            asker.join()
        self.assertEqual(self.wrong, [])
        self.assertLessEqual({"replays", "reads", "violations", "series"}, kinds)
        print(f"{REPLAYS} replays x {RULES} rules x {TRACES} traces, {LIMIT_MIB} MiB: resident {most_resident / MIB:.0f} MiB at most, the account {most_held / MIB:.1f}",
              file=sys.stderr)
        for i in range(0, len(self.seen), max(1, len(self.seen) // 8)):
            seconds, resident, held = self.seen[i]
            print(f"  after {seconds:6.1f} s: resident {resident / MIB:5.0f} MiB, the account {held / MIB:5.1f}", file=sys.stderr)
        self.check_ends(server, ids)
        for replay_id in ids:
            server.delete(f"/v1/replays/{replay_id}")
        left, held = self.wait_until_returned(server, before)
        print(f"resident before {before / MIB:.0f} MiB, after all were deleted {left / MIB:.0f}; the account then {held / MIB:.0f}", file=sys.stderr)

    def check_ends(self, server, ids):
        """Those that are kept are complete, or say why not; and the last one is kept."""
        kept = [answer.json() for answer in (server.get(f"/v1/replays/{replay_id}") for replay_id in ids) if answer.status == 200]
        self.assertTrue(kept)
        for status in kept:
            is_full = status["status"] == "incomplete" and status["reason"].startswith("results_full: ")
            self.assertTrue(is_full or status["status"] == "completed", json.dumps(status)[:500])
            self.assertEqual(status["coverage"]["complete"], status["status"] == "completed")

    def wait_until_returned(self, server, before):
        """What is held still is pages that somebody may go on with, for some minutes."""
        deadline = time.monotonic() + 90  # once a minute all is given back, however little
        while True:
            held = self.figures(server)[0]
            resident, total = self.resident(server), sum(held.values())
            if not held["replays"] + held["reads"] and (resident < before + total + LEFT_MIB * MIB or has_sanitizer()):
                return resident, total
            self.assertLess(time.monotonic(), deadline, f"{resident / MIB:.0f} MiB are left, {before / MIB:.0f} were there before: {held}")
            time.sleep(0.1)

    def test_a_small_replay_of_another_tenant_ends(self):
        """Whoever fills the memory does not take the last of it from those who need little."""
        server = self.start_service()
        loud = [self.submit(server, dict(RANGE, dsl='not trace.has(span.name == "nothing")'), "loud") for _ in range(4)]
        quiet = self.submit(server, dict(RANGE, dsl='trace.has(span.name == "nothing")'), "quiet")
        deadline = time.monotonic() + PATIENCE
        while True:
            status = server.get(f"/v1/replays/{quiet}", headers={"X-Scope-OrgID": "quiet"}).json()
            if status["status"] not in ("queued", "running"):
                break
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assertEqual(status["status"], "completed", status)
        self.watch(server)
        self.assertTrue(loud)


class Families(unittest.TestCase):
    """Rules over links: one message has many large traces that link to it, others have one, and one has none."""
    AUDITS, BYTES, MESSAGES = 800, 30_000, 40
    LIMIT_MIB = 16

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-memory-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.path = os.path.join(cls.folder.name, "linked.jsonl")
        with open(cls.path, "w", encoding="utf-8") as file:
            for number in range(1, cls.MESSAGES + 1):
                file.write(trace(number, span("publish", id=f"{number:016x}"), at=number * 1000))
                if number > 2:
                    file.write(trace(1000 + number, span("process", links=[(number, f"{number:016x}")]), at=number * 1000 + 5))
            for number in range(cls.AUDITS):
                file.write(trace(10_000 + number, span("audit", links=[(1, f"{1:016x}")], body="x" * cls.BYTES), at=2000))

    def replay(self, server):
        start, end = "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"
        body = {"dsl": "when { publish as p } always { process linked to p within 10m }", "start_time": start, "end_time": end}
        answer = server.post("/v1/replays", body)
        self.assertEqual(answer.status, 202, answer)
        return answer.json()["replay_id"]

    def wait_for(self, server, replay_id):
        deadline = time.monotonic() + PATIENCE
        while True:
            status = server.get(f"/v1/replays/{replay_id}").json()
            if status["status"] not in ("queued", "running"):
                return status
            self.assertLess(time.monotonic(), deadline, status)
            time.sleep(0.02)

    def test_a_family_that_does_not_fit(self):
        """Its trace is named, and nothing is said of it; others are judged, and so is the next replay of what fits."""
        with Betrace("--traces", self.path, "--memory-limit", f"{self.LIMIT_MIB}MiB") as server:
            for replay_id in [self.replay(server) for _ in range(6)]:
                status = self.wait_for(server, replay_id)
                self.assertEqual(status["status"], "incomplete", status)
                self.assertIn(f"trace {trace_id(1)}: results_full: ", status["reason"])
                self.assertFalse(status["coverage"]["complete"])
                self.assertEqual((status["violations_found"], status["inconclusive"]), (1, 1), status)
                found = server.get(f"/v1/replays/{replay_id}/violations").json()["violations"]
                self.assertEqual([one["trace_id"] for one in found], [trace_id(2)])
            most = Memory.figures(server)[1]
            self.assertLessEqual(most, self.LIMIT_MIB * MIB)
            self.assertGreater(most, self.LIMIT_MIB * MIB // 8, "families are not in the account")
            if not has_sanitizer():
                self.assertLess(Memory.resident(server), SLACK_RATIO * self.LIMIT_MIB * MIB + SLACK_MIB * MIB)
            self.assertEqual(Memory.figures(server)[0]["reads"], 0)

    def test_with_more_memory_it_fits(self):
        with Betrace("--traces", self.path, "--memory-limit", "256MiB") as server:
            status = self.wait_for(server, self.replay(server))
            self.assertEqual((status["status"], status["violations_found"], status["inconclusive"]), ("completed", 2, 0), status)


if __name__ == "__main__":
    unittest.main(argv=[argument for argument in sys.argv if argument not in ("--short", "--tempo")], verbosity=1)
