"""Numbers of sampled traces at every door: gate, compare, contrast. Each says what it stands for, and none concludes of kept traces what it does not
know of the others."""
import json
import math
import os
import re
import sys
import tempfile
import unittest
from urllib.parse import urlencode

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import ROOT, Betrace, run_cli  # noqa: E402

RULE = "when { checkout } always { audit.log }"
TENTH, HALF = "e6666666666666", "8"
START = 1767225600
RANGE = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T02:00:00Z"}


def trace(number, second, threshold, is_bad, version="1", policy=False, habit=False):
    """Of an id that any of the thresholds keeps: its last 56 bits are the randomness. habit: every other one ships, and what ships has a label."""
    scope = {"name": "x", "attributes": [{"key": "tailsampling.policy", "value": {"stringValue": "slow"}}]} if policy else {}
    spans = []
    names = ("checkout", *(() if is_bad else ("audit.log",)), *(("ship", "label") if habit and number % 2 else ()))
    for place, name in enumerate(names):
        at = str((START + second) * 10**9)
        spans.append({"traceId": f"{number + 1:018x}ff{number + 1:012x}", "spanId": f"{place + 1:016x}", "parentSpanId": f"{1:016x}" if place else "",
                      "name": name, "kind": 1, "startTimeUnixNano": at, "endTimeUnixNano": at, "traceState": f"ot=th:{threshold}" if threshold else ""})
    resource = [{"key": "service.name", "value": {"stringValue": "web"}}, {"key": "service.version", "value": {"stringValue": version}}]
    return json.dumps({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"scope": scope, "spans": spans}]}]}) + "\n"


def world(*parts, habit=False):
    """Of each part (traces, of them bad ones, threshold, version, first second)."""
    lines, number = [], 0
    for count, bad, threshold, version, second in parts:
        for i in range(count):
            lines.append(trace(number, second + i % 1000, threshold, i < bad, version, habit=habit))
            number += 1
    return "".join(lines)


def bounds(seen, p):
    """The numbers for which so many seen lie in no tail of 2.5 %, by adding up."""
    def at_most(k, n):
        return sum(math.comb(n, i) * p**i * (1 - p)**(n - i) for i in range(k + 1))
    likely = [n for n in range(seen, int(4 * seen / p) + 60) if 1 - at_most(seen - 1, n) >= 0.025 and at_most(seen, n) > 0.025]
    return likely[0], likely[-1]


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-doors-")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "t.jsonl")

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)

    def serve(self, text, *settings):
        self.write(text)
        server = Betrace("--traces", self.path, *settings)
        server.start()
        self.addCleanup(server.__exit__)
        self.assertEqual(server.post("/v1/rules", {"id": "audit", "dsl": RULE}).status, 201)
        return server

    def run_cli(self, status, *arguments):
        done = run_cli(*arguments, self.path)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout


