"""docs/reference/cli.md is what the program's --help says, of every command."""
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import cli_reference  # noqa: E402
import doc_pages  # noqa: E402


class CliReference(unittest.TestCase):
    def test_the_page_is_what_help_prints(self):
        page = doc_pages.read("reference/cli.md")
        self.assertEqual(page, cli_reference.page(), "write it anew: python3 tests/support/cli_reference.py > docs/reference/cli.md")
        self.assertGreater(len(re.findall(r"^## betrace \S+$", page, re.M)), 20)


if __name__ == "__main__":
    unittest.main(verbosity=1)
