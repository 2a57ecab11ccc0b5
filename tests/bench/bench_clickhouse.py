"""What rules of each kind cost over ClickHouse, in turns with the SQL that an expert writes by hand for the same ids, on one server and two threads.
200,000 traces of ten spans (--short: 2,000, --medium: 20,000, or --traces N), 2 % of the rows twice, in the exporter's table with attributes as Map. Of
each rule of bench_rules.py:
  - ids: `betrace replay --limit 1 --evidence 1`, which counts all but some violations, next to the SQL. Goal: 1.3 times and 50 ms, of time and of the
    server's processor;
  - evidence: what a replay costs more that reads what violates (some 10,000 traces at most), next to a read of the same ids. Goal: 1.5 times;
  - both: such a replay next to the SQL and that read.
Prints ratios. Asserts that both find the same ids, and that memory stays below the goal of 256 MiB.
"""
import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
import unittest

from bench_rules import RULES
from replay_cost import counting, timed
from betrace_process import run_cli  # noqa: E402  (replay_cost sets the path)
from measured_process import run_measured  # noqa: E402
from sizes import add_sizes, by_size  # noqa: E402
from tempo_binary import end_without  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clickhouse"))
from clickhouse_server import ClickHouse, chdb_python  # noqa: E402

GOAL_IDS, GOAL_MORE_S, GOAL_EVIDENCE, GOAL_KIB = 1.3, 0.05, 1.5, 256 * 1024
LISTED, BASE = 10000, 10000  # violations with evidence; traces that are generated, of which the others are copies
SETTLED_MINUTES = 75  # before now all data end
SPAN = "(SpanId, SpanKind, ServiceName)"
PAYMENT, FRAUD, CHECKOUT = (f"(SpanName = '{name}' OR ServiceName = '{name}')" for name in ("payment.process", "fraud-check", "checkout"))
ORDER = (f"{PAYMENT} OR {FRAUD}", f"countIf({PAYMENT}) > 0 AND countIf({FRAUD}) > 0 AND ")
# By rule: what rows are looked at, and of which traces.
BY_HAND = {
    "seed": ("SpanName = 'db.query' AND Duration > 1000000000 AND TraceId NOT IN (SELECT TraceId FROM {table} WHERE SpanName = 'retry' AND {range})", None),
    "order": (ORDER[0], ORDER[1] + f"(maxIf(Timestamp, {PAYMENT}) >= minIf(Timestamp, {FRAUD}) OR maxIf(Duration, {PAYMENT}) >= 299000000)"),
    "count": ("SpanName = 'data.access'", f"uniqExact({SPAN}) > 1"),
    "correlation": (f"{CHECKOUT} OR {PAYMENT}",
                    f"length(arrayExcept(groupUniqArrayIf(SpanAttributes['amount'], {CHECKOUT}), "
                    f"groupUniqArrayIf(SpanAttributes['amount'], {PAYMENT} AND Duration < 299000000))) > 0"),
    "nothing prefilters": ("1", f"uniqExactIf({SPAN}, StatusCode = 'Error') >= uniqExactIf({SPAN}, SpanKind = 'Client')"),
    "absent everywhere": ("1", "countIf(SpanName = 'no.such.span') = 0"),
    "order, all violate": (ORDER[0], ORDER[1] + f"maxIf(Timestamp, {FRAUD}) >= minIf(Timestamp, {PAYMENT})"),
}
WHOLE = "* EXCEPT (TraceState)"


