"""Events of spans: which tests of them find every span that they mean, and which do not. Decisions on it: dsl/pushdown.c (what is asked of events),
tempo/api/traceql_keys.c (one test of events in a query, and one of an attribute alone) and decision 444.

The same tests look at a block that is still written to and at a completed one; no search sees what is in memory only (facts_visibility).
What is found of the attribute `k` is found of `ev.ded` too, which has a column of its own in blocks of vParquet5 (tests/tempo/variants.py).
"""
import random
import time

import tempo_case as facts
from tempo_case import SECOND, otlp

MANY = [(f"part {i}", {"n": i}) for i in range(50)]
MANY[30] = ("x", {"k": "v"})
# The events of a span, by what they are for. Each span is a trace of its own.
CELLS = {
    "none": None, "only of the span": None, "other": [("y", {})], "empty name": [("", {})], "x": [("x", {})], "x second": [("a", {}), ("x", {})],
    "x of many": MANY, "x and v apart": [("x", {"k": "o"}), ("y", {"k": "v"})], "x and v": [("x", {"k": "v"})],
    "v": [("e", {"k": "v"})], "v second": [("e", {"k": "o"}), ("f", {"k": "v"})], "v beside none": [("e", {}), ("f", {"k": "v"})],
    "v beside a key": [("e", {"j": "o", "k": "v"})], "v, then 5": [("e", {"k": "v"}), ("e", {"k": 5})], "5, then v": [("e", {"k": 5}), ("e", {"k": "v"})],
    "1.5, true, v": [("e", {"k": 1.5}), ("e", {"k": True}), ("e", {"k": "v"})], "o, then v": [("e", {"k": ["a", "v"]})], "list of v": [("e", {"k": ["v"]})],
    "empty list": [("e", {"k": []})], "mixed list": [("e", {"k": ["v", 5]})], "5": [("e", {"k": 5})], "5.0": [("e", {"k": 5.0})], "1.5": [("e", {"k": 1.5})],
    "true": [("e", {"k": True})], "false, then true": [("e", {"k": False}), ("e", {"k": True})], "list of bools": [("e", {"k": [False, True]})],
    "empty": [("e", {"k": ""})], "nil": [("e", {"k": "nil"})], "v elsewhere": [("e", {"j": "v"})], "strange": [("\u00fc \"q\"", {"a key": "\u00fc\"\\", "a.b": "v"})],
}
OF_X = ["x", "x second", "x of many", "x and v apart", "x and v"]
OF_V = ["x of many", "x and v apart", "x and v", "v", "v second", "v beside none", "v beside a key", "v, then 5", "5, then v", "1.5, true, v", "o, then v",
        "list of v"]
OF_STRING = [*OF_V, "empty", "nil"]
OF_TRUE = ["1.5, true, v", "true", "false, then true", "list of bools"]
WITH_EVENTS = [label for label, events in CELLS.items() if events]


KEYS = ("k", "ev.ded")  # of events; both have the same values


def under_both(values):
    return {**values, **({"ev.ded": values["k"]} if "k" in values else {})}


def with_each_key(query):
    """The query of `event.k`, and the same of the other key."""
    return {query.replace("event.k ", f"event.{key} ") for key in KEYS}


