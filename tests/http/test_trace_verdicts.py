"""GET /v1/traces/{trace_id}/verdicts and POST /v1/rules/test with a trace_id: one trace from files and from memory, read by its id."""
import json
import os
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from betrace_process import Betrace  # noqa: E402
from rule_rows import reseal, unguarded  # noqa: E402

TRACE = "0000000000000000000000000000beef"
RULES = [{"id": "has-query", "dsl": 'trace.has(span.name == "db.query") as q', "severity": "low", "shadow": True},
         {"id": "no-audit", "dsl": 'when { trace.has(span.name == "db.query") } always { trace.has(span.name == "audit") }'},
         {"id": "audited", "dsl": 'when { trace.has(span.name == "db.query") } never { trace.has(span.name == "leak") }'},
         {"id": "other", "dsl": 'when { trace.has(span.name == "nothing") } always { trace.has(span.name == "audit") }'},
         {"id": "off", "dsl": 'trace.has(span.name == "db.query")', "enabled": False}]


def span(name, span_id, age_s, **more):
    return {"trace_id": TRACE, "span_id": span_id, "name": name, "start_time": int((time.time() - age_s) * 10**9), "duration_ms": 1, **more}


class VerdictsTest(unittest.TestCase):
    def start(self, *arguments, **options):
        server = Betrace(*arguments, **options)
        server.start()
        self.addCleanup(server.__exit__)
        return server

    def add_rules(self, server):
        for rule in RULES:
            self.assertEqual(server.post("/v1/rules", rule).status, 201, rule)

    def verdicts(self, server, trace_id=TRACE):
        answer = server.get(f"/v1/traces/{trace_id}/verdicts")
        self.assertEqual(answer.status, 200, answer)
        return answer.json(), {v["rule_id"]: v for v in answer.json()["verdicts"]}

    def test_memory(self):
        server = self.start("--memory-source")
        self.add_rules(server)
        server.post("/v1/spans", {"spans": [span("db.query", "a1", 600, attributes={"service.name": "shop"})]})
        document, found = self.verdicts(server)
        self.assertEqual({k: v["verdict"] for k, v in found.items()},
                         {"has-query": "violated", "no-audit": "violated", "audited": "satisfied", "other": "not_applicable"})
        self.assertEqual((document["trace_id"], document["span_count"], document["root_name"], document["root_service"], document["incomplete"]),
                         (TRACE, 1, "db.query", "shop", []))
        self.assertEqual([v["rule_id"] for v in document["verdicts"]], sorted(found))
        self.assertEqual((found["has-query"]["shadow"], found["no-audit"]["shadow"], found["has-query"]["severity"]), (True, False, "low"))
        self.assertEqual((found["audited"]["exercised"], found["other"]["exercised"]), (True, False))
        violation = found["has-query"]["violation"]
        self.assertEqual((violation["trace_id"], violation["span_id"], violation["confirmed"], violation["provisional"]), (TRACE, "00000000000000a1", "by_id", False))
        self.assertEqual([w["name"] for w in violation["witnesses"]], ["db.query"])
        self.assertIsNone(found["audited"]["violation"])
        # One rule at a time says the same.
        for rule_id, verdict in found.items():
            tested = server.post("/v1/rules/test", {"rule_id": rule_id, "trace_id": TRACE}).json()
            self.assertEqual({k: tested[k] for k in ("verdict", "reason", "exercised", "violation")}, {k: verdict[k] for k in ("verdict", "reason", "exercised", "violation")})
        # Ids without their leading zeros, as Tempo writes them.
        self.assertEqual(self.verdicts(server, "BEEF")[0]["trace_id"], TRACE)

    def test_a_young_trace_proves_no_absence(self):
        server = self.start("--memory-source")
        self.add_rules(server)
        server.post("/v1/spans", {"spans": [span("db.query", "a1", 1, parent_span_id="ff")]})
        document, found = self.verdicts(server)
        self.assertEqual(document["incomplete"], ["unsettled", "missing_parents"])
        self.assertEqual((found["has-query"]["verdict"], found["has-query"]["violation"]["provisional"]), ("violated", True))
        self.assertEqual((found["no-audit"]["verdict"], found["no-audit"]["reason"], found["no-audit"]["violation"]), ("inconclusive", "incomplete", None))
        self.assertEqual(found["audited"]["verdict"], "inconclusive")

    def test_each_rule_has_its_own_settle_and_completeness(self):
        server = self.start("--memory-source")
        self.assertEqual(server.post("/v1/rules", dict(RULES[1], settle="1h")).status, 201)
        self.assertEqual(server.post("/v1/rules", dict(RULES[1], id="strict", require_complete=True)).status, 201)
        self.assertEqual(server.post("/v1/rules", dict(RULES[1], id="plain")).status, 201)
        server.post("/v1/spans", {"spans": [span("db.query", "a1", 600, parent_span_id="ff")]})
        document, found = self.verdicts(server)
        self.assertEqual({k: v["verdict"] for k, v in found.items()}, {"no-audit": "inconclusive", "strict": "inconclusive", "plain": "violated"})
        self.assertEqual(document["incomplete"], ["unsettled", "missing_parents"])

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "t.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(otlp.request([otlp.span(TRACE, "db.query", time.time_ns())]), file)
            server = self.start("--traces", path)
            self.add_rules(server)
            document, found = self.verdicts(server)
            self.assertEqual(document["incomplete"], [], "nothing arrives late in a file")
            self.assertEqual(found["no-audit"]["verdict"], "violated")
            self.assertEqual(server.post("/v1/rules/test", {"rule_id": "no-audit", "trace_id": TRACE}).json()["verdict"], "violated")

    def spans(self, server, trace_id=TRACE):
        answer = server.get(f"/v1/traces/{trace_id}/verdicts?include=spans")
        self.assertEqual(answer.status, 200, answer)
        return answer.json()["spans"]

    def test_spans(self):
        """Those of the same read, by start, with the attributes that enabled rules compare and no others."""
        server = self.start("--memory-source")
        server.post("/v1/rules", {"id": "a", "dsl": 'trace.has(span.name == "pay" and amount > 5) and not trace.has(region == "eu")'})
        server.post("/v1/rules", {"id": "b", "dsl": 'trace.has(resource.attributes["zone"] == "x")'})
        server.post("/v1/rules", {"id": "off", "dsl": 'trace.has(span.name == "pay" and card == 1)', "enabled": False})
        start = (int(time.time()) - 600) * 10**9
        kept = {"amount": 7, "region": "us", "card": "4111", "zone": "own"}
        body = otlp.request([otlp.span(TRACE, "late", start + 5, span_id="cc".zfill(16), parent="ee".zfill(16), duration_ns=-3),
                             otlp.span(TRACE, "pay", start, span_id="aa".zfill(16), kind="client", status="error", attrs=kept)], service="shop", resource={"zone": "x", "secret": "s", "region": "of the resource"})
        self.assertEqual(server.post("/v1/spans", body).status, 200)
        spans = self.spans(server)
        self.assertEqual([s["name"] for s in spans], ["pay", "late"])
        pay, late = spans
        self.assertEqual((pay["span_id"], pay["parent_span_id"], pay["kind"], pay["status"], pay["service"]), ("00000000000000aa", None, "client", "error", "shop"))
        self.assertEqual((pay["start_unix_nano"], pay["end_unix_nano"]), (str(start), str(start + 10**6)))
        self.assertEqual(pay["attributes"], {"amount": "7", "region": "us", "resource.zone": "x"}, "no card, no secret; the span's own before the resource's")
        self.assertEqual((late["parent_span_id"], late["start_unix_nano"], late["end_unix_nano"]), ("00000000000000ee", str(start + 5), str(start + 2)), "an end before the start is not mended")
        self.assertEqual(late["attributes"], {"region": "of the resource", "resource.zone": "x"})
        self.assertIsNone(pay["status_message"])
        server.post("/v1/rules", {"id": "c", "dsl": 'trace.has(span.status_message == "x")'})
        self.assertEqual(self.spans(server)[0]["status_message"], "")
        self.assertNotIn("spans", server.get(f"/v1/traces/{TRACE}/verdicts").json(), "only when they are asked for")
        for bad in ("include=", "include=all", "include=spans,x"):
            self.assertEqual(server.get(f"/v1/traces/{TRACE}/verdicts?{bad}").status, 400, bad)

    def whole(self, server, span_id, status=200):
        answer = server.get(f"/v1/traces/{TRACE}/verdicts?span={span_id}")
        self.assertEqual(answer.status, status, answer)
        return answer.json()

    def test_one_span_with_all_that_the_source_gave(self):
        """Over memory and a file alike. What public reports show wrong is among it: whole numbers beyond 2^53 (jaegertracing/jaeger-ui#973),
        texts that read as numbers (#396), JSON in a text, a scope's attributes (grafana/grafana#102896), a key that stands twice."""
        start = (int(time.time()) - 600) * 10**9
        own = {"big": 9223372036854775807, "id": "780177723283783680", "json": '{"a": [1, 2]}', "share": 0.1, "ok": False, "list": ["a, b", "c"], "numbers": [1, 2],
               "hidden\u202ekey": "a\u200bb\u0007", "long": "ä" * 3000, "edge": "x" * 2048, "": "no key"}
        pay = otlp.span(TRACE, "pay", start, span_id="aa".zfill(16), kind="client", status="error", attrs=own, events=[("exception", start + 5, {"stack": "s"})],
                        links=[("ab".zfill(32), "cd".zfill(16), {"why": "batch"})])
        pay["attributes"] += [{"key": "map", "value": {"kvlistValue": {"values": []}}}, {"key": "empty", "value": {}}, {"key": "twice", "value": {"stringValue": "one"}},
                              {"key": "twice", "value": {"stringValue": "two"}}]
        pay["status"]["message"], pay["traceState"], pay["droppedAttributesCount"], pay["droppedEventsCount"] = "no\u202efunds", "a=b", 3, 1
        half = otlp.span(TRACE, "pay, taken", start + 9, span_id="aa".zfill(16), kind="server")
        body = otlp.request([pay, half, otlp.span("77".zfill(32), "elsewhere", start, span_id="ee".zfill(16))], service="shop", resource={"secret": "s"})
        body["resourceSpans"][0]["scopeSpans"][0]["scope"].update(version="7", attributes=otlp.attributes({"of.scope": "x"}))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "t.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(body, file)
            of_file, of_memory = self.start("--traces", path), self.start("--memory-source")
            self.assertEqual(of_memory.post("/v1/spans", body).status, 200)
            self.add_rules(of_file)
            first, second = self.whole(of_file, "aa"), self.whole(of_memory, "AA")
            self.assertEqual(first["whole_spans"], second["whole_spans"])
            self.assertEqual({v["rule_id"] for v in first["verdicts"]}, {"has-query", "no-audit", "audited", "other"}, "of the same read")
            for wrong in ("ee", "ab"):
                self.assertIn(f"no span {wrong.zfill(16)}", self.whole(of_file, wrong, 404)["detail"], "a span of another trace is none of this one")
            for wrong in ("", "0", "xyz", "1" * 17, "%00", "aa,ab"):
                self.assertIn("span", self.whole(of_file, wrong, 400)["detail"])
        one, other = first["whole_spans"]
        values = [(a["key"], a["type"], a["value"]) for a in one["attributes"]["items"]]
        for expected in (("big", "int", "9223372036854775807"), ("id", "string", "780177723283783680"), ("json", "string", '{"a": [1, 2]}'), ("share", "double", "0.1"),
                         ("ok", "bool", "false"), ("list", "list", '["a, b", "c"]'), ("numbers", "list", "[1, 2]"), ("hidden\u202ekey", "string", "a\u200bb\u0007"),
                         ("", "string", "no key"), ("map", "not_read", None), ("empty", "none", None), ("twice", "string", "one"), ("twice", "string", "two")):
            self.assertEqual(values.count(expected), 1, (expected, values))
        self.assertEqual(len(values), 15)
        long, edge = (next(a for a in one["attributes"]["items"] if a["key"] == key) for key in ("long", "edge"))
        self.assertEqual((long["bytes"], long.get("may_be_cut"), long["value"]), (6000, None, "ä" * 2048))
        self.assertEqual((edge.get("bytes"), edge["may_be_cut"]), (None, True), "Tempo cuts texts to this length, and does not say so")
        self.assertEqual([(a["key"], a["value"]) for a in one["resource"]["items"]], [("service.name", "shop"), ("secret", "s")])
        self.assertEqual((one["scope"]["name"], one["scope"]["version"], one["scope"]["attributes"]["items"]), ("tests", "7", [{"key": "of.scope", "type": "string", "value": "x"}]))
        self.assertEqual([(e["name"], e["time_unix_nano"], e["attributes"]["items"][0]["value"]) for e in one["events"]], [("exception", str(start + 5), "s")])
        self.assertEqual([(k["trace_id"], k["span_id"], k["attributes"]["items"][0]["value"]) for k in one["links"]], [("ab".zfill(32), "cd".zfill(16), "batch")])
        self.assertEqual((one["status_message"], one["trace_state"], one["attributes"]["dropped"], one["dropped_events"], one["dropped_links"]), ("no\u202efunds", "a=b", 3, 1, 0))
        self.assertEqual(one["left_out"], {"attributes": 0, "events": 0, "links": 0})
        self.assertEqual((other["name"], other["records"], other["attributes"]["items"]), ("pay, taken", 1, []), "the other half of the call")

    def test_of_a_large_span_it_says_what_is_left_out(self):
        server = self.start("--memory-source")
        start = (int(time.time()) - 600) * 10**9
        many = otlp.span(TRACE, "many", start, span_id="aa".zfill(16), attrs={f"k{i}": i for i in range(300)}, events=[("e", start + i, {}) for i in range(257)])
        large = otlp.span(TRACE, "large", start + 1, span_id="bb".zfill(16), attrs={f"k{i}": "x" * 10000 for i in range(100)}, links=[("1".zfill(32), "2".zfill(16), {})])
        self.assertEqual(server.post("/v1/spans", otlp.request([many, large])).status, 200)
        (many,) = self.whole(server, "aa")["whole_spans"]
        self.assertEqual((len(many["attributes"]["items"]), len(many["events"]), many["left_out"]), (256, 256, {"attributes": 44, "events": 1, "links": 0}))
        (large,) = self.whole(server, "bb")["whole_spans"]
        shown = len(large["attributes"]["items"])
        self.assertEqual((shown, large["resource"]["items"], large["links"]), (64, [], []), "256 KiB, and 4 KiB of each")
        self.assertEqual(large["left_out"], {"attributes": 100 - shown + 1, "events": 0, "links": 1})

    def test_of_many_spans_the_earliest_and_the_witnesses(self):
        server = self.start("--memory-source")
        self.add_rules(server)
        start = (int(time.time()) - 600) * 10**9
        many = [otlp.span(TRACE, "db.query" if i == 10500 else "work", start + i, span_id=f"{i + 1:016x}") for i in range(10600)]
        self.assertEqual(server.post("/v1/spans", otlp.request(many)).status, 200)
        document = server.get(f"/v1/traces/{TRACE}/verdicts?include=spans").json()
        self.assertEqual((document["span_count"], len(document["spans"])), (10600, 10001))
        self.assertEqual([int(s["span_id"], 16) for s in document["spans"]], [*range(1, 10001), 10501])

    def test_what_failed_is_said_as_text(self):
        server = self.start("--memory-source")
        self.add_rules(server)
        server.post("/v1/rules", {"id": "never", "dsl": 'when { trace.has(span.name == "db.query") } never { trace.has(span.name == "db.query") }'})
        server.post("/v1/spans", {"spans": [span("db.query", "a1", 600)]})
        found = self.verdicts(server)[1]
        said = {k: (v["violation"]["failed"]["clause"], v["violation"]["failed"]["text"]) for k, v in found.items() if v["violation"]}
        self.assertEqual(said, {"has-query": ("condition", 'trace.has(span.name == "db.query") as q'), "no-audit": ("always", 'trace.has(span.name == "audit")'),
                                "never": ("never", 'trace.has(span.name == "db.query")')})

    def test_not_found_and_bad_ids(self):
        server = self.start("--memory-source")
        answer = server.get(f"/v1/traces/{TRACE}/verdicts")
        self.assertEqual(answer.status, 404, answer)
        self.assertIn("tenant", answer.json()["detail"])
        for bad in ("xyz", "0" * 33, "%00", "12 34", "%C3%A4"):
            self.assertEqual(server.get(f"/v1/traces/{bad.replace(' ', '%20')}/verdicts").status, 400, bad)
        self.assertEqual(server.get(f"/v1/traces/{TRACE}/verdicts?x=1").status, 400)
        server.post("/v1/spans", {"spans": [span("db.query", "a1", 600)]})
        self.assertEqual(self.verdicts(server)[0]["verdicts"], [], "no rules, no verdicts")

    def test_a_rule_that_does_not_compile_is_named(self):
        server = self.start("--memory-source")
        self.add_rules(server)
        server.stop()
        with unguarded(server.db) as db:
            # A further version, as a service with a newer language would have written it.
            columns = [row[1] for row in db.execute("pragma table_info(rule_versions)")]
            changes = {"version": "version + 1", "dsl": "'no such text ('"}
            chosen = ", ".join(changes.get(name, name) for name in columns)
            changed = db.execute(f"insert into rule_versions ({', '.join(columns)}) select {chosen} from rule_versions where rule_id = 'audited'").rowcount
            reseal(db)
        self.assertEqual(changed, 1)
        again = self.start("--memory-source", db=server.db)
        again.post("/v1/spans", {"spans": [span("db.query", "a1", 600)]})
        document, found = self.verdicts(again)
        self.assertNotIn("audited", found)
        self.assertEqual([r["rule_id"] for r in document["not_evaluated"]], ["audited"])
        self.assertTrue(document["not_evaluated"][0]["reason"])
        self.assertEqual(again.get("/ready").json()["status"], "degraded")


if __name__ == "__main__":
    unittest.main(verbosity=1)
