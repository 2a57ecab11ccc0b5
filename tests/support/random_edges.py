"""What random traces have at their edges, from a seed of its own: the traces and rules of other seeds stay as they are. Texts that Tempo cuts, also in the
midst of a character, keys that stand twice in a span, its resource, its scope, its events or its links, and counts of what was dropped. Every trace of a kind may have trace states and flags. And rules that ask
for all of it, in the alphabet of random_rules.py.

What a verdict may be of each kind is in edge_property.py.
"""
import random

from random_rules import ORDER, PLAIN, RuleWriter, quote
from random_spans import COLUMNS, LONG, STORED_BYTES, random_traces

KINDS = ("cut", "dropped", "doubled")
# The first two are not cut. Of the others one, two and three bytes of a character are left, and two read as numbers or as nil at their beginning.
LONG_TEXTS = ("y" + "x" * (STORED_BYTES - 2), "x" * STORED_BYTES, "x" * STORED_BYTES + "y", "x" * (STORED_BYTES - 1) + "\u00fc", "x" * (STORED_BYTES - 2) + "\U0001f600",
              "x" * (STORED_BYTES - 3) + "\U0001f600y", "5" * 3000, "nil" + "x" * 4000, "\u00fc" * 1024, "y" * 5000)
LONG_KEYS = ("k", "k", "n", "http.url")
DROPPED = ("droppedAttributesCount", "droppedEventsCount", "droppedLinksCount")
DROPPED_FIELDS = ("span.dropped_attributes_count", "span.dropped_events_count", "span.dropped_links_count")
STATES = ("v=1", "v=x,w=2", "w=2", "v=", " v=1 ,w=v=1", "v=1,w=2,v=1")
# Equal and other values, of one type and of several.
DOUBLED_VALUES = ("x", "y", "", "5", "true", 1, 5, 5, -1, 1.0, 1.5, True, False)
DOUBLED_KEYS = ("k", "k", "k", "n", "n", "amount", "http.method", "http.status_code", "plain", "odd key")
RESOURCE_DOUBLED_KEYS = ("k", "k", "k", "n", "cluster", "service.name", "odd key")
SERVICE_VALUES = ("a", "s", "t-1", 5)  # Tempo keeps no name that is empty
PLAIN_DOUBLED_KEYS = ("k", "k", "n")
# Fields of what has them beside a span.
DOUBLED_FIELDS = ("resource.k", "resource.k", "resource.n", "resource.cluster", "span.service", 'resource.attributes["odd key"]', "event.k", "event.n", "link.k", "link.n",
                  'scope.attributes["k"]', 'scope.attributes["n"]')


def give_carried(rng, span):
    """What a span carries besides. No Tempo keeps flags."""
    if rng.randrange(2) == 0:
        span.said["traceState"] = rng.choice(STATES)
    if rng.randrange(2) == 0:
        span.said["flags"] = rng.choice((1, 257, 769))


def give_long_texts(rng, span):
    span.attrs[rng.choice(LONG_KEYS)] = rng.choice(LONG_TEXTS)
    for attributes in (span.resource, *(its for _, _, its in span.events)):
        if rng.randrange(3) == 0:
            attributes["k"] = rng.choice(LONG_TEXTS)


def drop(rng, span):
    span.said.update({field: rng.choice((0, 1, 1, 7)) for field in rng.sample(DROPPED, rng.randrange(1, 3))})
    if rng.randrange(3) == 0:
        span.event_said = {"droppedAttributesCount": rng.choice((0, 2))}


def double(rng, mapping, keys):
    """Gives it a key, and returns what stands there under that key besides."""
    key = rng.choice(keys)
    values = SERVICE_VALUES if key == "service.name" else DOUBLED_VALUES
    mapping[key] = rng.choice(values)
    return [(key, rng.choice((*values, mapping[key]))) for _ in range(rng.choice((1, 1, 1, 2)))]


def double_in_resource(rng, span):
    span.resource = dict(span.resource)  # of this span alone
    span.resource_doubled = double(rng, span.resource, RESOURCE_DOUBLED_KEYS)


def double_in_scope(rng, span):
    attributes = {}
    others = double(rng, attributes, PLAIN_DOUBLED_KEYS)
    span.scope_attrs = [*attributes.items(), *others]


def double_in_event(rng, span):
    """In each alike."""
    span.events = span.events or [("e0", span.start_ns, {})]
    attributes = {}
    span.event_doubled = double(rng, attributes, PLAIN_DOUBLED_KEYS)
    for _, _, its in span.events:
        its.update(attributes)


def double_in_link(rng, span):
    attributes = {}
    others = double(rng, attributes, PLAIN_DOUBLED_KEYS)
    span.links = [[*attributes.items(), *others], *rng.choice(([], [[("k", rng.choice(DOUBLED_VALUES))]]))]


def double_keys(rng, span):
    """In the span, and in half of them elsewhere, too."""
    span.doubled = sum((double(rng, span.attrs, [key]) for key in dict.fromkeys(rng.sample(DOUBLED_KEYS, rng.choice((1, 2, 3))))), [])
    if rng.randrange(2):
        rng.choice((double_in_resource, double_in_resource, double_in_scope, double_in_event, double_in_link))(rng, span)
    if rng.randrange(4) == 0:
        span.said["traceState"] = "v=1,v=2"


