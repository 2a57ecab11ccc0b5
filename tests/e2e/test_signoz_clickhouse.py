"""What distribution/signoz asks for is what BeTrace sends: watch runs over a ClickHouse with SigNoz's table, and the filters, groups and columns of the
dashboard and the rules are held to the spans that come. What a real SigNoz took and answered is in tests/recorded/signoz: the files and the commands of
docs/howto/alert-in-signoz.md have to be those."""
import contextlib
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "clickhouse")]
import doc_pages  # noqa: E402
from betrace_process import Betrace  # noqa: E402
from clickhouse_server import ClickHouse  # noqa: E402
from otlp_protobuf import request_of  # noqa: E402
from otlp_receiver import OtlpReceiver  # noqa: E402
from trace_files import BEGIN, span, trace, trace_id  # noqa: E402

FILES = os.path.join(ROOT, "distribution", "signoz")
PAGE = os.path.join(ROOT, "docs", "howto", "alert-in-signoz.md")
RULES = {"severe": ("when { checkout } never { refund }", "high"), "other": ("when { checkout } always { receipt }", "medium")}
WITNESS = "00000000000000c1"
TEMPLATE = "https://signoz.example/trace/{trace_id}?spanId={span_id}"
CHECKPOINT, VIOLATION = "betrace.watch", "betrace.violation"
TEST = re.compile(r"(\S+) (=|IN|NOT IN) (\(.*?\)|'[^']*'|\d+)(?: AND |$)")


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return json.load(file)


def recorded(name):
    return read(ROOT, "tests", "recorded", "signoz", name)


def panel_queries():
    return {name: panel["spec"]["queries"][0]["spec"]["plugin"]["spec"] for name, panel in read(FILES, "dashboard.json")["spec"]["panels"].items()}


def rule_queries():
    return {rule["alert"]: rule["condition"]["compositeQuery"]["queries"][0]["spec"] for rule in read(FILES, "rules.json")}


def value_of(value):
    (kind, content), = value.items()
    return int(content) if kind == "intValue" else content


def spans_of(seen):
    """{attribute: value} of each span that came, with its `name`."""
    for _, _, body in seen:
        for resource in request_of(body)["resourceSpans"]:
            for one in (one for scope in resource["scopeSpans"] for one in scope["spans"]):
                yield {"name": one["name"], "start": int(one["startTimeUnixNano"]), **{a["key"]: value_of(a["value"]) for a in one["attributes"]}}


def literals(text):
    return [int(word) if word.isdigit() else word.strip("'") for word in re.findall(r"'[^']*'|\d+", text)]


def meets(span_sent, expression):
    """Whether a filter of ours finds it, as SigNoz means it: NOT IN holds also where the key is not there."""
    tests = TEST.findall(expression)
    if "".join(f"{key} {sign} {right} AND " for key, sign, right in tests)[:-5] != expression:
        raise AssertionError(f"a filter that this test cannot read: {expression}")
    return all((span_sent.get(key) in literals(right)) != (sign == "NOT IN") for key, sign, right in tests)


