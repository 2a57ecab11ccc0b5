"""Random families of linked traces as OTLP, and rules that follow links, from a seed. It is for replays on a Tempo what
tests/diff/random_family.c is for the two evaluators. Names, times and ids of spans are few, so that they meet. There
are fan-out, fan-in, batches of a hundred links and cycles of links. Links go to the own trace, to a trace that nobody
has and to none. Ids begin with zeros, and two traces of a family have equal span ids.

A LinkedTrace is a trace as random_tempo.py pushes it and replay_compare.py takes it. Families are tied to others, too,
but those of which some traces were thinned out (.may_be_pruned): of them the verdict hangs on which other traces the
family was gathered with.
"""
import otlp
from random_spans import as_it_is, as_stored, attributes

MILLISECOND, SECOND = 1_000_000, 1_000_000_000
MOST_TRACES, BATCH = 6, 100
FRAGMENTS = 3
NAMES = ("a", "a", "b", "c")
ZEROS = (0, 0, 0, 1, 2, 3, 16, 30)  # digits in front of an id of a trace,
SPAN_ZEROS = (0, 0, 0, 1, 2, 15)  # and of a span
# When a trace of a family starts and a span of a trace.
TRACE_STARTS_NS = (0, 0, 0, MILLISECOND, 2 * MILLISECOND, SECOND, 3 * SECOND, 40 * SECOND, 300 * SECOND)
SPAN_STARTS_NS = (0, 0, MILLISECOND, MILLISECOND, 2 * MILLISECOND, 3 * MILLISECOND, 5 * MILLISECOND, SECOND, 2 * SECOND)
DURATIONS_NS = (0, MILLISECOND, 2 * MILLISECOND, 4 * MILLISECOND, 2 * SECOND)
BOUNDS = ("1ms", "2ms", "5ms", "1s", "4s", "1m", "1m", "10m", "10m")
LONGEST_BOUND_S = 600
FAMILY_SECONDS = 310  # from the start of its first trace to the end of its last, at most


def random_id(rng, digits, zeros):
    """Not all zeros, which is none."""
    return "0" * zeros + "".join(rng.choice("123456789abcdef") for _ in range(digits - zeros))


class LinkedSpan:
    """One span: .fragment (in which push it comes), .twice (in the next one too), and what random_link_edges.py adds: .lacks (of its times those that are 0),
    .doubled (attributes that come after the others), .link_doubled (of each link), .said (further fields), .copy (fields of a record with its id that comes with it)."""
    lacks, doubled, link_doubled, said, copy = (), (), (), {}, None

    def __init__(self, rng, trace_id, span_id, start_ns, is_thinned):
        self.trace_id, self.span_id, self.parent = trace_id, span_id, ""
        self.name, self.kind, self.message, self.events = rng.choice(NAMES), "internal", "", []
        self.start_ns, self.duration_ns = start_ns + rng.choice(SPAN_STARTS_NS), rng.choice(DURATIONS_NS)
        self.status = "error" if rng.randrange(4) == 0 else "unset"
        self.attrs = {"k": rng.randrange(3)} if rng.randrange(2) else {}
        if is_thinned and rng.randrange(3) == 0:
            self.attrs["aggregation.is_summary"] = True
        self.resource = {"service.name": rng.choice(("q", "q", "s", "t"))}
        self.links = []
        self.fragment, self.twice = rng.choice((0, 0, 1, 2)), rng.randrange(12) == 0

    def resource_spans(self, stored=False):
        """It alone, as an entry of an ExportTraceServiceRequest's resourceSpans; with `stored` as Tempo keeps it: values cut."""
        change = as_stored if stored else as_it_is
        span = otlp.span(self.trace_id, self.name, self.start_ns, self.duration_ns, self.span_id, self.parent, self.kind, self.status)
        span.update({**{time: "0" for time in self.lacks}, **self.said})
        span["attributes"] = attributes([*self.attrs.items(), *self.doubled], change)
        if self.links:
            span["links"] = [{"traceId": trace_id, "spanId": span_id, "attributes": attributes([*([("n", number)] if number % 2 else ()), *self.link_doubled])}
                             for number, (trace_id, span_id) in enumerate(self.links)]
        records = [span, {**span, **self.copy}] if self.copy else [span]
        return {"resource": {"attributes": otlp.attributes(self.resource)}, "scopeSpans": [{"scope": {"name": "t"}, "spans": records}]}


class LinkedTrace:
    """One trace of 1 to 5 spans. Spans are .spans, and their parents are of it, not there or none."""

    def __init__(self, rng, trace_id, span_ids, start_ns, is_thinned):
        self.trace_id, self.start_ns = trace_id, start_ns
        self.may_be_pruned = is_thinned
        is_thinned = is_thinned and rng.randrange(2) == 0
        self.spans = [LinkedSpan(rng, trace_id, span_id, start_ns, is_thinned) for span_id in span_ids[:rng.randrange(1, len(span_ids) + 1)]]
        for number, span in enumerate(self.spans[1:], 1):
            if rng.randrange(4):
                span.parent = rng.choice(self.spans if rng.randrange(6) == 0 else self.spans[:number]).span_id
            elif rng.randrange(8) == 0:
                span.parent = random_id(rng, 16, 0)

    def stored_request(self):
        """As one ExportTraceServiceRequest; its spans in order of arrival."""
        return {"resourceSpans": [span.resource_spans(stored=True) for span in sorted(self.spans, key=lambda span: span.fragment)]}


