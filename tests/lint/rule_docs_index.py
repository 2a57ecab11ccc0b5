"""docs/README.md is the index: each question of doc_questions.txt stands there with a link to its answer, and every page below docs/ has a link, so that a reader is
one click away from each."""
import re

SUMMARY = "docs/README.md leads to the answer of each question in tests/lint/doc_questions.txt and to every page in one hop"
INDEX, QUESTIONS = "docs/README.md", "tests/lint/doc_questions.txt"
FEWEST = 30


def questions(text):
    """(line, question, target) of each line that is no comment."""
    for number, line in enumerate(text.splitlines(), 1):
        if line and not line.startswith("#"):
            question, _, target = line.rpartition(" ")
            yield number, question, target


def entries(text):
    """{question: targets of the links behind it} of the index; a question ends with `?` or with what it asks."""
    joined = re.sub(r"\n +", " ", text)
    return {line[2:].split(" [")[0]: re.findall(r"\]\(([^)]+)\)", line) for line in joined.splitlines() if line.startswith("- ")}


def findings(tree):
    if INDEX not in tree.files or QUESTIONS not in tree.files:
        return
    asked, told = list(questions(tree.read(QUESTIONS))), entries(tree.read(INDEX))
    if len(asked) < FEWEST and tree.files.count("CMakeLists.txt"):
        yield f"{QUESTIONS}:1: {len(asked)} questions, at least {FEWEST}: add those that readers ask"
    for number, question, target in asked:
        if target not in told.get(question, []):
            yield f"{QUESTIONS}:{number}: {INDEX} does not answer \"{question}\" by a link to {target}: add the question and its link there"
    linked = {target.split("#")[0] for targets in told.values() for target in targets}
    for page in tree.matching(".md", under=("docs",)):
        name = page[len("docs/"):]
        if page != INDEX and name not in linked and not name.startswith(("spec/", "decisions/")):
            yield f"{page}:1: {INDEX} has no link to this page: add the question that it answers"


BAD = [
    {QUESTIONS: "Why? a.md\n", INDEX: "- How? [a](a.md)\n", "docs/a.md": ""},
    {QUESTIONS: "Why? a.md#b\n", INDEX: "- Why? [a](a.md)\n", "docs/a.md": ""},
    {QUESTIONS: "Why? a.md\n", INDEX: "- Why? [a](a.md)\n", "docs/a.md": "", "docs/x/b.md": ""},
]
GOOD = [{QUESTIONS: "# what\nWhy so? a.md#b\n", INDEX: "- Why so?\n  [a](a.md#b), and [b](x/b.md)\n", "docs/a.md": "", "docs/x/b.md": "", "docs/spec/c.md": ""}]
