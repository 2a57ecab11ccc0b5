"""A link in a Markdown file leads somewhere: the file or folder is there, and so is the heading behind `#`. Addresses of other hosts are not asked."""
import os
import posixpath
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import doc_pages  # noqa: E402

SUMMARY = "no dead link or anchor in Markdown files"
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]: (\S+)", re.M)
ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:")


def links(text):
    """(line, target) of each link outside of code."""
    for number, line in doc_pages.prose_lines(text):
        for match in LINK.finditer(re.sub(r"`[^`]*`(?!\])", "", line)):
            yield number, match.group(1) or match.group(2)


def is_there(tree, path):
    return path in tree.files or path == "." or any(file.startswith(path.rstrip("/") + "/") for file in tree.files)


def findings(tree):
    anchors = {}
    for page in tree.matching(".md"):
        for number, target in links(tree.read(page)):
            if ELSEWHERE.match(target):
                continue
            path, _, anchor = target.partition("#")
            file = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page
            if not is_there(tree, file):
                yield f"{page}:{number}: {target}: there is no {file}: link to where it is now"
            elif anchor and file.endswith(".md"):
                if file not in anchors:
                    anchors[file] = doc_pages.anchors(tree.read(file))
                if anchor not in anchors[file]:
                    yield f"{page}:{number}: {target}: {file} has no heading #{anchor}: link to the one that answers now"


BAD = [
    {"a.md": "[b](b.md)\n"},
    {"docs/a.md": "[b](../b.md#no)\n", "b.md": "# Yes\n"},
    {"a.md": "see [a long\ntext](#b)\n\n## A\n"},
    {"a.md": "![picture](images/a.png)\n"},
    {"a.md": "[`b`](b.md)\n"},
]
GOOD = [{"docs/a.md": "[b](../b.md#yes-it-is-a-1), [c](../x/), [d](https://example.org/d)\n\n```sh\necho '[e](e.md)'\n```\n", "b.md": "## Yes: it is `a`\n## Yes, it is a\n", "x/y": "z"}]
