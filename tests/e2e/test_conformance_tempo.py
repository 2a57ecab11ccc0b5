"""The conformance table: every test on one span that the planner pushes into Tempo (field × operator × type of value ×
awkward value). It asks the real Tempo in the planner's own words, and evaluates the same spans here.

Two columns. What is searched for has to contain ours: it may find more, never less. What is subtracted has to be contained in ours: it may find
less, never more. A cell is one test; the table prints a line for each field and operator, and how many cells are exact either way.
What no query can make Tempo find is named in lost_by_tempo, and counted.
BETRACE_SEED picks other cells (it is printed); --full takes all of them, --short a third of what is taken without
(make check).
"""
import collections
import itertools
import os
import random
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
import random_rules  # noqa: E402
import random_spans  # noqa: E402
import replay_compare as compare  # noqa: E402
from betrace_process import binary  # noqa: E402
from random_rules import quote  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from stumbling import Searches  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND = 1_000_000_000
FULL = "--full" in sys.argv
SEED = int(os.environ.get("BETRACE_SEED", "20252"))
SHORT = "--short" in sys.argv
CELLS = 1_000_000 if FULL else 300 if SHORT else 900
PAIRS = 80
LONGEST_FILTER_BYTES = 900  # beyond, a query needs blanks that only the program puts in: the replay tests ask those
KEYS = ("k", "http.status_code", "http.method", "http.url", "cluster", "k8s.pod.name", "odd key", "co:lon", 'qu"ote', "back\\slash", "a.b", "0num", "true", "status", "name", "kind")
VALUES = (*dict.fromkeys(random_spans.TEXTS), *dict.fromkeys(random_spans.INTEGERS), *random_spans.DECIMALS, True, False, *random_spans.ARRAYS, *random_spans.ODD_VALUES)
# 1 and 1.0 and True are one key of a dict.
INTEGERS = sorted(set(random_spans.INTEGERS)) + [3, -2**63 + 1]
DECIMALS = [value for value in random_spans.DECIMALS if random_rules.number(value)] + [0.5, -5.0, 2.0**63, 9007199254740991.0]
TEXTS = [text for text in dict.fromkeys(random_spans.TEXTS)]
DURATIONS = (*random_rules.DURATIONS, "-1s", "999999999ns")
SERVICES = (*dict.fromkeys(random_spans.SERVICES), True, 1.5, ["a"])


class Cell:
    """One test on a span. .searched and .subtracted: what the planner explains; .local: the traces that meet it; .findable: of these, all but
    what Tempo loses."""

    def __init__(self, field, operator, kind, text):
        self.field, self.operator, self.kind, self.text = field, operator, kind, text
        self.local = self.findable = frozenset()

    def rules(self):
        """Its two rules: the first shows what is searched and what we find, the second what is subtracted."""
        return f"trace.has({self.text})", f"not trace.has({self.text})"


# ---- the cells ----

def text_cells(field):
    for text in TEXTS:
        for operator in (*random_rules.ORDER, "contains", "starts_with", "ends_with"):
            yield Cell(field, operator, "string", f"{field} {operator} {quote(text)}")
    for pattern in random_rules.PATTERNS:
        for operator in ("matches", "=~", "!~"):
            yield Cell(field, operator, "pattern", f"{field} {operator} {quote(pattern)}")


def list_cells(field, literals):
    for operator in ("in", "not in"):
        for values in ((literals[0],), literals[:3], literals[-3:]):
            yield Cell(field, operator, "list", f"{field} {operator} [{', '.join(values)}]")


def attribute_cells(field):
    yield from text_cells(field)
    for kind, literals in (("integer", map(str, INTEGERS)), ("double", map(random_rules.number, DECIMALS)), ("boolean", ("true", "false"))):
        for literal, operator in itertools.product(literals, random_rules.ORDER if kind != "boolean" else ("==", "!=")):
            yield Cell(field, operator, kind, f"{field} {operator} {literal}")
    yield from list_cells(field, (quote("x"), "5", "1.5", "true", quote(""), str(2**53 + 1)))
    yield Cell(field, "exists", "any", f"exists({field})")
    yield Cell(field, "is true", "any", f"(true and {field})")


def intrinsic_cells():
    for field in ("span.name", "span.service", "span.status_message"):
        yield from text_cells(field)
        yield from list_cells(field, tuple(map(quote, ("a", "", "x", "s", 'q"uo\\te'))))
    for literal in ("5", "1.5", "true"):
        for operator in ("==", "!="):
            yield Cell("span.service", operator, "no string", f"span.service {operator} {literal}")
    for field, words in (("span.kind", otlp.KINDS), ("span.status", otlp.STATUSES)):
        for word, operator in itertools.product(words, ("==", "!=")):
            yield Cell(field, operator, "word", f"{field} {operator} {word}")
        yield from list_cells(field, tuple(map(quote, words)))
    for duration, operator in itertools.product(DURATIONS, random_rules.ORDER):
        yield Cell("span.duration", operator, "duration", f"span.duration {operator} {duration}")
    for name in (*dict.fromkeys(random_spans.NAMES), "s", "t-1"):
        yield Cell("name or service", "is", "string", quote(name))


