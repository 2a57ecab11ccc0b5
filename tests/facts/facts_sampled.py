"""Where the trace state of a span is seen: in reads by id alone. No search finds it, selects it or gives it; the policy of a tail sampler, which is an attribute of
the scope, is searched for like any other. What rests on it: server/replay/keeping_look.h (who is looked at to learn how traces were sampled)."""
import json
import time

import tempo_case as facts
from tempo_case import SECOND, otlp

STATE = "ot=th:e6666666666666;rv:f0000000000000"


class Sampled(facts.TempoCase):
    config = "fast"

    @classmethod
    def prepare(cls):
        cls.id = otlp.new_trace_id()
        at = (int(time.time()) - 6) * SECOND
        span = otlp.span(cls.id, "kept", at, SECOND, attrs={"here": 1})
        span["traceState"] = STATE
        span["flags"] = 0x301
        request = otlp.request([span], service="web")
        request["resourceSpans"][0]["scopeSpans"][0]["scope"] = {"name": "x", "attributes": otlp.attributes({"tailsampling.policy": "betrace/slow/3f9a"})}
        status, _, body = cls.tempo.push_request(request)
        assert status == 200, body
        cls.wait_found("{ span.here > 0 }", [cls.id])

    def test_a_read_by_id_gives_it(self):
        status, answer = self.tempo.trace_raw(self.id)
        self.assertEqual(status, 200)
        batch = (answer["trace"].get("resourceSpans") or answer["trace"]["batches"])[0]
        self.assertEqual(batch["scopeSpans"][0]["spans"][0]["traceState"], STATE)
        self.assertIn("tailsampling.policy", json.dumps(batch["scopeSpans"][0]["scope"]))

    def test_no_search_gives_it(self):
        for query in ("{ span.here > 0 }", "{ span.here > 0 } | select(span.here, span.traceState, span.trace_state)"):
            found = self.search(query)
            self.assertTrue(found, query)
            self.assertNotIn("e6666666666666", json.dumps(found), query)

    def test_no_query_asks_for_it(self):
        for name in ("span:traceState", "span:trace_state", "trace:traceState", "traceState"):
            self.assert_refused(400, "", f'{{ {name} = "x" }}')
        for name in ("span.traceState", "span.trace_state", ".tracestate"):  # attributes of these names, which the span has not
            self.assert_finds_nothing(f'{{ {name} =~ ".*th:.*" }}', "{ span.here > 0 }", self.id)

    def test_the_policy_is_searched_for(self):
        for query in ('{ instrumentation.tailsampling.policy = "betrace/slow/3f9a" }', '{ instrumentation.tailsampling.policy =~ "betrace/slow/.*" }'):
            self.assert_finds(query, [self.id])
        self.assert_finds_nothing('{ instrumentation.tailsampling.policy = "betrace/slow/0000" }', "{ span.here > 0 }", self.id)

    def test_a_projection_gives_the_policy(self):
        found = self.search("{ span.here > 0 } | select(instrumentation.tailsampling.policy)")
        self.assertIn("betrace/slow/3f9a", json.dumps(found))


if __name__ == "__main__":
    facts.main()
