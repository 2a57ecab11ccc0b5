"""GET /metrics: valid Prometheus text, what docs/reference/metrics.md lists, and numbers that follow what was done."""
import http.client
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from debian_package import programs_of  # noqa: E402
import doc_pages  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402
import prometheus_text  # noqa: E402

RULE = {"id": "r1", "name": "R", "dsl": 'trace.has(span.name == "bad")', "severity": "high"}


def documented():
    """{name: (type, {labels})} of the page."""
    entries = doc_pages.entries(doc_pages.section("reference/metrics.md", "All metrics"))
    rows = [re.fullmatch(r"\*\*`(\w+)`\*\*, (\w+), (?:labels ([\w, ]+)|no labels): \S.*", entry).groups() for entry in entries]
    return {name: (kind, set((labels or "").split(", ")) - {""}) for name, kind, labels in rows}


def span(trace_id, name, age_s=600):
    return {"trace_id": trace_id, "span_id": "a" * 16, "name": name, "start_time": int(time.time() - age_s), "duration_ms": 1}


class MetricsTest(unittest.TestCase):
    def setUp(self):
        self.server = Betrace("--memory-source")
        self.server.start()
        self.addCleanup(self.server.__exit__)

    def page(self):
        answer = self.server.get("/metrics")
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        return answer.body.decode()

    def families(self):
        return prometheus_text.read(self.page())

    def value(self, name, families=None, **labels):
        """The one sample with these labels; None without one."""
        family = (families or self.families())[name.removesuffix("_count").removesuffix("_sum") if name not in (families or {}) else name]
        found = [v for n, l, v in family.samples if n == name and all(l.get(k) == w for k, w in labels.items())]
        self.assertLessEqual(len(found), 1, found)
        return found[0] if found else None

    def replay(self, rule_id="r1"):
        self.assertEqual(self.server.post(f"/v1/rules/{rule_id}/replay", {"start_time": "now-1h", "end_time": "now-5m"}).status, 202)
        return self.server.wait_replay(rule_id)

    def test_everything_is_documented_and_there(self):
        self.server.post("/v1/rules", RULE)
        self.server.post("/v1/spans", {"spans": [span("1" * 32, "bad")]})
        self.replay()
        families = self.families()
        self.assertEqual({name: family.kind for name, family in families.items()}, {name: kind for name, (kind, _) in documented().items()})
        for name, family in families.items():
            for _, labels, _ in family.samples:
                self.assertEqual(set(labels) - {"le"}, documented()[name][1], name)
        # Watch is what fills these, and it is off here.
        empty = [name for name, family in families.items() if not family.samples]
        self.assertEqual([name for name in empty if not name.startswith("betrace_watch_")],
                         ["betrace_violations_estimated", "betrace_exercised_total", "betrace_rule_silent", "betrace_rule_silent_since_timestamp_seconds",
                          "betrace_rule_lag_seconds"])

    def test_promtool_agrees(self):
        try:
            promtool = programs_of("prometheus", "usr/bin/prometheus", "usr/bin/promtool") / "promtool"
        except OSError as error:
            self.skipTest(f"{error}; the strict reader stands in")
        self.server.post("/v1/rules", RULE)
        done = subprocess.run([promtool, "check", "metrics"], input=self.page(), capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_rules_are_there_from_the_start(self):
        self.assertEqual(self.families()["betrace_violations_total"].samples, [])
        self.server.post("/v1/rules", RULE)
        labels = {"rule_id": "r1", "severity": "high", "tenant": ""}
        self.assertEqual(self.families()["betrace_violations_total"].samples, [("betrace_violations_total", labels, 0)])
        self.assertEqual(self.families()["betrace_exercised_total"].samples, [], "without watch nobody counts them")
        self.assertEqual(self.families()["betrace_rule_last_evaluation_timestamp_seconds"].samples, [], "unknown is not 0")
        self.server.post("/v1/spans", {"spans": [span("1" * 32, "bad")]})
        before = time.time()
        self.assertEqual(self.replay()["violations_found"], 1)
        families = self.families()
        self.assertEqual(self.value("betrace_violations_total", families, rule_id="r1"), 0, "a replay is no watch")
        self.assertAlmostEqual(self.value("betrace_rule_last_evaluation_timestamp_seconds", families, rule_id="r1"), before, delta=60)
        self.server.post("/v1/rules/r1/disable")
        self.assertEqual(self.families()["betrace_violations_total"].samples, [])
        self.server.delete("/v1/rules/r1")
        self.assertEqual(self.families()["betrace_rule_last_evaluation_timestamp_seconds"].samples, [])

    def test_requests_by_route(self):
        for path in ("/v1/rules/a", "/v1/rules/b", "/v1/rules/c%22%0A"):
            self.server.get(path)
        self.server.get("/nosuch/12345")
        self.server.request("PATCH", "/v1/rules")
        self.server.get("/v1/rules", headers={"Host": "evil.example"})
        families = self.families()
        self.assertEqual(self.value("betrace_http_requests_total", families, method="GET", route="/v1/rules/{id}", status="4xx"), 3)
        self.assertEqual(self.value("betrace_http_requests_total", families, route="(none)", status="4xx"), 3)
        self.assertEqual(self.value("betrace_http_request_duration_seconds_count", families, method="GET", route="/v1/rules/{id}"), 3)
        self.assertNotIn("evil", self.page())
        self.assertNotIn("12345", self.page())

    def test_replays_and_spans(self):
        self.server.post("/v1/rules", RULE)
        self.server.post("/v1/spans", {"spans": [span("1" * 32, "a"), span("2" * 32, "bad")]})
        self.server.post("/v1/spans", {"spans": [{}]})
        self.replay()
        self.server.post("/v1/rules/r1/replay", {"start_time": "2001-01-01T00:00:00Z", "end_time": "2001-01-02T00:00:00Z"})
        self.server.wait_replay("r1")
        self.server.get("/v1/rules/r1/first-violation?start=now-1h")
        families = self.families()
        self.assertEqual(self.value("betrace_spans_pushed_total", families, outcome="accepted"), 2)
        self.assertEqual(self.value("betrace_replays_ended_total", families, status="completed"), 1)
        self.assertEqual(self.value("betrace_replays_ended_total", families, status="incomplete"), 1)
        self.assertEqual(self.value("betrace_replays", families, state="finished"), 2)
        self.assertEqual(self.value("betrace_evaluation_duration_seconds_count", families, kind="replay"), 2)
        self.assertEqual(self.value("betrace_evaluation_duration_seconds_count", families, kind="first_violation"), 1)
        self.assertEqual(self.value("betrace_replay_queue_duration_seconds_count", families), 2)
        self.assertGreater(self.value("betrace_replay_results_bytes", families), 0)
        self.assertGreater(self.value("betrace_memory_source_bytes", families), 0)
        for name in ("process_resident_memory_bytes", "process_open_fds", "process_max_fds", "process_cpu_seconds_total"):
            self.assertGreater(self.value(name, families), 0, name)
        self.assertAlmostEqual(self.value("process_start_time_seconds", families), time.time(), delta=300)
        self.assertEqual(self.value("betrace_build_info", families, source="memory"), 1)

    def test_pattern_memory(self):
        """A regex counts in full for each rule of a tenant, and once for the process; a rule that is disabled is not counted."""
        before = self.value("betrace_pattern_memory_bytes")
        for name in ("r1", "r2"):
            self.assertEqual(self.server.post("/v1/rules", {"id": name, "dsl": 'trace.has(span.name matches "metric-[a-z]{20}")'}).status, 201)
        families = self.families()
        tenant, whole = self.value("betrace_tenant_pattern_memory_bytes", families, tenant=""), self.value("betrace_pattern_memory_bytes", families) - before
        self.assertGreater(whole, 0)
        self.assertEqual(tenant, 2 * whole)
        self.assertEqual(self.value("betrace_tenant_pattern_memory_limit_bytes", families), 16 << 20)
        self.assertEqual(self.server.put("/v1/rules/r2", {"dsl": 'trace.has(span.name matches "metric-[a-z]{20}")', "enabled": False}).status, 200)
        self.assertEqual(self.value("betrace_tenant_pattern_memory_bytes", tenant=""), whole)

    def test_a_tenant_sees_its_own_rules(self):
        with tempfile.TemporaryDirectory() as folder:
            file, tokens = os.path.join(folder, "tokens"), {}
            for name, tenants in (("acme", "acme"), ("both", "acme,globex"), ("all", "*")):
                done = run_cli("token", "new", "--name", name, "--file", file, "--role", "editor", "--tenants", tenants)
                self.assertEqual(done.returncode, 0, done.stderr)
                tokens[name] = done.stdout.strip()
            with Betrace("--memory-source", "--tokens", file) as server:
                def ask(name, tenant, path, body=None):
                    headers = {"Authorization": f"Bearer {tokens[name]}", **({"X-Scope-OrgID": tenant} if tenant else {})}
                    return server.request("POST" if body else "GET", path, body, headers=headers)

                for tenant in ("acme", "globex"):
                    self.assertEqual(ask("both", tenant, "/v1/rules", dict(RULE, id=f"of-{tenant}")).status, 201)
                seen = {}
                for name, tenant in (("acme", "acme"), ("both", "globex"), ("all", None), ("all", "acme")):
                    answer = ask(name, tenant, "/metrics")
                    self.assertEqual(answer.status, 200, answer)
                    families = prometheus_text.read(answer.body.decode())
                    seen[name, tenant] = sorted((l["tenant"], l["rule_id"]) for _, l, _ in families["betrace_violations_total"].samples)
                    self.assertEqual({l["tenant"] for f in families.values() for _, l, _ in f.samples if "tenant" in l}, {t for t, _ in seen[name, tenant]})
        acme, globex = ("acme", "of-acme"), ("globex", "of-globex")
        self.assertEqual(seen, {("acme", "acme"): [acme], ("both", "globex"): [globex], ("all", None): [acme, globex], ("all", "acme"): [acme]})

    def test_lanes_that_a_hanging_tempo_fills(self):
        """Calls that wait for Tempo stand in their lane; what nobody keeps waiting is empty, and this page is answered."""
        def lanes(name, server):
            families = prometheus_text.read(server.get("/metrics").body.decode())
            return {labels["lane"]: value for _, labels, value in families[f"betrace_lane_{name}"].samples}
        with socket.create_server(("127.0.0.1", 0), backlog=256) as deaf, Betrace("--tempo", f"http://127.0.0.1:{deaf.getsockname()[1]}") as server:
            server.post("/v1/rules", RULE)
            places = lanes("places", server)
            callers = [http.client.HTTPConnection("127.0.0.1", server.port) for _ in range(int(places["source"]) + 3)]
            for one in callers:
                one.request("GET", "/v1/traces/" + "1" * 32 + "/verdicts")
            most = places["source"] - places["source"] // 4  # of one tenant
            while (lanes("running", server)["source"], lanes("queued", server)["source"]) != (most, len(callers) - most):
                time.sleep(0.05)
            self.assertEqual(lanes("refused_total", server)["source"], 0)
            self.assertEqual(lanes("queued", server)["store"], 0)
            for one in callers:
                one.close()
            while lanes("running", server)["source"] or lanes("queued", server)["source"]:
                time.sleep(0.05)

    def test_tempo_that_is_away(self):
        with Betrace("--tempo", "http://127.0.0.1:1") as server:
            server.get("/ready")
            families = prometheus_text.read(server.get("/metrics").body.decode())
        self.assertGreater(sum(v for _, l, v in families["betrace_tempo_requests_total"].samples if l["outcome"] == "unreachable"), 0)
        self.assertEqual(sum(v for _, l, v in families["betrace_tempo_requests_total"].samples if l["outcome"] == "ok"), 0)


if __name__ == "__main__":
    unittest.main(verbosity=1)
