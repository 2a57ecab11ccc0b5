"""What a rule over links costs where every trace links to every other one: `betrace eval` of a file of such a clique, over five links. Each trace's family
is the whole clique, so the work grows with the third power of its size. Prints the processor time; with `--before PROGRAM` that program judges the same file,
the answers are held against each other, and the ratio is printed. `--callgrind` counts instructions in place of time, for machines with other work.
Asserts what is found, never a time. `--short`: 60 traces. `--medium`: 300. Full size: 900."""
import argparse
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from betrace_process import binary  # noqa: E402
from sizes import add_sizes, by_size  # noqa: E402

MS, BEGAN_MS = 10**6, 1700000000000
RULE = "when { a as p } never { b downstream of p within 1h over 5 links }"


def write_clique(path, traces):
    ids = [(f"{number:032x}", f"{number * 2654435761 % 2**64:016x}") for number in range(1, traces + 1)]
    links = [{"traceId": trace, "spanId": span} for trace, span in ids]
    spans = [{"traceId": trace, "spanId": span, "name": "a" if number else "b", "startTimeUnixNano": str((BEGAN_MS + number % 50) * MS),
              "endTimeUnixNano": str((BEGAN_MS + 60) * MS), "links": links[:number] + links[number + 1:]} for number, (trace, span) in enumerate(ids)]
    path.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}))


def judge(program, path, counts_instructions):
    """What it says, and what it cost: seconds of the processor, or instructions."""
    command = [program, "eval", "--dsl", RULE, "--jobs", "1", "--all", str(path)]
    if counts_instructions:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={os.devnull}", *command]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 1, f"expected that the clique violates the rule (1), got {done.returncode}: {done.stderr[-500:]}"
    if counts_instructions:
        return done.stdout, int(re.search(r"Collected : (\d+)", done.stderr).group(1))
    return done.stdout, after.ru_utime - before.ru_utime


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    parser.add_argument("--before", help="another betrace")
    parser.add_argument("--callgrind", action="store_true")
    options = parser.parse_args()
    traces, unit = by_size(options.size, 60, 300, 900), "instructions" if options.callgrind else "s of the processor"
    with tempfile.TemporaryDirectory(prefix="betrace-bench-") as folder:
        path = pathlib.Path(folder) / "clique.json"
        write_clique(path, traces)
        said, cost = judge(binary(), path, options.callgrind)
        show = "{:,}".format if options.callgrind else "{:.2f}".format
        found = said.splitlines()[-1]
        assert f"{traces - 1} violated, 0 inconclusive, 0 satisfied" in found, found
        print(f"{found}: {show(cost)} {unit}", flush=True)
        if options.before:
            said_before, cost_before = judge(options.before, path, options.callgrind)
            assert said == said_before, "the other program says something else of the clique"
            print(f"before: {show(cost_before)} {unit}, ratio {cost_before / cost:.2f}")


if __name__ == "__main__":
    main()
