"""The language's specification against this implementation. Runs the whole conformance suite through run.py and our
adapter, and shows that run.py sees wrong answers. The generated files must be up to date. The pages of docs/spec
must name real files and show rules that compile.

    python3 tests/spec/test_conformance.py PATH/conformance_answers
"""
import glob
import json
import os
import re
import shlex
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SPEC = os.path.join(ROOT, "docs", "spec")
SUITE = os.path.join(SPEC, "conformance")
LEAST = {"verdicts": 600, "texts": 300, "layouts": 20}
BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)
ANSWERS = ""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def pages():
    return sorted(glob.glob(os.path.join(SPEC, "*.md")) + glob.glob(os.path.join(SUITE, "*.md")))


def run_suite(adapter, *arguments):
    return subprocess.run([sys.executable, os.path.join(SUITE, "run.py"), "--adapter", adapter, *arguments], capture_output=True, text=True,
                          timeout=250, check=False)


def our_adapter(*options):
    return shlex.join([sys.executable, os.path.join(HERE, "adapter.py"), ANSWERS, *options])


def is_valid(texts):
    """For each rule text whether it is one."""
    requests = "".join(json.dumps({"do": "parse", "text": text}) + "\n" for text in texts)
    done = subprocess.run([ANSWERS], input=requests, capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line)["valid"] for line in done.stdout.splitlines()]


class SuiteTest(unittest.TestCase):
    def test_we_conform(self):
        done = run_suite(our_adapter())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        found = {what: int(number) for number, what in re.findall(r"(\d+) (verdicts|texts|layouts)", done.stdout)}
        for what, least in LEAST.items():
            self.assertGreaterEqual(found[what], least)

    def test_the_naive_evaluator_conforms(self):
        done = run_suite(our_adapter("--naive"), "--claims", "verdicts")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_wrong_answers_are_seen(self):
        code = ("import sys\nfor line in sys.stdin: print('{\"verdict\": \"satisfied\", \"valid\": true, \"errors\": [], \"warnings\": []}')")
        done = run_suite(shlex.join([sys.executable, "-c", code]))
        self.assertEqual(done.returncode, 1, done.stderr)
        for what in ("verdict: expected violated", "errors: expected", "canonical"):
            self.assertTrue(what in done.stdout or "… and" in done.stdout)
        for claim, what in (("verdicts", "verdict: expected"), ("witnesses", "choice"), ("validity", "valid: expected False"),
                            ("diagnostics", "errors: expected"), ("formatting", "got\nNone")):
            done = run_suite(shlex.join([sys.executable, "-c", code]), "--claims", claim)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(what, done.stdout)

    def test_a_silent_adapter_is_no_success(self):
        for arguments in (["true"], ["false"], [our_adapter(), "--only", "no such entry"], [our_adapter(), "--claims", "all"]):
            done = run_suite(*arguments)
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
            self.assertIn("run.py: ", done.stderr)

    def test_generated_files_are_up_to_date(self):
        done = subprocess.run([sys.executable, os.path.join(HERE, "generate.py"), "--check"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


def documents(text):
    """The JSON documents of a block, one behind the other; each may take several lines."""
    while text.strip():
        document, end = json.JSONDecoder().raw_decode(text.strip())
        yield document
        text = text.strip()[end:]


class PagesTest(unittest.TestCase):
    def test_blocks(self):
        """betrace: rules, parted by empty lines, that compile; betrace-invalid: that do not; the others only say what they are."""
        for path in pages():
            for match in BLOCK.finditer(read(path)):
                kind, line = match.group(1), read(path).count("\n", 0, match.start()) + 1
                self.assertIn(kind, ("betrace", "betrace-invalid", "ebnf", "json", "text", "sh"), f"{path}:{line}")
                rules = re.split(r"\n{2,}", match.group(2).strip())
                if kind.startswith("betrace"):
                    for rule, valid in zip(rules, is_valid(rules)):
                        self.assertEqual(valid, kind == "betrace", f"{path}:{line}: {rule}")
                if kind == "json":
                    self.assertGreater(len(list(documents(match.group(2)))), 0, f"{path}:{line}")

    def test_links_lead_somewhere(self):
        for path in pages():
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", read(path)):
                self.assertTrue(os.path.exists(os.path.join(os.path.dirname(path), target)), f"{path}: {target}")

    def test_each_section_of_the_semantics_names_its_files(self):
        text = read(os.path.join(SPEC, "semantics.md"))
        sections = re.split(r"^## ", text, flags=re.M)[1:]
        self.assertGreater(len(sections), 10)
        for section in sections:
            self.assertRegex(section, r"\n\*Suite: .*\]\(conformance/(eval|parse|format)/", section.split("\n", 1)[0])

    def test_each_file_of_the_suite_is_named(self):
        text = "".join(read(path) for path in pages())
        for path in glob.glob(os.path.join(SUITE, "*", "*.jsonl")):
            self.assertIn(os.path.relpath(path, SUITE), text)


if __name__ == "__main__":
    ANSWERS = os.path.abspath(sys.argv.pop())
    unittest.main(verbosity=1)
