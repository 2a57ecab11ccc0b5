"""Traces whose spans were summed up before they reached Tempo, as the OpenTelemetry Collector's span pruning processor
does it. A replay says of each what `betrace eval` says of the same spans in a file, by every strategy, and nothing
of it is another thing than would be said of the whole trace."""
import collections
import os
import random
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
import replay_compare as compare  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND = 1_000_000_000
COUNT, PLAIN, GROUP_MIN = 200, 50, 3
NAMES = ("db.query", "db.query", "db.query", "cache.get", "audit", "retry")
RULES = ("not audit", "when { api } always { audit }", 'not trace.has(span.name == "audit")', 'when { trace.has(span.name == "retry") } never { trace.has(span.name == "audit") }',
         'count(span.name == "db.query") > 6', "count(db.query) > 3", 'count(span.name == "retry") <= 1', "count(db.query.where(rows > 5)) > 1", "db.query.where(rows == 7)",
         "never { db.query.where(rows == 7) }", 'when { span(span.name == "cache.get") as c } always { span(span.name == "audit") after c }',
         'when { span(span.name == "audit") as c } never { span(span.name == "retry") under c }', "db.query.where(span.duration > 40ms)", "trace.has(span.status == error)",
         "not trace.has(span.status == error)", 'trace.has(span.name == "retry" and span.status == ok)', "sum(db.query, rows) > 20", "max(db.query, rows) >= 9", "trace.span_count > 9",
         "trace.duration > 60ms", 'trace.root.name == "api" and not billing', 'trace.has_before(span.name == "audit", span.name == "retry")')


class Trace:
    """One trace of some leaves under three spans, whole or pruned."""

    def __init__(self, chance, number, now_ns, service="shop"):
        self.trace_id = otlp.new_trace_id()
        self.start_ns, self.service = now_ns + number * 1_000_000, service
        root = otlp.span(self.trace_id, "api", self.start_ns, 90_000_000, span_id=otlp.new_span_id())
        works = [otlp.span(self.trace_id, "work", self.start_ns + 1_000 * i, 80_000_000, span_id=otlp.new_span_id(), parent=root["spanId"]) for i in range(2)]
        self.spans = [root] + works
        for i in range(chance.randint(2, 14)):
            at_ns = self.start_ns + chance.randrange(70) * 1_000_000
            self.spans.append(otlp.span(self.trace_id, chance.choice(NAMES), at_ns, chance.randint(1, 60) * 1_000_000, parent=chance.choice(works)["spanId"],
                                        status=chance.choice(("ok", "ok", "ok", "error")), attrs={"rows": chance.randrange(10)}))

    def stored_request(self):
        return otlp.request(self.spans, self.service, None)

    def pruned(self):
        """The same trace after the processor; itself where nothing is alike enough."""
        groups = collections.defaultdict(list)
        for span in self.spans[3:]:
            groups[span["name"], span["status"]["code"]].append(span)
        pruned = Trace.__new__(Trace)
        pruned.__dict__.update(self.__dict__, spans=self.spans[:3])
        for group in groups.values():
            pruned.spans += [summary_of(group)] if len(group) >= GROUP_MIN else group
        return pruned


def summary_of(group):
    longest = max(group, key=lambda span: int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"]))
    marks = {"aggregation.is_summary": True, "aggregation.span_count": len(group), "aggregation.histogram_bucket_bounds_s": [0.005, 0.01]}
    return {**longest, "spanId": otlp.new_span_id(), "parentSpanId": group[0]["parentSpanId"], "startTimeUnixNano": min((span["startTimeUnixNano"] for span in group), key=int),
            "endTimeUnixNano": max((span["endTimeUnixNano"] for span in group), key=int), "attributes": longest["attributes"] + otlp.attributes(marks)}


class PrunedOnTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-pruned-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.tempo = TempoServer("fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        now, chance = int(time.time()) - 7200, random.Random(11)  # handed over: nothing is read by id for its age
        cls.start, cls.end = now - 60, now + 60
        cls.whole = [Trace(chance, number, now * SECOND) for number in range(COUNT)]
        cls.traces = [trace if number < PLAIN else trace.pruned() for number, trace in enumerate(cls.whole)]
        for trace in cls.traces:
            cls.tempo.push_request(trace.stored_request())
        cls.tempo.wait_until(lambda: len(cls.tempo.search('{ name = "api" }', cls.start, cls.end, limit=2 * COUNT, spss=1)) == COUNT, "all are searchable")
        cls.rules, refused = compare.compile_rules(RULES)
        assert not refused, "a rule does not compile"
        cls.expected = compare.evaluate(cls.folder.name, cls.rules, compare.write_traces(cls.folder.name, cls.traces))
        cls.truth = compare.evaluate(cls.folder.name, cls.rules, compare.write_traces(cls.folder.name, cls.whole))

    def test_a_nothing_is_said_that_is_not_so_of_the_whole_trace(self):
        undecided = 0
        for rule in self.rules:
            with self.subTest(rule=rule.text):
                said, true = self.expected[rule.id], self.truth[rule.id]
                for verdict in ("violated", "satisfied", "not_applicable"):
                    self.assertLessEqual(said[verdict], true[verdict])
                undecided += bool(said["inconclusive"])
        self.assertTrue(len(self.rules) // 3 < undecided < len(self.rules), f"{undecided} rules are undecided on some trace")

    def test_b_a_replay_says_what_eval_says(self):
        for rule in self.rules:
            with self.subTest(rule=rule.text):
                self.compare([rule], "auto")

    def test_c_by_every_strategy(self):
        for strategy in ("auto", "read", "id_sets", "projection"):
            with self.subTest(strategy=strategy):
                self.compare(self.rules, strategy)

    def compare(self, rules, strategy):
        found, answer = compare.replay(self.folder.name, rules, self.tempo.url, "--start", self.start, "--end", self.end, "--count", "at_least", "--strategy", strategy)
        self.assertEqual(answer["status"], "completed", answer.get("reason"))
        self.assertEqual(found, {rule.id: self.expected[rule.id]["violated"] for rule in rules})
        undecided = {row["rule_id"]: row["inconclusive"] for row in answer["rules"]}
        self.assertEqual(undecided, {rule.id: len(self.expected[rule.id]["inconclusive"]) for rule in rules})


if __name__ == "__main__":
    require_tempo()
    unittest.main()
