"""`betrace record`: a test from a real trace passes with the verdict that the trace has, ids are kept, and nothing that was not asked for is in it."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import binary, run_cli, sanitizer_environment  # noqa: E402
from trace_files import span, trace, trace_id  # noqa: E402

SECRET = "4111-1111-1111-1111"
RULES = """rules:
- {id: fraud, dsl: "when { checkout.where(amount > 1000) as c } always { fraud-check after c within 500ms where(order.id == c.order.id) }"}
- {id: region, dsl: 'trace.has(resource.attributes["cloud.region"] == "eu-1" and span.status_message == "declined")'}
- {id: events, dsl: 'trace.has(event.name == "exception" and event.attributes["exception.type"] == "Timeout")'}
- {id: scopes, dsl: 'when { trace.has(scope.name == "lib") } never { trace.has(event.where(retry > 2)) }'}
- {id: links, dsl: 'trace.has(link.where(link.span_id == "00000000000000c1" and link.kind == "retry")) and trace.has(exists(link.trace_id))'}
- {id: tags, dsl: 'trace.has(tags contains "gold" and ratio >= 0.1 and flag)'}
- {id: sums, dsl: 'sum(checkout, weight) > 3.5'}
- {id: satisfied, dsl: "when { checkout } always { payment }"}
- {id: idle, dsl: "when { nobody } always { payment }"}
"""


class RecordTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-record-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.write("rules.yaml", RULES)
        line = trace(0xAB, span("checkout", duration=90, id="00000000000000c1", amount=2000, weight=4.25, order_id="o-1", card_number=SECRET,
                                resource={"cloud.region": "eu-1", "host.name": "secret-host"}),
                     span("payment", at=3, duration=0.000001, status=2, message="declined", user_email="a@b.c", parent="00000000000000c1", kind=3,
                          resource={"cloud.region": "eu-1"}),
                     span('odd "name"\n日本 \u2028\x7f', at=4, tags=["gold", 'a "b"'], ratio=1e-1, flag=True, big=2**60,
                          events=[("exception", {"exception.type": "Timeout", "exception.message": SECRET, "retry": 3})]),
                     span("orphan", at=5, parent="00000000000000ee"))
        document = json.loads(line)
        document["resourceSpans"][2]["scopeSpans"][0]["scope"] = {"name": "lib", "version": "9"}
        document["resourceSpans"][3]["scopeSpans"][0]["spans"][0]["links"] = [
            {"traceId": trace_id(0xAB), "spanId": "00000000000000c1",
             "attributes": [{"key": "kind", "value": {"stringValue": "retry"}}, {"key": "card", "value": {"stringValue": SECRET}}]},
            {"traceId": trace_id(0xCD), "spanId": "00000000000000c2"}]
        self.traces = self.write("t.json", json.dumps(document))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def cli(self, *arguments):
        return subprocess.run([binary(), *map(str, arguments)], cwd=self.folder, capture_output=True, text=True, env=sanitizer_environment())

    def record(self, *arguments):
        done = self.cli("record", "ab", "--rules", "rules.yaml", "--traces", self.traces, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def verdicts(self, *sources):
        done = self.cli("eval", "--rules", "rules.yaml", "--all", "--json", *sources)
        return {v["rule_id"]: v["verdict"] for v in map(json.loads, done.stdout.strip().split("\n")[:-1])}

    def test_round_trip(self):
        """What is printed is a rule file whose test passes; its expectations are what the evaluator says of the real trace."""
        expected = self.verdicts(self.traces)
        self.assertEqual(sorted(set(expected.values())), ["not_applicable", "satisfied", "violated"])
        for form in ("inline", "fixture"):
            with self.subTest(form=form):
                text = self.record("--as", form, "--whole-file")
                self.write("recorded.yaml", text)
                done = self.cli("test", "--json", "recorded.yaml")
                self.assertEqual(done.returncode, 0, done.stdout)
                answer = json.loads(done.stdout)
                self.assertEqual({t["rule_id"]: t["verdict"] for t in answer["tests"]}, expected)
        self.assertEqual(self.verdicts(f"fixtures/{trace_id(0xAB)}.otlp.json"), expected)

    def test_what_no_rule_reads_is_not_there(self):
        text = self.record("--rule", "fraud")
        for absent in (SECRET, "secret-host", "a@b.c", "declined", "eu-1", "exception.type", "gold", "lib"):
            self.assertNotIn(absent, text)
        for present in ("00000000000000c1", "00000000000000ee", '"amount": 2000', '"order.id": "o-1"', "expect: violated"):
            self.assertIn(present, text)
        self.record("--rule", "fraud", "--as", "fixture")
        with open(os.path.join(self.folder, "fixtures", trace_id(0xAB) + ".otlp.json"), encoding="utf-8") as file:
            fixture = file.read()
        self.assertNotIn(SECRET, fixture)
        self.assertIn("00000000000000ee", fixture)
        self.assertIn(trace_id(0xAB), fixture)

    def test_links_are_there(self):
        """Their ids always, those of this trace as `own`, which keeps them what they were; their attributes where a rule reads them."""
        text = self.record("--rule", "links")
        self.assertIn('links: [{trace: "own", span: "00000000000000c1", attributes: {"kind": "retry"}}, ', text)
        self.assertIn(f'{{trace: "{trace_id(0xCD)}", span: "00000000000000c2"}}]', text)
        self.assertNotIn('"retry"', self.record("--rule", "fraud"))

    def test_what_a_span_carries_is_there(self):
        """Flags, what was dropped, and of the trace state what a rule reads: the same verdicts, unknown ones too."""
        self.write("rules.yaml", """rules:
