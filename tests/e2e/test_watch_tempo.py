"""Watch on the real Tempo, with time scaled down: traffic for more than a minute, with trouble in it. A receiver
answers 429, one takes requests and never answers, a kill -9 and a restart, a Tempo that is gone and one that
restarts. Then an absence longer than lookback, and late spans that undo or make a violation. In the end the
violations in Tempo are exactly the planted ones. The second test: two watchers share the traces of a Tempo whose
search shows new spans late."""
import os
import re
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from betrace_process import Betrace  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from switch_proxy import SwitchProxy  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SLOW = {"id": "slow-no-retry", "name": "slow", "dsl": "when { db.slow } always { retry }", "severity": "critical"}
# With these watch asks one search for all traces in place of its filters; nothing violates them.
OTHERS = [{"id": f"other-{number}", "dsl": f"when {{ other.n{number} }} always {{ done }}"} for number in range(20)]
CALM = {"id": "no-panic", "name": "calm", "dsl": "when { db.slow } never { panic }"}
SCALED = ("--watch", "--interval", "500ms", "--settle", "3s", "--sweep", "5s", "--lookback", "12s", "--catchup-max", "1h")
AWAY_SECONDS = 36  # three lookbacks
LATE_SECONDS = 7
LATEST_SECONDS = 11  # what comes later than lookback is out of watch's reach; a span that was held up for so long is not pushed any more


class Traffic(threading.Thread):
    """Pushes two traces a second until end(); the late spans of some come LATE_SECONDS later. truth: {rule id: trace ids that violate in the end}."""

    def __init__(self, tempo):
        super().__init__(daemon=True)
        self.tempo = tempo
        self.is_ending = False
        self.truth = {SLOW["id"]: set(), CALM["id"]: set()}
        self.undone = set()
        self.pushed = []
        self.late = []  # (time of the trace, its id, the span)
        self.failure = None
        self.pause = threading.Lock()  # held while nothing may be pushed

    def run(self):
        try:
            number = 0
            while not self.is_ending or self.late:
                with self.pause:
                    if not self.is_ending:
                        self.push_trace(number)
                        number += 1
                    self.push_late()
                time.sleep(0.5)
        except Exception as error:  # told by the test
            self.failure = error

    def push_trace(self, number):
        trace_id, now = otlp.new_trace_id(), time.time_ns()
        retry = otlp.span(trace_id, "retry", now + 200_000_000)
        spans = [otlp.span(trace_id, "db.slow", now, 100_000_000)]
        kind = ("clean", "violates", "clean", "undone", "clean", "made late")[number % 6]
        if kind == "violates":
            self.truth[SLOW["id"]].add(trace_id)
        elif kind == "undone":
            self.undone.add(trace_id)
            self.late.append((time.time(), trace_id, retry))
        else:
            spans.append(retry)
        if kind == "made late":
            self.truth[CALM["id"]].add(trace_id)
            self.late.append((time.time(), trace_id, otlp.span(trace_id, "panic", now + 300_000_000)))
        self.pushed.append(trace_id)
        self.tempo.push(spans, service="shop")

    def push_late(self):
        for entry in [entry for entry in self.late if entry[0] + LATE_SECONDS <= time.time()]:
            begin, trace_id, span = entry
            self.late.remove(entry)
            if time.time() - begin < LATEST_SECONDS:
                self.tempo.push([span], service="shop")
            elif trace_id in self.undone:  # it stays without its retry
                self.undone.discard(trace_id)
                self.truth[SLOW["id"]].add(trace_id)
            else:
                self.truth[CALM["id"]].discard(trace_id)

    def end(self):
        self.is_ending = True
        self.join()


def violations_in(tempo, begin):
    """{(rule id, violating trace id): [times emitted, times taken back]} of what Tempo holds, every copy counted."""
    found = {}
    for trace_id in tempo.search('{ name = "betrace.violation" }', begin, int(time.time()) + 60, limit=10000, spss=100):
        for span in tempo.trace(trace_id):
            attrs = span["attrs"]
            entry = found.setdefault((attrs["betrace.violation.rule_id"], attrs["betrace.violation.trace_id"]), [0, 0])
            entry[1 if attrs.get("betrace.violation.retracted") else 0] += 1
    return found


def taken_back_in(found):
    return {trace for (_, trace), (_, back) in found.items() if back}


def counter(service, name):
    """The value of betrace_watch_<name>_total."""
    return int(re.search(rf"^betrace_watch_{name}_total\{{[^}}]*\}} (\d+)", service.get("/metrics").body.decode(), re.M).group(1))


