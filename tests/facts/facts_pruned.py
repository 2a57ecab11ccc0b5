"""Marks of spans that were summed up before they were stored: the search that finds such traces, and what a batch and a read by id give of the marks. Decisions
on them: server/replay/marked_traces.c (one search, then batches that project the marks), dsl/trace/trace_pruned.h (what a mark is)."""
import json
import time

import tempo_case as facts
from tempo_case import SECOND, otlp

FILTER = '{ span.aggregation.is_summary = true }'
MARKS = {"aggregation.is_summary": True, "aggregation.span_count": 5, "aggregation.duration_max_ns": 7, "aggregation.histogram_bucket_bounds_s": [0.1, 0.5]}


class PrunedFacts(facts.TempoCase):
    config = "fast"

    @classmethod
    def prepare(cls):
        now = time.time_ns() - 2 * SECOND
        others = ({}, {"aggregation.is_summary": False}, {"aggregation.is_summary": "true"}, {"aggregation.is_summary": 1}, {"aggregation.is_summary": "nil"},
                  {"aggregation.is_summary": [False, False]}, {"aggregation.is_exemplar": True}, {"is_summary": True})
        cls.others = [otlp.new_trace_id() for _ in others]
        cls.pruned = [otlp.new_trace_id() for _ in range(20)]
        cls.tempo.push([otlp.span(one, "mark", now + i, attrs=attrs) for i, (one, attrs) in enumerate(zip(cls.others, others))])
        for i, one in enumerate(cls.pruned):
            cls.tempo.push([otlp.span(one, "mark", now + i), otlp.span(one, "db", now + 100 + i, attrs={**MARKS, "table": "users"})])
        cls.wait_found('{ name = "mark" }', cls.others + cls.pruned)

    def test_one_search_finds_them_and_no_others(self):
        self.assert_finds(FILTER, set(self.pruned))

    def test_where_there_are_none_it_finds_none(self):
        now = int(time.time())
        self.assertEqual(self.tempo.search(FILTER, start=now - 7200, end=now - 7000), {})

    def test_a_batch_and_a_read_by_id_give_the_marks(self):
        ids = "|".join(one.lstrip("0") for one in self.pruned)
        keys = [key for key, value in MARKS.items() if not isinstance(value, list)]
        rows = self.search(f'{{ trace:id =~ "{ids}|x" }} | by(span:id) | by(kind) | select(name, kind, ' + ", ".join(f'span."{key}"' for key in keys) + ")")
        self.assertEqual(set(rows), set(self.pruned))
        for one, row in rows.items():
            spans = {span["name"]: {item["key"]: otlp.plain_value(item["value"]) for item in span["attributes"]} for one_set in row["spanSets"] for span in one_set["spans"]}
            self.assertEqual({key: spans["db"][key] for key in keys}, {key: MARKS[key] for key in keys})
            self.assertFalse(set(keys) & set(spans["mark"]))
            status, _, body = self.tempo.get(f"/api/v2/traces/{one}", {"span_pruning": "false"})
            by_id = {span["name"]: span["attrs"] for span in otlp.flat_spans(json.loads(body)["trace"])}
            self.assertEqual((status, {key: by_id["db"][key] for key in MARKS}), (200, MARKS))


class PrunedFactsOnStock(PrunedFacts):
    config = "stock"


if __name__ == "__main__":
    facts.main()
