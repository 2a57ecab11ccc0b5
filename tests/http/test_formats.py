"""One set of traces in every form that can carry it has one set of verdicts. Forms are OTLP in JSON, lines and protobuf, Tempo's downloads, JSON of Jaeger
and Zipkin, packed or not, in a folder, and in UTF-16. Of a packed file whose packing is cut off nothing is judged."""
import ctypes
import gzip
import json
import os
import random
import struct
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402

TRACES = 40
START_NS = 1_767_225_600 * 10**9
KINDS = ("server", "client", "producer", "consumer")
NAMES = ("checkout", "charge", "audit", "query", "refund")
RULES = {
    "absent": "when { charge } always { audit }",
    "order": "when { checkout } never { refund before charge }",
    "after": "when { charge as c } always { audit after c }",
    "child": "when { checkout as c } always { charge child of c }",
    "under": "trace.has(query) and not trace.has(span.name == \"refund\")",
    "service": "never { span(span.service == \"payment\" and span.name == \"query\") }",
    "kind": "never { span(span.kind == client and span.status == error) }",
    "status": "when { span(span.status == error) } always { span(span.status_message contains \"late\") }",
    "number": "trace.has(span.attributes[\"http.status_code\"] >= 500)",
    "text": "never { span(user starts_with \"u1\") }",
    "sum": "when { charge } always { sum(charge, amount) <= 150 }",
    "every": "when { charge } always { every(charge, exists(amount)) }",
    "duration": "never { span(span.duration > 40ms) }",
    "gap": "when { checkout as c } never { span(span.name == \"charge\" and span.start > c.start + 30ms) }",
    "event": "never { span(event.name == \"retry\") }",
    "events": "trace.has(event.count(event.name == \"retry\") > 1)",
    "root": "when { audit } always { trace.root.name == \"checkout\" }",
    "count": "trace.has(trace.span_count > 6)",
}


def make_spans():
    """What all forms carry: microseconds, one service a span, attributes that are texts or numbers, events without attributes."""
    chance = random.Random(630)
    spans = []
    for number in range(TRACES):
        trace = f"{number + 1:032x}"
        ids = [f"{number + 1:08x}{place + 1:08x}" for place in range(chance.randint(2, 8))]
        for place, span_id in enumerate(ids):
            start = START_NS + number * 10**9 + chance.randrange(50_000) * 1000
            parent = ids[chance.randrange(place)] if place else "ee" * 8 if chance.random() < 0.1 else ""
            attributes = {key: value for key, value, share in (("user", f"u{chance.randrange(20)}", 0.5), ("amount", chance.randrange(100), 0.7),
                                                              ("http.status_code", chance.choice((200, 404, 503)), 0.5)) if chance.random() < share}
            spans.append({"trace": trace, "id": span_id, "parent": parent, "name": chance.choice(NAMES) if place else "checkout", "service": chance.choice(("shop", "payment")),
                          "kind": chance.choice(KINDS), "start": start, "end": start + chance.randrange(60_000) * 1000, "error": chance.choice((None, None, None, "too late", "no money")),
                          "attributes": attributes, "events": [start + 1000] * chance.choice((0, 0, 0, 1, 2))})
    return spans


# ---- forms ----


def as_otlp(spans):
    """A resource a span: one document."""
    resources = []
    for span in spans:
        made = {"traceId": span["trace"], "spanId": span["id"], "name": span["name"], "kind": otlp.KINDS[span["kind"]], "startTimeUnixNano": str(span["start"]),
                "endTimeUnixNano": str(span["end"]), "attributes": otlp.attributes(span["attributes"]), "events": [{"timeUnixNano": str(at), "name": "retry"} for at in span["events"]]}
        if span["parent"]:
            made["parentSpanId"] = span["parent"]
        if span["error"]:
            made["status"] = {"code": 2, "message": span["error"]}
        resources.append({"resource": {"attributes": otlp.attributes({"service.name": span["service"]})}, "scopeSpans": [{"spans": [made]}]})
    return {"resourceSpans": resources}


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def part(number, payload):
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    payload = payload.encode() if isinstance(payload, str) else payload
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def fixed(number, value):
    return varint(number << 3 | 1) + struct.pack("<Q", value)


def key_value(number, key, value):
    return part(number, part(1, key) + part(2, part(3, value) if isinstance(value, int) else part(1, value)))


