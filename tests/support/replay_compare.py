"""Holds `betrace replay` on a Tempo to `betrace eval` on the same spans in a file: which traces violate which rules. For tests with random rules."""
import collections
import json
import os

from betrace_process import Betrace, run_cli
from random_rules import file_of_named_rule

Rule = collections.namedtuple("Rule", "id text explain")


def planning_server():
    """A service that compiles and explains rules; it needs no Tempo for that."""
    return Betrace("--tempo", "http://127.0.0.1:1")


def compile_rules(texts):
    """The texts that the checker accepts, as Rules r0, r1, … with what /v1/rules/validate explains, and the number of the others."""
    rules = []
    with planning_server() as server:
        for text in texts:
            answer = server.post("/v1/rules/validate", {"dsl": text}).json()
            if answer["valid"]:
                rules.append(Rule(f"r{len(rules)}", text, answer["explain"]))
    return rules, len(texts) - len(rules)


def write_rules(folder, rules):
    """A rule file (JSON is YAML) with these rules; returns its path."""
    path = os.path.join(folder, "rules.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"rules": [{"id": rule.id, "name": rule.id, "dsl": rule.text} for rule in rules]}, file)
    return path


def write_named_rule(folder, rule, is_used):
    """A rule of random_named_rule as a rule file says it, or one that takes its aliases and names from another file; returns its path."""
    content, path = file_of_named_rule(rule.text, rule.id), os.path.join(folder, "named.json")
    if is_used:
        with open(os.path.join(folder, "used.json"), "w", encoding="utf-8") as file:
            json.dump({key: content.pop(key) for key in ("aliases", "names")}, file)
        content["use"] = ["used.json"]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file)
    return path


def write_traces(folder, traces):
    """The traces as Tempo keeps them, one request a line; returns the path."""
    path = os.path.join(folder, "traces.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        for trace in traces:
            file.write(json.dumps(trace.stored_request()) + "\n")
    return path


def evaluate(folder, rules, traces_path):
    """{rule id: {verdict: set of trace ids}} by `betrace eval`."""
    verdicts = {rule.id: collections.defaultdict(set) for rule in rules}
    done = run_cli("eval", "--rules", write_rules(folder, rules), "--all", "--json", traces_path, timeout=600)
    for line in filter(None, done.stdout.split("\n")):
        row = json.loads(line)
        if "summary" not in row:
            verdicts[row["rule_id"]][row["verdict"]].add(row["trace_id"])
    if done.returncode not in (0, 1, 3) or not done.stdout:
        raise AssertionError(f"eval ended with {done.returncode}: {done.stderr}")
    return verdicts


def count_verdicts(verdicts):
    """How many of each there are among what evaluate() gave, over all rules."""
    totals = collections.Counter()
    for by_verdict in verdicts.values():
        totals.update({verdict: len(ids) for verdict, ids in by_verdict.items()})
    return dict(totals)


def replay(folder, rules, tempo_url, *options, rule_file=None):
    """({rule id: set of violating trace ids}, the whole answer) by `betrace replay`. Without a Tempo the options say where traces come from. `rule_file` has these rules
    in another way."""
    source = ("--tempo", tempo_url) if tempo_url else ()
    done = run_cli("replay", "--rules", rule_file or write_rules(folder, rules), *source, "--json", *options, timeout=600)
    if not done.stdout:
        raise AssertionError(f"replay ended with {done.returncode}: {done.stderr}")
    answer = json.loads(done.stdout)
    found = {rule.id: [] for rule in rules}
    for violation in answer["violations"]:
        found[violation["rule_id"]].append(violation["trace_id"])
    for rule_id, ids in found.items():
        if len(ids) != len(set(ids)):
            raise AssertionError(f"{rule_id}: a trace is reported twice")
    return {rule_id: set(ids) for rule_id, ids in found.items()}, answer


def describe_traces(traces, ids, most=2):
    """The first of these traces, a line for each span."""
    lines = []
    for trace in [trace for trace in traces if trace.trace_id in ids][:most]:
        lines.append(f"    trace {trace.trace_id}")
        for span in sorted(trace.spans, key=lambda span: span.start_ns):
            lines.append(f"      push {span.fragment} {span.span_id} under {span.parent or '-'}: {span.name!r} +{span.start_ns - trace.start_ns} ns for {span.duration_ns} ns "
                         f"{span.kind} {span.status} {span.message!r} span {span.attrs!r:.300} resource {span.resource!r:.300} events {span.events!r:.200}")
    return lines


def differences(rules, expected, found, traces):
    """What is missed or false, as text for people; empty when nothing is."""
    lines = []
    for rule in rules:
        missed, false = expected[rule.id] - found[rule.id], found[rule.id] - expected[rule.id]
        if not missed and not false:
            continue
        lines += [f"{rule.id}: {rule.text}", f"  missed {len(missed)}, false {len(false)}, right {len(expected[rule.id] & found[rule.id])}"]
        lines += ["  " + line for line in rule.explain["outline"].splitlines()]
        lines += describe_traces(traces, missed or false)
    return "\n".join(lines)


def strategy(rule):
    """In a word or two, for the distribution."""
    return rule.explain["strategy"] + (", by id" if rule.explain["reads"] == "by_id" else "")
