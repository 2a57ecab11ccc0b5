"""What the SQL of a filter finds on a real ClickHouse is what the evaluator says of the same rows, cell by cell, in each schema. Each value of a table of nasty
ones stands under each field, and each field is asked with each operator and literal. A rule is replayed as it stands, and with an alternative that keeps it from
being searched for. Both have to call the same traces violated, and as many inconclusive. Texts of rows are any bytes, which no exporter writes but a table may
hold; the schemas that have types hold numbers, booleans and lists as well.

BETRACE_SHAPES: how many of all shapes are asked (of Map; of the others a fifth), chosen by BETRACE_SEED (it is printed); 0: all. BETRACE_ONLY: those alone with
this text."""
import json
import os
import random
import struct
import sys
import tempfile
import time
from types import SimpleNamespace
import unittest
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo"), os.path.join(HERE, "..", "clickhouse")]
import replay_compare as compare  # noqa: E402
from betrace_process import run_cli  # noqa: E402
from clickhouse_server import shared_server  # noqa: E402
from random_rules import quote  # noqa: E402

SEED = int(os.environ.get("BETRACE_SEED", "628"))
SHAPES = int(os.environ.get("BETRACE_SHAPES", "100"))
ONLY = os.environ.get("BETRACE_ONLY", "")
TEXTS = ("", "x", "X", "xy", "5", "5.0", "50e-1", "5e0", "-5", "05", "+5", " 5", "0", "-0", "0.0", "1e-400", "1e400", "4.999999999999999", "5.000000000000001", "5e-324",
         "9007199254740993", "9007199254740992", "-9223372036854775808", "9223372036854775808", "1e+21", "1E21", "1e300", "-1e+300",
         "0." + "0" * 30 + "5", "5" + "0" * 40, "5." + "0" * 40, "0x5", "5_0", "1,5", "true", "True", "FALSE", "NaN", "nan", "Infinity", "-Infinity", "inf",
         "json: unsupported value: NaN", "json: unsupported value: +Inf", "[5]", "{}", '{"k":5}', "[", "]", "{x]", "nil", "client", "a'b", "a\\b", "\\", "'", "{f0:String}", "{a:String}",
         "x\0y", "\0", "l\nb", "t\tb", "\u00fcn\u00ef", "\ufffd", "a\ufffdb", "x' OR 1=1 --", "x" * 700, "x" * 2048, "x" * 2047 + "\u00fc")
# As they are where a schema has types; a text is bytes.
TYPED = (5, -5, 0, 1, 2**53 - 1, 2**53, 2**53 + 1, -2**53, 2**63 - 1, -2**63, 5.0, -0.0, 0.0, 4.999999999999999, 5.000000000000001, 5e-324, 1e21, 1e300, -1e300, 1.7e308,
         True, False, [b"x"], [5], [])
ODD = (float("nan"), float("inf"), float("-inf"))
DATES = (b"2026-01-01T00:00:00Z", b"2026-01-01", b"5")
BYTES = (*(text.encode() for text in TEXTS), b"a\xffb", b"\xff", b"x\xc3", b"5\xff", b"\xed\xa0\x80")
LITERALS = ('"x"', '"s"', '"X"', '""', '"5"', '"5.0"', '"-0"', '"true"', '"True"', '"NaN"', '"Infinity"', '"[5]"', '"{}"', quote("a'b"), quote("a\\b"), quote("\\"), quote("'"), quote("{f0:String}"),
            quote("x\0y"), quote("l\nb"), quote("\u00fcn\u00ef"), quote("\ufffd"), quote("a\ufffdb"), quote("x' OR 1=1 --"), quote("x" * 700), quote("x" * 2048), "5", "5.0", "-5", "0", "-0.0", "4.5", "5e-324",
            "9007199254740993", "9007199254740992.0", "9223372036854775807", "1e21", "1e300", "-1e300", "1.7e308", "true", "false")
