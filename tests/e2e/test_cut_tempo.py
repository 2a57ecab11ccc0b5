"""Texts that the real Tempo cut: a rule that hangs on what was behind 2,048 bytes is not decided, whatever the strategy, and its trace is found.
What Tempo cuts is in tests/facts/facts_cut_values.py.
"""
import json
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import run_cli  # noqa: E402
import otlp  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND, HOUR = 10**9, 3600 * 10**9
TRACES = 6  # of each kind
TEXTS = {"short": "SELECT 1", "drops": "DROP TABLE a", "long": "SELECT " + "x" * 4000, "long, drops at its end": "SELECT " + "x" * 4000 + "; DROP TABLE a",
         "long, drops at once": "DROP TABLE a; " + "x" * 4000, "a byte less than is cut": "SELECT " + "x" * 2040, "none": None,
         "long, cut in a character": "SELECT " + "é" * 2000}
CUT = ("long", "long, drops at its end", "long, cut in a character")  # of the first two Tempo has the same
WAYS = ([], ["--strategy", "read"], ["--strategy", "projection"], ["--count", "exact"])


class CutTexts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        cls.at = (int(time.time()) - 5 * 3600) * SECOND
        cls.kinds = {otlp.new_trace_id(): kind for kind in TEXTS for _ in range(TRACES)}
        cls.tempo.push([otlp.span(trace_id, "query", cls.at, SECOND, attrs={} if TEXTS[kind] is None else {"sql": TEXTS[kind]})
                        for trace_id, kind in cls.kinds.items()])
        cls.tempo.wait_until(lambda: len(cls.tempo.search('{ name = "query" }', cls.at // SECOND - 60, cls.at // SECOND + 60)) == len(cls.kinds), "all are searchable")

    def check(self, dsl, violating, inconclusive, ways=WAYS):
        for way in ways:
            with self.subTest(dsl=dsl[:90], way=way):
                done = run_cli("replay", "--tempo", self.tempo.url, "--dsl", dsl, "--start", str(self.at - HOUR), "--end", str(self.at + HOUR), "--limit", "0", "--json", *way)
                self.assertIn(done.returncode, (0, 1, 3), done.stderr)
                answer = json.loads(done.stdout)
                told = [self.kinds[one["trace_id"]] for one in answer["violations"]]
                self.assertEqual({kind: told.count(kind) for kind in told}, {kind: TRACES for kind in violating})
                self.assertEqual(answer["inconclusive"], TRACES * len(inconclusive))
                self.assertEqual(answer["status"], "completed", answer.get("reason"))

    def test_what_must_not_be_there(self):
        for test in ('contains "DROP"', 'matches "DROP TABLE"', 'matches "DROP.*a"'):
            self.check(f"when {{ query }} never {{ query.where(sql {test}) }}", ("drops", "long, drops at once"), CUT)

    def test_what_has_to_be_there(self):
        self.check('when { query } always { query.where(sql contains "DROP") }', ("short", "none", "a byte less than is cut"), CUT, (*WAYS, ["--strategy", "id_sets"]))
        self.check('when { query } always { query.where(sql =~ "DROP.*") }', ("short", "none", "a byte less than is cut"), CUT, (*WAYS, ["--strategy", "id_sets"]))

    def test_a_whole_text(self):
        self.check(f'query.where(sql == "{TEXTS["long"]}")', (), CUT[:2])
        known = ("short", "drops", "none")
        open_ones = (*CUT, "long, drops at once")
        self.check('query.where(sql =~ "SELECT x+")', ("a byte less than is cut",), open_ones)
        self.check('when { query } always { query.where(sql =~ "SELECT x+") }', known, open_ones, (*WAYS, ["--strategy", "id_sets"]))

    def test_what_its_beginning_decides(self):
        self.check('when { query } always { query.where(sql starts_with "SELECT") }', ("drops", "long, drops at once", "none"), (), (*WAYS, ["--strategy", "id_sets"]))
        self.check('query.where(sql == "DROP TABLE a")', ("drops",), ())


if __name__ == "__main__":
    require_tempo()
    unittest.main()
