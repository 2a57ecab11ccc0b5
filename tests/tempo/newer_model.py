"""What Tempo 2.10 and 3.0 find and give of one span: a model of their columns and filters, held against what was
measured of them (tests/e2e/test_newer_model.py).

A filter is evaluated in two steps, as there. First values are loaded: of a key with a column, what the column holds,
if some test of the column's type takes it; of any other, what some test of the value's type takes, whichever key that
test is on. An empty column can be loaded too, and then has the text "nil": 2.10 reads it as 0 or as "" when it decides,
3.0 where equalities are made a list. Then the filter is evaluated on what was loaded. select loads without a test.
A column of vParquet5 holds arrays too, each element as a value of its own: a filter sees the first that was loaded, an
answer the last. A NaN hides nothing from these versions, as it does from 2.8: each span is judged alone.
"""
import functools
import operator
import re
from dataclasses import dataclass, replace

from newer_query import Chain, Duration, Field, NotKnown, Query, Test, Word, tests_of

STORED_BYTES = 2048
WELL_KNOWN = {"span": {"http.method": str, "http.url": str, "http.status_code": int},
              "resource": dict.fromkeys(("service.name", "cluster", "namespace", "pod", "container", "k8s.cluster.name",
                                         "k8s.namespace.name", "k8s.pod.name", "k8s.container.name"), str)}
# Columns that a Tempo has without being told, and those of the tests' dedicated layout (variants.py).
BY_DEFAULT = {"span": dict.fromkeys(("http.request.method", "http.route", "server.address", "url.path", "url.route"), str),
              "resource": {}}
DEDICATED = {"span": {"amount.ded": str, "plain": str}, "resource": {"rplain": str}}
VPARQUET5 = {"span": {**BY_DEFAULT["span"], **WELL_KNOWN["span"], "http.response.status_code": int, "server.port": int},
             "resource": dict.fromkeys(("service.name", "k8s.cluster.name", "k8s.container.name", "k8s.namespace.name",
                                        "k8s.pod.name"), str)}
SCOPES = ("span", "resource")
ORDERS = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
LISTS = {"=": "in", "=~": "matches any"}
ARRAYS_MEET = "array operators must consist of a scalar and an array operand"
PATTERNS_MIXED = "unexpected numbers of pre-compiled regexp"


class Refused(Exception):
    """Tempo answers 500 with this text."""


@dataclass(frozen=True)
class Version:
    """text: as the program says it. reads_empty: 2.10 takes an empty column for 0 or "". makes_lists: 3.0 makes one
    list of alternatives of a key. layout: which keys have columns. holds_arrays: columns do, and blocks count children."""
    text: str
    reads_empty: bool
    makes_lists: bool
    layout: tuple = (WELL_KNOWN, BY_DEFAULT)
    holds_arrays: bool = False

    def column(self, scope, name):
        """The type of the key's column, or None."""
        return next((columns[scope][name] for columns in self.layout if name in columns[scope]), None)

    def dedicated(self):
        return replace(self, layout=(WELL_KNOWN, DEDICATED))

    def is_in_column(self, scope, name, value):
        """Whether the key's column holds the value."""
        column = self.column(scope, name)
        is_array = self.holds_arrays and name != "service.name" and isinstance(value, list)
        return column is not None and type(value[0] if is_array else value) is column


VERSIONS = {"2.10": Version("2.10.8", True, False), "3.0": Version("3.0.3", False, True)}
VERSIONS["3.0-vparquet5"] = replace(VERSIONS["3.0"], layout=(VPARQUET5,), holds_arrays=True)


def stored_value(value):
    """Of an OTLP value: a str, int, float, bool, a list of one of these, or None for what Tempo keeps no value of."""
    (kind, content), = value.items() if value else ((None, None),)
    if kind == "stringValue":
        return content.encode("utf-8", "surrogatepass")[:STORED_BYTES].decode("utf-8", "surrogateescape")
    if kind == "arrayValue":
        items = [stored_value(item) for item in content.get("values", [])]
        is_plain = len({type(item) for item in items}) == 1 and type(items[0]) in (str, int, float, bool)
        return items if is_plain else None
    of_kind = {"intValue": int, "doubleValue": float, "boolValue": bool}.get(kind)
    return of_kind(content) if of_kind else None


