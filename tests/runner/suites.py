"""The suites of `make check`: what each runs. Test files are discovered, so a new one needs no line here.

A suite is a function that yields steps. Every path is absolute or from the project's root, which is the working folder of all steps.
"""
import glob
import os
import sys
from dataclasses import dataclass, field
from typing import Callable

import outcome

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOGS = os.path.join(ROOT, "build", "check")
# ctest labels that every build runs, and those that need a Tempo. tests/lint refuses others, which would never run.
LABELS = ("unit", "case", "oom", "diff", "fuzz-replay", "http")
TEMPO_LABELS = ("e2e",)
JOBS = str(os.cpu_count() or 2)
PYTHON = sys.executable


@dataclass
class Step:
    command: list
    read: Callable = outcome.of_command
    env: dict = field(default_factory=dict)


def binary(preset):
    return os.path.join(ROOT, "build", preset, "server", "betrace")


def configure_and_build(preset, *targets):
    # ON by name: make demo may have configured this folder without tests.
    yield Step(["cmake", "--preset", preset, "-DBETRACE_TESTS=ON"], outcome.of_preparation)
    yield Step(["cmake", "--build", "--preset", preset, "-j", JOBS, *(f"--target={name}" for name in targets)], outcome.of_preparation)


def ctest(preset, labels):
    junit = os.path.join(LOGS, f"{preset}-{labels[0]}.junit.xml")
    if os.path.exists(junit):
        os.unlink(junit)
    yield Step(["ctest", "--test-dir", f"build/{preset}", "-L", f"^({'|'.join(labels)})$", "-j", JOBS, "--output-on-failure",
                "--no-tests=error", "--output-junit", junit], outcome.of_ctest(junit))


def build_and_ctest(preset):
    yield from configure_and_build(preset)
    yield from ctest(preset, LABELS)


def python_files(pattern, *arguments):
    """Each file of the pattern as a test program of its own; no file at all is a failure."""
    files = sorted(glob.glob(os.path.join(ROOT, pattern)))
    if not files:
        yield Step(["sh", "-c", f"echo 'no file matches {pattern}: write one, or take the suite out of tests/budget.txt'; exit 1"])
    for file in files:
        yield Step([PYTHON, os.path.relpath(file, ROOT), *arguments], outcome.of_unittest)


def with_programs(steps):
    """Both builds of the program first: the ASan one to be tested, the release one where speed counts."""
    yield from configure_and_build("asan", "betrace")
    yield from configure_and_build("release", "betrace")
    yield from steps


def deps():
    yield Step(["distribution/install-build-deps.sh", "check"])


def lint():
    yield Step([PYTHON, "tests/lint/run.py"], outcome.of_closing_line)
    yield Step([PYTHON, "tests/runner/test_runner.py"], outcome.of_unittest)


def tempo():
    yield Step([PYTHON, "tests/tempo/tempo_binary.py"])


def e2e():
    """ctest's own tests against a Tempo, then the Python ones."""
    yield from configure_and_build("asan")
    yield from ctest("asan", TEMPO_LABELS)
    yield from with_programs(python_files("tests/e2e/test_*.py"))


def demo():
    yield Step(["make", "--no-print-directory", "demo", "ONCE=1"])


def bench(*arguments):
    for step in with_programs(python_files("tests/bench/bench_*.py", *arguments)):
        if step.read is outcome.of_unittest:
            step.read = outcome.of_command
        yield step


def fuzz():
    yield Step(["distribution/install-build-deps.sh", "full"], outcome.of_preparation)
    yield from configure_and_build("fuzz")
    yield Step([PYTHON, "tests/runner/fuzz.py", os.environ.get("FUZZ_SECONDS", "300")], outcome.of_closing_line)


def diff_large():
    """The differential test of the two evaluators at full size."""
    yield from configure_and_build("release", "diff_eval")
    yield Step(["build/release/tests/diff/diff_eval", "2000000"])


def clean_root():
    yield Step(["distribution/install-build-deps.sh", "full"], outcome.of_preparation)
    yield Step(["tests/runner/clean_root.sh"])


SUITES = {
    "deps": deps,
    "lint": lint,
    "dev": lambda: build_and_ctest("dev"),
    "asan": lambda: build_and_ctest("asan"),
    "release": lambda: build_and_ctest("release"),
    "tempo": tempo,
    "facts": lambda: python_files("tests/facts/facts_*.py"),
    "http": lambda: with_programs(python_files("tests/http/test_*.py")),
    "e2e": e2e,
    "demo": demo,
    "bench": lambda: bench("--short"),
    "full:fuzz": fuzz,
    "full:diff": diff_large,
    "full:tsan": lambda: build_and_ctest("tsan"),
    "full:clean-root": clean_root,
    "full:bench-large": bench,
}
