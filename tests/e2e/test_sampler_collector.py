"""What `betrace sampler` writes, in the Collector's real tail sampler: random rules and random traces, and no trace that violates a rule is dropped.

The violators are those of `betrace eval` on the same spans. Of rules of which conditions can say all, no more is kept than 1.05 times what violates them, or might.
Each rule has a processor of its own in tests/sampler, which is built once from its Go modules. BETRACE_SEED picks another seed (it is printed), BETRACE_RULES the number
of rules; --full takes ten times as many.
"""
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "tempo"), str(HERE.parent / "dist")]
import go_tool  # noqa: E402
import replay_compare as compare  # noqa: E402
from betrace_process import run_cli  # noqa: E402
from pack_tests import otlp_family, read_tests, trace_id_of  # noqa: E402
from random_edges import KINDS, edge_traces, random_edge_rule  # noqa: E402
from random_links import random_families, random_linked_rule  # noqa: E402
from random_rules import random_newer_rule, random_rule, random_rule_of_one_kind  # noqa: E402
from random_spans import random_traces  # noqa: E402
from tail_sampler import tail_sampler  # noqa: E402
from trace_files import span, trace  # noqa: E402

SECOND = 1_000_000_000
FULL = "--full" in sys.argv
SEED = int(os.environ.get("BETRACE_SEED", "20261"))
RULES = int(os.environ.get("BETRACE_RULES", "600" if FULL else "80"))
TRACES = 225 if FULL else 150
START_NS = 1_767_225_600 * SECOND


def sent_request(trace):
    return {"resourceSpans": [span.resource_spans() for span in trace.spans]}


