"""docs/RULES_BY_EXAMPLE.md: each of its rules has a trace as it should be and one that violates it, and `betrace test` agrees with both."""
import json
import os
import re
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import run_cli  # noqa: E402

PAGE = os.path.join(HERE, "..", "..", "docs", "RULES_BY_EXAMPLE.md")


def sections():
    """(title, what stands before the rule file, the rule file, what stands behind it) of each incident."""
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        title, rest = part.split("\n", 1)
        before, block, after = re.fullmatch(r"(.*?)^```yaml\n(.*?)^```$(.*)", rest, re.M | re.S).groups()
        yield title, before.strip(), block, after.strip()


class RulesByExampleTest(unittest.TestCase):
    def test_there_are_twenty_with_an_incident_and_a_meaning_each(self):
        found = list(sections())
        self.assertEqual([title.split(". ")[0] for title, *_ in found], [str(number) for number in range(1, 21)])
        for title, incident, block, meaning in found:
            with self.subTest(title):
                self.assertTrue(incident.endswith(".") and meaning.endswith("."))
                self.assertNotIn("```", incident + meaning)
                self.assertEqual(sorted(re.findall(r"^    expect: (\w+)$", block, re.M)), ["satisfied", "violated"])

    def test_each_rule_says_of_both_traces_what_the_page_says(self):
        with tempfile.TemporaryDirectory() as folder:
            for number, (_, _, block, _) in enumerate(sections()):
                with open(os.path.join(folder, f"{number:02}.yaml"), "w", encoding="utf-8") as file:
                    file.write(block)
            checked = run_cli("check", "--fail-on", "warning", folder)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
            run = run_cli("test", "--json", folder)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
            self.assertEqual(json.loads(run.stdout)["summary"]["passed"], 40)


if __name__ == "__main__":
    unittest.main(verbosity=1)
