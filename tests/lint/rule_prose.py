"""Plain English: vale reads docs, help, messages, the pages' words and the opening comments with our own small style.

The style is in tests/lint/prose; vale is built once from its Go module into the user's cache folder.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

from prose_texts import paragraphs
from sources import Skipped

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "dist"))
import go_tool  # noqa: E402

SUMMARY = "docs, help, messages and opening comments are plain English"
VERSION = "v3.15.2"
SETTINGS = os.path.join(HERE, "prose", "vale.ini")
A_FILE = 20  # paragraphs; vale looks for a sentence by its first word, so few to a file


def install(go, _folder):
    return [go, "install", "-p", "2", f"github.com/errata-ai/vale/v3/cmd/vale@{VERSION}"]


def vale():
    try:
        return go_tool.built("vale", VERSION, install, None)
    except OSError as missing:
        raise Skipped(f"no vale: {missing}") from missing


def ended(text):
    """With a capital and a full stop, so that no sentence goes on in the next paragraph."""
    text = re.sub(r"\b\w([.)]*)$", r"it\1", text[:1].upper() + text[1:])  # `y.` would be an abbreviation
    return text if text.endswith((".", "!", "?")) else text.rstrip(":;, ") + "."


def write_paragraphs(folder, tree):
    """{name of a file: its paragraphs}. Each has four lines, so that vale joins no two of them into one sentence."""
    found, written = list(paragraphs(tree)), {}
    for start in range(0, len(found), A_FILE):
        name = f"paragraphs-{start}.txt"
        written[name] = found[start:start + A_FILE]
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write("".join(ended(one.text) + "\n\nNext.\n\n" for one in written[name]))
    return written


def run_vale(files, folder):
    """{file: alerts}."""
    if not files:
        return {}
    done = subprocess.run([vale(), "--config", SETTINGS, "--no-global", "--output", "JSON", "--no-exit", *files],
                          cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"vale ended with {done.returncode}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def findings(tree):
    with tempfile.TemporaryDirectory(prefix="betrace-prose-") as folder:
        written = write_paragraphs(folder, tree)
        for path, alerts in run_vale(list(written), folder).items():
            for alert in alerts:
                one = written[os.path.basename(path)][(alert["Line"] - 1) // 4]
                yield f"{one.file}:{one.line}: {alert['Message']}: {shown(one.text, alert['Span'][0])}"


def shown(text, column):
    """Where in a paragraph it is."""
    start = max(column - 30, 0)
    return f"{'…' if start else ''}{text[start:start + 90]}{'…' if len(text) > start + 90 else ''}"


_LONG = "This sentence goes on " + "and on " * 20 + "until nobody knows any more what it was about.\n"
BAD = [
    {"docs/A.md": _LONG},
    {"docs/A.md": "| a | b |\n|---|---|\n| c | " + _LONG.strip() + " |\n"},
    {"docs/A.md": "- One.\n- " + _LONG},
    {"docs/A.md": "What it does stands in the other page.\n"},
    {"docs/A.md": "A file is written when it is read and is sent to where it is kept.\n"},
    {"docs/A.md": "Who has no right takes no memory.\n"},
    {"docs/A.md": "It is there: it is small; it is read: it is fine; it is here: that is all.\n"},
    {"dsl/a.c": "/* It is read all the same. */\n"},
    {"dsl/a.h": "/*\n * The tree. It lies beside the tokens.\n */\n"},
    {"src/a.ts": "// What the page shows: it is read all the same.\n"},
    {"pkg/a.go": "// Package a reads, and answers all the same.\npackage a\n"},
    {"a.py": '"""Reads files. It reads them all the same."""\n'},
    {"a.sh": "#!/bin/sh\n# Reads files, and ends all the same.\n"},
    {"server/a.c": '/* A. */\nstatic const char *a = "this cannot be read and goes on "\n                       "all the same";\n'},
    {"tests/cases/a.case": "says     there is no payment for it all the same\n"},
    {"grafana-betrace-app/src/locales/en-US/a.json": '{"a": {"b": "The rule is saved all the same."}}\n'},
]
GOOD = [
    {"docs/A.md": "A rule says what a trace must have.\n\n```text\nthis stands in code all the same\n```\nSee `all the same`.\n"},
    {"docs/BENCHMARKS.md": "It stands in the record all the same.\n"},
    {"dsl/a.c": '/* A rule. */\n\nint a; /* a later comment, all the same */\n', "a.py": '"""Reads.\n\nLater, all the same."""\n'},
]
