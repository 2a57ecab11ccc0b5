"""The doors that others' exporters call: POST /v1/traces as OTLP/HTTP has it, POST /api/v2/spans as Zipkin does, and what /v1/spans says of other tools' JSON."""
import gzip
import json
import os
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402
from otlp_receiver import OtlpReceiver, partial  # noqa: E402

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
TRACE = "0102030405060708090a0b0c0d0e0f10"
AGE_S = 600  # settled: the tail that may still grow is not what is tested here
INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAVAILABLE, UNAUTHENTICATED = 3, 8, 14, 16


def message(number, payload):
    """One field of protobuf that is shorter than 128 bytes."""
    return bytes([number << 3 | 2, len(payload)]) + payload


def fields(data):
    """{number: value} of a message: varints and bytes, each below 128 for its length or, of texts, in two bytes."""
    found, at = {}, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        value = varint()
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        found[key >> 3] = value
    return found


def protobuf_span(span_id=bytes.fromhex("00000000000000a1"), trace=bytes.fromhex(TRACE), name=b"checkout"):
    start = int(time.time() - AGE_S) * 10**9
    return (message(1, trace) if trace else b"") + (message(2, span_id) if span_id else b"") + message(5, name) + \
        b"\x39" + start.to_bytes(8, "little") + b"\x41" + (start + 10**6).to_bytes(8, "little")


def protobuf_request(*spans):
    inside = b"".join(message(2, span) for span in spans)
    return message(1, message(2, inside))


def document(*spans):
    return otlp.request(list(spans))


def span(name="checkout", trace_id=TRACE, **more):
    return otlp.span(trace_id, name, int(time.time() - AGE_S) * 10**9, **more)


class DoorTest(unittest.TestCase):
    def verdict(self, server, dsl, trace_id=TRACE):
        answer = server.post("/v1/rules/test", {"dsl": dsl, "trace_id": trace_id})
        self.assertEqual(answer.status, 200, answer)
        return answer.json()["verdict"]

    def problem(self, answer, status, kind, words):
        self.assertEqual((answer.status, answer.headers["content-type"]), (status, "application/problem+json"), answer)
        self.assertEqual(answer.json()["type"], f"urn:betrace:problem:{kind}", answer)
        self.assertIn(words, answer.json()["detail"])

    def refused(self, answer, status, code, words):
        """A google.rpc.Status in the encoding of the request."""
        self.assertEqual(answer.status, status, answer)
        if answer.headers["content-type"] == "application/json":
            said = answer.json()
            self.assertEqual(sorted(said), ["code", "message"])
            self.assertEqual(said["code"], code, answer)
            self.assertIn(words, said["message"])
            return
        self.assertEqual(answer.headers["content-type"], "application/x-protobuf", answer)
        said = fields(answer.body)
        self.assertEqual((sorted(said), said[1]), ([1, 2], code), answer)
        self.assertIn(words, said[2].decode())


