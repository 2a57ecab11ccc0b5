"""What one search answers: attribute semantics, ids, ranges, limits. Decisions on them: dsl/plan (what is pushed down), tempo/ (windows, ids)."""
import json
import time

import tempo_case as facts
from tempo_case import SECOND, otlp

# Whatever the clock says, the traces lie a few seconds back: near enough for both configs to answer from the ingester.
AGE_SECONDS = 6
AHEAD_SECONDS = 20


class SearchFacts(facts.TempoCase):
    @classmethod
    def prepare(cls):
        cls.base = int(time.time()) - AGE_SECONDS
        start = cls.base * SECOND
        values = {"int1": 1, "double1": 1.0, "text1": "1", "int2": 2, "double2.5": 2.5, "none": None}
        cls.ids = {name: otlp.new_trace_id() for name in values}
        cls.tempo.push([otlp.span(cls.ids[name], "case", start, attrs={} if value is None else {"x": value})
                        for name, value in values.items()])
        cls.zeros = "000" + otlp.new_trace_id()[3:]
        cls.long = otlp.new_trace_id()
        cls.many = [otlp.new_trace_id() for _ in range(30)]
        cls.tempo.push([otlp.span(cls.zeros, "zeros", start, span_id="00" + otlp.new_span_id()[2:]),
                        otlp.span(cls.long, "long", start, 3 * SECOND, attrs={"huge": "h" * 3000})])
        cls.tempo.push([otlp.span(trace_id, "many", start + i * SECOND // 10) for i, trace_id in enumerate(cls.many)])
        cls.tempo.push([otlp.span(cls.many[0], f"part{i}", start) for i in range(5)])
        cls.wait_found('{name="case"}', cls.ids.values())
        cls.wait_found('{name="zeros" || name="long"}', [cls.zeros, cls.long])
        cls.wait_found('{name="many"}', cls.many)
        cls.wait_found('{name="part4"}', cls.many[:1])

    def traces(self, *names):
        return {self.ids[name] for name in names}

    # --- attributes ------------------------------------------------------------------------------------------------------

    def test_integers_and_doubles_are_separate(self):
        for condition, expected in (("= 1", ["int1"]), ("= 1.0", ["double1"]), ('= "1"', ["text1"]), ("> 1", ["int2"]),
                                    ("> 1.0", ["double2.5"]), (">= 1.0", ["double1", "double2.5"])):
            self.assert_finds(f'{{name="case" && span.x {condition}}}', self.traces(*expected))
        self.assert_finds('{name="case" && (span.x > 1 || span.x > 1.0)}', self.traces("int2", "double2.5"))

    def test_unequal_skips_spans_without_the_attribute_and_of_other_types(self):
        self.assert_finds('{name="case" && span.x != 1}', self.traces("int2"))

    def test_unequal_nil_is_presence(self):
        self.assert_finds('{name="case" && span.x != nil}', self.traces("int1", "double1", "text1", "int2", "double2.5"))

    def test_equal_nil_is_refused_or_wrong(self):
        query = '{name="case" && span.x = nil}'
        if self.holds("= nil beside another test finds what is missing"):
            self.assert_finds(query, self.traces("none"))
        elif self.holds("= nil is a query"):
            self.assert_finds_nothing(query, '{name="case"}', self.ids["none"])
        else:
            self.assert_refused(400, "syntax error", query)

    def test_negation_of_a_group_finds_nothing(self):
        for query in ('{name="case" && !(span.x = 1)}', '{!(name="case")}'):
            self.assert_finds_nothing(query, '{name="case"}', self.ids["int2"])

    def test_regex_is_anchored(self):
        self.assert_finds_nothing('{name=~"cas"}', '{name="case"}', self.ids["int1"])
        self.assert_finds('{name=~"cas."}', self.ids.values())

    def test_attribute_values_are_cut_on_the_way_in(self):
        self.assertEqual(len(self.tempo.trace(self.long)[0]["attrs"]["huge"]), 2048)

    # --- times ---------------------------------------------------------------------------------------------------------------

    def test_what_lies_in_the_future(self):
        """By the clock of Tempo's machine. A span that goes on into the future and began before it shows at once."""
        ahead, across = otlp.new_trace_id(), otlp.new_trace_id()
        at = int(time.time()) + AHEAD_SECONDS
        self.tempo.push([otlp.span(ahead, "ahead", at * SECOND), otlp.span(across, "across", (at - 2 * AHEAD_SECONDS) * SECOND, 4 * AHEAD_SECONDS * SECOND)])
        wide = {"start": at - 600, "end": at + 600}
        self.tempo.wait_until(lambda: across in self.search('{name="across"}', **wide), "the span that began before now is found")
        found = ahead in self.search('{name="ahead"}', **wide)
        if time.time() < at - 1:
            self.assertEqual(found, self.holds("a search shows what lies in the future"))
        self.tempo.wait_until(lambda: ahead in self.search('{name="ahead"}', **wide), "it is found once its time has come", seconds=AHEAD_SECONDS + 60)

    def test_a_range_that_begins_now(self):
        """Now is what a Tempo shows last (query_end_cutoff). The second may pass while the question is under way: then it is asked again."""
        hidden = 2 if self.config == "stock" and self.holds("the newest seconds are hidden (query_end_cutoff)") else 0

        def status():
            now = int(time.time())
            answers = [self.tempo.search_raw('{name="case"}', now - hidden, now + 60), self.tempo.search_raw('{name="case"}', now + 600, now + 660)]
            return answers if int(time.time()) == now else None
        (at_once, sentence), (later, body) = self.tempo.wait_until(status, "both are answered within a second")
        self.assertEqual(later, 200, body)
        found = {row["traceID"].rjust(32, "0") for row in json.loads(body).get("traces") or []} & set(self.ids.values())
        if self.holds("a range that begins in the present second is refused") == "answered":
            self.assertEqual((at_once, found), (200, set()), sentence)
        else:
            self.assertEqual((at_once, found), (400, set(self.ids.values())), sentence)
            self.assertIn("start must be before end", sentence)

    # --- ids ---------------------------------------------------------------------------------------------------------------

    def test_answers_strip_leading_zeros_of_trace_ids(self):
        self.assert_finds('{name="zeros"}', {self.zeros})
        _, body = self.tempo.search_raw('{name="zeros"}')
        self.assertEqual([row["traceID"] for row in json.loads(body)["traces"]], [self.zeros.lstrip("0")])

    def test_ids_without_leading_zeros_are_found_and_with_them_not_everywhere(self):
        self.assert_finds(f'{{trace:id =~ "{self.zeros.lstrip("0")}|x"}}', {self.zeros})
        with_zeros = f'{{trace:id =~ "{self.zeros}|x"}}'
        if self.holds("an id with leading zeros is found"):
            self.assert_finds(with_zeros, {self.zeros})
            self.assert_finds(f'{{trace:id = "{self.zeros.lstrip("0")}"}}', {self.zeros})
        else:
            self.assert_finds_nothing(with_zeros, '{name="zeros"}', self.zeros)

    def test_id_regex_needs_a_second_alternative(self):
        self.assert_refused(500, "operator not supported for IDs", f'{{trace:id =~ "{self.zeros.lstrip("0")}"}}')

    def test_id_regex_by_digit_splits_exactly(self):
        found = []
        for digits in ("[1-3].*", "[4-7].*", "[89ab].*", "[c-f].*"):
            found += self.search(f'{{name="many" && trace:id =~ "{digits}"}}')
        self.assertEqual(len(found), len(set(found)), "no overlap")
        self.assertEqual(set(found), set(self.many))

    def test_unknown_trace_is_200_and_empty(self):
        status, answer = self.tempo.trace_raw(otlp.new_trace_id())
        self.assertEqual((status, answer), (200, {"trace": {}, "metrics": {}}))

    def test_by_id_takes_ids_with_and_without_leading_zeros(self):
        self.assertEqual(len(self.tempo.trace(self.zeros)), 1)
        self.assertEqual(len(self.tempo.trace(self.zeros.lstrip("0"))), 1)

    # --- ranges --------------------------------------------------------------------------------------------------------------

    def test_a_range_shows_what_overlaps_it_ends_included(self):
        for start, end in ((-2, 0), (-2, 1), (1, 2), (3, 5), (-5, 10)):
            self.assert_finds('{name="long"}', {self.long}, start=self.base + start, end=self.base + end)
        for start, end in ((-3, -1), (4, 6)):
            self.assert_finds_nothing('{name="long"}', '{name="long"}', self.long, start=self.base + start, end=self.base + end)

    def test_ranges_that_are_refused(self):
        self.assert_refused(400, "must be before end", "{}", start=self.base, end=self.base)
        self.assert_refused(400, "must be before end", "{}", start=self.base + 1, end=self.base)
        for only in ({"start": self.base}, {"end": self.base}):
            self.assertEqual(self.tempo.search_raw("{}", **only)[0], 400)

    # --- limits ----------------------------------------------------------------------------------------------------------------

    def test_a_full_answer_is_any_part_and_nothing_says_so(self):
        status, body = self.tempo.search_raw('{name="many"}', limit=10)
        answer = json.loads(body)
        self.assertEqual(status, 200)
        self.assertEqual(len(answer["traces"]), 10)
        self.assertEqual(set(answer), {"traces", "metrics"}, "no field marks an answer as cut")
        self.assertLess(set(row["traceID"].rjust(32, "0") for row in answer["traces"]), set(self.many))

    def test_below_its_limit_an_answer_is_complete(self):
        self.assert_finds('{name="many"}', self.many, limit=31)

    def test_limits_that_are_refused(self):
        self.assert_refused(400, "must be a positive number", "{}", limit=0)
        if self.holds("spss=0 is refused"):
            self.assert_refused(400, "must be a positive number", "{}", spss=0)
        else:
            self.assertEqual(self.tempo.search_raw("{}", spss=0)[0], 200)

    def test_spans_per_set_default_to_3_and_each_span_id_is_a_set(self):
        query = '{name=~"part.*"}'
        row = self.search(query)[self.many[0]]
        self.assertEqual((row["spanSet"]["matched"], len(row["spanSet"]["spans"])), (5, 3))
        self.assertEqual(len(self.tempo.found_spans(query + " | by(span:id) | select(name)")[self.many[0]]), 5)

    # --- answers -----------------------------------------------------------------------------------------------------------------

    def test_what_is_answered_where_protobuf_is_accepted(self):
        status, headers, _ = self.tempo.get("/api/search", {"q": "{}"}, accept="application/protobuf")
        self.assertEqual((status, headers["Content-Type"]), (200, self.holds("a search that accepts protobuf is answered in")))
        status, headers, _ = self.tempo.get("/api/search", {"q": "{}"})
        self.assertEqual((status, headers["Content-Type"]), (200, "application/json"))

    def test_a_name_is_there_only_when_the_query_names_it(self):
        with_name = self.tempo.found_spans('{span.x = 2} | select(name)')[self.ids["int2"]]
        without = self.tempo.found_spans('{span.x = 2} | select(kind)')[self.ids["int2"]]
        self.assertEqual([span.get("name") for span in with_name.values()], ["case"])
        self.assertEqual([span.get("name") for span in without.values()], [None])


class Fast(SearchFacts):
    config = "fast"

    def test_the_cap_of_spans_per_set_is_lifted(self):
        self.assertEqual(self.tempo.search_raw("{}", spss=101)[0], 200)

    def test_a_configured_largest_limit_is_kept(self):
        self.assert_refused(400, "exceeds max limit 262144", "{}", limit=262145)
        self.assertEqual(self.tempo.search_raw("{}", limit=262144)[0], 200)


class Stock(SearchFacts):
    config = "stock"

    def test_the_largest_limit(self):
        largest = self.holds("the largest limit by default")
        if largest is None:
            self.assertEqual(self.tempo.search_raw("{}", limit=1000000)[0], 200)
        else:
            self.assert_refused(400, f"exceeds max limit {largest}", "{}", limit=largest + 1)
            self.assertEqual(self.tempo.search_raw("{}", limit=largest)[0], 200)

    def test_spans_per_set_are_capped(self):
        self.assert_refused(400, "spans per span set exceeds 100", "{}", spss=101)

    def test_ranges_are_capped_at_168_hours(self):
        now = int(time.time())
        self.assert_refused(400, "exceeds 168h0m0s", "{}", start=now - 8 * 86400, end=now)
        self.assertEqual(self.tempo.search_raw("{}", start=now - 7 * 86400 + 60, end=now)[0], 200)


if __name__ == "__main__":
    facts.main()
