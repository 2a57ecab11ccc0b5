"""Links of spans on a Tempo: random families of producers and consumers, whose ids begin with zeros. There are spans with
50 and with 500 links, links with attributes, to the own trace, to traces that are not there and to none. Spans of a
trace arrive in two pushes, each in a block of its own. Rules about links find what `betrace eval` finds in the same
spans, and for some of them what Python says of the links that were sent. --short: fewer traces are judged one by
one."""
import collections
import json
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
from betrace_process import run_cli  # noqa: E402
from random_tempo import BLOCK_SECONDS, searchable_spans, tempo_with_short_blocks  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND = 1_000_000_000
SEED = int(os.environ.get("BETRACE_SEED", "407"))
COUNT = 120
ONE_OF = 41 if "--short" in sys.argv else 13  # traces is judged alone: no multiple of those that nobody else links to
KINDS = ("retry", "batch", 7, True, ["a", "b"], None)
ZEROS = (0, 0, 2, 16, 31)  # in front of a trace's id


def hex_id(chance, digits, zeros=0):
    """Not all zeros, which is none."""
    return "0" * zeros + "".join(chance.choice("123456789abcdef") for _ in range(digits - zeros))


def link(chance, trace_id, span_id, number):
    kind = chance.choice(KINDS)
    return {"traceId": trace_id, "spanId": span_id, "attributes": otlp.attributes({"n": number, **({"kind": kind} if kind is not None else {})})}


class Trace:
    """A producer and a consumer, and now and then both in one trace; as replay_compare takes it. No other has the id."""

    def __init__(self, chance, trace_id, number, now_ns):
        self.trace_id = trace_id
        self.spans, self.halves, self.start_ns = [], [], now_ns + number * SECOND
        for index in range(chance.choice((1, 1, 2, 4))):
            name = chance.choice(("publish", "process", "process", "work"))
            self.add(chance, name, index, hex_id(chance, 16, chance.choice((0, 2, 15))))

    def add(self, chance, name, index, span_id):
        if any(span["spanId"] == span_id for span in self.spans):
            return
        self.spans.append(otlp.span(self.trace_id, name, self.start_ns + index * 1_000_000, span_id=span_id, parent=self.spans[0]["spanId"] if self.spans else ""))
        self.halves.append(chance.randrange(2))

    def ids(self):
        return [(self.trace_id, span["spanId"]) for span in self.spans]

    def links(self):
        return [one for span in self.spans for one in span.get("links", [])]

    def request(self, half=None):
        spans = [span for span, its in zip(self.spans, self.halves) if half is None or its == half]
        return {"resource": {"attributes": otlp.attributes({"service.name": "queue"})}, "scopeSpans": [{"scope": {"name": "t"}, "spans": spans}]}

    def stored_request(self):
        return {"resourceSpans": [self.request()]}


def random_traces(chance, now_ns):
    """Of ids with 31 zeros there are only 15. Two traces with one id would be one to Tempo, whose spans then may have one id too."""
    traces = {}
    while len(traces) < COUNT:
        trace_id = hex_id(chance, 32, chance.choice(ZEROS))
        if trace_id not in traces:
            traces[trace_id] = Trace(chance, trace_id, len(traces), now_ns)
    return list(traces.values())


def link_them(chance, traces):
    """Most consumers link to one span, some to several, two to 50 and one to 500. One trace of ten is linked to by nobody else, or
    the one with 500 might leave no message without a consumer."""
    every = [pair for number, trace in enumerate(traces) if number % 10 for pair in trace.ids()]
    consumers = [(trace, span) for trace in traces for span in trace.spans if span["name"] == "process"]
    for place, (trace, span) in enumerate(consumers):
        count = (50, 500, 50)[place] if place < 3 else chance.choice((0, 1, 1, 1, 2, 5))
        targets = [chance.choice(every) for _ in range(count)]
        if chance.randrange(4) == 0 and count:
            targets[0] = chance.choice(trace.ids())
        if chance.randrange(6) == 0 and count:
            targets[-1] = (hex_id(chance, 32, 3), hex_id(chance, 16, 1))
        if chance.randrange(6) == 0:
            targets.append(("", ""))
        span["links"] = [link(chance, *target, number) for number, target in enumerate(targets)]


class LinksOnTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}", flush=True)
        chance = random.Random(SEED)
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-links-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.tempo = tempo_with_short_blocks().start()
        cls.addClassCleanup(cls.tempo.stop)
        now = int(time.time()) - 7200
        cls.start, cls.end = now - 60, now + COUNT + 60
        cls.traces = random_traces(chance, now * SECOND)
        link_them(chance, cls.traces)
        for half in (0, 1):
            requests = [request for request in (trace.request(half) for trace in cls.traces) if request["scopeSpans"][0]["spans"]]
            status, _, body = cls.tempo.push_request({"resourceSpans": requests})
            assert status == 200 and b"rejected" not in body, body
            count = sum(its <= half for trace in cls.traces for its in trace.halves)
            cls.tempo.wait_until(lambda wanted=count: searchable_spans(cls.tempo, cls.start) == wanted, f"{count} spans are searchable")
            if half == 0:
                time.sleep(BLOCK_SECONDS + 0.5)
        cls.links = [(trace, one) for trace in cls.traces for one in trace.links()]
        cls.batch = max((span for trace in cls.traces for span in trace.spans), key=lambda span: len(span.get("links", [])))

    def replay(self, rules, *more):
        return compare.replay(self.folder.name, rules, self.tempo.url, "--start", self.start, "--end", self.end, "--count", "at_least", *more)

    def hold_to(self, texts, wanted=None):
        rules, refused = compare.compile_rules(texts)
        self.assertEqual(refused, 0, texts)
        expected = compare.evaluate(self.folder.name, rules, compare.write_traces(self.folder.name, self.traces))
        found, answer = self.replay(rules)
        self.assertEqual(answer["status"], "completed", answer.get("reason"))
        for rule in rules:
            with self.subTest(rule=rule.text):
                self.assertEqual(rule.explain["reads"], "by_id")
                violated = expected[rule.id]["violated"]
                self.assertEqual((violated - found[rule.id], found[rule.id] - violated), (set(), set()), rule.explain["outline"])
                if wanted is not None:
                    self.assertEqual(violated, wanted[rule.text])
        return expected

    def test_each_link_is_seen(self):
        """By its ids: also the first and the 250th of the span with 500, and what begins with zeros."""
        self.assertEqual(len(self.batch["links"]), 500)
        some = [self.batch["links"][place] for place in (0, 249, 499)]
        some += [one for _, one in self.links if one["traceId"].startswith("0" * 16)][:3] + [one for _, one in self.links if one["spanId"].startswith("0" * 15)][:3]
        self.assertEqual(len(some), 9)
        wanted = {}
        for one in some:
            trace_id, span_id = one["traceId"], one["spanId"]
            wanted[f'never {{ process.where(link.trace_id == "{trace_id}") }}'] = {t.trace_id for t, l in self.links if l["traceId"] == trace_id}
            wanted[f'never {{ process.where(link.span_id in ["{span_id}"]) }}'] = {t.trace_id for t, l in self.links if l["spanId"] == span_id}
            wanted[f'never {{ process.where(link.where(link.trace_id == "{trace_id}" and link.span_id == "{span_id}")) }}'] = {
                t.trace_id for t, l in self.links if (l["traceId"], l["spanId"]) == (trace_id, span_id)}
        self.assertTrue(all(wanted.values()))
        self.hold_to(list(wanted), wanted)

    def test_attributes_and_one_and_the_same(self):
        texts = ['never { process.where(link.kind == "retry") }', 'never { process.where(link.where(link.kind == "retry" and link.n == 0)) }',
                 'never { process.where(link.kind == "retry" and link.n == 0) }', "never { process.where(link.n == 249) }", "never { process.where(link.n not in [0]) }",
                 'never { process.where(link.kind != "retry") }', "never { process.where(link.kind contains \"a\") }", "never { process.where(link.kind) }",
                 "never { process.where(not exists(link.kind)) }", "never { process.where(link.where(not exists(link.trace_id))) }",
                 "never { process.where(link.where(not exists(link.span_id) and link.kind == \"retry\")) }", "when { process as p } always { p.where(exists(link.trace_id)) }",
                 'never { process.where(link.trace_id !~ "0.*") }', 'never { process.where(not (link.trace_id =~ "0.*")) }', "never { work.where(link.where(true)) }",
                 'never { trace.has(link.trace_id starts_with "000000") }', "when { publish as p } always { process.where(link.span_id == p.span.id) }",
                 "when { publish as p } never { process.where(link.span_id != p.span.id) }"]
        expected = self.hold_to(texts)
        some = sum(0 < len(verdicts["violated"]) < COUNT for verdicts in expected.values())
        self.assertGreaterEqual(some, len(texts) - 2, "rules are violated by none or by all")

    def test_the_attribute_of_that_name_is_another(self):
        rules, _ = compare.compile_rules(['never { process.where(span.attributes["link.n"] == 0) }'])
        self.assertEqual(self.replay(rules)[0]["r0"], set())

    def without_process(self, within_ns):
        """Traces with a publish span that no process span links to in that time."""
        spans = [(trace, span) for trace in self.traces for span in trace.spans]
        linked = [(one["traceId"], one["spanId"], int(span["startTimeUnixNano"])) for _, span in spans if span["name"] == "process" for one in span.get("links", [])]
        def is_processed(trace, span):
            start = int(span["startTimeUnixNano"])
            return any((trace_id, span_id) == (trace.trace_id, span["spanId"]) and abs(at - start) <= within_ns for trace_id, span_id, at in linked)
        return {trace.trace_id for trace, span in spans if span["name"] == "publish" and not is_processed(trace, span)}

    def test_spans_that_link_show_what_reading_shows(self):
        """Of each span one link is shown; what is not shown is read. Rules together, and each alone, whose spans are asked for before anything else."""
        texts = ["when { publish as p } always { process linked to p within 1h }", "when { publish as p } always { process linked to p within 30s }",
                 "when { publish as p } always { count(process linked to p within 1h) >= 1 }",
                 "when { publish as p } always { process.where(link.n == 0) linked to p within 1h }", "when { publish as p } never { process linked to p within 30s }"]
        rules, refused = compare.compile_rules(texts)
        self.assertEqual(refused, 0)
        found, answer = self.replay(rules, "--strategy", "read")
        self.assertEqual(answer["status"], "completed", answer.get("reason"))
        self.assertTrue(all(found.values()), "nothing violates a rule")
        for together in (rules, *([rule] for rule in rules)):
            shown, of_shown = self.replay(together, "--strategy", "projection")
            self.assertEqual(of_shown["status"], "completed", of_shown.get("reason"))
            read = {one["rule_id"]: one["traces_read"] for one in answer["rules"]}
            for rule, one in zip(together, of_shown["rules"]):
                with self.subTest(rule=rule.text, together=len(together)):
                    self.assertEqual((found[rule.id] - shown[rule.id], shown[rule.id] - found[rule.id]), (set(), set()))
                    if len(together) == 1 and rule.id in ("r0", "r1", "r2"):
                        self.assertEqual(one["strategy"], "projection")
                        self.assertLess(one["traces_read"], read[rule.id])

    def test_rules_follow_links(self):
        """Linked traces are gathered from Tempo as they are from files, and what Python says of the spans that were sent holds."""
        texts = ["when { publish as p } always { process linked to p within 1h }", "when { publish as p } always { process linked to p within 30s }",
                 "when { publish as p } never { process linked to p within 30s }", "when { publish as p } always { count(process linked to p within 1h) <= 1 }",
                 "when { process as c } always { publish linked from c within 1h }", "when { publish as p } never { work downstream of p within 40s over 2 links }",
                 "when { publish as p } always { process linked to p within 1m as c and work under c }"]
        rules, refused = compare.compile_rules(texts)
        self.assertEqual(refused, 0)
        path = compare.write_traces(self.folder.name, self.traces)
        found, answer = self.replay(rules)
        expected, of_files = compare.replay(self.folder.name, rules, None, "--traces", path, "--start", self.start, "--end", self.end, "--count", "at_least")
        self.assertEqual((answer["status"], of_files["status"]), ("completed", "completed"), answer.get("reason"))
        undecided = [{rule["rule_id"]: rule["inconclusive"] for rule in one["rules"]} for one in (answer, of_files)]
        self.assertEqual(undecided[0], undecided[1])
        for rule in rules:
            with self.subTest(rule=rule.text):
                self.assertEqual((expected[rule.id] - found[rule.id], found[rule.id] - expected[rule.id]), (set(), set()))
                self.assertTrue(expected[rule.id], "nothing violates it")
        self.assertEqual((found["r0"], found["r1"]), (self.without_process(3600 * SECOND), self.without_process(30 * SECOND)))
        self.assertEqual(undecided[0]["r0"], 0)
        self.assertGreater(undecided[0]["r4"], 0, "traces that are named are lost")

    def test_one_trace_is_judged_with_its_family(self):
        """`betrace trace` says of one trace what a replay says of all."""
        texts = ["when { publish as p } always { process linked to p within 1h }", "when { process as c } always { publish linked from c within 1h }",
                 "when { publish as p } never { work downstream of p within 40s over 2 links }"]
        rules, _ = compare.compile_rules(texts)
        found, answer = self.replay(rules)
        self.assertEqual(answer["status"], "completed", answer.get("reason"))
        verdicts, linked = collections.Counter(), set()
        for trace in self.traces[::ONE_OF]:
            done = run_cli("trace", trace.trace_id, "--tempo", self.tempo.url, "--rules", compare.write_rules(self.folder.name, rules), "--json")
            document = json.loads(done.stdout)
            for one in document["verdicts"]:
                verdicts[one["verdict"]] += 1
                self.assertEqual(one["verdict"] == "violated", trace.trace_id in found[one["rule_id"]], (trace.trace_id, one))
            linked.update(one["trace_id"] for one in document["linked"])
        self.assertTrue(linked and linked <= {trace.trace_id for trace in self.traces}, linked)
        self.assertGreater(min(verdicts["violated"], verdicts["satisfied"]), 0, verdicts)


if __name__ == "__main__":
    require_tempo()
    unittest.main(argv=[argument for argument in sys.argv if argument != "--short"])
