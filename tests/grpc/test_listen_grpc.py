"""`betrace listen --protocol grpc` (a build with -DBETRACE_GRPC=ON, which BETRACE_BIN names): with the exporters over gRPC
of the OpenTelemetry SDKs of Python and Java, and with a client that sends what no exporter should. What is refused is
counted."""
import json
import os
import shutil
import subprocess
import sys
import textwrap
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "http"), os.path.join(HERE, "..", "app"), os.path.join(HERE, "..", "tempo")]
from python_packages import run_again_with  # noqa: E402

if __name__ == "__main__":
    run_again_with(os.path.join(HERE, "requirements_listen.txt"))
from betrace_process import run_cli  # noqa: E402
from test_listen_sdks import LISTEN, RULE, java_program  # noqa: E402

# A client of one call: what it sends is made by the lines that are put in.
CLIENT = """
import gzip, os, sys, grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
address = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"].removeprefix("http://")
options = [("grpc.max_send_message_length", 64 << 20)]

def request(name="checkout", padding=0):
    made = ExportTraceServiceRequest()
    span = made.resource_spans.add().scope_spans.add().spans.add(
        trace_id=bytes(range(1, 17)), span_id=b"12345678", name=name, start_time_unix_nano=10**18, end_time_unix_nano=10**18 + 1000)
    if padding:
        span.attributes.add(key="padding").value.string_value = "x" * padding
    return made.SerializeToString()

def send(body, path=EXPORT, **more):
    with grpc.insecure_channel(address, options) as channel:
        try:
            return channel.unary_unary(path, request_serializer=bytes, response_deserializer=bytes)(body, timeout=20, **more)
        except grpc.RpcError as error:
            return error.code().name
"""


class ListenOverGrpc(unittest.TestCase):
    def listen(self, *command, code=0):
        done = run_cli("listen", "--protocol", "grpc", "--dsl", RULE, "--settle", "300ms", "--json", "--", *command)
        self.assertEqual(done.returncode, code, f"{command}\n{done.stdout[:2000]}\n{done.stderr}")
        return json.loads(done.stdout)

    def client(self, lines, code):
        """What a listener says after the lines were run, and what they printed."""
        out = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"listen-grpc-{os.getpid()}")
        self.addCleanup(lambda: os.path.exists(out) and os.unlink(out))
        said = self.listen(sys.executable, "-c", f"{CLIENT}\nout = open({out!r}, 'w')\n{textwrap.dedent(lines)}", code=code)
        with open(out, encoding="utf-8") as file:
            return said, file.read().split("\n")[:-1]

    def check_sdk(self, *command):
        for kind, code, violated in (("right", 0, 0), ("wrong", 1, 1)):
            said = self.listen(*(word.replace("KIND", kind) for word in command), code=code)
            self.assertEqual((said["traces"], said["rules"][0]["violated"], said["refused"]), (1, violated, 0))
            self.assertEqual(list(said["tests"].values()), [violated])

    def test_python(self):
        self.check_sdk(sys.executable, os.path.join(LISTEN, "python", "shop.py"), "KIND")

    @unittest.skipUnless(shutil.which("mvn") and shutil.which("java"), "Maven is not installed: install-build-deps.sh full brings it")
    def test_java(self):
        self.check_sdk("java", "-cp", java_program(), "Shop", "KIND")

    def test_a_message_is_taken_plain_and_with_gzip(self):
        said, lines = self.client("""
            print(send(request()), file=out)
            print(send(request(padding=1000), compression=grpc.Compression.Gzip), file=out)
            """, code=0)
        self.assertEqual(lines, ["b''", "b''"])
        self.assertEqual((said["requests"], said["spans"], said["refused"]), (2, 2, 0))

    def test_metrics_and_logs_are_taken_and_dropped(self):
        said, lines = self.client("""
            for signal in ("metrics", "logs"):
                print(send(b"", path=f"/opentelemetry.proto.collector.{signal}.v1.{signal.title()}Service/Export"), file=out)
            print(send(b"", path="/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export"), file=out)
            print(send(b"", path="/grpc.health.v1.Health/Check"), file=out)
            """, code=3)
        self.assertEqual(lines, ["b''", "b''", "UNIMPLEMENTED", "b'\\x08\\x01'"])
        self.assertEqual((said["requests"], said["refused"]), (0, 0))

    def test_another_method_and_a_call_whose_message_does_not_come(self):
        for lines in ("send(b'', path='/betrace.v1.RuleService/ListRules')",
                      """
import threading, time
def never():
    time.sleep(1)
    yield from ()
channel = grpc.insecure_channel(address)
call = channel.stream_unary(EXPORT, request_serializer=bytes, response_deserializer=bytes).future(never())
time.sleep(0.5)
call.cancel()
time.sleep(0.3)
"""):
            said, _ = self.client(f"send(request())\n{lines}", code=3)
            self.assertEqual((said["spans"], said["refused"]), (1, 1), lines)
            self.assertIn("was refused before its message was read", said["refusals"][0]["why"])

    def test_what_is_refused_is_said(self):
        for lines, code in (("print(send(b'\\x0a\\x05ab'), file=out)", "INVALID_ARGUMENT"),
                            ("print(send(request(padding=17 << 20)), file=out)", "RESOURCE_EXHAUSTED"),
                            ("print(send(request(padding=17 << 20), compression=grpc.Compression.Gzip), file=out)", "RESOURCE_EXHAUSTED")):
            said, told = self.client(f"send(request())\n{lines}", code=3)
            self.assertEqual(told, [code], lines)
            self.assertEqual((said["spans"], said["refused"]), (1, 1), lines)

    def test_without_a_command_it_says_where(self):
        done = run_cli("listen", "--protocol", "grpc", "--dsl", RULE, "--for", "100ms", "--settle", "0s")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, r"takes OTLP over gRPC; run the program with\n  OTEL_EXPORTER_OTLP_ENDPOINT=http://127\.0\.0\.1:\d+ OTEL_EXPORTER_OTLP_PROTOCOL=grpc")


if __name__ == "__main__":
    unittest.main()