class Gates(Folder):
    def gate(self, status, text, *more):
        asked = ("gate", "--dsl", RULE, "--baseline", "1", "--candidate", "2", *more)
        self.write(text)
        answer = json.loads(self.run_cli(status, *asked, "--json"))
        rule = answer["rules"][0]
        return rule["result"], rule["baseline"], rule["candidate"], self.run_cli(status, *asked)

    def test_one_probability_leaves_shares_as_they_are(self):
        result, baseline, candidate, text = self.gate(0, world((200, 10, TENTH, "1", 0), (200, 8, TENTH, "2", 0)))
        self.assertEqual((result, baseline["basis"], baseline["rate"], baseline["interval"]["method"]), ("pass", "of_all", 0.05, "wilson"))
        self.assertEqual(candidate["estimated"]["violations"], dict(zip(("seen", "low", "high", "confidence"), (8, *bounds(8, 0.1), 0.95))))
        self.assertIn("10 of 200 traces that exercised the rule: 5 % (95 % interval 2.74 % to 8.96 %); 10 seen of a 10 % sample; {} to {} happened (95 %)"
                      .format(*bounds(10, 0.1)), text)
        self.assertIn("no increase beyond what is allowed is shown; this holds for all traces, since those of each side were kept with one probability\n", text)

    def test_several_are_weighted(self):
        """Of the kept ones the candidate violates less often than the baseline, of all that happened more often: half of it is
        kept where it is well, a tenth where it is not."""
        text = world((400, 60, HALF, "1", 0), (400, 4, HALF, "2", 0), (100, 50, TENTH, "2", 0), (1, 0, TENTH, "1", 0))
        result, baseline, candidate, said = self.gate(1, text)
        self.assertEqual((result, candidate["basis"], candidate["interval"]["method"]), ("worse", "weighted", "wilson_weighted"))
        self.assertEqual((candidate["violated"], candidate["exercised"]), (54, 500))
        self.assertLess(candidate["violated"] / candidate["exercised"], baseline["violated"] / baseline["exercised"])
        self.assertAlmostEqual(candidate["rate"], (4 * 2 + 50 * 10) / (400 * 2 + 100 * 10), 12)
        self.assertIn("28.2 % of those that happened", said)
        self.assertIn("more often violated than allowed; this holds for all traces, since each counts for as many as it stands for", said)

    def test_of_kept_traces_alone_no_gate_passes(self):
        for name, text in (("a version says nothing", world((200, 10, TENTH, "1", 0), (200, 1, None, "2", 0))),
                           ("a policy", world((200, 10, TENTH, "1", 0), (200, 1, TENTH, "2", 0)) + trace(900, 0, TENTH, False, "1", policy=True))):
            with self.subTest(name):
                result, baseline, candidate, said = self.gate(3, text)
                self.assertEqual((result, baseline["basis"], candidate["basis"], candidate["certain"]), ("unknown", "of_kept", "of_kept", True))
                for line in said.splitlines()[1:3]:
                    self.assertIn("this is about kept traces alone, and says nothing of the others", line)
                server = self.serve(text)
                question = urlencode({"rule_id": "audit", "baseline": "1", "candidate": "2", **RANGE})
                self.assertEqual(server.get("/v1/gate?" + question).json()["result"], "unknown")
                self.assertEqual(server.post("/v1/gate?" + question, {}).status, 412)
        declared = self.gate(0, world((200, 10, TENTH, "1", 0), (200, 1, None, "2", 0)), "--sampling", "declared=10%")
        self.assertEqual((declared[0], declared[1]["basis"]), ("pass", "of_all"))

    def test_unsampled_traces_have_nothing_more(self):
        result, baseline, _, said = self.gate(0, world((200, 10, None, "1", 0), (200, 8, None, "2", 0)))
        self.assertEqual((result, set(baseline)), ("pass", {"violated", "exercised", "rate", "interval", "inconclusive", "unsettled", "certain", "why_not"}))
        self.assertNotIn("happened", said)


class Compares(Folder):
    def compare(self, status, before, after, *more):
        asked = ("compare", "--dsl", RULE, "--before", "2026-01-01T00:00:00Z..2026-01-01T01:00:00Z", "--after", "2026-01-01T01:00:00Z..2026-01-01T02:00:00Z", *more)
        self.write(world((*before, "1", 0), (*after, "1", 3600)))
        answer = json.loads(self.run_cli(status, *asked, "--json"))
        return answer["conclusion"], answer["before"].get("basis"), answer["after"].get("basis"), self.run_cli(status, *asked)

    def test_each_time_has_its_own_probability(self):
        conclusion, before, after, said = self.compare(0, (200, 60, TENTH), (400, 20, HALF))
        self.assertEqual((conclusion, before, after), ("lower", "of_all", "of_all"))
        self.assertIn("60 seen of a 10 % sample; {} to {} happened (95 %)".format(*bounds(60, 0.1)), said)
        self.assertIn("20 seen of a 50 % sample", said)
        self.assertIn("Newcombe's from Wilson's); this holds for all traces", said)

    def test_one_that_is_not_declared_is_compared_with_none(self):
        conclusion, before, after, said = self.compare(3, (200, 60, TENTH), (400, 20, None))
        self.assertEqual((conclusion, before, after), ("cannot_conclude", "of_all", None))
        self.assertIn("nothing can be concluded: how the traces after were sampled is not declared (--sampling)", said)
        self.assertEqual(self.compare(0, (200, 60, TENTH), (400, 20, None), "--sampling", "declared=50%")[0], "lower")
        self.assertEqual(self.compare(0, (200, 60, None), (400, 20, None))[0], "lower")


