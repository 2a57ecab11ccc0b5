"""Records with one span id and one kind: two copies of one span that differ, and spans of two services. What Tempo keeps of them, by id, by search and in
batches. Decisions on it: tempo/wire/trace_merge.c, and what docs/RELIABILITY.md says is not seen.

Tempo's own merging goes by span id and kind, and services are not part of it. So where two parts of a trace meet, in a block that is completed or in a
read of several blocks, one of the records is all that comes. Only of records that came while the trace was in memory both stay.

And a span that has one key twice: what shows which of its values.
"""
import json
import time

import tempo_case as facts
from tempo_case import SECOND, otlp

SCENES = ("copies", "services")
READ = "| by(span:id) | by(kind) | select(name, span.mark, resource.service.name)"
ROUNDS = 5  # until two pushes meet in one block: those of 3.x are cut by the clock


def record(trace_id, span_id, mark, scene, at):
    """(span, service). The second copy differs in an attribute, its end and its status; what is of the second service in an attribute alone."""
    is_other_copy = scene == "copies" and mark == "two"
    made = otlp.span(trace_id, "work", at, 2 * SECOND if is_other_copy else SECOND, span_id=span_id, kind="server",
                     status="error" if is_other_copy else "unset", attrs={"mark": mark})
    return made, "back" if scene == "services" and mark == "two" else "front"


def marks_of(spans):
    return sorted(span["attrs"]["mark"] for span in spans)


