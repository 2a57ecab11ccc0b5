"""Random rules as text, from a seed, over the alphabet of random_spans.py. They lean on what the planner pushes down
or subtracts: tests on names, services, kinds, statuses, durations and attributes, their joins and counts. They mix
in what it has to leave alone: order, structure, bindings.

Most of them compile; what the checker refuses (a pattern that is none, a name out of sight) is for the caller to drop.
"""
import json
import re

import otlp
import random_spans

BINDINGS = ("p", "q", "r")
PLAIN = tuple(name for name in random_spans.NAMES if name.isalpha() and name.isascii())
PATTERNS = ("x", "x.*", ".*", "", "^x", "x$", "(?i)X", "(?i)x.*", "[a-z]+", "a|b", "(a|x)y?", ".", "..", "l.b", "(?s)l.b", "(?m)^b$", "\\d", "\\d+", "\\bx\\b",
            "x\\.y", "\\Qx.y\\E", "\\pL+", "[[:alpha:]]+", "\\x78", "\\Ax", "x\\z", "(?U)x+", "(?:x)", "(?P<n>x)", "(?<n>x)", "\u00fc.*", "[^x]*", "x{1,2}",
            'q"', "b\\\\s", "GET /.*", "\\s", "[\\s\\S]*", "(", "(?i)CLIENT", "a$|b", "^$")
BARE_KEYS = ("k", "n", "amount", "a.b", *random_spans.SPAN_COLUMN_KEYS, *random_spans.RESOURCE_COLUMN_KEYS)
DURATIONS = ("0s", "1ns", "999999ns", "1ms", "1000001ns", "2ms", "1s", "1000000001ns", "1.5s", "1m")
ORDER = ("==", "!=", "<", "<=", ">", ">=")


def quote(text):
    """A string literal of the language."""
    plain = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(plain.get(c, c if ord(c) >= 32 and c not in "\u2028\u2029" else f"\\u{ord(c):04x}") for c in text) + '"'


def number(value):
    """A number literal; None where there is none (NaN, infinity)."""
    if value != value or value in (float("inf"), float("-inf")):
        return None
    return repr(value)


