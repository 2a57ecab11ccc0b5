"""The table of settings in docs/OPERATIONS.md is what the binary has: each flag, its variable and its default."""
import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import run_cli  # noqa: E402

PAGE = os.path.join(HERE, "..", "..", "docs", "OPERATIONS.md")


def documented():
    """{flag: (environment, default)} of the page."""
    with open(PAGE, encoding="utf-8") as file:
        section = re.search(r"^## Settings\n(.*?)^## ", file.read(), re.M | re.S).group(1)
    rows = re.findall(r"^\| --(\S+) \| ?(\S*) \| (\S+) \| \S.* \|$", section, re.M)
    assert len(rows) == len(re.findall(r"^\| --", section, re.M)), "a row has four columns"
    return {flag: (environment, default) for flag, environment, default in rows}


def without_settings():
    """Variables of this machine that would change the defaults, emptied: an empty one counts as not set."""
    return {name: "" for name in os.environ if name.startswith(("BETRACE_", "OTEL_")) and name != "BETRACE_BIN"}


class SettingsTest(unittest.TestCase):
    def test_flags_and_defaults(self):
        done = run_cli("serve", "--print-config", env=without_settings())
        self.assertEqual(done.returncode, 0, done.stderr)
        printed = dict(line.split(None, 1) for line in done.stdout.splitlines())
        self.assertGreater(len(printed), 20)
        self.assertEqual({flag: default for flag, (_, default) in documented().items()}, printed)

    def test_variables(self):
        done = run_cli("serve", "--help")
        self.assertEqual(done.returncode, 0, done.stderr)
        helped = {flag: re.search(r"\[(\w+)\]$", line) for flag, line in re.findall(r"^  --(\S+)(.*)$", done.stdout, re.M)}
        self.assertEqual({flag: variable for flag, (variable, _) in documented().items()},
                         {flag: found.group(1) if found else "" for flag, found in helped.items()})

    def test_every_variable_is_read(self):
        """Each variable changes what is printed of its flag."""
        for flag, (variable, default) in documented().items():
            if not variable:
                continue
            with self.subTest(flag=flag):
                value = {"false": "true"}.get(default, "7m" if re.fullmatch(r"\d+[smhd]", default) else "3145728" if len(default) > 5 and default.isdigit()
                                              else "3" if default.isdigit() else "https://x.invalid")
                done = run_cli("serve", "--print-config", env={**without_settings(), variable: value})
                self.assertEqual(done.returncode, 0, done.stderr)
                printed = dict(line.split(None, 1) for line in done.stdout.splitlines())
                self.assertIn(printed[flag], (value, "(set)"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