class EventFacts(facts.TempoCase):
    @classmethod
    def prepare(cls):
        cls.now = time.time_ns() - 5 * SECOND
        cls.ids, spans = {}, []
        for label, events in CELLS.items():
            cls.ids[label] = otlp.new_trace_id()
            attrs = {"own": 1, "k": "v"} if label == "only of the span" else {"own": 1}
            timed = [(name, cls.now + 1, under_both(values)) for name, values in events] if events else None
            spans.append(otlp.span(cls.ids[label], "cell", cls.now, attrs=attrs, events=timed))
        cls.tempo.push(spans)
        cls.wait_found('{ name = "cell" }', cls.ids.values())

    def assert_cells(self, query, labels):
        for one in with_each_key(query):
            self.assert_finds("{ " + one + " }", [self.ids[label] for label in labels])

    def assert_misses(self, query, labels):
        """Each of them, though the query means them."""
        self.assert_finds('{ name = "cell" }', self.ids.values())
        self.assertEqual(set(labels) - {label for label, one in self.ids.items() if one in self.search("{ " + query + " }")}, set(labels), query)

    def test_a_name_is_found_of_whichever_event(self):
        for query in ('event:name = "x"', 'event:name =~ "x"', 'event:name =~ "x.*"', 'event:name =~ "x|zz.*"'):
            self.assert_cells(query, OF_X)
        self.assert_cells('event:name = "\\u00fc \\"q\\""', ["strange"])

    def test_any_name_is_found_wherever_there_is_an_event(self):
        self.assert_cells('event:name =~ "(?s:.*)"', WITH_EVENTS)

    def test_the_empty_name(self):
        without = ["none", "only of the span"] if self.holds("an empty event name is found where there are no events") else []
        self.assert_cells('event:name = ""', ["empty name", *without])

    def test_text_of_an_attribute_is_found_of_whichever_event(self):
        for query in ('event.k = "v"', 'event.k =~ "v"', 'event.k =~ "v.*"'):
            self.assert_cells(query, OF_V)
        self.assert_cells('event.k =~ "(?s:.*)"', OF_STRING)
        for text, label in (("", "empty"), ("nil", "nil")):
            self.assert_cells(f'event.k = "{text}"', [label])

    def test_a_bool_of_an_attribute_is_found_of_whichever_event(self):
        self.assert_cells("event.k = true", OF_TRUE)
        self.assert_cells("event.k = false", ["false, then true", "list of bools"])

    def test_strange_keys(self):
        self.assert_cells('event."a key" = "\\u00fc\\"\\\\"', ["strange"])
        self.assert_cells('event.a.b = "v"', ["strange"])

    def test_numbers_are_found_as_what_they_are(self):
        """Never asked: a comparison of the language means both, and that takes two tests."""
        self.assert_cells("event.k = 5", ["5", "v, then 5", "5, then v"])
        self.assert_cells("event.k = 5.0", ["5.0"])

    def test_two_tests_of_attributes_miss_what_each_finds(self):
        """What is tested is then the value of one event, of those that meet some test or have some value."""
        self.assert_misses('event.k = "v" || event.k = 5', ["v second", "1.5, true, v"])
        self.assert_misses('event:name = "x" || event.k = "v"', ["v second", "5, then v"])
        self.assert_misses('event.k = "v" || span.k = "v"', ["v second", "5, then v"])

    def test_two_tests_joined_by_and_are_of_one_event(self):
        self.assert_cells('event:name = "x" && event.k = "v"', ["x of many", "x and v"])

    def test_presence_overlooks_lists(self):
        """Never asked: that there is an event at all stands for it."""
        self.assert_misses("event.k != nil", ["empty list", "mixed list"])

    def test_negations_are_of_one_event(self):
        """Never asked. They miss what has no such event, which `not` of the language means."""
        self.assert_misses('event.k != "v"', ["none", "v elsewhere", "5"])
        self.assert_misses('!(event:name = "x")', ["none", "other", "v"])

    def test_parts_by_trace_id_are_the_whole(self):
        for query, labels in (('event:name = "x"', OF_X), ('event.k = "v"', OF_V), ("event.k = true", OF_TRUE)):
            found = set()
            for part in ("[0-3]", "[4-7]", "[89ab]", "[c-f]"):
                found |= set(self.search(f'{{ trace:id =~ "{part}.*" && ({query}) }}'))
            padded = {self.ids[label] for label in labels}
            self.assertLessEqual(padded, found, query)

    def test_what_stands_beside_a_name_holds_of_its_span(self):
        self.assert_cells('event:name = "x" && span.own = 1', OF_X)
        self.assert_cells('event:name = "x" && (name = "cell" || resource.service.name = "cell")', OF_X)
        self.assert_finds_nothing('{ event:name = "x" && name = "other" }', '{ event:name = "x" }', self.ids["x"])


class Written(EventFacts):
    config = "fast"


class Completed(facts.InCompletedBlocks, EventFacts):
    config = "fast"


