"""What real data holds and a rule's author does not expect: codes as texts, values that are lists of maps, keys with numbers and slashes. Also events
that are counted, and a span that lacks what the others have. One table says of each such trace and rule what is right. eval, replay, first and listen
have to say it."""
import itertools
import json
import os
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402

HYGIENE = os.path.join(ROOT, "distribution", "packs", "otel-hygiene.yaml")
START_NS = 1772000000 * 10**9
INTERNAL, SERVER, CLIENT = 1, 2, 3
ALL = ("eval", "replay", "first", "listen")
SEND = """
import os, sys, urllib.request
for line in open(sys.argv[1], "rb"):
    urllib.request.urlopen(urllib.request.Request(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces", line, {"Content-Type": "application/json"}))
"""


def value(of):
    if isinstance(of, dict):
        return of
    return {"intValue": str(of)} if isinstance(of, int) else {"stringValue": of}


def attributes(of):
    """Of a list of pairs a key may stand twice."""
    return [{"key": key, "value": value(one)} for key, one in (of.items() if isinstance(of, dict) else of)]


def record(trace, number, name, kind, service, at_ms=0, length_ms=90, of=None, parent=None, resource=None, **more):
    """One span, and what a collector's file exporter writes of it: a line of its own. length_ms None: it has no end."""
    span = {"traceId": f"{trace:032x}", "spanId": f"{number:016x}", "name": name, "kind": kind, "startTimeUnixNano": str(START_NS + at_ms * 10**6),
            "attributes": attributes(of or {}), **more}
    if length_ms is not None:
        span["endTimeUnixNano"] = str(START_NS + (at_ms + length_ms) * 10**6)
    if parent is not None:
        span["parentSpanId"] = f"{parent:016x}"
    about = attributes({"service.name": service, **(resource or {})})
    return json.dumps({"resourceSpans": [{"resource": {"attributes": about}, "scopeSpans": [{"scope": {"name": "lib"}, "spans": [span]}]}]})


CODE_AS_TEXT = [record(0x61, 1, "in", SERVER, "edge", of={"http.method": "GET", "http.status_code": "500"}),
                record(0x61, 2, "GET /items", SERVER, "items", 3, 80, {"http.method": "GET", "http.status_code": 500}, 1, status={"code": 2})]
TWO_TYPES = [record(0x71, 1, "in", SERVER, "edge", of={"http.status_code": "503"}), record(0x72, 1, "in", SERVER, "edge", of={"http.status_code": "200"}),
             record(0x72, 2, "GET /items", SERVER, "items", 3, 80, {"http.status_code": 200}, 1)]
MESSAGES = {"arrayValue": {"values": [{"kvlistValue": {"values": [{"key": "role", "value": {"stringValue": "assistant"}}]}}]}}
STRUCTURED = [record(0xB3, 1, "chat m", CLIENT, "agent", of={"gen_ai.output.messages": MESSAGES})]
CALLED = "llm.output_messages.0.message.tool_calls.0.tool_call.function.name"
NUMBERED = [record(0xC1, 1, "llm call", INTERNAL, "agent", of={CALLED: "delete_records"})]
COMPONENT = "k8s.pod.labels.app.kubernetes.io/component"
SLASH = [record(0xD1, 1, "GET /", SERVER, "shop", resource={COMPONENT: "db"})]
RETRIES = [record(0xE1, 1, "send", CLIENT, "web", events=[{"name": "retry", "timeUnixNano": str(START_NS + number * 10**7)} for number in range(5)])]
ROUTES = [record(0xF2, 1, "GET /", SERVER, "web", of={"http.route": "/"}), record(0xF2, 2, "GET /x", SERVER, "web", 5, 50, parent=1)]
ATTEMPTS = [record(0x81, 1, "GET /order", SERVER, "web"), record(0x81, 2, "GET", CLIENT, "web", 5, 40, {"code": 504}, 1, status={"code": 2}),
            record(0x81, 2, "GET", CLIENT, "web", 60, 40, {"code": 200}, 1)]
LENGTHS = [record(0x82, 1, "GET", CLIENT, "web", 5, 40, {"code": 504}), record(0x82, 1, "GET", CLIENT, "web", 5, 60, {"code": 504})]
RUNNING = [record(0x91, 1, "import", SERVER, "web", length_ms=None), record(0x91, 2, "db.query", CLIENT, "web", 10, 5, parent=1)]
TWICE = [record(0xA1, 1, "pay", INTERNAL, "web", of=[("amount", 1), ("amount", 2000)])]
DROPPED = [record(0xF1, 1, "export", INTERNAL, "web", of={"rows": 5}, droppedAttributesCount=3, droppedEventsCount=7)]
DROPPED_OF_EVENT = [record(0xF5, 1, "export", INTERNAL, "web", events=[{"name": "pii.read", "timeUnixNano": str(START_NS), "droppedAttributesCount": 2}])]
FAILED_CALL = "never { span(span.kind == client and span.status == error) }"