- {id: state, dsl: 'never { checkout.where(span.trace_state["es"] == "1") }'}
- {id: twice, dsl: 'never { payment.where(span.trace_state["es"] == "1") }'}
- {id: flags, dsl: "never { checkout.where(span.flags == 257) }"}
- {id: counts, dsl: "never { checkout.where(span.dropped_events_count == 7 and span.dropped_links_count == 9) }"}
- {id: open, dsl: "when { checkout as c } always { c.where(exists(user.id)) }"}
""")
        document = json.loads(trace(0xAB, span("checkout", id="00000000000000c1"), span("payment", parent="00000000000000c1")))
        spans = [resource["scopeSpans"][0]["spans"][0] for resource in document["resourceSpans"]]
        spans[0] |= {"traceState": f"dd={SECRET},es=1", "flags": 257, "droppedAttributesCount": 3, "droppedEventsCount": 7, "droppedLinksCount": 9}
        spans[1] |= {"traceState": "es=1,es=2"}
        self.traces = self.write("t.json", json.dumps(document))
        expected = self.verdicts(self.traces)
        self.assertEqual(expected, {"state": "violated", "twice": "inconclusive", "flags": "violated", "counts": "violated", "open": "inconclusive"})
        for form in ("inline", "fixture"):
            with self.subTest(form=form):
                self.write("recorded.yaml", self.record("--as", form, "--whole-file"))
                answer = json.loads(self.cli("test", "--json", "recorded.yaml").stdout)
                self.assertEqual({one["rule_id"]: one["verdict"] for one in answer["tests"]}, expected)
        self.assertIn('trace_state: "es=1", flags: 257, dropped_attributes_count: 3, dropped_events_count: 7, dropped_links_count: 9', self.record())
        self.assertNotIn("es=1", self.record("--rule", "flags"))
        self.assertIn(SECRET, self.record("--keep-all"))

    def test_what_parts_of_a_span_lost_is_in_a_fixture(self):
        """A test's own spans have no words for it: nothing is printed, and it is said what to do."""
        rules = {"event": "never { checkout.where(exists(event.k)) }", "link": "never { checkout.where(exists(link.k)) }",
                 "resource": "never { checkout.where(exists(resource.k)) }", "scope": 'never { checkout.where(exists(scope.attributes["k"])) }'}
        self.write("rules.yaml", json.dumps({"rules": [{"id": name, "dsl": dsl} for name, dsl in rules.items()]}))
        document = json.loads(trace(0xAB, span("checkout", id="00000000000000c1")))
        lost = {"droppedAttributesCount": 2}
        resource = document["resourceSpans"][0]
        resource["resource"] |= lost
        resource["scopeSpans"][0]["scope"] = {"name": "lib"} | lost
        resource["scopeSpans"][0]["spans"][0] |= {"events": [{"name": "e", "timeUnixNano": "1"} | lost], "links": [{"traceId": "9" * 32, "spanId": "9" * 16} | lost]}
        self.traces = self.write("t.json", json.dumps(document))
        self.assertEqual(set(self.verdicts(self.traces).values()), {"inconclusive"})
        self.write("recorded.yaml", self.record("--as", "fixture", "--whole-file"))
        answer = json.loads(self.cli("test", "--json", "recorded.yaml").stdout)
        self.assertEqual({one["rule_id"]: one["verdict"] for one in answer["tests"]}, dict.fromkeys(rules, "inconclusive"))
        done = self.cli("record", f"{0xAB:x}", "--rules", "rules.yaml", "--traces", self.traces)
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("--as fixture", done.stderr)

    def test_keep(self):
        self.assertIn("secret-host", self.record("--rule", "fraud", "--keep", "host.name"))
        self.assertEqual(self.record("--rule", "fraud", "--keep-all").count(SECRET), 3)

    def test_halves_need_a_fixture(self):
        halves = self.write("halves.jsonl", trace(2, span("checkout", id="00000000000000aa", kind=3), span("checkout", id="00000000000000aa", parent="", kind=2)))
        done = self.cli("record", "2", "--rules", "rules.yaml", "--rule", "satisfied", "--traces", halves)
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("--as fixture", done.stderr)
        done = self.cli("record", "2", "--rules", "rules.yaml", "--rule", "satisfied", "--traces", halves, "--as", "fixture")
        self.assertEqual(done.returncode, 0, done.stderr)

    def family(self):
        """A message, its consumer, and who links to the consumer; the producer's trace begins later than the consumer's."""
        rules = self.write("linked.yaml", '''rules:
- {id: processed, dsl: 'when { publish as p } always { process linked to p within 1h as c and charge under c where(amount > 5) }'}
- {id: no-error, dsl: 'when { publish as p } never { span(span.status == error) downstream of p within 1h over 2 links }'}
''')
        lines = [trace(0xAB, span("publish", id="00000000000000c1", user_email="a@b.c", at=200)),
                 trace(0xCD, span("process", id="00000000000000d1", links=[(0xAB, "00000000000000c1"), (0xEE, "00000000000000e9")], card=SECRET),
                       span("charge", id="00000000000000d2", parent="00000000000000d1", at=1, amount=7)),
                 trace(0xEF, span("mail", id="00000000000000f1", links=[(0xCD, "00000000000000d2")], at=900, status=2)),
                 trace(0x99, span("publish", id="00000000000000c1"))]
        return rules, self.write("linked.jsonl", "".join(lines))

    def test_a_family_is_recorded(self):
        rules, traces = self.family()
        for form in ("inline", "fixture"):
            with self.subTest(form=form):
                done = self.cli("record", "ab", "--rules", rules, "--traces", traces, "--as", form, "--whole-file")
                self.assertEqual(done.returncode, 0, done.stderr)
                for absent in (SECRET, "a@b.c"):
                    self.assertNotIn(absent, done.stdout)
                self.write("family.yaml", done.stdout)
                tested = json.loads(self.cli("test", "--json", "family.yaml").stdout)
                self.assertEqual({one["rule_id"]: (one["outcome"], one["verdict"]) for one in tested["tests"]},
                                 {"processed": ("passed", "satisfied"), "no-error": ("passed", "violated")})
                if form == "inline":
                    self.assertIn('links: [{trace: "own", span: "00000000000000c1"}, {trace: "%s", span: "00000000000000e9"}]' % trace_id(0xEE), done.stdout)
                    self.assertIn('links: [{trace: "linked-1", span: "00000000000000d2"}]', done.stdout)
                    self.assertLess(done.stdout.index("      linked-1:"), done.stdout.index("      linked-2:"))
                else:
                    self.assertIn(f'    trace_id: "{trace_id(0xAB)}"\n', done.stdout)
        with open(os.path.join(self.folder, "fixtures", trace_id(0xAB) + ".otlp.json"), encoding="utf-8") as file:
            fixture = file.read()
        self.assertNotIn(SECRET, fixture)
        self.assertNotIn(trace_id(0x99), fixture)
        self.assertIn(trace_id(0xEF), fixture)

    def test_which_trace_of_a_fixture(self):
        rules, traces = self.family()
        self.cli("record", "ab", "--rules", rules, "--traces", traces, "--as", "fixture")
        rule = "rules:\n- id: r\n  dsl: 'when { publish as p } never { span(span.status == error) downstream of p within 1h over 2 links }'\n  tests:\n  - expect: violated\n"
        fixture = f"    trace_file: fixtures/{trace_id(0xAB)}.otlp.json\n"
        for line, expected in (("", "expected one trace in fixtures/"), ("    trace_id: '77'\n", "trace_id: expected the id of a trace in fixtures/"),
                               ("    trace_id: cd\n", "expected violated, got not_applicable"), ("    trace_id: AB\n", "1 passed")):
            self.write("one.yaml", rule + fixture + line)
            done = self.cli("test", "one.yaml")
            self.assertIn(expected, done.stdout + done.stderr)
        self.write("one.yaml", (rule + fixture).replace("violated", "satisfied") + "    trace_id: ab\n")
        done = self.cli("test", "one.yaml")
        self.assertIn(f"in trace {trace_id(0xEF)}", done.stdout + done.stderr)

    def test_what_is_not_known_of_links_is_recorded(self):
        rules, _ = self.family()
        traces = self.write("half.jsonl", trace(0xAB, span("publish", id="00000000000000c1")) +
                            trace(0xCD, span("process", links=[(0xAB, "00000000000000c1")])))
        done = self.cli("record", "ab", "--rules", rules, "--traces", traces, "--links-sampled", "--whole-file")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("    links_known: false\n", done.stdout)
        self.write("open.yaml", done.stdout)
        for text, code in ((done.stdout, 0), (done.stdout.replace("links_known: false", "links_known: true"), 1)):
            self.write("open.yaml", text)
            self.assertEqual(self.cli("test", "open.yaml").returncode, code, text)

    def test_a_linked_trace_that_is_not_whole_stays_one(self):
        """Its parent is not there, and what is under that may fail. Which trace it is, is said; the others stay whole."""
        rules, _ = self.family()
        traces = self.write("open.jsonl", trace(0xAB, span("publish", id="00000000000000c1")) +
                            trace(0xCD, span("process", id="00000000000000d1", links=[(0xAB, "00000000000000c1")]),
                                  span("charge", id="00000000000000d2", parent="00000000000000d1", at=1, amount=7)) +
                            trace(0xEF, span("mail", parent="00000000000000ee", links=[(0xCD, "00000000000000d2")], at=2)))
        whole = self.cli("record", "ab", "--rules", rules, "--traces", traces, "--whole-file")
        self.assertNotIn("complete:", whole.stdout)
        done = self.cli("record", "ab", "--rules", rules, "--traces", traces, "--require-complete", "--whole-file")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('      linked-1:\n      - {span: "process"', done.stdout)
        self.assertIn('      linked-2:\n        complete: false\n        spans:\n        - {span: "mail"', done.stdout)
        self.assertEqual(done.stdout.count("complete: false"), 1)
        self.assertIn("      processed: satisfied\n", done.stdout)
        self.assertIn("      no-error: inconclusive\n", done.stdout)
        for text, code in ((done.stdout, 0), (done.stdout.replace("complete: false", "complete: true"), 1)):
            self.write("open.yaml", text)
            self.assertEqual(self.cli("test", "open.yaml").returncode, code, text)

    def test_an_incomplete_trace_stays_one(self):
        text = self.record("--rule", "fraud", "--require-complete", "--whole-file")
        self.assertIn("complete: false", text)
        self.assertIn("expect: inconclusive", text)

    def test_clocks_of_whole_milliseconds_stay_such(self):
        """Of two services one writes whole milliseconds and one finer; the trace begins with a start of the latter."""
        document = json.loads(trace(0xAC, span("gate", id="00000000000000d1", service="go"), span("s", at=5, service="node"), span("COMMIT", at=5, service="node")))
        gate = document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
        gate["startTimeUnixNano"] = str(int(gate["startTimeUnixNano"]) + 123_457)
        traces = self.write("clocks.json", json.dumps(document))
        rules = "rules: [{id: order, %sdsl: 'when { s as p } never { COMMIT after p }'}]\n"
        said, plain = self.write("said.yaml", rules % "coarse_clocks: unknown, "), self.write("plain.yaml", rules % "")
        for form in ("inline", "fixture"):
            done = self.cli("record", "ac", "--rules", said, "--traces", traces, "--as", form, "--whole-file")
            self.assertEqual((done.returncode, done.stderr), (0, "0 attributes were left out\n" if form == "inline" else done.stderr))
            self.assertIn("expect: inconclusive", done.stdout)
        self.assertIn("expect: satisfied", self.cli("record", "ac", "--rules", plain, "--traces", traces, "--whole-file").stdout)
        refused = self.cli("record", "ac", "--rules", plain, "--traces", traces, "--coarse-clocks", "unknown")
        self.assertEqual((refused.returncode, refused.stdout), (3, ""))
        self.assertIn("write coarse_clocks: unknown into the rule", refused.stderr)

    def test_statuses(self):
        self.assertEqual(self.cli("record", "ff", "--rules", "rules.yaml", "--traces", self.traces).returncode, 3)
        self.assertEqual(self.cli("record", "--rules", "rules.yaml", "--traces", self.traces).returncode, 2)
        self.assertEqual(run_cli("record", "ab", "--traces", self.traces).returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=1)
