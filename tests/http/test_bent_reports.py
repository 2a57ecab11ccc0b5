"""What an editor of rules could do to make a report look better than the traces are, and that it shows: each test is a way that docs/COMPLIANCE.md names with what
shows it. The service holds 68 traces that exercise the rule, 20 of which violate it, spread over a day."""
import copy
import datetime
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from evidence import bodies, control, make_key, rule, sign  # noqa: E402
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

    def test_04_a_margin_of_its_own(self):
        self.judged_by_both({"margin": "20h"})

    def test_05_a_clock_skew_of_its_own(self):
        self.judged_by_both({"clock_skew": "1h"})

    def test_06_complete_traces_only(self):
        self.judged_by_both({"require_complete": True})

    def test_06_links_that_are_said_to_be_sampled(self):
        server = self.serve(rules=False)
        linked = {"id": "good", "dsl": "@SOC2(controls = {CC6_1}) when { pii as p } always { consumer linked to p within 1m }"}
        self.put(server, linked)
        first = self.report(server)
        self.assertEqual(rule(first, "good")["status"], "violated")
        again = self.verify(first, "--traces", self.traces)
        self.assertEqual((again.returncode, "cannot be decided" in again.stdout + again.stderr), (0, False), again.stdout)
        self.put(server, {**linked, "links_sampled": True})
        body = rule(self.report(server), "good")
        self.assertEqual((body["status"], body["counts"]["violated"]), ("violated", 0))
        self.assertEqual((body["by_service"]["status"], body["by_service"]["counts"]["violated"]), ("violated", EXERCISED))
        self.assertIn("links_sampled true", body["reason"])
        self.assertIn("traces dropped one by one", server.get(f"{self.place}?format=html").body.decode())

    def judged_by_both(self, settings):
        server = self.serve()
        self.put(server, {"id": "good", "dsl": GOOD, **settings})
        body = rule(self.report(server), "good")
        self.assertEqual((body["status"], body["by_service"]["status"], body["by_service"]["counts"]["violated"]), ("violated", "violated", VIOLATED))

    def test_07_a_settle_that_is_shorter(self):
        """It would call settled what the service does not."""
        server = self.serve("--settle", "6h", rules=False)
        self.put(server, {"id": "harmless", "dsl": HARMLESS, "settle": "1s"})
        body = rule(self.report(server), "harmless")
        self.assertEqual((body["settled_end"][:19] + "Z", body["status"], body["by_service"]["status"]), (self.end, "incomplete", "incomplete"))
        self.assertIn("the worse one counts", body["reason"])

    def test_08_a_range_that_has_not_settled(self):
        server = self.serve(rules=False)
        self.put(server, {"id": "harmless", "dsl": HARMLESS})
        body = rule(self.report(server, f"start={self.start}&end=now"), "harmless")
        self.assertEqual(body["status"], "incomplete")
        self.assertGreater(body["known_from"], body["settled_end"])
        self.assertEqual(rule(self.report(server, f"start={self.start}"), "harmless")["status"], "pass", "where no end is said")


