"""Rules on attributes that have a column of their own in Tempo, over traces of which half lack them, on a Tempo that answers as 2.10 and as 3.0 do
(tests/tempo/newer_proxy.py): exactly the traces that the evaluator finds in the same spans. And the proxy bites: the queries that a program would
write that knows nothing of columns are answered with what is not there.
"""
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
         "when { checkout } always { checkout.where(exists(http.method)) }", "when { checkout as c } always { work.where(http.url == c.http.url) }",
         'when { work } always { trace.has(resource.k8s.namespace.name != "prod") }', 'trace.has(resource.k8s.namespace.name != "prod")',
         "when { work } never { work.where(http.status_code >= 500) }", 'trace.has(span.name == "work" and not (span.http.method == "GET"))',
         'when { checkout } always { trace.has(http.method =~ "G.*") }', "count(exists(http.status_code)) > 2")
# Of each key what a span may have; None, and it has none.
VALUES = {"http.status_code": (None, None, None, 200, 500, 503, "teapot"), "http.method": (None, None, "GET", "POST", "nil", 5),
          "http.url": (None, None, "/a", "/b"), "k8s.namespace.name": (None, None, "prod", "test")}


def traces_of(rng, start_ns, over_ns):
    """Small traces of spans named checkout and work; half of the values are missing. No span ends before it starts: Tempo 2.8 then finds no long ones."""
    traces = random_traces(rng, TRACES, start_ns, over_ns)
    for trace in traces:
        resource = {"service.name": "shop", **random_values(rng, ("k8s.namespace.name",))}
        for span in trace.spans:
            span.duration_ns = abs(span.duration_ns)
            span.name, span.resource = rng.choice(("checkout", "work", "work", "other")), resource
            span.attrs = random_values(rng, ("http.status_code", "http.method", "http.url"))
    return traces


def random_values(rng, keys):
    return {key: value for key in keys if (value := rng.choice(VALUES[key])) is not None}


class OnNewerTempo:
    """The tests, for each version."""
    family = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-newer-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.tempo = NewerTempo(cls.family).start()
        cls.addClassCleanup(cls.tempo.stop)
        rng, now = random.Random(f"newer {cls.family}"), int(time.time())
        cls.start, cls.end = now - 4 * 3600, now - 600
        cls.traces = traces_of(rng, (cls.start + 1) * SECOND, (cls.end - cls.start - 70) * SECOND)
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
        found, answer = compare.replay(self.folder.name, rules, self.tempo.url, "--start", self.start, "--end", self.end, *options)
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
        self.check([rule for rule in self.rules if rule.explain["projected"] and rule.explain["reads"] == "batch"], "--strategy", "projection")

    def test_z_the_model_answered(self):
        """All but what the model does not know; of these rules there is no such query."""
        self.assertGreater(self.tempo.answered, 50)
        self.assertEqual(self.tempo.passed_on, [])

    # ---- the proxy ----

    def spans_without(self, key):
        return {span.span_id for trace in self.traces for span in trace.spans if key not in span.attrs}

    def test_select_makes_up_values(self):
        shown = self.tempo.found_spans("{} | by(span:id) | select(span.http.status_code)", self.start - 60, int(time.time()))
        made_up = {span_id for spans in shown.values() for span_id, span in spans.items()
                   if {"key": "http.status_code", "value": {"stringValue": "nil"}} in span.get("attributes", [])}
        self.assertLess(self.spans_without("http.status_code"), made_up)  # those with a text there, too

    def test_unequal_finds_what_is_missing(self):
        lacking = {trace.trace_id for trace in self.traces if all("http.method" not in span.attrs for span in trace.spans)}
        self.assertGreater(len(lacking), 5)
        self.assertEqual(lacking & self.ids('{ span.http.method != "GET" }'), lacking if self.family == "2.10" else set())

    def test_presence_finds_what_is_missing(self):
        lacking = {trace.trace_id for trace in self.traces if all("http.status_code" not in span.attrs for span in trace.spans)}
        found = self.ids('{ span.http.status_code =~ "(?s:.*)" || span.http.status_code >= 0 }')
        self.assertEqual(lacking & found, lacking if self.family == "2.10" else set())

    def test_a_naive_rule_would_be_wrong(self):
        """`always` as a search of its own: traces of work, without those where it is not 500. On 2.10 none would be left that lacks the attribute."""
        works = self.ids('{ name = "work" }')
        naive = works - self.ids("{ span.http.status_code != 500 }")
        expected = self.expected[self.rules[0].id]
        self.assertEqual(naive == expected, False)
        self.assertTrue(naive)

    def test_where_nothing_differs_it_is_as_the_tempo_behind_it(self):
        """The same traces and spans for what no column is asked, once all is searchable there."""
        behind = self.tempo.behind()
        every = (self.start - 60, int(time.time()))  # and no limit: a Tempo that has as many traces as are asked for looks no further
        count = sum(len(trace.spans) for trace in self.traces)
        behind.wait_until(lambda: sum(map(len, behind.found_spans("{} | by(span:id)", *every).values())) == count, "all spans are searchable")
        for query in ('{ name = "work" }', "{ kind = client && status = error }", '{ name =~ "c.*" || duration > 1s }', '{ resource.service.name = "shop" && kind != server }',
                      '{ statusMessage = "x" }', '{ span.nosuch != nil || name = "other" }', '{ span.http.url = "/a" }', "{ span.http.status_code != nil }"):
            ours, theirs = (one.found_spans(query + " | by(span:id) | by(kind) | select(name, status)", *every) for one in (self.tempo, behind))
            self.assertTrue(theirs, query)
            self.assertEqual({key: sorted(spans) for key, spans in ours.items()}, {key: sorted(spans) for key, spans in theirs.items()}, query)


class OnTempo210(OnNewerTempo, unittest.TestCase):
    family = "2.10"


class OnTempo30(OnNewerTempo, unittest.TestCase):
    family = "3.0"


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
