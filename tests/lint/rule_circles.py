"""Files of one folder do not call each other in a circle of three or more: nobody could read one of them without all
others. What stays is named with its size: the recursive descents of the language, and what is still to be undone. A
line goes down with its circle, so that none grows again. Names are read from the text, as `nm` would give them of the
objects."""
import os
import re

from sources import code_only

SUMMARY = "no three files of a folder call each other in a circle, but for those that are named with their size"
# By recursive descent: a selection holds conditions, which hold selections.
DESCENTS = {"dsl/check": [25], "dsl/evaluate": [13, 3], "dsl/plan": [7], "dsl/syntax": [6], "dsl/example": [3], "server/backtest": [3],
            "server/import": [3]}
# To be undone.
KNOWN = {"server/cli/lab": [4], "server/http": [4], "server/query": [3], "server/store": [3], "tempo/api": [5, 3],
         "tempo/wire": [3]}
# What begins in the first column and is no static: a function with its body, or data with its value.
DEFINED = re.compile(r"^(?!static|typedef|extern|#|struct|enum)\w[\w \t*]*?\b(\w+)(?:\([^;{}=]*\)\s*\{|(?:\[[^\]]*\])*\s*=[^=])", re.M)
OWN = re.compile(r"^static\b[^;{}=()]*?\b(\w+)\s*\(", re.M)
NAME = re.compile(r"\b[A-Za-z_]\w*\b")


def graph_of(tree, files):
    """{file: the files of the same list whose symbols it names}"""
    texts = {file: code_only(tree.read(file)) for file in files}
    owner = {name: file for file, text in texts.items() for name in DEFINED.findall(text)}
    needs = {}
    for file, text in texts.items():
        named = set(NAME.findall(text)) - set(OWN.findall(text))
        needs[file] = {owner[name] for name in named & owner.keys()} - {file}
    return needs


def reached(graph, start):
    seen, left = set(), [start]
    while left:
        for file in graph[left.pop()] - seen:
            seen.add(file)
            left.append(file)
    return seen


def circles(graph):
    """Each set of files that all reach each other, largest first."""
    reach = {file: reached(graph, file) for file in graph}
    sets = {frozenset(other for other in reach[file] if file in reach[other]) for file in graph if file in reach[file]}
    return sorted((sorted(one) for one in sets if len(one) >= 3), key=len, reverse=True)


def findings(tree):
    folders = {}
    for file in tree.matching(".c", under=("dsl", "tempo", "server")):
        folders.setdefault(os.path.dirname(file), []).append(file)
    for folder, files in sorted(folders.items()):
        found = circles(graph_of(tree, files))
        sizes, allowed = [len(one) for one in found], DESCENTS.get(folder, []) + KNOWN.get(folder, [])
        if sizes == allowed:
            continue
        for one in found:
            yield f"{one[0]}:1: {len(one)} files call each other in a circle: {', '.join(map(os.path.basename, one))}"
        yield f"tests/lint/rule_circles.py: {folder} has circles of {sizes}, and {allowed} are named: undo what is new, or take the line down"


_A, _B, _C = "void bt_a(void) {\n  bt_b();\n}\n", "void bt_b(void) {\n  bt_c();\n}\n", "void bt_c(void) {\n  bt_a();\n}\n"
_TABLE = "const int bt_table[] = {\n  1};\nvoid bt_c(void) {\n  bt_a();\n}\n"
BAD = [
    {"server/a/a.c": _A, "server/a/b.c": _B, "server/a/c.c": _C},
    {"dsl/a.c": _A, "dsl/b.c": "void bt_b(void) {\n  int x = bt_table[0];\n}\n", "dsl/c.c": _TABLE},
    {"server/store/a.c": _A},
]
GOOD = [
    {"server/a/a.c": _A, "server/a/b.c": _B, "server/b/c.c": _C},
    {"server/a/a.c": _A, "server/a/b.c": "void bt_b(void) {\n  bt_a();\n}\n"},
    {"server/a/a.c": _A, "server/a/b.c": _B, "server/a/c.c": "static void bt_a(void) {\n}\nvoid bt_c(void) {\n  bt_a();\n}\n"},
]
