"""What docs/explanation/compared.md says of TraceQL: what it can ask of a trace, and what it makes of a span that is missing."""
import time

import tempo_case as facts
from tempo_case import SECOND, otlp

AGE_SECONDS = 6
A, B, ROOT = '{ name = "cmp.a" }', '{ name = "cmp.b" }', "{ nestedSetParent < 0 }"
WITHOUT = f"({B} !<< {ROOT}) && {A}"


class LeavesOut(facts.TempoCase):
    def assert_leaves_out(self, query, trace_id):
        """For a while the query never shows a trace that is there."""
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            self.assertIn(trace_id, self.search(A))
            self.assertNotIn(trace_id, self.search(query), query)


class ComparedFacts(LeavesOut):
    config = "fast"

    @classmethod
    def prepare(cls):
        cls.start = int(time.time() - AGE_SECONDS) * SECOND
        # name → the tree of a trace: (name of the span, number of its parent, start after the trace's in ms)
        shapes = {"a only": [("cmp.root", None, 0), ("cmp.a", 0, 1)],
                  "b below a": [("cmp.root", None, 0), ("cmp.a", 0, 1), ("cmp.mid", 1, 2), ("cmp.b", 2, 3)],
                  "b child of a": [("cmp.root", None, 0), ("cmp.a", 0, 1), ("cmp.b", 1, 2)],
                  "b beside a": [("cmp.root", None, 0), ("cmp.a", 0, 1), ("cmp.b", 0, 2)],
                  "b before a": [("cmp.root", None, 0), ("cmp.b", 0, 1), ("cmp.a", 0, 9)],
                  "b only": [("cmp.root", None, 0), ("cmp.b", 0, 1)],
                  "many a": [("cmp.root", None, 0)] + [("cmp.a", 0, i) for i in range(1, 6)]}
        cls.ids = {name: otlp.new_trace_id() for name in shapes}
        for name, tree in shapes.items():
            ids = [otlp.new_span_id() for _ in tree]
            cls.tempo.push([otlp.span(cls.ids[name], span, cls.start + ms * 1_000_000, span_id=ids[i], parent="" if parent is None else ids[parent])
                            for i, (span, parent, ms) in enumerate(tree)])
        cls.wait_found('{ name = "cmp.root" }', cls.ids.values())

    def traces(self, *names):
        return {self.ids[name] for name in names}

    def test_it_counts_and_aggregates(self):
        self.assert_finds(f"{A} | count() > 3", self.traces("many a"))
        self.assert_finds(f"{A} | avg(duration) >= 0s | count() > 3", self.traces("many a"))

    def test_it_knows_structure(self):
        self.assert_finds(f"{A} >> {B}", self.traces("b below a", "b child of a"))
        self.assert_finds(f"{A} > {B}", self.traces("b child of a"))
        self.assert_finds(f"{A} ~ {B}", self.traces("b beside a", "b before a"))

    def test_spans_without_another_above_them(self):
        """In 2.8 only where the other one is somewhere in the trace: not in "b only"."""
        alone = [] if self.holds("a negated operator needs its other side") else ["b only"]
        self.assert_finds(f"{A} !>> {B}", self.traces("b beside a", "b before a", *alone))

    def test_groups_and_chosen_attributes(self):
        self.assert_finds(f"{A} | by(resource.service.name) | select(kind)", self.traces(*(name for name in self.ids if name != "b only")))

    def test_a_trace_with_a_and_no_b(self):
        """It is asked for by the root that has no B below it, from 2.10 on."""
        if self.holds("a negated operator needs its other side"):
            for query in (WITHOUT, f"{B} !<< {A}", f"{B} !>> {A}", f"{B} !~ {A}"):
                self.assert_leaves_out(query, self.ids["a only"])
        else:
            self.assert_finds(WITHOUT, self.traces("a only", "many a"))

    def test_order_and_correlation_are_no_part_of_it(self):
        for query in (f"{A} before {B}", f"{A} && {B} | {{ span.k = parent.other.k }}", f"({A} | count()) = ({B} | count())"):
            status, _ = self.tempo.search_raw(query)
            self.assertEqual(status, 400, query)


class PiecesFacts(LeavesOut):
    config = "fast"
    closes_blocks = True

    def test_structure_is_asked_of_each_piece(self):
        """A trace with A and B in two blocks is found as one with A and no B, and nothing says so."""
        start, trace, root = time.time_ns() - AGE_SECONDS * SECOND, otlp.new_trace_id(), otlp.new_span_id()
        self.tempo.push([otlp.span(trace, "cmp.root", start, span_id=root), otlp.span(trace, "cmp.a", start, parent=root)])
        self.wait_found(A, [trace])
        self.tempo.close_blocks()
        self.tempo.push([otlp.span(trace, "cmp.b", start + 1, parent=root)])
        self.wait_found(B, [trace])
        if self.holds("a negated operator needs its other side"):
            self.assert_leaves_out(WITHOUT, trace)
        else:
            self.assert_finds(WITHOUT, [trace])


if __name__ == "__main__":
    facts.main()
