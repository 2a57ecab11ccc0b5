"""The shapes of --json: the list of docs/reference/output.md is what programs may rely on, so it is read from there and each command is held to it."""
import json
import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import doc_pages  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402
from trace_files import span, trace  # noqa: E402

ENTRY = re.compile(r"`([\w-]+)`: ([\w, ]+)")
TABLE = dict(ENTRY.fullmatch(entry).groups() for entry in doc_pages.entries(doc_pages.section("reference/output.md", "What programs read")))
RULES = """rules:
- id: a
  dsl: |
    when { a }
    always { b }
  tests:
  - {name: t, trace: [{span: a}], expect: violated}
"""


class JsonTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-json-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.rules, cls.traces = cls.write("r.yaml", RULES), cls.write("t.jsonl", trace(1, span("a")) + trace(2, span("a"), span("b")))

    @classmethod
    def write(cls, name, text):
        path = os.path.join(cls.folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def arguments(self, command):
        over = ["--rules", self.rules, "--traces", self.traces]
        window = "2026-01-01T00:00:00Z..2026-01-02T00:00:00Z"
        return {"init": [os.path.join(self.folder.name, "init")], "check": [self.rules], "fmt": ["--check", self.rules], "test": [self.rules], "diff": [self.rules, self.rules, "--traces", self.traces],
                "compare": [*over, "--before", window, "--after", window], "gate": [*over, "--baseline", "1", "--candidate", "2"], "explain": [self.rules], "import": [self.rules], "version": [],
                "backtest": [*over, "--alerts", str(doc_pages.ROOT / "distribution/prometheus/betrace-slo.yaml")],
                "listen": ["--rules", self.rules, "--settle", "10ms", "--json", "--", "true"],
                "trace": ["1", *over], "merge": [self.write("s.json", run_cli("replay", *over, "--shard", "1/1").stdout)], "record": ["1", *over], "suggest": ["--traces", self.traces], "changed": ["--traces", self.traces, "--candidate", "a=b"],
                "generate": ["--traces", "10", "--out", os.path.join(self.folder.name, "g.pb")]}.get(command, over)

    def check(self, command, *arguments):
        done = run_cli(command, *arguments, "--json")
        self.assertIn(done.returncode, (0, 1, 3), done.stderr)
        missing = set(TABLE[command].split(", ")) - set(json.loads(done.stdout))
        self.assertEqual(missing, set(), command)

    def test_commands_over_files(self):
        self.assertGreater(len(TABLE), 14)
        for command in TABLE:
            if command not in ("sync", "verify-report", "doctor"):  # doctor: test_cli_doctor.py
                with self.subTest(command=command):
                    self.check(command, *self.arguments(command))

    def test_sync(self):
        with Betrace("--traces", self.traces) as server:
            self.check("sync", self.rules, "--server", f"http://127.0.0.1:{server.port}")

    def test_verify_report(self):
        with Betrace("--traces", self.traces) as server:
            rule = {"id": "a", "dsl": "when { a } always { b }", "annotations": {"compliance_framework": "SOC2", "soc2_control": "CC6.1"}}
            self.assertEqual(server.post("/v1/rules", rule).status, 201)
            report = server.get("/v1/compliance/reports/soc2?start=2026-01-01T00:00:00Z&end=2026-01-02T00:00:00Z&timeout=60s")
            self.assertEqual(report.status, 200, report)
        self.check("verify-report", self.write("report.json", report.body.decode()), "--chain-only")

    def test_every_command_that_has_json_stands_in_the_table(self):
        for name in run_cli("help", "--names").stdout.split():
            if name in ("eval", "serve", "completion") or "--json" not in run_cli(name, "--help").stdout:
                continue
            if name in ("canary", "token", "backup", "health"):  # documented on their own pages
                continue
            self.assertIn(name, TABLE)


if __name__ == "__main__":
    unittest.main(verbosity=1)
