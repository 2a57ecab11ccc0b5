"""The property of test_property_tempo.py on a Tempo near its defaults. Random traces are pushed live, in three pushes
six seconds apart. Random rules are replayed again and again while blocks go from the ingester to the backend. No
trace is called violating that is not, and a replay that says completed has all that are.

But for one thing, which nobody outside of Tempo can see through: in the middle of a hand-over, for a second or two with this config, neither search nor
a read by id shows a block at all (measured on 2.8; the gap ends with the backend's next poll). So a watcher looks at all spans all the time. Replays
during which it saw some missing are counted; of the others every answer has to be right.

BETRACE_SEED picks another seed (it is printed), BETRACE_RULES the number of rules; --full takes more of them and watches longer.
"""
import collections
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
from random_rules import random_rule  # noqa: E402
from random_spans import FRAGMENTS, fragment_requests, random_traces  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND = 1_000_000_000
FULL = "--full" in sys.argv
SEED = int(os.environ.get("BETRACE_SEED", "20253"))
RULES = int(os.environ.get("BETRACE_RULES", "120" if FULL else "24"))
WATCHED_SECONDS = 300 if FULL else 75
WANTED_COMPLETED, PATIENCE_SECONDS = 3, 600
TRACES, GROUP, SETTLE_SECONDS, PUSH_PAUSE_SECONDS, LONGEST_SECONDS, WATCHER_SECONDS = 300, 8, 15, 6, 5, 1
LATENESS_SECONDS = 30  # of the first spans in the last push


def shorten(traces):
    """No span lasts longer than a trace may take to settle here."""
    for trace in traces:
        for span in trace.spans:
            span.duration_ns = min(span.duration_ns, 2 * SECOND)


class Watcher(threading.Thread):
    """Asks again and again whether search shows all spans, and remembers when it did not."""

    def __init__(self, tempo, traces, start, end):
        super().__init__(daemon=True)
        self.tempo, self.range = tempo, (start, end)
        self.wanted = sum(len(trace.spans) for trace in traces)
        self.gaps, self.looks = [], 0  # gaps: (begin, end) of the looks that lacked something
        self.ending = threading.Event()

    def run(self):
        while not self.ending.wait(0.2):
            begin = time.monotonic()
            found = self.tempo.found_spans("{} | by(span:id) | select(name)", *self.range, limit=100000)
            self.looks += 1
            if sum(map(len, found.values())) < self.wanted:
                self.gaps.append((begin, time.monotonic()))

    def saw_a_gap(self, begin, end):
        """Whether a look that lacked something was taken close to this time."""
        return any(gap_end > begin - WATCHER_SECONDS and gap_begin < end + WATCHER_SECONDS for gap_begin, gap_end in self.gaps)


class PropertyOnStockTempo(unittest.TestCase):
    def test_no_moment_is_false(self):
        print(f"seed {SEED}", flush=True)
        rng = random.Random(SEED)
        with tempfile.TemporaryDirectory(prefix="betrace-stock-") as folder, TempoServer(config="stock") as tempo:
            self.folder, self.tempo = folder, tempo
            self.start = int(time.time()) - 15
            self.end = self.start + 15
            self.traces = random_traces(rng, TRACES, self.start * SECOND, (self.end - self.start - LONGEST_SECONDS) * SECOND)
            shorten(self.traces)
            self.push_all(rng)
            self.rules, refused = compare.compile_rules([random_rule(rng, plain=number % GROUP > 0) for number in range(RULES)])
            verdicts = compare.evaluate(folder, self.rules, compare.write_traces(folder, self.traces))
            self.expected = {rule.id: verdicts[rule.id]["violated"] for rule in self.rules}
            print(f"{len(self.rules)} rules ({refused} refused), {sum(map(len, self.expected.values()))} violations, "
                  f"strategies {dict(collections.Counter(map(compare.strategy, self.rules)))}", flush=True)
            self.assertGreater(sum(bool(ids) for ids in self.expected.values()), len(self.rules) // 2)
            watcher = Watcher(tempo, self.traces, self.start - 60, self.end + 60)
            watcher.start()
            outcomes = self.watch(watcher)
            watcher.ending.set()
            watcher.join(30)
            print(f"replays: {dict(outcomes)}; {len(watcher.gaps)} of {watcher.looks} looks at Tempo lacked spans", flush=True)
            self.assertGreaterEqual(outcomes["completed"], WANTED_COMPLETED, outcomes)

    def push_all(self, rng):
        for fragment in range(FRAGMENTS):
            for request in fragment_requests(rng, self.traces, fragment):
                status, _, body = self.tempo.push_request(request)
                self.assertTrue(status == 200 and b"rejected" not in body, body)
            if fragment + 1 < FRAGMENTS:
                time.sleep(PUSH_PAUSE_SECONDS)
        # From then on every trace is settled.
        time.sleep(max(0.0, self.end + SETTLE_SECONDS + 3 - time.time()))

    def watch(self, watcher):
        """Replays group after group until the time is over and some were complete (on a slow machine that takes longer); returns how often each outcome came."""
        outcomes = collections.Counter()
        begin, first = time.monotonic(), 0
        while time.monotonic() < begin + (WATCHED_SECONDS if outcomes["completed"] >= WANTED_COMPLETED else PATIENCE_SECONDS):
            rules = self.rules[first:first + GROUP]
            first = first + GROUP if first + GROUP < len(self.rules) else 0
            asked = time.monotonic()
            found, answer = compare.replay(self.folder, rules, self.tempo.url, "--start", self.start - 1, "--end", self.end + 5, "--settle",
                                           f"{SETTLE_SECONDS}s", "--lateness", f"{LATENESS_SECONDS}s")
            answered = time.monotonic()
            time.sleep(WATCHER_SECONDS)  # for the watcher's next look
            if watcher.saw_a_gap(asked, answered):
                outcomes[f"{answer['status']} in a gap of Tempo's"] += 1
                continue
            # Of a range that is settled in part the rest says nothing yet.
            is_whole = answer["coverage"]["effective_end"] == answer["coverage"]["asked"]["end"]
            outcomes[answer["status"] if is_whole else answer["status"] + " in part"] += 1
            if is_whole or answer["status"] != "completed":
                self.check(rules, found, answer, answered - begin)
        return outcomes

    def check(self, rules, found, answer, seconds):
        is_complete = answer["status"] == "completed"
        expected = self.expected if is_complete else {rule.id: self.expected[rule.id] & found[rule.id] for rule in rules}
        wrong = compare.differences(rules, expected, found, self.traces)
        if wrong:
            how = collections.Counter((v["rule_id"], v["confirmed"]) for v in answer["violations"])
            self.fail(f"seed {SEED}, {answer['status']} {answer.get('reason')}, {seconds:.0f} s after the last trace was settled, {dict(how)}:\n{wrong}")
        if not is_complete:
            self.assertTrue(answer["reason"], answer)


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1, argv=[argument for argument in sys.argv if argument != "--full"])
