"""`betrace import`: what it reads and writes, its report and its exit statuses. How rules are converted is in tests/cases/import."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import ROOT, binary, sanitizer_environment  # noqa: E402

FINE = """rules:
- id: orders
  condition: when { order.where(total > 500) } always { review }
  example_violation: {description: not reviewed, trace: [{span: order, attributes: {total: 900}}]}
"""
LOOK = """rules:
- id: logins
  condition: when { login.where(mfa == false) } always { alarm }
"""
BAD = """rules:
- id: broken
  condition: when { login
"""


class ImportTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-import-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.mkdir(self.path("old"))
        for name, text in {"fine": FINE, "look": LOOK, "bad": BAD}.items():
            self.write(f"old/{name}.yaml", text)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def cli(self, *arguments, status, text=None):
        done = subprocess.run([binary(), *arguments], cwd=self.folder, capture_output=True, text=True, input=text, env=sanitizer_environment())
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def test_a_file_that_is_all_right(self):
        done = self.cli("import", "old/fine.yaml", "--output", "new.yaml", status=0)
        self.assertEqual(done.stdout, "old/fine.yaml:2: orders: converted\n"
                                      "1 rule: 1 converted, 0 converted and to be looked at, 0 not converted\n"
                                      "written to new.yaml; next: betrace check and betrace test\n")
        self.assertEqual(done.stderr, "")
        self.assertIn("1 passed", self.cli("test", "new.yaml", status=0).stdout)
        self.assertEqual(self.cli("fmt", "--check", "new.yaml", status=0).stdout, "")

    def test_without_an_output_the_file_goes_to_stdout_and_the_report_to_stderr(self):
        done = self.cli("import", "old/fine.yaml", status=0)
        self.assertIn("old/fine.yaml:2: orders: converted\n", done.stderr)
        self.cli("import", "old/fine.yaml", "-o", "new.yaml", status=0)
        self.assertEqual(done.stdout, self.read("new.yaml"))

    def test_a_folder_with_everything(self):
        done = self.cli("import", "old", "--output", "new.yaml", status=1)
        self.assertEqual(done.stdout.split("\n")[0:7], [
            "old/bad.yaml:2: broken: not converted",
            "  old/bad.yaml:3:26: expected `}`, found the end of the text",
            "old/fine.yaml:2: orders: converted",
            "old/look.yaml:2: logins: converted, look at it",
            "  old/look.yaml:3:40: the original read `false` as true here, so it asked for the contrary of what is written; this asks for false, and a missing "
            "mfa is not false",
            "3 rules: 1 converted, 1 converted and to be looked at, 1 not converted",
            "written to new.yaml; next: betrace check and betrace test"])
        new = self.read("new.yaml")
        self.assertIn("# old/bad.yaml:2: NOT CONVERTED: broken\n", new)
        self.assertIn("#     condition: when { login\n", new)
        self.cli("check", "new.yaml", status=0)

    def test_json(self):
        done = self.cli("import", "old", "--json", status=1)
        answer = json.loads(done.stdout)
        self.assertEqual(answer["summary"], {"converted": 1, "look": 1, "not_converted": 1})
        self.assertEqual([(rule["id"], rule["result"], rule["line"], rule["has_test"]) for rule in answer["rules"]],
                         [("broken", "not_converted", 2, False), ("orders", "converted", 2, True), ("logins", "look", 2, False)])
        self.assertEqual(answer["rules"][0]["findings"], [{"look": True, "line": 3, "column": 26, "message": "expected `}`, found the end of the text"}])
        self.assertIsNone(answer["rules"][0]["dsl"])
        self.assertEqual(answer["rules"][2]["was"], "when { login.where(mfa == false) } always { alarm }")
        self.assertIn("login.where(mfa == false)", answer["rules"][2]["dsl"])
        self.assertEqual((answer["failed"], answer["output"], done.stderr), ([], None, ""))
        self.assertEqual(json.loads(self.cli("import", "old", "--json", "-o", "new.yaml", status=1).stdout)["rule_file"], None)
        self.assertEqual(answer["rule_file"], self.read("new.yaml"))

    def test_a_file_that_is_there_is_not_written_over(self):
        self.write("new.yaml", "mine\n")
        done = self.cli("import", "old/fine.yaml", "--output", "new.yaml", status=2)
        self.assertIn("new.yaml is there already", done.stderr)
        self.assertEqual(self.read("new.yaml"), "mine\n")
        self.cli("import", "old/fine.yaml", "--output", "new.yaml", "--force", status=0)
        self.assertIn("id: orders", self.read("new.yaml"))

    def test_bad_input(self):
        self.write("not.yaml", "rules: [")
        self.assertIn("not.yaml:2:1: expected YAML", self.cli("import", "not.yaml", status=2).stderr)
        self.assertIn("nosuch.yaml", self.cli("import", "nosuch.yaml", status=2).stderr)
        self.assertIn("say which rule files", self.cli("import", status=2).stderr)
        self.assertIn("cannot be written", self.cli("import", "old/fine.yaml", "-o", "no/such/folder.yaml", status=2).stderr)
        done = self.cli("import", "not.yaml", "old/fine.yaml", "--output", "new.yaml", status=2)
        self.assertIn("not.yaml", done.stderr)
        self.assertIn("orders: converted", done.stdout, "the other files are imported")
        answer = json.loads(self.cli("import", "not.yaml", "old/fine.yaml", "--json", status=2).stdout)
        self.assertEqual([one["file"] for one in answer["failed"]], ["not.yaml"])

    def test_the_page_shows_what_is_printed(self):
        page = (ROOT / "docs/howto/import.md").read_text(encoding="utf-8")
        commands, report = (re.search(rf"```{kind}\n(.*?)```", page, re.S).group(1) for kind in ("sh", "text"))
        os.symlink(binary(), self.path("betrace"))
        environment = dict(sanitizer_environment(), PATH=self.folder + os.pathsep + os.environ["PATH"])
        done = subprocess.run(["bash", "-e", "-c", commands], cwd=self.folder, capture_output=True, text=True, env=environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout[:len(report)], report)

    def test_stdin(self):
        self.assertIn("id: orders", self.cli("import", "-", status=0, text=FINE).stdout)

    def test_what_a_terminal_would_obey_is_shown(self):
        self.write("evil.yaml", 'rules:\n- {id: "a\\u001b[2J", name: "n\\u001b]0;x", condition: "when {"}\n')
        done = self.cli("import", "evil.yaml", "--output", "new.yaml", status=1)
        self.assertNotIn("\x1b", done.stdout + self.read("new.yaml"))
        self.assertIn("a\\x1b[2J", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=1)
