"""The shipped Prometheus rules: promtool accepts them and their unit tests pass, and a real Prometheus that scrapes a real betrace on watch fires for a
violation and resolves after it. A replay of the past, which finds the same violations, fires nothing."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "tempo"), str(HERE.parent / "prometheus")]
import otlp  # noqa: E402
import prometheus_binary  # noqa: E402
from betrace_process import Betrace, _die_with_parent  # noqa: E402
from run_tempo import TempoServer, free_ports  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

RULES = ROOT / "distribution" / "prometheus"
SLOW = {"id": "slow-no-retry", "dsl": "when { db.slow } always { retry }", "severity": "critical"}


class Promtool(unittest.TestCase):
    def run_tool(self, *arguments):
        done = subprocess.run([PROMETHEUS / "promtool", *map(str, arguments)], capture_output=True, text=True, cwd=ROOT)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_the_rules_are_accepted(self):
        counts = {"alerts": 11, "recording": 3, "slo": 11}
        self.assertEqual({path.name for path in RULES.glob("*.y*ml")}, {f"betrace-{name}.yaml" for name in counts})
        for name, count in counts.items():
            self.assertIn(f"{count} rules found", self.run_tool("check", "rules", RULES / f"betrace-{name}.yaml"))

    def test_their_unit_tests_pass(self):
        for path in sorted((ROOT / "tests/prometheus").glob("*.test.yaml")):
            self.run_tool("test", "rules", path)


class RealPrometheus:
    """Scrapes one target each second; ranges of alerts are scaled down from minutes to seconds."""

    def __init__(self, target):
        self.folder = tempfile.TemporaryDirectory(prefix="betrace-prometheus-")
        text = (RULES / "betrace-alerts.yaml").read_text(encoding="utf-8")
        scaled = text.replace("[10m]", "[12s]").replace("[1h]", "[30s]").replace("for: 5m", "for: 1s")
        assert scaled != text
        (pathlib.Path(self.folder.name) / "alerts.yaml").write_text(scaled, encoding="utf-8")
        config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": ["alerts.yaml"],
                  "scrape_configs": [{"job_name": "betrace", "static_configs": [{"targets": [target]}]}]}
        (pathlib.Path(self.folder.name) / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
        (self.port,) = free_ports(1)

    def __enter__(self):
        self.process = subprocess.Popen([PROMETHEUS / "prometheus", f"--config.file={self.folder.name}/prometheus.yml",
                                         f"--storage.tsdb.path={self.folder.name}/data", f"--web.listen-address=127.0.0.1:{self.port}"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=_die_with_parent)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def get(self, path, **parameters):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(parameters)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def firing(self):
        try:
            return {a["labels"]["alertname"] for a in self.get("/api/v1/alerts")["alerts"] if a["state"] == "firing"}
        except OSError:
            return set()

    def value(self, query):
        try:
            result = self.get("/api/v1/query", query=query)["result"]
        except OSError:
            return None
        return float(result[0]["value"][1]) if result else None


class AlertsOfARealPrometheus(unittest.TestCase):
    def push(self, tempo, violates):
        trace_id, now = otlp.new_trace_id(), time.time_ns()
        spans = [otlp.span(trace_id, "db.slow", now)] + ([] if violates else [otlp.span(trace_id, "retry", now)])
        tempo.push(spans, service="shop")

    def test_fires_for_a_violation_and_resolves(self):
        watch = ("--watch", "--interval", "500ms", "--settle", "2s", "--sweep", "20s", "--lookback", "60s")
        with TempoServer(config="fast") as tempo, Betrace("--tempo", tempo.url, "--otlp", tempo.otlp_url, *watch) as service:
            self.assertEqual(service.post("/v1/rules", SLOW).status, 201)
            with RealPrometheus(f"127.0.0.1:{service.port}") as prometheus:
                tempo.wait_until(lambda: prometheus.value('betrace_violations_total{rule_id="slow-no-retry"}') == 0, "the counter stands at 0")
                self.push(tempo, violates=False)
                time.sleep(4)
                self.assertEqual(prometheus.firing(), set())
                self.push(tempo, violates=True)
                tempo.wait_until(lambda: "BetraceViolation" in prometheus.firing(), "the alert fires")
                self.assertEqual(prometheus.value('betrace_violations_total{rule_id="slow-no-retry"}'), 1)
                self.assertEqual(prometheus.value('betrace_exercised_total{rule_id="slow-no-retry"}'), 2, "one violates, one does not")
                tempo.wait_until(lambda: not prometheus.firing(), "the alert resolves")
                self.assertEqual(service.post("/v1/rules/slow-no-retry/replay", {"start_time": "now-1h", "end_time": "now"}).status, 202)
                replayed = service.wait_replay("slow-no-retry")
                self.assertEqual(replayed["violations_found"], 1, replayed)
                time.sleep(3)
                self.assertEqual(prometheus.firing(), set(), "a replay of the past pages nobody")


if __name__ == "__main__":
    require_tempo()
    PROMETHEUS = prometheus_binary.require()
    unittest.main(verbosity=1)
