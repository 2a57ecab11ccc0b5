"""What rules of each kind cost over Tempo: the seed rule, order, a count, a correlation, an absence that nearly every trace has, and one that
no filter narrows. For each, in one run: the replay against the same requests by curl, against the cheapest query that could answer it (ids only, or one
projection of its spans), bytes received per candidate, Tempo's inspected bytes, and the peak memory. Prints; asserts verdicts only, and that
memory stays below twice its goal. 4,000 traces with --short; else 20,000, medians of three, and then 200,000 for the rules whose violations are few: of
the others thousands lie within the hand-over and are read by id, at some 40 ms of Tempo each. --traces N and --rule NAME choose.
"""
import argparse
import json
import tempfile

from replay_cost import PROTOBUF, curl, load, medians, record, search_url
from measured_process import run_measured  # noqa: E402  (replay_cost sets the path)
from run_tempo import TempoServer  # noqa: E402
from seed_rules import SLOW_DB  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

READ = "| by(span:id) | by(kind) | select"
# name, rule, the bare queries that could answer it, and whether they are projections (goal 1.5) or ids alone (goal 1.2 for the same requests)
RULES = (
    ("seed", SLOW_DB["dsl"], ['{ name = "db.query" && duration > 1s }', '{ name = "retry" }'], False),
    ("order", 'when { payment.process as p and "fraud-check" as f } always { f.start < p.start }',
     [f'{{ name = "payment.process" || name = "fraud-check" }} {READ}(name)'], True),
    ("count", 'trace.count(span.name == "data.access") > 1', [f'{{ name = "data.access" }} {READ}(name)'], True),
    ("correlation", 'when { "fraud-check" as f } always { payment.process.where(amount == f.amount) }',
     [f'{{ name = "payment.process" || name = "fraud-check" }} {READ}(name, span.amount)'], True),
    ("absent everywhere", 'not trace.has(span.name == "no.such.span")', ["{ }"], False),
    ("nothing prefilters", 'trace.count(span.status == "error") > trace.count(span.kind == "client")', [f"{{ }} {READ}(status)"], True),
)
GOAL_MEMORY_KIB = 256 * 1024


def replay(url, dsl, bounds):
    done = run_measured(["replay", "--dsl", dsl, "--tempo", url, "--start", bounds[0], "--end", bounds[1], "--count", "at_least", "--limit", "1", "--json"],
                        timeout=1800)
    assert done.returncode in (0, 1), (dsl, done.returncode, done.stderr[-2000:], done.stdout[-500:])
    answer = json.loads(done.stdout)
    assert answer["status"] == "completed", answer
    answer["peak_kib"] = done.peak_kib
    return answer


def bench_rule(tempo, rule, bounds, seconds, runs):
    name, dsl, bare, is_projection = rule
    same = record(tempo.url, lambda url: replay(url, dsl, bounds))
    queries = [(search_url(tempo.url, query, seconds, spans=100 if is_projection else 1), PROTOBUF) for query in bare]
    times, values = medians(runs, {"replay": lambda: replay(tempo.url, dsl, bounds), "same": lambda: curl(same), "bare": lambda: curl(queries)})
    answer = values["replay"]
    candidates = max(1, answer["traces_candidate"])
    print(f"{name:18s} {answer['strategy']:10s} {times['replay']:7.2f} s  {answer['queries']:5d} requests  {candidates:7d} candidates  "
          f"/ same requests {times['replay'] / times['same']:5.2f} (goal 1.2)  / bare {'projection' if is_projection else 'ids only  '} "
          f"{times['replay'] / times['bare']:6.2f} (goal {'1.5' if is_projection else '2'})  {answer['bytes_received'] // candidates:6d} bytes/candidate  "
          f"inspected {answer['bytes_inspected'] / 1e6:7.1f} MB  peak {answer['peak_kib'] // 1024:4d} MiB (goal 256)", flush=True)
    return answer


def bench(traces, only, runs):
    with tempfile.TemporaryDirectory(prefix="betrace-bench-") as folder, TempoServer(config="fast") as tempo:
        bounds, seconds, truth = load(tempo, traces, folder)
        print(f"{traces} traces")
        for rule in RULES:
            if only and rule[0] != only:
                continue
            answer = bench_rule(tempo, rule, bounds, seconds, runs)
            if rule[0] == "seed":
                assert answer["violations_found"] == len(truth["slow-db-no-retry"]), "the replay's verdicts are wrong"
            if rule[0] == "absent everywhere":
                assert answer["violations_found"] == traces, "a rule that every trace violates"
            assert answer["peak_kib"] <= 2 * GOAL_MEMORY_KIB, f"{rule[0]}: peak memory of twice the goal: {answer['peak_kib']} KiB"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--traces", type=int)
    parser.add_argument("--rule", help="only this one")
    options = parser.parse_args()
    if options.traces or options.short:
        bench(options.traces or 4000, options.rule, 1)
        return
    bench(20000, options.rule, 3)
    for rule in ("seed", "count"):
        bench(200000, rule, 1)


if __name__ == "__main__":
    require_tempo()
    main()
