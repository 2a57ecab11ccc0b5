"""Property: however a range is divided, what `betrace merge` makes of its shards is what one replay of the range says. Random rules over random traces in
a file, many of them longer than margin, some in parts with a gap between, some without any time; and rules about links over families of traces.
BETRACE_SEED picks another seed (it is printed), BETRACE_RULES the number of rules."""
import json
import os
import random
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import replay_compare as compare  # noqa: E402
from random_links import random_families, random_linked_rule  # noqa: E402
from random_rules import random_newer_rule, random_rule  # noqa: E402
from random_spans import random_traces  # noqa: E402
from shard_runs import differences, merge, run_shards  # noqa: E402

SECOND = 1_000_000_000
SEED = int(os.environ.get("BETRACE_SEED", "618"))
RULES = int(os.environ.get("BETRACE_RULES", "300"))
TRACES, FAMILIES, GROUP = 120, 60, 15
NOON = 1767268800 * SECOND
HOUR = 3600 * SECOND


def random_any_rule(rng):
    return random_rule(rng, plain=False)


def stretch(rng, traces):
    """Some spans of a third of them begin later: near the others, or farther away than margin."""
    for trace in traces:
        for span in trace.spans if rng.randrange(3) == 0 else ():
            span.start_ns += rng.choice((0, 0, 1, 20, 29, 30, 31, 100, 1000)) * SECOND + rng.choice((0, 0, 1))


def lose_times(rng, traces):
    for trace in traces:
        for span in trace.spans if rng.randrange(40) == 0 else ():
            span.lacks = ("startTimeUnixNano", "endTimeUnixNano")


class MergeProperty(unittest.TestCase):
    def prepare(self, seed, traces, writers):
        self.rng, self.seen = random.Random(seed), {"long": 0, "violations": 0, "empty": 0}
        folder = tempfile.TemporaryDirectory(prefix="betrace-merge-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.traces = traces(self.rng)
        self.path = compare.write_traces(self.folder, self.traces)
        self.rules, _ = compare.compile_rules([writers[number % len(writers)](self.rng) for number in range(RULES // 2)])

    def random_range(self):
        """Of files everything, the hour, or some part, with ends anywhere."""
        kind = self.rng.randrange(4)
        if kind == 0:
            return ()
        start = NOON + (0 if kind == 1 else self.rng.randrange(HOUR // 2))
        end = NOON + (HOUR if kind == 1 else HOUR // 2 + self.rng.randrange(HOUR))
        return ("--start", start, "--end", end if kind < 3 else start + self.rng.randrange(300, 100 * SECOND))

    def check(self, rules, shards, where, whole):
        status, merged = merge(run_shards(self.folder, shards, "--rules", compare.write_rules(self.folder, rules), *where))
        said = differences(json.loads(whole.stdout), merged)
        if status != whole.returncode:
            said.append(f"status {status} instead of {whole.returncode}")
        if said:
            self.fail("\n".join([f"seed {SEED}, {shards} shards, {where}:", *said[:20], *(f"{rule.id}: {rule.text}" for rule in rules)]))
        self.seen["long"] += merged["coverage"]["long_traces_count"]
        self.seen["violations"] += len(merged["violations"])
        self.seen["empty"] += len(merged["coverage"]["windows_empty"])

    def check_all(self):
        print(f"seed {SEED}, {len(self.rules)} rules, {len(self.traces)} traces", flush=True)
        for at in range(0, len(self.rules), GROUP):
            rules = self.rules[at:at + GROUP]
            where = ("--traces", self.path, "--margin", self.rng.choice(("0s", "1s", "30s", "30s", "2m", "15m")), *self.random_range())
            whole = compare.run_cli("replay", "--json", "--rules", compare.write_rules(self.folder, rules), *where, timeout=600)
            for shards in (1, 3, 16, self.rng.randrange(2, 40)):
                with self.subTest(first=at, shards=shards, where=where):
                    self.check(rules, shards, where, whole)
        print(self.seen, flush=True)
        for name, least in (("long", 300), ("violations", 2000), ("empty", 5)) if RULES >= 300 else ():
            self.assertGreater(self.seen[name], least, f"too little to see: {name}")

    def test_any_rules(self):
        """Most traces lie together, so that some windows are empty."""
        def traces(rng):
            made = random_traces(rng, TRACES, NOON, HOUR // 4, has_lists=True) + random_traces(rng, TRACES // 4, NOON + HOUR // 2, HOUR // 12, has_lists=True)
            stretch(rng, made)
            lose_times(rng, made)
            return made
        self.prepare(SEED, traces, (random_newer_rule, random_rule, random_rule, random_any_rule))
        self.check_all()

    def test_rules_about_links(self):
        """Times of one age: families that are gathered together share how far they are asked for, and where one has a span of another age a replay may leave
        more of them open than another one that gathers them otherwise."""
        def traces(rng):
            return sum(random_families(rng, FAMILIES, NOON, HOUR // 3), [])
        self.prepare(SEED + 1, traces, (random_linked_rule,))
        self.check_all()


if __name__ == "__main__":
    unittest.main(verbosity=1)
