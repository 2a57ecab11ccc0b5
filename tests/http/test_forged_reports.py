"""150 seeded forgeries of a signed report, all refused by `betrace verify-report`. Some change fields, some make the
chain anew, some are signed with another key. With the right key, some have conclusions that the report's own
numbers do not carry. Reports of older versions are still checked, by what they hold. BETRACE_SEED picks another
seed."""
import copy
import json
import os
import random
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
from betrace_process import run_cli  # noqa: E402
from evidence import bodies, chain, control, make_key, rule, sign  # noqa: E402
from test_bent_reports import GOOD, HARMLESS, Bending  # noqa: E402

SEED = int(os.environ.get("BETRACE_SEED", "150"))
CLAIMS = ("pass", "not_exercised", "partly_exercised", "no_rules")
OLD = os.path.join(HERE, "reports_of_before")


def leaves(value, path=()):
    """Paths to everything in a document that is neither an object nor a list."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        return [path]
    return [found for key, part in items for found in leaves(part, (*path, key))]


def changed(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return "x" if value is None else value[:-1] + ("0" if value[-1:] != "0" else "1")


def change_at(report, path):
    *way, last = path
    for key in way:
        report = report[key]
    report[last] = changed(report[last])


class Forgeries(Bending):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_private, cls.other_public = make_key(cls.folder.name, "other")
        print(f"seed {SEED}", flush=True)

    def make(self):
        """A rule of each kind of finding, under a control of its own; and one that a rule was withdrawn from."""
        server = self.serve()
        for one in ({"id": "fine", "dsl": HARMLESS}, {"id": "slow", "dsl": HARMLESS.replace("CC7_2", "CC7_3"), "settle": "12h"},
                    {"id": "hidden", "dsl": GOOD.replace("CC6_1", "CC6_2"), "settle": "23h55m"}, {"id": "idle", "dsl": GOOD.replace("CC6_1", "CC6_3").replace("pii", "nosuch")},
                    {"id": "off", "dsl": GOOD.replace("CC6_1", "CC7_4")}, {"id": "beside", "dsl": HARMLESS.replace("CC7_2", "CC7_4")}):
            self.put(server, one)
        self.assertEqual(server.post("/v1/rules/off/disable").status, 200)
        report = self.report(server)
        self.assertEqual({c["control"]: c["status"] for c in bodies(report, "control") if c["rules"]},
                         {"CC6.1": "violated", "CC6.2": "violated", "CC6.3": "not_exercised", "CC7.2": "pass", "CC7.3": "incomplete", "CC7.4": "inconclusive"})
        return report

    def assert_refused(self, report, what):
        done = self.verify(report)
        self.assertEqual(done.returncode, 1, f"{what}: {done.stdout}{done.stderr}")
        self.assertIn("REFUSED: ", done.stdout, what)

    def test_changed_fields(self):
        """110 of them."""
        report = self.make()
        rng = random.Random(SEED)
        ways = {"as it stands": lambda r: r, "chain made anew": lambda r: r["evidence"].update(head=chain(r["entries"])) or r,
                "signed with another key": lambda r: sign(r, self.other_private, self.other_public),
                "signed with another key, and the right one named": lambda r: (key := r["evidence"]["key_id"], sign(r, self.other_private, self.other_public),
                                                                               r["evidence"].update(key_id=key)) and r}
        entries = [path for path in leaves(report) if path[0] == "entries" and path[2] in ("body", "type")]
        for number in range(110):
            way = list(ways)[number % len(ways)]
            path = rng.choice(entries)
            forged = copy.deepcopy(report)
            change_at(forged, path)
            self.assert_refused(ways[way](forged), (way, path))

    def test_conclusions_that_the_numbers_do_not_carry(self):
        """With the right key: more than 40 ways to say something better, or to make numbers that cannot be."""
        report = self.make()
        forgeries = {}

        def forge(name, change):
            forged = copy.deepcopy(report)
            change(forged)
            forgeries[name] = forged

        for body in bodies(report, "rule"):
            for claim in CLAIMS:
                if claim != body["status"] and not (body["rule_id"] == "fine" and claim == "pass"):
                    forge(f"rule {body['rule_id']}: {claim}", lambda r, i=body["rule_id"], c=claim: rule(r, i).update(status=c))
        for body in bodies(report, "control"):
            if body["rules"] and body["status"] != "pass":
                forge(f"control {body['control']}: pass", lambda r, n=body["control"]: control(r, n).update(status="pass"))
        both = lambda r, i, n, **to: [c["counts"].update(to) for c in (rule(r, i), control(r, n)["rules"][0])]  # noqa: E731
        for name, to in (("evaluated 0", {"evaluated": 0}), ("exercised 0", {"exercised": 0, "satisfied": 0}), ("provisional", {"provisional": 1}), ("going on", {"going_on": 1}),
                         ("undecided", {"inconclusive": 1}), ("more exercised than evaluated", {"evaluated": 1}), ("not all evaluated", {"evaluated_kind": "at_least", "exact": False}),
                         ("negative", {"going_on": -1}), ("not exact", {"exact": False}), ("more satisfied than exercised", {"satisfied": 69}), ("no number", {"violated": None})):
            forge(f"a pass with {name}", lambda r, t=to: both(r, "fine", "CC7.2", **t))
        forge("a share that is whole", lambda r: rule(r, "slow")["share"].update(range_ppm=1_000_000))
        forge("a settled end that is later", lambda r: rule(r, "slow").update(settled_end=bodies(r, "report")[0]["range"]["end"]))
        forge("a settle that is shorter", lambda r: rule(r, "slow")["assumptions"].update(settle="2m"))
        forge("no settle of its own", lambda r: rule(r, "hidden")["overrides"].update(settle=None))
        forge("not what the service's settings say", lambda r: rule(r, "hidden").update(by_service=None))
        forge("the service's settings say a pass", lambda r: rule(r, "hidden")["by_service"].update(status="pass"))
        forge("windows failed", lambda r: bodies(r, "report")[0]["coverage"]["windows_failed"].append({"start": self.start, "end": self.end, "reason": "x"}))
        forge("evaluated before the range settled", lambda r: bodies(r, "report")[0].update(evaluated_at=self.end))
        forge("a longer range", lambda r: bodies(r, "report")[0]["range"].update(end="2099-01-01T00:00:00Z"))
        forge("a version that nobody knows", lambda r: bodies(r, "report")[0].update(version=4))
        forge("a version of before", lambda r: bodies(r, "report")[0].update(version=2))
        forge("another text", lambda r: rule(r, "good").update(dsl="trace.has(nothing)"))
        forge("another total", lambda r: bodies(r, "end")[0]["controls"].update({"pass": 2, "violated": 1}))
        self.assertGreaterEqual(len(forgeries), 40)
        for name, forged in forgeries.items():
            self.assert_refused(sign(forged, self.private, self.public), name)


    def test_members_that_were_taken_away(self):
        """With the right key: what is not there must not read as "no". Each member of each kind of entry, and of what lies in it."""
        report = self.make()
        number_of = {body["rule_id"]: number for number, body in enumerate(entry["body"] for entry in report["entries"]) if "rule_id" in body}
        places = {"report": (0,), "a rule": (number_of["fine"],), "a withdrawn rule": (number_of["off"],), "the end": (len(report["entries"]) - 1,),
                  "a control": (next(i for i, entry in enumerate(report["entries"]) if entry["body"].get("control") == "CC7.4"),)}
        places.update({"counts": (*places["a rule"], "counts"), "share": (*places["a rule"], "share"), "withdrawn": (*places["a withdrawn rule"], "withdrawn"),
                       "by_service": (number_of["hidden"], "by_service"), "a version": (*places["a rule"], "versions", 0),
                       "a rule of a control": (*places["a control"], "rules", 0)})

        def look(forged, place):
            value = forged["entries"][place[0]]["body"]
            for key in place[1:]:
                value = value[key]
            return value

        tried = 0
        for name, place in places.items():
            for member in [*look(report, place), None]:
                forged = copy.deepcopy(report)
                if member:
                    del look(forged, place)[member]
                else:
                    look(forged, place)["remark"] = "all controls pass"
                with self.subTest(name, member=member):
                    done = self.verify(sign(forged, self.private, self.public))
                    self.assertEqual(done.returncode, 1, done.stdout)
                tried += 1
        self.assertGreater(tried, 100)

    def test_a_rule_that_was_withdrawn_and_does_not_say_so(self):
        report = self.make()
        self.assertTrue(rule(report, "off")["withdrawn"])

        def hide(forged):
            rule(forged, "off")["withdrawn"] = None
            control(forged, "CC7.4").update(status="pass", reason=None)
            totals = bodies(forged, "end")[0]["controls"]
            totals["inconclusive"] -= 1
            totals["pass"] += 1

        forged = copy.deepcopy(report)
        hide(forged)
        done = self.verify(sign(forged, self.private, self.public))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("withdrawn of rule off", done.stdout)
        forged = copy.deepcopy(report)
        rule(forged, "fine")["withdrawn"] = rule(report, "off")["withdrawn"]
        self.assert_refused(sign(forged, self.private, self.public), "one that was not")

    def test_a_report_that_is_made_one_of_before(self):
        """With the right key, a report of version 1 has less to contradict. Nobody takes one for a report of now."""
        forged = self.make()
        for name in ("version", "time_stamp_asked", "previous"):
            del bodies(forged, "report")[0][name]
        for body in bodies(forged, "rule"):
            for name in ("withdrawn", "share", "settled_end", "known_from", "by_service"):
                del body[name]
        del forged["evidence"]["time_stamp"]
        done = self.verify(sign(forged, self.private, self.public))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, "REFUSED|expected   version 3, and it is 1")


class ReportsOfBefore(unittest.TestCase):
    """Without a version their conclusions are of version 1: made by the program as it was."""

    def verify(self, name, *arguments):
        return run_cli("verify-report", os.path.join(OLD, name), "--key", os.path.join(OLD, "evidence.pub"), *arguments)

    def test_they_are_still_verified_where_they_are_known_to_be_of_before(self):
        for name in ("settled.json", "up-to-now.json"):
            self.assertEqual(self.verify(name, "--expect", "version=1").returncode, 0, name)
            done = self.verify(name)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("expected   version 3, and it is 1\n           --expect version=1 takes it", done.stdout)
            self.assertEqual(self.verify(name, "--expect", "version=2").returncode, 1)
        for wrong in ("0", "4", "", "x", "33"):
            self.assertEqual(self.verify("settled.json", "--expect", f"version={wrong}").returncode, 2, wrong)

    def test_the_pass_that_a_setting_bent_is_refused(self):
        """As it was reported: one rule's settle of 23h30m, and the pass was `verified`."""
        done = self.verify("bent.json")
        self.assertEqual((done.returncode, "the pass of rule" in done.stdout), (1, True), done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=1)