def fields():
    """Attributes of each scope, with a plain key, with keys of their own columns, and with odd ones."""
    yield from ('span.attributes["k"]', 'resource.attributes["k"]', "k")
    yield from ('span.attributes["http.status_code"]', 'span.attributes["http.method"]', 'resource.attributes["cluster"]')
    for key in KEYS[3:4] + KEYS[5:]:
        yield f"span.attributes[{quote(key)}]"
        yield quote(key)


def all_cells():
    cells = list(intrinsic_cells())
    for field in fields():
        cells += attribute_cells(field)
    cells += [Cell(cell.field, "not " + cell.operator, cell.kind, f"not ({cell.text})") for cell in cells]
    return cells


def lost_by_tempo(cell, span):
    """Whether no query finds the span for this cell: what the field means of it is an array of the type that the key's column holds."""
    for scope, columns, made in zip(("span.", "resource."), random_spans.COLUMNS, (span.attrs, span.resource)):
        is_meant = cell.field.startswith(scope) or not cell.field.startswith(("span.", "resource."))
        key = next((key for key in made if is_meant and (cell.field == key or quote(key) in cell.field)), None)
        if key and not random_spans.counts_as_missing(made[key]):
            return random_spans.is_lost(columns, key, made[key])
    return False


def values_of(span):
    return span.attrs.get("k"), span.resource.get("k")


def is_nan(value):
    return isinstance(value, float) and value != value


def has_several_doubles(span):
    return any(isinstance(value, list) and len(value) > 1 and isinstance(value[0], float) for value in values_of(span))


# ---- the spans ----

def plain_span(rng, start_ns, **fields):
    """A trace of one span with nothing awkward in it but these fields."""
    trace = random_spans.RandomTrace(rng, start_ns, has_nan=False)
    span = trace.spans[0]
    span.name, span.message, span.kind, span.status, span.duration_ns, span.parent = "p", "", "internal", "unset", 1_000_000, ""
    span.attrs, span.resource, span.events, span.twice, span.lacks = {}, {"service.name": "svc"}, [], False, ()
    span.start_ns = start_ns
    for name, value in fields.items():
        setattr(span, name, value)
    trace.spans = [span]
    return trace


def all_traces(rng, start_ns):
    """One trace for each value of each field; the same values as attributes of the span, of the resource, and of both at odds."""
    def make(**fields):
        return plain_span(rng, start_ns + rng.randrange(SECOND), **fields)
    traces = [make(attrs=dict.fromkeys(KEYS, value)) for value in VALUES]
    traces += [make(resource={"service.name": "svc", **dict.fromkeys(KEYS, value)}) for value in VALUES]
    for own, resource in (rng.sample(VALUES, 2) for _ in range(PAIRS)):
        if any(map(is_nan, (own, resource))) and [1.5, -1.0] in (own, resource):
            continue
        traces.append(make(attrs=dict.fromkeys(KEYS, own), resource={"service.name": "svc", **dict.fromkeys(KEYS, resource)}))
    traces += [make(name=name) for name in (*dict.fromkeys(random_spans.NAMES), "x", "xy")]
    traces += [make(message=text) for text in (*random_spans.MESSAGES, *TEXTS)]
    traces += [make(kind=kind, status=status) for kind, status in itertools.product(otlp.KINDS, otlp.STATUSES)]
    traces += [make(duration_ns=ns) for ns in (*random_spans.DURATIONS_NS, 999_999_999, 1_500_000_001)]
    traces += [make(resource={} if service is None else {"service.name": service}) for service in (*SERVICES, "x", "xy")]
    return traces


