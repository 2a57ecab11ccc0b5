"""Files of at most 800 lines and functions of at most 60. Flat switches and tables may be longer: long_functions.txt names them, with why."""
import os
import re

from sources import code_only

SUMMARY = "files stay under 800 lines, functions under 60"
MAX_FILE_LINES, MAX_FUNCTION_LINES = 800, 60
SOURCES = (".c", ".h", ".cc", ".py", ".sh", ".ts", ".tsx", ".js", ".go", ".cmake", "CMakeLists.txt", "Makefile")
ALLOWED = "tests/lint/long_functions.txt"
GENERATED = "/**\n * This file was auto-generated"  # nobody reads or splits it
NAME = re.compile(r"(\w+)\s*\(")


def functions(text):
    """(name, first line, last line) of each C function: an outermost block whose header has `(` and no `=`."""
    depth, header, start, name = 0, "", 0, None
    for number, line in enumerate(code_only(text).split("\n"), 1):
        if line.startswith("#"):
            continue
        for char in line:
            if depth == 0 and char in ";}":
                header = ""
            elif char == "{":
                if depth == 0 and "(" in header and "=" not in header:
                    name = NAME.search(header)
                depth += 1
            elif char == "}":
                depth -= 1
                if depth == 0 and name:
                    yield name.group(1), start, number
                    name, header = None, ""
            elif depth == 0:
                if not header and not char.isspace():
                    start = number
                if header or not char.isspace():
                    header += char
        if depth == 0 and header:
            header += " "


def allowed_functions(tree):
    """{(file, function)} from the list: `path function why`."""
    found = set()
    for line in tree.read(ALLOWED).split("\n") if ALLOWED in tree.files else []:
        words = line.split(None, 2)
        if words and not line.startswith("#"):
            found.add((words[0], words[1] if len(words) > 2 else None))
    return found


def findings(tree):
    for file in tree.matching(*SOURCES):
        lines = tree.read(file).count("\n")
        if lines > MAX_FILE_LINES and not tree.read(file).startswith(GENERATED):
            yield f"{file}:{lines}: more than {MAX_FILE_LINES} lines: split it by idea"
    allowed, used = allowed_functions(tree), set()
    for file in tree.matching(".c", ".h"):
        for name, first, last in functions(tree.read(file)):
            if last - first + 1 <= MAX_FUNCTION_LINES:
                continue
            if (file, name) in allowed:
                used.add((file, name))
            else:
                yield f"{file}:{first}: {name} has {last - first + 1} lines, more than {MAX_FUNCTION_LINES}: split it by idea"
    for file, name in allowed - used:
        yield f"{ALLOWED}: {os.path.normpath(file)} {name} is not a long function (or the line gives no reason): remove the line"


_LONG = "int f(int a,\n      int b) {\n" + "  a++;\n" * 60 + "}\n"
BAD = [
    {"dsl/a.c": "int x;\n" * 801},
    {"dsl/a.c": _LONG},
    {"dsl/a.c": "static const int t[] = {\n  1,\n};\n" + _LONG},
    {"dsl/a.c": "int f(void) { return 1; }\n", ALLOWED: "dsl/a.c f a flat switch\n"},
    {"dsl/a.c": _LONG, ALLOWED: "dsl/a.c f\n"},
]
GOOD = [
    {"dsl/a.c": "static const int t[] = {\n" + "  (1),\n" * 100 + "};\nint f(void) {\n" + "  g();\n" * 58 + "}\n"},
    {"dsl/a.c": _LONG, ALLOWED: "# why\ndsl/a.c f a flat switch\n"},
    {"a.d.ts": GENERATED + " */\n" + "type x = 1;\n" * 801},
    {"dsl/a.h": "typedef struct x {\n" + "  int (*f)(void);\n" * 100 + "} x;\n"},
]
