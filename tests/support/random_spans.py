"""Small random traces as OTLP, from a seed. The alphabet is so narrow that names, values and times of different spans
meet often, and so awkward that it holds everything that needs quoting, cutting or telling apart by type. Shared by
the tests that compare a replay on Tempo with the evaluator.

A RandomTrace knows in which push (fragment 0, 1, 2) each of its spans arrives. What traces have at their edges (texts that are cut in the midst of a character,
keys that a span has twice, dropped counts) random_edges.py adds. Left out by name, because Tempo itself changes or loses them:
spans that share an id (client and server halves, differing copies), resources of one trace that differ and that Tempo holds for the same;
arrays of the column's type under keys with a column of their own (is_lost), which no search finds but in vParquet5; and arrays of several doubles beside a NaN, which a search of
2.8 may overlook.
"""
import random
import re
import struct

import otlp

NAMES = ("a", "a", "a", "b", "b", "b", "c", "c", "GET /cart", 'q"uo\\te', "\u00fcn\u00ef \U0001f600", "line\nbreak\t", "")
SERVICES = ("a",) * 4 + ("s",) * 8 + ("t-1",) * 6 + ("\u00fcn\u00ef", "\u00fcn\u00ef", "", None, None, 5)
MESSAGES = ("", "", "x", "time out", 'b\\s "q"', "l\nb")
# Keys with a column of their own in Tempo, with the type that the column holds: those that every Tempo has, in the order of its hash of a resource, and those that the
# tests' configs with dedicated columns name. Some stand several times in the lists of keys, so that rules and spans meet.
SPAN_COLUMNS = {"http.method": str, "http.status_code": int, "http.url": str}
RESOURCE_COLUMNS = dict.fromkeys(("cluster", "container", "k8s.cluster.name", "k8s.container.name", "k8s.namespace.name", "k8s.pod.name", "namespace", "pod"), str)
SPAN_DEDICATED, RESOURCE_DEDICATED = {"amount.ded": str, "plain": str}, {"rplain": str}
COLUMNS = (SPAN_COLUMNS, RESOURCE_COLUMNS)
DEDICATED_COLUMNS = ({**SPAN_COLUMNS, **SPAN_DEDICATED}, {**RESOURCE_COLUMNS, **RESOURCE_DEDICATED})
SPAN_COLUMN_KEYS = (*SPAN_COLUMNS, *SPAN_COLUMNS, *SPAN_DEDICATED, "http.method", "http.status_code")
RESOURCE_COLUMN_KEYS = (*RESOURCE_COLUMNS, *RESOURCE_DEDICATED, "cluster", "k8s.pod.name", "k8s.pod.name")
# Others: those that look like intrinsics, those that have to be quoted, and those of the other scope, where they have no column.
PLAIN_SPAN_KEYS = ("k", "k", "k", "k", "k", "n", "n", "n", "amount", "amount", "a.b", "cluster", "service.name", "status", "name", "kind", "odd key", "co:lon",
                   'qu"ote', "back\\slash", "\u00fcn\u00ef", "0num", "true", "duration")
