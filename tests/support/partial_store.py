"""A store that speaks Tempo's API in part, for tests of `betrace doctor`: it takes spans by OTLP, gives traces by id as they came, and answers searches
as a test tells it to. It understands no TraceQL: `answer(query)` says which traces come, and what is made up of their spans. Standard library only."""
import http.server
import json
import re
import threading
import urllib.parse

from protobuf_answer import bytes_field


def fields(message):
    """(number, value) of a protobuf message; values are ints or bytes."""
    at = 0

    def varint():
        nonlocal at
        number = shift = 0
        while True:
            byte = message[at]
            at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    while at < len(message):
        tag = varint()
        kind = tag & 7
        if kind == 0:
            yield tag >> 3, varint()
        else:
            length = varint() if kind == 2 else 8 if kind == 1 else 4
            yield tag >> 3, message[at:at + length]
            at += length


def first(message, number, otherwise=b""):
    return next((value for field, value in fields(message) if field == number), otherwise)


class Span:
    def __init__(self, message):
        self.trace_id, self.span_id = first(message, 1).hex(), first(message, 2).hex()
        self.parent_id, self.name = first(message, 4).hex(), first(message, 5).decode()
        self.kind = ("unspecified", "internal", "server", "client", "producer", "consumer")[first(message, 6, 0)]
        self.start, self.end = (int.from_bytes(first(message, number), "little") for number in (7, 8))
        self.status = ("unset", "ok", "error")[first(first(message, 15), 3, 0)]


EMPTY = (200, "application/json", json.dumps({"traces": [], "metrics": {}}).encode())
REFUSED = (400, "text/plain", b"this store does not know that query")
NOT_FOUND = (404, "text/plain", b"no")


class PartialStore:
    """`answer(store, query, ids)` gives an HTTP answer (status, type, body) of a search; ids: those that the query names, or None."""

    def __init__(self, answer, by_id=True, config=b"query_frontend:\n"):
        self.answer, self.by_id, self.config = answer, by_id, config
        self.resources, self.spans, self.queries, self.push_status, self.headers = {}, {}, [], 200, []
        self.lock = threading.Lock()

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def push(self, body):
        with self.lock:
            for number, resource_spans in fields(body):
                spans = [Span(one) for _, scope in fields(resource_spans) if _ == 2 for part, one in fields(scope) if part == 2]
                self.resources.setdefault(spans[0].trace_id, []).append(resource_spans)
                self.spans.setdefault(spans[0].trace_id, []).extend(spans)
                assert number == 1
        return self.push_status, "application/x-protobuf", b""

    def trace(self, trace_id):
        whole = b"".join(bytes_field(1, one) for one in self.resources.get(trace_id.rjust(32, "0"), []))
        return 200, "application/protobuf", bytes_field(1, whole) + bytes_field(2, b"")

    def rows(self, ids, attributes=None):
        """Search rows of these traces; attributes: of each span, for reads. Each span is a set of its own."""
        rows = []
        for trace_id in ids:
            spans = self.spans[trace_id]
            start, end = min(s.start for s in spans), max(s.end for s in spans)
            sets = [self._set(span, attributes) for span in spans] if attributes is not None else []
            length_ms = max(0, end - start) // 1_000_000 % 2**32  # a number of 32 bits, as Tempo's
            rows.append({"traceID": trace_id.lstrip("0"), "startTimeUnixNano": str(start), "durationMs": length_ms, "spanSets": sets})
        return 200, "application/json", json.dumps({"traces": rows, "metrics": {}}).encode()

    @staticmethod
    def _set(span, attributes):
        values = {"kind": span.kind, "status": span.status, "span:parentID": span.parent_id or "0" * 16, "service.name": "betrace-doctor", **attributes}
        return {"matched": 1, "spans": [{
            "spanID": span.span_id, "name": span.name, "startTimeUnixNano": str(span.start), "durationNanos": str(span.end - span.start),
            "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]}]}

    def search(self, target):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)["q"][0]
        named = re.search(r'trace:id =~ "([^"]*)"', query)
        with self.lock:
            self.queries.append(query)
            known = sorted(self.spans)
        pattern = re.compile(named[1]) if named else None
        return self.answer(self, query, [one for one in known if pattern.fullmatch(one.lstrip("0"))] if named else None)

    def get(self, target):
        path = urllib.parse.urlsplit(target).path
        if path == "/status/config":
            return 200, "text/plain", self.config
        if path.startswith("/api/v2/traces/") and self.by_id:
            return self.trace(path.rsplit("/", 1)[1])
        return self.search(target) if path == "/api/search" else NOT_FOUND

    def _handler(store):  # noqa: N805  (the handler's self is another)
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1  # an answer is one packet

            def respond(self, answer):
                status, content_type, body = answer
                store.headers.append((self.path.split("?")[0], self.headers.get("X-Scope-OrgID")))
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.respond(store.get(self.path))

            def do_POST(self):
                self.respond(store.push(self.rfile.read(int(self.headers["Content-Length"]))))

            def log_message(self, *_):
                pass

        return Handler
