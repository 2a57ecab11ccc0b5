"""`betrace listen` with the OpenTelemetry SDKs of Python, JavaScript, Go and Java, each out of its package registry: a program
that asks fraud-check before it charges, and the same one without (tests/listen)."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
LISTEN = os.path.join(ROOT, "tests", "listen")
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "app")]
from betrace_process import run_cli  # noqa: E402
from java_program import class_path  # noqa: E402
from python_packages import python_with  # noqa: E402

RULE = "when { payment.charge as c } always { fraud-check before c }"
NODE_PACKAGES = os.path.join(ROOT, "tests", "app", "node_packages.py")

class SdkTest(unittest.TestCase):
    def check(self, *command):
        """The last word of the command says which of the two it is to be."""
        for kind, code, violated in (("right", 0, 0), ("wrong", 1, 1)):
            done = run_cli("listen", "--dsl", RULE, "--settle", "300ms", "--json", "--", *(word.replace("KIND", kind) for word in command))
            self.assertEqual(done.returncode, code, f"{command}\n{done.stdout[:2000]}\n{done.stderr}")
            said = json.loads(done.stdout)
            self.assertEqual((said["traces"], said["rules"][0]["violated"], said["refused"]), (1, violated, 0))
            self.assertEqual(list(said["tests"].values()), [violated])
            self.assertIn("checkout in ", list(said["tests"])[0])

    def test_python(self):
        shop = [python_with(os.path.join(LISTEN, "python", "requirements.txt")), os.path.join(LISTEN, "python", "shop.py"), "KIND"]
        for told_by in ([], ["baggage"]):
            self.check(*shop, *told_by)

    def test_javascript(self):
        subprocess.run([sys.executable, NODE_PACKAGES, os.path.join(LISTEN, "js")], check=True, capture_output=True)
        for form in ("proto", "json"):
            self.check(sys.executable, NODE_PACKAGES, "--run", "node", os.path.join(LISTEN, "js", "shop.mjs"), "KIND", form)

    def test_go(self):
        with tempfile.TemporaryDirectory(prefix="betrace-listen-go-") as folder:
            program = os.path.join(folder, "shop")
            subprocess.run(["go", "build", "-o", program, "."], cwd=os.path.join(LISTEN, "go"), check=True)
            self.check(program, "KIND")

    def test_java(self):
        self.check("java", "-cp", class_path(os.path.join(LISTEN, "java"), "shop"), "Shop", "KIND")


if __name__ == "__main__":
    unittest.main()
