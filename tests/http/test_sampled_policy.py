"""What traces say of the policy that kept them (tailsampling.policy), and what may be concluded from it: nothing that is not declared, and of a declaration nothing
that a trace speaks against. Random worlds of Collectors, whose policies change, hold that no claim is false."""
import json
import os
import random
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402

SEED = int(os.environ.get("BETRACE_SEED", "20268"))
WORLDS = int(os.environ.get("BETRACE_WORLDS", "60"))
START, SECOND, MINUTE, LATENESS = 1_767_225_600, 10**9, 60 * 10**9, 15 * 60 * 10**9
RULE = "when { c as p } always { d after p }"  # every trace with a c may violate it
OLD = "betrace/dsl/00000000000a"


def present_name():
    return re.search(r"betrace/dsl/[0-9a-f]{12}", run_cli("sampler", "--dsl", RULE).stdout).group(0)


def trace(number, start, length, names, label):
    """A trace whose first span ends after `length`."""
    scope = {"name": "x", **({"attributes": [{"key": "tailsampling.policy", "value": {"stringValue": label}}]} if label else {})}
    spans = [{"traceId": f"{number + 1:032x}", "spanId": f"{at + 1:016x}", "name": name, "kind": 1, "startTimeUnixNano": str(start + at), "endTimeUnixNano": str(start + length + at)}
             for at, name in enumerate(names)]
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": scope, "spans": spans}]}]}


def time_of(text):
    """Nanoseconds of a time as BeTrace writes it."""
    date, _, fraction = text.rstrip("Z").partition(".")
    return __import__("calendar").timegm(__import__("time").strptime(date, "%Y-%m-%dT%H:%M:%S")) * SECOND + int((fraction or "0").ljust(9, "0"))


class Collector:
    """Which policy of the rule it has, from when on: [(time, name or None)]."""

    def __init__(self, changes):
        self.changes = changes

    def policy_at(self, time):
        return next((name for at, name in reversed(self.changes) if at <= time), None)


class World:
    """Traces through Collectors: what was kept, with which label, and which candidates were dropped. All of them come to the store within the lateness."""

    def __init__(self, rng, collectors, traces=250, violators=0.02):
        self.kept, self.lost, self.sightings, self.others, self.violators = [], [], [], [], 0
        base = START * SECOND
        for number in range(traces):
            start, length, is_candidate = base + rng.randrange(240 * MINUTE), rng.choice((1, 30, 300)) * rng.randrange(1, SECOND), rng.random() < 0.5
            decided = start + length + rng.randrange(240 * SECOND) + 30 * SECOND
            policy = rng.choice(collectors).policy_at(decided)
            old_takes_it = is_candidate and number % 3 == 0
            before = rng.random() < 0.1  # another policy of the Collector stands before ours
            label = "errors" if before else policy if policy and (is_candidate if policy != OLD else old_takes_it) else "betrace/keep" if rng.random() < 0.2 else None
            is_bad = is_candidate and rng.random() < violators
            names = (["c"] if is_bad else ["c", "d"]) if is_candidate else ["x"]
            if not label:
                self.lost += [start] if is_candidate else []
                continue
            self.kept.append(trace(number, start, length, names, label))
            self.violators += is_bad
            if label == policy and policy == OLD or is_bad and label == "betrace/keep":
                self.others.append((start, start + length + LATENESS))
            elif label == policy and policy:
                self.sightings.append((start, start + length + LATENESS))


