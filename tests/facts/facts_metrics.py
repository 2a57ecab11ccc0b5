"""TraceQL metrics, of a Tempo 2.x with the metrics generator's local blocks, which they need there, as the shipped
Grafana alert on violation spans asks for them (distribution/grafana/provisioning/alerting/betrace-traceql.yaml).
The expression itself is run, and why it is asked as a range."""
import json
import os
import time

import differences
import tempo_case as facts
import variants
from run_tempo import config_text_of
from tempo_case import SECOND, TempoServer, otlp

ROOT = os.path.join(facts.HERE, "..", "..")
ALERTS = os.path.join(ROOT, "distribution", "grafana", "provisioning", "alerting", "betrace-traceql.yaml")
AGE_SECONDS = 12
GENERATOR = """
metrics_generator:
  ring:
    instance_addr: 127.0.0.1
    kvstore: {store: inmemory}
  processor:
    local_blocks: {filter_server_spans: false, flush_check_period: 500ms, trace_idle_period: 500ms, max_block_duration: 10s}
  storage: {path: "${DATA}/generator/wal"}
  traces_storage: {path: "${DATA}/generator/traces"}
"""


def config_with_generator():
    text = config_text_of("fast")
    # what the generator holds is asked of it and not of the backend
    text = text.replace("  metrics:\n    max_duration: 8760h\n    query_backend_after: 8760h\n", "  metrics:\n    max_duration: 8760h\n    query_backend_after: 30m\n")
    text = text.replace("overrides:\n  defaults:\n", "overrides:\n  defaults:\n    metrics_generator: {processors: [local-blocks]}\n")
    assert "local-blocks" in text and "query_backend_after: 30m" in text
    return text + GENERATOR


def shipped_query():
    """(expression, how Grafana asks for it)"""
    with open(ALERTS, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    query = next(line for line in lines if line.startswith("query: "))
    way = next(line for line in lines if line.startswith("metricsQueryType: "))
    return query.removeprefix("query: ").strip("'"), way.removeprefix("metricsQueryType: ")


class MetricsFacts(facts.TempoCase):
    config = "fast"  # with a generator besides
    @classmethod
    def setUpClass(cls):
        needs_generator = differences.of("TraceQL metrics need a metrics generator", variants.current())
        cls.tempo = TempoServer(config_text=config_with_generator() if needs_generator else config_text_of("fast")).start()
        cls.addClassCleanup(cls.tempo.stop)
        cls.prepare()

    @classmethod
    def prepare(cls):
        cls.now = time.time_ns()
        for rule, source, number in (("slow-db", "watch", 3), ("pii", "watch", 1), ("slow-db", "replay", 5)):
            attrs = {"betrace.violation.rule_id": rule, "betrace.violation.source": source, "betrace.violation.status": "open"}
            for _ in range(number):
                cls.tempo.push([otlp.span(otlp.new_trace_id(), "betrace.violation", cls.now - AGE_SECONDS * SECOND, status="error", attrs=attrs)], service="betrace")
        cls.tempo.wait_until(lambda: cls.counts(600) == {"slow-db": 3, "pii": 1}, "the generator has all spans")

    @classmethod
    def ask(cls, path, seconds, **parameters):
        end = cls.now // SECOND + 1
        status, _, body = cls.tempo.get(f"/api/metrics/{path}", {"q": shipped_query()[0], "start": end - seconds, "end": end, **parameters})
        assert status == 200, (status, body)
        return json.loads(body)["series"]

    @classmethod
    def counts(cls, seconds):
        """By rule, summed over the samples, as Grafana's reduce does. A sample of zero has no value."""
        series = cls.ask("query_range", seconds, step="60s")
        return {one["labels"][0]["value"]["stringValue"]: sum(sample.get("value", 0) for sample in one["samples"]) for one in series}

    def test_the_shipped_expression_counts_what_watch_found(self):
        self.assertEqual(shipped_query()[1], "range")
        self.assertEqual(self.counts(600), {"slow-db": 3, "pii": 1})

    def test_what_an_instant_query_answers(self):
        """Of 2.8 its first step only: so an alert that asks "instant" stays silent. A range whose aligned steps part just before the spans shows it."""
        spans_at = self.now // SECOND - AGE_SECONDS
        seconds = next(length for length in range(300, 900) if 1 <= spans_at % length <= 30)
        self.assertEqual(self.counts(seconds), {"slow-db": 3, "pii": 1})
        is_first_step = self.holds("an instant query of TraceQL metrics answers its first step only")
        self.assertEqual({one.get("value", 0) for one in self.ask("query", seconds)}, {0} if is_first_step else {1, 3})


if __name__ == "__main__":
    facts.main()
