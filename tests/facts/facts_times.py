"""What a search says of traces with odd times: spans at time 0, long ago, in the future, never ended, ended before they began.

Decisions on them: docs/operations/tempo.md (what a Tempo has to be given), the probes of betrace doctor, and what places a trace inside a range. That is a
span's own times or the trace as read, never a duration of a row.

Of each shape its first span has the shape's name, further ones have ".odd" behind it, and all of it is pushed in one request beside an ordinary trace, the
companion. END is when the ordinary spans end.
"""
import collections
import struct
import time

import tempo_case as facts
from tempo_case import SECOND, otlp

MS = 1_000_000
DAY = 86400 * SECOND
YEAR_2200, YEAR_2300 = 7258118400 * SECOND, 10413792000 * SECOND  # the second does not fit in an int64 of nanoseconds

# ordered (name, start, end) of the spans of each shape, by the time at which an ordinary one begins
SHAPES = {
    "plain": lambda t: [("", t, t + MS)],
    "zero": lambda t: [("", t, t + MS), (".odd", 0, 0)],
    "start zero": lambda t: [("", t, t + MS), (".odd", 0, t + SECOND)],
    "only start zero": lambda t: [("", 0, t + MS)],
    "only zeros": lambda t: [("", 0, 0)],
    "40 days before": lambda t: [("", t, t + MS), (".odd", t - 40 * DAY, t - 40 * DAY + MS)],
    "60 days before": lambda t: [("", t, t + MS), (".odd", t - 60 * DAY, t - 60 * DAY + MS)],
    "backwards": lambda t: [("", t, t - 5 * MS)],
    "a nanosecond backwards": lambda t: [("", t, t - 1)],  # as SigNoz/signoz-otel-collector issue 814 sends it
    "an hour backwards": lambda t: [("", t, t - 3600 * SECOND)],
    "beside backwards": lambda t: [("", t, t + MS), (".odd", t, t - 5 * MS)],
    "not ended": lambda t: [("", t, 0)],
    "beside not ended": lambda t: [("", t, t + MS), (".odd", t + 2 * SECOND, 0)],
    "root not ended": lambda t: [("", t, 0), (".odd", t + MS, t + 2 * MS)],
    "year 2200": lambda t: [("", YEAR_2200, YEAR_2200 + MS)],
    "beside year 2200": lambda t: [("", t, t + MS), (".odd", YEAR_2200, YEAR_2200 + MS)],
}
UNSEEN = {"only zeros", "not ended"}  # no range finds them, whichever
WITHIN = [name for name in SHAPES if name not in UNSEEN | {"an hour backwards", "year 2200"}]  # the range of the ordinary spans does


def pushed_span(trace_id, name, start_ns, end_ns, parent=""):
    made = otlp.span(trace_id, name, start_ns, parent=parent)
    made["endTimeUnixNano"] = str(end_ns)
    return made


def spans_of(trace_id, name, times):
    made = []
    for suffix, start_ns, end_ns in times:
        made.append(pushed_span(trace_id, name + suffix, start_ns, end_ns, parent=made[0]["spanId"] if made else ""))
    return made


def shown_spans(row):
    """(start, duration) of the spans that a row shows, as it says them; a number that is left out is 0."""
    return [(int(span.get("startTimeUnixNano", 0)), int(span.get("durationNanos", 0))) for one in row["spanSets"] for span in one["spans"]]


def unsigned(number, bits=64):
    return number % 2**bits


def messages(body):
    """Fields of a protobuf message: {number: [values]}."""
    found, at = collections.defaultdict(list), 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = body[at]
            value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
            if byte < 0x80:
                return value
    while at < len(body):
        tag = varint()
        if tag & 7 == 0:
            found[tag >> 3].append(varint())
        elif tag & 7 == 1:
            found[tag >> 3].append(struct.unpack_from("<Q", body, at)[0])
            at += 8
        else:
            length = varint()
            found[tag >> 3].append(body[at:at + length])
            at += length
    return found