PLAIN_RESOURCE_KEYS = ("k", "k", "n", "odd key", "status", "http.status_code")
EVENT_KEYS = ("k", "n")
LONG = "x" * 2100  # Tempo keeps 2,048 bytes of it
STORED_BYTES = 2048
TEXTS = ("", "", "nil", "nil", "x", "x", "X", "xy", "1", "1", "5", "5", "5.0", "50e-1", "1.5", "-1", "-0", "01", "9007199254740993", "true", "True", "FALSE", "client", 'q"', "b\\s", "l\nb", "\u00fcn\u00ef", "x.y", " x ", "x\u0000y", "a\u2028b", LONG)
INTEGERS = (0, 1, 1, 2, 5, 5, -1, -5, 200, 2**53, 2**53 + 1, -2**53 - 1, 2**63 - 1, -2**63)
DECIMALS = (0.0, -0.0, 1.0, 1.5, 1.5, -1.5, 5.0, 0.1, 2.0**53, 2.0**53 + 2, 1e300, -1e300, 5e-324, float("nan"), float("inf"))
ARRAYS = (["x", "y"], ["xy", 'q"'], [1, 5], [5], [1.5, -1.0], [True, False], [], ["x", 1], [""], ["5", "x"], ["True"])
# As they stand in OTLP: what is no string, number, boolean or array of such, and counts as missing.
ODD_VALUES = ({"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "x"}}]}}, {"kvlistValue": {}}, {"bytesValue": "AAFB"}, {"bytesValue": ""}, {},
              {"arrayValue": {"values": [{"arrayValue": {"values": [{"stringValue": "x"}]}}]}}, {"arrayValue": {"values": [{"bytesValue": "AAFB"}]}},
              {"arrayValue": {"values": [{}]}}, {"arrayValue": {"values": [{"kvlistValue": {}}, {"kvlistValue": {}}]}}, {"arrayValue": {"values": [{"stringValue": "x"}, {}]}},
              {"arrayValue": {"values": [{}, {"intValue": "5"}]}})
DURATIONS_NS = (0, 1, 999_999, 1_000_000, 1_000_001, 2_000_000, 1_000_000_000, 1_000_000_001, 1_500_000_000, 60_000_000_000, -5_000_000)
STARTS_NS = (0, 0, 1, 1_000_000, 1_000_000, 1_000_001, 2_000_000, 3_000_000, 500_000_000, 1_000_000_000, 2_500_000_000)
FRAGMENTS = 3


def random_value(rng):
    kind = rng.randrange(12)
    if kind < 4:
        return rng.choice(TEXTS)
    if kind < 7:
        return rng.choice(INTEGERS)
    if kind < 9:
        return rng.choice(DECIMALS)
    which = rng.randrange(4) if kind == 11 else 0
    if which == 3:
        return rng.choice(ODD_VALUES)
    return list(rng.choice(ARRAYS)) if which == 2 else rng.choice((True, False))


def random_span_key(rng):
    return rng.choice(rng.choice((PLAIN_SPAN_KEYS, SPAN_COLUMN_KEYS)))


def random_resource_key(rng):
    return rng.choice(rng.choice((PLAIN_RESOURCE_KEYS, RESOURCE_COLUMN_KEYS)))


def random_event_key(rng):
    return rng.choice(EVENT_KEYS)


def counts_as_missing(value):
    """What the language takes for no value: maps, bytes, nothing, arrays that are empty or mixed."""
    return isinstance(value, dict) or (isinstance(value, list) and len({type(item) for item in value}) != 1)


def is_lost(columns, key, value):
    """Whether no search finds the value: an array of what the key's column holds."""
    return key in columns and isinstance(value, list) and not counts_as_missing(value) and type(value[0]) is columns[key]


def random_attributes(rng, random_key, most):
    return {random_key(rng): random_value(rng) for _ in range(rng.randrange(most + 1))}


def without_lost(attributes, columns):
    return {key: value for key, value in attributes.items() if not is_lost(columns, key, value)}


def any_value(value):
    """otlp.any_value, the doubles that JSON has no numbers for, and odd values as they are."""
    if isinstance(value, dict):
        return value
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return {"doubleValue": "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    return otlp.any_value(value)


def as_it_is(value):
    return value


def as_stored(value):
    """What Tempo keeps of a value, as its JSON has it: U+FFFD for each byte that is left of a character that was cut."""
    if not isinstance(value, str) or len(value) < STORED_BYTES // 4:
        return value
    return re.sub("[\udc80-\udcff]", "\ufffd", value.encode()[:STORED_BYTES].decode(errors="surrogateescape"))


def hashed_value(value):
    """The bytes of a value in Tempo's hash of a resource, which tells no types apart."""
    if isinstance(value, dict):
        return b""
    if isinstance(value, list):
        return b"".join(hashed_value(item) for item in value) if len({type(item) for item in value}) < 2 else repr(value).encode()
    if isinstance(value, str):
        return as_stored(value).encode()
    return struct.pack("<d", value) if isinstance(value, float) else struct.pack("<Q", value % 2**64)


def hashed_resource(resource, resource_columns, doubled=()):
    """What Tempo 2.8 hashes of a resource: columns without their names, then the others by key. Of one trace in one block it keeps the first resource of
    each hash for the spans of all (tests/facts/facts_wire.py). What a resource has twice is part of it without an order, so that more may be the same here than there."""
    pairs = [*resource.items(), *doubled]
    is_column = [key in ("service.name", *resource_columns) and isinstance(value, str) for key, value in pairs]
    columns = {key: hashed_value(value) for (key, value), its in zip(pairs, is_column) if its}
    others = sorted((key, hashed_value(value)) for (key, value), its in zip(pairs, is_column) if not its)
    return b"".join([columns[key] for key in ("service.name", *resource_columns) if key in columns] + [key.encode() + value for key, value in others])


def attributes(pairs, change=as_it_is):
    """pairs: (key, value), where a key may stand several times."""
    return [{"key": key, "value": any_value(change(value))} for key, value in pairs]


def keep_apart(mapping, has_nan):
    """Without arrays of several doubles, or without NaN; has_nan None: with both."""
    if has_nan is None:
        return
    for key, value in mapping.items():
        if has_nan and isinstance(value, list) and len(value) > 1 and isinstance(value[0], float):
            mapping[key] = value[:1]
        if not has_nan and isinstance(value, float) and value != value:
            mapping[key] = 0.5


class RandomSpan:
    """One span: .attrs, .resource (with its service.name, if it has one), .fragment, .twice (arrives in the next fragment too),
    .lacks, and what random_edges.py adds: .doubled (attributes that come after the others), .resource_doubled (of its resource), .event_doubled (of each event), .scope_attrs,
    .links (attributes of each, to traces that nobody has), all as (key, value), .said (further fields of the span), .event_said (of each event)."""

    copy = None  # random_links.LinkedSpan has two records of some

    def __init__(self, rng, trace_id, start_ns, span_id, lost):
        self.trace_id, self.span_id, self.parent = trace_id, span_id, ""
        self.start_ns = start_ns + rng.choice(STARTS_NS)
        self.duration_ns = rng.choice(DURATIONS_NS)
        self.name, self.message = rng.choice(NAMES), rng.choice(MESSAGES)
        self.kind = rng.choice(list(otlp.KINDS))
        self.status = rng.choice(("unset", "unset", "ok", "error", "error"))
        self.attrs = without_lost(random_attributes(rng, random_span_key, 7), lost[0])
        self.resource = without_lost(random_attributes(rng, random_resource_key, 4), lost[1])
        if rng.randrange(8) == 0:
            self.attrs["tags"] = list(rng.choice(ARRAYS))
        service = rng.choice(SERVICES)
        if service is not None:
            self.resource["service.name"] = service
        self.events = [("e" + str(n), self.start_ns + n, random_attributes(rng, random_event_key, 2)) for n in range(rng.choice((0, 0, 0, 1, 2)))]
        self.scope = rng.choice(("", "lib", "x"))
        self.fragment, self.twice = 0, False
        self.lacks = ()  # of its times those that are 0
        self.doubled, self.resource_doubled, self.event_doubled, self.scope_attrs, self.links = [], [], [], [], []
        self.said, self.event_said = {}, {}

    def resource_spans(self, stored=False):
        """It alone, as an entry of an ExportTraceServiceRequest's resourceSpans; with `stored` as Tempo keeps it: values cut, and without a
        service name that is empty."""
        change = as_stored if stored else as_it_is
        resource = {key: value for key, value in self.resource.items() if not (stored and key == "service.name" and value == "")}
        span = otlp.span(self.trace_id, self.name, self.start_ns, self.duration_ns, self.span_id, self.parent, self.kind, self.status)
        span.update({time: "0" for time in self.lacks})
        span.update({field: value for field, value in self.said.items() if not (stored and field == "flags")})
        span["attributes"] = attributes([*self.attrs.items(), *self.doubled], change)
        if self.message:
            span["status"]["message"] = self.message
        span["events"] = [{"name": n, "timeUnixNano": str(t), "attributes": attributes([*a.items(), *self.event_doubled], change), **self.event_said} for n, t, a in self.events]
        if self.links:
            span["links"] = [{"traceId": "f" * 32, "spanId": "f" * 16, "attributes": attributes(its, change)} for its in self.links]
        scope = {"name": self.scope, **({"attributes": attributes(self.scope_attrs, change)} if self.scope_attrs else {})}
        return {"resource": {"attributes": attributes([*resource.items(), *self.resource_doubled], change)}, "scopeSpans": [{"scope": scope, "spans": [span]}]}


class RandomTrace:
    """One trace of 1 to 6 spans."""

    def __init__(self, rng, start_ns, has_nan, columns=COLUMNS, has_lists=False):
        digits = rng.choice((32, 32, 32, 31, 17, 12))  # Tempo drops leading zeros
        self.trace_id = f"{rng.randrange(16 ** (digits - 1), 16 ** digits):032x}"
        count = rng.choice((1, 2, 2, 3, 3, 4, 5, 6))
        self.start_ns = start_ns
        lost = ({}, {}) if has_lists else columns
        self.spans = [RandomSpan(rng, self.trace_id, start_ns, f"{rng.randrange(1, 16 ** rng.choice((16, 16, 15, 9))):016x}", lost) for _ in range(count)]
        for span in self.spans:
            span.parent = self._random_parent(rng)
            keep_apart(span.attrs, has_nan)
            keep_apart(span.resource, has_nan)
        self.join_resources(columns)
        self._split(rng)
        self._lose_times(random.Random(self.trace_id))

    def join_resources(self, columns):
        """Of resources that Tempo holds for the same the first is that of all their spans. Likewise of scopes."""
        firsts = {}
        for span in self.spans:
            its_hash = hashed_resource(span.resource, columns[1], span.resource_doubled)
            span.resource, span.resource_doubled = firsts.setdefault(its_hash, (span.resource, span.resource_doubled))
            span.scope_attrs = firsts.setdefault((span.scope, hashed_resource({}, (), span.scope_attrs)), span.scope_attrs)

    def _lose_times(self, rng):
        """In some traces of one span, which lies in a fragment with others: no search finds what came without an end alone. A start of 0 only beside one
        other: among several Tempo may give the row of the trace a start that is too late, and then the replay is incomplete."""
        span = rng.choice(self.spans)
        beside = sum(is_in(other, span.fragment) for other in self.spans) - 1
        if beside and not span.twice and rng.randrange(4) == 0:
            span.lacks = rng.choice((("endTimeUnixNano",), ("startTimeUnixNano",), ("startTimeUnixNano", "endTimeUnixNano"))[:3 if beside == 1 else 1])

    def _random_parent(self, rng):
        """Of this trace (itself and cycles too), none, or one that is not there."""
        kind = rng.randrange(10)
        if kind == 0:
            return f"{rng.randrange(1, 16 ** 16):016x}"
        return "" if kind < 3 else rng.choice(self.spans).span_id

    def _split(self, rng):
        """Whole, one span alone in a later fragment, everything but one span in a later fragment, or anyhow."""
        way = rng.randrange(10)
        later = rng.randrange(1, FRAGMENTS)
        alone = rng.choice(self.spans)
        for span in self.spans:
            if way < 3:
                span.fragment = later if span is alone else 0
            elif way < 5:
                span.fragment = 0 if span is alone else later
            elif way < 7:
                span.fragment = rng.randrange(FRAGMENTS)
            elif way == 7:
                span.fragment = later
            span.twice = rng.randrange(12) == 0

    def fragments(self):
        return {span.fragment for span in self.spans}

    def stored_request(self):
        """The trace as Tempo keeps it, as one ExportTraceServiceRequest; its spans in order of arrival."""
        return {"resourceSpans": [span.resource_spans(stored=True) for span in sorted(self.spans, key=lambda span: span.fragment)]}


def random_traces(rng, count, start_ns, over_ns, columns=COLUMNS, has_both=False, has_lists=False):
    """Traces that start within [start_ns, start_ns + over_ns), no two with one id; among all of them either NaN or arrays of several doubles, or has_both.
    columns: those of the Tempo that they are for, COLUMNS or DEDICATED_COLUMNS. has_lists: columns hold arrays too, so that none is lost."""
    traces, has_nan = {}, None if has_both else rng.random() < 0.5
    while len(traces) < count:
        trace = RandomTrace(rng, start_ns + rng.randrange(over_ns), has_nan, columns, has_lists)
        if len({span.span_id for span in trace.spans}) == len(trace.spans):
            traces[trace.trace_id] = trace
    return list(traces.values())


def is_in(span, fragment):
    return span.fragment == fragment or (span.twice and span.fragment + 1 == fragment)


def fragment_requests(rng, traces, fragment, spans_per_request=150):
    """The pushes of one fragment: all its spans in random order. What a trace with a time of 0 has there comes in one of them: no search finds it where it
    lies in a block alone. So does what a trace with two records of a span has: of what comes in parts Tempo keeps one record."""
    spans = [(trace, span) for trace in traces for span in trace.spans if is_in(span, fragment)]
    rng.shuffle(spans)
    units = {}
    for trace, span in spans:
        is_together = any(other.lacks or other.copy for other in trace.spans)
        units.setdefault(trace.trace_id if is_together else (trace.trace_id, span.span_id), []).append(span.resource_spans())
    request = []
    for unit in units.values():
        request += unit
        if len(request) >= spans_per_request:
            yield {"resourceSpans": request}
            request = []
    if request:
        yield {"resourceSpans": request}
