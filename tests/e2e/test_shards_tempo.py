"""Shards of a replay over a real Tempo, merged: the same violations, verdicts and counts as one replay of the whole range says. Random traces in short
blocks, random rules; some ranges end where nothing is settled yet. BETRACE_SEED picks another seed (it is printed), BETRACE_RULES the number of rules."""
import json
import os
import random
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import replay_compare as compare  # noqa: E402
from random_rules import random_rule  # noqa: E402
from random_spans import random_traces  # noqa: E402
from random_tempo import push_in_fragments, tempo_with_short_blocks  # noqa: E402
from shard_runs import differences, merge, run_shards  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND = 1_000_000_000
SEED = int(os.environ.get("BETRACE_SEED", "618"))
RULES = int(os.environ.get("BETRACE_RULES", "24"))
TRACES, GROUP = 150, 8


VIOLATION = ("id", "rule_id", "trace_id", "span_id", "time", "message", "provisional", "choices_total")


def comparable(answer):
    """Which violations a sample confirmed by id is each replay's own, and batches do not give all that a witness has. Where data begin a search finds to
    the second. Hand-overs count from each replay's now. What is exercised at least is more, the more a replay happened to read."""
    answer = json.loads(json.dumps(answer))
    answer["violations"] = [{name: violation[name] for name in VIOLATION} for violation in answer["violations"]]
    answer["coverage"]["data_from"] = (answer["coverage"]["data_from"] or "")[:17]
    del answer["coverage"]["handover_from"]
    for counted in (answer, *answer["rules"]):
        if counted["traces_exercised_kind"] == "at_least":
            del counted["traces_exercised"]
    return answer


class ShardsOfTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}", flush=True)
        rng = random.Random(SEED)
        folder = tempfile.TemporaryDirectory(prefix="betrace-shards-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.tempo = tempo_with_short_blocks().start()
        cls.addClassCleanup(cls.tempo.stop)
        now = int(time.time())
        cls.start, cls.end = now - 4 * 3600, now - 600
        traces = random_traces(rng, TRACES, (cls.start + 1) * SECOND, (cls.end - cls.start - 70) * SECOND)
        push_in_fragments(cls.tempo, rng, traces, cls.start - 60)
        cls.rules, _ = compare.compile_rules([random_rule(rng, plain=number % 4 != 3) for number in range(RULES)])

    def check(self, rules, shards, start, end, *options):
        asked = ("--rules", compare.write_rules(self.folder, rules), "--tempo", self.tempo.url, "--start", start, "--end", end, *options)
        whole = json.loads(compare.run_cli("replay", *asked, "--json", timeout=600).stdout)
        merged = merge(run_shards(self.folder, shards, *asked))[1]
        said = differences(comparable(whole), comparable(merged))
        self.assertEqual(said, [], f"seed {SEED}, {shards} shards\n" + "\n".join(f"{rule.id}: {rule.text}" for rule in rules))
        return merged

    def test_shards_put_together_are_the_whole(self):
        violations = 0
        for at in range(0, len(self.rules), GROUP):
            for shards in (1, 3, 16):
                for options in ((), ("--count", "exact")) if shards == 3 else ((),):
                    with self.subTest(first=at, shards=shards, options=options):
                        merged = self.check(self.rules[at:at + GROUP], shards, self.start, self.end, *options)
                        self.assertEqual(merged["status"], "completed", merged.get("reason"))
                        violations += len(merged["violations"])
        self.assertGreater(violations, 100, "too few violations")

    def test_a_range_that_is_not_settled_says_so(self):
        """The clocks of whole and shards differ: what is settled may end a few seconds apart, and is never said to be more than it is."""
        now = int(time.time())
        merged = merge(run_shards(self.folder, 4, "--rules", compare.write_rules(self.folder, self.rules[:2]), "--tempo", self.tempo.url, "--start", self.start, "--end", now + 600))[1]
        self.assertLess(merged["coverage"]["effective_end"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time())))
        self.assertEqual(merged["status"], "completed", merged.get("reason"))


if __name__ == "__main__":
    require_tempo()
    unittest.main(argv=[sys.argv[0]], verbosity=1)
