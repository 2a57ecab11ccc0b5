"""Rules on attributes that have a column of their own in Tempo, over traces of which half lack them, on a Tempo that
answers as 2.10 and as 3.0 do. A replay finds exactly the traces that the evaluator finds in the same spans. And the
proxy bites: a program that knows nothing of columns would get what is not there."""
import os
import random
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import replay_compare as compare  # noqa: E402
from newer_proxy import NewerTempo  # noqa: E402
from random_spans import fragment_requests, random_traces  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND = 1_000_000_000
TRACES = 150
RULES = ("when { work } always { trace.has(span.http.status_code != 500) }", "checkout.where(exists(http.method))",
         "when { checkout } always { checkout.where(exists(http.method)) }",
         "when { checkout as c } always { work.where(http.url == c.http.url) }",
         'when { work } always { trace.has(resource.k8s.namespace.name != "prod") }',
         'trace.has(resource.k8s.namespace.name != "prod")',
         "when { work } never { work.where(http.status_code >= 500) }",
         'trace.has(span.name == "work" and not (span.http.method == "GET"))',
         'when { checkout } always { trace.has(http.method =~ "G.*") }', "count(exists(http.status_code)) > 2")
# Of each key what a span may have; None, and it has none.
VALUES = {"http.status_code": (None, None, None, 200, 500, 503, "teapot"),
          "http.method": (None, None, "GET", "POST", "nil", 5), "http.url": (None, None, "/a", "/b"),
          "k8s.namespace.name": (None, None, "prod", "test")}

SAME_EVERYWHERE = ('{ name = "work" }', "{ kind = client && status = error }", '{ name =~ "c.*" || duration > 1s }',
                   '{ resource.service.name = "shop" && kind != server }', '{ statusMessage = "x" }',
                   '{ span.nosuch != nil || name = "other" }', '{ span.http.url = "/a" }',
                   "{ span.http.status_code != nil }")


def traces_of(rng, start_ns, over_ns, arrays):
    """Small traces of spans named checkout and work; half of the values are missing, and of `arrays` there is some each.
    No span ends before it starts, and none has a time of 0: beside such a one Tempo 2.8 finds no long ones."""
    values = {key: (*its, *arrays.get(key, ())) for key, its in VALUES.items()}
    traces = random_traces(rng, TRACES, start_ns, over_ns)
    for trace in traces:
        resource = {"service.name": "shop", **random_values(rng, values, ("k8s.namespace.name",))}
        for span in trace.spans:
            span.duration_ns, span.lacks = abs(span.duration_ns), ()
            span.name, span.resource = rng.choice(("checkout", "work", "work", "other")), resource
            span.attrs = random_values(rng, values, ("http.status_code", "http.method", "http.url"))
    return traces


def random_values(rng, values, keys):
    return {key: value for key in keys if (value := rng.choice(values[key])) is not None}


