"""/ready says for each part whether it works and why not, and a part that hangs holds up nobody."""
import concurrent.futures
import os
import socket
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import Betrace  # noqa: E402
from otlp_receiver import OtlpReceiver  # noqa: E402
from stub_tempo import StubTempo  # noqa: E402


class ReadyTest(unittest.TestCase):
    def start(self, *arguments):
        server = Betrace(*arguments)
        server.start()
        self.addCleanup(server.__exit__)
        return server

    def ready(self, server, path="/ready"):
        answer = server.get(path)
        return answer.status, answer.json()["status"], {part: state.get("reason") for part, state in answer.json()["parts"].items()}

    def test_ready(self):
        server = self.start("--memory-source")
        for path in ("/ready", "/v1/ready"):
            self.assertEqual(self.ready(server, path), (200, "ready", {"store": None, "rules": None, "source": None}))
        self.assertEqual(server.request("HEAD", "/ready").status, 200)

    def test_source_and_otlp_that_are_away(self):
        with OtlpReceiver() as receiver:
            server = self.start("--tempo", "http://127.0.0.1:1", "--otlp", receiver.url)
            status, word, parts = self.ready(server)
            self.assertEqual((status, word, parts["otlp"], parts["store"]), (503, "not_ready", None, None), parts)
            self.assertIn("refused", parts["source"])
            self.assertNotIn("127.0.0.1", parts["source"], "addresses are not shown")
            receiver.answer = (401, "text/plain", b"who are you")
            time.sleep(1.1)
            self.assertIn("401", self.ready(server)[2]["otlp"])
        time.sleep(1.1)
        self.assertEqual(self.ready(server)[0], 503)
        self.assertEqual(server.get("/health").status, 200, "it serves all the same")

    def test_it_names_no_rule(self):
        """Anybody may ask it, without a token and of whatever tenant: it counts, and the log has the names."""
        with OtlpReceiver() as receiver, StubTempo() as tempo:
            server = self.start("--tempo", tempo.url, "--otlp", receiver.url, "--watch", "--interval", "100ms", "--settle", "100ms")
            for number in range(3):
                answer = server.post("/v1/rules", {"id": f"secret-{number}", "dsl": "not trace.has(audit)"}, headers={"X-Scope-OrgID": "acme"})
                self.assertEqual(answer.status, 201, answer)
            while not (self.ready(server)[2]["watch"] or "").startswith("3 enabled rules"):
                time.sleep(0.05)
            answer = server.get("/ready")
            self.assertEqual((answer.status, answer.json()["status"]), (200, "degraded"))
            self.assertIn("are not under watch", answer.json()["parts"]["watch"]["reason"])
            self.assertNotIn(b"secret", answer.body)
            self.assertNotIn(b"acme", answer.body)
            for number in range(3):
                self.assertTrue([line for line in server.lines if f"secret-{number} is not under watch" in line], server.lines)

    def test_a_tempo_that_hangs(self):
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            server = Betrace("--tempo", f"http://127.0.0.1:{deaf.getsockname()[1]}")
            server.start()  # it waits for Tempo once, and says so
            self.addCleanup(server.__exit__)
            with concurrent.futures.ThreadPoolExecutor(12) as pool:
                probes = [pool.submit(self.ready, server) for _ in range(12)]
            self.assertEqual({p.result()[:2] for p in probes}, {(503, "not_ready")})
            self.assertEqual({p.result()[2]["source"] for p in probes}, {"it has not answered yet; the check is still under way"}, "nobody waits for its end")
            self.assertEqual(server.get("/v1/rules").status, 200)
            while "under way" in self.ready(server)[2]["source"]:
                time.sleep(0.1)
            self.assertNotIn("under way", self.ready(server)[2]["source"], "what the check found is known from then on")


if __name__ == "__main__":
    unittest.main(verbosity=1)
