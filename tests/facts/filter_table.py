"""The measured table of filters: taking it, writing it as text, reading it back, and holding one against another.

A line is a shape, its marks, one for each cell in the order of the head, and the keys of which that is true. Marks: x found, while the span is in the
write-ahead log and in a completed block; W only in the log; C only in a completed block; . not found; E refused; ? now so and now so (arrays that Tempo 2.8
mixes up, and what a NaN hides where a slow machine cuts blocks elsewhere). Two marks stand behind the cells. "hides": whether a NaN elsewhere in the block
hides a cell that is else found. "bare": whether a span without the key is found where the block holds strings only. The last lines say what a batch reads
of each cell, by the marks of cells.mark_of_read.
"""
import os
import re
from concurrent.futures import ThreadPoolExecutor

import differences as version_differences
import filter_cells as cells
from tempo_case import TempoServer

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "filters")
HEAD = [*cells.CELLS, "hides", "bare"]
SHAPE_WIDTH = max(map(len, cells.SHAPES)) + 1
TEST_BESIDE_TEST = re.compile(r"(K|\.N) [^()|]*&& (K|span\.N|resource\.N)")
READ_LINES = {f"{how} ({place})": (how, place) for how in cells.READS for place in ("log", "completed")}
# In 3.x blocks are cut by their age alone.
BLOCK_SECONDS = {"log": 600, "completed": 2}


def take_place(place, variant):
    """{(key, shape): answer of cells.ask} with the spans in one place."""
    with TempoServer("fast", multitenant=True, variant=variant, block_seconds=BLOCK_SECONDS[place]) as tempo:
        made = cells.push_cells(tempo)
        if place == "completed":
            tempo.close_blocks()
        asked = {(key, shape): cells.ask for key in cells.KEYS for shape in cells.SHAPES}
        asked.update({(key, how): cells.read for key in cells.KEYS for how in cells.READS})
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda pair: asked[pair](tempo, made, *pair), asked))
        if bool(tempo.open_blocks()) != (place == "log"):
            raise AssertionError(f"the spans should be in {place}; open blocks: {tempo.open_blocks()}")
        return dict(zip(asked, answers))


def mark(in_log, in_completed):
    return {(True, True): "x", (True, False): "W", (False, True): "C", (False, False): "."}[in_log, in_completed]


def mixed_up(variant):
    """Cells that 2.8 finds or misses by chance where a query tests more of their scope than one thing."""
    lists = [label for label in cells.CELLS if isinstance(cells.value_of(label), list) and len(cells.value_of(label)) > 1]
    return lists if variant.family == "2.8" else []


def row_of(log, completed, ignored):
    """The marks of one key and shape, as a string. ignored: cells of which it says nothing that a NaN hides them."""
    if any(isinstance(answer, str) for place in (log, completed) for answer in place.values()):
        return "E" * len(HEAD)
    found = [mark(label in log[tenant], label in completed[tenant])
             for label in cells.CELLS for tenant in (["harmed"] if label in cells.HARMFUL else ["clean"])]
    hides = [bool(place["clean"] - place["harmed"] - set(ignored)) for place in (log, completed)]
    bare = ["missing" in place["few"] for place in (log, completed)]
    return "".join([*found, mark(*hides), mark(*bare)])


def without_chance(rows, variant):
    """What comes now so and now so is not kept. 2.8 mixes up arrays of several elements where a test of an attribute stands beside another. 2.10 finds what
    is missing by `!=` and by order of strings where a column is, and which pages it then leaves out is chance: only that it does is kept; no query of ours
    asks so (cells.UNSAFE)."""
    def is_chance(shape, key, marks):
        return variant.family == "2.10" and shape in cells.UNSAFE and marks[0] == "x" and shape != "= nil" and key != "resource.service.name"

    def without(shape, key, marks):
        if is_chance(shape, key, marks):
            return marks[0] + "?" * len(marks[1:])
        by_chance = mixed_up(variant) if TEST_BESIDE_TEST.search(cells.SHAPES.get(shape, "")) else []
        return "".join("?" if label in by_chance else one for label, one in zip(HEAD, marks))

    return {(shape, key): without(shape, key, marks) for (shape, key), marks in rows.items()}


def row_of_read(told):
    found = [told["harmed" if label in cells.HARMFUL else "clean"][label] for label in cells.CELLS]
    return "".join([*found, ".", told["few"]["missing"]])


def take(variant):
    """{(shape, text of the key): marks}"""
    with ThreadPoolExecutor(2) as pool:
        log, completed = pool.map(lambda place: take_place(place, variant), BLOCK_SECONDS)
    rows = {(shape, key.text): row_of(log[key, shape], completed[key, shape], mixed_up(variant)) for key in cells.KEYS for shape in cells.SHAPES}
    for line, (how, place) in READ_LINES.items():
        rows.update({(line, key.text): row_of_read((log if place == "log" else completed)[key, how]) for key in cells.KEYS})
    return without_chance(rows, variant)


def text_of(rows):
    """The table, keys of one behaviour in one line."""
    lines = [" " * SHAPE_WIDTH + " ".join(HEAD) + "  keys"]
    for shape in [*cells.SHAPES, *READ_LINES]:
        keys = {}
        for key in cells.KEYS:
            keys.setdefault(rows[shape, key.text], []).append(key.text)
        for number, (marks, its) in enumerate(sorted(keys.items(), key=lambda item: -len(item[1]))):
            spread = " ".join(one.center(len(label)) for one, label in zip(marks, HEAD))
            lines.append(f"{shape if number == 0 else '':<{SHAPE_WIDTH}}{spread}  {', '.join(its)}")
    return "\n".join(lines) + "\n"


def rows_of(text):
    """The reverse of text_of."""
    head, *lines = text.rstrip("\n").split("\n")
    if head.split() != [*" ".join(HEAD).split(), "keys"]:
        raise AssertionError(f"expected the head {' '.join(HEAD)}, got {head.strip()}; take the table again (--write)")
    rows, shape = {}, None
    for line in lines:
        shape = line[:SHAPE_WIDTH].strip() or shape
        words = line[SHAPE_WIDTH:].split()
        for key in " ".join(words[len(HEAD):]).split(", "):
            rows[shape, key] = "".join(words[:len(HEAD)])
    return rows


def path_of(variant, family=None):
    """vParquet5 has one table, whether it was chosen or not: both have a column for each key of cells.KEYS that has one in either."""
    return os.path.join(FOLDER, "-".join(filter(None, (family or variant.family, variant.block_layout))) + ".txt")


def path_read(variant):
    """Its own table, else that of the family that it behaves as."""
    paths = [path_of(variant, family) for family in version_differences.families_of(variant)]
    return next((path for path in paths if os.path.exists(path)), paths[0])


def read(variant):
    with open(path_read(variant), encoding="utf-8") as file:
        return rows_of(file.read())


def widened(rows, others):
    """What both say; ? where they differ."""
    return {place: "".join(a if a == b else "?" for a, b in zip(marks, others[place])) for place, marks in rows.items()}


def differences(expected, seen):
    """Lines for people: what is not as expected. A ? of the expected table is met by anything."""
    lines = []
    for (shape, key), marks in expected.items():
        for label, wanted, got in zip(HEAD, marks, seen[shape, key]):
            if wanted not in ("?", got):
                lines.append(f"{cells.SHAPES.get(shape, shape)}, key {key}, cell {label}: expected {wanted}, got {got}")
    return lines
