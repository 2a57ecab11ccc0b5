"""betrace silent: renames that conventions made, planted in a day of traffic. It tells each with its old and its new name within a quarter of an hour, and
nothing of traffic that only changes by hour and amount. The statistics have a test of their own (tests/dsl/silence_test.c)."""
import json
import os
import random
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import run_cli  # noqa: E402

# (area, old, new): renames of OpenTelemetry's semantic conventions. All but those of net.peer.name, messaging.client_id and k8s.pod.labels stand so in
# their schema files, 1.17 to 1.38 (dsl/rule/convention_table.c).
KEYS = [("http", "http.method", "http.request.method"), ("http", "http.status_code", "http.response.status_code"), ("http", "http.url", "url.full"),
        ("http", "net.peer.name", "server.address"), ("db", "db.statement", "db.query.text"), ("db", "db.operation", "db.operation.name"),
        ("db", "db.name", "db.namespace"), ("db", "db.sql.table", "db.collection.name"), ("db", "db.system", "db.system.name"),
        ("rpc", "rpc.system", "rpc.system.name"), ("rpc", "message.type", "rpc.message.type"),
        ("messaging", "messaging.client_id", "messaging.client.id"), ("messaging", "messaging.destination", "messaging.destination.name"),
        ("messaging", "messaging.operation", "messaging.operation.type"), ("gen_ai", "gen_ai.system", "gen_ai.provider.name"),
        ("gen_ai", "gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens"), ("gen_ai", "gen_ai.usage.completion_tokens", "gen_ai.usage.output_tokens"),
        ("k8s", "k8s.pod.labels", "k8s.pod.label")]
# Of spans, and of a value: what instrumentations changed with them.
SPANS = [("http", "HTTP GET", "GET"), ("db", "db.client.query", "db.query")]
VALUES = [("messaging", "messaging.operation.type", "publish", "send"), ("gen_ai", "gen_ai.provider.name", "az.ai.inference", "azure.ai.inference")]
DAY = 1767571200  # Monday, 2026-01-05T00:00:00Z
FROM, UNTIL, RENAMED = 6, 10, DAY + 86400 + 9 * 3600
A_STEP, PER_STEP = 900, 25


def plants():
    """Of each: (service, rule, what a trace of before has, what one of since has): a span's name, and its attributes."""
    made = []
    for number, (area, old, new) in enumerate(KEYS):
        service = f"{area}-{number}"
        made.append((service, f'when {{ trace.has(span.service == "{service}" and exists("{old}")) }} always {{ audit }}', ("call", {old: "x"}), ("call", {new: "x"}), old, new))
    for area, old, new in SPANS:
        made.append((f"{area}-span", f'when {{ "{old}" }} always {{ audit }}', (old, {}), (new, {}), old, new))
    for area, key, old, new in VALUES:
        made.append((f"{area}-value", f'when {{ trace.has("{key}" == "{old}") }} always {{ audit }}', ("call", {key: old}), ("call", {key: new}), old, new))
    return made


def line(number, second, service, name, attributes):
    at, trace = str(second * 10**9 + number % 10**9), f"{number * 2654435761 % 2**32:08x}{number:024x}"
    spans = [{"traceId": trace, "spanId": f"{place + 1:016x}", "parentSpanId": f"{1:016x}" if place else "", "name": one, "startTimeUnixNano": at, "endTimeUnixNano": at,
              "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in {"route": f"/{number % 7}", **own}.items()]}
             for place, (one, own) in enumerate((("entry", {}), (name, attributes), ("audit", {})))]
    resource = [{"key": "service.name", "value": {"stringValue": service}}]
    return json.dumps({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"spans": spans}]}]}) + "\n"


