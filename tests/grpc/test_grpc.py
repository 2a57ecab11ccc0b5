"""gRPC on a real server (built with -DBETRACE_GRPC=ON), with grpcio as the client. Compares every method with what
HTTP answers. Tries wrong tokens, tenants and roles, errors and their diagnostics, deadlines, limits, and messages
that no honest client would send. BETRACE_BIN names the build."""
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from python_packages import run_again_with  # noqa: E402

if __name__ == "__main__":
    run_again_with(os.path.join(HERE, "requirements.txt"))
import grpc  # noqa: E402
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: E402
from google.protobuf.json_format import ParseDict  # noqa: E402
import otlp  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402
from measured_stop import measure_stop  # noqa: E402
from otlp_receiver import OtlpReceiver, partial  # noqa: E402
from stop_case import BOUND_SECONDS  # noqa: E402
from stub_tempo import StubTempo  # noqa: E402
from tls_tempo import make_certificate  # noqa: E402

RULE = {"id": "slow", "name": "Slow", "dsl": 'trace.has(span.name == "db.query" and span.duration > 1s) and not trace.has(span.name == "retry")',
        "severity": "high", "labels": {"team": "storage"}}
END, START = "2026-03-10T12:00:00Z", "2026-03-09T12:00:00Z"
Code = grpc.StatusCode
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class Protos:
    """The committed .proto files, compiled by the compiler that the build has."""

    def __init__(self):
        with tempfile.TemporaryDirectory(prefix="betrace-proto-") as folder:
            out = os.path.join(folder, "all.pb")
            names = [f"betrace/v1/{name}.proto" for name in ("common", "rule", "violation", "span", "health")] + ["grpc/health/v1/health.proto"]
            subprocess.run(["protoc-c", f"--proto_path={ROOT}/server/grpc", "--include_imports", f"--descriptor_set_out={out}", *names], check=True)
            files = descriptor_pb2.FileDescriptorSet()
            with open(out, "rb") as file:
                files.ParseFromString(file.read())
        pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            pool.Add(file)
        self.methods = {}
        for file in files.file:
            for service in file.service:
                for method in service.method:
                    types = [message_factory.GetMessageClass(pool.FindMessageTypeByName(t.removeprefix("."))) for t in (method.input_type, method.output_type)]
                    self.methods[f"/{file.package}.{service.name}/{method.name}"] = types


PROTOS = Protos()


