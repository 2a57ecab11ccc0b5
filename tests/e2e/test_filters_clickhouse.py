"""What the SQL of a filter finds on a real ClickHouse is what the evaluator says of the same rows, cell by cell. Each value of a table of nasty ones stands
under each field, and each field is asked with each operator and literal. A rule is replayed as it stands, and with an alternative that keeps it from being
searched for. Both have to call the same traces violated, and as many inconclusive. Texts of rows are any bytes, which no exporter writes but a table may hold.

BETRACE_SHAPES: how many of all shapes are asked, chosen by BETRACE_SEED (it is printed); 0: all. BETRACE_ONLY: those alone with this text."""
import json
import os
import random
import struct
import sys
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo"), os.path.join(HERE, "..", "clickhouse")]
import replay_compare as compare  # noqa: E402
from betrace_process import run_cli  # noqa: E402
from clickhouse_server import ClickHouse, chdb_python  # noqa: E402
from random_rules import quote  # noqa: E402

SEED = int(os.environ.get("BETRACE_SEED", "628"))
SHAPES = int(os.environ.get("BETRACE_SHAPES", "120"))
ONLY = os.environ.get("BETRACE_ONLY", "")
TEXTS = ("", "x", "X", "xy", "5", "5.0", "50e-1", "5e0", "-5", "05", "+5", " 5", "0", "-0", "0.0", "1e-400", "1e400", "4.999999999999999", "5.000000000000001", "5e-324",
         "9007199254740993", "9007199254740992", "-9223372036854775808", "9223372036854775808", "1e+21", "1E21", "1e300", "-1e+300",
         "0." + "0" * 30 + "5", "5" + "0" * 40, "5." + "0" * 40, "0x5", "5_0", "1,5", "true", "True", "FALSE", "NaN", "nan", "Infinity", "-Infinity", "inf",
         "json: unsupported value: NaN", "json: unsupported value: +Inf", "[5]", "{}", '{"k":5}', "[", "]", "{x]", "nil", "client", "a'b", "a\\b", "\\", "'", "{f0:String}", "{a:String}",
         "x\0y", "\0", "l\nb", "t\tb", "\u00fcn\u00ef", "\ufffd", "a\ufffdb", "x' OR 1=1 --", "x" * 700, "x" * 2048, "x" * 2047 + "\u00fc")
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
    return bytes([len(items)]) + b"".join(items)  # of fewer than 128


def map_of(pairs):
    return list_of([text_of(key) + text_of(value) for key, value in pairs])


class Rows:
    """Rows of the table, each a trace of one span, whose id says what is in it."""
    COLUMNS = ("Timestamp", "TraceId", "SpanId", "SpanName", "SpanKind", "ServiceName", "ResourceAttributes", "SpanAttributes", "Duration", "StatusCode", "StatusMessage",
               "`Events.Timestamp`", "`Events.Name`", "`Events.Attributes`")

    def __init__(self, start):
        self.start, self.rows, self.names = start, [], {}

    def add(self, label, name=b"cell", kind=b"Server", status=b"Unset", message=b"", service=b"s", attributes=(), resource=(), event=None, start_ns=None, duration=1_000_000):
        trace = f"{len(self.rows) + 1:032x}"
        self.names[trace] = label
        times, names, maps = ([], [], []) if event is None else ([struct.pack("<q", self.start)], [text_of(event[0])], [map_of(event[1])])
        self.rows.append(struct.pack("<q", self.start if start_ns is None else start_ns) + b"".join(map(text_of, (trace.encode(), b"1" * 16, name, kind, service))) + map_of(resource)
                         + map_of(attributes) + struct.pack("<q", duration) + text_of(status) + text_of(message) + list_of(times) + list_of(names) + list_of(maps))

    def insert(self, server):
        query = urllib.parse.urlencode({"query": f"INSERT INTO otel.otel_traces ({', '.join(self.COLUMNS)}) FORMAT RowBinary"})
        with urllib.request.urlopen(f"http://127.0.0.1:{server.http}/?{query}", data=b"".join(self.rows), timeout=60) as answer:
            answer.read()


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
    for kind in WORDS[0]:
        rows.add(f"kind {kind}", kind=kind)
    for status in WORDS[1]:
        rows.add(f"status {status}", status=status)
    for duration in (0, 1, 5_000_000, SECOND, 61 * SECOND, -1, -SECOND):
        rows.add(f"duration {duration}", duration=duration)
    rows.add("no start", start_ns=0, duration=rows.start)
    rows.add("no end", duration=-rows.start)
    rows.add("nothing", service=b"")


class FiltersOnClickHouse(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}", flush=True)
        chdb_python()
        cls.server = ClickHouse().__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        folder = tempfile.TemporaryDirectory(prefix="betrace-filters-clickhouse-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        path = os.path.join(folder.name, "none.jsonl")
        with open(path, "w", encoding="utf-8"):
            pass
        cls.server.load(path)
        cls.now = int(time.time()) - 3600
        cls.rows = Rows(cls.now * SECOND)
        fill(cls.rows)
        cls.rows.insert(cls.server)

    def replay(self, *flags):
        done = run_cli("replay", *flags, "--store", self.server.url(), "--start", self.now - 600, "--end", self.now + 600, "--settle", "1m", "--limit", 0, "--json", timeout=300)
        self.assertTrue(done.stdout.startswith("{"), done.stderr)
        return json.loads(done.stdout)

    def judged_unsearched(self, rules):
        """{rule id: (violated, number of inconclusive)}, of every trace."""
        kept = [rule._replace(text=f"{rule.text} or trace.span_count < 0") for rule in rules]
        answer = self.replay("--rules", compare.write_rules(self.folder, kept))
        self.assertEqual((answer["status"], answer["traces_candidate"]), ("completed", len(self.rows.rows)))
        violated = {rule.id: set() for rule in rules}
        for violation in answer["violations"]:
            violated[violation["rule_id"]].add(violation["trace_id"])
        return {row["rule_id"]: (violated[row["rule_id"]], row["inconclusive"]) for row in answer["rules"]}

    def test_sql_finds_what_may_be_meant(self):
        tests = [test for test in all_tests() if ONLY in test]
        if SHAPES and SHAPES < len(tests):
            tests = random.Random(SEED).sample(tests, SHAPES)
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
                found, searched = found + len(got), searched + (answer["traces_candidate"] < len(self.rows.rows))
        print(f"{len(rules)} of {len(tests)} shapes, {len(self.rows.rows)} rows, {found} found, {searched} searched for", flush=True)
        self.assertGreater(searched, len(rules) / 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
