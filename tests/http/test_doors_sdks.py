"""The doors of a service with the exporters that call them, out of their package registries: OTLP/HTTP of the SDKs of Python and JavaScript, in protobuf
and JSON, gzip or not, and Zipkin's of Python. The program is that of tests/listen: right asks fraud-check before it charges, wrong does not."""
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "app"), HERE]
from betrace_process import Betrace  # noqa: E402
from python_packages import python_with  # noqa: E402
from test_listen_sdks import LISTEN, NODE_PACKAGES, RULE  # noqa: E402


class ExportersTest(unittest.TestCase):
    def setUp(self):
        self.server = Betrace("--memory-source", "--settle", "0s")
        self.server.start()
        self.addCleanup(self.server.__exit__)
        self.url = f"http://127.0.0.1:{self.server.port}"
        self.assertEqual(self.server.post("/v1/rules", {"id": "fraud", "dsl": RULE}).status, 201)

    def run_program(self, *command, env):
        done = subprocess.run(command, env={**os.environ, **env}, check=False, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done)
        self.assertNotRegex(done.stdout + done.stderr, "(?i)fail|error", "what an exporter thinks of the answer")

    def check(self, *command, **env):
        """A right and a wrong checkout: one of two traces violates."""
        for kind in ("right", "wrong"):
            self.run_program(*(word.replace("KIND", kind) for word in command), env=env)
        started = self.server.post("/v1/rules/fraud/replay", {"start_time": "now-1h", "end_time": "now+1m"}).json()
        job = self.server.wait_job(started["replay_id"])
        self.assertEqual((job["status"], job["traces_evaluated"], job["violations_found"]), ("completed", 2, 1), job)

    def otlp(self, protocol="http/protobuf", **env):
        return {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": self.url, **env}

    def python(self):
        return [python_with(os.path.join(LISTEN, "python", "requirements.txt")), os.path.join(LISTEN, "python", "shop.py"), "KIND"]

    def test_python_otlp(self):
        self.check(*self.python(), **self.otlp())

    def test_python_otlp_with_gzip(self):
        self.check(*self.python(), **self.otlp(OTEL_EXPORTER_OTLP_COMPRESSION="gzip"))

    def test_python_zipkin(self):
        self.check(*self.python(), OTEL_TRACES_EXPORTER="zipkin", OTEL_EXPORTER_ZIPKIN_ENDPOINT=f"{self.url}/api/v2/spans")

    def test_javascript(self):
        subprocess.run([sys.executable, NODE_PACKAGES, os.path.join(LISTEN, "js")], check=True, capture_output=True)
        for form in ("proto", "json"):
            with self.subTest(form=form):
                self.setUp()
                self.check(sys.executable, NODE_PACKAGES, "--run", "node", os.path.join(LISTEN, "js", "shop.mjs"), "KIND", form, **self.otlp())


if __name__ == "__main__":
    unittest.main()
