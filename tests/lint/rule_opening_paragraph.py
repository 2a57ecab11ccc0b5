"""A file says first what it is, what it holds true, which thread it lives on and who may include it."""
import re

SUMMARY = "every source file opens with a paragraph about itself"
SHEBANG = re.compile(r"^(#!.*\n)?(# *-\*-.*\n)?")
OPENINGS = {".c": ("/*", "//"), ".h": ("/*", "//"), ".cc": ("/*", "//"), ".py": ('"""', "#"), ".sh": ("#",), ".ts": ("/*", "//"),
            ".tsx": ("/*", "//"), "CMakeLists.txt": ("#",), "Makefile": ("#",)}


def findings(tree):
    for ending, openings in OPENINGS.items():
        for file in tree.matching(ending):
            text = SHEBANG.sub("", tree.read(file), count=1)
            if not text.startswith(openings):
                yield f"{file}:1: begins without a comment that says what the file is"


BAD = [{"dsl/a.c": "#include <stdio.h>\n"}, {"a.sh": "#!/bin/sh\nset -e\n"}, {"a.py": "import os\n"}]
GOOD = [{"dsl/a.c": "/* What it is. */\n", "a.sh": "#!/bin/sh\n# What it is.\n", "a.py": '"""What it is."""\n'}]
