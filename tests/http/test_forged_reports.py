"""150 seeded forgeries of a signed report, all refused by `betrace verify-report`: changed fields as they stand, with the chain made anew, signed anew with another
key, and, with the right key, conclusions that the report's own numbers do not carry. And reports of before, which are still checked, by what they hold.
BETRACE_SEED picks another seed."""
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


class ReportsOfBefore(unittest.TestCase):
    """Without a version their conclusions are of version 1: made by the program as it was."""

    def verify(self, name):
        return run_cli("verify-report", os.path.join(OLD, name), "--key", os.path.join(OLD, "evidence.pub"))

    def test_they_are_still_verified(self):
        for name in ("settled.json", "up-to-now.json"):
            self.assertEqual(self.verify(name).returncode, 0, name)

    def test_the_pass_that_a_setting_bent_is_refused(self):
        """As it was reported: one rule's settle of 23h30m, and the pass was `verified`."""
        done = self.verify("bent.json")
        self.assertEqual((done.returncode, "the pass of rule" in done.stdout), (1, True), done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=1)
