"""Large traces among small ones on a real Tempo (fast config). Tempo answers a batch in the square of the spans of one
trace (tests/facts/facts_large.py), and goes on with a question that was given up. So no question that groups spans
may name, or find, a large trace. Every answer is complete, and right."""
import datetime
import json
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import run_cli  # noqa: E402
from http_wire import Proxy  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from seed_rules import SLOW_DB  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402
import large_traces  # noqa: E402
import otlp  # noqa: E402

SMALL, SMALL_SPANS, SECOND = 120, 12, 10**9
LARGE_SPANS = (3000, 3000, 3000, 3000, 8000)
ALL_VIOLATE = 'not trace.has(span.name == "no.such.span")'
MANY_QUERIES = 'trace.count(span.name == "db.query") > 100'
NO_PAYMENT = 'trace.has(span.name == "nightly.job" and span.duration > 1s) and not trace.has(span.name == "payment")'


class LargeTraces(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        cls.start = int(time.time()) - 3 * 3600
        cls.small, cls.large, cls.violating = {}, {}, set()
        spans = []
        for number in range(SMALL):
            trace_id = otlp.new_trace_id()
            cls.note(cls.small, trace_id, SMALL_SPANS, number)
            spans += large_traces.spans_of(trace_id, SMALL_SPANS, cls.start_ns(number), **cls.fault(number))
        cls.tempo.push(spans, service="batch")
        for number, count in enumerate(LARGE_SPANS):
            trace_id = large_traces.zeroed_id() if number % 2 else otlp.new_trace_id()
            cls.note(cls.large, trace_id, count, number)
            large_traces.push(cls.tempo, count, cls.start_ns(10 * number), trace_id=trace_id, **cls.fault(number))
        cls.push_in_two()
        cls.tempo.wait_until(cls.is_there, "all traces are searchable")

    @classmethod
    def start_ns(cls, number):
        return (cls.start + 10 * number) * SECOND

    @staticmethod
    def fault(number):
        return {"slow": number % 2 == 0, "retried": number % 4 == 2}

    @classmethod
    def note(cls, kind, trace_id, count, number):
        kind[trace_id] = count
        if number % 4 == 0:
            cls.violating.add(trace_id)

    @classmethod
    def push_in_two(cls):
        """A large one whose retry comes later, in a small fragment of its own."""
        trace_id, root = otlp.new_trace_id(), otlp.new_span_id()
        cls.large[trace_id] = 3000
        large_traces.push(cls.tempo, 2999, cls.start_ns(55), trace_id=trace_id, slow=True)
        cls.tempo.wait_until(lambda: trace_id in cls.search("{ }"), "its first part is searchable")
        cls.tempo.push([otlp.span(trace_id, "retry", cls.start_ns(55) + 3 * SECOND, parent=root, kind="client")], service="batch")
        cls.tempo.wait_until(lambda: trace_id in cls.search('{ name = "retry" }'), "its second part is searchable")

    @classmethod
    def search(cls, query):
        return cls.tempo.search(query, cls.start - 60, cls.start + 3600, spss=1)

    @classmethod
    def is_there(cls):
        counted = {one: row["spanSet"]["matched"] for one, row in cls.search("{ }").items()}
        wanted = {**cls.small, **cls.large}
        return set(counted) == set(wanted) and all(counted[one] >= 0.9 * count for one, count in wanted.items())

    def bounds(self):
        return [datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") for at in (self.start - 60, self.start + 3600)]

    def replay(self, dsl, **flags):
        """The answer and the queries that group spans."""
        bounds = self.bounds()
        more = [part for name, value in flags.items() for part in (f"--{name.replace('_', '-')}", value)]
        with Proxy(self.tempo.url) as proxy:
            done = run_cli("replay", "--dsl", dsl, "--tempo", proxy.url, "--start", bounds[0], "--end", bounds[1], "--limit", "0", "--json", *more)
            self.assertIn(done.returncode, (0, 1), done.stdout[-2000:] + done.stderr)
            queries = [one.parameters.get("q", "") for one in proxy.seen]
            self.asked_by_id = [one.path.rsplit("/", 1)[1] for one in proxy.seen if one.path.startswith("/api/v2/traces/")]
        return json.loads(done.stdout), [query for query in queries if "| by(span:id)" in query]

    def check(self, answer, violating):
        self.assertEqual(answer["status"], "completed", {**answer, "violations": []})
        self.assertTrue(answer["coverage"]["complete"])
        self.assertEqual(answer["inconclusive"], 0)
        self.assertEqual(answer["traces_evaluated"], SMALL + len(self.large))
        self.assertEqual({one["trace_id"] for one in answer["violations"]}, violating)

    def assert_none_names(self, queries):
        """Which traces a question asks for stands after =~."""
        for query in queries:
            named = query.partition('trace:id =~ "')[2].partition('"')[0].split("|")
            self.assertFalse({one.lstrip("0") for one in self.large} & set(named), query[:300])

    def test_some_violate(self):
        for strategy in ("auto", "read", "id_sets"):
            with self.subTest(strategy=strategy):
                answer, grouped = self.replay(SLOW_DB["dsl"], strategy=strategy)
                self.check(answer, self.violating)
                self.assertTrue(grouped)
                self.assert_none_names(grouped)

    def test_all_violate(self):
        answer, grouped = self.replay(ALL_VIOLATE)
        self.check(answer, set(self.small) | set(self.large))
        self.assertTrue(grouped)
        self.assert_none_names(grouped)
        self.assertLessEqual(set(self.large), set(self.asked_by_id))

    def test_what_their_spans_decide(self):
        """The large ones have thousands of these spans: they are left out of the question, and read."""
        answer, grouped = self.replay(MANY_QUERIES, strategy="projection")
        self.check(answer, set(self.large))
        projections = [query for query in grouped if 'name = "db.query"' in query]
        self.assertTrue(projections)
        for query in projections:
            without = query.partition('trace:id !~ "')[2].partition('"')[0].split("|")
            self.assertLessEqual({one.lstrip("0") for one in self.large}, set(without), query[:300])

    def test_what_few_of_their_spans_decide(self):
        """One span of each is asked for, and no size keeps a trace from being decided by that."""
        answer, grouped = self.replay(NO_PAYMENT, strategy="projection")
        self.check(answer, set(self.small) | set(self.large))
        self.assertTrue(grouped)
        self.assertFalse([query for query in grouped if "trace:id !~" in query])
        self.assert_none_names(grouped)

    def test_the_first_violation(self):
        bounds = self.bounds()
        with Proxy(self.tempo.url) as proxy:
            done = run_cli("first", "--dsl", MANY_QUERIES, "--tempo", proxy.url, "--start", bounds[0], "--end", bounds[1], "--json")
            queries = [one.parameters.get("q", "") for one in proxy.seen]
        answer = json.loads(done.stdout)
        self.assertTrue(answer["proven"], answer)
        self.assertEqual(answer["violation"]["trace_id"], next(iter(self.large)))
        self.assert_none_names([query for query in queries if "| by(span:id)" in query])


if __name__ == "__main__":
    require_tempo()
    unittest.main()
