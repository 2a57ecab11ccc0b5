"""Times, lengths, counts and ids of Tempo's answers lose no violation. A proxy in front of the real Tempo bends one field after the other to its ends. It is
absent, 0, 1, the largest number of its type and one more, negative, of another type, or empty. Every replay through it tells each violation, or is not
"completed". It tells none that is none, unless it is not "completed" either. FIELDS says of each field its type and what it decides. docs/RELIABILITY.md has
the same table, and a test holds both equal. What a span says of itself (its name, kind, status and attributes) is not bent: that is the data.
"""
import json
import os
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import run_cli  # noqa: E402
from http_wire import Proxy, send_whole  # noqa: E402
import otlp  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND, HOUR = 10**9, 3600 * 10**9
ABSENT = object()
NUMBERS = (ABSENT, 0, 1, 2**32 - 1, 2**32, 2**63 - 1, 2**64 - 1, -1, 2.5, "x", None, [])
TEXT_NUMBERS = tuple(str(one) if isinstance(one, int) else one for one in NUMBERS)
TEXTS = (ABSENT, "", "0", "nil", "ffffffffffffffffffffffffffffffff", 7, None)
LISTS = (ABSENT, [], None, {}, [{}], "x")
# What is asked, the field, its type, its ends, what it decides. A path leads through lists.
FIELDS = (
    ("search", "traces", "list", LISTS, "whether there is an answer at all; which traces are read"),
    ("search", "traces.traceID", "16 bytes in hex", TEXTS, "which trace is read; rows of one trace are joined"),
    ("search", "traces.startTimeUnixNano", "uint64 in a string", TEXT_NUMBERS, "whether the trace lies in the range; where its batch looks"),
    ("search", "traces.durationMs", "uint32, wraps after 49.7 days", NUMBERS, "the same; whether it is long or young"),
    ("search", "traces.serviceStats", "map", LISTS, "whether a batch gave all spans; whether it is large"),
    ("search", "traces.serviceStats.*.spanCount", "uint32", NUMBERS, "the same"),
    ("search", "traces.spanSet", "object", LISTS, "nothing, where spanSets is there"),
    ("search", "traces.spanSets", "list", LISTS, "the spans that a batch gives; the times of spans that a search shows"),
    ("search", "traces.spanSets.matched", "uint32", NUMBERS, "whether spans are missing from a set; sizes of traces"),
    ("search", "traces.spanSets.spans", "list", LISTS, "as spanSets"),
    ("search", "traces.spanSets.spans.spanID", "8 bytes in hex", TEXTS, "which records are one span; whether a read has what a search showed"),
    ("search", "traces.spanSets.spans.startTimeUnixNano", "uint64 in a string", TEXT_NUMBERS, "order and time of spans; bounds of the row"),
    ("search", "traces.spanSets.spans.durationNanos", "uint64 in a string", TEXT_NUMBERS, "durations; bounds of the row"),
    ("search", "metrics", "object", LISTS, "nothing, where traces is there"),
    ("search", "metrics.inspectedBytes", "uint64 in a string", TEXT_NUMBERS, "what the answer says that it cost"),
    ("by id", "trace", "object", LISTS, "the spans"),
    ("by id", "status", "COMPLETE or PARTIAL", ("PARTIAL", 1), "whether absence can be proved"),
    ("by id", "trace.resourceSpans.scopeSpans.spans.startTimeUnixNano", "uint64 in a string", TEXT_NUMBERS, "order and time; the place in the range"),
    ("by id", "trace.resourceSpans.scopeSpans.spans.endTimeUnixNano", "uint64 in a string", TEXT_NUMBERS, "durations; whether it may still grow"),
)
RULES = {
    "never": "never { retry }",
    "absence": "when { checkout } always { payment }",
    "count": "count(retry) > 1",
    "attribute": 'when { checkout.where(user.region == "de") } always { payment }',
}
WAYS = ([], ["--count", "exact"], ["--strategy", "projection"])


