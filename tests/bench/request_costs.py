"""Which request of a replay costs Tempo what. The requests that a replay makes, each asked again REPEATS times alone,
with its processor time and its answer's bytes, and next to them the bare query of bench_rules.py. `python3
tests/bench/request_costs.py RULE... [--settled --tempos 3.0.3]`, with the names of bench_rules.py; over the part of
the range that was handed over. Prints; asserts nothing."""
import argparse
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import beside
import bench_rules
from replay_cost import load, older, processor_seconds, record, sendable, timed
from http_wire import Proxy  # noqa: E402  (replay_cost sets the path)
from tempo_binary import require_tempo  # noqa: E402
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


def name_of(url):
    parts = urllib.parse.urlsplit(url)
    parameters = dict(urllib.parse.parse_qsl(parts.query))
    if "q" not in parameters:
        return parts.path
    span = int(parameters.get("end", 0)) - int(parameters.get("start", 0))
    return f"{span:6d} s, limit {parameters.get('limit')}, spss {parameters.get('spss')}: {parameters['q'][:QUERY_SHOWN]}"


def print_costs(tempo, what, requests):
    total = 0
    for url, headers in requests:
        processor, wall, size = cost(tempo, (url, headers))
        total += processor
        print(f"  {what:8s} {processor:7.1f} ms of processor {wall:7.1f} ms {size:9d} bytes  {name_of(url)}", flush=True)
    print(f"  {what:8s} {total:7.1f} ms of processor together, {len(requests)} requests", flush=True)


def record_later(tempo_url, dsl, bounds):
    """What the second replay of a service asks, and not the first."""
    with Proxy(tempo_url) as proxy, WarmService(proxy.url, dsl, bounds) as service:
        seen = len(proxy.seen)
        service.replay()
        return sendable(tempo_url, proxy.seen[seen:])


def explain(server, names):
    with tempfile.TemporaryDirectory(prefix="betrace-bench-") as folder, server as tempo:
        bounds, seconds, _ = load(tempo, TRACES, folder)
        bounds, seconds = older(bounds, seconds)
        for name, dsl, kind, queries in (rule for rule in bench_rules.RULES if rule[0] in names):
            print(f"Tempo {tempo.variant.name}, {tempo.config}, {name}")
            print_costs(tempo, "replay", record(tempo.url, lambda url, text=dsl: bench_rules.replay(url, text, bounds)))
            print_costs(tempo, "later", record_later(tempo.url, dsl, bounds))
            print_costs(tempo, "bare", bench_rules.bare_requests(tempo, kind, queries, seconds, TRACES))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rules", nargs="+", choices=[rule[0] for rule in bench_rules.RULES])
    beside.add_options(parser)
    options = parser.parse_args()
    for server in beside.tempos(options):
        explain(server, options.rules)


if __name__ == "__main__":
    require_tempo()
    main()
