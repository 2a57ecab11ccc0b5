"""On a Tempo that behaves as near to its defaults as a test can wait for: caps, backend blocks, and a hand-over during
which spans that search has shown are gone from its next answer. Traces are pushed live, the retries of some come
alone 8 s later. From then on the rule is replayed again and again for more than a minute: whatever Tempo's search
shows at a moment, no trace is ever called violating that is not. A replay that says completed has all of them.

The spans are at most 20 s old when they arrive: what is older than query_ingesters_until (40 s in this config, 30 min by default) on arrival, or
becomes so before its block is flushed and polled (up to 20 s here), is in no search for a while: until that is over for spans that came so late
(`--lateness`) nothing is settled, and no replay says completed (tests/facts/facts_late.py measures it; docs/operations/tempo.md says what to set)."""
import json
import os
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import run_cli  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from seed_rules import PII_AUDIT, SLOW_DB, TRUTH  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

TRACES, VIOLATIONS, WATCHED_SECONDS = 1200, 12, 70
WANTED_COMPLETED, PATIENCE_SECONDS = 4, 600  # a slow machine takes longer for as many


class StockTempo(unittest.TestCase):
    def test_no_moment_is_false(self):
        with tempfile.TemporaryDirectory(prefix="betrace-stock-") as folder, TempoServer(config="stock") as tempo:
            truth_file = os.path.join(folder, "truth.json")
            end = int(time.time())
            pushed = run_cli("generate", "--traces", TRACES, "--violations", VIOLATIONS, "--since", "10s", "--end", end, "--otlp", tempo.otlp_url,
                             "--late-after", "8s", "--truth", truth_file)
            self.assertEqual(pushed.returncode, 0, pushed.stderr)
            with open(truth_file, encoding="utf-8") as file:
                truth = json.load(file)
            # Settled is what is older than 15 s; everything was pushed before that.
            time.sleep(max(0.0, end + 20 - time.time()))
            outcomes = self.watch(tempo, truth, end)
            self.assertGreaterEqual(outcomes["completed"], WANTED_COMPLETED, outcomes)

    def watch(self, tempo, truth, end):
        outcomes = {"completed": 0}
        begin = time.monotonic()
        while time.monotonic() < begin + (WATCHED_SECONDS if outcomes["completed"] >= WANTED_COMPLETED else PATIENCE_SECONDS):
            for rule in (SLOW_DB, PII_AUDIT):
                done = run_cli("replay", "--dsl", rule["dsl"], "--tempo", tempo.url, "--start", end - 10, "--end", end + 5, "--settle", "15s",
                               "--lateness", "20s", "--json")
                answer = json.loads(done.stdout)
                # Of a range that is settled in part the rest says nothing yet.
                is_whole = answer["coverage"]["effective_end"] == answer["coverage"]["asked"]["end"]
                outcome = answer["status"] if is_whole else answer["status"] + " in part"
                outcomes[outcome] = outcomes.get(outcome, 0) + 1
                found = {v["trace_id"] for v in answer["violations"]}
                planted = set(truth[TRUTH[rule["id"]]])
                self.assertLessEqual(found, planted, f"false violations {time.time() - end:.0f} s after the last trace")
                if outcome == "completed":
                    self.assertEqual(found, planted, f"missed violations {time.time() - end:.0f} s after the last trace")
                    self.assertEqual(answer["traces_evaluated"], TRACES)
                elif answer["status"] != "completed":
                    self.assertTrue(answer["reason"], answer)
            time.sleep(3)
        return outcomes


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
