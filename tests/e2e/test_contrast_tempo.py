"""What goes along with violating, on the real Tempo: a planted attribute is found first, the service and the command line say the same, and the numbers are
those that were planted. Nothing is found where nothing was planted."""
import datetime
import json
import os
import random
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import Betrace, run_cli  # noqa: E402
from http_wire import Answer, Proxy, send_whole  # noqa: E402
from run_tempo import TempoServer, http  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

TRACES = 300
RULE = {"id": "checked", "dsl": "when { payment.where(amount > 100) } always { check }"}


def attributes(values):
    return [{"key": k, "value": {"intValue": str(v)} if isinstance(v, int) else {"stringValue": v}} for k, v in values.items()]


def document(traces):
    """An OTLP document of (id, start in ns, planted, violates, exercises)."""
    resources = []
    for number, start, planted, violates, exercises in traces:
        def span(name, index, at, values, parent=None):
            return {"traceId": f"{number:032x}", "spanId": f"{(number * 10 + index) % 2**64:016x}", "parentSpanId": parent or "", "name": name, "kind": 2,
                    "startTimeUnixNano": str(start + at), "endTimeUnixNano": str(start + at + 1000000), "attributes": attributes(values)}
        spans = [span("payment", 1, 0, {"amount": 500 if exercises else 5, "order": f"o-{number}", "method": "card" if number % 3 else "cash"})]
        if not violates:
            spans.append(span("check", 2, 1000, {"depth": 2}, parent=spans[0]["spanId"]))
        resource = {"service.name": "payments", "service.version": "2.4.1" if planted else "2.4.0", "zone": f"z{number % 4}"}
        resources.append({"resource": {"attributes": attributes(resource)}, "scopeSpans": [{"spans": spans}]})
    return json.dumps({"resourceSpans": resources}).encode()


class ContrastOnTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        end = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)).replace(microsecond=0)
        start = end - datetime.timedelta(hours=2)
        cls.bounds = [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (start, end)]
        begin, step = int(start.timestamp()) * 10**9, 2 * 3600 * 10**9 // TRACES
        chance = random.Random(4)
        cls.truth = []
        for i in range(TRACES):
            exercises, violates = chance.random() < 0.7, chance.random() < 0.3
            planted = chance.random() < (0.9 if violates else 0.2)
            cls.truth.append((chance.getrandbits(120) + 1, begin + i * step, planted, violates, exercises))
        for at in range(0, TRACES, 100):
            answer = http("POST", f"{cls.tempo.otlp_url}/v1/traces", document(cls.truth[at:at + 100]), {"Content-Type": "application/json"})
            assert answer[0] == 200, answer[2]
        seconds = (int(start.timestamp()) - 900, int(end.timestamp()) + 900)
        cls.tempo.wait_until(lambda: len(cls.tempo.search("{}", *seconds, limit=100000, spss=1)) >= TRACES, "all traces are searchable")

    def contrast(self, *more, dsl=RULE["dsl"], tempo=None):
        done = run_cli("contrast", "--dsl", dsl, "--tempo", tempo or self.tempo.url, "--start", self.bounds[0], "--end", self.bounds[1], "--json", *more)
        self.assertNotIn("Sanitizer", done.stderr)
        return done.returncode, json.loads(done.stdout)

    def test_what_was_planted_is_found_first(self):
        code, answer = self.contrast("--sample", 500)
        self.assertEqual((code, answer["status"], answer["conclusion"]), (1, "completed", "separates"), answer)
        exercising = [t for t in self.truth if t[4]]
        sides = {"violating": [t for t in exercising if t[3]], "satisfying": [t for t in exercising if not t[3]]}
        for side, traces in sides.items():
            self.assertEqual((answer[side]["total"], answer[side]["total_kind"], answer[side]["sampled"]), (len(traces), "exact", len(traces)), answer[side])
        first = answer["findings"][0]
        self.assertEqual([first[k] for k in ("kind", "key", "value", "in_violating")], ["resource_attribute", "service.version", "2.4.1", "more_often"])
        for side, traces in sides.items():
            self.assertEqual(first[side], {"traces": sum(t[2] for t in traces), "of": len(traces)})
        self.assertEqual([f["value"] for f in answer["findings"]], ["2.4.1", "2.4.0"], "nothing else was planted")
        excluded = {(e["name"], e["reason"]) for e in answer["excluded"]}
        self.assertLessEqual({("payment", "compared"), ("amount", "compared"), ("order", "ids")}, excluded)

    def test_what_nothing_satisfies_is_compared_with_what_begins_alike(self):
        """Every trace with a check breaks the rule. The others begin with a payment, too."""
        code, answer = self.contrast("--sample", 500, dsl="when { check.where(depth == 2) } never { payment }")
        self.assertEqual((code, answer["status"], answer["compared_with"]), (1, "completed", "same_entry"), answer)
        sides = {"violating": [t for t in self.truth if not t[3]], "satisfying": [t for t in self.truth if t[3]]}
        self.assertEqual({side: answer[side]["sampled"] for side in sides}, {side: len(traces) for side, traces in sides.items()})
        self.assertEqual({f["value"] for f in answer["findings"]}, {"2.4.1", "2.4.0"}, "what is on the check is left out")
        for finding in answer["findings"]:
            for side, traces in sides.items():
                self.assertEqual(finding[side]["traces"], sum(t[2] == (finding["value"] == "2.4.1") for t in traces))
            self.assertLessEqual({int(example, 16) for example in finding["examples"]}, {t[0] for t in sides["violating"]})

    def test_a_trace_that_is_not_there_for_a_moment_is_looked_for_again(self):
        """So it is while a Tempo hands a block over. What is gone for good is told. The samples are read last."""
        def by_id(proxy):
            return [request.path for request in proxy.seen if request.path.startswith("/api/v2/traces/")]

        with Proxy(self.tempo.url) as proxy:
            self.contrast("--sample", 500, tempo=proxy.url)
            hidden = set(by_id(proxy)[-3:])
        self.assertEqual(len(hidden), 3)
        for times, gone in ((1, 0), (9, 3)):
            def hides(wire, request, answer):
                if request.path in hidden and by_id(proxy).count(request.path) <= times:
                    send_whole(wire, request, Answer(200, {"Content-Type": "application/json"}, b'{"trace":{},"metrics":{}}'))
                    return True
                return Proxy.pass_on(wire, request, answer)

            with self.subTest(times=times), Proxy(self.tempo.url, hides) as proxy:
                _, answer = self.contrast("--sample", 500, tempo=proxy.url)
                self.assertEqual({path: by_id(proxy).count(path) for path in hidden}, dict.fromkeys(hidden, 2))
                self.assertEqual(sum(answer[side]["gone"] for side in ("violating", "satisfying")), gone, answer)

    def test_of_many_violations_so_many_are_judged_as_the_samples_need(self):
        """Two of three traces have a check. What is compared is a random sample all the same: the planted attribute is found, and no time is."""
        code, answer = self.contrast("--sample", 25, dsl="when { payment } never { check }")
        self.assertEqual((code, answer["status"], answer["conclusion"]), (1, "sampled", "separates"), answer)
        self.assertTrue(answer["reason"].startswith("sampled: "), answer["reason"])
        self.assertFalse(answer["coverage"]["complete"])
        self.assertEqual(answer["coverage"]["windows_failed"], [])
        violating = sum(not t[3] for t in self.truth)
        self.assertEqual(answer["violating"]["total_kind"], "at_least")
        self.assertLess(answer["violating"]["total"], violating)
        self.assertEqual([answer[side]["sampled"] for side in ("violating", "satisfying")], [25, 25])
        self.assertEqual({f["value"] for f in answer["findings"]}, {"2.4.1", "2.4.0"})
        _, whole = self.contrast("--sample", 500, dsl="when { payment } never { check }")
        self.assertEqual((whole["status"], whole["violating"]["total"], whole["violating"]["total_kind"]), ("completed", violating, "exact"))

    def test_the_service_says_the_same(self):
        with Betrace("--tempo", self.tempo.url) as server:
            server.post("/v1/rules", RULE)
            answer = server.get(f"/v1/rules/checked/contrast?start={self.bounds[0]}&end={self.bounds[1]}&sample=30&seed=9")
            self.assertEqual(answer.status, 200, answer)
            _, expected = self.contrast("--sample", 30, "--seed", 9)
            got = answer.json()
            self.assertEqual((got["violating"]["sampled"], got["satisfying"]["sampled"]), (30, 30))
            for key in ("findings", "violating", "satisfying", "excluded", "conclusion", "explanation", "method"):
                self.assertEqual(got[key], expected[key], key)


if __name__ == "__main__":
    require_tempo()
    unittest.main()
