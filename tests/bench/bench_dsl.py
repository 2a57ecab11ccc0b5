"""How fast rules are evaluated, against a plain walk over their trees: builds bench_dsl next to the release binary and
runs it. It prints ratios, against a walk that gives the same answer (the goals) and one that gives the verdict
alone, and asserts only that the answers are equal (tests/bench/dsl.c). `--short` and `--medium` take fewer traces
and rounds. `--one SPANS` at the end measures one rule on one trace of so many spans only, `--large SPANS` only
rules that set the spans of one such trace against one another."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.environ.get("BETRACE_RELEASE_BIN", os.path.join(HERE, "../../build/release/server/betrace"))
BUILD = os.path.dirname(os.path.dirname(os.path.abspath(BINARY)))


def main(arguments):
    subprocess.run(["cmake", "--build", BUILD, "--target", "bench_dsl"], check=True, stdout=subprocess.DEVNULL)
    known = ["--short" if word == "--medium" else word for word in arguments]  # the program has two sizes
    return subprocess.run([os.path.join(BUILD, "tests", "dsl", "bench_dsl"), *known], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
