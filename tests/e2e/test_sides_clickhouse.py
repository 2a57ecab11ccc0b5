"""What ClickHouse decides itself is what reads say. Rules that presence, absence and numbers of spans decide are replayed over some hundred traces in each
schema, once as the plan chooses and once by reading every candidate: ids, numbers, first and last violation have to be the same. Among the traces are spans that
came twice and spans without an end. Two other sets have traces of which a part lies far away, which are held against the file, and copies that do not agree: of
these a count may go by those that it saw.

BETRACE_SEED picks other traces (it is printed)."""
import json
import os
import random
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "clickhouse")]
from betrace_process import run_cli  # noqa: E402
from clickhouse_server import shared_server  # noqa: E402

SEED = int(os.environ.get("BETRACE_SEED", "770"))
TRACES = 700
SECOND = 1_000_000_000
NAMES = ("a", "b", "c", "other")
RULES = ("when { a } always { b }", "when { a } never { b }", "when { a and not (c) } always { b }", "when { a } always { b or c }", "a and not (b)",
         "trace.count(a) > 1", "trace.count(a) >= 2 and trace.count(b) == 0", "when { a.where(span.duration > 20ms) } always { b }",
         "when { a } never { trace.count(b) > 1 }", 'when { trace.has(span.name == "a" and span.kind == "server") } always { b }',
         'when { trace.has(span.status == "error") } always { c }', 'when { a.where(word == "x") } always { b }', "trace.count(b) > 2 and not (c)")
# Attributes are texts of unknown type in one schema, and of others the rule may say nothing for certain: then reads decide, and nothing differs.
SAME = ("violations_found", "violations_provisional", "inconclusive", "first_violation", "last_violation")


def attribute(key, value):
    return {"key": key, "value": {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)}}


def span_of(rng, trace, number, start, name=None):
    end = start + rng.choice((0, 5, 50)) * 1_000_000
    return {"traceId": trace, "spanId": f"{number + 1:016x}", "name": name or rng.choice(NAMES), "kind": rng.choice((0, 1, 2, 3)), "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(0 if rng.random() < 0.02 else end), "status": {"code": rng.choice((0, 0, 1, 2))},
            "attributes": [attribute("word", rng.choice(("x", "y", "5", 5)))] if rng.random() < 0.5 else []}


def trace_of(rng, number, start, kind, marked):
    """Spans by service, some of them again. Of the other kinds some are changed, or lie far away: then the trace is added to `marked`."""
    trace = f"{rng.getrandbits(120) + 1:030x}{number % 256:02x}"
    spans = [span_of(rng, trace, i, start + rng.randrange(3 * SECOND)) for i in range(rng.randrange(1, 7))]
    if rng.random() < 0.1:
        spans.append(dict(rng.choice(spans)))
    if kind == "changed" and rng.random() < 0.1:
        marked.add(trace)
        spans.append(dict(rng.choice(spans), name=rng.choice(NAMES)))
    if kind == "far" and rng.random() < 0.1:
        marked.add(trace)
        spans.append(span_of(rng, trace, 20, start + rng.choice((-30, -3, 3)) * 3600 * SECOND, rng.choice("abc")))
    return [{"resource": {"attributes": [attribute("service.name", service)]}, "scopeSpans": [{"spans": some}]}
            for service, some in (("one", spans[::2]), ("two", spans[1::2])) if some]


