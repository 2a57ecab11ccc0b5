"""Listing rules: every filter against an oracle over random rules, pages while rules come and go; and the rest of what api.md says about rules."""
import itertools
import os
import random
import sys
import tempfile
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402

SEVERITIES = ["info", "low", "warning", "medium", "high", "error", "critical"]


def squeezed(name):
    return "".join(c for c in name.lower() if c.isalnum())


class RulesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-rules-")
        cls.addClassCleanup(folder.cleanup)
        cls.traces = os.path.join(folder.name, "traces.jsonl")
        assert run_cli("generate", "--traces", 50, "--violations", 1, "--out", cls.traces).returncode == 0

    def setUp(self):
        self.server = Betrace("--traces", self.traces)
        self.server.start()
        self.addCleanup(self.server.__exit__)

    def ids(self, *parameters):
        query = urllib.parse.urlencode(parameters)
        answer = self.server.get("/v1/rules?" + query)
        self.assertEqual(answer.status, 200, answer)
        return [rule["id"] for rule in answer.json()["rules"]]

    def create(self, **rule):
        answer = self.server.post("/v1/rules", {"dsl": "a", **rule})
        self.assertEqual(answer.status, 201, answer)
        return answer.json()

    # ---- filters ----

    def random_rule(self, chooser, number):
        frameworks = chooser.sample(["SOC2", "PCI-DSS", "HIPAA"], chooser.randrange(3))
        return {"id": f"r{number:02}", "name": chooser.choice(["Slow query", "Fraud", "Ünïcode"]), "description": chooser.choice(["", "about RETRIES", "x"]),
                "dsl": " ".join(f"@{name.replace('-DSS', '')}(CC1)" for name in frameworks if name != "HIPAA") + " " + chooser.choice(["retry", "audit.log"]),
                "severity": chooser.choice(SEVERITIES), "enabled": chooser.random() < 0.5,
                "labels": {key: chooser.choice(["1", "2", "a:b", ""]) for key in chooser.sample(["team", "tier", "a b"], chooser.randrange(4))},
                "annotations": {"compliance_framework": "HIPAA"} if "HIPAA" in frameworks else {}}

    def matches(self, rule, parameters):
        for name, value in parameters:
            if name == "enabled" and rule["enabled"] != (value == "true"):
                return False
            if name == "severity" and rule["severity"] != value.lower():
                return False
            if name == "q" and not any(value.lower() in text.lower() for text in (rule["id"], rule["name"], rule["description"], rule["dsl"])):
                return False
            if name == "framework" and not any(squeezed(c["framework"]) == squeezed(value) for c in rule["controls"]):
                return False
            if name == "label":
                key, colon, wanted = value.partition(":")
                if key not in rule["labels"] or (colon and rule["labels"][key] != wanted):
                    return False
        return True

    def test_filters_against_an_oracle(self):
        seed = int(os.environ.get("BETRACE_SEED", "20261120"))
        chooser = random.Random(seed)
        rules = [self.create(**self.random_rule(chooser, number)) for number in range(40)]
        one = {"enabled": ["true", "false"], "severity": ["high", "LOW", "Critical"], "q": ["retr", "FRAUD", "r1", "nosuch"], "framework": ["soc2", "SOC 2", "pci", "hipaa", "GDPR"],
               "label": ["team", "team:1", "tier:2", "a b:", "a b", "team:a:b"]}
        choices = [[(name, value)] for name, values in one.items() for value in values]
        choices += [list(itertools.chain(*chooser.sample(choices, 2))) for _ in range(60)]
        choices += [[("label", a), ("label", b)] for a in one["label"] for b in one["label"]]
        found = 0
        for parameters in choices:
            names = [name for name, _ in parameters if name != "label"]
            if len(set(names)) < len(names):
                continue  # refused: see test_filters_that_are_none
            with self.subTest(parameters=parameters, seed=seed):
                expected = [rule["id"] for rule in rules if self.matches(rule, parameters)]
                self.assertEqual(self.ids(*parameters), expected)
                found += len(expected)
        self.assertGreater(found, 200)

    def test_a_long_label_filters_the_last_rule_as_the_first(self):
        """A filter that runs out of memory on its way would let the rest of the rules through."""
        for number in range(300):
            self.create(id=f"r{number:03}", labels={"team": "a"})
        long = "team:" + "x" * 7000
        self.assertEqual(self.ids(("label", long), ("limit", 1000)), [])
        answer = self.server.get("/v1/rules/export?" + urllib.parse.urlencode({"label": long}))
        self.assertEqual((answer.status, "r299" in answer.body.decode()), (200, False))
        self.assertEqual(len(self.ids(("label", "team:a"), ("limit", 1000))), 300)

    def test_filters_that_are_none(self):
        for query in ("enabled=yes", "enabled=TRUE", "severity=loud", "limit=0", "limit=1001", "limit=x", "label=", "label=:v", "lable=a", "enabled=true&x=1", "severity=high&severity=low", "q=a&q=a", "limit=1&limit=2", "cursor=a&cursor=b", "&".join(["label=a"] * 1025)):
            with self.subTest(query=query):
                answer = self.server.get("/v1/rules?" + query)
                self.assertEqual((answer.status, answer.headers["content-type"]), (400, "application/problem+json"))

    def test_pages_while_rules_come_and_go(self):
        """Every rule that is there from the first page to the last is seen exactly once, whatever happens to the others."""
        chooser = random.Random(7)
        for number in range(60):
            self.create(id=f"stay-{number:03}")
            self.create(id=f"stay-{number:03}.gone")
        seen, cursor = [], ""
        while cursor is not None:
            page = self.server.get(f"/v1/rules?limit={chooser.randrange(1, 9)}&cursor={cursor}").json()
            seen += [rule["id"] for rule in page["rules"]]
            cursor = page["cursor"]
            self.server.delete(f"/v1/rules/stay-{chooser.randrange(60):03}.gone")
            self.create(id=f"new-{len(seen)}")
            self.create(id=f"zz-{len(seen)}")
        self.assertEqual([rule for rule in seen if rule.startswith("stay") and not rule.endswith("gone")], [f"stay-{number:03}" for number in range(60)])
        self.assertEqual(len(seen), len(set(seen)))

    def test_a_page_is_full_when_there_is_enough(self):
        for number in range(30):
            self.create(id=f"r{number:02}", severity="high" if number % 3 else "low")
        page = self.server.get("/v1/rules?severity=high&limit=5").json()
        self.assertEqual([rule["id"] for rule in page["rules"]], ["r01", "r02", "r04", "r05", "r07"])
        self.assertEqual(page["cursor"], "r07")
        rest = self.server.get(f"/v1/rules?severity=high&limit=15&cursor={page['cursor']}").json()
        self.assertEqual((len(rest["rules"]), rest["cursor"]), (15, None), "no cursor that leads to an empty page")

    # ---- the rest of the contract ----

    def test_names_of_the_text(self):
        for number, name in enumerate(("dsl", "expression", "condition")):
            answer = self.server.post("/v1/rules", {"id": f"n{number}", name: "count(a) > 3"})
            self.assertEqual((answer.status, answer.json()["dsl"]), (201, "count(a) > 3"))
            self.assertNotIn("condition", answer.json())
        twice = self.server.post("/v1/rules", {"id": "n9", "dsl": "a", "condition": "b"})
        self.assertEqual((twice.status, twice.json()["errors"][0]["field"]), (400, "condition"))

    def test_defaults_and_ids(self):
        rule = self.create(name="Ein Name: mit 3 Teilen!")
        self.assertEqual((rule["id"], rule["enabled"], rule["severity"], rule["shadow"], rule["watch_all"]), ("ein-name-mit-3-teilen", True, "medium", False, False))
        self.assertEqual([rule[key] for key in ("settle", "margin", "clock_skew", "require_complete", "budget")], [None] * 5)
        self.assertEqual((rule["labels"], rule["annotations"], rule["version"], rule["created_at"] == rule["updated_at"]), ({}, {}, 1, True))
        for reserved in ("validate", "test", "import", "export"):
            self.assertEqual(self.server.post("/v1/rules", {"id": reserved, "dsl": "a"}).status, 400)
            self.assertEqual(self.server.put(f"/v1/rules/{reserved}", {"dsl": "a"}).status, 405, "that path is something else")
            self.assertEqual(self.create(name=reserved.title())["id"], reserved + "-rule")
        self.assertEqual(self.create(name="日本語")["id"], self.ids(("q", "日本語"))[0])
        self.assertEqual(self.server.post("/v1/rules", {"dsl": "a"}).status, 400, "neither an id nor a name")

    def test_every_field_comes_back_and_is_kept(self):
        said = {"id": "all", "name": "All", "description": "d", "dsl": "@SOC2(CC1) a", "severity": "HIGH", "enabled": False, "shadow": True, "labels": {"a": "b"},
                "annotations": {"runbook_url": "https://x", "soc2_control": "CC6.1, CC7.2"}, "settle": "90s", "margin": "1h", "clock_skew": "5ms", "require_complete": True, "budget": 2000000,
                "watch_all": True}
        rule = self.create(**said)
        self.assertEqual({key: rule[key] for key in said}, dict(said, severity="high", settle="1m30s"))
        self.assertEqual([c["control"] for c in rule["controls"]], ["CC1", "CC6.1", "CC7.2"])
        self.server.kill()
        with Betrace("--traces", self.traces, db=self.server.db) as again:
            self.assertEqual(again.get("/v1/rules/all").json(), rule)
            again.put("/v1/rules/all", {"dsl": "b"})
            changed = again.get("/v1/rules/all").json()
            self.assertEqual((changed["enabled"], changed["labels"], changed["settle"], changed["severity"]), (True, {}, None, "medium"), "PUT says all of a rule")
            self.assertEqual(changed["created_at"], rule["created_at"])
            self.assertGreaterEqual(changed["updated_at"], rule["updated_at"])

    def test_if_match_in_its_forms(self):
        self.create(id="r")
        for header, status in (('"1"', 200), ('W/"2"', 412), ("*", 200), ('"1"', 412), ('"99"', 412), ("4", 400), ('""', 400), ('"0"', 400), ('"x"', 400), ('"4', 400), ('"99999999999999999999"', 400)):
            with self.subTest(header=header):
                answer = self.server.put("/v1/rules/r", {"dsl": "a"}, headers={"If-Match": header})
                self.assertEqual(answer.status, status, answer)
        self.assertEqual(self.server.get("/v1/rules/r").headers["etag"], '"3"')
        for path in ("/v1/rules/r/enable", "/v1/rules/r/disable"):
            self.assertEqual(self.server.post(path, headers={"If-Match": '"1"'}).status, 412)
        self.assertEqual(self.server.delete("/v1/rules/r", headers={"If-Match": '"3"'}).status, 204)

    def test_the_history_stays_as_it_was(self):
        first = self.create(id="r", name="one")
        self.server.put("/v1/rules/r", {"dsl": "b", "name": "two"})
        self.server.delete("/v1/rules/r")
        self.create(id="r", dsl="c")
        versions = self.server.get("/v1/rules/r/versions").json()["versions"]
        self.assertEqual([(v["version"], v["dsl"], v["deleted"]) for v in versions], [(1, "a", False), (2, "b", False), (3, "b", True), (4, "c", False)])
        self.assertEqual(versions[0], dict(first, deleted=False))
        self.assertEqual(self.server.post("/v1/rules/r/disable").json()["version"], 5)
        self.assertEqual(self.server.post("/v1/rules/r/disable").json()["version"], 5, "already so: no new version")
        self.assertEqual(self.server.get("/v1/rules/nosuch/versions").status, 404)

    def test_texts_that_are_empty_or_too_long(self):
        for text, code in (("", "E010"), ("  # only a note", "E010"), ("a or " * 20000 + "a", "E003"), ("x" * 3000000, "E003")):
            checked = self.server.post("/v1/rules/validate", {"dsl": text})
            self.assertEqual((checked.status, checked.json()["valid"], checked.json()["diagnostics"][0]["code"]), (200, False, code))
            refused = self.server.post("/v1/rules", {"id": "x", "dsl": text})
            self.assertEqual((refused.status, refused.json()["errors"][0]["code"]), (422, code))
            imported = self.server.post("/v1/rules/import", f'rules:\n- id: x\n  dsl: "{text}"\n')
            self.assertEqual((imported.status, imported.json()["errors"][0]["code"]), (422, code))
        self.assertEqual(self.ids(), [])

    def test_all_diagnostics_at_once_and_nothing_stored(self):
        answer = self.server.post("/v1/rules", {"id": "bad", "dsl": "trace.has(span.duration > 5) and count(a) > 1s and x.where(span.kind == srver)"})
        self.assertEqual(answer.status, 422)
        self.assertGreaterEqual(len([e for e in answer.json()["errors"] if e["severity"] == "error"]), 3, answer)
        self.assertEqual(self.ids(), [])


if __name__ == "__main__":
    unittest.main()
