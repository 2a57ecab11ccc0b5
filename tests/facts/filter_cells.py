"""What facts_filters asks and of what: the keys, one trace for each of them and each kind of value (a cell), and the filters (shapes).

Where two shapes are asked in one query it is because the planner does so, or might: what stands beside a test changes what Tempo looks at.
"""
import hashlib
import json
import time
from dataclasses import dataclass

import tempo_case  # noqa: F401  (puts tests/tempo on the path)
import otlp
import written_filters

SECOND = 1_000_000_000
SERVICE = "filters"
# label: the value of the attribute as OTLP writes it; None: there is no attribute.
CELLS = {
    "missing": None, '"a"': {"stringValue": "a"}, '""': {"stringValue": ""}, '"nil"': {"stringValue": "nil"}, "5": {"intValue": "5"},
    "-5": {"intValue": "-5"}, "1.5": {"doubleValue": 1.5}, "-1.5": {"doubleValue": -1.5}, "true": {"boolValue": True},
    "false": {"boolValue": False}, '["a","b"]': otlp.any_value(["a", "b"]), "[5,-5]": otlp.any_value([5, -5]),
    "[1.5,-1.5]": otlp.any_value([1.5, -1.5]), "[true,false]": otlp.any_value([True, False]), '["a"]': otlp.any_value(["a"]),
    "[]": otlp.any_value([]), '["a",5]': otlp.any_value(["a", 5]), "{}": {"kvlistValue": {"values": otlp.attributes({"k": "v"})}},
    "bytes": {"bytesValue": "YQ=="}, "NaN": {"doubleValue": "NaN"},
}
# A NaN as the first or last double of a page hides the others from comparisons: so NaN are in a tenant of their own, beside all other cells. And where a
# block holds no value of a type at all, Tempo leaves that column out by other ways: so another tenant has strings and nothing else.
HARMFUL = ("NaN",)
HARM_IDS = ("0" * 31 + "1", "f" * 32)
TENANTS = {"clean": [label for label in CELLS if label not in HARMFUL], "harmed": list(CELLS), "few": ["missing", '"a"']}


@dataclass(frozen=True)
class Key:
    """scope: span or resource."""
    scope: str
    name: str

    @property
    def text(self):
        return f"{self.scope}.{self.name}"


# Keys without a column, those with one in every version, with one that an operator chose (tests/tempo/variants.py), and with one by default in 3.0.
KEYS = tuple(Key(*text.split(".", 1)) for text in (
    "span.x", "resource.x", "span.http.method", "span.http.url", "span.http.status_code", "resource.k8s.pod.name", "resource.namespace",
    "span.plain", "resource.rplain", "span.url.path", "span.server.port", "resource.service.name"))
ANY_STRING = '=~ "(?s:.*)"'
TYPES = (ANY_STRING, ">= 0", "< 0", ">= 0.0", "< 0.0", "= true", "= false")
# A test of another key, of the same scope, that no span has.
BESIDE = "S.betrace.nothing != nil"


def alternatives(*tests):
    return " || ".join(f"K {test}" for test in tests)


# What stands between the braces; K is the key with its scope, S the scope, N the key alone. First what the planner writes, then what it might.
WRITTEN = written_filters.SHAPES
CANDIDATES = {
    "!= nil": "K != nil", "!= 5e-324": "K != 5e-324", ">= 0": "K >= 0", "< 0": "K < 0", ">= 0.0": "K >= 0.0", "< 0.0": "K < 0.0",
    "any int": alternatives(">= 0", "< 0"), "any double": alternatives(">= 0.0", "< 0.0"), "any bool": alternatives("= true", "= false"),
    "any bool, written so": "K = true || (K = false && true)",
    "of each type": alternatives(*TYPES), "of each type or nil": alternatives("!= nil", *TYPES),
    "of each type, bools so": alternatives(*TYPES[:5]) + " || K = true || (K = false && true)",
    "!= nil beside": f"K != nil || {BESIDE}", "any string beside": f"K {ANY_STRING} || {BESIDE}", "= 5 beside": f"K = 5 || {BESIDE}",
    "of each type beside": alternatives(*TYPES) + f" || {BESIDE}", "of each type or nil beside": alternatives("!= nil", *TYPES) + f" || {BESIDE}",
    "!= 5e-324 beside": f"K != 5e-324 || {BESIDE}", '= "nil" beside': f'K = "nil" || {BESIDE}', '= "nil" beside = "q"': 'K = "nil" || S.betrace.nothing = "q"',
    "any number": alternatives(">= 0", "< 0", ">= 0.0", "< 0.0"), "any number, != 5e-324": alternatives(">= 0", "< 0", "!= 5e-324"),
    "any string or int": alternatives(ANY_STRING, ">= 0", "< 0"), "no string": alternatives(">= 0", "< 0", ">= 0.0", "!= 5e-324", "= true", "= false"),
}
# What no query of ours may ask, for the record.
UNSAFE = {'!= "a"': 'K != "a"', '!~ "a"': 'K !~ "a"', "!= 5": "K != 5", "= nil": "K = nil", "any string by order": 'K >= ""',
          "of each type by order": 'K >= "" || ' + alternatives(">= 0", "< 0", ">= 0.0", "!= 5e-324", "= true", "= false")}
