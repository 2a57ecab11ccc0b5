"""End to end on the real Tempo (fast config): 15,420 traces over 24 h, violations planted, spans split over two pushes and blocks. --short: a third.

The truth comes from the generator, the traces travel over OTLP into Tempo, the verdicts come back over the HTTP API, and the violation spans are
looked for in Tempo again.
"""
import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import Betrace, binary, run_cli, sanitizer_environment  # noqa: E402
from counting_proxy import CountingProxy  # noqa: E402
from http_wire import Answer, Proxy, send_whole  # noqa: E402
import prometheus_text  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from seed_rules import INCIDENT, PII_AUDIT, SLOW_DB, TRUTH  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SHORT = "--short" in sys.argv
TRACES, VIOLATIONS = 5140 if SHORT else 15420, 37
LATE_AFTER = 35  # the config cuts a block after 30 s, so what comes later lies in another block
RULES = (SLOW_DB, INCIDENT, PII_AUDIT)
EMITTED = ("rule_id", "rule_name", "rule_version", "condition_hash", "severity", "message", "trace_id", "span_id", "time", "time_unix_nano",
           "services", "source", "replay_id", "status")


def rfc3339(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class ReplayOnTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-e2e-")
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.addClassCleanup(cls.tempo.stop)
        # Three minutes back, so that every trace is settled.
        cls.end = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=3)).replace(microsecond=0)
        cls.start = cls.end - datetime.timedelta(hours=24)
        cls.truth_file = os.path.join(cls.folder.name, "truth.json")
        cls.recipe = ["--traces", str(TRACES), "--violations", str(VIOLATIONS), "--end", rfc3339(cls.end), "--since", "24h"]
        pushed = run_cli("generate", *cls.recipe, "--otlp", cls.tempo.otlp_url, "--late-after", f"{LATE_AFTER}s", "--truth", cls.truth_file, timeout=300)
        assert pushed.returncode == 0, pushed.stderr
        with open(cls.truth_file, encoding="utf-8") as file:
            cls.truth = json.load(file)
        cls.range = {"start_time": rfc3339(cls.start), "end_time": rfc3339(cls.end)}
        cls.seconds = (int(cls.start.timestamp()) - 900, int(cls.end.timestamp()) + 900)
        cls.wait_searchable()

    @classmethod
    def wait_searchable(cls):
        def count():
            return len(cls.tempo.search("{}", *cls.seconds, limit=100000, spss=1)) >= TRACES
        cls.tempo.wait_until(count, f"all {TRACES} traces are searchable")
        def late():
            found = cls.tempo.found_spans('{ name = "retry" } | select(name)', *cls.seconds, limit=100000)
            return len(found) >= cls.retry_count()
        cls.tempo.wait_until(late, "the late retries are searchable")

    @classmethod
    def retry_count(cls):
        if not hasattr(cls, "_retries"):
            path = os.path.join(cls.folder.name, "all.pb")
            run_cli("generate", *cls.recipe, "--out", path)
            done = run_cli("eval", "--dsl", 'trace.has(span.name == "retry")', "--json", path)
            cls._retries = json.loads(done.stdout.splitlines()[-1])["summary"]["violated"]
            assert cls._retries > TRACES // 50, done.stdout[-300:]
        return cls._retries

    def serve(self, tempo_url=None, emit=True):
        otlp = ("--otlp", self.tempo.otlp_url) if emit else ()
        return Betrace("--tempo", tempo_url or self.tempo.url, *otlp)

    def replay(self, server, rule, **more):
        if server.get(f"/v1/rules/{rule['id']}").status == 404:
            self.assertEqual(server.post("/v1/rules", rule).status, 201)
        started = server.post(f"/v1/rules/{rule['id']}/replay", {**self.range, **more})
        self.assertEqual(started.status, 202, started)
        return started.json()["replay_id"], server.wait_replay(rule["id"])

    # ---- the input is what it should be ----

    def test_a_the_input_is_split_over_blocks(self):
        """Tempo itself cannot see both spans of a trace that is split over blocks: so many traces are."""
        both = self.tempo.search('{ name = "db.query" && duration > 1s } && { name = "retry" }', *self.seconds, limit=100000, spss=1)
        self.assertLess(len(both), self.retry_count(), "no retry lies in another block than its query")
        self.assertTrue(any(trace_id.startswith("0") for trace_id in self.truth["slow-db-no-retry"]), "no planted id begins with a zero")

    # ---- the seed's three rules ----

    def test_b_replays_find_exactly_the_planted_traces(self):
        with self.serve() as server:
            for rule in RULES:
                with self.subTest(rule=rule["id"]):
                    replay_id, status = self.replay(server, rule)
                    self.assertEqual(status["status"], "completed", json.dumps(status, indent=1))
                    self.assertEqual((status["traces_evaluated"], status["traces_evaluated_kind"]), (TRACES, "exact"))
                    self.assertEqual(status["violations_found"], VIOLATIONS)
                    self.assertEqual(status["inconclusive"], 0)
                    self.assertTrue(status["coverage"]["complete"])
                    # The last hour but what is not settled: Tempo may still hand it over.
                    self.assertGreater(status["coverage"]["handover_from"], rfc3339(self.end - datetime.timedelta(minutes=58)))
                    self.assertEqual((status["spans_emitted"], status["spans_already_there"], status["spans_failed"]), (VIOLATIONS, 0, 0))
                    violations = server.violations(replay_id)
                    self.assertEqual(sorted(v["trace_id"] for v in violations), sorted(self.truth[TRUTH[rule["id"]]]))
                    self.check_emitted(rule, violations)
                    self.check_repeated(server, rule)

    def emitted_spans(self, rule):
        now = int(time.time())
        query = f'{{ span.betrace.violation.rule_id = "{rule["id"]}" }} | by(span:id) | select(name)'
        found = self.tempo.found_spans(query, now - 3600, now + 60)
        return [(trace_id, span_id) for trace_id, spans in found.items() for span_id in spans]

    def check_emitted(self, rule, violations):
        self.tempo.wait_until(lambda: len(self.emitted_spans(rule)) >= VIOLATIONS, "the violation spans are searchable")
        found = self.emitted_spans(rule)
        self.assertEqual(len(found), VIOLATIONS)
        self.assertEqual(sorted(trace_id for trace_id, _ in found), sorted(v["id"] for v in violations))
        by_id = {v["id"]: v for v in violations}
        for trace_id, _ in found:
            (span,) = self.tempo.trace(trace_id)
            self.check_span(span, by_id[trace_id], rule)

    def check_span(self, span, violation, rule):
        self.assertEqual(span["name"], "betrace.violation")
        self.assertEqual(span["resource"]["service.name"], "betrace")
        attributes = span["attrs"]
        for name in EMITTED:
            self.assertIn(f"betrace.violation.{name}", attributes)
        for name in ("rule_id", "severity", "message", "trace_id", "time", "condition_hash"):
            self.assertEqual(attributes[f"betrace.violation.{name}"], violation[name], name)
        self.assertEqual(attributes["betrace.violation.source"], "replay")
        if rule is PII_AUDIT:
            self.assertIn("betrace.violation.controls", attributes)

    def check_repeated(self, server, rule):
        _, status = self.replay(server, rule)
        self.assertEqual(status["status"], "completed", status)
        self.assertEqual(status["traces_evaluated"], TRACES, "our own spans are not counted")
        self.assertEqual((status["spans_emitted"], status["spans_already_there"]), (0, VIOLATIONS))
        time.sleep(1)
        self.assertEqual(len(self.emitted_spans(rule)), VIOLATIONS)

    # ---- never false ----

    def test_c_a_range_without_traces(self):
        with self.serve(emit=False) as server:
            _, status = self.replay(server, SLOW_DB, start_time="2020-01-01T00:00:00Z", end_time="2020-01-02T00:00:00Z")
            self.assertEqual(status["status"], "incomplete", status)
            self.assertIn("no_data", status["reason"])
            self.assertFalse(status["coverage"]["complete"])

    def test_d_tempo_goes_away_in_the_middle(self):
        """After request number k nothing is answered any more: whatever k, the replay never says completed with something unread. A Tempo that was
        slow is asked more than once, so the last number may not be reached again."""
        with CountingProxy(self.tempo.url) as counting, self.serve(counting.url, emit=False) as server:
            counting.begin()
            _, status = self.replay(server, SLOW_DB)
            self.assertEqual(status["status"], "completed")
            whole = counting.requests
        self.assertGreater(whole, 3)
        for allowed in sorted({0, 1, 2, 3, whole // 2, whole - 1}):
            with self.subTest(allowed=allowed, whole=whole), CountingProxy(self.tempo.url, allowed) as proxy:
                with self.serve(proxy.url, emit=False) as server:
                    proxy.begin()
                    replay_id, status = self.replay(server, SLOW_DB)
                    if not proxy.gone:
                        self.assertEqual((allowed, status["status"]), (whole - 1, "completed"))
                        continue
                    self.assertIn(status["status"], ("incomplete", "failed"), json.dumps(status, indent=1))
                    self.assertTrue(status["reason"])
                    found = {v["trace_id"] for v in server.violations(replay_id)}
                    self.assertLessEqual(found, set(self.truth["slow-db-no-retry"]), "what is reported is true")
                    server.stop()

    def test_y_tempo_is_killed_in_the_middle(self):
        """The same with a real Tempo of its own that is killed while it answers."""
        with TempoServer(config="fast") as doomed:
            pushed = run_cli("generate", *self.recipe, "--otlp", doomed.otlp_url, timeout=300)
            self.assertEqual(pushed.returncode, 0, pushed.stderr)
            doomed.wait_until(lambda: len(doomed.search("{}", *self.seconds, limit=100000, spss=1)) >= TRACES, "searchable")
            with CountingProxy(doomed.url, allowed=1, when_reached=doomed.kill) as proxy, self.serve(proxy.url, emit=False) as server:
                proxy.begin()
                _, status = self.replay(server, SLOW_DB)
                self.assertIn(status["status"], ("incomplete", "failed"), json.dumps(status, indent=1))
                self.assertTrue(status["reason"])

    def test_z_tempo_is_not_there(self):
        with self.serve("http://127.0.0.1:1", emit=False) as server:
            self.assertEqual(server.get("/ready").status, 503)
            _, status = self.replay(server, SLOW_DB)
            self.assertEqual(status["status"], "failed", status)

    # ---- files and the command line ----

    def test_d_a_tempo_that_contradicts_itself(self):
        """Its searches for the rule find nothing, and the traces that are read to compare violate it: the answer says so, and the metric."""
        def finds_nothing(wire, request, answer):
            if "name" in request.parameters.get("q", "") and "trace:id" not in request.parameters["q"]:
                send_whole(wire, request, Answer(200, {"Content-Type": "application/json"}, b'{"traces":[],"metrics":{}}'))
                return True
            return Proxy.pass_on(wire, request, answer)
        rule = {"id": "queries", "name": "queries", "dsl": 'trace.has(span.name == "db.query")', "severity": "low"}
        with Proxy(self.tempo.url, finds_nothing) as lying, self.serve(lying.url, emit=False) as server:
            _, answer = self.replay(server, rule)
            self.assertEqual((answer["status"], answer["reason"].split(":")[0]), ("incomplete", "search_differs"), answer)
            family = prometheus_text.read(server.get("/metrics").body.decode())["betrace_rule_sample_differences_total"]
            self.assertEqual([(labels["rule_id"], value) for _, labels, value in family.samples], [("queries", answer["sample_differences"])])
            self.assertGreater(answer["sample_differences"], 0)

    def test_e_files_give_the_same_verdicts(self):
        early, late = (os.path.join(self.folder.name, name) for name in ("early.jsonl", "late.jsonl"))
        made = run_cli("generate", *self.recipe, "--out", early, "--late", late)
        self.assertEqual(made.returncode, 0, made.stderr)
        for rule in RULES:
            answers = []
            for source in (("--tempo", self.tempo.url), ("--traces", early, "--traces", late)):
                done = run_cli("replay", "--dsl", rule["dsl"], *source, "--start", self.range["start_time"], "--end", self.range["end_time"], "--json")
                self.assertEqual(done.returncode, 1, done.stderr)
                answer = json.loads(done.stdout)
                self.assertEqual(answer["status"], "completed")
                self.assertEqual(answer["traces_evaluated"], TRACES)
                answers.append([(v["id"], v["trace_id"], v["time"], v["span_id"], v["message"], v["witnesses"]) for v in answer["violations"]])
            self.assertEqual(answers[0], answers[1])
            self.assertEqual(len(answers[0]), VIOLATIONS)

    def test_f_command_line(self):
        done = run_cli("replay", "--dsl", SLOW_DB["dsl"], "--tempo", self.tempo.url, "--since", "25h")
        self.assertEqual(done.returncode, 1, done.stderr + done.stdout)
        self.assertIn("37 violations", done.stdout)
        nothing = run_cli("replay", "--dsl", "trace.has(no.such.span)", "--tempo", self.tempo.url, "--since", "25h")
        self.assertEqual(nothing.returncode, 0, nothing.stdout)
        unreachable = run_cli("replay", "--dsl", "trace.has(no.such.span)", "--tempo", "http://127.0.0.1:1")
        self.assertEqual(unreachable.returncode, 3, unreachable)

    def test_g_interrupted(self):
        process = subprocess.Popen([binary(), "replay", "--dsl", SLOW_DB["dsl"], "--tempo", self.tempo.url, "--since", "25h"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=sanitizer_environment())
        time.sleep(0.3)
        process.send_signal(2)
        out, err = process.communicate(timeout=30)
        self.assertNotIn("Sanitizer", err)
        self.assertRegex(out, "cancelled|completed")


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1, argv=[argument for argument in sys.argv if argument != "--short"])
