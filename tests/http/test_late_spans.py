"""A Tempo whose searches may hide spans that came late: answers that decide settle nothing that is younger, and say until when; live ones are as prompt
as ever. Its configuration says how long, else what its version does; the fake one finds nothing, so each answer is about what is not there."""
import datetime
import json
import os
import re
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from evidence import bodies  # noqa: E402
from otlp_receiver import OtlpReceiver  # noqa: E402
from slow_tempo import SPAN, SlowTempo  # noqa: E402
from stub_tempo import StubTempo  # noqa: E402

# As Tempo 3.0.3 shows them by default, and with times that make the wait short.
STOCK = """target: all
query_frontend:
    query_end_cutoff: 30s
    search:
        query_backend_after: 15m0s
        ingester_shards: 3
live_store:
    wal:
        ingestion_time_range_slack: 2m0s
    complete_block_timeout: 20m0s
    flush_check_period: 5s
    max_trace_live: 30s
    max_block_duration: 30s
storage:
    trace:
        blocklist_poll: 5m0s
"""
PROMPT = STOCK.replace("query_backend_after: 15m0s", "query_backend_after: 1h0m0s").replace("slack: 2m0s", "slack: 30m0s").replace("20m0s", "2h0m0s")
# Six seconds after it came a span is in each search.
SHORT = STOCK.replace("15m0s", "1s").replace("5m0s", "0s").replace("2m0s", "0s").replace("30s", "0s").replace("flush_check_period: 5s", "flush_check_period: 0s")
SHORT_HIDDEN = 6
MINUTE, SLOW, CUTOFF = 60, 30, 30
LATENESS, HIDDEN, UNKNOWN_HIDDEN = 15 * MINUTE, 15 * MINUTE + 40, 40 * MINUTE + 35
DSL = "never { x }"


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def age(text):
    return time.time() - moment(text)


class LateSpans(unittest.TestCase):
    def ask(self, command, config, *more):
        with StubTempo(config=config) as tempo:
            return run_cli(command, "--dsl", DSL, "--tempo", tempo.url, *more)

    def coverage(self, command, config, *more):
        answer = json.loads(self.ask(command, config, *more, "--json").stdout)
        return answer["coverage"]

    def assert_about(self, seconds, expected):
        self.assertGreaterEqual(seconds, expected)
        self.assertLess(seconds, expected + SLOW)

    def test_what_is_settled_ends_before_what_may_be_hidden(self):
        for command in ("replay", "first"):
            for config, hidden in ((STOCK, HIDDEN), (None, UNKNOWN_HIDDEN), ("<html>sign in</html>", UNKNOWN_HIDDEN)):
                with self.subTest(command=command, config=config):
                    coverage = self.coverage(command, config, "--since", "3h")
                    self.assert_about(age(coverage["effective_end"]), LATENESS + hidden)
                    self.assert_about(age(coverage["late_until"]), -LATENESS - hidden)

    def test_who_says_that_nothing_comes_late_waits_for_nothing(self):
        for config, more in ((STOCK, ("--lateness", "0s")), (None, ("--lateness", "0s")), (PROMPT, ())):
            for command in ("replay", "first"):
                with self.subTest(command=command, config=config):
                    coverage = self.coverage(command, config, "--since", "1h", *more)
                    self.assert_about(age(coverage["effective_end"]), 2 * MINUTE)
                    self.assertNotIn("late_until", coverage)

    def test_lateness_counts(self):
        coverage = self.coverage("replay", STOCK, "--since", "3h", "--lateness", "40m")
        self.assert_about(age(coverage["effective_end"]), 40 * MINUTE + HIDDEN)

    def test_a_range_that_lies_in_it_whole_is_unknown(self):
        for command, none in (("replay", "shows no trace"), ("first", "none among the traces that it shows")):
            with self.subTest(command=command):
                done = self.ask(command, STOCK, "--since", "20m")
                self.assertEqual(done.returncode, 3, done.stdout)
                self.assertIn("UNKNOWN", done.stdout)
                self.assertRegex(done.stdout, none + r"; until [-0-9T:]+Z it may hide late ones")
                self.assertNotIn("no violation up to", done.stdout)
                self.assertNotIn("0 violations", done.stdout)

    def test_first_says_plainly_what_it_saw_there(self):
        """It lists no traces, so it has no number of them."""
        done = self.ask("first", STOCK, "--since", "3h")
        self.assertRegex(done.stdout, r"from [-0-9T:]+Z on nothing is settled: no violation was seen there so far; until [-0-9T:]+Z late ones may be hidden")
        self.assertNotRegex(done.stdout, r"settled: none[^ ]")

    def test_a_range_before_it_is_as_before(self):
        coverage = self.coverage("replay", STOCK, "--start", "now-3h", "--end", "now-1h")
        self.assertEqual(coverage["effective_end"], coverage["asked"]["end"])
        self.assertNotIn("late_until", coverage)

    def test_no_data_names_what_may_be_hidden(self):
        done = self.ask("replay", STOCK, "--since", "3h")
        self.assertEqual(done.returncode, 3)
        self.assertIn("spans that came too late to be shown yet look the same", done.stdout)

    def test_every_answer_that_decides_waits_and_no_live_one(self):
        with StubTempo(config=STOCK) as tempo, Betrace("--tempo", tempo.url) as server:
            self.assertEqual(server.post("/v1/rules", {"id": "r1", "dsl": DSL}).status, 201)
            started = server.post("/v1/replays", {"rule_ids": ["r1"], "start_time": "now-3h", "end_time": "now"})
            ended = server.wait_job(started.json()["replay_id"])
            first = server.get("/v1/rules/r1/first-violation?start=now-3h").json()
            gate = server.get("/v1/gate?rule_id=r1&by=service.version&baseline=1&candidate=2&start=now-3h").json()
            for what, coverage in (("replay", ended["coverage"]), ("first", first["coverage"]), ("gate", gate["coverage"])):
                with self.subTest(asked=what):
                    self.assert_about(age(coverage["effective_end"]), LATENESS + HIDDEN)
            for path in ("/v1/violations?start=now-1h", "/v1/violations/series?start=now-1h&step=1m"):
                with self.subTest(asked=path):
                    coverage = server.get(path).json()["coverage"]
                    self.assertLess(age(coverage["effective_end"]), 5 * MINUTE)
                    self.assertNotIn("late_until", coverage)
                    step = MINUTE if "step" in path else 0
                    self.assertGreater(age(coverage["provisional_from"]), LATENESS + HIDDEN - 1)
                    self.assertLess(age(coverage["provisional_from"]), LATENESS + HIDDEN + step + SLOW)
            self.assertNotIn("provisional_from", ended["coverage"])

    def test_nothing_is_provisional_where_nothing_is_hidden(self):
        for config, more, query in ((STOCK, ("--lateness", "0s"), "start=now-1h"), (PROMPT, (), "start=now-1h"), (STOCK, (), "start=now-3h&end=now-1h")):
            with self.subTest(config=config, more=more, query=query), StubTempo(config=config) as tempo, Betrace("--tempo", tempo.url, *more) as server:
                server.post("/v1/rules", {"id": "r1", "dsl": DSL})
                for path in ("/v1/violations?", "/v1/violations/series?step=1m&"):
                    self.assertNotIn("provisional_from", server.get(path + query).json()["coverage"])


