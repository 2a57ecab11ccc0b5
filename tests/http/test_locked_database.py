"""Another program has locked the rule database. Writes wait for the end of a short lock, and say so where it is long.
After a wait without effect the next ones wait less, so that a line of writes does not take its length times the
patience. What reads goes on."""
import os
import sqlite3
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import Betrace  # noqa: E402

AFTERWARDS = 4


class LockedDatabase(unittest.TestCase):
    def setUp(self):
        self.server = Betrace("--memory-source")
        self.server.start()
        self.addCleanup(self.server.__exit__)
        self.assertEqual(self.server.post("/v1/rules", {"id": "first", "dsl": "a"}).status, 201)
        self.lock = sqlite3.connect(self.server.db, isolation_level=None, check_same_thread=False)
        self.addCleanup(self.lock.close)
        self.lock.execute("BEGIN IMMEDIATE")

    def write(self, rule_id):
        """(the answer, seconds)."""
        began = time.monotonic()
        answer = self.server.post("/v1/rules", {"id": rule_id, "dsl": "a"})
        return answer, time.monotonic() - began

    def test_for_a_moment(self):
        threading.Timer(0.5, self.lock.execute, ["ROLLBACK"]).start()
        self.assertEqual(self.write("later")[0].status, 201)

    def test_for_long(self):
        answer, waited = self.write("one")
        self.assertEqual(answer.status, 503, answer)
        self.assertIn("another program holds a lock on it", answer.json()["detail"])
        afterwards = [self.write(f"r{i}") for i in range(AFTERWARDS)]
        self.assertEqual({answer.status for answer, _ in afterwards}, {503})
        self.assertLess(sum(seconds for _, seconds in afterwards) / AFTERWARDS, waited / 3)
        self.assertEqual([rule["id"] for rule in self.server.get("/v1/rules").json()["rules"]], ["first"])
        self.lock.execute("ROLLBACK")
        self.assertEqual(self.write("after")[0].status, 201)


if __name__ == "__main__":
    unittest.main()