class Contrasts(Folder):
    def test_it_says_what_it_is_about(self):
        for text, words in ((world((300, 60, TENTH, "1", 0)), "this holds for all traces, since those of each side were kept with one probability"),
                            (world((300, 60, TENTH, "1", 0), (50, 0, HALF, "1", 0)), "this is about kept traces alone, and says nothing of the others"),
                            (world((300, 60, None, "1", 0)), None)):
            with self.subTest(words):
                server = self.serve(text)
                answer = server.get("/v1/rules/audit/contrast?" + urlencode(RANGE)).json()
                said = run_cli("contrast", "--dsl", RULE, self.path).stdout
                self.assertEqual(answer["status"], "completed")
                if words:
                    self.assertTrue(answer["explanation"].endswith("; " + words), answer["explanation"])
                    self.assertEqual(answer["estimated"]["violations"]["seen"], 60)
                    self.assertIn(words, said)
                    self.assertIn(answer["estimated"]["text"], said)
                else:
                    self.assertNotIn("estimated", answer)
                    self.assertNotIn("kept", answer["explanation"] + said)


class Series(Folder):
    """The first hour keeps a tenth, the second a half; a step is as its hour was, and one without any trace is not known."""
    TWO_HOURS = ((200, 60, TENTH, "1", 0), (100, 20, HALF, "1", 3600))

    def series(self, text, value, *settings, step="30m", rules=("audit",)):
        server = self.serve(text, *settings)
        for rule in rules[1:]:
            server.post("/v1/rules", {"id": rule, "dsl": f"trace.has({rule})"})
        answer = server.get("/v1/violations/series?" + urlencode({**RANGE, "step": step, "value": value})).json()
        return answer["series"][0], answer["coverage"]["sampling"]

    def test_each_point_has_what_it_stands_for(self):
        one, sampling = self.series(world(*self.TWO_HOURS), "count")
        self.assertEqual([value for _, value in one["points"]], [60, None, 20, None])
        unknown = {"low": None, "high": None}
        expected = [dict(zip(("low", "high"), bounds(60, 0.1))), unknown, dict(zip(("low", "high"), bounds(20, 0.5))), unknown]
        self.assertEqual(one["estimated"]["points"], expected)
        total = one["estimated"]["total"]
        self.assertEqual(total["seen"], 80)
        self.assertTrue(450 < total["low"] < 640 < total["high"] < 850, total)
        said = re.sub(r"as (100|200) traces", "as N traces", one["estimated"]["text"])  # those of its last count, of all steps or of those that lacked
        self.assertEqual(said, f"80 seen of a 10 to 50 % sample; {total['low']} to {total['high']} happened (95 %), of those that begin in web, "
                         "as N traces say that were read whole")
        self.assertEqual([each["probability"] for each in sampling["probabilities"]], [0.1, 0.5])

    def test_exercised_and_ratio(self):
        one, _ = self.series(world(*self.TWO_HOURS), "exercised")
        self.assertEqual(tuple(one["estimated"]["points"][2].values()), bounds(100, 0.5))
        one, _ = self.series(world(*self.TWO_HOURS), "ratio")
        self.assertEqual(set(one["estimated"]), {"text"})
        low, high = self.bound_of_ratio(one, "this holds for all traces, since each counts for as many as it stands for; ")
        self.assertTrue(0.2 < low < (60 / 0.1 + 20 / 0.5) / (200 / 0.1 + 100 / 0.5) < high < 0.4, (low, high))
        one, _ = self.series(world(self.TWO_HOURS[0]), "ratio")
        low, high = self.bound_of_ratio(one, "this holds for all traces, since those of each side were kept with one probability; ")
        self.assertAlmostEqual(low, 0.2407, delta=0.0005)  # Wilson's, of 60 among 200
        self.assertAlmostEqual(high, 0.3669, delta=0.0005)
        both = ((200, 60, TENTH, "1", 0), (100, 20, HALF, "1", 0))  # of a step nobody knows which are of which
        low, high = self.bound_of_ratio(self.series(world(*both), "ratio")[0], "this is about kept traces alone, and says nothing of the others; ")
        self.assertTrue(low < 0.09 and high > 0.65, (low, high))
        one, _ = self.series(world((200, 60, TENTH, "1", 0)) + trace(900, 0, TENTH, False, policy=True), "ratio")
        self.assertEqual(one["estimated"], {"text": "this is about kept traces alone, and says nothing of the others"})

    def bound_of_ratio(self, one, words):
        text = one["estimated"]["text"]
        self.assertTrue(text.startswith(words), text)
        low, high = re.fullmatch(r"of all that exercised the rule ([0-9.]+) to ([0-9.]+) % violate it \(95 %\)", text[len(words):]).groups()
        return float(low) / 100, float(high) / 100

    def test_none_seen_has_a_bound_where_all_had_a_chance(self):
        one, _ = self.series(world((240, 0, TENTH, "1", 0)), "count")
        self.assertEqual((one["estimated"]["text"], one["estimated"]["points"][0]), ("none seen; at most 35 (95 %), of those that begin in web, as 240 traces say that were read whole", {"low": 0, "high": 35}))
        one, _ = self.series(world((240, 0, TENTH, "1", 0)) + trace(900, 0, TENTH, False, policy=True), "count")
        self.assertEqual((one["estimated"]["text"], one["estimated"]["points"][0]), ("none seen among the traces that were kept", {"low": 0, "high": None}))

    def test_where_a_point_is_not_known_the_others_have_their_bounds(self):
        """The second hour has a trace that lacks its root, of which a rule for complete traces says nothing."""
        lost = trace(900, 3600, TENTH, True).replace(f'"parentSpanId": "", ', '"parentSpanId": "00000000000000ee", ')
        server = self.serve(world((240, 12, TENTH, "1", 0)) + lost)
        self.assertEqual(server.post("/v1/rules", {"id": "whole", "dsl": RULE, "require_complete": True}).status, 201)
        answer = server.get("/v1/violations/series?" + urlencode({**RANGE, "step": "1h", "rule_id": "whole"})).json()
        one = answer["series"][0]
        self.assertEqual([value for _, value in one["points"]], [12, None], answer)
        low, high = bounds(12, 0.1)
        self.assertEqual((one["estimated"]["total"], one["estimated"]["of_known"]), (None, {"seen": 12, "low": low, "high": high, "confidence": 0.95}))
        self.assertEqual(one["estimated"]["text"],
                         f"12 seen of a 10 % sample; {low} to {high} happened (95 %), of those that begin in web, as 240 traces say that were read whole; "
                         "this is of the 1 of 2 points that are known")

    def test_what_one_run_read_counts_once(self):
        _, sampling = self.series(world((240, 12, TENTH, "1", 0)), "count", rules=("audit", "one", "two"))
        self.assertEqual(sampling["probabilities"], [{"probability": 0.1, "traces": 240}])

    def test_unsampled_series_have_nothing_more(self):
        for settings in ((), ("--sampling", "none")):
            one, _ = self.series(world((240, 12, None, "1", 0)), "count", *settings)
            self.assertEqual(set(one), {"labels", "points", "undecided"})
        one, _ = self.series(world((240, 12, None, "1", 0)), "count", "--sampling", "declared=10%")
        self.assertEqual(tuple(one["estimated"]["points"][0].values()), bounds(12, 0.1))


