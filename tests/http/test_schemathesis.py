"""Schemathesis against the live server: what docs/openapi.yaml promises holds for thousands of generated requests. Nothing answers 5xx, every status,
content type and body is one that the page has, and methods that it does not have are refused.

The seed is fixed; SCHEMATHESIS_SEED=n tries another, SCHEMATHESIS_SECONDS=n takes longer. Each operation gets its share of a run; what does not
fit into the time is not tried, which the closing line says. --short takes a third of the time (make check).
"""
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import Betrace  # noqa: E402
from python_packages import python_with  # noqa: E402

SEED = os.environ.get("SCHEMATHESIS_SEED", "20260111")
SHORT = "--short" in sys.argv
SECONDS = int(os.environ.get("SCHEMATHESIS_SECONDS", "25" if SHORT else "75"))
LEAST_GENERATED = 60 if SHORT else 500  # of the page's 42 operations each has one by then
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance", "response_schema_conformance",
          "unsupported_method", "allow_header_conformance")
PHASES = ("examples", "coverage", "fuzzing", "stateful")
RULES = [{"id": "r1", "name": "Slow query", "dsl": 'trace.has(span.name == "db.query" and span.duration > 1s)', "labels": {"team": "a"}},
         {"id": "r2", "dsl": 'when { trace.has(span.name == "pii.read") } always { trace.has(span.name == "audit") }', "severity": "critical", "shadow": True}]


def run_schemathesis(server, seconds, checks=CHECKS, seed=SEED):
    """CompletedProcess of one run against a service."""
    python = python_with(os.path.join(HERE, "requirements.txt"))
    with tempfile.TemporaryDirectory() as folder:
        # Hypothesis keeps a folder of examples where it runs; this one goes away.
        return subprocess.run(
            [python, "-m", "schemathesis.cli", "run", os.path.join(ROOT, "docs/openapi.yaml"), "--url", f"http://127.0.0.1:{server.port}", "--seed", seed,
             "--max-time", str(seconds), "--phases", ",".join(PHASES), "--checks", ",".join(checks), "--max-examples", "40", "--request-timeout", "30",
             "--continue-on-failure", "--no-color", "--warnings", "off", "--suppress-health-check", "all"],
            cwd=folder, capture_output=True, text=True, timeout=seconds * 2 + 120, check=False)


def generated(done):
    """How many requests were made up."""
    counted = re.search(r"(\d[\d,]*) generated", done.stdout)
    return int(counted.group(1).replace(",", "")) if counted else 0


class SchemathesisTest(unittest.TestCase):
    def fill(self, server):
        """Something to find: a schema of an empty list proves little."""
        for rule in RULES:
            self.assertEqual(server.post("/v1/rules", rule).status, 201)
        start = int(time.time() - 600)
        spans = [{"trace_id": f"{i + 1:032x}", "span_id": "1", "name": name, "start_time": start, "duration_ms": 2000, "attributes": {"service.name": "shop"}}
                 for i, name in enumerate(("db.query", "pii.read", "other"))]
        self.assertEqual(server.post("/v1/spans", {"spans": spans}).status, 200)
        self.assertEqual(server.post("/v1/rules/r1/replay", {"start_time": "now-1h"}).status, 202)
        server.wait_replay("r1")

    def test_the_contract(self):
        with Betrace("--memory-source=16MiB", "--max-replays", "2") as server:
            self.fill(server)
            done = run_schemathesis(server, SECONDS)
            self.assertEqual(server.get("/health").status, 200, "it still serves")
        self.assertEqual(done.returncode, 0, done.stdout[-60000:] + done.stderr[-5000:])
        print(*re.findall(r"\d+ selected / \d+ total|[\d,]+ generated", done.stdout), file=sys.stderr)
        self.assertGreater(generated(done), LEAST_GENERATED, "too few requests to prove anything:\n" + done.stdout[-3000:])


if __name__ == "__main__":
    unittest.main(verbosity=1, argv=[argument for argument in sys.argv if argument != "--short"])
