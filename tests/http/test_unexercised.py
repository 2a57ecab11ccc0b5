"""Replays and first violations of the API say why nothing exercised a rule, as the command line does, and MCP hands it on."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from trace_files import span, trace  # noqa: E402

RANGE = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T00:00:01Z"}
QUERY = "?start=2026-01-01T00:00:00Z&end=2026-01-01T00:00:01Z"
RULES = {"typo": "when { db.client.query } always { retry }",
         "attribute": "when { checkout.where(amuont > 5) } always { retry }",
         "part": "when { checkout.where(amount > 5000) } always { retry }",
         "fine": "when { checkout } always { db.query }",
         "bare": "never { no.such.span }"}
WHY = {"typo": "nothing exercised this rule: no trace has db.client.query; near: db.query (2 traces)",
       "attribute": "nothing exercised this rule: no trace has the attribute amuont; near: amount (1 trace)",
       "part": "nothing exercised this rule: no trace meets its `when`; betrace vacuity says which part of it"}
TRACES = [trace(1, span("checkout", amount=200), span("db.query"), span("db.query")), trace(2, span("checkout"), span("db.query")), trace(3, span("browse"))]


def expected(*rules):
    return [{"rule_id": rule, "known": True, "message": WHY[rule]} for rule in rules if rule in WHY]


class Unexercised(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-unexercised-")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "t.jsonl")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("".join(TRACES))
        self.server = Betrace("--traces", self.path)
        self.server.start()
        self.addCleanup(self.server.__exit__)
        for rule, dsl in RULES.items():
            self.assertEqual(self.server.post("/v1/rules", {"id": rule, "dsl": dsl}).status, 201)

    def replay(self, path, body):
        started = self.server.post(path, {**RANGE, **body})
        self.assertEqual(started.status, 202, started)
        return self.server.wait_job(started.json()["replay_id"])

    def test_a_replay_of_one_rule(self):
        for rule in RULES:
            answer = self.replay(f"/v1/rules/{rule}/replay", {})
            self.assertEqual((answer["status"], answer["unexercised"]), ("completed", expected(rule)), rule)

    def test_a_replay_of_several(self):
        answer = self.replay("/v1/replays", {"rule_ids": ["fine", "typo", "part"]})
        self.assertEqual(answer["unexercised"], expected("typo", "part"))
        listed, = [one for one in self.server.get("/v1/replays").json()["replays"] if one["replay_id"] == answer["replay_id"]]
        self.assertEqual(listed["unexercised"], answer["unexercised"])

    def test_of_many_no_names_are_asked_for(self):
        for i in range(60):
            self.assertEqual(self.server.post("/v1/rules", {"id": f"r{i:02}", "dsl": RULES["typo"], "labels": {"many": "yes"}}).status, 201)
        told = self.replay("/v1/replays", {"labels": {"many": "yes"}, "count": "exact"})["unexercised"]
        self.assertEqual([one["rule_id"] for one in told], [f"r{i:02}" for i in range(50)])
        self.assertEqual({one["message"] for one in told}, {WHY["part"]})

    def test_the_command_line_says_the_same(self):
        for rule in WHY:
            said, = json.loads(run_cli("replay", "--dsl", RULES[rule], "--traces", self.path, "--json").stdout)["unexercised"]
            self.assertEqual(said["message"], WHY[rule])

    def test_a_first_violation(self):
        for rule in RULES:
            answer = self.server.get(f"/v1/rules/{rule}/first-violation{QUERY}").json()
            self.assertEqual((answer["found"], answer["unexercised"]), (False, expected(rule)), rule)

    def test_a_range_that_ends_without_traces(self):
        """What is not known of its end changes nothing of what is."""
        answer = self.replay("/v1/rules/typo/replay", {"end_time": "2026-01-01T01:00:00Z"})
        self.assertEqual((answer["status"], answer["unexercised"]), ("incomplete", expected("typo")))

    def test_a_range_without_traces_is_not_explained(self):
        """That nothing exercised the rule is said of traces, and there are none."""
        answer = self.replay("/v1/rules/typo/replay", {"start_time": "2025-01-01T00:00:00Z", "end_time": "2025-01-01T01:00:00Z"})
        self.assertEqual(answer["unexercised"], [])

    def call_tool(self, name, **arguments):
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        return self.server.post("/mcp", body, headers={"Accept": "application/json, text/event-stream"}).json()["result"]["structuredContent"]

    def test_assistants_are_told(self):
        for tool in ("replay", "first_violation"):
            answer = self.call_tool(tool, rule_id="typo", start=RANGE["start_time"], end=RANGE["end_time"])
            self.assertEqual(answer["conclusion"], "not_exercised", tool)
            self.assertIn("result.unexercised says why.", answer["means"], tool)
            self.assertNotIn("db.query", answer["means"])  # names of others are data
            self.assertEqual(answer["result"]["unexercised"], expected("typo"), tool)
            answer = self.call_tool(tool, rule_id="fine", start=RANGE["start_time"], end=RANGE["end_time"])
            self.assertNotIn("not_exercised", json.dumps(answer["conclusion"]).replace("perhaps_not_exercised", ""), tool)


if __name__ == "__main__":
    unittest.main(verbosity=1)
