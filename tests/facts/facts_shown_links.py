"""What a projection says of the links of spans: of each span the trace id and the span id of one and the same link, the last. Decisions on them: the
projection of linking spans (dsl/plan.h, bt_plan_evidence; server/replay/links_way.c), and how its rows are read (tempo/api/trace_merge.c).

What is shown must be a link that the span has. That it is the last is held too, though nothing rests on it; nor on that all spans with links are given.
"""
import time

import tempo_case as facts
from tempo_case import SECOND, otlp

# The queries that bt_traceql_read_spans writes: bare, and with an attribute beside, of every type and where it is missing.
READ = " | by(span:id) | by(kind) | select(name, link:traceID, link:spanID)"
PRESENT = ' && (span.queue =~ "(?s:.*)" || span.queue >= 0 || span.queue < 0 || span.queue >= 0.0 || span.queue != 5e-324 || span.queue = true ' \
          '|| (span.queue = false && true) || true)'
ANY_LINK = 'link:traceID != ""'
SHAPES = (f"{{ ({ANY_LINK}){PRESENT} }}{READ}", f"{{ ({ANY_LINK}) }}{READ}", f"{{ ((kind = consumer) && {ANY_LINK}) }}{READ}",
          f"{{ ((kind = consumer) && {ANY_LINK}) }} | select(name, kind, link:traceID, link:spanID)",
          f'{{ ((name = "process") && {ANY_LINK}) }} | select(name, kind, link:traceID, link:spanID)',
          f"{{ ((kind = consumer) && {ANY_LINK}){PRESENT} }}{READ}", f'{{ trace:id =~ "[0-9a-f]{{1,32}}" && ((kind = consumer) && {ANY_LINK}){PRESENT} }}{READ}')
NO_ID = ("", "")
ZEROS = ("0" * 32, "0" * 16)


def new_link(start=""):
    return start + otlp.new_trace_id()[len(start):], "a" + otlp.new_span_id()[1:]


def shown_of(answer):
    """{span id: set of (trace id, span id) of a link}, of a decoded search answer; ids are as wide as they are."""
    shown = {}
    for row in answer.values():
        for spans in row["spanSets"]:
            for span in spans["spans"]:
                values = {}
                for one in span.get("attributes", []):
                    values.setdefault(one["key"], set()).add(one["value"].get("stringValue", ""))
                for key in ("link:traceID", "link:spanID"):
                    if len(values.get(key, ())) > 1:
                        raise AssertionError(f"two values of {key} in a row: {values[key]}")
                trace_id, span_id = ("".join(values.get(key, ())) for key in ("link:traceID", "link:spanID"))
                shown.setdefault(span["spanID"].rjust(16, "0"), set()).add((trace_id.rjust(32, "0"), span_id.rjust(16, "0")))
    return shown


