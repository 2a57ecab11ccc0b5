"""What families of linked traces have at their edges, from a seed of its own. Texts that are numbers and texts that Tempo cuts, counts of what was dropped, keys that
stand twice, two records of one span that differ, and times of 0. And rules over links that ask for it. It is to random_links.py what random_edges.py is to random_spans.py.
"""
import random

from random_edges import DROPPED, DROPPED_FIELDS
from random_links import FAMILY_SECONDS, SECOND, LinkedRuleWriter, random_families, random_id
from random_rules import quote
from random_spans import STORED_BYTES

KINDS = ("texts", "dropped", "doubled", "copies", "times")
NUMBERS = ("1", "1", "2", "0", "1.0", "01", "10e-1", "true", "")
LONG_TEXTS = ("x" * STORED_BYTES, "x" * STORED_BYTES + "y", "x" * (STORED_BYTES - 1) + "\u00fc", "1" + "0" * STORED_BYTES)
DOUBLED_VALUES = (0, 1, 1, 2, "1", "x", 1.0, True)


def give_texts(rng, trace, span):  # pylint: disable=unused-argument
    span.attrs["k"] = rng.choice((*NUMBERS, *LONG_TEXTS))


def drop(rng, trace, span):  # pylint: disable=unused-argument
    """Links first of all: such a span may link to others."""
    attributes, events, links = DROPPED
    span.said = {links: rng.choice((0, 1, 7)), rng.choice((attributes, events)): rng.choice((0, 1))}


def double_keys(rng, trace, span):  # pylint: disable=unused-argument
    """In the span, or in each of its links."""
    others = [("k", rng.choice(DOUBLED_VALUES)) for _ in range(rng.choice((1, 1, 2)))]
    if len(span.links) in range(1, 4) and rng.randrange(3) == 0:
        span.link_doubled = [("n", value) for _, value in others]
    else:
        span.attrs["k"] = rng.choice(DOUBLED_VALUES)
        span.doubled = others


def bring_together(trace):
    """In one push: of records of two blocks Tempo gives one, and none of what lacks an end and lies in a block alone."""
    for span in trace.spans:
        span.fragment, span.twice = trace.spans[0].fragment, False


def copy(rng, trace, span):
    """The other record differs in its attributes, its status, its end or its links."""
    bring_together(trace)
    end_ns = span.start_ns + span.duration_ns + rng.choice((1_000_000, SECOND))
    span.copy = rng.choice(({"attributes": [{"key": "k", "value": {"intValue": str(rng.randrange(3))}}]}, {"attributes": []}, {"status": {"code": 2}}, {"status": {"code": 0}},
                            {"endTimeUnixNano": str(end_ns)}, {"links": []}))


def lose_times(rng, trace, span):
    """Of one span, which others stand beside. A start only beside one other, as in random_spans.py."""
    if len(trace.spans) > 1 and not any(other.lacks for other in trace.spans):
        bring_together(trace)
        span.lacks = rng.choice((("endTimeUnixNano",), ("startTimeUnixNano",), ("startTimeUnixNano", "endTimeUnixNano"))[:3 if len(trace.spans) == 2 else 1])


CHANGES = {"texts": give_texts, "dropped": drop, "doubled": double_keys, "copies": copy, "times": lose_times}


def known_ids(traces):
    """Theirs, and those that they link to."""
    return {trace.trace_id for trace in traces} | {one[0] for trace in traces for span in trace.spans for one in span.links}


def linked_edge_traces(seed, kind, families, start_ns, over_ns, foreign):
    """The traces of so many families; in three of four of them every third span is of the kind. None is tied to an id of `foreign`, those of the Tempo's other traces."""
    rng = random.Random(f"{seed} linked {kind}")
    made = random_families(rng, families, start_ns, over_ns - FAMILY_SECONDS * SECOND, foreign, may_thin=False)
    for family in made:
        spans = [(trace, span) for trace in family for span in trace.spans]
        for _, span in spans:
            span.links = [one if not one[0] or one[0] not in foreign else (random_id(rng, 32, 0), one[1]) for one in span.links]
        if rng.randrange(4):
            for trace, span in rng.sample(spans, (len(spans) + 2) // 3):
                CHANGES[kind](rng, trace, span)
    return sum(made, [])


class LinkedEdgeRuleWriter(LinkedRuleWriter):
    """Half of its spans are those that something at an edge decides."""

    def spans(self):
        return super().spans() if self.chance(2) else self.edge_spans()

    def edge_spans(self):
        text = quote(self.one(*NUMBERS[:6], *(one[:STORED_BYTES] for one in LONG_TEXTS)))
        test = self.one(f"k == {text}", f"k != {text}", f"span.k in [{text}, 2]", "k starts_with \"x\"", "k >= 1", "span.k == true", "k == 1", "not exists(k)",
                        f"{self.one(*DROPPED_FIELDS)} {self.one('==', '>')} 0", "not exists(link.trace_id)", f"link.n {self.one('==', '!=', '>')} {self.one('1', '3')}",
                        f"span.duration {self.one('>', '<=')} {self.one('0ms', '1ms', '2ms')}", "span.status != error")
        return f"{self.one('a', 'b', 'c')}.where({test})" if self.chance(2) else f"span({test})"


def random_linked_edge_rule(rng):
    """One rule's text. Most of them compile."""
    return LinkedEdgeRuleWriter(rng).rule()
