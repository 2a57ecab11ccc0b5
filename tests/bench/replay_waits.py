"""How long a replay waits for Tempo, also on a machine that is busy. A proxy in front of a real Tempo records each
answer with the processor time that it cost Tempo alone (the mean of REPEATS). From then on it gives the answer
after SCALE times that time, two at once, as a Tempo with two processors of its own would. The bench then times the
replay, its own requests by curl, the bare query of bench_rules.py, and a service's later replay, against the proxy, and
divides all times by SCALE. What BeTrace computes itself counts for 1 / SCALE, so this says what waits for what, and not
what a replay takes. One request takes one processor here; a real Tempo may share one among several, so what asks more
requests at once looks better here than there. `python3 tests/bench/replay_waits.py RULE...`, with the names of
bench_rules.py; BETRACE_RELEASE_BIN and the options of beside.py choose the two sides."""
import argparse
import re
import tempfile
import threading
import time
import urllib.parse

import beside
import bench_rules
from replay_cost import batch_of, curl, load, older, processor_seconds, timed  # sets the path
from http_wire import Proxy, fetch, send_whole  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402
from warm_service import WarmService  # noqa: E402

TRACES, REPEATS, RUNS, SCALE = 20000, 4, 3, 4
NOW_S = 4000  # a range that ends so little before now ends now


IDS = re.compile(r"[0-9a-f]{12,32}(?:\|[0-9a-f]{12,32})*")


class Recorded:
    """Answers by what was asked, whenever that was. What differs from one that is known in trace ids alone takes as long
    as that one."""

    def __init__(self, tempo):
        parts = urllib.parse.urlsplit(tempo.url)
        self.upstream, self.pid = (parts.hostname, parts.port), tempo.pid
        self.answers, self.seconds, self.learning, self.processors = {}, {}, threading.Lock(), threading.Semaphore(2)

    @staticmethod
    def key(request):
        parameters = dict(request.parameters)
        if "end" in parameters and time.time() - int(parameters["end"]) < NOW_S:
            parameters["end"] = "now"
        return request.path, tuple(sorted(parameters.items()))

    @staticmethod
    def kind(request):
        return IDS.sub("ids", request.path), IDS.sub("ids", dict(request.parameters).get("q", ""))

    def learn(self, request, kind):
        fetch(*self.upstream, request)
        before = processor_seconds(self.pid)
        for _ in range(REPEATS):
            fetch(*self.upstream, request)
        self.seconds[kind] = (processor_seconds(self.pid) - before) / REPEATS

    def answer(self, request):
        key, kind = self.key(request), self.kind(request)
        kind = kind if "ids" in kind[0] + kind[1] else key  # the length of a range matters
        with self.learning:
            if kind not in self.seconds:
                self.learn(request, kind)
        if key not in self.answers:
            self.answers[key] = fetch(*self.upstream, request)
        return self.answers[key], self.seconds[kind]

    def behave(self, wire, request, _):
        with self.processors:
            began = time.monotonic()
            answer, seconds = self.answer(request)
            time.sleep(max(0, seconds * SCALE - (time.monotonic() - began)))
        send_whole(wire, request, answer)
        return True


def requests_of(proxy, function):
    """What function() asks of the proxy, to be sent again by curl."""
    first = len(proxy.seen)
    function()
    kept = ("accept", "accept-encoding")
    return [(proxy.url + one.target, {name: value for name, value in one.headers.items() if name.lower() in kept}) for one in proxy.seen[first:]]


def through(proxy, tempo, requests):
    return [(url.replace(tempo.url, proxy.url), headers) for url, headers in requests]


def contenders(tempo, proxy, rule, bounds, seconds):
    """What is timed, by name."""
    _, dsl, kind, queries = rule
    same = requests_of(proxy, lambda: bench_rules.replay(proxy.url, dsl, bounds))
    bare = through(proxy, tempo, bench_rules.bare_requests(tempo, kind, queries, seconds, TRACES))
    with_batch = bare + batch_of(same, bench_rules.violating(proxy.url, dsl, bounds))
    return {"replay": lambda: bench_rules.replay(proxy.url, dsl, bounds), "same": lambda: curl(same), "bare": lambda: curl(bare),
            "bare and batch": lambda: curl(with_batch)}


def measure(tempo, proxy, rule, bounds, seconds):
    name, dsl, kind, _ = rule
    functions = contenders(tempo, proxy, rule, bounds, seconds)
    with WarmService(proxy.url, dsl, bounds) as service:
        functions["later"] = service.replay
        for function in functions.values():
            function()  # so that what it asks is known
        least = {key: min(timed(function)[0] for _ in range(RUNS)) / SCALE for key, function in functions.items()}
    of = lambda one, other: f"{least[one] / least[other]:.2f}"
    print(f"{name:18s} {least['replay']:6.3f} s, / same requests {of('replay', 'same')}, / bare {kind} {of('replay', 'bare')}; a service's later replay "
          f"{least['later']:6.3f} s, / bare {kind} {of('later', 'bare')}, / bare {kind} and one batch of what violates {of('later', 'bare and batch')} "
          f"(goal {bench_rules.GOALS_WITH_BATCH.get(kind)})", flush=True)


def bench(server, names):
    with tempfile.TemporaryDirectory(prefix="betrace-bench-") as folder, server as tempo:
        bounds, seconds, _ = load(tempo, TRACES, folder)
        print(f"Tempo {tempo.variant.name}, {tempo.config}", flush=True)
        with Proxy(tempo.url, Recorded(tempo).behave) as proxy:
            for rule in bench_rules.RULES:
                if rule[0] in names:
                    measure(tempo, proxy, rule, *older(bounds, seconds))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rules", nargs="+", choices=[rule[0] for rule in bench_rules.RULES])
    beside.add_options(parser)
    options = parser.parse_args()
    for server in beside.tempos(options):
        bench(server, options.rules)


if __name__ == "__main__":
    require_tempo()
    main()
