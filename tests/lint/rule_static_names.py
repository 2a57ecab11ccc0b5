"""A static function is named by a verb and the object that it acts on (`take_task`, not `take`), or by what it gives
and of what (`later_time`, `rule_decides`). At a call one word does not say what is taken, and a search for it finds
many functions. A pronoun is no object: `take_it` says as little. Nothing is named like what there is for everybody
(`is_cancelled`)."""
import re

from sources import code_only

SUMMARY = "static functions of dsl/, tempo/ and server/ are named by two words at least, and none of these is a pronoun"
NO_OBJECTS = {"it", "its", "this", "that", "these", "those", "them", "one", "thing", "things", "stuff", "something"}
# What there is one of for all, and where.
ONE_FOR_ALL = {"is_cancelled": "bt_is_cancelled of tempo/wire/cancellation.h"}
# The name before the first parenthesis of what begins with `static` in the first column: a definition or a declaration of a function.
STATIC = re.compile(r"^static\b[^;{}=()]*?\b(\w+)\s*\(", re.M)
NO_FUNCTIONS = {"void"}  # static void (*const makers[])(…): a table
ATTRIBUTE = re.compile(r"\b__attribute__\(\([^)]*\)\)")
# (file, function): why no better name is there. A foreign interface may demand one.
ALLOWED = {}


def what_is_wrong(name):
    words = [word for word in name.split("_") if word]
    if len(words) < 2:
        return "name it by a verb and its object, as in take_task"
    if name in ONE_FOR_ALL:
        return f"{ONE_FOR_ALL[name]} is the one for all: ask that, or name what else this asks"
    if words[-1] in NO_OBJECTS:
        return f"`{words[-1]}` is no object: name what it acts on"
    return None


def findings(tree):
    used = set()
    for file in tree.matching(".c", ".h", ".cc", under=("dsl", "tempo", "server")):
        text = ATTRIBUTE.sub("", code_only(tree.read(file)))
        seen = set(NO_FUNCTIONS)
        for match in STATIC.finditer(text):
            name = match.group(1)
            wrong = None if name in seen else what_is_wrong(name)
            seen.add(name)
            if wrong and (file, name) in ALLOWED:
                used.add((file, name))
            elif wrong:
                yield f"{file}:{text.count(chr(10), 0, match.start()) + 1}: static {name}: {wrong}"
    for file, name in sorted(set(ALLOWED) - used):
        if file in tree.files:
            yield f"tests/lint/rule_static_names.py: {file} has no static {name} that needs to be allowed: take the line out"


BAD = [
    {"server/a.c": "static void take(int a) {\n  a++;\n}\n"},
    {"tempo/wire/a.c": "static void *\nhelp(void *context);\n"},
    {"dsl/a.c": "static inline bool holds(int a) {\n  return a;\n}\n"},
    {"dsl/a.cc": "static void *allocate(size_t bytes) noexcept {\n  return 0;\n}\n"},
    {"server/a.h": "static inline int hex4(const char *at) {\n  return *at;\n}\n"},
    {"server/a.c": "static __attribute__((noinline)) void keep(int a) {\n  a++;\n}\n"},
    {"server/a.c": "static bool is_cancelled(int a) {\n  return a;\n}\n"},
    {"server/a.c": "static void take_it(int a) {\n  a++;\n}\n"},
    {"server/a.c": "static int fine_name(void) {\n  return 1;\n}\n\nstatic int _add(int a, int b) {\n  return a + b;\n}\n"},
]
GOOD = [
    {"server/a.c": "static void take_task(int a) {\n  a++;\n}\n\nstatic bool is_empty(int a) {\n  return !a;\n}\n"},
    {"server/a.c": "static const int rows[] = {\n  (1),\n};\nstatic void (*const makers[2])(int) = {0};\nstatic int count;\n"},
    {"server/a.c": "/* static void take(int a) */\nvoid bt_take(int a) {\n  static int calls = (1);\n  calls += a;\n}\n"},
    {"tests/a.c": "static void take(int a) {\n  a++;\n}\n"},
]