class Silence(Bending):
    """CC6.1 has a second rule that passes. Whatever is done to the good one, the control does not pass beside it."""

    def beside(self, done, status="inconclusive", **arguments):
        server = self.serve(**arguments)
        self.put(server, {"id": "second", "dsl": HARMLESS.replace("CC7_2", "CC6_1")})
        done(server)
        report = self.report(server)
        body = control(report, "CC6.1")
        self.assertEqual((body["status"], self.oscal_state(server, "CC6.1")), (status, "not-satisfied"))
        return report, body

    def delete(self, server):
        self.assertEqual(server.delete("/v1/rules/good").status, 204)

    def disable(self, server):
        self.assertEqual(server.post("/v1/rules/good/disable").status, 200)

    def test_09_on_trial(self):
        report, body = self.beside(lambda server: self.put(server, {"id": "good", "dsl": GOOD, "shadow": True}))
        self.assertEqual(rule(report, "good")["withdrawn"]["how"], "shadow")
        self.assertIn("the rule good decided over this control", body["reason"])

    def test_10_disabled(self):
        report, _ = self.beside(self.disable)
        self.assertEqual(rule(report, "good")["withdrawn"]["how"], "disabled")

    def test_11_deleted(self):
        _, body = self.beside(self.delete)
        self.assertEqual([(r["rule_id"], r["deleted"], r["decided"]) for r in body["removed"]], [("good", True, True)])

    def test_12_disabled_and_then_deleted(self):
        _, body = self.beside(lambda server: (self.disable(server), self.delete(server)))
        self.assertEqual([(r["rule_id"], r["decided"]) for r in body["removed"]], [("good", True)])

    def test_13_another_control(self):
        _, body = self.beside(lambda server: self.put(server, {"id": "good", "dsl": GOOD.replace("CC6_1", "CC6_2")}))
        self.assertEqual([(r["rule_id"], r["deleted"], r["decided"]) for r in body["removed"]], [("good", False, True)])

    def test_14_another_framework(self):
        _, body = self.beside(lambda server: self.put(server, {"id": "good", "dsl": GOOD.replace("SOC2", "Other")}))
        self.assertEqual([r["decided"] for r in body["removed"]], [True])

    def test_15_disabled_inside_the_range_and_enabled_again(self):
        """What is enabled is judged over all of the range."""
        report, _ = self.beside(lambda server: (self.disable(server), server.post("/v1/rules/good/enable")), "violated")
        self.assertEqual((rule(report, "good")["counts"]["violated"], [v["enabled"] for v in rule(report, "good")["versions"]]), (VIOLATED, [True, False, True]))
        self.assertIsNone(rule(report, "good")["withdrawn"], "it is not silent now, and nothing of the range is missing")


