"""When did it start, on the real Tempo: the first violation is the earliest that a replay of everything finds, at a
part of its price. It is called proven only when Tempo answered everything before it."""
import datetime
import json
import os
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import Betrace, run_cli  # noqa: E402
from counting_proxy import CountingProxy  # noqa: E402
import otlp  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from seed_rules import INCIDENT, PII_AUDIT, SLOW_DB  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

TRACES = 2000
SECOND, HOUR = 1_000_000_000, 3600
DENSE = {"id": "dense", "dsl": 'trace.has(span.name == "db.query") and not trace.has(span.name == "no.such.span")'}
EVERY_TRACE = {"id": "every", "dsl": 'not trace.has(span.name == "no.such.span")'}
NEVER = {"id": "never", "dsl": 'trace.has(span.name == "no.such.span")'}
RULES = (SLOW_DB, INCIDENT, PII_AUDIT, DENSE, EVERY_TRACE, NEVER)


class FirstOnTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-first-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        end = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=3)).replace(microsecond=0)
        start = end - datetime.timedelta(hours=24)
        cls.bounds = [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (start, end)]
        pushed = run_cli("generate", "--traces", TRACES, "--violations", 9, "--end", cls.bounds[1], "--since", "24h", "--otlp", cls.tempo.otlp_url)
        assert pushed.returncode == 0, pushed.stderr
        seconds = (int(start.timestamp()) - 900, int(end.timestamp()) + 900)
        cls.tempo.wait_until(lambda: len(cls.tempo.search("{}", *seconds, limit=100000, spss=1)) >= TRACES, "all traces are searchable")
        cls.earliest = {rule["id"]: cls.replay(rule) for rule in RULES}

    @classmethod
    def replay(cls, rule):
        done = run_cli("replay", "--dsl", rule["dsl"], "--tempo", cls.tempo.url, "--start", cls.bounds[0], "--end", cls.bounds[1], "--json")
        answer = json.loads(done.stdout)
        assert answer["status"] == "completed", answer
        return answer

    def first(self, rule, *more, url=None):
        """(exit status, answer)"""
        more = more or ("--start", self.bounds[0], "--end", self.bounds[1])
        done = run_cli("first", "--dsl", rule["dsl"], "--tempo", url or self.tempo.url, *more, "--json")
        self.assertNotIn("Sanitizer", done.stderr)
        return done.returncode, json.loads(done.stdout)

    def check(self, rule, answer):
        """It is the earliest one of the replay; of several at the same time the one with the smallest trace id."""
        expected = min(self.earliest[rule["id"]]["violations"], key=lambda v: (v["time"], v["trace_id"]))
        found = answer["violation"]
        for key in ("trace_id", "time", "span_id", "message"):
            self.assertEqual(found[key], expected[key], answer)

    def test_it_is_the_earliest_of_a_replay(self):
        for rule in RULES:
            with self.subTest(rule=rule["id"]):
                status, answer = self.first(rule)
                self.assertEqual(answer["status"], "completed", answer)
                self.assertTrue(answer["coverage"]["complete"])
                if rule is NEVER:
                    self.assertEqual((status, answer["found"], answer["proven"]), (0, False, False))
                    continue
                self.check(rule, answer)
                self.assertEqual((status, answer["found"], answer["proven"], answer["violation"]["confirmed"]), (1, True, True, "by_id"))

    def test_dense_violations_cost_a_part(self):
        for rule in (DENSE, EVERY_TRACE):
            _, answer = self.first(rule)
            whole = self.earliest[rule["id"]]
            self.assertGreater(whole["traces_read"], TRACES // 4)
            self.assertLess(answer["traces_read"], whole["traces_read"] // 10)

    def test_the_edge_of_the_data(self):
        _, answer = self.first(DENSE, "--since", "10d")
        self.check(DENSE, answer)
        self.assertTrue(answer["proven"], answer)
        self.assertTrue(answer["at_edge_of_data"], answer)
        data_from = datetime.datetime.fromisoformat(answer["coverage"]["data_from"][:19] + "+00:00")
        self.assertLess(abs(data_from - datetime.datetime.fromisoformat(self.bounds[0].replace("Z", "+00:00"))), datetime.timedelta(minutes=15))
        _, rare = self.first(SLOW_DB, "--since", "10d")
        self.check(SLOW_DB, rare)
        self.assertFalse(rare["at_edge_of_data"], rare)

    def test_no_data(self):
        status, answer = self.first(DENSE, "--start", "2020-01-01T00:00:00Z", "--end", "2020-01-02T00:00:00Z")
        self.assertEqual((status, answer["status"], answer["found"]), (3, "incomplete", False), answer)
        self.assertIn("no_data", answer["reason"])

    def test_over_http(self):
        with Betrace("--tempo", self.tempo.url) as server:
            self.assertEqual(server.post("/v1/rules", SLOW_DB).status, 201)
            answer = server.get(f"/v1/rules/{SLOW_DB['id']}/first-violation?start={self.bounds[0]}&end={self.bounds[1]}").json()
            self.check(SLOW_DB, answer)
            self.assertTrue(answer["proven"])

    def test_tempo_goes_away_in_the_middle(self):
        """After request number k nothing is answered: what is found is true, and neither "proven" nor "none" is said with anything unread."""
        with CountingProxy(self.tempo.url) as counting:
            counting.begin()
            self.first(SLOW_DB, url=counting.url)
            whole = counting.requests
        true_ids = {v["trace_id"] for v in self.earliest[SLOW_DB["id"]]["violations"]}
        for allowed in (1, whole // 2):
            with self.subTest(allowed=allowed, whole=whole), CountingProxy(self.tempo.url, allowed) as proxy:
                proxy.begin()
                status, answer = self.first(SLOW_DB, url=proxy.url)
                self.assertIn(status, (1, 3), answer)
                self.assertIn(answer["status"], ("incomplete", "failed"), answer)
                self.assertFalse(answer["proven"])
                if answer["found"]:
                    self.assertIn(answer["violation"]["trace_id"], true_ids)


class LongTraces(unittest.TestCase):
    def test_a_long_trace_over_several_windows(self):
        """Two hours long: its time is near its end, its violation at its beginning, and before that of another trace. What makes it one that may violate
        lies in two blocks, hours apart."""
        tempo = TempoServer(config="fast", closes_blocks=True).start()
        self.addCleanup(tempo.stop)
        start = int(time.time()) - 30 * HOUR
        window, spans = ("--start", str(start), "--end", str(start + 24 * HOUR)), []
        for number in range(24 * 6):
            kept, at = otlp.new_trace_id(), (start + number * 600) * SECOND
            spans += [otlp.span(kept, name, at + i * SECOND) for i, name in enumerate(("opened", "checked", "closed"))]
        long_one, other = "a" + otlp.new_trace_id()[1:], otlp.new_trace_id()  # Tempo takes no id with a zero in front for trace:id
        long_spans = [otlp.span(long_one, "opened", (start + 650) * SECOND)]
        long_spans += [otlp.span(long_one, "step" if i < 9 else "checked", (start + 650 + i * 840) * SECOND) for i in range(1, 10)]
        spans += [otlp.span(other, name, (start + 3700 + i) * SECOND) for i, name in enumerate(("opened", "checked"))] + long_spans[:5]
        tempo.push(spans)
        seconds = (start - 900, start + 25 * HOUR)
        tempo.wait_until(lambda: len(tempo.search('{ name = "opened" }', *seconds, limit=1000)) >= 24 * 6 + 2, "all are searchable")
        tempo.close_blocks()
        tempo.push(long_spans[5:])
        tempo.wait_until(lambda: len(tempo.trace(long_one)) == len(long_spans), "the long one is whole")
        tempo.wait_until(lambda: tempo.search('{ name = "checked" && trace:id = "%s" }' % long_one, *seconds), "its last part is searchable")
        for dsl in ("when { opened } always { closed }", "when { opened and checked } always { closed }"):
            with self.subTest(dsl=dsl):
                replay = json.loads(run_cli("replay", "--dsl", dsl, "--tempo", tempo.url, *window, "--json").stdout)
                self.assertEqual({violation["trace_id"] for violation in replay["violations"]}, {long_one, other})
                answer = json.loads(run_cli("first", "--dsl", dsl, "--tempo", tempo.url, *window, "--json").stdout)
                self.assertEqual((answer["violation"]["trace_id"], answer["proven"]), (long_one, True), answer)
                self.assertEqual(answer["violation"]["time"], next(v["time"] for v in replay["violations"] if v["trace_id"] == long_one))

    def test_what_a_long_trace_breaks_by_lies_behind_all_that_is_looked_at(self):
        """Searches tell block by block (grafana/tempo issues 2513, 6871): "opened" of the long one is in the first block, "checked" three hours later in
        another, and another trace has both fifteen minutes after the beginning, where `first` ends."""
        tempo = TempoServer(config="fast", closes_blocks=True).start()
        self.addCleanup(tempo.stop)
        start = int(time.time()) - 30 * HOUR
        window = ("--start", str(start), "--end", str(start + 24 * HOUR))
        long_one, other = otlp.new_trace_id(), otlp.new_trace_id()
        long_spans = [otlp.span(long_one, "opened" if not i else "step" if i < 15 else "checked", (start + 600 + i * 720) * SECOND) for i in range(16)]
        early = long_spans[:6]
        early += [otlp.span(other, name, (start + 900 + i) * SECOND) for i, name in enumerate(("opened", "checked"))]
        tempo.push(early)
        seconds = (start - 900, start + 25 * HOUR)
        tempo.wait_until(lambda: len(tempo.search('{ name = "opened" }', *seconds)) == 2, "the first part is searchable")
        tempo.close_blocks()
        tempo.push(long_spans[6:])
        tempo.wait_until(lambda: len(tempo.search('{ name = "checked" }', *seconds)) == 2, "its last part is searchable")
        answer = json.loads(run_cli("first", "--dsl", "never { opened and checked }", "--tempo", tempo.url, *window, "--json").stdout)
        self.assertEqual((answer["violation"]["trace_id"], answer["proven"]), (long_one, True), answer)


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
