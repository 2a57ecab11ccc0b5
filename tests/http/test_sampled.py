"""Sampled traces: what spans say of it (th of the trace state), what is declared, and what counts then stand for. The same sentence at every
door, and none of them says "none" or "proven" of what was never kept."""
import json
import os
import random
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402

RULE = "when { checkout } always { audit.log }"
TENTH, HALF = "e6666666666666", "8"
START = 1767225600


def span(number, name, service, state, span_id, parent="", second=0):
    start = (START + second) * 10**9
    one = {"traceId": id_of(number), "spanId": f"{span_id:016x}", "parentSpanId": parent, "name": name, "kind": 1, "startTimeUnixNano": str(start),
           "endTimeUnixNano": str(start + 10**6), "traceState": state}
    return {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}, "scopeSpans": [{"scope": {}, "spans": [one]}]}


def id_of(number):
    """Of traces that any of the thresholds here keeps: the last 56 bits are the randomness."""
    return f"{number + 1:018x}ff{number + 1:012x}"


def state_of(threshold, randomness=None):
    return "" if threshold is None else f"ot=th:{threshold}" + (f";rv:{randomness}" if randomness else "")


def trace(number, threshold, is_bad, of_audit=None, randomness=None, policy=False):
    parts = [span(number, "checkout", "web", state_of(threshold, randomness), 1, second=number)]
    if policy:
        parts[0]["scopeSpans"][0]["scope"] = {"name": "x", "attributes": [{"key": "tailsampling.policy", "value": {"stringValue": "slow"}}]}
    if not is_bad:
        parts.append(span(number, "audit.log", "audit", state_of(of_audit or threshold, randomness), 2, f"{1:016x}", number))
    return {"resourceSpans": parts}


