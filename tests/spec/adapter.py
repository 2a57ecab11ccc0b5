"""BeTrace's adapter to its own conformance suite: turns each trace into OTLP JSON, so that the suite also runs through the decoder that
traces really come by, and hands everything to the C program conformance_answers.

    python3 docs/spec/conformance/run.py --adapter 'python3 tests/spec/adapter.py PATH/conformance_answers'
"""
import json
import subprocess
import sys

EPOCH_NS = 10 ** 15
OWN_ID = "0102030405060708090a0b0c0d0e0f10"
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")


def otlp_value(value):
    """AnyValue of {"int": "5"} and the like."""
    ((form, content),) = value.items()
    if form == "array":
        return {"arrayValue": {"values": [otlp_value(item) for item in content]}}
    if form == "map":
        return {"kvlistValue": {"values": otlp_attributes(content)}}
    if form == "null":
        return {}
    return {{"string": "stringValue", "int": "intValue", "double": "doubleValue", "bool": "boolValue", "bytes": "bytesValue"}[form]: content}


def otlp_attributes(pairs):
    return [{"key": key, "value": otlp_value(value)} for key, value in pairs]


def otlp_time(text, shift_ns):
    return "0" if text is None else str(int(text) + shift_ns)


def otlp_holder(holder):
    """The attributes of an event, a link or a scope, and how many more there were."""
    return {"attributes": otlp_attributes(holder.get("attributes", [])), "droppedAttributesCount": holder.get("dropped_attributes", 0)}


def otlp_span(span, trace_id, shift_ns):
    out = {"traceId": trace_id, "spanId": span["id"], "name": span["name"],
           "kind": KINDS.index(span.get("kind", "unspecified")), "startTimeUnixNano": otlp_time(span["start_ns"], shift_ns),
           "endTimeUnixNano": otlp_time(span["end_ns"], shift_ns), "attributes": otlp_attributes(span.get("attributes", [])),
           "status": {"code": STATUSES.index(span.get("status", "unset")), "message": span.get("status_message", "")},
           "events": [{"name": event["name"], "timeUnixNano": str(int(event.get("time_ns", span["start_ns"])) + shift_ns), **otlp_holder(event)}
                      for event in span.get("events", [])],
           "links": [{"traceId": link["trace_id"], "spanId": link["span_id"], **otlp_holder(link)} for link in span.get("links", [])]}
    if "flags" in span:
        out["flags"] = span["flags"]
    if "trace_state" in span:
        out["traceState"] = span["trace_state"]
    if "parent" in span:
        out["parentSpanId"] = span["parent"]
    for what in ("attributes", "events", "links"):
        if f"dropped_{what}" in span:
            out[f"dropped{what.title()}Count"] = span[f"dropped_{what}"]
    return out


def otlp_document(traces, shift_ns):
    """Each span with a resource and a scope of its own."""
    return {"resourceSpans": [{
        "resource": {"attributes": otlp_attributes(span.get("resource", [])), "droppedAttributesCount": span.get("resource_dropped", 0)},
        "scopeSpans": [{"scope": {"name": span.get("scope", {}).get("name", ""), "version": span.get("scope", {}).get("version", ""),
                                  **otlp_holder(span.get("scope", {}))},
                        "spans": [otlp_span(span, trace.get("id", OWN_ID), shift_ns)]}]} for trace in traces for span in trace["spans"]]}


def known_of(trace, shift_ns):
    """What is known of a trace of a family, for conformance_answers."""
    known = {"id": trace.get("id", OWN_ID), "incomplete": trace.get("incomplete", False)}
    return known | ({"asked_until_ns": int(trace["asked_until_ns"]) + shift_ns} if "asked_until_ns" in trace else {})


def adapt_eval(request):
    """OTLP's times count from 1970, are never negative as the suite's may be, and 0 where nobody set them."""
    traces = [request.pop("trace"), *request.get("others", [])]
    shift_ns = EPOCH_NS - min((int(span["start_ns"]) for trace in traces for span in trace["spans"] if span["start_ns"] is not None), default=0)
    request["otlp"] = json.dumps(otlp_document(traces, shift_ns), ensure_ascii=False)
    if "others" in request:
        del request["others"]
        request["family"] = [known_of(trace, shift_ns) for trace in traces]


def adapted(line):
    request = json.loads(line)
    if request["do"] == "eval":
        adapt_eval(request)
    return json.dumps(request, ensure_ascii=False) + "\n"


def main():
    text = "".join(adapted(line) for line in sys.stdin.buffer)
    return subprocess.run(sys.argv[1:], input=text.encode(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
