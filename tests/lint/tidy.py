"""clang-tidy with the checks of .clang-tidy over the C of dsl/, tempo/ and server/, or over the files that are named.

    python3 tests/lint/tidy.py [--jobs N] [--changed | FILE …]

--changed takes the files that differ from the branch main, or are not committed yet; all files take half an hour of
one core. Reads build/dev/compile_commands.json, so the debug build comes first. The configuration is tried on samples
before: one that finds nothing in them says nothing of the project either. Ends with `N passed, N failed, N skipped`,
counting files.
"""
import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = "clang-tidy-14"
BUILD = os.path.join(ROOT, "build", "dev")
FOLDERS = ("dsl/", "tempo/", "server/")
# What the analyzer says inside of inline functions of libraries, where no NOLINT of ours can stand: a check by header.
LIBRARIES = {
    # It follows a ring of h2o as if it could end in NULL.
    "/usr/include/h2o/linklist.h": "clang-analyzer-core.NullDereference",
}
SAMPLES = {  # a check that must find something, and where it must
    "clang-analyzer-core.NullDereference": "int f(int *p);\nint f(int *p) {\n  if (!p) return *p;\n  return 0;\n}\n",
    "clang-analyzer-unix.Malloc": "#include <stdlib.h>\nint f(void);\nint f(void) {\n  char *p = malloc(9);\n"
                                  "  return p ? 1 : 0;\n}\n",
    "bugprone-integer-division": "double f(int a);\ndouble f(int a) { return a / 2; }\n",
    "cert-err34-c": "#include <stdlib.h>\nint f(const char *s);\nint f(const char *s) { return atoi(s); }\n",
}


def is_ours(file):
    return file.startswith(FOLDERS)


def compiled_files():
    """The C files of ours that the debug build compiles."""
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as opened:
        entries = json.load(opened)
    files = {os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT) for entry in entries}
    return sorted(file for file in files if is_ours(file))


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def changed_files():
    base = git("merge-base", "main", "HEAD").strip()
    told = git("diff", "--name-only", base) + git("ls-files", "--others", "--exclude-standard")
    return set(told.splitlines())


def is_of_a_library(finding):
    return any(finding.startswith(f"{header}:") and f"[{check}," in finding for header, check in LIBRARIES.items())


def told_of(file):
    """What clang-tidy says of a compiled file, empty when it has nothing to say."""
    done = subprocess.run([TOOL, "-p", BUILD, "--quiet", file], cwd=ROOT, capture_output=True, text=True, check=False)
    findings = re.split(r"^(?=\S+:\d+:\d+: (?:error|warning): )", done.stdout, flags=re.M)
    told = "".join(finding for finding in findings if finding.strip() and not is_of_a_library(finding))
    if told or done.stdout.strip():
        return told.strip()
    return f"{TOOL} ended with {done.returncode}: {done.stderr.strip()}" if done.returncode else ""


def missed_samples():
    missed = []
    with tempfile.TemporaryDirectory(prefix="betrace-tidy-") as folder:
        for check, text in SAMPLES.items():
            path = os.path.join(folder, "sample.c")
            with open(path, "w", encoding="utf-8") as opened:
                opened.write(text)
            command = [TOOL, "--quiet", f"--config-file={os.path.join(ROOT, '.clang-tidy')}", path, "--", "-std=c11"]
            if f"[{check}" not in subprocess.run(command, capture_output=True, text=True, check=False).stdout:
                missed.append(check)
    return missed


def choose(options):
    files = compiled_files()
    if options.changed:
        changed = changed_files()
        return [file for file in files if file in changed]
    unknown = set(options.files) - set(files)
    if unknown:
        sys.exit(f"build/dev does not compile {', '.join(sorted(unknown))}: name files of {', '.join(FOLDERS)}")
    return options.files or files


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--changed", action="store_true")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    if not shutil.which(TOOL):
        sys.exit(f"{TOOL} is not installed: run distribution/install-build-deps.sh full")
    missed = missed_samples()
    if missed:
        sys.exit(f".clang-tidy finds nothing in the samples of {', '.join(missed)}: a check is off that has to be on")
    files, failed = choose(options), 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for file, told in zip(files, pool.map(told_of, files)):
            failed += bool(told)
            print(f"{'FAIL' if told else 'ok  '} {file}", *([told] if told else []), sep="\n", flush=True)
    print(f"{len(files) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
