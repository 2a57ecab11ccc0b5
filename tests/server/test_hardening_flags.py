"""The optimised program is hardened: position independent, its tables read-only once it runs, stack and lengths checked, jumps checked where the
processor can. `test_hardening_flags.py PROGRAM`, by ctest in optimised builds.

Looked at is the program itself and not the build's flags, so that a flag that gets lost on the way shows.
"""
import platform
import re
import subprocess
import sys
import unittest

PROGRAM = sys.argv.pop(1)


def readelf(*what):
    return subprocess.run(["readelf", "-W", *what, PROGRAM], capture_output=True, text=True, check=True).stdout


class Hardened(unittest.TestCase):
    def expect(self, pattern, text, what):
        """Short where it fails: the text has hundreds of lines."""
        self.assertTrue(re.search(pattern, text), f"not so of {PROGRAM}: {what} (no {pattern!r})")

    def test_it_is_position_independent_and_bound_at_once(self):
        self.expect(r"Type:\s+DYN", readelf("-h"), "it can lie anywhere")
        self.expect(r"FLAGS_1.*NOW.*PIE", readelf("-d"), "its tables are filled in before it runs")

    def test_nothing_that_is_written_is_run_and_the_tables_are_sealed(self):
        segments = readelf("-l")
        self.expect("GNU_RELRO", segments, "its tables are read-only once it runs")
        self.expect(r"GNU_STACK.* RW ", segments, "its stack is not run")
        self.assertIsNone(re.search(r"LOAD.* RWE ", segments), "nothing that is written is run")

    def test_stack_and_lengths_are_checked(self):
        names = readelf("--dyn-syms")
        self.expect(" __stack_chk_fail", names, "the stack is checked")
        self.expect(r" __(memcpy|memset|snprintf|vsnprintf|read)_chk", names, "some call has its length checked")

    @unittest.skipUnless(platform.machine() == "x86_64", "an instruction of x86")
    def test_jumps_land_where_they_may(self):
        """-fcf-protection puts a landing mark at the beginning of each function whose address is taken; main is one."""
        start = next(line.split() for line in readelf("-s").splitlines() if line.split()[-1:] == ["main"])
        dump = subprocess.run(["objdump", "-d", f"--start-address=0x{start[1]}", f"--stop-address={int(start[1], 16) + 4}", PROGRAM],
                              capture_output=True, text=True, check=True).stdout
        self.assertIn("endbr64", dump)


if __name__ == "__main__":
    unittest.main(verbosity=1)
