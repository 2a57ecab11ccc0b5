"""Every optimised build is hardened, whoever makes it and for whatever: FORTIFY (3 where GCC has it), stack protector,
position-independent program, full RELRO, and marks for indirect jumps. What the compiler and the linker are told is
looked at for each kind of build; what came of it, in the program of the release build where there is one.

    BETRACE_RELEASE_BIN=build/release/server/betrace python3 tests/dist/test_release_flags.py
"""
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PROGRAM = os.environ.get("BETRACE_RELEASE_BIN", os.path.join(ROOT, "build", "release", "server", "betrace"))
KINDS = (("--preset", "release"), ("-G", "Ninja", "-DCMAKE_BUILD_TYPE=MinSizeRel"))


def output_of(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def compiler_has_fortify_3():
    """GCC has it from 12 on; other compilers are held to 2."""
    is_gcc = "__clang__" not in output_of("sh", "-c", "${CC:-cc} -dM -E - < /dev/null")
    return is_gcc and int(output_of("sh", "-c", "${CC:-cc} -dumpversion").split(".")[0]) >= 12


class Flags(unittest.TestCase):
    def configure(self, *kind):
        folder = tempfile.mkdtemp(prefix="betrace-flags-")
        self.addCleanup(shutil.rmtree, folder)
        output_of("cmake", *kind, "-S", ROOT, "-B", folder)
        with open(os.path.join(folder, "compile_commands.json"), encoding="utf-8") as file:
            commands = json.load(file)
        with open(os.path.join(folder, "build.ninja"), encoding="utf-8") as file:
            link = re.search(r"^build server/betrace: .*?\n\n", file.read(), re.M | re.S).group()
        return [one for one in commands if "/tests/" not in one["file"]], link

    def test_every_file_of_every_kind(self):
        wanted = {"-U_FORTIFY_SOURCE", f"-D_FORTIFY_SOURCE={3 if compiler_has_fortify_3() else 2}", "-fstack-protector-strong",
                  "-fstack-clash-protection", "-fcf-protection"}
        for kind in KINDS:
            with self.subTest(kind=kind):
                commands, link = self.configure(*kind)
                self.assertGreater(len(commands), 200)
                for one in commands:
                    flags = set(one["command"].split())
                    self.assertEqual(wanted - flags, set(), one["file"])
                    self.assertTrue(flags & {"-fPIE", "-fPIC"}, one["file"])
                    self.assertFalse(flags & {"-O0", "-fno-stack-protector"}, one["file"])
                for flag in ("-pie", "-Wl,-z,relro,-z,now"):
                    self.assertIn(flag, link)

    def test_a_build_for_debugging_is_none(self):
        """So that the test above looks at what makes the difference."""
        commands, link = self.configure("-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug")
        self.assertFalse([one for one in commands if "_FORTIFY_SOURCE" in one["command"]])
        self.assertNotIn("relro", link)


@unittest.skipUnless(os.path.exists(PROGRAM), "there is no release build here")
class Program(unittest.TestCase):
    def test_headers(self):
        headers = output_of("readelf", "-W", "-h", "-l", "-d", "-n", PROGRAM)
        self.assertRegex(headers, r"Type:\s+DYN")
        self.assertRegex(headers, r"FLAGS_1.*NOW.*PIE")
        self.assertIn("GNU_RELRO", headers)
        self.assertRegex(headers, r"GNU_STACK .* RW ")

    @unittest.skipUnless(platform.machine() == "x86_64", "another processor has other marks")
    def test_marks_for_jumps(self):
        """The linker marks a whole program only if the C library's own start is marked, which Debian's is not. So the
        functions are looked at."""
        main = output_of("objdump", "-d", "--disassemble=main", PROGRAM)
        self.assertRegex(main, r"<main>:\n.*\bendbr64\b")

    def test_symbols(self):
        symbols = set(re.findall(r"UND (\w+)", output_of("readelf", "-W", "--dyn-syms", PROGRAM)))
        self.assertIn("__stack_chk_fail", symbols)
        self.assertEqual({"__memcpy_chk", "__snprintf_chk", "__vsnprintf_chk"} - symbols, set())


if __name__ == "__main__":
    unittest.main()