class Case:
    """verdicts: trace → what is right, or None where the rule is refused. warns: what each command says of the rule. notes: what each command says
    of the data. sentence: the violation's."""

    def __init__(self, name, lines, rule, verdicts, warns=(), notes=(), sentence=None, pack=None):
        self.name, self.lines, self.rule, self.verdicts = name, lines, rule, verdicts
        self.warns, self.notes, self.sentence, self.pack = warns, notes, sentence, pack

    def given(self, command):
        if not self.pack:
            return ("--dsl", self.rule)
        return ("--rules", self.pack) if command == "eval" else ("--rules", self.pack, "--rule", self.rule)

    def is_about(self, one):
        return one["rule_id"] == (self.rule if self.pack else "dsl")

    def violated(self):
        return {trace for trace, verdict in self.verdicts.items() if verdict == "violated"}

    def is_open(self):
        return "inconclusive" in self.verdicts.values()

    def status(self):
        return 1 if self.violated() else 3 if self.is_open() else 0


CASES = (
    Case("two attempts of one id", ATTEMPTS, FAILED_CALL, {0x81: "inconclusive"}),
    Case("the same, the last one first", ATTEMPTS[::-1], FAILED_CALL, {0x81: "inconclusive"}),
    Case("what both attempts have", ATTEMPTS, "never { span(span.kind == client and code > 100) }", {0x81: "violated"}, sentence="GET (web): there is a span"),
    Case("what takes one time in one attempt and another in the other", LENGTHS, "never { GET.where(span.duration > 10ms and code > 100) }", {0x82: "violated"},
         sentence="GET, its records differ in length (web, code = 504): there is"),
    Case("after the end of what goes on", RUNNING, "when { import as r } never { db.query after r.end }", {0x91: "inconclusive"}),
    Case("how long what goes on takes", RUNNING, "when { import as r } always { r.where(span.duration < 2s) }", {0x91: "inconclusive"}),
    Case("a key that stands twice", TWICE, "never { pay.where(amount > 1000) }", {0xA1: "inconclusive"}),
    Case("a key that stands twice, with what both have", TWICE, "never { pay.where(amount > 0) }", {0xA1: "violated"}, sentence="pay (web): there is"),
    Case("an attribute that was dropped", DROPPED, "when { export as e } always { e.where(exists(user.id)) }", {0xF1: "inconclusive"}),
    Case("an event that was dropped", DROPPED, 'never { export.where(event.name == "pii.read") }', {0xF1: "inconclusive"}),
    Case("an attribute of an event that was dropped", DROPPED_OF_EVENT, "never { export.where(exists(event.user)) }", {0xF5: "inconclusive"}),
    Case("a code as text, by the pack", CODE_AS_TEXT, "otel-server-error-not-marked", {0x61: "violated"}, sentence="in (edge, http.status_code = 500)", pack=HYGIENE),
    Case("one key of two types", TWO_TYPES, "never { span(http.status_code >= 500) }", {0x71: "violated", 0x72: "satisfied"}),
    Case("a list of maps", STRUCTURED, "never { span(exists(gen_ai.output.messages)) }", {0xB3: "satisfied"},
         notes=("`gen_ai.output.messages` was a map, a list of maps, bytes, or a list that is empty or mixed, in 1 of 1 spans",)),
    Case("a key with numbers, quoted", NUMBERED, f'never {{ span("{CALLED}" == "delete_records") }}', {0xC1: "violated"}),
    Case("a key with numbers, unquoted", NUMBERED, f'never {{ span({CALLED} == "delete_records") }}', None,
         warns=("E010", "a key that has more than words and dots is written in quotes", f'fix: write `"{CALLED}"`')),
    Case("a star in a key", NUMBERED, f'never {{ span("{CALLED.replace("0", "*")}" == "delete_records") }}', {0xC1: "satisfied"}, warns=("W017",),
         notes=("is an attribute of no span in the 1 trace that was read",)),
    Case("a key with a slash, unquoted", SLASH, f'never {{ shop.where({COMPONENT} == "db") }}', {0xD1: "satisfied"},
         warns=("W016", "a key with a slash is written in quotes", f'fix: write `"{COMPONENT}"`')),
    Case("a key with a slash, quoted", SLASH, f'never {{ shop.where("{COMPONENT}" == "db") }}', {0xD1: "violated"}),
    Case("an attribute called count", RETRIES, "trace.has(event.count > 3)", {0xE1: "satisfied"}, warns=("W002", "fix: write `event.count(true)`")),
    Case("spans with an event, counted", RETRIES, 'trace.has(count(event.name == "retry") > 3)', {0xE1: "satisfied"},
         warns=("W025", 'fix: write `event.count(event.name == "retry")`')),
    Case("events of one span, counted", RETRIES, 'trace.has(event.count(event.name == "retry") > 3)', {0xE1: "violated"}),
    Case("not all have it", ROUTES, "when { span(span.kind == server) } always { every(span(span.kind == server), exists(http.route)) }", {0xF2: "violated"},
         sentence="GET /x (web): not all of span(span.kind == server) meet exists(http.route)"),
)