class LateTempo(SlowTempo):
    """Its traces are in searches from the moment on that a test shows them."""

    def __init__(self, config):
        super().__init__(0, 0, held_seconds=365 * 24 * MINUTE * MINUTE)
        self.config = config.encode()

    def show(self, number, second):
        self.add(number, self.now - second)


class SeriesAreCountedAgain(unittest.TestCase):
    LATENESS, STEP = 8, 5

    def ask(self, server, start):
        times = [datetime.datetime.fromtimestamp(second, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") for second in (start, start + self.STEP)]
        answer = server.get(f"/v1/violations/series?start={times[0]}&end={times[1]}&step={self.STEP}s").json()
        [points] = [one["points"] for one in answer["series"]]
        provisional = answer["coverage"].get("provisional_from")
        return [value for _, value in points], provisional and moment(provisional), answer

    def test_a_step_is_counted_again_once_late_spans_are_shown(self):
        short = ("--lateness", f"{self.LATENESS}s", "--settle", "1s")
        with LateTempo(SHORT) as tempo, Betrace("--tempo", tempo.url, *short) as server:
            self.assertEqual(server.post("/v1/rules", {"id": "r1", "dsl": f"never {{ {SPAN} }}"}).status, 201)
            start = int(time.time()) // self.STEP * self.STEP
            end = start + self.STEP
            tempo.show(1, start)
            time.sleep(max(0, end + 1.1 - time.time()))
            counts, provisional, answer = self.ask(server, start)
            self.assertEqual((counts, provisional), ([1], start), answer)
            tempo.show(2, start + 1)
            self.assertIsNotNone(self.ask(server, start)[1])
            time.sleep(max(0, end + self.LATENESS + SHORT_HIDDEN + 0.1 - time.time()))
            counts, provisional, answer = self.ask(server, start)
            self.assertEqual((counts, provisional), ([2], None), answer)
            self.assertTrue(answer["coverage"]["complete"], answer)


class WatchLooksAgain(unittest.TestCase):
    """Watch counts what is shown and says from when on it will look again, wherever it says how far it has come; `--lookback` cannot make it look too early."""
    LATENESS = 8
    FLAGS = ("--watch", "--interval", "200ms", "--sweep", "0s", "--lookback", "1s", "--settle", "1s")
    NAME = "betrace_watch_provisional_from_timestamp_seconds"

    def serve(self, config, *more):
        tempo, receiver = LateTempo(config), OtlpReceiver()
        for one in (tempo, receiver):
            one.__enter__()
            self.addCleanup(one.__exit__, None, None, None)
        server = Betrace("--tempo", tempo.url, "--otlp", receiver.url, *self.FLAGS, *more)
        server.start()
        self.addCleanup(server.__exit__)
        self.assertEqual(server.post("/v1/rules", {"id": "r1", "dsl": f"@SOC2(controls = {{CC7_2}}) never {{ {SPAN} }}"}).status, 201)
        return tempo, receiver, server

    def metric(self, server, name):
        found = re.search(rf'^{name}\{{tenant=""\}} (\S+)$', server.get("/metrics").body.decode(), re.M)
        return found and float(found.group(1))

    def wait(self, condition, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.1)

    def test_a_violation_that_no_search_showed_within_lookback_is_found(self):
        tempo, _, server = self.serve(SHORT, "--lateness", f"{self.LATENESS}s")
        self.wait(lambda: self.metric(server, "betrace_watch_rounds_total"), "a round")
        at = int(time.time()) + 1
        time.sleep(self.LATENESS + SHORT_HIDDEN)
        self.assertLess(self.metric(server, self.NAME), at)
        tempo.add(1, tempo.now - at)
        self.assertEqual(self.metric(server, "betrace_watch_violations_found_total"), 0)
        self.wait(lambda: self.metric(server, "betrace_watch_violations_found_total") == 1, "the violation is found")
        self.assertLess(self.metric(server, self.NAME), at, "it cannot be read back here, so it counts as not sent")
        self.assertTrue([line for line in server.lines if f"looks at each time once more after {self.LATENESS + SHORT_HIDDEN - 1} s" in line], server.lines)

    def test_every_door_says_from_when_on(self):
        _, receiver, server = self.serve(STOCK)
        self.wait(lambda: self.metric(server, self.NAME), "the metric")
        self.wait(lambda: any(b"betrace.watch.provisional_from_unix_nano" in body for _, _, body in list(receiver.seen)), "a checkpoint says so")
        self.wait(lambda: self.of_report(server)["under_watch"], "the rule is watched")
        for path in ("/ready", "/v1/ready"):
            answer = server.get(path).json()
            part = answer["parts"]["watch"]
            self.assertEqual((answer["status"], part["ready"]), ("ready", True), "it is no fault")
            self.assert_recent(moment(part["provisional_from"]))
        self.assert_recent(self.metric(server, self.NAME))
        done = run_cli("health", "--ready", "--url", f"http://127.0.0.1:{server.port}")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"watch: spans that came late may be missing in what it counted after [-0-9T:.]+Z; it looks again")
        self.assert_recent(moment(self.of_report(server)["provisional_from"]))
        page = server.get("/v1/compliance/reports/soc2?start=now-3h&end=now-2h&format=html").body.decode()
        self.assertIn(" on: spans that came late may be missing", page)

    def of_report(self, server):
        """What a report says of a rule under watch, once a round knew the rule."""
        report = server.get("/v1/compliance/reports/soc2?start=now-3h&end=now-2h").json()
        return bodies(report, "rule")[0]["watch"]

    def assert_recent(self, at):
        """It has watched since a moment ago, and nothing before that."""
        self.assertLess(at, time.time())
        self.assertGreater(at, time.time() - CUTOFF - SLOW)

    def test_nothing_is_said_where_nothing_comes_late(self):
        _, receiver, server = self.serve(STOCK, "--lateness", "0s")
        self.wait(lambda: self.metric(server, "betrace_watch_rounds_total") and any(b"betrace.watch.until" in body for _, _, body in list(receiver.seen)), "it watches")
        self.assertEqual(server.get("/ready").json()["parts"]["watch"], {"ready": True})
        self.assertEqual(self.metric(server, self.NAME), 0)
        self.wait(lambda: self.of_report(server)["under_watch"], "the rule is watched")
        self.assertNotIn("provisional_from", self.of_report(server))
        self.assertNotIn("late", run_cli("health", "--ready", "--url", f"http://127.0.0.1:{server.port}").stdout)
        self.assertFalse([body for _, _, body in receiver.seen if b"provisional_from" in body])


if __name__ == "__main__":
    unittest.main(verbosity=1)
