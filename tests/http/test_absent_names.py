"""Names of a rule that no trace has that was read are a note of eval and of replays that read everything, in each of their outputs. No verdict and no status hangs on them."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from trace_files import span, trace  # noqa: E402

RANGE = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T00:00:01Z"}
TRACES = [trace(1, span("checkout", amount=200), span("db.query")), trace(2, span("checkout"), span("db.query")), trace(3, span("browse"))]
TYPO, FINE = "when { checkout } never { refnud }", "when { checkout } never { browse }"
SAYS = "`refnud` is the name of no span and no service in the 3 traces that were read"


class AbsentNames(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-absent-")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "t.jsonl")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("".join(TRACES))

    def run_for(self, status, *arguments):
        done = run_cli(*arguments)
        self.assertEqual(done.returncode, status, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def test_eval(self):
        for jobs in ("1", "3"):
            self.assertIn(f"note: dsl: {SAYS}\n", self.run_for(0, "eval", "--dsl", TYPO, "--traces", self.path, "--jobs", jobs))
            summary = json.loads(self.run_for(0, "eval", "--dsl", TYPO, "--traces", self.path, "--json", "--jobs", jobs).splitlines()[-1])["summary"]
            self.assertEqual(summary["notes"], [{"rule_id": "dsl", "message": SAYS, "range": {"start": 26, "end": 32}}])
            self.assertNotIn("note", self.run_for(0, "eval", "--dsl", FINE, "--traces", self.path))

    def test_what_a_resource_lost_may_have_the_name(self):
        lossy = json.loads(trace(4, span("browse")))
        lossy["resourceSpans"][0]["resource"]["droppedAttributesCount"] = 1
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(lossy) + "\n")
        self.assertNotIn("note", self.run_for(0, "eval", "--dsl", TYPO, "--traces", self.path))

    def test_near_names(self):
        """With a name stand those that are spelt alike or share a word. What is not shown in them is escaped, as in all that traces say."""
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(trace(4, span("refund\x1b[31m\u202e"), span("refudn"), span("x" * 101 + "refund")))
        near = "in the 4 traces that were read; near: refudn, refund\\x1b[31m\\u202e"
        refused = "never { refund }"
        self.assertIn(f"`refund` is the name of no span and no service {near}\n", self.run_for(0, "eval", "--dsl", refused, "--traces", self.path, "--jobs", "3"))
        for output in ("text", "junit", "github"):
            self.assertIn(near, self.run_for(0, "replay", "--dsl", refused, "--traces", self.path, "--output", output))

    def test_replays_of_files(self):
        self.assertIn(SAYS, self.run_for(0, "replay", "--dsl", TYPO, "--traces", self.path))
        said = json.loads(self.run_for(0, "replay", "--dsl", TYPO, "--traces", self.path, "--json"))
        self.assertEqual([note["message"] for note in said["notes"]], [SAYS])
        lines = [json.loads(line) for line in self.run_for(0, "replay", "--dsl", TYPO, "--traces", self.path, "--output", "jsonl").splitlines()]
        self.assertEqual([note["message"] for note in lines[-1]["summary"]["notes"]], [SAYS])
        self.assertNotIn("note", self.run_for(0, "replay", "--dsl", FINE, "--traces", self.path))

    def test_replays_of_a_service(self):
        with Betrace("--memory-source") as server:
            for line in TRACES:
                self.assertEqual(server.post("/v1/spans", json.loads(line)).status, 200)
            for dsl, notes in ((TYPO, [SAYS]), (FINE, [])):
                answer = server.wait_job(server.post("/v1/replays", {**RANGE, "dsl": dsl}).json()["replay_id"])
                self.assertEqual([note["message"] for note in answer["notes"]], notes, answer)

    def test_rules_that_follow_links_are_not_noted_in_replays(self):
        """A trace that is linked lies elsewhere: what was read here does not show that its names are nowhere."""
        dsl = "when { checkout as c } never { refnud linked to c within 1m }"
        self.assertEqual(json.loads(run_cli("replay", "--dsl", dsl, "--traces", self.path, "--json").stdout)["notes"], [])
        self.assertIn(SAYS, self.run_for(0, "eval", "--dsl", dsl, "--traces", self.path))

    def test_one_trace_shows_no_absence(self):
        with Betrace("--traces", self.path) as server:
            answer = server.post("/v1/rules/test", {"dsl": TYPO, "trace": json.loads(TRACES[0])}).json()
            self.assertEqual(answer["notes"], [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