def link_family(rng, family, others):
    """Half of the spans link to nothing. `others`: spans of other families, to which a link goes now and then; none: to no other family."""
    spans = [(span.trace_id, span.span_id) for trace in family for span in trace.spans]
    known = [trace.trace_id for trace in family]

    def target():
        kind = rng.randrange(60)
        if kind < 3:
            return random_id(rng, 32, rng.choice(ZEROS)), random_id(rng, 16, 0)
        if kind < 5:
            return "", ""
        if kind < 7:
            return rng.choice(others or spans)
        # An id of a span that the trace may not have.
        return (rng.choice(known), rng.choice(spans)[1]) if kind < 20 else rng.choice(spans)

    for trace in family:
        for span in trace.spans:
            count = 0 if rng.randrange(2) else rng.randrange(1, 4)
            span.links = [target() for _ in range(BATCH if rng.randrange(40) == 0 else count)]


def random_families(rng, count, start_ns, over_ns, foreign=(), may_thin=True):
    """Families of 1 to 6 traces, as lists of them. Each starts within [start_ns, start_ns + over_ns). No two traces have one id. None has one of `foreign`.
    may_thin: of one in ten families some traces were thinned out."""
    families, taken, others = [], set(foreign), []
    while len(families) < count:
        at_ns, is_thinned = start_ns + rng.randrange(over_ns), rng.randrange(10) == 0 and may_thin
        span_ids = list(dict.fromkeys(random_id(rng, 16, rng.choice(SPAN_ZEROS)) for _ in range(5)))
        family = []
        for _ in range(rng.randrange(1, MOST_TRACES + 1)):
            trace_id = random_id(rng, 32, rng.choice(ZEROS))
            if trace_id not in taken:
                taken.add(trace_id)
                family.append(LinkedTrace(rng, trace_id, span_ids, at_ns + rng.choice(TRACE_STARTS_NS), is_thinned))
        link_family(rng, family, [] if is_thinned else others)
        if family:
            families.append(family)
        if family and not is_thinned:
            others = [(span.trace_id, span.span_id) for trace in family for span in trace.spans]
    return families


# ---- rules ----


class LinkedRuleWriter:
    """Writes one rule with at least one relation to linked spans."""

    def __init__(self, rng):
        self.rng = rng

    def one(self, *choices):
        return self.rng.choice(choices)

    def chance(self, one_in):
        return self.rng.randrange(one_in) == 0

    def spans(self):
        return self.one("a", "a", "b", "b", "c", "c", "span(span.status == error)", "a.where(k > 0)", "b.where(span.k == 1)", "span(exists(span.k))",
                        'span(span.service == "s")', "c.where(exists(link.trace_id))", "span(link.n == 1)", "b.where(k != 1)")

    def linked(self, to):
        relation = self.one("linked to", "linked to", "linked from", "downstream of")
        over = f" over {self.rng.randrange(1, 5)} links" if relation[0] == "d" and self.chance(2) else ""
        return f" {relation} {to} within {self.rng.choice(BOUNDS)}{over}"

    def selection(self, to):
        text = self.spans() + self.linked(to)
        if self.chance(5):
            text += self.one(" after p", " under p", " within 2ms of p", " before p", " child of p")
        if self.chance(8):
            text += self.linked(to)
        if self.chance(8):
            text += " where(k == p.k)"
        return text

    def chain(self):
        """A second step from a span that was reached."""
        to = f" {self.one('under', 'child of', 'sibling of', 'above', 'parent of')} q" if self.chance(2) else self.linked("b" if self.chance(4) else "q")
        return f"{self.selection('p')} as q and {'not ' if self.chance(8) else ''}{self.spans()}{to}{' and q.k == 1' if self.chance(4) else ''}"

    def condition(self):
        compared = self.one("== 1", "> 0", "<= 1", "!= 2", "== 0", ">= 2")
        kind = self.rng.randrange(8)
        if kind == 0:
            return f"count({self.selection('p')}) {compared}"
        if kind == 1:
            return f"{self.one('sum', 'min', 'max', 'count_distinct')}({self.selection('p')}, span.k) {compared}"
        if kind < 4:
            return self.chain()
        if kind == 4:
            return f"trace.{self.one('has_before', 'has_after')}({self.selection('p')}, {self.selection('p')})"
        if kind == 5:
            return f"not {self.selection('p')}"
        return self.selection("b" if self.chance(6) else "p")

    def need(self):
        """What most rules over links ask for: something follows, elsewhere."""
        text = f"{self.one('a', 'b', 'c')} linked to p within {self.rng.choice(BOUNDS)}"
        if self.chance(3):
            text = f"count({text}) >= 1"
        return f"when {{ {self.one('a', 'b', 'c')} as p }} always {{ {text}{' or c under p' if self.chance(4) else ''} }}"

    def rule(self):
        if self.chance(4):
            return self.need()
        return f"when {{ {self.spans()} as p }} {self.one('always', 'never')} {{ {self.condition()} }}"


def random_linked_rule(rng):
    """One rule's text. Most of them compile."""
    return LinkedRuleWriter(rng).rule()
