"""Documents as Data Prepper's standard format has them, from OTLP, and an index for them. It follows Data Prepper's source (codec and template), and was not held against
a running one. Times are as Java's Instant writes them, values have their types. No value is an empty text, and a NaN the text "NaN". Bytes, and a key that stands twice,
make it drop the whole request. A document that the index refuses is dropped alone."""
import math
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "clickhouse"))
from otlp_clickhouse import Blob, KINDS, Nothing, STATUSES, hex_id, number_of, spans_of, value_of, when  # noqa: E402

KEYWORD, TIME = {"type": "keyword", "ignore_above": 256}, {"type": "date_nanos"}


class Dropped(Exception):
    """The whole request is."""


def written(value):
    if value is Nothing:
        return ""
    if isinstance(value, Blob):
        raise Dropped("bytes")
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list):
        return [written(item) for item in value]
    return {key: written(item) for key, item in value.items()} if isinstance(value, dict) else value


def attributes(pairs):
    kept = {pair.get("key", ""): written(value_of(pair.get("value"))) for pair in pairs or []}
    if len(kept) != len(pairs or []):
        raise Dropped("a key stands twice")
    return kept


def instant(ns):
    ns = int(ns or 0)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9))
    digits = f"{ns % 10**9:09}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return text + ("." + digits if digits else "") + "Z"


def part(of, **more):
    return {"attributes": attributes(of.get("attributes")), "droppedAttributesCount": int(of.get("droppedAttributesCount") or 0), **more}


def document(resource, scope, span):
    start, end = when(span.get("startTimeUnixNano")), when(span.get("endTimeUnixNano"))
    status = span.get("status") or {}
    return {**part(span), "traceId": hex_id(span.get("traceId")), "spanId": hex_id(span.get("spanId")), "parentSpanId": hex_id(span.get("parentSpanId")),
            "traceState": span.get("traceState", ""), "name": span.get("name", ""), "kind": "SPAN_KIND_" + KINDS[number_of(span.get("kind"), KINDS, "SPAN_KIND_")].upper(),
            "startTime": instant(start), "endTime": instant(end), "durationInNanos": end - start, "flags": int(span.get("flags") or 0), "schemaUrl": "",
            "status": {"code": number_of(status.get("code"), STATUSES, "STATUS_CODE_"), "message": status.get("message", "")},
            "resource": part(resource, schemaUrl=""), "instrumentationScope": part(scope, name=scope.get("name", ""), version=scope.get("version", "")),
            "events": [part(event, name=event.get("name", ""), time=instant(event.get("timeUnixNano"))) for event in span.get("events") or []],
            "droppedEventsCount": int(span.get("droppedEventsCount") or 0),
            "links": [part(link, traceId=hex_id(link.get("traceId")), spanId=hex_id(link.get("spanId")), traceState=link.get("traceState", "")) for link in span.get("links") or []],
            "droppedLinksCount": int(span.get("droppedLinksCount") or 0)}


def documents(request):
    """Of one ExportTraceServiceRequest."""
    for of_resource in request.get("resourceSpans", []):
        for of_scope in of_resource.get("scopeSpans", []):
            for span in of_scope.get("spans", []):
                yield document(of_resource.get("resource") or {}, of_scope.get("scope") or {}, span)


# ---- the index ----

def dynamic():
    """An attribute is mapped by its first value, as the template has it."""
    for path in ("attributes", "resource.attributes", "instrumentationScope.attributes"):
        for kind in ("long", "double", "string"):
            yield {f"{kind}_{path}": {"path_match": f"{path}.*", "match_mapping_type": kind, "mapping": KEYWORD if kind == "string" else {"type": kind}}}


def mappings(typed):
    """typed: as the template has it; else attributes are not mapped at all, so that no document is refused for the type of a value, or with "some" only those that take
    any value."""
    attributes = {} if typed is True else {"attributes": {"type": "object", "enabled": False}}
    some = attributes if typed != "some" else {"attributes": {"type": "object", "dynamic": False, "properties": {
        "k": {"type": "keyword"}, "service": {"properties": {"name": {"type": "keyword", "ignore_above": 256}}}}}}
    dropped, name = {"type": "integer"}, {"type": "keyword", "ignore_above": 1024}
    ids = {"traceId": {"type": "keyword", "ignore_above": 32}, "spanId": {"type": "keyword", "ignore_above": 16}}
    return {"date_detection": False, "_source": {"enabled": True}, "dynamic_templates": list(dynamic()) if typed is True else [], "properties": {
        **ids, **some, "resource": {"properties": some}, "instrumentationScope": {"properties": attributes}, "parentSpanId": ids["spanId"], "name": name, "traceState": name, "kind": {"type": "keyword", "ignore_above": 32},
        "startTime": TIME, "endTime": TIME, "durationInNanos": {"type": "long"}, "serviceName": KEYWORD,
        "status": {"properties": {"code": dropped, "message": {"type": "keyword", "ignore_above": 2048}}},
        "events": {"type": "nested", "properties": {"name": KEYWORD, "time": TIME, **attributes, "droppedAttributesCount": dropped}},
        "links": {"type": "nested", "properties": {**ids, "traceState": name, **attributes, "droppedAttributesCount": dropped}},
        **{key: dropped for key in ("droppedAttributesCount", "droppedEventsCount", "droppedLinksCount")}}}
