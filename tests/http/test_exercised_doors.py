"""A rule whose name changed: no door says "no violation" of it without a word. Of a rule that nothing exercised each says so, with the name where it can
be found out; of one that forbids a name that never comes, the name stands with the 0."""
import json
import os
import re
import sys
import unittest
from urllib.parse import urlencode

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from betrace_process import Betrace, run_cli  # noqa: E402
from test_sampled_doors import RANGE, Doors, world  # noqa: E402

RENAMED = 'when { "db.client.query" } always { retry }'
FORBIDS = "when { checkout } never { retry }"
WHOLE = world(*((2, 0, None, "1" if minute < 60 else "2", 60 * minute) for minute in range(120)), habit=True)
# What says it in words, and what says it in a number: as many traces exercised it.
SAYS_IDLE = re.compile(r"nothing exercised|not exercised|no trace (that was judged )?exercised|never exercised|neither kept nor violated"
                       r"|\"?(traces_)?exercised\"?: ?(0|false)|\"traces\": ?0|none of which exercised|\(0 exercised the rule\)|exercised by traces 0 . 0|,0\]")
SAYS_UNSEEN = re.compile(r"retry` is the name of no span and no service|no span and no service is named retry|no trace has a span or service \"retry\"|\"name\": ?\"retry\"")
# These are about what traces do, and take no rule.
OF_NO_RULE = {"suggest", "changed", "/v1/changes", "/v1/suggestions", "silent"}  # silent: test_cli_silent.py


class EveryDoor(Doors):
    def test_every_command(self):
        self.write(WHOLE)
        for command, output, said in self.commands(RENAMED, old=RENAMED.replace("retry", "again")):
            with self.subTest(command=command, output=output):
                self.assertTrue(command in OF_NO_RULE or SAYS_IDLE.search(said), said)

    def test_every_path(self):
        server = self.serve(WHOLE)
        self.assertEqual(server.post("/v1/rules", {"id": "renamed", "dsl": "@SOC2(controls = {CC7_2}) " + RENAMED}).status, 201)
        for path, said in self.paths(server, "renamed"):
            with self.subTest(path=path):
                self.assertTrue(path in OF_NO_RULE or SAYS_IDLE.search(said), said)

    def test_a_name_that_is_forbidden_and_never_comes(self):
        """merge says what its shards say, and diff what differs; lists and series have counts. All others that judge a range have the name."""
        self.write(WHOLE)
        for command, output, said in self.commands(FORBIDS):
            with self.subTest(command=command, output=output):
                self.assertTrue(command in OF_NO_RULE | {"merge", "diff"} or SAYS_UNSEEN.search(said), said)
        server = self.serve(WHOLE)
        self.assertEqual(server.post("/v1/rules", {"id": "forbids", "dsl": "@SOC2(controls = {CC7_2}) " + FORBIDS}).status, 201)
        for path, said in self.paths(server, "forbids"):
            with self.subTest(path=path):
                counts = {"/v1/violations", "/v1/violations/query", "/v1/violations/series"}
                self.assertTrue(path in OF_NO_RULE | counts or SAYS_UNSEEN.search(said), said)

    def test_assistants(self):
        server = self.serve(WHOLE)
        for rule, dsl in (("renamed", RENAMED), ("forbids", FORBIDS)):
            server.post("/v1/rules", {"id": rule, "dsl": dsl})

        def told(tool, **arguments):
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {**RANGE, **arguments}}}
            content = server.post("/mcp", body, headers={"Accept": "application/json, text/event-stream"}).json()["result"]["content"]
            return content[0]["text"], json.loads(content[1]["text"])["conclusion"]

        said, conclusion = told("violations", rule_id="renamed")
        self.assertEqual(conclusion, "not_exercised", said)
        self.assertIn("VACUOUS", said)
        said, conclusion = told("violations")
        self.assertEqual(conclusion, "none", said)
        self.assertIn("says nothing of 1 rule that no trace exercised", said)
        self.assertIn("no trace has db.client.query", json.dumps(server.get("/v1/rules/renamed/contrast?" + urlencode(RANGE)).json()["unexercised"]))


class Counts(Doors):
    def test_a_list_says_of_each_rule_how_many_exercised_it(self):
        server = self.serve(WHOLE)
        server.post("/v1/rules", {"id": "renamed", "dsl": RENAMED})
        answer = server.get("/v1/violations?" + urlencode(RANGE)).json()
        self.assertEqual(sorted(answer["exercised"], key=lambda each: each["rule_id"]),
                         [{"rule_id": "audit", "traces": 240, "traces_kind": "exact"}, {"rule_id": "renamed", "traces": 0, "traces_kind": "exact"}])

    def test_of_many_rules_those_that_nothing_exercised(self):
        server = self.serve(WHOLE)
        for number in range(60):
            server.post("/v1/rules", {"id": f"r{number}", "dsl": RENAMED if number % 30 == 7 else FORBIDS})
        answer = server.get("/v1/violations?" + urlencode(RANGE)).json()
        self.assertEqual(sorted(each["rule_id"] for each in answer["exercised"]), ["r37", "r7"])

    def test_one_version_exercised_it(self):
        """Then the rule was exercised, and the count of the other one says that it did not."""
        self.write(world((120, 0, None, "1", 0)) + world((120, 0, None, "2", 3600)).replace('"checkout"', '"order"'))
        asked = ("gate", "--dsl", "when { checkout } always { audit.log }", "--baseline", "1", "--candidate", "2", self.path)
        said = run_cli(*asked).stdout
        self.assertIn("candidate 2: 0 of 0 traces that exercised the rule", said)
        self.assertNotIn("nothing exercised this rule", said)
        neither = run_cli(*asked[:2], RENAMED, *asked[3:]).stdout
        self.assertTrue(neither.startswith("dsl: nothing exercised this rule: no trace has db.client.query"), neither)


class Reports(Doors):
    def test_a_control_on_a_name_that_never_came_passes_with_a_note(self):
        server = self.serve(WHOLE)
        for rule, control, dsl in (("forbids", "CC6_1", FORBIDS), ("habit", "CC7_2", "when { ship } never { label and not audit.log }")):
            self.assertEqual(server.post("/v1/rules", {"id": rule, "dsl": f"@SOC2(controls = {{{control}}}) {dsl}"}).status, 201)
        report = server.get("/v1/compliance/reports/soc2?" + urlencode(RANGE))
        rules = {entry["body"]["rule_id"]: entry["body"] for entry in report.json()["entries"] if entry["type"] == "rule"}
        self.assertEqual((rules["forbids"]["status"], rules["habit"]["status"]), ("pass", "pass"))
        self.assertEqual(rules["forbids"]["reason"], "no span and no service is named retry in this range: a name that never came cannot be violated")
        self.assertIsNone(rules["habit"]["reason"])
        self.write(report.body.decode())
        done = run_cli("verify-report", self.path)
        self.assertNotEqual(done.returncode, 1, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
