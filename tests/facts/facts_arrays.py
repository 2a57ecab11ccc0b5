"""Attributes whose values are arrays. Tempo 2.8 tests them rightly alone, and mixes up their elements once the same filter also asks for attributes
in a way that leaves nothing out, which is how a projection gets its values in every type. Decisions on them: server/replay/project (which rules are
projected), server/replay/joined (which filters are joined), tempo/trace_merge (an array is read by id).
"""
import random
import time

import tempo_case as facts
from tempo_case import SECOND, otlp

COUNT = 600
TAGS = (["a", "b"], ["b", "c"], ["c", "d", "a"], ["b", "c", "d"], ["d"], "a", "b", 7)
TYPES = ('=~ "(?s:.*)"', ">= 0", "< 0", ">= 0.0", "!= 5e-324", "= true", "= false")


def in_every_type(attribute):
    """As dsl/traceql.c asks for what it selects."""
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
        cls.wait_found('{name = "m"}', cls.tags)
        cls.with_a = {one for one, tags in cls.tags.items() if tags == "a" or (isinstance(tags, list) and "a" in tags)}

    def test_a_test_alone_is_right(self):
        self.assert_finds('{ span.tags = "a" }', self.with_a)
        self.assert_finds('{ span.tags = "a" && name = "m" }', self.with_a)

    def test_what_is_asked_for_beside_a_test_spoils_it(self):
        """Traces are missed, and wrong ones found, whichever attribute it is: a rule that tests attributes is not projected."""
        for attribute in ("span.tags", "span.other"):
            found = set(self.search(f'{{ (span.tags = "a") && ({in_every_type(attribute)}) }} {select(attribute)}'))
            self.assertTrue(self.with_a - found, attribute)
            self.assertTrue(found - self.with_a, attribute)

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
        """No search finds them, and a batch has the span without them."""
        one, array, now = otlp.new_trace_id(), otlp.new_trace_id(), time.time_ns() - 2 * SECOND
        self.tempo.push([otlp.span(one, "column", now, attrs={"http.method": "GET"}),
                         otlp.span(array, "column", now, attrs={"http.method": ["GET", "POST"]})])
        self.wait_found('{name = "column"}', [one, array])
        self.assert_finds('{ span.http.method = "GET" }', {one})
        rows = self.search(f'{{ (name = "column") && ({in_every_type("span.http.method")}) }} {select("span.http.method")}')
        values = {trace: [otlp.plain_value(item["value"]) for item in row["spanSets"][0]["spans"][0]["attributes"] if item["key"] == "http.method"]
                  for trace, row in rows.items()}
        self.assertEqual(values, {one: ["GET"], array: []})
        self.assertEqual(self.tempo.trace(array)[0]["attrs"]["http.method"], ["GET", "POST"])

    def test_fragments_have_the_duration_of_the_longest(self):
        """Of a trace in two blocks a search gives the earliest start, but no end: server/replay/listing compares starts."""
        trace_id, now = otlp.new_trace_id(), time.time_ns() - 3 * SECOND
        self.tempo.push([otlp.span(trace_id, "early", now, duration_ns=10_000_000)])
        self.wait_found('{name = "early"}', [trace_id])
        self.tempo.get("/flush")
        time.sleep(1)
        self.tempo.push([otlp.span(trace_id, "late", now + SECOND, duration_ns=5_000_000)])
        self.wait_found('{name = "late"}', [trace_id])
        self.wait_found('{name = "early"}', [trace_id])
        row = self.search("{}")[trace_id]
        self.assertEqual((int(row["startTimeUnixNano"]), row["durationMs"]), (now, 10))


if __name__ == "__main__":
    facts.main()
