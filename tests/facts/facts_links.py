"""Span links: who links to these traces, and what a read says of links. Decisions on them: tempo/api/traceql (how ids of links are asked for), tempo/api (what is asked
of a Tempo 2.8), links from reads by id alone.

The same tests look at a block that is still written to and at a completed one; no search sees what is in memory only (facts_visibility).
"""
import json
import time

import tempo_case as facts
from tempo_case import SECOND, otlp

PRODUCERS, BATCH_LINKS, MATCHING, MANY_IDS = 100, 50, 2, 400


def producer_id(number):
    """Every third begins with a zero. None has a first byte of zero: ZeroBytes is about these."""
    start = "0a" if number % 3 == 0 else "a"
    return start + otlp.new_trace_id()[len(start):]


def test_of(trace_id):
    """As an id is asked for: without leading zeros."""
    return f'link:traceID = "{trace_id.lstrip("0")}"'


def linking(ids, more=""):
    return "{ (" + " || ".join(map(test_of, ids)) + ")" + more + " }"


def as_regex(ids):
    return '{ link:traceID =~ "' + "|".join([one.lstrip("0") for one in ids] + ["x"]) + '" }'


def decoded_links(answer, name):
    """[(trace id, span id, attributes)] of the span with that name in a JSON answer by id, as they stand there."""
    for batch in answer["trace"]["resourceSpans"]:
        for span in (span for scope in batch["scopeSpans"] for span in scope["spans"]):
            if span["name"] == name:
                return [(otlp.hex_id(link["traceId"], 16), otlp.hex_id(link["spanId"], 8),
                         {one["key"]: otlp.plain_value(one["value"]) for one in link.get("attributes", [])}) for link in span.get("links", [])]
    raise AssertionError(f"no span {name}")