@functools.lru_cache(maxsize=500)
def pattern_of(text):
    """Whether a text matches all of it. A list of trace ids is looked up."""
    if re.fullmatch(r"[0-9a-fx]+(\|[0-9a-fx]+)+", text):
        return frozenset(text.split("|")).__contains__
    if "[[:" in text:
        raise NotKnown(f"a class of RE2: {text!r}")
    try:
        return re.compile(text, re.S | (0 if "(?i" in text else re.A)).fullmatch
    except re.error as error:
        raise NotKnown(f"pattern {text!r}: {error}") from None


def is_number(value):
    return type(value) in (int, float, Duration)


def scalar_meets(op, value, asked):
    """Tempo's comparison of two values that are there and no arrays. Only numbers compare across types."""
    if op in ("=~", "!~"):
        return type(value) is type(asked) is str and bool(pattern_of(asked)(value)) == (op == "=~")
    if is_number(value) and is_number(asked):
        across = type(value) is float or type(asked) is float
        return ORDERS[op](float(value), float(asked)) if across else ORDERS[op](value, asked)
    if type(value) is not type(asked) or (type(value) is not str and op not in ("=", "!=")):
        return False
    if type(value) is str:
        value, asked = (text.encode("utf-8", "surrogateescape") for text in (value, asked))
    return ORDERS[op](value, asked)


def loads(test, value):
    """Whether the test makes Tempo load this value, of the type that it asks for."""
    if test.op in LISTS.values():
        return any(scalar_meets("=" if test.op == "in" else "=~", value, one) for one in test.value)
    return test.value is None or scalar_meets(test.op, value, test.value)


def loads_empty(version, test, column):
    """Whether the test makes Tempo load a column that is empty. A Field: a select."""
    if isinstance(test, Field):
        return True
    if test.op == "in" or (version.reads_empty and test.value is not None and test.op not in ("=~", "!~")):
        return loads(test, "" if column is str else 0)
    return False


def type_asked(test):
    return type(test.value[0] if isinstance(test.value, list) else test.value)


def with_lists(where):
    """What 3.0 makes of `k = a || k = b`, where that is how a chain begins."""
    if not isinstance(where, Chain):
        return where
    items = [with_lists(item) for item in where.items]
    while len(items) > 1 and where.op == "||" and (merged := merged_test(items[0], items[1])):
        items[:2] = [merged]
    return items[0] if len(items) == 1 else Chain(where.op, items)


def listed(value):
    return value if isinstance(value, list) else [value]


def merged_test(left, right):
    if not (isinstance(left, Test) and isinstance(right, Test) and left.field == right.field):
        return None
    for op, as_list in LISTS.items():
        if left.op in (op, as_list) and right.op in (op, as_list) and type_asked(left) is type_asked(right):
            return Test(left.field, as_list, [*listed(left.value), *listed(right.value)])
    return None


class Loading:
    """What the tests, or the selected fields, of one scope make Tempo load of a span or a resource."""

    def __init__(self, version, scope, tests):
        self.version, self.scope, self.columns, self.keys = version, scope, {}, set()
        self.of_type = {str: [], int: [], float: [], bool: []}
        for test in tests:
            name = test.name if isinstance(test, Field) else test.field.name
            column = version.column(scope, name)
            asks_any = isinstance(test, Field) or test.value is None
            if column and (asks_any or type_asked(test) is column):
                self.columns.setdefault(name, []).append(test)
                continue
            self.keys.add(name)
            for of_type, its in self.of_type.items():
                if asks_any or type_asked(test) is of_type:
                    its.append(test)

    def of(self, attributes):
        """[(key, value or None)], what lies outside columns first."""
        found = []
        for name in self.keys & attributes.keys():
            value = attributes[name]
            if not self.version.is_in_column(self.scope, name, value):
                kept = [one for one in listed(value) if one is not None and self._is_loaded(one)]
                found.append((name, kept if len(kept) > 1 else kept[0] if kept else None))
        for name, tests in self.columns.items():
            found += self._of_column(name, tests, attributes.get(name))
        return found

    def _is_loaded(self, value):
        return any(isinstance(test, Field) or loads(test, value) for test in self.of_type[type(value)])

    def _of_column(self, name, tests, value):
        column = self.version.column(self.scope, name)
        if name == "service.name" and type(value) is not str:
            value = ""  # this column is never empty
        if self.version.is_in_column(self.scope, name, value):
            return [(name, one) for one in listed(value)
                    if any(isinstance(test, Field) or loads(test, one) for test in tests)]
        return [(name, "nil")] if any(loads_empty(self.version, test, column) for test in tests) else []


