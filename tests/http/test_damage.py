"""A rule database in which rows changed on the disk. The service names the damage where somebody looks (rules, /ready,
metrics, the log), and neither evaluates nor reports a damaged rule as if it were whole. A rule can be mended."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from evidence import control  # noqa: E402
from rule_rows import change_rules  # noqa: E402

END = "2026-03-10T12:00:00Z"
RANGE = f"start=2026-03-09T12:00:00Z&end={END}"
FINE = {"id": "fine", "labels": {"team": "a"}, "dsl": "@SOC2(controls = {CC7_2}) when { checkout } always { checkout }"}
OTHER = {"id": "other", "labels": {"team": "b"}, "dsl": "when { checkout } always { checkout }"}


class DamageTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="betrace-damage-")
        self.addCleanup(self.folder.cleanup)
        self.db, self.traces = (os.path.join(self.folder.name, name) for name in ("rules.db", "traces.jsonl"))
        self.assertEqual(run_cli("generate", "--traces", 50, "--violations", 0, "--end", END, "--since", "24h", "--out", self.traces).returncode, 0)
        with Betrace("--traces", self.traces, db=self.db) as server:
            for rule in (FINE, OTHER):
                self.assertEqual(server.post("/v1/rules", rule).status, 201)
            self.assertEqual(server.get("/ready").json()["status"], "ready")
            self.assertEqual(self.figures(server), (0, 0))
            self.assertEqual(control(server.get(f"/v1/compliance/reports/soc2?{RANGE}").json(), "CC7.2")["status"], "pass")

    def figures(self, server):
        lines = dict(line.rsplit(" ", 1) for line in server.get("/metrics").body.decode().splitlines() if not line.startswith("#"))
        return int(lines["betrace_rules_broken"]), int(lines["betrace_store_damaged_versions"])

    def damage(self, change, where="rule_id = 'other'"):
        self.assertEqual(change_rules(self.db, f"UPDATE rule_versions SET {change} WHERE {where}", sealed=False), 1)
        server = Betrace("--traces", self.traces, db=self.db)
        server.start()
        self.addCleanup(server.__exit__)
        return server

    def test_a_rule_that_was_disabled_by_a_bit(self):
        server = self.damage("enabled = 0")
        rule = server.get("/v1/rules/other").json()
        self.assertIn("damaged: version 1", rule["broken"])
        self.assertTrue(rule["enabled"], "nobody knows, so it counts")
        ready = server.get("/ready").json()
        self.assertEqual(ready["status"], "degraded")
        self.assertIn("1 enabled rule is not checked", ready["parts"]["rules"]["reason"])
        self.assertEqual(self.figures(server), (1, 1))
        named = [line for line in server.lines if "version 1 of rule" in line and "other" in line]
        self.assertTrue(named and "level=error" in named[0], server.lines)
        # It may have had a control, and may have had the label that was asked for.
        self.assertEqual(control(server.get(f"/v1/compliance/reports/soc2?{RANGE}").json(), "CC7.2")["status"], "inconclusive")
        page = server.get(f"/v1/violations?{RANGE}").json()
        self.assertIn("rule_broken", page["reason"])
        replay = server.post("/v1/replays", {"labels": {"team": "a"}, "start_time": "2026-03-09T12:00:00Z", "end_time": END})
        self.assertEqual(replay.status, 400, replay)
        self.assertEqual(server.post("/v1/rules/test", {"rule_id": "other", "trace": {"resourceSpans": []}}).status, 400)
        self.assertEqual(server.get("/v1/rules/fine").json()["broken"], None)
        # Said again, it is a rule as any other; that an old version is damaged stays known.
        self.assertEqual(server.put("/v1/rules/other", {key: value for key, value in OTHER.items() if key != "id"}).status, 200)
        self.assertEqual(self.figures(server), (0, 1))
        ready = server.get("/ready").json()
        self.assertEqual(ready["status"], "degraded")
        self.assertIn("restore a backup", ready["parts"]["rules"]["reason"])

    def test_a_text_that_is_no_text_any_more(self):
        server = self.damage("dsl = CAST(x'ff00fe' AS TEXT), labels = '{', rule_id = 'other'")
        self.assertEqual(server.get("/v1/rules/other").json()["dsl"], "")
        self.assertEqual([rule["id"] for rule in server.get("/v1/rules").json()["rules"]], ["fine", "other"])
        versions = server.get("/v1/rules/other/versions").json()["versions"]
        self.assertIn("damaged", versions[0]["broken"])
        self.assertEqual(server.delete("/v1/rules/other").status, 204)
        self.assertEqual(self.figures(server), (0, 1))

    def test_a_rule_that_went_elsewhere(self):
        server = self.damage("tenant = 'elsewhere', rule_id = CAST(x'1b5b' AS TEXT)", "rule_id = 'fine'")
        self.assertIn("it is gone", server.get("/v1/rules/fine").json()["broken"])
        self.assertEqual(self.figures(server), (1, 2))
        self.assertNotIn("\x1b", "".join(server.lines))
        report = server.get(f"/v1/compliance/reports/soc2?{RANGE}").json()
        self.assertNotEqual(control(report, "CC7.2")["status"], "pass")


if __name__ == "__main__":
    unittest.main()