class Sides:
    """With TestCase."""
    schema, table = None, None

    @classmethod
    def setUpClass(cls):
        print(f"{cls.schema}: seed {SEED}", flush=True)
        cls.server, cls.end = shared_server(), int(time.time()) - 1800
        cls.start = cls.end - 4 * 3600
        cls.marked, folder = set(), tempfile.TemporaryDirectory(prefix="betrace-sides-")
        cls.addClassCleanup(folder.cleanup)
        for number, kind in enumerate(("plain", "changed", "far")):
            rng, cls.path = random.Random(SEED + number), os.path.join(folder.name, f"{kind}.jsonl")
            with open(cls.path, "w", encoding="utf-8") as file:
                for trace in range(TRACES):
                    start = (cls.start - 1500 + rng.randrange(4 * 3600 + 3000)) * SECOND
                    file.write(json.dumps({"resourceSpans": trace_of(rng, trace, start, kind, cls.marked)}) + "\n")
            cls.server.load(cls.path, cls.schema, f"sides_{cls.schema}_{kind}", parts=2)

    def replay(self, rule, *flags, kind="plain"):
        return self.run_over(rule, "--store", self.server.url(f"sides_{self.schema}_{kind}", self.table), *flags)

    def run_over(self, rule, *words):
        done = run_cli("replay", "--dsl", rule, *words, "--start", self.start, "--end", self.end, "--settle", "5m", timeout=300)
        self.assertIn(done.returncode, (0, 1, 3), done.stderr)
        return done.stdout

    def asked_with_sides(self):
        self.server.ask("SYSTEM FLUSH LOGS")
        return int(self.server.ask(f"SELECT count() FROM system.query_log WHERE type = 'QueryFinish' AND query LIKE '%toUInt8(multiIf(%' AND query LIKE '%sides_{self.schema}%' AND query NOT LIKE '%query_log%'"))

    def test_the_same_as_reads_say(self):
        before, found, counted = self.asked_with_sides(), 0, 0
        for rule in RULES:
            with self.subTest(rule=rule):
                read = json.loads(self.replay(rule, "--strategy", "read", "--limit", 0, "--json"))
                shown = json.loads(self.replay(rule, "--json", "--limit", 1, "--evidence", 1))
                wanted, got = read["rules"][0], shown["rules"][0]
                self.assertEqual({key: got.get(key) for key in SAME}, {key: wanted.get(key) for key in SAME})
                self.assertEqual(shown["status"], read["status"], shown.get("reason"))
                if got["traces_exercised_kind"] == "exact":
                    self.assertEqual(got["traces_exercised"], wanted["traces_exercised"])
                ids = self.replay(rule, "--ids").split()
                self.assertEqual(sorted(ids), sorted(one["trace_id"] for one in read["violations"]))
                found, counted = found + len(ids), counted + len(ids) - len(shown["violations"])
        asked = self.asked_with_sides() - before
        print(f"{self.schema}: {len(RULES)} rules, {found} violations, {counted} not listed, {asked} searches with sides", flush=True)
        self.assertGreater(found, 500)
        self.assertGreater(asked, len(RULES))

    def test_copies_that_do_not_agree(self):
        for rule in RULES:
            with self.subTest(rule=rule):
                ids, read = (set(self.replay(rule, "--ids", *flags, kind="changed").split()) for flags in ((), ("--strategy", "read", "--evidence", 0)))
                self.assertLessEqual(read, ids)
                self.assertLessEqual(ids - read, self.marked)

    def test_a_part_that_lies_far_away(self):
        """What is called a violation is one; what a search of the range does not meet may be missing, as with any search."""
        found = 0
        for rule in RULES:
            with self.subTest(rule=rule):
                ids, whole = set(self.replay(rule, "--ids", kind="far").split()), set(self.run_over(rule, self.path, "--ids").split())
                self.assertEqual(ids - whole, set())
                self.assertLessEqual(whole - ids, self.marked)
                found += len(ids & self.marked)
        self.assertGreater(found, 0)


class SidesOnMap(Sides, unittest.TestCase):
    schema = "map"


class SidesOnSigNoz(Sides, unittest.TestCase):
    schema, table = "signoz", "distributed_signoz_index_v3"


class SidesOnJson(Sides, unittest.TestCase):
    schema = "json"


class SidesOnJaeger(Sides, unittest.TestCase):
    schema, table = "jaeger", "spans"


if __name__ == "__main__":
    unittest.main(verbosity=2)
