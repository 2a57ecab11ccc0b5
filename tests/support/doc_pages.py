"""The pages of docs/ as tests read them: which there are, their sections, code blocks, entries of lists, links and anchors."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^\s*(```+|~~~+)")


def pages():
    """README.md and every page below docs/ but those of the language's specification, which tests/spec runs."""
    return [ROOT / "README.md", *sorted(page for page in DOCS.rglob("*.md") if DOCS / "spec" not in page.parents)]


def read(name):
    """The text of a page by its name below docs/."""
    return (DOCS / name).read_text(encoding="utf-8")


def prose_lines(text):
    """(number, line) of each line outside of code blocks."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        mark = FENCE.match(line)
        if mark and fence is None:
            fence = mark.group(1)
        elif mark and line.strip().startswith(fence):
            fence = None
        elif fence is None:
            yield number, line


def headings(text):
    """(level, title) of each heading."""
    found = (re.match(r"(#+) (.*)$", line) for _, line in prose_lines(text))
    return [(len(match.group(1)), match.group(2).strip()) for match in found if match]


def anchor(title):
    """What a heading is called in a link, as GitHub makes it."""
    shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return re.sub(r"[^\w\- ]", "", shown.lower().strip()).replace(" ", "-")


def anchors(text):
    """Every anchor of a page; of headings alike the second has -1, and so on."""
    seen, found = {}, set()
    for _, title in headings(text):
        name = anchor(title)
        found.add(f"{name}-{seen[name]}" if name in seen else name)
        seen[name] = seen.get(name, 0) + 1
    return found


def section(name, title):
    """The text below a heading of the second level of a page."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", read(name), re.M | re.S)
    assert found, f"docs/{name} has no section {title}"
    return found.group(1)


def entries(text):
    """Each entry of the lists of a text, on one line and without its dash."""
    found = re.findall(r"^- (.*(?:\n  \S.*)*)", text, re.M)
    return [re.sub(r"\s*\n\s*", " ", entry) for entry in found]


def blocks(text):
    """(line, words behind the fence, text) of each code block."""
    for match in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.M | re.S):
        yield text.count("\n", 0, match.start()) + 1, match.group(1).split(), match.group(2)


def without_seconds(output):
    """An output without how long it took: `completed, 1.118 s, …`."""
    return re.sub(r"^(completed, .*?)[0-9.]+ s\b", r"\1N s", output.strip(), flags=re.M)


def with_addresses(text, tempo, otlp, service, prometheus):
    """A block with the addresses of a test in place of those that the pages show: URLs of Tempo and its receiver, ports of the others."""
    text = re.sub(r"http://(127\.0\.0\.1|localhost):3200", tempo, text)
    text = re.sub(r"http://(127\.0\.0\.1|localhost):4318", otlp, text)
    text = re.sub(r"(127\.0\.0\.1|localhost):8080", rf"\1:{service}", text).replace("127.0.0.1:9099", f"127.0.0.1:{prometheus}")
    return re.sub(r"(betrace serve(?! --help))", rf"\1 --listen 127.0.0.1:{service}", text)
