"""What a replay over Tempo costs, compared in one run with
  - the very same Tempo requests by curl (recorded from our replay, same Accept, same number at once),
  - the cheapest complete pair of ids-only searches (the slow queries; the retries) by curl,
  - a straightforward Python script that finds candidates and reads each trace by id over Tempo's JSON API (on at most 1,000 candidates; its
    rate is scaled, and that is said).
Prints medians and a table of ratios (of Tempo's processor time in parentheses); asserts verdicts only, never times. Goals: at most 1.2 x the same requests, at most 2 x the pair, at least 20 x the
script's rate. The pair could not answer for the last hour, where Tempo may hold spans that no search sees and violations that rest on absence are
read by id: so that it is also compared over a range that ended before. Over that range too, for a rule that is violated everywhere, what the first
violation costs relative to a replay (goal: at most 10 %): reads by id would make the replay dearer.
`--short`: 3,000 traces, medians of three, fewer candidates for the script. `--medium`: the same with 20,000 traces, and
then on the same Tempo a rule of each kind once (bench_rules.py says what is compared there). beside.py says on which
Tempos it runs: `--settled --tempos 2.8,2.10.8,3.0.3`.
"""
import argparse
import json
import tempfile
import urllib.parse

import beside
from replay_cost import PROTOBUF, curl, load, medians_with_work, older, record, search_url, timed
from betrace_process import run_cli  # noqa: E402  (replay_cost sets the path)
from run_tempo import http  # noqa: E402
from seed_rules import SLOW_DB  # noqa: E402
from sizes import add_sizes, by_size  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402
import bench_rules  # noqa: E402
from warm_service import WarmService

DENSE = 'trace.has(span.name == "db.query") and not trace.has(span.name == "no.such.span")'


def replay(url, bounds, count):
    done = run_cli("replay", "--dsl", SLOW_DB["dsl"], "--tempo", url, "--start", bounds[0], "--end", bounds[1], "--count", count, "--json", timeout=300)
    answer = json.loads(done.stdout)
    assert answer["status"] == "completed", answer
    return answer


def dense(command, url, bounds):
    done = run_cli(command, "--dsl", DENSE, "--tempo", url, "--start", bounds[0], "--end", bounds[1], "--json", timeout=300)
    answer = json.loads(done.stdout)
    assert answer["status"] == "completed", answer
    return answer


def ids_only_pair(tempo_url, seconds):
    return [(search_url(tempo_url, query, seconds), PROTOBUF) for query in ('{ name = "db.query" && duration > 1s }', '{ name = "retry" }')]


def script(tempo, seconds, limit):
    """What one would write in an afternoon: search, then read each candidate and look at its spans. Returns (candidates, violating ids)."""
    params = {"q": '{ name = "db.query" && duration > 1s }', "start": seconds[0], "end": seconds[1], "limit": limit}
    _, _, body = http("GET", f"{tempo.url}/api/search?" + urllib.parse.urlencode(params))
    candidates = [row["traceID"] for row in json.loads(body)["traces"]]
    violating = []
    for trace_id in candidates:
        spans = tempo.trace(trace_id)
        slow = any(s["name"] == "db.query" and s["end_ns"] - s["start_ns"] > 10**9 for s in spans)
        if slow and not any(s["name"] == "retry" for s in spans):
            violating.append(trace_id.rjust(32, "0"))
    return len(candidates), set(violating)


def check_first(everything, first):
    assert everything["violations_found"] > everything["traces_evaluated"] // 4, "the dense rule is not dense"
    earliest = everything["violations"][0]
    assert first["proven"] and (first["violation"]["trace_id"], first["violation"]["time"]) == (earliest["trace_id"], earliest["time"])


# What; of what, and beside what; goal.
RATIOS = (
    ("the seed's rule, exact count / the same requests", ("replay exact", "same requests exact"), 1.2),
    ("the same, `at_least` / the same requests", ("replay at_least", "same requests at_least"), 1.2),
    ("the same, `at_least` / the ids-only pair, over a range that was handed over", ("older at_least", "older pair"), 2),
    ("a later replay of a service / the ids-only pair, over that range", ("older later", "older pair"), 2),
    ("the same over the whole range (the pair could not answer for the last hour)", ("replay at_least", "ids-only pair"), None),
    ("exact count / the ids-only pair (also counts every trace)", ("replay exact", "ids-only pair"), None),
    ("first violation / replay, dense", ("dense first", "dense replay"), 0.1),
)


