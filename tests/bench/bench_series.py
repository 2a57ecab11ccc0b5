"""What alerting costs Tempo: 50 alert rules, each asking for its own series, tick after tick, while traces arrive.
Counts what reaches Tempo through a counting proxy: queries, and reads of single violating traces by id, which every
violation that rests on absence needs while it is young. Prints both for each tick next to the number of distinct
prefilters of the rules (goal: at most as many queries a tick). Asserts that every rule's counts are those of a
replay, never times. `--short` and `--medium` make 4 ticks instead of 10."""
import argparse
import concurrent.futures
import datetime
import os
import sys
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from betrace_process import Betrace  # noqa: E402
from counting_proxy import CountingProxy  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from sizes import add_sizes, by_size  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

RULES, STEP, REACH, SETTLE = 50, 5, 6, 5
GRAFANA_AT_ONCE = 8


def rule_text(number):
    """Two rules share a prefilter: one asks for the step that has to follow, one for the step that has to be there."""
    operation = f"operation-{number // 2}"
    if number % 2:
        return f'when {{ "{operation}" as s }} always {{ "audit" after s }}'
    return f'trace.has(span.name == "{operation}") and not trace.has(span.name == "audit")'


def make_rules(server):
    prefilters = set()
    for number in range(RULES):
        made = server.post("/v1/rules", {"id": f"rule-{number:02d}", "dsl": rule_text(number)})
        assert made.status == 201, made
        prefilters.update(server.post("/v1/rules/validate", {"dsl": rule_text(number)}).json()["explain"]["searched"])
    return prefilters


def push(tempo, tick):
    """Traces of now: each operation some time, every third of them without an audit."""
    spans, now = [], time.time_ns()
    for number in range(40):
        trace_id, start = otlp.new_trace_id(), now - number * 1_000_000
        root = otlp.span(trace_id, f"operation-{(tick * 7 + number) % (RULES // 2 + 5)}", start)
        spans.append(root)
        if number % 3:
            spans.append(otlp.span(trace_id, "audit", start + 2_000_000, parent=root["spanId"]))
    tempo.push(spans, service="bench")


def text(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def ask(server, number, end):
    query = urllib.parse.urlencode({"rule_id": f"rule-{number:02d}", "start": text(end - REACH * STEP), "end": text(end), "step": f"{STEP}s"})
    answer = server.get("/v1/violations/series?" + query)
    assert answer.status == 200, answer
    return answer.json()["series"][0]["points"]


def tick_of(server, end):
    """All rules ask, as many at once as a Grafana would."""
    with concurrent.futures.ThreadPoolExecutor(GRAFANA_AT_ONCE) as pool:
        return list(pool.map(lambda number: ask(server, number, end), range(RULES)))


def check(server, counts):
    """What was counted is what a replay finds."""
    times = sorted({t for points in counts for t, n in points.items() if n is not None})
    start, end = times[0], datetime.datetime.fromisoformat(times[-1][:19] + "+00:00") + datetime.timedelta(seconds=STEP)
    body = {"rule_ids": [f"rule-{n:02d}" for n in range(RULES)], "start_time": start, "end_time": end.strftime("%Y-%m-%dT%H:%M:%SZ")}
    status = server.wait_job(server.post("/v1/replays", body).json()["replay_id"])
    assert status["status"] == "completed", status
    expected = {r["rule_id"]: r["violations_found"] for r in status["rules"]}
    found = {f"rule-{n:02d}": sum(v for v in points.values() if v is not None) for n, points in enumerate(counts)}
    assert found == expected, (found, expected)
    return sum(found.values())


def wait_for_step():
    """Until the next step begins. Returns the end of the newest step that is settled."""
    time.sleep(STEP - time.time() % STEP + 0.2)
    return int(time.time() - SETTLE) // STEP * STEP


def run(tempo, proxy, server, ticks):
    counts, totals = [{} for _ in range(RULES)], []
    for tick in range(ticks + 1):
        push(tempo, tick)
        end = wait_for_step()
        seen = len(proxy.seen)
        for points, known in zip(tick_of(server, end), counts):
            known.update({t: n for t, n in points if n is not None})
        paths = [path.split("?")[0] for _, path, _, _ in proxy.seen[seen:]]
        queries = paths.count("/api/search")
        totals.append(queries)
        print(f"  tick {tick:2d}: {queries:3d} queries and {len(paths) - queries:3d} reads by id for {RULES} questions")
    return counts, totals


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    ticks = by_size(parser.parse_args().size, 4, 4, 10)
    tempo = TempoServer(config="fast").start()
    try:
        with CountingProxy(tempo.url) as proxy, Betrace("--tempo", proxy.url, "--settle", f"{SETTLE}s", "--margin", "1m", "--lateness", "1m") as server:
            prefilters = make_rules(server)
            push(tempo, 0)
            time.sleep(2)
            print(f"{RULES} rules, {len(prefilters)} distinct prefilters, steps of {STEP} s")
            counts, totals = run(tempo, proxy, server, ticks)
            violations = check(server, counts)
        warm = totals[1:]
        print(f"{violations} violations counted, as a replay finds them")
        print(f"first tick, rules not known yet:       {totals[0]} queries")
        print(f"queries a tick / distinct prefilters:  {max(warm) / len(prefilters):.2f} at most, {sum(warm) / len(warm) / len(prefilters):.2f} on average (goal 1)")
    finally:
        tempo.stop()


if __name__ == "__main__":
    require_tempo()
    main()