class LinkFacts(facts.TempoCase):
    @classmethod
    def prepare(cls):
        cls.now = time.time_ns() - 5 * SECOND
        cls.spans, cls.producers = [], []
        for number in range(PRODUCERS):
            trace_id, span_id = producer_id(number), otlp.new_span_id()
            cls.producers.append((trace_id, span_id))
            cls.spans.append(otlp.span(trace_id, "publish", cls.now, span_id=span_id, kind="producer"))
        cls.consumers = [cls.add("process", [(*producer, {})]) for producer in cls.producers]
        cls.ids = [trace_id for trace_id, _ in cls.producers]
        cls.add_batch()
        cls.add_beside()
        cls.tempo.push(cls.spans)
        cls.wait_found('{ name = "last" }', [cls.last])
        cls.wait_found('{ name = "process" }', [*cls.consumers, cls.two_spans])

    @classmethod
    def add(cls, name, links, trace_id=None, **span):
        trace_id = trace_id or otlp.new_trace_id()
        cls.spans.append(otlp.span(trace_id, name, cls.now, links=links, **span))
        return trace_id

    @classmethod
    def add_batch(cls):
        """A span with many links, of which one is to a trace that is asked for."""
        cls.wanted = "0b" + otlp.new_trace_id()[2:]
        cls.batch_links = [(otlp.new_trace_id(), otlp.new_span_id(), {"rel": f"part {i}", "place": i}) for i in range(BATCH_LINKS)]
        cls.batch_links[MATCHING] = (cls.wanted, *cls.batch_links[MATCHING][1:])
        cls.batch = cls.add("batch", cls.batch_links)

    @classmethod
    def add_beside(cls):
        cls.target = "c" + otlp.new_trace_id()[1:]
        to_target = [(cls.target, otlp.new_span_id(), {})]
        others = [(otlp.new_trace_id(), otlp.new_span_id(), {}) for _ in range(2)]
        cls.other_name = cls.add("audit", to_target)
        cls.two_spans = cls.add("process", None)
        cls.add("idle", to_target, trace_id=cls.two_spans)
        cls.both = cls.add("handle", to_target, attrs={"queue": "orders"})
        cls.lists = cls.add("lists", [others[0], *to_target, others[1]], attrs={"tags": ["pii", "b"]})
        cls.own = "0d" + otlp.new_trace_id()[2:]
        root = otlp.new_span_id()
        cls.add("retried", None, trace_id=cls.own, span_id=root)
        cls.add("retry", [(cls.own, root, {})], trace_id=cls.own, parent=root)
        cls.crossed_links = [("e" + otlp.new_trace_id()[1:], otlp.new_span_id(), {}) for _ in range(2)]
        cls.crossed_links = [(one, "b" + span[1:], more) for one, span, more in cls.crossed_links]
        cls.crossed = cls.add("crossed", cls.crossed_links)
        cls.last = cls.add("last", None)

    def test_ids_without_leading_zeros_find_all_that_link(self):
        self.assert_finds(linking(self.ids), self.consumers)
        for number in (0, 1, 3):
            self.assert_finds(linking(self.ids[number:number + 1]), [self.consumers[number]])

    def test_ids_with_leading_zeros_find_nothing(self):
        for number in (0, 3):
            self.assert_finds_nothing(f'{{ link:traceID = "{self.ids[number]}" }}', linking(self.ids[number:number + 1]), self.consumers[number])

    def test_a_regex_sees_the_first_link_of_a_span_only(self):
        self.assert_finds(as_regex(self.ids), self.consumers)
        first, second = (trace_id for trace_id, _, _ in self.crossed_links)
        self.assert_finds(as_regex([first]), [self.crossed])
        self.assert_finds_nothing(as_regex([second]), linking([second]), self.crossed)
        both = f'{{ {test_of(second)} || {as_regex([second])[2:-2]} }}'
        self.assert_finds_nothing(both, linking([second]), self.crossed)

    def test_one_id_alone_is_no_regex(self):
        status, body = self.tempo.search_raw(f'{{ link:traceID =~ "{self.ids[1]}" }}', start=int(time.time()) - 120, end=int(time.time()) + 1)
        self.assertEqual((status, "operator not supported" in body), (500, True), body[:200])

    def test_whatever_has_a_link_is_found(self):
        self.assert_finds('{ link:traceID != "" }', [*self.consumers, self.batch, self.other_name, self.two_spans, self.both, self.lists, self.own, self.crossed])

    def test_span_ids_of_links(self):
        _, second = (span_id for _, span_id, _ in self.crossed_links)
        self.assert_finds(f'{{ link:spanID = "{second}" }}', [self.crossed])

    def test_another_span_id_of_some_link(self):
        """`!=` is met by any link, and so by the other one of two."""
        first, second = (span_id for _, span_id, _ in self.crossed_links)
        for span_id in (first, second, first.upper()):
            self.assert_finds(f'{{ link:spanID != "{span_id}" && name = "crossed" }}', [self.crossed])
        number = next(i for i, (_, span_id) in enumerate(self.producers) if span_id[:2] != "00")  # no Tempo finds these
        of_one = f'{{ link:spanID != "{self.producers[number][1]}" && name = "process" && trace:id != "{self.two_spans}" }}'
        self.assert_finds(of_one, [one for one in self.consumers if one != self.consumers[number]])
        self.assert_finds('{ link:spanID != "" && name = "crossed" }', [self.crossed])

    def test_another_span_id_where_there_are_no_links(self):
        """2.8 takes no link for another one, 3.0 does not; 2.10 was not asked. None takes it for one that is not empty."""
        self.assert_finds_nothing('{ link:spanID != "" && name = "last" }', '{ name = "last" }', self.last)
        another = '{ link:spanID != "00000000000000cd" && name = "last" }'
        if self.tempo.variant.family == "2.8":
            self.assert_finds(another, [self.last])
        if self.tempo.variant.family == "3.0":
            self.assert_finds_nothing(another, '{ name = "last" }', self.last)

    def test_one_link_of_many_is_enough(self):
        self.assert_finds(linking([self.wanted]), [self.batch])
        self.assert_finds(linking([trace_id for trace_id, _, _ in self.batch_links]), [self.batch])

    def test_a_link_to_its_own_trace_is_found(self):
        self.assert_finds(linking([self.own]), [self.own])

    def test_a_test_of_the_span_holds_of_the_span_with_the_link(self):
        self.assert_finds(linking([self.target]), [self.other_name, self.two_spans, self.both, self.lists])
        self.assert_finds(linking([self.target], ' && name = "audit"'), [self.other_name])
        self.assert_finds(linking([self.target], ' && (name = "idle" || resource.service.name = "idle")'), [self.two_spans])
        self.assert_finds_nothing(linking([self.target], ' && name = "process"'), linking([self.target]), self.two_spans)
        self.assert_finds(linking(self.ids, ' && name = "process"'), self.consumers)

    def test_an_attribute_beside_the_link(self):
        self.assert_finds(linking([self.target], ' && span.queue = "orders"'), [self.both])
        for value in ("pii", "b"):
            self.assert_finds(linking([self.target], f' && span.tags = "{value}"'), [self.lists])

    def test_two_tests_of_links_hold_of_one_link(self):
        (one, its_own, _), (_, other, _) = self.crossed_links
        self.assert_finds(linking([one], f' && link:spanID = "{its_own}"'), [self.crossed])
        self.assert_finds_nothing(linking([one], f' && link:spanID = "{other}"'), linking([one]), self.crossed)

    def test_parts_by_trace_id_are_the_whole(self):
        parts = [linking(self.ids, f' && trace:id =~ "{part}.*"') for part in ("[0-3]", "[4-7]", "[89ab]", "[c-f]")]
        self.assert_finds(linking(self.ids), self.consumers)
        found = [trace_id for part in parts for trace_id in self.search(part)]
        self.assertEqual(sorted(found), sorted(self.consumers))

    def test_many_ids_at_once(self):
        ids = [*("f" + otlp.new_trace_id()[1:] for _ in range(MANY_IDS - PRODUCERS)), *self.ids]
        self.assert_finds(linking(ids), self.consumers)

    def test_select_shows_one_link_of_a_span(self):
        self.assert_finds('{ name = "batch" }', [self.batch])
        row = self.search('{ name = "batch" } | by(span:id) | select(link:traceID)', spss=100)[self.batch]
        shown = {one["key"]: one["value"].get("stringValue") for one in row["spanSets"][0]["spans"][0]["attributes"]}
        self.assertEqual(shown["link:traceID"].rjust(32, "0"), self.batch_links[-1][0])

    def test_a_json_read_by_id_has_all_links_in_their_order(self):
        status, answer = self.tempo.trace_raw(self.batch)
        self.assertEqual(status, 200)
        self.assertEqual(decoded_links(answer, "batch"), self.batch_links)

    def test_a_protobuf_read_by_id_has_all_links_in_their_order(self):
        status, headers, body = self.tempo.get(f"/api/v2/traces/{self.batch}", accept="application/protobuf")
        self.assertEqual((status, headers["Content-Type"]), (200, "application/protobuf"))
        for place in (0, 1):
            at = [body.find(bytes.fromhex(link[place])) for link in self.batch_links]
            self.assertNotIn(-1, at)
            self.assertEqual(at, sorted(at))
        at = [body.find(link[2]["rel"].encode()) for link in self.batch_links[10:]]
        self.assertEqual(at, sorted(at))


