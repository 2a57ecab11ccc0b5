"""OTLP/HTTP JSON for tests: spans in, flat spans out. Pure functions, no network. Times are integers in nanoseconds, ids lower-case hex."""
import base64
import os

KINDS = {"unspecified": 0, "internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
STATUSES = {"unset": 0, "ok": 1, "error": 2}


FNV_OFFSET, FNV_PRIME = 0x811C9DC5, 0x01000193
TENANT = b"single-tenant"
_taken = (set(), set())


def fnv(data, start=FNV_OFFSET):
    """FNV-1 of 32 bits."""
    for byte in data:
        start = (start * FNV_PRIME & 0xFFFFFFFF) ^ byte
    return start


STARTS = (FNV_OFFSET, fnv(TENANT))


def new_trace_id():
    """Of those that a process is given, Tempo 2.8.0 takes no two for one: it knows them by a hash of 32 bits, of the id and of tenant and id
    (facts_collisions). With 46,000 ids one test in four would have such a pair, and one in many would have both in memory at once."""
    while True:
        made = os.urandom(16)
        hashes = [fnv(made, start) for start in STARTS]
        if not any(one in taken for one, taken in zip(hashes, _taken)):
            for one, taken in zip(hashes, _taken):
                taken.add(one)
            return made.hex()


def new_span_id():
    return os.urandom(8).hex()


def any_value(value):
    """A Python value as OTLP's AnyValue. int and float stay different types, as they do in Tempo."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, (list, tuple)):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    return {"stringValue": value}


def plain_value(value):
    """The reverse of any_value."""
    if "arrayValue" in value:
        return [plain_value(item) for item in value["arrayValue"].get("values", [])]
    if "intValue" in value:
        return int(value["intValue"])
    for key in ("stringValue", "boolValue", "doubleValue"):
        if key in value:
            return value[key]
    return None


def attributes(mapping):
    return [{"key": key, "value": any_value(value)} for key, value in mapping.items()]


def span(trace_id, name, start_ns, duration_ns=1_000_000, span_id=None, parent="", kind="internal", status="unset", attrs=None,
         events=None, links=None):
    """One span. events: list of (name, time_ns, attributes). links: list of (trace id, span id, attributes)."""
    made = {
        "traceId": trace_id,
        "spanId": span_id or new_span_id(),
        "name": name,
        "kind": KINDS[kind],
        "startTimeUnixNano": str(start_ns),
        "endTimeUnixNano": str(start_ns + duration_ns),
        "status": {"code": STATUSES[status]},
        "attributes": attributes(attrs or {}),
    }
    if parent:
        made["parentSpanId"] = parent
    if events:
        made["events"] = [{"name": n, "timeUnixNano": str(t), "attributes": attributes(a)} for n, t, a in events]
    if links:
        made["links"] = [{"traceId": t, "spanId": s, "attributes": attributes(a)} for t, s, a in links]
    return made


def request(spans, service="test", resource=None, scope="tests"):
    """An ExportTraceServiceRequest with one resource and one scope."""
    resource_attrs = attributes({"service.name": service, **(resource or {})})
    return {"resourceSpans": [{"resource": {"attributes": resource_attrs},
                               "scopeSpans": [{"scope": {"name": scope}, "spans": list(spans)}]}]}


def hex_id(text, size):
    """Tempo's JSON of a whole trace writes ids in base64; OTLP/JSON says hex. size: 16 or 8 bytes."""
    if len(text) == 2 * size:
        return text.lower()
    return base64.b64decode(text).hex()


def flat_spans(trace):
    """Every span of a trace answer as {trace_id, span_id, parent_id, name, start_ns, end_ns, kind, attrs, resource}."""
    found = []
    for batch in trace.get("resourceSpans") or trace.get("batches") or []:
        resource = {a["key"]: plain_value(a["value"]) for a in batch.get("resource", {}).get("attributes", [])}
        for scope in batch.get("scopeSpans", []):
            for raw in scope.get("spans", []):
                found.append({
                    "trace_id": hex_id(raw["traceId"], 16),
                    "span_id": hex_id(raw["spanId"], 8),
                    "parent_id": hex_id(raw["parentSpanId"], 8) if raw.get("parentSpanId") else "",
                    "name": raw.get("name", ""),
                    "start_ns": int(raw.get("startTimeUnixNano", 0)),
                    "end_ns": int(raw.get("endTimeUnixNano", 0)),
                    "kind": raw.get("kind"),
                    "attrs": {a["key"]: plain_value(a["value"]) for a in raw.get("attributes", [])},
                    "resource": resource,
                })
    return found