def by_trace(found, case):
    return {int(one["trace_id"], 16) for one in found if case.is_about(one)}


class EdgesOfData(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-edges-")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "traces.jsonl")

    def run_case(self, case, command, *flags):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in case.lines))
        if command == "listen":
            return run_cli(command, *case.given(command), "--settle", "200ms", "--strict", *flags, "--", sys.executable, "-c", SEND, self.path)
        return run_cli(command, *case.given(command), *(("--all",) if command == "eval" else ()), *flags, "--traces", self.path)

    def answer_of(self, case, command):
        """(violated traces, sentences of violations, notes) that a command gives as JSON."""
        done = self.run_case(case, command, "--json")
        self.assertEqual(done.returncode, case.status(), done.stdout + done.stderr)
        if command == "eval":
            *rows, last = map(json.loads, done.stdout.splitlines())
            judged = {int(row["trace_id"], 16): row["verdict"] for row in rows if case.is_about(row)}
            self.assertEqual(judged, case.verdicts)
            violations, notes = [row["violation"] for row in rows if row["verdict"] == "violated"], last["summary"]["notes"]
        elif command == "first":
            answer = json.loads(done.stdout)
            self.assertEqual((answer["status"], answer["proven"]), ("incomplete" if case.is_open() else "completed", bool(case.violated())))
            violations, notes = [answer["violation"]] if answer["found"] else [], answer["notes"]
        else:
            answer = json.loads(done.stdout)
            violations, notes = answer["violations"], answer["notes"]
        return by_trace(violations, case), [one["message"] for one in violations if case.is_about(one)], [note["message"] for note in notes if case.is_about(note)]

    def test_verdicts_and_notes(self):
        for case, command in itertools.product([case for case in CASES if case.verdicts], ALL):
            with self.subTest(case=case.name, command=command):
                found, sentences, notes = self.answer_of(case, command)
                self.assertEqual(found, case.violated())
                for sentence in sentences if case.sentence else []:
                    self.assertIn(case.sentence, sentence)
                self.assertEqual(len(notes), len(case.notes), notes)
                for wanted, note in zip(case.notes, notes):
                    self.assertIn(wanted, note)

    def test_warnings_and_notes_for_people(self):
        for case, command in itertools.product(CASES, ALL):
            with self.subTest(case=case.name, command=command):
                done = self.run_case(case, command)
                for wanted in case.warns:
                    self.assertIn(wanted, done.stderr)
                for wanted in case.notes:
                    self.assertIn(wanted, done.stdout)
                if case.verdicts is None:
                    self.assertEqual((done.returncode, done.stdout), (2, ""), "it is refused, and nothing is judged")
                elif not case.warns:
                    self.assertNotIn("warning[", done.stderr)


class NotesOfFirst(unittest.TestCase):
    """`first` looks at many windows: a trace counts once in what it says of the data, and so does the service."""
    RULE = "never { span(http.status_code >= 500) }"
    SAYS = "`http.status_code` was a string in 4 of 12 spans, and here it is compared with a number: it reads as none"

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-edges-")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "traces.jsonl")
        lines = [record(number, 1, "in", SERVER, "edge", number * 3600 * 1000 * 20, of={"http.status_code": "busy" if number % 3 == 0 else "200"})
                 for number in range(1, 13)]
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))

    def test_each_trace_counts_once(self):
        done = run_cli("first", "--dsl", self.RULE, "--json", "--traces", self.path)
        answer = json.loads(done.stdout)
        self.assertGreater(answer["windows"], 2)
        self.assertEqual(([note["message"] for note in answer["notes"]], answer["traces_noted"]), ([self.SAYS], 12))
        self.assertIn(f"note: dsl: {self.SAYS} (12 traces looked at)\n", run_cli("first", "--dsl", self.RULE, "--traces", self.path).stdout)

    def test_over_http(self):
        with Betrace("--memory-source") as service, open(self.path, encoding="utf-8") as file:
            spans = [resource for line in file for resource in json.loads(line)["resourceSpans"]]
            self.assertEqual(service.request("POST", "/v1/spans", {"resourceSpans": spans}).status, 200)
            self.assertEqual(service.request("POST", "/v1/rules", {"id": "busy", "name": "Busy", "dsl": self.RULE}).status, 201)
            answer = service.request("GET", "/v1/rules/busy/first-violation?start=2026-02-01T00:00:00Z&end=2026-04-01T00:00:00Z").json()
        self.assertEqual(([note["message"] for note in answer["notes"]], answer["notes"][0]["rule_id"], answer["traces_noted"]), ([self.SAYS], "busy", 12))


if __name__ == "__main__":
    unittest.main()
