"""The canary on the real Tempo: with a service on watch it sees its violation come, and says what is missing when it does not."""
import json
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import Betrace, run_cli  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

WATCH = ("--watch", "--interval", "500ms", "--settle", "2s", "--sweep", "20s", "--lookback", "60s")


class Canary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        cls.rule = json.loads(run_cli("canary", "--print-rule").stdout)

    def canary(self, *more, tempo=None):
        done = run_cli("canary", "--tempo", tempo or self.tempo.url, "--otlp", self.tempo.otlp_url, "--json", *more)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def test_it_sees_its_violation_come(self):
        with Betrace("--tempo", self.tempo.url, "--otlp", self.tempo.otlp_url, *WATCH) as service, tempfile.TemporaryDirectory() as folder:
            self.assertEqual(service.post("/v1/rules", self.rule).status, 201)
            metrics = os.path.join(folder, "betrace.prom")
            code, lines, err = self.canary("--count", 2, "--every", "1s", "--within", "30s", "--metrics", metrics)
            self.assertEqual((code, [line["outcome"] for line in lines]), (0, ["ok", "ok"]), err)
            self.assertGreater(lines[0]["delay_seconds"], 1)
            for line in lines:  # which no Tempo shows: the canary says so, and counts it as no failure
                self.assertIn("of a trace that never ended none: no search of this store shows such traces", line["detail"])
            with open(metrics, encoding="utf-8") as file:
                text = file.read()
            self.assertIn("betrace_canary_rounds_total 2.000", text)
            self.assertIn("betrace_canary_missed_total 0.000", text)

    def test_it_says_what_is_missed(self):
        code, lines, err = self.canary("--count", 1, "--within", "2s")
        self.assertEqual((code, lines[0]["outcome"]), (1, "missed"), err)
        self.assertIn("rule betrace-canary", lines[0]["detail"])

    def test_a_rule_with_another_condition_does_not_count(self):
        rule = dict(self.rule)
        with Betrace("--tempo", self.tempo.url, "--otlp", self.tempo.otlp_url, *WATCH) as service:
            # A rule of that id with another condition: the canary's own violation does not come.
            rule["dsl"] = "when { betrace.canary.request } always { betrace.canary.nothing }"
            self.assertEqual(service.post("/v1/rules", rule).status, 201)
            code, lines, err = self.canary("--count", 1, "--within", "6s")
            self.assertEqual((code, lines[0]["outcome"]), (1, "missed"), err)

    def test_a_tempo_that_is_gone_is_unknown(self):
        code, lines, err = self.canary("--count", 1, "--within", "1s", tempo="http://127.0.0.1:9")
        self.assertEqual((code, lines[0]["outcome"]), (3, "unknown"), err)


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
