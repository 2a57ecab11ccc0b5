"""A question about a Tempo that is slow is answered with what there is: the newest violations and a cursor that goes on, however long the rest takes."""
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import Betrace  # noqa: E402
from slow_tempo import SPAN, SlowTempo  # noqa: E402

RULE = {"id": "slow", "dsl": f'trace.has(span.name == "{SPAN}")'}
NEW, OLD = 3, 2
COUNTED_AT_FIRST = 140 * 60  # an hour, and the margin of an hour that is read before it


class SlowSource(unittest.TestCase):
    def test_the_newest_are_there_at_once_and_the_rest_follows_by_the_cursor(self):
        with SlowTempo(NEW, OLD) as tempo, Betrace("--tempo", tempo.url) as server:
            self.assertEqual(server.post("/v1/rules", RULE).status, 201)
            first = server.get("/v1/violations?start=now-6h&timeout=5s").json()
            self.assertEqual((len(first["violations"]), first["total_count"], first["coverage"]["complete"]), (NEW, None, False), first)
            self.assertIn("not_evaluated", first["reason"])
            self.assertGreater(tempo.held, 0)
            tempo.released.set()
            found, cursor = [], first["cursor"]
            while cursor:
                page = server.get(f"/v1/violations?cursor={cursor}&timeout=60s").json()
                found, cursor = found + page["violations"], page["cursor"]
            self.assertEqual((len(found), page["total_count"], page["reason"]), (OLD, NEW + OLD, None), page)
            times = [one["time"] for one in first["violations"] + found]
            self.assertEqual(times, sorted(times, reverse=True))

    def test_the_newest_counts_are_there_at_once_and_the_rest_follows(self):
        with SlowTempo(NEW, OLD, COUNTED_AT_FIRST) as tempo, Betrace("--tempo", tempo.url) as server:
            self.assertEqual(server.post("/v1/rules", RULE).status, 201)
            asked = "/v1/violations/series?start=now-6h&end=now-5m&step=5m&timeout="
            first = server.get(asked + "5s").json()
            counts = [count for _, count in first["series"][0]["points"]]
            self.assertIn("not_evaluated", first["reason"])
            self.assertEqual((sum(count or 0 for count in counts), first["coverage"]["complete"]), (NEW, False), first)
            late = max(window["end"] for window in first["coverage"]["windows_failed"])
            known = [at for at, _ in first["series"][0]["points"] if at >= late]
            self.assertGreaterEqual(len(known), 10, first["coverage"])
            self.assertLessEqual(len(known), 36, "the older half is not known yet")
            self.assertTrue(all(window["start"] >= late for window in first["coverage"]["windows_empty"]), "nobody knows whether it is empty")
            self.assertGreater(tempo.held, 0)
            tempo.released.set()
            whole = server.get(asked + "60s").json()
            self.assertEqual((sum(count or 0 for _, count in whole["series"][0]["points"]), whole["reason"]), (NEW + OLD, None), whole)


if __name__ == "__main__":
    unittest.main(verbosity=1)