class Silent(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-silent-")
        self.addCleanup(folder.cleanup)
        self.traces, self.rules = os.path.join(folder.name, "t.jsonl"), os.path.join(folder.name, "rules.yaml")

    def write(self, made, renamed, days=2, seed=1, per_step=PER_STEP):
        """Two days, of each some hours; from `renamed` on (of each service, or never) a trace has what is new."""
        chance, number = random.Random(seed), 0
        with open(self.traces, "w", encoding="utf-8") as file:
            for step in range(days * 96):
                if not FROM * 4 <= step % 96 < UNTIL * 4:
                    continue
                for service, _, before, since, *_ in made:
                    for _ in range(max(1, int(chance.gauss(per_step, per_step**0.5)))):
                        number += 1
                        second = DAY + step * A_STEP + chance.randrange(A_STEP)
                        is_new = renamed.get(service) is not None and second >= renamed[service]
                        file.write(line(number, second, service, *(since if is_new else before)))
        with open(self.rules, "w", encoding="utf-8") as file:
            json.dump({"rules": [{"id": service, "dsl": rule} for service, rule, *_ in made]}, file)

    def ask(self, status, end, *more):
        done = run_cli("silent", "--rules", self.rules, "--traces", self.traces, "--start", str(DAY), "--end", str(end), *more)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def test_each_rename_is_named_within_a_quarter_of_an_hour(self):
        made = plants()
        self.assertGreaterEqual(len(made), 20)
        self.write(made, {service: RENAMED for service, *_ in made}, per_step=30)
        self.assertEqual({rule["result"] for rule in json.loads(self.ask(0, RENAMED, "--json"))["rules"]}, {"as_before"})
        answer = json.loads(self.ask(1, RENAMED + A_STEP, "--json"))
        rules = {rule["rule_id"]: rule for rule in answer["rules"]}
        for service, _, _, _, old, new in made:
            with self.subTest(old=old):
                rule = rules[service]
                self.assertEqual((rule["result"], rule["since"][:16], rule["exercised"]), ("silent", "2026-01-06T09:00", 0), rule["message"])
                self.assertLess(rule["chance"], 1e-6)
                went, = rule["went"]
                self.assertEqual(went["text"], old)
                self.assertEqual([one["text"] for one in went["came"]][:1], [new])
                self.assertIn("since then there is ", rule["message"])

    def test_what_came_is_shown_and_not_obeyed(self):
        rule = 'when { "db.client.query" } always { audit }'
        self.write([("db", rule, ("db.client.query", {}), ("db.\x1b[2J\u202equery", {}), "", "")], {"db": RENAMED}, per_step=30)
        for output in ((), ("--json",)):
            said = self.ask(1, RENAMED + 2 * A_STEP, *output)
            self.assertNotIn("\x1b", said)
            self.assertNotIn("\u202e", said)
            self.assertRegex(said, r"(?i)db\.(\\x1b|\\u001b)\[2J\\u202equery")

    def test_one_silent_rule_among_many(self):
        made = plants()
        one = made[4][0]
        self.write(made, {one: RENAMED}, seed=2)
        answer = json.loads(self.ask(1, RENAMED + 2 * A_STEP, "--json"))
        self.assertEqual([rule["rule_id"] for rule in answer["rules"] if rule["result"] != "as_before"], [one])
        text = self.ask(1, RENAMED + 2 * A_STEP)
        self.assertRegex(text.splitlines()[0], rf"^{one}: silent since 2026-01-06T09:00:00Z: 0 of \d+ traces exercised it, \d+ were expected \(chance \S+\); "
                         r"no trace since has attribute db\.statement \(in db-4\), \d+ of \d+ before; since then there is attribute db\.query\.text \(in db-4\)")
        self.assertRegex(text.splitlines()[-1], r"^1 of 22 rules silent, 0 not known; \d+ quarters of an hour, .* 0 requests")

    def test_what_is_not_known_is_not_as_before(self):
        made = plants()[:2]
        self.write(made, {}, days=1)
        answer = json.loads(self.ask(3, DAY + UNTIL * 3600, "--json"))
        self.assertEqual({rule["result"] for rule in answer["rules"]}, {"unknown"})
        self.assertIn("not known: the last day has no hour that a past day of its kind", answer["rules"][0]["message"])
        done = run_cli("silent", "--rules", self.rules, "--traces", self.traces, "--start", str(DAY), "--end", str(DAY + 60))
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("no whole quarter of an hour", done.stderr)

    def test_traffic_that_stops_silences_no_rule(self):
        made = plants()[:3]
        self.write(made, {})
        self.assertEqual({rule["result"] for rule in json.loads(self.ask(0, DAY + 2 * 86400, "--json"))["rules"]}, {"as_before"})

    def test_a_rule_that_every_trace_exercises(self):
        made = [("a", "never { refund }", ("call", {}), ("call", {}), "", "")]
        self.write(made, {})
        self.assertEqual(json.loads(self.ask(0, DAY + 2 * 86400, "--json"))["rules"][0]["result"], "always_exercised")


if __name__ == "__main__":
    unittest.main()
