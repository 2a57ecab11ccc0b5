"""Spans of another time hide no violation, on the real Tempo. One further span of a trace is at time 0, of 1970, 60 days early or in the future. Or it has
no end, or ends before it starts. Tempo then says of the trace what cannot be: it starts at 0, or its length, a uint32 of milliseconds, has wrapped. The spans
that break the rule lie in the range still, so the violation is told, whatever the strategy and the count.
"""
import json
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import run_cli  # noqa: E402
from counting_proxy import CountingProxy  # noqa: E402
import otlp  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND, MINUTE, HOUR, DAY = 10**9, 60 * 10**9, 3600 * 10**9, 86400 * 10**9
WRAP = 2**32 * 10**6  # nanoseconds of so many milliseconds as 32 bits do not hold
# The further span of a trace whose others start at `at`: (its start, its end).
ODD = {
    "none": None,
    "at 0": lambda at: (0, SECOND),
    "at 0, before the others": lambda at: (0, SECOND),
    "at 0, without an end": lambda at: (0, 0),
    "without an end": lambda at: (at + SECOND, 0),
    "five minutes after 1970 began": lambda at: (300 * SECOND, 301 * SECOND),
    "60 days early": lambda at: (at - 60 * DAY, at - 60 * DAY + SECOND),
    "early by what wraps": lambda at: (at - WRAP - 2 * SECOND, at - WRAP - SECOND),
    "two hours early": lambda at: (at - 2 * HOUR, at - 2 * HOUR + SECOND),
    "two hours late": lambda at: (at + 2 * HOUR, at + 2 * HOUR + SECOND),
    "in 60 days": lambda at: (at + 60 * DAY, at + 60 * DAY + SECOND),
    "in the year 2200": lambda at: (7258118400 * SECOND, 7258118401 * SECOND),
    "it ends before it starts": lambda at: (at + SECOND, at - 60 * DAY),
    "it goes on for 60 days": lambda at: (at, at + 60 * DAY),
}
# A trace that says that it goes on in the future may still get what it lacks.
LASTING = ("in 60 days", "in the year 2200", "it goes on for 60 days")
RULES = {
    "never": "never { retry }",
    "absence": "when { checkout } always { payment }",
    "count": "count(retry) > 1",
    "order": "when { checkout } never { checkout before retry }",
}
WAYS = ([], ["--count", "exact"], ["--count", "at_least"], ["--strategy", "read"], ["--strategy", "id_sets"], ["--strategy", "projection"])


def span_of(trace, name, start_ns, end_ns):
    made = otlp.span(trace, name, start_ns)
    return {**made, "endTimeUnixNano": str(end_ns)}


