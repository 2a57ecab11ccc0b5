"""docs/reference/cli.md: what `betrace help` prints, of all commands.

    python3 tests/support/cli_reference.py > docs/reference/cli.md       writes the page anew
"""
import sys

from betrace_process import run_cli

OPENING = """# Commands

This page is what `betrace COMMAND --help` prints. `python3 tests/support/cli_reference.py` makes it, and
`tests/http/test_cli_reference.py` fails when it is stale. [Output of the commands](output.md) says what they print.
"""


def printed(*arguments):
    done = run_cli(*arguments)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


def section(title, *arguments):
    return f"\n## {title}\n\n```text\n{printed(*arguments).rstrip()}\n```\n"


def page():
    names = printed("help", "--names").split()
    return OPENING + section("betrace", "help") + "".join(section(f"betrace {name}", name, "--help") for name in names) + section("Exit statuses", "help", "exit")


if __name__ == "__main__":
    sys.stdout.write(page())
