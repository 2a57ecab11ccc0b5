"""Whoever judges given traces gathers what links tie to them, as a replay does: `eval`, `trace`, `listen`, `contrast`, and the routes of one trace."""
import collections
import json
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import ROOT, Betrace, run_cli  # noqa: E402
from trace_files import span, trace, trace_id  # noqa: E402

PACK = os.path.join(ROOT, "distribution", "packs", "messaging.yaml")
END = "2026-03-10T12:00:00Z"
SENT, CONSUMED, FAILED = "00000000000000a1", "00000000000000b1", "00000000000000b2"
RULES = """rules:
- {id: processed, dsl: 'when { publish as p } always { process linked to p within 10m }'}
- {id: no-error, severity: high, dsl: 'when { publish as p } never { span(span.status == error) downstream of p within 1h }'}
- {id: sent-before, dsl: 'when { process as c } always { publish linked from c within 1h }'}
- {id: alone, dsl: 'when { publish } always { commit }'}
"""
PROCESSED, LOST, CONSUMER, EARLY = 1, 2, 3, 4
TRACES = {PROCESSED: trace(PROCESSED, span("POST /orders"), span("publish", at=5, id=SENT), span("commit", at=1)),
          LOST: trace(LOST, span("publish", id=SENT), at=1000),
          CONSUMER: trace(CONSUMER, span("process", id=CONSUMED, links=[(PROCESSED, SENT)], service="worker"), span("charge", at=2, id=FAILED, status=2, service="bank"), at=2000),
          EARLY: trace(EARLY, span("process", links=[(77, SENT)]), at=3000)}
# Told by hand: who is judged by which rule, and how. Trace 77 is not there, so nobody knows what is in it.
EXPECTED = {PROCESSED: {"processed": "satisfied", "no-error": "violated", "sent-before": "not_applicable", "alone": "satisfied"},
            LOST: {"processed": "violated", "no-error": "satisfied", "sent-before": "not_applicable", "alone": "violated"},
            CONSUMER: {"processed": "not_applicable", "no-error": "not_applicable", "sent-before": "satisfied", "alone": "not_applicable"},
            EARLY: {"processed": "not_applicable", "no-error": "not_applicable", "sent-before": "inconclusive", "alone": "not_applicable"}}


