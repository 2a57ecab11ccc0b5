"""The measured table of filters: taking it, writing it as text, reading it back, and holding one against another.

A line is a shape, its marks, one for each cell in the order of the head, and the keys of which that is true. Marks: x found, while the span is in the
write-ahead log and in a completed block; W only in the log; C only in a completed block; . not found; E refused; ? now so and now so (arrays that Tempo 2.8
mixes up). Two marks stand behind the cells. "hides": whether a NaN elsewhere in the block hides a cell that is else found. "bare": whether a span
without the key is found where the block holds strings only.
"""
import os
from concurrent.futures import ThreadPoolExecutor

import filter_cells as cells
from tempo_case import TempoServer

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "filters")
HEAD = [*cells.CELLS, "hides", "bare"]
SHAPE_WIDTH = 27
# In 3.x blocks are cut by their age alone.
BLOCK_SECONDS = {"log": 600, "completed": 2}


def take_place(place, variant):
    """{(key, shape): answer of cells.ask} with the spans in one place."""
    with TempoServer("fast", multitenant=True, variant=variant, block_seconds=BLOCK_SECONDS[place]) as tempo:
        made = cells.push_cells(tempo)
        if place == "completed":
            tempo.close_blocks()
        pairs = [(key, shape) for key in cells.KEYS for shape in cells.SHAPES]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda pair: cells.ask(tempo, made, *pair), pairs))
        if bool(tempo.open_blocks()) != (place == "log"):
            raise AssertionError(f"the spans should be in {place}; open blocks: {tempo.open_blocks()}")
        return dict(zip(pairs, answers))


def mark(in_log, in_completed):
    return {(True, True): "x", (True, False): "W", (False, True): "C", (False, False): "."}[in_log, in_completed]


def row_of(log, completed):
    """The marks of one key and shape, as a string."""
    if any(isinstance(answer, str) for place in (log, completed) for answer in place.values()):
        return "E" * len(HEAD)
    found = [mark(label in log[tenant], label in completed[tenant])
             for label in cells.CELLS for tenant in (["harmed"] if label in cells.HARMFUL else ["clean"])]
    hides = [bool(place["clean"] - place["harmed"]) for place in (log, completed)]
    bare = ["missing" in place["few"] for place in (log, completed)]
    return "".join([*found, mark(*hides), mark(*bare)])


def take(variant):
    """{(shape, text of the key): marks}"""
    with ThreadPoolExecutor(2) as pool:
        log, completed = pool.map(lambda place: take_place(place, variant), BLOCK_SECONDS)
    return {(shape, key.text): row_of(log[key, shape], completed[key, shape]) for key in cells.KEYS for shape in cells.SHAPES}


def text_of(rows):
    """The table, keys of one behaviour in one line."""
    lines = [" " * SHAPE_WIDTH + " ".join(HEAD) + "  keys"]
    for shape in cells.SHAPES:
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


def path_of(variant):
    return os.path.join(FOLDER, f"{variant.family}{'-' if variant.layout else ''}{variant.layout}.txt")


def read(variant):
    with open(path_of(variant), encoding="utf-8") as file:
        return rows_of(file.read())


def widened(rows, others):
    """What both say; ? where they differ. What no query of ours asks (cells.UNSAFE) is ? throughout then, but for the first, what is missing."""
    made = {}
    for (shape, key), marks in rows.items():
        both = "".join(a if a == b else "?" for a, b in zip(marks, others[shape, key]))
        is_loose = shape in cells.UNSAFE and "?" in both
        made[shape, key] = both[0] + "?" * len(both[1:]) if is_loose else both
    return made


def differences(expected, seen):
    """Lines for people: what is not as expected. A ? of the expected table is met by anything."""
    lines = []
    for (shape, key), marks in expected.items():
        for label, wanted, got in zip(HEAD, marks, seen[shape, key]):
            if wanted not in ("?", got):
                lines.append(f"{{ {cells.SHAPES[shape]} }} of {key}, cell {label}: expected {wanted}, got {got}")
    return lines