class Written(LinkFacts):
    config = "fast"


class Completed(facts.InCompletedBlocks, LinkFacts):
    config = "fast"


class ZeroBytes(facts.TempoCase):
    """Ids whose first byte is zero, as those of 64 bits are. All that are stored are such: others beside them in a page hide that they are not found."""
    config = "fast"

    @classmethod
    def prepare(cls):
        cls.now, cls.links, cls.found_by, spans = time.time_ns() - 5 * SECOND, [], [], []
        for zeros in (2, 3, 16):
            links = [("0" * zeros + "a" + otlp.new_trace_id()[zeros + 1:], "00b" + otlp.new_span_id()[3:], {}) for _ in range(2)]
            cls.links.append(links)
            cls.found_by.append(otlp.new_trace_id())
            spans.append(otlp.span(cls.found_by[-1], "work", cls.now, links=links))
        cls.tempo.push(spans)
        cls.wait_found('{ name = "work" }', cls.found_by)

    def test_trace_ids(self):
        for links, trace_id in zip(self.links, self.found_by):
            for one, _, _ in links:
                if self.holds("a link to an id of a zero byte is found"):
                    self.assert_finds(linking([one]), [trace_id])
                else:
                    self.assert_finds_nothing(linking([one]), '{ name = "work" }', trace_id)
            self.assert_finds(as_regex([links[0][0]]), [trace_id])
        self.assert_finds('{ link:traceID != "" }', self.found_by)

    def test_span_ids_are_not_found(self):
        for links, trace_id in zip(self.links, self.found_by):
            self.assert_finds_nothing(f'{{ link:spanID = "{links[0][1]}" }}', '{ name = "work" }', trace_id)