class WatchOnTempo(unittest.TestCase):
    def start(self, tempo_url, otlp_url, db=None, more=()):
        service = Betrace("--tempo", tempo_url, "--otlp", otlp_url, *SCALED, *more, db=db)
        service.start()
        self.addCleanup(lambda: (service.process.poll() is None and service.kill(), service.folder.cleanup()))
        return service

    def wait_for(self, tempo, begin, truth, undone, seconds):
        """Until what is open in Tempo is what was planted, and stays so over two sweeps."""
        deadline, agreed_since = time.time() + seconds, None
        while True:
            found = violations_in(tempo, begin)
            open_now = {key for key, (sent, back) in found.items() if sent and not back}
            planted = {(rule, trace) for rule, traces in truth.items() for trace in traces}
            if open_now != planted:
                agreed_since = None
            elif agreed_since is None:
                agreed_since = time.time()
            if agreed_since and time.time() - agreed_since > 8:
                break
            self.assertLess(time.time(), deadline, f"missing {len(planted - open_now)}: {sorted(planted - open_now)[:3]}, "
                            f"too many {len(open_now - planted)}: {sorted(open_now - planted)[:3]}")
            time.sleep(1)
        taken_back = taken_back_in(found)
        self.assertLessEqual(taken_back, undone)
        for key, counts in found.items():
            self.assertLessEqual(max(counts), 1, key)
        return taken_back

    def test_the_violations_in_tempo_are_the_planted_ones(self):
        with TempoServer(config="fast") as tempo, SwitchProxy(tempo.url) as queries, SwitchProxy(tempo.otlp_url) as pushes:
            begin = int(time.time()) - 5
            service = self.start(queries.url, pushes.url)
            for rule in (SLOW, CALM, *OTHERS):
                self.assertEqual(service.post("/v1/rules", rule).status, 201)
            time.sleep(2)
            traffic = Traffic(tempo)
            traffic.start()
            time.sleep(5)
            pushes.mode = "429"
            time.sleep(5)
            self.stall(pushes, queries, service)
            self.until(lambda: len(taken_back_in(violations_in(tempo, begin))) > 2, "violations that were taken back", seconds=120)
            service.kill()
            time.sleep(3)
            service = self.start(queries.url, pushes.url, db=service.db)
            time.sleep(4)
            queries.mode = "refuse"
            time.sleep(4)
            self.assertEqual(service.get("/ready").status, 503)
            queries.mode = "pass"
            time.sleep(3)
            with traffic.pause:
                tempo.restart()
            time.sleep(3)
            service.kill()
            time.sleep(AWAY_SECONDS)
            service = self.start(queries.url, pushes.url, db=service.db)
            traffic.end()
            self.assertIsNone(traffic.failure)
            taken_back = self.wait_for(tempo, begin, traffic.truth, traffic.undone, 120)
            self.assertGreater(len(taken_back), 2, "the test has to have seen violations that were taken back")
            for traces in traffic.truth.values():
                self.assertGreater(len(traces), 2, "violations of either rule were planted")
            self.check_metrics(service)
            service.stop()

    def stall(self, pushes, queries, service):
        """A receiver that never answers, until it holds a request; evaluation goes on meanwhile: rounds are made and violations are found."""
        pushes.mode = "stall"
        self.until(lambda: pushes.stalled, "a request is stalled")
        rounds, requests = counter(service, "rounds"), queries.requests
        found = counter(service, "violations_found")
        self.until(lambda: counter(service, "rounds") >= rounds + 4 and counter(service, "violations_found") > found and queries.requests > requests,
                   "rounds and violations while the receiver is silent")
        self.assertGreater(pushes.stalled, 0, "the first request is still without an answer")
        pushes.mode = "pass"

    def until(self, condition, what, seconds=25):
        """The default is shorter than the client waits for an answer."""
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.1)

    def check_metrics(self, service):
        text = service.get("/metrics").body.decode()
        total = re.search(r'^betrace_violations_total\{[^}]*rule_id="slow-no-retry"[^}]*\} (\d+)', text, re.M)
        self.assertIsNotNone(total, text[:2000])
        self.assertGreater(int(total.group(1)), 0)
        parts = service.get("/ready").json()["parts"]
        self.assertTrue(parts["watch"]["ready"], parts)

    def test_two_watchers_of_a_tempo_that_shows_spans_late(self):
        with TempoServer(config="fast") as tempo, SwitchProxy(tempo.url, search_delay=5) as queries:
            begin = int(time.time()) - 5
            services = []
            for replica in (0, 1):
                services.append(self.start(queries.url, tempo.otlp_url, more=("--replicas", 2, "--replica", replica)))
                for rule in (SLOW, CALM):
                    self.assertEqual(services[-1].post("/v1/rules", rule).status, 201)
            time.sleep(2)
            traffic = Traffic(tempo)
            traffic.start()
            time.sleep(12)
            traffic.end()
            self.assertIsNone(traffic.failure)
            self.wait_for(tempo, begin, traffic.truth, traffic.undone, 90)
            for service in services:
                service.stop()


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
