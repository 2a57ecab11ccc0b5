"""Reading TraceQL, as far as the program writes it: one filter `{ … }`, and behind it by(…), select(…) and count(). What is of another form is refused by
NotKnown, and the proxy passes it on. Evaluated is it in newer_model.py.
"""
import re
from dataclasses import dataclass, field

TOKEN = re.compile(r"""\s*(?P<token>(?:(?:span|resource)\.)?"(?:[^"\\]|\\.)*" | \|\||&&|=~|!~|!=|<=|>= | [{}()|,=<>] | [^\s"(){}|,=<>!~&]+ )""", re.X)
ESCAPE = re.compile(rb'\\(?:x(..)|u(....)|U(.{8})|(.))', re.S)
PLAIN_ESCAPES = {b"n": b"\n", b"t": b"\t", b"r": b"\r"}
OPERATORS = ("=", "!=", "=~", "!~", "<", "<=", ">", ">=")
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")
INTRINSICS = ("name", "kind", "status", "statusMessage", "duration", "trace:id", "span:id", "span:parentID", "span:childCount", "traceDuration")
UNITS = {"ns": 1, "us": 1000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000}


class NotKnown(Exception):
    """A query of a form that the model does not know."""


class Duration(int):
    """Nanoseconds."""


class Word(str):
    """A kind or a status, which is no string."""


@dataclass(frozen=True)
class Field:
    """scope: span, resource, or "" of an intrinsic."""
    scope: str
    name: str


@dataclass(eq=False)
class Test:
    """field op value; value None: nil. patterns: how many times the operator compiled its pattern (newer_model.py)."""
    field: Field
    op: str
    value: object
    patterns: int = 0


@dataclass(eq=False)
class Chain:
    """Tests and others, joined by `&&` or `||`."""
    op: str
    items: list


@dataclass
class Query:
    """where: None, True, False, a Test or a Chain; by, select: Fields; least: of `count() >= least`, or 0."""
    where: object
    by: list = field(default_factory=list)
    select: list = field(default_factory=list)
    least: int = 0


def unquote(text):
    """A Go string literal as str; bytes that are no UTF-8 stay apart."""
    def one(found):
        hexadecimal = found[1] or found[2] or found[3]
        if hexadecimal:
            code = int(hexadecimal, 16)
            return bytes([code]) if found[1] else chr(code).encode("utf-8", "surrogatepass")
        return PLAIN_ESCAPES.get(found[4], found[4])
    return ESCAPE.sub(one, text[1:-1].encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


class Reader:
    def __init__(self, text):
        self.text, self.tokens, at = text, [], 0
        while text[at:].strip():
            found = TOKEN.match(text, at)
            if not found:
                raise NotKnown(f"at {text[at:at + 40]!r}")
            self.tokens.append(found["token"])
            at = found.end()
        self.tokens.append("")
        self.at = 0

    def next(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def takes(self, *wanted):
        if tuple(self.tokens[self.at:self.at + len(wanted)]) != wanted:
            return False
        self.at += len(wanted)
        return True

    def expect(self, *wanted):
        if not self.takes(*wanted):
            raise NotKnown(f"expected {' '.join(wanted)} at {' '.join(self.tokens[self.at:self.at + 8])!r} of {self.text!r:.2000}")

    def query(self):
        self.expect("{")
        query = Query(None if self.takes("}") else self.expression())
        if query.where is not None:
            self.expect("}")
        while self.takes("|"):
            self.stage(query)
        if self.tokens[self.at]:
            raise NotKnown(f"behind the filter: {self.tokens[self.at:self.at + 8]}")
        return query

    def stage(self, query):
        if self.takes("count", "(", ")", ">="):
            query.least = int(self.next())
        elif self.takes("by", "("):
            query.by.append(self.field())
            self.expect(")")
        else:
            self.expect("select", "(")
            query.select.append(self.field())
            while self.takes(","):
                query.select.append(self.field())
            self.expect(")")

    def expression(self):
        """Tempo reads `&&` and `||` from the left, neither before the other."""
        left = self.primary()
        while self.tokens[self.at] in ("&&", "||"):
            op, right = self.next(), self.primary()
            if isinstance(left, Chain) and left.op == op:
                left.items.append(right)
            else:
                left = Chain(op, [left, right])
        return left

    def primary(self):
        if self.takes("("):
            inside = self.expression()
            self.expect(")")
            return inside
        for word in ("true", "false"):
            if self.takes(word):
                return word == "true"
        its, op = self.field(), self.next()
        if op not in OPERATORS:
            raise NotKnown(f"no operator: {op!r}")
        value = self.value()
        if value is None and op != "!=":
            raise NotKnown("= nil")
        return Test(its, op, value)

    def field(self):
        token = self.next()
        scope, dot, name = token.partition(".")
        if dot and scope in ("span", "resource"):
            return Field(scope, unquote(name) if name.startswith('"') else name)
        if token not in INTRINSICS:
            raise NotKnown(f"no field: {token!r}")
        return Field("", token)

    def value(self):
        token = self.next()
        if token.startswith('"'):
            return unquote(token)
        if token in ("true", "false", "nil"):
            return {"true": True, "false": False, "nil": None}[token]
        if token in KINDS + STATUSES:
            return Word(token)
        number = re.fullmatch(r"(-?\d+)([a-z]*)", token)
        if number and (not number[2] or number[2] in UNITS):
            return Duration(int(number[1]) * UNITS[number[2]]) if number[2] else int(number[1])
        try:
            return float(token)
        except ValueError:
            raise NotKnown(f"no value: {token!r}") from None


def read(text):
    """The Query of a text."""
    return Reader(text).query()


def tests_of(where):
    """Every Test of a filter, in order."""
    if isinstance(where, Test):
        yield where
    for item in where.items if isinstance(where, Chain) else ():
        yield from tests_of(item)
