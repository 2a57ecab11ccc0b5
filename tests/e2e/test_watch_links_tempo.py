"""Watch on the real Tempo with rules that follow links, and with time scaled down: every message has to be processed within six seconds, and nothing
downstream of it may fail. Some messages are lost. Of some the consumer begins in time and its span comes late: watch has told the violation by then, and
takes it back. Watch is killed in the middle. In the end the violations in Tempo are exactly the planted ones."""
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo"), HERE]
import otlp  # noqa: E402
from betrace_process import Betrace  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402
from test_watch_tempo import counter, violations_in  # noqa: E402

PROCESSED = {"id": "processed", "dsl": 'when { "orders publish" as p } always { "orders process" linked to p within 6s }'}
WELL = {"id": "well", "dsl": 'when { "orders publish" as p } never { span(span.status == error) downstream of p within 6s }'}
SCALED = ("--watch", "--interval", "500ms", "--settle", "3s", "--sweep", "5s", "--lookback", "20s", "--catchup-max", "1h")
KINDS = ("processed", "lost", "processed", "fails", "late", "processed")
MESSAGES, KILLED_AT = 36, 15
LATE_SECONDS = 13  # told by then, and before the second sweep
CONSUMED_NS = 500_000_000


class Queue:
    """Pushes a message every half second, and its consumer with it or later."""

    def __init__(self, tempo):
        self.tempo = tempo
        self.truth, self.undone, self.late = set(), set(), []

    def publish(self, number):
        trace_id, now, kind = otlp.new_trace_id(), time.time_ns(), KINDS[number % len(KINDS)]
        sent = otlp.span(trace_id, "orders publish", now, 10_000_000)
        self.tempo.push([sent], service="shop")
        if kind == "lost":
            self.truth.add((PROCESSED["id"], trace_id))
            return
        if kind == "fails":
            self.truth.add((WELL["id"], trace_id))
        if kind == "late":
            self.undone.add((PROCESSED["id"], trace_id))
        consumer = otlp.span(otlp.new_trace_id(), "orders process", now + CONSUMED_NS, 5_000_000, status="error" if kind == "fails" else "unset",
                             links=[(trace_id, sent["spanId"], {})])
        self.late.append((time.monotonic() + (LATE_SECONDS if kind == "late" else CONSUMED_NS / 1e9), consumer))
        self.consume()

    def consume(self):
        for entry in [entry for entry in self.late if entry[0] <= time.monotonic()]:
            self.late.remove(entry)
            self.tempo.push([entry[1]], service="worker")


class WatchLinksOnTempo(unittest.TestCase):
    maxDiff = None

    def start(self, tempo, db=None):
        service = Betrace("--tempo", tempo.url, "--otlp", tempo.otlp_url, *SCALED, db=db)
        service.start()
        self.addCleanup(lambda: (service.process.poll() is None and service.kill(), service.folder.cleanup()))
        return service

    def wait_for(self, tempo, begin, truth, undone, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            found = violations_in(tempo, begin)
            is_open = {key for key, (sent, back) in found.items() if sent and not back}
            if is_open == truth and undone <= {key for key, (_, back) in found.items() if back}:
                return found
            self.assertLess(time.monotonic(), deadline, f"missing: {sorted(truth - is_open)[:3]}, too many: {sorted(is_open - truth)[:3]}")
            time.sleep(1)

    def test_the_violations_in_tempo_are_the_planted_ones(self):
        with TempoServer(config="fast") as tempo:
            begin = int(time.time()) - 60
            service, queue = self.start(tempo), Queue(tempo)
            for rule in (PROCESSED, WELL):
                self.assertEqual(service.post("/v1/rules", rule).status, 201)
            for number in range(MESSAGES):
                queue.publish(number)
                time.sleep(0.5)
                if number == KILLED_AT:
                    service.kill()
                    service = self.start(tempo, db=service.db)
            while queue.late:
                queue.consume()
                time.sleep(0.2)
            found = self.wait_for(tempo, begin, queue.truth, queue.undone)
            time.sleep(10)  # two more sweeps tell nothing more
            self.assertEqual(violations_in(tempo, begin), found)
            self.assertEqual({key for key, (_, back) in found.items() if back}, queue.undone)
            self.assertEqual({times for counts in found.values() for times in counts} - {0, 1}, set(), "nothing is sent twice")
            self.assertGreater(counter(service, "retractions"), 0)


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
