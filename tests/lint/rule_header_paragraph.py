"""A header says first on which thread its functions may be called, and in a comment whose the pointers are that they hand out."""
import re

SUMMARY = "headers say which thread, and who owns what they hand out"
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
FUNCTION = re.compile(r"^(?!typedef|return|#)((?:struct |enum |const |unsigned )*\w+)( \**)(\w+)\(([^;{}]*)\)[^;{}()]*(?:\([^;{}()]*\))?;", re.MULTILINE)
THREAD = re.compile(r"\b(threads?|no state|pure|owner locks)\b", re.IGNORECASE)
OWNER = re.compile(r"\b(owns?|owned|owners?|new|shared|borrowed|caller(?:'s)?|cop(?:y|ies)|free[ds]?|releases?d?|disposed?|unref|decref|takes?|taken|"
                   r"lives?|valid|belongs?|arena|given back)\b|_(?:free|unref|dispose|release)\b", re.IGNORECASE)


def hands_out(function):
    """Whether it returns a pointer that is not only to be read, or sets one: `x **out`."""
    kind, stars, _, parameters = function.groups()
    return ("*" in stars and not kind.startswith("const ")) or any(one.endswith("**out") and not one.strip().startswith("const ") for one in parameters.split(","))


def findings(tree):
    for file in tree.matching(".h", under=("dsl", "tempo", "server")):
        text = tree.read(file)
        comments = [re.sub(r"\s*\n \*\s*", " ", comment) for comment in COMMENT.findall(text)]
        functions = list(FUNCTION.finditer(COMMENT.sub("", text)))
        if not functions:
            continue
        if not comments or not THREAD.search(comments[0]):
            yield f"{file}:1: the first comment does not say on which thread its functions may be called (\"Thread: …\")"
        given = next((function.group(3) for function in functions if hands_out(function)), None)
        if given and not OWNER.search(" ".join(comments)):
            yield f"{file}:1: no comment says whose the pointer is that {given} hands out"


BAD = [{"dsl/a.h": "/* Sums. */\nint a_sum(int a);\n"}, {"dsl/a.h": "/* Sums. Thread: no state. */\nint *a_sum(int a);\n"},
       {"server/a.h": "/* Sums. Thread: any. */\nint a_sum(int a, int **out) BT_MUST_CHECK;\n"}]
GOOD = [{"dsl/a.h": "/* Sums. Thread: no state. */\n/* new */\nint *a_sum(int a);\nconst char *a_name(int a, const int **out);\n"},
        {"dsl/a.h": "/* Numbers. */\ntypedef struct a { int *b; } a;\n"}]
