"""Completion with the names and values of a real Tempo, by its tag API."""
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import Betrace, run_cli  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402


class EditorOnTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        pushed = run_cli("generate", "--traces", 100, "--violations", 5, "--since", "30m", "--end", "now-1m", "--otlp", cls.tempo.otlp_url)
        assert pushed.returncode == 0, pushed.stderr
        now = int(time.time())
        cls.tempo.wait_until(lambda: len(cls.tempo.search("{}", now - 3600, now)) >= 100, "the traces are searchable")
        cls.server = Betrace("--tempo", cls.tempo.url)
        cls.server.start()
        cls.addClassCleanup(cls.server.__exit__)

    def offered(self, text):
        answer = self.server.post("/v1/dsl/complete", {"dsl": text, "offset": len(text.encode())}).json()
        self.assertEqual(answer["tags"], "ok", answer)
        return {item["label"]: item["insert"] for item in answer["items"]}

    def test_names_and_values(self):
        self.assertEqual(self.offered("when { POS")["POST /checkout"], '"POST /checkout"')
        self.assertIn("payment-service", self.offered('trace.has(span.service == "'))
        self.assertIn("payment.process", self.offered('trace.has(span.name == "pay'))
        self.assertIn("user.region", self.offered("payment.process.where(us"))
        self.assertIn("data.classification", self.offered('trace.has(span.attributes["'))
        self.assertIn("service.name", self.offered('trace.has(resource.attributes["'))
        self.assertEqual(self.offered("a.where(user.region == eu-")["eu-west-1"], '"eu-west-1"')
        self.assertIn("PII", self.offered('trace.has(span.attributes["data.classification"] == "'))

    def test_numbers_are_numbers(self):
        rows = self.offered("trace.has(span.db.rows > ")
        self.assertTrue(any(insert == label and insert.isdigit() for label, insert in rows.items()), rows)


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
