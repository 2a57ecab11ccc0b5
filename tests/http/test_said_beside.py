"""What a rule file says next to a rule's text, and what annotations say in it, is part of what the rule means. A part of the rule that is counted or searched
for alone means the same. So one rule, written in four ways, has one answer from every command and door that takes rules apart."""
import json
import os
import random
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402

SECOND = 10**9
START = 1_790_000_000
LENGTH = 40_000
RANGE = ("--start", str(START), "--end", str(START + LENGTH))
CALL = '(gen_ai.operation.name == "execute_tool" or kind_of == "TOOL")'
POST = '(http.request.method == "POST" or http.method == "POST")'
# Each in words of its own and written out.
PLAIN = {
    "mail": f'when {{ span({CALL} and (tool_name == "mail" or name_of_tool == "mail")) as m and span({POST}) }} always {{ granted before m }}',
    "post": f"trace.has({POST}) and not granted",
    "never": f"when {{ span({POST}) and order }} never {{ span({CALL}) }}",
}
OWN = {"aliases": {"tool_name": ["name_of_tool"]}, "names": {"call": f"span({CALL})", "post": f"span({POST})", "mail": 'call.where(tool_name == "mail")'}}
SHORT = {"mail": "when { mail as m and post } always { granted before m }", "post": "post and not granted", "never": "when { post and order } never { call }"}
CONVENTIONS = {"mail": SHORT["mail"], "post": 'trace.has(http.request.method == "POST") and not granted', "never": 'when { trace.has(http.request.method == "POST") and order } never { call }'}
IN_TEXT = "@alias(tool_name, name_of_tool)\n@name(call = `span({CALL})`)\n@name(post = `span({POST})`)\n@name(mail = `call.where(tool_name == \"mail\")`)\n".replace("{CALL}", CALL).replace("{POST}", POST)


def rules(texts, **more):
    return {"rules": [{"id": name, "dsl": text, "severity": "high", "annotations": {"soc2_control": "CC6.1", "compliance_framework": "SOC2"}, **more} for name, text in texts.items()]}


WAYS = {"plain": rules(PLAIN), "beside": {**OWN, **rules(SHORT)}, "in the text": rules({name: IN_TEXT + text for name, text in SHORT.items()}),
        "conventions": {**OWN, **rules(CONVENTIONS, semconv="stable")}}


def world(seed):
    dice, documents = random.Random(seed), []
    for at in range(0, LENGTH, 100):
        trace_id, spans = f"{dice.getrandbits(128) | 1:032x}", []
        def add(name, later, **attributes):
            spans.append(otlp.span(trace_id, name, (START + at + later) * SECOND, attrs=attributes))
        if dice.random() < 0.8:
            add("GET", 0, **{dice.choice(("http.method", "http.request.method")): dice.choice(("POST", "GET"))})
        if dice.random() < 0.5:
            add("granted", 1)
        if dice.random() < 0.7:
            kind = dice.choice(({"gen_ai.operation.name": "execute_tool"}, {"kind_of": "TOOL"}))
            add("run", 2, **kind, **{dice.choice(("tool_name", "name_of_tool")): dice.choice(("mail", "search"))})
        if dice.random() < 0.5:
            add("order", 3)
        if spans:
            documents.append(otlp.request(spans, "shop", resource={"service.version": "1.1" if at >= LENGTH // 2 else "1.0"}))
    return documents


def answer_of(text):
    """Without what a way of writing may differ in: texts and places of the rule, its hash, notes about names, times that it took, and versions."""
    def strip(value):
        if isinstance(value, dict):
            return {key: strip(one) for key, one in value.items() if key not in DIFFER}
        return [strip(one) for one in value] if isinstance(value, list) else value
    return strip(json.loads(text))


DIFFER = {"text", "condition_hash", "notes", "absent", "conjuncts", "message", "elapsed_ms", "seconds", "requests", "bytes_received", "bytes_inspected", "range", "id", "link",
          "failed", "where", "dsl", "rules_hash", "explanation", "duration_seconds", "unexercised", "binding", "bindings", "names_met", "traces_noted"}


class SaidBesideTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.traces = os.path.join(cls.folder, "traces.jsonl")
        with open(cls.traces, "w", encoding="utf-8") as file:
            file.write("".join(json.dumps(one) + "\n" for one in world(3)))
        cls.files = {}
        for way, content in WAYS.items():
            cls.files[way] = os.path.join(cls.folder, way.replace(" ", "-") + ".json")
            with open(cls.files[way], "w", encoding="utf-8") as file:
                json.dump(content, file)

    def answers(self, *command):
        said = {}
        for way, file in self.files.items():
            done = run_cli(*[{"RULES": file, "TRACES": self.traces}.get(word, word) for word in command], "--json")
            self.assertIn(done.returncode, (0, 1, 3), done.stderr)
            said[way] = (done.returncode, answer_of(done.stdout))
        return said

    def test_every_command_says_the_same(self):
        middle = f"{START + LENGTH // 2}"
        commands = {"replay": ("replay", "RULES", "TRACES", *RANGE), "group": ("replay", "RULES", "TRACES", *RANGE, "--group"),
                    "vacuity": ("vacuity", "RULES", "TRACES", *RANGE), "silent": ("silent", "RULES", "TRACES", *RANGE),
                    "gate": ("gate", "--rules", "RULES", "--traces", "TRACES", "--baseline", "1.0", "--candidate", "1.1", *RANGE),
                    **{f"compare {name}": ("compare", "--rules", "RULES", "--rule", name, "--traces", "TRACES", "--before", f"{START}..{middle}", "--after", f"{middle}..{START + LENGTH}") for name in PLAIN}}
        for name, command in commands.items():
            with self.subTest(command=name):
                said = self.answers(*command)
                for way in WAYS:
                    self.assertEqual(said[way], said["plain"], way)

    def test_every_rule_is_exercised_and_violated(self):
        """Else all of this would be said of nothing."""
        for rule in self.answers("replay", "RULES", "TRACES", *RANGE)["plain"][1]["rules"]:
            self.assertGreater(min(rule["traces_exercised"], rule["violations_found"]), 10, rule)
        for rule in self.answers("vacuity", "RULES", "TRACES", *RANGE)["conventions"][1]["rules"]:
            self.assertEqual(rule["result"], "exercised")

    def test_a_report_of_the_service_counts_the_same(self):
        said = {}
        for way, file in self.files.items():
            with Betrace("--traces", self.traces) as service:
                done = run_cli("sync", file, "--apply", "--url", f"http://127.0.0.1:{service.port}")
                self.assertEqual(done.returncode, 0, done.stderr)
                report = service.get(f"/v1/compliance/reports/soc2?start={START}&end={START + LENGTH}").json()
                said[way] = [[entry["body"][key] for key in ("rule_id", "status", "counts")] for entry in report["entries"] if entry["type"] == "rule"]
                self.assertEqual(len(said[way]), len(PLAIN))
                problems = service.get(f"/v1/problems?start={START}&end={START + LENGTH}").json()["problems"]
                grouped = json.loads(run_cli("replay", file, self.traces, *RANGE, "--group", "--json").stdout)["problems"]
                self.assertEqual([one["id"] for one in problems], [one["id"] for one in grouped], "an id is the same wherever the names stand")
        for way in WAYS:
            self.assertEqual(said[way], said["plain"], way)


if __name__ == "__main__":
    unittest.main()