class Conformance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}", flush=True)
        rng = random.Random(SEED)
        cls.tempo = TempoServer(config="fast", closes_blocks=True).start()
        cls.searches = Searches(cls.tempo, os.path.dirname(os.path.dirname(binary())))
        cls.addClassCleanup(cls.tempo.stop)
        cls.now = int(time.time())
        cls.traces = all_traces(rng, (cls.now - 60) * SECOND)
        rng.shuffle(cls.traces)
        cls.push_in_two_blocks(rng)
        cells = all_cells()
        cls.cells = rng.sample(cells, min(CELLS, len(cells)))
        cls.total = len(cells)
        cls.plan_all()
        cls.evaluate_all()
        cls.tempo.wait_until(lambda: len(cls.found("{}")) == len(cls.traces), "all traces are searchable")

    @classmethod
    def push_in_two_blocks(cls, rng):
        """NaN in the second, with half of the others, without arrays of several doubles: an array beside NaN may be overlooked (DECISIONS 197)."""
        blocks = ([], [])
        for trace in cls.traces:
            span = trace.spans[0]
            has_nan = any(is_nan(value) for value in values_of(span))
            blocks[has_nan or (not has_several_doubles(span) and rng.random() < 0.5)].append(trace)
        for block in blocks:
            status, _, body = cls.tempo.push_request({"resourceSpans": [trace.spans[0].resource_spans() for trace in block]})
            assert status == 200 and b"rejected" not in body, body
            cls.tempo.wait_until(lambda b=block: {trace.trace_id for trace in b} <= cls.found("{}"), "the block is searchable")
            cls.tempo.close_blocks()

    @classmethod
    def found(cls, query, is_over=True):
        return cls.searches.ids(query, cls.now - 300, cls.now + 300, 100000, is_over)

    @classmethod
    def plan_all(cls):
        """Keeps the cells that compile, with their filters."""
        kept = []
        with compare.planning_server() as server:
            for cell in cls.cells:
                over, under = (server.post("/v1/rules/validate", {"dsl": text}).json() for text in cell.rules())
                if not over["valid"]:
                    continue
                cell.searched = over["explain"]
                cell.subtracted = under["explain"]["subtracted"]
                kept.append(cell)
        cls.refused = len(cls.cells) - len(kept)
        cls.cells = kept

    @classmethod
    def evaluate_all(cls):
        with tempfile.TemporaryDirectory(prefix="betrace-conformance-") as folder:
            path = compare.write_traces(folder, cls.traces)
            rules = [compare.Rule(f"r{number}", cell.rules()[0], None) for number, cell in enumerate(cls.cells)]
            verdicts = compare.evaluate(folder, rules, path)
        spans = {trace.trace_id: trace.spans[0] for trace in cls.traces}
        for rule, cell in zip(rules, cls.cells):
            cell.local = verdicts[rule.id]["violated"]
            cell.findable = {trace_id for trace_id in cell.local if not lost_by_tempo(cell, spans[trace_id])}

    def ask(self, cell):
        """(what the over-query finds, what the under-query finds), each None where it is too long to be asked here."""
        if cell.searched["strategy"] == "every_trace":
            over = {trace.trace_id for trace in self.traces}
        else:
            over = self.union(cell.searched["searched"], is_over=True)
        return over, self.union(cell.subtracted, is_over=False)

    def union(self, filters, is_over):
        if any(len(text) > LONGEST_FILTER_BYTES for text in filters):
            return None
        return set().union(*(self.found(text, is_over) for text in filters))

    def test_every_cell_is_sound(self):
        rows = collections.defaultdict(collections.Counter)
        wrong, too_long, self.lost = [], 0, 0
        for cell in self.cells:
            over, under = self.ask(cell)
            too_long += over is None or under is None
            row = rows[cell.field, cell.operator, cell.kind]
            row["cells"] += 1
            row["met"] += bool(cell.local)
            row["over wrong"] += over is not None and not over >= cell.findable
            row["over exact"] += over == cell.local
            row["under wrong"] += under is not None and not under <= cell.local
            row["under exact"] += under == cell.local
            self.lost += len(cell.local - over) if over is not None else 0
            wrong += self.describe(cell, over or set(cell.local), under or set())
        self.print_table(rows, too_long)
        self.assertEqual(len(wrong), 0, f"seed {SEED}, {len(wrong)} cells are unsound:\n" + "\n".join(wrong[:30]))
        self.assertLess(too_long, len(self.cells) // 10)
        self.assertLess(self.refused, len(self.cells) // 3)
        for column in ("met", "over exact", "under exact"):
            self.assertGreater(sum(row[column] for row in rows.values()), len(self.cells) // 10, f"the table says nothing: {column}")

    def describe(self, cell, over, under):
        lines = []
        for what, traces in (("searched, misses", cell.findable - over), ("subtracted, has wrongly", under - cell.local)):
            if traces:
                spans = [trace.spans[0] for trace in self.traces if trace.trace_id in traces]
                lines.append(f"{cell.text}\n  searched {cell.searched['searched']}, subtracted {cell.subtracted}\n  {what} {len(traces)} of {len(cell.local)}:\n"
                             + "\n".join(f"    {self.what_is_awkward(span)}" for span in spans[:10]))
        return lines

    @staticmethod
    def what_is_awkward(span):
        """The fields that all_traces gave this span: the value of k stands for all keys."""
        return (f"{span.name!r} {span.message!r} {span.kind} {span.status} {span.duration_ns} ns, service {span.resource.get('service.name')!r}, "
                f"span's {span.attrs.get('k', 'nothing')!r}, resource's {span.resource.get('k', 'nothing')!r}"[:400])

    def print_table(self, rows, too_long):
        print(f"{len(self.cells)} cells of {self.total} ({self.refused} do not compile, {too_long} too long to be asked), {len(self.traces)} traces, "
              f"{self.lost} times one that Tempo loses by name")
        print(f"{'field':36} {'operator':16} {'value':10} {'cells':>5} {'met':>5}  contains ours (exact)   is contained (exact)")
        for (field, operator, kind), row in sorted(rows.items()):
            over, under = ("NO " if row[f"{side} wrong"] else "yes" for side in ("over", "under"))
            print(f"{field:36} {operator:16} {kind:10} {row['cells']:5} {row['met']:5}  {over} {row['over exact']:13}      {under} {row['under exact']:13}")
        sys.stdout.flush()


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1, argv=[argument for argument in sys.argv if argument not in ("--full", "--short")])