def kind_of(request):
    if request.path.endswith("/api/search"):
        return "search"
    return "by id" if "/api/v2/traces/" in request.path else "other"


def holders_of(content, path):
    """Each object that may have the last name of the path."""
    names, found = path.split("."), [content]
    for name in names[:-1]:
        below = []
        for one in found:
            values = list(one.values()) if name == "*" and isinstance(one, dict) else [one.get(name)] if isinstance(one, dict) else []
            for value in values:
                below += value if isinstance(value, list) else [value]
        found = below
    return [one for one in found if isinstance(one, dict)], names[-1]


def bend(content, path, value):
    holders, name = holders_of(content, path)
    for holder in holders:
        if value is ABSENT:
            holder.pop(name, None)
        else:
            holder[name] = value
    return len(holders)


def without_named(content, name):
    """The same without objects of that name in any list."""
    if isinstance(content, dict):
        return {key: without_named(value, name) for key, value in content.items()}
    if isinstance(content, list):
        return [without_named(one, name) for one in content if not (isinstance(one, dict) and one.get("name") == name)]
    return content


class Bender:
    """One bend of one field, of every answer of its kind, or of every second one about one time or one trace. So no time is without an answer that is whole:
    a Tempo that says each time alike that nothing is there contradicts nothing, and is believed (docs/RELIABILITY.md)."""

    def __init__(self, kind, path, value, every):
        self.kind, self.path, self.value, self.every = kind, path, value, every
        self.answers, self.bent, self.lock = {}, 0, threading.Lock()

    def is_due(self, request):
        asked = request.parameters.get("start"), request.parameters.get("end"), request.path
        with self.lock:
            number = self.answers.setdefault(asked, len(self.answers))
            self.answers[asked] += 1
        return number % self.every == 0

    def __call__(self, wire, request, answer):
        request.headers = {name: text for name, text in request.headers.items() if name.lower() != "accept"}  # JSON, of each version
        got = answer()
        if got.status == 200 and kind_of(request) == self.kind and got.content_type.startswith("application/json"):
            content = json.loads(got.body)
            if self.is_due(request) and isinstance(content, dict):
                self.bent += bend(content, self.path, self.value)
                got = got.with_body(json.dumps(content).encode())
        send_whole(wire, request, got)
        return True