def report(tempo, ratios, times, work, values, by_script):
    """by_script: how many candidates the script looked at, and in how many seconds."""
    candidates, script_seconds = by_script
    script_rate = candidates / script_seconds
    ours_rate = values["replay at_least"]["traces_candidate"] / times["replay at_least"]
    answer = values["replay exact"]
    print(f"Tempo {tempo.variant.name}, {tempo.config}: {answer['traces_evaluated']} traces, {answer['violations_found']} violations, "
          f"{answer['queries']} requests")
    for name, value in times.items():
        print(f"  {name:28s} {value * 1000:9.1f} ms (median), {work[name] * 1000:9.1f} ms of Tempo's processor")
    print(f"  python script                {script_seconds * 1000:9.1f} ms for {candidates} candidates (rate {script_rate:.0f}/s; ours {ours_rate:.0f}/s)",
          flush=True)
    for what, pair, goal in RATIOS:
        ratios.note_pair(tempo, what, pair, times, work, goal)
    ratios.note(tempo, "rate of the replay / rate of the script", ours_rate / script_rate, goal=20, at_least=True)


def bench(tempo, ratios, bounds, seconds, truth, runs, dense_runs, script_limit):
    old_bounds, _ = older(bounds, seconds)
    with WarmService(tempo.url, SLOW_DB["dsl"], old_bounds) as service:
        compare(tempo, ratios, bounds, seconds, truth, runs, dense_runs, script_limit, service)


def compare(tempo, ratios, bounds, seconds, truth, runs, dense_runs, script_limit, service):
    old_bounds, old_seconds = older(bounds, seconds)
    same = {count: record(tempo.url, lambda url, count=count: replay(url, bounds, count)) for count in ("auto", "at_least")}
    times, work, values = medians_with_work(tempo.pid, runs, {
        "replay exact": lambda: replay(tempo.url, bounds, "auto"),
        "same requests exact": lambda: curl(same["auto"]),
        "replay at_least": lambda: replay(tempo.url, bounds, "at_least"),
        "same requests at_least": lambda: curl(same["at_least"]),
        "ids-only pair": lambda: curl(ids_only_pair(tempo.url, seconds)),
        "older at_least": lambda: replay(tempo.url, old_bounds, "at_least"),
        "older later": service.replay,
        "older pair": lambda: curl(ids_only_pair(tempo.url, old_seconds)),
    })
    dense_times, dense_work, dense_values = medians_with_work(tempo.pid, dense_runs, {
        "dense replay": lambda: dense("replay", tempo.url, old_bounds),
        "dense first": lambda: dense("first", tempo.url, old_bounds),
    })
    check_first(dense_values["dense replay"], dense_values["dense first"])
    script_seconds, (candidates, by_script) = timed(lambda: script(tempo, seconds, script_limit))
    assert {v["trace_id"] for v in values["replay exact"]["violations"]} == truth, "the replay's verdicts are wrong"
    assert by_script == truth or candidates == script_limit and by_script <= truth, "the script's verdicts are wrong"
    report(tempo, ratios, {**times, **dense_times}, {**work, **dense_work}, values, (candidates, script_seconds))


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    beside.add_options(parser)
    options = parser.parse_args()
    traces, runs, dense_runs, script_limit = by_size(options.size, (3000, 3, 1, 150), (20000, 3, 1, 150), (15420, 7, 3, 1000))
    ratios = beside.Ratios()
    for server in beside.tempos(options):
        with tempfile.TemporaryDirectory(prefix="betrace-bench-") as folder, server as tempo:
            bounds, seconds, truth = load(tempo, traces, folder)
            bench(tempo, ratios, bounds, seconds, truth["slow-db-no-retry"], runs, dense_runs, script_limit)
            if options.size == "medium":
                bench_rules.each_once(tempo, ratios, bounds, seconds, traces)
    print(ratios.text())


if __name__ == "__main__":
    require_tempo()
    main()
