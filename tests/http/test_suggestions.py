"""`GET /v1/suggestions`: what `betrace suggest` finds, with what it rests on. What was not looked at is said, and never reads as "there is nothing"."""
import json
import os
import socket
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support")]
from betrace_process import Betrace, run_cli  # noqa: E402
from slow_tempo import SlowTempo  # noqa: E402
from trace_files import span, trace, trace_id  # noqa: E402

RANGE = "start=2026-01-01T00:00:00Z&end=2026-01-01T01:00:00Z"


def order(number):
    """Every charge is authorized before, but one of 2,000."""
    authorized = [] if number == 77 else [span("authorize", at=2)]
    return trace(number, span("order", duration=20), *authorized, span("charge", at=5), at=number)


class SuggestionsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.traces = os.path.join(folder, "t.jsonl")
        with open(cls.traces, "w", encoding="utf-8") as file:
            file.write("".join(order(number) for number in range(1, 2001)))
            file.write("".join(trace(number, span("ping"), at=number) for number in range(3000, 3500)))
        cls.service = cls.enterClassContext(Betrace("--traces", cls.traces))

    def ask(self, query="", service=None):
        answer = (service or self.service).get(f"/v1/suggestions?{RANGE}{query}")
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def test_it_finds_what_the_command_finds(self):
        answer = self.ask()
        command = json.loads(run_cli("suggest", "--traces", self.traces, "--json").stdout)
        self.assertEqual((answer["status"], answer["traces_sampled"]), ("completed", command["traces_sampled"]))
        self.assertTrue(answer["suggestions"])
        self.assertEqual([(one["id"], one["dsl"], one["rate"]) for one in answer["suggestions"]],
                         [(one["id"], one["dsl"], one["rate"]) for one in command["rules"]])
        first = next(one for one in answer["suggestions"] if one["dsl"].strip() == 'when { name:"order" as a }\nalways { name:"authorize" child of a }')
        self.assertEqual((first["kind"], first["rate"]["violated"], first["rate"]["exercised"]), ("child", 1, 2000))
        self.assertEqual(first["behaviour"], "authorize called by order (web)")
        self.assertEqual(round(first["share_at_least"], 6), 0.997217)  # scipy.stats.beta.ppf(0.025, 1999, 2)
        self.assertEqual((first["lift"], first["without"]["kept"]), (None, 0), "no ping authorizes anything")
        self.assertGreater(first["lift_at_least"], 20)
        self.assertGreater(first["without"]["traces"], 100)
        self.assertLess(first["chance"], 1e-9)
        self.assertEqual(answer["false_discovery_rate"], 0.05)
        self.assertGreaterEqual(answer["behaviours_tested"], len(answer["suggestions"]))
        self.assertEqual(answer["traces_left_out"], 0)
        self.assertEqual([one["trace_id"] for one in first["exceptions"]], [trace_id(77)])
        self.assertTrue(answer["coverage"]["complete"])
        self.assertEqual(self.service.get("/v1/rules").json()["rules"], [], "nothing is stored")

    def test_each_setting_counts(self):
        self.assertEqual(len(self.ask("&limit=1")["suggestions"]), 1)
        self.assertEqual(self.ask("&sample=100")["traces_sampled"], 100)
        self.assertEqual(self.ask("&min_traces=5000")["suggestions"], [])
        exact = [one["rate"]["violated"] for one in self.ask("&min_share=1")["suggestions"]]
        self.assertTrue(exact and set(exact) == {0}, exact)

    def test_what_is_wrong_is_named(self):
        answer = self.service.get("/v1/suggestions?limit=0&sample=5001&min_traces=0&min_share=0.4&timeout=2m")
        self.assertEqual(answer.status, 400)
        self.assertEqual({one["field"] for one in answer.json()["errors"]}, {"limit", "sample", "min_traces", "min_share", "timeout"})
        self.assertEqual(self.service.get("/v1/suggestions?nosuch=1").status, 400)

    def test_no_trace_is_no_answer(self):
        answer = self.service.get("/v1/suggestions?start=2020-01-01T00:00:00Z&end=2020-01-02T00:00:00Z").json()
        self.assertEqual((answer["traces_sampled"], answer["suggestions"], answer["considered"]), (0, [], 0))

    def test_a_source_that_is_gone_is_said(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            with Betrace("--tempo", f"http://127.0.0.1:{closed.getsockname()[1]}") as service:
                answer = self.ask("&timeout=10s", service)
        self.assertIn(answer["status"], ("failed", "incomplete", "cancelled"))
        self.assertTrue(answer["reason"])
        self.assertEqual((answer["suggestions"], answer["traces_sampled"], answer["coverage"]["complete"]), ([], 0, False))

    def test_it_ends_when_its_time_is_over(self):
        with SlowTempo(3, 2) as tempo, Betrace("--tempo", tempo.url) as service:
            try:  # the answer comes while the Tempo still holds what it was asked
                answer = service.get("/v1/suggestions?start=now-6h&timeout=1s").json()
            finally:
                tempo.released.set()
        self.assertEqual((answer["status"], answer["suggestions"], answer["coverage"]["complete"]), ("cancelled", [], False))

    def test_without_room_it_is_busy(self):
        with Betrace("--traces", self.traces, "--memory-limit", "16MiB") as service:
            answer = service.get(f"/v1/suggestions?{RANGE}&sample=5000")
        self.assertEqual(answer.status, 503)
        self.assertIn("retry-after", answer.headers)


if __name__ == "__main__":
    unittest.main()
