"""What the unit and the chart let the service have follows from what --memory-limit lets it hold: twice as much at least
(docs/reference/limits.md, "Memory"), since answers of Tempo and bodies of requests come besides. Where they had less, the
system would end it in the middle of its work."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MIB = 2**20
UNITS = {"M": MIB, "G": 2**30, "Mi": MIB, "Gi": 2**30}


def text_of(path):
    return (ROOT / path).read_text(encoding="utf-8")


def bytes_of(text):
    number, unit = re.fullmatch(r"(\d+)(\w+)", text).groups()
    return int(number) * UNITS[unit]


class MemoryLimits(unittest.TestCase):
    def setUp(self):
        found = re.search(r"\.memory_limit_bytes = (\d+)u << 20", text_of("server/settings/config.c"))
        self.limit = int(found.group(1)) * MIB

    def test_the_unit(self):
        found = re.findall(r"^MemoryMax=(\w+)$", text_of("distribution/debian/betrace.service"), re.M)
        self.assertEqual(len(found), 1, "the unit has one MemoryMax")
        self.assertGreaterEqual(bytes_of(found[0]), 2 * self.limit)

    def test_the_chart(self):
        found = re.search(r"^resources: .*limits: \{memory: (\w+)\}", text_of("distribution/helm/betrace/values.yaml"), re.M)
        self.assertGreaterEqual(bytes_of(found.group(1)), 2 * self.limit)


if __name__ == "__main__":
    unittest.main()