SHAPES = {**WRITTEN, **CANDIDATES, **UNSAFE}
# How spans may be asked for with an attribute: selected alone, and as tempo/api/traceql.c does.
READS = {"select": '{ name = "cell" } | by(span:id) | by(kind) | select(K)', **written_filters.READS}


def attribute(key, label):
    return [] if CELLS[label] is None else [{"key": key.name, "value": CELLS[label]}]


def resource_spans(key, label, trace_id):
    """One trace of one span with the cell's attribute and nothing else that any shape asks for. A cell of service.name has no other service."""
    resource = attribute(key, label) if key.scope == "resource" else []
    if key.name != "service.name":
        resource = [*resource, *otlp.attributes({"service.name": SERVICE})]
    span = otlp.span(trace_id, "cell", time.time_ns() - 2 * SECOND)
    span["attributes"] = attribute(key, label) if key.scope == "span" else []
    return {"resource": {"attributes": resource}, "scopeSpans": [{"spans": [span]}]}


def id_of(tenant, key, label):
    """The same in every run, so that the order of a block's traces is."""
    return "5" + hashlib.sha256(f"{tenant} {key.text} {label}".encode()).hexdigest()[:31]


def push_cells(tempo):
    """{tenant: {trace id: (key, label)}}, pushed and searchable."""
    made = {}
    for tenant, labels in TENANTS.items():
        made[tenant] = {id_of(tenant, key, label): (key, label) for key in KEYS for label in labels}
        pushed = [resource_spans(key, label, one) for one, (key, label) in made[tenant].items()]
        if tenant == "harmed":
            pushed += [resource_spans(Key(scope, "harm"), "NaN", one) for one in HARM_IDS for scope in ("span", "resource")]
        status, _, body = tempo.push_request({"resourceSpans": pushed}, tenant)
        assert status == 200, body
    for tenant, ids in made.items():
        tempo.wait_until(lambda t=tenant, i=ids: set(i) <= search(tempo, '{ name = "cell" }', t)[1].keys(), f"{len(ids)} cells are searchable")
    return made


def search(tempo, traceql, tenant):
    """(what was refused, or "", {trace id: row})"""
    now = int(time.time())
    status, body = tempo.search_raw(traceql, now - 600, now + 1, 10000, tenant=tenant)
    if status != 200:
        return f"{status} {body.strip()[-100:]}", {}
    return "", {row["traceID"].rjust(32, "0"): row for row in json.loads(body).get("traces") or []}


def of_key(key, text):
    """The text of a shape or a read, with the key in its place."""
    return text.replace("K", key.text).replace("S.", key.scope + ".").replace(".N", "." + key.name)


def query_of(key, shape):
    return "{ " + of_key(key, SHAPES[shape]) + " }"


def ask(tempo, made, key, shape):
    """{tenant: what was refused, or the labels of the key that the shape finds}. "missing" is found too where a trace of another key is."""
    def is_without(its):
        return its.name != key.name if "either" in shape else its != key
    told = {}
    for tenant, ids in made.items():
        refused, found = search(tempo, query_of(key, shape), tenant)
        told[tenant] = refused or {label for trace_id, (its, label) in ids.items() if trace_id in found and its == key}
        if not refused and key.name != "service.name" and any(trace_id in found and is_without(its) for trace_id, (its, _) in ids.items()):
            told[tenant].add("missing")
    return told


def value_of(label):
    """The cell's value as the language sees it. None: there is none, or none that it knows."""
    value = CELLS[label] and otlp.plain_value(CELLS[label])
    return float("nan") if label == "NaN" else value


def mark_of_read(row, key, label):
    """What a batch says of the attribute: = its value; n the string "nil" where it is none; e the last or only element of its array; o another
    value; . nothing; - not the trace (what is asked of lists in columns gives traces of such blocks only)."""
    if not row:
        return "-"
    pushed = CELLS[label] and otlp.plain_value(CELLS[label])
    told = [otlp.plain_value(item["value"]) for one in row["spanSets"] for span in one["spans"] for item in span.get("attributes", []) if item["key"] == key.name]
    if not told:
        return "."
    if repr(told) in (repr([pushed]), repr(pushed)):
        return "="
    if told == ["nil"]:
        return "n"
    return "e" if isinstance(pushed, list) and told == pushed[-1:] else "o"


def read(tempo, made, key, how):
    """{tenant: {label: mark}}"""
    told = {}
    for tenant, ids in made.items():
        refused, rows = search(tempo, of_key(key, READS[how]), tenant)
        told[tenant] = {label: "E" if refused else mark_of_read(rows.get(trace_id), key, label) for trace_id, (its, label) in ids.items() if its == key}
    return told
