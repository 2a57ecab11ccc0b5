"""POST /v1/rules/test, the severity that text and field have to agree on, and stored rules that do not compile, on a real server."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from rule_rows import change_rules  # noqa: E402
from seed_rules import PII_AUDIT, SLOW_DB  # noqa: E402

END = "2026-03-10T12:00:00Z"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


def span(number, name, parent=0, start=0, duration=1000000, attributes=None, **more):
    values = [{"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
              for key, value in (attributes or {}).items()]
    begin = 1767225600000000000 + start
    made = {"traceId": TRACE_ID, "spanId": f"{number:016x}", "name": name, "startTimeUnixNano": str(begin),
            "endTimeUnixNano": str(begin + duration), "attributes": values, **more}
    if parent:
        made["parentSpanId"] = f"{parent:016x}"
    return made


def document(*spans, service="web"):
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]}


class RulesTestTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-http-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.traces = os.path.join(cls.folder.name, "traces.jsonl")
        truth = os.path.join(cls.folder.name, "truth.json")
        done = run_cli("generate", "--traces", 300, "--violations", 5, "--end", END, "--since", "24h", "--out", cls.traces, "--truth", truth)
        assert done.returncode == 0, done.stderr
        with open(truth, encoding="utf-8") as file:
            cls.truth = json.load(file)

    def setUp(self):
        self.server = Betrace("--traces", self.traces)
        self.server.start()
        self.addCleanup(self.server.__exit__)

    def verdict(self, **body):
        answer = self.server.post("/v1/rules/test", body)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def problem(self, status, kind, **body):
        answer = self.server.post("/v1/rules/test", body)
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.json()["type"], f"urn:betrace:problem:{kind}", answer)
        return answer.json()

    # ---- traces in the body ----

    def test_violated_with_witnesses(self):
        trace = document(span(1, "checkout", attributes={"amount": 2000}), span(2, "db", 1))
        answer = self.verdict(dsl="when { checkout.where(amount > 1000) as c } always { fraud-check after c within 500ms }", trace=trace)
        self.assertEqual((answer["verdict"], answer["reason"], answer["exercised"], answer["rule_id"]), ("violated", None, True, None))
        self.assertEqual(answer["trace_id"], TRACE_ID)
        violation = answer["violation"]
        self.assertEqual(violation["trace_id"], TRACE_ID)
        self.assertEqual(violation["root_service"], "web")
        (witness,) = violation["witnesses"]
        self.assertEqual((witness["binding"], witness["name"], witness["span_id"], witness["attributes"]), ("c", "checkout", f"{1:016x}", {"amount": "2000"}))
        self.assertIn("failed", violation)

    def test_what_names_and_comparisons_met(self):
        trace = document(span(1, "web"), span(2, "db", 1, attributes={"amount": "12 EUR"}))
        answer = self.verdict(dsl="when { web } always { trace.has(amount > 5) }", trace=trace)
        self.assertEqual([note["range"] for note in answer["notes"]], [{"start": 7, "end": 10}, {"start": 32, "end": 42}])
        self.assertIn("`web` selected 1 span by service and 1 by name", answer["notes"][0]["message"])
        self.assertIn("`amount` was a string in 1 of 1 spans", answer["notes"][1]["message"])
        self.assertEqual(self.verdict(dsl="when { name:web } always { db }", trace=trace)["notes"], [])

    def test_other_verdicts(self):
        rule = "when { pii.read } always { audit.log }"
        cases = [(document(span(1, "pii.read"), span(2, "audit.log", 1)), "satisfied", True), (document(span(1, "home")), "not_applicable", False)]
        for trace, verdict, exercised in cases:
            answer = self.verdict(dsl=rule, trace=trace)
            self.assertEqual((answer["verdict"], answer["exercised"], answer["violation"]), (verdict, exercised, None))

    def test_inconclusive_says_why(self):
        rule = dict(PII_AUDIT, id="needs-all", dsl="when { pii.read } always { audit.log }", require_complete=True)
        self.assertEqual(self.server.post("/v1/rules", rule).status, 201)
        orphan = document(span(1, "pii.read", parent=77))
        answer = self.verdict(rule_id="needs-all", trace=orphan)
        self.assertEqual((answer["verdict"], answer["reason"], answer["violation"]), ("inconclusive", "incomplete", None))
        self.assertEqual(answer["rule_id"], "needs-all")

    def test_diagnostics_are_warnings(self):
        answer = self.verdict(dsl="not trace.has(span.name == \"audit.log\")", trace=document(span(1, "home")))
        self.assertEqual([(d["code"], d["severity"]) for d in answer["diagnostics"]], [("W004", "warning")])

    def test_bodies_that_are_wrong(self):
        trace = document(span(1, "a"))
        other = document(dict(span(2, "b"), traceId="f" * 32))
        both = {"resourceSpans": trace["resourceSpans"] + other["resourceSpans"]}
        self.assertIn("2 traces", self.problem(400, "invalid-field", dsl="a", trace=both)["detail"])
        self.assertIn("0 traces", self.problem(400, "invalid-field", dsl="a", trace={})["detail"])
        self.problem(400, "invalid-field", dsl="a", trace={"spans": []})
        self.problem(400, "invalid-field", dsl="a", trace="text")
        self.problem(400, "invalid-field", dsl="a", trace=trace, trace_id=TRACE_ID)
        self.problem(400, "invalid-field", dsl="a", rule_id="x", trace=trace)
        self.problem(400, "invalid-field", trace=trace)
        self.problem(400, "invalid-field", dsl="a")
        self.problem(400, "invalid-field", dsl=7, trace=trace)
        self.problem(400, "invalid-field", dsl="a", trace_id="xyz")
        self.assertIn("trace_id", self.problem(400, "invalid-field", dsl="a", traceid="1")["errors"][0]["message"])
        self.problem(404, "not-found", rule_id="nosuch", trace=trace)
        errors = self.problem(422, "rule-invalid", dsl="when { a", trace=trace)["errors"]
        self.assertEqual(errors[0]["code"], "E010")

    # ---- traces of the source ----

    def test_trace_of_the_source(self):
        self.assertEqual(self.server.post("/v1/rules", SLOW_DB).status, 201)
        violating = self.truth["slow-db-no-retry"]
        for trace_id in violating:
            answer = self.verdict(rule_id="slow-db-no-retry", trace_id=trace_id)
            self.assertEqual((answer["verdict"], answer["trace_id"], answer["violation"]["confirmed"]), ("violated", trace_id, "by_id"))
        other = next(i for i in self.truth["pii-audit"] if i not in violating)
        self.assertNotEqual(self.verdict(rule_id="slow-db-no-retry", trace_id=other)["verdict"], "violated")
        # The same violation has the same id, however it was found.
        started = self.server.post("/v1/rules/slow-db-no-retry/replay", {"start_time": "2026-03-09T12:00:00Z", "end_time": END}).json()
        self.server.wait_job(started["replay_id"])
        ids = {v["trace_id"]: v["id"] for v in self.server.violations(started["replay_id"])}
        answer = self.verdict(rule_id="slow-db-no-retry", trace_id=violating[0])
        self.assertEqual(answer["violation"]["id"], ids[violating[0]])

    def test_trace_that_is_not_there(self):
        self.assertIn("no trace", self.problem(404, "not-found", dsl="a", trace_id="1234")["detail"])

    # ---- severities ----

    def test_severity_of_text_and_field_must_agree(self):
        text = "@severity(critical)\nwhen { a } always { b }"
        answer = self.server.post("/v1/rules", {"id": "s", "dsl": text, "severity": "low"})
        self.assertEqual(answer.status, 400, answer)
        self.assertIn("severity", answer.json()["detail"])
        answer = self.server.post("/v1/rules", {"id": "s", "dsl": text, "severity": "Critical"})
        self.assertEqual((answer.status, answer.json()["severity"]), (201, "critical"), answer)
        answer = self.server.post("/v1/rules", {"id": "t", "dsl": text})
        self.assertEqual((answer.status, answer.json()["severity"]), (201, "critical"), answer)

    # ---- rules that do not compile any more ----

    def break_rules(self):
        """As if the language had changed: the stored texts are such that do not compile."""
        self.server.stop()
        changed = change_rules(self.server.db, "UPDATE rule_versions SET dsl = REPLACE(dsl, 'trace.has(', 'trace.hat(') WHERE dsl LIKE '%trace.has(%'")
        self.assertGreater(changed, 0)
        self.server.start()

    def test_broken_rule_is_visible(self):
        team = {"team": "payments"}
        self.assertEqual(self.server.post("/v1/rules", dict(SLOW_DB, labels=team)).status, 201)
        self.assertEqual(self.server.post("/v1/rules", {"id": "a-fine-one", "labels": team, "dsl": "when { a } always { b }"}).status, 201)
        self.assertIsNone(self.server.get("/v1/rules/slow-db-no-retry").json()["broken"])
        self.break_rules()
        rule = self.server.get("/v1/rules/slow-db-no-retry").json()
        self.assertIn("trace.hat", rule["dsl"])
        self.assertIn("E0", rule["broken"])
        listed = self.server.get("/v1/rules").json()["rules"]
        self.assertEqual([(r["id"], r["broken"] is None) for r in listed], [("a-fine-one", True), ("slow-db-no-retry", False)])
        ready = self.server.get("/ready")
        self.assertEqual((ready.status, ready.json()["status"]), (200, "degraded"), ready)
        self.assertIn("1 enabled rule", ready.json()["parts"]["rules"]["reason"])
        answer = self.server.post("/v1/rules/test", {"rule_id": "slow-db-no-retry", "trace": document(span(1, "a"))})
        self.assertEqual(answer.status, 400, answer)
        # A replay that left it out would say that it has no violations.
        replay = self.server.post("/v1/replays", {"labels": team, "start_time": "2026-03-09T12:00:00Z", "end_time": END})
        self.assertEqual(replay.status, 400, replay)
        self.assertIn("slow-db-no-retry", replay.json()["detail"])
        # The rule as it was read, with its text mended, can be put back.
        mended = self.server.put("/v1/rules/slow-db-no-retry", dict(rule, dsl=SLOW_DB["dsl"]))
        self.assertEqual((mended.status, mended.json()["broken"]), (200, None), mended)
        self.assertEqual(self.server.get("/ready").status, 200)


if __name__ == "__main__":
    unittest.main(verbosity=1)
