"""What each filter that the planner writes finds of each kind of value, in the write-ahead log and in completed blocks, under keys with and without a
column of their own. Decisions on it: dsl/pushdown*.c and dsl/traceql_filter.c, which filters may be searched for and which subtracted.

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

# What is subtracted, or stands for "it is there", must never hold a span that lacks the attribute. By family, the filters that the planner writes (K: the
# key) that do hold such spans, and of which keys. Every other one must not. A missing service name is an empty one to every Tempo.
FOUND_WHERE_MISSING = {"2.8": {}, "2.10": {"present": ["span.http.status_code"]}, "3.0": {}}
EMPTY_SERVICE = ('= ""', "any string", "present")


class Table(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.variant = variants.current()
        cls.expected = table.read(cls.variant)
        cls.seen = table.take(cls.variant)

    def test_every_filter_finds_what_the_table_of_this_version_says(self):
        self.assertEqual(table.differences(self.expected, self.seen), [], f"see {table.path_of(self.variant)}")

    def mark(self, shape, key, label):
        return self.seen[shape, key][table.HEAD.index(label)]

    def test_what_is_found_where_the_attribute_is_missing(self):
        """In whatever place, and whatever else is in the block."""
        found = {}
        for shape in cells.WRITTEN:
            for key in cells.KEYS:
                is_empty_service = key.text == "resource.service.name" and shape in EMPTY_SERVICE
                if shape != "every type or true" and not is_empty_service and {self.mark(shape, key.text, label) for label in ("missing", "bare")} != {"."}:
                    found.setdefault(shape, []).append(key.text)
        self.assertEqual(found, FOUND_WHERE_MISSING[self.variant.family])


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
            "an array under a column is found": finds("any string", "span.http.method", '["a","b"]'),
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
