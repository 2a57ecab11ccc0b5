"""The files that lint looks at, and the little reading of C that several rules share. No rule opens files in another way."""
import os
import re
import subprocess


class Skipped(Exception):
    """A rule cannot be tried on this machine; the message says why."""


# Written by tools, and committed so that nobody needs them: what a rule would find there nobody can mend.
GENERATED = tuple(f"distribution/editors/tree-sitter-betrace/src/{name}" for name in ("parser.c", "grammar.json", "node-types.json", "tree_sitter/"))
SKIPPED_FOLDERS = {".git", "build", "node_modules", "__pycache__", "dist"}


class Tree:
    """The project's files: what git tracks or would track; in a folder without git, everything but build output."""

    def __init__(self, root):
        self.root = root
        self.files = sorted(file for file in self._from_git() or self._walk() if not file.startswith(GENERATED))

    def _from_git(self):
        if not os.path.exists(os.path.join(self.root, ".git")):
            return []
        listed = subprocess.run(["git", "-c", f"safe.directory={self.root}", "-C", self.root, "ls-files", "-z", "--cached", "--others",
                                 "--exclude-standard"], check=True, capture_output=True).stdout.decode()
        return [path for path in listed.split("\0") if path and os.path.isfile(os.path.join(self.root, path))]

    def _walk(self):
        found = []
        for folder, subfolders, names in os.walk(self.root):
            subfolders[:] = [name for name in subfolders if name not in SKIPPED_FOLDERS]
            found += [os.path.relpath(os.path.join(folder, name), self.root) for name in names]
        return found

    def path(self, file):
        return os.path.join(self.root, file)

    def read(self, file):
        """The text, or an empty one for binary content."""
        with open(self.path(file), "rb") as opened:
            content = opened.read()
        return "" if b"\0" in content else content.decode("utf-8", "replace")

    def matching(self, *endings, under=()):
        """Files with one of the endings, in one of the top folders if some are given."""
        return [file for file in self.files if file.endswith(endings) and (not under or file.split("/", 1)[0] in under)]

    def texts(self):
        """(file, text) of every text file."""
        for file in self.files:
            text = self.read(file)
            if text:
                yield file, text

    def grep(self, pattern, files=None):
        """(file, line number, match) of a compiled pattern, line by line."""
        for file in self.files if files is None else files:
            for number, line in enumerate(self.read(file).split("\n"), 1):
                for match in pattern.finditer(line):
                    yield file, number, match


_C_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    """C text with comments blanked; strings stay. Line numbers and columns are kept."""
    return _C_TOKEN.sub(lambda m: _blank(m.group()) if m.group()[0] == "/" else m.group(), text)


def code_only(text):
    """C text with comments, strings and character literals blanked."""
    return _C_TOKEN.sub(lambda m: _blank(m.group()), text)


def string_literals(text):
    """(line, literal) of each C string, comments left out."""
    for match in _C_TOKEN.finditer(text):
        if match.group()[0] == '"':
            yield text.count("\n", 0, match.start()) + 1, match.group()
