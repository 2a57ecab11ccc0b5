"""A case that no runner reads looks like a test and is none."""
import os

SUMMARY = "every file in tests/cases is read by a test"


def findings(tree):
    readers = "\n".join(tree.read(file) for file in tree.matching(".c", ".h", ".py", ".sh", "CMakeLists.txt", under=("tests",))
                        if not file.startswith("tests/lint/"))
    cases = [file for file in tree.files if file.startswith("tests/cases/")]
    case_texts = "\n".join(tree.read(file) for file in cases if file.endswith(".case"))
    for file in cases:
        folder, name = os.path.split(file[len("tests/"):])
        # A folder's runner reads all its *.case files; other files are named by a case or by a test, or read by their ending.
        folder_is_read = folder in readers
        by_ending = folder_is_read and (f'"{os.path.splitext(name)[1]}"' in readers or name.endswith(".case"))
        if not (by_ending or name in readers or name in case_texts):
            yield f"{file}: no test reads this file"


BAD = [
    {"tests/cases/eval/a.case": "", "tests/dsl/test_eval.c": 'case_run_folder("cases/parse", f, 0);\n'},
    {"tests/cases/otlp/a.json": "{}", "tests/cases/otlp/b.case": "trace c.json\n", "tests/t.c": 'run("cases/otlp");\n'},
]
GOOD = [{"tests/cases/eval/a.case": "file b.json\n", "tests/cases/eval/b.json": "{}", "tests/dsl/test_eval.c": 'run("cases/eval");\n'}]