class WhatIsSent(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        clickhouse = cls.stack.enter_context(ClickHouse())
        receiver = cls.stack.enter_context(OtlpReceiver())
        folder = cls.stack.enter_context(tempfile.TemporaryDirectory(prefix="betrace-signoz-"))
        cls.path = os.path.join(folder, "traces.jsonl")
        cls.load(clickhouse, [trace(1, span("ping"))], create=True)
        betrace = cls.stack.enter_context(Betrace(
            "--store", clickhouse.url("signoz_traces", "distributed_signoz_index_v3"), "--otlp", receiver.url, "--watch", "--interval", "1s", "--settle", "1s",
            "--trace-link-template", TEMPLATE))
        for rule, (dsl, severity) in RULES.items():
            answer = betrace.post("/v1/rules", {"id": rule, "dsl": dsl, "severity": severity})
            assert answer.status == 201, answer
        # What is sent does not come into the table, so watch stays behind from the first violation on: its 0 has to come before.
        cls.send(clickhouse, betrace, lambda number: trace(number, span("ping")), lambda: cls.says_none(receiver))
        cls.send(clickhouse, betrace, lambda number: trace(1000 + number, span("checkout", id=WITNESS), span("refund", at=2)), lambda: len(cls.violations(receiver)) == 2)
        cls.now_ns = time.time_ns()
        cls.sent = list(spans_of(receiver.seen))

    @classmethod
    def send(cls, clickhouse, betrace, make, has_come):
        """A trace every two seconds; watch begins with those that come after it."""
        deadline, number = time.monotonic() + 60, 7
        while not has_come():
            assert time.monotonic() < deadline, betrace.lines[-5:]
            cls.load(clickhouse, [make(number)])
            number += 1
            time.sleep(2)

    @staticmethod
    def says_none(receiver):
        return any(one["name"] == CHECKPOINT and one.get("betrace.violation.count") == 0 for one in spans_of(receiver.seen))

    @staticmethod
    def violations(receiver):
        return {one["betrace.violation.rule_id"]: one for one in spans_of(receiver.seen) if one["name"] == VIOLATION}

    @classmethod
    def load(cls, clickhouse, lines, create=False):
        """Traces of this moment."""
        now = str(time.time_ns())
        with open(cls.path, "w", encoding="utf-8") as file:
            file.write("".join(re.sub(r'TimeUnixNano": "(\d+)"', lambda m: f'TimeUnixNano": "{int(m.group(1)) - BEGIN + int(now)}"', line) for line in lines))
        clickhouse.load(cls.path, "signoz", "signoz_traces", create=create)

    def found_by(self, expression):
        return [one for one in self.sent if meets(one, expression)]

    def test_each_rule_finds_what_it_is_about(self):
        queries = rule_queries()
        self.assertEqual(set(queries), {"BeTraceSevereViolation", "BeTraceViolation", "BeTraceCannotLook"})
        for alert, rule in (("BeTraceSevereViolation", "severe"), ("BeTraceViolation", "other")):
            self.assertEqual({one["betrace.violation.rule_id"] for one in self.found_by(queries[alert]["filter"]["expression"])}, {rule})
        self.assertEqual({one["name"] for one in self.found_by(queries["BeTraceCannotLook"]["filter"]["expression"])}, {CHECKPOINT})

    def test_each_panel_finds_what_it_is_about(self):
        for name, query in panel_queries().items():
            expected = set() if name == "taken-back" else {CHECKPOINT} if name == "checkpoints" else {VIOLATION}
            self.assertEqual({one["name"] for one in self.found_by(query["filter"]["expression"])}, expected, name)

    def test_groups_and_columns_are_attributes_that_are_sent(self):
        violation = next(one for one in self.sent if one["name"] == VIOLATION)
        groups = [key for query in [*panel_queries().values(), *rule_queries().values()] for key in query.get("groupBy", [])]
        columns = read(FILES, "dashboard.json")["spec"]["panels"]["newest"]["spec"]["plugin"]["spec"]["selectFields"]
        for key in groups + [column for column in columns if column["name"] != "timestamp"]:
            self.assertEqual((key["fieldContext"], key["fieldDataType"], type(violation.get(key["name"]))), ("attribute", "string", str), key)
        for rule in read(FILES, "rules.json"):
            self.assertEqual(rule["notificationSettings"]["groupBy"], [key["name"] for key in rule["condition"]["compositeQuery"]["queries"][0]["spec"].get("groupBy", [])])
            for name in re.findall(r"\$(betrace[\w.]*\w)", json.dumps(rule["annotations"])):
                self.assertIn(name, rule["notificationSettings"]["groupBy"])

    def test_a_violation_is_of_the_present_and_links_to_its_trace(self):
        for one in (one for one in self.sent if one["name"] == VIOLATION):
            self.assertLess(self.now_ns - one["start"], 120 * 10**9)
            expected = TEMPLATE.replace("{trace_id}", one["betrace.violation.trace_id"]).replace("{span_id}", WITNESS)
            self.assertEqual(one["betrace.violation.trace_url"], expected)
            self.assertGreaterEqual(one["betrace.violation.trace_id"], trace_id(7))


class OverARestart(unittest.TestCase):
    """A checkpoint is found again in a table that keeps its numbers as text, or rounded, and texts as dates: else what lies between would be skipped, and nobody told."""

    def test_watch_goes_on(self):
        for schema, database, table in (("signoz", "signoz_traces", "distributed_signoz_index_v3"), ("map", "otel", "otel_traces"), ("json", "otel", "otel_traces"),
                                        ("jaeger", "jaeger", "spans")):
            with self.subTest(schema), ClickHouse() as clickhouse, OtlpReceiver() as receiver, tempfile.TemporaryDirectory(prefix="betrace-signoz-") as folder:
                path = os.path.join(folder, "t.jsonl")
                self.load(clickhouse, path, [trace(1, span("ping"))], schema, database, create=True)
                serve = ["--store", clickhouse.url(database, table), "--otlp", receiver.url, "--watch", "--interval", "1s", "--settle", "1s"]
                with Betrace(*serve, db=os.path.join(folder, "rules.db")) as betrace:
                    self.assertEqual(betrace.post("/v1/rules", {"id": "severe", "dsl": RULES["severe"][0]}).status, 201)
                    deadline = time.monotonic() + 60
                    while not any(one["name"] == CHECKPOINT for one in spans_of(receiver.seen)):
                        self.assertLess(time.monotonic(), deadline, betrace.lines)
                        time.sleep(0.2)
                self.load(clickhouse, path, [json.dumps(request_of(body)) + "\n" for _, _, body in receiver.seen], schema, database)
                with Betrace(*serve, db=os.path.join(folder, "rules.db")) as betrace:
                    deadline = time.monotonic() + 60
                    while not any("watch goes on" in line or "watch begins" in line for line in betrace.lines):
                        self.assertLess(time.monotonic(), deadline, betrace.lines)
                        time.sleep(0.2)
                    self.assertFalse([line for line in betrace.lines if "watch begins" in line])

    @staticmethod
    def load(clickhouse, path, lines, schema, database, create=False):
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(lines))
        clickhouse.load(path, schema, database, create=create)