class RuleWriter:
    """Writes one rule. `plain` rules need no events and scopes, whose traces would all be read by id. `newer` ones may
    pick one span of several, ask for attributes of the root and say when an event was; without it the same seed gives the same rules as ever."""

    def __init__(self, rng, plain, newer=False):
        self.rng, self.plain, self.newer, self.visible, self.picks = rng, plain, newer, [], 0

    def one(self, *choices):
        return self.rng.choice(choices)

    def chance(self, one_in):
        return self.rng.randrange(one_in) == 0

    # ---- tests of one span ----

    def key(self, prefix=""):
        """Half of them have a column of their own in Tempo."""
        if prefix == "resource." or (not prefix and self.chance(4)):
            return random_spans.random_resource_key(self.rng)
        return random_spans.random_span_key(self.rng)

    def attribute(self):
        """The attribute k in one of its spellings: of the span, of the resource, of either."""
        prefix = self.one("span.", "span.", "resource.", "", "", "")
        key = self.key(prefix)
        if prefix:
            return f"{prefix}attributes[{quote(key)}]" if not key.isidentifier() or self.chance(2) else f"{prefix}{key}"
        return key if key in BARE_KEYS else quote(key)

    def bound_attribute(self):
        """One that can stand behind the name of a bound span."""
        return self.one("k", "n", "span.k", "resource.k", "http.method", "span.http.status_code", "span.plain", "resource.k8s.pod.name", "cluster", "http.url")

    def literal(self):
        kind = self.rng.randrange(8)
        if kind < 3:
            return quote(self.rng.choice(random_spans.TEXTS))
        if kind < 5:
            return str(self.rng.choice(random_spans.INTEGERS + (3, 4)))
        if kind < 7:
            return number(self.rng.choice(random_spans.DECIMALS + (0.5, 4.5))) or "1.25"
        return self.one("true", "false")

    def text_test(self, field, values):
        op = self.one("==", "==", "==", "!=", "!=", "contains", "starts_with", "ends_with", "matches", "=~", "!~", "<", ">=")
        if op in ("matches", "=~", "!~"):
            return f"{field} {op} {quote(self.rng.choice(PATTERNS))}"
        value = self.rng.choice([value for value in values if isinstance(value, str)])
        if op in ("contains", "starts_with", "ends_with") and value:
            cut = self.rng.randrange(len(value))
            value = value[cut:] if op != "starts_with" else value[:cut + 1]
        return f"{field} {op} {quote(value)}"

    def list_test(self, field, literal):
        values = ", ".join(literal() for _ in range(self.rng.randrange(1, 4)))
        return f"{field} {self.one('in', 'in', 'not in')} [{values}]"

    def attribute_test(self):
        field = self.attribute()
        kind = self.rng.randrange(12)
        if kind < 2:
            return self.text_test(field, random_spans.TEXTS)
        if kind < 4:
            return self.list_test(field, self.literal)
        if kind < 6:
            return f"exists({field})"
        if kind == 6:
            return field
        return f"{field} {self.rng.choice(ORDER)} {self.literal()}"

    def intrinsic_test(self):
        kind = self.rng.randrange(7)
        if kind == 0:
            return self.text_test("span.name", random_spans.NAMES)
        if kind == 1:
            return self.text_test(self.one("span.service", 'resource.attributes["service.name"]'), random_spans.SERVICES)
        if kind == 2:
            return self.word_test("span.kind", list(otlp.KINDS))
        if kind == 3:
            return self.word_test("span.status", list(otlp.STATUSES))
        if kind == 4:
            return self.text_test("span.status_message", random_spans.MESSAGES)
        if kind == 5:
            return self.list_test(self.one("span.name", "span.service"), lambda: quote(self.rng.choice(PLAIN)))
        return f"span.duration {self.rng.choice(ORDER)} {self.rng.choice(DURATIONS)}"

    def word_test(self, field, words):
        if self.chance(3):
            return self.list_test(field, lambda: quote(self.rng.choice(words)))
        return f"{field} {self.one('==', '!=')} {self.rng.choice(words)}"

    def trace_test(self):
        return self.one("span.duration * 2 > trace.duration", "trace.span_count > 2", "span.start > trace.start", 'trace.root.name == "a"',
                        "n == k", "k < n", "span.parent_id == span.id", "http.method == k", "span.http.status_code >= n", "resource.cluster != resource.pod", "http.url == plain")

    def event_test(self):
        return self.one('event.name == "e0"', "event.k == 1", "event.where(k == 1 and exists(event.n))", 'scope.name == "lib"', "exists(event.n)",
                        'event.count(event.name == "e0") > 1', "event.count(true) <= 1", "event.count(event.k == 1) == 0", "event.count(exists(event.n)) in [1, 2]")

    def event_time(self):
        """When an event was. Events of random spans are at the start of theirs, or a nanosecond later."""
        self.picks += 1
        bound = [f"{name}{end}" for name in self.visible for end in ("", ".end")]
        point = self.rng.choice((*bound, *bound, "span.start", "span.end", "trace.start", "trace.end"))
        order = self.one(f"after {point}", f"before {point}", f"after {point} within 1ms", f"within {self.one('0s', '1ns', '1ms', '1s')} of {point}", f"between span.start and {point}")
        test = self.one(f"event.time {order}", f"event.time {order}", "event.time - span.start < 1ns", "span.end - event.time > 1ms", "event.time > trace.start")
        return f"event.where({test} and {self.one('exists(event.n)', 'event.k == 1')})" if self.chance(3) else test

    def predicate(self, depth=0):
        if self.newer and self.chance(12):
            return self.event_time()
        kind = self.rng.randrange(12)
        if depth < 2 and kind < 2:
            return f"({self.predicate(depth + 1)} {self.one('and', 'or')} {self.predicate(depth + 1)})"
        if depth < 2 and kind == 2:
            return f"not ({self.predicate(depth + 1)})"
        if kind == 3 and self.chance(2):
            return self.trace_test() if self.plain or self.chance(2) else self.event_test()
        return self.attribute_test() if kind < 8 else self.intrinsic_test()

    # ---- selections ----

    def pick(self):
        """One span of several."""
        spans = self.rng.choice(PLAIN) if self.chance(2) else f"trace.has({self.predicate(1)})"
        if self.chance(3):
            spans += f".where({self.predicate(1)})"
        self.picks += 1
        if self.chance(2):
            return f"next({spans} after {self.reference()}{self.one('', '', ' within 1ms')})"
        return f"{self.one('first', 'last')}({spans}{self.relation() if self.chance(4) else ''})"

    def root_test(self):
        self.picks += 1
        of = self.one("trace.root", "trace.root", "trace.root.resource")
        return f'{of}.attributes["{self.one("k", "n", "http.method", "cluster")}"] {self.rng.choice(ORDER)} {self.literal()}'

    def base(self):
        if self.newer and self.chance(2):
            return self.pick()
        kind = self.rng.randrange(10)
        if kind < 3:
            return self.rng.choice(PLAIN)
        if kind == 3:
            return quote(self.one(*random_spans.NAMES, "t-1", "s"))
        if kind == 4 and self.visible:
            return self.rng.choice(self.visible)
        return f"trace.has({self.predicate()})"

    def reference(self):
        if self.visible and not self.chance(3):
            return self.rng.choice(self.visible)
        return self.rng.choice(PLAIN) if self.chance(2) else f"({self.rng.choice(PLAIN)}.where({self.predicate(1)}))"

    def relation(self):
        kind = self.rng.randrange(7)
        if kind < 2:
            within = f" within {self.one('1ms', '2ms', '1s')}" if self.chance(2) else ""
            return f" {self.one('before', 'after')} {self.reference()}{within}"
        if kind == 2:
            return f" within {self.one('0s', '1ms', '1s')} of {self.reference()}" if self.chance(2) else f" between {self.reference()} and {self.reference()}"
        if kind < 5 or not self.visible:
            return f" {self.one('under', 'above', 'child of', 'parent of', 'sibling of')} {self.reference()}"
        bound = self.rng.choice(self.visible)
        return f" where({self.one('k', 'n', 'http.url', 'http.method', 'span.name', 'span.duration')} {self.one('==', '!=', '>=')} {bound}.{self.bound_attribute()})" \
            if self.chance(2) else f" where(span.duration >= {bound}.span.duration)"

    def selection(self):
        text = self.base()
        if self.chance(2):
            text += f".where({self.predicate(1)})"
        if self.chance(4):
            text += self.relation()
        return text

    # ---- conditions ----

    def number_of_each(self):
        """A number that is worked out for each span, or one of its attributes."""
        bound = self.rng.choice(self.visible) if self.visible else None
        if bound and self.chance(3):
            return f"{self.attribute()} {self.one('+', '*', '-')} {bound}.{self.one('k', 'n', 'span.k', 'http.method')}"
        return self.one("k * n", "k + 1", "n - k", "-k", "k / 2", "span.duration / 1ms", "amount * 2", f"{self.attribute()} + {self.attribute()}",
                        "k * trace.span_count", "n + count(a)")

    def duration_of_each(self):
        bound = f"span.start - {self.rng.choice(self.visible)}.start" if self.visible else "span.start - trace.start"
        return self.one("span.duration * 2", "span.end - span.start", "span.duration - 1ms", bound, "trace.duration - span.duration", "span.duration * k")

    def times(self):
        """The earliest or latest of some spans against another time."""
        left = f"{self.one('min', 'max')}({self.selection()}, {self.one('span.start', 'span.end')})"
        right = f"{self.one('min', 'max')}({self.selection()}, {self.one('span.start', 'span.end', 'span.end - 1ms')})"
        if self.visible and self.chance(2):
            right = f"{self.rng.choice(self.visible)}.{self.one('start', 'end')}"
        return f"{left} {self.rng.choice(ORDER)} {self.one(right, right, 'trace.start + 1ms')}"

    def worked_out(self):
        kind = self.rng.randrange(6)
        if kind == 0:
            return self.times()
        if kind == 1:
            return f"{self.one('max', 'min', 'sum', 'avg')}({self.selection()}, {self.duration_of_each()}) {self.rng.choice(ORDER)} {self.rng.choice(DURATIONS)}"
        if kind < 4:
            return f"{self.one('max', 'min', 'sum', 'avg')}({self.selection()}, {self.number_of_each()}) {self.rng.choice(ORDER)} {self.one('1', '1.5', '0', '5', '2')}"
        value = self.one(self.attribute(), self.attribute(), "span.name", "span.service", "span.kind", "span.status", "span.duration", "span.id", self.number_of_each())
        right = self.one("0", "1", "1", "2", f"count({self.selection()})")
        return f"count_distinct({self.selection()}, {value}) {self.rng.choice(ORDER)} {right}"

    def every(self):
        return f"every({self.selection()}, {self.predicate()})"

    def aggregate(self):
        if self.chance(4):
            return self.worked_out()
        left = f"count({self.selection()})"
        kind = self.rng.randrange(8)
        if kind < 5:
            return f"{left} {self.rng.choice(ORDER)} {self.one('0', '0', '1', '1', '2', '0.5', '-1', '1.0')}"
        if kind == 5:
            return f"{left} {self.rng.choice(ORDER)} count({self.selection()})"
        if kind == 6:
            return f"{self.one('max', 'min', 'sum')}({self.selection()}, span.duration) {self.one('>', '<', '>=')} {self.rng.choice(DURATIONS)}"
        return f"{self.one('max', 'min', 'sum', 'avg')}({self.selection()}, {self.attribute()}) {self.rng.choice(ORDER)} {self.one('1', '1.5', '0', '5')}"

    def atom(self, depth):
        kind = self.rng.randrange(14)
        if kind < 2:
            return self.aggregate()
        if kind == 2 and self.chance(2):
            return self.every()
        if kind == 2:
            return f"trace.{self.one('has_before', 'has_after')}({self.selection()}, {self.selection()})"
        if kind < 5:
            return f"not ({self.condition(depth + 1)})"
        if kind < 7 and depth < 2:
            return f"({self.condition(depth + 1)} {self.one('and', 'or')} {self.condition(depth + 1)})"
        if kind == 7 and self.visible:
            return f"{self.rng.choice(self.visible)}.{self.bound_attribute()} {self.rng.choice(ORDER)} {self.literal()}"
        if kind == 8:
            return self.one("trace.duration > 1ms", "trace.span_count >= 3", "trace.service_count > 1", 'trace.root.service == "s"')
        return self.selection()

    def condition(self, depth):
        if self.newer and self.chance(6):
            return self.root_test()
        if depth >= 2 or self.chance(2):
            return self.atom(depth)
        return f"{self.atom(depth + 1)} {self.one('and', 'and', 'or')} {self.atom(depth + 1)}"

    def conjunction(self, may_bind):
        parts = []
        for _ in range(self.rng.choice((1, 1, 2, 2, 3))):
            if may_bind and len(self.visible) < 2 and self.chance(3):
                text = self.selection()
                self.visible.append(BINDINGS[len(self.visible)])
                parts.append(f"{text} as {self.visible[-1]}")
            else:
                parts.append(self.atom(0))
        return " and ".join(parts)

    def settled_rule(self):
        """One that a single span can settle, so that the planner subtracts."""
        plain, other = self.base(), f"trace.has({self.predicate()})"
        if self.chance(3):
            return f"{plain} and not {other}"
        if self.chance(3):
            return f"when {{ {plain} }} always {{ count({other}) {self.one('> 0', '>= 1', '!= 0')} }}"
        return f"when {{ {plain} }} always {{ {other} }}" + (f" never {{ {self.base()} }}" if self.chance(3) else "")

    def array_rule(self):
        """About an attribute that often has several elements, alone or beside another."""
        test = self.one(f"== {self.literal()}", f"contains {quote(self.one('x', 'y', 'q'))}", f"matches {quote(self.one('y', '^x', '.*'))}", "!= 5", 'in ["x", "q"]')
        selected = f'trace.has(span.attributes["tags"] {test})'
        beside = f'trace.has(span.attributes["tags"] {test} {self.one("and", "or")} {self.predicate()})'
        return self.one(selected, beside, f"{beside} and not {self.base()}", f"{self.rng.choice(PLAIN)} and not {beside}", f"when {{ {selected} }} always {{ {beside} }}",
                         f"{self.rng.choice(PLAIN)} and not {selected}", f"{selected} as p and p.k == 1", f"when {{ {selected} }} always {{ {self.base()} }}")

    def rule(self):
        if self.chance(16):
            return self.array_rule()
        if self.chance(4):
            return self.settled_rule()
        if self.chance(3):
            return self.conjunction(True)
        clauses = [f"when {{ {self.conjunction(True)} }}"] if not self.chance(8) else []
        which = self.rng.randrange(3)
        if which != 1:
            clauses.append(f"always {{ {self.conjunction(False)} }}")
        if which != 0:
            clauses.append(f"never {{ {self.conjunction(False)} }}")
        return " ".join(clauses)


