"""What reads give of attributes with a column of their own, which Tempo's owner chooses: why the planner asks for attributes by filters and selects none.
Decisions on it: tempo/api/traceql.c (reads), tempo/api/trace_merge.c (what may be made up, what may be of a list), tempo/api/column_lists.c, tempo/api/list_elements.c, tempo/api/traceql_filter.c (what is asked in a wider form).
"""
import itertools
import json
import time
import unittest

import tempo_case as facts
from tempo_case import SECOND, otlp
import variants

NAN = {"doubleValue": "NaN"}
VALUES = {"missing": None, "a": "a", "nil": "nil", "empty": "", "5": 5, "0": 0, "-5": -5, "1.5": 1.5, "-1.5": -1.5, "true": True, "false": False, "NaN": NAN,
          "[a,b]": ["a", "b"], "[a]": ["a"], "[5,-5]": [5, -5], "[1.5,-1.5]": [1.5, -1.5], "[true,false]": [True, False]}
KEYS = ("span.http.method", "span.http.status_code", "span.x", "resource.k8s.pod.name", "resource.x")


def every_type(key):
    """As bt_traceql_write_present and bt_traceql_write_nobodys write it."""
    scope = key.split(".")[0]
    return (f'{key} =~ "(?s:.*)" || {key} >= 0 || {key} < 0 || {key} >= 0.0 || {key} != 5e-324 || {key} = true || ({key} = false && true) || '
            f"{scope}.betrace.none != nil")


def of_columns(key):
    """As reads of checked versions ask: columns are of strings and of integers."""
    scope = key.split(".")[0]
    return f'{scope}.betrace.none != nil || {key} =~ "(?s:.*)" || {key} >= 0 || {key} < 0'


def but_zero(key):
    scope = key.split(".")[0]
    return f'{key} =~ "(?s:.*)" || {key} > 0 || {key} < 0 || {scope}.betrace.none != nil'