def as_protobuf(spans):
    out = b""
    for span in spans:
        made = part(1, bytes.fromhex(span["trace"])) + part(2, bytes.fromhex(span["id"])) + (part(4, bytes.fromhex(span["parent"])) if span["parent"] else b"")
        made += part(5, span["name"]) + part(6, otlp.KINDS[span["kind"]]) + fixed(7, span["start"]) + fixed(8, span["end"])
        made += b"".join(key_value(9, key, value) for key, value in span["attributes"].items())
        made += b"".join(part(11, fixed(1, at) + part(2, "retry")) for at in span["events"])
        made += part(15, part(2, span["error"]) + part(3, 2)) if span["error"] else b""
        out += part(1, part(1, key_value(1, "service.name", span["service"])) + part(2, part(2, made)))
    return out


def told(span):
    """What exporters write as tags for want of a field."""
    return {"otel.status_code": "ERROR", "otel.status_description": span["error"]} if span["error"] else {}


def as_jaeger(spans):
    traces = {}
    for span in spans:
        trace = traces.setdefault(span["trace"], {"traceID": span["trace"], "spans": [], "processes": {name: {"serviceName": name, "tags": []} for name in ("shop", "payment")}})
        tags = [{"key": key, "type": "int64" if isinstance(value, int) else "string", "value": value} for key, value in {**span["attributes"], "span.kind": span["kind"], **told(span)}.items()]
        trace["spans"].append({"traceID": span["trace"], "spanID": span["id"], "operationName": span["name"], "processID": span["service"], "startTime": span["start"] // 1000,
                               "duration": (span["end"] - span["start"]) // 1000, "tags": tags,
                               "references": [{"refType": "CHILD_OF", "traceID": span["trace"], "spanID": span["parent"]}] if span["parent"] else [],
                               "logs": [{"timestamp": at // 1000, "fields": [{"key": "event", "type": "string", "value": "retry"}]} for at in span["events"]]})
    return {"data": list(traces.values())}


def as_zipkin(spans):
    return [{"traceId": span["trace"], "id": span["id"], **({"parentId": span["parent"]} if span["parent"] else {}), "name": span["name"], "kind": span["kind"].upper(),
             "timestamp": span["start"] // 1000, "duration": (span["end"] - span["start"]) // 1000, "localEndpoint": {"serviceName": span["service"]},
             "annotations": [{"timestamp": at // 1000, "value": "retry"} for at in span["events"]],
             "tags": {key: str(value) for key, value in {**span["attributes"], **told(span), **({"telemetry.sdk.name": "opentelemetry"} if told(span) else {})}.items()}} for span in spans]


def zstd(data):
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_compressBound.restype = library.ZSTD_compress.restype = ctypes.c_size_t
    room = ctypes.create_string_buffer(library.ZSTD_compressBound(ctypes.c_size_t(len(data))))
    size = library.ZSTD_compress(room, ctypes.c_size_t(len(room)), data, ctypes.c_size_t(len(data)), 3)
    return room.raw[:size]


def by_trace(spans):
    traces = {}
    for span in spans:
        traces.setdefault(span["trace"], []).append(span)
    return list(traces.values())


class FormatsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-formats-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.spans = make_spans()
        cls.rules = cls.put("rules.json", json.dumps({"rules": [{"id": name, "dsl": rule} for name, rule in RULES.items()]}))
        cls.plain = json.dumps(as_otlp(cls.spans)).encode()
        cls.lines = b"".join(json.dumps(as_otlp([span])).encode() + b"\n" for span in cls.spans)
        cls.expected = cls.verdicts(cls.put("expected.json", cls.plain))

    @classmethod
    def put(cls, name, content):
        path = os.path.join(cls.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        return path

    @classmethod
    def verdicts(cls, *paths):
        done = run_cli("eval", "--rules", cls.rules, "--all", "--json", "--", *paths)
        assert done.returncode == 1, done
        objects = [json.loads(line) for line in done.stdout.splitlines()]
        assert objects[-1]["summary"]["left_out"] == [], objects[-1]
        found = {(one["rule_id"], one["trace_id"]): one["verdict"] for one in objects[:-1]}
        assert len(found) == len(RULES) * TRACES, len(found)
        return found

    def hold(self, name, *paths):
        with self.subTest(form=name):
            found = self.verdicts(*paths)
            self.assertEqual({key: (value, found[key]) for key, value in self.expected.items() if found[key] != value}, {})

    def test_every_rule_tells_traces_apart(self):
        """Else equal verdicts would prove little."""
        for name in RULES:
            self.assertGreater(len({verdict for (rule, _), verdict in self.expected.items() if rule == name}), 1, name)

    def test_every_form_has_the_same_verdicts(self):
        pieces = [b"".join(json.dumps(as_otlp([span])).encode() + b"\n" for span in self.spans[place::3]) for place in range(3)]
        protobuf = as_protobuf(self.spans)
        messages = b"".join(struct.pack(">I", len(one)) + one for one in (as_protobuf(trace) for trace in by_trace(self.spans)))
        frames = b"".join(zstd(json.dumps(as_otlp(trace)).encode() + b"\n") for trace in by_trace(self.spans))
        framed = b"".join(struct.pack(">I", len(one)) + one for one in (zstd(as_protobuf(trace)) for trace in by_trace(self.spans)))
        jaeger, zipkin = json.dumps(as_jaeger(self.spans)), json.dumps(as_zipkin(self.spans))
        forms = {
            "lines": self.lines, "protobuf": protobuf, "messages": messages, "gzip": gzip.compress(self.plain), "gzip of protobuf": gzip.compress(protobuf),
            "zstd": zstd(self.lines), "zstd of protobuf": zstd(protobuf), "zstd frames": frames, "zstd framed": framed,
            "result": json.dumps({"result": as_otlp(self.spans)}), "bare": b"".join(json.dumps(one).encode() + b"\n" for one in as_otlp(self.spans)["resourceSpans"]),
            "UTF-16": b"\xff\xfe" + self.plain.decode().encode("utf-16-le"), "Jaeger": jaeger, "Jaeger, packed": zstd(jaeger.encode()), "Zipkin": zipkin,
            "Zipkin, traces": json.dumps([as_zipkin(trace) for trace in by_trace(self.spans)]), "Zipkin, lines": "".join(json.dumps(one) + "\n" for one in as_zipkin(self.spans)),
            "Zipkin, packed": gzip.compress(zipkin.encode())}
        for place, (name, content) in enumerate(forms.items()):
            self.hold(name, self.put(f"form-{place}", content))
        self.hold("a file a trace, as Tempo gives it", *(self.put(f"tempo/{place}", json.dumps({"trace": as_otlp(trace)})) for place, trace in enumerate(by_trace(self.spans))))
        self.hold("batches", *(self.put(f"batches/{place}", json.dumps({"batches": as_otlp(trace)["resourceSpans"]})) for place, trace in enumerate(by_trace(self.spans))))
        for place, piece in enumerate(pieces):
            self.put(f"pieces/{place}.jsonl", piece)
        self.hold("a folder", os.path.join(self.folder, "pieces"))
        thirds = [by_trace(self.spans)[place::3] for place in range(3)]
        flat = [[span for trace in third for span in trace] for third in thirds]
        self.hold("three kinds at once", self.put("kinds/a", json.dumps(as_jaeger(flat[0]))), self.put("kinds/b", zstd(as_protobuf(flat[1]))), self.put("kinds/c", json.dumps(as_zipkin(flat[2]))))

    def test_names_of_events_in_annotations_of_zipkin(self):
        """OpenTelemetry's exporters put the attributes behind the name, in JSON. Other texts are names as they are."""
        names = {"retry": "retry", 'retry: {"n":1}': "retry", "a: b: {}": "a: b", 'retry|{"n":"|{"}|2': "retry", "a|b|{}|0": "a|b", "|{}|0": "",
                 **{text: text for text in ("retry: {}}", "retry: {", "retry|{}|", "retry|{}|-1", "retry|{}|4294967296", "retry|{|0", "retry|{}", "|{|0", ": {")}, '"retry":{}': "retry", '"retry": {"n":1,"of":[{}]}': "retry", '{"retry": {}}': "retry", '{"a \\"b\\"": {"n": "}"}}': 'a "b"', '"":{}': "",
                 **{text: text for text in ("{}", '"retry"', '{"retry": 1}', '{"a": {}, "b": {}}', '"a":{},"b":{}', '"retry":{}}', '{"retry": {}', "{retry: {}}", "}", '"}')}}
        for text, name in names.items():
            with self.subTest(text=text):
                span = {"traceId": "1", "id": "1", "name": "a", "timestamp": 1, "duration": 1, "annotations": [{"timestamp": 1, "value": text}]}
                path = self.put("annotation.json", json.dumps([span]))
                done = run_cli("eval", "--dsl", f"never {{ span(event.name == {json.dumps(name)}) }}", path)
                self.assertEqual(done.returncode, 1, done)

    def test_what_a_format_does_not_keep_is_unknown(self):
        """OpenTelemetry's exporters differ in what they write as tags and annotations. What none of them may have written is not known to be missing."""
        def zipkin(tags, *annotations):
            return [{"traceId": "1", "id": "1", "name": "a", "timestamp": 1, "duration": 1, "tags": tags, "annotations": [{"timestamp": 1, "value": value} for value in annotations]}]
        link = "000000000000000000000000000000a2|00000000000000b2|x=1|{\"k\":1}|0"
        jaeger = {"data": [{"traceID": "1", "processes": {"p": {"serviceName": "s", "tags": []}}, "spans": [
            {"traceID": "1", "spanID": "1", "operationName": "a", "processID": "p", "startTime": 1, "duration": 1, "references": [{"refType": "FOLLOWS_FROM", "traceID": "2", "spanID": "3"}]}]}]}
        forms = {"a tracer of Zipkin": zipkin({}, "e"), "with the resource": zipkin({"telemetry.sdk.name": "opentelemetry", "otel.scope.name": "m"}, 'e: {"k":1,"b":true,"t":"x","d":1.5}'),
                 "without the resource": zipkin({"otel.scope.name": "m"}, '"e":{"k":1,"of":[1,2]}'),
                 "the Collector": zipkin({"telemetry.sdk.name": "opentelemetry", "otlp.link.0": link}, 'e|{"k":1}|3', 'f|{"k":2}|0'), "Jaeger": jaeger}
        yes, no, open_ = "violated", "satisfied", "inconclusive"
        rules = {"span.z == 1": (no, no, no, no, no), "z == 1": (no, no, open_, no, no), "resource.z == 1": (open_, open_, open_, open_, no), 'scope.attributes["z"] == 1': (open_,) * 5,
                 "event.name == \"e\"": (yes, yes, yes, yes, no), "event.k == 1": (open_, yes, yes, yes, no), "event.z == 1": (open_, no, open_, open_, no), "event.of == 1": (open_, no, open_, open_, no),
                 "event.b == true and event.t == \"x\" and event.d > 1.4": (open_, yes, open_, open_, no), "event.where(event.name == \"f\" and event.z == 1)": (no,) * 5,
                 "exists(link.span_id)": (open_, open_, open_, yes, yes), "link.k == 1": (open_, open_, open_, yes, open_), "exists(otlp.link.0)": (no, no, open_, no, no),
                 "span.kind == internal": (open_,) * 5, "span.kind != internal": (open_,) * 5, "span.kind in [internal, unspecified]": (yes,) * 5, "span.kind == client": (no,) * 5, "not exists(span.kind)": (no,) * 5}
        for place, (form, document) in enumerate(forms.items()):
            path = self.put("lost.json", json.dumps(document))
            for test, expected in rules.items():
                with self.subTest(form=form, test=test):
                    test = test.replace("exists(otlp.link.0)", 'exists("otlp.link.0")')
                    done = run_cli("eval", "--all", "--json", "--dsl", f"never {{ span({test}) }}", path)
                    self.assertEqual(json.loads(done.stdout.splitlines()[0])["verdict"], expected[place], done)

    def test_every_door_has_the_same_verdicts(self):
        json_type, protobuf_type = {"Content-Type": "application/json"}, {"Content-Type": "application/x-protobuf"}
        pushes = {"OTLP JSON": ("/v1/traces", self.plain, json_type), "OTLP protobuf": ("/v1/traces", as_protobuf(self.spans), protobuf_type), "own door": ("/v1/spans", self.plain, json_type),
                  "Jaeger": ("/v1/spans", json.dumps(as_jaeger(self.spans)).encode(), json_type), "Zipkin": ("/api/v2/spans", json.dumps(as_zipkin(self.spans)).encode(), json_type)}
        for name, (path, body, headers) in pushes.items():
            with self.subTest(door=name), Betrace("--memory-source") as server:
                self.assertIn(server.post(path, body, headers=headers).status, (200, 202))
                for rule, dsl in RULES.items():
                    self.assertEqual(server.post("/v1/rules", {"id": rule, "dsl": dsl}).status, 201)
                found = {}
                for trace in {span["trace"] for span in self.spans}:
                    for one in server.get(f"/v1/traces/{trace}/verdicts").json()["verdicts"]:
                        found[one["rule_id"], trace] = one["verdict"]
                self.assertEqual({key: (value, found.get(key)) for key, value in self.expected.items() if found.get(key) != value}, {})

    def test_of_a_torn_packing_nothing_is_judged(self):
        """A reader that stops early would call what it has not seen absent."""
        for name, packed in (("gzip", gzip.compress(self.lines)), ("zstd", zstd(self.lines)), ("zstd of protobuf", zstd(as_protobuf(self.spans)))):
            chance = random.Random(name)
            for length in {len(packed) - 1, len(packed) - 4, len(packed) // 2, *(chance.randrange(20, len(packed)) for _ in range(8))}:
                with self.subTest(form=name, length=length):
                    done = run_cli("eval", "--rules", self.rules, "--all", self.put("torn", packed[:length]))
                    self.assertEqual((done.returncode, done.stdout), (2, ""), done)
                    self.assertIn("torn", done.stderr, "the file is named")

    def test_a_message_that_is_wrong_is_not_one_that_is_cut_off(self):
        """With all bytes of its length there, nobody is still writing it: the file is damaged."""
        first, last = as_protobuf(self.spans[:4]), as_protobuf(self.spans[4:6])
        whole = struct.pack(">I", len(first)) + first
        for name, end, code, said in (("cut", struct.pack(">I", len(last)) + last[:-7], 3, "is cut off"),
                                      ("wrong", struct.pack(">I", len(last)) + last[:-7] + bytes(7), 2, "protobuf"),
                                      ("of zeros", struct.pack(">I", 9) + bytes(9), 2, "protobuf")):
            with self.subTest(end=name):
                done = run_cli("eval", "--dsl", "never { nothing }", self.put("framed", whole + end))
                self.assertEqual(done.returncode, code, done)
                self.assertIn(said, done.stderr)

    def test_zeros_at_the_end_are_what_was_not_written(self):
        """A file system leaves them after a power failure. Messages of no bytes look the same."""
        lines, messages = self.lines[:self.lines.index(b"\n") + 1], as_protobuf(self.spans[:4])
        forms = {"lines": lines, "a line without its end": lines[:-1], "framed": struct.pack(">I", len(messages)) + messages, "protobuf": messages,
                 "framed zstd": struct.pack(">I", len(zstd(messages))) + zstd(messages), "gzip": gzip.compress(lines), "zstd": zstd(lines),
                 "Jaeger": json.dumps(as_jaeger(self.spans)).encode(), "Zipkin": json.dumps(as_zipkin(self.spans)).encode(), "UTF-16": lines.decode().encode("utf-16")}
        for name, whole in forms.items():
            for zeros in (1, 4, 4096, 300_000):
                with self.subTest(form=name, zeros=zeros):
                    done = run_cli("eval", "--dsl", "never { nothing }", self.put("zeros", whole + bytes(zeros)))
                    self.assertIn(done.returncode, (2, 3), done)
                    self.assertIn("zeros", done.stderr, "the file is named")
                    self.assertEqual(done.returncode == 3, "cut off and was left out" in done.stderr)

    def test_zeros_elsewhere_are_damage(self):
        """Copytruncate leaves them in front of what is written next, whatever the file's format."""
        messages = as_protobuf(self.spans[:4])
        framed = struct.pack(">I", len(messages)) + messages
        for zeros in (4, 8, 4096, 300_000):
            for name, content in (("lines", bytes(zeros) + self.lines), ("framed", bytes(zeros) + framed), ("between", framed + bytes(zeros) + framed)):
                with self.subTest(form=name, zeros=zeros):
                    done = run_cli("eval", "--dsl", "never { nothing }", self.put("zeros", content))
                    self.assertEqual((done.returncode, done.stdout), (2, ""), done)
                    self.assertIn("zeros stand where a message is expected", done.stderr)


if __name__ == "__main__":
    unittest.main()
