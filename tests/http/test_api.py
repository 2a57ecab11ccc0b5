"""The HTTP API on a real server over trace files: rules, validation, replays, and bad input of every kind."""
import json
import os
import socket
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from seed_rules import INCIDENT, PII_AUDIT, SLOW_DB, TRUTH  # noqa: E402

END = "2026-03-10T12:00:00Z"
START = "2026-03-09T12:00:00Z"


class ApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-http-")
        cls.traces = os.path.join(cls.folder.name, "traces.pb")
        cls.truth_file = os.path.join(cls.folder.name, "truth.json")
        done = run_cli("generate", "--traces", 1000, "--violations", 11, "--end", END, "--since", "24h", "--out", cls.traces, "--truth", cls.truth_file)
        assert done.returncode == 0, done.stderr
        with open(cls.truth_file, encoding="utf-8") as file:
            cls.truth = json.load(file)
        cls.addClassCleanup(cls.folder.cleanup)

    def setUp(self):
        self.server = Betrace("--traces", self.traces)
        self.server.start()
        self.addCleanup(self.server.__exit__)

    def problem(self, answer, status, kind=None):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"], "application/problem+json", answer)
        document = answer.json()
        self.assertEqual(document["status"], status)
        self.assertTrue(document["title"])
        self.assertTrue(document["detail"])
        if kind:
            self.assertEqual(document["type"], f"urn:betrace:problem:{kind}")
        return document

    def rule_count(self):
        return len(self.server.get("/v1/rules").json()["rules"])

    # ---- health ----

    def test_health(self):
        answer = self.server.get("/health")
        self.assertEqual((answer.status, answer.json()), (200, {"status": "healthy"}))
        body = self.server.get("/v1/health").json()
        self.assertEqual(body["status"], "HEALTHY")
        self.assertEqual(body["metadata"]["source"], "files")

    def test_ready(self):
        for path in ("/ready", "/v1/ready"):
            answer = self.server.get(path)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.json()["status"], "ready")

    # ---- rules ----

    def test_create_read_update_delete(self):
        created = self.server.post("/v1/rules", SLOW_DB)
        self.assertEqual(created.status, 201, created)
        self.assertEqual(created.headers["location"], "/v1/rules/slow-db-no-retry")
        self.assertEqual(created.headers["etag"], '"1"')
        rule = created.json()
        self.assertEqual((rule["version"], rule["severity"], rule["enabled"], rule["shadow"]), (1, "warning", True, False))
        self.assertEqual(rule["dsl"], SLOW_DB["dsl"])
        self.assertRegex(rule["condition_hash"], "^[0-9a-f]{64}$")
        self.assertEqual(self.server.get("/v1/rules/slow-db-no-retry").json(), rule)
        changed = self.server.put("/v1/rules/slow-db-no-retry", dict(rule, name="Slow", severity="HIGH"))
        self.assertEqual(changed.status, 200, changed)
        self.assertEqual((changed.json()["name"], changed.json()["severity"], changed.json()["version"]), ("Slow", "high", 2))
        self.assertEqual(changed.json()["condition_hash"], rule["condition_hash"], "a new name does not change the condition")
        self.assertEqual(self.server.delete("/v1/rules/slow-db-no-retry").status, 204)
        self.problem(self.server.get("/v1/rules/slow-db-no-retry"), 404)
        again = self.server.post("/v1/rules", SLOW_DB)
        self.assertGreater(again.json()["version"], 2, "an ETag never means two different rules")

    def test_condition_hash_follows_the_condition(self):
        first = self.server.post("/v1/rules", SLOW_DB).json()
        respaced = self.server.put("/v1/rules/slow-db-no-retry", dict(SLOW_DB, dsl="  " + SLOW_DB["dsl"] + " # note")).json()
        self.assertEqual(respaced["condition_hash"], first["condition_hash"])
        other = self.server.put("/v1/rules/slow-db-no-retry", dict(SLOW_DB, dsl=SLOW_DB["dsl"].replace("1s", "2s"))).json()
        self.assertNotEqual(other["condition_hash"], first["condition_hash"])

    def test_if_match(self):
        self.server.post("/v1/rules", SLOW_DB)
        self.problem(self.server.put("/v1/rules/slow-db-no-retry", SLOW_DB, headers={"If-Match": '"7"'}), 412)
        self.problem(self.server.put("/v1/rules/slow-db-no-retry", SLOW_DB, headers={"If-Match": 'W/"1"'}), 412)  # never a match, right or wrong
        self.problem(self.server.put("/v1/rules/slow-db-no-retry", SLOW_DB, headers={"If-Match": 'W/1'}), 400)
        self.assertEqual(self.server.get("/v1/rules/slow-db-no-retry").json()["version"], 1)
        self.assertEqual(self.server.put("/v1/rules/slow-db-no-retry", SLOW_DB, headers={"If-Match": '"1"'}).status, 200)
        self.problem(self.server.delete("/v1/rules/slow-db-no-retry", headers={"If-Match": '"1"'}), 412)
        self.problem(self.server.delete("/v1/rules/slow-db-no-retry", headers={"If-Match": "one"}), 400)

    def test_enable_disable_and_versions(self):
        self.server.post("/v1/rules", SLOW_DB)
        self.assertFalse(self.server.post("/v1/rules/slow-db-no-retry/disable").json()["enabled"])
        self.assertTrue(self.server.post("/v1/rules/slow-db-no-retry/enable").json()["enabled"])
        versions = self.server.get("/v1/rules/slow-db-no-retry/versions").json()["versions"]
        self.assertEqual([(v["version"], v["enabled"]) for v in versions], [(1, True), (2, False), (3, True)])

    def test_taken_id(self):
        self.server.post("/v1/rules", SLOW_DB)
        self.problem(self.server.post("/v1/rules", dict(SLOW_DB, name="Another")), 409)
        self.assertEqual(self.server.get("/v1/rules/slow-db-no-retry").json()["name"], SLOW_DB["name"])

    def test_id_made_from_the_name(self):
        answer = self.server.post("/v1/rules", {"name": "No PII without audit!", "dsl": PII_AUDIT["dsl"]})
        self.assertEqual(answer.status, 201, answer)
        self.assertEqual(answer.json()["id"], "no-pii-without-audit")

    def test_listing_filters_and_pages(self):
        for rule in (SLOW_DB, INCIDENT, PII_AUDIT):
            self.assertEqual(self.server.post("/v1/rules", dict(rule, labels={"team": rule["id"][:3]})).status, 201)
        def ids(query):
            return [r["id"] for r in self.server.get("/v1/rules" + query).json()["rules"]]
        self.assertEqual(ids(""), ["incident-pattern", "pii-audit-soc2-cc6.1", "slow-db-no-retry"])
        self.assertEqual(ids("?severity=critical"), ["incident-pattern", "pii-audit-soc2-cc6.1"])
        self.assertEqual(ids("?label=team:slo"), ["slow-db-no-retry"])
        self.assertEqual(ids("?framework=soc2"), ["pii-audit-soc2-cc6.1"])
        self.assertEqual(ids("?q=RETRY"), ["slow-db-no-retry"])
        self.assertEqual(ids("?enabled=false"), [])
        page = self.server.get("/v1/rules?limit=2").json()
        self.assertEqual([r["id"] for r in page["rules"]], ["incident-pattern", "pii-audit-soc2-cc6.1"])
        self.assertEqual(ids(f"?limit=2&cursor={page['cursor']}"), ["slow-db-no-retry"])
        self.assertIsNone(self.server.get("/v1/rules?limit=3").json()["cursor"])

    def test_rules_survive_kill(self):
        with Betrace("--traces", self.traces) as server:
            server.post("/v1/rules", SLOW_DB)
            server.kill()
            with Betrace("--traces", self.traces, db=server.db) as again:
                self.assertEqual(again.get("/v1/rules/slow-db-no-retry").json()["dsl"], SLOW_DB["dsl"])

    # ---- validation ----

    def test_validate(self):
        good = self.server.post("/v1/rules/validate", {"dsl": SLOW_DB["dsl"]}).json()
        self.assertTrue(good["valid"])
        self.assertEqual(good["diagnostics"], [])
        self.assertEqual(len(good["condition_hash"]), 64)
        self.assertEqual(good["explain"]["strategy"], "search_and_subtract")
        self.assertIn("db.query", good["explain"]["searched"][0])
        self.assertIn("retry", good["explain"]["subtracted"][0])
        bad = self.server.post("/v1/rules/validate", {"dsl": "YOUR_DSL_HERE.where("})
        self.assertEqual(bad.status, 200)
        self.assertFalse(bad.json()["valid"])
        self.assertTrue(bad.json()["diagnostics"])
        self.assertIsNone(bad.json()["condition_hash"])
        self.assertEqual(self.rule_count(), 0, "validating saves nothing")

    def test_validate_shows_what_it_means(self):
        asked = {"dsl": "when { a } always { b }", "examples": True, "compared_with": "when { a } always { b or c }"}
        answer = self.server.post("/v1/rules/validate", asked).json()
        for name, verdict in (("violating", "violated"), ("keeping", "satisfied")):
            judged = self.server.post("/v1/rules/test", {"dsl": asked["dsl"], "trace": answer["examples"][name]["trace"]}).json()
            self.assertEqual(judged["verdict"], verdict)
        self.assertEqual([answer["comparison"][name] for name in ("meaning", "first_is_within", "only_first")], ["stricter", True, None])
        told = answer["comparison"]["only_second"]["trace"]
        self.assertEqual([self.server.post("/v1/rules/test", {"dsl": dsl, "trace": told}).json()["verdict"] for dsl in (asked["compared_with"], asked["dsl"])],
                         ["satisfied", "violated"])
        bad = self.server.post("/v1/rules/validate", {"dsl": "a.where(", "examples": True, "compared_with": "a"}).json()
        self.assertEqual((bad["valid"], bad["examples"], bad["comparison"]), (False, None, None))
        for wrong in ({"examples": 1}, {"compared_with": "a.where("}, {"compared_with": 3}):
            self.assertEqual(self.server.post("/v1/rules/validate", {"dsl": "a", **wrong}).status, 400)

    # ---- replays ----

    def replay(self, rule, body=None):
        self.assertEqual(self.server.post("/v1/rules", rule).status, 201)
        started = self.server.post(f"/v1/rules/{rule['id']}/replay", body or {"start_time": START, "end_time": END})
        self.assertEqual(started.status, 202, started)
        self.assertEqual(started.json()["rule_id"], rule["id"])
        return started.json()["replay_id"], self.server.wait_replay(rule["id"])

    def test_replays_find_the_planted_traces(self):
        for rule in (SLOW_DB, INCIDENT, PII_AUDIT):
            with self.subTest(rule=rule["id"]):
                replay_id, status = self.replay(rule)
                planted = self.truth[TRUTH[rule["id"]]]
                self.assertEqual(status["status"], "completed", status)
                self.assertEqual(status["rule_id"], rule["id"])
                self.assertEqual((status["traces_evaluated"], status["traces_evaluated_kind"]), (1000, "exact"))
                self.assertEqual(status["violations_found"], len(planted))
                self.assertTrue(status["coverage"]["complete"])
                self.assertIsNone(status["coverage"]["handover_from"], "files hand nothing over")
                violations = self.server.violations(replay_id)
                self.assertEqual(sorted(v["trace_id"] for v in violations), sorted(planted))
                self.assertEqual([v["time"] for v in violations], sorted(v["time"] for v in violations))
                self.assertEqual(status["first_violation"]["trace_id"], violations[0]["trace_id"])
                for violation in violations:
                    self.assertTrue(violation["witnesses"], violation)
                    self.assertTrue(violation["message"])

    def test_a_replay_says_what_names_and_comparisons_met(self):
        _, status = self.replay({"id": "typed", "dsl": 'when { trace.has(user.region == 5) } never { retry }'})
        (note,) = status["notes"]
        self.assertEqual((note["rule_id"], note["range"]), ("typed", {"start": 17, "end": 33}))
        self.assertRegex(note["message"], r"^`user.region` was a string in ([\d,]+) of \1 spans, and here it is compared with a number")
        self.assertGreater(status["traces_noted"], 0)
        self.assertEqual(self.replay(SLOW_DB)[1]["notes"], [])

    def test_violation_ids_are_the_same_on_every_run(self):
        first, _ = self.replay(SLOW_DB)
        second = self.server.post("/v1/rules/slow-db-no-retry/replay", {"start_time": START, "end_time": END}).json()["replay_id"]
        self.server.wait_job(second)
        self.assertEqual([v["id"] for v in self.server.violations(first)], [v["id"] for v in self.server.violations(second)])

    def test_range_without_traces_is_not_no_violations(self):
        _, status = self.replay(SLOW_DB, {"start_time": "2020-01-01T00:00:00Z", "end_time": "2020-01-02T00:00:00Z"})
        self.assertEqual(status["status"], "incomplete", status)
        self.assertIn("no_data", status["reason"])
        self.assertFalse(status["coverage"]["complete"])

    def test_half_open_windows_add_up(self):
        self.server.post("/v1/rules", SLOW_DB)
        counts = []
        for start, end in ((START, "2026-03-10T00:00:00Z"), ("2026-03-10T00:00:00Z", END)):
            job = self.server.post("/v1/rules/slow-db-no-retry/replay", {"start_time": start, "end_time": end}).json()["replay_id"]
            counts.append(self.server.wait_job(job))
        self.assertEqual(sum(c["traces_evaluated"] for c in counts), 1000)
        self.assertEqual(sum(c["violations_found"] for c in counts), len(self.truth["slow-db-no-retry"]))

    def test_adhoc_and_several_rules(self):
        for rule in (SLOW_DB, PII_AUDIT):
            self.server.post("/v1/rules", rule)
        started = self.server.post("/v1/replays", {"rule_ids": [SLOW_DB["id"], PII_AUDIT["id"]], "start_time": START, "end_time": END})
        status = self.server.wait_job(started.json()["replay_id"])
        self.assertEqual({r["rule_id"]: r["violations_found"] for r in status["rules"]},
                         {r: len(self.truth[TRUTH[r]]) for r in (SLOW_DB["id"], PII_AUDIT["id"])})
        started = self.server.post("/v1/replays", {"dsl": INCIDENT["dsl"], "start_time": START, "end_time": END})
        status = self.server.wait_job(started.json()["replay_id"])
        self.assertEqual(status["violations_found"], len(self.truth["incident-pattern"]))
        self.assertIn(started.json()["replay_id"], [r["replay_id"] for r in self.server.get("/v1/replays").json()["replays"]])
        self.assertEqual(self.server.delete(f"/v1/replays/{started.json()['replay_id']}").status, 204)
        self.problem(self.server.get(f"/v1/replays/{started.json()['replay_id']}"), 404)

    # ---- bad input: problem documents with the right status, and nothing changed ----

    def test_unknown_field(self):
        document = self.problem(self.server.post("/v1/rules", dict(SLOW_DB, severty="high")), 400, "invalid-field")
        self.assertEqual(document["errors"][0]["field"], "severty")
        self.assertIn('"severity"', document["errors"][0]["message"])
        self.assertEqual(self.rule_count(), 0)

    def test_wrong_types_are_all_named(self):
        document = self.problem(self.server.post("/v1/rules", dict(SLOW_DB, enabled="yes", severity=3, labels=["a"])), 400, "invalid-field")
        self.assertEqual({e["field"] for e in document["errors"]}, {"enabled", "severity", "labels"})
        self.assertEqual(self.rule_count(), 0)

    def test_broken_dsl(self):
        document = self.problem(self.server.post("/v1/rules", dict(SLOW_DB, dsl="trace.has(span.duration > 5")), 422, "rule-invalid")
        self.assertTrue(all(e["code"].startswith(("E", "W")) and e["line"] >= 1 and e["column"] >= 1 for e in document["errors"]), document)
        self.assertEqual(self.rule_count(), 0)

    def test_body_that_is_no_json(self):
        for body in (b"", b"{", b"[]", b"nonsense", b'{"id":"a","id":"b","dsl":"x"}', b'{"dsl":"\xff"}'):
            with self.subTest(body=body):
                self.problem(self.server.post("/v1/rules", body), 400)
        self.assertEqual(self.rule_count(), 0)

    def test_large_body(self):
        body = json.dumps(dict(SLOW_DB, description="x" * (11 << 20)))
        self.problem(self.server.post("/v1/rules", body), 413, "too-large")
        self.assertEqual(self.rule_count(), 0)
        huge = self.raw(b"POST /v1/rules HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n")
        self.assertIn(b" 413 ", huge)
        self.assertIn(b"application/problem+json", huge)

    def test_limits_of_fields(self):
        for field, value in (("name", "x" * 257), ("description", "x" * 4097), ("id", "-a"), ("id", "a" * 129), ("id", "validate"), ("id", "a b")):
            with self.subTest(field=field, length=len(value)):
                self.problem(self.server.post("/v1/rules", dict(SLOW_DB, **{field: value})), 400)
        answer = self.server.post("/v1/rules", dict(SLOW_DB, dsl="a or " * 20000 + "a"))
        self.assertIn(answer.status, (400, 422), answer)
        self.assertEqual(self.rule_count(), 0)

    def test_bad_dates(self):
        self.server.post("/v1/rules", SLOW_DB)
        for start, end in (("yesterday", END), (START, "2026-13-01T00:00:00Z"), (END, START), (START, START), (True, END), ({}, END)):
            with self.subTest(start=start, end=end):
                self.problem(self.server.post("/v1/rules/slow-db-no-retry/replay", {"start_time": start, "end_time": end}), 400, "invalid-field")
        self.problem(self.server.get("/v1/rules/slow-db-no-retry/replay/status"), 404)

    def test_emission_without_an_endpoint(self):
        self.server.post("/v1/rules", SLOW_DB)
        document = self.problem(self.server.post("/v1/rules/slow-db-no-retry/replay", {"emit": True}), 400)
        self.assertEqual(document["errors"][0]["field"], "emit")
        document = self.problem(self.server.post("/v1/replays", {"rule_ids": ["slow-db-no-retry"], "dsl": None, "emit": True}), 400)
        self.assertIn("no OTLP endpoint", document["errors"][0]["message"], "a dsl that is null is none")

    def test_unknown_rule_path_method_and_parameter(self):
        self.problem(self.server.get("/v1/rules/nosuch"), 404)
        self.problem(self.server.put("/v1/rules/nosuch", SLOW_DB | {"id": "nosuch"}), 404)
        self.problem(self.server.delete("/v1/rules/nosuch"), 404)
        self.problem(self.server.post("/v1/rules/nosuch/replay", {}), 404)
        self.problem(self.server.get("/v1/rules/nosuch/replay/status"), 404)
        self.problem(self.server.get("/v1/replays/r-0"), 404)
        self.problem(self.server.get("/nosuch"), 404)
        wrong = self.server.request("PATCH", "/v1/rules")
        self.problem(wrong, 405)
        self.assertEqual(wrong.headers["allow"], "GET, POST")
        self.problem(self.server.get("/v1/rules?limt=3"), 400)
        self.problem(self.server.get("/v1/rules?limit=0"), 400)
        self.problem(self.server.get("/v1/rules?limit=99999"), 400)

    def test_what_acts_passes_over_no_parameter(self):
        """?dry_run or ?emit=false where there is no such parameter: who sent it did not mean that it is done."""
        rule = self.server.post("/v1/rules", SLOW_DB).json()
        path = f"/v1/rules/{rule['id']}"
        for method, target, body in (("POST", "/v1/rules", dict(SLOW_DB, id="second")), ("PUT", path, dict(SLOW_DB, severity="low")), ("DELETE", path, None), ("POST", f"{path}/disable", None),
                                     ("POST", f"{path}/enable", None), ("POST", f"{path}/replay", {}), ("POST", "/v1/replays", {"rule_ids": [rule["id"]]}), ("POST", "/v1/rules/validate", {"dsl": "a"})):
            with self.subTest(method=method, target=target):
                answer = self.server.request(method, target + "?dry_run=true", body)
                self.assertTrue(self.problem(answer, 400)["type"].endswith(":unknown-parameter"), answer)
        self.assertEqual([r["id"] for r in self.server.get("/v1/rules").json()["rules"]], [rule["id"]])
        self.assertEqual(self.server.get(path).json(), rule)
        self.assertEqual(self.server.get("/v1/replays").json()["replays"], [])

    def test_foreign_pages(self):
        foreign = ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"})
        for headers in foreign:
            with self.subTest(headers=headers):
                self.problem(self.server.post("/v1/rules", SLOW_DB, headers=headers), 403, "foreign-origin")
        self.assertEqual(self.rule_count(), 0)
        own = {"Origin": f"http://127.0.0.1:{self.server.port}", "Sec-Fetch-Site": "same-origin"}
        self.assertEqual(self.server.post("/v1/rules", SLOW_DB, headers=own).status, 201)

    def test_foreign_host(self):
        self.problem(self.server.get("/v1/rules", headers={"Host": "rebound.example"}), 421, "misdirected")
        self.assertEqual(self.server.get("/v1/rules", headers={"Host": "localhost:8080"}).status, 200)

    def raw(self, request):
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
            return answer

    def test_smuggling(self):
        head = b"POST /v1/rules HTTP/1.1\r\nHost: localhost\r\n"
        for lengths in (b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: 2\r\nContent-Length: 3\r\n"):
            answer = self.raw(head + lengths + b"\r\n2\r\n{}\r\n0\r\n\r\n")
            self.assertIn(b" 400 ", answer.split(b"\r\n")[0])
            self.assertEqual(answer.count(b"HTTP/1.1"), 1, answer)
        self.assertEqual(self.rule_count(), 0)

    def test_head_and_http2(self):
        self.assertEqual(self.server.request("HEAD", "/health").body, b"")
        answer = self.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
        self.assertIn(b"this port speaks HTTP/1.1", answer)


class StartTest(unittest.TestCase):
    """What `betrace serve` refuses to start with, and what it then says."""

    def refused(self, *arguments, says, env=None):
        done = run_cli("serve", *arguments, env=env)
        self.assertIn(done.returncode, (2, 3), done)
        self.assertIn(says, done.stderr)

    def test_refusals(self):
        with tempfile.TemporaryDirectory() as folder:
            db = ("--db", os.path.join(folder, "rules.db"))
            self.refused(*db, says="--tempo")
            self.refused(*db, "--tempo", "http://127.0.0.1:1", "--listen", "0.0.0.0:0", says="--allow-anonymous")
            self.refused(*db, "--tempo", "http://127.0.0.1:1", "--otlp", "http://127.0.0.1:4317", says="4318")
            self.refused(*db, "--tempo", "ftp://x", says="http")
            self.refused(*db, "--traces", os.path.join(folder, "nosuch.json"), says="nosuch.json")
            self.refused(*db, "--settle", "soon", says="--settle")
            self.refused(*db, "--nosuch", says="--nosuch")
            self.refused(*db, says="BETRACE_MAX_REPLAYS", env={"BETRACE_MAX_REPLAYS": "many"})

    def test_print_config(self):
        done = run_cli("serve", "--print-config", "--otlp-headers", "authorization=secret", env={"BETRACE_SETTLE": "3m"})
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"settle +3m +BETRACE_SETTLE\n")
        self.assertNotIn("secret", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=1)
