"""Tempo's search answer in JSON, written again as tempopb.SearchResponse in protobuf: what Tempo 2.10 and 3.x send, in front of a 2.8, which
sends JSON whatever it is asked. Standard library only."""
import json
import struct


SHORT = [bytes([number]) for number in range(0x80)]


def varint(number):
    if 0 <= number <= 0x7F:
        return SHORT[number]
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def number_field(field, value):
    return varint(field << 3) + varint(value) if value else b""


def bytes_field(field, value):
    value = value.encode(errors="surrogateescape") if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def text_field(field, value):
    return bytes_field(field, value) if value else b""


def any_value(value):
    (kind, content), = value.items() if value else ((None, None),)
    if kind == "stringValue":
        return bytes_field(1, content)
    if kind == "boolValue":
        return varint(2 << 3) + varint(1 if content else 0)
    if kind == "intValue":
        return varint(3 << 3) + varint(int(content))
    if kind == "doubleValue":
        return varint(4 << 3 | 1) + struct.pack("<d", float(content))
    if kind == "arrayValue":
        return bytes_field(5, b"".join(bytes_field(1, any_value(item)) for item in content.get("values", [])))
    if kind is None:
        return b""
    raise ValueError(f"a kind of value that Tempo does not send: {kind}")


def attribute(item):
    return text_field(1, item.get("key", "")) + bytes_field(2, any_value(item.get("value", {})))


def span(item):
    return (text_field(1, item.get("spanID", "")) + text_field(2, item.get("name", "")) + number_field(3, int(item.get("startTimeUnixNano", 0)))
            + number_field(4, int(item.get("durationNanos", 0))) + b"".join(bytes_field(5, attribute(one)) for one in item.get("attributes", [])))


def span_set(item):
    return (b"".join(bytes_field(1, span(one)) for one in item.get("spans", [])) + number_field(2, int(item.get("matched", 0)))
            + b"".join(bytes_field(3, attribute(one)) for one in item.get("attributes", [])))


def service_stats(service, item):
    return text_field(1, service) + bytes_field(2, number_field(1, int(item.get("spanCount", 0))) + number_field(2, int(item.get("errorCount", 0))))


def trace(item):
    """Field 6 is the first set once more, as Tempo sends it."""
    sets = item.get("spanSets", [])
    first = item.get("spanSet") or (sets[0] if sets else None)
    return (text_field(1, item.get("traceID", "")) + text_field(2, item.get("rootServiceName", "")) + text_field(3, item.get("rootTraceName", ""))
            + number_field(4, int(item.get("startTimeUnixNano", 0))) + number_field(5, int(item.get("durationMs", 0)))
            + (bytes_field(6, span_set(first)) if first else b"") + b"".join(bytes_field(7, span_set(one)) for one in sets)
            + b"".join(bytes_field(8, service_stats(service, one)) for service, one in item.get("serviceStats", {}).items()))


def search_response(body):
    answer = json.loads(body)
    metrics = answer.get("metrics", {})
    inside = number_field(1, int(metrics.get("inspectedTraces", 0))) + number_field(2, int(metrics.get("inspectedBytes", 0)))
    return b"".join(bytes_field(1, trace(one)) for one in answer.get("traces", [])) + bytes_field(2, inside)


def transcode(request, answer):
    """The answer as a Tempo that speaks protobuf would give it to this request."""
    is_search = request.path.endswith("/api/search") and answer.status == 200 and answer.content_type.startswith("application/json")
    if not is_search or "application/protobuf" not in (request.header("Accept") or ""):
        return answer
    return answer.with_body(search_response(answer.body), "application/protobuf")
