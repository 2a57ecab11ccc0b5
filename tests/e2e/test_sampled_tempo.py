"""Sampled traces in a real Tempo, which shows the trace state in reads by id alone. A replay says what its counts stand for from those that it reads anyway. A
service looks at some where it reads none, and trusts for a day that nothing is sampled."""
import json
import os
import re
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND, TRACES, STATE = 10**9, 240, "ot=th:e6666666666666"
RULE, KEPT = "when { checkout } always { audit.log }", "when { checkout } never { span(\"no.such\") }"


class SampledInTempo(unittest.TestCase):
    def push(self, tempo, state, service, policy=None, of_violators=None):
        """240 traces, of which every twentieth lacks its audit, with a state of its own where one is given. Returns the range."""
        start = int(time.time()) - 7200
        for i in range(TRACES):
            trace_id, at = otlp.new_trace_id()[:18] + f"ff{i:012x}", (start + i) * SECOND  # which that threshold keeps
            spans = [otlp.span(trace_id, "checkout", at, SECOND)]
            if i % 20:
                spans.append(otlp.span(trace_id, "audit.log", at, SECOND))
            for span in spans:
                span["traceState"] = of_violators if of_violators and i % 20 == 0 else state
            request = otlp.request(spans, service=service)
            if policy:
                request["resourceSpans"][0]["scopeSpans"][0]["scope"] = {"name": "x", "attributes": otlp.attributes({"tailsampling.policy": policy})}
            status, _, body = tempo.push_request(request)
            self.assertEqual(status, 200, body)
        tempo.wait_until(lambda: len(tempo.search(f'{{ resource.service.name = "{service}" }}', start - 60, start + 600, limit=1000, spss=1)) >= TRACES,
                         "the traces are searchable")
        return start - 60, start + 600

    def replay(self, tempo, span, *more):
        done = run_cli("replay", "--json", "--tempo", tempo.url, "--start", span[0], "--end", span[1], *more, timeout=120)
        answer = json.loads(done.stdout)
        return answer["coverage"]["sampling"], answer["rules"][0]["estimated"], answer

    def in_service(self, server, span, rule):
        body = {"start_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(span[0])), "end_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(span[1]))}
        answer = server.wait_job(server.post(f"/v1/rules/{rule}/replay", body).json()["replay_id"])
        return answer["coverage"]["sampling"], answer["rules"][0]["estimated"], answer

    def serve(self, tempo):
        server = Betrace("--tempo", tempo.url)
        server.start()
        self.addCleanup(server.__exit__)
        for rule, dsl in (("audit", RULE), ("kept", KEPT)):
            self.assertEqual(server.post("/v1/rules", {"id": rule, "dsl": dsl}).status, 201)
        return server

    def test_sampled(self):
        tempo = TempoServer(config="fast").start()
        self.addCleanup(tempo.stop)
        span = self.push(tempo, STATE, "web")
        sampling, estimated, answer = self.replay(tempo, span, "--dsl", RULE)
        self.assertEqual((answer["status"], answer["rules"][0]["violations_found"], sampling["known"]), ("completed", 12, "by_chance"))
        self.assertEqual(estimated["violations"], {"seen": 12, "low": 65, "high": 205, "confidence": 0.95})
        self.assertRegex(sampling["text"], "^traces are a 10 % sample, as [0-9]+ traces say that were read whole$")
        sampling, estimated, _ = self.in_service(self.serve(tempo), span, "kept")
        self.assertEqual((sampling["known"], estimated["violations"]["high"]), ("by_chance", 35))

    @staticmethod
    def said(answer):
        return answer[0], answer[1]["violations"]

    def test_others_are_looked_at_than_those_that_violate(self):
        """What violates was kept with 50 %, all else with 1.2 %: a bound that rests on the violators alone would be false."""
        tempo = TempoServer(config="fast").start()
        self.addCleanup(tempo.stop)
        span = self.push(tempo, "ot=th:fd", "web", of_violators="ot=th:8")
        server = self.serve(tempo)
        start, end = (time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime(at)) for at in span)
        listed = server.get(f"/v1/violations?rule_id=audit&start={start}&end={end}&timeout=30s").json()
        series = server.post("/v1/violations/series", {"rule_ids": ["audit"], "start": start, "end": end, "step": "1m"}).json()
        total = series["series"][0]["estimated"]["total"]
        for name, sampling, bound in (("command", *self.said(self.replay(tempo, span, "--dsl", RULE))), ("service", *self.said(self.in_service(server, span, "audit"))),
                                      ("list", listed["coverage"]["sampling"], listed["estimated"]["violations"]), ("series", series["coverage"]["sampling"], total)):
            with self.subTest(name):
                self.assertRegex(sampling["text"], "^traces are a 1.17 to 50 % sample, ")
                self.assertGreater(bound["high"], 300, "as many as may have happened of the 1.2 %")

    def test_each_service_is_bounded_by_its_own_probability(self):
        """A search names the service that a trace enters, so what nobody read counts as reads of that service say."""
        tempo = TempoServer(config="fast").start()
        self.addCleanup(tempo.stop)
        first, second = self.push(tempo, "ot=th:fd", "web"), self.push(tempo, "ot=th:8", "shop")
        sampling, estimated, answer = self.replay(tempo, (first[0], second[1]), "--dsl", "never { checkout }", "--limit", "0")
        happened, looked = estimated["violations"], sum(one["traces"] for one in sampling["probabilities"])
        self.assertEqual((answer["status"], happened["seen"], sampling["known"]), ("completed", 2 * TRACES, "by_chance"), answer)
        self.assertLess(looked, TRACES, "most of them are counted, and not read")
        # 240 of 1.17 % are some 20,500. If any might be of either: 480 of 50 % are 900 at least, 480 of 1.17 % 44,000 at most.
        self.assertTrue(15000 < happened["low"] < 20500 < happened["high"] < 28000, happened)

    def test_unsampled(self):
        tempo = TempoServer(config="fast").start()
        self.addCleanup(tempo.stop)
        span, server = self.push(tempo, "", "web"), self.serve(tempo)
        first, second = (self.in_service(server, span, "kept") for _ in range(2))
        self.assertEqual((first[0]["known"], first[1]), ("not_declared", None))
        self.assertEqual(second[0], first[0])
        self.assertLess(second[2]["queries"], first[2]["queries"], "it does not look again within a day")
        sampling, estimated, _ = self.replay(tempo, span, "--dsl", RULE, "--sampling", "declared=10%")
        self.assertEqual((sampling["known"], estimated["violations"]["low"]), ("by_chance", 65))

    def test_kept_by_the_policy_of_a_rule(self):
        """The name of the policy is seen in the traces that are read whole, and in none of another condition."""
        tempo = TempoServer(config="fast").start()
        self.addCleanup(tempo.stop)
        name = re.search("betrace/dsl/[0-9a-f]{12}", run_cli("sampler", "--dsl", RULE).stdout).group(0)
        span = self.push(tempo, "", "web", policy=name)
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(span[0]))
        _, estimated, answer = self.replay(tempo, span, "--dsl", RULE)
        self.assertEqual((answer["rules"][0]["violations_found"], estimated["policy"]["name"], estimated["policy"]["since"]), (12, name, None))
        self.assertRegex(estimated["text"], f"kept by its policy {name} from .* to .*, as {estimated['policy']['traces']} traces? says?$")
        _, estimated, _ = self.replay(tempo, span, "--dsl", RULE, "--sampling", f"policy={since}")
        self.assertIn(f"all candidates kept since {since} (policy {name}, ", estimated["text"])
        _, estimated, _ = self.replay(tempo, span, "--dsl", RULE.replace("audit.log", "audit.logs"), "--sampling", f"policy={since}")
        self.assertIsNone(estimated["policy"])
        self.assertIn("no trace says that betrace/dsl/", estimated["text"])

    def test_watch(self):
        """Violations of a rule that rests on absence are read by id before they are told, so watch knows how they were kept."""
        tempo = TempoServer(config="fast").start()
        self.addCleanup(tempo.stop)
        server = Betrace("--tempo", tempo.url, "--otlp", tempo.otlp_url, "--watch", "--settle", "1s", "--margin", "2s", "--lateness", "2s", "--handover", "2s",
                         "--interval", "500ms", "--sweep", "5s", "--lookback", "20s")
        server.start()
        self.addCleanup(server.__exit__)
        for rule, dsl in (("audit", RULE), ("kept", KEPT)):
            self.assertEqual(server.post("/v1/rules", {"id": rule, "dsl": dsl}).status, 201)
        time.sleep(2)
        deadline, pushed = time.monotonic() + 60, 0
        while "betrace_violations_estimated{" not in (text := server.get("/metrics").body.decode()):
            self.assertLess(time.monotonic(), deadline, text[:3000])
            trace_id, at = otlp.new_trace_id()[:18] + f"ff{pushed:012x}", int(time.time()) * SECOND
            one = otlp.span(trace_id, "checkout", at, SECOND // 10)
            one["traceState"] = STATE
            tempo.push_request(otlp.request([one], service="web"))
            pushed += 1
            time.sleep(0.5)
        found = {(m.group(1), m.group(2)): float(m.group(3))
                 for m in re.finditer(r'^betrace_violations_estimated\{rule_id="(\w+)",[^}]*bound="(\w+)"\} (\S+)$', text, re.M)}
        told = int(re.search(r'^betrace_violations_total\{rule_id="audit"[^}]*\} (\d+)$', text, re.M).group(1))
        self.assertEqual(set(found), {("audit", "low"), ("audit", "high"), ("kept", "low"), ("kept", "high")}, text)
        self.assertEqual((found["kept", "low"], found["kept", "high"]), (0, 35))
        self.assertTrue(told <= found["audit", "low"] < 10 * told + 20 < found["audit", "high"] + 20, (told, found))


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