def random_input(seed, rules, traces):
    """(rules that compile, traces): of every kind that tests on a Tempo have."""
    rng = random.Random(seed)
    made = random_traces(rng, traces, START_NS, 3600 * SECOND, has_both=True, has_lists=True)
    for number, kind in enumerate(KINDS):
        made += edge_traces(seed, kind, traces // 8, START_NS + (number + 2) * 3600 * SECOND, 3000 * SECOND)
    texts = [random_rule(rng, plain=False) for _ in range(rules)] + [random_rule_of_one_kind(rng) for _ in range(rules // 6)]
    texts += [random_newer_rule(rng) for _ in range(rules // 6)] + [random_edge_rule(rng, [made[0].trace_id]) for _ in range(rules // 3)]
    return compare.compile_rules(texts)[0], made


class CollectorCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-sampler-")
        cls.addClassCleanup(cls.folder.cleanup)

    @classmethod
    def run_all(cls, rules, lines):
        """What `betrace eval` says of each rule and trace, and what the Collector keeps."""
        traces = cls.run_sampler([compare.write_rules(cls.folder.name, rules)], lines)
        cls.rules, cls.verdicts = rules, compare.evaluate(cls.folder.name, rules, traces)

    @classmethod
    def run_sampler(cls, files, lines):
        """What sampler writes for these files, and what the Collector then keeps: {rule id: set of trace ids}. Returns the path of the traces."""
        traces, config = os.path.join(cls.folder.name, "traces.jsonl"), os.path.join(cls.folder.name, "sampler.yaml")
        with open(traces, "w", encoding="utf-8") as file:
            file.writelines(lines)
        cls.written = run_cli("sampler", *files, "--traces", traces, "--json")
        said = json.loads(cls.written.stdout)
        cls.written.stdout, cls.shares = said["yaml"], {rule["id"]: rule["share"] for rule in said["rules"]}
        with open(config, "w", encoding="utf-8") as file:
            file.write(cls.written.stdout)
        done = subprocess.run([TAIL_SAMPLER, config, traces], capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"the tail sampler ended with {done.returncode}: {done.stderr[-3000:]}")
        answer = json.loads(done.stdout)
        if answer["errors"]:
            raise AssertionError("conditions failed:\n" + "\n".join(answer["errors"][:5]))
        cls.kept = {rule: set(ids) for rule, ids in answer["kept"].items()}
        cls.check_shares()
        return traces

    @classmethod
    def check_shares(cls):
        """The share that `betrace sampler` tells of each rule is what the Collector keeps; where the source lost what decides, it is not below or above."""
        wrong = [(rule, len(cls.kept.get(rule, ())), share) for rule, share in cls.shares.items()
                 if not share["kept"] <= len(cls.kept.get(rule, ())) <= share["kept"] + share["unknown"]]
        unknown, kept = (sum(share[key] for share in cls.shares.values()) for key in ("unknown", "kept"))
        if wrong or unknown > kept / 20 + 5:
            raise AssertionError(f"of {len(wrong)} of {len(cls.shares)} rules the Collector keeps another share than is told, {unknown} traces not known: {wrong[:5]}")

    def check_violators(self, traces, least):
        violated, problems = 0, []
        for rule in self.rules:
            lost = self.verdicts[rule.id]["violated"] - self.kept.get(rule.id, set())
            violated += len(self.verdicts[rule.id]["violated"])
            if lost:
                lines = compare.describe_traces(traces, lost)
                problems.append("\n".join([f"{rule.id}: {rule.text}: {len(lost)} violating traces are dropped", *lines]))
        self.assertGreater(violated, least, "next to nothing violates these rules")
        self.assertEqual(len(problems), 0, f"seed {SEED}\n" + "\n".join(problems[:10]))


def copies(of, **changed):
    """A trace in which the first span has a second record, in which something is otherwise."""
    request = json.loads(of)
    record = json.loads(of)["resourceSpans"][0]
    record["scopeSpans"][0]["spans"][0].update(changed)
    request["resourceSpans"].append(record)
    return json.dumps(request) + "\n"


NAN, BYTES = {"doubleValue": "NaN"}, {"bytesValue": "MQ=="}


def with_value(number, name, key, value):
    """A trace of one span that has such a value, as OTLP has it."""
    request = json.loads(trace(number, span(name)))
    request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"].append({"key": key, "value": value})
    return json.dumps(request) + "\n"


# A rule, and traces by what is expected of them: + violates and is kept, - does not and is dropped, ~ does not and is kept all the same.
CASES = (
    ("when { checkout.where(amount > 1000) } always { fraud-check }",
     {"+": [trace(1, span("checkout", amount=2000), span("pay")), trace(2, span("checkout", amount=2000.5)), trace(3, span("checkout", amount="1500")),
            trace(4, span("checkout", resource={"amount": 2000})), trace(5, span("checkout", amount="1e3000"), span("checkout", amount=1001)),
            trace(6, span("pay", service="checkout", amount=2000), span("fraud_check")), trace(7, span("checkout", amount="1e200"))],
      "-": [trace(11, span("checkout", amount=2000), span("fraud-check")), trace(12, span("checkout", amount=1000)), trace(13, span("checkout")),
            trace(14, span("checkout", amount="0x7d1")), trace(15, span("checkout", amount=10, resource={"amount": 2000})), trace(16, span("pay", amount=2000)),
            with_value(17, "checkout", "amount", BYTES), trace(18, span("checkout", amount=2000), span("x", service="fraud-check"))],
      "~": [trace(21, span("checkout", amount=(1, 2))), trace(22, span("checkout", amount="1e3000"))]}),
    # Only the exact says that something is there where it must not be: a list of it, a NaN, a record without an end beside another.
    ('when { a } always { trace.has(span.b != 5) }',
     {"+": [trace(1, span("a", b=5)), trace(2, span("a", b="5")), trace(3, span("a", b=(5, 6))), trace(4, span("a")), with_value(5, "a", "b", NAN)],
      "-": [trace(11, span("a", b=6)), trace(12, span("a", b="x"))], "~": [trace(21, span("a", b=(6, 7)))]}),
    ("when { a } always { trace.has(span.duration > 1s) }",
     {"+": [trace(1, span("a", duration=1000)), copies(trace(2, span("a")), endTimeUnixNano="0", attributes=[])], "-": [trace(11, span("a", duration=1001))]}),
    ("when { a } always { b }",
     {"+": [copies(trace(1, span("a")), endTimeUnixNano="0", name="b")], "-": [trace(11, span("a"), span("b"))]}),
    ("trace.has(span.duration == 0s)", {"+": [trace(1, span("a", duration=0)), trace(2, span("a", duration=-5))], "-": [trace(11, span("a", duration=1))]}),
    ('never { a.where(event.name == "e" and span.kind == server) }',
     {"+": [trace(1, span("a", kind=2, events=[("x", {}), ("e", {})]))], "-": [trace(11, span("a", kind=2, events=[("x", {})])), trace(12, span("a", events=[("e", {})]))]}),
    ('never { a.where(event.name == "e" and event.k == 1) }',
     {"+": [trace(1, span("a", events=[("e", {}), ("x", {"k": 1})])), trace(2, span("a", events=[("e", {"k": 1})]))], "-": [trace(11, span("b", events=[("e", {"k": 1})]))],
      "~": [trace(21, span("a", events=[("e", {})]))]}),
    ('when { a } always { b.where(event.name == "e") }',
     {"+": [trace(1, span("a"), span("b")), trace(2, span("a", events=[("e", {})]))], "-": [trace(11, span("a"), span("b", events=[("e", {})]))]}),
    (r'trace.has(span.name == "${HOME} $$ it\u0027s \"q\" \\ ü 😀\n\u0000")',
     {"+": [trace(1, span("${HOME} $$ it's \"q\" \\ ü 😀\n\0"))], "-": [trace(11, span("x"))]}),
    (r'trace.has(span.name matches "^a\\d+\\$$")', {"+": [trace(1, span("a12$"))], "-": [trace(11, span("a12")), trace(12, span("a12$\n"))]}),
    ("always { b and c }", {"+": [trace(1, span("b")), trace(2, span("c")), trace(3, span("x"))], "-": [trace(11, span("b"), span("c"))]}),
    ("when { a or b } never { c.where(k == true) and d }",
     {"+": [trace(1, span("b"), span("c", k="True"), span("d"))], "-": [trace(11, span("b"), span("c", k=1), span("d")), trace(12, span("c", k=True), span("d")), trace(13, span("a"), span("d"))]}),
    ("when { a as p } always { b after p within 1s }", {"+": [trace(1, span("a"))], "-": [trace(11, span("b"))], "~": [trace(21, span("a"), span("b", at=5))]}),
    ("count(a) > 1", {"+": [trace(1, span("a"), span("a"))], "-": [trace(11, span("b"))], "~": [trace(21, span("a"))]}),
    ("count(a) == 0", {"+": [trace(1, span("b"))], "-": [trace(11, span("a"))]}),
    ("never { span(span.start > span.end) }", {"~": [trace(1, span("a"))]}),
)


class CasesInTheCollector(CollectorCase):
    def test_cases(self):
        for dsl, traces in CASES:
            with self.subTest(dsl):
                self.run_all([compare.Rule("r", dsl, None)], [line for lines in traces.values() for line in lines])
                ids = {sign: {json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"] for line in lines} for sign, lines in traces.items()}
                self.assertEqual(self.verdicts["r"]["violated"], ids.get("+", set()), "another trace violates it than the case says")
                self.assertEqual(self.kept["r"], ids.get("+", set()) | ids.get("~", set()), self.written.stdout)


class PacksInTheCollector(CollectorCase):
    """The rules that are handed out: the Collector takes their policies, keeps what their tests call violated, and not everything."""

    def test_packs(self):
        packs = sorted(str(path) for path in (HERE.parents[1] / "distribution" / "packs").glob("*.yaml"))
        tests = [(rule_id, trace_id_of(rule_id, number), test) for path in packs for rule_id, number, test in read_tests(path)]
        self.run_sampler(packs, [json.dumps({"resourceSpans": otlp_family(test, START_NS, trace_id)}) + "\n" for _, trace_id, test in tests])
        violated = [(rule_id, trace_id) for rule_id, trace_id, test in tests if test["expect"] == "violated"]
        self.assertGreater(len(violated), len(tests) // 4)
        self.assertEqual([one for one in violated if one[1] not in self.kept[one[0]]], [])
        others = [(rule_id, trace_id) for rule_id, trace_id, test in tests if test["expect"] != "violated"]
        kept = sum(trace_id in self.kept[rule_id] for rule_id, trace_id in others)
        print(f"packs: {len(violated)} violating traces are kept, and {kept} of {len(others)} others of the same tests", flush=True)
        self.assertLess(kept, len(others))


class LinkedInTheCollector(CollectorCase):
    """Rules that follow links keep what may violate them; a trace that is linked is not kept for it."""

    def test_no_violator_is_dropped(self):
        rng = random.Random(SEED)
        traces = [one for family in random_families(rng, TRACES // 5, START_NS, 7200 * SECOND) for one in family]
        rules = compare.compile_rules([random_linked_rule(rng) for _ in range(RULES // 2)])[0]
        self.run_all(rules, [json.dumps(sent_request(trace)) + "\n" for trace in traces])
        self.check_violators(traces, len(rules))


class RecordedInTheCollector(CollectorCase):
    """With the gate that records policies BeTrace reads from what the Collector wrote which rule's policy kept what, and for which condition."""

    def test_what_was_kept_says_it(self):
        folder = self.folder.name
        rules, traces, config, kept = (os.path.join(folder, name) for name in ("rules.yaml", "sent.jsonl", "sampler.yaml", "kept.jsonl"))
        with open(traces, "w", encoding="utf-8") as file:
            for number in range(40):
                names = ["checkout"] if number % 8 == 0 else ["payment.refund", "payment.capture"] if number % 4 == 0 else ["checkout", "fraud-check"]
                file.write(trace(number + 1, *(span(name, amount=2000) for name in names)))

        def write(dsl):
            with open(rules, "w", encoding="utf-8") as file:
                json.dump({"rules": [{"id": "fraud", "dsl": dsl}, {"id": "refund", "dsl": "when { payment.refund as r } always { payment.capture before r }"}]}, file)

        def said(*options):
            answer = json.loads(run_cli("replay", "--json", rules, *options, kept).stdout)
            return {rule["rule_id"]: rule["estimated"] for rule in answer["rules"]}
        write("when { checkout.where(amount > 1000) } always { fraud-check }")
        yaml = run_cli("sampler", rules).stdout
        with open(config, "w", encoding="utf-8") as file:
            file.write(yaml)
        done = subprocess.run([TAIL_SAMPLER, config, traces, kept], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        names = {rule: re.search(f"betrace/{rule}/[0-9a-f]{{12}}", yaml).group(0) for rule in ("fraud", "refund")}
        plain = said()
        self.assertEqual({rule: (one["policy"]["name"], one["policy"]["traces"], one["policy"]["since"]) for rule, one in plain.items()},
                         {"fraud": (names["fraud"], 5, None), "refund": (names["refund"], 5, None)})
        self.assertIn(f"kept by its policy {names['fraud']} from ", plain["fraud"]["text"])
        for rule, one in said("--sampling", "policy=2020-01-01T00:00:00Z").items():
            self.assertIn(f"all candidates kept since 2020-01-01T00:00:00Z (policy {names[rule]}, as --sampling policy=2020-01-01T00:00:00Z says)", one["text"])
        write("when { checkout.where(amount > 1500) } always { fraud-check }")
        changed = said("--sampling", "policy=2020-01-01T00:00:00Z")
        self.assertEqual((changed["fraud"]["policy"], "all candidates" in changed["fraud"]["text"], "all candidates" in changed["refund"]["text"]), (None, False, True))


class LateInTheCollector(CollectorCase):
    """Spans that come after the decision (decision_wait): what is lost, as docs/howto/keep-what-rules-need.md says. The violating span, or the one that makes all well,
    comes late, or nothing does."""
    RULES = [{"id": "failed", "dsl": "trace.has(span.status == error)"}, {"id": "unchecked", "dsl": "when { checkout } always { audit }"}]
    # What came in time, what came late, and which rules the whole trace violates.
    TRACES = [("late-error", ["browse"], ["failure"], {"failed"}), ("error-in-time", ["browse", "failure"], ["more"], {"failed"}),
              ("late-audit", ["checkout"], ["audit"], set()), ("late-checkout", ["browse"], ["checkout"], {"unchecked"}), ("well", ["browse"], ["more"], set())]

    @classmethod
    def request(cls, number, parts):
        def one(name):
            return {"traceId": f"{number + 1:032x}", "spanId": f"{sum(map(ord, name)):016x}", "name": name, "startTimeUnixNano": str(START_NS), "endTimeUnixNano": str(START_NS + 1000),
                    "status": {"code": 2 if name == "failure" else 0}}
        return {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": f"s{place}"}}]}, "scopeSpans": [{"spans": [one(name) for name in names]}]}
                                  for place, names in enumerate(parts)]}

    def kept(self, edit=lambda text: text, others=0):
        """{trace: sorted names of the spans that are kept}. So many other traces begin between the two parts of these."""
        traces, config, rules = (os.path.join(self.folder.name, name) for name in ("late.jsonl", "late.yaml", "late-rules.json"))
        with open(traces, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(self.request(1000 + n, ([], ["more"]))) + "\n" for n in range(others))
            file.writelines(json.dumps(self.request(n, (early, late))) + "\n" for n, (_, early, late, _) in enumerate(self.TRACES))
        with open(rules, "w", encoding="utf-8") as file:
            json.dump({"rules": self.RULES}, file)
        with open(config, "w", encoding="utf-8") as file:
            file.write(edit(run_cli("sampler", "--rules", rules).stdout))
        done = subprocess.run([TAIL_SAMPLER, "--late", "1s", config, traces], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        said = json.loads(done.stdout)
        verdicts = [json.loads(line) for line in run_cli("eval", "--rules", rules, "--traces", traces, "--json").stdout.splitlines()]
        violated = {(verdict["trace_id"], verdict["rule_id"]) for verdict in verdicts if verdict.get("verdict") == "violated"}
        self.assertEqual(violated, {(f"{n + 1:032x}", rule) for n, (*_, broken) in enumerate(self.TRACES) for rule in broken}, "the traces are what their table says")
        return {name: sorted(said.get(f"{n + 1:032x}", [])) for n, (name, *_) in enumerate(self.TRACES)}

    def test_a_trace_that_violates_by_a_late_span_is_lost_whole(self):
        self.assertEqual(self.kept(), {"late-error": [], "error-in-time": ["browse", "failure", "more"], "late-audit": ["audit", "checkout"], "late-checkout": [], "well": []})

    def test_without_a_cache_of_decisions_its_half_is_kept(self):
        """The late spans of a forgotten trace are a trace of their own to the sampler. It forgets when num_traces others have begun."""
        edit = lambda text: re.sub(r"(?m)^ +decision_cache: .*\n", "", text).replace("num_traces: 50000", "num_traces: 6")  # noqa: E731
        kept = self.kept(edit, others=8)
        self.assertEqual((kept["late-error"], kept["late-checkout"]), (["failure"], ["checkout"]))


class RandomInTheCollector(CollectorCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        print(f"seed {SEED}", flush=True)
        rules, cls.traces = random_input(SEED, RULES, TRACES)
        cls.run_all(rules, [json.dumps(sent_request(trace)) + "\n" for trace in cls.traces])

    def said(self, what):
        """Ids of rules of which a line on stderr says so."""
        return set(re.findall(rf"^betrace sampler: (r\d+) {what}", self.written.stderr, re.M))

    def test_no_violator_is_dropped(self):
        self.check_violators(self.traces, len(self.rules) * len(self.traces) // 20)

    def test_little_more_is_kept_where_all_can_be_said(self):
        """Rules about "tags" are left out, which random spans have as lists: of a list no condition compares the elements."""
        said = {rule.id for rule in self.rules if "tags" not in rule.text} - self.said("keeps") - self.said("has no policy")
        might = {rule: self.verdicts[rule]["violated"] | self.verdicts[rule]["inconclusive"] for rule in said}
        wanted, kept = sum(map(len, might.values())), sum(len(self.kept[rule]) for rule in said)
        violated = sum(len(self.verdicts[rule]["violated"]) for rule in said)
        pairs = len(self.rules) * len(self.traces)
        print(f"{len(self.rules)} rules x {len(self.traces)} traces = {pairs} pairs; {len(said)} rules are said whole: {violated} of their traces violate, {wanted} may, {kept} are kept")
        for rule in sorted(said, key=lambda rule: len(might[rule]) - len(self.kept[rule]))[:5]:
            extra = self.kept[rule] - might[rule]
            if extra and "-v" in sys.argv:
                print(rule, len(extra), next(one.text for one in self.rules if one.id == rule), *compare.describe_traces(self.traces, extra, 1), sep="\n")
        self.assertGreater(len(said), len(self.rules) // 10, "too few rules are said whole")
        self.assertLessEqual(kept, 1.05 * wanted)
        self.assertLess(kept, 0.8 * len(said) * len(self.traces), "nearly everything is kept")

    def test_a_condition_has_nothing_that_the_collector_expands(self):
        lines = [line for line in self.written.stdout.splitlines() if not line.lstrip().startswith("#")]
        self.assertNotIn("$", "".join(lines))
        self.assertTrue(all(line.isascii() and line.isprintable() for line in lines))


if __name__ == "__main__":
    TAIL_SAMPLER = go_tool.require("tail sampler", tail_sampler)
    unittest.main(verbosity=1, argv=[argument for argument in sys.argv if argument != "--full"])
