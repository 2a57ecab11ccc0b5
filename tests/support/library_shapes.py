"""The shape in which libraries write requests, codes, sizes and flags: names and types of attributes. Traces here are made by hand; the names and
types are those of the reports and files that stand at each library. Standard library only."""
from pack_tests import any_value

UNSET, ERROR = 0, 2
INTERNAL, SERVER, CLIENT = 1, 2, 3
START_NS = 1772000000 * 10**9
MS = 10**6


def text(value):
    """As a program writes a number into a text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def title(value):
    """As Python writes a boolean into a text."""
    return str(value)


def same(value):
    return value


class Library:
    """names: what is meant → (key, how its value is written). extra: what each span has besides. own: how attributes are written that the
    program's author sets."""

    def __init__(self, name, names, own=same, extra=None):
        self.name, self.names, self.own, self.extra = name, names, own, extra or {}

    def writes(self, what):
        return what <= set(self.names) | {"own"}

    def attributes(self, meant, own):
        made = dict(self.extra)
        for what, value in meant.items():
            if what in self.names:
                key, write = self.names[what]
                made[key] = write(value)
        made.update((key, self.own(value)) for key, value in (own or {}).items())
        return made

    def span(self, name, kind, at_ms=0, length_ms=90, status=UNSET, parent=None, own=None, plain=None, event=None, **meant):
        """One span in OTLP JSON without its ids. `plain` are attributes that another library wrote, such as a database's."""
        values = {**self.attributes(meant, own), **(plain or {})}
        made = {"name": name, "kind": kind, "startTimeUnixNano": str(START_NS + at_ms * MS),
                "endTimeUnixNano": str(START_NS + (at_ms + length_ms) * MS), "attributes": written(values)}
        if status != UNSET:
            made["status"] = {"code": status}
        if event is not None:
            key, write = self.names["escaped"]
            made["events"] = [{"name": "exception", "timeUnixNano": made["startTimeUnixNano"], "attributes": written({key: write(event)})}]
        return made, parent


def written(values):
    return [{"key": key, "value": any_value(value)} for key, value in values.items()]


def line(trace_number, spans):
    """One line of OTLP JSON. A span's parent is the number of another in `spans`."""
    resources = []
    for number, (span, parent) in enumerate(spans):
        span = {"traceId": f"{trace_number:032x}", "spanId": f"{number + 1:016x}", **span}
        if parent is not None:
            span["parentSpanId"] = f"{parent + 1:016x}"
        resources.append({"resource": {"attributes": written({"service.name": f"service-{number}"})},
                          "scopeSpans": [{"scope": {"name": "lib"}, "spans": [span]}]})
    return {"resourceSpans": resources}


# Envoy before OpenTelemetry's names: every tag is a text, and the status is unset (envoyproxy/envoy issues 27846 and 32114; tags in
# source/common/tracing/common_values.h; retry.count on the span of each further try, source/common/router/upstream_request.cc).
ENVOY_NAMES = {"method": ("http.method", text), "code": ("http.status_code", text), "peer": ("upstream_cluster", text),
               "resend": ("retry.count", text), "size": ("response_size", text), "grpc": ("grpc.status_code", text), "error": ("error", text)}
ENVOY = Library("envoy", ENVOY_NAMES, text, {"component": "proxy", "http.protocol": "HTTP/1.1", "response_flags": "-", "node_id": "", "zone": ""})
# Istio's sidecars: Envoy's tags and their own. A gRPC call that fails has HTTP status 200 and grpc.status_code as text (istio/istio 53025).
ISTIO = Library("istio", ENVOY_NAMES, text, {"component": "proxy", "http.protocol": "HTTP/2", "response_flags": "-", "istio.mesh_id": "cluster.local",
                                             "istio.canonical_service": "cart", "istio.canonical_revision": "v1"})
# Newer Envoys with OpenTelemetry's names (SemanticConventionTags in common_values.h), which go through the same setTag of a text.
ENVOY_NEW = Library("envoy, names of OpenTelemetry", {"method": ("http.request.method", text), "code": ("http.response.status_code", text),
                                                      "peer": ("server.address", text), "resend": ("http.request.resend_count", text),
                                                      "size": ("http.response.body.size", text), "grpc": ("grpc.status_code", text)}, text, {"component": "proxy"})