class Copies(facts.TempoCase):
    config = "fast"
    closes_blocks = True

    @classmethod
    def prepare(cls):
        cls.at = (int(time.time()) - 6) * SECOND
        cls.in_memory = {(scene, way): cls.push_in_memory(scene, way) for scene in SCENES for way in ("one push", "two pushes")}
        cls.key_twice = cls.push_key_twice(cls.at)
        cls.wait_found('{ span.mark = "one" }', [*cls.in_memory.values(), cls.key_twice])
        cls.key_twice_in_memory = cls.rows(cls.key_twice)
        cls.by_id_of_memory = {label: cls.by_id(trace_id) for label, trace_id in cls.in_memory.items()}
        cls.tempo.close_blocks()
        cls.in_one_block = {scene: cls.push_into_one_block(scene) for scene in SCENES}
        cls.in_two_blocks = {scene: cls.push_parts(scene, cls.tempo.close_blocks) for scene in SCENES}
        cls.tempo.close_blocks()

    @classmethod
    def push_record(cls, made):
        cls.tempo.push([made[0]], service=made[1])

    @classmethod
    def push_key_twice(cls, at):
        """Of two types: the one in one column, the other in another."""
        trace_id = otlp.new_trace_id()
        span = otlp.span(trace_id, "work twice", at, SECOND, attrs={"mark": "one", "number": 5})
        span["attributes"] += [{"key": "mark", "value": {"stringValue": "two"}}, {"key": "number", "value": {"stringValue": "six"}}]
        cls.tempo.push([span], service="front")
        return trace_id

    @classmethod
    def push_in_memory(cls, scene, way):
        trace_id, span_id = otlp.new_trace_id(), otlp.new_span_id()
        one, two = (record(trace_id, span_id, mark, scene, cls.at) for mark in ("one", "two"))
        if way == "two pushes":
            cls.push_record(one)
            cls.push_record(two)
        else:
            request = otlp.request([one[0]], service=one[1])
            request["resourceSpans"] += otlp.request([two[0]], service=two[1])["resourceSpans"]
            assert cls.tempo.push_request(request)[0] == 200
        return trace_id

    @classmethod
    def push_parts(cls, scene, between=lambda: None):
        """The second record comes when a search shows the first, so that both are parts of their own."""
        trace_id, span_id = otlp.new_trace_id(), otlp.new_span_id()
        cls.push_record(record(trace_id, span_id, "one", scene, cls.at))
        cls.wait_found('{ span.mark = "one" }', [trace_id])
        between()
        cls.push_record(record(trace_id, span_id, "two", scene, cls.at))
        cls.wait_found('{ span.mark = "two" }', [trace_id])
        return trace_id

    @classmethod
    def push_into_one_block(cls, scene):
        """A trace of which searches found both records while its block was written, and one since it was completed; None: none was seen."""
        for _ in range(ROUNDS):
            trace_id = cls.push_parts(scene)
            cls.tempo.close_blocks()
            cls.wait_found('{ span.mark = "one" }', [trace_id])
            if trace_id not in cls.search('{ span.mark = "two" }'):
                return trace_id
        return None

    @classmethod
    def by_id(cls, trace_id):
        """What both ways of reading by id give, which is the same: (mark, service, seconds, of status error) of each record."""
        status, _, body = cls.tempo.get(f"/api/traces/{trace_id}")
        assert status == 200, body
        ways = [otlp.flat_spans(json.loads(body)), cls.tempo.trace(trace_id)]
        told = [sorted((span["attrs"]["mark"], span["resource"]["service.name"], (span["end_ns"] - span["start_ns"]) // SECOND) for span in way) for way in ways]
        assert told[0] == told[1] or len(told[0]) == len(told[1]) == 1, told
        return told[1]

    @classmethod
    def rows(cls, trace_id, stages=READ):
        """The marks that a batch shows, by spanset."""
        row = cls.search(f'{{ trace:id =~ "{trace_id.lstrip("0")}|x" }} {stages}', spss=50).get(trace_id, {"spanSets": []})
        return sorted(sorted(item["value"]["stringValue"] for span in one["spans"] for item in span["attributes"] if item["key"] == "mark")
                      for one in row["spanSets"])

    def found(self, mark):
        return set(self.search(f'{{ span.mark = "{mark}" }}'))

    def test_of_records_that_met_in_memory_both_stay(self):
        both = {"copies": [("one", "front", 1), ("two", "front", 2)], "services": [("one", "front", 1), ("two", "back", 1)]}
        for (scene, way), trace_id in self.in_memory.items():
            self.assertEqual(self.by_id_of_memory[scene, way], both[scene], way)
            self.assertEqual(self.by_id(trace_id), both[scene], way)

    def test_and_a_batch_shows_both_in_one_set(self):
        for trace_id in self.in_memory.values():
            self.assertEqual(self.rows(trace_id), [["one", "two"]])

    def test_and_searches_find_either(self):
        for mark in ("one", "two"):
            self.assertLessEqual(set(self.in_memory.values()), self.found(mark))

    def test_of_two_parts_in_one_block_the_first_record_is_all_that_stays(self):
        for scene, trace_id in self.in_one_block.items():
            self.assertIsNotNone(trace_id, f"{scene}: no two parts met in one block")
            self.assertEqual(self.by_id(trace_id), [("one", "front", 1)])
            self.assertEqual(self.rows(trace_id), [["one"]])
            self.assertNotIn(trace_id, self.found("two"))

    def test_of_two_blocks_a_read_by_id_gives_one_record(self):
        for trace_id in self.in_two_blocks.values():
            self.assertEqual(len(self.by_id(trace_id)), 1)

    def test_and_a_batch_gives_one_record_which_may_be_the_other(self):
        for trace_id in self.in_two_blocks.values():
            self.assertIn(self.rows(trace_id), ([["one"]], [["two"]]))

    def test_while_searches_find_either_of_two_blocks(self):
        for mark in ("one", "two"):
            self.assertLessEqual(set(self.in_two_blocks.values()), self.found(mark))

    def test_only_a_question_for_the_service_keeps_services_of_two_blocks_apart(self):
        stages = READ.replace("| select", "| by(resource.service.name) | select")
        self.assertEqual(self.rows(self.in_two_blocks["services"], stages), [["one"], ["two"]])
        self.assertEqual(len(self.rows(self.in_two_blocks["copies"], stages)), 1)

    def test_a_read_by_id_gives_each_value_of_a_key(self):
        status, _, body = self.tempo.get(f"/api/v2/traces/{self.key_twice}")
        self.assertEqual(status, 200)
        (span,) = (one for group in json.loads(body)["trace"]["resourceSpans"] for scope in group["scopeSpans"] for one in scope["spans"])
        values = sorted((item["key"], *item["value"].values()) for item in span["attributes"])
        self.assertEqual(values, [("mark", "one"), ("mark", "two"), ("number", "5"), ("number", "six")])

    def test_a_batch_shows_the_last_value_of_a_key(self):
        self.assertEqual((self.key_twice_in_memory, self.rows(self.key_twice)), ([["two"]], [["two"]]))

    def test_searches_find_each_value_of_a_key(self):
        for test in ('span.mark = "one"', 'span.mark = "two"', "span.number = 5", 'span.number = "six"'):
            self.assertIn(self.key_twice, self.search(f"{{ {test} }}"), test)

    def test_searches_show_both_records_as_two_spans(self):
        found = self.search('{ name = "work" }', spss=50)
        self.assertEqual({len(found[trace_id]["spanSets"][0]["spans"]) for trace_id in self.in_memory.values()}, {2})


if __name__ == "__main__":
    facts.main()
