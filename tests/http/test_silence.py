"""A service with --silence. A rule that a rename silenced is a metric with what went and what came, and a part of /ready. Another rule is 0."""
import os
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from betrace_process import Betrace  # noqa: E402
from test_cli_silent import line  # noqa: E402

DAYS, A_STEP, PER_STEP = 8, 900, 40


class Silence(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-silence-")
        self.addCleanup(folder.cleanup)
        self.traces, number = os.path.join(folder.name, "t.jsonl"), 0
        end = int(time.time()) // A_STEP * A_STEP + 2 * A_STEP  # so that the newest quarter of an hour is whole, whenever the test ends
        self.renamed = end - 5 * A_STEP
        with open(self.traces, "w", encoding="utf-8") as file:
            for step in range(end - DAYS * 86400, end, A_STEP):
                if (step - self.renamed) % 86400 > 4 * A_STEP and (step - self.renamed) % 86400 < 86400 - 4 * A_STEP:
                    continue  # the same hours of each day are enough
                for service, names in (("db", ("db.client.query", "db.query")), ("calm", ("call", "call"))):
                    for at in range(PER_STEP):
                        number += 1
                        file.write(line(number, step + at * 20, service, names[step >= self.renamed], {}))

    def metric(self, server, rule):
        return [one for one in server.get("/metrics").body.decode().splitlines() if one.startswith("betrace_rule_silent{") and f'rule_id="{rule}"' in one]

    def test_a_rename_is_seen(self):
        db = os.path.join(os.path.dirname(self.traces), "rules.db")
        with Betrace("--traces", self.traces, "--silence", "8d", db=db) as server:
            self.assertEqual(server.post("/v1/rules", {"id": "slow", "dsl": 'when { "db.client.query" } always { audit }'}).status, 201)
            self.assertEqual(server.post("/v1/rules", {"id": "calm", "dsl": "when { call } always { audit }"}).status, 201)
            self.assertEqual(server.get("/ready").json()["parts"]["silence"], {"ready": True})
        # A rule that is new is looked at with the next quarter of an hour; what is stored is, as the service starts.
        with Betrace("--traces", self.traces, "--silence", "8d", db=db) as server:
            until = time.monotonic() + 60
            while not self.metric(server, "slow") and time.monotonic() < until:
                time.sleep(0.2)
            slow, = self.metric(server, "slow")
            self.assertIn('went="span db.client.query (in db)",came="span db.query (in db)"', slow)
            self.assertTrue(slow.endswith(" 1"), slow)
            calm, = self.metric(server, "calm")
            self.assertTrue(calm.endswith(" 0") and "went" not in calm, calm)
            since = next(one for one in server.get("/metrics").body.decode().splitlines() if one.startswith("betrace_rule_silent_since_timestamp_seconds{"))
            self.assertEqual(float(since.split()[-1]), self.renamed)
            ready = server.get("/ready").json()
            self.assertEqual((ready["status"], ready["parts"]["silence"]["ready"]), ("degraded", False))
            self.assertIn("1 rule has fallen silent, the first since", ready["parts"]["silence"]["reason"])
            self.assertNotIn("slow", ready["parts"]["silence"]["reason"])

    def test_without_it_nothing_is_said(self):
        with Betrace("--traces", self.traces) as server:
            self.assertEqual(server.post("/v1/rules", {"id": "slow", "dsl": 'when { "db.client.query" } always { audit }'}).status, 201)
            self.assertNotIn("silence", server.get("/ready").json()["parts"])
            self.assertEqual(self.metric(server, "slow"), [])


if __name__ == "__main__":
    unittest.main()
