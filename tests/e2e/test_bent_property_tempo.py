"""Property: whatever the rule, the traces and what is bent, no replay through a proxy that bends Tempo's answers is wrong without saying so. Random rules and
traces are those of test_property_tempo.py; of random answers one random field of FIELDS (test_bent_answers_tempo.py) is bent to one of its ends. A replay that
calls itself "completed" tells each violation that the evaluator finds in the same spans of a file, or counts a trace as inconclusive for it, and none that is
none. Seeded: BETRACE_SEED picks another seed (it is printed), BETRACE_RULES the number of rules; --full takes 300.
"""
import collections
import json
import os
import random
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo"), HERE]
import replay_compare as compare  # noqa: E402
from http_wire import Proxy, send_whole  # noqa: E402
from random_edges import KINDS, edge_traces, random_edge_rule  # noqa: E402
from random_rules import random_rule  # noqa: E402
from random_spans import random_traces  # noqa: E402
from random_tempo import push_in_fragments, tempo_with_short_blocks  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402
from test_bent_answers_tempo import ABSENT, FIELDS, WAYS, bend, kind_of  # noqa: E402

SECOND = 1_000_000_000
FULL = "--full" in sys.argv
SEED = int(os.environ.get("BETRACE_SEED", "20262"))
RULES = int(os.environ.get("BETRACE_RULES", "300" if FULL else "20"))
TRACES, GROUP = 120 if FULL else 60, 3
EDGES, EDGE_RULES = TRACES // 4, RULES // 4  # traces of each kind of random_edges.py, and rules on them
ONE_IN = (1, 2, 8, 40)  # so many answers of a replay are bent


class RandomBender:
    """Bends one random field of one in so many answers; the same seed bends the same, as far as answers come in the same order."""

    def __init__(self, rng, one_in):
        self.rng, self.one_in, self.bent, self.lock = rng, one_in, collections.Counter(), threading.Lock()

    def __call__(self, wire, request, answer):
        request.headers = {name: text for name, text in request.headers.items() if name.lower() != "accept"}  # JSON, of each version
        got, kind = answer(), kind_of(request)
        if got.status == 200 and kind != "other" and got.content_type.startswith("application/json"):
            with self.lock:
                is_bent = self.rng.randrange(self.one_in) == 0
                _, path, _type, values, _who = self.rng.choice([field for field in FIELDS if field[0] == kind])
                value = self.rng.choice(values)
            content = json.loads(got.body) if is_bent else None
            if isinstance(content, dict) and bend(content, path, value):
                self.bent[f"{path}: {'absent' if value is ABSENT else value}"] += 1
                got = got.with_body(json.dumps(content).encode())
        send_whole(wire, request, got)
        return True


class BentProperty(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}", flush=True)
        rng = random.Random(SEED)
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-bent-property-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.tempo = tempo_with_short_blocks().start()
        cls.addClassCleanup(cls.tempo.stop)
        now = int(time.time())
        cls.start, cls.end = now - 4 * 3600, now - 600
        cls.traces = random_traces(rng, TRACES, (cls.start + 1) * SECOND, (cls.end - cls.start - 70) * SECOND)
        # Before them those with something at their edges, which may be told where nobody knows.
        cls.edges_start = cls.start - 3600
        edges = [trace for kind in KINDS for trace in edge_traces(SEED, kind, EDGES, (cls.edges_start + 1) * SECOND, 3500 * SECOND)]
        push_in_fragments(cls.tempo, rng, cls.traces, cls.edges_start - 60, [(random.Random(SEED + 2), edges)])
        of_edges = random.Random(SEED + 3)
        texts = [random_rule(rng) for _ in range(RULES)] + [random_edge_rule(of_edges, [trace.trace_id for trace in edges[:9]]) for _ in range(EDGE_RULES)]
        cls.rules, _ = compare.compile_rules(texts)
        cls.expected = cls.verdicts_of(cls.traces, "violated")
        cls.undecided = cls.verdicts_of(edges, "inconclusive")
        cls.expected_of_all = {rule: ids | cls.expected[rule] for rule, ids in cls.verdicts_of(edges, "violated").items()}

    @classmethod
    def verdicts_of(cls, traces, verdict):
        found = compare.evaluate(cls.folder.name, cls.rules, compare.write_traces(cls.folder.name, traces))
        return {rule: verdicts[verdict] for rule, verdicts in found.items()}

    def replay(self, rules, url, way, start):
        return compare.replay(self.folder.name, rules, url, "--start", str(start * SECOND), "--end", str(self.end * SECOND), "--limit", "0",
                              "--lateness", "0s", "--tempo-timeout", "30s", *way)

    def wrong_in(self, rules, found, answer, start):
        """What a "completed" answer from `start` on says that is not so."""
        counted = {rule.id: one["inconclusive"] for rule, one in zip(rules, answer["rules"])}
        wrong = []
        for rule in rules:
            expected = (self.expected if start == self.start else self.expected_of_all)[rule.id]
            false, lost = found[rule.id] - expected - self.undecided[rule.id], expected - found[rule.id]
            if false or len(lost) > counted[rule.id]:
                wrong.append(f"{rule.text}: false {sorted(false)}, lost {sorted(lost)}, inconclusive {counted[rule.id]}")
        return wrong

    def test_a_unbent_is_right(self):
        found, answer = self.replay(self.rules[:GROUP], self.tempo.url, [], self.start)
        self.assertEqual(answer["status"], "completed")
        self.assertEqual(found, {rule.id: self.expected[rule.id] for rule in self.rules[:GROUP]})
        self.assertNotIn("contradicted", answer["coverage"])

    def test_b_bent_is_never_wrong_in_silence(self):
        rng, totals, bent, problems, at, number = random.Random(SEED + 1), collections.Counter(), collections.Counter(), [], 0, 0
        while at < len(self.rules):
            rules = self.rules[at:at + rng.choice((1, 1, GROUP))]
            at, number = at + len(rules), number + 1
            bender = RandomBender(random.Random(SEED * 1000 + number), ONE_IN[number % len(ONE_IN)])
            with Proxy(self.tempo.url, bender) as proxy:
                start = self.edges_start if number % 3 == 0 else self.start
                found, answer = self.replay(rules, proxy.url, WAYS[rng.randrange(len(WAYS))], start)
            bent.update(bender.bent)
            is_sure = answer["status"] == "completed"
            totals.update({"replays": 1, "completed": is_sure, "told": sum(map(len, found.values())), "bent": sum(bender.bent.values()),
                           "inconclusive": sum(one["inconclusive"] for one in answer["rules"]), "completed and bent": bool(is_sure and bender.bent),
                           "contradicted": answer["coverage"].get("contradicted_count", 0), "lacking": answer["coverage"].get("batches_lacking", 0)})
            wrong = self.wrong_in(rules, found, answer, start) if is_sure else []
            if wrong:
                problems.append(f"replay {number}, bent {dict(bender.bent)}:\n" + "\n".join(wrong))
                print(problems[-1], flush=True)
        print(f"{len(self.rules)} rules, {TRACES} traces, {len(bent)} kinds of bends: {dict(totals)}", flush=True)
        self.assertEqual(problems, [])
        self.assertGreater(totals["completed and bent"], 0, "nothing that was bent was ever completed: nothing was held")


if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "--full"]
    require_tempo()
    unittest.main()
