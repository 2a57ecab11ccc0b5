"""Runs the libFuzzer targets of build/fuzz for some seconds each on top of their committed corpora: `fuzz.py SECONDS [NAME …]`, without names all.

New inputs and crashes go to build/fuzz/found/<target>/; the committed corpus is only read. Ends with `N passed, N failed, N skipped`.
"""
import glob
import os
import subprocess
import sys

from suites import ROOT

FOUND = os.path.join(ROOT, "build", "fuzz", "found")
DICTIONARIES = {name: os.path.join(ROOT, "tests", "fuzz", "rule.dict") for name in ("rule", "format", "eval", "complete")}


def targets():
    """{name: program, or None when it was not built}, by the sources in tests/fuzz/."""
    sources = glob.glob(os.path.join(ROOT, "tests", "fuzz", "fuzz_*.c"))
    names = sorted(os.path.basename(path)[len("fuzz_"):-len(".c")] for path in sources)
    return {name: program_of(name) for name in names}


def program_of(name):
    found = glob.glob(os.path.join(ROOT, "build", "fuzz", "**", f"fuzz_{name}"), recursive=True)
    return next((path for path in found if os.path.isfile(path) and os.access(path, os.X_OK)), None)


def fuzz(name, program, seconds):
    """True when the target was built and survived."""
    if program is None:
        return False
    folder = os.path.join(FOUND, name)
    os.makedirs(folder, exist_ok=True)
    corpus = [folder]
    committed = os.path.join(ROOT, "tests", "fuzz", "corpus", name)
    if os.path.isdir(committed):
        corpus.append(committed)
    command = [program, f"-max_total_time={seconds}", "-timeout=25", "-rss_limit_mb=2048", "-print_final_stats=1",
               f"-artifact_prefix={folder}/", *corpus]
    if name in DICTIONARIES:
        command.insert(1, f"-dict={DICTIONARIES[name]}")
    return subprocess.run(command, cwd=os.path.join(ROOT, "tests"), check=False).returncode == 0


def main(seconds, names):
    known = targets()
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"unknown target {', '.join(unknown)}; tests/fuzz has {', '.join(known)}")
    results = {name: fuzz(name, program, seconds) for name, program in known.items() if not names or name in names}
    for name, survived in results.items():
        print(f"{'ok  ' if survived else 'FAIL'} {name} {seconds} s")
    failed = sum(not survived for survived in results.values())
    print(f"{len(results) - failed} passed, {failed} failed, 0 skipped", flush=True)
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
