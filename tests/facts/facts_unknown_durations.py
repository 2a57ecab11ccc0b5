"""Durations that nobody knows: of spans whose end or start is 0. To Tempo the one lasts less than nothing, the other some 56 years, and both together
nothing. So what is searched for a test of a duration has to find them, and what is subtracted must not. Decisions on it: tempo/api/traceql_duration.c.

The filters are those of the plan cases whose rule is one test of a duration.
"""
import operator
import re
import time

import tempo_case as facts
from facts_traceql import read_cases, section
from tempo_case import SECOND, otlp

GUARD = " && duration <= 9223372036854775807ns"
YEAR = 365 * 86400 * SECOND
UNITS = {"h": 3600 * SECOND, "s": SECOND, "ms": SECOND // 1000, "ns": 1}
ORDER = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
# (start, end) by the time at which an ordinary span begins
UNKNOWN = {"no end": lambda t: (t, 0), "no start": lambda t: (0, t + SECOND), "neither": lambda t: (0, 0)}
KNOWN = {"nothing": 0, "1 ns": 1, "1 s": SECOND, "1 s and 1 ns": SECOND + 1, "1.5 s": 1_500_000_000, "1.5 s and 1 ns": 1_500_000_001, "2 s": 2 * SECOND, "an hour": 3600 * SECOND,
         "5 ms backwards": -5_000_000, "an hour backwards": -3600 * SECOND, "a year and an hour": YEAR + 3600 * SECOND}
TEST = re.compile(r"trace\.has\((not \()?span\.duration (==|!=|<=|<|>=|>) (\d+)(h|s|ms|ns)\)*")


def pushed_span(trace_id, name, start_ns, end_ns):
    made = otlp.span(trace_id, name, start_ns)
    made["endTimeUnixNano"] = str(end_ns)
    return made


class UnknownDurations(facts.TempoCase):
    config = "fast"

    @classmethod
    def prepare(cls):
        cls.at = (int(time.time()) - 6) * SECOND
        times = {label: make(cls.at) for label, make in UNKNOWN.items()}
        times |= {label: (cls.at - max(ns - SECOND, 0), cls.at - max(ns - SECOND, 0) + ns) for label, ns in KNOWN.items()}
        cls.ids = {label: otlp.new_trace_id() for label in times}
        # A span with times beside each: no search finds a trace of which none has an end.
        cls.tempo.push([span for label, one in times.items()
                        for span in (otlp.span(cls.ids[label], "beside", cls.at), pushed_span(cls.ids[label], "odd", *one))])
        cls.wait_found('{ name = "beside" }', cls.ids.values())
        cls.push_hidden()

    @classmethod
    def push_hidden(cls):
        """Pages of one kind of span each, so that a page's lowest and highest value say what is hidden."""
        cls.hidden = {label: otlp.new_trace_id() for label in UNKNOWN}
        for label, make in UNKNOWN.items():
            cls.tempo.push([otlp.span(cls.hidden[label], f"hidden {label}", cls.at, 7 * SECOND), pushed_span(cls.hidden[label], f"hidden {label}", *make(cls.at))])
            cls.wait_found(f'{{ name = "hidden {label}" }}', [cls.hidden[label]])

    def found(self, query):
        """The labels of what the query finds by the odd spans."""
        ids = set(self.search('{ name = "odd" && (' + query.strip("{} ") + ") }"))
        return {label for label, trace_id in self.ids.items() if trace_id in ids}

    def cases_of_one_test(self):
        """(violating query, what is meant of what is known) of each case whose condition is one test."""
        for case in read_cases():
            match = TEST.fullmatch(case["rule"])
            if match and section(case, "violating")[0] != "every trace":
                bound = int(match[3]) * UNITS[match[4]]
                yield section(case, "violating")[0], {label for label, ns in KNOWN.items() if ORDER[match[2]](max(ns, 0), bound) != bool(match[1])}

    def test_what_tempo_takes_them_for(self):
        self.assertEqual(self.found("duration <= 0ns" + GUARD) & set(UNKNOWN), {"no end", "neither"})
        self.assertEqual(self.found(f"duration > {YEAR}ns" + GUARD), {"no start", "a year and an hour"})
        self.assertEqual(self.found("duration = 0ns" + GUARD), {"nothing", "neither"})
        self.assertEqual(self.found("duration > 2s" + GUARD) & set(UNKNOWN), {"no start"})
        self.assertEqual(self.found("duration < 2s" + GUARD) & set(UNKNOWN), {"no end", "neither"})

    def test_what_is_searched_finds_them_and_all_that_is_meant(self):
        checked = 0
        for query, meant in self.cases_of_one_test():
            self.assertLessEqual(meant | set(UNKNOWN), self.found(query), query)
            checked += 1
        self.assertGreaterEqual(checked, 5)

    def test_what_is_searched_is_selective(self):
        for query, meant in self.cases_of_one_test():
            ordinary = {label for label, ns in KNOWN.items() if 0 < ns < YEAR}
            self.assertEqual(self.found(query) & ordinary, meant & ordinary, query)

    def test_what_is_subtracted_finds_none_of_them(self):
        checked = 0
        for case in read_cases():
            match = re.fullmatch(r"not trace\.has\(span\.duration (==|!=|<=|<|>=|>) (\d+)(h|s|ms|ns)\)", case["rule"])
            if match:
                bound = int(match[2]) * UNITS[match[3]]
                query, = section(case, "subtract")
                self.assertEqual(self.found(query), {label for label, ns in KNOWN.items() if 0 < ns < YEAR and ORDER[match[1]](ns, bound)}, query)
                checked += 1
        self.assertGreaterEqual(checked, 3)

    def test_they_hide_nothing_of_their_page_from_what_is_searched(self):
        for query, meant in self.cases_of_one_test():
            for label, trace_id in self.hidden.items():
                self.assertIn(trace_id, self.search('{ name = "hidden ' + label + '" && (' + query.strip("{} ") + ") }"), query)

    def test_and_would_without_the_guard(self):
        hides = {label for label, trace_id in self.hidden.items() if trace_id not in self.search(f'{{ name = "hidden {label}" && duration = 7s }}')}
        self.assertIn("no end", hides)

    def test_in_one_query_with_others(self):
        """As several rules are searched for at once, and as alternatives of one rule."""
        wide = f"(!(duration <= 2s && duration > 0s){GUARD})"
        self.assertLessEqual(set(UNKNOWN) | {"an hour"}, self.found(f'(name = "none") || {wide}'))
        self.assertLessEqual(set(UNKNOWN) | {"an hour", "1 s"}, self.found(f"{wide} || (duration = 1s{GUARD})"))
        self.assertEqual(self.found(f'{wide} && span.none = "x"'), set())


class UnknownDurationsInBlocks(facts.InCompletedBlocks, UnknownDurations):
    pass


if __name__ == "__main__":
    facts.main()
