"""docs/OPERATIONS.md has the table of differences between versions as differences.py says it, and each row of it is held by a test of this folder.
Needs no Tempo."""
import glob
import os
import unittest

import differences

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "..", "..", "docs", "OPERATIONS.md")


class Differences(unittest.TestCase):
    def test_the_documented_table_is_this_one(self):
        with open(PAGE, encoding="utf-8") as file:
            is_there = differences.markdown() in file.read()
        self.assertTrue(is_there, "docs/OPERATIONS.md lacks the table that `python3 tests/facts/differences.py` prints")

    def test_every_row_is_held_by_a_test(self):
        text = ""
        for path in glob.glob(os.path.join(HERE, "facts_*.py")):
            with open(path, encoding="utf-8") as file:
                text += file.read()
        for name, row in differences.TABLE.items():
            self.assertIn(f'"{name}"', text, "no test asks for it")
            self.assertLessEqual(set(differences.FAMILIES), set(row.by), name)
            self.assertGreater(len({repr(value) for value in row.by.values()}), 1, f"{name} does not differ: take it out of the table")


if __name__ == "__main__":
    unittest.main()
