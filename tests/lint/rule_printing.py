"""Texts of others hold bytes that a terminal obeys. One file of the command line prints (server/cli/printer.c), and shows such bytes as escapes."""
import re

from sources import code_only

SUMMARY = "commands print by server/cli/printer.h only"
DOOR = "server/cli/printer.c"
# terminal.c asks what the terminal is; generate writes traces that it makes itself, into a file or a pipe.
MAY_NAME_STREAMS = {"server/cli/terminal.c": {"STDOUT_FILENO", "STDERR_FILENO"}, "server/cli/lab/cmd_generate.c": {"stdout"},
                    # What an editor reads is the protocol's, byte by byte.
                    "server/cli/cmd_lsp.c": {"STDOUT_FILENO"},
                    "server/cli/mcp/cmd_mcp.c": {"STDOUT_FILENO"},
                    "server/main.c": {"stdout"}}
PRINTS = re.compile(r"(?<!\w)(v?printf|v?dprintf|puts|putchar|putc|perror|psignal|syslog|warnx?|errx?)\s*\(")
STREAM = re.compile(r"(?<!\w)(stdout|stderr|STDOUT_FILENO|STDERR_FILENO)(?!\w)")
WRITES = re.compile(r"(?<!\w)write\s*\(\s*[12]\s*,")


def findings(tree):
    for file in tree.matching(".c", ".h", under=("server",)):
        if not (file.startswith("server/cli/") or file == "server/main.c") or file == DOOR:
            continue
        for number, line in enumerate(code_only(tree.read(file)).split("\n"), 1):
            for match in PRINTS.finditer(line):
                yield f"{file}:{number}: {match.group(1)}: use bt_print and its like (server/cli/printer.h), which show what a terminal would obey"
            for match in STREAM.finditer(line):
                if match.group(1) not in MAY_NAME_STREAMS.get(file, ()):
                    yield f"{file}:{number}: {match.group(1)}: only {DOOR} writes to it; print by server/cli/printer.h"
            if WRITES.search(line):
                yield f"{file}:{number}: write to a terminal: print by server/cli/printer.h"


BAD = [{"server/cli/cmd_a.c": f"void f(const char *s) {{ {call}; }}\n"}
       for call in ('printf("%s", s)', "puts(s)", "fputs(s, stdout)", 'fprintf(stderr, "%s", s)', "fwrite(s, 1, 2, stdout)", "putchar(*s)", "perror(s)",
                    "json_dumpf(s, stdout, 0)", "write(1, s, 2)", "write(STDOUT_FILENO, s, 2)", "vprintf(s, list)", 'dprintf(2, "%s", s)')]
BAD += [{"server/main.c": "void f(void) { puts(argv[1]); }\n"}, {"server/cli/terminal.c": "void f(char *s) { fputs(s, stdout); }\n"}]
GOOD = [{"server/cli/cmd_a.c": '/* printf(s) */\nvoid f(char *s) { bt_print("puts(%s)", s); snprintf(a, 2, "%s", s); bt_buffer_printf(b, "%s", s);'
                               ' bt_print_lines(s); fwrite(s, 1, 2, file); }\n',
         DOOR: "void f(char *s) { fputs(s, stdout); }\n", "server/base/log.c": "void f(char *s) { fputs(s, stderr); }\n"}]
