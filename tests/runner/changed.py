"""`make test`, for the loop of work: units and cases of what changed since they last passed, on the debug build.

A test is run when its program differs from the one that passed last (a static library lends a program only the
objects that it uses, so most changes reach few programs), or when a file that it reads differs: folders and files
that its arguments or the texts in its program name. Python files of tests/http and tests/runner that differ from the
last commit are run on the debug build, too. What passed stands in build/dev/tested.json. Nothing is installed: `make
deps` does that. The last line is `N passed, N failed, N skipped`; the code is 0 when none failed.
"""
import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field

import outcome
import suites

PRESET = "dev"
TESTS = os.path.join(suites.ROOT, "tests")
KEPT = os.path.join(suites.ROOT, "build", PRESET, "tested.json")
JUNIT = os.path.join(suites.LOGS, "test.junit.xml")
# Tests of C run in tests/, so what they read stands in their programs like this.
_PATH = re.compile(rb"(?<![\w./-])(?:cases|facts|fuzz|recorded|spec|\.\./docs|\.\./distribution)/[\w./-]+")
PYTHON_TESTS = r"tests/(http|runner)/test_\w+\.py"


@dataclass
class Test:
    name: str
    command: list
    labels: list = field(default_factory=list)


def digest(text):
    return hashlib.sha256(text).hexdigest()


def digest_of_path(path):
    """Of a file its content, of a folder the names and contents of all in it."""
    if not os.path.isdir(path):
        with open(path, "rb") as file:
            return digest(file.read())
    files = sorted(os.path.join(folder, name)
                   for folder, _, names in os.walk(path) if "__pycache__" not in folder for name in names)
    return digest("".join(f"{os.path.relpath(file, path)} {digest_of_path(file)}\n" for file in files).encode())


def paths_in(program, folder=TESTS):
    """What a program names of the files and folders that tests read: as it stands there, or the folder of it."""
    found = set()
    for text in _PATH.findall(program):
        path = os.path.join(folder, text.decode().rstrip("/."))
        path = path if os.path.exists(path) else os.path.dirname(path)
        if os.path.exists(path) and os.path.realpath(path) != os.path.realpath(folder):
            found.add(os.path.realpath(path))
    return sorted(found)


def is_file_of_project(word):
    return os.path.exists(word) and os.path.realpath(word).startswith(suites.ROOT + os.sep)


def digests_of(test, known):
    """{path: digest} of all that decides what a test says. known: the same when it last passed; an unchanged
    program names the same paths as then."""
    now = {word: digest_of_path(word) for word in test.command if is_file_of_project(word)}
    if all(known.get(word) == value for word, value in now.items()):
        return {**now, **{path: digest_of_path(path) for path in known if path not in now and os.path.exists(path)}}
    for word in list(now):
        if os.access(word, os.X_OK) and os.path.isfile(word):
            with open(word, "rb") as file:
                now.update({path: digest_of_path(path) for path in paths_in(file.read()) if path not in now})
    return now


def read_tests():
    """All that ctest knows of the labels that need no Tempo."""
    told = subprocess.run(["ctest", "--test-dir", os.path.dirname(KEPT), "--show-only=json-v1"], cwd=suites.ROOT,
                          stdout=subprocess.PIPE, check=True)
    tests = []
    for entry in json.loads(told.stdout)["tests"]:
        labels = next((one["value"] for one in entry.get("properties", []) if one["name"] == "LABELS"), [])
        if set(labels) & set(suites.LABELS) and not set(labels) & set(suites.TEMPO_LABELS):
            tests.append(Test(entry["name"], entry["command"], labels))
    return tests


def choose(tests, kept):
    """[(test, its digests now)] of those that have changed since they passed, or never did."""
    now = [(test, digests_of(test, kept.get(test.name, {}))) for test in tests]
    return [(test, digests) for test, digests in now if digests != kept.get(test.name)]


def read_kept():
    try:
        with open(KEPT, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def run_ctest(chosen, kept):
    """Runs them and keeps what passed: the outcome."""
    if not chosen:
        return outcome.Outcome()
    if os.path.exists(JUNIT):
        os.unlink(JUNIT)
    names = "|".join(re.escape(test.name) for test, _ in chosen)
    code = subprocess.run(["ctest", "--test-dir", os.path.dirname(KEPT), "-R", f"^({names})$", "-j", suites.JOBS,
                           "--output-on-failure", "--no-tests=error", "--output-junit", JUNIT],
                          cwd=suites.ROOT, check=False).returncode
    passed = outcome.names_passed(JUNIT)
    for test, digests in chosen:
        kept.pop(test.name, None)
        if test.name in passed:
            kept[test.name] = digests
    with open(KEPT, "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=1)
    return outcome.of_ctest(JUNIT)(code, "")


def changed_python_files():
    """Files of PYTHON_TESTS that differ from the last commit, or are not committed yet."""
    told = subprocess.run(["git", "status", "--porcelain", "--untracked-files=all", "--no-renames", "--", "tests"],
                          cwd=suites.ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    files = [line[3:] for line in told.splitlines()]
    return sorted(file for file in files
                  if re.fullmatch(PYTHON_TESTS, file) and os.path.exists(os.path.join(suites.ROOT, file)))


def run_python(file):
    print(f"{file} …", flush=True)
    program = suites.binary(PRESET)
    env = {**os.environ, "BETRACE_BIN": program, "BETRACE_RELEASE_BIN": program, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([suites.PYTHON, file], cwd=suites.ROOT, env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode("utf-8", "replace")
    result = outcome.of_unittest(done.returncode, text)
    if result.failed:
        print(text, flush=True)
    return result


def build():
    """True when the debug build is up to date."""
    configure, compile_all = suites.configure_and_build(PRESET)
    # Once it is configured, ninja asks cmake where that is needed.
    is_configured = os.path.exists(os.path.join(os.path.dirname(KEPT), "build.ninja"))
    for step in [compile_all] if is_configured else [configure, compile_all]:
        if subprocess.run(step.command, cwd=suites.ROOT, env={**os.environ, **step.env}, check=False).returncode:
            print("the debug build failed; where something is missing, `make deps` installs it (Debian)", flush=True)
            return False
    return True


def main():
    os.makedirs(suites.LOGS, exist_ok=True)
    if not build():
        return 1
    kept, tests = read_kept(), read_tests()
    total = run_ctest(choose(tests, kept), kept)
    ran = total.passed + total.failed + total.skipped
    for file in changed_python_files():
        total += run_python(file)
    print(f"{len(tests) - ran} of {len(tests)} tests of C have not changed since they passed")
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
