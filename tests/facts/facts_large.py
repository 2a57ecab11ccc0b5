"""How large a trace is, as searches say it, and what is asked about it. Decisions on it: tempo/api/batch_ids.c (which traces are read by id), tempo/api/trace_sizes.c (questions
for sizes), tempo/api/traceql (a filter that leaves traces out).

A trace of 300 spans that came at once, one of 300 that came in three parts while nothing was cut, and one of 90 in two blocks; small ones beside them.
"""
import time

import tempo_case as facts
from tempo_case import SECOND, otlp

SMALL, CUT_BY_AGE_SECONDS = 12, 40


def trace_id(zeros):
    return "0" * zeros + otlp.new_trace_id()[zeros:]


def many(of, count, at_ns, name="step", step_ns=1_000_000, service=None):
    """Spans of one trace, the first of them its root; array attributes too, as real ones have."""
    root = otlp.new_span_id()
    spans = [otlp.span(of, "job", at_ns, count * step_ns, span_id=root)]
    spans += [otlp.span(of, name, at_ns + i * step_ns, step_ns, parent=root, kind="client", attrs={"n": i, "tags": ["a", "b"]}) for i in range(count - 1)]
    return spans


class LargeFacts(facts.TempoCase):
    @classmethod
    def prepare(cls):
        now = time.time_ns() - 5 * SECOND
        cls.began = now // SECOND
        cls.whole, cls.pieces, cls.blocks = trace_id(2), trace_id(1), trace_id(0)
        cls.small = [trace_id(i % 3) for i in range(SMALL)]
        cls.tempo.push([span for one in cls.small for span in many(one, 5, now)])
        cls.tempo.push(many(cls.whole, 200, now), service="front")
        cls.tempo.push(many(cls.whole, 100, now + SECOND, name="other"), service="back")
        cls.tempo.push(many(cls.blocks, 30, now))
        cls.wait_found("{}", [*cls.small, cls.whole, cls.blocks])
        cls.close_block()
        cls.tempo.push(many(cls.blocks, 60, now + 3 * SECOND, step_ns=2_000_000))
        for part in range(3):  # each is cut to the write-ahead log before the next comes
            cls.tempo.push(many(cls.pieces, 100, now + part * SECOND, name=f"part{part}", step_ns=1_000_000 + part))
            cls.wait_found(f'{{ name = "part{part}" }}', [cls.pieces])
        cls.all = {*cls.small, cls.whole, cls.pieces, cls.blocks}

    @classmethod
    def close_block(cls):
        """3.x has no /flush: there a block is cut by its age."""
        status, _, _ = cls.tempo.get("/flush")
        if status not in (204, 404):
            raise AssertionError(f"/flush: expected 204, or 404 of a Tempo without it, got {status}")
        time.sleep(cls.close_seconds if status == 204 else CUT_BY_AGE_SECONDS)

    @classmethod
    def search(cls, traceql, **search):
        """Over all that was pushed, however long the tests take."""
        return super().search(traceql, **{"start": cls.began - 60, **search})

    def seen(self, one, traceql="{}"):
        """The row of a trace; empty while it is out of sight."""
        return self.search(traceql, spss=1).get(one, {})

    @staticmethod
    def counted(row):
        return sum(stats.get("spanCount", 0) for stats in (row.get("serviceStats") or {}).values())

    def sizes(self, *ids):
        """Of each trace the spans of its fragments, by the question for sizes."""
        query = '{ trace:id =~ "' + "|".join([one.lstrip("0") for one in ids] + ["x"]) + '" } | by(traceDuration)'
        rows = self.search(query, spss=1)
        return {one: sorted(each["matched"] for each in row["spanSets"]) for one, row in rows.items()}

    def poll(self, probe, expected, what):
        """A block that goes from one place to another may be out of sight for a moment."""
        deadline, seen = time.monotonic() + 30, None
        while time.monotonic() < deadline:
            seen = probe()
            if seen == expected:
                return
            time.sleep(0.2)
        self.assertEqual(seen, expected, what)

    def test_a_count_is_of_all_services_of_a_fragment(self):
        self.poll(lambda: self.counted(self.seen(self.whole)), 300, "of both services")
        self.poll(lambda: {self.counted(self.seen(one)) for one in self.small}, {5}, "of small ones")

    def test_a_count_is_that_of_the_whole_fragment_whatever_the_filter_finds(self):
        self.poll(lambda: self.counted(self.seen(self.whole, '{ name = "job" }')), 300, "the filter finds two of them")

    def test_a_count_of_several_fragments_is_less_than_the_trace_has(self):
        self.poll(lambda: self.counted(self.seen(self.blocks)), 60, "30 in one block and 60 in another")

    def test_the_question_for_sizes_tells_fragments_apart(self):
        self.poll(lambda: self.sizes(self.blocks, self.small[0]), {self.blocks: [30, 60], self.small[0]: [5]}, "each block is a set")
        self.poll(lambda: sum(self.sizes(self.pieces, self.whole).get(self.pieces, [])), 300, "each piece in the log, or the block of all")

    def test_the_question_for_sizes_gives_one_span_of_each_fragment(self):
        query = f'{{ trace:id =~ "{self.whole.lstrip("0")}|x" }} | by(traceDuration)'
        self.poll(lambda: {len(each["spans"]) for each in self.seen(self.whole, query).get("spanSets", [])}, {1}, "spss=1")

    def test_many_spans_of_a_filter_are_found_by_fragment(self):
        self.assert_finds('{ name = "step" } | count() >= 50', {self.whole, self.blocks})
        self.assert_finds('{ name = "step" } | count() >= 199', {self.whole})
        self.assert_finds_nothing('{ name = "step" } | count() >= 200', '{ name = "step" }', self.whole)
        self.assert_finds('{ name = "step" || kind = client } | count() >= 64', {self.whole, self.pieces})

    def test_a_filter_leaves_out_exactly_the_traces_that_it_names(self):
        for filter_text in ('name = "step"', 'name = "step" || name = "job"', 'name = "job" || kind = client || status = error', "duration > 1ns"):
            found = set(self.all) - ({self.pieces} if filter_text == 'name = "step"' else set())
            for left_out in ([self.small[0]], [self.small[2]], [self.whole], self.small[:7] + [self.whole, self.blocks], list(self.all)[:-1]):
                named = "|".join([one.lstrip("0") for one in left_out] + ["x"])
                if found - set(left_out):
                    self.assert_finds(f'{{ trace:id !~ "{named}" && ({filter_text}) }}', found - set(left_out))

    def test_what_is_left_out_is_left_out_of_a_projection_over_ids_too(self):
        named = "|".join([self.whole.lstrip("0"), self.pieces.lstrip("0"), "x"])
        query = f'{{ trace:id =~ "[0-9a-f]{{1,32}}" && (trace:id !~ "{named}" && (kind = client)) }} | by(span:id) | by(kind) | select(name)'
        self.assert_finds(query, {*self.small, self.blocks})

    def test_whole_traces_come_by_id(self):
        for one, count in ((self.whole, 300), (self.pieces, 300), (self.blocks, 90)):
            self.assertEqual(len(self.tempo.trace(one)), count)


class Fast(LargeFacts):
    config = "fast"
    close_seconds = 1


class Stock(LargeFacts):
    config = "stock"
    close_seconds = 3


if __name__ == "__main__":
    facts.main()