PATTERNS = ("x", "^x$", "x.*", ".*", ".", "..", "(?i)X", "\\\\d+", "^-?5", "l.b", "(?s)l.b", "(?-s)l.b", "a|b$", "\\\\x00", "^$", "\ufffd", "[^x]*", "\\\\Qx", "\\\\pL+", "x{700}", "\\\\C", "(?:x|y)*y")
WORDS = (b"Server", b"SPAN_KIND_CLIENT", b"SERVER", b"", b"Unspecified", b"SPAN_KIND_INTERNAL"), (b"Ok", b"STATUS_CODE_ERROR", b"ERROR", b"", b"Unset")
SECOND = 1_000_000_000


def tests_of(field):
    """Every test of a field that holds a text of any kind."""
    for literal in LITERALS:
        yield from (f"{field} {op} {literal}" for op in ("==", "!=", "<", "<=", ">", ">="))
        if literal.startswith('"'):
            yield from (f"{field} {op} {literal}" for op in ("contains", "starts_with", "ends_with"))
        yield from (f"not ({field} {op} {literal})" for op in ("==", "!=", "<="))
    for pattern in PATTERNS:
        yield from (f'{field} {op} "{pattern}"' for op in ("matches", "=~", "!~"))
        yield from (f'not ({field} {op} "{pattern}")' for op in ("=~", "!~"))
    yield from (f'{field} in ["x", 5, true]', f'{field} not in ["x", 5]', f'not ({field} in ["x", "s"])', f'not ({field} not in ["x", "s"])', f"exists({field})", f"not exists({field})", field, f"not {field}")


# What every span has is a text and nothing else.
def tests_of_text(field):
    return [test for test in tests_of(field) if test not in (field, f"not {field}")]


def all_tests():
    tests = []
    for field in ('span.attributes["k"]', 'resource.attributes["k"]', "k", 'span.attributes["e\'\\\\{f0:String}"]', 'resource.attributes["service.name"]', '"service.name"'):
        tests += tests_of(field)
    for field in ("span.name", "span.status_message", "span.service"):
        tests += tests_of_text(field)
    tests += [*tests_of("event.k"), *tests_of_text("event.name"), "event.where(event.name == \"e\" and event.k == 5)", "event.count(event.k == 5) > 0"]
    for field, words in (("span.kind", ("server", "client", "unspecified", "internal", "nobody")), ("span.status", ("ok", "error", "unset"))):
        tests += [f"{test}{field} {op} {quote(word)}{end}" for word in words for op in ("==", "!=") for test, end in (("", ""), ("not (", ")"))]
    for duration in ("0s", "1ns", "5ms", "1s", "1m"):
        tests += [f"{test}span.duration {op} {duration}{end}" for op in ("==", "!=", "<", "<=", ">", ">=") for test, end in (("", ""), ("not (", ")"))]
    return tests


def text_of(value):
    """As RowBinary has it."""
    size, head = len(value), b""
    while size >= 0x80:
        head, size = head + bytes([size & 0x7F | 0x80]), size >> 7
    return head + bytes([size]) + value


def list_of(items):
    items = list(items)
    return bytes([len(items)]) + b"".join(items)  # of fewer than 128


def map_of(pairs):
    return list_of([text_of(key) + text_of(value) for key, value in pairs])


def time_of(ns):
    return struct.pack("<q", ns)


def texts_and_words(span):
    return b"".join(map(text_of, (span.trace.encode(), b"1" * 16, span.name, span.kind, span.service)))


