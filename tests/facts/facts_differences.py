"""docs/reference/tempo-versions.md has the list of differences between versions as differences.py says it, and each row of it is held by a test of this folder.
The tables of filters are about what the planner writes today. Needs no Tempo."""
import glob
import os
import unittest

import differences
import filter_cells as cells
import filter_table
import written_filters as written

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "..", "..", "docs", "reference", "tempo-versions.md")


class Differences(unittest.TestCase):
    def test_the_documented_table_is_this_one(self):
        with open(PAGE, encoding="utf-8") as file:
            is_there = differences.markdown() in file.read()
        self.assertTrue(is_there, "docs/reference/tempo-versions.md lacks the list that `python3 tests/facts/differences.py` prints")

    def test_every_row_is_held_by_a_test(self):
        text = ""
        for path in glob.glob(os.path.join(HERE, "facts_*.py")):
            with open(path, encoding="utf-8") as file:
                text += file.read()
        for name, row in differences.TABLE.items():
            self.assertIn(f'"{name}"', text, "no test asks for it")
            self.assertLessEqual(set(differences.FAMILIES) - set(differences.AS_BEFORE), set(row.by), name)
            for family in set(differences.AS_BEFORE) & set(row.by):
                self.assertNotEqual(row.by[family], row.by[differences.AS_BEFORE[family]], f"{name}: {family} is as before, which needs no word")
            self.assertGreater(len({repr(value) for value in row.by.values()}), 1, f"{name} does not differ: take it out of the table")


class WrittenFilters(unittest.TestCase):
    def test_each_case_has_a_meaning_that_some_cells_meet_and_some_do_not(self):
        for case in written.CASES:
            met = {written.is_meant(case.label, cells.value_of(label)) for label in cells.CELLS}
            self.assertEqual(met, {True, False}, case.label)
            self.assertTrue(case.searched, case.label)

    def test_there_are_cases_of_each_way_to_ask(self):
        for kind in ("wider", "subtracted", "reads"):
            self.assertTrue([case for case in written.CASES if getattr(case, kind)], kind)
        self.assertEqual(set(written.READS), {"batch", "doubted", "lists"})

    def test_the_tables_are_of_these_filters(self):
        paths = glob.glob(os.path.join(filter_table.FOLDER, "*.txt"))
        self.assertGreaterEqual(len(paths), len(differences.FAMILIES))
        for path in paths:
            with open(path, encoding="utf-8") as file:
                shapes = {shape for shape, _ in filter_table.rows_of(file.read())}
            self.assertEqual(shapes, {*cells.SHAPES, *filter_table.READ_LINES}, f"{path}: take it again (facts_filters.py --write)")


if __name__ == "__main__":
    unittest.main()
