"""The contract of docs/openapi.yaml while Tempo misbehaves: Schemathesis against a service whose way to a real Tempo fails at random. Answers may be errors of the
source, but every status, content type and body is one that the page has, and the service outlives it.

Only at full size (`make faults`). FAULT_SEED=n repeats a run, FAULT_SECONDS=n takes longer.
"""
import os
import random
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo"), os.path.join(HERE, "..", "http")]
from betrace_process import Betrace  # noqa: E402
from proxy import HONEST, NOTICEABLE, FaultProxy  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402
from test_schemathesis import CHECKS, RULES, generated, run_schemathesis  # noqa: E402

SECONDS = int(os.environ.get("FAULT_SECONDS", "150"))
SEED = int(os.environ.get("FAULT_SEED", random.randrange(1 << 32)))
# Behaviours that hold a request for as long as its timeout would leave time for few others.
SLOW = {"hung", "hung_after_head", "drip", "endless", "bomb"}


class ContractWithFaults(unittest.TestCase):
    def test_the_contract(self):
        names = sorted((set(HONEST) | set(NOTICEABLE)) - SLOW) + ["plain"] * 10 + ["hung"]
        chosen = random.Random(SEED)
        with TempoServer(config="fast") as tempo, FaultProxy(tempo.url, [chosen.choice(names) for _ in range(200_000)], seed=SEED) as proxy, \
                Betrace("--tempo", proxy.url, "--otlp", tempo.otlp_url, "--request-timeout", "20s", "--tempo-timeout", "1s") as server:
            for rule in RULES:
                self.assertEqual(server.post("/v1/rules", rule).status, 201)
            spans = [{"trace_id": f"{i + 1:032x}", "span_id": "1", "name": "db.query", "start_time": int(time.time() - 600), "duration_ms": 2000} for i in range(20)]
            self.assertEqual(server.post("/v1/spans", {"spans": spans}).status, 200)
            done = run_schemathesis(server, SECONDS, [check for check in CHECKS if check != "not_a_server_error"], str(SEED))
            self.assertEqual(server.get("/health").status, 200, "it still serves")
        print(f"seed {SEED}: {generated(done)} requests, {proxy.count} of Tempo", file=sys.stderr)
        self.assertEqual(done.returncode, 0, f"seed {SEED}\n" + done.stdout[-60000:] + done.stderr[-5000:])
        self.assertGreater(generated(done), 100, done.stdout[-3000:])
        self.assertGreater(proxy.count, 50, "Tempo was hardly asked")


if __name__ == "__main__":
    require_tempo()
    unittest.main()