class OneKindWriter(RuleWriter):
    """All spans that its rule speaks of are of one kind. Neither attributes nor the trace are searched for, so that a projection may decide it."""

    def __init__(self, rng):
        super().__init__(rng, True)
        self.kind = self.one(*otlp.KINDS)

    def base(self):
        more = f" and {self.intrinsic_test()}" if self.chance(2) else ""
        return f'trace.has(span.kind == "{self.kind}"{more})'

    def reference(self):
        return self.rng.choice(self.visible) if self.visible and self.chance(2) else f"({self.base()})"

    def relation(self):
        kind = self.rng.randrange(4)
        if kind == 0:
            return f" between {self.reference()} and {self.reference()}"
        if kind == 1:
            return f" within {self.one('0s', '1ms', '1s')} of {self.reference()}"
        return f" {self.one('before', 'after')} {self.reference()}{self.one('', ' within 2ms')}"

    def selection(self):
        return self.base() + (self.relation() if self.chance(2) else "")

    def atom(self, depth):
        kind = self.rng.randrange(6)
        if kind == 0:
            return f"count({self.selection()}) {self.rng.choice(ORDER)} {self.one('0', '1', '2')}"
        if kind == 1:
            return self.times()
        if kind == 2:
            return f"not ({self.condition(depth + 1)})"
        if kind == 3:
            return f"trace.{self.one('has_before', 'has_after')}({self.selection()}, {self.selection()})"
        if kind == 4 and self.visible:
            return f"{self.rng.choice(self.visible)}.{self.bound_attribute()} {self.rng.choice(ORDER)} {self.literal()}"
        return self.selection()

    def rule(self):
        if self.chance(3):
            return self.conjunction(True)
        return f"when {{ {self.conjunction(True)} }} {self.one('always', 'always', 'never')} {{ {self.conjunction(False)} }}"


