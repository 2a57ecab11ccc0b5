"""How fast rules are evaluated, against a plain walk over their trees: builds bench_dsl beside the release binary and runs it. It prints ratios
and asserts verdicts only (tests/bench/dsl.c). `--short` takes fewer traces and rounds.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.environ.get("BETRACE_RELEASE_BIN", os.path.join(HERE, "../../build/release/server/betrace"))
BUILD = os.path.dirname(os.path.dirname(os.path.abspath(BINARY)))


def main(arguments):
    subprocess.run(["cmake", "--build", BUILD, "--target", "bench_dsl"], check=True, stdout=subprocess.DEVNULL)
    return subprocess.run([os.path.join(BUILD, "tests", "dsl", "bench_dsl"), *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
