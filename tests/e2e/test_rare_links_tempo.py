"""Rules over links whose linked spans are rare, on a Tempo: those that link are found by a few searches and read once, and nobody is asked who links to
some traces. They are told apart by their fields or by attributes of any type, lists among them, and some have several links. What is found is what
`betrace eval` finds in the same spans."""
import os
import random
import sys
import tempfile
import time
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
import replay_compare as compare  # noqa: E402
from http_wire import Proxy  # noqa: E402
from random_tempo import BLOCK_SECONDS, searchable_spans, tempo_with_short_blocks  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND = 1_000_000_000
SEED = int(os.environ.get("BETRACE_SEED", "408"))
MESSAGES = 140
QUEUES = ("dead", ["x", "dead"], 3, 2.5, [7, 8], True, *["orders"] * 54)  # of consumers, in this order
ZEROS = (0, 0, 2, 16)  # in front of a trace's id
RARE = ("span(span.status == error)", 'process.where(queue == "dead")', "process.where(span.queue > 2)", 'process.where(queue in ["dead", "lost"])',
        "process.where(queue == true)", 'span(span.service == "payments")')


class Trace:
    """As replay_compare takes it: one span that is sent or processed."""

    def __init__(self, chance, name, start_ns, service="queue"):
        self.trace_id = "0" * (zeros := chance.choice(ZEROS)) + "".join(chance.choice("123456789abcdef") for _ in range(32 - zeros))
        self.span_id, self.service = otlp.new_span_id(), service
        self.span = otlp.span(self.trace_id, name, start_ns, span_id=self.span_id)

    def request(self):
        return {"resource": {"attributes": otlp.attributes({"service.name": self.service})}, "scopeSpans": [{"scope": {"name": "t"}, "spans": [self.span]}]}

    def stored_request(self):
        return {"resourceSpans": [self.request()]}


def send_and_process(chance, now_ns):
    """Each consumer links to one message, some to five; every thirtieth fails, and some of these are processed again."""
    sent = [Trace(chance, "publish", now_ns + number * SECOND) for number in range(MESSAGES)]
    consumers = []
    for number in range(MESSAGES):
        consumer = Trace(chance, "process", now_ns + (number + 30) * SECOND, "payments" if number % 40 == 5 else "queue")
        targets = [sent[number], *chance.sample(sent, 4 if number % 10 == 0 else 0)]
        targets += [consumers[-30]] if number > 30 and number % 30 == 7 else []
        consumer.span["links"] = [{"traceId": one.trace_id, "spanId": one.span_id, "attributes": []} for one in targets]
        consumer.span["attributes"] = otlp.attributes({"queue": QUEUES[number % len(QUEUES)]})
        if number % 30 == 7:
            consumer.span["status"] = {"code": 2}
        consumers.append(consumer)
    return sent + consumers


class RareLinksOnTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}", flush=True)
        chance = random.Random(SEED)
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-links-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.tempo = tempo_with_short_blocks().start()
        cls.addClassCleanup(cls.tempo.stop)
        now = int(time.time()) - 6 * 3600  # long ago, so that batches decide
        cls.start, cls.end = now - 3600, now + 3600  # no edge is near
        cls.traces = send_and_process(chance, now * SECOND)
        for part in (0, 1):  # in two blocks
            status, _, body = cls.tempo.push_request({"resourceSpans": [trace.request() for trace in cls.traces[part::2]]})
            assert status == 200 and b"rejected" not in body, body
            wanted = len(cls.traces[0::2]) + part * len(cls.traces[1::2])
            cls.tempo.wait_until(lambda wanted=wanted: searchable_spans(cls.tempo, cls.start) == wanted, f"{wanted} spans are searchable")
            time.sleep(0 if part else BLOCK_SECONDS + 0.5)

    def replay(self, rules, url):
        return compare.replay(self.folder.name, rules, url, "--start", self.start, "--end", self.end, "--count", "at_least")

    def test_they_are_read_once(self):
        texts = [f"when {{ publish as p }} never {{ {spans} linked to p within 10m }}" for spans in RARE]
        texts += [f"when {{ publish as p }} always {{ count({RARE[0]} linked to p within 10m) == 0 }}",
                  f"when {{ publish as p }} never {{ {RARE[0]} linked to p within 10m as c and {RARE[0]} linked to c within 10m }}"]
        rules, refused = compare.compile_rules(texts)
        self.assertEqual(refused, 0)
        expected = compare.evaluate(self.folder.name, rules, compare.write_traces(self.folder.name, self.traces))
        for rule in rules:
            with self.subTest(rule=rule.text), Proxy(self.tempo.url) as proxy:
                found, answer = self.replay([rule], proxy.url)
                self.assertEqual(answer["status"], "completed", answer.get("reason"))
                violated = expected[rule.id]["violated"]
                self.assertEqual((violated - found[rule.id], found[rule.id] - violated), (set(), set()))
                self.assertTrue(violated and len(violated) < MESSAGES / 2, len(violated))
                asked = [dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.target).query)).get("q", "") for request in proxy.seen]
                self.assertEqual([query for query in asked if "link:traceID =" in query or "link:spanID" in query], [])
                self.assertLess(answer["queries"], MESSAGES / 2)

    def test_all_together(self):
        """And with one rule beside them of which any span may link."""
        texts = [f"when {{ publish as p }} never {{ {spans} linked to p within 10m }}" for spans in (*RARE, 'process.where(queue =~ "dea.*")')]
        rules, _ = compare.compile_rules(texts)
        expected = compare.evaluate(self.folder.name, rules, compare.write_traces(self.folder.name, self.traces))
        more, _ = compare.compile_rules([*texts, "when { publish as p } never { process downstream of p within 10m }"])
        for together in (rules, more):
            found, answer = self.replay(together, self.tempo.url)
            self.assertEqual(answer["status"], "completed", answer.get("reason"))
            for rule in rules:
                with self.subTest(rule=rule.text, together=len(together)):
                    self.assertEqual(found[rule.id], expected[rule.id]["violated"])


if __name__ == "__main__":
    require_tempo()
    unittest.main()
