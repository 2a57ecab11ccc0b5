"""docs/reference/rule-file.schema.json agrees with the program: it takes every rule file that the program takes, and refuses what `betrace check` refuses because of the
file's structure. The cases of tests/cases/rulefile are the measure, since the program's own tests hold it to them."""
import glob
import json
import os
import pathlib
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = pathlib.Path(HERE).parents[1]
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from python_packages import run_again_with  # noqa: E402

if __name__ == "__main__":
    run_again_with(os.path.join(HERE, "requirements.txt"))
import jsonschema_rs  # noqa: E402
import yaml  # noqa: E402

import doc_pages  # noqa: E402

SCHEMA = json.loads((ROOT / "docs/reference/rule-file.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema_rs.validator_for(SCHEMA)
# What the program refuses and no schema sees: what YAML's reader resolves, what needs two places of the
# file, and the texts of spans.
UNSEEN = r"got the anchor|got the alias|got the tag|expected each key once|expected each id once|names: error\[E0[123]|^f.yaml:\d+:\d+: (witness: |the link in line )"


class Core(yaml.CSafeLoader):
    """libyaml with the core schema of YAML 1.2, as the program reads it: `yes` is a text, and so is a date."""
    yaml_implicit_resolvers = {}


for tag, pattern, first in (("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"), ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
                            ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
                            ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+0123456789.")):
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first))
# JSON has no infinities and no NaN, and so has the validator none: here they are a number like others.
Core.add_constructor("tag:yaml.org,2002:float", lambda loader, node: 0.5 if "n" in node.value.lower() else float(node.value))


def loaded(text):
    """A file's document. YAML's reader takes no surrogates in JSON's escapes, so JSON has its own."""
    try:
        return json.loads(text)
    except ValueError:
        return yaml.load(text, Core)


def cases(name):
    """(file text, its error or None) of each case."""
    text = (ROOT / "tests/cases/rulefile" / name).read_text(encoding="utf-8")
    for found in re.finditer(r"^yaml \|\n((?:  \|.*\n)*)(?:error (.*))?", text, re.M):
        yield "".join(line[3:] + "\n" for line in found.group(1).splitlines()), found.group(2)


def documents_of_pages():
    """(place, text) of each rule file that a page shows, in a block of its own or written by a command."""
    for page in doc_pages.pages():
        text = page.read_text(encoding="utf-8")
        for found in re.finditer(r"^```yaml\n(.*?)^```$|<<'(?:END|EOF)'\n((?:rules|groups):\n.*?)^(?:END|EOF)$", text, re.M | re.S):
            document = found.group(1) or found.group(2)
            if not re.search(r"^ *(- )?(alert|record): ", document, re.M):  # rule files of Prometheus
                yield f"{page.name}:{text.count(chr(10), 0, found.start()) + 1}", document


class RuleFileSchema(unittest.TestCase):
    def why_not(self, text):
        """Why the schema refuses a file; None: it takes it."""
        try:
            document = loaded(text)
        except yaml.YAMLError as error:
            return str(error)
        try:
            VALIDATOR.validate(document)
        except (jsonschema_rs.ValidationError, ValueError) as error:
            return str(error)
        return None

    def test_it_takes_what_the_program_takes(self):
        taken = list(cases("good.case"))
        self.assertGreater(len(taken), 8)
        for text, error in taken:
            self.assertIsNone(error)
            self.assertIsNone(self.why_not(text), text)

    def test_it_refuses_what_the_program_refuses(self):
        refused = list(cases("errors.case"))
        self.assertGreater(len(refused), 50)
        unseen = [error for text, error in refused if self.why_not(text) is None]
        self.assertEqual([error for error in unseen if not re.search(UNSEEN, error)], [])
        self.assertLess(len(unseen), 12)

    def test_packs_and_pages(self):
        packs = glob.glob(str(ROOT / "distribution/packs/*.yaml"))
        self.assertGreater(len(packs), 8)
        files = [(path, pathlib.Path(path).read_text(encoding="utf-8")) for path in packs] + list(documents_of_pages())
        self.assertGreater(len(files) - len(packs), 25)
        for place, text in files:
            with self.subTest(place):
                self.assertIsNone(self.why_not(text))

    def test_keys_are_those_of_the_program(self):
        source = "".join((ROOT / "server/rulefile" / name).read_text(encoding="utf-8") for name in ("rulefile.c", "testcase.c"))
        tables = dict(re.findall(r"bt_yaml_field (\w+)_fields\[\] = \{(.*?)\{0\}\}", source, re.S))
        self.assertEqual(set(tables), {"rule", "group", "file", "event", "link", "span", "test", "example"})
        for name, table in tables.items():
            properties = (SCHEMA if name == "file" else SCHEMA["$defs"][name])["properties"]
            self.assertEqual(set(properties), set(re.findall(r'\{"(\w+)", ', table)), name)

    def test_the_page_names_every_key(self):
        page = doc_pages.read("reference/rule-file.md")
        for name in ("rule", "test", "span", "example"):
            for key in SCHEMA["$defs"][name]["properties"]:
                self.assertIn(f"`{key}`", page, name)


if __name__ == "__main__":
    unittest.main(verbosity=1)
