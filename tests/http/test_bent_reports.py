"""What an editor of rules could do to make a report look better than the traces are, and that it shows: each test is a way that docs/COMPLIANCE.md names with what
shows it. The service holds 68 traces that exercise the rule, 20 of which violate it, spread over a day."""
import datetime
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from evidence import bodies, control, make_key, rule  # noqa: E402
from trace_files import BEGIN, span, trace  # noqa: E402

MINUTE = 60_000  # milliseconds, as trace() takes them
EXERCISED, VIOLATED = 68, 20
GOOD = "@SOC2(controls = {CC6_1}) when { pii } always { audit }"
HARMLESS = "@SOC2(controls = {CC7_2}) when { pii } always { pii }"


def text_time(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Bending(unittest.TestCase):
    """Each test has a service of its own, with the good rule of CC6.1."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-bent-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.private, cls.public = make_key(cls.folder.name)
        end = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - datetime.timedelta(minutes=10)
        cls.start, cls.end = text_time(end - datetime.timedelta(hours=24)), text_time(end)
        first = int((end - datetime.timedelta(hours=23, minutes=50)).timestamp() * 1000) - BEGIN // 1_000_000
        cls.lines = []
        for number in range(EXERCISED):
            others = [] if number % 3 == 1 and number < 3 * VIOLATED else [span("audit", at=5)]
            cls.lines.append(trace(number + 1, span("pii"), *others, at=first + number * 21 * MINUTE))
        cls.traces = os.path.join(cls.folder.name, "traces.jsonl")
        with open(cls.traces, "w", encoding="utf-8") as file:
            file.writelines(cls.lines)

    def serve(self, *arguments, rules=True):
        server = Betrace("--memory-source", "--evidence-key", self.private, *arguments)
        self.addCleanup(server.__exit__)
        server.start()
        for line in self.lines:
            self.assertEqual(server.post("/v1/spans", line, headers={"content-type": "application/json"}).status, 200)
        if rules:
            self.put(server, {"id": "good", "dsl": GOOD})
        return server

    def put(self, server, one):
        known = server.get(f"/v1/rules/{one['id']}").status == 200
        answer = server.put(f"/v1/rules/{one['id']}", one) if known else server.post("/v1/rules", one)
        self.assertIn(answer.status, (200, 201), answer)
        return answer.json()

    def report(self, server, query=None):
        answer = server.get(f"/v1/compliance/reports/soc2?{query if query is not None else f'start={self.start}&end={self.end}'}")
        self.assertEqual(answer.status, 200, answer)
        self.place = answer.headers["content-location"].split("?")[0]
        self.assertIn(self.verify(answer.json()).returncode, (0,), "what the service signs holds")
        return answer.json()

    def verify(self, report, *arguments):
        path = os.path.join(self.folder.name, "report.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(report, out)
        return run_cli("verify-report", path, "--key", self.public, *arguments)

    def oscal_state(self, server, name):
        document = server.get(f"{self.place}?format=oscal").json()["assessment-results"]["results"][0]
        return next(f["target"]["status"]["state"] for f in document["findings"] if f["title"].startswith(name))


class Settings(Bending):
    def test_01_the_settle_of_another_rule(self):
        """One harmless rule turned a control with 20 violated traces into a pass."""
        server = self.serve()
        for more in ({}, {"shadow": True}):
            self.put(server, {"id": "harmless", "dsl": HARMLESS, "settle": "23h30m", **more})
            report = self.report(server)
            counts = rule(report, "good")["counts"]
            self.assertEqual((counts["exercised"], counts["violated"]), (EXERCISED, VIOLATED))
            self.assertEqual((control(report, "CC6.1")["status"], self.oscal_state(server, "CC6.1")), ("violated", "not-satisfied"))

    def test_02_a_settle_of_its_own(self):
        """What it hides is judged as the service would, and the worse of both findings counts."""
        server = self.serve()
        self.put(server, {"id": "good", "dsl": GOOD, "settle": "23h55m"})
        body = rule(self.report(server), "good")
        self.assertEqual((body["status"], body["counts"]["violated"], body["by_service"]["counts"]["violated"]), ("violated", 0, VIOLATED))
        self.assertIn("settle", body["reason"])

    def test_03_a_settle_that_leaves_the_good_part(self):
        """Longer than the service's: what is known shrinks, and no pass is said of the rest."""
        server = self.serve(rules=False)
        self.put(server, {"id": "harmless", "dsl": HARMLESS, "settle": "12h"})
        report = self.report(server)
        body = rule(report, "harmless")
        self.assertEqual((body["status"], control(report, "CC7.2")["status"], self.oscal_state(server, "CC7.2")), ("incomplete", "incomplete", "not-satisfied"))
        self.assertLess(body["share"]["range_ppm"], 520_000)
        self.assertGreater(body["share"]["exercised_unsettled"], 20)
        self.assertIn("12h", body["reason"])
        page = server.get(f"{self.place}?format=html").body.decode()
        self.assertIn("of the range", page)
        self.assertIn("12h", json.dumps(server.get(f"{self.place}?format=oscal").json()))


if __name__ == "__main__":
    unittest.main(verbosity=1)
