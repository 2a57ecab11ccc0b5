"""A script that no test starts still must be read by its interpreter."""
import re
import subprocess

SUMMARY = "every shell and Python script parses"
BASH = re.compile(r"^#!.*\b(bash|sh)\b")


def shell_scripts(tree):
    return [file for file in tree.files if file.endswith(".sh") or ("." not in file.rsplit("/", 1)[-1] and BASH.match(tree.read(file)[:80]))
            or file == ".ci/run"]


def findings(tree):
    for file in shell_scripts(tree):
        done = subprocess.run(["bash", "-n", tree.path(file)], capture_output=True, text=True, check=False)
        if done.returncode:
            yield f"{file}: {done.stderr.strip()}"
    for file in tree.matching(".py"):
        try:
            compile(tree.read(file), file, "exec")
        except SyntaxError as error:
            yield f"{file}:{error.lineno}: {error.msg}"


BAD = [{"a.sh": "#!/bin/bash\nif true; then\n"}, {"run": "#!/usr/bin/env bash\nfor\n"}, {"a.py": "def f(:\n"}]
GOOD = [{"a.sh": "#!/bin/bash\ntrue\n", "a.py": "x = 1\n"}]
