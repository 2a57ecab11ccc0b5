"""`betrace explain --examples` over every rule of the packs, of the documentation and of tests/cases. Each has a trace
that violates it and one that keeps it, of at most 5 spans, or a list here has the reason. As files of `betrace test`
they have the same verdicts. Needs no Tempo."""
import glob
import json
import os
import re
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import doc_pages  # noqa: E402
from betrace_process import run_cli  # noqa: E402

MOST = 5
# Why a rule has no example, by a part of its text.
NONE = {
    "when { a as x } always { x }": "the bound span is there",
    "currency in []": "nothing is in an empty list",
    'span.parent_id == ""': "an id that is not there is missing, and never empty",
    "trace.span_count > 5000": "more spans than are tried",
}
# Why one needs more than 5 spans: it counts further.
LARGE = re.compile(r"(?:count\(|span_count|sum\()[\s\S]*?(?:<=?|>=?|==) (\d+)")
DSL_OF_YAML = re.compile(r"^( *)(?:- )?(?:\"?dsl\"?|condition|expression): (?:\|\n((?:\1 +.*\n|\n)+)|(.*)\n)", re.M)


def rules_of_yaml(text):
    for _, block, line in DSL_OF_YAML.findall(text + "\n"):
        if line[:1] in "'\"" and line[:1]:
            line = json.loads(line) if line[0] == '"' else line.strip("'").replace("''", "'")
        yield block or line


def said_beside(text):
    """The aliases and names of a pack, as its rules say them in their texts."""
    head = text.split("groups:\n")[0]
    aliases = re.findall(r"^  ([\w.]+): \[(.*)\]$", head, re.M)
    names = re.findall(r"^  (\w+): \|\n((?: {4}.*\n)+)", head, re.M)
    return "".join([f"@alias({key}, {others})\n" for key, others in aliases] + [f"@name({word} = `{' '.join(spans.split())}`)\n" for word, spans in names])


def rules_of_packs():
    for path in sorted(glob.glob(os.path.join(ROOT, "distribution", "packs", "*.yaml"))):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        yield from (said_beside(text) + rule for rule in rules_of_yaml(text[text.index("groups:\n"):]))


def rules_of_docs():
    for path in doc_pages.pages():
        for _, info, text in doc_pages.blocks(path.read_text(encoding="utf-8")):
            if info and info[0] == "betrace":
                yield from re.split(r"\n{2,}", text.strip())
            elif info and info[0] == "yaml":
                yield from rules_of_yaml(text)


def rules_of_cases():
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", "cases", "*", "*.case"))):
        with open(path, encoding="utf-8", errors="replace") as file:
            yield from re.findall(r"^rule:? +(.*(?:\n {5,}.*)*)$", file.read(), re.M)


class RuleExamplesTest(unittest.TestCase):
    def examples_of(self, texts):
        """(text, its examples) of all that is a rule."""
        texts = sorted({text.strip() for text in texts if text.strip()})
        with tempfile.TemporaryDirectory(prefix="betrace-examples-") as folder:
            path = os.path.join(folder, "rules.json")
            for _ in range(2):
                with open(path, "w", encoding="utf-8") as file:
                    json.dump({"rules": [{"id": f"r{i}", "dsl": text} for i, text in enumerate(texts)]}, file)
                checked = json.loads(run_cli("check", "--json", path).stdout)
                wrong = {int(found["rule_id"][1:]) for found in self.problems(checked) if found["severity"] == "error"}
                texts = [text for i, text in enumerate(texts) if i not in wrong]
            start = time.monotonic()
            done = run_cli("explain", "--examples", "--json", path, timeout=600)
            took = time.monotonic() - start
        self.assertIn(done.returncode, (0, 3), done.stderr[:2000])
        print(f"{len(texts)} rules, {len(wrong)} texts are none; {took / len(texts) * 1000:.1f} ms each")
        return [(texts[i], rule["examples"]) for i, rule in enumerate(json.loads(done.stdout)["rules"])]

    def problems(self, answer):
        if isinstance(answer, dict) and "severity" in answer and "rule_id" in answer:
            yield answer
        for part in answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else ():
            yield from self.problems(part)

    def check_as_tests(self, found):
        """In one rule file, since a process for each trace takes most of its time to start."""
        rules, shown = [], {}
        with tempfile.TemporaryDirectory(prefix="betrace-examples-") as folder:
            for i, (text, examples) in enumerate(found):
                tests = []
                for name, expected in (("violating", "violated"), ("keeping", "satisfied")):
                    if examples[name]:
                        file = f"r{i}-{name}.otlp.json"
                        with open(os.path.join(folder, file), "w", encoding="utf-8") as trace:
                            json.dump(examples[name]["trace"], trace)
                        tests.append({"name": name, "trace_file": file, "expect": expected})
                        shown[f"r{i}", name] = f"{text}\n{examples[name]['text']}"
                rules.append({"id": f"r{i}", "dsl": text, "tests": tests})
            path = os.path.join(folder, "rules.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"rules": rules}, file)
            done = run_cli("test", path, "--json", timeout=600)
        answer = json.loads(done.stdout)
        wrong = [(shown[one["rule_id"], one["test"]], one) for one in answer["tests"] if one["outcome"] != "passed"]
        self.assertEqual((wrong, answer["broken"], len(answer["tests"])), ([], [], len(shown)), done.stderr[:2000])

    def check_all(self, texts, least):
        found = self.examples_of(texts)
        self.assertGreaterEqual(len(found), least)
        for text, examples in found:
            with self.subTest(rule=text):
                if not examples["violating"] or not examples["keeping"]:
                    self.assertTrue([part for part in NONE if part in text], "no example, and no reason is known")
                    continue
                most = max(examples["violating"]["spans"], examples["keeping"]["spans"])
                counted = [int(number) for number in LARGE.findall(text)]
                self.assertTrue(most <= MOST or (counted and max(counted) >= MOST and most <= max(counted) + 3), f"{most} spans")
        self.check_as_tests(found)

    def test_packs(self):
        self.check_all(rules_of_packs(), 90)

    def test_docs(self):
        self.check_all(rules_of_docs(), 100)

    def test_cases(self):
        """Many of these can never be kept or never be violated, and that is their point: so many that are not found are counted."""
        found = self.examples_of(rules_of_cases())
        without = [text for text, examples in found if not (examples["violating"] and examples["keeping"])]
        never = [text for text in without if re.search(r"(always|never) \{ (true|false) \}", text)]
        print(f"{len(without)} of {len(found)} lack one, {len(never)} of them as `always {{ false }}` does")
        self.assertGreaterEqual(len(found), 1500)
        self.assertLessEqual(len(without) - len(never), 0.15 * len(found))
        self.check_as_tests([pair for pair in found if not re.search(r"\d{16}", pair[0])])  # --json writes 15 digits of a decimal


if __name__ == "__main__":
    unittest.main()
