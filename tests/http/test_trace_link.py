"""`--trace-link-template`: each place that shows a violation has the link, none has it without the setting, and a template that is no such URL is refused everywhere with what it has to be."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from trace_files import span, trace, trace_id  # noqa: E402

RULE = "when { checkout } never { refund }"
SPAN = "00000000000000c1"
TRACES = [trace(7, span("checkout", id=SPAN), span("refund", at=2)), trace(8, span("checkout"))]
VARIABLE = "BETRACE_TRACE_LINK_TEMPLATE"
TEMPLATE = "https://signoz.example/trace/{trace_id}?spanId={span_id}"
LINK = f"https://signoz.example/trace/{trace_id(7)}?spanId={SPAN}"
TIMES = "http://h/{trace_id}?from={start_ms}&to={end_ms}"
TIMES_LINK = f"http://h/{trace_id(7)}?from=1767222000000&to=1767229200000"  # 2026-01-01T00:00:00Z and an hour around it
COMMANDS = {
    "replay": ["replay"], "replay junit": ["replay", "--output", "junit"], "replay github": ["replay", "--output", "github"],
    "replay json": ["replay", "--json"], "replay jsonl": ["replay", "--output", "jsonl"], "eval": ["eval"], "eval json": ["eval", "--json"],
    "first": ["first"], "first json": ["first", "--json"], "trace": ["trace", trace_id(7)], "trace json": ["trace", trace_id(7), "--json"]}


class TraceLink(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-link-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.traces = self.write("t.jsonl", "".join(TRACES))
        self.rules = self.write("rules.yaml", json.dumps({"rules": [{"id": "no-refund", "dsl": RULE}]}))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_for(self, command, *arguments, env=None):
        done = run_cli(*command, "--dsl", RULE, "--traces", self.traces, *arguments, env={VARIABLE: "", **(env or {})} if env else None)
        self.assertEqual(done.returncode, 1, f"{command}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def test_each_command_shows_it(self):
        for name, command in COMMANDS.items():
            with self.subTest(name):
                self.assertNotIn("http", self.run_for(command))
                self.assertEqual(self.run_for(command, "--trace-link-template", TEMPLATE).count(LINK), 1)
                self.assertEqual(self.run_for(command, env={VARIABLE: TEMPLATE}).count(LINK), 1)
                shown = self.run_for(command, "--trace-link-template", TIMES, env={VARIABLE: TEMPLATE})
                self.assertIn(TIMES_LINK.replace("&", "&amp;") if "junit" in name else TIMES_LINK, shown)
                self.assertNotIn(LINK, shown)

    def test_it_stands_under_the_violation(self):
        lines = self.run_for(["replay"], "--trace-link-template", TEMPLATE).splitlines()
        at = lines.index(f"  {LINK}")
        self.assertIn(trace_id(7), lines[at - 1])

    def test_a_change_of_rules_shows_it(self):
        old = self.write("old.yaml", json.dumps({"rules": [{"id": "no-refund", "dsl": "when { checkout } never { nothing }"}]}))
        for output in ([], ["--json"]):
            done = run_cli("diff", old, self.rules, "--traces", self.traces, *output, "--trace-link-template", TEMPLATE)
            self.assertEqual(done.stdout.count(LINK), 1, done.stdout + done.stderr)

    def test_an_exception_to_a_suggestion_shows_it(self):
        usual = "".join(trace(100 + i, span("order"), span("authorize", at=2), span("charge", at=5), at=i) for i in range(2000))
        other = "".join(trace(5000 + i, span("ping"), at=i) for i in range(300))  # without an order nothing is authorized
        many = self.write("many.jsonl", usual + other + trace(7, span("order", id=SPAN), span("charge", at=5)))
        done = run_cli("suggest", "--traces", many, "--sample", "5000", "--limit", "100", "--trace-link-template", TEMPLATE)
        self.assertIn(f"#   exception: {trace_id(7)}  {LINK}\n", done.stdout, done.stderr)

    def test_what_tests_sent_shows_it(self):
        junit, sarif = os.path.join(self.folder, "junit.xml"), os.path.join(self.folder, "out.sarif")
        send = ("import os, urllib.request\n"
                "for line in open(%r, 'rb'):\n"
                "    urllib.request.urlopen(urllib.request.Request(os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'] + '/v1/traces', data=line,\n"
                "        headers={'Content-Type': 'application/json'}))\n" % self.traces)
        done = run_cli("listen", self.rules, "--settle", "100ms", "--report", f"junit={junit},sarif={sarif},github", "--trace-link-template", TEMPLATE,
                       "--", sys.executable, "-c", send)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(f"    {LINK}\n", done.stdout)
        for path in (junit, sarif):
            with open(path, encoding="utf-8") as file:
                self.assertIn(LINK, file.read())
        annotations = [line for line in done.stdout.splitlines() if line.startswith("::error")]
        self.assertTrue(annotations and all(LINK in line for line in annotations), done.stdout)

    def test_the_service_answers_with_it(self):
        ask = "/v1/violations?start=2026-01-01T00:00:00Z&end=2026-01-01T00:00:01Z"
        body = {"id": "no-refund", "dsl": RULE}
        for arguments, env, expected in (([], {}, None), (["--trace-link-template", TEMPLATE], {}, LINK), ([], {VARIABLE: TIMES}, TIMES_LINK)):
            with Betrace("--traces", self.traces, *arguments, env=env) as betrace:
                self.assertEqual(betrace.request("POST", "/v1/rules", body).status, 201)
                found = betrace.request("GET", ask).json()["violations"]
                self.assertEqual([one.get("trace_url") for one in found], [expected])
                one = betrace.request("GET", f"/v1/traces/{trace_id(7)}/verdicts")
                self.assertEqual(one.body.count(b"trace_url"), 1 if expected else 0, one)

    def test_an_assistant_gets_it(self):
        begin = {"jsonrpc": "2.0", "id": 1, "method": "initialize",
                 "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}}
        call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "replay", "arguments": {
            "dsl": RULE, "start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:00:01Z"}}}
        done = run_cli("mcp", "--traces", self.traces, stdin=json.dumps(begin) + "\n" + json.dumps(call) + "\n", env={VARIABLE: TEMPLATE})
        self.assertIn(LINK, done.stdout, done.stderr)

    def test_other_templates_are_refused(self):
        for template in ("https://h/{traceId}", "javascript:alert('{trace_id}')", "https://h/trace", "https://{trace_id}/x", "https://u:p@h/{trace_id}"):
            for command in (["replay"], ["eval"], ["first"], ["trace", trace_id(7)]):
                for flag in (True, False):
                    given = ["--trace-link-template", template] if flag else []
                    done = run_cli(*command, "--dsl", RULE, "--traces", self.traces, *given, env={} if flag else {VARIABLE: template})
                    self.assertEqual(done.returncode, 2, f"{command} {template}\n{done.stdout}")
                    self.assertEqual(done.stdout, "")
                    for part in ("--trace-link-template" if flag else VARIABLE, "{trace_id}", "{span_id}", "{start_ms}", "{end_ms}", "{start_time}", "{end_time}", template):
                        self.assertIn(part, done.stderr)
            done = run_cli("serve", "--print-config", "--trace-link-template", template)
            self.assertEqual(done.returncode, 2, done.stdout)
            for part in ("trace-link-template", "{trace_id}", "{span_id}", "{start_ms}", "{end_ms}", "{start_time}", "{end_time}", template):
                self.assertIn(part, done.stderr)

    def test_a_command_without_links_does_not_mind(self):
        done = run_cli("explain", "--dsl", RULE, env={VARIABLE: "nonsense"})
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
