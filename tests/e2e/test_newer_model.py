"""The model of Tempo 2.10 and 3.0 (tests/tempo/newer_model.py) held against what these versions really answered: the
tables of tests/facts/filters, taken on each of them, and the answers in tests/recorded/columns. Each cell that the
model claims to know has to be equal. No Tempo is needed."""
import ast
import os
import re
import sys
import unittest
from dataclasses import replace

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", folder) for folder in ("support", "tempo", "facts")]
import filter_cells as cells  # noqa: E402
import filter_table as table  # noqa: E402
from newer_model import VERSIONS, Filter, Refused, stored_value  # noqa: E402
from newer_query import Duration, NotKnown, Word, read, tests_of  # noqa: E402

RECORDED = os.path.join(HERE, "..", "recorded", "columns")
TABLES = {**VERSIONS, **{f"{family}-dedicated": VERSIONS[family].dedicated() for family in ("2.10", "3.0")}}
# Marks of a table that the model claims: not ? (chance).
CLAIMED = "x.E=noe-"
# One was recorded of each version, with blocks of its default layout.
RECORDED_OF = ("2.10", "3.0")
# The spans of the recorded answers, by the names that they have there. The array is last: 3.0 refuses a pattern for a
# text that comes behind one.
RECORDED_SPANS = {
    "url array a b": ("span", "http.url", ["a", "b"]), "x a": ("span", "x", "a"), "plain nothing": ("span", "", None),
    "pod 1.5": ("resource", "k8s.pod.name", 1.5), "pod p": ("resource", "k8s.pod.name", "p"),
    "method text nil": ("span", "http.method", "nil"), "method int 5": ("span", "http.method", 5),
    "method GET": ("span", "http.method", "GET"), "status text teapot": ("span", "http.status_code", "teapot"),
    "status 200": ("span", "http.status_code", 200), "x array a b": ("span", "x", ["a", "b"])}
RECORDED_SELECT = ('{ name != "" } | select(kind, span.http.status_code, span.http.method, span.http.url, '
                   "resource.k8s.pod.name, span.x)")
FEW_KEYS = ("span.x", "span.http.method", "span.http.status_code", "span.url.path", "resource.namespace")


class Span:
    """As newer_model wants it, with one attribute or none."""

    def __init__(self, scope, name, value, service="filters"):
        its = {} if value is None else {name: stored_value(value)}
        self.attributes = its if scope == "span" else {}
        self.resource = dict(its) if scope == "resource" else {}
        if service is not None:
            self.resource["service.name"] = service
        self.intrinsics = {"name": "cell", "kind": Word("internal"), "status": Word("unset"), "statusMessage": "",
                           "span:id": "1", "span:parentID": "0" * 16, "duration": Duration(1), "trace:id": "1"}
        self.intrinsics["span:childCount"] = 0


def span_of(key, label):
    return Span(key.scope, key.name, cells.CELLS[label], service=None if key.name == "service.name" else cells.SERVICE)


def mark_of(shape, key, label, its):
    """As filter_table marks it."""
    found = its.match(span_of(key, label))
    if shape not in table.READ_LINES:
        return "x" if found else "."
    if not found:
        return cells.mark_of_read(None, key, label)
    value = its.shown(found).get((key.scope, key.name))
    written = cells.CELLS["NaN"] if value != value else cells.otlp.any_value(value)
    told = [] if value is None else [{"key": key.name, "value": written}]
    return cells.mark_of_read({"spanSets": [{"spans": [{"attributes": told}]}]}, key, label)


def asks_children(its):
    return any(test.field.name == "span:childCount" for test in tests_of(its.where))


def in_order(tenant, key):
    """The labels of a tenant's cells in the order of the block's traces, which is that of their ids."""
    return sorted(cells.TENANTS[tenant], key=lambda label: cells.id_of(tenant, key, label))


def row_of(version, shape, key):
    """{label: mark} of the model. What refuses one span refuses all of its query; whether a pattern is refused hangs on
    what came before: so each tenant is asked in the order of its traces. A NaN of another span cannot hide anything, and
    a span without the key is judged as beside others."""
    is_read = shape in table.READ_LINES
    text = cells.of_key(key, cells.READS[table.READ_LINES[shape][0]]) if is_read else cells.query_of(key, shape)
    marks, query = {}, read(text)
    if asks_children(query) and not version.holds_arrays:
        return {**dict.fromkeys(table.HEAD, "-"), "hides": "."}
    try:
        for tenant in cells.TENANTS:
            its = Filter(version, read(text))
            of_tenant = {label: mark_of(shape, key, label, its) for label in in_order(tenant, key)}
            marks = {**of_tenant, **marks}
    except Refused:
        return dict.fromkeys(table.HEAD, "E")
    return {**marks, "hides": ".", "bare": marks["missing"]}


