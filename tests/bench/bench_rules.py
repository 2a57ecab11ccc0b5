"""What rules of each kind cost over Tempo, each in one run with the same requests by curl and with the cheapest Tempo queries that give what the
answer is made of. Which those are differs, and is printed with each ratio:
  - ids: which traces violate follows from sets of ids (A minus B);
  - projection: it follows from the spans that the rule speaks of, one query (and the listing of all traces where one without such spans can violate);
  - whole: so many traces violate that the report itself, which names root, services and witnesses of each, is what costs: then the bare query reads
    all spans of all traces, in windows that fit into Tempo's answers. A query for ids could not answer this; its ratio is printed and has no goal.
No search sees what Tempo is handing over from ingesters to blocks, so within the last hour (--handover) a violation that rests on absence is read once
more by id, about 40 ms of Tempo each, and no bare query could answer for that hour. Each rule is therefore measured twice: over a range that ended
before it, where the goals stand, and over the whole range with the number of reads by id.
Ratios are of times, and in parentheses of Tempo's processor time, which says more on a machine that is shared.
Prints; asserts verdicts only, and that memory stays below twice its goal. 20,000 traces, medians of three, and then 200,000 for the rules whose
violations are few. --traces N, --runs N and --rule NAME choose, and --tempos and --settled the Tempos (beside.py), whose
ratios stand beside each other in the table at the end. `make check` and `make check-more` measure each once as a part of
bench_replay.py.
"""
import argparse
import json
import tempfile
import urllib.error
import urllib.request

import beside
from replay_cost import PROTOBUF, batch_of, curl, load, medians_with_work, older, record, search_url, windows
from measured_process import run_measured  # noqa: E402  (replay_cost sets the path)
from seed_rules import SLOW_DB  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402
from warm_service import WarmService

READ = "| by(span:id) | by(kind) | select"
WHOLE = f"{{ }} {READ}(name, kind, status, span:parentID, resource.service.name)"
WHOLE_TRACES_PER_WINDOW = 1500


def named(*names):
    """A bare name in a rule is that of a span or of a service."""
    return " || ".join(f'name = "{name}" || resource.service.name = "{name}"' for name in names)


# name; rule; what the bare queries are; these
RULES = (
    ("seed", SLOW_DB["dsl"], "ids", ['{ name = "db.query" && duration > 1s }', '{ name = "retry" }']),
    ("order", 'when { payment.process as p and "fraud-check" as f } always { p.start < f.start and p.duration < 299ms }', "projection",
     [f'{{ {named("payment.process", "fraud-check")} }} {READ}(name, resource.service.name)']),
    ("count", 'trace.count(span.name == "data.access") > 1', "projection", [f'{{ name = "data.access" }} {READ}(name)']),
    ("correlation", "when { checkout as c } always { payment.process.where(amount == c.amount and duration < 299ms) }", "projection",
     [f'{{ {named("checkout", "payment.process")} }} {READ}(name, resource.service.name, .amount)']),
    ("nothing prefilters", 'trace.count(span.status == "error") >= trace.count(span.kind == "client")', "projection",
     ["{ }", f"{{ status = error || kind = client }} {READ}(name, status)"]),
    ("absent everywhere", 'not trace.has(span.name == "no.such.span")', "whole", []),
    ("order, all violate", 'when { payment.process as p and "fraud-check" as f } always { f.start < p.start }', "whole", []),
)
IN_CHECK = ("seed", "order", "count", "correlation", "nothing prefilters", "absent everywhere")
FEW_VIOLATIONS = ("seed", "count")
GOALS = {"ids": 2, "projection": 1.5, "whole": None}
GOALS_WITH_BATCH = {"ids": 1.5, "projection": 1.3}  # of the bare query and one batch of what violates
GOAL_SAME = 1.2
GOAL_MEMORY_KIB = 256 * 1024


