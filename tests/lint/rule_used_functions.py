"""A function that a header offers is used by somebody besides its own definition: by the program, or by a test that looks inside."""
import collections
import re

from sources import without_comments

SUMMARY = "every function that a header declares is used"
WORD = re.compile(r"\bbt_\w+\b")
# A declaration begins a line (a return type, or `bool bt_x(` after one that was broken) and is not a call, which would be indented.
DECLARED = re.compile(r"^(?!typedef|#|\s|static)[\w \t*]*?\b(bt_\w+)\(", re.M)
# What the program gives to those who embed it, and gRPC, which only some builds have.
NOT_READ = ("server/grpc/",)


def findings(tree):
    declared, uses = {}, collections.Counter()
    for file in tree.matching(".c", ".h", ".cc", under=("dsl", "tempo", "server", "tests")):
        text = without_comments(tree.read(file))
        if file.endswith(".h") and not file.startswith(("tests/", *NOT_READ)):
            declared.update({name: file for name in DECLARED.findall(text)})
        uses.update(WORD.findall(text))
    for name, file in sorted(declared.items(), key=lambda item: (item[1], item[0])):
        if uses[name] <= 2:  # the declaration and the definition
            yield f"{file}: nobody uses {name}: take it out"


BAD = [
    {"dsl/a.h": "bool bt_a_is(int x);\n", "dsl/a.c": '#include "dsl/a.h"\nbool bt_a_is(int x) {\n  return x;\n}\n'},
    {"server/a.h": "/* bt_a_is */\nbool bt_a_is(int x);\n", "server/a.c": "bool bt_a_is(int x) { return x; } /* bt_a_is */\n"},
]
GOOD = [
    {"dsl/a.h": "bool bt_a_is(int x);\n", "dsl/a.c": "bool bt_a_is(int x) {\n  return x;\n}\n", "tests/a.c": "int main(void) { return bt_a_is(1); }\n"},
    {"dsl/a.h": "static inline bool bt_a_is(int x) {\n  return x;\n}\n"},
]
