"""A rule of the original project means the same after `betrace import`: random rules and traces, judged by a small evaluator of the original's three dialects
that stands here and by `betrace eval` of the converted rules. Left out is what the report says means something else (tests/cases/import has these).
BETRACE_IMPORT_SEED and BETRACE_IMPORT_RULES choose others."""
import json
import os
import random
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import run_cli  # noqa: E402
from trace_files import span, trace  # noqa: E402

SEED = int(os.environ.get("BETRACE_IMPORT_SEED", "1"))
RULES, TRACES = int(os.environ.get("BETRACE_IMPORT_RULES", "400")), 40
NAMES = ["a", "b.c", "trace.x", "d-e"]
WORDS = ["red", "green", "blue", "5x"]


# ---- the original's values: an attribute is a text, None where it is missing ----

def to_text(value):
    return {None: "", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def to_number(value):
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def order(left, right):
    pair = to_number(left), to_number(right)
    if None in pair:
        pair = to_text(left), to_text(right)
    return (pair[0] > pair[1]) - (pair[0] < pair[1])


def compare(left, operator, right, equals):
    if operator in ("==", "!="):
        return equals(left, right) == (operator == "==")
    if operator == "in":
        return to_text(left) in [to_text(item) for item in right]
    if operator == "matches":
        return re.search(right, to_text(left)) is not None
    if operator == "contains":
        return right in to_text(left)
    sign = order(left, right)
    return {"<": sign < 0, "<=": sign <= 0, ">": sign > 0, ">=": sign >= 0}[operator]


def loosely_equal(left, right):
    return order(left, right) == 0


def strictly_equal(left, right):
    return left is not None and isinstance(left, str) and left == right


class Writer:
    """A random rule: its text in the original's words, and a function from a trace to "is it violated?"."""

    def __init__(self, rng):
        self.rng = rng

    def joined(self, depth, leaf):
        """(text, function): and, or, not and parentheses over leaves."""
        kind = self.rng.choice(["and", "or", "not"]) if depth and self.rng.random() < 0.5 else None
        if not kind:
            return leaf()
        text, holds = self.joined(depth - 1, leaf)
        if kind == "not":
            return f"not ({text})", lambda subject: not holds(subject)
        other_text, other = self.joined(depth - 1, leaf)
        if kind == "and":
            return f"({text}) and ({other_text})", lambda subject: holds(subject) and other(subject)
        return f"({text}) or ({other_text})", lambda subject: holds(subject) or other(subject)

    # tests of .where( )

    def where_comparison(self, key, operator, written, value):
        return f"{key} {operator} {written}", lambda one: compare(one["attributes"].get(key), operator, value, loosely_equal)

    def where_leaf(self):
        rng = self.rng
        kind = rng.choice(["number", "quoted", "text", "order", "list", "numbers", "pattern", "contains", "true", "flag"])
        if kind in ("number", "quoted"):
            number = rng.choice([0, 3, 5, 2.5])
            operator = rng.choice(["==", "!=", "<", "<=", ">", ">="])
            return self.where_comparison(rng.choice(["n", "f"]), operator, f'"{number}"' if kind == "quoted" else str(number), str(number))
        if kind == "text":
            word = rng.choice(WORDS[:3])
            return self.where_comparison("s", rng.choice(["==", "!="]), rng.choice([word, f'"{word}"']), word) if rng.random() < 0.8 else \
                self.where_comparison("s", rng.choice(["==", "!="]), '""', "")
        if kind == "order":
            word = rng.choice(WORDS)
            return self.where_comparison("s", rng.choice(["<", "<=", ">", ">="]), f'"{word}"', word)
        if kind == "list":
            words = rng.sample(WORDS[:3], 2)
            return self.where_comparison("s", "in", f"[{', '.join(words)}]", words)
        if kind == "numbers":
            return self.where_comparison("n", "in", "[3, 5]", [3, 5])
        if kind == "pattern":
            pattern = rng.choice(["re+d", "^b", ".*", "e$", "x*"])
            return self.where_comparison("s", "matches", f'"{pattern}"', pattern)
        if kind == "contains":
            return self.where_comparison("s", "contains", *rng.choice([("re", "re"), ('"e"', "e"), ('""', "")]))
        if kind == "true":
            return self.where_comparison("t", rng.choice(["==", "!="]), "true", True)
        return "t", lambda one: to_text(one["attributes"].get("t")) == "true"

    # conditions on the trace

    def spans(self, has):
        name = self.rng.choice(NAMES)
        filters = [self.joined(2, self.where_leaf) for _ in range(self.rng.choice([0, 1, 1, 2]))]
        text = (f"trace.has({name})" if has else name) + "".join(f".where({written})" for written, _ in filters)
        return text, lambda spans: any(one["name"] == name and all(test(one) for _, test in filters) for one in spans)

    def count(self, has):
        left, right, operator = self.rng.choice(NAMES), self.rng.choice([*NAMES, 0, 1, 2]), self.rng.choice(["==", "!=", "<", "<=", ">", ">="])
        call = "trace.count" if has else "count"
        text = f"{call}({left}) {operator} {right if isinstance(right, int) else f'{call}({right})'}"

        def holds(spans):
            counted = [sum(one["name"] == name for one in spans) if isinstance(name, str) else name for name in (left, right)]
            return compare(counted[0], operator, counted[1], loosely_equal)
        return text, holds

    def condition(self, has):
        return self.joined(2, lambda: self.count(has) if self.rng.random() < 0.25 else self.spans(has))

    # tests of a span's fields

    def field_leaf(self):
        rng = self.rng
        kind = rng.choice(["name", "duration", "number", "text", "flag", "in"])
        if kind == "name":
            name, operator = rng.choice(NAMES), rng.choice(["==", "!="])
            field = rng.choice(["span.name", "span.operation_name"])
            return f'{field} {operator} "{name}"', lambda one: (one["name"] == name) == (operator == "==")
        if kind == "duration":
            ns, operator = rng.choice([1000000, 2000000, 2500000]), rng.choice(["<", "<=", ">", ">=", "==", "!="])
            return f"span.duration {operator} {ns}", lambda one: compare(one["ns"], operator, ns, lambda left, right: left == right)
        if kind == "number":
            key, operator = rng.choice(["n", "f"]), rng.choice(["<", "<=", ">", ">="])
            return f'span.attributes["{key}"] {operator} 3', lambda one: compare(one["attributes"].get(key), operator, 3, None)
        if kind == "text":
            word, operator = rng.choice(WORDS[:3]), rng.choice(["==", "!="])
            return f'span.attributes["s"] {operator} "{word}"', lambda one: compare(one["attributes"].get("s"), operator, word, strictly_equal)
        if kind == "flag":
            return 'span.attributes["s"]', lambda one: bool(one["attributes"].get("s"))
        return '"re" in span.attributes["s"]', lambda one: "re" in (one["attributes"].get("s") or "")

    # rules

    def clauses(self):
        when, always, never = (self.condition(False) for _ in range(3))
        kept = self.rng.choice([("always",), ("never",), ("always", "never")])
        text = f"when {{ {when[0]} }}" + (f" always {{ {always[0]} }}" if "always" in kept else "") + (f" never {{ {never[0]} }}" if "never" in kept else "")
        return text, lambda spans: when[1](spans) and (("always" in kept and not always[1](spans)) or ("never" in kept and never[1](spans)))

    def rule(self):
        kind = self.rng.choice(["clauses", "clauses", "trace", "fields", "one span"])
        if kind == "clauses":
            return self.clauses()
        if kind == "trace":
            return self.condition(True)
        text, holds = self.joined(2, self.field_leaf)
        if kind == "fields":
            other, other_holds = self.joined(1, self.field_leaf)
            return f"trace.has({text}) and not trace.has({other})", lambda spans: any(map(holds, spans)) and not any(map(other_holds, spans))
        return text, lambda spans: any(map(holds, spans))


def random_span(rng):
    values = {"n": rng.choice([0, 3, 4, 5]), "f": rng.choice([0.5, 2.5, 3.0]), "s": rng.choice([*WORDS, ""]), "t": rng.random() < 0.5}
    return {"name": rng.choice(NAMES), "ns": rng.choice([1000000, 2000000, 3000000]), "attributes": {k: v for k, v in values.items() if rng.random() < 0.7}}


class MeaningTest(unittest.TestCase):
    def test_random_rules(self):
        rng = random.Random(SEED)
        writer = Writer(rng)
        rules = {f"r{i}": writer.rule() for i in range(RULES)}
        traces = {i + 1: [random_span(rng) for _ in range(rng.randrange(1, 6))] for i in range(TRACES)}
        with tempfile.TemporaryDirectory(prefix="betrace-meaning-") as folder:
            old, new, file = (os.path.join(folder, name) for name in ("old.json", "new.yaml", "t.jsonl"))
            with open(old, "w", encoding="utf-8") as out:
                json.dump({"rules": [{"id": rule_id, "condition": text} for rule_id, (text, _) in rules.items()]}, out)
            with open(file, "w", encoding="utf-8") as out:
                for trace_id, spans in traces.items():
                    out.write(trace(trace_id, *(span(one["name"], at=i, duration=one["ns"] / 1e6, **one["attributes"]) for i, one in enumerate(spans))))
            done = run_cli("import", old, "--output", new, "--json")
            self.assertIn(done.returncode, (0, 1), done.stderr)
            report = json.loads(done.stdout)
            self.assertEqual([(one["was"], one["findings"]) for one in report["rules"] if one["result"] == "not_converted"], [])
            judged = run_cli("eval", "--rules", new, "--all", "--json", file)
        self.assertIn(judged.returncode, (0, 1), judged.stderr[-500:])
        texts = {one["id"]: one["dsl"] for one in report["rules"]}
        compared, violated = 0, 0
        for verdict in map(json.loads, judged.stdout.strip().split("\n")):
            if "rule_id" not in verdict:
                continue
            rule_id, spans = verdict["rule_id"], traces[int(verdict["trace_id"], 16)]
            expected = bool(rules[rule_id][1](spans))
            self.assertEqual(verdict["verdict"] == "violated", expected,
                             f"\nseed {SEED}\nwas: {rules[rule_id][0]}\nis:  {texts[rule_id]}\ntrace: {json.dumps(spans)}\n{verdict['verdict']}")
            compared += 1
            violated += expected
        self.assertEqual(compared, RULES * TRACES, judged.stderr)
        self.assertGreater(min(violated, compared - violated), compared / 10, "both verdicts come")


if __name__ == "__main__":
    unittest.main(verbosity=1)