class OnMap:
    schema, table, is_typed = "map", "otel_traces", False
    columns = ("Timestamp", "TraceId", "SpanId", "SpanName", "SpanKind", "ServiceName", "ResourceAttributes", "SpanAttributes", "Duration", "StatusCode", "StatusMessage",
               "`Events.Timestamp`", "`Events.Name`", "`Events.Attributes`")

    def attributes(self, pairs):
        return map_of(pairs)

    def row(self, span):
        times, names, maps = ([], [], []) if span.event is None else ([time_of(span.start)], [text_of(span.event[0])], [self.attributes(span.event[1])])
        return (time_of(span.start) + texts_and_words(span) + self.attributes(span.resource) + self.attributes(span.attributes) + time_of(span.duration)
                + text_of(span.status) + text_of(span.message) + list_of(times) + list_of(names) + list_of(maps))


class OnJson(OnMap):
    """Attributes are JSON texts, which the server takes apart; so they have to be UTF-8, and a key cannot stand twice."""
    schema, is_typed = "json", True

    def attributes(self, pairs):
        assert len(dict(pairs)) == len(pairs)
        return text_of(json.dumps({key.decode(): [item.decode() if isinstance(item, bytes) else item for item in value] if isinstance(value, list)
                                   else value.decode() if isinstance(value, bytes) else value for key, value in pairs}).encode())