def replay(url, dsl, bounds):
    done = run_measured(["replay", "--dsl", dsl, "--tempo", url, "--start", bounds[0], "--end", bounds[1], "--count", "at_least", "--limit", "1", "--json"],
                        timeout=1800)
    assert done.returncode in (0, 1), (dsl, done.returncode, done.stderr[-2000:], done.stdout[-500:])
    answer = json.loads(done.stdout)
    assert answer["status"] == "completed", answer
    answer["peak_kib"] = done.peak_kib
    return answer


def violating(url, dsl, bounds):
    """The ids of all traces that violate."""
    done = run_measured(["replay", "--dsl", dsl, "--tempo", url, "--start", bounds[0], "--end", bounds[1], "--count", "at_least", "--json"], timeout=1800)
    return {one["trace_id"] for one in json.loads(done.stdout)["violations"]}


def in_windows(tempo, query, spans, seconds, traces, traces_per_window):
    parts = windows(seconds, traces, traces_per_window)
    margin = 900 if len(parts) == 1 else 0
    return [(search_url(tempo.url, query, part, spans=spans, margin=margin), PROTOBUF) for part in parts]


def are_answered(requests):
    """Tempo refuses what is larger than 16 MiB, and a refusal would cost nothing."""
    for url, headers in requests:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=300) as answer:
                answer.read()
        except urllib.error.HTTPError as refusal:
            assert b"larger than" in refusal.read(), url
            return False
    return True


def in_fewest_windows(tempo, query, seconds, traces, traces_per_window=None):
    """One query, in parts only where its answer is too large otherwise."""
    spans, size = 100 if "select" in query else 1, traces_per_window or traces
    while not are_answered(requests := in_windows(tempo, query, spans, seconds, traces, size)):
        size = size // 2
    return requests


def bare_requests(tempo, kind, queries, seconds, traces):
    if kind == "whole":
        return in_fewest_windows(tempo, WHOLE, seconds, traces, WHOLE_TRACES_PER_WINDOW)
    return [one for query in queries for one in in_fewest_windows(tempo, query, seconds, traces)]


def print_row(rule, what, answer, by_id, times, work):
    """times and work: seconds of each contender, and Tempo's processor seconds in them."""
    name, _, kind, _ = rule
    candidates = max(1, answer["traces_candidate"])
    goal = (GOALS[kind] if what == "handed over" else None) or "none here"
    meanings = {"same": f"/ same requests {{}} (goal {GOAL_SAME})", "bare": f"/ bare {kind} {{}} (goal {goal})",
                "ids": "/ ids of all traces {} (could not answer)"}
    ratios = [meanings[other].format(f"{times['replay'] / times[other]:5.2f} ({work['replay'] / max(work[other], 0.01):5.2f})")
              for other in meanings if other in times]
    print(f"{name:18s} {what:11s} {answer['strategy']:10s} {times['replay']:7.2f} s  {answer['queries']:5d} requests, {by_id:4d} by id  "
          f"{candidates:7d} candidates  {answer['violations_found']:6d} violations  {'  '.join(ratios)}  "
          f"{answer['bytes_received'] // candidates:6d} bytes/candidate  inspected {answer['bytes_inspected'] / 1e6:7.1f} MB  "
          f"peak {answer['peak_kib'] // 1024:4d} MiB (goal 256)", flush=True)


def note_row(ratios, tempo, rule, times, work):
    """Of a range that was handed over, where the goals stand."""
    name, _, kind, _ = rule
    ratios.note_pair(tempo, f"{name} / the same requests", ("replay", "same"), times, work, GOAL_SAME)
    if "bare" in times:
        ratios.note_pair(tempo, f"{name} / bare {kind}", ("replay", "bare"), times, work, GOALS[kind])
        ratios.note_pair(tempo, f"{name}, a later replay of a service / bare {kind}", ("later", "bare"), times, work, GOALS[kind])
    if "bare and batch" in times:
        what = f"bare {kind} and one batch of what violates"
        ratios.note_pair(tempo, f"{name} / {what}", ("replay", "bare and batch"), times, work)
        ratios.note_pair(tempo, f"{name}, a later replay of a service / {what}", ("later", "bare and batch"), times, work, GOALS_WITH_BATCH[kind])


