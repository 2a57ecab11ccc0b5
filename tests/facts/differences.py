"""In what the versions of Tempo differ, as far as tests know: the one table. Each row is a fact that a test in this folder holds on every version by
asking TempoCase.holds(name). `python3 tests/facts/differences.py` prints it for docs/reference/tempo-versions.md, where facts_differences.py compares it.

What each filter finds of each kind of value differs too much for a row: that is in filters/, a table for each version (facts_filters.py).
"""
import sys
import textwrap
from dataclasses import dataclass

FAMILIES = ("2.8", "2.10", "3.0", "3.1")
# A family that behaves as another one where nothing is said of it: in a row, and where it has no table of filters of its own.
AS_BEFORE = {"3.1": "3.0"}


@dataclass(frozen=True)
class Difference:
    """text: what is asked or done, for people. by: what holds, by family, or by family and layout ("3.0-vparquet5"). means: what follows for betrace.
    A family of AS_BEFORE stands in `by` only where it differs from the one before it."""
    text: str
    by: dict
    means: str = ""


def no_yes(text, means="", **others):
    """False in 2.8, true in what came after."""
    return Difference(text, {"2.8": False, "2.10": True, "3.0": True, **others}, means)


def yes_no(text, means="", **others):
    return Difference(text, {"2.8": True, "2.10": False, "3.0": False, **others}, means)


TABLE = {
    # --- what a query finds
    "= nil is a query": no_yes("`= nil` is a query at all", "never written: before 3.1 it finds nothing next to another test"),
    "= nil beside another test finds what is missing": Difference("`= nil` next to another test finds spans without the attribute",
                                                                  {"2.8": False, "2.10": False, "3.0": False, "3.1": True}, "never written"),
    "a negated operator needs its other side": yes_no("`{ A } !>> { B }` and its like find nothing in a trace that has no A at all",
                                                      "absence is decided here, on every version"),
    "an id with leading zeros is found": no_yes("a trace id with leading zeros is found by `trace:id =~`", "ids are written without"),
    "a NaN hides other doubles": yes_no("a NaN hides other doubles of its page from comparisons", "comparisons of doubles are asked twice, on every version"),
    "!= finds what is missing": Difference("`span.http.method != \"a\"` (a key with a column for strings) is true where it is missing",
                                           {"2.8": False, "2.10": True, "3.0": False}, "never written of attributes"),
    "!= nil takes values from beside it": yes_no("`k != nil \\|\\| k = 5` loses the 5 of a key with a column for strings, in completed blocks",
                                                 "`!= nil` is asked alone or not at all"),
    "either bool is refused beside an array": Difference("`k = true \\|\\| k = false` next to an array: 500", {"2.8": False, "2.10": False, "3.0": True},
                                                         "other tests stand between them"),
    "url.path has a column": Difference("`url.path` and others have a column without being configured",
                                        {"2.8": False, "2.10": True, "2.10-dedicated": False, "3.0": True, "3.0-dedicated": False}, "no list of keys is relied on"),
    "presence of an int column is found where it is missing": Difference(
        "tests of a key with a column for integers, of every type at once, are true where it is missing", {"2.8": False, "2.10": True, "3.0": False}),
    "arrays are mixed up": yes_no("arrays of several elements are mixed up where a query tests something else",
                                  "one attribute of each scope in a query, on every version"),
    "an array beside itself is refused": Difference("`span.x != span.x` next to an array: 500", {"2.8": False, "2.10": False, "3.0": True}, "never written"),
    "an array under a column is found": Difference("an array under a key with a column is found by its elements",
                                                   {"2.8": False, "2.10": False, "3.0": False, "3.0-vparquet5": True}, "such traces are read"),
    "a link to an id of a zero byte is found": no_yes("`link:traceID =` finds links to an id whose first byte is zero",
                                                      "2.8 is asked for every trace that links, and links are compared here"),
    "a span whose first link has no trace id is found": yes_no("`link:traceID != \"\"` finds a span whose first link has no trace id, and a later one has",
                                                               "what it does not find is read by id"),
    "an empty event name is found where there are no events": Difference('`event:name = ""` finds spans without an event', {"2.8": True, "2.10": True, "3.0": False},
                                                                         "nothing is subtracted by events"),
    "a search shows what lies in the future": yes_no("a search whose range goes on into the future shows what is dated there",
                                                     "it shows once its time has come; ranges are settled only some time after their end"),
    "without a range what never ended is found": yes_no("a search without a range finds a trace whose only span never ended", "such traces are named where a Tempo is described; files and pushes judge them"),
    "a range that begins in the present second is refused": no_yes("a range that begins in the present second, or later", "no question begins there",
                                                                   **{"2.8": "answered", "2.10": "400; later: answered for the last hour", "3.0": "400; later: answered for the last hour"}),
    # --- what is stored
    "two traces with one hash are one": yes_no("two traces whose ids have one hash of 32 bits, in memory at once, are stored as one (mended in 2.8.1)",
                                               "says so of 2.8.0 wherever the source is named"),
    # --- reads by id
    "q narrows a read by id": Difference("`q`, `keep_hierarchy` and `match_depth` narrow a read by id, and it may be pruned by default",
                                         {"2.8": False, "2.10": False, "3.0": False, "3.1": True}, "never sent; each read asks for all spans (`span_pruning=false`)"),
    # --- what an answer says
    "a search that accepts protobuf is answered in": no_yes("a search that accepts protobuf is answered in", "by the Content-Type",
                                                            **{"2.8": "application/json", "2.10": "application/protobuf", "3.0": "application/protobuf"}),
    "a missing attribute under a column is read as": Difference("a missing attribute of a key with a column, in a batch",
                                                                {"2.8": None, "2.10": "nil", "3.0": "nil"}, "never taken for a value"),
    "a value beside its column's type may be read as": Difference(
        "what a batch that asks for every type may say of a value of another type than the column's, as pages were cut",
        {"2.8": None, "2.10": "nil", "3.0": "nil"}, "read by id"),
    "an array under a column is read as": Difference("an array under a key with a column, in a batch",
                                                     {"2.8": [], "2.10": ["nil"], "3.0": ["nil"], "3.0-vparquet5": ["POST"]}, "read by id"),
    "resources of one hash become one": yes_no("two resources of one trace that differ in types or in keys with columns only become one"),
    "cluster has a column": Difference("the resource's `cluster`, `namespace` and `pod` have a column without being configured",
                                       {"2.8": True, "2.10": True, "3.0": True, "3.0-vparquet5": False}, "no list of keys is relied on"),
    "a later value of another type replaces the column's": Difference(
        "of a key with a column that stands twice, a later value of another type takes the place of the column's, in every answer",
        {"2.8": False, "2.10": False, "3.0": False, "3.0-vparquet5": True}, "what Tempo did not keep is not judged"),
    # --- what is refused
    "spss=0 is refused": yes_no("`spss=0` is refused"),
    "the largest limit by default": Difference("the largest `limit` by default", {"2.8": None, "2.10": 262144, "3.0": 262144}),
    "429 above the burst says Retry-After": Difference("`Retry-After` of a push above the burst, which never passes", {"2.8": None, "2.10": None, "3.0": "5"},
                                                       "its sentence decides, not the header"),
    # --- the tag API
    "a key in the path is quoted": no_yes("in the path of the tag API a key is quoted as in a query"),
    "a key with a slash has values": no_yes("values of a key with a slash can be asked for"),
    "a regex narrows the values of a tag": Difference("`q` with a regex narrows the values of a tag", {"2.8": False, "2.10": False, "3.0": True}),
    # --- when what is visible
    "the newest seconds are hidden (query_end_cutoff)": Difference("searches hide the newest seconds (`query_end_cutoff`)", {"2.8": False, "2.10": False, "3.0": True},
                                                                   "settle covers it; its configuration is read"),
    "a trace waits in memory until it is idle": no_yes("`trace_idle_period` and `max_trace_idle` are kept: what is not idle yet is in no search"),
    "GET /flush answers": Difference("`GET /flush`, which closes blocks, answers", {"2.8": 204, "2.10": 204, "3.0": 404}, "tests only"),
    # --- TraceQL metrics, as the shipped alert asks for them
    "TraceQL metrics need a metrics generator": Difference("TraceQL metrics need a metrics generator", {"2.8": True, "2.10": True, "3.0": False}),
    "an instant query of TraceQL metrics answers its first step only": yes_no("an instant query of TraceQL metrics answers its first step only",
                                                                              "the shipped alert asks for a range"),
}


