"""The extension for VS Code: bundled, packaged by vsce (which checks its manifest), its colours and its start. VS Code itself is not run."""
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "app")]
import node_packages  # noqa: E402
from betrace_process import ROOT, binary  # noqa: E402

EXTENSION = ROOT / "distribution/editors/vscode"


class ExtensionTest(unittest.TestCase):
    def run_npm(self, script):
        environment = dict(node_packages.environment(), BETRACE_BIN=binary())
        done = subprocess.run(["npm", "--prefix", str(EXTENSION), "run", "--silent", script], env=environment, capture_output=True, text=True, timeout=300,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_the_package_has_what_it_needs_and_nothing_else(self):
        self.run_npm("package")
        with zipfile.ZipFile(EXTENSION / "dist/betrace.vsix") as package:
            names = {name.removeprefix("extension/") for name in package.namelist() if name.startswith("extension/")}
            manifest = json.loads(package.read("extension/package.json"))
            program = package.read("extension/dist/extension.js").decode()
        self.assertEqual(names, {"package.json", "readme.md", "LICENSE.txt", "language-configuration.json", "dist/extension.js",
                                 "syntaxes/betrace.tmLanguage.json", "syntaxes/betrace-in-yaml.tmLanguage.json"})
        self.assertEqual(manifest["version"], (ROOT / "VERSION").read_text(encoding="utf-8").strip())
        needed = set(re.findall(r'require\("([^"./][^"]*)"\)', program))
        self.assertIn("vscode", needed)
        builtin = subprocess.run(["node", "-p", "require('module').builtinModules.join(' ')"], env=node_packages.environment(), capture_output=True, text=True,
                                 timeout=60, check=True).stdout.split()
        self.assertEqual(needed - {"vscode", *builtin}, set())  # VS Code brings these alone

    def test_colours_and_start(self):
        self.assertIn("# fail 0", self.run_npm("test"))


if __name__ == "__main__":
    try:
        node_packages.provide(str(EXTENSION), node_packages.environment())
    except node_packages.NoNode as error:
        sys.exit(node_packages.skipped(error))
    unittest.main(verbosity=1)
