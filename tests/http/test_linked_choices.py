"""Where a trace's own spans show that it violates, linked traces may still make more of its choices violate: every door gives all choices, the same time
and the same witnesses."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from trace_files import span, trace, trace_id  # noqa: E402

ORDER, WORKER = 1, 2
FIRST, SECOND, THIRD, AUDIT, DONE, LOST = (f"00000000000000{digits}" for digits in ("a1", "a2", "a3", "a4", "b1", "b2"))
# The first is processed with an error, which another trace shows. The second is audited by nobody, which its own shows. The third is as it has to be.
TRACES = {ORDER: trace(ORDER, span("publish", id=FIRST), span("audit", at=1, id=AUDIT), span("publish", at=5000, id=SECOND), span("publish", at=9000, id=THIRD),
                       span("audit", at=9001)),
          WORKER: trace(WORKER, span("process", id=LOST, links=[(ORDER, FIRST)], status=2, service="worker"),
                        span("process", at=1, id=DONE, links=[(ORDER, THIRD)], service="worker"), at=20000)}
DSL = "when { publish as p } always { audit after p within 1s } never { process linked to p within 10m where(span.status == error) }"
# Whether there is a linked span is not asked where the own spans tell; nor is it waited for then.
OWN = "when { publish as p } always { audit after p within 1s } never { missing and process linked to p within 10m }"
TEST = """rules:
- id: rule
  dsl: %s
  tests:
  - name: all choices
    expect: violated
    witness: {p: %s}
    trace:
    - {span: publish, id: a1, at: 0ms}
    - {span: audit, at: 1ms}
    - {span: publish, id: a2, at: 5s}
    - {span: publish, id: a3, at: 9s}
    - {span: audit, at: 9001ms}
    others:
      worker:
      - {span: process, at: 20s, status: error, links: [{trace: own, span: a1}]}
      - {span: process, at: 20001ms, links: [{trace: own, span: a3}]}
"""


def shown(violation):
    """Of each choice, the first one first, its spans."""
    choices = [violation["witnesses"], *(choice["witnesses"] for choice in violation["more_choices"])]
    return violation["time"], violation["span_id"], violation["choices_total"], [[one["span_id"] for one in choice] for choice in choices]


class LinkedChoices(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-linked-choices-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.traces = self.write("traces.jsonl", "".join(TRACES.values()))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def of_commands(self, dsl):
        """The violation as each command says it."""
        flags, told = ("--dsl", dsl), {}
        lines = [json.loads(line) for line in run_cli("eval", "--json", *flags, self.traces).stdout.splitlines()]
        told["eval"] = next(line["violation"] for line in lines if line.get("verdict") == "violated")
        told["replay"], = json.loads(run_cli("replay", "--json", *flags, self.traces).stdout)["violations"]
        told["first"] = json.loads(run_cli("first", "--json", *flags, self.traces).stdout)["violation"]
        told["trace"] = json.loads(run_cli("trace", trace_id(ORDER), "--json", *flags, self.traces).stdout)["verdicts"][0]["violation"]
        script = "import os, sys, urllib.request\nfor line in open(sys.argv[1], 'rb'): urllib.request.urlopen(urllib.request.Request(" \
            "os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'] + '/v1/traces', line, {'Content-Type': 'application/json'}))"
        done = run_cli("listen", "--json", *flags, "--settle", "50ms", "--", sys.executable, "-c", script, self.traces)
        told["listen"], = json.loads(done.stdout)["violations"]
        return told

    def of_service(self, dsl):
        told = {}
        with Betrace("--memory-source") as server:
            self.assertEqual(server.post("/v1/rules", {"id": "rule", "name": "rule", "dsl": dsl}).status, 201)
            for line in TRACES.values():
                self.assertEqual(server.post("/v1/spans", line, headers={"Content-Type": "application/json"}).status, 200)
            start = told_start(TRACES[ORDER])
            part = f"start={start - 10**9}&end={start + 60 * 10**9}"
            told["violations"], = server.get(f"/v1/violations?{part}").json()["violations"]
            told["first-violation"] = server.get(f"/v1/rules/rule/first-violation?{part}").json()["violation"]
            told["verdicts"] = server.get(f"/v1/traces/{trace_id(ORDER)}/verdicts").json()["verdicts"][0]["violation"]
        return told

    def test_all_doors_give_all_choices(self):
        for dsl, expected in ((DSL, [[FIRST, AUDIT, LOST], [SECOND]]), (OWN, [[SECOND]])):
            told = {**self.of_commands(dsl), **self.of_service(dsl)}
            for door, violation in told.items():
                with self.subTest(dsl=dsl, door=door):
                    time, span_id, total, choices = shown(violation)
                    self.assertEqual((total, choices), (len(expected), expected))
                    self.assertEqual((time, span_id), (violation["witnesses"][0]["start"], expected[0][0]))
                    self.assertEqual(shown(violation), shown(told["eval"]))

    def test_tests_of_rule_files_know_them_too(self):
        for witness, code in (("a1", 0), ("a2", 0), ("a3", 1)):
            done = run_cli("test", self.write("rules.yaml", TEST % (json.dumps(DSL), witness)))
            self.assertEqual(done.returncode, code, (witness, done.stdout, done.stderr))


def told_start(line):
    return min(int(one["startTimeUnixNano"]) for part in json.loads(line)["resourceSpans"] for scope in part["scopeSpans"] for one in scope["spans"])


if __name__ == "__main__":
    unittest.main()
