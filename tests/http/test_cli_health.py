"""`betrace health`: what probes of containers ask. Exit statuses and words for a service that is ready, one whose Tempo is away, something else, and nothing."""
import http.server
import json
import os
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import Betrace, run_cli  # noqa: E402
from run_tempo import free_ports  # noqa: E402
from trace_files import span, trace  # noqa: E402


class SomethingElse(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"<html>welcome</html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class HealthTest(unittest.TestCase):
    def ask(self, port, *arguments):
        return run_cli("health", "--server", f"http://127.0.0.1:{port}", *arguments)

    def test_a_service_with_a_source(self):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as traces:
            traces.write(trace(1, span("a")))
            traces.flush()
            service = Betrace("--traces", traces.name)
            service.start()
            self.addCleanup(service.__exit__)
            done = self.ask(service.port)
            self.assertEqual((done.returncode, done.stdout), (0, "healthy\n"), done.stderr)
            done = self.ask(service.port, "--ready")
            self.assertEqual((done.returncode, done.stdout), (0, "ready\n"), done.stderr)
            self.assertEqual(json.loads(self.ask(service.port, "--ready", "--json").stdout)["parts"]["store"], {"ready": True})
            by_variable = run_cli("health", env={"BETRACE_URL": f"http://127.0.0.1:{service.port}/"})
            self.assertEqual((by_variable.returncode, by_variable.stdout), (0, "healthy\n"))

    def test_not_ready_is_1_and_names_the_part(self):
        (closed,) = free_ports(1)
        with Betrace("--tempo", f"http://127.0.0.1:{closed}") as service:
            self.assertEqual(self.ask(service.port).returncode, 0)
            done = self.ask(service.port, "--ready")
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stdout, r"^not_ready\n  source: \S")
            self.assertNotIn("store:", done.stdout)

    def test_something_else_and_nobody_are_3(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SomethingElse)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        done = self.ask(server.server_address[1])
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("none of a BeTrace", done.stderr)
        (closed,) = free_ports(1)
        done = self.ask(closed)
        self.assertEqual((done.returncode, done.stdout), (3, ""))

    def test_wrong_usage_is_2(self):
        for arguments in (("--timeout", "0"), ("--timeout", "soon"), ("here",)):
            self.assertEqual(run_cli("health", *arguments).returncode, 2, arguments)


if __name__ == "__main__":
    unittest.main(verbosity=1)
