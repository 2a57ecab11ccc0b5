"""What a command of a suite came to: how many tests passed, failed and were skipped, read from what ctest, unittest and our own drivers say.

Rule: a command that ends well without having run a test has failed, so that no suite is green because it is empty.
"""
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

EXIT_SKIPPED = 77
_UNITTEST_RAN = re.compile(r"^Ran (\d+) tests? in ", re.M)
_UNITTEST_DETAIL = re.compile(r"^(?:OK|FAILED)(?: \(([^)]*)\))?$", re.M)
_NODE_COUNT = re.compile(r"^(?:#|ℹ) (pass|fail|cancelled|skipped|todo) (\d+)$", re.M)
_JEST_TESTS = re.compile(r"^Tests: +(.*), \d+ total$", re.M)
_GO_TEST = re.compile(r"^--- (PASS|FAIL|SKIP): ", re.M)
_PLAYWRIGHT = re.compile(r"^ +(\d+) (passed|failed|flaky|interrupted|skipped|did not run)\b", re.M)
_JOURNEY = re.compile(r"^ {4}(not )?ok \d+ - (\S+)(.*)$")
_STEP_THAT_PASSED = re.compile(r"^ {8,}ok \d+ - ")
_CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)


@dataclass
class Outcome:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Outcome(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def of_command(code, _output):
    """A plain command is one test."""
    if code == EXIT_SKIPPED:
        return Outcome(skipped=1)
    return Outcome(passed=1) if code == 0 else Outcome(failed=1)


def of_playwright(code, output):
    """Playwright's list reporter. What did not run, because what it stands on failed, has failed."""
    if code == EXIT_SKIPPED:
        return Outcome(skipped=1)
    counts = {word: int(number) for number, word in _PLAYWRIGHT.findall(output)}
    if not counts:
        return Outcome(failed=1)
    failed = counts.get("failed", 0) + counts.get("flaky", 0) + counts.get("interrupted", 0) + counts.get("did not run", 0)
    return _agree(code, Outcome(counts.get("passed", 0), failed, counts.get("skipped", 0)))


def of_preparation(code, _output):
    """A step that tests stand on, such as a build: counts only when it fails, or when it says why there is nothing to test."""
    if code == EXIT_SKIPPED:
        return Outcome(skipped=1)
    return Outcome() if code == 0 else Outcome(failed=1)


def of_closing_line(code, output):
    """A driver that ends with `N passed, N failed, N skipped`."""
    lines = _CLOSING.findall(output)
    if not lines:
        return Outcome(failed=1)
    return _agree(code, Outcome(*(int(number) for number in lines[-1])))


def of_unittest(code, output):
    """A Python file: unittest's closing lines, or 77 for skipped as a whole."""
    if code == EXIT_SKIPPED:
        return Outcome(skipped=1)
    ran = sum(int(number) for number in _UNITTEST_RAN.findall(output))
    counts = {}
    for detail in _UNITTEST_DETAIL.findall(output):
        for name, number in re.findall(r"([a-z ]+)=(\d+)", detail):
            counts[name.strip()] = counts.get(name.strip(), 0) + int(number)
    failed = sum(counts.get(name, 0) for name in ("failures", "errors", "unexpected successes"))
    skipped = counts.get("skipped", 0)
    return _agree(code, Outcome(max(ran - failed - skipped, 0), failed, skipped))


def of_node_test(code, output):
    """node:test's closing counts, of its spec or tap reporter."""
    if code == EXIT_SKIPPED:
        return Outcome(skipped=1)
    counts = {name: int(number) for name, number in _NODE_COUNT.findall(output)}
    return _agree(code, Outcome(counts.get("pass", 0), counts.get("fail", 0) + counts.get("cancelled", 0),
                                counts.get("skipped", 0) + counts.get("todo", 0)))


def of_journeys(output):
    """(the names of the journeys that failed, what the others came to) of a report of tests/app/run_journeys.mjs, in
    which a journey's steps, and theirs, stand before its own line. Nothing of a report that breaks off: journeys that did
    not come would be taken for none."""
    failed, others, steps = [], Outcome(), 0
    if not _NODE_COUNT.search(output):
        return failed, others
    for line in output.split("\n"):
        journey = _JOURNEY.match(line)
        if journey:
            is_failed, name, rest = journey.groups()
            if is_failed:
                failed.append(name)
            else:
                others += Outcome(skipped=1) if "# SKIP" in rest else Outcome(passed=steps)
            steps = 0
        elif _STEP_THAT_PASSED.match(line):
            steps += 1
    return failed, others


def of_jest(code, output):
    """jest's line of tests: `Tests: 1 failed, 2 skipped, 30 passed, 33 total`. A file that does not load shows in the exit code."""
    if code == EXIT_SKIPPED:
        return Outcome(skipped=1)
    line = (_JEST_TESTS.findall(output) or [""])[-1]
    counts = {name: int(number) for number, name in re.findall(r"(\d+) (\w+)", line)}
    return _agree(code, Outcome(counts.get("passed", 0), counts.get("failed", 0), counts.get("skipped", 0) + counts.get("todo", 0)))


def of_go_test(code, output):
    """go test -v: top-level tests. A package that does not compile shows in the exit code."""
    if code == EXIT_SKIPPED:
        return Outcome(skipped=1)
    words = _GO_TEST.findall(output)
    return _agree(code, Outcome(words.count("PASS"), words.count("FAIL"), words.count("SKIP")))


def names_passed(junit_path):
    """The names of the tests that passed, in what ctest --output-junit wrote; none where it wrote nothing."""
    try:
        cases = ElementTree.parse(junit_path).getroot().iter("testcase")
    except (OSError, ElementTree.ParseError):
        return set()
    return {case.get("name") for case in cases if case.get("status") == "run"}


def of_ctest(junit_path):
    """Reader for a ctest run that wrote --output-junit there."""
    def read(code, _output):
        try:
            suite = ElementTree.parse(junit_path).getroot()
        except (OSError, ElementTree.ParseError):
            return Outcome(failed=1)
        tests, failed = int(suite.get("tests", 0)), int(suite.get("failures", 0))
        skipped = int(suite.get("skipped", 0)) + int(suite.get("disabled", 0))
        return _agree(code, Outcome(tests - failed - skipped, failed, skipped))
    return read


def _agree(code, counted):
    """The exit code and the counts must tell the same story."""
    if counted.failed == 0 and (code != 0 or counted.passed + counted.skipped == 0):
        return counted + Outcome(failed=1)
    return counted
