"""Which request of a replay costs Tempo what. The requests that a replay makes, each asked again REPEATS times alone,
with its processor time and its answer's bytes, and next to them the bare query of bench_rules.py with one batch of what
violates. `python3 tests/bench/request_costs.py RULE... [--settled --tempos 3.0.3]`, with the names of bench_rules.py;
over the part of the range that was handed over. Then a table of what each request is for. Asserts that a replay asks
nothing twice."""
import argparse
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import beside
import bench_rules
from replay_cost import BATCH_IDS, OnceProxy, batch_of, load, older, processor_seconds, query_of, record, sendable, timed
from tempo_binary import require_tempo  # noqa: E402  (replay_cost sets the path)
from warm_service import WarmService

TRACES, REPEATS = 20000, 8
QUERY_SHOWN = 150


def ask(url, headers):
    """Bytes of the answer, whatever its status."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=300) as answer:
            return len(answer.read())
    except urllib.error.HTTPError as refusal:
        return len(refusal.read())


def cost(tempo, request):
    """(milliseconds of Tempo's processor, milliseconds, bytes) of one request."""
    ask(*request)
    before = processor_seconds(tempo.pid)
    seconds, sizes = timed(lambda: [ask(*request) for _ in range(REPEATS)])
    return (processor_seconds(tempo.pid) - before) / REPEATS * 1000, seconds / REPEATS * 1000, sizes[0]


# What a request is asked for, by the first test of its path and its query that holds, and why an answer needs it.
WHY = (
    ("buildinfo", lambda path, q: path.endswith("/buildinfo"), "which version it is: plans rest on facts about versions; once for a connection"),
    ("settings", lambda path, q: path.endswith("/status/config"), "how late searches see spans, and how many copies there are; every few minutes"),
    ("by id", lambda path, q: "/api/v2/traces/" in path, "comparisons with what a batch gave, and what a batch cannot give"),
    ("tags", lambda path, q: "/search/tag" in path, "whether blocks may hold lists in columns (vParquet5)"),
    ("summaries", lambda path, q: "aggregation.is_summary" in q, "traces with summaries in place of spans: they may hide what a rule asks for"),
    ("own traces", lambda path, q: 'resource.service.name = "betrace"' in q, "violations that BeTrace sent: they are no data"),
    ("where data begin", lambda path, q: "betrace.violation" in q, "`data_from`: up to the first trace that is known; also whether there are any"),
    ("batch", lambda path, q: bool(BATCH_IDS.search(q)), "what violates, whole: the report is made of it; and a sample of what was not read"),
    ("large traces", lambda path, q: "count() >=" in q or "traceDuration" in q, "which traces are too large for the question that follows"),
    ("probe", lambda path, q: "select(" in q and "trace:id" not in q, "whether to ask for all such spans before ids; a service remembers it for an hour"),
    ("spans", lambda path, q: "select(" in q, "the spans that the rule speaks of: they decide most traces"),
    ("all traces", lambda path, q: q.replace(" ", "") == "{}", "the listing: every trace may violate, or they are counted"),
    ("filter", lambda path, q: bool(q), "which traces may violate, and which of these cannot"),
)


def kind_of(url):
    path, query = urllib.parse.urlsplit(url).path, query_of(url)
    return next(((name, why) for name, holds, why in WHY if holds(path, query)), ("other", ""))


def name_of(url):
    parts = urllib.parse.urlsplit(url)
    parameters = dict(urllib.parse.parse_qsl(parts.query))
    if "q" not in parameters:
        return parts.path
    span = int(parameters.get("end", 0)) - int(parameters.get("start", 0))
    return f"{span:6d} s, limit {parameters.get('limit')}, spss {parameters.get('spss')}: {parameters['q'][:QUERY_SHOWN]}"


def note_costs(tempo, what, requests, table):
    """Prints each, and adds it to the table: {kind of request: {what: [milliseconds of processor]}}."""
    total = 0
    for url, headers in requests:
        processor, wall, size = cost(tempo, (url, headers))
        total += processor
        table.setdefault(kind_of(url), {}).setdefault(what, []).append(processor)
        print(f"  {what:8s} {processor:7.1f} ms of processor {wall:7.1f} ms {size:9d} bytes  {name_of(url)}", flush=True)
    print(f"  {what:8s} {total:7.1f} ms of processor together, {len(requests)} requests", flush=True)


def cell(costs):
    return f"{len(costs)}: {sum(costs):.0f} ms" if costs else ""


def text_of(table, columns):
    lines = ["| request | " + " | ".join(columns) + " | why |", "|---" * (len(columns) + 2) + "|"]
    ranked = [(name, why) for name, _, why in WHY if (name, why) in table] + [kind for kind in table if kind[0] == "other"]
    for kind in ranked:
        lines.append(f"| {kind[0]} | " + " | ".join(cell(table[kind].get(column, [])) for column in columns) + f" | {kind[1]} |")
    sums = [cell([one for costs in table.values() for one in costs.get(column, [])]) for column in columns]
    return "\n".join(lines + ["| together | " + " | ".join(sums) + " | |"])


def record_later(tempo_url, dsl, bounds):
    """What the second replay of a service asks, and not the first."""
    with OnceProxy(tempo_url) as proxy, WarmService(proxy.url, dsl, bounds) as service:
        seen, answered = len(proxy.seen), len(proxy.answered)
        service.replay()
        proxy.check(answered)
        return sendable(tempo_url, proxy.seen[seen:])


def explain(server, names, traces, scenario):
    with tempfile.TemporaryDirectory(prefix="betrace-bench-") as folder, server as tempo:
        bounds, seconds, _ = load(tempo, traces, folder, scenario)
        bounds, seconds = older(bounds, seconds)
        for name, dsl, kind, queries in (rule for rule in bench_rules.RULES if rule[0] in names):
            first = record(tempo.url, lambda url, text=dsl: bench_rules.replay(url, text, bounds))
            later = record_later(tempo.url, dsl, bounds)
            violating = bench_rules.violating(tempo.url, dsl, bounds)
            bare = bench_rules.bare_requests(tempo, kind, queries, seconds, traces)
            print(f"Tempo {tempo.variant.name}, {tempo.config}, {name}: {len(violating)} violations")
            table = {}
            for what, requests in (("a first replay", first), ("a later one", later), ("bare", bare + batch_of(first, violating))):
                note_costs(tempo, what, requests, table)
            print(text_of(table, ("a first replay", "a later one", "bare")), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rules", nargs="+", choices=[rule[0] for rule in bench_rules.RULES])
    parser.add_argument("--traces", type=int, default=TRACES)
    parser.add_argument("--scenario", default="none", help="of betrace generate: \"rollout\" has many violations of the seed's rule")
    beside.add_options(parser)
    options = parser.parse_args()
    for server in beside.tempos(options):
        explain(server, options.rules, options.traces, options.scenario)


if __name__ == "__main__":
    require_tempo()
    main()