class ShownLinks(facts.TempoCase):
    @classmethod
    def prepare(cls):
        cls.now, cls.links, spans = time.time_ns() - 5 * SECOND, {}, []
        kinds_of_lists = ([new_link()], [new_link("0")], [new_link(), new_link()], [new_link() for _ in range(60)],
                          [new_link(), NO_ID], [NO_ID, new_link()], [new_link(), (new_link()[0], "")], [new_link(), ("", new_link()[1])],
                          [new_link(), ZEROS], [(new_link()[0], "")], [NO_ID], [ZEROS, ZEROS])
        for number in range(60):
            links = kinds_of_lists[number % len(kinds_of_lists)]
            links = [link if "" in link or link == ZEROS else new_link(link[0][:1] if link[0][0] == "0" else "") for link in links]
            span_id = otlp.new_span_id()
            cls.links[span_id] = links
            attrs = ({}, {"queue": "orders"}, {"queue": 7}, {"queue": ["a", "b"]}, {"queue": "nil"})[number % 5]
            # Every other trace has two such spans, and one without a link.
            trace_id = otlp.new_trace_id() if number % 2 == 0 else spans[-1]["traceId"]
            spans.append(otlp.span(trace_id, "process", cls.now, span_id=span_id, kind="consumer", attrs=attrs, links=[(*link, {"rel": "x"}) for link in links]))
            spans.append(otlp.span(trace_id, "idle", cls.now, kind="consumer"))
        cls.traces = {span["traceId"] for span in spans}
        cls.tempo.push(spans)
        cls.wait_found('{ name = "idle" }', cls.traces)

    def is_given(self, links):
        """By the trace id of any link, or of the first one."""
        if self.holds("a span whose first link has no trace id is found"):
            return any(link[0] and link != ZEROS for link in links)
        return links[0][0] != "" and links[0] != ZEROS

    def shown(self, query):
        are_given = [one for one, links in self.links.items() if self.is_given(links)]
        deadline = time.monotonic() + 30
        while True:  # a trace is out of sight for a moment while its block is handed over
            shown = shown_of(self.search(query, limit=1000, spss=1000))
            if set(are_given) <= set(shown) or time.monotonic() > deadline:
                self.assertLessEqual(set(are_given), set(shown), query)
                return shown
            time.sleep(0.2)

    def test_each_span_shows_one_link_that_it_has(self):
        for query in SHAPES:
            for span_id, rows in self.shown(query).items():
                links = [tuple(part.rjust(width, "0") for part, width in zip(link, (32, 16))) for link in self.links[span_id]]
                with self.subTest(query=query, links=links):
                    self.assertEqual(len(rows), 1)
                    self.assertIn(rows.pop(), links)

    def test_the_kind_is_there_once(self):
        self.shown(SHAPES[2])
        for query in SHAPES[2:]:
            for row in self.search(query, limit=1000, spss=1000).values():
                for spans in row["spanSets"]:
                    for span in spans["spans"]:
                        kinds = [one["value"] for one in span["attributes"] if one["key"] == "kind"]
                        self.assertEqual(kinds, [{"stringValue": "consumer"}], query)

    def test_it_is_the_last(self):
        for query in SHAPES:
            for span_id, rows in self.shown(query).items():
                last = self.links[span_id][-1]
                self.assertEqual(rows, {(last[0].rjust(32, "0"), last[1].rjust(16, "0"))}, (query, self.links[span_id]))

    def test_a_span_without_links_is_not_given(self):
        for query in SHAPES:
            given = {one for one, links in self.links.items() if self.is_given(links)}
            self.assertEqual(set(self.shown(query)), given, query)

    def test_a_span_without_links_shows_none(self):
        for query in (f'{{ (name = "idle") }}{READ}', f'{{ (name = "idle"){PRESENT} }}{READ}'):
            self.assert_finds(query, self.traces)
            shown = shown_of(self.search(query, limit=1000, spss=1000))
            self.assertEqual({row for rows in shown.values() for row in rows}, {ZEROS})


class Written(ShownLinks):
    config = "fast"


class Completed(facts.InCompletedBlocks, ShownLinks):
    config = "fast"


class Twice(facts.TempoCase):
    """A span that was sent twice, each time with another link, into two blocks; and one whose second copy has no link."""
    config = "fast"
    closes_blocks = True

    @classmethod
    def prepare(cls):
        cls.now = time.time_ns() - 5 * SECOND
        cls.trace_id, cls.second_id, cls.span_id = otlp.new_trace_id(), otlp.new_trace_id(), otlp.new_span_id()
        cls.links = [new_link(), new_link()]
        cls.push_part(cls.links[0], cls.links[0])
        cls.tempo.close_blocks()
        cls.push_part(cls.links[1], None)

    @classmethod
    def push_part(cls, first, second):
        marker = otlp.span(otlp.new_trace_id(), "marker", cls.now)
        cls.tempo.push([marker, *(otlp.span(trace_id, "process", cls.now, span_id=cls.span_id, kind="consumer", links=[(*link, {})] if link else None)
                                  for trace_id, link in ((cls.trace_id, first), (cls.second_id, second)))])
        cls.wait_found('{ name = "marker" }', [marker["traceId"]])

    def test_what_is_shown_is_a_link_of_a_copy(self):
        for query in SHAPES:
            self.assert_finds(query, [self.trace_id, self.second_id])
            answer = self.search(query, limit=100, spss=100)
            for trace_id, links in ((self.trace_id, self.links), (self.second_id, self.links[:1])):
                shown = shown_of({trace_id: answer[trace_id]})
                self.assertEqual(set(shown), {self.span_id})
                self.assertLessEqual(shown[self.span_id], set(links), query)


if __name__ == "__main__":
    facts.main()
