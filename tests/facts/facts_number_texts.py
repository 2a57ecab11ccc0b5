"""Texts that read as numbers and booleans: to no Tempo they are any, so each test of a number or a boolean asks for such texts besides. What the planner's
filters find of them, alone and in arrays, under keys without a column, with one of texts and with one of integers. Decisions on it: tempo/api/traceql_reading.c,
tempo/api/traceql_doubt.c.
"""
import json
import time

import tempo_case as facts
import written_filters as written
from tempo_case import SECOND, otlp

KEYS = ("span.x", "span.http.method", "span.http.status_code")
VALUES = (5, 1.5, True, False, "5", "-5", "4", "007", "1.5", "50e-1", "5.0", "True", "fAlse", "true ", "x", "", "nil", ["5", "x"], ["5", "-5"], ["True"], [5, 4])
# Of the cases of written.case those that are about numbers and booleans.
CASES = [case for case in written.CASES if any(mark in case.label for mark in ("5", "6", "4", "1.", "2.", "rue", "alse")) and "scope" not in case.label]


def is_plain(value):
    return not isinstance(value, list)


class NumberTexts(facts.TempoCase):
    config = "fast"

    @classmethod
    def prepare(cls):
        now = time.time_ns() - 2 * SECOND
        cls.ids = {(key, json.dumps(value)): otlp.new_trace_id() for key in KEYS for value in VALUES}
        cls.tempo.push([otlp.span(cls.ids[key, json.dumps(value)], "cell", now, attrs={key.removeprefix("span."): value}) for key in KEYS for value in VALUES])
        cls.wait_found('{ name = "cell" }', cls.ids.values())

    def found(self, shape, key):
        """The values under the key that the shape finds. None: Tempo refuses it."""
        now = int(time.time())
        query = "{ " + shape.replace("K", key).replace("S.", "span.") + " }"
        status, body = self.tempo.search_raw(query, now - 600, now + 1, 10000)
        if status != 200:
            self.assertEqual(status, 500, body)
            return None
        traces = {row["traceID"].rjust(32, "0") for row in json.loads(body).get("traces") or []}
        return [value for value in VALUES if self.ids[key, json.dumps(value)] in traces]

    def found_by(self, case, key):
        """By its queries together; by their wider forms where Tempo stumbles over an array."""
        answers = [self.found(shape, key) for shape in case.searched.values()]
        if None in answers:
            self.assertTrue(case.wider, case.label)
            answers = [self.found(shape, key) for shape in case.wider.values()]
        self.assertNotIn(None, answers, case.label)
        return [value for answer in answers for value in answer]

    def test_a_test_of_a_number_or_boolean_finds_no_text(self):
        for key in KEYS:
            for shape in ("K = 5", "K >= 0", "K < 0", "K >= 0.0", "K < 0.0", "K = true", "K = false"):
                self.assertEqual([value for value in self.found(shape, key) if is_plain(value) and isinstance(value, str)], [], f"{shape}, {key}")

    def test_a_regular_expression_finds_texts_alone(self):
        for key in KEYS:
            for pattern, texts in ((".*5.*", ["5", "-5", "1.5", "50e-1", "5.0"]), ("[tT]rue", ["True"]), ("(?i)false", ["fAlse"])):
                found = self.found(f'K =~ "{pattern}"', key)
                if found is not None:
                    self.assertEqual([value for value in found if is_plain(value)], texts, f"{pattern}, {key}")

    def test_arrays_of_such_texts_lie_outside_a_column_of_texts(self):
        """No test of a text finds them there but in vParquet5, and so none finds what they read as."""
        for key, is_found in (("span.x", True), ("span.http.method", self.holds("an array under a column is found"))):
            self.assertEqual(["True"] in self.found('K = "True"', key), is_found, key)

    def known_to_miss(self, key, value):
        """2.8 mixes up arrays of several elements where it is asked for what lies outside a column (docs/RELIABILITY.md)."""
        return self.tempo.variant.family == "2.8" and key != "span.x" and isinstance(value, list) and len(value) > 1

    def test_what_is_searched_finds_all_that_is_meant(self):
        missed = [f"{case.label}, {key}, {value!r}" for case in CASES for key in KEYS for found in [self.found_by(case, key)] for value in VALUES
                  if written.is_meant(case.label, value) and value not in found and not self.known_to_miss(key, value)]
        self.assertEqual(missed, [])

    def test_a_search_is_selective(self):
        """What looks like no number is not found, nor are whole numbers that do not meet it. Where 3.0 refuses the pattern beside an array, all texts are."""
        by_label = {case.label: case for case in CASES}
        for label, none in (("= 5", ["4", "-5", "007", "x", "", "nil", "True"]), (">= 5", ["4", "-5", "007", "x", "", "nil"]), ("= true", ["x", "", "nil", "true "])):
            answers = [self.found(shape, "span.http.method") for shape in by_label[label].searched.values()]
            self.assertTrue(None not in answers or self.tempo.variant.family == "3.0", label)
            found = [value for answer in answers for value in answer or [] if is_plain(value)]
            self.assertEqual([value for value in found if type(value) is str and value in none], [], label)

    def test_what_is_subtracted_finds_only_what_is_meant(self):
        wrong = [f"{case.label}, {key}, {value!r}" for case in CASES for key in KEYS for shape in case.subtracted.values() for value in self.found(shape, key) or []
                 if not written.is_meant(case.label, value)]
        self.assertEqual(wrong, [])


class NumberTextsInBlocks(facts.InCompletedBlocks, NumberTexts):
    pass


if __name__ == "__main__":
    facts.main()