WORLDS = {
    "tenth": [trace(i, TENTH, i % 20 == 0) for i in range(240)],
    "tenth_none": [trace(i, TENTH, False) for i in range(240)],
    "unsaid": [trace(i, None, i % 20 == 0) for i in range(240)],
    "unsaid_none": [trace(i, None, False) for i in range(240)],
    "errors_only": [trace(i, "0", False) for i in range(240)],
    # A service keeps its errors alone, beside one that keeps a tenth: what of its others violates is never seen.
    "errors_of_one": [trace(i, TENTH, False) for i in range(240)]
    + [{"resourceSpans": [span(i, "checkout", "mail", "ot=th:0", 1, second=i), span(i, "audit.log", "mail", "ot=th:0", 2, f"{1:016x}", i)]} for i in range(240, 260)],
    "policy_none": [trace(i, TENTH, False, policy=True) for i in range(240)],
    "mixed": [trace(i, TENTH if i % 2 else HALF, i % 20 < 2) for i in range(240)],
    # Web keeps a half, audit a quarter: what has a randomness of 9… may have lost its audit, what has e… has not.
    "apart": [trace(i, "8", i % 20 == 0, "c", "e0000000000000" if i % 40 or i % 20 else "90000000000000") for i in range(240)],
    "apart_never_shown": [trace(i, "8", True, randomness="e0000000000000") for i in range(239)]
    + [{"resourceSpans": [span(500, "other", "web", "ot=th:8;rv:e0000000000000", 1), span(500, "more", "mail", "ot=th:c;rv:e0000000000000", 2)]}],
}


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.paths = {}
        for name, traces in WORLDS.items():
            cls.paths[name] = os.path.join(cls.folder.name, name + ".jsonl")
            with open(cls.paths[name], "w", encoding="utf-8") as file:
                file.writelines(json.dumps(one) + "\n" for one in traces)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_cli(self, *arguments, status=None):
        done = run_cli(*arguments)
        if status is not None:
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def replay(self, world, *more):
        return json.loads(self.run_cli("replay", "--json", "--dsl", RULE, *more, self.paths[world]))

    def said(self, world, *more):
        answer = self.replay(world, *more)
        estimated = answer["rules"][0]["estimated"]
        return answer["coverage"]["sampling"]["known"], estimated and estimated["text"], estimated and estimated.get("violations")

    def test_counts_come_with_what_they_stand_for(self):
        one = {"seen": 12, "low": 65, "high": 205, "confidence": 0.95}
        self.assertEqual(self.said("tenth"), ("by_chance", "12 seen of a 10 % sample; 65 to 205 happened (95 %), of those that begin in web", one))
        self.assertEqual(self.said("tenth_none")[1], "none seen; at most 35 of about 2,400 exercised traces (95 %), of those that begin in web")
        self.assertEqual(self.said("unsaid", "--sampling", "declared=10%"), ("by_chance", "12 seen of a 10 % sample; 65 to 205 happened (95 %)", one))
        self.assertEqual(self.said("unsaid", "--sampling", "declared=50%,web=10%")[2]["low"], 65)
        known, _, both = self.said("mixed")
        self.assertEqual(known, "by_chance")
        self.assertTrue(70 < both["low"] < 100 and 200 < both["high"] < 260, both)

    def test_nothing_is_claimed_of_what_may_never_be_kept(self):
        self.assertEqual(self.said("unsaid"), ("not_declared", None, None))
        self.assertEqual(self.said("errors_only"), ("not_declared", None, None))
        self.assertEqual(self.said("errors_of_one")[:2], ("in_part", "none seen among the traces that were kept"))
        self.assertIn("of those that begin in mail only such were read that were sure to be kept", self.replay("errors_of_one")["coverage"]["sampling"]["text"])
        self.assertEqual(self.said("errors_of_one", "--sampling", "declared=10%,mail=100%")[0], "by_chance")
        self.assertEqual(self.said("unsaid", "--sampling", "none"), ("all", None, None))
        self.assertEqual(self.said("policy_none")[:2], ("in_part", "none seen among the traces that were kept"))
        known, text, estimate = self.said("tenth", "--sampling", "none")
        self.assertEqual((known, estimate["low"], estimate["high"]), ("contradicts", 65, None))
        self.assertIn("at least 65 happened", text)

    def test_services_that_sample_for_themselves(self):
        answer = self.replay("apart")
        rule = answer["rules"][0]
        self.assertEqual((answer["status"], rule["violations_found"], rule["inconclusive"]), ("completed", 6, 6))
        listing = self.run_cli("eval", "--dsl", RULE, "--output", "json", self.paths["apart"])
        self.assertEqual(listing.count('"sampled"'), 6)
        self.assertEqual(listing.count('"verdict":"violated"') + listing.count('"verdict": "violated"'), 6)
        never = self.replay("apart_never_shown")
        self.assertEqual(never["status"], "incomplete")
        self.assertTrue(never["reason"].startswith("sampled_apart: "), never["reason"])

    def test_first_is_the_earliest_that_was_kept(self):
        for world, more, proven, words in (("tenth", (), False, "earliest seen"), ("unsaid", (), True, "sampling not declared"),
                                           ("unsaid", ("--sampling", "none"), True, "proven"), ("unsaid", ("--sampling", "declared=10%"), False, "earliest seen")):
            with self.subTest(world=world, more=more):
                first = json.loads(self.run_cli("first", "--json", "--dsl", RULE, *more, self.paths[world]))
                self.assertEqual((first["found"], first["proven"], first["status"]), (True, proven, "completed"))
                self.assertIn(words, self.run_cli("first", "--dsl", RULE, *more, self.paths[world]))

    def test_shards_say_what_the_whole_says(self):
        end = START + 240
        asked = ("--start", str(START), "--end", str(end), "--dsl", RULE, self.paths["mixed"])
        whole = json.loads(self.run_cli("replay", "--json", *asked))
        parts = []
        for number in (1, 2, 3):
            path = os.path.join(self.folder.name, f"shard{number}.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.run_cli("replay", "--json", "--shard", f"{number}/3", *asked))
            parts.append(path)
        merged = json.loads(self.run_cli("merge", "--json", *parts))
        self.assertEqual(merged["rules"][0]["estimated"], whole["rules"][0]["estimated"])
        self.assertEqual(merged["coverage"]["sampling"], whole["coverage"]["sampling"])

    def test_wrong_settings_say_what_is_expected(self):
        for wrong in ("some", "declared", "declared=0%", "declared=10%,web"):
            done = run_cli("replay", "--sampling", wrong, "--dsl", RULE, self.paths["tenth"])
            self.assertEqual(done.returncode, 2)
            self.assertIn("--sampling has to be auto (what spans say), none", done.stderr)


class Worlds(unittest.TestCase):
    """Forty random worlds in which each service keeps its spans by a threshold of its own, by the trace's one randomness. What happened is known."""

    def make(self, random):
        """(lines of the file, ids of traces that really violate, ids that their randomness allows to be decided)"""
        thresholds = {name: random.choice((0, 4, 8, 11, 13)) << 52 for name in ("web", "audit", "mail")}
        kept_by = {name: f"{threshold >> 52:x}" for name, threshold in thresholds.items()}
        lines, violating, decidable, largest = [], set(), set(), 0
        for number in range(60):
            randomness, is_bad = random.getrandbits(56), random.random() < 0.2
            names = {"web": "checkout", "mail": "mail.send"} if is_bad else {"web": "checkout", "mail": "mail.send", "audit": "audit.log"}
            kept = [service for service in names if randomness >= thresholds[service]]
            parts = [span(number, names[service], service, f"ot=th:{kept_by[service]};rv:{randomness:014x}", 1 + place, second=number)
                     for place, service in enumerate(kept)]
            lines += [json.dumps({"resourceSpans": parts}) + "\n"] if parts else []
            violating |= {id_of(number)} if is_bad and "web" in kept else set()
            largest = max([largest] + [thresholds[service] for service in kept])
            decidable |= {(id_of(number), randomness)} if "web" in kept else set()
        return lines, violating, {trace for trace, randomness in decidable if randomness >= largest}

    def test_nothing_is_false_and_most_is_decided(self):
        decided, could_be, incomplete, found = 0, 0, 0, 0
        for seed in range(40):
            lines, violating, decidable = self.make(random.Random(seed))
            with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
                file.writelines(lines)
                file.flush()
                answer = json.loads(run_cli("replay", "--json", "--limit", "0", "--dsl", RULE, file.name).stdout)
                verdicts = run_cli("eval", "--all", "--output", "json", "--dsl", RULE, file.name).stdout.splitlines()
            told = {one["trace_id"] for one in answer["violations"]}
            incomplete += answer["status"] != "completed"
            if answer["status"] == "completed":
                self.assertEqual(told - violating, set(), f"seed {seed}")
            found += len(told & violating)
            known = {one["trace_id"]: one["verdict"] for one in map(json.loads, verdicts) if "trace_id" in one}
            could_be += len(decidable)
            decided += sum(known[trace] in ("violated", "satisfied") for trace in decidable)
        print(f"decided {decided} of {could_be}, {found} violations, {incomplete} of 40 worlds incomplete")
        self.assertGreaterEqual(decided, 0.9 * could_be)
        self.assertGreater(found, 100)
        self.assertLess(incomplete, 10)


RANGE = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T00:03:59Z"}
QUERY = "start=2026-01-01T00:00:00Z&end=2026-01-01T00:03:59Z"


class Service(unittest.TestCase):
    """Reports, replays, metrics and assistants over the same files."""

    def serve(self, world, *settings):
        folder = tempfile.TemporaryDirectory(prefix="betrace-sampled-")
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "traces.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for one in WORLDS[world])
        server = Betrace("--traces", path, *settings)
        server.start()
        self.addCleanup(server.__exit__)
        self.assertEqual(server.post("/v1/rules", {"id": "audit", "dsl": "@SOC2(controls = {CC7_2}) " + RULE}).status, 201)
        return server

    def rule_of_report(self, world, *settings):
        answer = self.serve(world, *settings).get(f"/v1/compliance/reports/soc2?{QUERY}")
        self.assertEqual(answer.status, 200, answer)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(answer.body.decode())
            file.flush()
            self.assertEqual(run_cli("verify-report", file.name, "--chain-only").returncode, 0)
        entries = answer.json()["entries"]
        rule, = [one["body"] for one in entries if one["body"].get("rule_id") == "audit" and "counts" in one["body"]]
        report = entries[0]["body"]
        return rule["status"], rule["reason"] or "", report["notes"], report["coverage"]["sampling"]

    def test_a_report_does_not_pass_on_a_sampled_zero(self):
        status, reason, notes, sampling = self.rule_of_report("tenth_none")
        self.assertEqual((status, sampling["known"]), ("inconclusive", "by_chance"))
        self.assertTrue(reason.startswith("sampled: none seen; at most 35 of about 2,"), reason)
        self.assertTrue(any(note.startswith("traces are a 10 % sample") for note in notes), notes)
        status, reason, _, _ = self.rule_of_report("tenth_none", "--max-rate", "2%")
        self.assertEqual(status, "pass")
        self.assertIn("at most 35", reason)
        self.assertEqual(self.rule_of_report("tenth_none", "--max-rate", "1%")[0], "inconclusive")
        self.assertEqual(self.rule_of_report("policy_none", "--max-rate", "100%")[0], "inconclusive")
        status, reason, _, _ = self.rule_of_report("tenth")
        self.assertEqual(status, "violated")
        self.assertIn("of a 10 % sample", reason)

    def test_a_report_of_undeclared_sampling_says_so(self):
        status, _, notes, sampling = self.rule_of_report("unsaid_none")
        self.assertEqual((status, sampling["known"]), ("pass", "not_declared"))
        self.assertTrue(any(note.startswith("sampling not declared") for note in notes), notes)
        status, _, notes, sampling = self.rule_of_report("unsaid_none", "--sampling", "none")
        self.assertEqual((status, sampling), ("pass", {"known": "all", "declared": "none", "text": ""}))
        self.assertFalse(any("sampl" in note for note in notes), notes)
        self.assertEqual(self.rule_of_report("unsaid_none", "--sampling", "declared=10%")[0], "inconclusive")

    def test_replays_and_assistants(self):
        server = self.serve("tenth_none")
        started = server.post("/v1/rules/audit/replay", RANGE)
        answer = server.wait_job(started.json()["replay_id"])
        self.assertEqual(answer["rules"][0]["estimated"]["violations"], {"seen": 0, "low": 0, "high": 35, "confidence": 0.95})
        self.assertEqual(answer["estimated"], answer["rules"][0]["estimated"])
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": {"name": "replay", "arguments": {"rule_id": "audit", "start": RANGE["start_time"], "end": RANGE["end_time"]}}}
        told = server.post("/mcp", body, headers={"Accept": "application/json, text/event-stream"}).json()["result"]["structuredContent"]
        self.assertEqual(told["conclusion"], "not_known")
        self.assertTrue(any("sampling" in gap for gap in told["not_looked_at"]), told)
        listed = server.get(f"/v1/violations?{QUERY}").json()
        self.assertEqual(listed["coverage"]["sampling"]["known"], "by_chance")
        for _ in range(2):  # counted, and kept
            series = server.post("/v1/violations/series", {"start": RANGE["start_time"], "end": RANGE["end_time"], "step": "30s"}).json()
            self.assertEqual(series["coverage"]["sampling"]["known"], "by_chance", series)
        first = server.get(f"/v1/rules/audit/first-violation?{QUERY}").json()
        self.assertEqual(first["coverage"]["sampling"]["known"], "by_chance")

    def test_one_trace_of_services_that_sample_for_themselves(self):
        server = self.serve("apart")
        verdict = server.get(f"/v1/traces/{id_of(0)}/verdicts").json()
        told = [one for one in verdict["verdicts"] if one["rule_id"] == "audit"]
        self.assertEqual([(one["verdict"], one["reason"]) for one in told], [("inconclusive", "sampled")], verdict)


if __name__ == "__main__":
    unittest.main(verbosity=1)
