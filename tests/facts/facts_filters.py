"""What each filter that the planner writes finds of each kind of value, in the write-ahead log and in completed blocks, under keys with and without a
column of their own. Decisions on it: tempo/api/traceql_*.c and tempo/api/traceql_filter.c, which filters may be searched for and which subtracted.

The table of each version and layout is in tests/facts/filters/. `facts_filters.py --table` takes and prints that of BETRACE_TEMPO_VARIANT, `--write` puts
it into its file, `--widen` takes it again and puts a ? where it differs from the file.
"""
import sys
import time
import unittest

import differences
import filter_cells as cells
import filter_table as table
import tempo_case as facts
from run_tempo import config_text_of, require_tempo
from tempo_case import SECOND, TempoServer, otlp
import variants
import written_filters as written

# A service name that is a text has a column in every Tempo, empty where there is none, and is asked for in other ways than what the shapes are made of.
OTHERWISE_WRITTEN = ("resource.service.name",)
PLACES = {"log": ("x", "W"), "completed": ("x", "C")}


class Table(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.variant = variants.current()
        cls.expected = table.read(cls.variant)
        cls.seen = table.take(cls.variant)

    def test_every_filter_finds_what_the_table_of_this_version_says(self):
        self.assertEqual(table.differences(self.expected, self.seen), [], f"see {table.path_read(self.variant)}")

    def mark(self, shape, key, label):
        return self.seen[shape, key][table.HEAD.index(label)]

    def is_found(self, shapes, key, label, place):
        """By some of the shapes; what a Tempo refuses finds nothing."""
        return any(self.mark(shape, key, label) in PLACES[place] for shape in shapes)

    def each(self):
        """(case, key, label, place) of every cell that a case's shapes are asked about."""
        keys = [key.text for key in cells.KEYS if key.text not in OTHERWISE_WRITTEN]
        return [(case, key, label, place) for case in written.CASES for key in keys for label in cells.CELLS for place in PLACES]

    def known_to_miss(self, key, label):
        """2.8 mixes up arrays of several elements where it is asked for what lies outside a column (docs/RELIABILITY.md)."""
        return label in table.mixed_up(self.variant) and any(self.mark(form, key, label) != "x" for form in ("of each type", "!= nil"))

    def is_refused(self, shapes, key):
        return any(self.mark(shape, key, "missing") == "E" for shape in shapes)

    def test_what_is_searched_finds_all_that_is_meant(self):
        """By both queries together; by their wider forms where Tempo stumbles over them."""
        def shapes_of(case, key):
            shapes = [written.LABEL_OF[shape] for shape in case.searched.values()]
            return [written.LABEL_OF[shape] for shape in case.wider.values()] if case.wider and self.is_refused(shapes, key) else shapes
        missed = [f"{case.label}, {key}, {label}, {place}" for case, key, label, place in self.each()
                  if written.is_meant(case.label, cells.value_of(label)) and not self.is_found(shapes_of(case, key), key, label, place)
                  and not self.known_to_miss(key, label)]
        self.assertEqual(missed, [])

    def test_the_wider_form_is_answered_and_finds_what_is_meant(self):
        missed = [f"{case.label}, {key}, {label}, {place}" for case, key, label, place in self.each() if case.wider
                  and written.is_meant(case.label, cells.value_of(label)) and not self.known_to_miss(key, label)
                  and not self.is_found([written.LABEL_OF[shape] for shape in case.wider.values()], key, label, place)]
        self.assertEqual(missed, [])

    def test_a_nan_hides_nothing_from_the_second_query(self):
        hidden = [f"{label}, {key.text}" for case in written.CASES for label in [written.LABEL_OF[list(case.searched.values())[-1]]] for key in cells.KEYS
                  if self.mark(label, key.text, "hides") != "." and not self.is_refused([label], key.text)]
        self.assertEqual(hidden, [])

    def test_what_is_subtracted_finds_only_what_is_meant(self):
        """In whatever place, and whatever else is in the block."""
        wrong = []
        for case, key, label, place in self.each():
            for shape in (written.LABEL_OF[shape] for shape in case.subtracted.values()):
                if not written.is_meant(case.label, cells.value_of(label)) and self.is_found([shape], key, label, place):
                    wrong.append(f"{shape}, {key}, {label}, {place}")
                if label == "missing" and self.is_found([shape], key, "bare", place):
                    wrong.append(f"{shape}, {key}, bare, {place}")
        self.assertEqual(wrong, [])

    def test_a_batch_gives_every_trace(self):
        for how in ("batch", "doubted"):
            for place in PLACES:
                self.assertEqual([key.text for key in cells.KEYS if set(self.seen[f"{how} ({place})", key.text]) & set("-E")], [], how)

    def test_a_nil_in_a_batch_is_told_from_a_missing_attribute_by_the_second_question(self):
        wrong = []
        for key in (key.text for key in cells.KEYS if key.text not in OTHERWISE_WRITTEN):
            for label in cells.CELLS:
                for place in PLACES:
                    said, doubted = (self.mark(f"{how} ({place})", key, label) for how in ("batch", "doubted"))
                    is_there = cells.value_of(label) is not None and written.is_there(cells.value_of(label))
                    if said == "n" and is_there != (doubted != "."):
                        wrong.append(f"{key}, {label}, {place}: batch {said}, second question {doubted}")
        self.assertEqual(wrong, [])

    def test_a_service_name_that_is_no_text_is_found_by_the_empty_one(self):
        """dsl/plan/pushdown.c: arrays of texts, too, which no other test of a text finds."""
        for label in cells.CELLS:
            if not isinstance(cells.value_of(label), str) or label == '""':
                self.assertEqual(self.mark('= ""', "resource.service.name", label), "x", label)
        for label in ('["a","b"]', '["a"]'):
            self.assertEqual(self.mark('= "a"', "resource.service.name", label), ".", label)

    def holds(self, what):
        return differences.of(what, self.variant)

    def test_what_differs_by_version(self):
        """Rows of the one table of differences that follow from this one."""
        def finds(shape, key, label):
            return self.mark(shape, key, label) == "x"
        seen = {
            "!= finds what is missing": finds('!= "a"', "span.http.method", "missing"),
            "!= nil takes values from beside it": self.mark("of each type or nil", "span.http.method", "5") == "W",
            "either bool is refused beside an array": self.mark("any bool", "span.x", "true") == "E",
            "url.path has a column": self.mark("!= nil", "span.url.path", "5") == ".",
            "presence of an int column is found where it is missing": finds("present", "span.http.status_code", "missing"),
            "an array under a column is found": finds('=~ "a.*", wider', "span.http.method", '["a","b"]'),
        }
        self.assertEqual(seen, {what: self.holds(what) for what in seen})


    def test_arrays_under_a_column_are_found_beside_a_test_of_another_key(self):
        """On every version, where the other key is of the same scope and tested by `!= nil`: Tempo then looks at every type of the first, too."""
        self.assertEqual(self.mark("of each type beside", "span.http.method", '["a","b"]'), "x")


class InMemory(unittest.TestCase):
    """What was just pushed and no block has yet: by id it is there, to search it is not."""

    def test_search_sees_nothing_and_by_id_everything(self):
        text = config_text_of("fast")
        self.assertIn("flush_check_period: 200ms", text)
        with TempoServer(config_text=text.replace("flush_check_period: 200ms", "flush_check_period: 10m")) as tempo:
            trace_id = otlp.new_trace_id()
            tempo.push([otlp.span(trace_id, "cell", time.time_ns() - 2 * SECOND, attrs={"x": "a", "http.method": "a"})])
            tempo.wait_until(lambda: tempo.trace(trace_id), "it is found by id")
            time.sleep(1)
            now = int(time.time())
            for query in ["{}", *(cells.query_of(key, shape) for key in cells.KEYS for shape in ('= "a"', "present", "!= nil"))]:
                self.assertEqual(tempo.search(query, now - 600, now + 1), {}, query)
            self.assertEqual(len(tempo.trace(trace_id)), 1)


def print_or_write(how):
    variant = variants.current()
    rows = table.take(variant)
    if how == "--widen":
        rows = table.widened(table.read(variant), rows)
    if how == "--table":
        print(f"Tempo {variant.name}\n{table.text_of(rows)}", end="")
        return
    with open(table.path_of(variant), "w", encoding="utf-8") as file:
        file.write(table.text_of(rows))


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in ("--table", "--write", "--widen"):
        require_tempo()
        print_or_write(sys.argv[1])
    else:
        facts.main()
