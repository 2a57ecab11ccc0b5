"""What rules cost over OpenSearch, in turns with the requests that an expert writes by hand for the same ids, and a read of what violates, on one server.
200,000 traces of five spans (--short: 2,000, --medium: 20,000, or --traces N) as Data Prepper writes them. Goal: 1.5 times. Prints ratios of time and, in parentheses, of
the server's processor, for `betrace replay --count at_least`, which is what the expert asks for, and for one that also counts all traces. Asserts that all find the same
ids."""
import argparse
import datetime
import json
import os
import sys
import tempfile
import unittest

from bench_clickhouse import medians
from betrace_process import run_cli
from sizes import add_sizes, by_size
from tempo_binary import end_without

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "elastic"))
from opensearch_server import OpenSearch  # noqa: E402

GOAL, PAGE, SETTLED_MINUTES, INDEX = 1.5, 10000, 75, "spans"
SLOW = [{"term": {"name": "db.query"}}, {"range": {"durationInNanos": {"gt": 10**9}}}]
# By rule: the text, and queries for ids; what the second finds is taken away.
RULES = {"seed": ('trace.has(span.name == "db.query" and span.duration > 1s) and not trace.has(span.name == "retry")', SLOW, [{"term": {"name": "retry"}}]),
         "an attribute": ('trace.has(span.name == "db.query" and span.attributes["db.system"] == "postgresql" and span.duration > 1s)',
                          [*SLOW, {"term": {"attributes.db.system": "postgresql"}}], None),
         "one name": ('trace.has(span.name == "retry")', [{"term": {"name": "retry"}}], None)}


class Bench:
    def __init__(self, server, folder, traces):
        self.server = server
        end = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=SETTLED_MINUTES)
        self.bounds = [(end + datetime.timedelta(minutes=m)).strftime("%Y-%m-%dT%H:%M:%SZ") for m in (-25 * 60, 5)]
        path = os.path.join(folder, "traces.jsonl")
        made = run_cli("generate", "--scenario", "none", "--traces", traces, "--end", end.strftime("%Y-%m-%dT%H:%M:%SZ"), "--since", "24h", "--out", path,
                       "--violations", max(2, traces // 500), timeout=1200)
        assert made.returncode == 0, made.stderr
        server.create(INDEX)
        server.load(path, INDEX)

    def ids_of(self, filters):
        found, after = set(), {}
        when = {"range": {"startTime": {"gte": self.bounds[0], "lt": self.bounds[1]}}}
        while True:
            answer = self.server.ask("POST", f"/{INDEX}/_search?filter_path=aggregations", {"size": 0, "query": {"bool": {"filter": [when, *filters]}}, "aggs": {
                "t": {"composite": {"size": PAGE, "sources": [{"id": {"terms": {"field": "traceId"}}}], **after}}}})
            page = answer["aggregations"]["t"]
            found |= {bucket["key"]["id"] for bucket in page["buckets"]}
            if len(page["buckets"]) < PAGE:
                return found
            after = {"after": page["after_key"]}

    def by_hand(self, rule):
        _, wanted, others = RULES[rule]
        return self.ids_of(wanted) - (self.ids_of(others) if others else set())

    def read_by_hand(self, ids):
        ids, spans = sorted(ids), 0
        for at in range(0, len(ids), 1000):
            answer = self.server.ask("POST", f"/{INDEX}/_search?filter_path=hits.hits._source", {"size": PAGE, "query": {"terms": {"traceId": ids[at:at + 1000]}}})
            spans += len(answer["hits"]["hits"])
        return spans

    def replay(self, rule, count):
        done = run_cli("replay", "--dsl", RULES[rule][0], "--store", self.server.url(INDEX), "--start", self.bounds[0], "--end", self.bounds[1], "--settle", "1m",
                       "--count", count, "--limit", "0", "--evidence", "0", "--json", timeout=1800)
        assert done.returncode in (0, 1), done.stderr[-2000:]
        return json.loads(done.stdout)


def measure(bench, rule, runs):
    expected = bench.by_hand(rule)
    took, values = medians(bench.server.process.pid, runs, {
        "hand": lambda: bench.by_hand(rule), "read": lambda: bench.read_by_hand(expected), "ids": lambda: bench.replay(rule, "at_least"), "all": lambda: bench.replay(rule, "exact")})
    for answer in (values["ids"], values["all"]):
        assert answer["violations_found"] == len(expected) and answer["status"] == "completed", json.dumps(answer)[:900]
    by_hand = [took["hand"][i] + took["read"][i] for i in (0, 1)]
    ratios = {name: [took[name][i] / max(by_hand[i], 0.01) for i in (0, 1)] for name in ("ids", "all")}
    print(f"{rule:14s} {len(expected):6d} violations, by hand {took['hand'][0]:.3f} s ({took['hand'][1]:.2f}) and a read of them {took['read'][0]:.3f} s ({took['read'][1]:.2f}), "
          f"replay {took['ids'][0]:.3f} s ({took['ids'][1]:.2f}), {values['ids']['queries']} requests, ratio {ratios['ids'][0]:.2f} ({ratios['ids'][1]:.2f}), goal {GOAL}; "
          f"counting all {values['all']['traces_evaluated']} traces: {ratios['all'][0]:.2f} ({ratios['all'][1]:.2f})  {values['ids']['strategy']}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    parser.add_argument("--traces", type=int)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    traces = options.traces or by_size(options.size, 2000, 20000, 200000)
    with tempfile.TemporaryDirectory(prefix="betrace-bench-") as folder, OpenSearch() as server:
        bench = Bench(server, folder, traces)
        print(f"{traces} traces; in parentheses the server's processor; load {os.getloadavg()[0]:.1f}", flush=True)
        for rule in RULES:
            measure(bench, rule, options.runs)


if __name__ == "__main__":
    try:
        main()
    except unittest.SkipTest as missing:
        end_without(missing, "no OpenSearch")
