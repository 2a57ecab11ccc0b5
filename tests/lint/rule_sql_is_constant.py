"""SQL is made of literals alone; what users sent reaches it by binding. A statement that is put together at run time could be changed by a rule's text."""
import re

SUMMARY = "SQL statements are string literals; values are bound"
# Functions that take SQL, with the place of that argument.
CALLS = re.compile(r"\b(sqlite3_exec|sqlite3_prepare(?:_v2|_v3)?|sqlite3_mprintf|sqlite3_vmprintf|sqlite3_snprintf)\s*\(([^;]*)")
PRINTED = re.compile(r"\b(?:v?snprintf|bt_buffer_printf|bt_arena_printf)\s*\([^;]*\"[^\"]*\b(?:SELECT|INSERT|UPDATE|DELETE FROM|PRAGMA|ATTACH)\b[^\"]*%[-0-9.*]*s")
# The one place that runs a text, which its callers give as a literal or a table of literals.
RUNS_LITERALS = {"server/store/database.c"}


def findings(tree):
    for file in tree.matching(".c", ".h", under=("server",)):
        text = tree.read(file)
        for found in CALLS.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            if "printf" in found.group(1) or (file not in RUNS_LITERALS and '"' not in found.group(2) and "sql" not in found.group(2).lower()):
                yield f"{file}:{line}: {found.group(1)} of something that is no literal: write the statement out and bind the values"
        for found in PRINTED.finditer(text):
            yield f"{file}:{text.count(chr(10), 0, found.start()) + 1}: SQL made by printf: write the statement out and bind the values"


BAD = [{"server/store/a.c": 'void f(char *t) { snprintf(t, 9, "SELECT %s", x); }\n'}, {"server/store/a.c": "void f(void) { sqlite3_prepare_v2(db, text, -1, &s, 0); }\n"},
       {"server/store/a.c": 'void f(void) { char *t = sqlite3_mprintf("SELECT 1"); }\n'}]
GOOD = [{"server/store/a.c": 'void f(void) { sqlite3_prepare_v2(db, "SELECT ?1", -1, &s, 0); }\n'}]
