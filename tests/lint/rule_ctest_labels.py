"""make check chooses tests by label, so a test with an unknown label, or with none, would never run."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "runner"))
from suites import LABELS, TEMPO_LABELS  # noqa: E402  (the folder must be on the path first)

SUMMARY = "every ctest label is one that a suite of make check runs"
KNOWN = {*LABELS, *TEMPO_LABELS}
CALL = re.compile(r"\b(betrace_test|add_test|set_tests_properties)\s*\(([^)]*)\)")
KEYWORDS = {"SOURCES", "LIBS", "LABELS", "ARGS", "FAILING_ALLOC", "TIMEOUT", "PROPERTIES", "ENVIRONMENT", "WORKING_DIRECTORY",
            "SKIP_RETURN_CODE", "RUN_SERIAL"}


def labels_of(arguments):
    """Words after LABELS up to the next keyword."""
    words, labels, inside = arguments.replace('"', " ").replace(";", " ").split(), [], False
    for word in words:
        if word in KEYWORDS:
            inside = word == "LABELS"
        elif inside:
            labels.append(word)
    return labels


def findings(tree):
    for file in tree.matching("CMakeLists.txt", ".cmake", under=("tests", "dsl", "tempo", "server")):
        text = re.sub(r"#[^\n]*", "", tree.read(file))
        added, labelled = {}, set()
        for match in CALL.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            labels = labels_of(match.group(2))
            if match.group(1) == "add_test":
                added[match.group(2).split()[1]] = line
            elif match.group(1) == "set_tests_properties" and labels:
                labelled.add(match.group(2).split()[0])
            for label in labels:
                if label not in KNOWN and not label.startswith("${"):
                    yield f"{file}:{line}: unknown label {label}: known are {', '.join(sorted(KNOWN))}"
        for name, line in added.items():
            if name not in labelled:
                yield f"{file}:{line}: test {name} has no label: set one, or use betrace_test, which does"


BAD = [
    {"tests/dsl/CMakeLists.txt": "betrace_test(a SOURCES a.c LABELS unti)\n"},
    {"tests/dsl/CMakeLists.txt": 'set_tests_properties(a PROPERTIES LABELS "unit;slow")\n'},
    {"tests/dsl/CMakeLists.txt": "add_test(NAME a COMMAND a)\n"},
    {"tests/dsl/CMakeLists.txt": "add_test(NAME a COMMAND a)\nset_tests_properties(b PROPERTIES LABELS unit TIMEOUT 3)\n"},
]
GOOD = [
    {"tests/dsl/CMakeLists.txt": "betrace_test(a SOURCES a.c LABELS unit case ARGS odd)\n# LABELS none\n"},
    {"tests/CMakeLists.txt": 'add_test(NAME ${n} COMMAND a)\nset_tests_properties(${n} PROPERTIES LABELS "${L}" TIMEOUT 3)\n'},
    {"tests/tempo/CMakeLists.txt": "add_test(NAME a COMMAND a)\nset_tests_properties(a PROPERTIES LABELS e2e SKIP_RETURN_CODE 77)\n"},
]