class Lists(Folder):
    def ask(self, text, *settings, more=(), **question):
        server = self.serve(text, *settings)
        for rule in more:
            self.assertEqual(server.post("/v1/rules", {"id": rule, "dsl": "when { checkout } always { invoice }"}).status, 201)
        return server.get("/v1/violations?" + urlencode({**RANGE, **question})).json()

    def test_the_total_of_one_rule_has_what_it_stands_for(self):
        two = world((200, 60, TENTH, "1", 0), (100, 20, HALF, "1", 3600))
        page = self.ask(world((240, 12, TENTH, "1", 0)), rule_id="audit")
        low, high = bounds(12, 0.1)
        self.assertEqual((page["total_count"], page["estimated"]["violations"]), (12, {"seen": 12, "low": low, "high": high, "confidence": 0.95}))
        self.assertEqual(page["estimated"]["text"], f"12 seen of a 10 % sample; {low} to {high} happened (95 %), of those that begin in web, as 240 traces say that were read whole")
        both = self.ask(two, rule_id="audit")["estimated"]["violations"]
        self.assertTrue(both["seen"] == 80 and 450 < both["low"] < 640 < both["high"] < 850, both)
        none = self.ask(world((240, 0, TENTH, "1", 0)), rule_id="audit")["estimated"]
        self.assertEqual(none["text"], "none seen; at most 35 (95 %), of those that begin in web, as 240 traces say that were read whole")
        policy = self.ask(world((240, 0, TENTH, "1", 0)) + trace(900, 0, TENTH, False, policy=True), rule_id="audit")["estimated"]
        self.assertEqual(policy, {"text": "none seen among the traces that were kept"})

    def test_of_several_rules_it_says_why_nothing_follows(self):
        page = self.ask(world((240, 12, TENTH, "1", 0)), more=("invoice",))
        self.assertEqual(page["total_count"], 252)
        self.assertEqual(set(page["estimated"]), {"text"})
        self.assertIn("ask for one rule", page["estimated"]["text"])

    def test_nothing_more_where_there_is_nothing_to_say(self):
        self.assertNotIn("estimated", self.ask(world((240, 12, None, "1", 0)), rule_id="audit"))
        self.assertNotIn("estimated", self.ask(world((240, 12, None, "1", 0)), "--sampling", "none", rule_id="audit"))
        self.assertNotIn("estimated", self.ask(world((240, 12, TENTH, "1", 0)), rule_id="audit", trace_id="1"))

    def test_lines_and_assistants_have_it(self):
        server = self.serve(world((240, 12, TENTH, "1", 0)))
        text = server.get("/v1/violations?" + urlencode({**RANGE, "rule_id": "audit"}), headers={"Accept": "application/x-ndjson"}).body.decode()
        done = json.loads(text.splitlines()[-1])["done"]
        self.assertEqual(done["estimated"]["violations"]["seen"], 12)
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "violations", "arguments": {"rule_id": "audit", **RANGE}}}
        told = server.post("/mcp", body, headers={"Accept": "application/json, text/event-stream"}).json()["result"]
        self.assertIn(done["estimated"]["text"], json.dumps(told, ensure_ascii=False))


