"""docs/images/session.svg: the terminal in the README shows what the program prints today."""
import os
import pathlib
import sys
import unittest
import xml.etree.ElementTree as ET

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parents[1] / "docs" / "images")]
from betrace_process import binary, sanitizer_environment  # noqa: E402
import record_session  # noqa: E402


class RecordedSession(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.environ.update(sanitizer_environment(), BETRACE_BIN=binary())
        cls.lines = record_session.record()
        cls.picture = record_session.PICTURE.read_text(encoding="utf-8")

    def test_it_shows_what_is_printed(self):
        self.assertEqual(record_session.differences(self.picture, self.lines), [],
                         "record it again: python3 docs/images/record_session.py")

    def test_another_output_is_noticed(self):
        changed = [line.replace("no retry in this trace", "a retry in this trace") for line in self.lines]
        self.assertNotEqual(changed, self.lines)
        self.assertTrue(record_session.differences(self.picture, changed))
        self.assertTrue(record_session.differences(self.picture, self.lines[:-1]))

    def test_every_command_is_shown(self):
        shown = "\n".join(record_session.shown_rows(self.picture))
        for command in ("check", "replay", "first", "trace"):
            self.assertIn(f"$ betrace {command} ", shown)

    def test_it_can_be_read_by_everybody(self):
        svg = "{http://www.w3.org/2000/svg}"
        root = ET.fromstring(self.picture)
        self.assertTrue(root.find(f"{svg}title").text and root.find(f"{svg}desc").text)
        names = {element.tag.removeprefix(svg) for element in root.iter()}
        self.assertLessEqual(names, {"svg", "title", "desc", "style", "rect", "circle", "text"}, "nothing is loaded or run")
        self.assertNotIn("url(", self.picture)


if __name__ == "__main__":
    unittest.main(verbosity=1)