class Times(facts.TempoCase):
    @classmethod
    def prepare(cls):
        cls.at = (int(time.time()) - 6) * SECOND
        cls.ids = {name: otlp.new_trace_id() for name in SHAPES}
        cls.times = {name: make(cls.at) for name, make in SHAPES.items()}
        cls.companion = otlp.new_trace_id()
        cls.tempo.push([otlp.span(cls.companion, "companion", cls.at)])
        for name, trace_id in cls.ids.items():
            cls.tempo.push(spans_of(trace_id, name, cls.times[name]), service=name)
        for name in WITHIN:
            cls.wait_found(f'{{name="{name}"}}', [cls.ids[name]])

    def row(self, name, span="", **search):
        return self.search(f'{{name="{name}{span}"}}', **search).get(self.ids[name])

    def wait_row(self, name, span="", **search):
        return self.tempo.wait_until(lambda: self.row(name, span, **search), f"{name}{span} is found")

    def around(self, seconds_before, margin=60):
        second = self.at // SECOND - seconds_before
        return {"start": second - margin, "end": second + margin}

    def assert_never_found(self, name, **search):
        self.assert_finds_nothing(f'{{name="{name}"}}', '{name="companion"}', self.companion, **search)

    # --- what a row says -------------------------------------------------------------------------------------------------

    def test_a_span_that_matched_is_said_with_its_own_times(self):
        """Exactly, whatever the trace's row says: its length is the difference in 64 bits without a sign."""
        for name in WITHIN:
            for span, start_ns, end_ns in self.times[name]:
                with self.subTest(name, span=span):
                    self.assertEqual(shown_spans(self.wait_row(name, span)), [(start_ns, unsigned(end_ns - start_ns))])

    def test_the_length_of_a_row_wraps(self):
        """From the earliest start to the latest end, cut to 32 bits of milliseconds. An end of 0 is none; an end before its start is taken as it is."""
        for name in ("plain", "40 days before", "60 days before", "backwards", "a nanosecond backwards", "beside backwards", "beside not ended",
                     "root not ended", "beside year 2200"):
            with self.subTest(name):
                starts, ends = zip(*[(start_ns, end_ns) for _, start_ns, end_ns in self.times[name]])
                row = self.wait_row(name)
                self.assertEqual(int(row["startTimeUnixNano"]), min(starts))
                self.assertEqual(row["durationMs"], unsigned(unsigned(max(ends) - min(starts)) // MS, 32))
        self.assertEqual(self.row("40 days before")["durationMs"], 40 * 86400 * 1000 + 1)
        self.assertEqual(self.row("60 days before")["durationMs"], 60 * 86400 * 1000 + 1 - 2**32)

    def test_a_start_of_zero_may_or_may_not_be_the_start_of_the_row(self):
        """Behind a span that has a start it is, before one it is not: in which order spans lie nobody can know."""
        for name in ("zero", "start zero"):
            with self.subTest(name):
                row = self.wait_row(name)
                self.assertIn(int(row.get("startTimeUnixNano", 0)), (0, self.at))
                end_ns = max(end_ns for _, _, end_ns in self.times[name])
                self.assertEqual(row.get("durationMs", 0), unsigned((end_ns - int(row.get("startTimeUnixNano", 0))) // MS, 32))
        self.assertEqual(int(self.wait_row("only start zero").get("startTimeUnixNano", 0)), 0)

    def test_name_and_count_are_those_of_all_spans(self):
        for name in WITHIN:
            with self.subTest(name):
                row = self.wait_row(name)
                self.assertEqual((row["rootTraceName"], row["rootServiceName"]), (name, name))
                self.assertEqual(row["serviceStats"], {name: {"spanCount": len(self.times[name])}})

    # --- spans in a row --------------------------------------------------------------------------------------------------

    def test_a_row_always_has_a_span_that_matched(self):
        """With the query {} and one span for each row, too; `matched` says how many there were, shown or not."""
        rows = self.search("{}", spss=1)
        for name in ("plain", "zero", "60 days before", "beside not ended", "beside backwards", "beside year 2200"):
            with self.subTest(name):
                one, = rows[self.ids[name]]["spanSets"]
                self.assertEqual(len(one["spans"]), 1)
                self.assertIn((int(one["spans"][0]["startTimeUnixNano"]), int(one["spans"][0]["durationNanos"])),
                              [(start_ns, unsigned(end_ns - start_ns)) for _, start_ns, end_ns in self.times[name] if start_ns])
                self.assertEqual(one["matched"], len([start_ns for _, start_ns, _ in self.times[name] if start_ns]))

    def test_and_in_protobuf(self):
        now = int(time.time())
        status, headers, body = self.tempo.get("/api/search", {"q": "{}", "start": now - 120, "end": now + 1, "limit": 10000, "spss": 1},
                                               accept="application/protobuf")
        self.assertEqual((status, headers["Content-Type"]), (200, self.holds("a search that accepts protobuf is answered in")))
        if headers["Content-Type"] != "application/protobuf":
            return
        traces = [messages(one) for one in messages(body)[1]]
        self.assertIn(self.ids["60 days before"].lstrip("0"), [one[1][0].decode() for one in traces])
        for one in traces:
            (spans,) = [messages(each)[1] for each in one[7]]
            self.assertEqual(len(spans), 1)
            self.assertTrue(messages(spans[0])[3][0])  # its own start
            if one[1][0].decode() == self.ids["60 days before"].lstrip("0"):
                self.assertEqual((one[4], one[5]), ([self.at - 60 * DAY], [60 * 86400 * 1000 + 1 - 2**32]))

    def test_a_query_without_a_test_matches_no_span_that_starts_at_zero(self):
        self.assertTrue(self.wait_row("only start zero"))
        for _ in range(3):
            rows = self.search("{}", spss=10)
            self.assertNotIn(self.ids["only start zero"], rows)
            self.assertEqual([start_ns for start_ns, _ in shown_spans(rows[self.ids["zero"]])], [self.at])

    # --- which range finds it --------------------------------------------------------------------------------------------

    def test_a_range_finds_what_overlaps_it_from_the_first_start_to_the_last_end(self):
        for name, before, is_found in (("60 days before", 60 * 86400, True), ("60 days before", 30 * 86400, True), ("40 days before", 60 * 86400, False),
                                       ("40 days before", 30 * 86400, True), ("plain", 3600, False), ("beside backwards", 3600, False),
                                       ("beside not ended", 3600, False), ("beside year 2200", 3600, False)):
            with self.subTest(name, before=before):
                if is_found:
                    self.assertTrue(self.wait_row(name, **self.around(before)))
                else:
                    self.assert_never_found(name, **self.around(before))

    def test_what_ends_before_it_starts_is_found_by_a_range_that_holds_both(self):
        self.assert_never_found("an hour backwards", **self.around(0))
        self.assert_never_found("an hour backwards", **self.around(3600))
        self.assert_never_found("an hour backwards", **self.around(1800))
        self.assertTrue(self.wait_row("an hour backwards", **self.around(1800, margin=1900)))

    def test_no_range_finds_what_never_ended(self):
        for name in sorted(UNSEEN):
            for search in ({}, self.around(0), self.around(1800, margin=3600), self.around(60 * 86400, margin=120 * 86400)):
                with self.subTest(name, **search):
                    self.assert_never_found(name, **search)
            self.assertTrue(self.tempo.trace(self.ids[name]))

    def test_no_range_can_reach_the_year_2200(self):
        self.assert_refused(400, "invalid", '{name="plain"}', start=YEAR_2200 // SECOND - 60, end=YEAR_2200 // SECOND + 60)
        self.assert_never_found("year 2200")
        self.assertTrue(self.tempo.trace(self.ids["year 2200"]))

    def test_without_a_range(self):
        """2.8 asks its ingester for everything; what came after takes the last hour."""
        for name in ("not ended", "year 2200"):
            with self.subTest(name):
                if self.holds("without a range what never ended is found"):
                    self.assertTrue(self.wait_row(name, start=None, end=None))
                else:
                    self.assert_never_found(name, start=None, end=None)

    def test_by_id_all_times_are_as_they_were_pushed(self):
        for name, trace_id in self.ids.items():
            with self.subTest(name):
                self.assertEqual(sorted((span["name"], span["start_ns"], span["end_ns"]) for span in self.tempo.trace(trace_id)),
                                 sorted((name + suffix, start_ns, end_ns) for suffix, start_ns, end_ns in self.times[name]))


class TimesInOpenBlocks(Times):
    config = "fast"


class TimesInCompletedBlocks(facts.InCompletedBlocks, Times):
    config = "fast"


class TimesInTwoBlocks(facts.TempoCase):
    """The odd span lies in a block of its own: a range sees each part as a trace of its own."""
    config = "fast"
    closes_blocks = True

    @classmethod
    def prepare(cls):
        cls.at = (int(time.time()) - 6) * SECOND
        parts = {"zero": (0, 0), "early": (cls.at - 60 * DAY, cls.at - 60 * DAY + MS), "not ended": (cls.at, 0), "backwards": (cls.at, cls.at - 5 * MS)}
        cls.ids = {name: otlp.new_trace_id() for name in parts}
        for name, trace_id in cls.ids.items():
            cls.tempo.push([otlp.span(trace_id, name, cls.at)])
            cls.wait_found(f'{{name="{name}"}}', [trace_id])
        cls.tempo.close_blocks()
        for name, (start_ns, end_ns) in parts.items():
            cls.tempo.push([pushed_span(cls.ids[name], name + ".odd", start_ns, end_ns, parent=otlp.new_span_id())])
        cls.wait_found('{name="backwards.odd"}', [cls.ids["backwards"]])
        cls.tempo.close_blocks()

    def test_the_part_of_the_range_says_its_own_times(self):
        for name, trace_id in self.ids.items():
            with self.subTest(name):
                row = self.tempo.wait_until(lambda n=name, i=trace_id: self.search(f'{{name="{n}"}}').get(i), f"{name} is found")
                self.assertEqual((int(row["startTimeUnixNano"]), row["durationMs"], shown_spans(row)), (self.at, 1, [(self.at, MS)]))

    def test_the_other_part_is_found_at_its_own_time_if_at_all(self):
        second = self.at // SECOND
        then = second - 60 * 86400
        row = self.tempo.wait_until(lambda: self.search('{name="early.odd"}', start=then - 60, end=then + 60).get(self.ids["early"]), "it is found at its time")
        self.assertEqual(shown_spans(row), [(self.at - 60 * DAY, MS)])
        for name in ("zero", "early", "not ended"):
            with self.subTest(name):
                self.assert_finds_nothing(f'{{name="{name}.odd"}}', f'{{name="{name}"}}', self.ids[name])
        self.assert_finds('{name="backwards.odd"}', {self.ids["backwards"]})

    def test_a_row_of_both_parts_says_the_earlier_start_and_the_longer_length(self):
        """Which together are no end of anything."""
        second = self.at // SECOND

        def both():
            row = self.search("{}", start=second - 61 * 86400, end=second + 60, spss=10).get(self.ids["early"])
            return row if row and int(row["startTimeUnixNano"]) < self.at and row.get("rootTraceName") else None

        row = self.tempo.wait_until(both, "both parts are found")
        self.assertEqual((int(row["startTimeUnixNano"]), row["durationMs"]), (self.at - 60 * DAY, 1))
        self.assertEqual(len(shown_spans(row)), 1)  # one part's spans: that of the more matches, else of any


class FarEnds(facts.TempoCase):
    """A time of 2^63 nanoseconds or more (the year 2262) hides everything that lies in one page of a block with it."""
    config = "fast"
    closes_blocks = True
    shapes = {"end": lambda t: (t, 2**64 - 1), "year 2300": lambda t: (YEAR_2300, YEAR_2300 + MS), "last that is not": lambda t: (t, 2**63 - 1)}

    @classmethod
    def prepare(cls):
        cls.at = (int(time.time()) - 6) * SECOND
        cls.ids, cls.beside = {}, {}
        for name, make in cls.shapes.items():
            cls.ids[name], cls.beside[name] = otlp.new_trace_id(), otlp.new_trace_id()
            cls.tempo.push([otlp.span(cls.beside[name], f"beside {name}", cls.at), pushed_span(cls.ids[name], name, *make(cls.at))])
            cls.tempo.wait_until(lambda n=name: cls.tempo.trace(cls.ids[n]) and cls.tempo.open_blocks(), "it is taken")
            time.sleep(1)  # it goes from memory into a block
            cls.tempo.close_blocks()
        cls.control = otlp.new_trace_id()
        cls.tempo.push([otlp.span(cls.control, "control", cls.at)])
        cls.wait_found('{name="control"}', [cls.control])

    def test_a_time_of_2_63_hides_others_of_its_block_from_every_range(self):
        now = int(time.time())
        for name in ("end", "year 2300"):
            for search in ({}, {"start": now - 86400, "end": now + 1}, {"start": now - 86400, "end": now + 86400}):
                with self.subTest(name, **search):
                    self.assert_finds_nothing(f'{{name="beside {name}"}}', '{name="control"}', self.control, **search)
                    self.assert_finds_nothing(f'{{name="{name}"}}', '{name="control"}', self.control, **search)

    def test_the_last_time_below_hides_nothing(self):
        self.assert_finds('{name="beside last that is not"}', {self.beside["last that is not"]})
        self.assert_finds('{name="last that is not"}', {self.ids["last that is not"]})

    def test_by_id_all_are_there(self):
        for name in self.shapes:
            self.assertEqual([span["name"] for span in self.tempo.trace(self.beside[name])], [f"beside {name}"])
            self.assertEqual([span["name"] for span in self.tempo.trace(self.ids[name])], [name])


if __name__ == "__main__":
    facts.main()