class OtlpTest(DoorTest):
    def setUp(self):
        self.server = Betrace("--memory-source")
        self.server.start()
        self.addCleanup(self.server.__exit__)

    def push(self, body, headers):
        return self.server.post("/v1/traces", body, headers=headers)

    def test_what_is_taken_is_judged_and_answered_in_the_encoding_of_the_request(self):
        body = json.dumps(document(span())).encode()
        for sent, more in ((body, {}), (gzip.compress(body), {"Content-Encoding": "gzip"})):
            answer = self.push(sent, {"Content-Type": "application/json; charset=utf-8", **more})
            self.assertEqual((answer.status, answer.headers["content-type"], answer.json()), (200, "application/json", {}), answer)
        sent = protobuf_request(protobuf_span(trace=b"\xbb" * 16, name=b"refund"))
        for body, more in ((sent, {}), (gzip.compress(sent), {"Content-Encoding": "gzip"}), (b"", {})):
            answer = self.push(body, {**PROTOBUF, **more})
            self.assertEqual((answer.status, answer.headers["content-type"], answer.body), (200, "application/x-protobuf", b""), answer)
        self.assertEqual(self.verdict(self.server, "never { checkout }"), "violated")
        self.assertEqual(self.verdict(self.server, "never { refund }", "bb" * 16), "violated")
        self.assertEqual(self.verdict(self.server, "never { checkout }", "bb" * 16), "satisfied")

    def test_spans_without_ids_are_a_partial_success_and_their_trace_is_not_whole(self):
        nameless = span("lost")
        good = document(span())
        broken = document(nameless)
        broken["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["spanId"] = ""
        answer = self.push(json.dumps({"resourceSpans": good["resourceSpans"] + broken["resourceSpans"]}).encode(), JSON)
        self.assertEqual(answer.status, 200, answer)
        said = answer.json()["partialSuccess"]
        self.assertEqual((said["rejectedSpans"], "1 spans have no trace id or no span id" in said["errorMessage"]), ("1", True), said)
        self.assertEqual(self.verdict(self.server, "never { checkout }"), "violated")
        self.assertEqual(self.verdict(self.server, "never { refund }"), "inconclusive", "a span of it is not there")
        answer = self.push(protobuf_request(protobuf_span(trace=b"\xbb" * 16), protobuf_span(span_id=b"", trace=b"\xbb" * 16)), PROTOBUF)
        said = fields(fields(answer.body)[1])
        self.assertEqual((answer.status, said[1]), (200, 1), answer)
        self.assertIn("no span id", said[2].decode())
        # All of them: exporters only log what a partial success says.
        self.refused(self.push(json.dumps(broken).encode(), JSON), 400, INVALID_ARGUMENT, "None of the 1 spans was taken")
        self.assertIn('betrace_spans_pushed_total{outcome="rejected"} 3', self.server.get("/metrics").body.decode())

    def test_refusals_are_a_status_in_the_encoding_of_the_request(self):
        self.refused(self.push(b"\x0a\x05abc", PROTOBUF), 400, INVALID_ARGUMENT, "nothing was kept")
        self.refused(self.push(b"{", JSON), 400, INVALID_ARGUMENT, "line 1, column 2")
        self.refused(self.push(b'{"spans": []}', JSON), 400, INVALID_ARGUMENT, "POST /v1/spans takes the short form")
        self.refused(self.push(b'{"resourceLogs": []}', JSON), 400, INVALID_ARGUMENT, "something else")
        self.refused(self.push(json.dumps([{"traceId": TRACE, "id": "1" * 16}]).encode(), JSON), 400, INVALID_ARGUMENT, "POST /api/v2/spans")
        self.refused(self.push(gzip.compress(b"\0" * (30 << 20)), {**PROTOBUF, "Content-Encoding": "gzip"}), 413, RESOURCE_EXHAUSTED, "too many")
        self.refused(self.push(b"x", {**PROTOBUF, "Content-Encoding": "br"}), 415, INVALID_ARGUMENT, "gzip or identity")
        self.refused(self.server.post("/v1/traces?x=1", b"{}", headers=JSON), 400, INVALID_ARGUMENT, "x")
        self.problem(self.push(b"x", {"Content-Type": "text/plain"}), 415, "unknown-type", "application/x-protobuf")
        self.assertEqual(self.server.get("/v1/traces").status, 405)
        # Before a handler sees it, too.
        self.refused(self.push(b"\0" * (11 << 20), PROTOBUF), 413, RESOURCE_EXHAUSTED, "")
        self.refused(self.push(b"{}", {**JSON, "Betrace-Timeout": "soon"}), 400, INVALID_ARGUMENT, "Betrace-Timeout")

    def test_nobody_without_a_token(self):
        with tempfile.TemporaryDirectory() as folder:
            tokens = os.path.join(folder, "tokens")
            self.assertEqual(run_cli("token", "new", "--name", "ci", "--role", "editor", "--file", tokens).returncode, 0)
            with Betrace("--memory-source", "--tokens", tokens) as server:
                self.refused(server.post("/v1/traces", b"", headers=PROTOBUF), 401, UNAUTHENTICATED, "token")
                self.refused(server.post("/v1/traces", b"{}", headers=JSON), 401, UNAUTHENTICATED, "token")


class SentOnTest(DoorTest):
    def test_what_the_receiver_says_is_said(self):
        body = protobuf_request(protobuf_span(), protobuf_span(span_id=b"\2" * 8))
        with tempfile.TemporaryDirectory() as folder, OtlpReceiver() as receiver:
            traces = os.path.join(folder, "t.json")
            with open(traces, "w", encoding="utf-8") as file:
                json.dump(document(span()), file)
            with Betrace("--traces", traces, "--otlp", receiver.url) as server:
                receiver.seen.clear()
                answer = server.post("/v1/traces", body, headers=PROTOBUF)
                self.assertEqual((answer.status, answer.body, [sent for _, _, sent in receiver.seen]), (200, b"", [body]))
                receiver.answer = partial(1, "too old")
                self.assertEqual(fields(fields(server.post("/v1/traces", body, headers=PROTOBUF).body)[1]), {1: 1, 2: b"the OTLP endpoint answered 200: too old"})
                receiver.answer = (400, "application/json", b'{"code":3,"message":"too old"}')
                self.refused(server.post("/v1/traces", body, headers=PROTOBUF), 400, INVALID_ARGUMENT, "too old")
                receiver.answer = (503, "text/plain", b"later")
                answer = server.post("/v1/traces", body, headers=PROTOBUF)
                self.refused(answer, 503, UNAVAILABLE, "did not confirm")
                self.assertEqual(answer.headers["retry-after"], "1")
                self.refused(server.post("/v1/traces", protobuf_request(protobuf_span(span_id=b"")), headers=PROTOBUF), 400, INVALID_ARGUMENT, "nothing was kept")
                # Other tools' JSON is no OTLP that could go on.
                self.problem(server.post("/api/v2/spans", b"[]", headers=JSON), 404, "not-kept", "zipkin receiver")
                self.problem(server.post("/v1/spans", {"data": [{"traceID": "a1", "spans": []}]}), 400, "invalid-spans", "this is Jaeger's JSON")
            with Betrace("--traces", traces) as server:
                self.refused(server.post("/v1/traces", b"", headers=PROTOBUF), 503, UNAVAILABLE, "--memory-source")
                self.problem(server.post("/api/v2/spans", b"[]", headers=JSON), 503, "no_otlp_endpoint", "--memory-source")


def zipkin(span_id, name, kind=None, parent=None, service="shop", **more):
    made = {"traceId": TRACE, "id": span_id, "name": name, "timestamp": int(time.time() - AGE_S) * 10**6, "duration": 1000, "localEndpoint": {"serviceName": service}, **more}
    return {**made, **({"kind": kind} if kind else {}), **({"parentId": parent} if parent else {})}


class ZipkinTest(DoorTest):
    def setUp(self):
        self.server = Betrace("--memory-source")
        self.server.start()
        self.addCleanup(self.server.__exit__)

    def push(self, body, headers=None):
        return self.server.post("/api/v2/spans", body if isinstance(body, bytes) else json.dumps(body).encode(), headers=headers or JSON)

    def taken(self, answer, count):
        self.assertEqual((answer.status, answer.json()), (202, {"accepted": count, "rejected": 0}), answer)

    def test_spans_are_taken_and_judged(self):
        self.taken(self.push([zipkin("a" * 16, "checkout"), zipkin("b" * 16, "charge", parent="a" * 16, tags={"http.status_code": "500"})]), 2)
        self.taken(self.push(gzip.compress(json.dumps([zipkin("c" * 16, "refund", parent="a" * 16)]).encode()), {**JSON, "Content-Encoding": "gzip"}), 1)
        self.taken(self.push([]), 0)
        self.assertEqual(self.verdict(self.server, "never { span(http.status_code >= 500) }"), "violated")
        self.assertEqual(self.verdict(self.server, "when { checkout as c } always { refund child of c }"), "satisfied")

    def test_halves_of_a_shared_span_in_two_pushes_are_as_in_one_file(self):
        root = zipkin("a" * 16, "checkout", kind="SERVER")
        client = zipkin("b" * 16, "charge", kind="CLIENT", parent="a" * 16)
        server = zipkin("b" * 16, "charge", kind="SERVER", parent="a" * 16, service="payment", shared=True)
        child = zipkin("c" * 16, "write", parent="b" * 16, service="payment")
        for half in ([root, client], [server, child]):
            self.taken(self.push(half), 2)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "z.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump([root, client, server, child], file)
            for rule in ('never { span(span.service == "payment" and span.kind == server) }', 'never { span(span.service == "shop" and span.kind == client) }',
                         "when { checkout as c } always { write under c }", "when { write as w } always { span(span.service == \"shop\" and span.kind == client) parent of w }", "trace.count(span.name == \"charge\") > 1", "never { refund }"):
                done = run_cli("eval", "--dsl", rule, "--json", path)
                counts = json.loads(done.stdout.splitlines()[-1])["summary"]
                expected = "violated" if counts["violated"] else "inconclusive" if counts["inconclusive"] else "satisfied"
                self.assertEqual(self.verdict(self.server, rule), expected, rule)

    def test_a_record_that_only_adds_is_left_out_and_said(self):
        answer = self.push([zipkin("a" * 16, "checkout"), {"traceId": TRACE, "id": "a" * 16, "annotations": [{"timestamp": 1, "value": "late"}]}])
        self.assertEqual((answer.status, answer.json()["accepted"], answer.json()["rejected"]), (202, 1, 1), answer)
        self.assertIn("only add to a span", answer.json()["message"])
        self.assertEqual(self.verdict(self.server, "never { refund }"), "inconclusive", "it is not whole")

    def test_what_is_not_read_is_named_with_what_to_do(self):
        self.problem(self.push(b"\x0a\x00", PROTOBUF), 415, "unknown-type", "JSON_V2")
        self.problem(self.server.post("/api/v1/spans", b"[]", headers=JSON), 404, "not-found", "POST /api/v2/spans")
        old = {**zipkin("a" * 16, "checkout"), "annotations": [{"timestamp": 1, "value": "sr", "endpoint": {"serviceName": "shop"}}]}
        self.problem(self.push([old]), 400, "invalid-spans", "API v1")
        old = {"traceId": TRACE, "id": "a" * 16, "name": "checkout", "binaryAnnotations": []}
        self.problem(self.push([old]), 400, "invalid-spans", "API v1")
        self.problem(self.push(document(span())), 400, "invalid-spans", "expected an array of spans as Zipkin's API v2 has them")
        self.problem(self.push([{"trace_id": 1, "span_id": 2, "meta": {}}]), 400, "invalid-spans", "Datadog")
        self.problem(self.push(b"{"), 400, "invalid-spans", "expected")


class OwnDoorTest(DoorTest):
    def test_jaegers_download_is_kept_as_a_file_of_it_is(self):
        jaeger = {"data": [{"traceID": TRACE, "processes": {"p1": {"serviceName": "shop", "tags": []}}, "spans": [
            {"traceID": TRACE, "spanID": "a1", "operationName": "checkout", "references": [], "startTime": int(time.time() - AGE_S) * 10**6, "duration": 1000, "processID": "p1",
             "tags": [{"key": "error", "type": "bool", "value": True}], "logs": []}]}]}
        with Betrace("--memory-source") as server:
            answer = server.post("/v1/spans", jaeger)
            self.assertEqual((answer.status, answer.json()["accepted"]), (200, 1), answer)
            self.assertEqual(self.verdict(server, 'never { span(span.service == "shop" and span.status == error) }'), "violated")
            self.problem(server.post("/v1/spans", json.dumps([{"traceId": TRACE, "id": "a1"}]).encode()), 400, "invalid-spans", "POST /api/v2/spans")
            self.problem(server.post("/v1/spans", {"traceEvents": []}), 400, "invalid-spans", "Chrome")
            # OTLP's door takes OTLP.
            self.refused(server.post("/v1/traces", json.dumps(jaeger).encode(), headers=JSON), 400, INVALID_ARGUMENT, "Jaeger")


if __name__ == "__main__":
    unittest.main()