class Versions(Bending):
    """The condition as it is now is judged over the whole range; that it was another one is said."""

    def test_16_a_weaker_text(self):
        server = self.serve()
        self.put(server, {"id": "good", "dsl": GOOD.replace("always { audit }", "always { pii }")})
        body = rule(self.report(server), "good")
        self.assertEqual((body["status"], [c["from"] for c in body["condition_changes"]]), ("pass", [body["versions"][0]["condition_hash"]]))
        self.assertIn("The condition was changed 1 time", server.get(f"{self.place}?format=html").body.decode())

    def test_16_who_reads_the_controls_alone_sees_it(self):
        """A pass of a weaker text is no plain pass: report, rule, control, page, OSCAL and verify-report say whose it is."""
        server = self.serve()
        weaker = GOOD.replace("always { audit }", "always { pii }")
        self.put(server, {"id": "good", "dsl": weaker})
        report = self.report(server)
        body, decided = rule(report, "good"), control(report, "CC6.1")
        self.assertEqual((decided["status"], body["condition_before"]["dsl"], body["condition_before"]["enabled"]), ("pass", GOOD, True))
        told = "its condition was changed 1 time since the range began, last at "
        self.assertIn(told, body["reason"])
        self.assertIn(told, decided["rules"][0]["reason"])
        self.assertIn("the condition of the rule good was changed since the range began", decided["reason"])
        self.assertTrue([note for note in bodies(report, "report")[0]["notes"] if "the condition of the rule good was another one" in note])
        page = server.get(f"{self.place}?format=html").body.decode()
        self.assertEqual(page.count("was changed since the range began"), 1)
        self.assertRegex(page, r"When the range began it was:</p>\n<pre><bdi>@SOC2")
        oscal = server.get(f"{self.place}?format=oscal").json()["assessment-results"]["results"][0]
        (finding,) = [one for one in oscal["findings"] if one["title"].startswith("CC6.1 ")]
        self.assertIn("was changed since the range began", finding["description"])
        (observed,) = oscal["observations"]
        self.assertIn(told, observed["description"])
        self.assertIn({"condition-changes": "1"}, [{prop["name"]: prop["value"]} for prop in observed["props"]])
        said = self.verify(report)
        self.assertEqual((said.returncode, said.stdout.count("since the range began")), (0, 2), said.stdout)

    def test_16_it_cannot_be_left_out(self):
        """Signed with the right key, and silent about the change."""
        server = self.serve()
        self.put(server, {"id": "good", "dsl": GOOD.replace("always { audit }", "always { pii }")})
        report = self.report(server)

        def silence(forged):
            rule(forged, "good")["reason"] = control(forged, "CC6.1")["rules"][0]["reason"] = None

        for change in (silence, lambda forged: control(forged, "CC6.1").update(reason=None)):
            forged = copy.deepcopy(report)
            change(forged)
            done = self.verify(sign(forged, self.private, self.public))
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("does not say that a condition was changed", done.stdout)

    def test_16_taken_back_before_the_report(self):
        """It is the same condition again, over the whole range; that there was another one is said all the same."""
        server = self.serve()
        self.put(server, {"id": "good", "dsl": GOOD.replace("always { audit }", "always { pii }")})
        self.put(server, {"id": "good", "dsl": GOOD})
        body = rule(self.report(server), "good")
        self.assertEqual((body["status"], len(body["condition_changes"]), body["condition_before"]), ("violated", 2, None))

    def test_17_deleted_and_made_anew_weaker(self):
        server = self.serve()
        self.assertEqual(server.delete("/v1/rules/good").status, 204)
        self.put(server, {"id": "good", "dsl": GOOD.replace("always { audit }", "always { pii }")})
        body = rule(self.report(server), "good")
        self.assertTrue(body["condition_changes"])
        self.assertEqual([v["deleted"] for v in body["versions"]], [False, True, False])

    def test_18_so_many_versions_that_the_first_are_not_listed(self):
        server = self.serve()
        self.put(server, {"id": "good", "dsl": GOOD.replace("always { audit }", "always { pii }")})
        for number in range(105):
            self.put(server, {"id": "good", "name": f"name {number}", "dsl": GOOD.replace("always { audit }", "always { pii }")})
        body = rule(self.report(server), "good")
        self.assertEqual((body["versions_total"], len(body["versions"]), len(body["condition_changes"])), (107, 100, 1))
        self.assertEqual(body["condition_before"]["dsl"], GOOD, "the text that they were to hide")

    def test_19_another_name_label_and_severity(self):
        server = self.serve()
        before = self.put(server, {"id": "good", "name": "Harmless", "severity": "info", "labels": {"team": "none"}, "dsl": GOOD})
        body = rule(self.report(server), "good")
        self.assertEqual((body["status"], body["counts"]["violated"], body["condition_hash"], body["condition_changes"]),
                         ("violated", VIOLATED, before["condition_hash"], []))

    def test_20_another_tenant(self):
        """The rules of another tenant make another report, which says whose it is."""
        tokens = os.path.join(self.folder.name, "tokens")
        token = run_cli("token", "new", "--name", "eve", "--role", "editor", "--tenants", "acme,empty", "--file", tokens).stdout.strip()
        with Betrace("--traces", self.traces, "--tokens", tokens, "--evidence-key", self.private) as server:
            for tenant, dsl in (("acme", GOOD), ("empty", GOOD.replace("always { audit }", "always { pii }"))):
                headers = {"authorization": f"Bearer {token}", "x-scope-orgid": tenant}
                self.assertEqual(server.post("/v1/rules", {"id": "good", "dsl": dsl}, headers=headers).status, 201)
                report = server.get(f"/v1/compliance/reports/soc2?start={self.start}&end={self.end}", headers=headers).json()
                self.assertEqual((bodies(report, "report")[0]["tenant"], control(report, "CC6.1")["status"]), (tenant, "violated" if tenant == "acme" else "pass"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