def compare(version, measured):
    """(cells that are equal, texts of those that are not, shapes that the model does not know)"""
    equal, wrong, unknown = 0, [], set()
    for (shape, name), marks in measured.items():
        key = cells.Key(*name.split(".", 1))
        try:
            modelled = row_of(version, shape, key)
        except NotKnown:
            unknown.add(shape)
            continue
        for label, mark in zip(table.HEAD, marks):
            if mark in CLAIMED and mark != modelled[label]:
                wrong.append(f"{shape} of {name}, {label}: the model says {modelled[label]}, measured was {mark}")
            equal += mark in CLAIMED and mark == modelled[label]
    return equal, wrong, unknown


class Tables(unittest.TestCase):
    def read(self, name):
        with open(os.path.join(table.FOLDER, name + ".txt"), encoding="utf-8") as file:
            return table.rows_of(file.read())

    def test_every_cell_that_is_claimed(self):
        for name, version in TABLES.items():
            with self.subTest(table=name):
                equal, wrong, unknown = compare(version, self.read(name))
                self.assertEqual(wrong[:20], [], f"{len(wrong)} cells differ")
                self.assertEqual(unknown, {"= nil"})
                self.assertGreater(equal, 14000)

    def test_the_tables_tell_models_apart(self):
        """Each trait of a version shows in its table: the model without it is wrong there."""
        others = (("2.10", {"reads_empty": False}), ("2.10", {"makes_lists": True}), ("3.0", {"makes_lists": False}),
                  ("3.0", {"reads_empty": True}), ("3.0", {"layout": VERSIONS["3.0"].dedicated().layout}),
                  ("3.0", {"holds_arrays": True}), ("3.0-vparquet5", {"holds_arrays": False}),
                  ("3.0-vparquet5", {"layout": VERSIONS["3.0"].layout}), ("3.0-vparquet5", {"makes_lists": False}))
        for name, other in others:
            with self.subTest(table=name, other=other):
                few = {row: marks for row, marks in self.read(name).items() if row[1] in FEW_KEYS}
                self.assertEqual(compare(VERSIONS[name], few)[1], [])
                self.assertGreater(len(compare(replace(VERSIONS[name], **other), few)[1]), 5)


class Patterns(unittest.TestCase):
    """3.0 compiles a pattern once for each element of an array, and refuses a text that comes behind several."""

    def test_only_what_comes_behind_an_array_of_several_is_refused(self):
        query = read('{ span.x =~ "b" || span.none != nil }')
        text, one, several = (Span("span", "x", cells.otlp.any_value(value)) for value in ("b", ["b"], ["a", "b"]))
        its = Filter(VERSIONS["3.0"], query)
        self.assertTrue(all(map(its.match, (one, text, several, several))))
        self.assertRaises(Refused, its.match, text)
        self.assertRaises(Refused, its.match, one)
        self.assertTrue(Filter(VERSIONS["3.0"], query).match(text), "another block compiles its patterns anew")


class Recorded(unittest.TestCase):
    def lines(self, version):
        with open(os.path.join(RECORDED, version.text + ".txt"), encoding="utf-8") as file:
            return file.read().splitlines()[1:]

    def spans(self):
        return {name: Span(scope, key, None if value is None else cells.otlp.any_value(value))
                for name, (scope, key, value) in RECORDED_SPANS.items()}

    def test_what_select_gave(self):
        for version in (VERSIONS[family] for family in RECORDED_OF):
            its = Filter(version, read(RECORDED_SELECT))
            lines = [line for line in self.lines(version) if line.endswith("}")]
            told = {line[:22].strip(): ast.literal_eval(line[23:]) for line in lines}
            self.assertEqual(told.keys(), RECORDED_SPANS.keys())
            for name, span in self.spans().items():
                shown = {key: value for (_, key), value in its.shown(its.match(span)).items() if key != "name"}
                wanted = {key: cells.otlp.plain_value({kind: content}) for key, (kind, content) in told[name].items()}
                self.assertEqual(shown, wanted, f"{version.text}: {name}")

    def test_what_filters_found(self):
        for version in (VERSIONS[family] for family in RECORDED_OF):
            asked = 0
            for line in self.lines(version):
                found = re.fullmatch(r"  (\S.*?) +(\[.*\]) ?", line)
                if not found or found[1].startswith(".") or found[1].endswith("= nil") and "!=" not in found[1]:
                    continue
                asked += 1
                its = Filter(version, read("{ " + found[1] + " }"))
                matched = sorted(name for name, span in self.spans().items() if its.match(span))
                self.assertEqual(matched, ast.literal_eval(found[2]), f"{version.text}: {found[1]}")
            self.assertEqual(asked, 22)


if __name__ == "__main__":
    unittest.main()
