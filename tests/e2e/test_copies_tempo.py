"""Records with one span id and kind that came while their trace was in memory, on the real Tempo: it has both then (tests/facts/facts_copies.py). Those of two services are two spans. Of copies of one span that differ each may be right, whichever comes first.
Besides, spans that start at once, of a service whose clock writes whole milliseconds, where a rule leaves their order open.
"""
import json
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import run_cli  # noqa: E402
import otlp  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND, HOUR = 10**9, 3600 * 10**9
TRACES = 12  # of each kind; more than a sample reads by id
# In the order in which they came: (mark, service) of each record.
RECORDS = {
    "one": [("one", "shop")],
    "equal": [("one", "shop"), ("one", "shop")],
    "copies": [("one", "shop"), ("two", "shop")],
    "copies, the other first": [("two", "shop"), ("one", "shop")],
    "services": [("one", "shop"), ("two", "bank")],
    "services, alike": [("one", "shop"), ("one", "bank")],
}
DIFFERING = ("copies", "copies, the other first")
SERVICES = ("services", "services, alike")
# Where `COMMIT` and another span of the service begin, in nanoseconds behind `s`.
CLOCKS = {"tied": (0, 2_000_000), "tied, of a finer clock": (0, 2_000_001), "in order": (1_000_000, 2_000_000)}
ORDER = "when { s as p } never { COMMIT after p }"


class Copies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        cls.at = (int(time.time()) - 5 * 3600) * SECOND
        cls.kinds = {otlp.new_trace_id(): kind for kind in RECORDS for _ in range(TRACES)}
        request = {"resourceSpans": []}
        for trace_id, kind in cls.kinds.items():
            span_id = otlp.new_span_id()
            for mark, service in RECORDS[kind]:
                made = otlp.span(trace_id, "work", cls.at, SECOND, span_id=span_id, kind="server", attrs={"mark": mark})
                request["resourceSpans"] += otlp.request([made], service=service)["resourceSpans"]
        for number in range(TRACES):
            for spans, service in cls.more_spans(f"{number + 1:032x}"):
                request["resourceSpans"] += otlp.request(spans, service=service)["resourceSpans"]
        cls.clocks = {otlp.new_trace_id(): kind for kind in CLOCKS for _ in range(TRACES)}
        for trace_id, kind in cls.clocks.items():
            for service, starts in (("gateway", {"gate": -876_543}), ("node", dict(zip(("s", "COMMIT", "other"), (0, *CLOCKS[kind]))))):
                request["resourceSpans"] += otlp.request([otlp.span(trace_id, name, cls.at + start, SECOND) for name, start in starts.items()], service=service)["resourceSpans"]
        assert cls.tempo.push_request(request)[0] == 200
        cls.tempo.wait_until(lambda: len(cls.tempo.search('{ name = "work" || name = "call" || name = "COMMIT" }', cls.at // SECOND - 60, cls.at // SECOND + 60)) == len(cls.kinds) + TRACES + len(cls.clocks), "all are searchable")

    @classmethod
    def more_spans(cls, trace_id):
        """(spans, service) of each trace: a key that stands twice, as opentelemetry-java#7897 writes it, and one id for both halves of a call, as
        Envoy's Zipkin tracer writes it (envoyproxy/envoy#31045)."""
        twice = otlp.span(trace_id, "twice", cls.at, SECOND, attrs={"key": "v1"})
        twice["attributes"] += otlp.attributes({"key": 200})
        client = otlp.span(trace_id, "call", cls.at, SECOND, span_id="00000000000000aa", kind="client")
        server = otlp.span(trace_id, "call", cls.at + 1000, SECOND // 2, span_id="00000000000000aa", kind="server")
        return [([twice, client], "shop"), ([server], "bank")]

    def replay(self, dsl, *more):
        done = run_cli("replay", "--tempo", self.tempo.url, "--dsl", dsl, "--start", str(self.at - HOUR), "--end", str(self.at + HOUR), "--limit", "0", "--json", *more)
        self.assertIn(done.returncode, (0, 1, 3), done.stderr)
        return json.loads(done.stdout)

    def test_equal_starts_of_a_coarse_clock_are_left_open_where_that_is_asked_for(self):
        for way in ([], ["--strategy", "read"], ["--strategy", "projection"]):
            for dsl, more, open_order in ((ORDER, [], 0), (ORDER, ["--coarse-clocks", "unknown"], TRACES), ("@coarse_clocks(unknown) " + ORDER, [], TRACES),
                                          ("@coarse_clocks(exact) " + ORDER, ["--coarse-clocks", "unknown"], 0)):
                with self.subTest(way=way, dsl=dsl, more=more):
                    answer = self.replay(dsl, *way, *more)
                    told = {self.clocks[one["trace_id"]] for one in answer["violations"]}
                    self.assertEqual((told, answer["violations_found"], answer["inconclusive"]), ({"in order"}, TRACES, open_order))
                    self.assertEqual(answer["status"], "completed", answer.get("reason"))

    def test_a_recorded_trace_keeps_its_clocks(self):
        for trace_id, kind in list(self.clocks.items())[::TRACES]:
            with self.subTest(kind=kind):
                done = run_cli("record", trace_id, "--dsl", "@coarse_clocks(unknown) " + ORDER, "--tempo", self.tempo.url)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn({"tied": "expect: inconclusive", "in order": "expect: violated"}.get(kind, "expect: satisfied"), done.stdout)

    def violating_kinds(self, answer):
        told = [self.kinds[one["trace_id"]] for one in answer["violations"]]
        return {kind: told.count(kind) for kind in sorted(set(told))}

    def test_spans_of_two_services_are_two(self):
        for way in ([], ["--strategy", "read"]):
            with self.subTest(way=way):
                answer = self.replay("count(work) > 1", *way)
                self.assertEqual(self.violating_kinds(answer), {kind: TRACES for kind in SERVICES})
                self.assertEqual(answer["inconclusive"], 0)
                self.assertEqual(answer["status"], "completed", answer.get("reason"))

    def test_copies_that_differ_are_not_decided_by_their_order(self):
        for mark, violating in (("one", []), ("two", ["equal", "one", "services, alike"])):
            with self.subTest(mark=mark):
                answer = self.replay('when { work } always { trace.has(span.attributes["mark"] == "' + mark + '") }', "--strategy", "read")
                self.assertEqual(self.violating_kinds(answer), {kind: TRACES for kind in violating})
                self.assertEqual(answer["inconclusive"], TRACES * len(DIFFERING))
                self.assertEqual(answer["status"], "completed", answer.get("reason"))

    def test_a_key_that_stands_twice_violates_by_no_value_that_a_batch_hides(self):
        """A batch shows the last value alone. Where a row showed the first, the trace is read by id, which gives both."""
        answer = self.replay('never { twice.where(span.key == "v1") }', "--strategy", "read")
        self.assertEqual((answer["violations_found"], answer["inconclusive"]), (0, TRACES))
        answer = self.replay('never { twice.where(span.key == "v2") }', "--strategy", "read")
        self.assertEqual((answer["violations_found"], answer["inconclusive"]), (0, 0))

    def test_halves_of_a_call_with_one_id_contradict_nothing(self):
        """By id Tempo gives the server's half another id."""
        answer = self.replay("never { call.where(span.kind == server) }", "--strategy", "read")
        self.assertEqual((answer["violations_found"], answer["inconclusive"], answer["coverage"].get("contradicted_count")), (TRACES, 0, None))
        self.assertEqual(self.replay("when { call } always { count(call) == 2 }")["violations_found"], 0)


if __name__ == "__main__":
    require_tempo()
    unittest.main()