SAYS = re.compile(r"happened \(95 %(?:25)?\)|a 10 %(?:25)? sample|kept traces alone|this holds for all traces")
SEND = """
import os, urllib.request
for line in open(%r, 'rb'):
    urllib.request.urlopen(urllib.request.Request(os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'] + '/v1/traces', data=line, headers={'Content-Type': 'application/json'}))
"""
# Commands and paths that count no traces of a range.
COMMANDS_OF_NO_RANGE = set("init check fmt test record import sync sampler lsp trace explain serve mcp health doctor token backup canary generate completion "
                           "version verify-report".split())
PATHS_OF_NO_RANGE = ("/health", "/v1/health", "/ready", "/v1/ready", "/v1/rules", "/v1/rules/validate", "/v1/rules/test", "/v1/rules/import", "/v1/rules/export",
                     "/v1/dsl/language", "/v1/dsl/complete", "/v1/dsl/hover", "/v1/dsl/format", "/v1/rules/{id}", "/v1/rules/{id}/enable", "/v1/rules/{id}/disable",
                     "/v1/rules/{id}/versions", "/v1/rules/{id}/explain", "/v1/compliance/frameworks", "/v1/traces/{trace_id}/verdicts", "/v1/spans", "/v1/traces",
                     "/api/v1/spans", "/api/v2/spans", "/v1/reports/{id}",
                     "/v1/replays/{id}/violations",  # a list without a total; the replay has the number
                     "/metrics",  # of watch alone: test_sampled
                     "/mcp")  # what the paths answer


