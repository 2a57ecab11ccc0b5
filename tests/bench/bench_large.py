"""What large traces cost a replay: a range with ten traces of 20,000 spans and one of 100,000 among 5,000 small ones,
next to the same 5,000 alone. Both are tenants of one Tempo and are asked in turn. Goals: with the large ones at
most 3 times the time, and at most 3 times Tempo's processor time. Prints medians and ratios; asserts that every
replay is complete and finds what it has to, never a time.

Three rules: one that some traces violate, decided by two searches; one that the large ones violate, for what many of their spans are; and one that every trace
violates, so that each of the large ones is read. By then 300,000 spans more are read than the 60,000 of the small ones: its ratio has no goal.
`--short` and `--medium`: one of 20,000 spans among 500, each once. beside.py says on which Tempos it runs: `--settled --tempos 2.8,3.0.3`.
"""
import argparse
import datetime
import json
import time

import beside  # sets the path
from replay_cost import medians_with_work
from measured_process import run_measured  # noqa: E402
from seed_rules import SLOW_DB  # noqa: E402
from sizes import add_sizes  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402
import large_traces  # noqa: E402
import otlp  # noqa: E402

SECOND = 10**9
SMALL_SPANS = 12
SPANS_PER_PUSH = 4000
# The data end two hours ago: they were handed over, so that searches alone can answer.
BEGAN_BEFORE_S, LASTED_S = 3 * 3600, 3600
TENANTS = ("small", "large")
# name; rule; which traces of a tenant violate it; goal
RULES = (
    ("some violate", SLOW_DB["dsl"], lambda made: made.violating, 3),
    ("large ones violate", 'trace.count(span.name == "db.query") > 100', lambda made: set(made.large), 3),
    ("all violate", 'not trace.has(span.name == "no.such.span")', lambda made: set(made.small) | set(made.large), None),
)


class Made:
    """What was pushed to a tenant."""

    def __init__(self):
        self.small, self.large, self.violating = [], [], set()

    def note(self, kind, trace_id, number):
        """Of each kind every fourth trace has a slow query that nobody retried."""
        kind.append(trace_id)
        if number % 4 == 0:
            self.violating.add(trace_id)


def fault(number):
    return {"slow": number % 2 == 0, "retried": number % 4 == 2}


def push_small(tempo, count, began_ns, made):
    """The same traces to both tenants."""
    spans = []
    for number in range(count):
        trace_id = otlp.new_trace_id()
        for one in made.values():
            one.note(one.small, trace_id, number)
        spans += large_traces.spans_of(trace_id, SMALL_SPANS, began_ns + number * LASTED_S * SECOND // count, **fault(number))
        if len(spans) >= SPANS_PER_PUSH or number == count - 1:
            for tenant in TENANTS:
                tempo.push(spans, service="batch", tenant=tenant)
            spans = []


def push_large(tempo, sizes, began_ns, made):
    for number, count in enumerate(sizes):
        at_ns = began_ns + number * LASTED_S * SECOND // len(sizes)
        trace_id = large_traces.push(tempo, count, at_ns, tenant="large", **fault(number))
        made.note(made.large, trace_id, number)


def are_there(tempo, began_s, made):
    for tenant, one in made.items():
        found = tempo.search("{ }", began_s - 60, began_s + LASTED_S + 60, limit=20000, spss=1, tenant=tenant)
        if set(found) != {*one.small, *one.large}:
            return False
    return True


def replay(tempo, tenant, dsl, bounds):
    done = run_measured(["replay", "--dsl", dsl, "--tempo", tempo.url, "--tenant", tenant, "--start", bounds[0], "--end", bounds[1], "--limit", "0", "--json"],
                        timeout=1800)
    assert done.returncode in (0, 1), (dsl, done.returncode, done.stderr[-2000:], done.stdout[-500:])
    return {**json.loads(done.stdout), "peak_kib": done.peak_kib}


def check(answer, made, violating):
    assert answer["status"] == "completed" and answer["coverage"]["complete"], {**answer, "violations": []}
    assert answer["traces_evaluated"] == len(made.small) + len(made.large), answer["traces_evaluated"]
    assert {one["trace_id"] for one in answer["violations"]} == violating, "the replay's verdicts are wrong"


def measure(tempo, ratios, rule, made, bounds, runs):
    name, dsl, violating, goal = rule
    times, work, answers = medians_with_work(tempo.pid, runs, {tenant: lambda t=tenant: replay(tempo, t, dsl, bounds) for tenant in TENANTS})
    for tenant in TENANTS:
        check(answers[tenant], made[tenant], violating(made[tenant]))
    print(f"{name:18s} {answers['large']['strategy']:10s} small ones alone {times['small']:6.2f} s, {work['small']:6.2f} s of Tempo's processor; with the large "
          f"ones {times['large']:6.2f} s, {work['large']:6.2f} s; ratio of time {times['large'] / times['small']:5.2f} (goal {goal}), of processor time "
          f"{work['large'] / max(work['small'], 0.01):5.2f} (goal {goal}); {answers['large']['violations_found']} violations, peak {answers['large']['peak_kib'] // 1024} MiB",
          flush=True)
    ratios.note_pair(tempo, f"{name}, with the large ones / without", ("large", "small"), times, work, goal)


def hand_over(tempo, are_all_there):
    """All of it lies in completed blocks then; of config "settled", in the backend alone."""
    if tempo.config == "settled":
        tempo.settle()
    else:
        tempo.close_blocks()
    tempo.wait_until(are_all_there, "all traces are searchable in blocks", seconds=300, pause=1)


def bench(server, ratios, small, sizes, runs):
    with server as tempo:
        began_s = int(time.time()) - BEGAN_BEFORE_S
        made = {tenant: Made() for tenant in TENANTS}
        push_small(tempo, small, began_s * SECOND, made)
        push_large(tempo, sizes, began_s * SECOND, made["large"])
        tempo.wait_until(lambda: are_there(tempo, began_s, made), "all traces are searchable", seconds=300, pause=1)
        hand_over(tempo, lambda: are_there(tempo, began_s, made))
        bounds = [datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") for at in (began_s - 60, began_s + LASTED_S + 60)]
        replay(tempo, "large", RULES[0][1], bounds)  # so that who is asked first does not pay for a Tempo that was just started
        print(f"Tempo {tempo.variant.name}, {tempo.config}: {small} traces of {SMALL_SPANS} spans; large ones of {', '.join(map(str, sizes))}", flush=True)
        for rule in RULES:
            measure(tempo, ratios, rule, made, bounds, runs)


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    parser.add_argument("--runs", type=int, default=3)
    beside.add_options(parser)
    options = parser.parse_args()
    full = options.size == "full"
    small, sizes, runs = (5000, (20000,) * 10 + (100000,), options.runs) if full else (500, (20000,), 1)
    ratios = beside.Ratios()
    for server in beside.tempos(options, multitenant=True, closes_blocks=True):
        bench(server, ratios, small, sizes, runs)
    print(ratios.text())


if __name__ == "__main__":
    require_tempo()
    main()
