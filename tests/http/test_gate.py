"""GET and POST /v1/gate: the result of `betrace gate` as a metric and as a webhook. Nothing but a pass is a pass."""
import json
import os
import socket
import sys
import tempfile
import unittest
from urllib.parse import urlencode

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from trace_files import span, trace  # noqa: E402

RULE = {"id": "checked", "name": "checked", "dsl": "when { checkout as c } always { fraud-check after c }"}
RANGE = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T02:00:00Z"}
# version → (checkouts with a fraud check, without)
COUNTS = {"1": (190, 10), "worse": (70, 30), "same": (95, 5), "few": (19, 1)}


def traces():
    lines, number = [], 1
    for version, counts in COUNTS.items():
        resource = {"service.version": version}
        for count, names in zip(counts, (("checkout", "fraud-check"), ("checkout",))):
            for _ in range(count):
                lines.append(trace(number, *[span(name, at=i, resource=resource) for i, name in enumerate(names)]))
                number += 1
    return "".join(lines)


class GateTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-gate-")
        cls.addClassCleanup(folder.cleanup)
        cls.path = os.path.join(folder.name, "t.jsonl")
        with open(cls.path, "w", encoding="utf-8") as file:
            file.write(traces())
        cls.rules = os.path.join(folder.name, "rules.yaml")
        with open(cls.rules, "w", encoding="utf-8") as file:
            file.write(f"rules:\n- id: checked\n  dsl: {RULE['dsl']!r}\n")
        cls.server = Betrace("--traces", cls.path)
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        assert cls.server.post("/v1/rules", RULE).status == 201

    def ask(self, method="GET", server=None, **parameters):
        question = {"rule_id": "checked", "baseline": "1", **RANGE, **parameters}
        body = {"name": "checkout", "phase": "Progressing", "metadata": {}} if method == "POST" else None
        return (server or self.server).request(method, "/v1/gate?" + urlencode(question, doseq=True), body)

    def test_it_is_what_the_command_prints(self):
        for candidate, result, status in (("worse", "worse", 1), ("same", "pass", 0), ("few", "too_few", 3)):
            done = run_cli("gate", "--rules", self.rules, "--traces", self.path, "--baseline", "1", "--candidate", candidate,
                           "--start", RANGE["start"], "--end", RANGE["end"], "--json")
            self.assertEqual(done.returncode, status, done.stderr)
            answer = self.ask(candidate=candidate)
            self.assertEqual((answer.status, answer.json()["result"]), (200, result))
            self.assertEqual(answer.json(), json.loads(done.stdout))

    def test_a_webhook_is_told_by_the_status(self):
        for candidate, status in (("same", 200), ("worse", 412), ("few", 412), ("nobody", 412)):
            answer = self.ask("POST", candidate=candidate)
            self.assertEqual(answer.status, status, answer)
            self.assertEqual(answer.json()["result"] == "pass", status == 200)

    def test_the_question_decides(self):
        self.assertEqual(self.ask(candidate="few", min_exercised=20).json()["result"], "pass")
        self.assertEqual(self.ask(candidate="worse", max_increase=60).json()["result"], "pass")
        self.assertEqual(self.ask(candidate="worse", max_increase="0.5").json()["result"], "worse")
        self.assertEqual(self.ask(candidate="worse", by="resource.service.version").json()["result"], "worse")
        self.assertEqual(self.ask(candidate="same", service="nosuch").json()["result"], "too_few")

    def test_without_data_it_is_not_known(self):
        answer = self.ask(candidate="same", start="2020-01-01T00:00:00Z", end="2020-01-02T00:00:00Z").json()
        self.assertEqual(answer["result"], "unknown")
        self.assertIn("no_data", answer["rules"][0]["candidate"]["why_not"])
        self.assertFalse(answer["coverage"]["complete"])

    def test_past_its_time_it_is_not_known(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            with Betrace("--tempo", f"http://127.0.0.1:{listener.getsockname()[1]}") as server:
                server.post("/v1/rules", RULE)
                answer = self.ask(server=server, candidate="same", timeout="1s")
                self.assertEqual((answer.status, answer.json()["result"]), (200, "unknown"), answer)
                self.assertEqual(self.ask("POST", server=server, candidate="same", timeout="1s").status, 412)

    def test_wrong_questions(self):
        for field, parameters in (("candidate", {}), ("candidate", {"candidate": "1"}), ("baseline", {"candidate": "2", "baseline": ""}),
                                  ("max_increase", {"candidate": "2", "max_increase": "x"}),
                                  ("max_increase", {"candidate": "2", "max_increase": "101"}),
                                  ("min_exercised", {"candidate": "2", "min_exercised": "0"}),
                                  ("timeout", {"candidate": "2", "timeout": "2m"}),
                                  ("rule_ids", {"candidate": "2", "rule_id": ["nosuch"]})):
            for method in ("GET", "POST"):
                answer = self.ask(method, **parameters)
                self.assertEqual(answer.status, 400, answer)
                self.assertTrue(any(one["field"].startswith(field) for one in answer.json()["errors"]), answer)
        self.assertEqual(self.server.get("/v1/gate?baseline=1&candidate=2").status, 400)
        self.assertEqual(self.ask(candidate="2", rule="x").status, 400)


if __name__ == "__main__":
    unittest.main()
