"""The part of test_property_tempo.py about what lies at the edges of traces (random_edges.py). The traces of each kind lie in a range of their own, before
that of the others. So the others stay held to the last trace.

What is right comes from `betrace eval` on what was pushed, as for all others. Of a trace that it does not decide a store may have kept one of two values, and no
search and no batch shows that something was dropped: there a replay may tell a violation or not. Whatever eval decides a replay has to say. A batch shows one of
two values, and a key with a column keeps one (tests/facts/facts_copies.py).
"""
import collections
import random

import replay_compare as compare
from count_laws import broken_laws_of
from random_edges import KINDS, edge_traces, random_edge_rule

SECOND, HOUR = 1_000_000_000, 3600
GROUP = 11
FEW = 3  # replays, of which chance decides how much they tell
# Why a replay of the kind may be incomplete.
REASONS = {"cut": (), "dropped": ("dropped", "sample_differs", "search_differs"), "doubled": ("sample_differs", "search_differs")}


class EdgesOnTempo:
    """A class beside it has .tempo, .folder and .start (unix seconds), and .rules for what lies there."""
    edges = KINDS
    edges_alone = 20  # rules
    edge_reasons = REASONS
    undecided_share = {"dropped": 4}  # of what is told at most one in so many is open, 0: any; others: 20
    incomplete_kinds = ("dropped",)  # of the others most replays are complete

    @classmethod
    def traces_of_kind(cls, seed, kind, count, start_ns, over_ns):
        return edge_traces(seed, kind, count, start_ns, over_ns)

    @staticmethod
    def edge_rule(rng, ids):
        return random_edge_rule(rng, ids)

    @classmethod
    def make_edges(cls, seed, count):
        cls.edge_seed = seed
        cls.edges_start = cls.start - HOUR * len(cls.edges)
        cls.edge_traces, cls.edge_range = {}, {}
        for number, kind in enumerate(cls.edges):
            start = cls.edges_start + number * HOUR
            cls.edge_range[kind] = start, start + HOUR
            cls.edge_traces[kind] = cls.traces_of_kind(seed, kind, count, (start + 1) * SECOND, (HOUR - 70) * SECOND)

    @classmethod
    def edges_to_push(cls):
        return [(random.Random(f"{cls.edge_seed} push {kind}"), traces) for kind, traces in cls.edge_traces.items()]

    @classmethod
    def evaluate_edges(cls, count):
        rng = random.Random(f"{cls.edge_seed} rules at edges")
        ids = [trace.trace_id for traces in cls.edge_traces.values() for trace in traces[:5]]
        rules, refused = compare.compile_rules([cls.edge_rule(rng, ids) for _ in range(count)])
        assert refused < count // 10 + 3, "too many rules on edges do not compile"
        # Of the others some, with ids that do not clash.
        cls.edge_rules = [rule._replace(id=f"e{number}") for number, rule in enumerate([*rules, *cls.rules[::4]])]
        cls.edge_verdicts = {}
        for kind, traces in cls.edge_traces.items():
            cls.edge_verdicts[kind] = compare.evaluate(cls.folder.name, cls.edge_rules, compare.write_traces(cls.folder.name, traces))
            print(f"{kind}: {len(cls.edge_rules)} rules, {len(traces)} traces: {compare.count_verdicts(cls.edge_verdicts[kind])}", flush=True)

    def right_of(self, kind, rule):
        """(violating traces, those that may be told besides). What is cut is so in every answer."""
        verdicts = self.edge_verdicts[kind][rule.id]
        return verdicts["violated"], set() if kind == "cut" else verdicts["inconclusive"]

    def check_edges(self, kind, rules, totals, *options):
        """One replay over the kind's range, counted in `totals`."""
        start, end = self.edge_range[kind]
        found, answer = compare.replay(self.folder.name, rules, self.tempo.url, "--start", start, "--end", end, *options)
        right = {rule.id: self.right_of(kind, rule) for rule in rules}
        expected = {rule_id: violating | (found[rule_id] & allowed) for rule_id, (violating, allowed) in right.items()}
        wrong = compare.differences(rules, expected, found, self.edge_traces[kind]) or "\n".join(broken_laws_of(answer))
        reason = (answer.get("reason") or "").split(":")[0]
        if wrong or (answer["status"] != "completed" and reason not in self.edge_reasons[kind]):
            self.problems.append(f"{kind}, options {options}: {answer['status']} {answer.get('reason')}\n{wrong or [rule.text for rule in rules]}")
            print(self.problems[-1], flush=True)
        totals.update({"replays": 1, f"{answer['status']} {reason}".strip(): 1, "decided and told": sum(len(violating) for violating, _ in right.values()),
                       "undecided and told": sum(len(found[rule_id] & allowed) for rule_id, (_, allowed) in right.items()),
                       "of these in complete answers": sum(len(found[rule_id] & allowed) for rule_id, (_, allowed) in right.items()) * (answer["status"] == "completed"),
                       "inconclusive": sum(one["inconclusive"] for one in answer["rules"])})

    def rules_alone(self, kind):
        """Half of them are violated by traces of the kind, or more."""
        violated = [rule for rule in self.edge_rules if self.edge_verdicts[kind][rule.id]["violated"]][:(self.edges_alone + 1) // 2]
        return violated + [rule for rule in self.edge_rules if rule not in violated][:self.edges_alone - len(violated)]

    def edge_groups(self):
        return [self.edge_rules[first:first + GROUP] for first in range(0, len(self.edge_rules), GROUP)]

    def hold(self, way, replays):
        """`replays` makes those of a kind. What is said of too few is no test: most rules have violations that are decided, and most replays are
        complete."""
        for kind in self.edges:
            totals = collections.Counter()
            replays(kind, totals)
            print(f"edges {way}, {kind}: {dict(totals)}", flush=True)
            are_few = totals["replays"] < FEW
            share = self.undecided_share.get(kind, 20)
            if not are_few:
                self.assertGreater(totals["decided and told"], share * totals["undecided and told"], "too little was decided")
            self.assertGreater(totals["decided and told"], 0 if are_few else totals["replays"], "next to nothing was to be told")
            if kind not in self.incomplete_kinds:
                self.assertGreater(totals["completed"], totals["replays"] // 2)

    # ---- the input is what it should be ----

    def test_a_the_edges_are_not_vacuous(self):
        for kind, verdicts in self.edge_verdicts.items():
            with self.subTest(kind=kind):
                totals = compare.count_verdicts(verdicts)
                self.assertGreater(totals["inconclusive"], len(verdicts) // 3, "next to nothing is left open")
                self.assertGreater(totals["violated"] + totals["satisfied"], 3 * totals["inconclusive"], "too little is decided")
                violated = sum(bool(one["violated"]) for one in verdicts.values())
                self.assertGreater(violated, len(verdicts) // 3, "too few rules are violated at all")

    # ---- the property ----

    def test_e_edges_together(self):
        def replays(kind, totals):
            for number, group in enumerate(self.edge_groups()):
                self.check_edges(kind, group, totals, *(("--count", "exact") if number % 2 else ()))
        self.hold("together", replays)

    def test_e_edges_read(self):
        """Each candidate is read, in batches where they give what the rule needs."""
        def replays(kind, totals):
            for group in self.edge_groups():
                self.check_edges(kind, group, totals, "--strategy", "read")
        self.hold("read", replays)

    def test_e_edges_alone(self):
        """Rules that no other helps, each in a way that it can be decided in."""
        def replays(kind, totals):
            for rule in self.rules_alone(kind):
                ways = [way for way, can in (("id_sets", rule.explain["subtracted"]), ("projection", rule.explain["projected"] and rule.explain["reads"] == "batch")) if can]
                self.check_edges(kind, [rule], totals, *(("--strategy", ways[-1]) if ways else ()))
        self.hold("alone", replays)
