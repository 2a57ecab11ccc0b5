"""A disk that is full under a running service: writes are refused with a reason, nothing acknowledged is lost, reads go on, and all works again without a restart.
The disk is a small tmpfs in a mount namespace of the service's own."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, binary, run_cli, sanitizer_environment  # noqa: E402

UNSHARE = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]


def can_mount(folder):
    return subprocess.run([*UNSHARE, "sh", "-c", f"mount -t tmpfs none '{folder}'"], capture_output=True).returncode == 0


class DiskTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="betrace-disk-")
        self.addCleanup(self.folder.cleanup)
        self.traces = os.path.join(self.folder.name, "traces.jsonl")
        self.assertEqual(run_cli("generate", "--traces", 50, "--violations", 1, "--out", self.traces).returncode, 0)
        self.disk = os.path.join(self.folder.name, "disk")
        os.mkdir(self.disk)
        if not can_mount(self.disk):
            self.skipTest("this user may not mount in a namespace of its own")
        self.server = Betrace("--traces", self.traces, db=os.path.join(self.disk, "rules.db"))
        self.server.arguments = [*UNSHARE, "sh", "-c", f"mount -t tmpfs -o size=400k none '{self.disk}' && head -c 100000 /dev/zero > '{self.disk}/filler' && exec \"$@\"", "sh",
                                 *self.server.arguments]
        self.server.start()
        self.addCleanup(self.server.__exit__)

    def inside(self, name=""):
        """A path on the service's disk, seen from here."""
        return f"/proc/{self.server.process.pid}/root{self.disk}/{name}"

    def rules(self, server=None):
        return {rule["id"]: rule for rule in (server or self.server).get("/v1/rules?limit=1000").json()["rules"]}

    def create(self, number):
        return self.server.post("/v1/rules", {"id": f"r{number:03}", "dsl": "a", "description": "x" * 3000})

    def refused(self, answer, says):
        self.assertEqual(answer.status, 503, answer)
        self.assertEqual(answer.json()["type"], "urn:betrace:problem:storage")
        self.assertIn(says, answer.json()["detail"])
        self.assertNotIn(self.disk, answer.json()["detail"], "paths are for who runs the service")

    def check_on_a_copy(self, acknowledged):
        """The files as they are, as after a power loss: a new service has every acknowledged rule."""
        copy = os.path.join(self.folder.name, "copy.db")
        for ending in ("", "-wal"):
            if os.path.exists(self.inside("rules.db" + ending)):
                shutil.copy(self.inside("rules.db" + ending), copy + ending)
        with Betrace("--traces", self.traces, db=copy) as again:
            self.assertEqual(self.rules(again), acknowledged)

    def test_a_full_disk(self):
        acknowledged, number = {}, 0
        while True:
            answer = self.create(number)
            if answer.status != 201:
                break
            acknowledged[answer.json()["id"]] = answer.json()
            number += 1
            self.assertLess(number, 200, "the disk never became full")
        self.assertGreater(number, 5)
        self.refused(answer, "the disk is full")
        for _ in range(3):
            self.refused(self.create(number), "the disk is full")
        many = "rules:\n" + "".join(f"- {{id: many-{i}, dsl: x, description: {'y' * 2000}}}\n" for i in range(50))
        self.refused(self.server.post("/v1/rules/import", many), "the disk is full")
        self.assertEqual(self.rules(), acknowledged, "what was refused is not there, and reads go on")
        self.check_on_a_copy(acknowledged)
        os.unlink(self.inside("filler"))
        again = self.create(number)
        self.assertEqual((again.status, again.json()["version"]), (201, 1), again)
        acknowledged[again.json()["id"]] = again.json()
        self.assertEqual(self.rules(), acknowledged)
        self.check_on_a_copy(acknowledged)

    def test_ready_tries_as_much_as_a_rule(self):
        """On a disk with some room left, a write of a few bytes works when that of a rule does not."""
        answer, number = None, 0
        while answer is None or answer.status == 201:
            answer, number = self.create(number), number + 1
            self.assertLess(number, 200, "the disk never became full")
        ready = self.server.get("/ready")
        self.assertEqual((ready.status, ready.json()["parts"]["store"]["ready"]), (503, False), ready)
        self.assertIn("the disk is full", ready.json()["parts"]["store"]["reason"])
        os.unlink(self.inside("filler"))
        self.assertEqual(self.server.get("/ready").status, 200)

    def test_not_one_byte_left(self):
        self.assertEqual(self.create(0).status, 201)
        acknowledged = self.rules()
        disk = os.statvfs(self.inside())
        with open(self.inside("more"), "wb") as file:
            file.write(b"x" * disk.f_bavail * disk.f_frsize)
        self.refused(self.server.put("/v1/rules/r000", {"dsl": "b", "description": "y" * 4000}), "the disk")
        self.assertEqual(self.rules(), acknowledged)
        self.check_on_a_copy(acknowledged)
        os.unlink(self.inside("more"))
        self.assertEqual(self.server.put("/v1/rules/r000", {"dsl": "b"}).json()["version"], 2)


class ReadOnlyTest(unittest.TestCase):
    def test_the_start_says_what_is_wrong(self):
        with tempfile.TemporaryDirectory(prefix="betrace-disk-") as folder:
            if not can_mount(folder):
                self.skipTest("this user may not mount in a namespace of its own")
            database = os.path.join(folder, "rules.db")
            done = subprocess.run([*UNSHARE, "sh", "-c", f"mount -t tmpfs -o ro none '{folder}' && exec \"$@\"", "sh", binary(), "serve", "--memory-source", "--db", database, "--listen", "127.0.0.1:0"],
                                  capture_output=True, text=True, env=sanitizer_environment(), timeout=60)
        self.assertEqual(done.returncode, 3, done)
        for words in (database, "Read-only", "writable by the service"):
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