class OnSigNoz:
    schema, table, is_typed = "signoz", "signoz_index_v3", True
    columns = ("ts_bucket_start", "timestamp", "trace_id", "span_id", "name", "kind_string", "resources_string", "attributes_string", "attributes_number", "attributes_bool",
               "duration_nano", "status_code_string", "status_message", "events")

    def row(self, span):
        texts = [(k, b'["x"]' if v == [b"x"] else json.dumps(v).encode() if isinstance(v, list) else v) for k, v in span.attributes if isinstance(v, (bytes, list))]
        numbers = [text_of(k) + struct.pack("<d", v) for k, v in span.attributes if isinstance(v, (int, float)) and not isinstance(v, bool)]
        booleans = [text_of(k) + bytes([v]) for k, v in span.attributes if isinstance(v, bool)]
        resource = [*span.resource, *([(b"service.name", span.service)] if span.service and b"service.name" not in dict(span.resource) else [])]
        events = [] if span.event is None else [json.dumps({"name": span.event[0].decode(), "timeUnixNano": span.start,
                                                            "attributeMap": {k.decode(): v.decode() for k, v in span.event[1]}}).encode()]
        return (struct.pack("<Q", span.start // SECOND // 1800 * 1800) + time_of(span.start) + span.trace.encode() + b"".join(map(text_of, (b"1" * 16, span.name, span.kind)))
                + map_of(resource) + map_of(texts) + list_of(numbers) + list_of(booleans) + time_of(span.duration) + text_of(span.status) + text_of(span.message)
                + list_of(map(text_of, events)))


NAMES_OF_TYPES = ("bool", "double", "int", "str", "complex")


class OnJaeger:
    schema, table, is_typed = "jaeger", "spans", True
    types = ((bool, lambda v: bytes([v])), (float, lambda v: struct.pack("<d", v)), (int, time_of), (bytes, text_of), (list, text_of))
    columns = ("start_time", "trace_id", "id", "name", "kind", "service_name",
               *(f"`{prefix}{name}_attributes.{part}`" for prefix in ("resource_", "") for name in NAMES_OF_TYPES for part in ("key", "value")),
               "duration", "status_code", "status_message", "`events.timestamp`", "`events.name`", *(f"`events.{name}_attributes`" for name in NAMES_OF_TYPES))

    def by_type(self, pairs):
        for one, write in self.types:
            some = [(k, v) for k, v in pairs if isinstance(v, one) and (one is bool or not isinstance(v, bool))]
            yield [(text_of(b"@slice@" + k), text_of(self.list_text(v))) if one is list else (text_of(k), write(v)) for k, v in some]

    @staticmethod
    def list_text(items):
        return json.dumps({"arrayValue": {"values": [{"stringValue": v.decode()} if isinstance(v, bytes) else {"intValue": str(v)} for v in items]} if items else {}}).encode()

    def row(self, span):
        lists = b"".join(list_of([k for k, _ in some]) + list_of([v for _, v in some]) for pairs in (span.resource, span.attributes) for some in self.by_type(pairs))
        event = [] if span.event is None else [span.event]
        events = b"".join(list_of([list_of([k + v for k, v in some])] if event else []) for some in self.by_type(event[0][1] if event else []))
        return (time_of(span.start) + texts_and_words(span) + lists + time_of(span.duration) + text_of(span.status) + text_of(span.message)
                + list_of([time_of(span.start)] * len(event)) + list_of([text_of(name) for name, _ in event]) + events)


class Rows:
    """Rows of the table, each a trace of one span, whose id says what is in it. What a schema cannot hold is left out."""

    def __init__(self, form, start):
        self.form, self.start, self.rows, self.names = form, start, [], {}

    def add(self, label, name=b"cell", kind=b"Server", status=b"Unset", message=b"", service=b"s", attributes=(), resource=(), event=None, start_ns=None, duration=1_000_000):
        trace = f"{len(self.names) + 1:032x}"
        span = SimpleNamespace(trace=trace, name=name, kind=kind, status=status, message=message, service=service, attributes=attributes, resource=resource, event=event,
                                     start=self.start if start_ns is None else start_ns, duration=duration)
        try:
            self.rows.append(self.form.row(span))
        except (UnicodeDecodeError, AssertionError):
            return
        self.names[trace] = label

    def insert(self, server):
        query = urllib.parse.urlencode({"query": f"INSERT INTO {self.form.schema}.{self.form.table} ({', '.join(self.form.columns)}) FORMAT RowBinary",
                                        "input_format_binary_read_json_as_string": 1})
        with urllib.request.urlopen(f"http://127.0.0.1:{server.http}/?{query}", data=b"".join(self.rows), timeout=60) as answer:
            answer.read()
        self.rows = []


def fill(rows):
    strange = b"e'\\{f0:String}"
    for value in BYTES:
        label = repr(value[:40])
        rows.add("span " + label, attributes=[(b"k", value)])
        rows.add("resource " + label, resource=[(b"k", value)])
        rows.add("service.name " + label, resource=[(b"service.name", value)], service=value)
        rows.add("event " + label, event=(b"e", [(b"k", value)]))
        rows.add("event name " + label, event=(value, []))
        rows.add("strange key " + label, attributes=[(strange, value)])
        for field in ("name", "message", "service"):
            rows.add(f"{field} {label}", **{field: value})
        rows.add("twice, first " + label, attributes=[(b"k", value), (b"k", b"x")])
        rows.add("twice, last " + label, attributes=[(b"k", b"7"), (b"k", value)])
    for value in (*TYPED, *(ODD if rows.form.schema == "jaeger" else ())) if rows.form.is_typed else ():
        rows.add(f"span {value!r}", attributes=[(b"k", value)])
        rows.add(f"strange key {value!r}", attributes=[(strange, value)])
        rows.add(f"in two types, {value!r}", attributes=[(b"k", b"x"), (b"k", value)])
        rows.add(f"in two types, {value!r}, and 5", attributes=[(b"k", value), (b"k", 5)])
        if rows.form.schema != "signoz":
            rows.add(f"resource {value!r}", resource=[(b"k", value)])
        if rows.form.schema == "jaeger":
            rows.add(f"event {value!r}", event=(b"e", [(b"k", value)]))
    for kind in WORDS[0]:
        rows.add(f"kind {kind}", kind=kind)
    for status in WORDS[1]:
        rows.add(f"status {status}", status=status)
    for duration in (0, 1, 5_000_000, SECOND, 61 * SECOND, -1, -SECOND):
        rows.add(f"duration {duration}", duration=duration)
    rows.add("no start", start_ns=0, duration=rows.start)
    rows.add("no end", duration=-rows.start)
    rows.add("nothing", service=b"")


class Filters:
    """On rows of the schema of its `form`. With TestCase."""
    form, shapes = None, SHAPES // 5

    @classmethod
    def setUpClass(cls):
        print(f"{cls.form.schema}: seed {SEED}", flush=True)
        cls.server = shared_server()
        folder = tempfile.TemporaryDirectory(prefix="betrace-filters-clickhouse-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        path = os.path.join(folder.name, "none.jsonl")
        with open(path, "w", encoding="utf-8"):
            pass
        cls.server.load(path, cls.form.schema, cls.form.schema)
        cls.now = int(time.time()) - 3600
        cls.rows = Rows(cls.form, cls.now * SECOND)
        fill(cls.rows)
        cls.rows.insert(cls.server)
        for value in DATES if cls.form.schema == "json" else ():  # what comes with a date may become one
            cls.rows.add(f"with dates {value}", attributes=[(b"k", value)])
        if cls.rows.rows:
            cls.rows.insert(cls.server)
        cls.count = len(cls.rows.names)
        cls.url = cls.server.url(cls.form.schema, cls.form.table)

    def replay(self, *flags):
        done = run_cli("replay", *flags, "--store", self.url, "--start", self.now - 600, "--end", self.now + 600, "--settle", "1m", "--limit", 0, "--json", timeout=300)
        self.assertTrue(done.stdout.startswith("{"), done.stderr)
        return json.loads(done.stdout)

    def judged_unsearched(self, rules):
        """{rule id: (violated, number of inconclusive)}, of every trace."""
        kept = [rule._replace(text=f"{rule.text} or trace.span_count < 0") for rule in rules]
        answer = self.replay("--rules", compare.write_rules(self.folder, kept))
        self.assertEqual((answer["status"], answer["traces_candidate"]), ("completed", self.count))
        violated = {rule.id: set() for rule in rules}
        for violation in answer["violations"]:
            violated[violation["rule_id"]].add(violation["trace_id"])
        return {row["rule_id"]: (violated[row["rule_id"]], row["inconclusive"]) for row in answer["rules"]}

    def test_sql_finds_what_may_be_meant(self):
        tests = [test for test in all_tests() if ONLY in test]
        if SHAPES and self.shapes < len(tests):
            tests = random.Random(SEED).sample(tests, self.shapes)
        rules, refused = compare.compile_rules([f"trace.has({test})" for test in tests])
        self.assertLess(refused, len(tests) / 4)
        found = searched = 0
        wanted = {}
        for first in range(0, len(rules), 100):
            wanted |= self.judged_unsearched(rules[first:first + 100])
        for rule in rules:
            with self.subTest(rule=rule.text):
                answer = self.replay("--dsl", rule.text)
                # A text of 2,048 bytes may have been cut: of rules that are read whole the replay then says that it is incomplete.
                is_whole = answer["status"] == "completed" or answer["reason"].startswith("dropped: ")
                self.assertTrue(is_whole, json.dumps(answer)[:900])
                got = {violation["trace_id"] for violation in answer["violations"]}
                self.assertEqual(sorted(self.rows.names[one] for one in wanted[rule.id][0] ^ got), [])
                self.assertEqual(answer["inconclusive"], wanted[rule.id][1])
                found, searched = found + len(got), searched + (answer["traces_candidate"] < self.count)
        print(f"{self.form.schema}: {len(rules)} of {len(tests)} shapes, {self.count} rows, {found} found, {searched} searched for", flush=True)
        self.assertGreater(searched, len(rules) / 3)


class FiltersOnMap(Filters, unittest.TestCase):
    form, shapes = OnMap(), SHAPES


class FiltersOnSigNoz(Filters, unittest.TestCase):
    form = OnSigNoz()


class FiltersOnJson(Filters, unittest.TestCase):
    form = OnJson()


class FiltersOnJaeger(Filters, unittest.TestCase):
    form = OnJaeger()


if __name__ == "__main__":
    unittest.main(verbosity=2)