class Bench:
    """A table, and both ways to ask it."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.table = "otel.otel_traces"
        end = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=SETTLED_MINUTES)
        self.bounds = [(end + datetime.timedelta(minutes=m)).strftime("%Y-%m-%dT%H:%M:%SZ") for m in (-25 * 60, 5)]
        self.end = end.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.range = "Timestamp >= parseDateTime64BestEffort('{}') AND Timestamp < parseDateTime64BestEffort('{}')".format(*self.bounds)
        self.peak_kib = 0

    def fill(self, traces):
        """Spans of some traces, as many more beside them, and copies of all of it under other ids, some seconds earlier."""
        path, base = os.path.join(self.folder, "traces.jsonl"), min(traces, BASE)
        made = run_cli("generate", "--scenario", "none", "--traces", base, "--end", self.end, "--since", "24h", "--out", path,
                       "--violations", max(2, base // 500), timeout=600)
        assert made.returncode == 0, made.stderr
        self.server.load(path)
        ask = self.server.ask
        ask(f"CREATE TABLE otel.base AS {self.table} ENGINE = Memory")
        ask(f"INSERT INTO otel.base SELECT * FROM {self.table}")
        ask("INSERT INTO otel.base SELECT * REPLACE (lower(hex(cityHash64(SpanId))) AS SpanId, 'Internal' AS SpanKind, "
            f"if(SpanName = 'data.access' AND cityHash64(TraceId) % 100 = 0, SpanName, concat('step ', toString(cityHash64(SpanId) % 20))) AS SpanName, SpanId AS ParentSpanId, 'Unset' AS StatusCode) FROM {self.table}")
        ask(f"TRUNCATE TABLE {self.table}")
        for copy in range(-(-traces // base)):
            ask(f"INSERT INTO {self.table} SELECT * REPLACE (lower(hex(MD5(concat(TraceId, ' {copy}')))) AS TraceId, "
                f"Timestamp - INTERVAL {copy} SECOND AS Timestamp) FROM otel.base")
        # One at the beginning of the range: else it is looked for when the data begin.
        ask(f"INSERT INTO {self.table} (TraceId, SpanId, SpanName, Timestamp) VALUES (lower(hex(MD5('first'))), 'b7ad6b7169203331', 'first', "
            f"parseDateTime64BestEffort('{self.bounds[0]}', 9) + INTERVAL 1 SECOND)")
        ask(f"INSERT INTO {self.table} SELECT * FROM {self.table} WHERE cityHash64(SpanId) % 50 = 0")
        ask("DROP TABLE otel.base")
        ask(f"OPTIMIZE TABLE {self.table}")
        return int(ask(f"SELECT count() FROM {self.table}")), int(ask(f"SELECT uniqExact(TraceId) FROM {self.table}"))

    def curl(self, sql, ids=None):
        """The answer's bytes, written to a file as a client that decodes nothing does."""
        url, path = f"http://127.0.0.1:{self.server.http}/", os.path.join(self.folder, "answer")
        body = ["--data-binary", "@-"]
        if ids is not None:
            with open(os.path.join(self.folder, "ids"), "w", encoding="ascii") as file:
                file.write("".join(f"{one}\n" for one in ids))
            url += "?ids_structure=id%20String&ids_format=TSV"
            body = ["-F", "query=<-", "-F", f"ids=@{file.name}"]
        done = subprocess.run(["curl", "-sS", "--fail-with-body", "-o", path, *body, url], input=sql, text=True, capture_output=True, timeout=600, check=False)
        with open(path, "rb") as file:
            assert done.returncode == 0, (sql, done.stderr, file.read(500))
        return path

    def by_hand(self, rule):
        where, having = BY_HAND[rule]
        where = where.format(table=self.table, range=self.range)
        sql = f"SELECT {'' if having else 'DISTINCT '}TraceId FROM {self.table} WHERE {self.range} AND ({where})"
        with open(self.curl(f"{sql}{f' GROUP BY TraceId HAVING {having}' if having else ''} FORMAT TSV"), encoding="ascii") as file:
            return set(file.read().split())

    def read_by_hand(self, ids):
        return os.path.getsize(self.curl(f"SELECT {WHOLE} FROM {self.table} WHERE TraceId IN (SELECT id FROM ids) AND {self.range} FORMAT RowBinary", ids))

    def replay(self, dsl, *flags):
        done = run_measured(["replay", "--dsl", dsl, "--store", self.server.url(), "--start", self.bounds[0], "--end", self.bounds[1],
                             "--count", "at_least", *flags], timeout=1800)
        assert done.returncode in (0, 1), (dsl, done.returncode, done.stderr[-2000:], done.stdout[-500:])
        self.peak_kib = max(self.peak_kib, done.peak_kib)
        return done.stdout

    def ids(self, dsl):
        return set(self.replay(dsl, "--ids").split())

    def counted(self, dsl):
        """Of one violation the evidence, and the number of all."""
        return json.loads(self.replay(dsl, "--json", "--limit", "1", "--evidence", "1"))

    def listed(self, dsl):
        return json.loads(self.replay(dsl, "--json", "--limit", str(LISTED)))


