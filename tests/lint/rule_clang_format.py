"""One layout for all C. `make format` applies it; regions aligned by hand say `clang-format off`."""
import re
import shutil
import subprocess

SUMMARY = "C files are as clang-format-14 would write them"
TOOL = "clang-format-14"
WHERE = re.compile(r"^(.+?):(\d+):\d+: error: (.*)$", re.M)


def findings(tree):
    files = tree.matching(".c", ".h", ".cc")
    if not files:
        return
    if not shutil.which(TOOL):
        yield f"{TOOL} is not installed: run distribution/install-build-deps.sh check"
        return
    done = subprocess.run([TOOL, "--dry-run", "-Werror", *files], cwd=tree.root, capture_output=True, text=True, check=False)
    seen = set()
    for file, line, _ in WHERE.findall(done.stderr):
        if file not in seen:
            seen.add(file)
            yield f"{file}:{line}: not formatted: run `make format`"
    if done.returncode and not seen:
        yield f"{TOOL}: {done.stderr.strip()[:500]}"


BAD = [{".clang-format": "BasedOnStyle: LLVM\n", "dsl/a.c": "int  f( void ){return 1 ;}\n"}]
GOOD = [{".clang-format": "BasedOnStyle: LLVM\n", "dsl/a.c": "int f(void) { return 1; }\n"}]
