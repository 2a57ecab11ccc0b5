"""TraceQL's select without by(span:id) loses spans of split traces silently. One file writes select, and cannot write
it without."""
import re

from sources import string_literals

SUMMARY = "TraceQL's select is written in tempo/api/traceql.c only"
SELECT = re.compile(r"\bselect\s*\(")
ONLY = "tempo/api/traceql.c"


def findings(tree):
    for file in tree.matching(".c", ".h", ".cc", under=("dsl", "tempo", "server")):
        if file == ONLY:
            continue
        for line, literal in string_literals(tree.read(file)):
            if SELECT.search(literal):
                yield f"{file}:{line}: {literal}: only {ONLY} may write select"


BAD = [{"tempo/api/search.c": 'const char *q = "{} | select(name)";\n'}, {"server/replay/a.c": 'f("x", " | select (name)");\n'}]
GOOD = [{"tempo/api/search.c": "/* never writes select(name) */\nint f(void) { return select(1, 0, 0, 0, 0); }\n",
         ONLY: 'const char *q = " | by(span:id) | by(kind) | select(";\n'}]
