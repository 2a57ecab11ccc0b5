"""`betrace sync` against a real service: plan, apply, no drift, pruning, --every, and what it refuses. The token goes to a small server that shows headers."""
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, binary, run_cli, sanitizer_environment  # noqa: E402
from trace_files import span, trace  # noqa: E402

FRAUD = """groups:
- name: checkout
  rules:
  - id: fraud
    name: Fraud check
    severity: critical
    labels: {team: payments}
    annotations: {runbook_url: "https://example.org/r", soc2_control: CC6.1, compliance_framework: SOC2}
    settle: 3m
    dsl: |
      when {checkout.where(amount > 1000) as c}   # large
      always {fraud-check after c within 500ms}
    tests:
    - {name: t, trace: [{span: other}], expect: not_applicable}
"""
OTHER = "rules:\n- {id: slow, dsl: 'trace.has(span.duration > 1s)', labels: {team: web}}\n"


class Door:
    """A door before the service that can be shut: what asks gets 503 then. `before` is told of each path that passes."""

    def __init__(self, server, before=None):
        door = self
        self.is_shut = False

        class Pass(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if before:
                    before(self.path)
                kept = {key: value for key, value in self.headers.items() if key in ("If-Match", "Content-Type")}
                answer = None if door.is_shut else server.request(self.command, self.path, body or None, headers=kept)
                self.send_response(answer.status if answer else 503)
                self.send_header("Content-Length", str(len(answer.body) if answer else 0))
                self.end_headers()
                self.wfile.write(answer.body if answer else b"")

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pass)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def close(self):
        self.http.shutdown()
        self.http.server_close()


