"""POST /v1/rules/import and GET /v1/rules/export: all or nothing, dry run, tests of the file, and import(export(x)) changes nothing."""
import json
import os
import random
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import Betrace, run_cli  # noqa: E402
from random_rules import random_rule  # noqa: E402
from seed_rules import INCIDENT, PII_AUDIT, SLOW_DB  # noqa: E402

FILE = """\
groups:
- name: checkout
  rules:
  - id: fraud
    name: Fraud check on large orders
    severity: critical
    labels: {team: payments, tier: "1"}
    annotations: {soc2_control: CC6.1, compliance_framework: SOC2}
    settle: 1m
    dsl: |
      when { checkout.where(amount > 1000) as c }
      always { fraud-check after c within 500ms }
    tests:
    - name: no fraud check
      trace: [{span: checkout, service: web, at: 0ms, duration: 80ms, attributes: {amount: 2000}}]
      expect: violated
  - name: Audit Trail
    condition: pii.read and not audit.log
    compliance_frameworks: [HIPAA]
    example_violation: {trace: [{span: pii.read}]}
- name: other
  rules:
  - id: retries
    expression: count(retry) > 3
    enabled: false
"""


class ImportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-import-")
        cls.addClassCleanup(folder.cleanup)
        cls.traces = os.path.join(folder.name, "traces.jsonl")
        assert run_cli("generate", "--traces", 50, "--violations", 1, "--out", cls.traces).returncode == 0

    def setUp(self):
        self.server = Betrace("--traces", self.traces)
        self.server.start()
        self.addCleanup(self.server.__exit__)

    def rules(self):
        """Every stored rule by id, page by page."""
        found, cursor = {}, ""
        while cursor is not None:
            page = self.server.get(f"/v1/rules?limit=7&cursor={cursor}").json()
            found.update((rule["id"], rule) for rule in page["rules"])
            cursor = page["cursor"]
        return found

    def load(self, text, query=""):
        answer = self.server.post("/v1/rules/import" + query, text)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def refused(self, text, query="", kind="rules-invalid"):
        before = self.rules()
        answer = self.server.post("/v1/rules/import" + query, text)
        self.assertEqual(answer.status, 422, answer)
        document = answer.json()
        self.assertEqual(document["type"], f"urn:betrace:problem:{kind}")
        self.assertTrue(document["errors"])
        self.assertEqual(self.rules(), before, "nothing was changed")
        return document["errors"]

    def results(self, answer):
        return {rule["id"]: (rule["result"], rule["version"]) for rule in answer["rules"]}

    def test_a_file_with_everything(self):
        answer = self.load(FILE)
        self.assertEqual(self.results(answer), {"fraud": ("created", 1), "audit-trail": ("created", 1), "retries": ("created", 1)})
        self.assertEqual((answer["created"], answer["updated"], answer["unchanged"], answer["dry_run"], answer["tests"]), (3, 0, 0, False, None))
        self.assertEqual([rule["line"] for rule in answer["rules"]], [4, 17, 23])
        rules = self.rules()
        self.assertEqual((rules["fraud"]["severity"], rules["fraud"]["settle"], rules["fraud"]["labels"]), ("critical", "1m", {"team": "payments", "tier": "1"}))
        self.assertEqual(rules["audit-trail"]["annotations"], {"compliance_framework": "HIPAA"})
        self.assertEqual(rules["audit-trail"]["name"], "Audit Trail")
        self.assertFalse(rules["retries"]["enabled"])
        self.assertEqual(answer["rules"][0]["condition_hash"], rules["fraud"]["condition_hash"])

    def test_all_that_is_wrong_with_a_file_is_said_at_once(self):
        text = "rules:\n- id: a\n  dls: x\n  severity: huge\n  dsl: trace.has(\n- 5\n- id: c\n  dsl: when { a }\n"
        errors = self.refused(text)
        self.assertEqual([(one["line"], one["column"], one["rule_id"]) for one in errors],
                         [(3, 3, None), (4, 13, None), (6, 3, None), (5, 18, "a"), (8, 8, "c")])

    def test_json_is_read_too(self):
        body = {"rules": [{key: value for key, value in rule.items() if value is not None} for rule in (SLOW_DB, INCIDENT, PII_AUDIT)]}
        self.assertEqual(self.load(json.dumps(body))["created"], 3)
        self.assertEqual(self.load(json.dumps(body))["unchanged"], 3)

    def test_what_changed_is_said(self):
        self.load(FILE)
        changed = FILE.replace("count(retry) > 3", "count(retry) > 5").replace("500ms }", "500ms   }  # soon enough").replace("      when {", "      when  {")
        again = self.load(FILE.replace("condition: pii.read and not audit.log", 'condition: "pii.read   &&  not audit.log"'))
        self.assertEqual({result for result, _ in self.results(again).values()}, {"unchanged"}, "layout alone is no change")
        self.assertEqual(self.results(self.load(changed)), {"fraud": ("updated", 2), "audit-trail": ("unchanged", 1), "retries": ("updated", 2)})
        versions = self.server.get("/v1/rules/retries/versions").json()["versions"]
        self.assertEqual([v["dsl"].strip() for v in versions], ["count(retry) > 3", "count(retry) > 5"])
        hashes = [v["condition_hash"] for v in self.server.get("/v1/rules/fraud/versions").json()["versions"]]
        self.assertEqual(hashes[0], hashes[1], "a comment is no new condition")

    def test_dry_run_says_and_does_not(self):
        self.server.post("/v1/rules", {"id": "retries", "dsl": "count(retry) > 3"})
        for query in ("?dry_run", "?dry_run=true"):
            dry = self.load(FILE, query)
            self.assertTrue(dry["dry_run"])
            self.assertEqual(list(self.rules()), ["retries"])
            self.assertEqual(self.rules()["retries"]["version"], 1)
        done = self.load(FILE, "?dry_run=false")
        self.assertEqual(dict(dry, dry_run=False), done, "the dry run says what then happens")
        self.assertEqual(self.results(done)["retries"], ("updated", 2))

    def test_only_while_the_rules_are_as_a_dry_run_saw_them(self):
        state = self.load(FILE, "?dry_run")["state"]
        match = {"If-Match": f'"{state}"'}
        self.assertEqual(self.load(FILE, "?dry_run")["state"], state, "nothing happened in between")
        self.assertEqual(self.server.post("/v1/rules/import", FILE, headers=match).status, 200)
        seen = self.load(FILE, "?dry_run")["state"]
        self.assertNotEqual(seen, state)
        for change in (lambda: self.server.request("POST", "/v1/rules/fraud/disable"), lambda: self.server.request("DELETE", "/v1/rules/fraud"),
                       lambda: self.server.post("/v1/rules", {"id": "fraud", "name": "again", "dsl": 'trace.has(span.name == "x")'})):
            match = {"If-Match": f'"{self.load(FILE, "?dry_run")["state"]}"'}
            self.assertLess(change().status, 300)
            before = self.rules()
            answer = self.server.post("/v1/rules/import", FILE, headers=match)
            self.assertEqual((answer.status, answer.json()["type"]), (412, "urn:betrace:problem:version-changed"), answer)
            self.assertEqual(self.rules(), before)
        self.server.post("/v1/rules", {"id": "foreign", "name": "not in the file", "dsl": 'trace.has(span.name == "x")'})
        self.assertEqual(self.server.post("/v1/rules/import", FILE, headers={"If-Match": f'"{self.load(FILE, "?dry_run")["state"]}"'}).status, 200)
        self.assertEqual(self.server.post("/v1/rules/import", FILE, headers={"If-Match": f'W/"{self.load(FILE, "?dry_run")["state"]}"'}).status, 412)
        self.assertEqual(self.server.post("/v1/rules/import", FILE, headers={"If-Match": "*"}).status, 200)
        for wrong in ("3", '"3"', state, f"'{state}'"):
            self.assertEqual(self.server.post("/v1/rules/import", FILE, headers={"If-Match": wrong}).status, 400, wrong)

    def test_all_or_nothing(self):
        self.load(FILE)
        errors = self.refused(FILE.replace("count(retry) > 3", "count(retry > 3").replace("500ms }", "500msec }").replace("id: fraud", "id: fraud-2"))
        places = {(e["rule_id"], e["line"], e["column"]) for e in errors if e["severity"] == "error"}
        self.assertIn(("fraud-2", 12, 43), places, errors)
        self.assertIn(("retries", 24), {place[:2] for place in places}, errors)
        for error in errors:
            self.assertTrue(error["message"])
            self.assertEqual(error["code"] is None, error["range"] is None)
        self.assertTrue(any("fix" in e for e in errors))

    def test_files_that_are_none(self):
        for text, line in (("", 1), ("rules: [\n", 2), ("- a", 1), ("rules:\n- id: a\n  dsl: x\n  severty: high\n", 4), ("rules:\n- {id: a, dsl: x}\n- {id: a, dsl: y}\n", 3),
                           ("rules:\n- {name: A b, dsl: x}\n- {name: a-B, dsl: y}\n", 3), ("rules:\n- &x {id: a, dsl: x}\n", 2), ("rules:\n- {id: validate, dsl: x}\n", 2),
                           ("rules:\n- {id: a, dsl: x, severity: high}\n- id: b\n  severity: low\n  dsl: '@severity(high) x'\n", 3), ('{"rules": 1}', 1), ("rules:\n- {id: 7, dsl: x}\n", 2), ("a: \0", 1)):
            with self.subTest(text=text):
                self.assertEqual(self.refused(text)[0]["line"], line)
        self.assertEqual(self.rules(), {})
        self.assertEqual(self.load("rules: []")["rules"], [])
        answer = self.server.post("/v1/rules/import", "rules: []\n#" + "x" * (11 << 20))
        self.assertEqual(answer.status, 413, answer)
        self.assertEqual(self.server.post("/v1/rules/import?dryrun", FILE).status, 400)
        self.assertEqual(self.server.post("/v1/rules/import?dry_run=maybe", FILE).status, 400)
        many = "rules:\n" + "".join(f"- {{id: r{i}, dsl: x}}\n" for i in range(10001))
        self.assertEqual(self.refused(many)[0]["line"], 10002)

    def test_tests_of_the_file(self):
        dry = self.load(FILE, "?test=true&dry_run")
        self.assertEqual({key: dry["tests"][key] for key in ("passed", "failed", "errors")}, {"passed": 2, "failed": 0, "errors": 0})
        self.assertEqual([r["outcome"] for r in dry["tests"]["results"]], ["passed", "passed"])
        errors = self.refused(FILE.replace("expect: violated", "expect: satisfied"), "?test", kind="tests-failed")
        self.assertEqual([(e["rule_id"], e["test"], e["outcome"], e["verdict"]) for e in errors], [("fraud", "no fraud check", "failed", "violated")])
        secret = os.path.join(os.path.dirname(self.traces), "traces.jsonl")
        errors = self.refused(FILE.replace("trace: [{span: checkout, service: web, at: 0ms, duration: 80ms, attributes: {amount: 2000}}]", f"trace_file: {secret}"), "?test", kind="tests-failed")
        self.assertIn("no files are read here", json.dumps(errors))
        self.assertEqual(self.load(FILE.replace("expect: violated", "expect: satisfied"))["created"], 3, "tests run when they are asked for")

    def test_export_looks_as_a_rule_file(self):
        self.load(FILE)
        answer = self.server.get("/v1/rules/export")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["content-type"], "application/yaml")
        with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
            file.write(answer.body)
            file.flush()
            self.assertEqual(run_cli("check", file.name).returncode, 0)
            before = answer.body
            self.assertEqual(run_cli("fmt", "-w", file.name).returncode, 0)
            with open(file.name, "rb") as formatted:
                self.assertEqual(formatted.read(), before, "its texts are formatted")
        self.assertIn(b"  dsl: |\n    when { checkout.where(amount > 1000) as c }\n    always { fraud-check after c within 500ms }\n", answer.body)

    def test_export_has_the_filters_of_the_listing(self):
        self.load(FILE)
        for query in ("?severity=critical", "?enabled=false", "?label=team:payments", "?label=team:payments&label=tier:1", "?framework=hipaa", "?q=RETRY", "?q=nosuch"):
            with self.subTest(query=query):
                listed = [rule["id"] for rule in self.server.get("/v1/rules" + query).json()["rules"]]
                exported = self.server.get("/v1/rules/export" + query).body.decode()
                self.assertEqual([line[6:] for line in exported.splitlines() if line.startswith("- id: ")], listed)
        self.assertEqual(self.server.get("/v1/rules/export?limit=3").status, 400)
        self.assertEqual(self.server.get("/v1/rules/export?severity=loud").status, 400)
        self.assertEqual(self.server.post("/v1/rules/export").status, 405)

    def test_what_is_exported_changes_nothing(self):
        """The property: random rules, stored through the API, exported and imported, keep every version and every byte."""
        seed = int(os.environ.get("BETRACE_SEED", "20261120"))
        chooser = random.Random(seed)
        odd = ["plain", "true", "1", "- x", "a: b", "#", "'", '"', "é ", " x", "back\\slash", "{}", "null", "\u2028", "😀", "two\nlines\n"]
        stored = 0
        for number in range(120):
            rule = {"id": f"r{number}", "name": chooser.choice(odd).strip("\n").replace("\n", " ") or "x", "dsl": random_rule(chooser), "description": chooser.choice(odd),
                    "labels": {chooser.choice(odd): chooser.choice(odd)}, "enabled": chooser.random() < 0.5, "shadow": chooser.random() < 0.5}
            if chooser.random() < 0.5:
                rule["severity"] = chooser.choice(["low", "critical"])
            if chooser.random() < 0.3:
                rule["dsl"] = "# first\n" + rule["dsl"] + "   # last \n\n"
            if chooser.random() < 0.3:
                rule.update(settle="90s", clock_skew="5ms", budget=chooser.randrange(1, 9**9), require_complete=chooser.random() < 0.5)
            answer = self.server.post("/v1/rules", rule)
            self.assertIn(answer.status, (201, 422), f"seed {seed}: {rule} {answer}")
            stored += answer.status == 201
        self.assertGreater(stored, 60)
        before, exported = self.rules(), self.server.get("/v1/rules/export").body
        answer = self.load(exported)
        self.assertEqual((answer["unchanged"], answer["created"], answer["updated"]), (stored, 0, 0), f"seed {seed}")
        self.assertEqual(self.rules(), before)
        with Betrace("--traces", self.traces) as other:
            self.assertEqual(other.post("/v1/rules/import", exported).json()["created"], stored)
            self.assertEqual(other.get("/v1/rules/export").body, exported)

    def test_readers_see_all_of_an_import_or_nothing(self):
        """Two files of the same 300 rules, imported in turn, while others read: every read shows one of them."""
        def text(severity):
            return "rules:\n" + "".join(f"- {{id: r{i:03}, dsl: x, severity: {severity}}}\n" for i in range(300))
        self.load(text("low"))
        seen, stop = set(), threading.Event()

        def read():
            while not stop.is_set():
                rules = self.server.get("/v1/rules?limit=1000").json()["rules"]
                seen.add((len(rules), frozenset(rule["severity"] for rule in rules)))
        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        for turn in range(12):
            self.load(text(("high", "low")[turn % 2]))
        stop.set()
        for reader in readers:
            reader.join()
        self.assertLessEqual(seen, {(300, frozenset({"low"})), (300, frozenset({"high"}))})
        self.assertEqual(self.rules()["r000"]["version"], 13)


if __name__ == "__main__":
    unittest.main()
