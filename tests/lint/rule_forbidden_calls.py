"""Calls that overrun buffers, hide errors, take the stack from us or answer in a buffer that threads share have no place
in C of this project."""
import re

from sources import code_only

SUMMARY = "no strcpy, strcat, sprintf, strtok, atoi, alloca, gets, localtime"
INSTEAD = {
    "strcpy": "bt_str or memcpy with a length", "strncpy": "memcpy with a length", "strcat": "a buffer with a maximum",
    "strncat": "a buffer with a maximum", "sprintf": "snprintf", "vsprintf": "vsnprintf", "strtok": "a cursor over bt_str",
    "strtok_r": "a cursor over bt_str", "atoi": "strtoll with checks", "atol": "strtoll with checks", "atoll": "strtoll with checks",
    "atof": "strtod with checks", "alloca": "an arena", "gets": "fgets",
    "localtime": "localtime_r", "gmtime": "gmtime_r", "ctime": "bt_time_format", "asctime": "bt_time_format", "rand": "getrandom",
}
CALL = re.compile(r"\b(" + "|".join(INSTEAD) + r")\s*\(")


def findings(tree):
    for file in tree.matching(".c", ".h", ".cc"):
        for number, line in enumerate(code_only(tree.read(file)).split("\n"), 1):
            for match in CALL.finditer(line):
                yield f"{file}:{number}: {match.group(1)}: use {INSTEAD[match.group(1)]}"


BAD = [{"dsl/a.c": f"void f(char *a) {{ {name}(a, a); }}\n"} for name in INSTEAD]
GOOD = [{"dsl/a.c": '/* strcpy(a, b) */\nvoid f(void) { bt_strcpy_not("sprintf(x)"); snprintf(a, 1, "x"); fgets(a); }\n'}]
