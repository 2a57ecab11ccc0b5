"""Documents as the Collector's Elasticsearch exporter writes them in its mode otel, from OTLP, and an index for them. It follows its source (otelserializer/traces.go, common.go)
and Elasticsearch's templates (traces-otel@mappings, otel@mappings), and was not held against a running one. What is empty is left out. A time is milliseconds, a point, and
nanoseconds without leading zeros. `milliseconds` is as Elasticsearch's own OTLP endpoint writes times. A number that JSON has not breaks the document, and a span that ends
before it begins is refused by the index."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "clickhouse"))
from otlp_clickhouse import Blob, KINDS, Nothing, STATUSES, hex_id, number_of, pairs_of, when  # noqa: E402

NOT_WRITTEN = {"data_stream.type", "data_stream.dataset", "data_stream.namespace", "elasticsearch.mapping.hints", "elasticsearch.mapping.mode", "elasticsearch.document_id",
               "elasticsearch.document_pipeline", "elasticsearch.index"}


def timestamp(ns, milliseconds=False):
    return ns // 1_000_000 if milliseconds else f"{ns // 1_000_000}.{ns % 1_000_000}"


def written(value):
    if value is Nothing:
        return None
    if isinstance(value, Blob):
        return value.hex()
    if isinstance(value, list):
        return [written(item) for item in value]
    return {key: written(item) for key, item in value.items()} if isinstance(value, dict) else value


def attributes(of):
    pairs = {key: written(value) for key, value in pairs_of(of.get("attributes")) if key not in NOT_WRITTEN}
    return {**({"attributes": pairs} if pairs else {}), **told({"dropped_attributes_count": int(of.get("droppedAttributesCount") or 0)})}


def told(members):
    return {key: value for key, value in members.items() if value}


def document(resource, scope, span, milliseconds):
    start, end = when(span.get("startTimeUnixNano")), when(span.get("endTimeUnixNano"))
    status, parent = span.get("status") or {}, hex_id(span.get("parentSpanId"))
    code = STATUSES[number_of(status.get("code"), STATUSES, "STATUS_CODE_")]
    return {"@timestamp": timestamp(start, milliseconds), "data_stream": {"type": "traces", "dataset": "generic.otel", "namespace": "default"},
            "trace_id": hex_id(span.get("traceId")), "span_id": hex_id(span.get("spanId")), "duration": (end - start) % 2**64, **attributes(span),
            **told({"trace_state": span.get("traceState"), "parent_span_id": parent if parent.strip("0") else "", "name": span.get("name"),
                    "kind": KINDS[number_of(span.get("kind"), KINDS, "SPAN_KIND_")], "dropped_events_count": int(span.get("droppedEventsCount") or 0),
                    "dropped_links_count": int(span.get("droppedLinksCount") or 0)}),
            "links": [told({"trace_id": hex_id(link.get("traceId")), "span_id": hex_id(link.get("spanId")), "trace_state": link.get("traceState"), **attributes(link)})
                      for link in span.get("links") or []],
            "status": told({"message": status.get("message"), "code": "" if code == "Unset" else code}), "resource": attributes(resource),
            "scope": {**told({"name": scope.get("name"), "version": scope.get("version")}), **attributes(scope)}}


def documents(request, milliseconds=False):
    for of_resource in request.get("resourceSpans", []):
        for of_scope in of_resource.get("scopeSpans", []):
            for span in of_scope.get("spans", []):
                yield document(of_resource.get("resource") or {}, of_scope.get("scope") or {}, span, milliseconds)


def mappings(typed=True):
    """Attributes are passthrough objects in Elasticsearch; here they are objects without subobjects, or not mapped at all."""
    keyword, number = {"type": "keyword"}, {"type": "long"}
    flat = {"type": "object", "subobjects": False, "dynamic": True} if typed else {"type": "object", "enabled": False}
    dropped = {"dropped_attributes_count": number}
    return {"date_detection": False, "dynamic": False, "properties": {
        "@timestamp": {"type": "date"}, "trace_id": keyword, "span_id": keyword, "trace_state": keyword, "parent_span_id": keyword, "name": keyword, "kind": keyword,
        "duration": number, "dropped_events_count": number, "dropped_links_count": number, **dropped, "attributes": flat,
        "links": {"properties": {"trace_id": keyword, "span_id": keyword, "trace_state": keyword, "attributes": flat, **dropped}},
        "status": {"properties": {"message": keyword, "code": keyword}}, "resource": {"properties": {"attributes": flat, **dropped}},
        "scope": {"properties": {"name": keyword, "version": keyword, "attributes": flat, **dropped}}}}
