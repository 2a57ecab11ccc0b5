"""Ctrl-C ends `betrace changed` with what it read so far, and says how much that is. What was not read is never as before."""
import json
import os
import signal
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import binary, sanitizer_environment  # noqa: E402
from partial_store import PartialStore  # noqa: E402
from protobuf_answer import bytes_field, varint  # noqa: E402

TRACES = 1200
BEGIN_S = int(time.time()) - 7200
MIDDLE_S = BEGIN_S + TRACES // 2


def span(number, place, name):
    at_ns = (BEGIN_S + number) * 10**9
    times = b"".join(varint(field << 3 | 1) + (at_ns + field).to_bytes(8, "little") for field in (7, 8))
    trace_id = ((number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128).to_bytes(16, "big")  # as if it were random
    parent = bytes_field(4, (number * 10 + 1).to_bytes(8, "big")) if place > 1 else b""
    return bytes_field(1, trace_id) + bytes_field(2, (number * 10 + place).to_bytes(8, "big")) + parent + bytes_field(5, name.encode()) + times


class GatedStore(PartialStore):
    """Gives so many traces by id and holds the others back."""

    def __init__(self, gives):
        super().__init__(None)
        self.gives, self.given, self.ends, self.reached = gives, 0, threading.Event(), threading.Event()

    def fill(self, checks):
        for number in range(TRACES):
            names = ("order", "check") if checks(number) else ("order",)
            spans = b"".join(bytes_field(2, span(number, place, name)) for place, name in enumerate(names, 1))
            self.push(bytes_field(1, bytes_field(2, spans)))

    def search(self, target):
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)
        start, end = int(asked["start"][0]), int(asked["end"][0])
        return self.rows([one for one, spans in self.spans.items() if start <= spans[0].start // 10**9 < end])

    def trace(self, trace_id):
        with self.lock:
            self.given += 1
            is_held = self.given > self.gives
        if is_held:
            self.reached.set()
            self.ends.wait(60)
        return super().trace(trace_id)


class Interrupted(unittest.TestCase):
    def ask(self, gives, *arguments, checks=lambda number: number < TRACES // 2 or number % 2, command="changed", sides=("--around", str(MIDDLE_S))):
        """Its status and output, when Ctrl-C comes after that many traces."""
        with GatedStore(gives) as store:
            store.fill(checks)
            words = [binary(), command, *sides, "--tempo", store.url, "--since", "4h", *arguments]
            process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=sanitizer_environment())
            self.assertTrue(store.reached.wait(60))
            time.sleep(0.3)  # what was given is read
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=60)
            store.ends.set()
        return process.returncode, out, errors

    def test_what_was_read_is_compared(self):
        code, out, _ = self.ask(700)
        self.assertEqual(code, 1, out)
        self.assertRegex(out, r"(?m)^check .*100 % of \d+ → [45]\d(\.\d)? % of \d+ ")
        read = int(out.split("UNKNOWN: interrupted after ")[1].split(" of 1200 traces")[0])
        self.assertTrue(600 <= read <= 700, read)
        sizes = [int(word) for word in out.split("\n")[0].replace(",", "").split() if word.isdigit()]
        self.assertTrue(all(read / 3 < size < 2 * read / 3 for size in sizes), (sizes, "both sides were read by turns"))

    def test_it_is_not_as_before(self):
        code, out, _ = self.ask(700, checks=lambda number: True)
        self.assertEqual(code, 3, out)
        self.assertIn("UNKNOWN: interrupted after", out)
        self.assertNotIn("nothing changed", out)
        code, out, _ = self.ask(10, "--json")
        self.assertEqual((code, json.loads(out)["status"]), (3, "unknown"))

    def test_rules_are_not_written(self):
        code, out, errors = self.ask(700, "--write", "nosuch/was.yaml")
        self.assertEqual(code, 1, out)
        self.assertIn("nosuch/was.yaml is not written", errors)

    def test_deploys_are_not_none(self):
        code, out, errors = self.ask(700, sides=())
        self.assertEqual((code, out), (3, ""))
        self.assertIn("before deploys were known", errors)

    def test_a_gate_does_not_pass(self):
        code, out, _ = self.ask(700, "--unknown", "--baseline", "1", "--candidate", "2", command="gate", sides=())
        self.assertEqual(code, 3, out)
        self.assertIn("UNKNOWN: interrupted after", out)


if __name__ == "__main__":
    unittest.main(verbosity=1)