def contenders(tempo, rule, bounds, seconds, traces, with_whole):
    """What is timed, by name, and how many traces the replay reads by id."""
    _, dsl, kind, queries = rule
    same = record(tempo.url, lambda url: replay(url, dsl, bounds))
    functions = {"replay": lambda: replay(tempo.url, dsl, bounds), "same": lambda: curl(same)}
    if kind != "whole" or with_whole:
        bare = bare_requests(tempo, kind, queries, seconds, traces)
        functions["bare"] = lambda: curl(bare)
        with_batch = bare + batch_of(same, violating(tempo.url, dsl, bounds))
        if kind in GOALS_WITH_BATCH:
            functions["bare and batch"] = lambda: curl(with_batch)
    if kind == "whole" and with_whole:
        ids = in_fewest_windows(tempo, "{ }", seconds, traces)
        functions["ids"] = lambda: curl(ids)
    return functions, sum("/api/v2/traces/" in url for url, _ in same)


def measure(tempo, rule, what, bounds, seconds, traces, runs, with_whole=True, ratios=None):
    """One row. Without with_whole the queries that have no goal are left out: those for all spans, or the ids, of all traces."""
    functions, by_id = contenders(tempo, rule, bounds, seconds, traces, with_whole)
    with WarmService(tempo.url, rule[1], bounds) as service:
        times, work, values = medians_with_work(tempo.pid, runs, {**functions, "later": service.replay})
        compared = (service.first["coverage"]["compared"]["here"], values["later"]["coverage"]["compared"]["here"])
    answer = values["replay"]
    print_row(rule, what, answer, by_id, times, work)
    print(f"{'':18s} a service's replays: the first compared {compared[0]} traces by id, the last {compared[1]}; a later one / the first "
          f"{times['later'] / times['replay']:.2f} ({work['later'] / max(work['replay'], 0.01):.2f})", flush=True)
    if ratios:
        note_row(ratios, tempo, rule, times, work)
    assert answer["peak_kib"] <= 2 * GOAL_MEMORY_KIB, f"{rule[0]}: peak memory of twice the goal: {answer['peak_kib']} KiB"
    return answer


def each_once(tempo, ratios, bounds, seconds, traces):
    """For less than full size: a Tempo that bench_replay.py has filled, and what a minute or two have room for."""
    for rule in RULES:
        if rule[0] in IN_CHECK:
            answer = measure(tempo, rule, "handed over", *older(bounds, seconds), traces, 1, with_whole=False, ratios=ratios)
            if rule[2] == "whole":
                assert answer["violations_found"] == answer["traces_evaluated"] > traces // 2, "a rule that every trace violates"


def bench(server, ratios, traces, names, runs):
    with tempfile.TemporaryDirectory(prefix="betrace-bench-") as folder, server as tempo:
        bounds, seconds, truth = load(tempo, traces, folder)
        print(f"Tempo {tempo.variant.name}, {tempo.config}: {traces} traces")
        for rule in RULES:
            if rule[0] not in names:
                continue
            measure(tempo, rule, "handed over", *older(bounds, seconds), traces, runs, ratios=ratios)
            answer = measure(tempo, rule, "whole range", bounds, seconds, traces, 1)
            if rule[0] == "seed":
                assert answer["violations_found"] == len(truth["slow-db-no-retry"]), "the replay's verdicts are wrong"
            if rule[0] == "absent everywhere":
                assert answer["violations_found"] == traces, "a rule that every trace violates"


def bench_each(options, traces, names):
    ratios = beside.Ratios()
    for server in beside.tempos(options):
        bench(server, ratios, traces, names, options.runs)
    print(f"{traces} traces, over the part of the range that was handed over:\n{ratios.text()}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--traces", type=int)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rule", choices=[rule[0] for rule in RULES], help="only this one")
    beside.add_options(parser)
    options = parser.parse_args()
    names = (options.rule,) if options.rule else [rule[0] for rule in RULES]
    bench_each(options, options.traces or 20000, names)
    if not options.traces and not options.rule:
        bench_each(options, 200000, FEW_VIOLATIONS)


if __name__ == "__main__":
    require_tempo()
    main()