class OfColumns(facts.TempoCase):
    """Each value under each key, in a trace of its own."""

    @classmethod
    def prepare(cls):
        cls.variant = variants.current()
        cls.base = (int(time.time()) - 6) * SECOND
        cls.ids = {(key, label): otlp.new_trace_id() for key in KEYS for label in VALUES}
        for (key, label), trace_id in cls.ids.items():
            cls.push_cell(key, VALUES[label], trace_id, label)
        cls.wait_found('{ name != "" }', cls.ids.values())

    @classmethod
    def push_cell(cls, key, value, trace_id, label):
        scope, name = key.split(".", 1)
        attributes = [] if value is None else [{"key": name, "value": value if value is NAN else otlp.any_value(value)}]
        span = otlp.span(trace_id, label, cls.base)
        resource = [{"key": "service.name", "value": {"stringValue": "columns"}}]
        (span["attributes"] if scope == "span" else resource).extend(attributes)
        status, _, body = cls.tempo.push_request({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"spans": [span]}]}]})
        assert status == 200, body

    def read(self, key, condition, select=""):
        """label → what the answer gives under the key, of the traces of this key."""
        ids = {trace_id: label for (of, label), trace_id in self.ids.items() if of == key}
        query = f'{{ trace:id =~ "{"|".join(trace_id.lstrip("0") for trace_id in ids)}|x" && ({condition}) }} | by(span:id) | by(kind){select}'
        found = self.tempo.found_spans(query, self.base // SECOND - 100, self.base // SECOND + 100, spss=3)
        name = key.split(".", 1)[1]
        given = {}
        for trace_id, spans in found.items():
            values = [otlp.plain_value(a["value"]) for span in spans.values() for a in span.get("attributes", []) if a["key"] == name]
            given[ids[trace_id]] = values[0] if len(values) == 1 else None if not values else values
        return given

    def has_column_of(self, key):
        """The type of the key's column in this Tempo, or None."""
        return {"span.http.method": str, "span.http.status_code": int, "resource.k8s.pod.name": str}.get(key)



class Columns(OfColumns):
    config = "fast"

    def expected(self, key):
        lists = self.variant.has_list_columns
        values = {label: "NaN" if value is NAN else value[0] if value == ["a"] else value for label, value in VALUES.items()}
        column = self.has_column_of(key)
        for label, value in values.items():
            if lists and isinstance(value, list) and column is type(value[0]):
                values[label] = value[-1]
        return values

    def same(self, given, wanted):
        """Tempo 2.8 mixes up the elements of arrays (facts_arrays): that it is an array of so many has to be enough."""
        if isinstance(wanted, list) and isinstance(given, list) and self.variant.family == "2.8":
            return len(given) == len(wanted)
        return type(given) is type(wanted) and given == wanted

    def test_what_a_filter_tests_is_given_in_every_type(self):
        """But for columns of integers in 2.10: what is not in them comes as "nil"."""
        for key, tests in itertools.product(KEYS, (every_type, of_columns)):
            given = self.read(key, tests(key) + " || true")
            self.assertEqual(set(given), set(VALUES), key)
            for label, wanted in self.expected(key).items():
                is_of_column = isinstance(VALUES[label], int) and not isinstance(VALUES[label], bool)
                if self.variant.family == "2.10" and self.has_column_of(key) is int and not is_of_column:
                    wanted = "nil"
                self.assertTrue(self.same(given[label], wanted), f"{tests.__name__} {key} {label}: {given[label]!r}, expected {wanted!r}")

    def test_what_was_nil_and_is_not_given_again_is_missing(self):
        """The second question gives all that is there but the integer 0, and nothing of what is missing."""
        for key in KEYS:
            given = self.read(key, but_zero(key) + " || true")
            self.assertEqual(set(given), set(VALUES), key)
            for label, wanted in self.expected(key).items():
                may_be_left_out = label == "0" and given[label] is None
                self.assertTrue(may_be_left_out or self.same(given[label], wanted), f"{key} {label}: {given[label]!r}, expected {wanted!r}")

    def test_select_alone_makes_up_nil(self):
        for key in KEYS:
            given = self.read(key, 'name != ""', f" | select(name, {key})")
            made_up = "nil" if self.has_column_of(key) and self.variant.family != "2.8" else None
            self.assertEqual(given["missing"], made_up, key)
            if self.has_column_of(key) is str:
                self.assertEqual((given["5"], given["true"]), (made_up, made_up), key)

    def test_only_blocks_with_lists_know_their_children(self):
        status, body = self.tempo.search_raw("{ span:childCount >= 0 }", self.base // SECOND - 100, self.base // SECOND + 100, 1000)
        if self.variant.family == "2.8":
            self.assertEqual(status, 400)
            self.assertIn("unexpected childCount", body)
            return
        found = {row["traceID"].rjust(32, "0") for row in json.loads(body).get("traces") or []}
        self.assertEqual(found, set(self.ids.values()) if self.variant.has_list_columns else set())

    def search_finds(self, key, condition):
        found = self.search(f"{{ {condition} }}")
        return {label for (of, label), trace_id in self.ids.items() if of == key and trace_id in found}

    def test_an_attribute_that_nobody_has_shows_arrays_outside_columns(self):
        """What bt_traceql_write_surplus adds. 2.8 mixes up what the arrays hold, and may miss some."""
        for key in KEYS:
            scope = key.split(".")[0]
            surplus = f'({key} = 7 && {key} = "x" && {scope}.betrace.none != nil)'
            for test, wanted in ((f'{key} = "a"', {"a", "[a,b]", "[a]"}), (f"{key} = 5", {"5", "[5,-5]"})):
                found = self.search_finds(key, f"{test} || {surplus}")
                if self.variant.family == "2.8":
                    self.assertLessEqual({label for label in wanted if "," not in label}, found, key)
                else:
                    self.assertEqual(found, wanted, f"{key}: {test}")

    def test_tests_that_stumble_over_arrays(self):
        """Each with a form that does not: alternatives that are kept apart, any string for a pattern. Whether a pattern stumbles hangs on which span
        comes first: Tempo measures which side of `||` it looks at first. Where it does not, it finds what is meant."""
        stumbles = {"3.0": 500, "3.1": 500}.get(self.variant.family, 200)
        for condition, statuses in (("span.x = true || span.x = false", {stumbles}), ("span.x = true || (span.x = false && true)", {200}),
                                    ('span.x =~ "b" || span.x = "x" || span.betrace.none != nil', {stumbles, 200}),
                                    ('span.x =~ "(?s:.*)" || span.x = "x" || span.betrace.none != nil', {200})):
            got, body = self.tempo.search_raw(f"{{ {condition} }}", self.base // SECOND - 100, self.base // SECOND + 100, 1000)
            self.assertIn(got, statuses, f"{condition}: {body[:200]}")
            if got == 200 and "=~ \"b\"" in condition and self.variant.family != "2.8":
                self.assertEqual(self.search_finds("span.x", condition), {"[a,b]"})
            if got == 500:
                self.assertTrue("array operators must consist of a scalar and an array operand" in body or "unexpected numbers of pre-compiled regexp" in body, body)


class LeftOut(OfColumns):
    """What bt_traceql_read_elements asks of columns that hold lists: a span is found where an element is not left out, and gives the last of these.
    Nothing is made up, not beside a test of another column either. What lies outside columns gives what is left of its array."""
    config = "fast"
    TESTS = (('!~ "a"', str, ["a"]), ('!~ "a|nil"', str, ["a", "nil"]), ('!~ "a|"', str, ["a", ""]), ('!~ "|a"', str, ["a", ""]), ("!= 5", int, [5]), ("!= 0", int, [0]))

    def wanted(self, key, kind, left_out):
        given = {}
        for label, value in VALUES.items():
            left = [one for one in (value if isinstance(value, list) else [value]) if type(one) is kind and one not in left_out]
            if left:
                given[label] = left[-1] if len(left) == 1 or self.has_column_of(key) is kind else left
        return given

    def check(self, key, more="", tests=TESTS):
        for test, kind, left_out in tests:
            given = {label: value for label, value in self.read(key, f"{key} {test}{more}").items() if type(value) is not float}
            self.assertEqual(given, self.wanted(key, kind, left_out), f"{key} {test}{more}")

    def test_the_other_elements_are_found(self):
        for key in KEYS if self.variant.has_list_columns else ("span.x", "resource.x"):
            if self.variant.family != "2.8":  # which mixes up the elements of arrays outside columns
                self.check(key)

    def test_the_empty_text_alone_is_left_out(self):
        """Of columns of texts. Outside columns such a question meets arrays of several elements, and Tempo 3 answers 500."""
        for key in KEYS:
            if self.variant.layout == "vparquet5" and self.has_column_of(key) is str:
                self.check(key, tests=[('!~ ""', str, [""])])

    def test_the_same_beside_another_column(self):
        for key in KEYS:
            if self.variant.has_list_columns and self.has_column_of(key):
                self.check(key, ' || span.http.url !~ "z" || span.url.path !~ "z"')


class LeftOutOfCompletedBlocks(facts.InCompletedBlocks, LeftOut):
    """The same of blocks as the backend has them."""


if __name__ == "__main__":
    facts.main()
