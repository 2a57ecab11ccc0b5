"""Traces whose spans lie in two blocks. Decisions on them: tempo/api/traceql (by before select), dsl/plan (no query over two spansets), confirmation by id.

The split: some spans are pushed and found, their block is closed, the others follow.
"""
import json
import time

import tempo_case as facts
from tempo_case import SECOND, otlp


def split_trace():
    """(trace id, first part, second part): api → db, call (client); then retry, and handle (server) with the span id of call."""
    trace_id, shared, now = "0" + otlp.new_trace_id()[1:], otlp.new_span_id(), time.time_ns() - 2 * SECOND
    api = otlp.span(trace_id, "api", now, 2 * SECOND)
    first = [api, otlp.span(trace_id, "db", now, parent=api["spanId"]),
             otlp.span(trace_id, "call", now, span_id=shared, kind="client", parent=api["spanId"])]
    second = [otlp.span(trace_id, "retry", now + SECOND, parent=api["spanId"]),
              otlp.span(trace_id, "handle", now, span_id=shared, kind="server", parent=api["spanId"])]
    return trace_id, first, second


def names_of(row):
    """The names of all spans that a search row shows, over its spansets."""
    return sorted(span["name"] for one in row.get("spanSets", []) for span in one["spans"])


class SplitFacts(facts.TempoCase):
    closes_blocks = True

    @classmethod
    def prepare(cls):
        cls.trace_id, first, second = split_trace()
        cls.whole_id = otlp.new_trace_id()
        now, shared = time.time_ns() - 2 * SECOND, otlp.new_span_id()
        cls.tempo.push(first, service="front")
        cls.tempo.push([otlp.span(cls.whole_id, "call", now, span_id=shared, kind="client"),
                        otlp.span(cls.whole_id, "handle", now, span_id=shared, kind="server")])
        cls.wait_found('{name="call"}', [cls.trace_id, cls.whole_id])
        cls.tempo.close_blocks()
        cls.tempo.push(second, service="back")
        cls.wait_found('{name="retry"}', [cls.trace_id])

    def read(self, stages, trace_id=None):
        """Names that `{ trace:id =~ … } stages` shows, taken when both blocks are in sight before and after."""
        trace_id = trace_id or self.trace_id
        query = f'{{trace:id =~ "{trace_id.lstrip("0")}|x"}} {stages}'
        deadline = time.monotonic() + 30
        while True:
            before = self.blocks_in_sight()
            rows = self.search(query, spss=50)
            if before and self.blocks_in_sight():
                self.assertEqual(set(rows), {trace_id})
                return names_of(rows[trace_id])
            self.assertLess(time.monotonic(), deadline, "one of the blocks stays out of sight")
            time.sleep(0.2)

    def raw_rows(self, stages):
        now = int(time.time())
        status, body = self.tempo.search_raw(f'{{trace:id =~ "{self.trace_id.lstrip("0")}|x"}} {stages}', start=now - 120, end=now + 1, spss=50)
        self.assertEqual(status, 200, body[:300])
        return json.loads(body)["traces"]

    def blocks_in_sight(self):
        return all(self.trace_id in self.search(f'{{name="{name}"}}') for name in ("api", "retry"))

    def test_select_alone_loses_the_smaller_part(self):
        self.assertEqual(self.read("| select(name)"), ["api", "call", "db"])

    def test_by_span_id_keeps_one_span_of_every_id(self):
        names = self.read("| by(span:id) | select(name)")
        self.assertEqual(len(names), 4)
        self.assertLessEqual({"api", "db", "retry"}, set(names))

    def test_by_span_id_alone_loses_one_half_of_a_shared_span_id(self):
        names = self.read("| by(span:id) | select(name)")
        self.assertEqual(len({"call", "handle"} & set(names)), 1, names)

    def test_by_span_id_and_kind_keeps_both_halves(self):
        for stages in ("| by(span:id) | by(kind) | select(name)", "| by(kind) | by(span:id) | select(name)"):
            self.assertEqual(self.read(stages), ["api", "call", "db", "handle", "retry"])

    def test_by_span_id_alone_keeps_all_of_one_kind(self):
        for kind, names in (("internal", ["api", "db", "retry"]), ("client", ["call"]), ("server", ["handle"])):
            query = f'{{ (kind = {kind}) && trace:id =~ "{self.trace_id.lstrip("0")}|x" }} | by(span:id) | select(name)'
            self.assert_finds(query, [self.trace_id])
            deadline = time.monotonic() + 30
            while names_of(self.search(query, spss=50).get(self.trace_id, {})) != names:  # one of the blocks may be out of sight
                self.assertLess(time.monotonic(), deadline, query)
                time.sleep(0.2)

    def test_halves_within_one_block_survive_either_way(self):
        for stages in ("| by(span:id) | select(name)", "| by(span:id) | by(kind) | select(name)"):
            self.assertEqual(self.read(stages, self.whole_id), ["call", "handle"])

    def test_select_before_by_does_not_group_and_loses_the_trace_id(self):
        rows = self.raw_rows("| select(name) | by(span:id)")
        self.assertEqual([len(row["spanSets"]) for row in rows], [1])
        self.assertNotIn("traceID", rows[0])

    def test_each_part_is_found_by_one_spanset(self):
        for name in ("api", "db", "retry"):
            self.assert_finds(f'{{name="{name}"}}', {self.trace_id})

    def test_conditions_over_both_parts_find_nothing(self):
        for query in ('{name="api"} && {name="retry"}', '{name="api"} >> {name="retry"}', '{name="api"} > {name="retry"}',
                      '{rootName="api" && name="retry"}', '{} | count() > 4'):
            self.assert_finds_nothing(query, '{name="retry"}', self.trace_id)

    def test_whether_a_request_closes_blocks(self):
        self.assertEqual(self.tempo.get("/flush")[0], self.holds("GET /flush answers"))

    def test_by_id_is_whole(self):
        names = sorted(span["name"] for span in self.tempo.trace(self.trace_id))
        self.assertEqual(names, ["api", "call", "db", "handle", "retry"])


class Fast(SplitFacts):
    config = "fast"


class Stock(SplitFacts):
    config = "stock"


class Duplicates(facts.TempoCase):
    """The same span pushed twice, into two blocks."""
    config = "fast"
    closes_blocks = True

    @classmethod
    def prepare(cls):
        cls.trace_id = otlp.new_trace_id()
        span = otlp.span(cls.trace_id, "twice", time.time_ns() - SECOND)
        cls.tempo.push([span])
        cls.wait_found('{name="twice"}', [cls.trace_id])
        cls.tempo.close_blocks()
        later = otlp.span(cls.trace_id, "marker", time.time_ns())
        cls.tempo.push([span, later])
        cls.wait_found('{name="marker"}', [cls.trace_id])

    def test_by_id_shows_it_once(self):
        self.assertEqual(sorted(span["name"] for span in self.tempo.trace(self.trace_id)), ["marker", "twice"])

    def test_a_read_by_span_id_and_kind_shows_it_once(self):
        row = self.search(f'{{trace:id =~ "{self.trace_id.lstrip("0")}|x"}} | by(span:id) | by(kind) | select(name)')[self.trace_id]
        self.assertEqual(names_of(row), ["marker", "twice"])


if __name__ == "__main__":
    facts.main()