class Loaded:
    """A span with what was loaded of it: pairs by scope. A filter sees the first value of a key, an answer the last."""

    def __init__(self, span, pairs, intrinsics):
        self.span, self.pairs, self.intrinsics = span, pairs, intrinsics
        self.first = {scope: dict(reversed(its)) for scope, its in pairs.items()}

    def value(self, its):
        if its.scope:
            return self.first[its.scope].get(its.name)
        if its.name in self.intrinsics:
            return self.span.intrinsics[its.name]
        # An intrinsic that no test took is not loaded: an attribute of its name stands for it then.
        return self.first["span"].get(its.name, self.first["resource"].get(its.name))

    def shown(self):
        """{(scope, key): value}, as an answer gives them."""
        return {(scope, name): value for scope, its in self.pairs.items() for name, value in its if value is not None}


class Filter:
    """A Query of newer_query as a version evaluates it over one block, which compiles its patterns anew. One is refused
    for a text that comes behind an array of several: spans are to come in the order of their traces' ids, as in a block.
    Not for two threads at once, and not beside another one of the same Query."""

    def __init__(self, version, query: Query):
        self.version, self.query = version, query
        self.where = with_lists(query.where) if version.makes_lists else query.where
        tests = list(tests_of(self.where))
        for test in tests:
            test.patterns = 0
        self.first = {scope: Loading(version, scope, [one for one in tests if one.field.scope == scope])
                      for scope in SCOPES}
        self.second = {scope: Loading(version, scope, [one for one in query.select if one.scope == scope])
                       for scope in SCOPES}
        self.intrinsic_tests = [test for test in tests if not test.field.scope]
        self.by = [its.name for its in query.by]

    def match(self, span):
        """The span as Loaded, or None. Raises Refused."""
        pairs = {"span": self.first["span"].of(span.attributes), "resource": self.first["resource"].of(span.resource)}
        taken = {test.field.name for test in self.intrinsic_tests if self._is_taken(test, span)}
        loaded = Loaded(span, pairs, taken | set(self.by))
        if self.where is not None and not loaded.intrinsics and not loaded.shown():
            return None  # no span is given of which no test took anything, whatever `|| true` says
        return loaded if self.where is None or self._holds(self.where, loaded) else None

    @staticmethod
    def _is_taken(test, span):
        return test.field.name == "trace:id" or loads(test, span.intrinsics.get(test.field.name))

    def _holds(self, where, loaded):
        if isinstance(where, bool):
            return where
        if isinstance(where, Test):
            return self._meets(where, loaded.value(where.field))
        held = []
        for item in where.items:
            held.append(self._holds(item, loaded))
            if where.op == "&&" and not held[-1] and isinstance(item, Test) and item.field.name == "trace:id":
                return False
        return all(held) if where.op == "&&" else any(held)

    def _meets(self, test, value):
        if value is None or test.value is None:
            return value is not None and test.value is None
        if isinstance(test.value, list):
            return self._meets_list(test, value)
        if isinstance(value, list):
            return self._meets_of_array(test, value)
        if test.op in ("=~", "!~") and type(value) is str and self.version.makes_lists:
            test.patterns = test.patterns or 1
            if test.patterns > 1:
                raise Refused(PATTERNS_MIXED)
        return scalar_meets(test.op, value, test.value)

    def _meets_list(self, test, value):
        if isinstance(value, list):
            comparable = type(value[0]) is type(test.value[0]) or (is_number(value[0]) and is_number(test.value[0]))
            if comparable and (test.op == "in" or type(value[0]) is str):
                raise Refused(ARRAYS_MEET)
            return False
        return loads(test, value)

    def _meets_of_array(self, test, values):
        needs_all = self.version.makes_lists and test.op in ("!=", "!~")
        for number, value in enumerate(values):
            if test.op in ("=~", "!~") and type(value) is str:
                test.patterns = max(test.patterns, number + 1)
            meets = scalar_meets(test.op, value, test.value)
            if meets != needs_all:
                return meets
        return needs_all

    def shown(self, loaded):
        """What an answer gives of a span that matched: {(scope, key): value}, of intrinsics with the scope ""."""
        names = loaded.intrinsics | {its.name for its in self.query.select if not its.scope}
        shown = {("", name): loaded.span.intrinsics[name] for name in sorted(names)}
        shown.update(loaded.shown())
        for scope, loading in self.second.items():
            pairs = loading.of(loaded.span.attributes if scope == "span" else loaded.span.resource)
            shown.update({(scope, name): value for name, value in pairs if value is not None})
        return shown
