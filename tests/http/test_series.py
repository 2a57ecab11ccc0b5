"""Counts by steps over trace files: they add up to replays, zero is told from unknown, and wrong questions are refused."""
import collections
import datetime
import os
import socket
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from seed_rules import INCIDENT, PII_AUDIT, SLOW_DB  # noqa: E402
from trace_files import span, trace  # noqa: E402

END = "2026-03-10T12:00:00Z"
START = "2026-03-09T12:00:00Z"
RANGE = f"start={START}&end={END}"


def seconds(text):
    return datetime.datetime.fromisoformat(text[:19] + "+00:00").timestamp()


class SeriesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-series-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.traces = os.path.join(cls.folder.name, "traces.pb")
        done = run_cli("generate", "--traces", 2000, "--violations", 90, "--end", END, "--since", "24h", "--out", cls.traces)
        assert done.returncode == 0, done.stderr
        cls.server = Betrace("--traces", cls.traces)
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()
        for rule in (SLOW_DB, INCIDENT, PII_AUDIT):
            cls.server.post("/v1/rules", rule)

    def series(self, query, server=None):
        answer = (server or self.server).get("/v1/violations/series?" + query)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def points(self, query):
        body = self.series(query)
        return {s["labels"]["rule_id"]: s["points"] for s in body["series"]}, body

    def problem(self, answer, status, field=None):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        if field:
            self.assertIn(field, [e["field"] for e in answer.json()["errors"]], answer)

    def test_steps_add_up_to_replays(self):
        counts, body = self.points(f"{RANGE}&step=1h")
        exercised, _ = self.points(f"{RANGE}&step=1h&value=exercised")
        ratios, _ = self.points(f"{RANGE}&step=1h&value=ratio")
        self.assertTrue(body["coverage"]["complete"], body["reason"])
        for rule in (SLOW_DB, INCIDENT, PII_AUDIT):
            started = self.server.post(f"/v1/rules/{rule['id']}/replay", {"start_time": START, "end_time": END, "count": "exact"}).json()
            status = self.server.wait_job(started["replay_id"])
            of_rule = counts[rule["id"]]
            self.assertEqual(len(of_rule), 24)
            self.assertEqual([p[0] for p in of_rule], sorted(p[0] for p in of_rule))
            self.assertEqual((of_rule[0][0][:19], of_rule[-1][0][:19]), (START[:19], "2026-03-10T11:00:00"))
            self.assertEqual(sum(p[1] for p in of_rule), status["violations_found"])
            self.assertEqual(sum(p[1] for p in exercised[rule["id"]]), status["traces_exercised"])
            for (_, count), (_, all_of_them), (_, ratio) in zip(of_rule, exercised[rule["id"]], ratios[rule["id"]]):
                if all_of_them:
                    self.assertAlmostEqual(ratio, count / all_of_them)
                else:
                    self.assertIsNone(ratio)
        labels = {s["labels"]["rule_id"]: s["labels"] for s in body["series"]}
        self.assertEqual(labels[SLOW_DB["id"]], {"rule_id": SLOW_DB["id"], "rule": SLOW_DB["name"], "severity": "warning"})

    def test_any_step_gives_the_same_sum(self):
        sums = collections.Counter()
        for step in ("7m", "15m", "1h", "6h", "1d"):
            counts, _ = self.points(f"start=2026-03-08T00:00:00Z&end=2026-03-12T00:00:00Z&step={step}&rule_id={PII_AUDIT['id']}")
            whole = [p for p in counts[PII_AUDIT["id"]] if p[1] is not None]
            sums[sum(p[1] for p in whole)] += 1
            for time, _ in whole:
                self.assertEqual(seconds(time) % {"7m": 420, "15m": 900, "1h": 3600, "6h": 21600, "1d": 86400}[step], 0, "aligned to the epoch")
        self.assertEqual(len(sums), 1, sums)

    def test_zero_and_unknown(self):
        """A rule without violations is 0 where it was looked at; a step that the range cuts, and a range without any trace, are null."""
        quiet = {"id": "quiet", "dsl": 'trace.has(span.name == "no.such.span")'}
        body = self.server.post("/v1/violations/series", {"dsl": quiet["dsl"], "start": START, "end": END, "step": "1h"}).json()
        self.assertEqual([p[1] for p in body["series"][0]["points"]], [0] * 24)
        self.assertTrue(body["coverage"]["complete"])
        cut, _ = self.points(f"start={START}&end=2026-03-10T11:30:00Z&step=1h&rule_id={SLOW_DB['id']}")
        self.assertEqual((len(cut[SLOW_DB["id"]]), cut[SLOW_DB["id"]][-1][1]), (24, None))
        self.assertNotIn(None, [p[1] for p in cut[SLOW_DB["id"]][:-1]])
        nothing, body = self.points("start=2020-01-01T00:00:00Z&end=2020-01-02T00:00:00Z&step=1h")
        self.assertEqual({p[1] for points in nothing.values() for p in points}, {None})
        self.assertFalse(body["coverage"]["complete"])
        self.assertIn("no_data", body["reason"])

    LONELY = ("00:25:00", "01:05:00", "01:06:00")
    EMPTY = [True, True, False, True, True, True, False, True, True]

    def lonely(self):
        """Nine steps of ten minutes: only the third and the seventh have traces, and the latter one that violates."""
        path = os.path.join(self.folder.name, "lonely.json")
        with open(path, "w", encoding="utf-8") as file:
            for number, (at, name) in enumerate(zip(self.LONELY, ("idle", "broken", "idle"))):
                file.write(trace(number + 1, span(name), at=sum(int(n) * f for n, f in zip(at.split(":"), (3600, 60, 1))) * 1000))
        return path

    def test_a_step_without_any_trace_is_null_whatever_is_asked_with_it(self):
        rules = ({"id": "breaks", "dsl": "never { broken }"}, {"id": "none", "dsl": "never { nosuch }"}, {"id": "idle", "dsl": "never { idle }"})
        expected = {"breaks": [None, None, 0, None, None, None, 1, None, None], "none": [None, None, 0, None, None, None, 0, None, None],
                    "idle": [None, None, 1, None, None, None, 1, None, None]}
        step = [f"2026-01-01T{minutes // 60:02}:{minutes % 60:02}:00Z" for minutes in range(0, 100, 10)]
        for alone_first in (False, True):
            with Betrace("--traces", self.lonely()) as server:
                for rule in rules:
                    self.assertEqual(server.post("/v1/rules", rule).status, 201)
                asks = [(rule["id"], i, i + 1) for rule in rules for i in range(9)] + [(rule["id"], i, j) for rule in rules for i, j in ((0, 9), (0, 3), (3, 7), (1, 6))]
                for rule_id, first, end in asks if alone_first else asks[::-1]:
                    body = self.series(f"start={step[first]}&end={step[end]}&step=10m&rule_id={rule_id}", server)
                    self.assertEqual([value for _, value in body["series"][0]["points"]], expected[rule_id][first:end], (rule_id, first, end))
                    has_data = not all(self.EMPTY[first:end])
                    self.assertEqual(body["coverage"]["complete"], has_data)
                    self.assertEqual((body["reason"] or "").startswith("no_data"), not has_data)
                body = self.series(f"start={step[0]}&end={step[9]}&step=10m", server)
                self.assertEqual({s["labels"]["rule_id"]: [value for _, value in s["points"]] for s in body["series"]}, expected)
                exercised = self.series(f"start={step[0]}&end={step[9]}&step=10m&value=exercised", server)
                self.assertEqual({s["labels"]["rule_id"]: [i for i, (_, value) in enumerate(s["points"]) if value is None] for s in exercised["series"]},
                                 {rule["id"]: [i for i in range(9) if self.EMPTY[i]] for rule in rules})

    def test_what_is_not_there_is_named(self):
        with Betrace("--traces", self.lonely()) as server:
            server.post("/v1/rules", {"id": "breaks", "dsl": "never { broken }"})
            coverage = self.series("start=2026-01-01T00:05:00Z&end=2026-01-01T01:30:00Z&step=10m", server)["coverage"]
            self.assertEqual([(w["start"][11:16], w["end"][11:16]) for w in coverage["windows_empty"]], [("00:05", "00:20"), ("00:30", "01:00"), ("01:10", "01:30")])
            self.assertEqual(coverage["data_from"][:19], "2026-01-01T00:20:00")
            full = self.series("start=2026-01-01T01:00:00Z&end=2026-01-01T01:10:00Z&step=10m", server)["coverage"]
            self.assertEqual((full["windows_empty"], full["data_from"][:19]), ([], "2026-01-01T01:00:00"))
            nothing = self.series("start=2026-01-01T02:00:00Z&end=2026-01-01T03:00:00Z&step=10m", server)["coverage"]
            self.assertEqual(([(w["start"][11:16], w["end"][11:16]) for w in nothing["windows_empty"]], nothing["data_from"]), ([("02:00", "03:00")], None))

    def test_post_is_get(self):
        get, _ = self.points(f"{RANGE}&step=1h&rule_id={SLOW_DB['id']}&rule_id={INCIDENT['id']}")
        body = self.server.post("/v1/violations/series", {"rule_ids": [SLOW_DB["id"], INCIDENT["id"]], "start": START, "end": END, "step": "1h"}).json()
        self.assertEqual({s["labels"]["rule_id"]: s["points"] for s in body["series"]}, get)
        self.assertEqual(set(get), {SLOW_DB["id"], INCIDENT["id"]})
        critical, _ = self.points(f"{RANGE}&step=1h&severity=critical")
        self.assertEqual(set(critical), {INCIDENT["id"], PII_AUDIT["id"]})

    def test_shadow_rules_take_part_where_they_are_named(self):
        with Betrace("--traces", self.traces) as server:
            server.post("/v1/rules", SLOW_DB)
            server.post("/v1/rules", dict(INCIDENT, shadow=True))
            every = self.series(f"{RANGE}&step=1h", server)
            self.assertEqual([s["labels"]["rule_id"] for s in every["series"]], [SLOW_DB["id"]])
            null = server.post("/v1/violations/series", {"rule_ids": None, "dsl": None, "start": START, "end": END, "step": "1h"}).json()
            self.assertEqual(null["series"], every["series"], "null is absent")
            named = self.series(f"{RANGE}&step=1h&rule_id={INCIDENT['id']}", server)
            self.assertEqual([s["labels"]["rule_id"] for s in named["series"]], [INCIDENT["id"]])

    def test_shadow_rules_take_part_where_the_question_wants_them(self):
        """All rules in shadow, as after a pack was stored: whoever shows them asks with shadow, an alert does not."""
        with Betrace("--traces", self.traces) as server:
            server.post("/v1/rules", dict(SLOW_DB, shadow=True))
            server.post("/v1/rules", dict(INCIDENT, shadow=True))
            body = {"start": START, "end": END, "step": "1h"}
            refused = server.get(f"/v1/violations/series?{RANGE}&step=1h")
            said = refused.json()["errors"][0]["message"]
            self.assertEqual((refused.status, "2 enabled rules" in said, "shadow=true" in said), (400, True, True), said)
            every = self.series(f"{RANGE}&step=1h&shadow=true", server)
            self.assertEqual([s["labels"]["rule_id"] for s in every["series"]], sorted([SLOW_DB["id"], INCIDENT["id"]]))
            for more in ({}, {"labels": {}}, {"severity": None}):
                self.assertEqual(server.post("/v1/violations/series", dict(body, shadow=True, **more)).json()["series"], every["series"])
            for off in (False, None):
                self.assertEqual(server.post("/v1/violations/series", dict(body, shadow=off)).status, 400)
            found = server.get(f"/v1/violations?{RANGE}&limit=1000").json()
            counted = sum(p[1] for s in every["series"] for p in s["points"])
            self.assertEqual((found["total_count"], counted), (counted, len(found["violations"])), "the list and the chart are of the same rules")
            wrong = server.get(f"/v1/violations/series?{RANGE}&step=1h&shadow=perhaps")
            self.assertEqual((wrong.status, wrong.json()["errors"][0]["field"]), (400, "shadow"))
            self.assertEqual(server.post("/v1/violations/series", dict(body, shadow="perhaps")).status, 400)

    def test_equal_questions_at_once(self):
        results = [None] * 8

        def ask(number):
            results[number] = self.series(f"{RANGE}&step=10m")["series"]

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(len(results))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for result in results:
            self.assertEqual(result, results[0])

    def test_a_large_answer(self):
        body = self.series(f"start=2026-03-10T08:56:40Z&end={END}&step=1s&rule_id={SLOW_DB['id']}")
        self.assertEqual(len(body["series"][0]["points"]), 11000)

    def test_a_step_without_a_number_says_whether_a_budget_was_spent(self):
        """1,100 spans set against one another are more than a million steps; a larger budget decides them. A parent that is missing is another reason."""
        pairs = "when { a as x } never { a where(k < x.k) }"
        traces = os.path.join(self.folder.name, "pairs.json")
        with open(traces, "w", encoding="utf-8") as file:
            file.write(trace(1, span("a", parent="00000000000000ff"), *(span("a", at=i) for i in range(1100))))
            file.write(trace(2, span("b"), at=700_000))
        rules = ({"id": "spends", "dsl": pairs}, {"id": "larger", "dsl": pairs, "budget": 5000000},
                 {"id": "whole", "dsl": "when { a } always { c }", "require_complete": True}, {"id": "plain", "dsl": "trace.has(c)"})
        with Betrace("--traces", traces) as server:
            for rule in rules:
                self.assertEqual(server.post("/v1/rules", rule).status, 201)
            body = self.series("start=2026-01-01T00:00:00Z&end=2026-01-01T00:20:00Z&step=10m", server)
        found = {s["labels"]["rule_id"]: ([count for _, count in s["points"]], s["undecided"]) for s in body["series"]}
        self.assertEqual(found, {
            "spends": ([None, 0], {"steps": 1, "budget": 1}),
            "larger": ([0, 0], {"steps": 0, "budget": 0}),
            "whole": ([None, 0], {"steps": 1, "budget": 0}),
            "plain": ([0, 0], {"steps": 0, "budget": 0}),
        })

    def test_what_is_refused(self):
        for query, field in (("step=0s", "step"), ("step=1ms", "step"), ("step=often", "step"), ("value=x", "value"), ("start=now-31d", "start"), ("timeout=x", "timeout"),
                             ("step=1s&start=now-1d", "step"), ("severity=low", "rule_ids"), ("end=2200-01-01T00:00:00Z&start=2199-12-31T00:00:00Z", "start")):
            with self.subTest(query=query):
                self.problem(self.server.get("/v1/violations/series?" + query), 400, field)
        self.problem(self.server.get("/v1/violations/series?rule_id=nosuch"), 404)
        self.problem(self.server.get("/v1/violations/series?limit=3"), 400)
        self.problem(self.server.post("/v1/violations/series", {"dsl": "("}), 422)
        self.problem(self.server.post("/v1/violations/series", {"cursor": "x"}), 400, "cursor")


class WithoutTempoTest(unittest.TestCase):
    def test_past_its_time_it_says_null(self):
        listener = socket.create_server(("127.0.0.1", 0))
        try:
            with Betrace("--tempo", f"http://127.0.0.1:{listener.getsockname()[1]}") as server:
                server.post("/v1/rules", SLOW_DB)
                body = server.get("/v1/violations/series?timeout=1s&step=5m").json()
                self.assertEqual({p[1] for p in body["series"][0]["points"]}, {None})
                self.assertFalse(body["coverage"]["complete"])
                self.assertIn("not_evaluated", body["reason"])
        finally:
            listener.close()

    def test_a_tempo_that_is_gone(self):
        with Betrace("--tempo", "http://127.0.0.1:1") as server:
            server.post("/v1/rules", SLOW_DB)
            body = server.get("/v1/violations/series?step=5m").json()
            self.assertEqual({p[1] for p in body["series"][0]["points"]}, {None})
            self.assertFalse(body["coverage"]["complete"])
            self.assertIn("windows_failed", body["reason"])
            self.assertTrue(body["coverage"]["windows_failed"][0]["reason"])


if __name__ == "__main__":
    unittest.main(verbosity=1)
