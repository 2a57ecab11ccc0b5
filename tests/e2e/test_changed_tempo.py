"""`betrace changed` and `GET /v1/changes` over a real Tempo say what the command says over the same traces in a file."""
import json
import os
import sys
import tempfile
import time
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import Betrace, run_cli  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

TRACES, RANGE_S = 800, 20 * 3600


class ChangedOnTempo(unittest.TestCase):
    def test_both_say_the_same(self):
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="betrace-changed-"))
        tempo, file = TempoServer(config="fast").start(), os.path.join(folder, "t.jsonl")
        self.addCleanup(tempo.stop)
        end = int(time.time()) - 7200
        for target in (("--otlp", tempo.otlp_url), ("--out", file)):
            done = run_cli("generate", "--traces", TRACES, "--since", f"{RANGE_S}s", "--end", end, *target)
            self.assertEqual(done.returncode, 0, done.stderr)
        now = int(time.time())
        tempo.wait_until(lambda: len(tempo.search("{}", now - 86400, now, limit=100000, spss=1)) >= TRACES, "the traces are searchable")
        service = self.enterContext(Betrace("--tempo", tempo.url))
        within = {"start": end - RANGE_S - 60, "end": end + 60}
        for sides in ({"around": end - RANGE_S // 4}, {"baseline": "service.version=1.4.2", "candidate": "service.version=1.4.3"}):
            answers = []
            for source in (("--tempo", tempo.url), ("--traces", file)):
                flags = (part for name, value in (within | sides).items() for part in (f"--{name}", value))
                done = run_cli("changed", *flags, *source, "--json", timeout=300)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                answers.append(json.loads(done.stdout))
            self.assertEqual(*answers)
            for _ in range(4):  # what a busy machine does not do in the longest time that may be asked for is asked for again
                answer = service.get("/v1/changes?" + urllib.parse.urlencode(within | sides | {"timeout": "60s"}), timeout=100).json()
                if not (answer.get("reason") or "").startswith("its time was over"):
                    break
            self.assertEqual(answer, answers[0])
            self.assertTrue(any("payment.process takes" in change["behaviour"] for change in answers[0]["changes"]), answers[0]["changes"])
        versions = ("--unknown", "--baseline", "1.4.2", "--candidate", "1.4.3")
        for words in (("changed",), ("gate", *versions)):
            answers = []
            for source in (("--tempo", tempo.url), ("--traces", file)):
                done = run_cli(*words, "--start", within["start"], "--end", within["end"], *source, "--json", timeout=300)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                answers.append(json.loads(done.stdout))
            self.assertEqual(*answers)
            self.assertIn("1.4.3", json.dumps(answers[0].get("deploys", answers[0])))


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
