"""What the reads of tempo/ rely on, next to the other facts: how questions are asked, what a projected answer can and
cannot say, and what a read by id changes. Decisions on them: tempo/tempo_call (GET only), tempo/trace_merge (what
is read by id), tempo/trace_fetch (the limit of a read), tempo/otlp_export (which 429 passes)."""
import email.utils
import json
import time
import urllib.parse

import tempo_case as facts
from tempo_case import SECOND, TempoServer, otlp
from run_tempo import config_text_of, http

READ = "| by(span:id) | by(kind) | select"


class WireFacts(facts.TempoCase):
    config = "fast"

    @classmethod
    def prepare(cls):
        now = time.time_ns() - SECOND
        attrs = {"one": ["z"], "one_number": [7], "two": ["a", "b"], "none": [], "mixed": ["a", 1], "plain": "v", "kind": "mine",
                 "status": 200, "statusMessage": "mine", "name": "mine", "both": "span"}
        cls.values_id, cls.nameless_id, cls.pair_id = otlp.new_trace_id(), otlp.new_trace_id(), otlp.new_trace_id()
        cls.tempo.push([otlp.span(cls.values_id, "values", now, kind="server", status="error", attrs=attrs)], service="svc",
                       resource={"both": "resource"})
        cls.tempo.push([otlp.span(cls.nameless_id, "", now)])
        cls.shared = otlp.new_span_id()
        cls.root, cls.child = otlp.new_span_id(), otlp.new_span_id()
        cls.tempo.push([otlp.span(cls.pair_id, "pair", now, span_id=cls.root),
                        otlp.span(cls.pair_id, "call", now, span_id=cls.shared, kind="client", parent=cls.root),
                        otlp.span(cls.pair_id, "serve", now, span_id=cls.shared, kind="server", parent=cls.root),
                        otlp.span(cls.pair_id, "child", now, span_id=cls.child, parent=cls.shared)])
        cls.wait_found('{name="values" || name="serve" || name=""}', [cls.values_id, cls.nameless_id, cls.pair_id])

    def read_one(self, trace_id, fields):
        """All (key, value) of the only span of a trace, in the order of the answer, and the span."""
        row = self.search(f'{{trace:id =~ "{trace_id.lstrip("0")}|x"}} {READ}({fields})')[trace_id]
        self.assertEqual([len(one["spans"]) for one in row["spanSets"]], [1])
        span = row["spanSets"][0]["spans"][0]
        return [(item["key"], otlp.plain_value(item["value"])) for item in span.get("attributes", [])], span

    def test_answers_have_the_date(self):
        """Of the second in which they began, whatever is asked and however it ends: by how much clocks differ is told from it."""
        search = "/api/search?" + urllib.parse.urlencode({"q": "{}", "start": int(time.time()) - 60, "end": int(time.time())})
        for path, expected in ((search, 200), (f"/api/v2/traces/{self.values_id}", 200), ("/api/status/buildinfo", 200), ("/status/config", 200),
                               ("/api/search?q=%7B&limit=1", 400), ("/api/nothing", 404)):
            with self.subTest(path=path):
                before = time.time()
                status, headers, _ = http("GET", self.tempo.url + path)
                self.assertEqual(status, expected)
                self.assertTrue(int(before) <= email.utils.parsedate_to_datetime(headers["Date"]).timestamp() <= time.time(), headers["Date"])
                self.assertIsNone(headers["Age"])

    def test_a_posted_form_is_not_read(self):
        """The body is ignored: the answer is that of a search without a query."""
        form = urllib.parse.urlencode({"q": '{name="nosuch"}', "limit": 5}).encode()
        status, _, body = http("POST", self.tempo.url + "/api/search", form, {"Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(status, 200)
        self.assertTrue(json.loads(body)["traces"])

    def test_a_url_may_hold_the_longest_query(self):
        ids = "|".join(otlp.new_trace_id().lstrip("0") for _ in range(3900))
        query = f'{{trace:id =~ "{ids}|{self.values_id.lstrip("0")}"}}'
        self.assertEqual(list(self.search(query)), [self.values_id])
        status, body = self.tempo.search_raw("{" + " " * 131072 + "}")
        self.assertEqual(status, 400)
        self.assertIn("exceeds the configured maximum size", body)

    def test_an_array_of_one_comes_as_its_value(self):
        values = dict(self.read_one(self.values_id, "span.one, span.one_number")[0])
        self.assertEqual((values["one"], values["one_number"]), ("z", 7))

    def test_longer_arrays_come_as_arrays(self):
        values = dict(self.read_one(self.values_id, "span.two, span.plain")[0])
        self.assertEqual(len(values["two"]), 2)

    def test_values_that_count_as_missing_do_not_come(self):
        keys = [key for key, _ in self.read_one(self.values_id, "span.none, span.mixed, span.plain")[0]]
        self.assertIn("plain", keys)
        self.assertNotIn("none", keys)
        self.assertNotIn("mixed", keys)

    def test_what_the_filter_tests_comes_unasked(self):
        """Under the name of the field, so that an attribute of that name cannot be told from it (dsl/plan/plan_spans, tempo/trace_merge)."""
        tests = ('status != ok', 'statusMessage != "x"', 'resource.service.name != "x"', 'name = "call"', 'duration >= 0s', 'kind = client')
        given = {}
        for test in tests:
            row = self.search(f'{{trace:id = "{self.pair_id.lstrip("0")}" && {test}}} {READ}(span.none)')[self.pair_id]
            keys = {item["key"] for one in row["spanSets"] for span in one["spans"] for item in span.get("attributes", [])}
            given[test.split()[0]] = sorted(keys - {"kind"})
        self.assertEqual(given, {"status": ["status"], "statusMessage": ["statusMessage"], "resource.service.name": ["service.name"], "name": [],
                                 "duration": [], "kind": []})

    def test_an_attribute_and_an_intrinsic_of_one_name_both_come(self):
        pairs, span = self.read_one(self.values_id, "name, kind, status, statusMessage, span.kind, span.status, span.statusMessage, span.name")
        self.assertCountEqual([value for key, value in pairs if key == "kind"], ["server", "mine"])
        self.assertCountEqual([value for key, value in pairs if key == "status"], ["error", 200])
        self.assertCountEqual([value for key, value in pairs if key == "statusMessage"], ["", "mine"])
        self.assertEqual([value for key, value in pairs if key == "name"], ["mine"])
        self.assertEqual(span["name"], "values")

    def test_grouping_by_kind_gives_the_kind(self):
        pairs, _ = self.read_one(self.values_id, "span.plain")
        self.assertCountEqual(pairs, [("kind", "server"), ("plain", "v")])

    def test_a_key_of_span_and_resource_comes_twice(self):
        for fields in ("span.both, resource.both", ".both"):
            pairs, _ = self.read_one(self.values_id, fields)
            self.assertCountEqual([value for key, value in pairs if key == "both"], ["span", "resource"], fields)

    def test_a_read_by_id_may_say_that_nothing_is_to_be_pruned(self):
        """Every read by id says so (tempo/api/tempo_call.c). It is a parameter of 3.1: a Tempo that does not know it gives the same as without it."""
        status, _, body = self.tempo.get(f"/api/v2/traces/{self.pair_id}", {"span_pruning": "false"})
        self.assertEqual(status, 200)
        said = otlp.flat_spans(json.loads(body)["trace"])
        self.assertEqual(len(said), 4)
        self.assertEqual(said, self.tempo.trace(self.pair_id))

    def test_an_empty_name_does_not_come(self):
        self.assertNotIn("name", self.read_one(self.nameless_id, "name, status")[1])

    def test_a_root_has_a_parent_of_zeros(self):
        self.assertIn(("span:parentID", "0" * 16), self.read_one(self.nameless_id, "span:parentID")[0])

    def test_a_read_by_id_gives_server_halves_other_ids(self):
        """Tempo's remedy for Zipkin's shared ids: the server half gets a new id and hangs under the client half, and so do children."""
        spans = {span["name"]: span for span in self.tempo.trace(self.pair_id)}
        self.assertEqual(spans["call"]["span_id"], self.shared)
        self.assertNotEqual(spans["serve"]["span_id"], self.shared)
        self.assertEqual(spans["serve"]["parent_id"], self.shared)
        self.assertEqual(spans["child"]["parent_id"], spans["serve"]["span_id"])

    def test_a_search_read_keeps_shared_ids_as_they_are(self):
        row = self.search(f'{{trace:id =~ "{self.pair_id.lstrip("0")}|x"}} {READ}(name, span:parentID)')[self.pair_id]
        spans = {one["spans"][0]["name"]: one["spans"][0] for one in row["spanSets"]}
        self.assertEqual({name: span["spanID"] for name, span in spans.items() if name in ("call", "serve")},
                         {"call": self.shared, "serve": self.shared})

    def test_resources_of_one_hash_become_one(self):
        """The hash of a resource knows neither types nor the names of columns: spans of one trace in one block get the first such resource, and what
        theirs said is gone (tempodb/encoding/vparquet4/rebatch_trace.go, 2.8)."""
        pairs = [({"ready": False}, {"ready": 0.0}), ({"cluster": "one"}, {"k8s.pod.name": "one"}), ({"namespace": ""}, {})]
        for number, resources in enumerate(pairs):
            trace_id, now = otlp.new_trace_id(), time.time_ns() - SECOND
            self.tempo.push_request({"resourceSpans": [{"resource": {"attributes": otlp.attributes({"service.name": "svc", **resource})},
                                                        "scopeSpans": [{"spans": [otlp.span(trace_id, f"same{number}", now + at)]}]}
                                                       for at, resource in enumerate(resources)]})
            self.wait_found(f'{{name="same{number}"}}', [trace_id])
            keys = ", ".join(sorted({f"resource.{key}" for resource in resources for key in resource}))
            row = self.search(f'{{trace:id =~ "{trace_id.lstrip("0")}|x"}} {READ}({keys})')[trace_id]
            read = [{item["key"]: otlp.plain_value(item["value"]) for item in span.get("attributes", []) if item["key"] != "kind"}
                    for one in row["spanSets"] for span in one["spans"]]
            made_up = self.holds("a missing attribute under a column is read as")
            told = [{key: value for key, value in one.items() if value != made_up} for one in read]
            self.assertCountEqual(told, [resources[0]] * 2 if self.holds("resources of one hash become one") else resources)


class ConfigurationFacts(facts.TempoCase):
    """query_end_cutoff is a setting of 3.x: what its searches never show of the newest time (tempo/api/tempo_tail.c)."""

    def configuration(self):
        status, _, body = self.tempo.get("/status/config")
        self.assertEqual(status, 200)
        self.assertIn("query_frontend:", body.decode())
        return body.decode()


class FastConfiguration(ConfigurationFacts):
    config = "fast"

    def test_a_cutoff_of_nothing_is_not_said(self):
        self.assertNotIn("query_end_cutoff", self.configuration())


class StockConfiguration(ConfigurationFacts):
    config = "stock"

    def test_its_configuration_says_what_it_hides(self):
        self.assertEqual("query_end_cutoff: 2s" in self.configuration(), self.holds("the newest seconds are hidden (query_end_cutoff)"))

    def test_the_newest_seconds_are_hidden(self):
        trace_id, pushed = otlp.new_trace_id(), time.time()
        self.tempo.push([otlp.span(trace_id, "newest", int(pushed * 1e9))])
        self.wait_found('{name="newest"}', [trace_id])
        if self.holds("the newest seconds are hidden (query_end_cutoff)"):
            self.assertGreaterEqual(time.time(), int(pushed) + 2)


class ReadLimitFacts(facts.TempoCase):
    """The limit of a read: traces that lie in two blocks, asked with a limit of as many traces as there are."""
    config = "fast"
    closes_blocks = True
    count = 60

    @classmethod
    def prepare(cls):
        now = time.time_ns() - SECOND
        cls.ids = [otlp.new_trace_id() for _ in range(cls.count)]
        cls.tempo.push([otlp.span(one, "early", now) for one in cls.ids])
        cls.wait_found('{name="early"}', cls.ids)
        cls.tempo.close_blocks()
        cls.tempo.push([otlp.span(one, "late", now) for one in cls.ids])
        cls.wait_found('{name="late"}', cls.ids)

    def spans_read(self, limit):
        query = f'{{trace:id =~ "{"|".join(one.lstrip("0") for one in self.ids)}|x"}} {READ}(name)'
        rows = self.search(query, limit=limit)
        return sum(len(one["spans"]) for row in rows.values() for one in row["spanSets"])

    def test_a_limit_above_the_number_of_ids_reads_all_blocks(self):
        self.assertEqual(self.spans_read(2 * self.count), 2 * self.count)

    def test_a_limit_of_the_number_of_ids_loses_spans(self):
        """All ids are found in the first block that is looked at; the search ends there, and the other block's spans are missing."""
        self.assertLess(self.spans_read(self.count), 2 * self.count)


class RateFacts(facts.TempoCase):
    """Two kinds of 429: one passes, the other never does. Only the sentence tells."""
    config = "fast"

    @classmethod
    def setUpClass(cls):
        text = config_text_of("fast").replace("rate_limit_bytes: 1000000000", "rate_limit_bytes: 2000")
        text = text.replace("burst_size_bytes: 1000000000", "burst_size_bytes: 5000")
        cls.tempo = TempoServer(config_text=text).start()
        cls.addClassCleanup(cls.tempo.stop)

    def push(self, count):
        trace_id, now = otlp.new_trace_id(), time.time_ns()
        return self.tempo.push_request(otlp.request([otlp.span(trace_id, f"span {i}", now) for i in range(count)], "svc", None))

    def test_above_the_burst_it_names_both_sizes(self):
        status, headers, body = self.push(200)
        self.assertEqual(status, 429)
        self.assertEqual(headers.get("Retry-After"), self.holds("429 above the burst says Retry-After"))
        self.assertRegex(body.decode(), r"batch size \(\d+ bytes\) exceeds ingestion limit .* burst: 5000 bytes\) while adding \d{5} bytes")

    def test_above_the_rate_it_names_a_size_below_the_burst(self):
        answers = [self.push(20) for _ in range(8)]
        refused = [body.decode() for status, _, body in answers if status == 429]
        self.assertTrue(refused)
        self.assertRegex(refused[0], r"burst: 5000 bytes\) exceeded while adding 1\d{3} bytes")


if __name__ == "__main__":
    facts.main()