class RulesTest(unittest.TestCase):
    """A service without rules, and a folder with two."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-sync-")
        cls.addClassCleanup(cls.folder.cleanup)
        traces = os.path.join(cls.folder.name, "t.jsonl")
        with open(traces, "w", encoding="utf-8") as file:
            file.write(trace(1, span("a")))
        cls.server = Betrace("--traces", traces).__enter__()
        cls.addClassCleanup(cls.server.__exit__)

    def setUp(self):
        rules = tempfile.TemporaryDirectory(prefix="betrace-rules-")
        self.addCleanup(rules.cleanup)
        self.rules = rules.name
        for rule in self.server.get("/v1/rules").json()["rules"]:
            self.server.delete(f"/v1/rules/{rule['id']}")
        self.write("a/fraud.yaml", FRAUD)
        self.write("b.yaml", OTHER)

    def write(self, name, text):
        path = os.path.join(self.rules, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def sync(self, status, *arguments):
        done = run_cli("sync", self.rules, "--server", f"http://127.0.0.1:{self.server.port}", "--json", *arguments)
        self.assertEqual(done.returncode, status, f"{done.stdout}\n{done.stderr}")
        return json.loads(done.stdout) if done.stdout else done.stderr

    def stored(self):
        return {rule["id"]: rule for rule in self.server.get("/v1/rules").json()["rules"]}


class SyncTest(RulesTest):
    def test_plan_apply_no_drift(self):
        plan = self.sync(1)
        self.assertEqual([plan[k] for k in ("applied", "in_sync", "created", "updated", "deleted")], [False, False, 2, 0, 0])
        self.assertEqual(self.stored(), {}, "a plan changes nothing")
        self.assertEqual(self.sync(0, "--apply")["created"], 2)
        stored = self.stored()
        self.assertEqual(sorted(stored), ["fraud", "slow"])
        self.assertEqual((stored["fraud"]["severity"], stored["fraud"]["labels"], stored["fraud"]["settle"]), ("critical", {"team": "payments"}, "3m"))
        again = self.sync(0)
        self.assertEqual((again["in_sync"], again["unchanged"]), (True, 2))
        self.sync(0, "--apply")
        self.assertEqual({k: r["version"] for k, r in self.stored().items()}, {k: r["version"] for k, r in stored.items()}, "nothing was written again")

    def test_a_collector_that_is_behind_is_drift(self):
        """Its file is compared with the folder's rules. --apply changes the service alone."""
        path = os.path.join(self.folder.name, "sampler.yaml")

        def keep(yaml):
            with open(path, "w", encoding="utf-8") as file:
                file.write(yaml)
        keep(run_cli("sampler", self.rules).stdout)
        self.assertIsNone(self.sync(0, "--apply")["collector"])
        self.assertTrue(self.sync(0, "--collector", path)["collector"]["in_step"])
        self.write("b.yaml", OTHER.replace("1s", "2s"))
        self.assertEqual(self.sync(0, "--apply")["updated"], 1)
        behind = self.sync(1, "--collector", path)
        self.assertEqual((behind["in_sync"], behind["updated"], behind["collector"]["in_step"]), (True, 0, False))
        self.assertEqual([re.sub("/[0-9a-f]{12}", "", name) for key in ("missing", "stale") for name in behind["collector"][key]], ["betrace/slow"] * 2)
        self.assertEqual(self.sync(1, "--collector", path, "--apply")["collector"], behind["collector"])
        done = run_cli("sync", self.rules, "--server", f"http://127.0.0.1:{self.server.port}", "--collector", path)
        self.assertRegex(done.stdout, "in sync\nmissing betrace/slow/.*\nstale betrace/slow/.*\n.*: 2 rules, 1 policy missing, 0 edited, 1 stale, 0 left over\n")
        keep(run_cli("sampler", self.rules).stdout)
        self.sync(0, "--collector", path)
        self.sync(2, "--collector", path + "x")

    def test_a_plan_that_is_out_of_date_is_not_carried_out(self):
        """Between plan and apply somebody else writes: a proxy does it where the import without dry_run passes."""
        self.sync(0, "--apply")
        self.write("b.yaml", OTHER.replace("1s", "2s"))
        stored = self.stored()
        door = Door(self.server, lambda path: path == "/v1/rules/import" and self.server.request("POST", "/v1/rules/slow/disable"))
        self.addCleanup(door.close)
        done = run_cli("sync", self.rules, "--server", door.url, "--apply")
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("changed, created or deleted one of these rules after this plan", done.stderr)
        self.assertEqual(self.stored()["slow"]["dsl"], stored["slow"]["dsl"], "the file's text was not stored")
        self.assertFalse(self.stored()["slow"]["enabled"], "what the other one did stays")
        self.assertEqual(self.sync(0, "--apply")["updated"], 1, "a new plan is carried out")

    def test_layout_is_no_drift_and_a_condition_is(self):
        self.sync(0, "--apply")
        self.write("b.yaml", "# a comment\nrules:\n- id: slow\n  labels:\n    team: web\n  dsl: |\n    trace.has(  span.duration > 1s )\n")
        self.sync(0)
        self.write("b.yaml", OTHER.replace("1s", "2s"))
        self.assertEqual(self.sync(1)["updated"], 1)
        self.sync(0, "--apply")
        self.assertIn("2s", self.stored()["slow"]["dsl"])
        self.server.put("/v1/rules/slow", {"dsl": "trace.has(span.duration > 9s)"})
        self.assertEqual(self.sync(1)["updated"], 1, "somebody changed it by hand")

    def test_pruning(self):
        self.sync(0, "--apply")
        os.remove(os.path.join(self.rules, "b.yaml"))
        self.assertEqual(self.sync(0)["unmanaged"], ["slow"])
        self.assertEqual(self.sync(0, "--apply")["deleted"], 0)
        self.assertIn("slow", self.stored(), "without --prune nothing is deleted")
        self.assertEqual(self.sync(1, "--prune")["pruned"], ["slow"])
        self.assertEqual(self.sync(0, "--prune", "--prune-label", "team=payments", "--apply")["pruned"], [])
        self.assertIn("slow", self.stored(), "it is another team's")
        self.assertEqual(self.sync(0, "--prune", "--prune-label", "team=web", "--apply")["deleted"], 1)
        self.assertEqual(sorted(self.stored()), ["fraud"])

    def test_many_rules_are_listed_page_by_page(self):
        text = "rules:\n" + "".join(f"- {{id: r{n:04}, dsl: 'when {{ a{n} }} always {{ b }}'}}\n" for n in range(1203))
        self.write("many.yaml", text)
        self.assertEqual(self.sync(0, "--apply")["created"], 1205)
        self.write("many.yaml", "rules:\n- {id: r0001, dsl: 'when { a1 } always { b }'}\n")
        self.assertEqual(self.sync(0, "--apply", "--prune")["deleted"], 1202)
        self.assertEqual(sorted(self.stored()), ["fraud", "r0001", "slow"])

    def test_text(self):
        done = run_cli("sync", self.rules, "--server", f"http://127.0.0.1:{self.server.port}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("+ fraud  would be created\n", done.stdout)
        self.assertIn("nothing was changed (--apply does it)", done.stdout)

    def test_a_wrong_rule_changes_nothing(self):
        self.write("bad.yaml", "rules:\n- {id: bad, dsl: 'when {'}\n")
        self.assertIn("bad.yaml:2:", self.sync(2, "--apply"))
        self.assertEqual(self.stored(), {})
        self.write("bad.yaml", "rules:\n- {id: slow, dsl: 'a and b'}\n")
        self.assertIn("taken by an earlier rule", self.sync(2, "--apply"))

    def test_a_service_that_is_not_there(self):
        done = run_cli("sync", self.rules, "--server", "http://127.0.0.1:1")
        self.assertEqual((done.returncode, done.stdout), (3, ""))

    def test_token_and_tenant(self):
        seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                seen.append(dict(self.headers))
                self.rfile.read(int(self.headers["Content-Length"]))
                body = b'{"type":"about:blank","title":"x","status":403,"detail":"viewers may not import"}'
                self.send_response(403)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            token = os.path.join(self.folder.name, "token")
            with open(token, "w", encoding="utf-8") as file:
                file.write("tok-1\n")
            url = f"http://127.0.0.1:{server.server_address[1]}/"
            done = run_cli("sync", self.rules, "--server", url, "--token-file", token, "--tenant", "one", "--apply")
            self.assertEqual(done.returncode, 3)
            self.assertIn("viewers may not import", done.stderr)
            run_cli("sync", self.rules, env={"BETRACE_URL": url, "BETRACE_TOKEN": "tok-2"})
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
        self.assertEqual([h["Authorization"] for h in seen], ["Bearer tok-1", "Bearer tok-2"])
        self.assertEqual(seen[0]["X-Scope-OrgID"], "one")


class EveryTest(RulesTest):
    """--every: beside a service, for a folder that somebody else writes, such as a sidecar that follows ConfigMaps."""

    def setUp(self):
        super().setUp()
        self.door = Door(self.server)
        self.addCleanup(self.door.close)
        self.log = tempfile.TemporaryFile(mode="w+")
        self.addCleanup(self.log.close)

    def begin(self, *more, every="300ms"):
        process = subprocess.Popen([binary(), "sync", self.rules, "--url", self.door.url, "--apply", "--prune", "--every", every, *more], stdout=self.log,
                                   stderr=subprocess.STDOUT, env=sanitizer_environment())
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(60), 0, self.said())

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def until(self, is_so, what):
        deadline = time.monotonic() + 60
        while not is_so():
            self.assertLess(time.monotonic(), deadline, f"{what}: {self.said()}")
            time.sleep(0.05)

    def test_files_and_service_stay_alike(self):
        process = self.begin()
        self.until(lambda: sorted(self.stored()) == ["fraud", "slow"], "both are created")
        created = self.stored()["fraud"]["created_at"]
        self.write("b.yaml", OTHER.replace("1s", "2s"))
        self.until(lambda: "2s" in self.stored()["slow"]["dsl"], "a changed file is taken")
        self.server.put("/v1/rules/slow", {"dsl": "trace.has(span.duration > 9s)"})
        self.until(lambda: "2s" in self.stored()["slow"]["dsl"], "what somebody changed by hand is put back")
        os.remove(os.path.join(self.rules, "b.yaml"))
        self.until(lambda: sorted(self.stored()) == ["fraud"], "a file that is gone takes its rule along")
        self.assertEqual(self.stored()["fraud"]["created_at"], created)
        self.end(process)
        self.assertIn("- slow  deleted", self.said())

    def test_what_is_wrong_changes_nothing_and_is_said_once(self):
        self.begin()
        self.until(lambda: len(self.stored()) == 2, "both are created")
        before = self.stored()
        self.write("b.yaml", OTHER.replace("trace.has(", "trace.has(("))
        self.until(lambda: "these rule files are wrong, and the service keeps the rules that it has" in self.said(), "it is said")
        self.write("a/fraud.yaml", FRAUD.replace("id: fraud", "id: other"))
        self.until(lambda: self.said().count("b.yaml:2:") >= 2, "the files changed, and b.yaml is wrong still")
        time.sleep(1)
        self.assertEqual(self.stored(), before)
        self.assertEqual((self.said().count("b.yaml:2:"), self.said().count("these rule files are wrong")), (2, 1), self.said())
        os.remove(os.path.join(self.rules, "b.yaml"))
        os.remove(os.path.join(self.rules, "a/fraud.yaml"))
        self.until(lambda: "there are none; it is tried again" in self.said(), "an empty folder is no set of rules")
        self.assertEqual(self.stored(), before)
        self.write("b.yaml", OTHER)
        self.until(lambda: sorted(self.stored()) == ["slow"], "the files are right again")
        self.until(lambda: "that is over, and the rules are those of the files" in self.said(), "and that is said")

    def test_a_service_that_is_away_is_waited_for(self):
        self.door.is_shut = True
        self.begin()
        self.until(lambda: "the service answered 503" in self.said(), "it is said")
        time.sleep(1)
        self.assertEqual(self.said().count("it is tried again"), 1, self.said())
        self.door.is_shut = False
        self.until(lambda: len(self.stored()) == 2, "the rules are created as soon as it answers")

    def test_a_file_that_is_being_written_is_not_taken(self):
        """Its first part is a rule file of its own, with fewer rules. A writer that was held up for long proves nothing, and tries again."""
        both = FRAUD + "  - {id: late, dsl: 'trace.has(span.duration > 7s)'}\n"
        self.write("a/fraud.yaml", both)
        self.begin(every="2s")
        self.until(lambda: len(self.stored()) == 3, "all are created")
        before, longest, tries = self.stored(), 9, 0
        while longest > 0.8 and tries < 10:
            tries += 1
            longest, began = 0, time.monotonic()
            written = began
            while written - began < 3:
                self.write("a/fraud.yaml", f"{FRAUD}# {written}\n")
                last, written = written, time.monotonic()
                longest = max(longest, written - last)
            self.write("a/fraud.yaml", both)
            if longest <= 0.8:
                self.assertEqual(self.stored(), before)
            self.until(lambda: len(self.stored()) == 3, "they are as they were")

    def test_usage(self):
        for arguments in ((self.rules, "--every", "10s"), ("-", "--apply", "--every", "10s"), (self.rules, "--apply", "--every", "10s", "--collector", "x")):
            done = run_cli("sync", *arguments, stdin="")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("--every goes with --apply and with files, and without --collector", done.stderr)
        self.assertEqual(run_cli("sync", self.rules, "--apply", "--every", "0s").returncode, 2)



if __name__ == "__main__":
    unittest.main(verbosity=1)
