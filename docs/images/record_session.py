"""Records docs/images/session.svg: a terminal in which BeTrace answers from a day of sample traces.

    python3 docs/images/record_session.py           runs the commands and writes the picture
    python3 docs/images/record_session.py --check   runs them and says where the picture shows something else

The commands run in a pseudo-terminal, so the colours are those that people see. The rules are those of the tutorial.
BETRACE_BIN names the program (default: build/dev/server/betrace). A picture holds no font and loads nothing.
"""
import difflib
import fcntl
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import unicodedata
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

ROOT = pathlib.Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "images" / "session.svg"
COLUMNS = 100
TRACES = ["generate", "--traces", "6000", "--end", "2026-03-10T12:00:00Z", "--out", "shop.jsonl"]
SESSION = (
    "betrace check shop.yaml",
    "betrace replay --rules shop.yaml --traces shop.jsonl --limit 2",
    "betrace first --rules shop.yaml --rule slow-query-retried --traces shop.jsonl",
    "betrace trace ca7d47a3bccd871ca9776bdd9accdea5 --rules shop.yaml --traces shop.jsonl",
)
STYLES = {"1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow", "36": "cyan"}
LEFT, TOP, ADVANCE, LINE = 18, 58, 8.4, 19


def tutorial_rules():
    """The rule file that the tutorial writes."""
    page = (ROOT / "docs" / "TUTORIAL.md").read_text(encoding="utf-8")
    return re.search(r"^cat >shop\.yaml <<'END'\n(.*?)^END$", page, re.M | re.S).group(1)


def program():
    return os.path.abspath(os.environ.get("BETRACE_BIN", ROOT / "build/dev/server/betrace"))


def run_in_terminal(words, folder):
    """What a command writes to a terminal of COLUMNS columns."""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "LC_CTYPE", "LANG")}
    environment.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
    process = subprocess.Popen([program(), *words], cwd=folder, env=environment, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    output = b""
    while True:
        try:
            piece = os.read(reader, 65536)
        except OSError:  # the last writer closed its end
            piece = b""
        if not piece:
            break
        output += piece
    os.close(reader)
    _, problems = process.communicate()
    if process.returncode not in (0, 1):  # 1: something was found
        sys.exit(f"betrace {' '.join(words)} ended with {process.returncode}: {problems.decode()}")
    return output.decode().replace("\r\n", "\n")


def record():
    """The lines of the terminal, with escape sequences; one line of a program may be several."""
    lines = []
    with tempfile.TemporaryDirectory(prefix="betrace-session-") as folder:
        pathlib.Path(folder, "shop.yaml").write_text(tutorial_rules(), encoding="utf-8")
        run_in_terminal(TRACES, folder)
        for command in SESSION:
            lines += [f"\033[32m$\033[0m \033[1m{command}\033[0m"]
            lines += run_in_terminal(command.split()[1:], folder).rstrip("\n").split("\n") + [""]
    return lines[:-1]


def width_of(char):
    return 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cells_of(line):
    """(character, style) of each character of a line."""
    styles = set()
    for escape_codes, char in re.findall(r"\033\[([0-9;]*)m|(.)", line):
        if char:
            yield char, " ".join(sorted(styles))
            continue
        for code in (escape_codes or "0").split(";"):
            styles = set() if code == "0" else styles | {STYLES[code]}


def rows_of(lines):
    """Rows of at most COLUMNS cells, as a terminal wraps them."""
    for line in lines:
        row, used = [], 0
        for char, style in cells_of(line):
            if used + width_of(char) > COLUMNS:
                yield row
                row, used = [], 0
            row.append((char, style))
            used += width_of(char)
        yield row


def runs_of(row):
    """(column, text, style) of each piece of a row in one style without two blanks in it."""
    column, run = 0, None
    for place, (char, style) in enumerate(row):
        ends = char == " " and (run is None or place + 1 == len(row) or row[place + 1][0] == " " or row[place + 1][1] != run[2])
        if run and (ends or style != run[2]):
            yield run
            run = None
        if not ends:
            run = (run[0], run[1] + char, run[2]) if run else (column, char, style)
        column += width_of(char)
    if run:
        yield run


def draw_run(row, column, text, style):
    columns = sum(map(width_of, text))
    classes = f' class="{style}"' if style else ""
    return (f'<text x="{LEFT + column * ADVANCE:.1f}" y="{TOP + row * LINE}" textLength="{columns * ADVANCE:.1f}"'
            f'{classes}>{escape(text)}</text>')


def draw(lines):
    """The picture. Every piece is put at its column and given its length, so that no font moves what is drawn."""
    rows = list(rows_of(lines))
    width, height = round(2 * LEFT + COLUMNS * ADVANCE), TOP + len(rows) * LINE
    drawn = [draw_run(number, *run) for number, row in enumerate(rows) for run in runs_of(row)]
    commands = "; ".join(SESSION)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' role="img" aria-labelledby="title desc">',
        '<title id="title">BeTrace in a terminal</title>',
        f'<desc id="desc">A terminal runs four commands over a day of sample traces: {escape(commands)}. A replay finds'
        ' the violations of two rules, first proves when they began, and trace draws the first one.</desc>',
        "<!-- Written by docs/images/record_session.py. -->",
        "<style>",
        'text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d7dde4 }',
        ".bold { font-weight: 700; fill: #ffffff } .dim { fill: #9aa5b1 } .red { fill: #ff8b8b } .green { fill: #7ee2a8 }",
        ".yellow { fill: #f2cc60 } .cyan { fill: #79d4f1 }",
        "</style>",
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="9" fill="#161b22" stroke="#57606a"/>',
        *(f'<circle cx="{22 + 20 * place}" cy="21" r="6" fill="{colour}"/>'
          for place, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))),
        *drawn, "</svg>", ""])


def shown_rows(picture):
    """The text that a picture shows, row by row."""
    rows = {}
    for text in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text"):
        row, column = round((float(text.get("y")) - TOP) / LINE), round((float(text.get("x")) - LEFT) / ADVANCE)
        rows[row] = rows.get(row, "").ljust(column) + text.text
    return [rows.get(row, "") for row in range(max(rows) + 1)]


def without_seconds(row):
    """The same without how long it took."""
    return re.sub(r"^(completed, .*?)[0-9.]+ s\b", r"\1N s", row)


def differences(picture, lines):
    """Lines of a diff: what the picture shows and what the program prints."""
    shown, printed = ([without_seconds(row) for row in shown_rows(one)] for one in (picture, draw(lines)))
    return list(difflib.unified_diff(shown, printed, "docs/images/session.svg", "what the program prints", lineterm=""))


def main(arguments):
    lines = record()
    if arguments == ["--check"]:
        found = differences(PICTURE.read_text(encoding="utf-8"), lines)
        print("\n".join(found) if found else "docs/images/session.svg shows what the program prints")
        return 1 if found else 0
    if arguments:
        sys.exit("wrong arguments: expected none or --check")
    PICTURE.write_text(draw(lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
