"""What a read by id says of a span beyond what searches know: its flags, its trace state, and how much of it was dropped.

Decisions on them: dsl/field.c and dsl/doubt.c (which value of these fields counts as not known) and dsl/projection.c (rules that read them are read by id).
"""
import time

import tempo_case as facts
from tempo_case import SECOND, otlp

STATE = "es=s:0.1, dd=t.dm:-4;p:00f067aa0ba902b7"
COUNTS = {"droppedAttributesCount": 2, "droppedEventsCount": 3, "droppedLinksCount": 4}


class CarriedFields(facts.TempoCase):
    config = "fast"

    @classmethod
    def prepare(cls):
        now = time.time_ns() - SECOND
        cls.full_id, cls.bare_id = otlp.new_trace_id(), otlp.new_trace_id()
        full = {**otlp.span(cls.full_id, "full", now), **COUNTS, "flags": 0x301, "traceState": STATE}
        cls.tempo.push([full])
        cls.tempo.push([otlp.span(cls.bare_id, "bare", now)])
        cls.wait_found('{name="full" || name="bare"}', [cls.full_id, cls.bare_id])

    def read(self, trace_id):
        """The only span of a trace as JSON has it."""
        status, answer = self.tempo.trace_raw(trace_id)
        self.assertEqual(status, 200, answer)
        return [span for batch in answer["trace"]["resourceSpans"] for scope in batch["scopeSpans"] for span in scope["spans"]][0]

    def test_what_was_dropped_is_said(self):
        self.assertEqual({name: self.read(self.full_id).get(name) for name in COUNTS}, COUNTS)

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
