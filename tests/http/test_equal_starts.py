"""Starts of whole milliseconds make equal times. A note counts the verdicts that hang on them, in each output that has notes; no verdict and no status hangs on it."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from trace_files import span, trace, trace_id  # noqa: E402

RANGE = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T00:00:01Z"}
NEVER, BEFORE, AFTER = "when { s as p } never { COMMIT after p }", "when { s as p } always { COMMIT before p }", "when { s as p } always { COMMIT after p }"
TIED = [span("s", at=5, service="shop"), span("COMMIT", at=5, service="shop")]
TRACES = [trace(1, *TIED), trace(2, *TIED, span("other", at=5.25, service="shop")), trace(3, span("s", at=5), span("COMMIT", at=4)), trace(4, span("browse"))]
SAYS = "1 of 3 verdicts hangs on spans that start in one millisecond, and the service `shop` writes no finer starts: as written neither is before the other, and which was is not known"


class EqualStarts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-equal-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = self.write("t.jsonl", "".join(TRACES))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_for(self, status, *arguments):
        done = run_cli(*arguments)
        self.assertEqual(done.returncode, status, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    # ---- the note ----

    def test_eval(self):
        for jobs in ("1", "3"):
            self.assertIn(f"note: dsl: {SAYS}\n", self.run_for(0, "eval", "--dsl", NEVER, "--traces", self.path, "--jobs", jobs))
        summary = json.loads(self.run_for(0, "eval", "--dsl", NEVER, "--traces", self.path, "--json").splitlines()[-1])["summary"]
        self.assertEqual(summary["notes"], [{"rule_id": "dsl", "message": SAYS, "range": {"start": 0, "end": len(NEVER)}}])

    def test_replays_of_files(self):
        for output in ("text", "junit", "github"):
            self.assertIn(SAYS, self.run_for(0, "replay", "--dsl", NEVER, "--traces", self.path, "--output", output))
        said = json.loads(self.run_for(0, "replay", "--dsl", NEVER, "--traces", self.path, "--json"))
        self.assertEqual([note["message"] for note in said["notes"]], [SAYS])
        self.assertIn(SAYS, self.run_for(1, "replay", "--dsl", BEFORE, "--traces", self.path))
        said = json.loads(self.run_for(0, "replay", "--dsl", "when { s as p } always { COMMIT within 1ms of p }", "--traces", self.path, "--json"))
        self.assertEqual(said["notes"], [])

    def test_rules_that_follow_links_are_counted_once(self):
        linked = "when { s as p } never { COMMIT after p or lost linked from p within 1m }"
        for command in ("replay", "eval"):
            self.assertIn(SAYS, self.run_for(0, command, "--dsl", linked, "--traces", self.path))

    def test_one_trace(self):
        one = SAYS.replace("1 of 3 verdicts hangs", "1 of 1 verdict hangs")
        rules = self.write("r.yaml", f"rules:\n- {{id: r, dsl: '{NEVER}'}}\n")
        self.assertIn(f"note: r: {one}\n", self.run_for(0, "trace", trace_id(1), "--traces", self.path, "--rules", rules))
        self.assertNotIn("note:", self.run_for(0, "trace", trace_id(2), "--traces", self.path, "--rules", rules))
        with Betrace("--traces", self.path) as server:
            answer = server.post("/v1/rules/test", {"dsl": NEVER, "trace": json.loads(TRACES[0])}).json()
            self.assertEqual((answer["verdict"], [note["message"] for note in answer["notes"]]), ("satisfied", [one]))

    def test_replays_of_a_service(self):
        with Betrace("--memory-source") as server:
            for line in TRACES:
                self.assertEqual(server.post("/v1/spans", json.loads(line)).status, 200)
            answer = server.wait_job(server.post("/v1/replays", {**RANGE, "dsl": NEVER}).json()["replay_id"])
            self.assertEqual([note["message"] for note in answer["notes"]], [SAYS], answer)

    def test_listen(self):
        rules = self.write("r.yaml", f"rules:\n- {{id: r, dsl: '{NEVER}'}}\n")
        send = self.write("send.py", "import os, urllib.request\n"
                          f"for line in open({self.path!r}, 'rb'):\n"
                          "    to = os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'] + '/v1/traces'\n"
                          "    urllib.request.urlopen(urllib.request.Request(to, line, {'Content-Type': 'application/json'})).read()\n")
        done = run_cli("listen", "--rules", rules, "--", sys.executable, send)
        self.assertIn(SAYS, done.stdout + done.stderr)

    def test_tests_of_a_rule_file_are_not_touched(self):
        rules = self.write("r.yaml", f"rules:\n- id: r\n  dsl: '{AFTER}'\n  tests:\n  - {{name: one, trace: [{{span: s, at: 5ms}}, {{span: COMMIT, at: 5ms}}], expect: violated}}\n"
                           "  - {name: two, trace: [{span: s, at: 5ms}, {span: COMMIT, at: 5ms}], expect: satisfied}\n")
        self.assertNotIn("millisecond", self.run_for(1, "test", rules))


if __name__ == "__main__":
    unittest.main(verbosity=1)
