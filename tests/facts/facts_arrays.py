"""Attributes whose values are arrays. 2.10 and 3.0 are right about them, 2.8 is not: of an array it collects the
elements that meet any test of the filter on its scope. It copies one element. Several lie in a buffer, and the next
attribute is collected into that buffer before Tempo tests them (tempodb/encoding/vparquet4, attributeCollector). So
Tempo tests an array rightly where each element that any test lets in decides the whole. Else it mixes the
array up with another one: next to another test of any kind, and next to what a projection asks for.
Decisions on them: tempo/api/traceql_keys (one question for several),
dsl/filter_hidden (two questions for doubles), server/replay/replay_plan (rules for projection),
server/replay/filter_union (joined filters), tempo/trace_merge (reads of arrays by id)."""
import random
import time

import tempo_case as facts
from tempo_case import SECOND, otlp

COUNT = 600
TAGS = (["a", "b"], ["b", "c"], ["c", "d", "a"], ["b", "c", "d"], ["d"], "a", "b", 7)
DOUBLES = ([1.5, -1.0], [2.5, 1.5], [-3.0, -3.0], [4.0, 4.0], [-1.0, -2.0], [1, 5], [5, 7], [-5, -7], 1.5, -1.0, -1e300, 5, -5, "x")
NUMBERS = ([1, 5], [5, 7, 1], [1.5, -1.0], [2.5, 1.5], 1, 1.5, 7)
TYPES = ('=~ "(?s:.*)"', ">= 0", "< 0", ">= 0.0", "!= 5e-324", "= true", "= false")


def in_every_type(attribute):
    """As tempo/api/traceql.c asks for what it selects."""
    return " || ".join(f"{attribute} {test}" for test in TYPES) + " || true"


def select(attributes):
    return f"| by(span:id) | by(kind) | select(name, kind, {attributes})"