# Helidon with OpenTelemetry's names: status and port are texts (helidon-io/helidon 12406).
HELIDON = Library("helidon", {"method": ("http.request.method", text), "code": ("http.response.status_code", text)}, text,
                  {"server.port": "8080", "url.scheme": "http"})
# tracing-opentelemetry: u64 and what widens to it is a text (tokio-rs/tracing-opentelemetry 267, tokio-rs/tracing 3104,
# davidB/tracing-opentelemetry-instrumentation-sdk 344). Older middleware calls the code http.status_code.
RUST = Library("tracing of Rust", {"method": ("http.request.method", text), "code": ("http.response.status_code", text),
                                   "peer": ("server.address", text), "resend": ("http.request.resend_count", text),
                                   "size": ("http.response.body.size", text), "grpc": ("rpc.grpc.status_code", text), "escaped": ("exception.escaped", same)},
               lambda value: value if isinstance(value, bool) else text(value), {"busy_ns": "81000", "idle_ns": "12000", "thread.id": 1})
RUST_OLD = Library("tracing of Rust, old names", {"method": ("http.method", text), "code": ("http.status_code", text), "peer": ("net.peer.name", text)},
                   text, {"otel.status_code": "", "http.flavor": "1.1"})
# opentelemetry-php-contrib: the code is a number, sizes are what the header says, a text (Guzzle's and Symfony's instrumentation); some bundles
# write the code as a text, too (worldia/instrumentation-bundle). Exceptions come with exception.escaped, a boolean.
PHP = Library("php", {"method": ("http.request.method", text), "code": ("http.response.status_code", same), "peer": ("server.address", text),
                      "size": ("http.response.body.size", text), "escaped": ("exception.escaped", same)}, text, {"network.protocol.version": "1.1"})
PHP_OLD = Library("php, old names", {"method": ("http.method", text), "code": ("http.status_code", text), "peer": ("net.peer.name", text),
                                     "size": ("http.response_content_length", text), "escaped": ("exception.escaped", same)}, text, {"http.flavor": "1.1"})
# opentelemetry-java-instrumentation 1.x: the names before 2023, as numbers.
JAVA_OLD = Library("java agent 1.x", {"method": ("http.method", text), "code": ("http.status_code", same), "peer": ("net.peer.name", text),
                                      "resend": ("http.resend_count", same), "size": ("http.response_content_length", same),
                                      "grpc": ("rpc.grpc.status_code", same)}, same, {"thread.id": 41, "http.flavor": "1.1"})
# Brave and Sleuth, whose tags are texts (brave/http/HttpTags.java), and http4k (http4k/http4k 1295).
JAVA_TEXTS = Library("java tags", {"method": ("http.method", text), "code": ("http.status_code", text)}, text, {"http.path": "/cart"})
# opentelemetry-python writes exception.escaped as "True" or "False".
PYTHON = Library("python", {"method": ("http.method", text), "code": ("http.status_code", same), "peer": ("net.peer.name", text),
                            "grpc": ("rpc.grpc.status_code", same), "escaped": ("exception.escaped", title)}, title)
# instrumentation-http of opentelemetry-js: the code is a number; the old names, which were the default until 2025.
NODE = Library("node", {"method": ("http.method", text), "code": ("http.status_code", same), "peer": ("net.peer.name", text),
                        "size": ("http.response_content_length", same)}, same, {"http.flavor": "1.1", "http.target": "/api/products"})
# What RPC conventions of 2025 ask for: the code by name.
GRPC_NAMES = Library("gRPC by name", {"grpc": ("rpc.response.status_code", lambda code: {0: "OK", 4: "DEADLINE_EXCEEDED"}[code])},
                     extra={"rpc.system.name": "grpc"})

LIBRARIES = (ENVOY, ISTIO, ENVOY_NEW, HELIDON, RUST, RUST_OLD, PHP, PHP_OLD, JAVA_OLD, JAVA_TEXTS, PYTHON, NODE, GRPC_NAMES)
