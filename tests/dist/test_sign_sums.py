"""The checksums of a release are signed with the key that is given, and checked by the commands that sign-sums.sh shows."""
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "distribution/sign-sums.sh"


def run(*command, cwd=None):
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


class SignedSums(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-sums-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "betrace.tgz").write_bytes(b"a chart")
        (self.folder / "SHA256SUMS").write_text(run("sha256sum", "betrace.tgz", cwd=self.folder).stdout, encoding="ascii")
        run("openssl", "genpkey", "-algorithm", "ed25519", "-out", self.folder / "KEY")
        run("openssl", "pkey", "-in", self.folder / "KEY", "-pubout", "-out", self.folder / "PUBLIC")

    def check(self):
        """The commands of the script's own comment, as they stand there."""
        command = re.search(r"^#   (openssl pkeyutl -verify .*)$", SCRIPT.read_text(encoding="ascii"), re.M).group(1)
        return run("bash", "-c", command, cwd=self.folder)

    def test_what_was_signed_is_verified_and_nothing_else_is(self):
        done = run(SCRIPT, self.folder / "KEY", self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.check().returncode, 0, self.check().stderr)
        sums = self.folder / "SHA256SUMS"
        (self.folder / "betrace.tgz").write_bytes(b"another chart")
        self.assertNotEqual(self.check().returncode, 0, "a file was changed")
        sums.write_text(run("sha256sum", "betrace.tgz", cwd=self.folder).stdout, encoding="ascii")
        self.assertNotEqual(self.check().returncode, 0, "the sums were changed with it")

    def test_what_is_no_key_signs_nothing(self):
        run("openssl", "genpkey", "-algorithm", "rsa", "-out", self.folder / "RSA")
        for key in ("RSA", "PUBLIC", "SHA256SUMS", "none"):
            done = run(SCRIPT, self.folder / key, self.folder)
            self.assertEqual(done.returncode, 1, key)
            self.assertIn("nothing is signed", done.stderr)
            self.assertFalse((self.folder / "SHA256SUMS.sig").exists(), key)


if __name__ == "__main__":
    unittest.main(verbosity=1)
