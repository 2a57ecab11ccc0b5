"""Property: whatever the rule over linked traces and the families, a replay on a Tempo finds the violations that `betrace eval` finds in the same spans
in a file, all of them and only them.

Seeded random rules and families (tests/support/random_links.py). Spans arrive in random order in three pushes that lie in three blocks. Rules run
together and alone, each way to decide them forced, over everything and over adjacent windows that cut families.
What lies at the edges of traces (random_link_edges.py) comes in ranges of its own, as in test_property_tempo.py. BETRACE_SEED picks another seed (it is
printed), BETRACE_RULES the number of rules; --full takes 200.
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
from count_laws import broken_laws_of  # noqa: E402
from edge_property import EdgesOnTempo  # noqa: E402
from random_link_edges import KINDS, known_ids, linked_edge_traces, random_linked_edge_rule  # noqa: E402
from random_links import BATCH, FAMILY_SECONDS, LONGEST_BOUND_S, random_families, random_linked_rule  # noqa: E402
from random_tempo import push_in_fragments, tempo_with_short_blocks  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND = 1_000_000_000
FULL = "--full" in sys.argv
SEED = int(os.environ.get("BETRACE_SEED", "32"))
RULES = int(os.environ.get("BETRACE_RULES", "200" if FULL else "24"))
FAMILIES, GROUP, ALONE = (48 if FULL else 24), 8, (20 if FULL else 4)
EDGE_FAMILIES, EDGE_RULES = FAMILIES // 3, RULES // 2  # of each kind


class LinkedPropertyOnTempo(EdgesOnTempo, unittest.TestCase):
    edges, edges_alone = KINDS, max(2, ALONE // 2)
    # A file's family has more traces than a rule reads on Tempo: with a few copies in each, eval leaves open what the traces that the rule reads decide.
    undecided_share = {**dict.fromkeys(KINDS, 4), "copies": 0}
    if not FULL:
        test_e_edges_read = None  # whatever the strategy, such rules read most of what is found
    edge_reasons = {kind: () if kind == "texts" else ("dropped", "sample_differs", "search_differs") for kind in KINDS}

    @classmethod
    def traces_of_kind(cls, seed, kind, count, start_ns, over_ns):
        return linked_edge_traces(seed, kind, count, start_ns, over_ns, known_ids([*cls.traces, *sum(cls.edge_traces.values(), [])]))

    @staticmethod
    def edge_rule(rng, ids):
        return random_linked_edge_rule(rng)

    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}", flush=True)
        rng = random.Random(SEED)
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-linked-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.tempo = tempo_with_short_blocks().start()
        cls.addClassCleanup(cls.tempo.stop)
        # Whatever links to the last span within the longest bound is settled.
        cls.end = int(time.time()) - LONGEST_BOUND_S - 1200
        cls.start = cls.end - 2 * 3600
        over_ns = (cls.end - cls.start - FAMILY_SECONDS - 2) * SECOND
        cls.traces = sum(random_families(rng, FAMILIES, (cls.start + 1) * SECOND, over_ns), [])
        cls.pruned = {trace.trace_id for trace in cls.traces if trace.may_be_pruned}
        cls.make_edges(SEED, EDGE_FAMILIES)
        push_in_fragments(cls.tempo, rng, cls.traces, cls.edges_start - 60, cls.edges_to_push())
        cls.rules, cls.refused = compare.compile_rules([random_linked_rule(rng) for _ in range(RULES)])
        cls.verdicts = compare.evaluate(cls.folder.name, cls.rules, compare.write_traces(cls.folder.name, cls.traces))
        cls.expected = {rule.id: cls.verdicts[rule.id]["violated"] for rule in cls.rules}
        cls.print_distribution()
        cls.evaluate_edges(EDGE_RULES)

    @classmethod
    def print_distribution(cls):
        some = sum(bool(ids) and bool(cls.verdicts[rule_id]["satisfied"]) for rule_id, ids in cls.expected.items())
        print(f"{len(cls.rules)} rules ({cls.refused} refused), {len(cls.traces)} traces of {FAMILIES} families: {compare.count_verdicts(cls.verdicts)}; {some} rules are violated by some "
              f"traces and satisfied by others", flush=True)

    def setUp(self):
        self.problems = []

    def tearDown(self):
        """All of a test's replays are looked at before it fails."""
        self.assertEqual(len(self.problems), 0, f"seed {SEED}, {len(self.problems)} replays are wrong:\n" + "\n".join(self.problems[:20]))

    def differences(self, rules, answer, found, expected):
        """Of families that were thinned out a replay may leave undecided what the evaluator decides, and the other way round. Everything else is the same, and so is
        the number of what is undecided, but for these. `expected`: of a part of the range, where nobody counted what is undecided."""
        lines = []
        for rule, counters in zip(rules, answer["rules"]):
            violated, inconclusive = (expected or self.expected)[rule.id], self.verdicts[rule.id]["inconclusive"]
            missed, false = violated - found[rule.id], found[rule.id] - violated
            wrong = (missed - self.pruned) | (false - self.pruned) | (false - inconclusive)
            if wrong:
                lines.append(compare.differences([rule], {rule.id: violated}, found, [trace for trace in self.traces if trace.trace_id in wrong]))
            elif expected is None and not 0 <= counters["inconclusive"] - len(inconclusive - self.pruned) <= len(self.pruned):
                lines.append(f"{rule.id}: {rule.text}\n  inconclusive {counters['inconclusive']}, by the file {len(inconclusive - self.pruned)} and of {len(self.pruned)} others some")
        return "\n".join(lines)

    def check(self, rules, *options, start=None, end=None, expected=None):
        """One replay of these rules."""
        found, answer = compare.replay(self.folder.name, rules, self.tempo.url, "--start", start or self.start, "--end", end or self.end, *options)
        wrong = self.differences(rules, answer, found, expected) or "\n".join(broken_laws_of(answer))
        if wrong or answer["status"] != "completed":
            self.problems.append(f"options {options}: {answer['status']} {answer.get('reason')}\n{wrong or [rule.text for rule in rules]}")
            print(self.problems[-1], flush=True)
        return answer

    # ---- the input is what it should be ----

    def test_a_the_input_is_not_vacuous(self):
        links = [one for trace in self.traces for span in trace.spans for one in span.links]
        ids = {trace.trace_id for trace in self.traces}
        self.assertTrue(any(one[0] and one[0] not in ids for one in links), "no trace is missing")
        self.assertTrue(any(len(span.links) >= BATCH for trace in self.traces for span in trace.spans), "no span has a batch")
        self.assertTrue(any(one[0] == trace.trace_id for trace in self.traces for span in trace.spans for one in span.links), "no link to the own trace")
        self.assertTrue(any(one[0].startswith("00") for one in links), "no link to an id with zeros")
        self.assertGreater(sum(bool(ids) for ids in self.expected.values()), len(self.rules) // 2, "too few rules are violated at all")
        self.assertGreater(sum(bool(one["satisfied"]) for one in self.verdicts.values()), len(self.rules) // 2, "too few rules are satisfied at all")
        self.assertLess(self.refused, RULES // 10 + 1, "too many rules do not compile")

    def test_a_the_edges_are_not_vacuous(self):
        """Over all kinds: which of them leaves much open is chance, where there are few families."""
        totals = sum((collections.Counter(compare.count_verdicts(verdicts)) for verdicts in self.edge_verdicts.values()), collections.Counter())
        self.assertGreater(totals["inconclusive"], len(self.edge_rules), "next to nothing is left open")
        self.assertGreater(totals["violated"] + totals["satisfied"], totals["inconclusive"], "too little is decided")
        for kind, verdicts in self.edge_verdicts.items():
            self.assertGreater(sum(bool(one["violated"]) for one in verdicts.values()), len(verdicts) // 3, f"{kind}: too few rules are violated at all")

    # ---- the property ----

    def test_b_rules_together(self):
        for first in range(0, len(self.rules), GROUP):
            answer = self.check(self.rules[first:first + GROUP])
            self.assertEqual((answer["traces_evaluated"], answer["traces_evaluated_kind"]), (len(self.traces), "exact"))

    def test_c_rules_alone(self):
        for number, rule in enumerate(self.rules[:ALONE]):
            self.check([rule], *(("--count", "at_least") if number % 2 else ()))

    def test_c_each_way_gives_the_same(self):
        """Families are read, or the spans that link are asked for first."""
        for rule in self.rules[:ALONE // 2]:
            self.check([rule], "--strategy", "read")
        shown = collections.Counter()
        for rule in [rule for rule in self.rules if "linked to" in rule.text][:2 * ALONE]:
            counters = self.check([rule], "--strategy", "projection")["rules"][0]
            shown.update({counters["strategy"]: 1, "decided": counters["traces_decided_unread"]})
        print(f"spans that link asked for first: {dict(shown)}", flush=True)
        self.assertGreater(shown["projection"], 1, "next to no rule can be decided by spans that link")
        self.assertGreater(shown["decided"], 0, "spans that link decided nothing")

    def test_d_adjacent_windows(self):
        """Each trace is judged in the window that its earliest start lies in, with all of its family."""
        rng = random.Random(SEED + 1)
        edges = [self.start * SECOND, *sorted(rng.choice(self.traces).start_ns + rng.choice((0, 1)) for _ in range(2)), self.end * SECOND]
        rules = rng.sample(self.rules, min(GROUP, len(self.rules)))
        begins = {trace.trace_id: min(span.start_ns for span in trace.spans) for trace in self.traces}
        for start, end in zip(edges, edges[1:]):
            if start < end:
                expected = {rule.id: {one for one in self.expected[rule.id] if start <= begins[one] < end} for rule in rules}
                self.check(rules, "--count", "at_least", start=start, end=end, expected=expected)


if __name__ == "__main__":
    require_tempo()
    unittest.main(argv=[argument for argument in sys.argv if argument != "--full"])
