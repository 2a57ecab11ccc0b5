"""Trace files of any size in little memory: eval and replay over a file of traces, as protobuf and as JSON lines.
Prints the peak memory and the time per trace, and how many times as fast the same is with a thread for each processor
as with one (--jobs), turn by turn on the same file. 3,000 traces with --short, 50,000 with --medium, else a million
(2 GB of files in the temporary folder). Asserts verdicts, that any number of jobs says the same, and that memory stays
below the goal of 256 MiB."""
import argparse
import json
import os
import tempfile

import replay_cost  # noqa: F401  (sets the paths and the release build)
from betrace_process import run_cli  # noqa: E402
from measured_process import run_measured  # noqa: E402
from seed_rules import SLOW_DB  # noqa: E402
from sizes import add_sizes, by_size  # noqa: E402

GOAL_KIB = 256 * 1024


def measure(command, path, traces, truth):
    source = ["--traces", path] if command == "replay" else [path]
    done = run_measured([command, "--dsl", SLOW_DB["dsl"], "--json", *source], timeout=3600)
    assert done.returncode == 1, (command, path, done.returncode, done.stderr[-1000:])
    if command == "replay":
        answer = json.loads(done.stdout)
        assert answer["status"] == "completed" and answer["violations_found"] == len(truth), answer
    else:
        found = {json.loads(line)["trace_id"] for line in done.stdout.splitlines()[:-1]}
        assert found == truth, "the verdicts of eval are wrong"
    size = os.path.getsize(path)
    print(f"{command:7s} {os.path.basename(path):13s} {size / 1e6:8.1f} MB  {done.seconds:7.2f} s  {size / 1e6 / done.seconds:6.1f} MB/s  "
          f"{traces / done.seconds:9.0f} traces/s  peak {done.peak_kib / 1024:6.1f} MiB (goal 256)", flush=True)
    assert done.peak_kib <= GOAL_KIB, f"peak memory of {done.peak_kib} KiB"


def measure_jobs(path, turns):
    """eval with one job and with all, in turns: the best of each. Two hardware threads of one core are counted as two."""
    processors = os.cpu_count()
    seconds, said = {1: [], processors: []}, set()
    for _ in range(turns):
        for jobs in (1, processors):
            done = run_measured(["eval", "--dsl", SLOW_DB["dsl"], "--jobs", str(jobs), path], timeout=3600)
            seconds[jobs].append(done.seconds)
            said.add(done.stdout)
    assert len(said) == 1, "the number of jobs changes the answer"
    one, all_of_them = min(seconds[1]), min(seconds[processors])
    print(f"eval    {os.path.basename(path):13s} 1 job {one:.2f} s, {processors} jobs {all_of_them:.2f} s: {one / all_of_them:.2f} times as fast "
          f"(load {os.getloadavg()[0]:.0f})", flush=True)


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    parser.add_argument("--traces", type=int)
    options = parser.parse_args()
    traces = options.traces or by_size(options.size, 3000, 50000, 1000000)
    with tempfile.TemporaryDirectory(prefix="betrace-bench-") as folder:
        for name in ("traces.pb", "traces.jsonl"):
            path, truth_path = os.path.join(folder, name), os.path.join(folder, "truth.json")
            made = run_cli("generate", "--scenario", "none", "--traces", traces, "--out", path, "--truth", truth_path, timeout=1800)
            assert made.returncode == 0, made.stderr
            with open(truth_path, encoding="utf-8") as file:
                truth = set(json.load(file)["slow-db-no-retry"])
            for command in ("eval", "replay"):
                measure(command, path, traces, truth)
            measure_jobs(path, 1 if traces > 100000 else 5)
            os.unlink(path)


if __name__ == "__main__":
    main()