class Policy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.now = present_name()
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)

    def write(self, traces):
        path = os.path.join(self.folder.name, "t.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for one in traces)
        return path

    def replay(self, traces, *options):
        done = run_cli("replay", "--json", "--dsl", RULE, *options, self.write(traces))
        answer = json.loads(done.stdout)
        return answer["rules"][0]["estimated"], answer

    def policy(self, traces, *options):
        estimated, _ = self.replay(traces, *options)
        return (estimated or {}).get("policy")

    def some(self, label, minutes, names=("c", "d"), first=0):
        return [trace(first + number, (START + 60 * minute) * SECOND, SECOND, names, label) for number, minute in enumerate(minutes)]

    def test_without_a_declaration_it_is_only_said_what_traces_say(self):
        estimated, answer = self.replay(self.some(self.now, (5, 9, 30)) + self.some("errors", (1, 2), first=10))
        self.assertEqual(estimated["policy"], {"name": self.now, "traces": 3, "first": "2026-01-01T00:05:00.000000000Z", "last": "2026-01-01T00:30:00.000000000Z", "since": None})
        self.assertEqual(estimated["text"], f"none seen among the traces that were kept; kept by its policy {self.now} from 2026-01-01T00:05:00Z to 2026-01-01T00:30:00Z, as 3 traces say")
        self.assertEqual(answer["coverage"]["sampling"]["known"], "in_part")
        first = json.loads(run_cli("first", "--json", "--dsl", RULE, self.write(self.some(self.now, (5, 9)) + self.some(self.now, (20,), ["c"], first=5))).stdout)
        self.assertEqual((first["found"], first["proven"], first["policy"]["since"], first["policy"]["traces"] > 0), (True, False, None, True))

    def test_declared(self):
        """From when the first trace was decided at the latest: its first span ended and may have come so late."""
        worlds = ((self.some(self.now, (5, 9, 30)), "policy", "2026-01-01T00:20:01.000000000Z"),
                  (self.some(self.now, (5, 9, 30)), "policy=2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000000Z"),
                  (self.some(self.now, (5, 9, 30)), "policy=2026-01-01T00:29:00Z", "2026-01-01T00:29:00.000000000Z"),
                  (self.some(self.now + "/2", (5,)), "policy", "2026-01-01T00:20:01.000000000Z"),
                  # The old condition's policy kept one at 10, decided by 25:01: what began before that does not count.
                  (self.some(self.now, (5, 20, 30)) + self.some(OLD, (10,), first=10), "policy", "2026-01-01T00:45:01.000000000Z"),
                  (self.some(self.now, (5, 20, 30)) + self.some(OLD, (10,), first=10), "policy=2026-01-01T00:00:00Z", "2026-01-01T00:45:01.000000000Z"),
                  (self.some(self.now, (5, 20, 30)) + self.some(OLD, (10,), first=10), "policy=2026-01-01T00:26:00Z", "2026-01-01T00:26:00.000000000Z"),
                  (self.some(self.now, (5, 20)) + self.some(OLD, (10,), first=10), "policy", None),
                  # It violates the rule, and its policy did not keep it.
                  (self.some(self.now, (5, 20, 30)) + self.some("betrace/keep", (10,), ["c"], first=10), "policy", "2026-01-01T00:45:01.000000000Z"),
                  (self.some(self.now, (5, 20, 30)) + self.some(None, (10,), ["c"], first=10), "policy", "2026-01-01T00:45:01.000000000Z"),
                  (self.some(self.now, (5, 20, 30)) + self.some("betrace/keep", (10,), ["x"], first=10), "policy", "2026-01-01T00:20:01.000000000Z"),
                  (self.some(self.now, (5, 20, 30)) + self.some("errors", (10,), ["c"], first=10), "policy", "2026-01-01T00:20:01.000000000Z"))
        for traces, declared, since in worlds:
            with self.subTest(declared=declared, since=since):
                self.assertEqual(self.policy(traces, "--sampling", declared)["since"], since)

    def test_names_of_others_say_nothing(self):
        for label in (OLD, "betrace/dsl2/" + self.now[-12:], self.now[:-1], self.now + "0", "x" + self.now, self.now + "/x", "betrace/keep", "errors"):
            with self.subTest(label=label):
                estimated, answer = self.replay(self.some(label, (1, 2)), "--sampling", "policy")
                self.assertIsNone(estimated["policy"])
                self.assertIn(f"no trace says that {self.now} kept it", estimated["text"])
                self.assertEqual(answer["coverage"]["sampling"]["known"], "in_part")

    def test_late_spans_alone_say_nothing(self):
        """They have the name of the policy that decided before, from the Collector's cache: the old spans may be lost, and the time of the decision with them."""
        traces = self.some(self.now, (5, 9))
        for one in traces:
            one["resourceSpans"][0]["scopeSpans"][0]["scope"]["attributes"].append({"key": "tailsampling.cached_decision", "value": {"boolValue": True}})
        self.assertIsNone(self.policy(traces, "--sampling", "policy"))
        begun = self.some(self.now, (1,))
        for one in (traces[0], begun[0]):
            one["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"] = f"{77:032x}"
            one["resourceSpans"][0]["scopeSpans"][0]["spans"] = one["resourceSpans"][0]["scopeSpans"][0]["spans"][:1]
        traces[0]["resourceSpans"][0]["scopeSpans"][0]["spans"][0].update(spanId="00000000000000aa", name="d")
        policy = self.policy(begun + traces, "--sampling", "policy")
        self.assertEqual((policy["traces"], policy["first"], policy["since"]), (1, "2026-01-01T00:01:00.000000000Z", "2026-01-01T00:16:01.000000000Z"))

    def test_declared_and_nothing_is_seen(self):
        """Traces without any label, and a declaration: what was dropped is not known, so none is no none."""
        path = self.write(self.some(None, (1, 2)))
        self.assertEqual(json.loads(run_cli("replay", "--json", "--dsl", RULE, "--sampling", "policy", path).stdout)["coverage"]["sampling"]["known"], "in_part")
        first = json.loads(run_cli("first", "--json", "--dsl", RULE, "--sampling", "policy=2026-01-01T00:00:00Z", path).stdout)
        self.assertEqual((first["status"], first["policy"]), ("incomplete", None))

    def test_first_is_proven_where_all_candidates_were_kept(self):
        traces = self.some(self.now, (5, 9)) + self.some(self.now, (20,), ["c"], first=5)
        for declared, proven, words in (("policy=2026-01-01T00:00:00Z", True, "proven:"), ("policy=2026-01-01T00:06:00Z", False, "earliest seen"), ("policy", False, "earliest seen")):
            with self.subTest(declared=declared):
                said = run_cli("first", "--dsl", RULE, "--sampling", declared, self.write(traces)).stdout
                self.assertIn(words, said)
                self.assertIn("all candidates kept since 2026-01-01T00:", said)
                self.assertIn(f"nothing is known but what --sampling {declared} says of each rule: ", said)
                first = json.loads(run_cli("first", "--json", "--dsl", RULE, "--sampling", declared, self.write(traces)).stdout)
                self.assertEqual(first["proven"], proven)

    def test_shards_say_what_the_whole_says(self):
        traces = self.some(self.now, range(5, 200, 3)) + self.some(OLD, (10, 40), first=300) + self.some("betrace/keep", range(1, 200, 7), ["x"], first=400)
        path = self.write(traces)
        for declared in ("auto", "policy", "policy=2026-01-01T01:00:00Z"):
            asked = ("--start", str(START), "--end", str(START + 12000), "--sampling", declared, "--dsl", RULE, path)
            whole, parts = json.loads(run_cli("replay", "--json", *asked).stdout), []
            for number in (1, 2, 3):
                parts.append(os.path.join(self.folder.name, f"shard{number}.json"))
                with open(parts[-1], "w", encoding="utf-8") as file:
                    file.write(run_cli("replay", "--json", "--shard", f"{number}/3", *asked).stdout)
            merged = json.loads(run_cli("merge", "--json", *parts).stdout)["rules"][0]["estimated"]["policy"]
            policy = whole["rules"][0]["estimated"]["policy"]
            self.assertEqual({**merged, "since": None}, {**policy, "since": None})
            self.assertEqual(merged["since"] is None, policy["since"] is None)
            least = {"policy": "2026-01-01T01:1", "policy=2026-01-01T01:00:00Z": "2026-01-01T01:00:00.0"}.get(declared)
            self.assertTrue(least is None or merged["since"] >= least and policy["since"] >= least, (merged, policy))

    def test_reports_pass_where_all_candidates_were_kept(self):
        """Only if that is so from the beginning of the range on: else a sampled zero is inconclusive, and the reason says of which part it is one."""
        dsl = "@SOC2(controls = {CC7_2}) " + RULE
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump({"rules": [{"id": "audit", "dsl": dsl}]}, file)
            file.flush()
            now = re.search("betrace/audit/[0-9a-f]{12}", run_cli("sampler", file.name).stdout).group(0)
        path = self.write(self.some(now, range(5, 200, 3)) + self.some("betrace/keep", range(1, 200, 7), ["x"], first=400))
        expected = (("auto", "inconclusive", f"kept by its policy {now} from 2026-01-01T00:05:00Z"), ("policy", "inconclusive", "all candidates kept since 2026-01-01T00:20:01Z"),
                    ("policy=2026-01-01T00:01:00Z", "inconclusive", "all candidates kept since 2026-01-01T00:01:00Z"), ("policy=2025-12-31T00:00:00Z", "pass", "all candidates kept since 2025-12-31T00:00:00Z"))
        for declared, status, reason in expected:
            with self.subTest(declared=declared), Betrace("--traces", path, "--sampling", declared) as server:
                self.assertEqual(server.post("/v1/rules", {"id": "audit", "dsl": dsl}).status, 201)
                answer = server.get("/v1/compliance/reports/soc2?start=2026-01-01T00:00:00Z&end=2026-01-01T03:00:00Z")
                rule, = [one["body"] for one in answer.json()["entries"] if one["body"].get("rule_id") == "audit" and "counts" in one["body"]]
                self.assertEqual(rule["status"], status)
                self.assertIn(reason, rule["reason"])
                with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                    file.write(answer.body.decode())
                    file.flush()
                    self.assertEqual(run_cli("verify-report", file.name, "--chain-only").returncode, 0)
                first = server.get("/v1/rules/audit/first-violation?start=2026-01-01T00:00:00Z&end=2026-01-01T03:00:00Z").json()
                self.assertEqual((first["found"], first["status"]), (False, "completed" if status == "pass" else "incomplete"))
                body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                        "params": {"name": "replay", "arguments": {"rule_id": "audit", "start": "2026-01-01T00:00:00Z", "end": "2026-01-01T03:00:00Z"}}}
                told = server.post("/mcp", body, headers={"Accept": "application/json, text/event-stream"}).json()["result"]["structuredContent"]
                self.assertIn(reason, told["result"]["estimated"]["text"])

    def test_what_is_no_declaration(self):
        for wrong in ("policy=", "policy=now", "policy=now-2h", "policy=x", "policies", "policy=0", "policy,web=5%"):
            self.assertEqual(run_cli("replay", "--dsl", RULE, "--sampling", wrong, self.write(self.some(None, (1,)))).returncode, 2, wrong)

    def test_worlds(self):
        """One condition after the other in all Collectors at once, as the declaration says: what is claimed holds. And whatever is so, without it nothing is."""
        rng, claimed, at_risk = random.Random(SEED), 0, 0
        print(f"seed {SEED}", flush=True)
        for number in range(WORLDS):
            change = (START + rng.randrange(0, 120 * 60)) * SECOND
            changes = [(0, rng.choice((OLD, None))), (change, self.now)]
            world = World(rng, [Collector(changes)] * 2, violators=rng.choice((0, 0.02)))
            since = (self.policy(world.kept, "--sampling", "policy") or {}).get("since")
            with self.subTest(world=number):
                if since:
                    claimed += 1
                    at_risk += any(start < time_of(since) for start in world.lost)
                    self.assertEqual([start for start in world.lost if start >= time_of(since)], [])
        self.assertGreater(claimed, WORLDS // 2)
        self.assertGreater(at_risk, WORLDS // 3, "these worlds lose nothing before what is claimed")

    def test_worlds_that_no_declaration_fits(self):
        """A policy that is taken out again, comes back, or is in one of two Collectors alone. What traces say is said as that, and what speaks against the
        declaration ends what it claims."""
        rng, ended = random.Random(SEED + 1), 0
        for number in range(WORLDS):
            first, second = sorted((START + rng.randrange(0, 200 * 60)) * SECOND for _ in range(2))
            one = Collector([(0, None), (first, self.now), (second, rng.choice((None, OLD)))])
            other = rng.choice((one, Collector([(0, OLD)]), Collector([(0, None)]), Collector([(0, OLD), (second, self.now)])))
            world = World(rng, [one, other])
            estimated, answer = self.replay(world.kept)
            policy = estimated["policy"]
            with self.subTest(world=number):
                self.assertNotIn("all candidates kept", json.dumps(answer))
                self.assertEqual((policy or {"traces": 0})["traces"], len(world.sightings))
                if policy:
                    starts = [start for start, _ in world.sightings]
                    self.assertEqual((time_of(policy["first"]), time_of(policy["last"]), policy["since"]), (min(starts), max(starts), None))
                since = (self.policy(world.kept, "--sampling", "policy") or {}).get("since")
                last = max((decided for _, decided in world.others), default=0)
                if since:
                    self.assertGreaterEqual(time_of(since), last)
                ended += world.sightings != [] and (not since or time_of(since) > min(decided for _, decided in world.sightings))
        self.assertGreater(ended, WORLDS // 3, "next to nothing speaks against these declarations")


if __name__ == "__main__":
    unittest.main(verbosity=1)
