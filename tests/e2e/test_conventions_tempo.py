"""Property: what a rule with @semconv(stable) says does not depend on which age of a name a span writes.

Each span has one age of a name that changed, and rules say the names of any age at random. Their verdicts are those of the rule by the old names over the same
traces with the old names alone: in files, and on the real Tempo, in groups and each rule alone. Some spans have a second age besides, with another value: the
newest one counts. BETRACE_SEED picks another seed (it is printed), BETRACE_RULES the number of rules.
"""
import copy
import os
import random
import re
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import replay_compare as compare  # noqa: E402
from random_rules import random_rule  # noqa: E402
from random_spans import COLUMNS, counts_as_missing, random_traces  # noqa: E402
from random_tempo import push_in_fragments, tempo_with_short_blocks  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND = 1_000_000_000
SEED = int(os.environ.get("BETRACE_SEED", "603"))
RULES = int(os.environ.get("BETRACE_RULES", "30"))
TRACES, GROUP = 120, 10
# As OpenTelemetry's schema file renames them (dsl/rule/convention_table.c), the old name first.
AGES = {"http.method": "http.request.method", "http.status_code": "http.response.status_code", "http.url": "url.full"}
NAMES = "|".join(map(re.escape, AGES))
OLD = re.compile(rf"(?:(?<![\w.])|(?<=span\.))(?:{NAMES})(?![\w.])")
OF_RESOURCES = re.compile(rf"resource\.(?:attributes\[\")?(?:{NAMES})")  # the convention renamed attributes of spans


def in_any_age(rng, text):
    return OLD.sub(lambda old: rng.choice((old[0], AGES[old[0]])), text)


def by_two_ages(rng, span):
    """The span's attributes, each of a name that changed by one of its ages; some by both, where the newest one has the value that counts."""
    attrs = {}
    for key, value in span.attrs.items():
        is_new = key in AGES and rng.randrange(2)
        if is_new and not counts_as_missing(value) and rng.randrange(3) == 0:
            attrs[key] = rng.choice(("GET", "x", 1, 200, 404, True))
        attrs[AGES[key] if is_new else key] = value
    return attrs


class ConventionsOnTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}", flush=True)
        rng = random.Random(SEED)
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="betrace-conventions-"))
        cls.tempo = cls.enterClassContext(tempo_with_short_blocks())
        now = int(time.time())
        cls.start, cls.end = now - 4 * 3600, now - 600
        cls.old = random_traces(rng, TRACES, (cls.start + 1) * SECOND, (cls.end - cls.start - 70) * SECOND)
        for trace in cls.old:
            for span in trace.spans:
                span.resource = {key: value for key, value in span.resource.items() if key not in AGES}
            trace.join_resources(COLUMNS)
        cls.mixed = copy.deepcopy(cls.old)
        for trace in cls.mixed:
            for span in trace.spans:
                span.attrs = by_two_ages(rng, span)
        push_in_fragments(cls.tempo, rng, cls.mixed, cls.start - 60)
        texts = []
        while len(texts) < RULES:
            text = random_rule(rng)
            if OLD.search(text) and not OF_RESOURCES.search(text):
                texts.append(text)
        plain, cls.refused = compare.compile_rules(texts)
        cls.rules, refused = compare.compile_rules(["@semconv(stable) " + in_any_age(rng, rule.text) for rule in plain])
        assert not refused, "a rule that compiles by its old names does so by those of any age"
        cls.plain = compare.evaluate(cls.folder, plain, compare.write_traces(cls.folder, cls.old))
        cls.verdicts = compare.evaluate(cls.folder, cls.rules, compare.write_traces(cls.folder, cls.mixed))
        cls.expected = {rule.id: cls.plain[rule.id]["violated"] for rule in cls.rules}

    def test_a_the_input_is_not_vacuous(self):
        """Without the bridge many rules say something else of these traces."""
        self.assertLess(self.refused, RULES // 4)
        some = [rule for rule in self.rules if 0 < len(self.expected[rule.id]) < TRACES]
        self.assertGreater(len(some), len(self.rules) // 4)
        blind = [rule._replace(text=rule.text.removeprefix("@semconv(stable) ")) for rule in self.rules]
        said = compare.evaluate(self.folder, blind, compare.write_traces(self.folder, self.mixed))
        differ = sum(said[rule.id]["violated"] != self.expected[rule.id] for rule in self.rules)
        print(f"{len(self.rules)} rules: {compare.count_verdicts(self.verdicts)}; {differ} say something else without the convention", flush=True)
        self.assertGreater(differ, len(self.rules) // 8)

    def test_b_in_files_they_are_those_of_the_old_names(self):
        for rule in self.rules:
            with self.subTest(rule=rule.text):
                for verdict in ("violated", "satisfied", "not_applicable", "inconclusive"):
                    self.assertEqual(self.verdicts[rule.id][verdict], self.plain[rule.id][verdict], verdict)

    def test_c_on_tempo_they_are_those_of_the_old_names(self):
        groups = [self.rules[first:first + GROUP] for first in range(0, len(self.rules), GROUP)]
        for rules in [*groups, *([rule] for rule in self.rules)]:
            with self.subTest(rules=[rule.text for rule in rules]):
                found, answer = compare.replay(self.folder, rules, self.tempo.url, "--start", self.start, "--end", self.end)
                self.assertEqual((answer["status"], answer.get("reason")), ("completed", None))
                self.assertEqual(compare.differences(rules, self.expected, found, self.mixed), "")


if __name__ == "__main__":
    require_tempo()
    unittest.main(argv=[sys.argv[0]])