def random_rule_of_one_kind(rng):
    return OneKindWriter(rng).rule()


def random_rule(rng, plain=True):
    """One rule's text."""
    return RuleWriter(rng, plain).rule()


def random_newer_rule(rng):
    """One that picks a span or asks for the root."""
    while True:
        writer = RuleWriter(rng, True, newer=True)
        text = writer.rule()
        if writer.picks:
            return text


ALIASED = ("k", "n", "amount", "a.b", "http.method", "http.status_code", "http.url", "plain", "cluster", "k8s.pod.name", "pod")


def says(text, word):
    """The word stands in the rule by itself: no part of another one, nor all of a text."""
    return re.search(rf'(?<![\w."-]){re.escape(word)}(?![\w"])', text) is not None


def random_alias(rng, key):
    others = rng.sample([other for other in ALIASED if other != key], rng.randrange(1, 4))
    return f"@alias({', '.join((key, *others))}) "


def random_name(rng, word, plain, others):
    """The word means spans, which may be those of another word, and of none that is called so."""
    writer = RuleWriter(rng, plain)
    base = writer.one(f"trace.has({writer.predicate()})", f"span({writer.predicate()})", f"name:{word}", *others)
    spans = base + (f".where({writer.predicate(1)})" if writer.chance(2) else "")
    return f"@name({word} = {quote(spans)}) "


def random_named_rule(rng, plain=True):
    """One whose attributes go by other keys, too, or some of whose words stand for spans."""
    while True:
        text = random_rule(rng, plain)
        names = "".join(random_alias(rng, key) for key in ALIASED if says(text, key) and rng.randrange(2))
        words = [word for word in sorted(set(PLAIN)) if says(text, word) and rng.randrange(2)]
        names += "".join(random_name(rng, word, plain, words[:number]) for number, word in enumerate(words))
        if names:
            return names + text


def file_of_named_rule(text, rule_id):
    """What a rule file says where the text of random_named_rule says @alias and @name: its content, and of the rule nothing else."""
    aliases = {keys.split(", ")[0]: keys.split(", ")[1:] for keys in re.findall(r"@alias\((.*?)\) ", text)}
    names = {word: json.loads(spans) for word, spans in re.findall(r'@name\((\w+) = ("(?:[^"\\]|\\.)*")\) ', text)}
    dsl = re.sub(r'^(?:@alias\(.*?\) |@name\(\w+ = "(?:[^"\\]|\\.)*"\) )+', "", text)
    return {"aliases": aliases, "names": names, "rules": [{"id": rule_id, "name": rule_id, "dsl": dsl}]}
