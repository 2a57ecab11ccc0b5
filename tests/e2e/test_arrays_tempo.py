"""Attributes that are arrays next to other attributes of the same span: what Tempo 2.8 mixes up in one query
(facts_arrays.py) a replay must still find. Denser than test_property_tempo.py: each of 250 traces has an array or a
value of its elements. Most rules ask about two attributes, or twice about one, or about spans of two names. --short
takes every third rule (make check)."""
import os
import random
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
import replay_compare as compare  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND = 1_000_000_000
SHORT = "--short" in sys.argv
COUNT = 250
VALUES = ([1, 5], [5, 7, 1], [1.5, -1.0], [1.5, -1.0], [2.5, 1.5], [-3.0, -3.0], [4.0, 4.0], -1e300, -1.0, ["a", "b"], ["b", "c", "a"], ["x"], [True, False], 1, 1.5, 7, "a", "x", True)
OTHERS = (1, 2, -5, 2.5, "x", ["w", "a"], [1, 2], None)
TESTS = ("{0}list == 1.5 and {0}k >= -5", "{0}list == 1.5 and {0}k == 2.5", "{0}list == 1 or {0}k >= 2", '{0}list contains "a" and exists({0}k)',
         '{0}list in ["a", "x"] and {0}k != "x"', '{0}list == "a" or {0}k == 1')
ORDERED = ("{0}list > 0", "{0}list <= -1", "{0}list > 0 and {0}list < 2", "{0}list in [1.5, 7]", "{0}list > 0 or {0}list == \"a\"", "{0}list >= 1.5 or {0}list < -2.5")
APART = ('m.where({0}list > 0) or n.where({0}list < 0)', 'n.where({0}list == 1.5) or m.where({0}list in [1, 2.5])', '(m.where({0}list < 0)) or (trace.has({0}list == 2.5))')
ALONE = ("{0}list == 1.5", "{0}list >= 5", '{0}list contains "a"', "{0}list == 1 or {0}list == 1.5")
# A service name that is no text lies outside its column; the service of a span is a text or nothing.
SERVICES = ("svc", "svc", ["svc", "x"], ["x"], "x", 7, None)
OF_SERVICES = ('trace.has(resource.service.name == "svc")', 'trace.has(resource.service.name contains "x")', 'trace.has(resource.service.name in ["x", 7])',
               'trace.count(resource.service.name == "x") > 0', 'm and not trace.has(resource.service.name == "x")', "trace.has(exists(resource.service.name))",
               'when { m } always { m.where(resource.service.name == "svc") }', 'm.where(service.name =~ "s.*")', 'm.where(span.service == "svc")')
FORMS = ("m and not trace.has({0})", "when {{ m }} always {{ trace.has({0}) }}")
RULES = ([f"trace.has({test.format(scope)})" for test in TESTS for scope in ("span.", "resource.", "")] +
         [form.format(test.format("span.")) for test in TESTS[:3] for form in FORMS] +
         [FORMS[0].format(test.format("span.")) for test in ALONE] + [FORMS[1].format(test.format("span.")) for test in ORDERED[:4]] +
         [f"trace.has({test.format(scope)})" for test in ORDERED for scope in ("span.", "resource.", "")] +
         [test.format(scope) for test in APART for scope in ("span.", "")] + list(OF_SERVICES))


class Trace:
    """One trace of one span, as replay_compare takes it."""

    def __init__(self, chance, number, now_ns):
        self.trace_id = otlp.new_trace_id()
        self.span_attributes, self.resource = self.some(chance), {"number": number, **self.some(chance)}
        if SERVICES[number % len(SERVICES)] is not None:
            self.resource["service.name"] = SERVICES[number % len(SERVICES)]
        self.span = otlp.span(self.trace_id, chance.choice("mmn"), now_ns + number, attrs=self.span_attributes)

    @staticmethod
    def some(chance):
        made = {"list": chance.choice(VALUES), "k": chance.choice(OTHERS)}
        return {key: value for key, value in made.items() if value is not None}

    def resource_spans(self):
        return {"resource": {"attributes": otlp.attributes(self.resource)}, "scopeSpans": [{"scope": {"name": "t"}, "spans": [self.span]}]}

    def stored_request(self):
        return {"resourceSpans": [self.resource_spans()]}


class ArraysOnTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-arrays-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.tempo = TempoServer("fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        now, chance = int(time.time()) - 7200, random.Random(5)  # handed over: nothing is read by id for its age
        cls.start, cls.end = now - 60, now + 60
        cls.traces = [Trace(chance, number, now * SECOND) for number in range(COUNT)]
        cls.tempo.push_request({"resourceSpans": [trace.resource_spans() for trace in cls.traces]})
        cls.tempo.wait_until(lambda: len(cls.tempo.search('{ name = "m" || name = "n" }', cls.start, cls.end, limit=2 * COUNT, spss=1)) == COUNT, "all are searchable")

    def test_every_violation_is_found(self):
        rules, refused = compare.compile_rules(RULES[::3] if SHORT else RULES)
        self.assertEqual(refused, 0)
        expected = compare.evaluate(self.folder.name, rules, compare.write_traces(self.folder.name, self.traces))
        some = sum(0 < len(expected[rule.id]["violated"]) < COUNT for rule in rules)
        self.assertGreater(some, len(rules) * 3 // 4, "the rules are violated by all or by none")
        for rule in rules:
            with self.subTest(rule=rule.text):
                found, answer = compare.replay(self.folder.name, [rule], self.tempo.url, "--start", self.start, "--end", self.end, "--count", "at_least")
                self.assertEqual(answer["status"], "completed", answer.get("reason"))
                wanted = expected[rule.id]["violated"]
                self.assertEqual((len(wanted - found[rule.id]), len(found[rule.id] - wanted)), (0, 0), rule.explain["searched"])


if __name__ == "__main__":
    require_tempo()
    unittest.main(argv=[argument for argument in sys.argv if argument != "--short"])