class BentAnswers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        cls.at = (int(time.time()) - 5 * 3600) * SECOND
        cls.violating, spans = {rule: set() for rule in RULES}, []
        for number in range(24):
            trace, at = otlp.new_trace_id(), cls.at + number * 20 * SECOND
            names = ("checkout", "retry", "retry") if number % 3 == 0 else ("checkout", "payment")
            attrs = {"user.region": "de" if number % 2 else "fr"}
            spans += [otlp.span(trace, name, at + i * SECOND, SECOND, attrs=attrs) for i, name in enumerate(names)]
            for rule in RULES if number % 3 == 0 else ():
                if rule != "attribute" or number % 2:
                    cls.violating[rule].add(trace)
        folder = tempfile.TemporaryDirectory(prefix="betrace-bent-")
        cls.addClassCleanup(folder.cleanup)
        cls.file = os.path.join(folder.name, "rules.json")
        with open(cls.file, "w", encoding="utf-8") as file:
            json.dump({"rules": [{"id": rule, "name": rule, "dsl": text} for rule, text in RULES.items()]}, file)
        cls.tempo.push(spans, service="shop")
        seconds = cls.at // SECOND - 60, cls.at // SECOND + 600
        cls.tempo.wait_until(lambda: len(cls.tempo.search('{ name = "checkout" }', *seconds)) == 24, "all are searchable")

    def replay(self, url, rules, way):
        """One rule as text, or all as a file: (exit status, {rule: (what was told, whether it is completed, how many are inconclusive)})."""
        asked = ["--dsl", RULES[rules[0]]] if len(rules) == 1 else ["--rules", self.file]
        done = run_cli("replay", "--tempo", url, *asked, "--start", str(self.at - HOUR), "--end", str(self.at + HOUR), "--limit", "0", "--json",
                       "--tempo-timeout", "30s", *way)
        self.assertIn(done.returncode, (0, 1, 3), done.stderr)
        answer = json.loads(done.stdout)
        said = {}
        for rule, result in zip(rules, answer["rules"]):
            told = {one["trace_id"] for one in answer["violations"] if one["rule_id"] in (rule, "dsl")}
            said[rule] = (told, answer["status"], result["inconclusive"])
        return done.returncode, said

    def check(self, bender, rules, way):
        with Proxy(self.tempo.url, bender) as proxy:
            status, said = self.replay(proxy.url, rules, way)
        for rule, (told, outcome, inconclusive) in said.items():
            expected = self.violating[rule]
            if outcome == "completed":
                self.assertGreaterEqual(len(told & expected) + inconclusive, len(expected), f"{rule}: lost")
                self.assertEqual(told - expected, set(), f"{rule}: false ones")
        if not any(told for told, _, _ in said.values()):
            self.assertEqual(status, 3)

    def test_every_field_at_its_ends(self):
        names, number, bent = list(RULES), 0, {}
        for kind, path, _type, values, _who in FIELDS:
            for value in values:
                number += 1
                bender = Bender(kind, path, value, 1 + number % 2)
                rules = names if number % 3 else [names[number // 3 % len(names)]]
                way = WAYS[number % len(WAYS)]
                with self.subTest(kind=kind, field=path, value="absent" if value is ABSENT else value, every=bender.every, rules=rules, way=way):
                    self.check(bender, rules, way)
                bent[path] = bent.get(path, 0) + bender.bent
        self.assertEqual([path for path, count in bent.items() if not count], [], "never bent: nothing was shown of them")

    def without_retries(self, from_batches, from_by_id):
        """A Tempo whose searches find the spans named retry, and whose reads do not have them."""
        def lie(wire, request, answer):
            request.headers = {name: text for name, text in request.headers.items() if name.lower() != "accept"}
            got = answer()
            kind = "batch" if "by(span:id)" in request.parameters.get("q", "") else kind_of(request)
            if got.status == 200 and (from_batches and kind == "batch" or from_by_id and kind == "by id"):
                got = got.with_body(json.dumps(without_named(json.loads(got.body), "retry")).encode())
            send_whole(wire, request, got)
            return True
        return lie

    def test_what_no_read_has_is_said(self):
        """Searches show a span: a batch without it is read by id, and where that lacks it too nobody knows."""
        for from_by_id in (False, True):
            with self.subTest(from_by_id=from_by_id), Proxy(self.tempo.url, self.without_retries(True, from_by_id)) as proxy:
                done = run_cli("replay", "--tempo", proxy.url, "--dsl", RULES["never"], "--start", str(self.at - HOUR), "--end", str(self.at + HOUR),
                               "--limit", "0", "--strategy", "read")
                self.assertEqual(done.returncode, 3 if from_by_id else 1, done.stdout + done.stderr)
                self.assertEqual("not certain: trace " in done.stdout, from_by_id, done.stdout)
                told = {trace for trace in self.violating["never"] if trace in done.stdout}
                self.assertEqual(len(told), 3 if from_by_id else 8, done.stdout)

    def test_the_documentation_has_the_same_table(self):
        with open(os.path.join(HERE, "..", "..", "docs", "RELIABILITY.md"), encoding="utf-8") as file:
            text = " ".join(file.read().split())
        for kind, path, type_, _values, decides in FIELDS:
            self.assertIn(f"- {kind}, `{path}`: {type_}. *decides* {decides}", text)

    def test_without_a_bend_all_is_told(self):
        for way in WAYS:
            status, said = self.replay(self.tempo.url, list(RULES), way)
            self.assertEqual((status, said), (1, {rule: (self.violating[rule], "completed", 0) for rule in RULES}))


if __name__ == "__main__":
    require_tempo()
    unittest.main()
