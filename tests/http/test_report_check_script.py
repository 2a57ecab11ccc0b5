"""The check of a report that docs/howto/evidence-for-an-auditor.md gives to everybody: the script is taken from the document as it stands there. What it says of a report is
what `betrace verify-report` says: of the one that was signed, and of those with members that stand twice, do not belong there, or are of another kind."""
import base64
import copy
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import ROOT, Betrace, run_cli  # noqa: E402
from evidence import make_key, openssl_sign, sign  # noqa: E402
from seed_rules import PII_AUDIT  # noqa: E402

START, END = "2026-03-09T12:00:00Z", "2026-03-10T12:00:00Z"


class CheckScriptTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-check-script-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        document = (ROOT / "docs/howto/evidence-for-an-auditor.md").read_text(encoding="utf-8")
        with open(cls.path("check.py"), "w", encoding="utf-8") as file:
            file.write(re.search(r"cat > check\.py <<'END'\n(.*?)\nEND\n", document, re.S)[1] + "\n")
        traces = cls.path("traces.pb")
        run_cli("generate", "--traces", 60, "--violations", 4, "--end", END, "--since", "24h", "--out", traces)
        cls.private, cls.public = make_key(cls.folder)
        cls.other_private, cls.other_public = make_key(cls.folder, "other")
        with Betrace("--traces", traces, "--evidence-key", cls.private) as server:
            server.post("/v1/rules", PII_AUDIT)
            cls.text = server.get(f"/v1/compliance/reports/soc2?start={START}&end={END}").body.decode()
        cls.report = json.loads(cls.text)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    def script(self, file, key):
        """As the document calls it. True: it holds."""
        done = subprocess.run([sys.executable, "check.py", file, key], cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            return False
        return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", "head.txt", "-sigfile", "head.sig"],
                              cwd=self.folder, capture_output=True, check=False).returncode == 0

    def both(self, content, key=None):
        """(what the script says, what the program says)"""
        file = self.path("report.json")
        with open(file, "wb") as out:
            out.write(content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else json.dumps(content).encode())
        done = run_cli("verify-report", file, "--key", key or self.public)
        self.assertIn(done.returncode, (0, 1, 2), done)
        return self.script(file, key or self.public), done.returncode == 0

    def refused(self, content, key=None):
        self.assertEqual(self.both(content, key), (False, False), "the script, the program")

    def test_what_was_signed_holds(self):
        self.assertEqual(self.both(self.text), (True, True))
        self.assertEqual(self.both(json.dumps(self.report, indent=2)), (True, True))

    def test_members_that_stand_twice(self):
        """The last one counts in most readers, the first in others: two people would read two reports."""
        for twice in ('"format"', '"evidence"', '"entries"', '"head"', '"signature"', '"body"', '"number"', '"hash"', '"tenant"', '"status"', '"violated"', '"name"'):
            at = self.text.index(twice + ":")
            value, length = json.JSONDecoder().raw_decode(self.text[at + len(twice) + 1:].lstrip())
            for other in (value, "another", 0):
                changed = self.text[:at] + twice + ":" + json.dumps(other) + "," + self.text[at:]
                self.assertEqual(json.loads(changed), self.report, "Python itself takes the last one")
                with self.subTest(twice, other=str(other)[:20]):
                    self.refused(changed)

    def test_members_that_do_not_belong_there(self):
        places = {"report": lambda r: r, "evidence": lambda r: r["evidence"], "entry": lambda r: r["entries"][1], "the last": lambda r: r["entries"][-1]}
        for name, place in places.items():
            with self.subTest(name):
                report = copy.deepcopy(self.report)
                place(report)["note"] = "all controls pass"
                self.refused(report)
                report = copy.deepcopy(self.report)
                sign(report, self.private, self.public)
                place(report)["note"] = "all controls pass"
                self.refused(report)
            for member in place(self.report):
                with self.subTest(name, missing=member):
                    report = copy.deepcopy(self.report)
                    del place(report)[member]
                    self.refused(report)

    def test_formats_that_nobody_knows(self):
        for wrong in ("betrace-report/2", "betrace-report/1 ", "", None, 1, ["betrace-report/1"]):
            with self.subTest(format=wrong):
                self.refused(dict(self.report, format=wrong))
        for member, wrong in (("chain", "sha1"), ("chain", None), ("signed", "rsa"), ("signed", None), ("signed", "unsigned"), ("key_id", None),
                              ("key_id", "0" * 64), ("head", "0" * 64), ("signature", None), ("signature", ""), ("signature", "AAAA"), ("signature", 5)):
            with self.subTest(member, wrong=wrong):
                self.refused(dict(self.report, evidence=dict(self.report["evidence"], **{member: wrong})))

    def test_another_text_of_the_signature(self):
        """Blanks, and bits that do not count: the same bytes, written otherwise."""
        signature = self.report["evidence"]["signature"]
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        other = signature[:85] + alphabet[alphabet.index(signature[85]) ^ 1] + "=="
        self.assertEqual(base64.b64decode(other), base64.b64decode(signature))
        for wrong in (other, signature + "\n", " " + signature, signature.rstrip("=")):
            self.refused(dict(self.report, evidence=dict(self.report["evidence"], signature=wrong)))

    def test_values_that_canonical_json_does_not_have(self):
        """Signed by the right key: a reader that takes them would make another hash than one that does not."""
        for wrong in (1.5, 1e3, 2 ** 53, -2 ** 53, float("nan"), "\x00"):
            with self.subTest(wrong=repr(wrong)):
                report = copy.deepcopy(self.report)
                report["entries"][0]["body"]["extra"] = wrong
                self.refused(sign(report, self.private, self.public))
        report = copy.deepcopy(self.report)
        report["entries"][0]["body"]["\u00fc"] = 1
        self.refused(sign(report, self.private, self.public))

    def test_numbers_that_only_look_alike(self):
        for wrong in (True, 1.0, "1"):
            report = copy.deepcopy(self.report)
            report["entries"][1]["number"] = wrong
            self.refused(report)

    def test_what_the_chain_and_the_key_find(self):
        report = copy.deepcopy(self.report)
        report["entries"].pop(1)
        self.refused(report)
        self.refused(self.report, key=self.other_public)
        self.refused(sign(copy.deepcopy(self.report), self.other_private, self.other_public))
        changed = copy.deepcopy(self.report)
        changed["evidence"]["signature"] = openssl_sign(self.private, b"another text")
        self.refused(changed)
        for content in (b"", b"[]", b"{}", b"null", self.text[:-2], self.text + " 1", b"\xff" + self.text.encode(), b"\xef\xbb\xbf" + self.text.encode()):
            self.refused(content)


if __name__ == "__main__":
    unittest.main()
