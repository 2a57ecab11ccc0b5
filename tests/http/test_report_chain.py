"""Each report names the one before it of its framework and tenant; `betrace verify-report` of several says whether one is missing between them."""
import concurrent.futures
import copy
import json
import os
import re
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from evidence import bodies, make_key, sign  # noqa: E402

END = "2026-03-10T12:00:00Z"


def first(report):
    return bodies(report, "report")[0]


def named(report):
    """What another report says of this one."""
    return {"report_id": first(report)["report_id"], "head": report["evidence"]["head"], "known_by": "service", "reason": None}


class ReportChainTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-chain-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.traces = os.path.join(cls.folder, "traces.pb")
        run_cli("generate", "--traces", 20, "--violations", 2, "--end", END, "--since", "24h", "--out", cls.traces)
        cls.private, cls.public = make_key(cls.folder)

    def setUp(self):
        self.server = self.serve()

    def serve(self, db=None):
        server = Betrace("--traces", self.traces, "--evidence-key", self.private, db=db)
        self.addCleanup(server.__exit__)
        server.start()
        return server

    def ask(self, minutes, framework="soc2", tenant=None, server=None):
        answer = (server or self.server).get(f"/v1/compliance/reports/{framework}?start=2026-03-09T12:{minutes:02}:00Z&end={END}&timeout=60s",
                                             headers={"x-scope-orgid": tenant} if tenant else None)
        for _ in range(600):
            if answer.status != 202:
                break
            time.sleep(0.1)
            answer = (server or self.server).get(answer.headers["location"])
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def verify(self, *reports, flags=()):
        folder = tempfile.mkdtemp(dir=self.folder)
        for number, report in enumerate(reports):
            with open(os.path.join(folder, f"{number:02}.json"), "w", encoding="utf-8") as out:
                json.dump(report, out)
        return run_cli("verify-report", folder, "--key", self.public, *flags)

    def chains(self, *reports):
        done = self.verify(*reports, flags=["--json"])
        return done.returncode, json.loads(done.stdout)["chains"]

    # ---- what a report names ----

    def test_each_names_the_one_before_it(self):
        one, two, three = (self.ask(minutes) for minutes in (1, 2, 3))
        unknown = first(one)["previous"]
        self.assertEqual((unknown["report_id"], unknown["head"], unknown["known_by"]), (None, None, None))
        self.assertRegex(unknown["reason"], r"^the service made none since it started at 20\d\d-.*Z, and files hold no spans of reports$")
        self.assertEqual((first(two)["previous"], first(three)["previous"]), (named(one), named(two)))

    def test_oscal_names_it_too(self):
        one, two = self.ask(1, tenant="acme"), self.ask(2, tenant="acme")
        for report, expected in ((one, {"tenant": "acme"}),
                                 (two, {"tenant": "acme", "previous-report-id": first(one)["report_id"], "previous-head": one["evidence"]["head"]})):
            oscal = self.server.get(f"/v1/reports/{first(report)['report_id']}?format=oscal", headers={"x-scope-orgid": "acme"}).json()
            props = {prop["name"]: prop["value"] for prop in oscal["assessment-results"]["results"][0]["props"]}
            self.assertEqual({name: props[name] for name in props if name == "tenant" or name.startswith("previous")}, expected)

    def test_of_its_framework_in_any_spelling_and_of_its_tenant(self):
        one, other, foreign = self.ask(1), self.ask(1, "hipaa"), self.ask(1, tenant="acme")
        self.assertIsNone(first(other)["previous"]["head"])
        self.assertIsNone(first(foreign)["previous"]["head"])
        self.assertEqual(first(self.ask(2, "SOC-2"))["previous"], named(one))
        self.assertEqual(first(self.ask(2, tenant="acme"))["previous"], named(foreign))

    def test_one_that_says_nothing_new_is_no_link(self):
        """The report before is no difference: else every second one would be made anew."""
        one, two = self.ask(1), self.ask(2)
        self.assertEqual((self.ask(1), self.ask(2)), (one, two))
        self.assertEqual(first(self.ask(3))["previous"], named(two))

    def test_one_that_was_deleted_is_named_all_the_same(self):
        one = self.ask(1)
        self.assertEqual(self.server.delete(f"/v1/reports/{first(one)['report_id']}").status, 204)
        self.assertEqual(first(self.ask(2))["previous"], named(one))

    def test_after_a_start_it_is_not_known(self):
        db = os.path.join(self.folder, "kept.db")
        server = self.serve(db)
        one, two = (self.ask(minutes, server=server) for minutes in (1, 2))
        server.stop()
        after = self.ask(3, server=self.serve(db))
        self.assertIsNone(first(after)["previous"]["head"])
        done = self.verify(one, two, after)
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertRegex(done.stdout, rf"unknown  what {first(after)['report_id']} follows: the service made none since it started at ")
        self.assertIn("not shown to be whole", done.stdout)

    def test_many_at_once(self):
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            reports = list(pool.map(self.ask, range(24)))
        code, chains = self.chains(*reports)
        self.assertEqual((code, [(chain["reports"], chain["whole"], chain["forks"]) for chain in chains]), (0, [(24, True, [])]), chains)

    # ---- several reports ----

    def test_a_whole_chain(self):
        reports = [self.ask(minutes) for minutes in range(1, 6)]
        beside = self.ask(1, "hipaa")
        done = self.verify(*reversed(reports), beside, reports[2])
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, rf"chain of   SOC2, tenant \(none\): 5 reports, {first(reports[0])['report_id']} to {first(reports[4])['report_id']}, "
                                      "none is missing between them")
        self.assertIn("chain of   HIPAA, tenant (none): 1 reports", done.stdout)
        self.assertEqual(done.stdout.strip().splitlines()[-1], "they hold, and none is missing between them")
        self.assertEqual(len(re.findall(r"^signature  right", done.stdout, re.M)), 7)
        files = [os.path.join(self.folder, name) for name in ("one.json", "two.json")]
        for file, report in zip(files, reports):
            with open(file, "w", encoding="utf-8") as out:
                json.dump(report, out)
        self.assertEqual(run_cli("verify-report", *files, "--key", self.public).returncode, 0, "files, one by one")
        folder = tempfile.mkdtemp(dir=self.folder) + "/"
        shutil.copy(files[0], folder)
        self.assertIn(f"file       {folder}one.json\n", run_cli("verify-report", folder, files[1], "--key", self.public).stdout)
        self.assertNotIn("chain of", run_cli("verify-report", files[0], "--key", self.public).stdout)

    def test_one_in_the_middle_is_missing(self):
        reports = [self.ask(minutes) for minutes in range(1, 6)]
        gone = first(reports[2])["report_id"]
        done = self.verify(*reports[:2], *reports[3:])
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"MISSING  {gone}, which {first(reports[3])['report_id']} names (head {reports[2]['evidence']['head']})", done.stdout)
        self.assertEqual(done.stdout.strip().splitlines()[-1], "NOT WHOLE: reports are missing, or were made anew")
        code, (chain,) = self.chains(*reports[:2], *reports[3:])
        self.assertEqual((code, chain["whole"], [one["report_id"] for one in chain["missing"]]), (1, False, [gone]))

    def test_where_it_begins_is_said(self):
        """A month begins after the last one of the month before: whoever has both can hold them against each other."""
        reports = [self.ask(minutes) for minutes in range(1, 5)]
        code, (chain,) = self.chains(*reports[2:])
        self.assertEqual((code, chain["whole"], chain["begins_after"]["head"]), (0, True, reports[1]["evidence"]["head"]))
        self.assertIn(f"begins   after {first(reports[1])['report_id']}", self.verify(*reports[2:]).stdout)

    def test_one_that_was_made_anew_beside_the_first(self):
        reports = [self.ask(minutes) for minutes in range(1, 5)]
        anew = copy.deepcopy(reports[2])
        first(anew)["report_id"] = "rep-" + "0" * 32
        done = self.verify(*reports, sign(anew, self.private, self.public))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"FORK     {first(reports[1])['report_id']} is named by 2 reports: one was made anew", done.stdout)

    def test_one_that_was_made_anew_in_its_place(self):
        reports = [self.ask(minutes) for minutes in range(1, 5)]
        anew = copy.deepcopy(reports[1])
        first(anew)["notes"] = ["another"]
        done = self.verify(reports[0], sign(anew, self.private, self.public), *reports[2:])
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"MISSING  {first(reports[1])['report_id']}", done.stdout)

    def test_one_that_does_not_hold_has_no_place(self):
        reports = [self.ask(minutes) for minutes in range(1, 4)]
        changed = copy.deepcopy(reports[1])
        first(changed)["notes"] = ["another"]
        done = self.verify(reports[0], changed, reports[2])
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("REFUSED: ", done.stdout)
        self.assertIn("MISSING", done.stdout)
        self.assertEqual(done.stdout.strip().splitlines()[-1], "NOT ALL OF THEM HOLD")

    def test_each_is_held_against_what_was_expected(self):
        done = self.verify(self.ask(1), self.ask(1, "hipaa"), flags=["--expect", "framework=soc2"])
        self.assertEqual((done.returncode, done.stdout.count("NOT WHAT WAS EXPECTED")), (1, 1))

    def test_a_report_has_to_name_one_or_say_why_not(self):
        good = self.ask(1), self.ask(2)
        for wrong in (None, {}, "x", {**first(good[1])["previous"], "head": "x"}, {**first(good[1])["previous"], "reason": "x"},
                      {**first(good[1])["previous"], "known_by": "me"}, {**first(good[0])["previous"], "reason": None},
                      {**first(good[0])["previous"], "report_id": "rep-1"}, ...):
            with self.subTest(wrong=wrong):
                report = copy.deepcopy(good[1])
                first(report)["previous"] = wrong
                if wrong is ...:
                    del first(report)["previous"]
                folder = self.verify(sign(report, self.private, self.public))
                self.assertEqual(folder.returncode, 1, folder.stdout)
                self.assertIn("REFUSED: ", folder.stdout)

    def test_folders_without_reports(self):
        empty = tempfile.mkdtemp(dir=self.folder)
        done = run_cli("verify-report", empty, "--key", self.public)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("expected reports (*.json), found none", done.stderr)
        self.assertEqual(run_cli("verify-report", os.path.join(empty, "none.json"), "--key", self.public).returncode, 2)


if __name__ == "__main__":
    unittest.main()