def keys_of(document):
    """Names of fields, without those that somebody chose."""
    if isinstance(document, list):
        return {key for item in document for key in keys_of(item)}
    if not isinstance(document, dict):
        return set()
    return {key for name, value in document.items() for key in
            {name} | (set() if name in ("labels", "annotations") else keys_of(list(value.values()) if name == "panels" else value))}


class WhatSigNozTook(unittest.TestCase):
    def test_the_files_are_those_that_it_took(self):
        taken = [(one["path"], one["body"]) for one in recorded("commands.json") if one["status"] == 201]
        self.assertEqual([body for path, body in taken if path == "/api/v2/dashboards"], [read(FILES, "dashboard.json")])
        self.assertEqual([body for path, body in taken if path == "/api/v2/rules"], read(FILES, "rules.json"))

    def test_terraform_hands_on_every_field(self):
        """The provider has names of its own, so a field that main.tf does not read would be lost."""
        with open(os.path.join(FILES, "main.tf"), encoding="utf-8") as file:
            text = file.read()
        constant = {"version", "links", "variables", "type"}  # always the same, and said there
        for name in ("dashboard.json", "rules.json"):
            lost = {key for key in keys_of(read(FILES, name)) - constant if f".{key}" not in text and f'["{key}"]' not in text}
            self.assertEqual(lost, set(), name)
        for panel in read(FILES, "dashboard.json")["spec"]["panels"].values():
            self.assertIn(f'"{panel["spec"]["plugin"]["kind"]}"', text)

    def test_the_commands_of_the_page_are_those_that_it_answered(self):
        """The page's commands against what was recorded: another request is refused."""
        exchanges, asked = recorded("commands.json"), []

        class Recorded(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                found = next((one for one in exchanges if (one["path"], one["body"]) == (self.path, body)), {"status": 400, "answer": {}})
                asked.append((self.path, found["status"], self.headers["SIGNOZ-API-KEY"]))
                answer = json.dumps(found["answer"]).encode()
                self.send_response(found["status"])
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        with open(PAGE, encoding="utf-8") as file:
            serve, commands = [text for _, info, text in doc_pages.blocks(file.read()) if "checked=clickhouse" in info]
        self.assertIn("--trace-link-template", serve)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorded)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        with tempfile.TemporaryDirectory(prefix="betrace-signoz-") as folder:
            os.makedirs(os.path.join(folder, "distribution"))
            os.symlink(FILES, os.path.join(folder, "distribution", "signoz"))
            text = commands.replace("http://signoz:8080", f"http://127.0.0.1:{server.server_port}")
            done = subprocess.run(["bash", "-ec", text], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "success\n" * len(exchanges)), done.stderr)
        self.assertEqual(asked, [(one["path"], 201, "the-key") for one in exchanges])

    def test_its_answers_to_the_queries_have_violations(self):
        """The dashboard's queries found violation spans, and those of before the first one nothing."""
        queries = panel_queries()
        for name, has_some in (("queries-empty.json", False), ("queries.json", True)):
            answered = {one["panel"]: one for one in recorded(name)}
            self.assertEqual({panel: one["body"]["compositeQuery"]["queries"][0]["spec"]["filter"] for panel, one in answered.items()},
                             {panel: query["filter"] for panel, query in queries.items()})
            for panel, one in answered.items():
                result = one["answer"]["data"]["data"]["results"][0]
                some = [part["series"] for part in result.get("aggregations") or [] if part["series"]] or result.get("rows") or result.get("data")
                self.assertEqual((one["status"], bool(some)), (200, has_some and panel != "taken-back"), panel)
        row = answered["newest"]["answer"]["data"]["data"]["results"][0]["rows"][0]["data"]
        self.assertEqual(row["betrace.violation.trace_url"].split("?")[0].split("/")[-1], row["betrace.violation.trace_id"])

    def test_its_webhooks_name_the_rule(self):
        hooks = recorded("webhooks.json")
        for alert in ("BeTraceSevereViolation", "BeTraceViolation"):
            told = [one["body"]["alerts"][0] for one in hooks if one["body"]["alerts"][0]["labels"]["alertname"] == alert]
            self.assertEqual([one["status"] for one in told], ["firing", "resolved"])
            for one in told:
                self.assertIn(one["labels"]["betrace.violation.rule_id"], one["annotations"]["summary"])
        blind = [one["body"]["status"] for one in hooks if one["body"]["alerts"][0]["labels"]["alertname"].endswith("BeTraceCannotLook")]
        self.assertEqual(blind[:2], ["firing", "resolved"])


if __name__ == "__main__":
    unittest.main()
