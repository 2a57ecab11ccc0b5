"""`betrace backup` next to a running service, restoring what it made, and what a service says that is started on a
damaged database."""
import json
import os
import shutil
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402


class BackupTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="betrace-backup-")
        self.addCleanup(self.folder.cleanup)
        self.traces = os.path.join(self.folder.name, "traces.jsonl")
        self.assertEqual(run_cli("generate", "--traces", 50, "--violations", 1, "--out", self.traces).returncode, 0)
        self.db = os.path.join(self.folder.name, "rules.db")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def test_restore_what_was_there(self):
        """While others write: everything acknowledged before the backup is in it, and a service on the copy serves it."""
        with Betrace("--traces", self.traces, db=self.db) as server:
            stop = threading.Event()

            def write(name):
                number = 0
                while not stop.is_set():
                    server.put(f"/v1/rules/{name}", {"dsl": f"count(a) > {number}"})
                    number += 1
            for name in ("x", "y"):
                self.assertEqual(server.post("/v1/rules", {"id": name, "dsl": "a"}).status, 201)
            for i in range(40):
                self.assertEqual(server.post("/v1/rules", {"id": f"r{i:02}", "dsl": "a", "labels": {"i": str(i)}}).status, 201)
            writers = [threading.Thread(target=write, args=(name,)) for name in ("x", "y")]
            for writer in writers:
                writer.start()
            before = {rule["id"]: rule for rule in server.get("/v1/rules?limit=1000").json()["rules"]}
            done = run_cli("backup", "--db", self.db, "--json", self.path("copy.db"))
            stop.set()
            for writer in writers:
                writer.join()
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout)["rules"], 42)
            after = {rule["id"]: rule for rule in server.get("/v1/rules?limit=1000").json()["rules"]}
        with Betrace("--traces", self.traces, db=self.path("copy.db")) as restored:
            copied = {rule["id"]: rule for rule in restored.get("/v1/rules?limit=1000").json()["rules"]}
            for rule_id, rule in before.items():
                if rule_id in ("x", "y"):
                    self.assertLessEqual(rule["version"], copied[rule_id]["version"])
                    self.assertLessEqual(copied[rule_id]["version"], after[rule_id]["version"])
                else:
                    self.assertEqual(copied[rule_id], rule)
            self.assertEqual(restored.post("/v1/rules", {"id": "new", "dsl": "a"}).status, 201)

    def test_refusals(self):
        with Betrace("--traces", self.traces, db=self.db) as server:
            server.post("/v1/rules", {"id": "r", "dsl": "a"})
            for arguments, status, says in ((("--db", self.db, self.db), 3, "there already"), (("--db", self.path("nosuch.db"), self.path("c.db")), 3, "there is no rule database"),
                                            (("--db", self.traces, self.path("c.db")), 3, "not a database"), (("--db", self.db), 2, "which file"), (("--db", self.db, self.path("no/c.db")), 3, "")):
                with self.subTest(arguments=arguments):
                    done = run_cli("backup", *arguments)
                    self.assertEqual(done.returncode, status, done)
                    self.assertIn(says, done.stderr)
            self.assertFalse(os.path.exists(self.path("c.db")))
            self.assertEqual(server.get("/v1/rules/r").status, 200)
        self.assertEqual(run_cli("backup", self.path("by-environment.db"), env={"BETRACE_DB": self.db}).returncode, 0)

    def test_a_damaged_database_is_refused_and_a_backup_mends_it(self):
        with Betrace("--traces", self.traces, db=self.db) as server:
            for i in range(60):
                server.post("/v1/rules", {"id": f"r{i:02}", "dsl": "a", "description": "x" * 2000})
        self.assertEqual(run_cli("backup", "--db", self.db, self.path("copy.db")).returncode, 0)
        with open(self.db, "r+b") as file:
            file.seek(5 * 4096)
            file.write(b"\xa5" * 4096)
        done = run_cli("serve", "--traces", self.traces, "--db", self.db, "--listen", "127.0.0.1:0")
        self.assertEqual(done.returncode, 3, done)
        for words in ("damaged", "keep a copy", "betrace backup", self.db):
            self.assertIn(words, done.stderr)
        for ending in ("", "-wal", "-shm"):
            if os.path.exists(self.db + ending):
                os.rename(self.db + ending, self.path("damaged" + ending))
        shutil.copy(self.path("copy.db"), self.db)
        with Betrace("--traces", self.traces, db=self.db) as server:
            self.assertEqual(len(server.get("/v1/rules?limit=1000").json()["rules"]), 60)


if __name__ == "__main__":
    unittest.main()
