"""The pre-commit hooks and the CI example run: their commands are taken from the files, and each is shown to pass on good rules and to fail on bad
ones."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import ROOT, binary, sanitizer_environment  # noqa: E402
from trace_files import span, trace  # noqa: E402

GOOD = """rules:
- id: audited
  severity: high
  dsl: |
    when { pii.read }
    always { audit.log }
  tests:
  - {name: t, trace: [{span: pii.read}], expect: violated}
"""
BAD = {"fmt": GOOD.replace("when { pii.read }", "when {pii.read}"), "check": GOOD.replace("always", "alway"),
       "test": GOOD.replace("expect: violated", "expect: satisfied")}


class CiTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-ci-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.mkdir(os.path.join(self.folder, "rules"))
        os.symlink(binary(), os.path.join(self.folder, "betrace"))
        self.write("rules/r.yaml", GOOD)
        self.write("traces.jsonl", trace(1, span("pii.read"), span("audit.log")))

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def run_line(self, line):
        env = dict(sanitizer_environment(), PATH=self.folder + os.pathsep + os.environ["PATH"])
        return subprocess.run(["bash", "-ec", line], cwd=self.folder, capture_output=True, text=True, env=env)

    def test_the_workflow(self):
        lines = re.findall(r"^      run: (.*)$", (ROOT / "distribution/ci/github-actions.yml").read_text(encoding="utf-8"), re.M)
        self.assertEqual([line.split()[1] for line in lines], ["fmt", "check", "test", "replay"])
        for line in lines:
            done = self.run_line(line)
            self.assertEqual(done.returncode, 0, f"{line}\n{done.stdout}{done.stderr}")
        for command, text in BAD.items():
            self.write("rules/r.yaml", text)
            self.assertEqual(self.run_line(next(line for line in lines if line.split()[1] == command)).returncode, 1, command)
        self.write("rules/r.yaml", GOOD)
        self.write("traces.jsonl", trace(1, span("pii.read")))
        self.assertEqual(self.run_line(lines[-1]).returncode, 1)

    def test_the_hooks(self):
        text = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
        hooks = re.findall(r"^- id: betrace-(\w+)\n(?:  .*\n)*?  entry: (.*)\n", text, re.M)
        self.assertEqual([name for name, _ in hooks], ["check", "fmt", "test"])
        files = re.findall(r"^  files: (.*)$", text, re.M)
        self.assertTrue(all(re.search(pattern, "team/rules/checkout.yaml") and not re.search(pattern, "values.yaml") for pattern in files))
        for name, entry in hooks:
            self.write("rules/r.yaml", GOOD)
            self.assertEqual(self.run_line(entry + " rules/r.yaml").returncode, 0, name)
            self.write("rules/r.yaml", BAD[name])
            self.assertEqual(self.run_line(entry + " rules/r.yaml").returncode, 1, name)


if __name__ == "__main__":
    unittest.main(verbosity=1)
