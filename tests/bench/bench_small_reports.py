"""Whether a small report takes longer than its own requests to Tempo: the first violation, a series, the verdicts of one trace.
A service behind a proxy says which requests each makes. A second service then answers the same question, and the requests are sent again alone, two
at once over connections that stay open, over the part of the range that was handed over. Each question has a range of its own, so that no step is
known before. Prints the ratios (goal: at most 1.2); asserts only that answers are right. `--tempos 2.8,3.0.3 --settled`, as bench_rules.py."""
import argparse
import concurrent.futures
import datetime
import http.client
import queue
import statistics
import tempfile
import urllib.parse

import beside
from bench_rules import RULES
from replay_cost import OnceProxy, load, older, processor_seconds, sendable, timed
from betrace_process import Betrace  # noqa: E402  (replay_cost sets the path)
from sizes import add_sizes, by_size  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SEED_RULE = dict((rule[0], rule[1]) for rule in RULES)["seed"]
AT_ONCE, GOAL = 2, 1.2
STEP = 600


def text(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def paths(seconds, number, trace_id):
    """What each report is asked by, the number-th time."""
    start, end, step = seconds[0] - number, seconds[1], STEP + 60 * number
    series = {"rule_id": "bench", "start": text(start // step * step), "end": text(end // step * step), "step": f"{step}s"}
    return {"first violation": "/v1/rules/bench/first-violation?" + urllib.parse.urlencode({"start": text(start), "end": text(end)}),
            "series": "/v1/violations/series?" + urllib.parse.urlencode(series),
            "one trace": f"/v1/traces/{trace_id}/verdicts"}


class Sender:
    """Sends requests again, AT_ONCE at once, over connections that stay open."""

    def __init__(self, url):
        self.idle = queue.Queue()
        for _ in range(AT_ONCE):
            self.idle.put(http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=120))

    def send(self, request):
        url, headers = request
        parts, connection = urllib.parse.urlsplit(url), self.idle.get()
        connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
        connection.getresponse().read()
        self.idle.put(connection)

    def all(self, requests):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.send, requests))


def get(server, path):
    answer = server.get(path)
    assert answer.status == 200, (path, answer)
    return answer


def compare(tempo, proxy, noted, plain, path, sender):
    """Seconds and processor seconds of Tempo, of the report and of its requests; and how many these are."""
    first = len(proxy.seen)
    get(noted, path)
    requests = sendable(tempo.url, proxy.seen[first:])
    marks, times = [processor_seconds(tempo.pid)], []
    for run in (lambda: get(plain, path), lambda: sender.all(requests)):
        times.append(timed(run)[0])
        marks.append(processor_seconds(tempo.pid))
    return (*times, marks[1] - marks[0], marks[2] - marks[1], len(requests))


def bench(tempo, ratios, traces, runs, folder):
    bounds, seconds, _ = load(tempo, traces, folder)
    seconds = older(bounds, seconds)[1]
    ids = sorted(tempo.search('{ name = "db.query" }', start=seconds[0], end=seconds[1], limit=runs + 1))
    with OnceProxy(tempo.url) as proxy, Betrace("--tempo", proxy.url) as noted, Betrace("--tempo", tempo.url) as plain:
        sender = Sender(tempo.url)
        for server in (noted, plain):
            assert server.post("/v1/rules", {"id": "bench", "severity": "low", "dsl": SEED_RULE}).status == 201
        for name in paths(seconds, 0, ids[0]):
            each = [compare(tempo, proxy, noted, plain, paths(seconds, number, ids[number])[name], sender) for number in range(runs + 1)][1:]
            ours, own, our_work, own_work, requests = (statistics.median(column) for column in zip(*each))
            print(f"{name}: {ours:.3f} s, {requests:.0f} requests in {own:.3f} s; Tempo's processor {our_work:.2f} and {own_work:.2f} s", flush=True)
            ratios.note(tempo, f"{name} / its own requests", ours / own, our_work / max(own_work, 0.01), goal=GOAL)


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    beside.add_options(parser)
    options = parser.parse_args()
    traces, runs = by_size(options.size, 500, 2000, 20000), by_size(options.size, 2, 3, 7)
    ratios = beside.Ratios()
    for tempo in beside.tempos(options):
        with tempfile.TemporaryDirectory() as folder, tempo.start():
            bench(tempo, ratios, traces, runs, folder)
    print(ratios.text())


if __name__ == "__main__":
    require_tempo()
    main()
