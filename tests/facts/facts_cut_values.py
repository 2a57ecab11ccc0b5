"""Texts longer than 2,048 bytes, which Tempo cuts on the way in (`distributor.max_attribute_bytes`), silently. What is cut, where, and what queries then
find. What it means for a rule: docs/reference/limits.md.

It is bytes that are counted, so a character may be cut in two. Values of attributes are cut, and keys, in every scope; names, messages and elements of
arrays are not.
"""
import time

import tempo_case as facts
from tempo_case import SECOND, otlp

LIMIT = 2048
LENGTHS = (LIMIT - 1, LIMIT, LIMIT + 1, 5000)


def text_of(length):
    """Begins with b and ends with e."""
    return "b" + "x" * (length - 2) + "e"


def cut(text):
    return text.encode()[:LIMIT].decode(errors="replace")


def pushed(trace_id, length, at):
    """(span, request): the text of this length in every place that holds one."""
    text = text_of(length)
    span = otlp.span(trace_id, text, at, SECOND, attrs={"length": length, "text": text, "list": [text, "short"], "http.url": text, "k" * length: "of a long key",
                                                        "wide": "é" * (length // 2), "odd": "x" + "é" * (length // 2)},
                     events=[(text, at, {"text": text})], links=[(otlp.new_trace_id(), otlp.new_span_id(), {"text": text})])
    span["status"] = {"code": 2, "message": text}
    span["traceState"] = f"vendor={text}"
    request = otlp.request([span], service=text, resource={"text": text})
    request["resourceSpans"][0]["scopeSpans"][0]["scope"] = {"name": text, "version": text, "attributes": otlp.attributes({"text": text})}
    return request


def values_of(items):
    return {item["key"]: otlp.plain_value(item["value"]) for item in items}


class CutValues(facts.TempoCase):
    config = "fast"

    @classmethod
    def prepare(cls):
        cls.ids = {length: otlp.new_trace_id() for length in LENGTHS}
        at = (int(time.time()) - 6) * SECOND
        for length, trace_id in cls.ids.items():
            status, _, body = cls.tempo.push_request(pushed(trace_id, length, at))
            assert status == 200 and b"rejected" not in body, body  # nothing says that something was cut
        cls.wait_found("{ span.length > 0 }", cls.ids.values())

    def read(self, length):
        """(resource, scope, span) of the trace, as a read by id gives them."""
        status, answer = self.tempo.trace_raw(self.ids[length])
        self.assertEqual(status, 200)
        batch = (answer["trace"].get("resourceSpans") or answer["trace"]["batches"])[0]
        return batch["resource"], batch["scopeSpans"][0]["scope"], batch["scopeSpans"][0]["spans"][0]

    def found(self, test):
        found = set(self.search("{ " + test + " }"))
        return [length for length, trace_id in self.ids.items() if trace_id in found]

    def test_values_of_attributes_are_cut_in_every_scope(self):
        for length in LENGTHS:
            resource, scope, span = self.read(length)
            places = [resource["attributes"], scope["attributes"], span["attributes"], span["events"][0]["attributes"], span["links"][0]["attributes"]]
            for items in places:
                self.assertEqual(values_of(items)["text"], cut(text_of(length)))
            self.assertEqual(values_of(span["attributes"])["http.url"], cut(text_of(length)))
            self.assertEqual(values_of(resource["attributes"])["service.name"], cut(text_of(length)))

    def test_and_nothing_says_so(self):
        for length in LENGTHS:
            self.assertFalse(self.read(length)[2].get("droppedAttributesCount"))

    def test_bytes_are_counted(self):
        for length in LENGTHS:
            values = values_of(self.read(length)[2]["attributes"])
            self.assertEqual(values["wide"], cut("é" * (length // 2)))
            self.assertEqual(values["odd"], cut("x" + "é" * (length // 2)))
        self.assertTrue(values["odd"].endswith("\ufffd"))  # half a character

    def test_keys_are_cut(self):
        for length in LENGTHS:
            self.assertEqual(values_of(self.read(length)[2]["attributes"])["k" * min(length, LIMIT)], "of a long key")

    def test_elements_of_arrays_are_not(self):
        for length in LENGTHS:
            self.assertEqual(values_of(self.read(length)[2]["attributes"])["list"], [text_of(length), "short"])

    def test_names_messages_and_states_are_not(self):
        for length in LENGTHS:
            _, scope, span = self.read(length)
            told = [span["name"], span["events"][0]["name"], span["status"]["message"], scope["name"], scope["version"], span["traceState"].removeprefix("vendor=")]
            self.assertEqual(set(told), {text_of(length)})

    def test_an_equality_finds_what_is_left(self):
        self.assertEqual(self.found(f'span.text = "{text_of(5000)}"'), [])
        self.assertEqual(self.found(f'span.text = "{cut(text_of(5000))}"'), [LIMIT + 1, 5000])
        self.assertEqual(self.found(f'span.text = "{text_of(LIMIT)}"'), [LIMIT])

    def test_a_pattern_looks_at_what_is_left(self):
        for key in ("span.text", "resource.text", "event.text", "span.http.url"):
            self.assertEqual(self.found(f'{key} =~ "b.*"'), list(LENGTHS), key)
            self.assertEqual(self.found(f'{key} =~ ".*e"'), [LIMIT - 1, LIMIT], key)
        self.assertEqual(self.found('name =~ ".*e"'), list(LENGTHS))

    def test_a_batch_shows_what_is_left(self):
        for length, trace_id in self.ids.items():
            row = self.search(f'{{ trace:id =~ "{trace_id.lstrip("0")}|x" }} | by(span:id) | by(kind) | select(name, span.text)')[trace_id]
            items = row["spanSets"][0]["spans"][0]["attributes"]
            self.assertEqual(values_of(items)["text"], cut(text_of(length)))

    def test_a_pattern_finds_texts_that_may_have_been_cut(self):
        """Of 512 characters and more: 2,048 bytes are no fewer."""
        self.assertEqual(self.found('span.text =~ "(?s:.{512,})"'), list(LENGTHS))


class CutValuesInBlocks(facts.InCompletedBlocks, CutValues):
    pass


if __name__ == "__main__":
    facts.main()
