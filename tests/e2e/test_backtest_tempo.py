"""betrace backtest over a real Tempo says what it says over files of the same traces. It counts the same, the shipped alerts and others fire and resolve
at the same times, and the same would make them page less. What searches do not count is not known."""
import json
import os
import random
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from betrace_process import ROOT, run_cli  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

MINUTES, LATE = 480, 900  # of the range, and how many seconds it ended ago
RULES = [{"id": "retried", "severity": "high", "dsl": "when { order } always { retry }"},
         {"id": "audited", "severity": "low", "dsl": "when { order.where(span.duration > 1s) } always { audit }"},
         {"id": "unmet", "severity": "critical", "dsl": "when { refund } always { audit }"}]
OWN = {"groups": [{"name": "own", "rules": [
    {"record": "own:rate", "expr": "sum by (rule_id) (rate(betrace_violations_total[10m])) / (sum by (rule_id) (rate(betrace_exercised_total[10m])) > 0)"},
    {"alert": "Often", "expr": "own:rate > 10 * 0.02", "for": "2m", "keep_firing_for": "5m"},
    {"alert": "Any", "expr": "increase(betrace_violations_total[2m]) > 0"},
    {"alert": "NotGiven", "expr": 'increase(betrace_violations_total{rule_id="gone"}[5m]) > 0'}]}]}
SAID = ("alerts", "rules", "start", "end", "steps", "not_counted", "evaluations", "unexercised")


def orders(chance, begin):
    """Two orders a minute. A tenth of them is slow. In three bursts and at some other times the retry or the audit is missing; of one trace the root is."""
    for minute in range(MINUTES):
        for _ in range(2):
            trace, root, at = otlp.new_trace_id(), otlp.new_span_id(), (begin + 60 * minute + chance.randrange(58)) * 10**9
            fails = chance.random() < (0.7 if minute % 170 in range(40, 52) else 0.02)
            is_slow, lost = chance.random() < 0.1, minute == 222
            spans = [otlp.span(trace, "order", at, duration_ns=(2 if is_slow else 0) * 10**9 + 10**6, span_id=root, parent=otlp.new_span_id() if lost else "")]
            if not fails or chance.random() < 0.3:
                spans.append(otlp.span(trace, "retry", at + 1, parent=root))
            if not fails:
                spans.append(otlp.span(trace, "audit", at + 2, parent=root))
            yield spans


class BacktestOnTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-backtest-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        cls.end = (int(time.time()) - LATE) // 60 * 60
        cls.begin = cls.end - 60 * MINUTES
        made = list(orders(random.Random(7), cls.begin))
        requests = [otlp.request([span for spans in made[first:first + 120] for span in spans], "shop") for first in range(0, len(made), 120)]
        cls.traces = cls.write("traces.jsonl", "".join(json.dumps(request) + "\n" for request in requests))
        for request in requests:
            assert cls.tempo.push_request(request)[0] == 200
        cls.tempo.wait_until(lambda: len(cls.tempo.search('{name="order"}', cls.begin, cls.end, limit=100000)) == len(made), "all traces are there")

    @classmethod
    def write(cls, name, text):
        path = os.path.join(cls.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def ask(self, *arguments):
        alerts = [str(ROOT / "distribution/prometheus/betrace-slo.yaml"), str(ROOT / "distribution/prometheus/betrace-alerts.yaml"), self.write("own.yaml", json.dumps(OWN))]
        done = run_cli("backtest", self.write("rules.yaml", json.dumps({"rules": RULES})), *arguments, *(word for path in alerts for word in ("--alerts", path)),
                       "--start", str(self.begin), "--end", str(self.end), "--lateness", "0s", "--settle", "1m", "--per-week", "2", "--json")
        self.assertEqual(done.returncode, 1, done.stderr)
        return json.loads(done.stdout)

    def test_it_says_what_it_says_over_files(self):
        ours, theirs = self.ask("--tempo", self.tempo.url), self.ask(self.traces)
        self.assertEqual({key: ours[key] for key in SAID}, {key: theirs[key] for key in SAID})
        self.assertGreater(ours["requests"], 0)
        alerts = {alert["alert"]: alert for alert in ours["alerts"]}
        for name, least in (("Any", 10), ("Often", 3), ("BetraceViolation", 2), ("BetraceBudgetBurnsFast", 1)):
            self.assertGreaterEqual(alerts[name]["pages"], least, name)
        self.assertTrue(alerts["Any"]["suggestions"]["for"])
        self.assertEqual(alerts["NotGiven"]["not_there"][0]["selector"], 'betrace_violations_total{rule_id="gone"}')

    def test_what_searches_do_not_count_is_not_known(self):
        """A store that was asked by searches counted less of what exercised a rule than files did: no alert is silent because of that."""
        ours, theirs = self.ask("--tempo", self.tempo.url, "--require-complete"), self.ask(self.traces, "--require-complete")
        less = {rule["rule_id"] for rule, other in zip(ours["rules"], theirs["rules"]) if rule["exercised"] is None and other["exercised"]}
        self.assertEqual([rule["violations"] for rule in ours["rules"]], [rule["violations"] for rule in theirs["rules"]])
        for one, other in zip(ours["alerts"], theirs["alerts"]):
            self.assertTrue(one["firings"] == other["firings"] or one["unknown"], one)
            if less and one["alert"] in ("Often", "BetraceBudgetBurnsFast", "BetraceBudgetBurnsSlowly"):
                self.assertGreaterEqual(one["unknown_seconds"], 60 * MINUTES, one["alert"])


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=2)
