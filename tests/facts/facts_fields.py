"""What filters on a span's own fields find, by every operator that the planner writes: name, status message, kind, status, duration. They are right on every
version, in the write-ahead log and in completed blocks: `!=` and `!~` too, which of attributes they are not. Decisions on them: dsl/plan/pushdown.c.
"""
import operator
import re
import time

import tempo_case as facts
from tempo_case import SECOND, otlp

TEXTS = ("a", "ab", "", "nil", "a\nb")
# Numbers that OTLP does not know have no name: they are equal to none, and unequal to each.
STRANGE = 9
GUARD = " && duration <= 9223372036854775807ns"
DURATIONS = (-5 * SECOND, 0, 1, SECOND, 5 * SECOND, 7200 * SECOND)
ORDER = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def cells():
    """(field, value) for one span each; of the other fields each has the same."""
    found = [(field, text) for field in ("name", "statusMessage") for text in TEXTS]
    found += [("kind", number) for number in (*otlp.KINDS.values(), STRANGE)] + [("status", number) for number in (*otlp.STATUSES.values(), STRANGE)]
    return found + [("duration", ns) for ns in DURATIONS]


def span_of(field, value, base):
    span = otlp.span(otlp.new_trace_id(), "cell", base, value if field == "duration" else SECOND // 2)
    if field == "name":
        span["name"] = value
    elif field == "kind":
        span["kind"] = value
    elif field == "status":
        span["status"] = {"code": value}
    elif field == "statusMessage":
        span["status"] = {"code": 2, "message": value}
    return span


def text_queries(field):
    for text in TEXTS:
        literal = '"' + text.replace("\n", "\\n") + '"'
        for op in ("=", "!="):
            yield f"{field} {op} {literal}", lambda value, o=ORDER[op], t=text: o(value, t)
    for pattern in ("a.*", "(?s:.*)b", "n[il]+"):
        yield f'{field} =~ "{pattern}"', lambda value, p=pattern: bool(re.fullmatch(p, value, re.DOTALL))
        yield f'{field} !~ "{pattern}"', lambda value, p=pattern: not re.fullmatch(p, value, re.DOTALL)


def word_queries(field, words):
    for word, number in words.items():
        yield f"{field} = {word}", lambda value, n=number: value == n
        yield f"{field} != {word}", lambda value, n=number: value != n
    names = list(words)
    both = " && ".join(f"{field} != {name}" for name in names[1:])
    yield both, lambda value: value in (words[names[0]], STRANGE)


def duration_queries():
    """A span that ends before it starts lasts less than nothing for Tempo, and hides others without the guard (facts_traceql)."""
    for text, bound in (("1ns", 1), ("1s", SECOND), ("5s", 5 * SECOND)):
        for op, holds in ORDER.items():
            yield f"duration {op} {text}{GUARD}", lambda value, b=bound, h=holds: h(value, b)
    yield f"duration > 0ns{GUARD}", lambda value: value > 0
    yield f"duration <= 0ns{GUARD}", lambda value: value <= 0


QUERIES = {"name": list(text_queries("name")), "statusMessage": list(text_queries("statusMessage")), "kind": list(word_queries("kind", otlp.KINDS)),
           "status": list(word_queries("status", otlp.STATUSES)), "duration": list(duration_queries())}


class FieldFacts(facts.TempoCase):
    """The cells of each field are asked among themselves: `name != "a"` is true of all others."""
    @classmethod
    def prepare(cls):
        cls.spans = {(field, value): span_of(field, value, time.time_ns() - 3 * SECOND) for field, value in cells()}
        cls.tempo.push(list(cls.spans.values()))
        cls.wait_found("{}", [span["traceId"] for span in cls.spans.values()])

    def test_every_filter_finds_what_it_says(self):
        for field, queries in QUERIES.items():
            ids = {value: span["traceId"] for (its, value), span in self.spans.items() if its == field}
            for query, holds in queries:
                found = set(self.search("{ " + query + " }"))
                seen = {value for value, trace_id in ids.items() if trace_id in found}
                self.assertEqual(seen, {value for value in ids if holds(value)}, f"{query} in {self.place}")


class Log(FieldFacts):
    config = "fast"
    place = "the log"


class Completed(FieldFacts):
    config = "fast"
    place = "a completed block"
    closes_blocks = True

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.tempo.close_blocks()


if __name__ == "__main__":
    facts.main()
