"""Watch on the real Tempo while the wall clock of its machine is set by an hour, forward and back, and then right
again. Watch sends all violations that were planted before, during and after each jump, and none twice. Watch goes
on, is ready, and says of itself nothing that the wrong clock made up. The clock is set for BeTrace alone
(shifted_clock.py): Tempo's stays right, and so does that of the sender."""
import datetime
import os
import re
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo"), HERE]
import prometheus_text  # noqa: E402
import violation_ids  # noqa: E402
from betrace_process import Betrace  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from shifted_clock import ShiftedClock  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402
from test_watch_tempo import CALM, SLOW, Traffic, counter  # noqa: E402

HOUR = 3600
SCALED = ("--watch", "--interval", "500ms", "--settle", "3s", "--sweep", "5s", "--lookback", "12s", "--catchup-max", "3h")
JUMPS = (("set forward", HOUR), ("taken back", 0), ("set back", -HOUR), ("taken forward", 0))
PHASE_SECONDS = 9
LONG = 300  # no duration of this test is as long; an hour is longer


def sent_in(tempo, begin, hashes, traffic):
    """{(rule, trace): [times sent, times taken back]}. Spans are dated by the clock of who sent them, which was an hour off. From 2.10 on no search shows
    what lies in the future (tests/facts/facts_search.py), so the spans that there may be are read by id as well. hashes: {rule: its condition's hash}."""
    found = {}
    ids = set(tempo.search('{ name = "betrace.violation" }', begin - 2 * HOUR, int(time.time()) + 2 * HOUR, limit=10000, spss=100))
    ids |= {violation_ids.derive(rule, hashed, trace)[0] for rule, hashed in hashes.items() for trace in traffic.pushed}
    for trace_id in ids:
        for span in tempo.trace(trace_id) if tempo.trace_raw(trace_id)[0] == 200 else []:
            attributes = span["attrs"]
            entry = found.setdefault((attributes["betrace.violation.rule_id"], attributes["betrace.violation.trace_id"]), [0, 0])
            entry[1 if attributes.get("betrace.violation.retracted") else 0] += 1
    return found


class WatchWhileTheClockIsSet(unittest.TestCase):
    maxDiff = None

    def until(self, condition, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.2)

    def durations(self, service):
        """(what it is, seconds) of everything that the service says lasts, or lasted, so long."""
        yield "uptime", service.get("/v1/health").json()["uptime_seconds"]
        started = service.post("/v1/replays", {"rule_ids": [SLOW["id"]], "start_time": "now-5m", "end_time": "now", "emit": False})
        self.assertEqual(started.status, 202, started)
        yield "a replay", service.wait_job(started.json()["replay_id"], timeout=60)["duration_seconds"]
        for family in prometheus_text.read(service.get("/metrics").body.decode()).values():
            for name, labels, value in family.samples:
                if name.startswith("betrace_") and "seconds" in name and not re.search("timestamp|_bucket|_count|limit|max_age|watch_gap|clock_ahead", name):
                    yield f"{name} {labels}", value

    def check_answers(self, service, jump):
        """What people ask meanwhile is answered, and took as long as it took. All that is wrong is told at the end of the test."""
        self.wrong += [f"{jump}: {what}: {value}" for what, value in self.durations(service) if not 0 <= value < LONG]
        # While the clock is behind, and once it no longer is, watch searches again, and says so: an hour takes a while, as time is scaled down here.
        watch = service.get("/ready").json()["parts"]["watch"]
        if not watch["ready"] and "which it is catching up" not in watch["reason"]:
            self.wrong.append(f"{jump}: {watch}")
        for question in ("violations?", "violations/series?step=1m&"):
            answer = service.get(f"/v1/{question}start=now-5m&end=now")
            if answer.status != 200:
                self.wrong.append(f"{jump}: {question}: {answer}")

    def live_through(self, service, clock, traffic, jump, seconds):
        """A phase: the clock is set while rounds go on; more rounds and violations follow."""
        begun = datetime.datetime.now(datetime.timezone.utc)
        rounds, found = counter(service, "rounds"), counter(service, "violations_found")
        clock.set(seconds)
        time.sleep(PHASE_SECONDS)
        self.assertIsNone(traffic.failure)
        self.until(lambda: counter(service, "rounds") >= rounds + 8, f"{jump}: rounds go on since {begun}")
        self.until(lambda: counter(service, "violations_found") > found, f"{jump}: violations are found")
        self.check_answers(service, jump)

    def gap(self, service):
        return prometheus_text.read(service.get("/metrics").body.decode())["betrace_watch_gap_seconds"].samples[0][2]

    def check_sent(self, tempo, begin, hashes, traffic):
        planted = {(rule, trace) for rule, traces in traffic.truth.items() for trace in traces}

        def open_now():
            return {key for key, (sent, back) in sent_in(tempo, begin, hashes, traffic).items() if sent and not back}
        deadline = time.monotonic() + 120
        while open_now() != planted and time.monotonic() < deadline:
            time.sleep(2)
        self.assertEqual(open_now(), planted, "the violations that are open in Tempo are the planted ones")
        time.sleep(8)  # two sweeps: nothing more is sent
        self.assertEqual(open_now(), planted)
        for key, counts in sent_in(tempo, begin, hashes, traffic).items():
            self.assertLessEqual(max(counts), 1, f"{key}: sent or taken back twice")
        for rule, traces in traffic.truth.items():
            self.assertGreater(len(traces), 5, rule)

    def test_all_is_sent_and_none_twice(self):
        self.wrong = []
        with tempfile.TemporaryDirectory(prefix="betrace-clock-") as folder, TempoServer(config="fast") as tempo:
            begin, clock = int(time.time()) - 5, ShiftedClock(folder)
            with Betrace("--tempo", tempo.url, "--otlp", tempo.otlp_url, *SCALED, env=clock.environment) as service:
                for rule in (SLOW, CALM):
                    self.assertEqual(service.post("/v1/rules", rule).status, 201)
                hashes = {rule["id"]: service.post("/v1/rules/validate", {"dsl": rule["dsl"]}).json()["condition_hash"] for rule in (SLOW, CALM)}
                time.sleep(2)
                traffic = Traffic(tempo)
                traffic.start()
                self.live_through(service, clock, traffic, "before", 0)
                for jump, seconds in JUMPS:
                    self.live_through(service, clock, traffic, jump, seconds)
                traffic.end()
                self.assertIsNone(traffic.failure)
                self.check_sent(tempo, begin, hashes, traffic)
                gap = self.gap(service)
                self.until(lambda: self.gap(service) < gap or not gap, "what is searched again becomes less")
                said = [line for line in service.lines if "the clock was set" in line]
                self.assertGreaterEqual(len(said), 2, "the log says that the clock was set")
                self.assertEqual(self.wrong, [])


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
