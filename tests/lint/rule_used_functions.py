"""Every function that a header offers is reached from the program's main().

What is reached is what the linker keeps with --gc-sections. A name counts only in what is itself reached, so neither
two dead functions that call each other count as used, nor one that only tests call. A test that needs more than the program
offers reads the struct, or has a function of its own below tests/."""
import re

from sources import code_only

SUMMARY = "every function that a header declares is reached from the program"
FOLDERS = ("dsl", "tempo", "server")
NAME = re.compile(r"\b[A-Za-z_]\w*\b")
# A declaration begins a line (a return type, or `bool bt_x(` after one that was broken) and is not a call, which would
# be indented.
DECLARED = re.compile(r"^(?!typedef|#|\s|static)[\w \t*]*?(?:\(\*)?\b(bt_\w+)\(", re.M)
# A type before the name: `READER(read_name) {` is made by a macro, and counts as used, as does all in `extern "C" {`.
# The compiler sees statics that nobody uses.
FUNCTION = re.compile(r"\A\s*\w[^(={]*?(?:[\s*]|\(\*)([A-Za-z_]\w*)\s*\(")
ATTRIBUTE = re.compile(r"__attribute__\(\((?:[^()]|\([^()]*\))*\)\)")
VARIABLE = re.compile(r"\b([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*=")
MACRO = re.compile(r"#\s*define\s+([A-Za-z_]\w*)")
# Types and declarations use no function. A macro that is called here may.
NO_USE = re.compile(r"\A\s*(?:(?:typedef|struct|enum|union)\b|#|\Z)|\A[^{]*;\s*\Z")
ROOT = "main"


def items_of(text):
    """The top-level pieces of C text: directives, declarations, definitions."""
    lines, piece, depth = text.replace("\\\n", "  ").split("\n"), [], 0
    for line in lines:
        if not piece and line.startswith("#"):
            yield line
            continue
        piece.append(line)
        depth += line.count("{") - line.count("}")
        if depth <= 0 and (line.rstrip().endswith((";", "}")) or not line.strip()):
            yield "\n".join(piece)
            piece, depth = [], 0
    if piece:
        yield "\n".join(piece)


def without_braces(item):
    """What stands outside of all braces."""
    while (inner := re.sub(r"\{[^{}]*\}", " ", item)) != item:
        item = inner
    return item


def name_of(item):
    """(what a piece defines, whether it is of its file alone); (None, False): nothing that uses others by a name."""
    head = without_braces(item)
    macro, is_own = MACRO.match(head), head.lstrip().startswith("static")
    if macro:
        return macro.group(1), True
    defined = VARIABLE.search(head) or ("{" in item and FUNCTION.match(head))
    return (defined.group(1), is_own) if defined else (None, False)


def graph_of(tree, files):
    """Uses by definition. A name that is of one file alone is (file, name), any other is itself."""
    uses, roots = {}, {ROOT}
    for file in files:
        found, own = [], set()
        for item in items_of(ATTRIBUTE.sub("", code_only(tree.read(file)))):
            name, is_own = name_of(item)
            words = set(NAME.findall(item))
            if name:
                is_own = is_own and not file.endswith(".h")
                own |= {name} if is_own else set()
                found.append(((file, name) if is_own else name, words))
            elif not NO_USE.search(item):
                found.append((ROOT, words))
        for name, words in found:
            uses.setdefault(name, set()).update((file, word) if word in own else word for word in words)
    return uses, roots


def reached(uses, roots):
    waiting, seen = list(roots), set(roots)
    while waiting:
        new = uses.get(waiting.pop(), set()) - seen
        seen |= new
        waiting += new
    return seen


def findings(tree):
    files = tree.matching(".c", ".h", ".cc", under=FOLDERS)
    seen = reached(*graph_of(tree, files))
    for file in files:
        for name in sorted(set(DECLARED.findall(code_only(tree.read(file))))) if file.endswith(".h") else ():
            if name not in seen:
                yield f"{file}: the program does not reach {name}: take it out, with what only it needs"


