"""Violations and series on demand from a real Tempo: pages while spans arrive, cursors in another process, answers with a Tempo that goes away, and
steps that add up."""
import datetime
import json
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import Betrace, run_cli  # noqa: E402
from counting_proxy import CountingProxy  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from seed_rules import INCIDENT, PII_AUDIT, SLOW_DB  # noqa: E402
from sse import EventStream  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

TRACES = 1500
RULES = (SLOW_DB, INCIDENT, PII_AUDIT)


class QueryOnTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-query-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        end = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
        start = end - datetime.timedelta(hours=12)
        cls.end_time = end
        cls.bounds = [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (start, end)]
        cls.range = f"start={cls.bounds[0]}&end={cls.bounds[1]}"
        cls.push(TRACES, 40, cls.bounds[1], "12h", 1)
        cls.pushed = TRACES
        cls.db = os.path.join(cls.folder.name, "rules.db")
        with cls.serve() as server:
            for rule in RULES:
                server.post("/v1/rules", rule)
            started = server.post("/v1/replays", {"rule_ids": [rule["id"] for rule in RULES], "start_time": cls.bounds[0], "end_time": cls.bounds[1], "emit": False})
            cls.status = server.wait_job(started.json()["replay_id"])
            assert cls.status["status"] == "completed", cls.status
            cls.replayed = server.violations(started.json()["replay_id"])
            with EventStream(server, f"/v1/replays/{started.json()['replay_id']}/events") as stream:
                cls.events = list(stream)

    @classmethod
    def push(cls, traces, violations, end, since, seed):
        pushed = run_cli("generate", "--traces", traces, "--violations", violations, "--end", end, "--since", since, "--seed", seed, "--otlp", cls.tempo.otlp_url)
        assert pushed.returncode == 0, pushed.stderr
        cls.tempo.wait_until(lambda: cls.searchable() >= getattr(cls, "pushed", 0) + traces, "all traces are searchable")

    @classmethod
    def searchable(cls):
        seconds = (int(cls.end_time.timestamp()) - 13 * 3600, int(cls.end_time.timestamp()) + 3600)
        return len(cls.tempo.search("{}", *seconds, limit=100000, spss=1))

    @classmethod
    def serve(cls, url=None, *more):
        return Betrace("--tempo", url or cls.tempo.url, *more, db=cls.db)

    def page(self, server, query):
        answer = server.get("/v1/violations?" + query)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def pages(self, server, query):
        found, cursor, last = [], "", None
        while cursor is not None:
            last = self.page(server, f"{query}&cursor={cursor}")
            found += last["violations"]
            cursor = last["cursor"]
        return found, last

    def ids(self, violations):
        return [v["id"] for v in violations]

    def test_pages_are_the_replay(self):
        with self.serve() as server:
            for order, expected in (("newest", self.replayed[::-1]), ("oldest", self.replayed)):
                found, last = self.pages(server, f"{self.range}&order={order}&limit=9")
                self.assertEqual(self.ids(found), self.ids(expected))
                self.assertEqual((last["total_count"], last["coverage"]["complete"]), (len(expected), True), last["reason"])
        self.assertEqual(sorted(e.data["id"] for e in self.events[:-1]), sorted(self.ids(self.replayed)))
        self.assertEqual(self.events[-1].name, "done")

    def test_a_cursor_goes_on_in_another_process(self):
        found, cursor = [], ""
        while cursor is not None:
            with self.serve() as server:
                page = self.page(server, f"{self.range}&limit=30&cursor={cursor}")
                found += page["violations"]
                cursor = page["cursor"]
        self.assertEqual(self.ids(found), self.ids(self.replayed[::-1]))

    def test_steps_add_up(self):
        with self.serve() as server:
            counts = server.get(f"/v1/violations/series?{self.range}&step=1h").json()
            self.assertTrue(counts["coverage"]["complete"], counts["reason"])
            found = {s["labels"]["rule_id"]: sum(p[1] for p in s["points"]) for s in counts["series"]}
            self.assertEqual(found, {r["rule_id"]: r["violations_found"] for r in self.status["rules"]})
            exercised = server.get(f"/v1/violations/series?{self.range}&step=1h&value=exercised").json()
            for series in exercised["series"]:
                rule = next(r for r in self.status["rules"] if r["rule_id"] == series["labels"]["rule_id"])
                known = [p[1] for p in series["points"] if p[1] is not None]
                self.assertLessEqual(sum(known), rule["traces_exercised"])
                if len(known) == len(series["points"]) and rule["traces_exercised_kind"] == "exact":
                    self.assertEqual(sum(known), rule["traces_exercised"])
            nothing = server.get("/v1/violations/series?start=2020-01-01T00:00:00Z&end=2020-01-01T06:00:00Z&step=1h").json()
            self.assertEqual({p[1] for s in nothing["series"] for p in s["points"]}, {None})
            self.assertIn("no_data", nothing["reason"])

    def test_steps_without_any_trace(self):
        """Hours before the data, and steps between traces: null for each rule, alone and together, as Tempo's own search has them."""
        end = int(self.end_time.timestamp())
        traces = self.tempo.search("{}", end - 13 * 3600, end, limit=100000, spss=1).values()
        spans = [(int(t["startTimeUnixNano"]), int(t["startTimeUnixNano"]) + t.get("durationMs", 0) * 10**6) for t in traces]
        for step, first, last in ((3600, end - 18 * 3600, end), (10, end - 3600, end - 1800)):
            edges = range(first, last, step)
            full = [any(a < (at + step) * 10**9 and b >= at * 10**9 for a, b in spans) for at in edges]
            begun = [any(at * 10**9 <= a < (at + step) * 10**9 for a, _ in spans) for at in edges]
            self.assertIn(False, full)
            with self.serve() as server:
                together = server.get(f"/v1/violations/series?start={first}&end={last}&step={step}s&timeout=60s").json()
                self.assertIsNone(together["reason"])
                for series in together["series"]:
                    known = [value is not None for _, value in series["points"]]
                    self.assertEqual([k for k, f, b in zip(known, full, begun) if f == b], [f for f, b in zip(full, begun) if f == b])
            with self.serve() as server:
                for at in list(edges)[:18]:
                    for rule, points in ((s["labels"]["rule_id"], s["points"]) for s in together["series"]):
                        alone = server.get(f"/v1/violations/series?start={at}&end={at + step}&step={step}s&rule_id={rule}&timeout=60s").json()
                        self.assertEqual(alone["series"][0]["points"][0], points[(at - first) // step], (rule, at))

    def test_a_tempo_that_goes_away_in_the_middle(self):
        """After request number k nothing is answered: what is listed is true, a number in a series is right, and what is missing is said."""
        true_ids = self.ids(self.replayed)
        with self.serve() as server:
            right = server.get(f"/v1/violations/series?{self.range}&step=1h").json()
        right = {s["labels"]["rule_id"]: s["points"] for s in right["series"]}
        for allowed in (3, 12):
            with self.subTest(allowed=allowed), CountingProxy(self.tempo.url, allowed) as proxy, self.serve(proxy.url) as server:
                proxy.begin()
                found, last = self.pages(server, f"{self.range}&timeout=60s&limit=1000")
                self.assertLessEqual(set(self.ids(found)), set(true_ids))
                if len(found) < len(true_ids):
                    self.assertFalse(last["coverage"]["complete"])
                    self.assertIsNone(last["total_count"])
                    self.assertTrue(last["reason"])
            with self.subTest(series=allowed), CountingProxy(self.tempo.url, allowed) as proxy, self.serve(proxy.url) as server:
                proxy.begin()
                counts = server.get(f"/v1/violations/series?{self.range}&step=1h&timeout=60s").json()
                for series in counts["series"]:
                    for point, expected in zip(series["points"], right[series["labels"]["rule_id"]]):
                        self.assertIn(point[1], (None, expected[1]), series["labels"])
                if any(p[1] is None for s in counts["series"] for p in s["points"]):
                    self.assertFalse(counts["coverage"]["complete"])

    def test_zz_pages_while_spans_arrive(self):
        """Between the pages traces arrive, in the part that was given and in the part that was not: nothing comes twice, nothing that was there is lost.
        Last, because it changes what is there."""
        old = self.ids(self.replayed[::-1])
        found, cursor, rounds = [], "", 0
        while cursor is not None:
            with self.serve() as server:
                page = self.page(server, f"{self.range}&limit=25&cursor={cursor}")
            found += self.ids(page["violations"])
            cursor = page["cursor"]
            if rounds < 2:
                self.push(60, 6, self.bounds[1], "12h", 100 + rounds)
                type(self).pushed += 60
            rounds += 1
        self.assertGreater(rounds, 3)
        self.assertEqual(len(found), len(set(found)))
        self.assertEqual([i for i in found if i in set(old)], old)


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