def medians(pid, runs, functions):
    """Of each function the median seconds, those of the server's processor, and its last value."""
    functions, used = counting(pid, functions)
    times = {name: [] for name in functions}
    values = {}
    for _ in range(runs):
        for name, function in functions.items():
            seconds, values[name] = timed(function)
            times[name].append(seconds)
    return {name: (statistics.median(times[name]), statistics.median(used[name])) for name in functions}, values


def measure(bench, rule, dsl, runs):
    expected = bench.by_hand(rule)
    found = bench.ids(dsl)
    assert found == expected, f"{rule}: {len(found - expected)} that SQL does not find, {len(expected - found)} that it finds alone"
    listed = {one["trace_id"] for one in bench.listed(dsl)["violations"]}
    assert len(listed) >= min(LISTED, len(expected)) and listed <= expected, rule
    bench.peak_kib = 0
    took, values = medians(bench.server.process.pid, runs, {
        "sql": lambda: bench.by_hand(rule), "count": lambda: bench.counted(dsl), "listed": lambda: bench.listed(dsl),
        "read": lambda: bench.read_by_hand(listed)})
    answer = values["count"]
    assert answer["violations_found"] == len(expected) and answer["status"] == "completed", answer
    print_row(rule, answer, values["listed"], took, bench.peak_kib)
    assert bench.peak_kib <= GOAL_KIB, f"{rule}: peak memory of {bench.peak_kib} KiB"


def ratio(of, to):
    return f"{of / max(to, 0.01):5.2f}"


def print_row(rule, answer, listed, took, peak_kib):
    over = [took["count"][i] - (took["sql"][i] * GOAL_IDS + GOAL_MORE_S) for i in (0, 1)]
    more = [max(0, took["listed"][i] - took["count"][i]) for i in (0, 1)]
    both = [ratio(took["listed"][i], took["sql"][i] + took["read"][i]) for i in (0, 1)]
    print(f"{rule:18s} {answer['violations_found']:7d} violations  ids: SQL {took['sql'][0]:6.3f} s ({took['sql'][1]:5.2f}), replay {took['count'][0]:6.3f} s "
          f"({took['count'][1]:5.2f}), {answer['queries']:3d} requests, ratio {ratio(took['count'][0], took['sql'][0])} "
          f"({ratio(took['count'][1], took['sql'][1])}), {'held' if max(over) <= 0 else f'over by {over[0]:.2f} s ({over[1]:.2f})'}  "
          f"evidence: SQL {took['read'][0]:6.3f} s ({took['read'][1]:5.2f}), replay {more[0]:6.3f} s more ({more[1]:5.2f}), {listed['queries']:3d} requests, "
          f"ratio {ratio(more[0], took['read'][0])} ({ratio(more[1], took['read'][1])}); both {both[0]} ({both[1]})  {answer['strategy']}  peak {peak_kib // 1024} MiB", flush=True)


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    parser.add_argument("--traces", type=int)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rule", choices=[rule[0] for rule in RULES], help="only this one")
    options = parser.parse_args()
    traces = options.traces or by_size(options.size, 2000, 20000, 200000)
    with tempfile.TemporaryDirectory(prefix="betrace-bench-") as folder, ClickHouse() as server:
        bench = Bench(server, folder)
        rows, found = bench.fill(traces)
        print(f"{found} traces, {rows} rows; goals: ids {GOAL_IDS} times and {GOAL_MORE_S} s, evidence {GOAL_EVIDENCE} times, memory {GOAL_KIB // 1024} MiB; "
              f"in parentheses the server's processor; load {os.getloadavg()[0]:.1f}", flush=True)
        for rule, dsl, _, _ in RULES:
            if options.rule in (None, rule):
                measure(bench, rule, dsl, options.runs)


if __name__ == "__main__":
    try:
        chdb_python()
    except unittest.SkipTest as missing:
        end_without(missing, "no ClickHouse")
    main()