def families_of(variant):
    """Its own, and those that it behaves as where nothing is said of it."""
    families = [variant.family]
    while families[-1] in AS_BEFORE:
        families.append(AS_BEFORE[families[-1]])
    return families


def columns_of(variant):
    """The columns that may speak of this Tempo, the nearest first: 3.1-vparquet5, 3.1, 3.0-vparquet5, 3.0. vParquet5 is one layout, chosen or not."""
    return [column for family in families_of(variant) for column in (f"{family}-{variant.block_layout}", family)]


def of(name, variant):
    """What the row says of this Tempo. A version of which no facts were taken is a failure: what holds has to be found out first."""
    by = TABLE[name].by
    for column in columns_of(variant):
        if column in by:
            return by[column]
    raise AssertionError(f"no facts were taken of Tempo {variant.version}: run the tests of this folder, and give each row of differences.py, and filters/, a column {variant.family}")


def column_told(row, family):
    """What a version's cell of the table says: for both layouts where they differ."""
    told = [word(row.by[family])]
    told += [f"{layout} {word(value)}" for layout, value in ((column[len(family) + 1:], value) for column, value in row.by.items() if column.startswith(family + "-"))]
    return ", ".join(told)


def word(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == []:
        return "none"
    return f"`{value[0]}`" if isinstance(value, list) else f"`{value}`"


def markdown():
    """The list as docs/reference/tempo-versions.md has it: an entry for each difference, its lines within 120 columns."""
    return "".join(textwrap.fill(entry(row), 120, initial_indent="- ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) + "\n"
                   for row in TABLE.values())


def entry(row):
    told = ". ".join(f"{family}: {column_told(row, family)}" for family in FAMILIES if family in row.by)
    text = row.text.replace("\\|", "|")  # as a cell of a table has it
    return f"**{text}**. {told}." + (f" So betrace: {row.means}." if row.means else "")


if __name__ == "__main__":
    sys.stdout.write(markdown())
