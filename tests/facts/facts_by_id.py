"""What reads by id leave out where they are asked to, or where Tempo's owner wants it. Decision 621 on it: BeTrace never asks for less than a whole trace, and
says so in each read (tempo/api/tempo_call.c)."""
import json
import time
import unittest

import tempo_case as facts
from run_tempo import config_text_of
from tempo_case import SECOND, TempoServer, otlp

TRACE_BY_ID = "trace_by_id: {query_shards: 2}"
PRUNES = "trace_by_id: {query_shards: 2, span_pruning_enabled: true, span_pruning_enabled_by_default: true}"
LEAVES = 12
WHOLE = {"span_pruning": "false"}


def push_tree(tempo):
    """A root, a child of it, and leaves of that child which are alike."""
    trace_id, now = otlp.new_trace_id(), time.time_ns() - 5 * SECOND
    root = otlp.span(trace_id, "root", now, 2 * SECOND)
    child = otlp.span(trace_id, "child", now + 1, SECOND, parent=root["spanId"])
    tempo.push([root, child, *(otlp.span(trace_id, "leaf", now + 2 + i, 1000, parent=child["spanId"]) for i in range(LEAVES))])
    tempo.wait_until(lambda: len(names(tempo, trace_id, WHOLE)) == LEAVES + 2, "all spans are read by id")
    return trace_id


def names(tempo, trace_id, parameters):
    """Names of the spans of a read by id, sorted; its status where it is none."""
    status, _, body = tempo.get(f"/api/v2/traces/{trace_id}", parameters)
    return sorted(span["name"] for span in otlp.flat_spans(json.loads(body)["trace"])) if status == 200 else [status]


class ById(facts.TempoCase):
    config = "fast"

    @classmethod
    def prepare(cls):
        cls.trace_id = push_tree(cls.tempo)
        cls.whole = ["child"] + ["leaf"] * LEAVES + ["root"]

    def read(self, **parameters):
        return names(self.tempo, self.trace_id, {**WHOLE, **parameters})

    def test_a_query_narrows_a_read_by_id(self):
        """The older ones do not look at it: whoever sends it knows nothing of what is not there."""
        narrows = self.holds("q narrows a read by id")
        self.assertEqual(self.read(q='{ name = "child" }'), ["child"] if narrows else self.whole)
        self.assertEqual(self.read(q='{ name = "child" }', keep_hierarchy="true"), ["child", "root"] if narrows else self.whole)
        self.assertEqual(self.read(q='{ name = "root" }', match_depth="1"), ["child", "root"] if narrows else self.whole)
        self.assertEqual(self.read(q='{ name = "root" }', match_depth="-1"), self.whole)
        self.assertEqual(self.read(q='{ name = "other" }') == self.whole, not narrows)

    def test_what_is_no_filter_of_spans_is_refused(self):
        narrows = self.holds("q narrows a read by id")
        for query in ("{ trace:rootName = \"root\" }", "{} >> {}", "{ name = "):
            self.assertEqual(self.read(q=query), [400] if narrows else self.whole, query)


class PruningFacts(unittest.TestCase):
    def test_who_says_nothing_may_get_summaries_and_who_asks_for_all_spans_gets_them(self):
        """Where Tempo's owner has turned pruning on: only 3.1 knows the setting."""
        facts_of = facts.TempoCase
        facts_of.tempo = TempoServer("fast")
        if not facts_of.holds("q narrows a read by id"):
            self.skipTest("before 3.1 nothing is pruned in reads")
        text = config_text_of("fast")
        self.assertIn(TRACE_BY_ID, text)
        with TempoServer(config_text=text.replace(TRACE_BY_ID, PRUNES)) as tempo:
            trace_id = push_tree(tempo)
            self.assertLess(len(names(tempo, trace_id, {})), LEAVES)
            self.assertEqual(len(names(tempo, trace_id, WHOLE)), LEAVES + 2)


if __name__ == "__main__":
    facts.main()
