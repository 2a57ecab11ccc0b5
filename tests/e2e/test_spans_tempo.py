"""Spans pushed through betrace into a real Tempo: all that was sent is kept there, also what BeTrace does not model, and rules see it by id."""
import gzip
import json
import os
import re
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
import prometheus_text  # noqa: E402
from betrace_process import Betrace  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

# Older than settle, so that absence is proved, and young enough for the ingester.
AGE_S = 300
RULE = {"id": "no-audit", "dsl": 'when { trace.has(span.name == "pii.read") } always { trace.has(span.name == "audit") }'}


class SpansOnTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        cls.server = Betrace("--tempo", cls.tempo.url, "--otlp", cls.tempo.otlp_url)
        cls.server.start()
        cls.addClassCleanup(cls.server.__exit__)
        assert cls.server.post("/v1/rules", RULE).status == 201

    def taken(self, answer, count):
        self.assertEqual((answer.status, answer.json()), (200, {"accepted": count, "rejected": 0, "errors": []}), answer)

    def stored(self, trace_id):
        self.tempo.wait_until(lambda: self.tempo.trace(trace_id), "the trace")
        return json.dumps(self.tempo.trace_raw(trace_id)[1])

    def test_nothing_of_an_otlp_body_is_lost(self):
        trace_id = otlp.new_trace_id()
        document = otlp.request([otlp.span(trace_id, "pii.read", (int(time.time()) - AGE_S) * 10**9)])
        span = document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
        span.update({"traceState": "vendor=kept", "droppedEventsCount": 3, "links": [{"traceId": "f" * 32, "spanId": "e" * 16, "attributes": otlp.attributes({"why": "linked-kept"})}]})
        span["attributes"].append({"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "nested-kept"}}]}}})
        self.taken(self.server.post("/v1/spans", gzip.compress(json.dumps(document).encode()), headers={"Content-Encoding": "gzip"}), 1)
        stored = self.stored(trace_id)
        for text in ("vendor=kept", "linked-kept", "nested-kept"):
            self.assertIn(text, stored)
        self.assertEqual(self.verdict(trace_id)["verdict"], "violated")

    def verdict(self, trace_id):
        verdicts = {}

        def ask():
            answer = self.server.get(f"/v1/traces/{trace_id}/verdicts")
            if answer.status == 404:
                return False
            self.assertEqual(answer.status, 200, answer)
            verdicts.update(answer.json())
            return True

        self.tempo.wait_until(ask, "the trace by its id")
        found = verdicts["verdicts"][0]
        tested = self.server.post("/v1/rules/test", {"rule_id": "no-audit", "trace_id": trace_id})
        self.assertEqual((tested.status, tested.json()["verdict"]), (200, found["verdict"]), tested)
        return found

    def test_own_form(self):
        trace_id, other = otlp.new_trace_id(), otlp.new_trace_id()
        start = int(time.time()) - AGE_S
        spans = [{"trace_id": t, "span_id": f"{i + 1:016x}", "name": name, "start_time": start, "duration_ms": 2, "attributes": {"service.name": "shop", "rows": "17"}}
                 for i, (t, name) in enumerate(((trace_id, "pii.read"), (trace_id, "audit"), (other, "pii.read")))]
        self.taken(self.server.post("/v1/spans", {"spans": spans}), 3)
        self.assertEqual(self.verdict(trace_id)["verdict"], "satisfied")
        violated = self.verdict(other)
        self.assertEqual((violated["verdict"], violated["violation"]["trace_id"], violated["violation"]["root_service"]), ("violated", other, "shop"))
        # And by search, as any trace: rows came as a number.
        now = int(time.time())
        self.tempo.wait_until(lambda: self.tempo.search("{ span.rows = 17 }", now - 3600, now), "searchable")

    def test_a_trace_that_is_not_there(self):
        for answer in (self.server.get(f"/v1/traces/{otlp.new_trace_id()}/verdicts"), self.server.post("/v1/rules/test", {"rule_id": "no-audit", "trace_id": otlp.new_trace_id()})):
            self.assertEqual(answer.status, 404, answer)
            self.assertIn("retention", answer.json()["detail"])

    def test_what_tempo_refuses_is_said(self):
        refused = self.server.post("/v1/spans", json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [
            {"traceId": "AQIDBAUGBwgJCgsMDQ4PEA==", "spanId": "AQIDBAUGBwg=", "name": "base64 ids", "startTimeUnixNano": "1"}]}]}]}))
        self.assertEqual((refused.status, refused.json()["rejected"]), (422, 1), "Tempo's receiver takes hex ids only")

    def test_requests_are_counted_by_outcome(self):
        self.assertEqual(self.server.get("/ready").status, 200)
        families = prometheus_text.read(self.server.get("/metrics").body.decode())
        ok = {labels["kind"]: value for _, labels, value in families["betrace_tempo_requests_total"].samples if labels["outcome"] == "ok"}
        self.assertGreater(ok["export"], 0)
        self.assertGreater(ok["other"], 0)
        self.assertTrue(all(re.fullmatch("[a-z_]+", kind) for kind in ok))


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