MAIN = {"server/main.c": "int main(void) {\n  return bt_a_is(1);\n}\n"}
A = {"dsl/a.h": "bool bt_a_is(int x);\n"}
NOT_MAIN = {"server/main.c": "int main(void) {\n  return 0;\n}\n"}
BAD = [
    {**NOT_MAIN, **A, "dsl/a.c": '#include "dsl/a.h"\nbool bt_a_is(int x) {\n  return x;\n}\n'},
    {**NOT_MAIN, **A, "dsl/a.c": "bool bt_a_is(int x) {\n  return x;\n}\n",
     "tests/a.c": "int main(void) { return bt_a_is(1); }\n"},
    {**NOT_MAIN, "server/a.h": "/* bt_a_is */\nbool bt_a_is(int x);\n", "server/a.c": "bool bt_a_is(int x) { return x; } /* bt_a_is */\n"},
    # Two that call each other, one that calls itself, a table and a macro that nobody uses, a static of its name.
    {**NOT_MAIN, "dsl/a.h": "bool bt_a_is(int x);\nbool bt_b_is(int x);\n",
     "dsl/a.c": "bool bt_a_is(int x) {\n  return bt_b_is(x);\n}\nbool bt_b_is(int x) {\n  return bt_a_is(x);\n}\n"},
    {**NOT_MAIN, **A, "dsl/a.c": "bool bt_a_is(int x) {\n  return x && bt_a_is(x - 1);\n}\n"},
    {**NOT_MAIN, **A, "dsl/a.c": "bool bt_a_is(int x) {\n  return x;\n}\nstatic const call calls[] = {\n    bt_a_is,\n};\n"},
    {**NOT_MAIN, **A, "dsl/a.c": "#define IS(x) \\\n  bt_a_is(x)\nbool bt_a_is(int x) {\n  return x;\n}\n"},
    {**A, "dsl/a.c": "static bool help(void) {\n  return bt_a_is(1);\n}\n",
     "server/main.c": "static bool help(void) {\n  return 1;\n}\nint main(void) {\n  return help();\n}\n"},
    {**NOT_MAIN, "dsl/a.h": "char (*bt_a_texts(int x))[9];\n",
     "dsl/a.c": "char (*bt_a_texts(int x))[9] {\n  return NULL;\n}\n"},
    {**NOT_MAIN, **A, "dsl/a.c": 'const char *text(void) {\n  return "bt_a_is";\n}\n'},
]
GOOD = [
    {**MAIN, **A, "dsl/a.c": "bool bt_a_is(int x) {\n  return x;\n}\n"},
    # What makes functions of it is called where no function is.
    {**NOT_MAIN, **A, "dsl/a.c": "#define MADE(name) \\\n  bool name##_is(void) { return bt_a_is(1); }\nMADE(x)\n\nbool bt_a_is(int x) {\n  return x;\n}\n"},
    {**A, "server/a.c": "static const call calls[] = {\n    {NAME, bt_a_is},\n};\nint main(void) {\n  return calls[0](1);\n}\n"},
    {**A, "server/a.c": "#define IS(x) \\\n  bt_a_is(x)\nint main(void) {\n  return IS(1);\n}\n"},
    {**A, "server/a.c": "static bool help(int x) {\n  return bt_a_is(x);\n}\nint main(void) {\n  return help(1);\n}\n"},
    {**A, "dsl/b.h": "static inline bool help(int x) {\n  return bt_a_is(x);\n}\n", "server/a.c": "int main(void) {\n  return help(1);\n}\n"},
    {**A, "dsl/a.cc": 'extern "C" {\nbool help(int x) {\n  return bt_a_is(x);\n}\n}\n', "server/a.c": "int main(void) {\n  return help(1);\n}\n"},
    {"dsl/a.h": "static inline bool bt_a_is(int x) {\n  return x;\n}\n"},
]
