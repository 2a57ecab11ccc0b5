"""Records with one span id and one kind: two copies of one span that differ, and spans of two services. What Tempo keeps of them, by id, by search and in
batches. Decisions on it: tempo/api/trace_merge.c, and what docs/RELIABILITY.md says is not seen.

Tempo's own merging goes by span id and kind, and services are not part of it. So where two parts of a trace meet, in a block that is completed or in a
read of several blocks, one of the records is all that comes. Only of records that came while the trace was in memory both stay.

And a span that has one key twice, in its attributes or in those of its resource, its scope, an event or a link: what shows which of its values.
"""
import json
import time

import tempo_case as facts
from tempo_case import SECOND, otlp

SCENES = ("copies", "services")
READ = "| by(span:id) | by(kind) | select(name, span.mark, resource.service.name)"
PLACES = ("span", "resource", "instrumentation", "event", "link")
# Of one key two values: what searches find. Of two types: the one in one column, the other in another.
TWICE = {"mark": ("one", "two"), "number": (5, "six")}
# Of keys with a column of their own. The column keeps the last value of its type.
COLUMNS_TWICE = {"span.http.method": ("GET", "PUT"), "span.http.status_code": (200, 404), "resource.service.name": ("back", "front"), "resource.cluster": ("c1", "c2")}
URLS = ("/one", 7)  # span.http.url, whose column is for texts
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
        cls.shown_of_memory, cls.read_of_memory = cls.shown_twice(), cls.read_twice()
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
        """Each place has the keys of TWICE twice, and a key with a column of its own stands twice where there are such."""
        trace_id = otlp.new_trace_id()
        span = otlp.span(trace_id, "work twice", at, SECOND, events=[("e", at, {})], links=[(otlp.new_trace_id(), otlp.new_span_id(), {})])
        request = otlp.request([span])
        (resource,) = request["resourceSpans"]
        (scope,) = resource["scopeSpans"]
        for place in (span, resource["resource"], scope["scope"], span["events"][0], span["links"][0]):
            place["attributes"] = cls.twice(TWICE)
        span["attributes"] += cls.twice({"http.url": URLS, **cls.columns_of("span")})
        resource["resource"]["attributes"] += cls.twice(cls.columns_of("resource"))
        assert cls.tempo.push_request(request)[0] == 200
        return trace_id

    @staticmethod
    def columns_of(place):
        return {field.split(".", 1)[1]: values for field, values in COLUMNS_TWICE.items() if field.startswith(f"{place}.")}

    @classmethod
    def has_column(cls, key):
        return key != "cluster" or cls.holds("cluster has a column")

    @staticmethod
    def twice(keys):
        """All first values before all second ones."""
        return [one for number in (0, 1) for one in otlp.attributes({key: values[number] for key, values in keys.items()})]

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

    @classmethod
    def read_twice(cls):
        """What a read by id gives of the trace with keys twice: [(key, value)] of each place."""
        status, _, body = cls.tempo.get(f"/api/v2/traces/{cls.key_twice}")
        assert status == 200, body
        (group,) = json.loads(body)["trace"]["resourceSpans"]
        (scope,) = group["scopeSpans"]
        (span,) = scope["spans"]
        places = zip(PLACES, (span, group["resource"], scope["scope"], span["events"][0], span["links"][0]))
        return {name: [(item["key"], otlp.plain_value(item["value"])) for item in place["attributes"]] for name, place in places}

    @classmethod
    def shown_twice(cls):
        """What a batch shows of it, where it asks for one place alone: [(key, value)] without the span's id, which by() shows too."""
        fields = {place: [f"{place}.{key}" for key in TWICE] for place in PLACES} | {"columns": ["span.http.url", *COLUMNS_TWICE]}
        shown = {}
        for place, names in fields.items():
            row = cls.search(f'{{ trace:id =~ "{cls.key_twice.lstrip("0")}|x" }} | by(span:id) | select({", ".join(names)})', spss=50)[cls.key_twice]
            (span,) = (one for its in row["spanSets"] for one in its["spans"])
            keys = [name.split(".", 1)[1] for name in names]
            shown[place] = sorted((item["key"], otlp.plain_value(item["value"])) for item in span["attributes"] if item["key"] in keys)
        return shown

    def test_a_read_by_id_gives_each_value_of_a_key(self):
        """In their order; those of a resource are sorted by key."""
        for told in (self.read_of_memory, self.read_twice()):
            for place in PLACES:
                self.assertEqual({key: tuple(value for name, value in told[place] if name == key) for key in TWICE}, TWICE, place)

    def test_but_of_a_key_with_a_column_the_last_of_its_type(self):
        for told in (self.read_of_memory, self.read_twice()):
            for place in ("span", "resource"):
                its = {key: list(values[1:] if self.has_column(key) else values) for key, values in self.columns_of(place).items()}
                self.assertEqual({key: [value for name, value in told[place] if name == key] for key in its}, its)
            is_lost = self.holds("a later value of another type replaces the column's")
            self.assertEqual([value for key, value in told["span"] if key == "http.url"], [7] if is_lost else [7, "/one"])

    def test_a_batch_shows_the_last_value_of_a_key(self):
        for shown in (self.shown_of_memory, self.shown_twice()):
            for place in PLACES:
                self.assertEqual(shown[place], [("mark", "two"), ("number", "six")], place)

    def test_but_of_a_key_with_a_column_the_column(self):
        """Also where a value of another type came later."""
        url = "nil" if self.holds("a later value of another type replaces the column's") else URLS[0]
        expected = sorted([("http.url", url), *((field.split(".", 1)[1], values[1]) for field, values in COLUMNS_TWICE.items())])
        for shown in (self.shown_of_memory, self.shown_twice()):
            self.assertEqual(shown["columns"], expected)

    def test_searches_find_each_value_of_a_key(self):
        for place in PLACES:
            for test in ('mark = "one"', 'mark = "two"', "number = 5", 'number = "six"', 'mark != "one"', 'mark != "two"'):
                self.assertIn(self.key_twice, self.search(f"{{ {place}.{test} }}"), f"{place}.{test}")
        found = [self.key_twice in self.search(f"{{ span.http.url = {json.dumps(value)} }}") for value in URLS]
        self.assertEqual(found, [not self.holds("a later value of another type replaces the column's"), True])

    def test_a_row_shows_the_value_that_it_found_by(self):
        """Where the search selects nothing. So it can be held against a read (tempo/wire/shown_spans.c)."""
        for value in (*TWICE["mark"], *TWICE["number"]):
            key = "mark" if value in TWICE["mark"] else "number"
            (span,) = self.search(f"{{ span.{key} = {json.dumps(value)} }}")[self.key_twice]["spanSets"][0]["spans"]
            self.assertIn((key, value), [(item["key"], otlp.plain_value(item["value"])) for item in span["attributes"]])

    def test_a_search_with_tests_of_several_types_sees_one_value(self):
        """So it may find nothing where each test alone finds the trace."""
        found = [self.key_twice in self.search(f"{{ {test} }}") for test in ('span.number = 5 || span.number =~ "no"', 'span.number = "six" || span.number = 7')]
        self.assertEqual(found.count(True), 1, found)

    def test_but_of_a_key_with_a_column_the_one_that_it_keeps(self):
        for field, (first, last) in COLUMNS_TWICE.items():
            self.assertIn(self.key_twice, self.search(f"{{ {field} = {json.dumps(last)} }}"), field)
            is_kept = not self.has_column(field.split(".", 1)[1])
            self.assertEqual(self.key_twice in self.search(f"{{ {field} = {json.dumps(first)} }}"), is_kept, field)

    def test_searches_show_both_records_as_two_spans(self):
        found = self.search('{ name = "work" }', spss=50)
        self.assertEqual({len(found[trace_id]["spanSets"][0]["spans"]) for trace_id in self.in_memory.values()}, {2})


if __name__ == "__main__":
    facts.main()
