"""Small OTLP trace files for tests: one line of JSON a trace. Times are offsets in milliseconds from BEGIN."""
import json

BEGIN = 1767225600000000000  # 2026-01-01T00:00:00Z


def value(v):
    if isinstance(v, bool):
        return {"boolValue": v}
    if isinstance(v, int):
        return {"intValue": str(v)}
    if isinstance(v, float):
        return {"doubleValue": v}
    if isinstance(v, (list, tuple)):
        return {"arrayValue": {"values": [value(item) for item in v]}}
    return {"stringValue": v}


def attributes(values):
    return [{"key": k, "value": value(v)} for k, v in values.items()]


def span(name, at=0, duration=1, id=None, parent=None, service="web", resource=None, events=(), links=(), kind=1, status=0, message="", **fields):
    """A span for `trace`; links are pairs of (number of a trace, span id); further keywords are attributes (with _ for dots)."""
    return {"name": name, "at": at, "duration": duration, "id": id, "parent": parent, "service": service, "resource": resource or {},
            "events": events, "links": links, "kind": kind, "status": status, "message": message, "attributes": {k.replace("_", "."): v for k, v in fields.items()}}


def trace(number, *spans, at=0):
    """The line of one trace. Its id is the number in hex; spans without an id are numbered, and without a parent hang under the first."""
    trace_id = f"{number:032x}"
    resources = []
    ids = [s["id"] or f"{number * 1000 + i + 1:016x}" for i, s in enumerate(spans)]
    for i, s in enumerate(spans):
        begin = BEGIN + int((at + s["at"]) * 1000000)
        one = {"traceId": trace_id, "spanId": ids[i], "name": s["name"], "kind": s["kind"], "startTimeUnixNano": str(begin),
               "endTimeUnixNano": str(begin + int(s["duration"] * 1000000)), "attributes": attributes(s["attributes"]),
               "events": [{"name": e[0], "timeUnixNano": str(begin), "attributes": attributes(e[1])} for e in s["events"]],
               "links": [{"traceId": f"{to:032x}", "spanId": span_id} for to, span_id in s["links"]]}
        parent = s["parent"] if s["parent"] is not None else ids[0] if i else ""
        if parent:
            one["parentSpanId"] = parent
        if s["status"]:
            one["status"] = {"code": s["status"], "message": s["message"]}
        resource = {"service.name": s["service"], **s["resource"]} if s["service"] else s["resource"]
        resources.append({"resource": {"attributes": attributes(resource)}, "scopeSpans": [{"spans": [one]}]})
    return json.dumps({"resourceSpans": resources}) + "\n"


def trace_id(number):
    return f"{number:032x}"
