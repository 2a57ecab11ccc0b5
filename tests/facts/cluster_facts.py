"""What a Tempo 2.8 of several processes answers while an ingester is away: 500, or less than there is without a word. Decision on it: DECISIONS 220 to 222; docs/operations/tempo.md has
what follows for settings.

With replication factor 3 one may be away and nothing is missing; two, and every question is refused. With factor 1 it is refused as long as the ring knows the ingester:
one that ends in an orderly way, or is forgotten, takes its spans along in silence.
"""
import collections
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tempo"))
import otlp  # noqa: E402  (the folder must be on the path first)
from run_cluster import INGESTERS, TempoCluster  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND = 1_000_000_000
TRACES, BY_ID = 60, 12


class ClusterFacts(unittest.TestCase):
    def start(self, *settings, **more):
        self.tempo = TempoCluster(*settings, **more).start()
        self.addCleanup(self.tempo.stop)
        return self.tempo

    def push(self, label):
        """Traces of two spans each, in one push; returns their ids when all are searchable."""
        began = time.time_ns() - 60 * SECOND
        ids, spans = [otlp.new_trace_id() for _ in range(TRACES)], []
        for trace_id in ids:
            root = otlp.new_span_id()
            spans += [otlp.span(trace_id, label, began, span_id=root), otlp.span(trace_id, "leaf", began + SECOND, parent=root)]
        self.tempo.push(spans)
        self.tempo.wait_until(lambda: self.ask_search(label, ids) == TRACES, f"{label} is searchable")
        return ids

    def search(self, query):
        """Spans that are found, or the status that is not 200."""
        now = int(time.time())
        status, _, body = self.tempo.get("/api/search", {"q": query, "start": now - 900, "end": now + 1, "limit": 10000})
        if status != 200:
            return status
        rows = json.loads(body).get("traces") or []
        return sum(len(one["spans"]) for row in rows for one in row["spanSets"])

    def ask_search(self, label, _):
        return self.search(f'{{ name = "{label}" }} | by(span:id)')

    def ask_batch(self, _, ids):
        names = "|".join(trace_id.lstrip("0") for trace_id in ids)
        return self.search(f'{{ trace:id =~ "{names}" }} | by(span:id) | by(kind) | select(name)')

    def ask_by_id(self, _, ids):
        """What the first reads give: {spans: of so many traces}, or the one status of all of them that is not 200."""
        counts = collections.Counter()
        for trace_id in ids[:BY_ID]:
            status, answer = self.tempo.trace_raw(trace_id)
            counts[len(otlp.flat_spans(answer.get("trace") or {})) if status == 200 else f"status {status}"] += 1
        return dict(counts)

    def assert_whole(self, label, ids):
        self.assertEqual((self.ask_search(label, ids), self.ask_batch(label, ids), self.ask_by_id(label, ids)), (TRACES, 2 * TRACES, {2: BY_ID}))

    def assert_refused(self, label, ids):
        self.assertEqual((self.ask_search(label, ids), self.ask_batch(label, ids), self.ask_by_id(label, ids)), (500, 500, {"status 500": BY_ID}))

    def assert_less_in_silence(self, label, ids):
        """All three answer 200 with a part; a read by id has an empty trace."""
        searched, batch, by_id = self.ask_search(label, ids), self.ask_batch(label, ids), self.ask_by_id(label, ids)
        self.assertTrue(0 < searched < TRACES, searched)
        self.assertEqual(batch, 2 * searched)
        self.assertLessEqual(set(by_id), {0, 2})

    def test_factor_3(self):
        tempo = self.start(3)
        ids = self.push("x")
        tempo.kill("ingester-1")
        self.assert_whole("x", ids)
        tempo.wait_ring({"ingester-1": "UNHEALTHY"})
        self.assert_whole("x", ids)
        tempo.kill("ingester-2")
        self.assert_refused("x", ids)
        tempo.wait_ring({"ingester-2": "UNHEALTHY"})
        self.assert_refused("x", ids)
        tempo.forget("ingester-1")
        tempo.forget("ingester-2")
        self.assert_refused("x", ids)

    def test_factor_1_and_an_ingester_that_is_killed(self):
        tempo = self.start(1)
        ids = self.push("x")
        tempo.kill("ingester-1")
        self.assert_refused("x", ids)
        tempo.wait_ring({"ingester-1": "UNHEALTHY"})
        self.assert_refused("x", ids)
        tempo.forget("ingester-1")
        self.assert_less_in_silence("x", ids)

    def test_factor_1_and_an_ingester_that_ends_in_an_orderly_way(self):
        tempo = self.start(1)
        ids = self.push("x")
        tempo.end("ingester-1")
        tempo.wait_ring({"ingester-1": None})
        self.assert_less_in_silence("x", ids)

    def test_it_is_refused_where_the_ring_keeps_it(self):
        tempo = self.start(1, UNREGISTER="false")
        ids = self.push("x")
        tempo.end("ingester-1")
        self.assert_refused("x", ids)
        tempo.wait_ring({"ingester-1": "UNHEALTHY"})
        self.assert_refused("x", ids)

    def test_an_index_of_blocks_that_nobody_makes_anew(self):
        """What was handed over after it was made is in no answer, and none says so, unless an old index is not believed."""
        for stale, is_seen in (("0s", False), ("2s", True)):
            with self.subTest(stale=stale), TempoCluster(3, STALE_INDEX=stale) as self.tempo:
                self.push("first")
                self.tempo.hand_over()
                time.sleep(3)
                ids = self.push("second")
                self.tempo.hand_over()
                time.sleep(3)
                found = (self.ask_search("second", ids), self.ask_batch("second", ids), self.ask_by_id("second", ids))
                self.assertEqual(found, (TRACES, 2 * TRACES, {2: BY_ID}) if is_seen else (0, 0, {0: BY_ID}))
                self.assertEqual([self.tempo.held_blocks(name) for name in INGESTERS], [[], [], []])


if __name__ == "__main__":
    require_tempo()
    unittest.main()
