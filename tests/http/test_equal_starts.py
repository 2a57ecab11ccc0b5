"""Starts of whole milliseconds make equal times. A note counts the verdicts that hang on them, in each output that has notes; with coarse_clocks: unknown, of a rule or of who asks, they are inconclusive."""
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
SAYS = "1 of 3 verdicts hangs on spans that start in one millisecond, and the service `shop` writes no finer starts: as written neither is before the other; coarse_clocks: unknown leaves that open"


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

    # ---- the setting ----

    def verdicts(self, *arguments):
        """What replay and eval say of the rule by its traces, and which note stands with it."""
        answer = json.loads(run_cli("replay", *arguments, "--traces", self.path, "--json").stdout)
        counts = {rule["rule_id"]: (rule["violations_found"], rule["inconclusive"]) for rule in answer["rules"]}
        return counts, [note["message"] for note in answer["notes"]], answer["coverage"]["assumptions"].get("coarse_clocks")

    def test_a_replay_leaves_them_open(self):
        for dsl, exact, unknown in ((NEVER, (0, 0), (0, 1)), (BEFORE, (2, 0), (1, 1)), (AFTER, (3, 0), (2, 1))):
            self.assertEqual(self.verdicts("--dsl", dsl), ({"dsl": exact}, [SAYS], None), dsl)
            self.assertEqual(self.verdicts("--dsl", dsl, "--coarse-clocks", "exact"), ({"dsl": exact}, [SAYS], None), dsl)
            self.assertEqual(self.verdicts("--dsl", dsl, "--coarse-clocks", "unknown"), ({"dsl": unknown}, [], "unknown"), dsl)
        self.assertIn("not \"maybe\"", run_cli("replay", "--dsl", NEVER, "--traces", self.path, "--coarse-clocks", "maybe").stderr)

    def test_a_rule_says_it_for_itself(self):
        for word, counts in (("unknown", (0, 1)), ("exact", (0, 0))):
            rules = self.write("r.yaml", f"rules:\n- {{id: r, dsl: '{NEVER}', coarse_clocks: {word}}}\n")
            for asked in ("exact", "unknown"):
                self.assertEqual(self.verdicts("--rules", rules, "--coarse-clocks", asked)[:2], ({"r": counts}, []))
                self.assertEqual(self.verdicts("--dsl", f"@coarse_clocks({word}) {NEVER}", "--coarse-clocks", asked)[:2], ({"dsl": counts}, []))
        lines = [json.loads(line) for line in run_cli("eval", "--dsl", f"@coarse_clocks(unknown) {NEVER}", "--traces", self.path, "--json").stdout.splitlines()]
        self.assertEqual([(line["trace_id"], line["reason"]) for line in lines if line.get("verdict") == "inconclusive"], [(trace_id(1), "time")])
        twice = self.write("twice.yaml", f"rules:\n- {{id: r, dsl: '@coarse_clocks(exact) {NEVER}', coarse_clocks: unknown}}\n")
        self.assertIn("the rule says coarse_clocks: unknown next to its text; say it once", run_cli("check", twice).stdout)
        same = self.write("same.yaml", f"rules:\n- {{id: r, dsl: '@coarse_clocks(unknown) {NEVER}', coarse_clocks: unknown}}\n")
        self.assertEqual(self.verdicts("--rules", same)[0], {"r": (0, 1)})

    def test_a_service_and_its_rules_say_it(self):
        with Betrace("--traces", self.path, "--coarse-clocks", "unknown") as server:
            file = f"rules:\n- {{id: of-service, dsl: '{NEVER}'}}\n- {{id: exact, dsl: '{NEVER}', coarse_clocks: exact}}\n"
            self.assertEqual(server.request("POST", "/v1/rules/import", file, {"Content-Type": "application/yaml"}).status, 200)
            self.assertEqual(server.get("/v1/rules/exact").json()["dsl"], f"@coarse_clocks(exact)\n{NEVER}")
            self.assertEqual(server.get("/v1/rules/exact").json()["controls"], [])
            self.assertIn("@coarse_clocks(exact)", server.get("/v1/rules/export").body.decode())
            verdicts = server.get(f"/v1/traces/{trace_id(1)}/verdicts").json()["verdicts"]
            self.assertEqual({one["rule_id"]: (one["verdict"], one["reason"]) for one in verdicts}, {"of-service": ("inconclusive", "time"), "exact": ("satisfied", None)})
            answer = server.post("/v1/rules/test", {"dsl": NEVER, "trace": json.loads(TRACES[0])}).json()
            self.assertEqual((answer["verdict"], answer["reason"], answer["notes"]), ("inconclusive", "time", []))

    def test_tests_of_a_rule_file_say_it_with_their_rule(self):
        text = f"rules:\n- id: r\n  dsl: '{NEVER}'\n  coarse_clocks: unknown\n  tests:\n  - {{name: one, trace: [{{span: s, at: 5ms}}, {{span: COMMIT, at: 5ms}}], expect: inconclusive}}\n"
        self.run_for(0, "test", self.write("r.yaml", text))
        self.run_for(0, "test", self.write("r.yaml", text.replace("  coarse_clocks: unknown\n", "").replace("inconclusive", "satisfied")))

    def test_tests_of_a_rule_file_are_not_touched(self):
        rules = self.write("r.yaml", f"rules:\n- id: r\n  dsl: '{AFTER}'\n  tests:\n  - {{name: one, trace: [{{span: s, at: 5ms}}, {{span: COMMIT, at: 5ms}}], expect: violated}}\n"
                           "  - {name: two, trace: [{span: s, at: 5ms}, {span: COMMIT, at: 5ms}], expect: satisfied}\n")
        self.assertNotIn("millisecond", self.run_for(1, "test", rules))


if __name__ == "__main__":
    unittest.main(verbosity=1)
