"""`betrace gate --unknown` fails for a change that no rule speaks of, with rules and without; nothing unknown passes."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import run_cli  # noqa: E402

RULES = {
    "paid": 'when { "payment.process" as p } always { p.where(span.duration < 300ms) }',
    "retried": 'when { "db.query".where(span.duration > 1s) } always { retry }',
    "audited": 'when { "data.access".where("data.classification" == PII) } always { "audit.log" }'}
SIDES = ("--baseline", "1.4.2", "--candidate", "1.4.3")


class GateUnknown(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-gate-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.files = {}
        for scenario in ("rollout", "noise"):
            cls.files[scenario] = os.path.join(cls.folder, scenario + ".pb")
            done = run_cli("generate", "--scenario", scenario, "--traces", "5000", "--end", "2026-03-10T12:00:00Z", "--out", cls.files[scenario])
            assert done.returncode == 0, done.stderr

    def rules(self, texts):
        path = os.path.join(self.folder, "rules.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"rules": [{"id": name, "dsl": text} for name, text in texts.items()]}, file)
        return path

    def ask(self, scenario, *arguments, status):
        done = run_cli("gate", "--unknown", "--traces", self.files[scenario], *arguments, *(() if "--baseline" in arguments else SIDES), "--json")
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def spoken(self, answer):
        return [(change["behaviour"].split()[0], change["rule_ids"]) for change in answer["unknown"]["changes"]]

    def test_without_rules_any_change_is_worse(self):
        answer = self.ask("rollout", status=1)
        self.assertEqual((answer["result"], answer["rules"], answer["coverage"], answer["unknown"]["result"]), ("worse", [], None, "worse"))
        self.assertEqual(self.spoken(answer), [("payment.process", []), ("retry", []), ("audit.log", [])])
        self.assertEqual(self.ask("noise", status=0)["unknown"]["status"], "as_before")

    def test_what_rules_speak_of_is_theirs(self):
        """--max-increase 100 allows any rate: then each change that a rule speaks of is allowed, and the others are not."""
        allowed = ("--max-increase", "100")
        answer = self.ask("rollout", *allowed, "--rules", self.rules(RULES), status=0)
        self.assertEqual(self.spoken(answer), [("payment.process", ["paid"]), ("retry", ["retried"]), ("audit.log", ["audited"])])
        self.assertEqual((answer["result"], answer["unknown"]["result"]), ("pass", "pass"))
        for left_out in RULES:
            rules = {name: text for name, text in RULES.items() if name != left_out}
            answer = self.ask("rollout", *allowed, "--rules", self.rules(rules), status=1)
            self.assertEqual([names for _, names in self.spoken(answer)], [[name] if name != left_out else [] for name in RULES])
            self.assertEqual(answer["result"], "worse")

    def test_what_is_always_violated_speaks_of_nothing(self):
        answer = self.ask("rollout", "--max-increase", "100", "--rules", self.rules({"never": 'never { "payment.process" }'}), status=1)
        self.assertEqual(self.spoken(answer)[0], ("payment.process", []))

    def test_the_text_says_it(self):
        done = run_cli("gate", self.rules(RULES), "--unknown", "--traces", self.files["rollout"], *SIDES, "--max-increase", "100")
        self.assertRegex(done.stdout, r"what no rule speaks of: pass\n(.*\n)+payment\.process .*\n.*\n  rules that speak of it: paid\n")
        done = run_cli("gate", "--unknown", "--traces", self.files["rollout"], *SIDES)
        self.assertRegex(done.stdout, r"what no rule speaks of: worse\n(.*\n)+.*\n  no rule speaks of it\n")

    def test_what_is_not_known_never_passes(self):
        few = ("--baseline", "1.4.2", "--candidate", "nosuch")
        self.assertEqual(self.ask("noise", *few, status=3)["result"], "unknown")
        self.assertEqual(self.ask("noise", "--service", "nosuch", status=3)["unknown"]["candidate_traces"], 0)
        self.assertEqual(self.ask("noise", "--by", "span.service.version", status=3)["unknown"]["candidate_traces"], 0)
        # Where not all traces were kept, that the kept ones are as before is not enough.
        self.assertEqual(self.ask("noise", "--sampling", "declared=10%", status=3)["result"], "unknown")
        # A rule with too few traces holds a pass back.
        few_exercise = self.rules({"few": 'when { nosuch } always { "audit.log" }'})
        self.assertEqual(self.ask("noise", "--rules", few_exercise, status=3)["result"], "too_few")

    def test_rules_that_are_given_and_not_there_are_refused(self):
        path = os.path.join(self.folder, "none.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("rules: []\n")
        done = run_cli("gate", path, "--unknown", "--traces", self.files["noise"], *SIDES)
        self.assertEqual(done.returncode, 2, done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=1)
