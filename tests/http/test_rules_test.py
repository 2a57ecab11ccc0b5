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
import trace_files as given  # noqa: E402

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

    # ---- a clock skew, and linked traces, in the body ----

    # when a skew of 20 ms makes the order of web and db, 10 ms apart, uncertain
    ORDER = "when { checkout as c } always { fraud-check after c }"
    ORDERED = given.trace(1, given.span("GET /"), given.span("checkout"), given.span("fraud-check", at=10, service="bank"))
    # publish, and in another trace who processes it
    LINKS = "when { publish as p } always { process linked to p within 10m }"
    BOTH = "when { publish as p } always { process linked to p within 10m and ack after p }"
    PUBLISHED = given.trace(7, given.span("POST /orders"), given.span("publish", at=5, id="00000000000000a1"), given.span("ack", at=11, service="queue"))
    PROCESSED = given.trace(8, given.span("process", links=[(7, "00000000000000a1")], service="worker"), at=2000)
    OTHER = given.trace(9, given.span("process", service="worker"), at=2000)

    def test_a_skew_in_the_body(self):
        trace = json.loads(self.ORDERED)
        for skew, verdict, reason in ((None, "satisfied", None), ("0s", "satisfied", None), ("5ms", "satisfied", None), ("20ms", "inconclusive", "skew")):
            answer = self.verdict(dsl=self.ORDER, trace=trace, **({"clock_skew": skew} if skew else {}))
            self.assertEqual((answer["verdict"], answer["reason"]), (verdict, reason), skew)
        # It stands in for the rule's own, for traces of the source too.
        self.assertEqual(self.server.post("/v1/rules", {"id": "order", "dsl": self.ORDER, "clock_skew": "20ms"}).status, 201)
        self.assertEqual(self.verdict(rule_id="order", trace=trace)["reason"], "skew")
        self.assertEqual(self.verdict(rule_id="order", trace=trace, clock_skew="0s")["verdict"], "satisfied")
        self.assertEqual(self.verdict(rule_id="order", trace=trace, clock_skew=None)["reason"], "skew")

    def test_a_skew_for_a_trace_of_the_source(self):
        path = os.path.join(self.folder.name, "ordered.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.ORDERED + self.PUBLISHED + self.PROCESSED)
        with Betrace("--traces", path, "--clock-skew", "20ms") as server:
            for dsl, trace, apart in ((self.ORDER, 1, "20ms"), (self.BOTH, 7, "10ms")):
                answers = [server.post("/v1/rules/test", {"dsl": dsl, "trace_id": given.trace_id(trace), "clock_skew": skew}).json() for skew in (apart, "1ms")]
                self.assertEqual([(a["verdict"], a["reason"]) for a in answers], [("inconclusive", "skew"), ("satisfied", None)], dsl)

    def test_a_skew_that_is_none(self):
        for wrong in ("20", "-5ms", "31d", 20, "", True, {"ms": 5}):
            error, = self.problem(400, "invalid-field", dsl=self.ORDER, trace=json.loads(self.ORDERED), clock_skew=wrong)["errors"]
            self.assertEqual(error, {"field": "clock_skew", "message": 'expected a duration of 0 to 30d with a unit, as in "500ms" or "2m", got '
                                     + json.dumps(wrong, separators=(",", ":"))})

    def test_linked_traces_in_the_body(self):
        own, others = json.loads(self.PUBLISHED), {"resourceSpans": json.loads(self.PROCESSED)["resourceSpans"] + json.loads(self.OTHER)["resourceSpans"]}
        cases = [({}, "inconclusive", "linked"),         # nobody says what is linked to it
                 ({"others": None}, "inconclusive", "linked"),
                 ({"others": {}}, "violated", None),       # nothing is
                 ({"others": json.loads(self.OTHER)}, "violated", None),
                 ({"others": json.loads(self.PROCESSED)}, "satisfied", None),
                 ({"others": others}, "satisfied", None)]
        for more, verdict, reason in cases:
            answer = self.verdict(dsl=self.LINKS, trace=own, **more)
            self.assertEqual((answer["verdict"], answer["reason"], answer["trace_id"]), (verdict, reason, given.trace_id(7)), more)
        never = self.verdict(dsl="when { publish as p } never { process linked to p within 10m }", trace=own, others=others)
        self.assertEqual([(w["name"], w.get("trace_id")) for w in never["violation"]["witnesses"]], [("publish", None), ("process", given.trace_id(8))])
        # Both at once.
        answers = [self.verdict(dsl=self.BOTH, trace=own, others=others, clock_skew=skew) for skew in ("1ms", "10ms")]
        self.assertEqual([(a["verdict"], a["reason"]) for a in answers], [("satisfied", None), ("inconclusive", "skew")])

    def test_the_same_verdicts_as_of_files(self):
        """What `eval` says of a file with all of them, the door says of one with the others."""
        traces = {7: self.PUBLISHED, 8: self.PROCESSED, 9: self.OTHER}
        path = os.path.join(self.folder.name, "linked.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(traces.values()))
        rules = (self.LINKS, "when { process as c } always { publish linked from c within 1h }", "when { publish as p } never { process downstream of p within 10m }")
        for dsl in rules:
            lines = [json.loads(line) for line in run_cli("eval", "--dsl", dsl, "--all", "--json", path).stdout.splitlines()]
            evaluated = {line["trace_id"]: (line["verdict"], line.get("reason")) for line in lines if "verdict" in line}
            for number, own in traces.items():
                others = [resource for other, text in traces.items() if other != number for resource in json.loads(text)["resourceSpans"]]
                answer = self.verdict(dsl=dsl, trace=json.loads(own), others={"resourceSpans": others})
                self.assertEqual((answer["verdict"], answer["reason"]), evaluated[given.trace_id(number)], (dsl, number))

    def test_names_in_linked_traces_are_noted(self):
        other = given.trace(8, given.span("worker", links=[(7, "00000000000000a1")]), given.span("x", at=1, service="worker"))
        answer = self.verdict(dsl="when { publish as p } never { worker linked to p within 10m }", trace=json.loads(self.PUBLISHED), others=json.loads(other))
        self.assertIn("`worker` selected 1 span by service and 1 by name", answer["notes"][0]["message"])

    def test_linked_traces_that_are_wrong(self):
        own = json.loads(self.PUBLISHED)

        def message(**body):
            error, = self.problem(400, "invalid-field", dsl=self.LINKS, **body)["errors"]
            self.assertEqual(error["field"], "others")
            return error["message"]
        self.assertEqual(message(trace=own, others=own), f"expected spans of other traces, got 3 of {given.trace_id(7)}, which is the trace that is judged: "
                         "put all of its spans into trace")
        self.assertEqual(message(trace_id=given.trace_id(7), others=own),
                         "expected with trace, not with trace_id: what links tie to a trace of the source is read there")
        self.assertIn("resourceSpans", message(trace=own, others={"spans": []}))
        self.assertIn("has to be an object", message(trace=own, others=[own]))
        many = {"resourceSpans": [r for i in range(1001) for r in json.loads(given.trace(100 + i, given.span("a")))["resourceSpans"]]}
        self.assertEqual(message(trace=own, others=many), "expected at most 1000 traces, got 1001")
        both = {"resourceSpans": own["resourceSpans"] + json.loads(self.PROCESSED)["resourceSpans"]}
        self.assertEqual(self.problem(400, "invalid-field", dsl=self.LINKS, trace=both)["errors"][0]["message"],
                         "expected the spans of one trace, got 2 traces; those that are linked to it go into others")

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
