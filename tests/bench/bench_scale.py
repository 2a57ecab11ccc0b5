"""How a replay grows with a day's traces: 10,000, 100,000 and 1,000,000 traces of about ten spans in one day, in blocks that were handed over, by kind of
rule. Of each replay: requests, bytes, Tempo's processor, ours and our memory; what share of Tempo's processor the reads by id have; and the ratio to
the same requests by curl. Between two sizes stands the exponent with which each grows: 1 is in proportion, 2 its square. Of the rule of the seed it
prints the ratio to the bare pair of id queries, too, which has no goal: what is over it is the proof.

    python3 tests/bench/bench_scale.py --tempos 3.0.3,2.8 --sizes 10000,100000,1000000

`--short` and `--medium`: 500 and 2,000 traces, as soon as they are in blocks. Asserts verdicts only. 0.24 % of the traces violate each planted rule.
"""
import argparse
import json
import math
import resource
import tempfile
import time

import beside
from bench_rules import RULES, in_fewest_windows
from replay_cost import curl, load, older, processor_seconds, record
from measured_process import run_measured  # noqa: E402  (replay_cost sets the path)
from tempo_binary import require_tempo  # noqa: E402

SIZES, FEW = "10000,100000,1000000", "500,2000"
QUIET_S, QUIET_FEW_S = 30, 1  # without a new block, after which compaction is called done
VIOLATING = 0.0024
GOAL_EXPONENT = 1.05
GOAL_SAME, GOAL_BY_ID, GOAL_MIB = 1.1, 0.30, 128
SHARE = "by id's share"
GROWING = ("requests", "MB", "tempo", "ours")


def our_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def replay(url, dsl, bounds):
    """The answer with what it cost us."""
    before = our_seconds()
    done = run_measured(["replay", "--dsl", dsl, "--store", f"tempo+{url}", "--start", bounds[0], "--end", bounds[1], "--count", "at_least",
                         "--limit", "1", "--json"], timeout=3600)
    assert done.returncode in (0, 1), (dsl, done.returncode, done.stderr[-2000:], done.stdout[-500:])
    answer = json.loads(done.stdout)
    assert answer["status"] == "completed", answer
    return {**answer, "ours": our_seconds() - before, "peak": done.peak_kib / 1024, "seconds": done.seconds}


def cost_of(tempo, function):
    """What it returns, and the processor seconds of Tempo and the seconds that it took."""
    before, started = processor_seconds(tempo.pid), time.monotonic()
    value = function()
    return value, processor_seconds(tempo.pid) - before, time.monotonic() - started


def measure(tempo, rule, bounds, seconds, traces):
    name, dsl, kind, queries = rule
    same = record(tempo.url, lambda url: replay(url, dsl, bounds))
    by_id = [one for one in same if "/api/v2/traces/" in one[0]]
    others = [one for one in same if one not in by_id]
    answer, work, took = cost_of(tempo, lambda: replay(tempo.url, dsl, bounds))
    _, work_by_id, took_by_id = cost_of(tempo, lambda: by_id and curl(by_id))
    _, work_others, took_others = cost_of(tempo, lambda: curl(others))
    row = {"requests": answer["queries"], "MB": answer["bytes_received"] / 1e6, "tempo": work, "ours": answer["ours"], "peak": answer["peak"],
           "seconds": took, "by id": len(by_id), SHARE: work_by_id / max(work_by_id + work_others, 0.01),
           "/ same": took / (took_by_id + took_others), "/ same, processor": work / max(work_by_id + work_others, 0.01),
           "violations": answer["violations_found"], "blocks": block_count(tempo)}
    if kind == "ids":
        bare = [one for query in queries for one in in_fewest_windows(tempo, query, seconds, traces)]
        _, _, took_bare = cost_of(tempo, lambda: curl(bare))
        row["/ bare pair"] = took / took_bare
    print(f"{traces:9d} {name:18s} " + "  ".join(f"{key} {value:.2f}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()), flush=True)
    return row


def block_count(tempo):
    return len(tempo.backend_blocks())


def wait_for_compaction(tempo, quiet_s, patience_s=420):
    """Until the number of blocks has stayed for a while."""
    last, since, deadline = block_count(tempo), time.monotonic(), time.monotonic() + patience_s
    while time.monotonic() - since < quiet_s and time.monotonic() < deadline:
        time.sleep(1)
        if block_count(tempo) != last:
            last, since = block_count(tempo), time.monotonic()


def exponents(before, after, size_ratio):
    return {key: math.log(max(after[key], 1e-9) / max(before[key], 1e-9)) / math.log(size_ratio) for key in GROWING}


def bench_size(server, traces, names, quiet_s):
    with tempfile.TemporaryDirectory(prefix="betrace-bench-") as folder, server as tempo:
        bounds, seconds, truth = load(tempo, traces, folder, violations=max(2, round(traces * VIOLATING)))
        wait_for_compaction(tempo, quiet_s)
        print(f"Tempo {tempo.variant.name}, {traces} traces, {block_count(tempo)} blocks", flush=True)
        bounds, seconds = older(bounds, seconds)
        rows = {rule[0]: measure(tempo, rule, bounds, seconds, traces) for rule in RULES if rule[0] in names}
        if "seed" in rows:
            assert 0 < rows["seed"]["violations"] <= len(truth["slow-db-no-retry"]), "the replay's verdicts are wrong"
        return rows


def print_table(name, of_sizes):
    sizes = sorted(of_sizes)
    print(f"\n{name}\n\n| traces | requests | MB | Tempo's processor s | ours s | peak MiB | by id | / same | violations |\n|---|---|---|---|---|---|---|---|---|")
    for size in sizes:
        row = of_sizes[size]
        print(f"| {size:,} | {row['requests']} | {row['MB']:.1f} | {row['tempo']:.2f} | {row['ours']:.2f} | {row['peak']:.0f} | "
              f"{row['by id']} ({row[SHARE]:.0%}) | {row['/ same']:.2f} ({row['/ same, processor']:.2f}) | {row['violations']} |")
    for small, large in zip(sizes, sizes[1:]):
        grown = exponents(of_sizes[small], of_sizes[large], large / small)
        print(f"| {small:,} to {large:,}, exponents | {grown['requests']:.2f} | {grown['MB']:.2f} | {grown['tempo']:.2f} | {grown['ours']:.2f} | | | | |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", help=f"of the day, in traces, joined by commas (default {SIZES})")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--medium", action="store_true")
    parser.add_argument("--rules", default="seed,order,count,correlation,nothing prefilters", help="names of bench_rules.py, joined by commas")
    beside.add_options(parser)
    options = parser.parse_args()
    options.settled = True
    are_few = options.short or options.medium
    names, tables = options.rules.split(","), {}
    for size in map(int, (options.sizes or (FEW if are_few else SIZES)).split(",")):
        for server in beside.tempos(options):
            for rule, row in bench_size(server, size, names, QUIET_FEW_S if are_few else QUIET_S).items():
                tables.setdefault(f"Tempo {server.variant.name}, {rule}", {})[size] = row
    for name, of_sizes in sorted(tables.items()):
        print_table(name, of_sizes)


if __name__ == "__main__":
    require_tempo()
    main()
