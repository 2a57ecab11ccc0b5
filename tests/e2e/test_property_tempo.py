"""Property: whatever the rule and the traces, a replay on the real Tempo finds the violations that the evaluator finds in the same spans in a file,
all of them and only them.

Seeded random rules × random traces. The spans arrive in random order in three pushes that lie in three blocks (the fast config with blocks cut
after three seconds), in many traces the span that decides alone. Rules run in groups and alone, over everything and over adjacent windows.
What lies at the edges of traces (texts that were cut, what was dropped, keys that stand twice) comes in ranges of its own (edge_property.py).
BETRACE_SEED picks another seed (it is printed), BETRACE_RULES the number of rules, BETRACE_NEWER_RULES that of rules
which pick one span of several or ask for the root, BETRACE_NAMED_RULES that of rules with aliases and names of their own,
BETRACE_ONE_KIND_RULES that of rules about spans of one kind; --full takes 1,000, --short what
test_newer_property takes: so few rules and traces that a check has room for them.
"""
import collections
import os
import random
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import replay_compare as compare  # noqa: E402
from edge_property import EdgesOnTempo  # noqa: E402
from count_laws import KINDS, MODES, broken_laws_of  # noqa: E402
from random_rules import random_named_rule, random_newer_rule, random_rule, random_rule_of_one_kind  # noqa: E402
from random_spans import random_traces  # noqa: E402
from random_tempo import push_in_fragments, tempo_with_short_blocks  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND = 1_000_000_000
FULL = "--full" in sys.argv
SHORT = "--short" in sys.argv
# Of the few rules that --short takes, those of its seed have each strategy several times.
SEED = int(os.environ.get("BETRACE_SEED", "24" if SHORT else "20251"))
RULES = int(os.environ.get("BETRACE_RULES", "1000" if FULL else "33" if SHORT else "77"))
OF_ONE_KIND = int(os.environ.get("BETRACE_ONE_KIND_RULES", RULES // 8))  # all spans that one of them speaks of are of one kind, besides
NEWER = int(os.environ.get("BETRACE_NEWER_RULES", 0 if SHORT else RULES // 5))  # that pick one span of several, besides
NAMED = int(os.environ.get("BETRACE_NAMED_RULES", 11 if SHORT else RULES // 5))  # with @alias and @name, besides
# Rules that ask for what lies at the edges of traces (random_edges.py), besides: with --short, which every check runs, and where more rules than usual were asked for.
EDGES = SHORT or RULES > 77
EDGE_RULES = 22 if SHORT else RULES // 2
ALONE = 4 if SHORT else RULES // 6
TRACES, GROUP, FORCED = 120 if SHORT else 450, 11, 3 if SHORT else 5


class PropertyOnTempo(*((EdgesOnTempo,) if EDGES else ()), unittest.TestCase):
    edges_alone = ALONE
    # Traces that a projection decides, for each rule that it is forced on, and one more.
    LEAST_DECIDED = 0 if SHORT else 10

    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}", flush=True)
        rng = random.Random(SEED)
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-property-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.tempo = tempo_with_short_blocks().start()
        cls.addClassCleanup(cls.tempo.stop)
        # From settled and handed over long ago to settled only just, where what rests on absence is read by id.
        now = int(time.time())
        cls.start, cls.end = now - 4 * 3600, now - 600
        cls.traces = random_traces(rng, TRACES, (cls.start + 1) * SECOND, (cls.end - cls.start - 70) * SECOND)
        if EDGES:
            cls.make_edges(SEED, TRACES // 3)
        push_in_fragments(cls.tempo, rng, cls.traces, (cls.edges_start if EDGES else cls.start) - 60, cls.edges_to_push() if EDGES else ())
        texts = [random_rule(rng, plain=number % GROUP != 3 or number % 3 > 0) for number in range(RULES)]
        newer = random.Random(SEED + 1)
        texts += [random_newer_rule(newer) for _ in range(NEWER)]
        named = random.Random(SEED + 2)
        texts += [random_named_rule(named, plain=number % 3 > 0) for number in range(NAMED)]
        of_one_kind = [random_rule_of_one_kind(newer) for _ in range(OF_ONE_KIND)]
        cls.rules, cls.refused = compare.compile_rules(texts + of_one_kind)
        cls.others = [rule for rule in cls.rules if rule.text not in of_one_kind]
        path = compare.write_traces(cls.folder.name, cls.traces)
        cls.verdicts = compare.evaluate(cls.folder.name, cls.rules, path)
        cls.expected = {rule.id: cls.verdicts[rule.id]["violated"] for rule in cls.rules}
        cls.print_distribution()
        if EDGES:
            cls.evaluate_edges(EDGE_RULES)

    @classmethod
    def print_distribution(cls):
        strategies = collections.Counter(compare.strategy(rule) for rule in cls.rules)
        some = sum(0 < len(ids) < TRACES for ids in cls.expected.values())
        print(f"{len(cls.rules)} rules ({cls.refused} refused), {TRACES} traces: {compare.count_verdicts(cls.verdicts)}; {some} rules are violated by some traces and not by all")
        print(f"strategies: {dict(strategies)}; subtracting: {sum(bool(rule.explain['subtracted']) for rule in cls.rules)}", flush=True)

    def replay(self, rules, *options, rule_file=None):
        return compare.replay(self.folder.name, rules, self.tempo.url, *options, rule_file=rule_file)

    def check(self, rules, *options, start=None, end=None, expected=None, rule_file=None):
        """One replay of these rules; returns its counters per rule."""
        found, answer = self.replay(rules, "--start", start or self.start, "--end", end or self.end, *options, rule_file=rule_file)
        wrong = compare.differences(rules, expected or self.expected, found, self.traces) or "\n".join(broken_laws_of(answer))
        if wrong or answer["status"] != "completed":
            self.problems.append(f"options {options}: {answer['status']} {answer.get('reason')}\n{wrong or [rule.text for rule in rules]}")
            print(self.problems[-1], flush=True)
        return answer

    def setUp(self):
        self.problems = []

    def tearDown(self):
        """All of a test's replays are looked at before it fails."""
        self.assertEqual(len(self.problems), 0, f"seed {SEED}, {len(self.problems)} replays are wrong:\n" + "\n".join(self.problems[:20]))

    # ---- the input is what it should be ----

    def test_a_the_input_is_not_vacuous(self):
        """Many traces lie in several blocks, where a search that groups nothing shows fewer spans than there are."""
        rows = self.tempo.search("{} | select(name)", self.start - 60, int(time.time()), limit=100000)
        short = [trace for trace in self.traces if rows[trace.trace_id]["spanSets"][0]["matched"] < len(trace.spans)]
        self.assertGreater(len(short), TRACES // 5, "too few traces are split over blocks")
        violated = sum(bool(self.expected[rule.id]) for rule in self.others)
        self.assertGreater(violated, len(self.others) // 2, "too few rules are violated at all")
        of_one_kind = sum(map(bool, self.expected.values())) - violated
        self.assertGreaterEqual(of_one_kind, (len(self.rules) - len(self.others)) // 10, "too few rules about spans of one kind are violated at all")
        self.assertLess(self.refused, (RULES + NEWER + NAMED + OF_ONE_KIND) // 10 + 3, "too many rules do not compile")  # 3 more than of many
        named = [rule for rule in self.others if rule.text.startswith("@")]
        self.assertGreater(sum(bool(self.expected[rule.id]) for rule in named), len(named) // 3, "too few rules with names are violated at all")
        self.assertGreaterEqual(len(named), NAMED * 3 // 4, "too few rules with names compile")
        subtracting = sum(bool(rule.explain["subtracted"]) for rule in self.others)
        self.assertGreater(subtracting, len(self.others) // 12, "too few rules subtract")

    # ---- the property ----

    def test_b_rules_together(self):
        read = candidates = 0
        for first in range(0, len(self.rules), GROUP):
            group = self.rules[first:first + GROUP]
            answer = self.check(group)
            self.assertEqual((answer["traces_evaluated"], answer["traces_evaluated_kind"]), (TRACES, "exact"))
            read, candidates = read + answer["traces_read"], candidates + answer["traces_candidate"]
        print(f"together: {read} of {candidates} candidates read (the largest rule of each group)", flush=True)

    def test_b_every_strategy_gives_the_same(self):
        """Each way to decide candidates, forced, with rules that it can be forced on; with and without the listing of all traces."""
        groups = {"read": self.rules, "id_sets": [rule for rule in self.rules if rule.explain["subtracted"]],
                  "projection": [rule for rule in self.rules if rule.explain["projected"] and rule.explain["reads"] == "batch"]}
        totals = {strategy: collections.Counter() for strategy in groups}
        for strategy, rules in groups.items():
            for number, first in enumerate(range(0, len(rules) if FULL else min(len(rules), 4 * FORCED), FORCED)):
                group = rules[first:first + FORCED]
                answer = self.check(group, "--strategy", strategy, *(("--count", "at_least") if number % 2 else ()))
                for rule in answer["rules"]:
                    self.assertEqual(rule["strategy"], strategy)
                    totals[strategy].update({"rules": 1, "read": rule["traces_read"], "decided": rule["traces_decided_unread"],
                                             "subtracted": rule["traces_candidate"] - rule["traces_read"] - rule["traces_decided_unread"]})
        print(f"forced: { {strategy: dict(total) for strategy, total in totals.items()} }", flush=True)
        self.assertGreater(totals["id_sets"]["subtracted"], 0, "nothing was ever subtracted")
        # In vParquet5 a group of rules with many keys leaves in doubt which values are the last of arrays, and then each trace is read (list_elements.h).
        least = -1 if self.tempo.variant.has_list_columns else self.LEAST_DECIDED * totals["projection"]["rules"]
        self.assertGreater(totals["projection"]["decided"], least, "projections decided next to nothing")
        self.assertEqual(totals["read"]["decided"], 0)

    def test_c_rules_alone(self):
        """Alone nothing that another rule needs can help. A rule whose traces cost less to read than to subtract is read:
        so one that can subtract is asked after the other until one does, in that way."""
        totals = collections.Counter()
        rng = random.Random(SEED)
        subtracting = [rule for rule in self.rules if rule.explain["subtracted"]]
        rng.shuffle(subtracting)
        chosen = rng.sample(self.rules, min(ALONE, len(self.rules))) + subtracting[:ALONE // 3]
        for number, rule in enumerate(chosen):
            answer = self.check([rule], *(("--count", "at_least") if number % 2 else ()))
            totals["read"] += answer["traces_read"]
            totals["subtracted"] += answer["traces_candidate"] - answer["traces_read"]
            self.check_exercised(rule, answer)
        print(f"alone: {totals['read']} candidates read, {totals['subtracted']} subtracted", flush=True)
        forced = iter(subtracting)
        while not totals["subtracted"]:
            rule = next(forced, None)
            self.assertIsNotNone(rule, "nothing was ever subtracted")
            answer = self.check([rule], "--strategy", "id_sets")
            totals["subtracted"] += answer["traces_candidate"] - answer["traces_read"]

    def test_c_rules_with_names_alone(self):
        """What attributes and words mean besides themselves is asked for by each of them, in its text, in its file, or in one that this uses."""
        named = [rule for rule in self.others if rule.text.startswith("@")]
        for number, rule in enumerate(named if FULL or SHORT or "BETRACE_NAMED_RULES" in os.environ else named[:ALONE]):
            path = compare.write_named_rule(self.folder.name, rule, number % 3 == 2) if number % 3 else None
            self.check([rule], *(("--strategy", "id_sets") if number % 2 and rule.explain["subtracted"] else ()), rule_file=path)
        print(f"with names, alone: {len(named)} rules", flush=True)

    def test_c_spans_asked_for_first(self):
        """A projection of one rule finds the candidates itself: no search for ids is made, and nothing is lost or told twice."""
        projected = [rule for rule in self.rules if rule.explain["projected"] and rule.explain["reads"] == "batch"]
        decided = 0
        for number, rule in enumerate(projected if FULL else projected[:ALONE]):
            answer = self.check([rule], "--strategy", "projection", *(("--count", "at_least") if number % 2 else ()))
            self.check_exercised(rule, answer)
            decided += answer["rules"][0]["traces_decided_unread"]
        print(f"spans first: {decided} traces of {len(projected)} rules decided by them", flush=True)
        self.assertGreater(decided, 0, "spans decided nothing")

    def check_exercised(self, rule, answer):
        """What is said to be exact is: the traces in which `when` held."""
        verdicts = self.verdicts[rule.id]
        if not rule.text.startswith("when") or verdicts["inconclusive"]:
            return
        exercised = len(verdicts["violated"]) + len(verdicts["satisfied"])
        if answer["traces_exercised_kind"] == "exact":
            self.assertEqual(answer["traces_exercised"], exercised, rule.text)
        else:
            self.assertLessEqual(answer["traces_exercised"], exercised, rule.text)

    def test_d_adjacent_windows(self):
        """Each trace is judged in the window that its earliest start lies in, and in no other."""
        rng = random.Random(SEED + 1)
        edges = sorted(rng.choice(self.traces).start_ns + rng.choice((-1, 0, 1)) for _ in range(3))
        edges = [self.start * SECOND, *edges, self.end * SECOND]
        rules = rng.sample(self.rules, min(GROUP, len(self.rules)))
        begins = {trace.trace_id: min(span.start_ns for span in trace.spans if "startTimeUnixNano" not in span.lacks) for trace in self.traces}
        for start, end in zip(edges, edges[1:]):
            if start >= end:
                continue
            expected = {rule.id: {one for one in self.expected[rule.id] if start <= begins[one] < end} for rule in rules}
            self.check(rules, "--count", "at_least", start=start, end=end, expected=expected)

    def test_d_each_kind_in_each_way_of_counting(self):
        """Rules on events, scopes, structure and nothing searchable, together (and alone, in full): what is exact is exact, and no law of counts is broken."""
        rules, refused = compare.compile_rules(KINDS)
        self.assertEqual(refused, 0)
        self.verdicts.update(compare.evaluate(self.folder.name, rules, compare.write_traces(self.folder.name, self.traces)))
        expected = {rule.id: self.verdicts[rule.id]["violated"] for rule in rules}
        alone = [[rule] for rule in rules] if FULL else []
        for mode, group in ((mode, group) for mode in MODES for group in (rules, *alone)):
            answer = self.check(group, "--count", mode, expected=expected)
            if mode == "exact":
                self.assertEqual((answer["traces_evaluated"], answer["traces_evaluated_kind"]), (TRACES, "exact"), [rule.text for rule in group])
            for rule, counters in zip(group, answer["rules"]):
                self.check_exercised(rule, counters)


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1, argv=[argument for argument in sys.argv if argument not in ("--full", "--short")])