class Doors(Folder):
    """Whatever counts traces of a range, asked about one rule. A door that neither list knows fails."""
    OUTPUTS = {"replay": ("jsonl", "github", "junit")}

    def commands(self, rule, old="when { checkout } never { audit.log }"):
        """Of each command and output: what it said."""
        folder = os.path.dirname(self.path)
        rules, before, shard = (os.path.join(folder, name) for name in ("rules.yaml", "old.yaml", "shard.json"))
        for path, text in ((rules, rule), (before, old)):
            with open(path, "w", encoding="utf-8") as file:
                file.write(json.dumps({"rules": [{"id": "audit", "dsl": text}]}))
        sides = ("--before", "2026-01-01T00:00:00Z..2026-01-01T01:00:00Z", "--after", "2026-01-01T01:00:00Z..2026-01-01T02:00:00Z")
        with open(shard, "w", encoding="utf-8") as file:
            file.write(run_cli("replay", "--json", "--shard", "1/1", "--start", RANGE["start"], "--end", RANGE["end"], "--dsl", rule, self.path).stdout)
        asks = {"replay": ("--dsl", rule, self.path), "merge": (shard,), "first": ("--dsl", rule, self.path), "eval": ("--dsl", rule, self.path),
                "contrast": ("--dsl", rule, self.path), "compare": ("--dsl", rule, *sides, self.path), "suggest": ("--traces", self.path),
                "gate": ("--dsl", rule, "--baseline", "1", "--candidate", "2", self.path), "vacuity": ("--rules", rules, "--traces", self.path), "silent": ("--rules", rules, "--traces", self.path),
                "backtest": ("--rules", rules, "--traces", self.path, "--alerts", os.path.join(ROOT, "distribution/prometheus/betrace-alerts.yaml")),
                "diff": (before, rules, "--traces", self.path), "changed": ("--around", "2026-01-01T01:00:00Z", "--traces", self.path), "listen": ("--dsl", rule, "--settle", "100ms")}
        commands = set(re.findall(r"^  ([a-z-]+) +[a-z]", run_cli("--help").stdout, re.M)) - {"betrace"}
        self.assertEqual(commands - COMMANDS_OF_NO_RANGE, set(asks))
        for command, way in asks.items():
            behind = ["--", sys.executable, "-c", SEND % self.path] if command == "listen" else []
            for output in ((), ("--output", "json") if command == "eval" else ("--json",), *(("--output", one) for one in self.OUTPUTS.get(command, ()))):
                done = run_cli(command, *way, *output, *behind)
                self.assertIn(done.returncode, (0, 1, 3), done.stderr)
                yield command, output, done.stdout + done.stderr

    def paths(self, server, rule_id):
        """Of each path: what it answered."""
        query, times = urlencode(RANGE), {"start_time": RANGE["start"], "end_time": RANGE["end"]}
        one = server.post(f"/v1/rules/{rule_id}/replay", times).json()["replay_id"]
        server.wait_job(one)
        asks = {"/v1/violations": f"/v1/violations?rule_id={rule_id}&{query}", "/v1/violations/query": ("/v1/violations/query", {**RANGE, "rule_ids": [rule_id]}),
                "/v1/violations/series": f"/v1/violations/series?rule_id={rule_id}&step=1h&value=exercised&{query}",
                "/v1/gate": f"/v1/gate?rule_id={rule_id}&baseline=1&candidate=2&{query}", "/v1/changes": f"/v1/changes?around=2026-01-01T01:00:00Z&{query}",
                "/v1/problems": f"/v1/problems?rule_id={rule_id}&{query}", "/v1/backtests": ("/v1/backtests", {**RANGE, "rule_ids": [rule_id]}),
                "/v1/rules/{id}/contrast": f"/v1/rules/{rule_id}/contrast?{query}", "/v1/rules/{id}/first-violation": f"/v1/rules/{rule_id}/first-violation?{query}",
                "/v1/suggestions": f"/v1/suggestions?{query}", "/v1/rules/{id}/replay": f"/v1/rules/{rule_id}/replay/status",
                "/v1/rules/{id}/replay/status": f"/v1/rules/{rule_id}/replay/status", "/v1/replays": "/v1/replays", "/v1/replays/{id}": f"/v1/replays/{one}",
                "/v1/replays/{id}/events": f"/v1/replays/{one}/events", "/v1/compliance/reports/{framework}": f"/v1/compliance/reports/soc2?{query}"}
        with open(os.path.join(ROOT, "docs", "openapi.yaml"), encoding="utf-8") as file:
            paths = set(re.findall(r"^  (/[^ ]*):$", file.read(), re.M))
        self.assertEqual(paths - set(PATHS_OF_NO_RANGE), set(asks))
        for path, ask in asks.items():
            answer = server.get(ask) if isinstance(ask, str) else server.post(*ask)
            self.assertEqual(answer.status, 200, answer)
            yield path, answer.body.decode()


