"""docs/BETRACE_DSL_REFERENCE.md and the diagnostics: every code of dsl/syntax/diagnostic_codes.h has its section, the example of each section draws that
code, and every other rule of the language's pages compiles. Needs no Tempo and runs in a second: `betrace check` reads all of it at once."""
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
from betrace_process import run_cli  # noqa: E402

REFERENCE = os.path.join(ROOT, "docs", "BETRACE_DSL_REFERENCE.md")
GUIDE = os.path.join(ROOT, "docs", "DSL_SYNTAX_GUIDE.md")
BLOCK = re.compile(r"^```(betrace|betrace-invalid)\n(.*?)^```$", re.M | re.S)
FILE = re.compile(r"^```yaml\n(.*?)^```$", re.M | re.S)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def declared_codes():
    """code → True for an error; from the defines, which are what the program uses."""
    codes = re.findall(r'^#define BT_([EW])_\w+\s+"([EW]\d{3})"$', read(os.path.join(ROOT, "dsl", "syntax", "diagnostic_codes.h")), re.M)
    return {code: kind == "E" for kind, code in codes}


def sections():
    """code → text of its section."""
    parts = re.split(r"^### ([EW]\d{3}): [^\n]+$", read(REFERENCE), flags=re.M)
    return {code: re.split(r"^##+ ", text, maxsplit=1, flags=re.M)[0] for code, text in zip(parts[1::2], parts[2::2])}


def rules_of(block):
    return re.split(r"\n{2,}", block.strip())


def check(texts):
    """name → its diagnostics, for a map of name to rule text."""
    with tempfile.TemporaryDirectory(prefix="betrace-docs-") as folder:
        path = os.path.join(folder, "rules.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"rules": [{"id": name, "dsl": text} for name, text in texts.items()]}, file)
        done = run_cli("check", "--format", "json", path)
    assert done.returncode in (0, 1), done.stderr
    found = {name: [] for name in texts}
    for diagnostic in json.loads(done.stdout)["diagnostics"]:
        found[diagnostic["rule_id"]].append(diagnostic)
    return found


NOT_SAID = "docs/reference/not-said.md"


def sources():
    """All text of the language's sources."""
    return "".join(read(path) for path in sorted(glob.glob(os.path.join(ROOT, "dsl", "**", "*.c"), recursive=True)))


class NotSaidTest(unittest.TestCase):
    """What no rule can say: messages lead to a section of the page, and its example draws such a message."""

    def parts(self):
        """anchor → text of its section."""
        parts = re.split(r"^## ([^\n]+)$", read(os.path.join(ROOT, NOT_SAID)), flags=re.M)
        return {heading.lower().replace(" ", "-"): text for heading, text in zip(parts[1::2], parts[2::2])}

    def test_each_message_leads_to_a_section(self):
        named = set(re.findall(r'BT_NOT_SAID\s*"#([a-z-]+)\)', sources()))
        self.assertGreaterEqual(len(named), 6)
        self.assertEqual(sources().count("BT_NOT_SAID"), len(re.findall(r'BT_NOT_SAID\s*"#[a-z-]+\)', sources())), "each names a section")
        self.assertLessEqual(named, set(self.parts()))

    def test_each_example_that_is_refused_is_led_here(self):
        examples = {anchor: body.strip() for anchor, text in self.parts().items() for kind, body in BLOCK.findall(text) if kind == "betrace-invalid"}
        self.assertGreaterEqual(len(examples), 6)
        for anchor, found in check(examples).items():
            with self.subTest(section=anchor):
                self.assertTrue(any(f"({NOT_SAID}#{anchor})" in one["message"] for one in found), found)

    def test_what_is_written_instead_compiles_without_a_warning(self):
        rules = {f"{anchor}-{place}": rule for anchor, text in self.parts().items() for kind, body in BLOCK.findall(text) if kind == "betrace"
                 for place, rule in enumerate(rules_of(body))}
        self.assertGreaterEqual(len(rules), 7)
        self.assertEqual({name: found for name, found in check(rules).items() if found}, {})


class DslReferenceTest(unittest.TestCase):
    def test_every_code_has_its_section(self):
        self.assertGreater(len(declared_codes()), 25)
        self.assertEqual(sorted(sections()), sorted(declared_codes()))

    def test_every_section_draws_its_code(self):
        codes, found_sections = declared_codes(), sections()
        texts = {}
        for code, text in found_sections.items():
            if not BLOCK.search(text):  # what only a whole file shows
                drawn = json.loads(run_cli("check", "--json", "-", stdin=FILE.search(text).group(1)).stdout)["diagnostics"]
                self.assertEqual([(d["code"], d["severity"]) for d in drawn], [(code, "error" if codes[code] else "warning")])
                continue
            kind, block = BLOCK.search(text).groups()
            self.assertEqual(kind, "betrace-invalid" if codes[code] else "betrace", code)
            texts[code] = block.strip()
        for code, diagnostics in check(texts).items():
            drawn = [d["code"] for d in diagnostics]
            with self.subTest(code=code):
                self.assertIn(code, drawn)
                if not codes[code]:
                    self.assertEqual([d for d in diagnostics if d["severity"] == "error"], [])

    def test_all_other_rules_compile_without_a_word(self):
        """An example that draws a warning teaches what the page advises against."""
        texts = {}
        for path in (REFERENCE, GUIDE):
            text = read(path).split("\n## Diagnostics\n")[0]
            for number, (kind, block) in enumerate(BLOCK.findall(text)):
                self.assertEqual(kind, "betrace")
                texts.update({f"{os.path.basename(path)}-{number}-{i}": rule for i, rule in enumerate(rules_of(block))})
        self.assertGreater(len(texts), 40)
        for name, diagnostics in check(texts).items():
            with self.subTest(rule=texts[name]):
                self.assertEqual([(d["code"], d["message"]) for d in diagnostics], [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
