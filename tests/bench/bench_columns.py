"""What a rule about an attribute with a column of its own costs, next to the same rule about one without.
`http.status_code` has a column for integers, and `app.status_code` has the same values on the same spans and no
column. Some Tempos make values up where such a column is empty, and then a second question may follow
(tests/facts/differences.py). Goal: at most 1.5 times the time and Tempo's processor time of the plain key. Prints
medians and ratios; asserts that both find the same traces, never a time. BETRACE_TEMPO_VARIANT chooses the Tempo.

Two rules: one that sets of ids decide, and one whose candidates are read with the attribute.
`--short` and `--medium`: 400 traces, each once; else 5,000, medians of five.
"""
import argparse
import datetime
import json
import statistics
import time

from replay_cost import counting, medians  # sets the path
from betrace_process import run_cli  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from sizes import add_sizes, by_size  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402
import otlp  # noqa: E402

SECOND = 10**9
BEGAN_BEFORE_S, LASTED_S = 3 * 3600, 3600
SPANS, SPANS_PER_PUSH, FAILS_EVERY = 8, 4000, 10
KEYS = {"plain": "app.status_code", "column": "http.status_code"}
GOAL = "1.5"
RULES = (
    ("ids", 'trace.has(span.attributes["{key}"] >= 500) and not trace.has(span.name == "retry")'),
    ("read", 'trace.has(span.attributes["{key}"] == 503) and trace.has(span.attributes["{key}"] != 503)'),
)


def spans_of(number, trace_id, start_ns):
    """Half of the spans have a status; in every tenth trace one of them is 503."""
    for i in range(SPANS):
        status = 503 if number % FAILS_EVERY == 0 and i == 4 else 200 + number % 5
        yield otlp.span(trace_id, f"step{i}", start_ns + i * 1_000_000, attrs={key: status for key in KEYS.values()} if i % 2 == 0 else {"k": i})


def push(tempo, count, began_ns):
    """Pushes the traces; returns the ids of those that violate both rules."""
    spans, violating = [], set()
    for number in range(count):
        trace_id = otlp.new_trace_id()
        if number % FAILS_EVERY == 0:
            violating.add(trace_id)
        spans += spans_of(number, trace_id, began_ns + number * LASTED_S * SECOND // count)
        if len(spans) >= SPANS_PER_PUSH or number == count - 1:
            tempo.push(spans)
            spans = []
    return violating


def replay(tempo, dsl, bounds):
    done = run_cli("replay", "--dsl", dsl, "--tempo", tempo.url, "--start", bounds[0], "--end", bounds[1], "--limit", "0", "--json", timeout=600)
    assert done.returncode in (0, 1), (dsl, done.returncode, done.stderr[-2000:])
    return json.loads(done.stdout)


def measure(tempo, rule, violating, count, bounds, runs):
    name, dsl = rule
    functions, used = counting(tempo.pid, {kind: lambda text=dsl.format(key=key): replay(tempo, text, bounds) for kind, key in KEYS.items()})
    times, answers = medians(runs, functions)
    work = {kind: max(statistics.median(each), 0.01) for kind, each in used.items()}
    for answer in answers.values():
        assert answer["status"] == "completed" and answer["traces_evaluated"] == count, {**answer, "violations": []}
        assert {one["trace_id"] for one in answer["violations"]} == violating, "the replay's verdicts are wrong"
    print(f"{name:5s} plain key {times['plain']:6.3f} s, {work['plain']:5.2f} s of Tempo's processor, {answers['plain']['queries']} requests; with a column "
          f"{times['column']:6.3f} s, {work['column']:5.2f} s, {answers['column']['queries']} requests; ratio of time {times['column'] / times['plain']:5.2f} "
          f"(goal {GOAL}), of processor time {work['column'] / work['plain']:5.2f} (goal {GOAL})", flush=True)


def bench(count, runs):
    with TempoServer("fast", closes_blocks=True) as tempo:
        began_s = int(time.time()) - BEGAN_BEFORE_S
        violating = push(tempo, count, began_s * SECOND)

        def are_there():
            return len(tempo.search("{ }", began_s - 60, began_s + LASTED_S + 60, limit=count + 1, spss=1)) == count
        tempo.wait_until(are_there, "all traces are searchable", seconds=300, pause=1)
        tempo.close_blocks()
        tempo.wait_until(are_there, "all traces are searchable in blocks", seconds=300, pause=1)
        bounds = [datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") for at in (began_s - 60, began_s + LASTED_S + 60)]
        replay(tempo, RULES[0][1].format(key=KEYS["plain"]), bounds)  # so that who is asked first does not pay for a Tempo that was just started
        print(f"Tempo {tempo.variant.name}: {count} traces of {SPANS} spans, {len(violating)} violate", flush=True)
        for rule in RULES:
            measure(tempo, rule, violating, count, bounds, runs)


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    bench(*by_size(options.size, (400, 1), (400, 1), (5000, options.runs)))


if __name__ == "__main__":
    require_tempo()
    main()