class EveryDoor(Doors):
    """Whatever counts traces says what the count stands for, or how the traces were sampled."""

    def test_every_command(self):
        self.write(world((240, 12, TENTH, "1", 0), (240, 12, TENTH, "2", 3600), habit=True))
        for command, output, said in self.commands(RULE):
            with self.subTest(command=command, output=output):
                self.assertRegex(said, SAYS)

    def test_eval_says_it_of_one_rule(self):
        low, high = bounds(12, 0.1)
        self.write(world((240, 12, TENTH, "1", 0)))
        said = run_cli("eval", "--dsl", RULE, self.path).stdout
        self.assertIn(f"\nsampling: dsl: 12 seen of a 10 % sample; {low} to {high} happened (95 %), of those that begin in web, "
                      "as 240 traces say that were read whole\nsampling: traces are a 10 %", said)
        summary = json.loads(run_cli("eval", "--output", "json", "--dsl", RULE, self.path).stdout.splitlines()[-1])["summary"]
        self.assertEqual((summary["estimated"]["low"], summary["estimated"]["high"], summary["sampling"]["known"]), (low, high, "by_chance"))
        two = os.path.join(os.path.dirname(self.path), "two.yaml")
        with open(two, "w", encoding="utf-8") as file:
            file.write(json.dumps({"rules": [{"id": "a", "dsl": RULE}, {"id": "b", "dsl": "when { checkout } never { audit.log }"}]}))
        self.assertNotIn("estimated", json.loads(run_cli("eval", "--output", "json", "--rules", two, self.path).stdout.splitlines()[-1])["summary"])
        self.write(world((240, 12, None, "1", 0)))
        self.assertNotIn("sampl", run_cli("eval", "--dsl", RULE, self.path).stdout + run_cli("eval", "--output", "json", "--dsl", RULE, self.path).stdout)

    def test_every_path(self):
        server = self.serve(world((240, 12, TENTH, "1", 0), (240, 12, TENTH, "2", 3600), habit=True))
        server.post("/v1/rules", {"id": "control", "dsl": "@SOC2(controls = {CC7_2}) " + RULE})
        for path, said in self.paths(server, "audit"):
            with self.subTest(path=path):
                self.assertRegex(said, SAYS)


if __name__ == "__main__":
    unittest.main()