class LinkedTraces(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-linked-traces-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.rules = self.write("rules.yaml", RULES)
        self.traces = self.write("traces.jsonl", "".join(TRACES.values()))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    # ---- that no trace came ----

    def replay(self, rules, *options):
        return json.loads(run_cli("replay", "--traces", self.traces, "--rules", rules, "--json", *options).stdout)

    def counts(self, answer):
        return {rule["rule_id"]: (rule["violations_found"], rule["violations_without_link"], rule["inconclusive"]) for rule in answer["rules"]}

    def test_a_violation_says_that_it_rests_on_no_linked_trace(self):
        answer = self.replay(self.rules)
        self.assertEqual({(one["rule_id"], one["trace_id"]): one.get("rests_on") for one in answer["violations"]},
                         {("processed", trace_id(LOST)): "no linked trace", ("no-error", trace_id(PROCESSED)): None, ("alone", trace_id(LOST)): None})
        self.assertEqual(self.counts(answer), {"processed": (1, 1, 0), "no-error": (1, 0, 0), "sent-before": (0, 0, 1), "alone": (1, 0, 0)})
        text = run_cli("replay", "--traces", self.traces, "--rules", self.rules).stdout
        self.assertRegex(text, r"(?m)processed +.*no process linked to p.* \(rests on no linked trace\)$")
        self.assertEqual(text.count("rests on no linked trace"), 2, text)
        self.assertIn("1 of the violations rests on no linked trace: if traces are dropped one by one, ask again with --links-sampled\n", text)

    def test_of_sampled_traces_no_linked_trace_proves_nothing(self):
        answer = self.replay(self.rules, "--links-sampled")
        self.assertEqual(self.counts(answer), {"processed": (0, 0, 1), "no-error": (1, 0, 1), "sent-before": (0, 0, 1), "alone": (1, 0, 0)})
        self.assertIs(answer["coverage"]["assumptions"]["links_sampled"], True)
        trace_answer = json.loads(run_cli("trace", trace_id(LOST), "--traces", self.traces, "--rules", self.rules, "--links-sampled", "--json").stdout)
        self.assertEqual({one["rule_id"]: (one["verdict"], one["reason"]) for one in trace_answer["verdicts"]}["processed"], ("inconclusive", "linked"))

    def test_a_rule_says_it_for_itself(self):
        one = self.write("one.yaml", RULES.replace("within 10m }'}", "within 10m }', links_sampled: true}"))
        self.assertEqual(self.counts(self.replay(one)), {"processed": (0, 0, 1), "no-error": (1, 0, 0), "sent-before": (0, 0, 1), "alone": (1, 0, 0)})
        lines = [json.loads(line) for line in run_cli("eval", "--traces", self.traces, "--rules", one, "--json").stdout.splitlines()]
        self.assertEqual([line["reason"] for line in lines if line.get("rule_id") == "processed"], ["linked"])
        without = self.write("without.yaml", RULES.replace("within 10m }'}", "within 10m }', links_sampled: false}"))
        self.assertEqual(self.counts(self.replay(without, "--links-sampled"))["processed"], (1, 1, 0))

    def test_a_service_and_its_rules_say_it(self):
        with Betrace("--traces", self.traces, "--links-sampled") as server:
            stored = server.post("/v1/rules", {"id": "own", "dsl": "when { publish as p } always { process linked to p within 10m }", "links_sampled": False})
            self.assertEqual((stored.status, stored.json()["links_sampled"]), (201, False))
            self.assertEqual(server.post("/v1/rules", {"id": "as-service", "dsl": stored.json()["dsl"]}).status, 201)
            self.assertIs(server.get("/v1/rules/own").json()["links_sampled"], False)
            answer = server.post("/v1/violations/query", {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}).json()
            self.assertEqual([(one["rule_id"], one["rests_on"]) for one in answer["violations"]], [("own", "no linked trace")])
            verdicts = server.get(f"/v1/traces/{trace_id(LOST)}/verdicts").json()["verdicts"]
            self.assertEqual({one["rule_id"]: (one["verdict"], one["reason"]) for one in verdicts}, {"own": ("violated", None), "as-service": ("inconclusive", "linked")})
            self.assertIn("links_sampled: false", server.get("/v1/rules/export").body.decode())

    # ---- the command line ----

    def test_trace(self):
        for number, expected in EXPECTED.items():
            done = run_cli("trace", trace_id(number), "--traces", self.traces, "--rules", self.rules, "--json")
            document = json.loads(done.stdout)
            self.assertEqual({one["rule_id"]: one["verdict"] for one in document["verdicts"]}, expected, number)
            self.assertEqual(done.returncode, 1 if "violated" in expected.values() else 3 if "inconclusive" in expected.values() else 0)

    def test_trace_draws_linked_traces(self):
        done = run_cli("trace", trace_id(PROCESSED), "--traces", self.traces, "--rules", self.rules, env={"COLUMNS": "80", "LC_ALL": "C.UTF-8"})
        own, linked = done.stdout.split("\nlinked: ")
        self.assertIn("      charge of bank in a linked trace, at +2.00s for 1.00ms\n", own)
        self.assertEqual(linked.split("\n")[0], f"{trace_id(CONSUMER)}  2026-01-01T00:00:02.000Z  3.00ms  2 spans of 2 services")
        rows = linked.split("\n")[1:3]
        self.assertRegex(rows[0], r"^ +process ")
        self.assertRegex(rows[1], r"^2 └─ charge +! bank")

    def test_linked_traces_without_a_witness_are_named(self):
        done = run_cli("trace", trace_id(CONSUMER), "--traces", self.traces, "--rules", self.rules)
        self.assertIn(f"\nlinked: {trace_id(PROCESSED)}  2026-01-01T00:00:00.000Z  POST /orders of web\n", done.stdout)
        self.assertNotIn("commit", done.stdout)
        self.assertIn("commit", run_cli("trace", trace_id(CONSUMER), "--traces", self.traces, "--rules", self.rules, "--all").stdout)

    def test_trace_as_json(self):
        done = run_cli("trace", trace_id(PROCESSED), "--traces", self.traces, "--rules", self.rules, "--json")
        (linked,) = json.loads(done.stdout)["linked"]
        self.assertEqual((linked["trace_id"], linked["partial"]), (trace_id(CONSUMER), False))
        self.assertEqual({one["name"]: one["witness_of"] for one in linked["spans"]}, {"process": [], "charge": ["no-error"]})

    def test_eval(self):
        done = run_cli("eval", "--traces", self.traces, "--rules", self.rules, "--all", "--json")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        found = collections.defaultdict(dict)
        for one in lines[:-1]:
            self.assertNotIn(one["rule_id"], found[one["trace_id"]], "a verdict is told once")
            found[one["trace_id"]][one["rule_id"]] = one["verdict"]
        self.assertEqual(found, {trace_id(number): verdicts for number, verdicts in EXPECTED.items()})
        counts = collections.Counter(verdict for verdicts in EXPECTED.values() for verdict in verdicts.values())
        self.assertEqual({name: lines[-1]["summary"][name] for name in counts}, counts)
        self.assertEqual(done.returncode, 1)

    def test_diff(self):
        """The consumer begins two seconds after the message."""
        old = self.write("old.yaml", "rules:\n- {id: r, dsl: 'when { publish as p } always { process linked to p within 10m }'}\n")
        new = self.write("new.yaml", "rules:\n- {id: r, dsl: 'when { publish as p } always { process linked to p within 1s }'}\n")
        done = run_cli("diff", old, new, "--traces", self.traces)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, rf"\+ satisfied → violated  2026-01-01T00:00:00Z  {trace_id(PROCESSED)}\n")
        self.assertIn("1 trace newly violated, 0 no longer", done.stdout)

    def test_listen(self):
        sends = "; ".join(f"send({line.encode()!r})" for line in TRACES.values())
        script = f"""
import os, urllib.request
def send(body):
    urllib.request.urlopen(urllib.request.Request(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces", body, {{"Content-Type": "application/json"}}), timeout=30)
{sends}
"""
        done = run_cli("listen", "--rules", self.rules, "--settle", "200ms", "--json", "--", sys.executable, "-c", script)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        found = sorted((one["rule_id"], one["trace_id"]) for one in json.loads(done.stdout)["violations"])
        self.assertEqual(found, sorted((rule, trace_id(number)) for number, verdicts in EXPECTED.items() for rule, verdict in verdicts.items() if verdict == "violated"))

    def test_they_find_what_a_replay_finds(self):
        """Of a day with lost messages, with each rule of the pack."""
        path, truth = os.path.join(self.folder, "day.jsonl"), os.path.join(self.folder, "truth.json")
        self.assertEqual(run_cli("generate", "--scenario", "messaging", "--traces", 2000, "--end", END, "--out", path, "--truth", truth).returncode, 0)
        replay = json.loads(run_cli("replay", "--traces", path, "--rules", PACK, "--json").stdout)
        wanted = sorted((one["rule_id"], one["trace_id"]) for one in replay["violations"])
        with open(truth, encoding="utf-8") as file:
            lost = json.load(file)["lost-message"]
        self.assertLess(0, len(lost))
        self.assertEqual(sorted(lost), [one for rule, one in wanted if rule == "messaging-linked-never-processed"])
        for jobs in (1, 2):
            done = run_cli("eval", "--jobs", jobs, "--traces", path, "--rules", PACK, "--json")
            lines = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertEqual(sorted((one["rule_id"], one["trace_id"]) for one in lines[:-1]), wanted)
            self.assertEqual(lines[-1]["summary"]["inconclusive"], 0)
        contrast = json.loads(run_cli("contrast", "--rule", "messaging-linked-never-processed", "--rules", PACK, "--traces", path, "--json").stdout)
        sampled = {side: contrast[side]["sampled"] for side in ("violating", "satisfying")}
        self.assertEqual((sampled["violating"], sampled["satisfying"] > 0), (len(lost), True))

    # ---- the routes ----

    def hold_verdicts(self, server):
        for rule in RULES.splitlines()[1:]:
            name, text = rule.split("{id: ")[1].split(",")[0], rule.split("'")[1]
            self.assertEqual(server.post("/v1/rules", {"id": name, "dsl": text}).status, 201)
        for number, expected in EXPECTED.items():
            document = server.get(f"/v1/traces/{trace_id(number)}/verdicts").json()
            self.assertEqual({one["rule_id"]: one["verdict"] for one in document["verdicts"]}, expected, number)
            for rule, verdict in expected.items():
                tested = server.post("/v1/rules/test", {"rule_id": rule, "trace_id": trace_id(number)}).json()
                self.assertEqual(tested["verdict"], verdict, (number, rule))
                self.assertEqual(tested["reason"], "linked" if verdict == "inconclusive" else None)
        # Who asks for a span gets what the trace's own spans decide, and the rest open: no other trace is read for it.
        for number, open_rules in ((PROCESSED, {"processed", "no-error"}), (LOST, {"processed", "no-error"})):
            alone = server.get(f"/v1/traces/{trace_id(number)}/verdicts?span={SENT}").json()
            told = {one["rule_id"]: (one["verdict"], one["reason"]) for one in alone["verdicts"]}
            own = {rule: (verdict, None) for rule, verdict in EXPECTED[number].items() if rule not in open_rules}
            self.assertEqual((told, alone["linked"]), ({**own, **{rule: ("inconclusive", "linked") for rule in open_rules}}, []))
        document = server.get(f"/v1/traces/{trace_id(PROCESSED)}/verdicts").json()
        link = {"from_trace_id": trace_id(CONSUMER), "from_span_id": CONSUMED, "to_trace_id": trace_id(PROCESSED), "to_span_id": SENT}
        self.assertEqual(document["linked"], [{"trace_id": trace_id(CONSUMER), "span_count": 2, "start": "2026-01-01T00:00:02.000000000Z",
                                               "end": "2026-01-01T00:00:02.003000000Z", "root_name": "process",
                                               "root_service": "worker", "incomplete": False, "links": [link], "link_count": 1}])
        (violated,) = [one["violation"] for one in document["verdicts"] if one["verdict"] == "violated"]
        self.assertEqual([(one["span_id"], one.get("trace_id", document["trace_id"])) for one in violated["witnesses"]],
                         [(SENT, trace_id(PROCESSED)), (FAILED, trace_id(CONSUMER))])
        return server

    def test_routes_over_files(self):
        with Betrace("--traces", self.traces) as server:
            self.hold_verdicts(server)
            # No rule asks for what is linked: nothing is gathered.
            for rule in ("processed", "no-error", "sent-before"):
                self.assertEqual(server.delete(f"/v1/rules/{rule}").status, 204)
            self.assertEqual(server.get(f"/v1/traces/{trace_id(PROCESSED)}/verdicts").json()["linked"], [])

    def test_routes_over_memory(self):
        with Betrace("--memory-source") as server:
            for line in TRACES.values():
                self.assertEqual(server.post("/v1/spans", json.loads(line)).status, 200)
            self.hold_verdicts(server)

    # ---- which spans link to which ----

    def links_of(self, server, number):
        """By number of the linked trace: its links as (number, span, number, span), and how many there are in all."""
        linked = server.get(f"/v1/traces/{trace_id(number)}/verdicts").json()["linked"]
        told = {int(one["trace_id"], 16): ([(int(link["from_trace_id"], 16), link["from_span_id"], int(link["to_trace_id"], 16), link["to_span_id"])
                                            for link in one["links"]], one["link_count"]) for one in linked}
        self.assertEqual(len(told), len(linked), "each trace once")
        return told

    def serving(self, traces):
        """The same traces from a file and from memory, with all rules."""
        for options in (("--traces", self.write("family.jsonl", "".join(traces))), ("--memory-source",)):
            with Betrace(*options) as server, self.subTest(options[0]):
                for line in traces if options[0] == "--memory-source" else ():
                    self.assertEqual(server.post("/v1/spans", json.loads(line)).status, 200)
                self.assertEqual(server.post("/v1/rules/import", RULES.encode(), headers={"Content-Type": "application/yaml"}).status, 200)
                yield server

    def test_each_link_of_a_family_stands_once(self):
        """Two consumers of one message that also link to each other; the first as clients do that are not exact: to itself, to a span and to a trace that are not
        there, and to no span."""
        first, second, lost = "00000000000000b1", "00000000000000c1", "00000000000000ff"
        ties = [(1, SENT), (5, first), (6, second), (1, lost), (77, SENT), (1, ""), (1, "0" * 16)]
        traces = [trace(1, span("publish", id=SENT)), trace(5, span("process", id=first, links=ties), at=10), trace(6, span("process", id=second, links=[(5, first), (1, SENT)]), at=20)]
        of_first = [(5, first, 1, SENT), (5, first, 1, lost), (5, first, 1, None), (5, first, 1, None)]
        for server in self.serving(traces):
            self.assertEqual(self.links_of(server, 1), {5: (of_first + [(5, first, 6, second)], 5), 6: ([(6, second, 1, SENT), (6, second, 5, first)], 2)})
            self.assertEqual(self.links_of(server, 5), {1: (of_first, 4), 6: ([(5, first, 6, second), (6, second, 5, first), (6, second, 1, SENT)], 3)})

    def hold_batch(self, messages, shown):
        """One span that processes so many messages, the last of which comes last."""
        batch, numbers = "0000000000000100", range(1, messages + 1)
        traces = [trace(n, span("publish", id=f"{n:016x}"), at=n) for n in numbers]
        traces.append(trace(0x100, span("process", id=batch, links=[(n, f"{n:016x}") for n in numbers]), at=1000))
        for server in self.serving(traces):
            fan_in = self.links_of(server, 0x100)
            self.assertEqual(fan_in, {n: ([(0x100, batch, n, f"{n:016x}")], 1) for n in numbers})
            told = self.links_of(server, messages)
            self.assertEqual(sorted(told), [*range(1, messages), 0x100])
            links, count = told.pop(0x100)
            self.assertEqual((links, count), ([(0x100, batch, n, f"{n:016x}") for n in (messages, *range(1, shown))], messages))
            self.assertEqual(set(count for _, count in told.values()), {0}, "they are tied by the batch alone")

    def test_of_a_batch_the_first_links_are_told(self):
        self.hold_batch(25, 20)

    def test_of_a_larger_batch_fewer(self):
        self.hold_batch(26, 5)


if __name__ == "__main__":
    unittest.main(verbosity=1)
