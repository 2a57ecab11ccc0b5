"""Property: however a range is divided, what `betrace merge` makes of its shards is what one replay of the range says. Random rules over random traces in
a file, many of them longer than margin, some in parts with a gap between, some without any time. BETRACE_SEED picks another seed (it is printed),
BETRACE_RULES the number of rules."""
import os
import random
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import replay_compare as compare  # noqa: E402
from random_rules import random_newer_rule, random_rule  # noqa: E402
from random_spans import random_traces  # noqa: E402
from shard_runs import differences, merge, run_shards  # noqa: E402
import json  # noqa: E402

SECOND = 1_000_000_000
SEED = int(os.environ.get("BETRACE_SEED", "618"))
RULES = int(os.environ.get("BETRACE_RULES", "300"))
TRACES, GROUP = 150, 25
NOON = 1767268800 * SECOND
HOUR = 3600 * SECOND


def stretch(rng, traces):
    """A third of them begins elsewhere, in parts or as a whole: near each other, or farther than margin apart."""
    for trace in traces:
        if rng.randrange(3) == 0:
            for span in trace.spans:
                span.start_ns += rng.choice((0, 0, 1, 20, 29, 30, 31, 100, 1000)) * SECOND + rng.choice((0, 0, 1))
        if rng.randrange(40) == 0:
            for span in trace.spans:
                span.lacks = ("startTimeUnixNano", "endTimeUnixNano")


class MergeProperty(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}", flush=True)
        rng = cls.rng = random.Random(SEED)
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-merge-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.traces = random_traces(rng, TRACES, NOON, HOUR, has_lists=True)
        stretch(rng, cls.traces)
        cls.path = compare.write_traces(cls.folder.name, cls.traces)
        texts = [random_newer_rule(rng) if number % 5 == 0 else random_rule(rng, plain=number % 3 > 0) for number in range(RULES)]
        cls.rules, _ = compare.compile_rules(texts)

    def random_range(self):
        """Of files everything, the hour, or some part, with ends anywhere."""
        kind = self.rng.randrange(4)
        if kind == 0:
            return ()
        start = NOON + (0 if kind == 1 else self.rng.randrange(HOUR // 2))
        end = NOON + (HOUR if kind == 1 else HOUR // 2 + self.rng.randrange(HOUR))
        return ("--start", start, "--end", end if kind < 3 else start + self.rng.randrange(300, 100 * SECOND))

    def check(self, rules, shards, where, whole):
        answer = merge(run_shards(self.folder.name, shards, "--rules", compare.write_rules(self.folder.name, rules), *where))
        status, merged = answer
        said = differences(whole, merged)
        if status != self.status:
            said.append(f"status {status} instead of {self.status}")
        self.assertEqual(said, [], f"seed {SEED}, {shards} shards, {where}, {self.path}:\n" + "\n".join(f"{rule.id}: {rule.text}" for rule in rules))
        return merged

    def test_shards_put_together_are_the_whole(self):
        long, violations, empty = 0, 0, 0
        for at in range(0, len(self.rules), GROUP):
            rules = self.rules[at:at + GROUP]
            margin = self.rng.choice(("0s", "1s", "30s", "30s", "15m"))
            where = ("--traces", self.path, "--margin", margin, *self.random_range())
            done = compare.run_cli("replay", "--json", "--rules", compare.write_rules(self.folder.name, rules), *where, timeout=600)
            whole, self.status = json.loads(done.stdout), done.returncode
            for shards in (1, 3, 16, self.rng.randrange(2, 40)):
                with self.subTest(first=at, shards=shards, where=where):
                    merged = self.check(rules, shards, where, whole)
                    long += merged["coverage"]["long_traces_count"]
                    violations += len(merged["violations"])
                    empty += len(merged["coverage"]["windows_empty"])
        print(f"{len(self.rules)} rules: {violations} violations, {long} long traces, {empty} empty windows", flush=True)
        self.assertGreater(long, 100, "too few traces are longer than margin")
        self.assertGreater(violations, 1000, "too few violations")
        self.assertGreater(empty, 10, "too few empty windows")


if __name__ == "__main__":
    unittest.main(verbosity=1)
