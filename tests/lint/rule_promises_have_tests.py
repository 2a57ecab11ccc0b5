"""docs/RELIABILITY.md names a test for each promise; a name that leads nowhere would be a promise that nothing holds."""
import re

SUMMARY = "every test that docs/RELIABILITY.md names exists"
PAGE = "docs/RELIABILITY.md"
NAMED = re.compile(r"`(tests/[\w./-]+)(?:::(\w+))?`")


def findings(tree):
    if PAGE not in tree.files:
        return
    for number, line in enumerate(tree.read(PAGE).splitlines(), 1):
        for path, name in NAMED.findall(line):
            is_there = path in tree.files or (path.endswith("/") and any(file.startswith(path) for file in tree.files))
            if not is_there:
                yield f"{PAGE}:{number}: there is no {path}: name the test that holds this promise now"
            elif name and not re.search(rf"\b{name}\b", tree.read(path)):
                yield f"{PAGE}:{number}: {path} has no test {name}: name the one that holds this promise now"


BAD = [{PAGE: "| a | `tests/a.c::b` |\n", "tests/a.c": "static void c(void **state) {}\n"}, {PAGE: "| a | `tests/b.c` |\n", "tests/a.c": ""}]
GOOD = [{PAGE: "| a | `tests/a.c::b`, `tests/fuzz/` |\n", "tests/a.c": "static void b(void **state) {}\n", "tests/fuzz/x.c": ""}]
