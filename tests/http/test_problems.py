"""Problems: violations by rule, failed part and entry service. Over random traces a plain grouping in Python of the single violations gives the table that
the command and the service give. What was not read, not looked at or not exercised is no 0 and no trend."""
import collections
import datetime
import json
import math
import os
import random
import sys
import tempfile
import time
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo"), HERE]
import otlp  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402
from slow_tempo import SlowTempo  # noqa: E402
from test_access import bearer, make_token  # noqa: E402

SECOND = 10**9
START = 1_790_000_000
LENGTH = 24_000
SEVERITIES = ("info", "low", "warning", "medium", "high", "error", "critical")
RULES = [{"id": "both", "severity": "high", "dsl": "when { order } always { paid and\n   (shipped) }"},
         {"id": "few", "severity": "low", "dsl": "when { order } never { count(retry) > 1 or refused }"},
         {"id": "bare", "severity": "high", "dsl": 'trace.has(span.name == "refused")'},
         {"id": "kept", "severity": "critical", "dsl": "when { order } always { order }"}]
STEPS = 24


def rfc(time_ns):
    whole = datetime.datetime.fromtimestamp(time_ns // SECOND, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{time_ns % SECOND:09d}Z"


def random_world(seed, count=900, services=("shop", "web", "ünï", "")):
    """OTLP documents by service, and of each trace its start: the root may be missing, and spans of the rules may."""
    dice, documents, starts = random.Random(seed), [], {}
    for _ in range(count):
        trace_id, at = f"{dice.getrandbits(128) | 1:032x}", (START + dice.randrange(LENGTH)) * SECOND + dice.randrange(SECOND)
        root, service = otlp.new_span_id(), dice.choice(services)
        has_root = dice.random() < 0.8
        parts = [("order", 1)] if dice.random() < 0.9 else []
        parts += [(name, 2) for name, chance in (("paid", 0.8), ("shipped", 0.7), ("retry", 0.4), ("retry", 0.4), ("refused", 0.15)) if dice.random() < chance]
        spans = [otlp.span(trace_id, name, at + later * SECOND, parent=root) for name, later in parts]
        if has_root:
            documents.append(otlp.request([otlp.span(trace_id, "GET /", at, span_id=root)], service))
        if spans:
            documents.append(otlp.request(spans, dice.choice(("worker", "db"))))
        if has_root or spans:
            starts[trace_id] = (at if has_root else min(int(one["startTimeUnixNano"]) for one in spans), has_root, "order" in [name for name, _ in parts])
    return documents, starts


def step_of(at):
    return (at - START * SECOND) // (math.ceil(LENGTH * 1000 / STEPS) * 10**6)


def exercised_steps(starts, rule):
    counts = collections.Counter(step_of(at) for at, _, has_order in starts.values() if has_order or rule == "bare")
    return [counts[step] for step in range(STEPS)]


def one_line(text):
    return " ".join(text.split())


def plain_table(violations, starts, rules, exercised):
    """The answer, made the plain way."""
    severity = {rule["id"]: rule["severity"] for rule in rules}
    groups = collections.defaultdict(list)
    for one in violations:
        at, has_root, _ = starts[one["trace_id"]]
        service = one["root_service"] if has_root else ""
        groups[one["rule_id"], one["failed"]["clause"], one_line(one["failed"]["text"]), service, has_root].append(at)
    table = []
    for (rule, clause, text, service, has_root), times in groups.items():
        sparkline = [0] * STEPS
        for at in times:
            sparkline[step_of(at)] += 1
        table.append({"rule_id": rule, "severity": severity[rule], "failed": {"clause": clause, "text": text}, "entry_service": service,
                      "entry": "root" if has_root else "no_root", "count": len(times), "count_kind": "exact", "provisional": 0, "exercised": exercised[rule],
                      "exercised_kind": "exact", "share": round(len(times) / exercised[rule], 6), "sparkline": sparkline,
                      "first_seen": rfc(min(times)), "last_seen": rfc(max(times))})
    return sorted(table, key=lambda one: (-SEVERITIES.index(one["severity"]), -one["count"], one["rule_id"], str(one["failed"]), one["entry_service"], one["entry"]))


def shown(problems, names):
    """In the order of the plain table where counts are equal, which ids order here."""
    rows = [{**{name: one[name] for name in names if name not in ("first_seen", "last_seen")},
             "first_seen": one["first_seen"]["time"], "last_seen": one["last_seen"]["time"]} for one in problems]
    return sorted(rows, key=lambda one: (-SEVERITIES.index(one["severity"]), -one["count"], one["rule_id"], str(one["failed"]), one["entry_service"], one["entry"]))


def plain_trend(sparkline, exercised):
    count = len(sparkline)
    quarter = count - count // 4
    now, until, part = sum(sparkline[quarter:]), sum(sparkline[:quarter]), sum(exercised[quarter:]) / sum(exercised)
    if not now:
        return "over" if part else "unknown"
    if not sum(sparkline[:count // 2]):
        return "new"
    by_chance = sum(math.comb(now + until, k) * part**k * (1 - part)**(now + until - k) for k in range(now, now + until + 1))
    return "rising" if now * (1 - part) >= 2 * until * part and by_chance < 0.01 else "steady"


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def write(self, name, value):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(json.dumps(one) + "\n" for one in value) if isinstance(value, list) else json.dumps(value))
        return path

    def command(self, rules, traces, *more, expect=1):
        done = run_cli("replay", rules, traces, "--json", *more)
        self.assertEqual(done.returncode, expect, done.stderr or done.stdout)
        return json.loads(done.stdout)


RANGE = ("--start", str(START), "--end", str(START + LENGTH))


class AgainstAPlainGroupingTest(Folder):
    def test_the_table_is_that_of_the_single_violations(self):
        for seed in range(1, 7):
            with self.subTest(seed=seed):
                documents, starts = random_world(seed)
                rules, traces = self.write("rules.json", {"rules": RULES}), self.write("traces.jsonl", documents)
                single = self.command(rules, traces, *RANGE, "--evidence", "0", "--limit", "0")
                grouped = self.command(rules, traces, *RANGE, "--group")
                exercised = {one["rule_id"]: one["traces_exercised"] for one in single["rules"]}
                expected = plain_table(single["violations"], starts, RULES, exercised)
                self.assertEqual(shown(grouped["problems"], expected[0]), expected)
                self.assertGreater(len(expected), 20)
                self.assertEqual({one["entry"] for one in expected}, {"root", "no_root"})
                self.assertEqual(sum(one["count"] for one in grouped["problems"]), single["violations_found"])
                self.assertEqual([(-SEVERITIES.index(one["severity"]), -one["count"]) for one in grouped["problems"]],
                                 sorted((-SEVERITIES.index(one["severity"]), -one["count"]) for one in grouped["problems"]))
                self.assertEqual(len({one["id"] for one in grouped["problems"]}), len(expected), "each has an id of its own")
                for one in grouped["problems"]:
                    self.assertEqual(one["trend"], plain_trend(one["sparkline"], exercised_steps(starts, one["rule_id"])), one)
                for name in ("status", "violations_found", "traces_exercised", "notes", "unexercised"):
                    self.assertEqual(grouped[name], single[name], name)

    def test_the_service_says_what_the_command_says(self):
        documents, _ = random_world(11)
        rules, traces = self.write("rules.json", {"rules": RULES}), self.write("traces.jsonl", documents)
        said = self.command(rules, traces, *RANGE, "--group")
        with Betrace("--traces", traces) as service:
            for rule in RULES:
                self.assertEqual(service.post("/v1/rules", rule).status, 201)
            answers = [service.get(f"/v1/problems?start={START}&end={START + LENGTH}") for _ in range(2)]
            answer = answers[0].json()
            links = [one.pop("link") for one in answer["problems"]]
            self.assertEqual(answer["problems"], said["problems"])
            for name in ("status", "start", "end", "step_seconds", "steps", "problems_total", "violations_found", "notes"):
                self.assertEqual(answer[name], said[name], name)
            self.assertEqual([one["id"] for one in answers[1].json()["problems"]], [one["id"] for one in answer["problems"]])
            for link, problem in list(zip(links, answer["problems"]))[::7]:
                alone = service.get(f"{link}&start={START}&end={START + LENGTH}").json()["problems"]
                self.assertEqual([one | {"link": link} for one in [problem]], alone)
            few = service.get(f"/v1/problems?limit=3&start={START}&end={START + LENGTH}").json()
            self.assertEqual((len(few["problems"]), few["problems_total"]), (3, said["problems_total"]))
            self.assertEqual([one["id"] for one in few["problems"]], [one["id"] for one in said["problems"][:3]])
            of_one = service.get(f"/v1/problems?rule_id=few&start={START}&end={START + LENGTH}").json()["problems"]
            self.assertEqual([one["id"] for one in of_one], [one["id"] for one in said["problems"] if one["rule_id"] == "few"])
            self.check_lists(service, said["problems"])

    def check_lists(self, service, problems):
        """The violations of a problem are those of its rule, part and entry service; all problems together have each violation once."""
        times, listed = f"start={START}&end={START + LENGTH}", []
        for problem in problems:
            own = service.get(f"/v1/violations?problem={problem['id']}&{times}&limit=1000").json()
            self.assertEqual((own["total_count"], own["coverage"]["complete"]), (problem["count"], True), problem)
            for one in own["violations"]:
                service_of = one["root_service"] if problem["entry"] == "root" else ""
                self.assertEqual((one["rule_id"], service_of), (problem["rule_id"], problem["entry_service"]), one)
            self.assertEqual({one["problem"] for one in own["violations"]}, {problem["id"]})
            listed += [one["id"] for one in own["violations"]]
        single = service.post("/v1/violations/query", {"start": str(START), "end": str(START + LENGTH), "problem": "", "limit": 1000})
        self.assertEqual(single.status, 200, single)
        single = single.json()
        self.assertEqual((len(listed), len(set(listed))), (single["total_count"],) * 2)
        self.assertTrue({one["id"] for one in single["violations"]} <= set(listed))
        of = {problem["id"]: (problem["rule_id"], problem["entry_service"] if problem["entry"] == "root" else None) for problem in problems}
        for one in single["violations"]:
            self.assertEqual(of[one["problem"]][0], one["rule_id"], one)
            self.assertIn(of[one["problem"]][1], (None, one["root_service"]), one)
        streamed = service.get(f"/v1/violations?{times}", headers={"Accept": "application/x-ndjson"}).body.splitlines()
        found = [line["violation"] for line in map(json.loads, streamed) if "violation" in line]
        self.assertEqual(collections.Counter(one["problem"] for one in found), {problem["id"]: problem["count"] for problem in problems})
        most = max(problems, key=lambda one: one["count"])
        page = service.get(f"/v1/violations?problem={most['id']}&{times}&limit=5").json()
        again = service.get(f"/v1/violations?problem={most['id']}&{times}&limit=5&cursor={page['cursor']}").json()
        self.assertFalse({one["id"] for one in page["violations"]} & {one["id"] for one in again["violations"]})
        foreign = service.get(f"/v1/violations?{times}&limit=5&cursor={page['cursor']}")
        self.assertEqual((foreign.status, foreign.json()["errors"][0]["field"]), (400, "cursor"), foreign)
        nobody = service.get(f"/v1/violations?problem=0123456789abcdef&{times}").json()
        self.assertEqual((nobody["violations"], nobody["total_count"], nobody["coverage"]["complete"], nobody["reason"].split(":")[0]), ([], None, False, "problem_not_found"))
        for wrong in ("0123456789ABCDEF", "0123", "x" * 16):
            refused = service.get(f"/v1/violations?problem={wrong}&{times}")
            self.assertEqual((refused.status, refused.json()["errors"][0]["field"]), (400, "problem"), refused)

    def test_how_a_rule_is_written_does_not_change_an_id(self):
        documents, _ = random_world(12)
        traces = self.write("traces.jsonl", documents)
        ids = []
        for text in (RULES[0]["dsl"], "when { order }\nalways {\n  paid\n  and (shipped)\n}", "when { order } always { paid && shipped }"):
            rules = self.write("rules.json", {"rules": [{**RULES[0], "dsl": text}]})
            ids.append(sorted(one["id"] for one in self.command(rules, traces, *RANGE, "--group")["problems"]))
        self.assertEqual(*ids)


    def test_a_rule_that_is_too_long_when_it_is_formatted_is_grouped(self):
        documents, _ = random_world(12)
        alternatives = [f'order.k{i}=="{"y" * 896}"' for i in range(71)] + ["order.k==" + '"' + "y" * 760 + '"', "order"]
        rules = self.write("rules.json", {"rules": [{"id": "long", "dsl": "||".join(alternatives)}]})
        answer = self.command(rules, self.write("traces.jsonl", documents), *RANGE, "--group")
        self.assertEqual(sum(one["count"] for one in answer["problems"]), answer["violations_found"])
        self.assertGreater(answer["violations_found"], 0)


def orders(times, service="shop", names=("order",)):
    return [otlp.request([otlp.span(f"{random.getrandbits(128) | 1:032x}", name, (START + at) * SECOND) for name in names], service) for at in times]


RULE = [{"id": "r", "dsl": "when { order } always { paid }"}]


class TrendTest(Folder):
    """Steps of 1,000 s, of which each has traces that keep the rule."""

    def trend(self, bad, good=10, steps=STEPS, *more):
        kept = [at * 1000 + part * 1000 // good for at in range(steps) for part in range(good)] if good else [0, steps * 1000 - 1]
        documents = [one for at in kept for one in kept_order(at)] + orders(bad)
        rules, traces = self.write("rules.json", {"rules": RULE}), self.write("traces.jsonl", documents)
        answer = self.command(rules, traces, "--group", "--start", str(START), "--end", str(START + steps * 1000), *more)
        return answer["problems"][0]

    def test_each_word(self):
        for expected, bad in (("new", [13_000, 23_500]), ("over", [500, 17_900]), ("steady", range(100, 24_000, 500)), ("over", [13_000]),
                              ("rising", [*range(100, 18_000, 1000), *range(18_000, 24_000, 100)]), ("steady", [100, 11_000, 23_000, 23_900])):
            with self.subTest(expected=expected, bad=str(bad)[:60]):
                self.assertEqual(self.trend(bad)["trend"], expected)

    def test_more_traffic_is_no_rising_problem(self):
        """A tenth of all is bad, and three times as many come in the last quarter."""
        times = [at for step in range(24) for at in range(step * 1000, step * 1000 + 1000, 10 if step >= 18 else 30)]
        bad = times[::10]
        documents = [one for at in times if at not in set(bad) for one in kept_order(at)] + orders(bad)
        rules, traces = self.write("rules.json", {"rules": RULE}), self.write("traces.jsonl", documents)
        problem = self.command(rules, traces, "--group", *RANGE)["problems"][0]
        self.assertEqual((problem["trend"], plain_trend(problem["sparkline"], [1] * STEPS)), ("steady", "rising"))
        self.assertEqual(problem["changes"], [])

    def test_over_is_said_where_the_rule_was_exercised(self):
        documents = orders([100, 900]) + [one for at in range(0, 17_000, 500) for one in kept_order(at)] + orders(range(0, 24_000, 500), names=("other",))
        rules, traces = self.write("rules.json", {"rules": RULE}), self.write("traces.jsonl", documents)
        problem = self.command(rules, traces, "--group", *RANGE)["problems"][0]
        self.assertEqual((problem["trend"], problem["trend_unknown"]), ("unknown", "nothing is known to have exercised the rule of late"))

    def test_a_range_whose_end_has_no_trace_is_not_over(self):
        documents = orders([100, 900]) + [one for at in range(0, 12_000, 500) for one in kept_order(at)]
        rules, traces = self.write("rules.json", {"rules": RULE}), self.write("traces.jsonl", documents)
        problem = self.command(rules, traces, "--group", *RANGE)["problems"][0]
        self.assertEqual((problem["trend"], problem["trend_unknown"]), ("unknown", "steps that decide it are not known"))
        self.assertEqual((problem["sparkline"][:2], problem["sparkline"][13:]), ([2, 0], [None] * 11))


def kept_order(at):
    trace_id = f"{random.getrandbits(128) | 1:032x}"
    return [otlp.request([otlp.span(trace_id, "order", (START + at) * SECOND), otlp.span(trace_id, "paid", (START + at) * SECOND)], "shop")]


class ChangeTest(Folder):
    """When a problem's rate changed. An order every five seconds; it is bad with the chance that the time has."""

    def changes(self, chance_at, seed, *more):
        dice, documents = random.Random(seed), []
        for at in range(0, LENGTH, 5):
            documents += orders([at]) if dice.random() < chance_at(at) else kept_order(at)
        rules, traces = self.write("rules.json", {"rules": RULE}), self.write("traces.jsonl", documents)
        return rules, traces, self.command(rules, traces, "--group", *RANGE, *more)["problems"][0]

    def test_a_rise_lies_in_its_interval(self):
        inside = 0
        for seed in range(1, 7):
            with self.subTest(seed=seed):
                since, base = random.Random(seed).randrange(3000, 21_000), (0, 0.05)[seed % 2]
                _, _, problem = self.changes(lambda at: 0.4 if at >= since else base, seed)
                change, = problem["changes"]
                inside += change["from"] <= rfc((START + since) * SECOND) <= change["to"]
                self.assertLessEqual(change["from"], change["at"])
                self.assertLessEqual(change["at"], change["to"])
                before, after = change["before"], change["after"]
                self.assertEqual((change["direction"], before["violations"] + after["violations"]), ("rose", problem["count"]))
                self.assertEqual((before["exercised"] + after["exercised"], before["seconds"] + after["seconds"]), (LENGTH // 5, LENGTH))
                if not base:
                    self.assertEqual((change["at"], change["to"]), (problem["first_seen"]["time"],) * 2, "none before: it came with the first")
                else:
                    self.assertLess(problem["first_seen"]["time"], change["from"], "the first violation is the wrong answer")
        self.assertGreaterEqual(inside, 5)

    def test_one_that_ends_fell_and_the_command_says_both(self):
        rules, traces, problem = self.changes(lambda at: 0.5 if 9000 <= at < 11_000 else 0.02, 1)
        self.assertEqual([one["direction"] for one in problem["changes"]], ["rose", "fell"])
        for one, at in zip(problem["changes"], (9000, 11_000)):
            self.assertTrue(one["from"] <= rfc((START + at) * SECOND) <= one["to"], one)
        text = run_cli("replay", rules, traces, "--group", *RANGE).stdout
        said = [line for line in text.splitlines() if line.startswith(("  rose at", "  fell at"))]
        rose, fell = problem["changes"]
        self.assertEqual(said[0].split(": ")[1].split(" after")[0], f"{rose['before']['violations']} of {rose['before']['exercised']} before, {rose['after']['violations']} of {rose['after']['exercised']}")
        self.assertEqual([line[:30] for line in said], [f"  rose at {rose['at'][:19]}Z", f"  fell at {fell['at'][:19]}Z"])

    def test_a_rate_that_stays_has_none(self):
        for chance in (0.002, 0.05, 0.9, 1):
            with self.subTest(chance=chance):
                self.assertEqual(self.changes(lambda _, chance=chance: chance, 3)[2]["changes"], [])

    def test_too_little_that_is_known_is_no_empty_list(self):
        documents = orders(range(0, 24, 2))
        rules, traces = self.write("rules.json", {"rules": RULE}), self.write("traces.jsonl", documents)
        problem = self.command(rules, traces, "--group", "--start", str(START), "--end", str(START + LENGTH * 100))["problems"][0]
        self.assertEqual((problem["changes"], problem["changes_unknown"], problem["sparkline"]), ([], None, [12] + [None] * 23))
        problem = self.command(rules, traces, "--group", "--start", str(int(time.time()) - 3), "--end", "now", expect=3)
        self.assertEqual(problem["problems"], [])


class PartTempo(SlowTempo):
    """Refuses, if it is broken, to search what is older than 90 min."""

    def __init__(self, is_broken):
        super().__init__(60, 60)
        self.released.set()
        self.is_broken = is_broken

    def search(self, target):
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)
        is_old = int(asked.get("start", [self.now])[0]) < self.now - self.held_seconds
        return (400, "text/plain", b"no") if self.is_broken and is_old else super().search(target)


class NotKnownTest(Folder):
    def test_an_empty_range_says_so(self):
        rules, traces = self.write("rules.json", {"rules": RULE}), self.write("traces.jsonl", orders([5]))
        nothing = self.command(rules, traces, "--group", "--start", str(START + 90_000), "--end", str(START + 99_000), expect=3)
        self.assertEqual((nothing["problems"], nothing["status"], nothing["reason"][:8]), ([], "incomplete", "no_data:"))
        with Betrace("--traces", traces) as service:
            service.post("/v1/rules", RULE[0])
            answer = service.get(f"/v1/problems?start={START + 90_000}&end={START + 99_000}").json()
            self.assertEqual((answer["problems"], answer["status"], answer["coverage"]["complete"]), ([], "incomplete", False))
            self.assertIn("no_data", answer["reason"])

    def test_a_rule_that_nothing_exercised_is_named(self):
        rules = self.write("rules.json", {"rules": [{"id": "renamed", "dsl": "when { orders } always { paid }"}]})
        traces = self.write("traces.jsonl", [one for at in range(0, 24_000, 100) for one in kept_order(at)])
        answer = self.command(rules, traces, "--group", *RANGE, expect=0)
        self.assertEqual((answer["problems"], answer["rules"][0]["traces_exercised"]), ([], 0))
        self.assertIn("orders", answer["unexercised"][0]["message"])

    def test_steps_that_were_not_read_are_gaps(self):
        """60 traces of 150 min ago, of which the search is refused, and 60 of 10 min ago."""
        rule = {"id": "r", "dsl": "when { slow.query } never { slow.query }"}
        for is_broken in (False, True):
            with self.subTest(is_broken=is_broken), PartTempo(is_broken) as tempo, Betrace("--tempo", tempo.url, "--settle", "1m") as service:
                self.assertEqual(service.post("/v1/rules", rule).status, 201)
                answer = service.get(f"/v1/problems?start={tempo.now - 10_000}&end={tempo.now - 300}&steps=8").json()
                problem, = answer["problems"]
                whole = answer["status"], problem["count"], problem["count_kind"], problem["share"], problem["trend"]
                if is_broken:
                    self.assertEqual(whole, ("incomplete", 60, "at_least", None, "unknown"), answer["reason"])
                    self.assertEqual((problem["sparkline"][:4], problem["sparkline"][7]), ([None] * 4, 60))
                else:
                    self.assertEqual(whole, ("completed", 120, "exact", 1, "steady"), answer)
                    self.assertEqual(problem["sparkline"], [60] + [None] * 6 + [60], "no trace at all is null, as in series")

    def test_time_that_is_over_says_so(self):
        with SlowTempo(60, 60) as tempo, Betrace("--tempo", tempo.url) as service:
            self.assertEqual(service.post("/v1/rules", RULE[0]).status, 201)
            try:
                answer = service.get("/v1/problems?start=now-4h&timeout=1s")
            finally:
                tempo.released.set()
        self.assertEqual((answer.status, answer.json()["status"], answer.json()["coverage"]["complete"]), (200, "incomplete", False))
        self.assertIn("timeout: ", answer.json()["reason"])

    def test_a_trace_that_goes_on_takes_no_number_from_what_is_settled(self):
        """It began in the 13th of 20 steps, and its last span ended within settle: this step and later ones are gaps, and the others' numbers stand."""
        now = int(time.time())
        with Betrace("--memory-source", "--settle", "2m", "--margin", "20m") as service:
            self.assertEqual(service.post("/v1/rules", RULE[0]).status, 201)
            spans = [otlp.span(f"{random.getrandbits(128) | 1:032x}", "order", (now - 2000 + at) * SECOND) for at in range(10, 1900, 100)]
            open_id = f"{random.getrandbits(128) | 1:032x}"
            spans += [otlp.span(open_id, "order", (now - 750) * SECOND), otlp.span(open_id, "later", (now - 30) * SECOND)]
            answer = service.post("/v1/spans", json.dumps(otlp.request(spans, "shop")), headers={"content-type": "application/json"})
            self.assertEqual(answer.status, 200, answer)
            answer = service.get(f"/v1/problems?start={now - 2000}&end={now}&steps=20").json()
            problem, = answer["problems"]
        self.assertEqual(answer["status"], "completed", answer)
        self.assertEqual(problem["sparkline"], [1] * 12 + [None] * 8)
        self.assertEqual((problem["count_kind"], problem["share"], problem["trend"]), ("exact", 1, "steady"), problem)

    def test_what_cannot_be_asked_is_refused_by_its_field(self):
        traces = self.write("traces.jsonl", orders([5]))
        with Betrace("--traces", traces) as service:
            self.assertEqual(service.get("/v1/problems").json()["errors"][0]["field"], "rule_id")
            service.post("/v1/rules", RULE[0])
            for query, field in (("steps=201", "steps"), ("steps=0", "steps"), ("limit=1001", "limit"), ("timeout=2m", "timeout"), ("start=now&end=now-1h", "start"), ("severity=loud", "severity")):
                with self.subTest(query=query):
                    answer = service.get("/v1/problems?" + query)
                    self.assertEqual((answer.status, answer.json()["errors"][0]["field"]), (400, field), answer)
            self.assertEqual(service.get("/v1/problems?rule_id=no").status, 404)
        for words in (("--ids",), ("--output", "junit"), ("--output", "jsonl"), ("--shard", "1/2", "--start", "1", "--end", "9")):
            self.assertIn("--group prints problems as text or JSON", run_cli("replay", "--dsl", "a", traces, "--group", *words).stderr)

    def test_without_room_some_are_not_looked_at(self):
        """A problem takes some hundred bytes: of thousands of services not all have room, and what has none is counted."""
        services = 60_000
        documents = [one for number in range(services) for one in orders([number % LENGTH], f"service-{number:05d}-{'x' * 200}")]
        traces = self.write("traces.jsonl", documents)
        with Betrace("--traces", traces, "--memory-limit", "24MiB") as service:
            service.post("/v1/rules", RULE[0])
            answer = service.get(f"/v1/problems?start={START}&end={START + LENGTH}&limit=1000&timeout=60s").json()
            first = answer["problems"][0]
            self.assertEqual((answer["status"], answer["reason"][:13], answer["violations_found"]), ("incomplete", "results_full:", services), answer["reason"])
            self.assertEqual((first["entry"], first["entry_service"], first["failed"], first["trend"], first["share"]), ("not_looked_at", None, None, "unknown", None))
            self.assertEqual(first["count"] + answer["problems_total"] - 1, services)
            self.assertTrue(all(one["count_kind"] == "at_least" for one in answer["problems"]))
            own = service.get(f"/v1/violations?problem={first['id']}&start={START}&end={START + LENGTH}").json()
            self.assertEqual((own["violations"], own["total_count"], own["coverage"]["complete"], own["reason"].split(":")[0]), ([], None, False, "problem_not_looked_at"))
            held = [line.split()[-1] for line in service.get("/metrics").body.decode().splitlines() if line.startswith("betrace_memory_held_bytes")]
            self.assertEqual(set(held), {"0"}, "what it held is given back")


class TenantsTest(Folder):
    def test_each_tenant_has_its_own_rules_and_the_same_problem_the_same_id(self):
        tokens = os.path.join(self.folder, "tokens")
        heads = {tenant: bearer(make_token(tokens, tenant, "--role", "editor", "--tenants", tenant)) for tenant in ("acme", "globex")}
        with Betrace("--traces", self.write("traces.jsonl", orders(range(0, 24_000, 100))), "--tokens", tokens) as service:
            for tenant, rules in (("acme", RULE), ("globex", [*RULE, {"id": "other", "dsl": "when { order } always { refused }"}])):
                for rule in rules:
                    self.assertEqual(service.post("/v1/rules", rule, headers=heads[tenant]).status, 201)
            ids = {tenant: {one["rule_id"]: one["id"] for one in service.get(f"/v1/problems?start={START}&end={START + LENGTH}", headers=head).json()["problems"]}
                   for tenant, head in heads.items()}
        self.assertEqual({tenant: sorted(own) for tenant, own in ids.items()}, {"acme": ["r"], "globex": ["other", "r"]})
        self.assertEqual(ids["acme"]["r"], ids["globex"]["r"])


class TextTest(Folder):
    def test_three_lines_of_each(self):
        documents = orders([100, 13_000]) + [one for at in range(0, 24_000, 500) for one in kept_order(at)]
        rules, traces = self.write("rules.json", {"rules": RULE}), self.write("traces.jsonl", documents)
        done = run_cli("replay", rules, traces, "--group", *RANGE)
        self.assertEqual(done.returncode, 1, done.stderr)
        lines = done.stdout.splitlines()
        problem = self.command(rules, traces, "--group", *RANGE)["problems"][0]
        self.assertEqual(lines[0], f"{problem['id']}  r  shop: no paid in this trace")
        self.assertEqual(lines[1], "  medium, over, 2 traces, 4 % of 50 that exercised the rule, first 2026-09-21T14:15:00Z, last 2026-09-21T17:50:00Z")
        self.assertEqual(lines[2], "  █▁▁▁▁▁▁▁▁▁▁▁▁█▁▁▁▁▁▁▁▁▁▁")
        self.assertTrue(lines[-1].startswith("completed, "), lines)


if __name__ == "__main__":
    unittest.main()
