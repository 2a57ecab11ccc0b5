"""Compliance reports on the real Tempo: counts are those of replays on every way of searching, the head is in Tempo as a span that evaluation leaves out, and
`verify-report` finds what was signed anew."""
import copy
import datetime
import json
import os
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import Betrace, run_cli  # noqa: E402
from evidence import bodies, control, make_key, rule, sign  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from seed_rules import PII_AUDIT  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

TRACES = 400
PII = PII_AUDIT["id"]
# Exercised traces: counted by a search; by a derived rule, because no search tells; every trace.
SEARCHED = {"id": "searched", "dsl": "@SOC2(controls = {CC7_2}) when { checkout } always { checkout }"}
DERIVED = {"id": "derived", "dsl": "@SOC2(controls = {CC7_3}) when { checkout as c and db.query after c } never { no.such.span }"}
EVERY = {"id": "every", "dsl": '@SOC2(controls = {CC7_4}) not trace.has(span.name == "checkout")'}


class ComplianceOnTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-compliance-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        end = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=3)).replace(microsecond=0)
        cls.end, cls.start = (moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (end, end - datetime.timedelta(hours=30)))
        cls.traces = os.path.join(cls.folder.name, "traces.pb")
        for target in (("--otlp", cls.tempo.otlp_url), ("--out", cls.traces)):
            done = run_cli("generate", "--seed", 3, "--traces", TRACES, "--violations", 25, "--end", cls.end, "--since", "30h", *target)
            assert done.returncode == 0, done.stderr
        seconds = (int(end.timestamp()) - 110000, int(end.timestamp()) + 900)
        cls.tempo.wait_until(lambda: len(cls.tempo.search("{}", *seconds, limit=100000, spss=1)) >= TRACES, "all traces are searchable")
        cls.private, cls.public = make_key(cls.folder.name)
        cls.server = Betrace("--tempo", cls.tempo.url, "--otlp", cls.tempo.otlp_url, "--evidence-key", cls.private, "--settle", "2s",
                             "--watch", "--interval", "1s")
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()
        for one in (PII_AUDIT, SEARCHED, DERIVED, EVERY):
            assert cls.server.post("/v1/rules", one).status == 201

    def ask(self, query="", server=None):
        answer = (server or self.server).get(f"/v1/compliance/reports/soc2?timeout=60s&{query}", timeout=90)
        self.assertEqual(answer.status, 200, answer)
        return answer

    def verify(self, report, *arguments):
        file = os.path.join(self.folder.name, "report.json")
        with open(file, "w", encoding="utf-8") as out:
            json.dump(report, out)
        done = run_cli("verify-report", file, "--key", self.public, "--tempo", self.tempo.url, "--json", *arguments)
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    def look_at_six(self, report):
        """What verify-report says of six traces; None while Tempo hides one of them in the middle of a hand-over, which it then says."""
        code, body = self.verify(report, "--sample", "6")
        return (code, body) if body["traces"]["unknown"] == 0 and body["rules"]["unknown"] == 0 else None

    def test_counts_are_those_of_the_same_traces_in_a_file(self):
        """A file is read whole and searched by nobody: the other way to every number."""
        on_tempo = self.ask(f"start={self.start}&end={self.end}").json()
        with Betrace("--traces", self.traces) as server:
            for one in (PII_AUDIT, SEARCHED, DERIVED, EVERY):
                server.post("/v1/rules", one)
            in_file = self.ask(f"start={self.start}&end={self.end}", server).json()
        self.assertTrue(bodies(on_tempo, "report")[0]["complete"], bodies(on_tempo, "report")[0]["notes"])
        self.assertEqual(bodies(on_tempo, "report")[0]["cost"]["replays"], 2, "30 hours are two days")
        for one in (PII_AUDIT, SEARCHED, DERIVED, EVERY):
            with self.subTest(rule=one["id"]):
                self.assertEqual(rule(on_tempo, one["id"])["counts"], rule(in_file, one["id"])["counts"])
                self.assertEqual(rule(on_tempo, one["id"])["first_violation"], rule(in_file, one["id"])["first_violation"])
        self.assertEqual(rule(on_tempo, PII)["counts"]["violated"], 25)
        self.assertEqual({name: control(on_tempo, name)["status"] for name in ("CC6.1", "CC7.2", "CC7.3", "CC7.4")},
                         {name: control(in_file, name)["status"] for name in ("CC6.1", "CC7.2", "CC7.3", "CC7.4")})

    def test_the_head_is_in_tempo_and_counts_nowhere(self):
        before = bodies(self.ask().json(), "report")[0]
        answer = self.ask(f"start={self.start}")
        self.assertEqual(answer.headers["betrace-report-span"], "sent")
        self.assertRegex(self.server.get("/metrics").body.decode(), r'betrace_report_spans_total\{outcome="sent"\} [1-9]')
        report = answer.json()
        self.tempo.wait_until(lambda: self.verify(report, "--sample", "0", "--replay", "0")[1]["span"] == "same", "the span is there")
        code, body = self.tempo.wait_until(lambda: self.look_at_six(report), "no trace of the sample is hidden by a hand-over")
        self.assertEqual((code, body["outcome"], body["span"], body["traces"], body["rules"]),
                         (0, "holds", "same", {"same": 6, "different": 0, "unknown": 0}, {"same": 1, "different": 0, "unknown": 0}), body)
        now = int(time.time())
        found = self.tempo.wait_until(lambda: self.tempo.search('{ name = "betrace.report" }', now - 600, now + 60), "the span is searchable")
        self.assertTrue(found)
        time.sleep(2.5)  # so that it would be settled, and counted
        evaluated = rule(self.ask(f"start={self.start}").json(), "every")["counts"]
        self.assertEqual((evaluated["evaluated"], evaluated["exact"]), (TRACES, True), before)

    def test_what_was_signed_anew_is_found_by_the_head_in_tempo(self):
        report = self.ask(f"start={self.start}&end={self.end}").json()
        nothing = ("--sample", "0", "--replay", "0")
        self.tempo.wait_until(lambda: self.verify(report, *nothing)[1]["span"] == "same", "the span is there")
        forged = copy.deepcopy(report)
        bodies(forged, "report")[0]["program"]["version"] = "another"
        code, body = self.verify(sign(forged, self.private, self.public), *nothing)
        self.assertEqual((code, body["outcome"], body["span"]), (1, "contradicted", "other"), body)

    def test_what_was_signed_anew_under_another_id_is_found_by_the_others_in_tempo(self):
        """A report without its worst rule, consistent in itself, and with an id of its own: Tempo has no span of it, and one of the report that was sent."""
        report = self.ask(f"start={self.start}&end={self.end}").json()
        nothing = ("--sample", "0", "--replay", "0")
        original = bodies(report, "report")[0]
        self.tempo.wait_until(lambda: self.verify(report, *nothing)[1]["span"] == "same", "the span is there")
        self.assertEqual(self.verify(report, *nothing, "--require-span")[0], 0)
        forged = self.without_its_worst_rule(report)
        self.tempo.wait_until(lambda: original["report_id"] in self.others(forged), "its span is searchable")
        code, body = self.verify(forged, *nothing)
        self.assertEqual((code, body["outcome"], body["span"]), (3, "unknown", "not_found"), body)
        (shown,) = [one for one in body["others"]["reports"] if one["report_id"] == original["report_id"]]
        self.assertEqual((shown["same_range"], shown["head"], shown["entries"]), (True, report["evidence"]["head"], len(report["entries"])))
        self.assertEqual((shown["controls_violated"], shown["start"]), (bodies(report, "end")[0]["controls"]["violated"], original["range"]["start"]))
        self.assertLess(len(forged["entries"]), shown["entries"])
        code, body = self.verify(forged, *nothing, "--require-span")
        self.assertEqual((code, body["outcome"]), (1, "contradicted"), body)
        file = os.path.join(self.folder.name, "forged.json")
        with open(file, "w", encoding="utf-8") as out:
            json.dump(forged, out)
        told = run_cli("verify-report", file, "--key", self.public, "--tempo", self.tempo.url, *nothing).stdout
        self.assertRegex(told, rf"(?s)others +the store knows of \d+ other reports .*{original['report_id']}, made ")
        self.assertEqual(run_cli("verify-report", file, "--key", self.public, *nothing).returncode, 0, "without Tempo nobody can tell: docs/COMPLIANCE.md says so")

    def without_its_worst_rule(self, report):
        """What somebody with the key can make of it: rule and control as if they had never been there."""
        forged = copy.deepcopy(report)
        gone = control(forged, "CC6.1")["status"]
        self.assertEqual(gone, "violated")
        kept = [one for one in forged["entries"] if one["body"].get("rule_id") != PII]
        forged["entries"] = kept
        body = control(forged, "CC6.1")
        body.update(rules=[], status="no_rules", first_violation=None, last_violation=None)
        bodies(forged, "report")[0]["report_id"] = "rep-" + "0" * 32
        end = bodies(forged, "end")[0]
        end["controls"][gone] -= 1
        end["controls"]["no_rules"] = end["controls"].get("no_rules", 0) + 1
        end["entries"], end["rules"] = len(kept), end["rules"] - 1
        return sign(forged, self.private, self.public)

    def others(self, report):
        """Ids of the other reports that Tempo is said to have."""
        return [one["report_id"] for one in self.verify(report, "--sample", "0", "--replay", "0")[1]["others"]["reports"]]

    def test_another_range_and_another_framework_are_no_others(self):
        first = self.ask(f"start={self.start}&end={self.end}").json()
        second = self.ask(f"start={self.end}&end=now").json()
        hipaa = self.server.get(f"/v1/compliance/reports/hipaa?timeout=60s&start={self.start}&end={self.end}", timeout=90).json()
        ids = {name: bodies(one, "report")[0]["report_id"] for name, one in (("first", first), ("second", second), ("hipaa", hipaa))}
        whole = self.ask(f"start={self.start}&end=now").json()
        self.tempo.wait_until(lambda: {ids["first"], ids["second"]} <= set(self.others(whole)), "both lie in it")
        self.tempo.wait_until(lambda: self.verify(hipaa, "--sample", "0", "--replay", "0")[1]["span"] == "same", "the third is there, too")
        self.assertNotIn(ids["hipaa"], self.others(whole))
        self.assertNotIn(ids["first"], self.others(second), "they only touch")
        self.assertNotIn(ids["second"], self.others(second), "a report is no other one")

    def test_after_a_start_tempo_tells_which_was_the_report_before(self):
        """By its span, whose head the service's key has signed. Nobody else's counts."""
        def serve(key, *more):
            server = Betrace("--tempo", self.tempo.url, "--otlp", self.tempo.otlp_url, "--evidence-key", key, "--settle", "2s", *more)
            self.addCleanup(server.__exit__)
            server.start()
            return server

        def ask(server, hours):
            start = (datetime.datetime.fromisoformat(self.end.replace("Z", "+00:00")) - datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
            answer = server.get(f"/v1/compliance/reports/gdpr?timeout=60s&start={start}&end={self.end}", timeout=90)
            self.assertEqual((answer.status, answer.headers["betrace-report-span"]), (200, "sent"), answer)
            return answer.json()

        def is_found(report):
            now, report_id = int(time.time()), bodies(report, "report")[0]["report_id"]
            return self.tempo.search(f'{{ span.betrace.report.id = "{report_id}" }}', now - 600, now + 60)

        key, public = make_key(self.folder.name, "gdpr")
        first = ask(serve(key), 1)
        self.assertIn("the store shows no span of one since", bodies(first, "report")[0]["previous"]["reason"])
        self.tempo.wait_until(lambda: is_found(first), "its span is searchable")
        second = ask(serve(key), 2)
        self.assertEqual(bodies(second, "report")[0]["previous"],
                         {"report_id": bodies(first, "report")[0]["report_id"], "head": first["evidence"]["head"], "known_by": "span", "reason": None})
        self.tempo.wait_until(lambda: is_found(second), "its span is searchable")
        stranger, _ = make_key(self.folder.name, "stranger")
        self.assertIsNone(bodies(ask(serve(stranger), 3), "report")[0]["previous"]["head"])
        successor, _ = make_key(self.folder.name, "successor")
        third = ask(serve(successor, "--evidence-old-keys", public), 4)
        self.assertEqual(bodies(third, "report")[0]["previous"]["head"], second["evidence"]["head"], "the chain goes on over a change of the key")

    def test_since_when_under_watch(self):
        def watched():
            return rule(self.ask(f"start={self.start}&end={self.end}").json(), PII)["watch"]

        def has_been_watched():
            watch = watched()
            return watch["under_watch"] and watch["since"] < watch["until"]

        self.tempo.wait_until(has_been_watched, "some time has been under watch", pause=1)
        watch = watched()
        self.assertEqual(watch["enabled_since"], self.server.get(f"/v1/rules/{PII}").json()["updated_at"])


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
