"""The audit log on a real server: a line for each change and each read of a report, before its answer, and for requests that were refused, of which not all are written. No token is in it."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402

RULE = {"id": "r1", "dsl": 'trace.has(span.name == "x")'}

UNSHARE = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]


class AuditTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.file = os.path.join(self.folder.name, "audit.jsonl")
        tokens = os.path.join(self.folder.name, "tokens")
        self.editor, self.viewer = (run_cli("token", "new", "--name", name, "--role", name, "--tenants", "acme", "--file", tokens).stdout.strip() for name in ("editor", "viewer"))
        self.tokens = tokens

    def serve(self, *arguments):
        return Betrace("--memory-source", "--tokens", self.tokens, *arguments)

    def lines(self, file=None):
        with open(file or self.file, encoding="ascii") as lines:
            return [json.loads(line) for line in lines]

    def ask(self, server, method, path, token, body=None, **headers):
        who = {"Authorization": f"Bearer {token}"} if token else {}
        return server.request(method, path, body, headers={**who, **headers}).status

    def test_changes_reports_and_refusals(self):
        with self.serve("--audit-log", self.file) as server:
            self.assertEqual(self.ask(server, "POST", "/v1/rules", self.editor, RULE), 201)
            self.assertEqual([(line["event"], line["user"], line["tenant"], line["method"], line["path"], line["status"]) for line in self.lines()],
                             [("called", "editor", "acme", "POST", "/v1/rules", 201)], "it is there before the answer is")
            self.assertRegex(self.lines()[0]["from"], r"^127\.0\.0\.1:\d+$")
            self.assertEqual(self.ask(server, "GET", "/v1/rules", self.viewer), 200)
            self.assertEqual(self.ask(server, "PUT", "/v1/rules/r1", self.editor, {"dsl": "nonsense("}), 422)
            report = self.ask(server, "GET", "/v1/compliance/reports/soc2?start=now-1d&end=now", self.viewer)
            self.assertEqual(self.ask(server, "DELETE", "/v1/rules/r1", self.viewer), 403)
            self.assertEqual(self.ask(server, "GET", "/v1/rules?name=secret-question", None), 401)
            self.assertEqual(self.ask(server, "GET", "/v1/rules", self.viewer, Host="evil.example"), 421)
            self.assertEqual(self.ask(server, "DELETE", "/v1/rules/r1", self.editor), 204)
            got = [(line["event"], line["user"], line["path"], line["status"], line.get("why")) for line in self.lines()[1:]]
            self.assertEqual(got, [("called", "editor", "/v1/rules/r1", 422, None), ("called", "viewer", "/v1/compliance/reports/soc2", report, None),
                                   ("refused", "", "/v1/rules/r1", 403, "role"), ("refused", "", "/v1/rules", 401, "no-token"), ("refused", "", "/v1/rules", 421, "misdirected"),
                                   ("called", "editor", "/v1/rules/r1", 204, None)])
        with open(self.file, encoding="ascii") as whole:
            text = whole.read()
        for secret in (self.editor, self.viewer, "secret-question"):
            self.assertNotIn(secret, text)
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)

    def test_refusals_do_not_fill_the_disk(self):
        with self.serve("--audit-log", self.file) as server:
            for _ in range(400):
                self.assertEqual(self.ask(server, "GET", "/v1/rules", None), 401)
            self.assertEqual(self.ask(server, "POST", "/v1/rules", self.editor, RULE), 201)
            lines = self.lines()
            refused = [line for line in lines if line["event"] == "refused"]
            self.assertGreaterEqual(len(refused), 20)
            self.assertLess(len(refused), 400)
            self.assertEqual(lines[-1]["event"], "called", "what was done is always written")

    def test_refusals_stand_in_the_log_without_a_file(self):
        with self.serve() as server:
            self.assertEqual(self.ask(server, "GET", "/v1/rules/a-token-in-a-path", None), 401)
            server.stop()
            log = "".join(server.lines)
            self.assertRegex(log, r"a request from 127\.0\.0\.1:\d+ was refused: 401 no-token")
            self.assertNotIn("a-token-in-a-path", log)

    def test_any_bytes_make_a_line(self):
        with self.serve("--audit-log", self.file) as server:
            self.assertEqual(self.ask(server, "DELETE", "/v1/rules/%22%0a\\u0000", self.viewer), 403)
            self.assertEqual(self.lines()[0]["path"], "/v1/rules/%22%0a\\u0000")

    def test_rotation(self):
        with self.serve("--audit-log", self.file) as server:
            self.assertEqual(self.ask(server, "POST", "/v1/rules", self.editor, RULE), 201)
            os.rename(self.file, self.file + ".1")
            self.assertEqual(self.ask(server, "POST", "/v1/rules/r1/disable", self.editor), 200)
            server.reload("reloaded")
            self.assertEqual(self.ask(server, "POST", "/v1/rules/r1/enable", self.editor), 200)
            self.assertEqual([line["path"] for line in self.lines(self.file + ".1")], ["/v1/rules", "/v1/rules/r1/disable"])
            self.assertEqual([line["path"] for line in self.lines()], ["/v1/rules/r1/enable"])

    def test_a_file_that_cannot_be_written(self):
        done = run_cli("serve", "--memory-source", "--listen", "127.0.0.1:0", "--db", os.path.join(self.folder.name, "db"), "--audit-log", os.path.join(self.folder.name, "none", "audit"))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("the audit log", done.stderr)

    def test_a_full_disk_is_named(self):
        """/dev/full takes no byte. Without --audit-strict the call goes on, and the log of the service says what is lost."""
        with self.serve("--audit-log", "/dev/full") as server:
            self.assertEqual(self.ask(server, "POST", "/v1/rules", self.editor, RULE), 201)
        self.assertIn("cannot be written: No space left on device; 1 lines are lost so far", "".join(server.lines))

    def test_strict_refuses_what_it_cannot_write(self):
        with self.serve("--audit-log", "/dev/full", "--audit-strict") as server:
            answer = server.request("POST", "/v1/rules", RULE, headers={"Authorization": f"Bearer {self.editor}"})
            self.assertEqual((answer.status, answer.json()["type"]), (503, "urn:betrace:problem:audit"), answer)
            self.assertIn("Nothing was done", answer.json()["detail"])
            self.assertEqual(self.ask(server, "GET", "/v1/rules/r1", self.editor), 404, "it was not created")
            self.assertEqual(self.ask(server, "GET", "/v1/rules", self.viewer), 200, "what changes nothing goes on")
            self.assertEqual(self.ask(server, "POST", "/v1/rules", self.viewer, RULE), 403)

    def test_strict_writes_first(self):
        """Each call that is wanted: `asked` and then `called`, whatever came of it; what was refused before has its one line."""
        with self.serve("--audit-log", self.file, "--audit-strict") as server:
            self.assertEqual(self.ask(server, "POST", "/v1/rules", self.editor, RULE), 201)
            self.assertEqual(self.ask(server, "POST", "/v1/rules", self.editor, {"id": "r2", "dsl": "when {"}), 422)
            self.assertEqual(self.ask(server, "DELETE", "/v1/rules/r1", self.viewer), 403)
            self.assertEqual(self.ask(server, "GET", "/v1/rules/r1", self.viewer), 200)
            told = [(line["event"], line["method"], line["user"], line.get("status")) for line in self.lines()]
        self.assertEqual(told, [("asked", "POST", "editor", None), ("called", "POST", "editor", 201), ("asked", "POST", "editor", None), ("called", "POST", "editor", 422),
                                ("refused", "DELETE", "", 403)])

    def test_strict_needs_a_file(self):
        done = run_cli("serve", "--memory-source", "--listen", "127.0.0.1:0", "--audit-strict")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("give --audit-log too", done.stderr)

    def test_a_disk_that_is_full_for_a_while(self):
        """The line that went in by a part stands alone, and the first whole one after it says how many are missing."""
        disk = os.path.join(self.folder.name, "disk")
        os.mkdir(disk)
        if subprocess.run([*UNSHARE, "sh", "-c", f"mount -t tmpfs none '{disk}'"], capture_output=True).returncode:
            self.skipTest("this user may not mount in a namespace of its own")
        server = self.serve("--audit-log", os.path.join(disk, "audit.jsonl"))
        server.arguments = [*UNSHARE, "sh", "-c", f"mount -t tmpfs -o size=8k none '{disk}' && head -c 4096 /dev/zero > '{disk}/filler' && exec \"$@\"", "sh", *server.arguments]
        with server:
            inside = f"/proc/{server.process.pid}/root{disk}"
            for n in range(40):
                self.assertEqual(self.ask(server, "POST", "/v1/rules", self.editor, {"id": f"r{n:02}", "dsl": "a"}), 201)
            os.remove(f"{inside}/filler")
            self.assertEqual(self.ask(server, "DELETE", "/v1/rules/r00", self.editor), 204)
            with open(f"{inside}/audit.jsonl", encoding="ascii") as file:
                lines = file.read().split("\n")
        self.assertEqual(lines.pop(), "", "the file ends with a line break")
        whole, torn = [], []
        for line in lines:
            try:
                whole.append(json.loads(line))
            except ValueError:
                torn.append(line)
        self.assertEqual(len(torn), 1, torn)
        self.assertEqual(whole[-1]["method"], "DELETE")
        self.assertEqual(len(whole) - 1 + whole[-1]["lost"], 40)
        self.assertGreater(whole[-1]["lost"], 1)


if __name__ == "__main__":
    unittest.main(verbosity=1)
