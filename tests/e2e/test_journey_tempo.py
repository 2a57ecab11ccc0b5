"""One journey on the real Tempo: init, check, record from a real trace, test, replay, diff, gate, sync. Ids go from one command to the next by --ids
alone: what a command prints is never cut apart. The page of the same name in docs/howto/ shows it, and tests/e2e/test_docs.py runs that."""
import json
import os
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import Betrace, run_cli  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

TRACES = 400
RULE = "rules:\n- id: slow-queries-are-retried\n  severity: high\n  dsl: |\n    when { db.query.where(span.duration > 1s) }\n    always { retry }\n"


class JourneyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-journey-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = os.path.join(folder.name, "shop")
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        # A rollout at a quarter before the end: version 1.4.3 breaks the rule, 1.4.2 does not.
        done = run_cli("generate", "--traces", TRACES, "--scenario", "rollout", "--since", "20h", "--end", str(int(time.time()) - 7200), "--seed", "7",
                       "--otlp", cls.tempo.otlp_url)
        assert done.returncode == 0, done.stderr
        now = int(time.time())
        cls.tempo.wait_until(lambda: len(cls.tempo.search("{}", now - 86400, now)) >= TRACES, "the traces are searchable")

    def run_command(self, status, *arguments, asks=False, ranged=False):
        source = ["--tempo", self.tempo.url] if asks else []
        done = run_cli(*arguments, *source, *(["--since", "24h"] if ranged else []), timeout=300)
        self.assertEqual(done.returncode, status, f"{arguments}\n{done.stdout[:2000]}\n{done.stderr}")
        return done.stdout

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path("rules", name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path("rules", name)

    def test_from_nothing_to_a_synced_rule(self):
        self.run_command(0, "init", self.folder, "--ci", "gitlab", asks=True, ranged=True)
        self.assertIn("2 rules checked: 0 errors, 0 warnings", self.run_command(0, "check", self.path("rules")))
        self.assertIn("4 tests: 4 passed", self.run_command(0, "test", self.path("rules")))
        rules = self.write("queries.yaml", RULE)
        ids = self.run_command(1, "replay", rules, "--ids", asks=True, ranged=True).split()
        self.assertEqual(len(ids), len(set(ids)))
        self.assertGreater(len(ids), 3)
        first = self.run_command(1, "replay", rules, "--ids", "--limit", "1", asks=True, ranged=True).strip()
        self.assertEqual(first, ids[0])
        self.run_command(1, "trace", first, rules, asks=True)
        recorded = self.run_command(0, "record", first, rules, "--whole-file", asks=True)
        rules = self.write("queries.yaml", recorded)
        self.assertIn("5 tests: 5 passed", self.run_command(0, "test", self.path("rules")))
        self.run_command(0, "fmt", "--check", self.path("rules"))
        answer = json.loads(self.run_command(1, "replay", self.path("rules"), "--json", asks=True, ranged=True))
        self.assertEqual({v["trace_id"] for v in answer["violations"] if v["rule_id"] == "slow-queries-are-retried"}, set(ids))
        changed = self.write("../changed.yaml", recorded.replace("> 1s", "> 1h"))
        change = json.loads(self.run_command(1, "diff", rules, changed, "--json", asks=True, ranged=True))
        self.assertEqual(change["verdicts_changed"], len(ids), "no query takes an hour")
        gate = ("gate", rules, "--by", "service.version", "--min-exercised", "3", "--baseline", "1.4.2", "--candidate")
        self.assertIn("worse", self.run_command(1, *gate, "1.4.3", asks=True, ranged=True))
        with Betrace("--tempo", self.tempo.url) as service:
            url = f"http://127.0.0.1:{service.port}"
            self.run_command(1, "sync", self.path("rules"), "--url", url)
            self.run_command(0, "sync", self.path("rules"), "--url", url, "--apply")
            self.assertIn("in sync", self.run_command(0, "sync", self.path("rules"), "--url", url))


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