class OddTimes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tempo = TempoServer(config="fast", closes_blocks=True).start()
        cls.addClassCleanup(cls.tempo.stop)
        cls.at = (int(time.time()) - 5 * 3600) * SECOND
        cls.violating, cls.names = set(), {}
        first, later = [], []
        for number, (odd, times) in enumerate(ODD.items()):
            for apart in (False, True):
                for violates in (True, False):
                    cls.add_trace(first, later, cls.at + number * SECOND, odd, times, apart, violates)
        cls.tempo.push(first, service="shop")
        cls.tempo.wait_until(lambda: len(cls.tempo.search('{ name = "checkout" }', *cls.seconds(), limit=1000)) >= len(cls.names), "all are searchable")
        cls.tempo.close_blocks()
        cls.tempo.push(later, service="shop")
        last = later[-1]["traceId"]
        cls.tempo.wait_until(lambda: len(cls.tempo.trace(last)) >= 3, "the last one is there")

    @classmethod
    def seconds(cls):
        return cls.at // SECOND - 600, cls.at // SECOND + 600

    @classmethod
    def add_trace(cls, first, later, at, odd, times, apart, violates):
        trace = otlp.new_trace_id()
        cls.names[trace] = f"{odd}{', apart' if apart else ''}"
        spans = ["checkout", "retry", "retry"] if violates else ["checkout", "payment"]
        first += [span_of(trace, name, at + i * SECOND, at + (i + 1) * SECOND) for i, name in enumerate(spans)]
        if violates:
            cls.violating.add(trace)
        if times:
            into = later if apart else first
            into.insert(len(into) - len(spans) if "before the others" in odd and not apart else len(into), span_of(trace, "device.boot", *times(at)))

    def replay(self, url, rule, start_ns, end_ns, *more):
        done = run_cli("replay", "--tempo", url, "--dsl", RULES[rule], "--start", str(start_ns), "--end", str(end_ns), "--limit", "0", "--json", *more)
        self.assertIn(done.returncode, (0, 1, 3), done.stderr)
        return json.loads(done.stdout)

    def named(self, ids):
        return sorted(self.names.get(one, one) for one in ids)

    def test_no_violation_is_hidden(self):
        ranges = {"a day": (self.at - 12 * HOUR, self.at + 4 * HOUR), "these minutes": (self.at - MINUTE, self.at + MINUTE)}
        for rule in RULES:
            for name, (start, end) in ranges.items():
                for way in WAYS:
                    with self.subTest(rule=rule, range=name, way=way):
                        answer = self.replay(self.tempo.url, rule, start, end, *way)
                        told = {one["trace_id"] for one in answer["violations"]}
                        still_going_on = {one for one in self.violating if rule == "absence" and self.names[one].startswith(LASTING)}
                        self.assertEqual(self.named(self.violating - told - still_going_on), [], "not told")
                        self.assertEqual(self.named(told - self.violating), [], "told, and none")
                        self.assertGreaterEqual(answer["inconclusive"], len(still_going_on - told))
                        self.assertEqual(answer["status"], "completed", answer["reason"] if "reason" in answer else "")

    def test_a_duration_that_nobody_knows_settles_nothing(self):
        """Whether it is asked to be long or short. What came in a block of its own is shown by no search, and what lies ahead is not settled."""
        rules = ("when { checkout } never { device.boot.where(duration > 2s) }", "when { device.boot } always { device.boot.where(duration < 2s) }",
                 "when { checkout } never { device.boot.where(duration < 2s) }", "device.boot.where(duration > 2s)")
        unknown = {one for one, name in self.names.items() if name in ("without an end", "at 0, without an end")}
        self.assertEqual(len(unknown), 4)
        for rule in rules:
            for way in WAYS:
                with self.subTest(rule=rule, way=way):
                    if "id_sets" in way and "when { device.boot }" not in rule:
                        continue  # nothing can be subtracted
                    if "projection" in way and "when" not in rule:
                        continue
                    answer = self.judge(rule, *way)
                    self.assertEqual(self.named({one["trace_id"] for one in answer["violations"]} & unknown), [])
                    self.assertGreaterEqual(answer["inconclusive"], 4, answer)
                    self.assertEqual(answer["status"], "completed", answer.get("reason"))

    def judge(self, rule, *more):
        done = run_cli("replay", "--tempo", self.tempo.url, "--dsl", rule, "--start", str(self.at - 12 * HOUR), "--end", str(self.at + 4 * HOUR), "--limit", "0", "--json", *more)
        self.assertIn(done.returncode, (0, 1, 3), done.stderr)
        return json.loads(done.stdout)

    def test_it_says_that_searches_show_no_trace_without_any_end(self):
        answer = self.replay(self.tempo.url, "never", self.at - 12 * HOUR, self.at + 4 * HOUR)
        # What is read: of two kinds, together and apart, the violating ones at least.
        self.assertGreaterEqual(answer["coverage"]["unended"], 4)
        text = run_cli("replay", "--tempo", self.tempo.url, "--dsl", RULES["never"], "--start", str(self.at - 12 * HOUR), "--end", str(self.at + 4 * HOUR)).stdout
        self.assertIn("searches never show a trace whose spans all lack one", text)

    def test_what_lies_outside_stays_outside(self):
        answer = self.replay(self.tempo.url, "never", self.at - 90 * MINUTE, self.at - 60 * MINUTE)
        self.assertEqual(self.named(one["trace_id"] for one in answer["violations"]), [])

    def test_a_span_of_1970_does_not_make_it_ask_week_by_week(self):
        with CountingProxy(self.tempo.url) as proxy:
            self.replay(proxy.url, "absence", self.at - 12 * HOUR, self.at + 4 * HOUR)
        self.assertLess(proxy.requests, 200)


if __name__ == "__main__":
    require_tempo()
    unittest.main()