class OnNewerTempo:
    """The tests, for each version. ARRAYS: what some spans have besides."""
    family = None
    ARRAYS = {}
    SAME_AS_BEHIND = SAME_EVERYWHERE

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-newer-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.tempo = NewerTempo(cls.family).start()
        cls.addClassCleanup(cls.tempo.stop)
        rng, now = random.Random(f"newer {cls.family}"), int(time.time())
        cls.start, cls.end = now - 4 * 3600, now - 600
        cls.traces = traces_of(rng, (cls.start + 1) * SECOND, (cls.end - cls.start - 70) * SECOND, cls.ARRAYS)
        for fragment in range(3):
            for request in fragment_requests(rng, cls.traces, fragment):
                status, _, body = cls.tempo.push_request(request)
                assert status == 200 and b"rejected" not in body, body
            cls.tempo.next_block()
        cls.rules, refused = compare.compile_rules(RULES)
        assert not refused, refused
        verdicts = compare.evaluate(cls.folder.name, cls.rules, compare.write_traces(cls.folder.name, cls.traces))
        cls.expected = {rule.id: verdicts[rule.id]["violated"] for rule in cls.rules}

    def ids(self, traceql):
        return set(self.tempo.search(traceql, self.start - 60, int(time.time())))

    # ---- the program ----

    def check(self, rules, *options):
        options = ("--start", self.start, "--end", self.end, *options)
        found, answer = compare.replay(self.folder.name, rules, self.tempo.url, *options)
        self.assertEqual(compare.differences(rules, self.expected, found, self.traces), "", options)
        self.assertEqual(answer["status"], "completed", answer)

    def test_a_the_rules_are_violated_by_some(self):
        for rule in self.rules:
            self.assertTrue(5 < len(self.expected[rule.id]) < TRACES - 5, f"{rule.text}: {len(self.expected[rule.id])}")

    def test_b_together_and_alone(self):
        self.check(self.rules)
        for number, rule in enumerate(self.rules[:5]):
            self.check([rule], *(("--count", "at_least") if number % 2 else ()))

    def test_c_each_strategy(self):
        self.check(self.rules, "--strategy", "read")
        self.check([rule for rule in self.rules if rule.explain["subtracted"]], "--strategy", "id_sets")
        projected = [rule for rule in self.rules if rule.explain["projected"] and rule.explain["reads"] == "batch"]
        self.check(projected, "--strategy", "projection")

    def test_z_the_model_answered(self):
        """All but what the model does not know; of these rules there is no such query."""
        self.assertGreater(self.tempo.answered, 50)
        self.assertEqual(self.tempo.passed_on, [])

    # ---- the proxy ----

    def spans(self, tempo, traceql):
        """{trace id: sorted ids of its spans}. A Tempo that has as many as its limit looks no further."""
        found = tempo.found_spans(traceql, self.start - 60, int(time.time()))
        return {trace_id: sorted(its) for trace_id, its in found.items()}

    def traces_without(self, key):
        return {trace.trace_id for trace in self.traces if all(key not in span.attrs for span in trace.spans)}

    def spans_without(self, key):
        return {span.span_id for trace in self.traces for span in trace.spans if key not in span.attrs}

    def test_select_makes_up_values(self):
        query = "{} | by(span:id) | select(span.http.status_code)"
        shown = self.tempo.found_spans(query, self.start - 60, int(time.time()))
        made_up = {span_id for spans in shown.values() for span_id, span in spans.items()
                   if {"key": "http.status_code", "value": {"stringValue": "nil"}} in span.get("attributes", [])}
        self.assertLess(self.spans_without("http.status_code"), made_up)  # those with a text there, too

    def test_unequal_finds_what_is_missing(self):
        lacking = self.traces_without("http.method")
        self.assertGreater(len(lacking), 5)
        found = self.ids('{ span.http.method != "GET" }')
        self.assertEqual(lacking & found, lacking if self.family == "2.10" else set())

    def test_presence_finds_what_is_missing(self):
        lacking = self.traces_without("http.status_code")
        self.assertGreater(len(lacking), 5)
        found = self.ids('{ span.http.status_code =~ "(?s:.*)" || span.http.status_code >= 0 }')
        self.assertEqual(lacking & found, lacking if self.family == "2.10" else set())

    def test_a_naive_rule_would_be_wrong(self):
        """What select shows, taken for what it says: then a span without a status has one that is not 500."""
        query = "{} | by(span:id) | select(span.http.status_code)"
        shown = self.tempo.found_spans(query, self.start - 60, int(time.time()))
        only_500 = [{"key": "http.status_code", "value": {"intValue": "500"}}]
        naive = {trace_id for trace_id, spans in shown.items()
                 if all(span["attributes"] == only_500 for span in spans.values())}
        self.assertGreater(len(self.expected[self.rules[0].id] - naive), 5)

    def test_where_nothing_differs_it_is_as_the_tempo_behind_it(self):
        """The same traces and spans for what no column is asked, once all is searchable there."""
        behind = self.tempo.behind()
        count = sum(len(trace.spans) for trace in self.traces)
        every = "{} | by(span:id)"
        behind.wait_until(lambda: sum(map(len, self.spans(behind, every).values())) == count, "all is searchable")
        for query in self.SAME_AS_BEHIND:
            ours, theirs = (self.spans(one, query + " | by(span:id) | by(kind)") for one in (self.tempo, behind))
            self.assertTrue(theirs, query)
            self.assertEqual(ours, theirs, query)


class OnTempo210(OnNewerTempo, unittest.TestCase):
    family = "2.10"


class OnTempo30(OnNewerTempo, unittest.TestCase):
    family = "3.0"


class OnVParquet5(OnNewerTempo, unittest.TestCase):
    """Here some values are arrays, which the Tempo behind it finds by no element."""
    family = "3.0-vparquet5"
    ARRAYS = {"http.status_code": ([200, 500],), "http.method": (["POST", "GET"], ["GET"]), "http.url": (["/b", "/a"],)}
    SAME_AS_BEHIND = tuple(query for query in SAME_EVERYWHERE if "span.http" not in query)

    def test_an_array_is_found_by_each_element_and_given_as_its_last(self):
        pushed = {span.span_id for trace in self.traces for span in trace.spans
                  if span.attrs.get("http.method") == ["POST", "GET"]}
        self.assertGreater(len(pushed), 5)
        for text in ("POST", "GET"):
            query = f'{{ span.http.method = "{text}" }} | by(span:id) | select(span.http.method)'
            shown = self.tempo.found_spans(query, self.start - 60, int(time.time()))
            told = {span_id: one["attributes"] for spans in shown.values() for span_id, one in spans.items()}
            self.assertLessEqual(pushed, told.keys())
            for span_id in pushed:
                self.assertEqual(told[span_id], [{"key": "http.method", "value": {"stringValue": "GET"}}])


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
