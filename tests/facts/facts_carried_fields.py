"""What a read by id says of a span beyond what searches know: its flags, its trace state, and how much of it and of its parts was dropped.

Decisions on them: dsl/rule/field.c and dsl/evaluate/doubt.c (which value of these fields counts as not known) and dsl/plan/projection.c (rules that read them are read by id).
"""
import time

import tempo_case as facts
from tempo_case import SECOND, otlp

STATE = "es=s:0.1, dd=t.dm:-4;p:00f067aa0ba902b7"
COUNTS = {"droppedAttributesCount": 2, "droppedEventsCount": 3, "droppedLinksCount": 4}
OF_PARTS = {"event": 5, "link": 6, "resource": 7, "scope": 8}


def dropping(what):
    return {"droppedAttributesCount": OF_PARTS[what]}


class CarriedFields(facts.TempoCase):
    config = "fast"

    @classmethod
    def prepare(cls):
        now = time.time_ns() - SECOND
        cls.full_id, cls.bare_id = otlp.new_trace_id(), otlp.new_trace_id()
        full = {**otlp.span(cls.full_id, "full", now), **COUNTS, "flags": 0x301, "traceState": STATE}
        full["events"] = [{"name": "e", "timeUnixNano": str(now)} | dropping("event")]
        full["links"] = [{"traceId": cls.bare_id, "spanId": "0" * 15 + "1"} | dropping("link")]
        request = otlp.request([full])
        request["resourceSpans"][0]["resource"] |= dropping("resource")
        request["resourceSpans"][0]["scopeSpans"][0]["scope"] |= dropping("scope")
        status, _, body = cls.tempo.push_request(request)
        assert status == 200, body
        cls.tempo.push([otlp.span(cls.bare_id, "bare", now)])
        cls.wait_found('{name="full" || name="bare"}', [cls.full_id, cls.bare_id])

    def read_parts(self, trace_id):
        """The only span of a trace as JSON has it, with its event, its link, its resource and its scope, where they are there."""
        status, answer = self.tempo.trace_raw(trace_id)
        self.assertEqual(status, 200, answer)
        batch = answer["trace"]["resourceSpans"][0]
        span = batch["scopeSpans"][0]["spans"][0]
        return {"span": span, "resource": batch["resource"], "scope": batch["scopeSpans"][0]["scope"],
                "event": span.get("events", [{}])[0], "link": span.get("links", [{}])[0]}

    def read(self, trace_id):
        return self.read_parts(trace_id)["span"]

    def test_what_was_dropped_is_said(self):
        self.assertEqual({name: self.read(self.full_id).get(name) for name in COUNTS}, COUNTS)

    def test_what_its_parts_lost_is_said(self):
        parts = self.read_parts(self.full_id)
        self.assertEqual({what: parts[what].get("droppedAttributesCount") for what in OF_PARTS}, OF_PARTS)

    def test_what_parts_lost_is_not_made_up(self):
        parts = self.read_parts(self.bare_id)
        self.assertEqual({what for what in OF_PARTS if parts[what].get("droppedAttributesCount")}, set())

    def test_the_trace_state_is_said_as_it_came(self):
        self.assertEqual(self.read(self.full_id).get("traceState"), STATE)

    def test_flags_are_lost(self):
        self.assertIsNone(self.read(self.full_id).get("flags"))

    def test_what_was_not_said_is_not_made_up(self):
        self.assertEqual({name: value for name, value in self.read(self.bare_id).items() if name in {*COUNTS, "flags", "traceState"} and value}, {})


class CarriedFieldsInBlocks(facts.InCompletedBlocks, CarriedFields):
    config = "fast"


if __name__ == "__main__":
    facts.main()
