"""docs/operations/upgrade.md: what it has readers type compares two programs. It says "no verdict changes" only where both judged, and shows each
verdict that changes (tests/http/test_diff_programs.py has what else there is to it)."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import doc_pages  # noqa: E402
from betrace_process import binary, sanitizer_environment  # noqa: E402

PAGE = os.path.join(ROOT, "docs", "operations", "upgrade.md")
# Stand for a program that knows no texts that are numbers (it does not see them), and for one that refuses the rules.
BLIND = """#!/bin/sh
sed 's/"stringValue":"[0-9]*"/"stringValue":"none"/' traces.jsonl > seen.jsonl
for word; do
  shift
  case $word in *traces.jsonl) set -- "$@" seen.jsonl ;; *) set -- "$@" "$word" ;; esac
done
exec betrace "$@"
"""
REFUSES = "#!/bin/sh\nexec betrace eval --dsl 'when {' traces.jsonl\n"


def trace(number, value):
    span = {"traceId": f"{number:032x}", "spanId": "1" * 16, "name": "in", "startTimeUnixNano": "1", "endTimeUnixNano": "2",
            "attributes": [{"key": "http.status_code", "value": value}]}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}, separators=(",", ":"))


class UpgradePage(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-upgrade-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.symlink(binary(), os.path.join(self.folder, "betrace"))
        with open(PAGE, encoding="utf-8") as file:
            blocks = [text for _, info, text in doc_pages.blocks(file.read()) if info[:1] == ["sh"]]
        self.keep, self.compare = blocks[0], next(text for text in blocks if "--old-program" in text)
        self.elsewhere = next(text for text in blocks if " eval " in text)
        with open(PAGE, encoding="utf-8") as file:
            self.output = next(text for _, info, text in doc_pages.blocks(file.read()) if info == ["text"])
        with open(os.path.join(self.folder, "traces.jsonl"), "w", encoding="utf-8") as file:
            file.write("".join(trace(number, value) + "\n" for number, value in
                               ((1, {"stringValue": "503"}), (2, {"intValue": "503"}), (3, {"stringValue": "200"}))))
        with open(os.path.join(self.folder, "rules.yaml"), "w", encoding="utf-8") as file:
            file.write('rules:\n- {id: failed, dsl: "never { span(http.status_code >= 500) }"}\n')

    def run_blocks(self, *texts):
        environment = dict(sanitizer_environment(), PATH=self.folder + os.pathsep + os.environ["PATH"])
        return subprocess.run(["bash", "-c", "\n".join(texts)], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False)

    def older(self, script):
        path = os.path.join(self.folder, "betrace-old")
        with open(path, "w", encoding="utf-8") as file:
            file.write(script)
        os.chmod(path, 0o755)

    def test_the_same_program(self):
        done = self.run_blocks(self.keep, self.compare)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "1 rule keeps its verdicts\nno verdict changes\n", ""))

    def test_a_verdict_that_changes(self):
        self.older(BLIND)
        done = self.run_blocks(self.compare)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        def shape(text):  # the page has another service and time
            return [re.sub(r"[0-9T:Z-]{20}|\(.*\)", "", line) for line in text.splitlines()]
        self.assertEqual(shape(done.stdout), shape(self.output))

    def test_a_program_that_did_not_judge_is_no_agreement(self):
        self.older(REFUSES)
        done = self.run_blocks(self.compare)
        self.assertEqual(done.returncode, 3)
        self.assertIn("UNKNOWN: ./betrace-old ended with status 2: ", done.stdout)

    def test_where_they_cannot_meet(self):
        self.assertEqual(self.run_blocks(self.elsewhere).returncode, 0)
        with open(os.path.join(self.folder, "after.tsv"), encoding="utf-8") as file:
            self.assertEqual([line.split("\t")[2] for line in file.read().splitlines()], ["violated", "violated", "satisfied"])
        with open(os.path.join(self.folder, "rules.yaml"), "w", encoding="utf-8") as file:
            file.write("rules: 3\n")
        self.assertNotEqual(self.run_blocks(self.elsewhere).returncode, 0)


if __name__ == "__main__":
    unittest.main()