class Client:
    def __init__(self, port, credentials=None, **metadata):
        address = f"localhost:{port}" if credentials else f"127.0.0.1:{port}"
        options = [("grpc.max_send_message_length", 64 << 20), ("grpc.max_receive_message_length", 64 << 20)]
        self.channel = grpc.secure_channel(address, credentials, options) if credentials else grpc.insecure_channel(address, options)
        self.metadata = [(name.replace("_", "-"), value) for name, value in metadata.items()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def call(self, name, timeout=60, metadata=None, **fields):
        path = name if name.startswith("/") else "/betrace.v1." + name.replace(".", "/")
        request, answer = PROTOS.methods[path]
        method = self.channel.unary_unary(path, request_serializer=request.SerializeToString, response_deserializer=answer.FromString)
        return method(ParseDict(fields, request()), timeout=timeout, metadata=self.metadata if metadata is None else metadata)

    def raw(self, path, body, timeout=60):
        """Any bytes to any path: the bytes of the answer."""
        return self.channel.unary_unary(path, request_serializer=bytes, response_deserializer=bytes)(body, timeout=timeout, metadata=self.metadata)


def grpc_port(server):
    return next(int(match.group(1)) for match in (re.search(r"gRPC on port (\d+)", line) for line in server.lines) if match)


class GrpcTest(unittest.TestCase):
    def fails(self, code, call, *arguments, **fields):
        with self.assertRaises(grpc.RpcError) as caught:
            call(*arguments, **fields)
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        return caught.exception

    def problem_of(self, error):
        return json.loads(dict(error.trailing_metadata())["betrace-problem-bin"])


class Methods(GrpcTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-grpc-")
        cls.addClassCleanup(cls.folder.cleanup)
        traces = os.path.join(cls.folder.name, "traces.pb")
        done = run_cli("generate", "--traces", 300, "--violations", 7, "--end", END, "--since", "24h", "--out", traces)
        assert done.returncode == 0, done.stderr
        cls.server = Betrace("--traces", traces, "--grpc", "127.0.0.1:0", "--sampling", "declared=10%")
        cls.server.start()
        cls.addClassCleanup(cls.server.__exit__)
        cls.client = Client(grpc_port(cls.server))
        cls.addClassCleanup(cls.client.__exit__)
        cls.tested = set()

    def setUp(self):
        self.server.delete("/v1/rules/slow")

    def call(self, name, **fields):
        self.tested.add(name)
        return self.client.call(name, **fields)

    def create(self, **more):
        return self.call("RuleService.CreateRule", rule={**RULE, **more})

    def test_rules(self):
        created = self.create()
        self.assertEqual((created.id, created.name, created.severity, created.enabled, dict(created.labels)),
                         ("slow", "Slow", "high", True, {"team": "storage"}))
        over_http = self.server.get("/v1/rules/slow").json()
        got = self.call("RuleService.GetRule", id="slow")
        for field in got.DESCRIPTOR.fields:
            value = getattr(got, field.name)
            if field.name in ("labels", "annotations"):
                self.assertEqual(dict(value), over_http[field.name])
            elif field.name == "controls":
                self.assertEqual(len(value), 0)
            elif over_http[field.name] is None:
                self.assertFalse(got.HasField(field.name), field.name)
            else:
                self.assertEqual(value, over_http[field.name], field.name)
        changed = self.call("RuleService.UpdateRule", id="slow", rule={**RULE, "enabled": False, "name": "Ein anderer Name"}, if_version=created.version)
        self.assertEqual((changed.version, changed.enabled, changed.name), (created.version + 1, False, "Ein anderer Name"))
        self.assertTrue(self.call("RuleService.EnableRule", id="slow").enabled)
        self.assertFalse(self.call("RuleService.DisableRule", id="slow").enabled)
        listed = self.call("RuleService.ListRules", severity="high", label=["team:storage"], enabled=False, limit=5)
        self.assertEqual([r.id for r in listed.rules], ["slow"])
        self.assertEqual(len(self.call("RuleService.ListRules", label=["team:storage", "team:other"]).rules), 0)
        self.call("RuleService.DeleteRule", id="slow")
        error = self.fails(Code.NOT_FOUND, self.call, "RuleService.GetRule", id="slow")
        self.assertIn("slow", error.details())
        self.assertEqual(self.problem_of(error)["status"], 404)

    def test_ids_of_any_text_stay_one_segment(self):
        for name in ("a/b", "..", "a?b=c", "%2f", "slow/enable"):
            self.fails(Code.NOT_FOUND, self.client.call, "RuleService.GetRule", id=name)
        self.fails(Code.INVALID_ARGUMENT, self.client.call, "RuleService.GetRule")

    def test_errors(self):
        self.create()
        self.fails(Code.ALREADY_EXISTS, self.create)
        self.fails(Code.FAILED_PRECONDITION, self.call, "RuleService.UpdateRule", id="slow", rule=RULE, if_version=7777)
        self.fails(Code.FAILED_PRECONDITION, self.call, "RuleService.DeleteRule", id="slow", if_version=7777)
        error = self.fails(Code.INVALID_ARGUMENT, self.client.call, "RuleService.CreateRule", rule={"id": "bad", "dsl": "when { a } always { b after nosuch("})
        over_http = self.server.post("/v1/rules", {"id": "bad", "dsl": "when { a } always { b after nosuch("})
        self.assertEqual(over_http.status, 422)
        self.assertEqual(self.problem_of(error)["errors"], over_http.json()["errors"])
        first = over_http.json()["errors"][0]
        self.assertIn(f"{first['line']}:{first['column']} {first['code']} {first['message']}", error.details())
        error = self.fails(Code.INVALID_ARGUMENT, self.client.call, "ViolationService.QueryViolations", limit=100000, order="sideways")
        self.assertEqual({e["field"] for e in self.problem_of(error)["errors"]}, {"limit", "order"})
        self.assertIn("limit: ", error.details())
        self.fails(Code.UNIMPLEMENTED, self.client.raw, "/betrace.v1.RuleService/NoSuch", b"")
        self.fails(Code.UNIMPLEMENTED, self.client.raw, "/v1/rules", b"")

    def test_validate(self):
        valid = self.call("RuleService.ValidateRule", dsl="when{a}always{b}")
        self.assertEqual((valid.valid, valid.formatted.split()), (True, ["when", "{", "a", "}", "always", "{", "b", "}"]))
        wrong = self.call("RuleService.ValidateRule", dsl="when { a } always { ")
        self.assertEqual((wrong.valid, wrong.HasField("formatted")), (False, False))
        self.assertEqual(wrong.diagnostics[0].code[0], "E")

    def test_replay(self):
        self.create()
        started = self.call("RuleService.ReplayRule", id="slow", start_time=START, end_time=END)
        self.assertEqual((started.rule_id, started.status), ("slow", "queued"))
        over_http = self.server.wait_replay("slow")
        status = self.call("RuleService.GetReplayStatus", id="slow")
        self.assertEqual((status.replay_id, status.status, status.violations_found), (started.replay_id, "completed", 7))
        self.assertEqual((status.traces_evaluated, status.traces_exercised), (over_http["traces_evaluated"], over_http["traces_exercised"]))
        self.assertTrue(status.coverage.complete)
        self.assertEqual((status.coverage.sampling.known, status.coverage.sampling.declared), ("by_chance", "declared=10%"))
        self.assertEqual(status.estimated.text, over_http["estimated"]["text"])
        bounds = over_http["estimated"]["violations"]
        self.assertEqual((status.estimated.violations.low, status.estimated.violations.high), (bounds["low"], bounds["high"]))

    def test_violations(self):
        self.create()
        over_http = self.server.get(f"/v1/violations?rule_id=slow&start={START}&end={END}").json()
        page = self.call("ViolationService.QueryViolations", rule_ids=["slow"], start=START, end=END, limit=5)
        rest = self.call("ViolationService.QueryViolations", rule_ids=["slow"], start=START, end=END, limit=5, cursor=page.cursor)
        found = [*page.violations, *rest.violations]
        self.assertEqual([v.id for v in found], [v["id"] for v in over_http["violations"]])
        self.assertEqual((len(found), page.total_count, rest.HasField("cursor"), page.coverage.complete), (7, 7, False, True))
        self.assertEqual((page.estimated.text, page.estimated.violations.low), (over_http["estimated"]["text"], over_http["estimated"]["violations"]["low"]))
        for one, expected in zip(found, over_http["violations"]):
            self.assertEqual((one.time, one.trace_id, one.message, list(one.services)), tuple(expected[k] for k in ("time", "trace_id", "message", "services")))
            self.assertEqual([(w.name, dict(w.attributes)) for w in one.witnesses], [(w["name"], w["attributes"]) for w in expected["witnesses"]])
        adhoc = self.call("ViolationService.QueryViolations", dsl=RULE["dsl"], start=START, end=END)
        self.assertEqual(adhoc.total_count, 7)
        labelled = self.call("ViolationService.QueryViolations", labels={"team": "storage"}, start=START, end=END, order="oldest")
        self.assertEqual([v.id for v in labelled.violations], [v.id for v in reversed(found)])

    def test_series(self):
        self.create()
        body = {"rule_ids": ["slow"], "start": START, "end": END, "step": "6h", "value": "ratio"}
        over_http = self.server.post("/v1/violations/series", body).json()["series"][0]
        series = self.call("ViolationService.GetSeries", **body).series[0]
        self.assertEqual(series.labels.rule_id, "slow")
        self.assertEqual([(p.time, p.value if p.HasField("value") else None) for p in series.points], [(str(t), v) for t, v in over_http["points"]])
        self.assertEqual((series.estimated.text, len(series.estimated.points)), (over_http["estimated"]["text"], 0))
        body["value"] = "count"
        over_http = self.server.post("/v1/violations/series", body).json()["series"][0]["estimated"]
        counts = self.call("ViolationService.GetSeries", **body).series[0].estimated
        self.assertEqual([(p.low if p.HasField("low") else None, p.high if p.HasField("high") else None) for p in counts.points],
                         [(p["low"], p["high"]) for p in over_http["points"]])
        self.assertTrue(counts.HasField("total") == (over_http["total"] is not None) and any(p.high > p.low > 0 for p in counts.points))

    def test_first_violation_and_verdicts(self):
        self.create()
        over_http = self.server.get(f"/v1/rules/slow/first-violation?start={START}&end={END}").json()
        first = self.call("ViolationService.GetFirstViolation", id="slow", start=START, end=END)
        self.assertEqual((first.status, first.found, first.proven, first.violation.id), ("completed", True, False, over_http["violation"]["id"]))
        verdicts = self.call("ViolationService.GetTraceVerdicts", trace_id=first.violation.trace_id)
        self.assertEqual([(v.rule_id, v.verdict, v.exercised) for v in verdicts.verdicts], [("slow", "violated", True)])
        whole = self.call("ViolationService.GetTraceVerdicts", trace_id=first.violation.trace_id, span=first.violation.span_id).whole_spans[0]
        over_http = self.server.get(f"/v1/traces/{first.violation.trace_id}/verdicts?span={first.violation.span_id}").json()["whole_spans"][0]
        self.assertEqual([(a.key, a.type, a.value) for a in whole.attributes.items], [(a["key"], a["type"], a["value"]) for a in over_http["attributes"]["items"]])
        self.assertEqual((whole.name, whole.records, whole.scope.name, whole.left_out.events), (over_http["name"], 1, over_http["scope"]["name"], 0))
        self.fails(Code.NOT_FOUND, self.client.call, "ViolationService.GetTraceVerdicts", trace_id="f" * 32)

    def test_health(self):
        health = self.call("HealthService.Check")
        self.assertEqual(health.status, "HEALTHY")
        ready = self.call("HealthService.Ready")
        self.assertEqual(ready.status, "ready")
        self.assertTrue(ready.parts["store"].ready)
        self.tested.add("grpc.health")
        for service in ("", "betrace.v1.RuleService", "betrace.v1.HealthService"):
            self.assertEqual(self.client.call("/grpc.health.v1.Health/Check", service=service).status, 1)
        self.fails(Code.NOT_FOUND, self.client.call, "/grpc.health.v1.Health/Check", service="betrace.v1.Rule")

    # ---- hostile and unlucky ----

    def nested(self, depth):
        """PushSpansRequest with an AnyValue of that many lists."""
        def field(number, payload):
            length, out = len(payload), b""
            while length >= 0x80:
                out, length = out + bytes([length & 0x7F | 0x80]), length >> 7
            return bytes([number << 3 | 2]) + out + bytes([length]) + payload
        value = field(1, b"x")
        for _ in range(depth):
            value = field(5, field(1, value))
        return field(1, field(8, field(1, b"k") + field(2, value)))

    def test_deep_messages_are_refused(self):
        for depth in (100, 10000):
            error = self.fails(Code.RESOURCE_EXHAUSTED, self.client.raw, "/betrace.v1.SpanService/PushSpans", self.nested(depth))
            self.assertIn("nested deeper", error.details())
        self.assertEqual(self.server.get("/health").status, 200)

    def test_bytes_that_are_no_message(self):
        for body in (b"\xff", b"\x0a\x05ab", b"\x0b", b"\x0a\xff\xff\xff\xff\x0f", b"\x08\x01", b"\x0a\x02\xff\xfe", b"\x00\x00"):
            self.fails(Code.INVALID_ARGUMENT, self.client.raw, "/betrace.v1.RuleService/GetRule", body)

    def test_large_messages_are_refused(self):
        self.fails(Code.RESOURCE_EXHAUSTED, self.client.call, "RuleService.ValidateRule", dsl="x" * (11 << 20))
        many = b"\x0a\x00" * 1_100_000
        self.fails(Code.RESOURCE_EXHAUSTED, self.client.raw, "/betrace.v1.SpanService/PushSpans", many)
        self.assertEqual(self.client.call("HealthService.Check").status, "HEALTHY")

    def test_compressed_messages_are_refused(self):
        path = "/betrace.v1.RuleService/ValidateRule"
        method = self.client.channel.unary_unary(path, request_serializer=PROTOS.methods[path][0].SerializeToString)
        with self.assertRaises(grpc.RpcError) as caught:
            method(PROTOS.methods[path][0](dsl="x" * 1000), compression=grpc.Compression.Gzip, timeout=20)
        self.assertEqual(caught.exception.code(), Code.UNIMPLEMENTED)

    def test_many_at_once(self):
        version = self.create().version
        answers = []

        def ask():
            for _ in range(20):
                answers.append(self.client.call("RuleService.GetRule", id="slow").version)
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [version] * 160)

    def test_zz_every_method_was_called(self):
        tested = {f"/betrace.v1.{name.replace('.', '/')}" for name in self.tested if name != "grpc.health"}
        self.assertEqual({m for m in PROTOS.methods if not m.startswith(("/grpc.", "/betrace.v1.SpanService"))} - tested, set(), "SpanService has tests of its own")


class Spans(GrpcTest):
    def test_pushed_spans_are_seen_by_rules(self):
        with Betrace("--memory-source", "--grpc", "127.0.0.1:0") as server, Client(grpc_port(server)) as client:
            now = time.time_ns() - 600 * 10**9
            span = {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331", "name": "checkout", "start_time": str(now), "duration_ms": 80,
                    "attributes": {"amount": {"int_value": 2000}, "who": {"string_value": "ä"}, "vip": {"bool_value": True}, "share": {"double_value": 0.5},
                                   "tags": {"list_value": {"values": [{"string_value": "a"}, {"string_value": "b"}]}}},
                    "trace_state": "dd=s:1", "flags": 769, "dropped_attributes_count": 1, "dropped_events_count": 2, "dropped_links_count": 4294967293}
            pushed = client.call("SpanService.PushSpans", spans=[span])
            self.assertEqual((pushed.accepted, pushed.rejected), (1, 0))
            dsl = 'checkout.where(amount == 2000 and who == "ä" and vip and share == 0.5 and tags == "b" and span.trace_state["dd"] == "s:1" and span.flags == 769 ' \
                  'and span.dropped_attributes_count == 1 and span.dropped_events_count == 2 and span.dropped_links_count == 4294967293)'
            found = client.call("ViolationService.QueryViolations", dsl=dsl, start="now-1h", end="now-5m")
            self.assertEqual([v.trace_id for v in found.violations], [span["trace_id"]])
            self.fails(Code.INVALID_ARGUMENT, client.call, "SpanService.PushSpans", spans=[{"name": "no.id"}])
            self.fails(Code.INVALID_ARGUMENT, client.call, "SpanService.PushSpans", spans=[{**span, "flags": 2**32}])
            other = otlp.new_trace_id()
            self.assertEqual(client.raw("/betrace.v1.SpanService/ExportTraces", self.export(other, now)), b"\x08\x01\x10\x00")
            found = client.call("ViolationService.QueryViolations", dsl="exported", start="now-1h", end="now-5m")
            self.assertEqual([v.trace_id for v in found.violations], [other])
            self.fails(Code.INVALID_ARGUMENT, client.raw, "/betrace.v1.SpanService/ExportTraces", b"\x0a\x05ab")

    def test_exporters_send_to_the_service(self):
        now, trace_id = time.time_ns() - 600 * 10**9, otlp.new_trace_id()
        with Betrace("--memory-source", "--grpc", "127.0.0.1:0") as server, Client(grpc_port(server)) as client:
            self.assertEqual(client.raw(EXPORT, self.export(trace_id, now)), b"")
            found = client.call("ViolationService.QueryViolations", dsl="exported", start="now-1h", end="now-5m")
            self.assertEqual([v.trace_id for v in found.violations], [trace_id])
            self.fails(Code.INVALID_ARGUMENT, client.raw, EXPORT, b"\x0a\x05ab")
            self.fails(Code.UNIMPLEMENTED, client.raw, EXPORT.replace("trace", "logs").replace("Trace", "Logs"), b"")

    def test_what_a_store_takes_in_part_is_a_partial_success(self):
        twice = self.export(otlp.new_trace_id(), time.time_ns()) + self.export(otlp.new_trace_id(), time.time_ns())
        with OtlpReceiver(partial(1, "too old")) as store, Betrace("--tempo", "http://127.0.0.1:1", "--otlp", store.url, "--grpc", "127.0.0.1:0") as server:
            with Client(grpc_port(server)) as client:
                answer = client.raw(EXPORT, twice)
                self.assertEqual(answer[:4], bytes([10, len(answer) - 2, 8, 1]))
                self.assertIn(b"too old", answer)
                self.fails(Code.INVALID_ARGUMENT, client.raw, EXPORT, self.export(otlp.new_trace_id(), time.time_ns()))

    def export(self, trace_id, at_ns):
        """ExportTraceServiceRequest with one span."""
        def field(number, payload):
            return bytes([number << 3 | 2, len(payload)]) + payload
        times = b"".join(bytes([number << 3 | 1]) + (at_ns + i).to_bytes(8, "little") for i, number in enumerate((7, 8)))
        span = field(1, bytes.fromhex(trace_id)) + field(2, bytes(7) + b"\x01") + field(5, b"exported") + times
        return field(1, field(2, field(2, span)))


class Rate(GrpcTest):
    """--client-rate counts calls by token, as over HTTP; what a call asks inside the service does not count again."""

    def test_a_token_that_asks_too_often(self):
        with tempfile.TemporaryDirectory(prefix="betrace-grpc-rate-") as folder:
            tokens = os.path.join(folder, "tokens")
            one, other = (run_cli("token", "new", "--name", name, "--file", tokens).stdout.strip() for name in ("one", "other"))
            with Betrace("--memory-source", "--tokens", tokens, "--grpc", "127.0.0.1:0", "--client-rate", "2", "--address-rate", "1") as server:
                client = Client(grpc_port(server))
                mine = [("authorization", f"Bearer {one}")]
                for _ in range(20):
                    client.call("RuleService.ListRules", metadata=mine)
                error = None
                for _ in range(20):
                    try:
                        client.call("RuleService.ListRules", metadata=mine)
                    except grpc.RpcError as refused:
                        error = refused
                self.assertEqual(error.code(), Code.RESOURCE_EXHAUSTED)
                self.assertEqual(self.problem_of(error)["type"], "urn:betrace:problem:rate")
                client.call("RuleService.ListRules", metadata=[("authorization", f"Bearer {other}")])
                client.call("HealthService.Check", metadata=[])


class Access(GrpcTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-grpc-access-")
        cls.addClassCleanup(cls.folder.cleanup)
        tokens = os.path.join(cls.folder.name, "tokens")

        def token(name, *arguments):
            done = run_cli("token", "new", "--name", name, "--file", tokens, *arguments)
            assert done.returncode == 0, done.stderr
            return "Bearer " + done.stdout.strip()
        cls.viewer, cls.editor = token("viewer", "--role", "viewer", "--tenants", "a"), token("editor", "--role", "editor", "--tenants", "a,b")
        cls.server = Betrace("--memory-source", "--tokens", tokens, "--grpc", "127.0.0.1:0")
        cls.server.start()
        cls.addClassCleanup(cls.check_log)
        cls.port = grpc_port(cls.server)

    @classmethod
    def check_log(cls):
        """Calls were refused and answered meanwhile, with tokens in their metadata."""
        cls.server.__exit__()
        log = "".join(cls.server.lines)
        assert "stopped" in log and not any(token.split()[1][8:24] in log for token in (cls.viewer, cls.editor)), "a token is in the log"

    def test_tokens_roles_and_tenants(self):
        with Client(self.port) as client:
            self.fails(Code.UNAUTHENTICATED, client.call, "RuleService.ListRules")
            self.fails(Code.UNAUTHENTICATED, client.call, "RuleService.GetRule", id="nosuch")
            self.fails(Code.UNAUTHENTICATED, client.call, "RuleService.ListRules", metadata=[("authorization", "Bearer wrong")])
            self.assertEqual(client.call("/grpc.health.v1.Health/Check").status, 1, "health is open, as over HTTP")
            self.assertEqual(client.call("HealthService.Check").status, "HEALTHY")
            self.fails(Code.INVALID_ARGUMENT, client.call, "RuleService.ListRules", metadata=[("authorization", self.viewer), ("authorization", self.editor)])
            editor_a, editor_b = ([("authorization", self.editor), ("x-scope-orgid", tenant)] for tenant in "ab")
            created = client.call("RuleService.CreateRule", rule=RULE, metadata=editor_a)
            self.assertEqual(created.updated_by, "editor")
            self.fails(Code.NOT_FOUND, client.call, "RuleService.GetRule", id="slow", metadata=editor_b)
            self.fails(Code.PERMISSION_DENIED, client.call, "RuleService.GetRule", id="slow", metadata=[("authorization", self.viewer), ("x-scope-orgid", "b")])
            self.fails(Code.PERMISSION_DENIED, client.call, "RuleService.DeleteRule", id="slow", metadata=[("authorization", self.viewer)])
            self.assertEqual(client.call("RuleService.GetRule", id="slow", metadata=[("authorization", self.viewer)]).id, "slow")
            error = self.fails(Code.INVALID_ARGUMENT, client.call, "RuleService.ListRules", metadata=[("authorization", self.editor), ("x-scope-orgid", "a/b")])
            self.assertNotIn(self.editor.split()[1], error.details())

    def test_who_may_listen_where(self):
        for arguments, expected in ((("--grpc", "0.0.0.0:0"), "is not a loopback address"), (("--grpc", "127.0.0.1:99999"), "cannot be listened on"),
                                    (("--grpc", "no.such.host.invalid:1"), "")):
            with self.subTest(arguments=arguments), self.assertRaises(AssertionError) as caught:
                with Betrace("--memory-source", *arguments):
                    pass
            self.assertIn(expected, str(caught.exception))
            self.assertNotIn("Sanitizer", str(caught.exception))

    def test_tls(self):
        cert, key = make_certificate(self.folder.name)
        with open(cert, "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
        with Betrace("--memory-source", "--grpc", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key) as server:
            with Client(grpc_port(server), credentials) as client:
                self.assertEqual(client.call("HealthService.Check").status, "HEALTHY")
            with Client(grpc_port(server)) as client:
                self.fails(Code.UNAVAILABLE, client.call, "HealthService.Check", timeout=5)


class SilentCalls(GrpcTest):
    def test_calls_without_a_message_do_not_keep_others_out(self):
        """More than there are places for, by somebody who has no token."""
        over = threading.Event()

        def nothing():
            over.wait(30)
            yield from ()
        with Betrace("--memory-source", "--grpc", "127.0.0.1:0") as server, Client(grpc_port(server)) as silent, Client(grpc_port(server)) as client:
            calls = [silent.channel.stream_unary("/betrace.v1.HealthService/Check").future(nothing(), timeout=30) for _ in range(70)]
            try:
                time.sleep(0.5)
                self.assertEqual(client.call("HealthService.Check", timeout=15).status, "HEALTHY")
            finally:
                over.set()
                for call in calls:
                    call.cancel()


class Leaving(GrpcTest):
    def start_call(self, client, name, **fields):
        path = "/betrace.v1." + name.replace(".", "/")
        message, answer = PROTOS.methods[path]
        method = client.channel.unary_unary(path, request_serializer=message.SerializeToString, response_deserializer=answer.FromString)
        return method.future(ParseDict(fields, message()), timeout=60)

    def test_what_a_caller_who_left_had_queued_does_not_run(self):
        """A lane of one place, which waits for a database that another program has locked."""
        with Betrace("--memory-source", "--grpc", "127.0.0.1:0", "--lane-places", "store=1") as server, Client(grpc_port(server)) as client:
            lock = sqlite3.connect(server.db, isolation_level=None)
            lock.execute("BEGIN IMMEDIATE")
            def wait_for(what, count):
                deadline = time.monotonic() + 60
                while f'betrace_lane_{what}{{lane="store"}} {count}\n'.encode() not in server.get("/metrics").body:
                    self.assertLess(time.monotonic(), deadline, f"{count} {what}")
                    time.sleep(0.02)

            asked = [self.start_call(client, "RuleService.CreateRule", rule={"id": "r0", "dsl": "a"})]
            wait_for("running", 1)
            asked += [self.start_call(client, "RuleService.CreateRule", rule={"id": f"r{i}", "dsl": "a"}) for i in (1, 2)]
            wait_for("queued", 2)
            asked[1].cancel()
            time.sleep(0.3)
            lock.close()
            self.assertEqual([asked[i].result(timeout=60).id for i in (0, 2)], ["r0", "r2"])
            self.assertEqual([rule.id for rule in client.call("RuleService.ListRules").rules], ["r0", "r2"])

    def check_stop(self, server, what):
        stopped = measure_stop(server.process, 60)
        print(f"stop with {what}: {stopped}", file=sys.stderr)
        self.assertEqual(stopped.status, 0, server.lines)
        self.assertLess(stopped.own, BOUND_SECONDS, stopped)

    def test_a_stop_ends_a_call_that_hangs(self):
        """Each kind alone: one that waits for Tempo in its place, one that has left it, and one whose message has not come. Who waits is woken by the stop,
        and may be quicker than the end of all calls: then he is answered with what there is, and it says that this is not all."""
        def is_not_ready(answer):
            return answer.status == "not_ready"

        def is_incomplete(answer):
            return not answer.coverage.complete and bool(answer.reason)
        ask = {"start": "now-1h"}
        for name, fields, may_say in (("ViolationService.GetTraceVerdicts", {"trace_id": "1" * 32}, None), ("HealthService.Ready", {}, is_not_ready),
                                      ("ViolationService.QueryViolations", {"dsl": "a", **ask}, is_incomplete),
                                      ("ViolationService.GetSeries", {"rule_ids": ["r1"], "step": "5m", **ask}, is_incomplete),
                                      ("ViolationService.GetFirstViolation", {"id": "r1", **ask}, is_incomplete), (None, {}, None)):
            for _ in range(3):
                with StubTempo() as tempo:
                    server = Betrace("--tempo", tempo.url, "--grpc", "127.0.0.1:0")
                    server.start()
                    self.addCleanup(server.folder.cleanup)
                    self.addCleanup(lambda one=server: one.kill() if one.process.poll() is None else one.close_log())
                    self.assertEqual(server.post("/v1/rules", {"id": "r1", "dsl": "a"}).status, 201)
                    with Client(grpc_port(server)) as client:
                        tempo.behaviour = "hang"
                        if name:
                            asked = self.start_call(client, name, **fields)
                            deadline = time.monotonic() + 30
                            while not tempo.held:
                                self.assertLess(time.monotonic(), deadline, name)
                                time.sleep(0.01)
                        else:
                            path = "/betrace.v1.RuleService/ListRules"
                            asked = client.channel.stream_unary(path).future(iter(lambda: time.sleep(60), None))
                            time.sleep(0.3)
                        self.check_stop(server, name or "a call without a message")
                        if asked.exception(timeout=30) is None:
                            self.assertTrue(may_say and may_say(asked.result()), name)


class SlowTempo(StubTempo):
    """Says at once that it is there, and answers no search and no read."""

    async def _answer(self, path, behaviour, reader, writer):
        says_so = path.startswith(b"/api/search?limit=1&") or not path.startswith((b"/api/search", b"/api/traces", b"/api/v2/traces"))
        await super()._answer(path, "prompt" if says_so else "hang", reader, writer)


class Stores(GrpcTest):
    """Two Tempos, of which the named one lies behind a counter: which of them does each method ask?"""

    def asked_by(self, call):
        before = self.own.asked, self.archive.asked
        call()
        return self.own.asked - before[0], self.archive.asked - before[1]

    def test_every_method_asks_the_store_of_the_rule(self):
        ask = {"start": "now-3h", "end": "now-2h"}
        with StubTempo() as self.own, StubTempo() as self.archive:
            with Betrace("--tempo", self.own.url, "--named-store", f"archive=tempo+{self.archive.url}", "--grpc", "127.0.0.1:0") as server, \
                    Client(grpc_port(server)) as client:
                self.assertEqual(client.call("RuleService.CreateRule", rule={"id": "old", "dsl": "a", "store": "archive"}).store, "archive")
                self.assertEqual([s.name for s in client.call("HealthService.Ready").stores], ["archive"])
                self.fails(Code.INVALID_ARGUMENT, client.call, "RuleService.CreateRule", rule={"id": "x", "dsl": "a", "store": "nowhere"})

                def replay(**store):
                    client.call("RuleService.ReplayRule", id="old", start_time="now-3h", end_time="now-2h", **store)
                    server.wait_replay("old")
                    self.assertEqual(client.call("RuleService.GetReplayStatus", id="old").store, store.get("store", "archive"))
                methods = {"replay": replay,
                           "list": lambda **store: client.call("ViolationService.QueryViolations", rule_ids=["old"], **ask, **store),
                           "series": lambda **store: client.call("ViolationService.GetSeries", rule_ids=["old"], step="1h", **ask, **store),
                           "first": lambda **store: client.call("ViolationService.GetFirstViolation", id="old", **ask, **store)}
                for name, call in methods.items():
                    with self.subTest(method=name):
                        own, archive = self.asked_by(call)
                        self.assertEqual((own, archive > 0), (0, True))
                        own, archive = self.asked_by(lambda: call(store="default"))  # noqa: B023
                        self.assertEqual((own > 0, archive), (True, 0))
                        self.fails(Code.INVALID_ARGUMENT, call, store="nowhere")


class Deadlines(GrpcTest):
    def test_a_deadline_is_the_timeout_of_the_question(self):
        """A Tempo that is there and answers no search in time: what is certain comes before the deadline, and a call that is cancelled lets its worker go."""
        with SlowTempo() as tempo:
            with Betrace("--tempo", tempo.url, "--grpc", "127.0.0.1:0") as server, Client(grpc_port(server)) as client:
                answer = client.call("ViolationService.QueryViolations", dsl="a", start="now-1h", timeout=4)
                self.assertFalse(answer.coverage.complete)
                self.assertFalse(answer.HasField("total_count"))
                for _ in range(6):
                    path = "/betrace.v1.ViolationService/QueryViolations"
                    method = client.channel.unary_unary(path, request_serializer=PROTOS.methods[path][0].SerializeToString)
                    future = method.future(PROTOS.methods[path][0](dsl="a", start="now-1h", timeout="30s"))
                    time.sleep(0.1)
                    future.cancel()
                self.assertEqual(client.call("HealthService.Check", timeout=15).status, "HEALTHY", "six that were cancelled hold none of four workers")

    def test_who_waits_holds_no_place(self):
        """More questions wait for Tempo than their lane has places; another of the lane is answered meanwhile, and all when Tempo answers."""
        def metric(name, labels=""):
            text = server.get("/metrics").body.decode()
            return int(float(re.search(rf"^{name}{re.escape(labels)} (\S+)$", text, re.MULTILINE).group(1)))

        def wait_until_waiting(count):
            deadline = time.monotonic() + 60
            while metric("betrace_calls_waiting") != count and time.monotonic() < deadline:
                time.sleep(0.02)
            self.assertEqual(metric("betrace_calls_waiting"), count)

        with StubTempo("held") as tempo, Betrace("--tempo", tempo.url, "--grpc", "127.0.0.1:0") as server, Client(grpc_port(server)) as client:
            path = "/betrace.v1.ViolationService/QueryViolations"
            message = PROTOS.methods[path][0]
            method = client.channel.unary_unary(path, request_serializer=message.SerializeToString, response_deserializer=PROTOS.methods[path][1].FromString)
            asked = [method.future(message(dsl="a", start=f"now-{i + 1}h", timeout="60s")) for i in range(30)]
            wait_until_waiting(len(asked))
            self.assertGreater(len(asked), metric("betrace_lane_places", '{lane="answer"}'))
            self.assertEqual(metric("betrace_lane_running", '{lane="answer"}'), 0)
            with self.assertRaises(grpc.RpcError) as refused:
                client.call("ViolationService.QueryViolations", dsl="not a rule (", start="now-1h", timeout=30)
            self.assertEqual(refused.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
            for future in asked[:10]:
                future.cancel()
            wait_until_waiting(len(asked) - 10)
            tempo.release()
            for future in asked[10:]:
                self.assertTrue(future.result(timeout=60).HasField("coverage"))
            wait_until_waiting(0)


if __name__ == "__main__":
    unittest.main()