class ArrayFacts(facts.TempoCase):
    config = "fast"

    @classmethod
    def prepare(cls):
        now, chance = time.time_ns() - 2 * SECOND, random.Random(7)
        cls.tags = {otlp.new_trace_id(): chance.choice(TAGS) for _ in range(COUNT)}
        spans = [otlp.span(one, "m", now + i, attrs={"tags": tags, "other": chance.choice(["w", ["w", "q"]])})
                 for i, (one, tags) in enumerate(cls.tags.items())]
        cls.tempo.push(spans)
        cls.numbers = {otlp.new_trace_id(): (chance.choice(NUMBERS), chance.choice((1, 2, -5, 2.5)), chance.choice(NUMBERS)) for _ in range(COUNT)}
        cls.tempo.push_request({"resourceSpans": [
            {"resource": {"attributes": otlp.attributes({"service.name": "svc", "list": resource, "k": k})},
             "scopeSpans": [{"spans": [otlp.span(one, "n", now + i, attrs={"list": numbers, "k": k})]}]}
            for i, (one, (numbers, k, resource)) in enumerate(cls.numbers.items())]})
        cls.doubles = {otlp.new_trace_id(): chance.choice(DOUBLES) for _ in range(COUNT)}
        cls.tempo.push([otlp.span(one, chance.choice("de"), now + i, attrs={"x": values}) for i, (one, values) in enumerate(cls.doubles.items())])
        cls.wait_found('{name = "d" || name = "e"}', cls.doubles)
        cls.wait_found('{name = "m"}', cls.tags)
        cls.wait_found('{name = "n"}', cls.numbers)
        cls.with_a = {one for one, tags in cls.tags.items() if tags == "a" or (isinstance(tags, list) and "a" in tags)}

    def test_a_test_alone_is_right(self):
        self.assert_finds('{ span.tags = "a" }', self.with_a)
        self.assert_finds('{ span.tags = "a" && name = "m" }', self.with_a)

    @staticmethod
    def truth(numbers, holds):
        return {one for one, (values, k, resource) in numbers.items() if holds(*(value if isinstance(value, list) else [value] for value in (values, k, resource)))}

    def test_a_test_alone_is_right_of_numbers_too(self):
        self.assert_finds("{ span.list >= 5 }", self.truth(self.numbers, lambda values, k, r: any(type(v) is int and v >= 5 for v in values)))
        self.assert_finds("{ span.list = 1.5 }", self.truth(self.numbers, lambda values, k, r: 1.5 in values))
        self.assert_finds("{ span.list >= 5 || resource.list >= 5 }",
                          self.truth(self.numbers, lambda values, k, r: any(type(v) is int and v >= 5 for v in values + r)))
        self.assert_finds("{ span.list >= 5 && resource.list >= 5 }",
                          self.truth(self.numbers, lambda values, k, r: all(any(type(v) is int and v >= 5 for v in one) for one in (values, r))))
        self.assert_finds('{ span.list >= 5 && resource.service.name = "svc" && name = "n" }',
                          self.truth(self.numbers, lambda values, k, r: any(type(v) is int and v >= 5 for v in values)))

    def above(self, bound):
        return {one for one, values in self.doubles.items() if any(not isinstance(x, str) and x > bound for x in (values if isinstance(values, list) else [values]))}

    def assert_spoiled(self, query, wanted):
        """Where arrays are mixed up, some are missed; else none is."""
        missed = wanted - set(self.search(query))
        self.assertEqual(bool(missed), self.holds("arrays are mixed up"), f"{query}: {len(missed)} of {len(wanted)} missed")

    def test_alternatives_of_one_attribute_are_right(self):
        self.assert_finds("{ span.x > 0 || span.x > 0.0 }", self.above(0))
        self.assert_finds('{ span.x > 0 || span.x > 0.0 || span.x = "x" }', self.above(0) | {one for one, values in self.doubles.items() if values == "x"})
        self.assert_finds('{ (name = "d" || name = "e") && (span.x > 0 || span.x > 0.0) }', self.above(0))

    def test_a_second_test_of_its_own_spoils_it(self):
        """As the comparison that keeps pages with NaN."""
        self.assert_spoiled("{ span.x > 0 || (span.x > 0.0 && span.x != -1.2345678901234567e+300) }", self.above(0))
        self.assert_spoiled("{ span.x > 1 && span.x < 7 }", {one for one, values in self.doubles.items() if values in ([1, 5], [5, 7])})

    def test_another_test_of_other_spans_spoils_it(self):
        self.assert_spoiled('{ (name = "d" && span.x > 0.0) || (name = "other" && span.x < 0.0) }', set(self.search('{ name = "d" && span.x > 0.0 }')))

    def test_no_test_knows_an_array_from_a_value(self):
        """Each holds for some element, of what lies in the buffer: so that what pages with NaN hide cannot be found wholly."""
        if self.holds("an array beside itself is refused"):
            self.assert_refused(500, "array operators must consist of a scalar and an array operand", "{ span.x != span.x }")
            return
        several = {one for one, values in self.doubles.items() if isinstance(values, list)}
        self.assertTrue(several - set(self.search("{ span.x != span.x }")))

    def test_another_attribute_beside_it_spoils_it(self):
        """Joined by && or ||, traces are missed: so the planner asks about one attribute of each scope in a query."""
        for scope in ("span", "resource"):
            index = 0 if scope == "span" else 2
            for joint, holds in (("&&", all), ("||", any)):
                wanted = self.truth(self.numbers, lambda *one, i=index, h=holds: h((1 in one[i] and type(one[i][one[i].index(1)]) is int, any(type(v) is int and v >= -5 for v in one[1]))))
                self.assert_spoiled(f"{{ name = \"n\" && ({scope}.list = 1 {joint} {scope}.k >= -5) }}", wanted)

    def test_what_is_asked_for_beside_a_test_spoils_it(self):
        """Traces are missed, and wrong ones found, whichever attribute it is: a rule that tests attributes is not projected."""
        for attribute in ("span.tags", "span.other"):
            query = f'{{ (span.tags = "a") && ({in_every_type(attribute)}) }} {select(attribute)}'
            self.assert_spoiled(query, self.with_a)
            self.assertEqual(bool(set(self.search(query)) - self.with_a), self.holds("arrays are mixed up"), attribute)

    def test_what_is_asked_for_beside_a_name_loses_nothing(self):
        """All spans come; one value comes as it is, and of several ones (in any mixture) there are always several."""
        for attributes in (["span.tags"], ["span.tags", "span.other"], [".tags"]):
            wanted = " || ".join(in_every_type(one) for one in attributes)
            rows = self.search(f'{{ (name = "m") && ({wanted}) }} {select(", ".join(attributes))}', spss=50)
            self.assertEqual(set(rows), set(self.tags))
            for one, tags in self.tags.items():
                spans = [span for spanset in rows[one]["spanSets"] for span in spanset["spans"]]
                self.assertEqual(len(spans), 1)
                values = [otlp.plain_value(item["value"]) for item in spans[0]["attributes"] if item["key"] == "tags"]
                if isinstance(tags, list) and len(tags) > 1:
                    self.assertTrue(len(values) > 1 or isinstance(values[0], list), (tags, values))
                else:
                    self.assertEqual(values, tags if isinstance(tags, list) else [tags])

    def test_arrays_under_a_key_with_a_column_come_with_a_read_by_id_only(self):
        """No search finds them (but in vParquet5), and a batch has the span without them, or with something made up."""
        one, array, now = otlp.new_trace_id(), otlp.new_trace_id(), time.time_ns() - 2 * SECOND
        self.tempo.push([otlp.span(one, "column", now, attrs={"http.method": "GET"}),
                         otlp.span(array, "column", now, attrs={"http.method": ["GET", "POST"]})])
        self.wait_found('{name = "column"}', [one, array])
        is_found = self.holds("an array under a column is found")
        self.assert_finds('{ span.http.method = "GET" }', {one, array} if is_found else {one})
        rows = self.search(f'{{ (name = "column") && ({in_every_type("span.http.method")}) }} {select("span.http.method")}')
        values = {trace: [otlp.plain_value(item["value"]) for item in row["spanSets"][0]["spans"][0]["attributes"] if item["key"] == "http.method"]
                  for trace, row in rows.items()}
        self.assertEqual(values, {one: ["GET"], array: self.holds("an array under a column is read as")})
        self.assertEqual(self.tempo.trace(array)[0]["attrs"]["http.method"], ["GET", "POST"])


class FragmentFacts(facts.TempoCase):
    config = "fast"
    closes_blocks = True

    def test_fragments_have_the_duration_of_the_longest(self):
        """Of a trace in two blocks a search gives the earliest start, but no end: server/replay/listing compares starts."""
        trace_id, now = otlp.new_trace_id(), time.time_ns() - 3 * SECOND
        self.tempo.push([otlp.span(trace_id, "early", now, duration_ns=10_000_000)])
        self.wait_found('{name = "early"}', [trace_id])
        self.tempo.close_blocks()
        self.tempo.push([otlp.span(trace_id, "late", now + SECOND, duration_ns=5_000_000)])
        self.wait_found('{name = "late"}', [trace_id])
        self.wait_found('{name = "early"}', [trace_id])
        row = self.search("{}")[trace_id]
        self.assertEqual((int(row["startTimeUnixNano"]), row["durationMs"]), (now, 10))


if __name__ == "__main__":
    facts.main()
