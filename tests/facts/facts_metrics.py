"""TraceQL metrics, of a Tempo 2.x with the metrics generator's local blocks, which they need there, as the shipped
Grafana alerts on violation spans ask for them (distribution/grafana/provisioning/alerting/betrace-traceql.yaml).
The expressions themselves are run, and why they are asked as a range. Their 0 is one that a checkpoint says: without one there is no series."""
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
  metrics_ingestion_time_range_slack: 1h  # default 30s: older spans are dropped, and a slow machine makes them older
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


def shipped_queries():
    """Their expressions: violations with the 0 of checkpoints, those of the newest checkpoints, and once more for "cannot look"; and how Grafana asks for them."""
    with open(ALERTS, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    queries = [line.removeprefix("query: ").strip("'") for line in lines if line.startswith("query: ")]
    return queries, {line.removeprefix("metricsQueryType: ") for line in lines if line.startswith("metricsQueryType: ")}


VIOLATIONS, CHECKPOINTS = shipped_queries()[0][:2]


class MetricsFacts(facts.TempoCase):
    config = "fast"  # with a generator besides
    @classmethod
    def setUpClass(cls):
        needs_generator = differences.of("TraceQL metrics need a metrics generator", variants.current())
        for is_last in (False, False, True):  # the generator may lose what a distributor sends it on a busy machine
            cls.tempo = TempoServer(config_text=config_with_generator() if needs_generator else config_text_of("fast")).start()
            cls.addClassCleanup(cls.tempo.stop)
            cls.prepare()
            if cls.has_all(is_last):
                break
            cls.tempo.stop()

    @classmethod
    def prepare(cls):
        cls.now = time.time_ns()
        cls.push("betrace.watch", {"betrace.watch.until": "a moment ago"}, AGE_SECONDS)
        cls.push("GET /", {}, AGE_SECONDS, service="shop")
        cls.tempo.wait_until(lambda: len(cls.tempo.search("{}")) == 2, "the spans are there")
        cls.before = cls.counts(VIOLATIONS, 600), cls.counts(CHECKPOINTS, 600)
        cls.tempo.wait_until(cls.push_checkpoint, "the generator has a checkpoint", pause=2)
        cls.zero = cls.counts(VIOLATIONS, 600), cls.counts(CHECKPOINTS, 600)
        for rule, source, number in (("slow-db", "watch", 3), ("pii", "watch", 1), ("slow-db", "replay", 5)):
            attrs = {"betrace.violation.rule_id": rule, "betrace.violation.source": source, "betrace.violation.status": "open", "betrace.violation.count": 1}
            for _ in range(number):
                cls.push("betrace.violation", attrs, AGE_SECONDS, status="error")

    @classmethod
    def has_all(cls, is_last):
        """Whether the generator has all spans; if it is the last one, it has to."""
        deadline, expected = time.monotonic() + 20, {"slow-db": 3, "pii": 1, None: 0}
        while (seen := cls.counts(VIOLATIONS, 600)) != expected and time.monotonic() < deadline:
            time.sleep(0.2)
        assert seen == expected or not is_last, seen
        return seen == expected

    @classmethod
    def push(cls, name, attrs, age, service="betrace", **more):
        cls.tempo.push([otlp.span(otlp.new_trace_id(), name, cls.now - age * SECOND, attrs=attrs, **more)], service=service)

    @classmethod
    def push_checkpoint(cls):
        """Another one each time: what is pushed before the generator is in its ring never reaches it. Its count is 0, whatever their number."""
        cls.push("betrace.watch", {"betrace.violation.count": 0}, AGE_SECONDS)
        return cls.counts(CHECKPOINTS, 600)

    @classmethod
    def ask(cls, query, path, seconds, **parameters):
        end = cls.now // SECOND + 1
        status, _, body = cls.tempo.get(f"/api/metrics/{path}", {"q": query, "start": end - seconds, "end": end, **parameters})
        assert status == 200, (status, body)
        return json.loads(body)["series"]

    @classmethod
    def counts(cls, query, seconds):
        """By rule, summed over the samples, as Grafana's reduce does. A sample of zero has no value."""
        counts = {}
        for one in cls.ask(query, "query_range", seconds, step="60s"):
            labels = {label["key"]: label["value"]["stringValue"] for label in one["labels"]}
            assert labels.pop("resource.service.name") == "betrace", labels
            counts[labels.pop("span.betrace.violation.rule_id", None)] = sum(sample.get("value", 0) for sample in one["samples"])
            assert not labels, "Grafana puts the two together by the labels that both have"
        return counts

    def test_a_zero_is_said_only_where_a_checkpoint_says_it(self):
        """Neither traffic nor a checkpoint without a count, of a watch that does not look, is one."""
        self.assertEqual(self.before, ({}, {}))
        self.assertEqual(self.zero, ({None: 0}, {None: 0}))

    def test_the_shipped_expression_counts_what_watch_found(self):
        self.assertEqual(shipped_queries(), ([VIOLATIONS, CHECKPOINTS, CHECKPOINTS], {"range"}))
        self.assertEqual(self.counts(VIOLATIONS, 600), {"slow-db": 3, "pii": 1, None: 0})
        self.assertEqual(self.counts(CHECKPOINTS, 600), {None: 0})

    def test_what_an_instant_query_answers(self):
        """Of 2.8 its first step only: so an alert that asks "instant" stays silent. A range whose aligned steps part just before the spans shows it."""
        spans_at = self.now // SECOND - AGE_SECONDS
        seconds = next(length for length in range(300, 900) if 1 <= spans_at % length <= 30)
        self.assertEqual(self.counts(VIOLATIONS, seconds), {"slow-db": 3, "pii": 1, None: 0})
        is_first_step = self.holds("an instant query of TraceQL metrics answers its first step only")
        counted = VIOLATIONS.replace("sum_over_time(span.betrace.violation.count)", "count_over_time()")
        self.assertEqual({one.get("value", 0) for one in self.ask(counted, "query", seconds)}, {0} if is_first_step else {1, 2, 3})


if __name__ == "__main__":
    facts.main()
