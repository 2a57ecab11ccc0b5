"""The tree-sitter grammar against the language. What the language takes has no ERROR node. What it refuses for its syntax has one; the exceptions are
in accepted.txt, which `--update` writes anew. Trees and colours are as test/corpus and highlights.scm say."""
import hashlib
import json
import os
import random
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from python_packages import run_again_with  # noqa: E402

if __name__ == "__main__":
    run_again_with(os.path.join(HERE, "requirements.txt"))
import random_rules  # noqa: E402
import tree_sitter  # noqa: E402
import ts_language  # noqa: E402
from betrace_process import ROOT, run_cli  # noqa: E402

SYNTAX = {"E001", "E010"}  # text, grammar: dsl/syntax/diagnostic_codes.h
ACCEPTED = os.path.join(HERE, "accepted.txt")
LANGUAGE = ts_language.load()
PARSER = tree_sitter.Parser(LANGUAGE)


def parse(text):
    return PARSER.parse(text.encode()).root_node


def entries():
    """(name, text, whether it is a rule, codes of errors) of the whole conformance suite."""
    for path in sorted((ROOT / "docs/spec/conformance").glob("*/*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            entry = json.loads(line)
            yield entry["name"], entry.get("text", entry.get("rule")), entry.get("valid", True), set(entry.get("errors", ()))


def refused_and_accepted():
    return [name for name, text, valid, errors in entries() if not valid and errors & SYNTAX and not parse(text).has_error]


def rules_of_packs():
    """The texts of the packs' rules, as the program reads them."""
    for pack in sorted((ROOT / "distribution/packs").glob("*.yaml")):
        blocks = re.findall(r"^( +)dsl: \|\n((?:(?:\1 +.*)?\n)+)", pack.read_text(encoding="utf-8"), re.M)
        yield from (text for _, text in blocks)


class LanguageTest(unittest.TestCase):
    def test_what_the_language_takes(self):
        taken = [(name, text) for name, text, valid, _ in entries() if valid]
        self.assertGreater(len(taken), 1000)
        self.assertEqual([(name, text) for name, text in taken if parse(text).has_error], [])

    def test_what_the_language_refuses_for_its_syntax(self):
        with open(ACCEPTED, encoding="utf-8") as file:
            listed = [line for line in file.read().splitlines() if not line.startswith("#")]
        self.assertEqual(refused_and_accepted(), listed)
        refused = [name for name, _, valid, errors in entries() if not valid and errors & SYNTAX]
        self.assertGreater(len(refused), 2 * len(listed))

    def test_the_packs(self):
        texts = list(rules_of_packs())
        self.assertGreater(len(texts), 50)
        self.assertEqual([text for text in texts if parse(text).has_error], [])

    def test_random_rules(self):
        rng = random.Random(41)
        rules = [random_rules.random_rule(rng, plain=bool(i % 2)) for i in range(1000)] + [random_rules.random_newer_rule(rng) for _ in range(1000)] + [random_rules.random_named_rule(rng) for _ in range(300)]
        wrong = [rule for rule in rules if parse(rule).has_error]
        self.assertLess(len(wrong), 50)
        for rule in wrong:  # names that have to be in quotes
            found = json.loads(run_cli("check", "--json", "-", stdin=rule).stdout)["diagnostics"]
            self.assertTrue(SYNTAX & {item["code"] for item in found}, rule)


class GrammarTest(unittest.TestCase):
    def test_the_parser_is_made_of_this_grammar(self):
        made = (ts_language.GRAMMAR / "src/made-of.txt").read_text(encoding="utf-8").splitlines()
        self.assertRegex(made[0], r"^tree-sitter \d")
        for line in made[1:]:
            digest, name = line.split()
            self.assertEqual(hashlib.sha256((ts_language.GRAMMAR / name).read_bytes()).hexdigest(), digest, f"{name} changed: run generate.sh")

    def test_trees(self):
        """What `tree-sitter test` holds, without that tool."""
        for path in sorted((ts_language.GRAMMAR / "test/corpus").glob("*.txt")):
            cases = re.findall(r"^={80}\n([^\n]*)\n={80}\n\n(.*?)\n-{80}\n\n(.*?)(?=\n={80}|\Z)", path.read_text(encoding="utf-8"), re.M | re.S)
            self.assertGreater(len(cases), 5)
            for name, text, tree in cases:
                with self.subTest(name):
                    shown = re.sub(r"\w+: ", "", str(parse(text)))  # names of fields
                    self.assertEqual(re.sub(r' "[^"]*"', "", shown), re.sub(r"\s+(?=\))", "", " ".join(tree.split())))

    def test_colours(self):
        text = 'when { "x".where(k > 1s) as c } always { span.duration in [1] } # é'
        query = tree_sitter.Query(LANGUAGE, (ts_language.GRAMMAR / "queries/highlights.scm").read_text(encoding="utf-8"))
        found = {name: {node.text.decode() for node in nodes} for name, nodes in tree_sitter.QueryCursor(query).captures(parse(text)).items()}
        self.assertEqual(found["keyword"], {"when", "always", "where", "as"})
        self.assertEqual((found["string"], found["comment"], found["variable"]), ({'"x"'}, {"# é"}, {"c"}))
        self.assertEqual((found["number"], found["operator"]), ({"1s", "1"}, {">", "in"}))
        self.assertEqual(found["constant.builtin"], {"span.duration"})

    def test_broken_text_is_no_danger(self):
        rng = random.Random(7)
        pieces = ["when", "{", "}", "(", ")", "a.where", ".", "-", '"', "`", "/*", "#", "é", "\x00", "1.5e", "trace.has", "a" * 300, " ", "\n", "@", "["]
        for _ in range(3000):
            parse("".join(rng.choice(pieces) for _ in range(rng.randrange(40))))


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        with open(ACCEPTED, encoding="utf-8") as file:
            head = [line for line in file.read().splitlines() if line.startswith("#")]
        with open(ACCEPTED, "w", encoding="utf-8") as file:
            file.write("\n".join([*head, *refused_and_accepted()]) + "\n")
        sys.exit()
    unittest.main(verbosity=1)
