"""kill -9 at random moments of hundreds of writes over HTTP. Every acknowledged version is there after a restart,
imports are there whole or not at all, and replays that were running are gone and say so."""
import http.client
import os
import random
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402

WRITES, WRITERS, GROUP = 200, 3, 12
GONE = (OSError, http.client.HTTPException)


class Writer(threading.Thread):
    """Writes rules of its own until the server is gone; keeps what was acknowledged, and the one write that may or may not have been done."""

    def __init__(self, server, name, known, chooser, counter):
        super().__init__(daemon=True)
        self.server, self.name, self.known, self.chooser, self.counter = server, name, known, chooser, counter
        self.problem = None

    def acknowledge(self, rule_id, version, text, deleted=False):
        self.known.setdefault(rule_id, {})[version] = (text, deleted)
        self.counter.append(1)

    def write_one(self):
        rule_id, number = f"{self.name}-{self.chooser.randrange(4)}", self.chooser.randrange(10**9)
        text = f"count(a) > {number}"
        versions = self.known.get(rule_id, {})
        exists = versions and not versions[max(versions)][1]
        kind = self.chooser.random()
        if not exists:
            answer = self.server.post("/v1/rules", {"id": rule_id, "dsl": text})
            if answer.status == 409:  # the write that nobody could acknowledge was done
                answer = self.server.put(f"/v1/rules/{rule_id}", {"dsl": text})
        elif kind < 0.15:
            answer = self.server.delete(f"/v1/rules/{rule_id}")
        else:
            answer = self.server.put(f"/v1/rules/{rule_id}", {"dsl": text})
        if answer.status in (204, 404):  # deleted now, or by a write that nobody could acknowledge
            last = self.server.get(f"/v1/rules/{rule_id}/versions").json()["versions"][-1]
            self.acknowledge(rule_id, last["version"], last["dsl"], True)
            return
        assert answer.status in (200, 201), answer
        self.acknowledge(rule_id, answer.json()["version"], text)

    def import_group(self):
        number = self.chooser.randrange(10**9)
        rules = "".join(f"- {{id: {self.name}-g{i:02}, dsl: count(a) > {number}}}\n" for i in range(GROUP))
        answer = self.server.post("/v1/rules/import", "rules:\n" + rules)
        assert answer.status == 200, answer
        for rule in answer.json()["rules"]:
            self.acknowledge(rule["id"], rule["version"], f"count(a) > {number}")

    def run(self):
        try:
            while True:
                if self.chooser.random() < 0.15:
                    self.import_group()
                else:
                    self.write_one()
        except GONE:
            pass
        except Exception as problem:  # shown by the test
            self.problem = problem


class KillTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="betrace-kill-")
        self.addCleanup(self.folder.cleanup)
        self.traces = os.path.join(self.folder.name, "traces.jsonl")
        self.assertEqual(run_cli("generate", "--traces", 3000, "--violations", 3, "--end", "2026-03-10T12:00:00Z", "--out", self.traces).returncode, 0)
        self.db = os.path.join(self.folder.name, "rules.db")

    def check(self, server, known):
        """Everything that was acknowledged, and at most one version more for each rule: the write that was under way."""
        for rule_id, acknowledged in known.items():
            answer = server.get(f"/v1/rules/{rule_id}/versions")
            self.assertEqual(answer.status, 200, f"{rule_id} was acknowledged and is gone")
            stored = {v["version"]: (v["dsl"], v["deleted"]) for v in answer.json()["versions"]}
            for version, said in acknowledged.items():
                self.assertEqual(stored.get(version), said, f"{rule_id} version {version}")
            self.assertEqual(sorted(stored), list(range(1, len(stored) + 1)))
        for name in range(WRITERS):
            counts = set()
            for i in range(GROUP):
                answer = server.get(f"/v1/rules/w{name}-g{i:02}/versions")
                counts.add(len(answer.json()["versions"]) if answer.status == 200 else 0)
            self.assertEqual(len(counts), 1, "an import was stored in part")

    def test_nothing_acknowledged_is_lost(self):
        seed = int(os.environ.get("BETRACE_SEED", "20261120"))
        chooser = random.Random(seed)
        known = [{} for _ in range(WRITERS)]
        counter, kills = [], 0
        while len(counter) < WRITES or kills < 5:
            server = Betrace("--traces", self.traces, db=self.db)
            self.addCleanup(server.__exit__)
            server.start()
            writers = [Writer(server, f"w{i}", known[i], random.Random(chooser.random()), counter) for i in range(WRITERS)]
            target = len(counter) + chooser.randrange(1, 60)
            for writer in writers:
                writer.start()
            while len(counter) < target and any(writer.is_alive() for writer in writers):
                time.sleep(chooser.random() / 1000)
            server.kill()
            kills += 1
            for writer in writers:
                writer.join(30)
                self.assertIsNone(writer.problem, f"seed {seed}")
            with Betrace("--traces", self.traces, db=self.db) as again:
                for rules in known:
                    self.check(again, rules)

    def test_a_replay_that_was_running_is_gone(self):
        server = Betrace("--traces", self.traces, db=self.db)
        self.addCleanup(server.__exit__)
        server.start()
        server.post("/v1/rules", {"id": "r", "dsl": "not a"})
        ids = []
        for _ in range(6):  # more than run at once, so that some are under way and some wait
            answer = server.post("/v1/rules/r/replay", {"start_time": "2026-03-01T00:00:00Z", "end_time": "2026-03-10T12:00:00Z"})
            self.assertEqual(answer.status, 202, answer)
            ids.append(answer.json()["replay_id"])
        server.kill()
        with Betrace("--traces", self.traces, db=self.db) as again:
            self.assertEqual(again.get("/v1/rules/r").json()["version"], 1)
            for replay_id in ids:
                self.assertEqual(again.get(f"/v1/replays/{replay_id}").status, 404)
                self.assertEqual(again.get(f"/v1/replays/{replay_id}/violations").status, 404)
            self.assertEqual(again.get("/v1/rules/r/replay/status").status, 404)
            self.assertEqual(again.get("/v1/replays").json()["replays"], [])
            fresh = again.post("/v1/rules/r/replay", {"start_time": "2026-03-01T00:00:00Z", "end_time": "2026-03-10T12:00:00Z"}).json()["replay_id"]
            self.assertNotIn(fresh, ids, "an id never means two replays")


if __name__ == "__main__":
    unittest.main()
