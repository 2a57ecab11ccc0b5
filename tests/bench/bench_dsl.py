"""How fast rules are evaluated, against a plain walk over their trees: builds bench_dsl next to the release binary and
runs it. It prints ratios, against a walk that gives the same answer (the goals) and one that gives the verdict
alone, and asserts only that the answers are equal (tests/bench/dsl.c). `--short` and `--medium` take fewer traces
and rounds. `--one SPANS` at the end measures one rule on one trace of so many spans only, `--large SPANS` only
rules that set the spans of one such trace against one another. `--written SPANS` gives only what comes last otherwise:
each rule of the docs and packs over a large trace of its own words, none of which may be undecided. That trace has
100,000 spans, and with --short 10,000, where what grows with the square is over the budget, too."""
import os
import subprocess
import sys

from written_rules import written_rules

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.environ.get("BETRACE_RELEASE_BIN", os.path.join(HERE, "../../build/release/server/betrace"))
BUILD = os.path.dirname(os.path.dirname(os.path.abspath(BINARY)))


LEAST_RULES = 150


def judge_written(program, spans):
    """0 when each of them is decided."""
    rules = written_rules()
    assert len(rules) >= LEAST_RULES, f"expected {LEAST_RULES} rules in docs and packs at least, found {len(rules)}"
    return subprocess.run([program, "--rules", spans], input="".join(f"{rule}\n---\n" for rule in rules), text=True, check=False).returncode


def main(arguments):
    subprocess.run(["cmake", "--build", BUILD, "--target", "bench_dsl"], check=True, stdout=subprocess.DEVNULL)
    program = os.path.join(BUILD, "tests", "dsl", "bench_dsl")
    if arguments[:1] == ["--written"]:
        return judge_written(program, arguments[1])
    known = ["--short" if word == "--medium" else word for word in arguments]  # the program has two sizes
    failed = subprocess.run([program, *known], check=False).returncode
    if {"--one", "--large"} & set(arguments):
        return failed
    sys.stdout.flush()
    return judge_written(program, "10000" if "--short" in arguments else "100000") or failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
