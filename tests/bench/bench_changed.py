"""`betrace changed` over a file of traces: its time next to that of `betrace eval` of one rule, and its peak memory.
5,000 traces with --short, 100,000 with --medium, else a million (600 MB in the temporary folder). Asserts that it names the
three faults of the sample, that memory stays below 512 MiB, and that it takes at most 10 times as long as eval."""
import argparse
import json
import os
import tempfile

import replay_cost  # noqa: F401  (sets the paths and the release build)
from betrace_process import run_cli  # noqa: E402
from measured_process import run_measured  # noqa: E402
from seed_rules import SLOW_DB  # noqa: E402
from sizes import add_sizes, by_size  # noqa: E402

GOAL_KIB, GOAL_TIMES = 512 * 1024, 10


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    traces = by_size(parser.parse_args().size, 5000, 100000, 1000000)
    with tempfile.TemporaryDirectory(prefix="betrace-bench-") as folder:
        path = os.path.join(folder, "traces.pb")
        made = run_cli("generate", "--traces", traces, "--end", "2026-03-10T12:00:00Z", "--out", path, timeout=1800)
        assert made.returncode == 0, made.stderr
        evaluated = run_measured(["eval", "--dsl", SLOW_DB["dsl"], path], timeout=3600)
        done = run_measured(["changed", "--around", "2026-03-10T06:00:00Z", "--json", path], timeout=3600)
        assert (evaluated.returncode, done.returncode) == (1, 1), done.stderr
        named = " ".join(change["behaviour"] for change in json.loads(done.stdout)["changes"])
        assert all(name in named for name in ("payment.process", "retry", "audit.log")), named
        times = done.seconds / evaluated.seconds
        print(f"changed {traces:8d} traces  {done.seconds:7.2f} s, eval of one rule {evaluated.seconds:.2f} s: {times:.1f} times (goal {GOAL_TIMES})  "
              f"peak {done.peak_kib / 1024:.1f} MiB (goal 512)", flush=True)
        assert done.peak_kib <= GOAL_KIB and (times <= GOAL_TIMES or traces < 100000)


if __name__ == "__main__":
    main()
