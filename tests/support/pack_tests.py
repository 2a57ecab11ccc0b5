"""The tests of distribution/packs as OTLP traces. Reads only the YAML of these files: one key a line, flow maps and
lists on one line, folded and literal blocks. Gives each test's trace a trace id of its own. Standard library only."""
import hashlib
import re

KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"]
STATUSES = ["unset", "ok", "error"]
UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


def scalar(text):
    if text.startswith('"'):
        return bytes(text[1:-1], "utf-8").decode("unicode_escape")
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if re.fullmatch(r"-?\d+\.\d+", text):
        return float(text)
    return {"true": True, "false": False}.get(text, text)


class Flow:
    """One flow value: {k: v}, [v], or a scalar that ends before one of `ends`."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def blanks(self):
        while self.text[self.at:self.at + 1] == " ":
            self.at += 1

    def value(self, ends=""):
        self.blanks()
        if self.text[self.at] == "{":
            return self.collection("}", self.pair, dict)
        if self.text[self.at] == "[":
            return self.collection("]", lambda: self.value(",]"), list)
        return scalar(self.word(ends))

    def word(self, ends):
        pattern = r'"(?:[^"\\]|\\.)*"' if self.text[self.at] == '"' else rf"[^{re.escape(ends)}]+" if ends else ".+"
        found = re.compile(pattern).match(self.text, self.at)
        self.at = found.end()
        return found.group().strip()

    def pair(self):
        self.blanks()
        key = self.word(":")
        assert self.text[self.at] == ":", self.text
        self.at += 1
        return key, self.value(",}")

    def collection(self, close, item, make):
        items = []
        self.at += 1
        while True:
            self.blanks()
            if self.text[self.at] == close:
                self.at += 1
                return make(items)
            items.append(item())
            self.blanks()
            if self.text[self.at] == ",":
                self.at += 1


class Lines:
    """Block YAML: maps, lists, and what Flow reads; blocks of text are passed over."""

    def __init__(self, text):
        self.lines = [(len(line) - len(line.lstrip(" ")), line.strip()) for line in text.split("\n")
                      if line.strip() and not line.lstrip().startswith("#")]
        self.at = 0

    def block(self, indent):
        if self.lines[self.at][1].startswith("- "):
            return self.items(indent)
        return self.map(indent)

    def items(self, indent):
        found = []
        while self.at < len(self.lines) and self.lines[self.at][0] == indent and self.lines[self.at][1].startswith("- "):
            rest = self.lines[self.at][1][2:]
            if rest[0] in "{[":
                self.at += 1
                found.append(Flow(rest).value())
            else:
                self.lines[self.at] = (indent + 2, rest)
                found.append(self.map(indent + 2))
        return found

    def map(self, indent):
        found = {}
        while self.at < len(self.lines) and self.lines[self.at][0] == indent and not self.lines[self.at][1].startswith("- "):
            key, _, rest = self.lines[self.at][1].partition(":")
            self.at += 1
            found[key] = self.entry(indent, rest.strip())
        return found

    def entry(self, indent, rest):
        if rest in ("|", ">-"):
            while self.at < len(self.lines) and self.lines[self.at][0] > indent:
                self.at += 1
            return None
        return Flow(rest).value() if rest else self.block(self.lines[self.at][0])


def nanoseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()
    return int(float(number) * UNITS[unit])


def any_value(value):
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}


def attributes(values):
    return [{"key": key, "value": any_value(value)} for key, value in values.items()]


def otlp_link(link, place_of):
    trace_id, number = place_of(link["trace"], link["span"])
    return {"traceId": trace_id, "spanId": f"{number + 1:016x}"}


def otlp_span(span, number, parent, at, begin, trace_id):
    start = begin + at
    made = {"traceId": trace_id, "spanId": f"{number + 1:016x}", "name": span["span"], "kind": KINDS.index(span.get("kind", "unspecified")),
            "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + nanoseconds(span.get("duration", "1ms"))),
            "attributes": attributes(span.get("attributes", {})), "status": {"code": STATUSES.index(span.get("status", "unset"))},
            "events": [{"name": event.get("name", ""), "timeUnixNano": str(begin + nanoseconds(event.get("at", "0ms"))),
                        "attributes": attributes(event.get("attributes", {}))} for event in span.get("events", [])]}
    if parent is not None:
        made["parentSpanId"] = f"{parent + 1:016x}"
    return made


def numbers_by_id(spans):
    return {span["id"]: number for number, span in enumerate(spans) if "id" in span}


def otlp_trace(spans, begin, trace_id, place_of=None):
    """resourceSpans of one test's trace that begins at `begin` (nanoseconds). `place_of` gives the trace id and the
    number of the span that a link names."""
    by_id = numbers_by_id(spans)
    resources, at = [], -10**6
    for number, span in enumerate(spans):
        at = nanoseconds(span["at"]) if "at" in span else at + 10**6
        parent = by_id[span["parent"]] if "parent" in span else (0 if number else None)
        resource = dict(span.get("resource", {}), **({"service.name": span["service"]} if "service" in span else {}))
        resources.append({"resource": {"attributes": attributes(resource)},
                          "scopeSpans": [{"scope": {"name": "packs"}, "spans": [otlp_span(span, number, parent, at, begin, trace_id)]}]})
        if "links" in span:
            resources[-1]["scopeSpans"][0]["spans"][0]["links"] = [otlp_link(link, place_of) for link in span["links"]]
    return resources


def otlp_family(test, begin, trace_id):
    """The same of the test's own trace and of its others, whose ids begin as its own does and end with their number."""
    names = ["own", *test.get("others", {})]
    ids = [trace_id, *(f"{trace_id[:30]}{number:02x}" for number in range(1, len(names)))]
    spans_of = [test["trace"], *test.get("others", {}).values()]

    def place_of(name, span_id):
        number = names.index(name)
        return ids[number], numbers_by_id(spans_of[number])[span_id]

    return [resource for spans, one in zip(spans_of, ids) for resource in otlp_trace(spans, begin, one, place_of)]


def read_tests(path):
    """(rule id, number of the test, the test) of each test of a pack."""
    with open(path, encoding="utf-8") as file:
        document = Lines(file.read()).map(0)
    for rule in document["groups"][0]["rules"]:
        for number, test in enumerate(rule["tests"]):
            yield rule["id"], number, test


def trace_id_of(rule_id, number):
    return hashlib.sha256(f"{rule_id} {number}".encode()).hexdigest()[:32]
