"""An ExportTraceServiceRequest of protobuf as OTLP's JSON has it. Standard library only."""
import base64
import struct

from partial_store import fields


def text(value):
    return value.decode("utf-8", "surrogatepass")


def hexadecimal(value):
    return value.hex()


def fixed(value):
    return str(int.from_bytes(value, "little"))


def small(value):
    return int.from_bytes(value, "little") if isinstance(value, bytes) else value


def signed(value):
    return str(value - 2**64 if value >= 2**63 else value)


def double(value):
    number = struct.unpack("<d", value)[0]
    return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(str(number), number)


def bytes_text(value):
    return base64.b64encode(value).decode()


def of(shape):
    return lambda value: message(value, SHAPES[shape])


# Of each message: number of a field: its name in JSON, how its value is read, and whether there are several.
SHAPES = {
    "request": {1: ("resourceSpans", of("resource spans"), True)},
    "resource spans": {1: ("resource", of("resource"), False), 2: ("scopeSpans", of("scope spans"), True)},
    "resource": {1: ("attributes", of("attribute"), True)},
    "scope spans": {1: ("scope", of("scope"), False), 2: ("spans", of("span"), True)},
    "scope": {1: ("name", text, False), 2: ("version", text, False), 3: ("attributes", of("attribute"), True)},
    "span": {1: ("traceId", hexadecimal, False), 2: ("spanId", hexadecimal, False), 3: ("traceState", text, False), 4: ("parentSpanId", hexadecimal, False),
             5: ("name", text, False), 6: ("kind", small, False), 7: ("startTimeUnixNano", fixed, False), 8: ("endTimeUnixNano", fixed, False),
             9: ("attributes", of("attribute"), True), 11: ("events", of("event"), True), 13: ("links", of("link"), True), 15: ("status", of("status"), False),
             16: ("flags", small, False)},
    "event": {1: ("timeUnixNano", fixed, False), 2: ("name", text, False), 3: ("attributes", of("attribute"), True)},
    "link": {1: ("traceId", hexadecimal, False), 2: ("spanId", hexadecimal, False), 3: ("traceState", text, False), 4: ("attributes", of("attribute"), True)},
    "status": {2: ("message", text, False), 3: ("code", small, False)},
    "attribute": {1: ("key", text, False), 2: ("value", of("value"), False)},
    "value": {1: ("stringValue", text, False), 2: ("boolValue", bool, False), 3: ("intValue", signed, False), 4: ("doubleValue", double, False),
              5: ("arrayValue", of("list"), False), 6: ("kvlistValue", of("map"), False), 7: ("bytesValue", bytes_text, False)},
    "list": {1: ("values", of("value"), True)},
    "map": {1: ("values", of("attribute"), True)},
}


def message(data, shape):
    found = {}
    for number, value in fields(data):
        if number not in shape:
            continue
        name, read, is_many = shape[number]
        if is_many:
            found.setdefault(name, []).append(read(value))
        else:
            found[name] = read(value)
    return found


def request_of(data):
    return message(data, SHAPES["request"])
