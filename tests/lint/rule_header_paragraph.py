"""A header says what who calls it must know: which thread, whose the pointers are, which errors come, in which units.

The thread stands in the first paragraph ("Thread: …"). The rest stands there, for all functions, or at the
declaration: behind it, or in the comment in front of it, which speaks for all declarations up to the next comment or
blank line. A comment that begins with "The same", or says "as above", carries on the one before it.
"""
import re

from sources import without_comments

SUMMARY = "headers say which thread, who owns what they hand out, which errors, which units"
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
FUNCTION = re.compile(
    r"^(?!typedef|return|else|#)(?P<kind>(?:static |inline |struct |enum |const |unsigned )*\w+)(?P<stars> \**)"
    r"(?P<name>\w+)\((?P<parameters>[^;{}]*?)\)(?P<rest>[^;{}()]*(?:\([^;{}]*\))?\s*[;{])", re.MULTILINE)
NUMBER = re.compile(r"\b(?:u?int(?:32|64)_t|size_t|double|float|unsigned|long|off_t|time_t) (?P<name>\w+)"
                    r"(?:, (?P<others>\w+(?:, \w+)*))?(?=[;,)\[])")
# Names of times, sizes and prices that do not say their unit, as timeout_ms does.
MEASURE = re.compile(
    r"(?:^|_)(?:time|times|timeout|duration|delay|pause|age|lag|settle|margin|lateness|latency|deadline|now|interval|"
    r"elapsed|start|end|longest|size|length|offset|price|cost|budget|memory|limit|room|weight|speed|rate)$")

THREAD = re.compile(r"\bThreads?: ")
# In the first paragraph fewer words will do: a thread has an owner too, and any module may be about traces.
OWNED_ALL = re.compile(r"\b(?:new|borrowed|owned by|owns)\b", re.IGNORECASE)
OWNED = re.compile(
    r"\b(?:owns?|owned|owner|new|shared|borrow(?:s|ed)?|callers?|cop(?:y|ies)|frees?|freed|disposes?d?|unref|takes?|"
    r"taken|lives?|valid (?:until|while|as long)|belongs?|arena|given back)\b|_(?:free|unref|dispose|release)\b",
    re.IGNORECASE)
CODES = "INVALID|NOT_FOUND|CONFLICT|LIMIT|NO_MEMORY|UNAVAILABLE|REFUSED|CANCELLED|IO"
ERRORS_ALL = re.compile(rf"\bBT_(?:{CODES})\b|\b[Ee]rrors(?:: | are\b)|\b(?:no|want of) memory\b")
ERRORS = re.compile(rf"{ERRORS_ALL.pattern}|\b[Ee]rrors\b|\b[Ss]tatus(?:es)? (?:are|is|of|as)\b")
NULL = re.compile(r"\bNULL\b|\bno memory\b")
FALSE_ALL = re.compile(r"\b[Ff]alse\b|\bno memory\b")
FALSE = re.compile(rf"{FALSE_ALL.pattern}|\b[Tt]rue\b|\b[Ww]hether\b")
WORDS = (r"(?:ns|nanoseconds?|µs|microseconds?|ms|milliseconds?|seconds?|minutes?|hours?|days?|bytes?|[KMG]i?B|"
         r"\d+ (?:s|h|d))\b")
UNIT_ALL = re.compile(rf"\b(?:in|are) {WORDS}")
UNIT = re.compile(
    rf"\b{WORDS}|\b(?:spans?|traces?|requests?|rows?|rules?|items?|windows?|steps?|characters?|pages?|answers?|"
    r"results?|names?|values?|entries|members?|tasks?|jobs?|replays?|violations?|questions?)\b")
CARRIED_ON = re.compile(r"^\W*The same\b|\b(?:as|like the) above\b")


def words(comment):
    return re.sub(r"\s*\n\s*\*?\s*", " ", comment)


class Header:
    """The text of a header, and what its comments say of a place in it."""

    def __init__(self, text):
        opening = COMMENT.match(text)
        self.text = text
        self.code = without_comments(text)
        self.first = words(opening.group()) if opening else ""
        self.comments = [one for one in COMMENT.finditer(text) if one.start()]

    def _begins_line(self, comment):
        return not self.code[self.code.rfind("\n", 0, comment.start()) + 1:comment.start()].strip()

    def said_of(self, start, end):
        paragraph, line_end = self.text.rfind("\n\n", 0, start) + 1, self.text.find("\n", end)
        before = [one.group() for one in self.comments if paragraph <= one.start() < start and self._begins_line(one)]
        said = [one.group() for one in self.comments if start <= one.start() < line_end]
        while before:
            said.append(before.pop())
            if not CARRIED_ON.search(said[-1]):
                break
        return words(" ".join(said))

    def line(self, start):
        return self.text.count("\n", 0, start) + 1


def gives_pointer(function):
    """Whether it returns a pointer that is not only to be read."""
    return "*" in function["stars"] and "const " not in function["kind"]


def hands_out(function):
    """Whether it returns such a pointer, or sets one: `x **out`."""
    return gives_pointer(function) or any(one.endswith("**out") for one in function["parameters"].split(","))


