"""The filters that the planner writes for tests of one attribute, and what they have to find. The texts are those of tests/cases/plan/written.case,
which tests/dsl/plan_case_test.c holds against the writer in every build: what is asked of Tempo here cannot be another text than betrace sends.

A case of the file is a rule `when { trace.has(TEST) } always { trace.has(TEST) }`: its plan searches for TEST and subtracts it.
"""
import math
import os
import re
from dataclasses import dataclass, field

PATH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cases", "plan", "written.case")


@dataclass
class Written:
    """A case. Of each kind the shapes by their labels. searched: together they find all that is meant; wider: what is asked instead of them where
    Tempo stumbles (where nothing is wider: empty); subtracted: none of them finds anything that is not meant. reads: by the kind of read."""
    label: str
    rule: str
    searched: dict = field(default_factory=dict)
    wider: dict = field(default_factory=dict)
    subtracted: dict = field(default_factory=dict)
    reads: dict = field(default_factory=dict)


def fields_of(block):
    """{key: lines} of one case; the bars are taken off."""
    fields, key = {}, ""
    for line in block:
        if not line.startswith(" "):
            key, _, line = line.partition(" ")
            fields[key] = []
        fields[key].append(line.strip().removeprefix("|"))
    return fields


def shape_of(query):
    """What stands between the braces, of any key K of a scope S; of both scopes span.N and resource.N."""
    inside = query.strip()[1:query.strip().rindex("}")].strip()
    if "resource.x" in inside:
        return inside.replace("span.x", "span.N").replace("resource.x", "resource.N")
    return inside.replace("span.x", "K").replace("span.betrace", "S.betrace")


def queries_of(plan):
    """{heading of the plan: its queries}"""
    found, heading = {}, ""
    for line in plan:
        if line and not line.startswith(" "):
            heading = line
        elif line.strip().startswith("{"):
            found.setdefault(heading, []).append(shape_of(line))
    return found


def labelled(label, kind, shapes):
    """The second of what is searched is the surplus; else those after the first are numbered."""
    labels = [f"{label}{kind}", *(f"{label}{kind}, surplus" if kind != ", subtracted" else f"{label}{kind} {number}" for number in range(2, len(shapes) + 1))]
    return dict(zip(labels, shapes))


def read_of(query):
    """A read of the cells: by their name in place of ids."""
    return re.sub(r'trace:id =~ "[^"]*"', 'name = "cell"', query).replace("span.x", "K").replace("span.betrace", "S.betrace")


def case_of(comment, fields):
    queries = queries_of(fields["plan"])
    made = Written(comment, " ".join(fields["rule"]))
    made.searched = labelled(comment, "", queries["violating"])
    made.wider = labelled(comment, ", wider", [shape_of(line) for line in fields.get("wider", [])])
    made.subtracted = labelled(comment, ", subtracted", queries.get("subtract", []))
    made.reads = {kind: read_of(fields[key][0]) for kind, key in (("batch", "read"), ("doubted", "doubted"), ("lists", "lists")) if key in fields}
    return made


def read_cases(path=PATH):
    with open(path, encoding="utf-8") as file:
        blocks = [block.split("\n") for block in file.read().strip().split("\n\n")]
    return [case_of(block[0].removeprefix("# "), fields_of(block[1:])) for block in blocks]


def shapes_of(cases):
    """{label: shape}, each text once, under the label that it has first."""
    shapes = {}
    for case in cases:
        for label, shape in {**case.searched, **case.wider, **case.subtracted}.items():
            if shape not in shapes.values():
                shapes[label] = shape
    return shapes


CASES = read_cases()
SHAPES = shapes_of(CASES)
READS = {kind: query for case in CASES for kind, query in case.reads.items()}
LABEL_OF = {shape: label for label, shape in SHAPES.items()}

# ---- what is meant ----


def is_number(value):
    return type(value) in (int, float) and not math.isnan(value)


NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def read(value):
    """The number or boolean that a text reads as; else the value itself."""
    if not isinstance(value, str):
        return value
    if value.lower() in ("true", "false") and value.isascii():
        return value.lower() == "true"
    return float(value) if NUMBER.fullmatch(value) else value


def is_same(value, wanted):
    """Two texts are compared as texts; a text and a number or boolean as what the text reads as."""
    if isinstance(value, str) and isinstance(wanted, str):
        return value == wanted
    value, wanted = read(value), read(wanted)
    return value == wanted and (type(value) is type(wanted) or is_number(value) and is_number(wanted))


def is_one_of(*wanted):
    return lambda value: any(is_same(value, one) for one in wanted)


def is_text(of):
    return lambda value: isinstance(value, str) and of(value)


def is_such_number(of):
    return lambda value: is_number(read(value)) and of(read(value))


def is_above_the_text(text):
    """Texts by their order, numbers by what the text reads as."""
    return lambda value: value > text if isinstance(value, str) else is_number(value) and value > read(text)


def either(*tests):
    return lambda value: any(test(value) for test in tests)


def some_element(test):
    """An array meets what one of its elements meets; an empty or a mixed one is missing."""
    return lambda value: any(map(test, value)) if isinstance(value, list) else test(value)


def is_there(value):
    return not isinstance(value, (dict, bytes)) and value != [] and not (isinstance(value, list) and len(set(map(type, value))) > 1)


# What the language says of a value, by the label of the case: written down a second time, so that the program's evaluator does not answer for itself.
MEANT = {
    '= "a"': is_one_of("a"), '= ""': is_one_of(""), '= "nil"': is_one_of("nil"), '=~ "a.*"': is_text(lambda text: text.startswith("a")),
    "any string": is_text(lambda text: text < "m"), "= 5": is_one_of(5), "< 6": is_such_number(lambda number: number < 6),
    "<= 5": is_such_number(lambda number: number <= 5), "> 4": is_such_number(lambda number: number > 4),
    ">= 5": is_such_number(lambda number: number >= 5), "= 1.5": is_one_of(1.5), "< 2.5": is_such_number(lambda number: number < 2.5),
    "> 1.2": is_such_number(lambda number: number > 1.2), "= true": is_one_of(True), "= false": is_one_of(False), "present": lambda value: True,
    '= "a" or = 5': is_one_of("a", 5), '= "a" or = "nil"': is_one_of("a", "nil"), '= "nil" or = 5': is_one_of("nil", 5),
    '= "nil" or = true': is_one_of("nil", True), '= "nil" or > 4.0': either(is_one_of("nil"), is_such_number(lambda number: number > 4)),
    "= true or = false": is_one_of(True, False), '=~ "n.*" or = 5': either(is_text(lambda text: text.startswith("n")), is_one_of(5)),
    '=~ "a.*" or =~ "n.*"': is_text(lambda text: text[:1] in ("a", "n")), '= "nil", either scope': is_one_of("nil"),
    '= "5"': is_one_of("5"), '> "4"': is_above_the_text("4"), '= "True"': is_one_of("True"), "= 5, either scope": is_one_of(5), "present, either scope": lambda value: True, '= "a", of a name': is_one_of("a"),
}


def is_meant(label, value):
    """Whether a span with the value meets the case's test. value: None where there is none."""
    if value is None or not is_there(value):
        return False
    if label == '!= "a"':  # present, and no element is "a"
        return not some_element(MEANT['= "a"'])(value) and not (isinstance(value, float) and math.isnan(value))
    return some_element(MEANT[label])(value)
