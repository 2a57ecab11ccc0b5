"""include-what-you-use over the C of dsl/, tempo/, server/ and tests/, or over the files that are named.

    python3 tests/lint/includes.py [--jobs N] [--apply] [FILE …]

What is held (decision 410): no file includes what it does not use, and a header of dsl/, tempo/ or server/ includes
what its own lines use. A .c file may rest on what the headers that it includes bring. --apply mends the files; `make
format` lays them out. Reads build/dev/compile_commands.json, so the debug build comes first. The tool is tried on
samples before. Ends with `N passed, N failed, N skipped`, counting files.
"""
import argparse
import concurrent.futures
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = "include-what-you-use"
BUILD = os.path.join(ROOT, "build", "dev")
FOLDERS = ("dsl/", "tempo/", "server/", "tests/")
# Headers of the system that ours name when they use them. What lies below those of libraries is the libraries' affair.
SYSTEM = {"jansson.h", "pthread.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "time.h"}
FOR_CMOCKA = {"<setjmp.h>", "<stdarg.h>", "<stddef.h>", "<stdint.h>"}  # cmocka.h wants them before it
TOLD = re.compile(r"^(\S+) should (add|remove) these lines:\n((?:.+\n)*)", re.M)
INCLUDE = re.compile(r"#include ([<\"][^>\"]+[>\"])")
SAMPLE = {"sample.h": "#include <string.h>\nextern uint8_t sample;\n", "sample.c": '#include <stdint.h>\n#include "sample.h"\n'}


def compiled_files():
    """What the debug build compiles: the folder and the command of each C file of ours."""
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as opened:
        entries = json.load(opened)
    files = {}
    for entry in entries:
        file = os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT)
        if file.startswith(FOLDERS) and file.endswith(".c"):
            files[file] = entry["directory"], command_of(shlex.split(entry["command"]))
    return files


def command_of(words):
    """The flags of a compiler's call that say how a file is read."""
    flags = [word for word in words if word.startswith(("-D", "-std=", "-I"))]
    for flag, folder in zip(words, words[1:]):
        flags += [flag, folder] if flag == "-isystem" else []
    return flags


def with_lone_headers(files):
    """The tool reads a header beside the .c file of its name; one without such a file is read by itself."""
    some = files["dsl/base/arena.c"]
    told = subprocess.run(["git", "ls-files", "dsl/*.h", "tempo/*.h", "server/*.h"], cwd=ROOT, stdout=subprocess.PIPE,
                          text=True, check=True).stdout.split()
    return {**files, **{header: some for header in told if header[:-1] + "c" not in files and "/grpc/" not in header}}


def suggestions(text, file):
    """What is to be added and removed, by file."""
    wanted = {}
    for path, verb, lines in TOLD.findall(text):
        name = os.path.relpath(path, ROOT) if os.path.isabs(path) else path
        keep = is_wanted if verb == "add" else is_spare
        found = [include for include in INCLUDE.findall(lines) if keep(name, include)]
        if found:
            wanted.setdefault(name, {"add": [], "remove": []})[verb] += found
    mine = {file, file[:-1] + "h"} if not file.startswith("tests/") else {file}
    return {name: one for name, one in wanted.items() if name in mine}


def is_wanted(file, include):
    return is_our_header(file) and (include.startswith('"') or include[1:-1] in SYSTEM)


def is_our_header(file):
    return file.endswith(".h") and not file.startswith("tests/")


def is_spare(file, include):
    """Of a library's headers, and of those of system calls, the tool names others that lie below them."""
    is_foreign = include.startswith("<") and "/" in include
    return not is_foreign and not (file.startswith("tests/") and include in FOR_CMOCKA)


def told_of(file, folder, flags):
    command = [TOOL, "-w", "-Xiwyu", "--no_comments", "-x", "c", *flags, os.path.join(ROOT, file)]
    return suggestions(subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stderr, file)


def sample_is_found():
    with tempfile.TemporaryDirectory(prefix="betrace-includes-") as folder:
        for name, text in SAMPLE.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as opened:
                opened.write(text)
        command = [TOOL, "-x", "c", os.path.join(folder, "sample.c")]
        told = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    by_name = {(os.path.basename(path), verb): lines for path, verb, lines in TOLD.findall(told)}
    return "stdint.h" in by_name.get(("sample.h", "add"), "") and "string.h" in by_name.get(("sample.h", "remove"), "")


def unconditional(lines):
    """For each line whether the compiler always sees it: the guard of a header is no condition."""
    seen, depth = [], 0
    for line in lines:
        depth -= line.startswith("#endif")
        seen.append(depth == 0)
        depth += line.startswith("#if") and not re.match(r"#ifndef \w+_H$", line)
    return seen


def place_of(lines, include, own):
    """The line before which an include goes: sorted among its kind, the system's before ours, after the own header."""
    kind, seen = f"#include {include[0]}", unconditional(lines)
    start = next((i for i, line in enumerate(lines) if seen[i] and line.startswith(kind) and line != own), None)
    if start is not None:
        while lines[start].startswith(kind) and lines[start] < f"#include {include}":
            start += 1
        return start
    others = [i for i, line in enumerate(lines) if seen[i] and line.startswith("#include ")]
    guard = next((i + 1 for i, line in enumerate(lines) if line.startswith("#define ")), 1)
    start = guard if not others else others[0] if include[0] == "<" else others[-1] + 1
    lines[start:start] = [""]
    return start + (not others or include[0] == '"')


def apply(file, change):
    path = os.path.join(ROOT, file)
    with open(path, encoding="utf-8") as opened:
        lines = opened.read().split("\n")
    own = f'#include "{file[:-1]}h"'
    gone = {f"#include {include}" for include in change["remove"]}
    lines = [line for line in lines if re.sub(r"\s*/[/*].*", "", line) not in gone]
    for include in change["add"]:
        start = place_of(lines, include, own)
        lines[start:start] = [f"#include {include}"]
    with open(path, "w", encoding="utf-8") as opened:
        opened.write(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--apply", action="store_true")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    if not shutil.which(TOOL):
        sys.exit(f"{TOOL} is not installed: run distribution/install-build-deps.sh full")
    if not sample_is_found():
        sys.exit(f"{TOOL} finds nothing in the samples, so it says nothing of the project")
    files, failed = with_lone_headers(compiled_files()), 0
    unknown = set(options.files) - set(files)
    if unknown:
        sys.exit(f"build/dev does not compile {', '.join(sorted(unknown))}: name .c files, or headers that have none")
    chosen = sorted(options.files or files)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        told = list(pool.map(lambda file: told_of(file, *files[file]), chosen))
    for file, wanted in zip(chosen, told):
        failed += bool(wanted)
        for name, change in sorted(wanted.items()):
            print(f"FAIL {name}: add {' '.join(change['add']) or '-'}, remove {' '.join(change['remove']) or '-'}")
            if options.apply:
                apply(name, change)
    print(f"{len(chosen) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
