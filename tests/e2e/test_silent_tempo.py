"""betrace silent over a real Tempo and a real ClickHouse: it names an attribute that was renamed a quarter of an hour ago, with what came instead, by searches alone. A rule that goes on
as it did a week before is not told."""
import json
import os
import random
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo"), os.path.join(HERE, "..", "clickhouse")]
import otlp  # noqa: E402
from betrace_process import run_cli  # noqa: E402
from clickhouse_server import shared_server  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

A_STEP, WEEK, STEPS, PER_STEP = 900, 7 * 86400, 8, 40
OLD, NEW = "db.statement", "db.query.text"
RULES = [{"id": "renamed", "dsl": f'when {{ trace.has(exists("{OLD}")) }} always {{ audit }}'},
         {"id": "as-before", "dsl": 'when { trace.has(exists("db.name")) } always { audit }'}]


class Silent:
    """What all stores have to answer. `store` are the arguments that name it."""

    @classmethod
    def requests(cls):
        """OTLP requests of two times two hours, at the same hours of a weekday; from `renamed` on with the new key. And how many traces they have."""
        cls.end = (int(time.time()) - 600) // A_STEP * A_STEP  # quarters of an hour, the last one settled
        cls.begin, cls.renamed, chance = cls.end - WEEK - STEPS * A_STEP, cls.end - A_STEP, random.Random(5)
        made = []
        for begin in (cls.begin, cls.end - STEPS * A_STEP):
            for step in range(STEPS):
                spans = []
                for _ in range(PER_STEP):
                    trace, at = otlp.new_trace_id(), begin + step * A_STEP + chance.randrange(A_STEP - 5)
                    spans += [otlp.span(trace, "query", at * 10**9, attrs={NEW if at >= cls.renamed else OLD: "SELECT 1", "db.name": "orders"}),
                              otlp.span(trace, "audit", at * 10**9 + 10**6)]
                made.append(otlp.request(spans, "shop"))
        return made, 2 * STEPS * PER_STEP

    @classmethod
    def write_files(cls, requests=()):
        folder = tempfile.TemporaryDirectory(prefix="betrace-silent-")
        cls.addClassCleanup(folder.cleanup)
        cls.rules, traces = os.path.join(folder.name, "rules.yaml"), os.path.join(folder.name, "traces.jsonl")
        with open(cls.rules, "w", encoding="utf-8") as file:
            json.dump({"rules": RULES}, file)
        with open(traces, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(request) + "\n" for request in requests)
        return traces

    def ask(self, status, end):
        done = run_cli("silent", "--rules", self.rules, *self.store, "--start", str(self.begin), "--end", str(end), "--lateness", "0s", "--settle", "1m", "--json")
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return {rule["rule_id"]: rule for rule in json.loads(done.stdout)["rules"]}

    def test_before_the_rename_all_is_as_before(self):
        self.assertEqual({name: rule["result"] for name, rule in self.ask(0, self.renamed).items()}, {"renamed": "as_before", "as-before": "as_before"})

    def test_the_rename_is_named_with_what_came(self):
        rules = self.ask(1, self.end)
        self.assertEqual({name: rule["result"] for name, rule in rules.items()}, {"renamed": "silent", "as-before": "as_before"})
        rule = rules["renamed"]
        self.assertEqual((rule["since"][:16], rule["exercised"]), (time.strftime("%Y-%m-%dT%H:%M", time.gmtime(self.renamed)), 0), rule["message"])
        went, = rule["went"]
        self.assertEqual(went["text"], OLD)
        self.assertEqual([one["text"] for one in went["came"]][:1], [NEW])


class SilentOnTempo(Silent, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(tempo.stop)
        requests, count = cls.requests()
        for request in requests:
            assert tempo.push_request(request)[0] == 200
        tempo.wait_until(lambda: len(tempo.search('{name="query"}', cls.begin, cls.end, limit=100000)) == count, "all traces are there")
        cls.store = ("--tempo", tempo.url)
        cls.write_files()


class SilentOnClickHouse(Silent, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server = shared_server()
        server.load(cls.write_files(cls.requests()[0]), schema="json", database="silent")
        cls.store = ("--store", server.url("silent"))


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=2)
