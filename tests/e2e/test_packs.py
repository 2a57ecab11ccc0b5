"""distribution/packs: every rule passes `betrace check` without a warning, is in canonical form, has a test for each
of violated and satisfied, a description and a severity. Its tests pass. The service takes it. A rule that has to
read nearly all traces says so, and the list in the packs' README is true. Needs no Tempo. `test_packs.py
--print-readme` prints the table for the README, `--print-plans` what each rule searches."""
import glob
import json
import os
import re
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402

PACKS = os.path.join(ROOT, "distribution", "packs")
README = os.path.join(PACKS, "README.md")
SEVERITIES = {"info", "low", "medium", "high", "critical"}
# What a large part of all traces has: kinds, statuses but error, and that an attribute is there (in every form of tempo/api/traceql_filter.c).
PRESENT = r'(?:span|resource)\.[\w.-]+ (?:=~ "\(\?s:\.\*\)"|(?:>=|<) 0|>= 0\.0|!= 5e-324|= (?:true|false)|!= nil)'
OUTSIDE = r'\(\S+ = 7 && \S+ = "x" && \w+\.betrace\.none != nil\)'  # never true: what of an attribute lies outside a column is looked at
BROAD = re.compile(rf"^(?:kind = \w+|status != error|true|{OUTSIDE}|{PRESENT}|&&|\|\||[(){{}} ])*$")


def pack_of(path):
    return os.path.splitext(os.path.basename(path))[0]


def rules_of_packs():
    """pack → its rules as the service shows them, each with what it searches in "explain"."""
    packs = {}
    with Betrace("--memory-source") as service:
        for path in sorted(glob.glob(os.path.join(PACKS, "*.yaml"))):
            with open(path, encoding="utf-8") as file:
                answer = service.request("POST", "/v1/rules/import", file.read())
            assert answer.status == 200, answer
            known = {rule["id"] for pack in packs.values() for rule in pack}
            rules = service.request("GET", "/v1/rules?limit=1000").json()["rules"]
            packs[pack_of(path)] = [rule for rule in rules if rule["id"] not in known]
        for rule in (rule for pack in packs.values() for rule in pack):
            rule["explain"] = service.request("POST", "/v1/rules/validate", {"dsl": rule["dsl"]}).json()["explain"]
    return packs


def reads_nearly_all(explain):
    return explain["strategy"] != "search" or all(BROAD.match(query) for query in explain["searched"])


def print_readme(packs):
    for pack, rules in packs.items():
        print(f"\n## {pack}\n\n| rule | severity | reads | what it says |\n|---|---|---|---|")
        for rule in rules:
            reads = "many" if reads_nearly_all(rule["explain"]) else "few"
            print(f"| `{rule['id']}` | {rule['severity']} | {reads} | {rule['name']} |")


def print_plans(packs):
    for rule in (rule for pack in packs.values() for rule in pack):
        print(f"{rule['id']}: {rule['explain']['strategy']}, read by {rule['explain']['reads']}")
        for query in rule["explain"]["searched"]:
            print(f"    {query}")


class PacksTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.packs = rules_of_packs()
        cls.rules = [rule for pack in cls.packs.values() for rule in pack]

    def test_check_finds_nothing(self):
        done = run_cli("check", "--fail-on", "warning", "--json", PACKS)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual((answer["files"], answer["rules"]), (len(self.packs), len(self.rules)))
        self.assertGreaterEqual(len(self.rules), 60)

    def test_rules_are_canonical(self):
        done = run_cli("fmt", "--check", PACKS)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_tests_pass_and_cover_each_rule(self):
        done = run_cli("test", "--json", PACKS)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr)
        verdicts = {}
        for test in json.loads(done.stdout)["tests"]:
            verdicts.setdefault(test["rule_id"], set()).add(test["verdict"])
        for rule in self.rules:
            self.assertLessEqual({"violated", "satisfied"}, verdicts.get(rule["id"], set()), rule["id"])

    def test_a_rule_that_is_changed_fails(self):
        """So that the test above is known to look."""
        with open(os.path.join(PACKS, "payments.yaml"), encoding="utf-8") as file:
            text = file.read()
        with tempfile.TemporaryDirectory(prefix="betrace-packs-") as folder:
            with open(os.path.join(folder, "payments.yaml"), "w", encoding="utf-8") as file:
                file.write(text.replace("payment.amount > 1000", "payment.amount > 100000"))
            self.assertEqual(run_cli("test", folder).returncode, 1)

    def test_each_rule_says_what_it_is_for(self):
        for pack, rules in self.packs.items():
            self.assertTrue(rules, pack)
            for rule in rules:
                self.assertIn(rule["severity"], SEVERITIES, rule["id"])
                self.assertGreater(len(rule["description"] or ""), 80, rule["id"])
                self.assertEqual(rule["labels"].get("pack"), pack, rule["id"])
                if pack in ("soc2", "pci", "hipaa"):
                    self.assertTrue(rule["controls"], rule["id"])

    def test_a_rule_that_reads_nearly_all_traces_says_so(self):
        for rule in self.rules:
            says_so = "reads every trace" in rule["description"]
            self.assertEqual(says_so, reads_nearly_all(rule["explain"]), f"{rule['id']}: {rule['explain']['searched']}")

    def test_the_list_in_the_readme_is_true(self):
        with open(README, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(f"\n{len(self.rules)} rules on OpenTelemetry's", text)
        rows = re.findall(r"^\| `([\w.-]+)` \| (\w+) \| ([\w ]+) \| (.*) \|$", text, re.M)
        expected = [(rule["id"], rule["severity"], "many" if reads_nearly_all(rule["explain"]) else "few", rule["name"])
                    for rule in self.rules]
        self.assertEqual(rows, expected, "print the new list with tests/e2e/test_packs.py --print-readme")


if __name__ == "__main__":
    if sys.argv[1:] == ["--print-readme"]:
        print_readme(rules_of_packs())
    elif sys.argv[1:] == ["--print-plans"]:
        print_plans(rules_of_packs())
    else:
        unittest.main()
