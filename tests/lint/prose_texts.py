"""What the prose linter reads: pages, opening comments, and the strings that people see.

Each piece of prose is one Paragraph: its file, its line and its words on one line. Code inside it becomes CODE.
"""
import ast
import json
import re
from dataclasses import dataclass

from sources import without_comments

C_LIKE = (".c", ".h", ".cc", ".ts", ".tsx", ".mjs", ".js", ".go")
HASHED = (".sh", ".cmake", "CMakeLists.txt", "Makefile")
GENERATED = "This file was auto-generated"
# A string of C that people read: a capital or small word first, and at least five words of letters.
PROSE = re.compile(r"(?:[A-Za-z][a-z']+[ ,;:.]+){4,}[a-z']+")
CODE = "code"
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|ALTER|WHERE)\b")


@dataclass(frozen=True)
class Paragraph:
    file: str
    line: int
    text: str


def plain(text):
    """On one line, with what is code as CODE."""
    text = re.sub(r"`[^`]*`", CODE, text)
    text = re.sub(r"%[-+ 0#]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh?|ll?|z|j)?[a-zA-Z]", CODE, text)
    text = re.sub(r"\S*(?:_|::|->|\(…?\)|==|&&|\|\|)\S*?(?=[.,;:)]*(?:\s|$))", CODE, text)
    text = re.sub(r"(?<![\w/])[\w-]+(?:\.[\w-]+)+(?:\[[^]]*\]|\([^)]*\))?", CODE, text)  # a.b, file.c, now.plus(1h)
    return re.sub(r"\s+", " ", text).strip()


# ---- pages ----

# Records: decisions as they were taken, and figures as they were measured.
HISTORY = re.compile(r"(^|/)docs/(.*archive|BENCHMARKS)\.md$", re.I)
BLOCK = re.compile(r"^ *```.*?^ *```[^\n]*$|<!--.*?-->", re.M | re.S)
# A line with which something new begins: an item, a row of a table, a heading, a quotation.
STARTS = re.compile(r"\s*(?:[-*] |\d+\. |\||#+ |> )")


def words_of_markdown(text):
    """Without links' targets and emphasis."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"^\s*(?:[-*] |\d+\. |#+ |> )", "", text)
    return plain(re.sub(r"\*\*|(?<!\w)\*|\*(?!\w)", "", text))


def pieces_of_markdown(text):
    """(line, text) of each paragraph, item and cell of a table, outside of blocks of code."""
    text = BLOCK.sub(lambda block: re.sub(r"[^\n]", "", block.group()), text)
    start, kept = 0, []
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if kept and (not line.strip() or STARTS.match(line)):
            yield start, " ".join(kept)
            kept = []
        if line.strip().startswith("|"):
            yield from ((number, cell) for cell in re.split(r"(?<!\\)\|", line.strip().strip("|")))
        elif line.strip():
            start = start if kept else number
            kept.append(line.strip() if kept else line)


def pages(tree):
    for file in tree.matching(".md"):
        if not HISTORY.search(file):
            for line, text in pieces_of_markdown(tree.read(file)):
                if words_of_markdown(text):
                    yield Paragraph(file, line, words_of_markdown(text))


# ---- opening comments ----

def first_paragraph(lines):
    """Up to the first empty line, or to a list."""
    kept = []
    for line in lines:
        if kept and (not line.strip() or re.match(r"\s{2,}\S", line)):
            break
        if line.strip():
            kept.append(line.strip())
    return " ".join(kept)


def opening_of_c(text):
    block = re.match(r"\s*/\*+(.*?)\*/", text, re.S)
    if block:
        return first_paragraph([re.sub(r"^ ?\* ?", "", line) for line in block.group(1).split("\n")])
    lines = re.match(r"\s*((?://[^\n]*\n)+)", text)
    return first_paragraph([line[2:] for line in lines.group(1).split("\n")]) if lines else ""


def opening_of_python(text):
    try:
        return first_paragraph((ast.get_docstring(ast.parse(text)) or "").split("\n"))
    except SyntaxError:  # rule_scripts_parse.py says so
        return ""


def opening_of_hashes(text):
    lines = re.match(r"(?:#!.*\n)?((?:#.*\n)+)", text)
    return first_paragraph([line[2:] for line in lines.group(1).split("\n")]) if lines else ""


def openings(tree):
    """The first paragraph of each source file's opening comment."""
    for endings, opening in ((C_LIKE, opening_of_c), ((".py",), opening_of_python), (HASHED, opening_of_hashes)):
        for file in tree.matching(*endings):
            text = tree.read(file)
            found = "" if GENERATED in text[:200] else opening(text)
            if found:
                yield Paragraph(file, 1, plain(found))


# ---- what the program says ----

_LITERAL = r'"(?:\\.|[^"\\\n])*"'
# Literals that C joins; a PRI macro between them is a part of a format.
_JOINED = re.compile(_LITERAL + r"(?:(?:\s|PRI\w+)*" + _LITERAL + ")*")


def joined_literals(text):
    """(line, text) of C strings; those that C joins are one."""
    text = without_comments(text)
    for match in _JOINED.finditer(text):
        pieces = re.findall(_LITERAL, match.group())
        yield text.count("\n", 0, match.start()) + 1, "".join(piece[1:-1] for piece in pieces)


def c_messages(tree):
    """Help, messages and labels in the strings of the program."""
    for file in tree.matching(".c", ".h", under=("dsl", "tempo", "server")):
        for line, text in joined_literals(tree.read(file)):
            text = text.replace('\\"', '"').replace("\\n", "\n").replace("\\t", " ")
            for piece in text.split("\n"):
                if PROSE.search(piece) and not SQL.search(piece):
                    yield Paragraph(file, line, plain(piece))


def case_messages(tree):
    """What the text cases say that the program prints."""
    for file in tree.matching(".case"):
        for number, line in enumerate(tree.read(file).split("\n"), 1):
            found = re.match(r"(?:says|error|warning|message|note|diagnostic)\s+(.*)", line)
            said = found and re.sub(r"^[EW]\d{3} \d+:\d+ (?:`[^`]*` )?", "", found.group(1))
            if said and PROSE.search(said):
                yield Paragraph(file, number, plain(said))


def page_texts(tree):
    """The words of the web pages, which the app keeps for translators."""
    for file in tree.files:
        if re.match(r"grafana-betrace-app/src/locales/en[^/]*/.*\.json$", file):
            yield from texts_of_json(file, tree.read(file))


def texts_of_json(file, text):
    def walk(value):
        if isinstance(value, dict):
            for one in value.values():
                yield from walk(one)
        elif isinstance(value, str):
            yield value

    for one in walk(json.loads(text)):
        place = text.find(json.dumps(one, ensure_ascii=False))
        yield Paragraph(file, text.count("\n", 0, max(place, 0)) + 1, plain(re.sub(r"\{\{.*?\}\}", CODE, one)))


def paragraphs(tree):
    for source in (pages, openings, c_messages, case_messages, page_texts):
        yield from source(tree)