CHANGES = {"cut": give_long_texts, "dropped": drop, "doubled": double_keys}


def edge_traces(seed, kind, count, start_ns, over_ns, columns=COLUMNS):
    """Traces as random_traces makes them; two of three have one span or more of the kind."""
    rng = random.Random(f"{seed} {kind}")
    traces = random_traces(rng, count, start_ns, over_ns, columns)
    for trace in traces:
        for span in trace.spans:
            give_carried(rng, span)
        if rng.randrange(3):
            for span in rng.sample(trace.spans, rng.randrange(1, min(3, len(trace.spans)) + 1)):
                CHANGES[kind](rng, span)
        trace.join_resources(columns)
    return traces


class EdgeRuleWriter(RuleWriter):
    """Half of its tests ask for what lies at the edges. `ids`: of some traces. Flags are asked for by every twelfth of these: over a Tempo nothing is known of them."""

    def __init__(self, rng, ids):
        super().__init__(rng, True)
        self.ids, self.edges = ids, 0

    def long_test(self):
        text = self.one(LONG, *LONG_TEXTS)
        field = self.one("k", "k", "n", "http.url", "span.k", "resource.k", "event.k")
        cut = self.one(1, 2, 5, STORED_BYTES - 1, STORED_BYTES)
        return self.one(f"{field} {self.one('==', '!=', '<', '>=')} {quote(text)}", f"{field} {self.one('==', '!=', 'starts_with', 'contains')} {quote(text[:STORED_BYTES])}",
                        f"{field} starts_with {quote(text[:cut])}", f"{field} {self.one('ends_with', 'contains')} {quote(self.one('x', 'y', 'xy', 'nilx', text[-1]))}",
                        f"{field} {self.one('=~', '!~')} {quote(self.one('x+', 'x.*', '[xy]+', '5+', 'x*y', 'nil.*'))}",
                        f"{field} matches {quote(self.one('y$', 'xy', '^x', 'x$|y', '5'))}", f"{field} {self.one('in', 'not in')} [{quote(text)}, 5]")

    def dropped_test(self):
        return self.one(f"{self.one(*DROPPED_FIELDS)} {self.rng.choice(ORDER)} {self.one('0', '1', '7')}", f"exists({self.attribute()})", f"not exists({self.attribute()})",
                        "exists(event.k)", "event.count(true) <= 1", 'event.name == "e1"', "exists(link.trace_id)", f"{self.one(*DROPPED_FIELDS)} in [1, 7]")

    def doubled_test(self):
        key = quote(self.one(*DOUBLED_KEYS))
        field = self.one(key, key, f"span.attributes[{key}]", *(self.one(*DOUBLED_FIELDS),) * 2)
        return self.one(f"{field} {self.rng.choice(ORDER)} {self.one('1', '5', '1.5', quote('x'), quote('5'), 'true')}", f"exists({field})", f"{field} in [1, 5, 1.5]", f"{field} =~ {quote('x|y')}")

    def carried_test(self):
        some_id = self.one(*self.ids)
        state = self.one('span.trace_state["v"]', 'span.trace_state["v"]', 'span.trace_state["w"]')
        return self.one(f"{state} {self.one('==', '!=')} {quote(self.one('1', 'x', '2'))}", f"{state} {self.one('==', '!=')} {quote('1')}", f"exists({state})",
                        f"{state} starts_with {quote(self.one('1', 'v', 'x'))}", f"span.trace_id {self.one('==', '!=')} {quote(some_id)}",
                        f"trace.id {self.one('==', '!=')} {quote(some_id)}", f"{self.one('trace.id', 'span.trace_id')} starts_with {quote(self.one('0', '00', some_id[:3]))}",
                        f"span.trace_id matches {quote(self.one('^0', '[a-f]$', '^[1-9]'))}", f"trace.id in [{quote(some_id)}, {quote(self.one(*self.ids))}]", f"span.parent_id {self.one('==', '!=')} span.id",
                        "span.trace_id == trace.id", f"span.flags {self.one('==', '!=', '>')} {self.one('1', '257')}")

    def edge_test(self):
        self.edges += 1
        return self.one(self.long_test, self.dropped_test, self.doubled_test, self.carried_test)()

    def attribute_test(self):
        return super().attribute_test() if self.chance(2) else self.edge_test()

    def rule(self):
        """Half of them are short: what is at an edge decides most of their traces."""
        if self.chance(2):
            return super().rule()
        spans = f"trace.has({self.one('', '', 'not ')}({self.edge_test()}){self.one('', '', ' and ' + self.predicate(1))})"
        return self.one(spans, f"not {spans}", f"count({spans}) {self.rng.choice(ORDER)} {self.one('0', '1', '2')}", f"when {{ {self.rng.choice(PLAIN)} }} always {{ {spans} }}",
                        f"when {{ {self.base()} }} never {{ {spans} }}", f"when {{ {spans} as p }} always {{ {self.edge_of('p')} }}")

    def edge_of(self, bound):
        return self.one(f"{bound}.k {self.rng.choice(ORDER)} {self.literal()}", f"b after {bound}", f"{bound}.n == 5 or {bound}.k != 1")


def random_edge_rule(rng, ids):
    """One rule's text that asks for an edge."""
    while True:
        writer = EdgeRuleWriter(rng, ids)
        text = writer.rule()
        if writer.edges:
            return text
