"""The regexes of a tenant's enabled rules have a budget: what does not fit is refused and says what to do; at the start it is a broken rule,
and the others serve."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from betrace_process import Betrace  # noqa: E402

LARGE = ['trace.has(a matches "\\\\pL{50}")', 'trace.has(b matches "x\\\\pL{50}")', 'trace.has(c =~ "y\\\\pL{50}")']


def rule(name, text, **more):
    return {"id": name, "dsl": text, **more}


class PatternMemory(unittest.TestCase):
    def assert_refused(self, answer):
        self.assertEqual(answer.status, 413, answer.json())
        self.assertTrue(answer.json()["type"].endswith(":limit"), answer.json())
        self.assertIn("1024 KiB", answer.json()["detail"])
        self.assertIn("disable or delete", answer.json()["detail"])

    def test_what_does_not_fit_is_refused(self):
        with Betrace("--memory-source", "--pattern-memory", "1MiB") as server:
            for name, text in zip("ab", LARGE):
                self.assertEqual(server.post("/v1/rules", rule(name, text)).status, 201)
            self.assert_refused(server.post("/v1/rules", rule("c", LARGE[2])))
            self.assertEqual(server.post("/v1/rules", rule("c", LARGE[2], enabled=False)).status, 201)
            self.assert_refused(server.post("/v1/rules/c/enable"))
            self.assert_refused(server.put("/v1/rules/c", rule("c", LARGE[2])))
            self.assertEqual(server.post("/v1/rules/a/disable").status, 200)
            self.assertEqual(server.post("/v1/rules/c/enable").status, 200)
            self.assertEqual(server.get("/ready").json()["status"], "ready")

    def test_at_the_start_the_rest_serve(self):
        with tempfile.TemporaryDirectory() as folder:
            db = os.path.join(folder, "rules.db")
            with Betrace("--memory-source", db=db) as server:
                for name, text in zip("abc", LARGE):
                    self.assertEqual(server.post("/v1/rules", rule(name, text)).status, 201)
            with Betrace("--memory-source", "--pattern-memory", "1MiB", db=db) as server:
                rules = {item["id"]: item for item in server.get("/v1/rules").json()["rules"]}
                self.assertIsNone(rules["a"].get("broken"))
                self.assertIsNone(rules["b"].get("broken"))
                self.assertIn("--pattern-memory", rules["c"]["broken"])
                self.assertEqual(server.get("/ready").json()["status"], "degraded")
                named = [line for line in server.lines if "--pattern-memory" in line]
                self.assertTrue(named and "level=error" in named[0] and "c" in named[0], server.lines)
                self.assertIn("betrace_rules_broken 1", server.get("/metrics").body.decode())
                self.assertEqual(server.put("/v1/rules/c", rule("c", "checkout")).status, 200)
                self.assertEqual(server.get("/ready").json()["status"], "ready")


if __name__ == "__main__":
    unittest.main(verbosity=1)
