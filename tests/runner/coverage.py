"""Line coverage of the language and of what reads from outside: `coverage.py [PERCENT]` builds with gcov, runs the tests that need no Tempo and prints
the lines of dsl/ and tempo/ that ran. Ends with 1 when a room is below PERCENT (default 90) or a test fails.

The details, line by line, are in build/coverage/lines.html. gcovr asks gcov for the counts; nothing is measured here.
"""
import json
import os
import subprocess
import sys

from suites import JOBS, LABELS, ROOT, compiler_cache

FOLDER = os.path.join(ROOT, "build", "coverage")
ROOMS = ("dsl", "tempo")


def run(*command):
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **compiler_cache()}, check=False).returncode == 0


def forget_counts():
    """Counts add up from run to run; old ones would show lines that no test reaches any more."""
    for folder, _, names in os.walk(FOLDER):
        for name in names:
            if name.endswith(".gcda"):
                os.unlink(os.path.join(folder, name))


def tested():
    """Built, and every test of the labels passed."""
    if not run("cmake", "--preset", "coverage", "-DBETRACE_TESTS=ON") or not run("cmake", "--build", "--preset", "coverage", "-j", JOBS):
        return False
    forget_counts()
    return run("ctest", "--test-dir", FOLDER, "-L", f"^({'|'.join(LABELS)})$", "-j", JOBS, "--output-on-failure", "--no-tests=error")


def counted():
    """[(path, lines that ran, lines)] of the rooms."""
    summary = os.path.join(FOLDER, "summary.json")
    filters = [argument for room in ROOMS for argument in ("--filter", f"{room}/")]
    if not run("gcovr", "--root", ROOT, *filters, "--json-summary", summary, "--html-details", os.path.join(FOLDER, "lines.html"),
               "--gcov-ignore-parse-errors", "-j", JOBS, FOLDER):
        return []
    with open(summary, encoding="utf-8") as file:
        return [(entry["filename"], entry["line_covered"], entry["line_total"]) for entry in json.load(file)["files"]]


def show(room, files, percent):
    """Prints a room and its weakest files; True when the room reaches the percentage."""
    ran, lines = sum(file[1] for file in files), sum(file[2] for file in files)
    reached = lines > 0 and 100 * ran >= percent * lines
    print(f"{'ok  ' if reached else 'FAIL'} {room}/ {100 * ran / max(lines, 1):.1f} % of {lines} lines (at least {percent} %)")
    for path, covered, total in sorted(files, key=lambda file: file[1] / max(file[2], 1))[:5]:
        print(f"       {100 * covered / max(total, 1):5.1f} % of {total:4} {path}")
    return reached


def main(percent):
    if not tested():
        print("0 passed, 1 failed, 0 skipped", flush=True)
        return 1
    files = counted()
    reached = [show(room, [file for file in files if file[0].startswith(f"{room}/")], percent) for room in ROOMS]
    print(f"{sum(reached)} passed, {reached.count(False)} failed, 0 skipped", flush=True)
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 90))