def function_findings(header, function):
    said, name = header.said_of(function.start("kind"), function.end()), function["name"]
    returns = function["kind"].split()[-1] if not function["stars"].strip() else "pointer"
    must_check = "BT_MUST_CHECK" in function["rest"]
    if hands_out(function) and not (OWNED.search(said) or OWNED_ALL.search(header.first)):
        yield f'no comment says whose the pointer is that {name} hands out ("new", "borrowed", "owned by …")'
    if returns == "bt_status" and not (ERRORS.search(said) or ERRORS_ALL.search(header.first)):
        yield f'no comment says which errors {name} returns, and when ("BT_INVALID: …")'
    if gives_pointer(function) and not (NULL.search(said) or NULL.search(header.first)):
        yield f'no comment says when {name} returns NULL ("NULL: …", "never NULL")'
    if returns == "bool" and must_check and not (FALSE.search(said) or FALSE_ALL.search(header.first)):
        yield f'no comment says when {name} returns false ("False: …")'


def unit_findings(header):
    for number in NUMBER.finditer(header.code):
        names = [number["name"]] + (number["others"] or "").split(", ")
        said = header.said_of(number.start(), number.end())
        for name in names if not (UNIT_ALL.search(header.first) or UNIT.search(said)) else []:
            if MEASURE.search(name):
                yield number.start(), f'neither a comment nor its name says in which unit {name} is ("ns", "bytes", …)'


def findings(tree):
    for file in tree.matching(".h", under=("dsl", "tempo", "server")):
        header = Header(tree.read(file))
        functions = list(FUNCTION.finditer(header.code))
        if functions and not THREAD.search(header.first):
            yield f'{file}:1: the first comment does not say on which thread its functions may be called ("Thread: …")'
        found = [(function.start("kind"), one) for function in functions for one in function_findings(header, function)]
        for start, one in found + list(unit_findings(header)):
            yield f"{file}:{header.line(start)}: {one}"


_SUMS = "/* Sums. Thread: no state. */\n"
_INVALID = "\n/* BT_INVALID: a is none. */\nbt_status a_sum(int a) BT_MUST_CHECK;\n"
_TIMEOUT = "/* Sums of traces. */\ntypedef struct a {\n  int64_t timeout; /* of Tempo's */\n} a;\n"
BAD = [
    {"dsl/a.h": "/* Sums. */\nint a_sum(int a);\n"},
    {"dsl/a.h": "/* Sums, over one thread. */\nint a_sum(int a);\n"},
    {"dsl/a.h": "/* Sums. */\nstatic inline int a_sum(int a) {\n  return a;\n}\n"},
    {"dsl/a.h": _SUMS + "\nint *a_sum(int a); /* NULL: none */\n"},
    {"dsl/a.h": "/* Sums. Thread: one owner. */\n\nint *a_sum(int a); /* NULL: none */\n"},
    {"dsl/a.h": _SUMS + "\n/* New. */\nint *a_sum(int a);\n"},
    {"server/a.h": _SUMS + "\nint a_sum(int a, int **out) BT_MUST_CHECK;\n"},
    {"server/a.h": _SUMS + "\nint a_sum(int a, const int **out) BT_MUST_CHECK;\n"},
    {"server/a.h": _SUMS + "\n/* What a is. */\nbt_status a_sum(int a, bt_error *error) BT_MUST_CHECK;\n"},
    {"server/a.h": _SUMS + _INVALID + "\nbt_status a_both(int a) BT_MUST_CHECK;\n"},
    {"server/a.h": _SUMS + _INVALID + "/* Of both. */\nbt_status a_both(int a);\n"},
    {"server/a.h": _SUMS + _INVALID + "/* Comes to the same. */\nbt_status a_both(int a);\n"},
    {"tempo/a.h": _SUMS + "\n/* Adds. */\nbool a_add(int a) BT_MUST_CHECK;\n"},
    {"tempo/a.h": _TIMEOUT},
    {"tempo/a.h": _SUMS + "\nvoid a_wait(a *a, int64_t most, uint64_t delay);\n"},
]
GOOD = [
    {"dsl/a.h": _SUMS + "/* new. NULL: no memory */\nint *a_sum(int a);\n\nconst char *a_name(int a);\n"},
    {"dsl/a.h": "/* Numbers. */\ntypedef struct a { int *b; } a;\n"},
    {"dsl/a.h": "/* Thread: any. All that is given is new; NULL: no memory. */\nint *a(int a);\n\nint *b(int a);\n"},
    {"server/a.h": "/* Thread: any. Errors: BT_INVALID, a is none. */\nbt_status a(int a);\n\nbt_status b(int a);\n"},
    {"server/a.h": _SUMS + _INVALID + "bt_status a_both(int a);\n/* The same for\n * three. */\nbt_status a(int a);\n"},
    {"server/a.h": _SUMS + "\n/* Waits. */\nbt_status a_wait(a *a); /* errors as of a_sum */\n"},
    {"server/a.h": _SUMS + "\n/* Looks. *out is borrowed. */\nint a_sum(int a, const int **out) BT_MUST_CHECK;\n"},
    {"tempo/a.h": _TIMEOUT.replace("of Tempo's", "ms")},
    {"tempo/a.h": "/* Thread: any. Times are in ms. */\ntypedef struct a {\n  int64_t timeout, delay;\n} a;\n"},
    {"tempo/a.h": _SUMS + "\nbool a_wait(a *a, int64_t pause_ns) BT_MUST_CHECK; /* false: too late */\n"},
]
