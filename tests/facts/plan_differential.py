"""The planner against a full scan, on a real Tempo: random rules over random traces. Argument: the program plan_differential.

No violated trace may be missing from what is searched, none may be in what is subtracted; the exercised traces must be found, and where the
plan says so exactly those. BETRACE_SEED replaces the seed. Exit 77: no Tempo here.
"""
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tempo"))
from run_tempo import TempoServer, require_tempo  # noqa: E402  (the folder must be on the path first)
from stumbling import Searches  # noqa: E402

TRACES, RULES = 300, 300
SECOND = 1_000_000_000
MADE_AT = 1_700_000_000 * SECOND  # where the program puts its traces


class Asked:
    """Sets of trace numbers, each query asked once."""

    def __init__(self, tempo, count, folder):
        self.tempo = tempo
        self.searches = Searches(tempo, folder)
        self.ids = [f"{(i + 1) << 80 | 0xB7:032x}" for i in range(count)]
        self.numbers = {trace_id: i for i, trace_id in enumerate(self.ids)}
        self.start = int(time.time())
        self.answers = {}

    def push(self, traces):
        """Traces with NaN in a block of their own: what lies beside it is hidden from some searches."""
        for has_nan in (False, True):
            for trace_id, trace in zip(self.ids, traces):
                if trace["has_nan"] == has_nan:
                    self.push_trace(trace_id, trace["spans"])
            spans = sum(len(trace["spans"]) for trace in traces if trace["has_nan"] <= has_nan)
            self.tempo.wait_until(lambda wanted=spans: self.spans_seen() == wanted, f"{spans} spans are found")
            self.tempo.close_blocks()

    def push_trace(self, trace_id, spans):
        shift = (self.start - 20) * SECOND - MADE_AT
        resource_spans = []
        for one in spans:
            span = {**one["span"], "traceId": trace_id}
            for key in ("startTimeUnixNano", "endTimeUnixNano"):
                span[key] = str(int(span[key]) + shift)
            resource_spans.append({"resource": {"attributes": one["resource"]}, "scopeSpans": [{"spans": [span]}]})
        status, _, body = self.tempo.push_request({"resourceSpans": resource_spans})
        assert status == 200, body

    def spans_seen(self):
        rows = self.tempo.search("{} | by(span:id)", self.start - 300, self.start + 300)
        return sum(len(row["spanSets"]) for row in rows.values())

    def query(self, traceql, is_over=True):
        if (traceql, is_over) not in self.answers:
            found = self.searches.ids(traceql, self.start - 300, self.start + 300, is_over=is_over)
            self.answers[traceql, is_over] = {self.numbers[trace_id] for trace_id in found}
        return self.answers[traceql, is_over]

    def formula(self, formula, surely=False):
        """surely: without what only surplus queries find, and without what Tempo stumbles over, since that is not counted."""
        kind, *items = formula
        if kind == "surplus":
            return set() if surely else self.query(items[0])
        if kind in ("all", "none"):
            return set(range(len(self.ids))) if kind == "all" else set()
        if kind == "query":
            return self.query(items[0], is_over=not surely)
        sets = [self.formula(item, surely) for item in items]
        return set.intersection(*sets) if kind == "and" else set.union(*sets)


def check(asked, rule):
    """(number of violated, number of subtracted, complaints) of one rule."""
    violated = {i for i, verdict in enumerate(rule["verdicts"]) if verdict[0]}
    exercised = {i for i, verdict in enumerate(rule["verdicts"]) if verdict[1]}
    subtracted = set().union(*(asked.query(text, is_over=False) for text in rule["subtract"]))
    found, exercising = asked.formula(rule["violating"]), asked.formula(rule["exercising"])
    complaints = [("violated, not searched", violated - found), ("violated, subtracted", violated & subtracted),
                  ("exercised, not found", exercised - exercising)]
    if rule["exact"]:
        complaints.append(("found, not exercised", asked.formula(rule["exercising"], surely=True) - exercised))
    return len(violated), len(subtracted), [(what, sorted(traces)) for what, traces in complaints if traces]


def main(program):
    require_tempo()
    seed = os.environ.get("BETRACE_SEED", "20260101")
    print("seed", seed)
    made = json.loads(subprocess.run([program, seed, str(TRACES), str(RULES)], check=True, stdout=subprocess.PIPE).stdout)
    violated = subtracted = exact = bad = 0
    with TempoServer(config="fast", closes_blocks=True) as tempo:
        asked = Asked(tempo, len(made["traces"]), os.path.dirname(os.path.dirname(os.path.dirname(program))))
        asked.push(made["traces"])
        for rule in made["rules"]:
            its_violated, its_subtracted, complaints = check(asked, rule)
            violated, subtracted, exact = violated + its_violated, subtracted + its_subtracted, exact + rule["exact"]
            for what, traces in complaints:
                bad += 1
                print(f'{what}: traces {traces[:10]}\n  {rule["rule"]}\n  {json.dumps(rule["violating"])}\n  {rule["subtract"]}')
                print("  " + json.dumps(made["traces"][traces[0]]["spans"]))
        print(f"{len(made['rules'])} rules, {violated} violated, {subtracted} subtracted, {exact} exact, {len(asked.answers)} queries, "
              f"{asked.searches.stumbled} of them stumbled over, "
              f"{bad} complaints")
    return 1 if bad or violated < 1000 or subtracted < 1000 or exact < 50 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