class SpansOfZeroBytes(facts.TempoCase):
    """Spans of traces whose ids begin with zeros: who links to them is found by the span's id, whole, in every place of a span's links."""
    config = "fast"

    @classmethod
    def prepare(cls):
        now, cls.found_by, spans = time.time_ns() - 5 * SECOND, {}, []
        for zeros in (0, 1, 2, 3, 16):
            for start in ("0a", "b0", "c00"):
                for place in range(3):
                    links = [(otlp.new_trace_id(), "d" + otlp.new_span_id()[1:], {}) for _ in range(3)]
                    links[place] = ("0" * zeros + "a" + otlp.new_trace_id()[zeros + 1:], start + otlp.new_span_id()[len(start):], {})
                    trace_id = otlp.new_trace_id()
                    cls.found_by[links[place][1]] = trace_id
                    spans.append(otlp.span(trace_id, "work", now, links=links))
        cls.tempo.push(spans)
        cls.wait_found('{ name = "work" }', cls.found_by.values())

    def test_each_is_found(self):
        for span_id, trace_id in self.found_by.items():
            self.assert_finds(f'{{ link:spanID = "{span_id}" }}', [trace_id])

    def test_all_are_found_at_once(self):
        self.assert_finds("{ " + " || ".join(f'link:spanID = "{one}"' for one in self.found_by) + " }", self.found_by.values())


class CompletedSpansOfZeroBytes(facts.InCompletedBlocks, SpansOfZeroBytes):
    config = "fast"


class SplitLinks(facts.TempoCase):
    """A trace whose linking span came a block later than the rest, and one that links from both blocks."""
    config = "fast"
    closes_blocks = True

    @classmethod
    def prepare(cls):
        now = time.time_ns() - 5 * SECOND
        cls.target, cls.second_target = "0a" + otlp.new_trace_id()[2:], "a" + otlp.new_trace_id()[1:]
        cls.late, cls.both = otlp.new_trace_id(), otlp.new_trace_id()
        link, second = [(cls.target, otlp.new_span_id(), {})], [(cls.second_target, otlp.new_span_id(), {})]
        shared = otlp.new_span_id()
        cls.tempo.push([otlp.span(cls.late, "first", now), otlp.span(cls.both, "receive", now, links=link, span_id=shared)])
        cls.wait_found('{ name = "first" }', [cls.late])
        cls.wait_found('{ name = "receive" }', [cls.both])
        cls.tempo.close_blocks()
        cls.tempo.push([otlp.span(cls.late, "process", now + SECOND, links=link), otlp.span(cls.both, "settle", now, links=second)])
        cls.wait_found('{ name = "process" }', [cls.late])
        cls.wait_found('{ name = "settle" }', [cls.both])

    def test_a_trace_is_found_by_the_links_of_either_part(self):
        self.assert_finds(linking([self.target]), [self.late, self.both])
        self.assert_finds(linking([self.second_target]), [self.both])
        self.assert_finds(linking([self.target, self.second_target]), [self.late, self.both])

    def test_by_id_it_has_the_links_of_both(self):
        status, answer = self.tempo.trace_raw(self.both)
        self.assertEqual(status, 200, json.dumps(answer)[:300])
        self.assertEqual([decoded_links(answer, name)[0][0] for name in ("receive", "settle")], [self.target, self.second_target])


if __name__ == "__main__":
    facts.main()
