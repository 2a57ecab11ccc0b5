"""So many traces in a day that the spans which decide them are searched for in windows of time, on a real Tempo. Some traces are longer than a window shows:
their parts lie hours apart, in blocks of their own, and each may look satisfied alone. What a replay finds is what was planted, whichever way it takes.

Without windows the test would see nothing, so it looks at what Tempo was asked."""
import json
import os
import random
import sys
import time
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", folder) for folder in ("support", "tempo")]
import otlp  # noqa: E402
from betrace_process import run_cli  # noqa: E402
from http_wire import Proxy, send_whole  # noqa: E402
from random_tempo import BLOCK_SECONDS, tempo_with_short_blocks  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND, HOUR = 1_000_000_000, 3600
TRACES = 46000  # four reads by id, and more
LONG, AT_ONCE = 40, 2000  # of each kind
SEED = int(os.environ.get("BETRACE_SEED", "632"))
RULE = 'trace.has(span.name == "slow") and not (count(span.name == "retry") == 1)'
OFTEN = 'trace.has(span.name == "slow") and not (count(span.name == "retry") == 2)'
LISTED = 500


class Windows(Proxy):
    """Notes the beginnings of the ranges that spans were asked for in."""

    def __init__(self, upstream):
        super().__init__(upstream, self.note)
        self.starts = set()

    def note(self, wire, request, answer):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.target).query))
        got = answer()
        # by(span:id) is of questions for some spans; one for whole traces names their ids
        if got.status == 200 and "by(span:id)" in query.get("q", "") and '"retry"' in query["q"]:
            self.starts.add(int(query["start"]))
        send_whole(wire, request, got)
        return True


class PartsOfTheDay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rng = random.Random(SEED)
        print(f"seed {SEED}", flush=True)
        cls.tempo = tempo_with_short_blocks().start()
        cls.addClassCleanup(cls.tempo.stop)
        cls.end = int(time.time()) - 2 * HOUR
        cls.start = cls.end - 24 * HOUR
        cls.violating, later = set(), []
        first = [span for number in range(TRACES) for span in cls.trace(number, later)]
        cls.push_all(first)
        time.sleep(BLOCK_SECONDS + 1)
        cls.push_all(later)
        cls.tempo.wait_until(lambda: cls.is_there("retry", later), "the later parts are searchable")

    @classmethod
    def trace(cls, number, later):
        """Its spans; those of another block go into `later`."""
        at = (cls.start + cls.rng.random() * 24 * HOUR) * SECOND
        trace_id, kind = otlp.new_trace_id(), number % (TRACES // LONG)
        slow, retry = otlp.span(trace_id, "slow", int(at)), otlp.span(trace_id, "retry", int(at) + 1000)
        if kind > 3:
            return [slow, retry]
        # one soon after, one hours after, one hours before; and the only one, hours after
        apart = (cls.rng.uniform(1, 600), cls.rng.uniform(HOUR, 20 * HOUR), -cls.rng.uniform(HOUR, 20 * HOUR), cls.rng.uniform(HOUR, 20 * HOUR))[kind]
        other = min(max(int(at + apart * SECOND), cls.start * SECOND), (cls.end - 1) * SECOND)
        later.append(otlp.span(trace_id, "retry", other))
        if kind < 3:
            cls.violating.add(trace_id)
        return [slow] if kind == 3 else [slow, retry]

    @classmethod
    def push_all(cls, spans):
        for at in range(0, len(spans), AT_ONCE):
            cls.tempo.push(spans[at:at + AT_ONCE])

    @classmethod
    def is_there(cls, name, spans):
        wanted = {span["traceId"].lstrip("0") for span in spans}
        found = cls.tempo.search(f'{{ name = "{name}" && trace:id =~ "{"|".join(sorted(wanted))}" }}', start=cls.start, end=cls.end + HOUR, limit=len(wanted) + 1)
        return len(found) == len(wanted)

    def replay(self, rules, *more):
        files = ["--dsl", RULE] if rules == 1 else [self.rule_file(rules)]
        with Windows(self.tempo.url) as proxy:
            done = run_cli("replay", *files, "--tempo", proxy.url, "--start", self.start, "--end", self.end, "--settle", "1m", "--count", "at_least", "--limit", "0",
                           "--json", *more, timeout=600)
        self.assertEqual(done.returncode, 1, done.stderr[-500:])
        return json.loads(done.stdout), proxy.starts

    def test_violations_that_are_counted(self):
        done = run_cli("replay", "--dsl", OFTEN, "--tempo", self.tempo.url, "--start", self.start, "--end", self.end, "--settle", "1m", "--count", "at_least",
                       "--limit", "1", "--evidence", LISTED, "--json", timeout=600)
        self.assertEqual(done.returncode, 1, done.stderr[-500:])
        answer = json.loads(done.stdout)
        rule = answer["rules"][0]
        self.assertEqual(answer["status"], "completed", json.dumps(answer)[:600])
        self.assertEqual(rule["violations_found"], TRACES - len(self.violating))
        self.assertGreaterEqual(rule["violations_listed"], LISTED)
        self.assertLess(answer["traces_read"], TRACES * 0.2, json.dumps({**answer, "violations": []})[:3000])

    def rule_file(self, rules):
        path = os.path.join(self.tempo.folder, "rules.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"rules": [{"id": f"r{number}", "dsl": RULE} for number in range(rules)]}, file)
        return path

    def check(self, rules, *more):
        answer, starts = self.replay(rules, *more)
        self.assertGreater(len(starts), 1, "the day was not divided")
        self.assertEqual(answer["status"], "completed", json.dumps(answer)[:600])
        self.assertEqual({violation["trace_id"] for violation in answer["violations"]}, self.violating)
        self.assertEqual([(rule["violations_found"], rule["strategy"]) for rule in answer["rules"]], [(len(self.violating), "projection")] * rules)
        self.assertGreater(answer["traces_decided_unread"], TRACES * 0.9, "spans decided little")

    def test_spans_that_come_first(self):
        self.check(1)

    def test_spans_of_candidates(self):
        self.check(2, "--strategy", "projection")


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=2)