class RandomQueries(facts.TempoCase):
    """Queries of the kind that the planner writes, over random spans with up to three events: none misses a span."""
    config = "fast"
    closes_blocks = True
    TRACES, QUERIES = 120, 150

    @classmethod
    def prepare(cls):
        cls.random, now = random.Random(20260101), time.time_ns() - 5 * SECOND
        cls.traces = {otlp.new_trace_id(): [cls.some_span() for _ in range(cls.random.choice((1, 1, 2)))] for _ in range(cls.TRACES)}
        cls.tempo.push([otlp.span(trace_id, one["name"], now, kind=one["kind"], attrs=one["attrs"], events=[(name, now + 1, a) for name, a in one["events"]] or None)
                        for trace_id, spans in cls.traces.items() for one in spans])
        cls.wait_found("{}", cls.traces)

    @classmethod
    def some_span(cls):
        one = cls.random.choice
        values = [{}, {"k": "1"}, {"k": "2", "m": "1"}, {"k": ["1", "2"]}, {"k": 5}, {"k": True}]
        return {"name": one("abc"), "kind": one(("server", "client")), "attrs": {"k": one(("1", "2"))} if one((0, 1)) else {},
                "events": [(one(("x", "y", "xx", "")), one(values)) for _ in range(one((0, 0, 1, 2, 3)))]}

    NAMES = (('event:name = "x"', lambda name: name == "x"), ('event:name =~ "x.*"', lambda name: name.startswith("x")), ('event:name =~ "(?s:.*)"', lambda name: True))
    KEYS = (('event.k = "1"', lambda value: "1" in value), ('event.k =~ "(?s:1.*)"', lambda value: "1" in value), ("event.k = true", lambda value: True in value))
    OTHERS = (('name = "a"', lambda one: one["name"] == "a"), ('name =~ "a|b"', lambda one: one["name"] in "ab"), ("kind = server", lambda one: one["kind"] == "server"),
              ('span.k = "1"', lambda one: one["attrs"].get("k") == "1"), ("(duration > 0ns && duration <= 9223372036854775807ns)", lambda one: True))

    @classmethod
    def tree(cls, depth):
        if not depth or cls.random.random() < .25:
            return cls.random.choice(cls.OTHERS)
        (a, holds_a), (b, holds_b), is_and = cls.tree(depth - 1), cls.tree(depth - 1), cls.random.choice((True, False))
        return f"({a} {'&&' if is_and else '||'} {b})", lambda one: (holds_a(one) and holds_b(one)) if is_and else (holds_a(one) or holds_b(one))

    @classmethod
    def query(cls):
        """(text, what it means of a span)"""
        if cls.random.random() < .2:
            text, meets = cls.random.choice(cls.KEYS)
            return text, lambda one: any(meets(a["k"] if isinstance(a["k"], list) else [a["k"]]) for _, a in one["events"] if "k" in a)
        text, meets = cls.random.choice(cls.NAMES)
        beside, holds = cls.tree(2)
        is_and, has_surplus = cls.random.random() < .7, cls.random.random() < .3
        surplus = ' || (span.k = 7 && span.k = "x" && span.betrace.none != nil)' if has_surplus else ""
        return (f"({text} {'&&' if is_and else '||'} {beside}){surplus}",
                lambda one: (any(meets(name) for name, _ in one["events"]) and holds(one)) if is_and else (any(meets(name) for name, _ in one["events"]) or holds(one)))

    def check(self):
        self.assertLessEqual(set(self.traces), set(self.search("{}", limit=self.TRACES * 2)))
        for _ in range(self.QUERIES):
            text, means = self.query()
            wanted = {trace_id for trace_id, spans in self.traces.items() if any(means(one) for one in spans)}
            self.assertEqual(wanted - set(self.search("{ " + text + " }", limit=self.TRACES * 2)), set(), text)

    def test_none_misses_a_span_before_and_after_its_block_is_completed(self):
        self.check()
        self.tempo.close_blocks()
        self.wait_found("{}", self.traces)
        self.check()


class SplitEvents(facts.TempoCase):
    """A trace whose span with events came a block later than the rest, and one with events in both."""
    config = "fast"
    closes_blocks = True

    @classmethod
    def prepare(cls):
        now = time.time_ns() - 5 * SECOND
        cls.late, cls.both = otlp.new_trace_id(), otlp.new_trace_id()
        first, second = [("first", now, {"k": "1"})], [("second", now, {"k": "2"})]
        cls.tempo.push([otlp.span(cls.late, "begin", now), otlp.span(cls.both, "begin", now, events=first)])
        cls.wait_found('{ name = "begin" }', [cls.late, cls.both])
        cls.tempo.close_blocks()
        cls.tempo.push([otlp.span(cls.late, "end", now + SECOND, events=second), otlp.span(cls.both, "end", now + SECOND, events=second)])
        cls.wait_found('{ name = "end" }', [cls.late, cls.both])

    def test_a_trace_is_found_by_the_events_of_either_part(self):
        for first, second in (('event:name = "first"', 'event:name = "second"'), ('event.k = "1"', 'event.k = "2"')):
            self.assert_finds("{ " + first + " }", [self.both])
            self.assert_finds("{ " + second + " }", [self.late, self.both])


if __name__ == "__main__":
    facts.main()
