"""Violations on demand over trace files: pages, cursors, filters, streams, and answers that are honest about what they lack."""
import json
import os
import socket
import sys
import tempfile
import threading
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from rule_rows import change_rules  # noqa: E402
from seed_rules import INCIDENT, PII_AUDIT, SLOW_DB  # noqa: E402
from sse import EventStream  # noqa: E402

END = "2026-03-10T12:00:00Z"
START = "2026-03-09T12:00:00Z"
RANGE = f"start={START}&end={END}"


def break_rule(path, part):
    """Changes the stored text that holds `part` to one that does not compile, as one for a newer version would not."""
    assert change_rules(path, "UPDATE rule_versions SET dsl = REPLACE(dsl, 'trace.has(', 'trace.hat(') WHERE dsl LIKE ?", (f"%{part}%",))


class ViolationsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-violations-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.traces = os.path.join(cls.folder.name, "traces.pb")
        done = run_cli("generate", "--traces", 2000, "--violations", 90, "--end", END, "--since", "24h", "--out", cls.traces)
        assert done.returncode == 0, done.stderr
        cls.db = os.path.join(cls.folder.name, "rules.db")
        cls.server = Betrace("--traces", cls.traces, "--max-range", "40d", db=cls.db)
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()
        for rule in (SLOW_DB, INCIDENT, PII_AUDIT):
            cls.server.post("/v1/rules", rule)
        started = cls.server.post("/v1/replays", {"rule_ids": [SLOW_DB["id"], INCIDENT["id"], PII_AUDIT["id"]], "start_time": START, "end_time": END})
        cls.replay_evaluated = cls.server.wait_job(started.json()["replay_id"])["traces_evaluated"]
        cls.replayed = cls.server.violations(started.json()["replay_id"])
        assert len(cls.replayed) > 200

    def page(self, query, server=None, **kw):
        answer = (server or self.server).get("/v1/violations?" + query, **kw)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def pages(self, query, server=None):
        found, cursor, last = [], "", None
        while cursor is not None:
            last = self.page(f"{query}&cursor={cursor}", server)
            found += last["violations"]
            cursor = last["cursor"]
        return found, last

    def problem(self, answer, status, field=None):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        if field:
            self.assertIn(field, [e["field"] for e in answer.json()["errors"]], answer)

    # ---- pages ----

    def test_pages_are_the_replay(self):
        for order, expected in (("newest", self.replayed[::-1]), ("oldest", self.replayed)):
            for limit in (17, 1000):
                with self.subTest(order=order, limit=limit):
                    found, last = self.pages(f"{RANGE}&order={order}&limit={limit}")
                    self.assertEqual([v["id"] for v in found], [v["id"] for v in expected])
                    self.assertEqual((last["total_count"], last["coverage"]["complete"], last["reason"]), (len(expected), True, None))
                    self.assertEqual((last["traces_evaluated"], last["traces_evaluated_kind"]), (self.replay_evaluated, "exact"), "of how many, whatever the windows")
        self.assertEqual({k: v for k, v in found[0].items() if k not in ("confirmed", "problem")}, {k: v for k, v in self.replayed[0].items() if k != "confirmed"})

    def test_the_first_page_says_what_it_lacks(self):
        page = self.page(f"{RANGE}&limit=1")
        if not page["coverage"]["complete"]:
            self.assertIsNone(page["total_count"])
            self.assertIn("not_evaluated", page["reason"])
            self.assertIn("not evaluated", page["coverage"]["windows_failed"][0]["reason"])
        self.assertEqual(page["violations"][0]["id"], self.replayed[-1]["id"])
        self.assertIsNotNone(page["cursor"])

    def test_a_cursor_outlives_the_service(self):
        """Another process repeats the evaluation: same order, same ids, nothing lost, nothing twice."""
        found, cursor = [], ""
        while cursor is not None:
            with Betrace("--traces", self.traces, db=self.copy_of_rules()) as server:
                page = self.page(f"{RANGE}&limit=70&cursor={cursor}", server)
                found += page["violations"]
                cursor = page["cursor"]
        self.assertEqual([v["id"] for v in found], [v["id"] for v in self.replayed[::-1]])

    def copy_of_rules(self):
        """The rules of this class in a database of their own."""
        path = os.path.join(self.folder.name, f"copy-{self.id().split('.')[-1]}.db")
        if not os.path.exists(path):
            with Betrace("--traces", self.traces, db=path) as server:
                for rule in (SLOW_DB, INCIDENT, PII_AUDIT):
                    server.post("/v1/rules", rule)
        return path

    def test_a_cursor_whose_rules_changed(self):
        path = self.copy_of_rules()
        with Betrace("--traces", self.traces, db=path) as server:
            cursor = self.page(f"{RANGE}&limit=5", server)["cursor"]
            server.put(f"/v1/rules/{SLOW_DB['id']}", dict(SLOW_DB, dsl=SLOW_DB["dsl"].replace("1s", "2s")))
            kept = self.page(f"{RANGE}&limit=1000&cursor={cursor}", server)
            self.assertEqual([v["id"] for v in kept["violations"]], [v["id"] for v in self.replayed[::-1][5:]], "the evaluation is kept")
        with Betrace("--traces", self.traces, db=path) as server:
            answer = server.get(f"/v1/violations?{RANGE}&cursor={cursor}")
            self.problem(answer, 409)
            self.assertIn("cursor-outdated", answer.json()["type"])
            renamed = dict(SLOW_DB, name="Another name")
            server.put(f"/v1/rules/{SLOW_DB['id']}", renamed)
            again = self.page(f"{RANGE}&limit=1000&cursor={cursor}", server)
            self.assertEqual([v["id"] for v in again["violations"]], [v["id"] for v in self.replayed[::-1][5:]], "a name is no condition")

    def test_a_rule_that_cannot_be_evaluated_is_said(self):
        """An enabled rule whose stored text does not compile: neither a page nor a series that should have it is complete."""
        path = os.path.join(self.folder.name, "broken.db")
        with Betrace("--traces", self.traces, db=path) as server:
            for rule in (SLOW_DB, INCIDENT):
                server.post("/v1/rules", rule)
        break_rule(path, "db.query")
        with Betrace("--traces", self.traces, db=path) as server:
            page = self.page(f"{RANGE}&limit=1000", server)
            self.assertEqual({v["rule_id"] for v in page["violations"]}, {INCIDENT["id"]})
            self.assertEqual((page["total_count"], page["coverage"]["complete"], page["cursor"]), (None, False, None))
            self.assertIn("rule_broken", page["reason"])
            self.assertIn(SLOW_DB["id"], page["coverage"]["windows_failed"][-1]["reason"])
            self.assertTrue(self.page(f"{RANGE}&limit=1000&rule_id={INCIDENT['id']}", server)["coverage"]["complete"])
            self.problem(server.get(f"/v1/violations?{RANGE}&rule_id={SLOW_DB['id']}"), 400, "rule_ids")
            series = server.get(f"/v1/violations/series?{RANGE}&step=1h").json()
            self.assertFalse(series["coverage"]["complete"])
            self.assertIn("rule_broken", series["reason"])

    def test_nothing_stored(self):
        before = self.server.get("/v1/replays").json()
        self.page(f"{RANGE}&limit=3")
        self.assertEqual(self.server.get("/v1/replays").json(), before)

    # ---- which ----

    def test_filters(self):
        by_rule, _ = self.pages(f"{RANGE}&rule_id={SLOW_DB['id']}&rule_id={INCIDENT['id']}&rule_id={SLOW_DB['id']}")
        self.assertEqual([v["id"] for v in by_rule], [v["id"] for v in self.replayed[::-1] if v["rule_id"] != PII_AUDIT["id"]])
        critical, _ = self.pages(f"{RANGE}&severity=CRITICAL")
        self.assertEqual({v["rule_id"] for v in critical}, {INCIDENT["id"], PII_AUDIT["id"]})
        soc2, _ = self.pages(f"{RANGE}&framework=soc2")
        self.assertEqual({v["rule_id"] for v in soc2}, {PII_AUDIT["id"]})
        one = self.replayed[7]
        of_trace, last = self.pages(f"{RANGE}&trace_id={one['trace_id'].upper()}")
        self.assertEqual([v["id"] for v in of_trace], [v["id"] for v in self.replayed[::-1] if v["trace_id"] == one["trace_id"]])
        self.assertEqual(last["total_count"], len(of_trace))
        service = one["services"][0]
        of_service, _ = self.pages(f"{RANGE}&service={service}")
        self.assertEqual([v["id"] for v in of_service], [v["id"] for v in self.replayed[::-1] if service in v["services"]])
        unfiltered, last = self.pages(f"{RANGE}&service=")
        self.assertEqual(([v["id"] for v in unfiltered], last["total_count"]), ([v["id"] for v in self.replayed[::-1]], len(self.replayed)))
        unfiltered = self.server.post("/v1/violations/query", {"service": "", "start": START, "end": END, "limit": 1000}).json()
        self.assertEqual(len(unfiltered["violations"]), len(self.replayed))
        none, last = self.pages(f"{RANGE}&service=nosuch")
        self.assertEqual((none, last["total_count"], last["coverage"]["complete"]), ([], 0, True))
        self.assertEqual(last["traces_evaluated"], self.replay_evaluated, "none of so many")

    def test_the_framework_is_that_of_the_list_of_rules(self):
        for framework in ("SOC2", "soc 2", "SOC-2", "s.o.c.2"):
            with self.subTest(framework=framework):
                name = urllib.parse.quote(framework)
                self.assertEqual([r["id"] for r in self.server.get(f"/v1/rules?framework={name}").json()["rules"]], [PII_AUDIT["id"]])
                found, last = self.pages(f"{RANGE}&framework={name}")
                self.assertEqual({v["rule_id"] for v in found}, {PII_AUDIT["id"]})
                self.assertTrue(last["coverage"]["complete"])

    def test_the_earliest_trace_is_the_replays(self):
        """Of files everything is looked at, whatever the rules are."""
        started = self.server.post("/v1/replays", {"rule_ids": [SLOW_DB["id"]], "start_time": START, "end_time": END, "count": "exact"}).json()
        expected = self.server.wait_job(started["replay_id"])["coverage"]["data_from"]
        for order in ("newest", "oldest"):
            _, last = self.pages(f"{RANGE}&order={order}&rule_id={SLOW_DB['id']}")
            self.assertEqual(last["coverage"]["data_from"], expected)

    def test_what_could_not_be_decided_is_no_pass(self):
        """A span is missing and require_complete is set: the rule neither holds nor fails, and neither form says zero."""
        path = os.path.join(self.folder.name, "incomplete.json")
        at = 1_773_100_800  # 2026-03-10T00:00:00Z
        spans = [{"traceId": f"{n:032x}", "spanId": f"{n:016x}", "name": "slow", "kind": 1, "startTimeUnixNano": str((at + n * 3600) * 10**9),
                  "endTimeUnixNano": str((at + n * 3600 + 1) * 10**9), **({"parentSpanId": "00000000000000ff"} if n == 2 else {})} for n in (1, 2, 3)]
        spans += [dict(spans[n], spanId=f"{n + 16:016x}", parentSpanId=f"{n + 1:016x}", name="retry") for n in (0, 2)]
        with open(path, "w") as file:
            json.dump({"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}, "scopeSpans": [{"spans": spans}]}]}, file)
        range_ = "start=2026-03-10T00:00:00Z&end=2026-03-10T06:00:00Z"
        with Betrace("--traces", path, "--require-complete") as server:
            for name, dsl in (("retried", "when { slow } always { retry }"), ("seen", "trace.has(span.name == \"slow\")")):
                self.assertEqual(server.post("/v1/rules", {"id": name, "dsl": dsl}).status, 201)
            page = self.page(f"{range_}&rule_id=retried", server)
            self.assertEqual((page["violations"], page["total_count"], page["inconclusive"], page["coverage"]["complete"]), ([], None, 1, False))
            self.assertRegex(page["reason"], f"^inconclusive: 1 .*{2:032x}")
            series = {s["labels"]["rule_id"]: [p[1] for p in s["points"]] for s in server.get(f"/v1/violations/series?{range_}&step=1h").json()["series"]}
            self.assertEqual(series["retried"], [None, 0, None, 0, None, None], "of the other hours there is no trace")
            self.assertEqual(series["seen"], [None, 1, 1, 1, None, None])
            for value, expected in (("exercised", [None, 1, None, 1, None, None]), ("ratio", [None, 0, None, 0, None, None])):
                body = server.get(f"/v1/violations/series?{range_}&step=1h&value={value}&rule_id=retried").json()
                self.assertEqual([p[1] for p in body["series"][0]["points"]], expected)
                self.assertFalse(body["coverage"]["complete"])
                self.assertRegex(body["reason"], "^inconclusive: ")
                self.assertEqual([w["start"] for w in body["coverage"]["windows_failed"]], ["2026-03-10T02:00:00.000000000Z"])
            fine = self.page(f"{range_}&rule_id=seen", server)
            self.assertEqual((fine["total_count"], fine["inconclusive"], fine["coverage"]["complete"]), (3, 0, True))

    def test_no_rule_is_no_answer(self):
        for query in ("severity=low", "framework=hipaa"):
            page = self.page(f"{RANGE}&{query}")
            self.assertEqual((page["violations"], page["total_count"], page["coverage"]["complete"], page["cursor"]), ([], None, False, None))
            self.assertIn("no_rules", page["reason"])

    def test_no_data_is_no_answer(self):
        page = self.page("")
        self.assertEqual((page["violations"], page["total_count"], page["coverage"]["complete"]), ([], None, False))
        self.assertIn("no_data", page["reason"])

    def test_query(self):
        body = {"rule_ids": [PII_AUDIT["id"]], "start": START, "end": END, "limit": 1000, "order": "oldest"}
        stored = self.server.post("/v1/violations/query", body).json()
        expected = [v for v in self.replayed if v["rule_id"] == PII_AUDIT["id"]]
        self.assertEqual([v["id"] for v in stored["violations"]], [v["id"] for v in expected])
        adhoc = self.server.post("/v1/violations/query", {"dsl": PII_AUDIT["dsl"], "start": START, "end": END, "limit": 1000, "order": "oldest"}).json()
        self.assertEqual([v["trace_id"] for v in adhoc["violations"]], [v["trace_id"] for v in expected])
        self.assertEqual({(v["rule_id"], v["rule_version"]) for v in adhoc["violations"]}, {("ad-hoc", 0)})
        page = self.server.post("/v1/violations/query", {"dsl": PII_AUDIT["dsl"], "start": START, "end": END, "limit": 5}).json()
        rest = self.server.post("/v1/violations/query", {"dsl": PII_AUDIT["dsl"], "limit": 1000, "cursor": page["cursor"]}).json()
        self.assertEqual([v["trace_id"] for v in page["violations"] + rest["violations"]], [v["trace_id"] for v in expected[::-1]])
        everything = self.server.post("/v1/violations/query", {"start": START, "end": END, "limit": 1000}).json()
        self.assertEqual(len(everything["violations"]), len(self.replayed))

    # ---- what is refused ----

    def test_wrong_parameters_are_named(self):
        answer = self.server.get("/v1/violations?limit=0&order=up&timeout=x&trace_id=zz&severity=odd&start=soon")
        self.problem(answer, 400)
        self.assertEqual({e["field"] for e in answer.json()["errors"]}, {"limit", "order", "timeout", "trace_id", "severity", "start"})
        for query, field in ((f"start={END}&end={START}", "start"), (f"start={END}&end={END}", "start"), ("start=now-31d", "start"), ("limit=1001", "limit"),
                             ("timeout=6m", "timeout"), ("timeout=0s", "timeout"), ("cursor=abc", "cursor"), ("trace_id=", "trace_id")):
            with self.subTest(query=query):
                self.problem(self.server.get("/v1/violations?" + query), 400, field)
        self.problem(self.server.get("/v1/violations?frm=1"), 400)
        self.problem(self.server.get("/v1/violations?limit=1&limit=2"), 400)
        self.problem(self.server.get("/v1/violations?service=%ff"), 400)
        self.problem(self.server.get("/v1/violations?rule_id=nosuch"), 404)
        for body, field in (({"rule_ids": "x"}, "rule_ids"), ({"rule_ids": []}, "rule_ids"), ({"rule_ids": [3]}, "rule_ids"), ({"dsl": 3}, "dsl"),
                            ({"labels": []}, "labels"), ({"dsl": "a", "labels": {}}, "rule_ids"), ({"emit": True}, "emit"), ({"limit": "many"}, "limit")):
            with self.subTest(body=body):
                self.problem(self.server.post("/v1/violations/query", body), 400, field)
        self.problem(self.server.post("/v1/violations/query", {"dsl": "trace.has("}), 422)
        self.problem(self.server.post("/v1/violations/query", {"rule_ids": ["nosuch"]}), 404)
        self.problem(self.server.post("/v1/violations/query?limit=3", {}), 400)

    def test_foreign_cursors(self):
        cursor = self.page(f"{RANGE}&limit=5")["cursor"]
        for changed in (cursor[:-1], cursor + "A", "B" + cursor[1:], cursor[:20] + ("A" if cursor[20] != "A" else "B") + cursor[21:]):
            self.problem(self.server.get(f"/v1/violations?{RANGE}&cursor={changed}"), 400, "cursor")
        for other in (f"rule_id={SLOW_DB['id']}", "order=oldest", "severity=critical", "service=x"):
            self.problem(self.server.get(f"/v1/violations?{RANGE}&{other}&cursor={cursor}"), 400, "cursor")

    # ---- streams ----

    def test_lines(self):
        answer = self.server.get(f"/v1/violations?{RANGE}", headers={"Accept": "application/x-ndjson"})
        self.assertEqual(answer.headers["content-type"], "application/x-ndjson")
        lines = [json.loads(line) for line in answer.body.decode().split("\n") if line.strip()]
        self.assertEqual([line["violation"]["id"] for line in lines[:-1]], [v["id"] for v in self.replayed[::-1]])
        done = lines[-1]["done"]
        self.assertEqual((done["total_count"], done["cursor"], done["coverage"]["complete"]), (len(self.replayed), None, True))

    def test_a_limited_stream_goes_on_with_its_cursor(self):
        seen, cursor = [], ""
        while cursor is not None:
            answer = self.server.get(f"/v1/violations?{RANGE}&limit=150&cursor={cursor}", headers={"Accept": "application/x-ndjson"})
            lines = [json.loads(line) for line in answer.body.decode().split("\n") if line.strip()]
            seen += [line["violation"]["id"] for line in lines[:-1]]
            cursor = lines[-1]["done"]["cursor"]
        self.assertEqual(seen, [v["id"] for v in self.replayed[::-1]])

    def test_events_resume(self):
        seen, last_id, done = [], None, False
        while not done:
            with EventStream(self.server, f"/v1/violations?{RANGE}", last_id) as stream:
                self.assertEqual(stream.status, 200)
                for number, event in enumerate(stream):
                    done = event.name == "done"
                    if not done:
                        seen.append(event.data["id"])
                        last_id = event.id
                    if number == 60:
                        break
        self.assertEqual(seen, [v["id"] for v in self.replayed[::-1]])
        self.assertEqual(event.data["total_count"], len(self.replayed))

    def test_a_slow_reader(self):
        """It reads a little and waits: others are served, and it gets the rest."""
        with EventStream(self.server, f"/v1/violations?{RANGE}") as slow:
            events = iter(slow)
            next(events)
            for _ in range(5):
                self.assertEqual(self.server.get("/health").status, 200)
                self.page(f"{RANGE}&limit=10")
            self.assertEqual(1 + sum(e.name == "violation" for e in events), len(self.replayed))


class HangingTempo:
    """Takes connections and never answers."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.taken = []
        threading.Thread(target=self._take, daemon=True).start()
        return self

    def _take(self):
        try:
            while True:
                self.taken.append(self.listener.accept()[0])
        except OSError:
            pass

    def __exit__(self, *_):
        self.listener.close()
        for connection in self.taken:
            connection.close()


class WithoutTempoTest(unittest.TestCase):
    def test_past_its_time_it_answers_what_is_certain(self):
        with HangingTempo() as tempo, Betrace("--tempo", tempo.url) as server:
            server.post("/v1/rules", SLOW_DB)
            answers = []

            def ask():
                answers.append(server.get("/v1/violations?timeout=2s"))

            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            self.assertEqual(server.get("/v1/rules").status, 200, "those who wait hold no worker")
            for thread in threads:
                thread.join()
            for answer in answers:
                self.assertEqual(answer.status, 200, answer)
                page = answer.json()
                self.assertEqual((page["violations"], page["total_count"], page["coverage"]["complete"]), ([], None, False))
                self.assertIn("not_evaluated", page["reason"])
                self.assertIsNotNone(page["cursor"])
            with EventStream(server, "/v1/violations?timeout=1s") as stream:
                self.assertEqual([e.name for e in stream], ["done"])

    def test_a_tempo_that_is_gone(self):
        with Betrace("--tempo", "http://127.0.0.1:1") as server:
            server.post("/v1/rules", SLOW_DB)
            page = server.get("/v1/violations").json()
            self.assertEqual((page["violations"], page["total_count"], page["coverage"]["complete"], page["cursor"]), ([], None, False, None))
            self.assertTrue(page["reason"])
            self.assertTrue(page["coverage"]["windows_failed"])
            self.assertEqual(page["traces_evaluated"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=1)
