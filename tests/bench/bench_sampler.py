"""What the policies of `betrace sampler` cost the Collector's real tail sampler, in processor time. It runs them for 1, 10 and all rules of the packs, and single rules next to
policies that an expert would write by hand. All files take turns in one process (tests/sampler/cost.go), and a processor whose one policy keeps nothing is subtracted. The start reads
the conditions once: that has a number of its own.
500 traces with --short, 2,000 with --medium, else 5,000. Asserts that the kept traces of a rule's two policies are as many."""
import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile

import replay_cost  # noqa: F401  (sets the paths and the release build)
from betrace_process import run_cli  # noqa: E402
from sizes import add_sizes, by_size  # noqa: E402

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "dist"))
from tail_sampler import tail_sampler  # noqa: E402

TIMES = 20  # of a policy in one processor
PACKS = os.path.join(os.path.dirname(__file__), "..", "..", "distribution", "packs")
NOTHING = {"name": "none", "type": "probabilistic", "probabilistic": {"sampling_percentage": 0}}


def condition(name, *texts):
    return {"name": name, "type": "ottl_condition", "ottl_condition": {"error_mode": "ignore", "span": list(texts)}}


def named(name):
    return f'span.name == "{name}" or resource.attributes["service.name"] == "{name}"'


def either(key, test):
    """The span's, and where it has none, its resource's."""
    return f'(span.attributes["{key}"] {test} or (span.attributes["{key}"] == nil and resource.attributes["{key}"] {test}))'


def lacks(name):
    return {"name": "lacks", "type": "not", "not": {"not_sub_policy": condition("there", named(name))}}


def both(*policies):
    return {"name": "betrace/hand/1", "type": "and", "and": {"and_sub_policy": list(policies)}}


# Of the same meaning, as somebody writes it who knows which types the attributes have and that all spans end.
BY_HAND = {
    'when { "db.query".where(span.duration > 1s) } always { retry }':
        both(condition("slow", f'({named("db.query")}) and span.end_time_unix_nano - span.start_time_unix_nano > 1000000000'), lacks("retry")),
    "when { payment.process.where(amount > 1000) } always { fraud-check }":
        both(condition("large", f'({named("payment.process")}) and {either("amount", "> 1000")}'), lacks("fraud-check")),
    'when { data.access.where(data.classification == "PII") } always { audit.log }':
        both(condition("pii", f'''({named("data.access")}) and {either("data.classification", '== "PII"')}'''), lacks("audit.log")),
    # No name chooses spans: most lack the attribute.
    "never { span(amount > 2000) }": condition("betrace/hand/1", either("amount", "> 2000")),
    'never { checkout.where(span.status == error) }': condition("betrace/hand/1", f'({named("checkout")}) and span.status.code == STATUS_CODE_ERROR'),
}


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def written_by_hand(folder, name, policy):
    """In the section that betrace writes, so that its caches and times are the same."""
    head, policies, _ = run_cli("sampler", "--dsl", "never { x }").stdout.partition("    policies:\n")
    return write(folder, name, head + policies + "    - " + json.dumps(policy) + "\n")


def written_for(folder, name, *rules):
    made = run_cli("sampler", *rules)
    assert made.returncode in (0, 1), made.stderr
    return write(folder, name, made.stdout)


def pack_rules():
    written = run_cli("sampler", "--rules", PACKS).stdout
    return sorted(set(re.findall(r"- name: betrace/([^/]+)/", written)))


def costs_of(times, count, traces, nothing, paths):
    """[(us of processor time for a trace and one time of the policies, traces kept, us that reading the policies took once)]."""
    done = subprocess.run([tail_sampler(), "--cost", str(times), traces, nothing, *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    base, *costs = json.loads(done.stdout)
    return [(1e6 * (cost["seconds"] - base["seconds"]) / count / times, cost["kept"], 1e6 * (cost["start"] - base["start"]) / times) for cost in costs]


def print_packs(folder, count, traces, nothing):
    ids = pack_rules()
    steps = [1, 10, 30, len(ids)]
    chosen = [[arg for rule in ids[:: len(ids) // n][:n] for arg in ("--rule", rule)] for n in steps]
    paths = [written_for(folder, f"packs{n}.yaml", "--rules", PACKS, *rules) for n, rules in zip(steps, chosen)]
    measured = costs_of(1, count, traces, nothing, paths)
    costs = [cost for cost, _, _ in measured]
    for n, (cost, _, start) in zip(steps, measured):
        print(f"sampler {count} traces  {n:3d} rules of packs: {cost:7.2f} us a trace, {cost / n:5.2f} us a rule; read in {start / 1e3:.1f} ms", flush=True)
    exponent = math.log(costs[-1] / costs[1]) / math.log(steps[-1] / steps[1])
    print(f"sampler from {steps[1]} to {steps[-1]} rules: exponent {exponent:.2f} (goal 1.05)", flush=True)


def print_by_hand(folder, count, traces, nothing):
    paths = []
    for number, (rule, policy) in enumerate(BY_HAND.items()):
        paths.append(written_for(folder, f"ours{number}.yaml", "--dsl", rule))
        paths.append(written_by_hand(folder, f"hand{number}.yaml", policy))
    costs = costs_of(TIMES, count, traces, nothing, paths)
    for rule, (ours, kept, start), (hand, kept_by_hand, by_hand_start) in zip(BY_HAND, costs[::2], costs[1::2]):
        print(f"sampler {rule}: {ours:.2f} us a trace, by hand {hand:.2f}: {ours / hand:.2f} times (goal 1), {kept} kept; "
              f"read once in {start / 1e3:.2f} ms, by hand {by_hand_start / 1e3:.2f}", flush=True)
        assert kept == kept_by_hand, kept_by_hand


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    count = by_size(parser.parse_args().size, 500, 2000, 5000)
    with tempfile.TemporaryDirectory(prefix="betrace-bench-") as folder:
        traces = os.path.join(folder, "traces.jsonl")
        made = run_cli("generate", "--traces", count, "--end", "2026-03-10T12:00:00Z", "--out", traces)
        assert made.returncode == 0, made.stderr
        nothing = written_by_hand(folder, "none.yaml", NOTHING)
        print_packs(folder, count, traces, nothing)
        print_by_hand(folder, count, traces, nothing)


if __name__ == "__main__":
    main()
