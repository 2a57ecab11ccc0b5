"""Replays over a Tempo of seven processes, three ingesters with replication factor 3 among them, while parts of it end and come back in the middle of a replay.

The seed's rules and random ones, over generated and random traces; the truth is `betrace eval` on the same spans in a file. Traces that are older than
--handover lie in the common folder, in the blocks of three ingesters; of the young ones some spans lie there and the others with the ingesters alone. Whatever ends: nothing
reported is false, `completed` is said only with all of the truth, and of a trace that is missing the coverage says that its time could not be read.
BETRACE_SEED picks another seed (it is printed); --full takes 5,000 traces and 50 random rules.
"""
import collections
import datetime
import json
import os
import random
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import replay_compare as compare  # noqa: E402
from betrace_process import run_cli  # noqa: E402
from counting_proxy import CountingProxy  # noqa: E402
from random_rules import random_rule  # noqa: E402
from random_spans import FRAGMENTS, fragment_requests, random_traces  # noqa: E402
from run_cluster import INGESTERS, TempoCluster  # noqa: E402
from seed_rules import INCIDENT, PII_AUDIT, SLOW_DB, TRUTH  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND = 1_000_000_000
FULL = "--full" in sys.argv
SEED = int(os.environ.get("BETRACE_SEED", "20261"))
RANDOM_RULES = 50 if FULL else 8
GENERATED, OLD, YOUNG, VIOLATIONS = (2500, 2000, 500, 37) if FULL else (120, 100, 60, 12)
GROUP = 11
# Before now: where the range begins and ends, and the old traces, which were handed over, end and the young ones begin. Between them lies --handover.
BEGIN_S, OLD_END_S, HANDOVER_S, YOUNG_BEGIN_S, END_S = 4 * 3600, 170 * 60, 150 * 60, 80 * 60, 10 * 60


def unix_seconds(text):
    return int(datetime.datetime.fromisoformat(text[:19] + "+00:00").timestamp())


class EventProxy(CountingProxy):
    """Passes everything on. at(n, event): the n-th request from now on waits until event() was called, while others go on."""

    def __init__(self, target):
        super().__init__(target)
        self.due, self.event = None, None

    def at(self, number, event):
        with self.lock:
            self.requests, self.due, self.event = 0, number, event

    def _may_pass(self):
        with self.lock:
            self.requests += 1
            is_due = self.event is not None and self.requests >= self.due
            event, self.event = (self.event, None) if is_due else (None, self.event)
        if event:
            event()
        return True


class ReplayOnCluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}", flush=True)
        rng = random.Random(SEED)
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-cluster-test-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.tempo = TempoCluster().start()
        cls.addClassCleanup(cls.tempo.stop)
        cls.proxy = EventProxy(cls.tempo.url).__enter__()
        cls.addClassCleanup(cls.proxy.__exit__)
        cls.now = int(time.time())
        cls.start, cls.end = cls.now - BEGIN_S, cls.now - END_S
        cls.old = random_traces(rng, OLD, (cls.start + 1) * SECOND, (BEGIN_S - OLD_END_S - 70) * SECOND)
        cls.young = random_traces(rng, YOUNG, (cls.now - YOUNG_BEGIN_S) * SECOND, (YOUNG_BEGIN_S - END_S - 70) * SECOND)
        cls.random_traces = cls.old + cls.young
        cls.generate()
        cls.prepare_rules(rng)
        cls.load(rng)
        # How many requests the replay of each group takes while all are there.
        cls.requests = {}

    @classmethod
    def generate(cls):
        """generated.jsonl, what of it comes late, and the ids of the traces that were made wrong."""
        names = ("generated.jsonl", "late.jsonl", "truth.json")
        cls.generated, cls.late, truth = (os.path.join(cls.folder.name, name) for name in names)
        done = run_cli("generate", "--traces", GENERATED, "--violations", VIOLATIONS, "--seed", SEED, "--end", cls.now - OLD_END_S, "--since", "1h",
                       "--out", cls.generated, "--late", cls.late, "--truth", truth)
        assert done.returncode == 0, done.stderr
        with open(truth, encoding="utf-8") as file:
            cls.planted = json.load(file)

    @classmethod
    def prepare_rules(cls, rng):
        """The rules in groups, and what they find in all spans in one file."""
        cls.rules, _ = compare.compile_rules([rule["dsl"] for rule in (SLOW_DB, INCIDENT, PII_AUDIT)]
                                             + [random_rule(rng, plain=number % 6 > 0) for number in range(RANDOM_RULES)])
        cls.groups = [cls.rules[first:first + GROUP] for first in range(0, len(cls.rules), GROUP)]
        path = compare.write_traces(cls.folder.name, cls.random_traces)
        with open(path, "a", encoding="utf-8") as all_spans:
            for name in (cls.generated, cls.late):
                with open(name, encoding="utf-8") as file:
                    all_spans.write(file.read())
        verdicts = compare.evaluate(cls.folder.name, cls.rules, path)
        cls.expected = {rule.id: verdicts[rule.id]["violated"] for rule in cls.rules}
        cls.spans = collections.defaultdict(dict)  # {trace id: {span id: (first start, last end)}}
        with open(path, encoding="utf-8") as file:
            for line in file:
                for span in cls.spans_of(json.loads(line)):
                    cls.spans[span["traceId"]][span["spanId"]] = (int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"]))

    @staticmethod
    def spans_of(request):
        return [span for resource in request["resourceSpans"] for scope in resource["scopeSpans"] for span in scope["spans"]]

    @classmethod
    def load(cls, rng):
        """All that is old, and some of what is young, is handed over to the common folder; then the rest is pushed. Returns when all is there."""
        def push(requests):
            for request in requests:
                status, _, body = cls.tempo.push_request(request)
                assert status == 200 and b"rejected" not in body, body
        for name in (cls.generated, cls.late):
            with open(name, encoding="utf-8") as file:
                push(json.loads(line) for line in file)
        for fragment in range(FRAGMENTS):
            push(fragment_requests(rng, cls.old, fragment))
        push(fragment_requests(rng, cls.young, 0))
        cls.tempo.hand_over()
        for fragment in range(1, FRAGMENTS):
            push(fragment_requests(rng, cls.young, fragment))
        cls.tempo.wait_until(lambda: set(cls.found_spans()) == set(cls.spans), f"{len(cls.spans)} traces are searchable", 120)
        cls.tempo.wait_until(lambda: all(cls.has_all(trace.trace_id) for trace in cls.young), "all young spans are there by id", 120)

    @classmethod
    def has_all(cls, trace_id):
        return {span["span_id"] for span in cls.tempo.trace(trace_id)} == set(cls.spans[trace_id])

    @classmethod
    def found_spans(cls):
        """{trace id: span ids} that searches show, in several parts; each span once however many hold it."""
        found = collections.defaultdict(set)
        for start in range(cls.start - 1800, cls.now, 3600):
            for trace_id, spans in cls.tempo.found_spans("{} | by(span:id) | select(name)", start, start + 3600, limit=100000).items():
                found[trace_id] |= set(spans)
        return dict(found)

    # ---- replays ----

    def replay(self, group):
        return compare.replay(self.folder.name, group, self.proxy.url, "--start", self.start, "--end", self.end, "--handover", f"{HANDOVER_S}s",
                              "--tempo-timeout", "20s")

    def bounds_ns(self, trace_id):
        times = self.spans[trace_id].values()
        return min(start for start, _ in times), max(end for _, end in times)

    def says_unread(self, coverage, trace_id):
        """Whether the answer says that this trace, or its time, was not read. Times to the second."""
        first_ns, last_ns = self.bounds_ns(trace_id)
        return any(unix_seconds(window["start"]) <= last_ns // SECOND and unix_seconds(window["end"]) >= first_ns // SECOND
                   for window in coverage["windows_failed"])

    def check(self, group, found, answer, what):
        """Nothing false; all of the truth where that is said; what is missing is named."""
        completed, coverage = answer["status"] == "completed", answer["coverage"]
        self.assertEqual(coverage["complete"], completed, f"{what}: {answer['status']}")
        missed = 0
        for rule in group:
            self.assertEqual(found[rule.id] - self.expected[rule.id], set(), f"{what}: false\n" + self.describe(group, found))
            missing = self.expected[rule.id] - found[rule.id]
            missed += len(missing)
            if completed:
                self.assertEqual(missing, set(), f"{what}: completed, and some are missing\n" + self.describe(group, found))
            unsaid = [trace_id for trace_id in missing if not self.says_unread(coverage, trace_id)]
            self.assertEqual(unsaid, [], f"{what}: missing, and not said; coverage {json.dumps(coverage)[:2000]}")
        reasons = collections.Counter(window["reason"].split(": ")[-1] for window in coverage["windows_failed"])
        print(f"{what}: {answer['status']} {answer.get('reason') or ''}, {sum(len(ids) for ids in found.values())} violations, {missed} missing, "
              f"{answer['queries']} requests; {dict(reasons)}", flush=True)
        return answer["status"]

    def describe(self, group, found):
        return compare.differences(group, self.expected, found, self.random_traces)[:6000]

    def replay_all(self, what):
        """Every group with nothing that happens meanwhile; their statuses."""
        statuses = []
        for number, group in enumerate(self.groups):
            self.proxy.at(0, None)
            found, answer = self.replay(group)
            self.requests.setdefault(number, self.proxy.requests)
            statuses.append(self.check(group, found, answer, f"{what}, group {number}"))
        return statuses

    def replay_while(self, what, event, undo):
        """Every group, with the event somewhere between its first and its last request; after each everything is as before. Their statuses."""
        rng = random.Random(SEED)
        statuses = []
        for number, group in enumerate(self.groups):
            happened = threading.Event()
            at = rng.randint(2, max(2, self.requests[number] * 2 // 3))
            self.proxy.at(at, lambda: (event(), happened.set()))
            found, answer = self.replay(group)
            self.assertTrue(happened.is_set(), f"{what}: the replay was over after {self.proxy.requests} requests, before number {at}")
            statuses.append(self.check(group, found, answer, f"{what} at request {at} of {self.proxy.requests}, group {number}"))
            undo()
        return statuses

    def bring_back(self, *names):
        for name in names:
            if not self.tempo.parts[name].supervisor:
                self.tempo.start_part(name)
        for name in names:
            self.tempo.wait_part(name)
        self.tempo.wait_ring(dict.fromkeys(INGESTERS, "ACTIVE"))

    # ---- the input is what it should be ----

    def test_a_copies_are_one_and_searches_lack_what_others_have(self):
        """Of what was handed over searches show all, and each once. Of what lies with ingesters they show what one of them has; by id it is whole."""
        folders = os.listdir(os.path.join(self.tempo.folder, "blocks", "single-tenant"))
        self.assertGreaterEqual(sum(len(name) == 36 for name in folders), 3, "each ingester hands over blocks of its own")
        for name in INGESTERS:
            self.assertTrue(self.tempo.held_blocks(name), f"{name} holds nothing itself")
        found, young = self.found_spans(), {trace.trace_id for trace in self.young}
        short = [trace_id for trace_id in self.spans if found[trace_id] != set(self.spans[trace_id])]
        self.assertEqual(set(short) - young, set())
        # How many differs with how busy the machine is: a quiet one gives every push to all three, and none lacks any.
        print(f"{len(short)} of {len(young)} young traces lack spans in searches", flush=True)

    def test_b_all_are_there(self):
        self.assertEqual(set(self.replay_all("all are there")), {"completed"})
        for rule, seed in zip(self.rules, (SLOW_DB, INCIDENT, PII_AUDIT)):
            self.assertLessEqual(set(self.planted[TRUTH[seed["id"]]]), self.expected[rule.id])

    def test_b_copies_are_counted_once(self):
        """A rule on the number of spans, which three ingesters and their three blocks hold."""
        sizes = collections.Counter(len(spans) for spans in self.spans.values())
        for size in sorted(sizes)[:3]:
            rule = compare.Rule("count", f"count(trace.has(span.duration >= 0s)) == {size}", None)
            found, answer = self.replay([rule])
            self.assertEqual((answer["status"], len(found["count"])), ("completed", sizes[size]), f"traces of {size} spans")

    # ---- parts that end ----

    def test_c_an_ingester_is_killed(self):
        """Before anybody notices, and after. Two others hold every span, and Tempo asks two."""
        statuses = self.replay_while("an ingester is killed", lambda: self.tempo.kill("ingester-1"), lambda: self.bring_back("ingester-1"))
        self.assertIn("completed", statuses)
        self.tempo.kill("ingester-1")
        self.tempo.wait_ring({"ingester-1": "UNHEALTHY"})
        self.assertEqual(set(self.replay_all("an ingester is away")), {"completed"})

    def test_d_it_comes_back(self):
        if self.tempo.parts["ingester-1"].supervisor:
            self.tempo.kill("ingester-1")
        self.replay_while("an ingester comes back", lambda: self.tempo.start_part("ingester-1"), lambda: self.tempo.kill("ingester-1"))
        self.bring_back("ingester-1")
        self.assertEqual(set(self.replay_all("it is back")), {"completed"})

    def test_e_a_querier_ends(self):
        statuses = self.replay_while("a querier ends", lambda: self.tempo.end("querier-1"), lambda: self.bring_back("querier-1"))
        self.assertIn("completed", statuses)

    def test_f_two_ingesters_are_killed(self):
        """More than the replication factor bears: Tempo says so, and so does the answer."""
        def kill_two():
            self.tempo.kill("ingester-2")
            self.tempo.kill("ingester-3")
        statuses = self.replay_while("two ingesters are killed", kill_two, lambda: self.bring_back("ingester-2", "ingester-3"))
        self.assertNotIn("completed", statuses)
        self.assertEqual(set(self.replay_all("all are back")), {"completed"})


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1, argv=[argument for argument in sys.argv if argument != "--full"])
