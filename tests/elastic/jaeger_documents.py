"""Documents as Jaeger writes them into Elasticsearch, from OTLP, and an index for them. Version 2 has values as JSON has them, and the parent in a field of its own. Version 1 has
values as texts with their type, a decimal with ten digits, and the parent as a reference. It follows Jaeger's source (to_dbmodel.go, from_domain.go, keyvalue.go and
jaeger-span-8.json), and was not held against a running one. The index refuses a span that ends before it begins, whose duration has wrapped."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "clickhouse"))
from otlp_clickhouse import Blob, KINDS, Nothing, STATUSES, double_text, hex_id, number_of, pairs_of, raw_json, spans_of, value_of, when  # noqa: E402, F401

KEYWORD = {"type": "keyword", "ignore_above": 256}
NO_SERVICE = "OTLPResourceNoServiceName"


def as_text(value):
    """pdata's AsString of what is no scalar."""
    return "" if value is Nothing else raw_json(value, False)


def tag(key, value, version):
    if isinstance(value, bool):
        return {"key": key, "type": "bool", "value": ("true" if value else "false") if version == 1 else value}
    if isinstance(value, int):
        return {"key": key, "type": "int64", "value": str(value) if version == 1 else value}
    if isinstance(value, float):
        return {"key": key, "type": "float64", "value": ten_digits(value) if version == 1 else value}
    if isinstance(value, Blob):
        return {"key": key, "type": "binary", "value": value.hex()}
    if value is Nothing:
        return {"key": key, "type": "string", "value": "" if version == 1 else None}
    return {"key": key, "type": "string", "value": value if isinstance(value, str) else as_text(value)}


def ten_digits(value):
    """Go's FormatFloat(value, 'g', 10, 64)."""
    text = f"{value:.10g}"
    return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}.get(text, text)


def tags(attributes, version):
    return [tag(key, value, version) for key, value in attributes]


def process(resource, version):
    pairs = pairs_of(resource.get("attributes"))
    named = [value for key, value in pairs if key == "service.name"]
    if version == 1:
        service = next((value for value in named if isinstance(value, str)), "")
    else:
        service = next((value if isinstance(value, str) else double_text(value) if isinstance(value, float) else as_text(value) for value in named), "")
    others = [(key, value) for key, value in pairs if key != "service.name"]
    return {"serviceName": service if pairs else NO_SERVICE, "tags": tags(others, version)}


def told(span, scope, version):
    """Tags of what Jaeger has no field for."""
    status, kind = span.get("status") or {}, KINDS[number_of(span.get("kind"), KINDS, "SPAN_KIND_")].lower()
    code = number_of(status.get("code"), STATUSES, "STATUS_CODE_")
    pairs = [("otel.scope.name", scope.get("name")), ("otel.scope.version", scope.get("version")), ("span.kind", kind if kind != "unspecified" else ""),
             ("otel.status_code", "OK" if code == 1 else "ERROR" if code == 2 and version == 1 else ""), ("error", code == 2), ("otel.status_description", status.get("message")),
             ("w3c.tracestate", span.get("traceState"))]
    return [(key, value) for key, value in pairs if value]


def log(event, version):
    pairs = pairs_of(event.get("attributes"))
    name = [("event", event["name"])] if event.get("name") and "event" not in dict(pairs) else []
    return {"timestamp": when(event.get("timeUnixNano")) // 1000, "fields": tags([*name, *pairs], version)}


def references(span, version):
    own = {"refType": "CHILD_OF", "traceID": hex_id(span.get("traceId")), "spanID": hex_id(span.get("parentSpanId"))}
    links = [{"refType": "FOLLOWS_FROM", "traceID": hex_id(link.get("traceId")), "spanID": hex_id(link.get("spanId"))} for link in span.get("links") or []]
    if version == 2 or not own["spanID"].strip("0"):
        return links
    return [own, *(link for link in links if (link["traceID"], link["spanID"]) != (own["traceID"], own["spanID"]))]


def document(resource, scope, span, version, as_fields):
    start, end = when(span.get("startTimeUnixNano")), when(span.get("endTimeUnixNano"))
    length = end - start
    parent = hex_id(span.get("parentSpanId"))
    pairs = [*told(span, scope, version), *pairs_of(span.get("attributes"))]
    apart = {key.replace(".", "@"): value for key, value in pairs if as_fields and isinstance(value, (str, bool, int))}
    left = pairs if not as_fields else [(key, value) for key, value in pairs if not isinstance(value, (str, bool, int))]
    return {"traceID": hex_id(span.get("traceId")), "spanID": hex_id(span.get("spanId")), "operationName": span.get("name", ""), "references": references(span, version),
            "startTime": start // 1000, "startTimeMillis": start // 1_000_000, "duration": length // 1000 if length >= 0 else 2**64 - -length // 1000,
            "tags": tags(left, version), "logs": [log(event, version) for event in span.get("events") or []], "process": process(resource, version),
            **({"tag": apart} if apart else {}), **({"parentSpanID": parent} if version == 2 and parent.strip("0") else {})}


def documents(request, version=2, as_fields=False):
    for of_resource in request.get("resourceSpans", []):
        for of_scope in of_resource.get("scopeSpans", []):
            for span in of_scope.get("spans", []):
                yield document(of_resource.get("resource") or {}, of_scope.get("scope") or {}, span, version, as_fields)


def mappings(_typed=True):
    listed = {"type": "nested", "dynamic": False, "properties": {"key": KEYWORD, "value": KEYWORD, "type": KEYWORD}}
    return {"dynamic_templates": [{"span_tags_map": {"path_match": "tag.*", "mapping": KEYWORD}}, {"process_tags_map": {"path_match": "process.tag.*", "mapping": KEYWORD}}],
            "properties": {"traceID": KEYWORD, "parentSpanID": KEYWORD, "spanID": KEYWORD, "operationName": KEYWORD, "startTime": {"type": "long"},
                           "startTimeMillis": {"type": "date", "format": "epoch_millis"}, "duration": {"type": "long"}, "flags": {"type": "integer"},
                           "logs": {"type": "nested", "dynamic": False, "properties": {"timestamp": {"type": "long"}, "fields": listed}},
                           "process": {"properties": {"serviceName": KEYWORD, "tag": {"type": "object"}, "tags": listed}},
                           "references": {"type": "nested", "dynamic": False, "properties": {"refType": KEYWORD, "traceID": KEYWORD, "spanID": KEYWORD}},
                           "tag": {"type": "object"}, "tags": listed}}
