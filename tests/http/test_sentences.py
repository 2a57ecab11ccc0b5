"""Every sentence of tests/cases/eval/sentences.case is the same wherever people read it: commands, API, and spans.

The table's traces go into one file, its rules into one rule file. What the table says of a pair of a rule and a trace
has to be the end of each message about that pair, and the whole of what is said of its choice.
"""
import concurrent.futures
import html
import json
import os
import pathlib
import re
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "spec"), str(HERE.parent / "tempo")]
import adapter  # noqa: E402
import case_text  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402
from otlp_receiver import OtlpReceiver  # noqa: E402

TABLE = HERE.parent / "cases" / "eval" / "sentences.case"
FEWEST_SENTENCES = 40
SHIFT_NS = 10**9  # a start of 0 is one that nobody set
RANGE = ("--start", "1970-01-01T00:00:00Z", "--end", "1970-02-01T00:00:00Z")


class Row:
    """One sentence: of which rule, about which trace."""

    def __init__(self, number, dsl, trace_id, says):
        self.rule_id, self.dsl, self.trace_id, self.says = f"row-{number:02}", dsl, trace_id, says

    def said(self):
        """A pattern of the message behind the span that it is about: every(…) has which span fails its test behind it."""
        is_every = self.says.startswith("not all of ") and "every(" in self.dsl
        return re.escape(self.says) + ("; span [0-9a-f]{16} does not" if is_every else "")

    def pair(self):
        return self.rule_id, self.trace_id


def read_table():
    """(rows, {trace id: spans})."""
    rows, traces, dsl = [], {}, None
    for _, fields in case_text.read_cases(TABLE):
        for key, value in fields:
            if key == "trace":
                trace_id = f"{len(traces) + 1:032x}"
                traces[trace_id] = [dict(span, **{key: None if span[key] is None else str(span[key]) for key in ("start_ns", "end_ns")})
                                    for span in case_text.read_trace(value)]
            elif key == "rule":
                dsl = value
            elif key == "says":
                rows.append(Row(len(rows) + 1, dsl, None, value))
            if rows and key == "says":
                rows[-1].trace_id = f"{len(traces):032x}"
    return rows, traces


def otlp_line(trace_id, spans):
    text = json.dumps(adapter.otlp_document([{"spans": spans}], SHIFT_NS), ensure_ascii=False)
    return text.replace("0102030405060708090a0b0c0d0e0f10", trace_id) + "\n"


class Sentences(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="betrace-sentences-"))
        cls.rows, traces = read_table()
        cls.traces, cls.rules = (os.path.join(cls.folder, name) for name in ("traces.jsonl", "rules.yaml"))
        pathlib.Path(cls.traces).write_text("".join(otlp_line(*one) for one in traces.items()), encoding="utf-8")
        cls.definitions = [{"id": row.rule_id, "dsl": row.dsl} for row in cls.rows]
        pathlib.Path(cls.rules).write_text(json.dumps({"rules": cls.definitions}), encoding="utf-8")

    def hold(self, messages, where):
        """messages: {(rule id, trace id): what is said}. Each ends with the table's sentence; behind that of every(…) stands which span fails its test."""
        for row in self.rows:
            with self.subTest(where=where, rule=row.dsl):
                self.assertIn(row.pair(), messages)
                about, colon, said = messages[row.pair()].partition(": ")
                self.assertTrue(about and colon)
                self.assertRegex(said, f"^{row.said()}$")

    def run_command(self, *arguments):
        done = run_cli(*arguments, "--rules", self.rules, "--traces", self.traces)
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stdout

    def of_violations(self, violations, where):
        self.hold({(one["rule_id"], one["trace_id"]): one["message"] for one in violations}, where)
        choices = {(one["rule_id"], one["trace_id"]): one["failed"]["message"] for one in violations}
        for row in self.rows:
            self.assertEqual(choices[row.pair()], row.says, where)

    # ---- the table ----

    def test_the_table_is_long_enough(self):
        self.assertGreaterEqual(len(self.rows), FEWEST_SENTENCES)
        self.assertEqual(len({row.pair() for row in self.rows}), len(self.rows))

    def test_the_span_that_fails_the_test_is_named(self):
        """`when` shows both spans, and the first of them passes: of the first the sentence would not be true."""
        common = {"kind": 2, "status": {}}
        spans = [{"traceId": "f2" * 16, "spanId": f"{number:016x}", "name": name, "startTimeUnixNano": str(number), "endTimeUnixNano": "9",
                  "attributes": [{"key": key, "value": {"stringValue": "/"}} for key in keys], **common}
                 for number, name, keys in ((1, "GET /", ["http.route"]), (2, "GET /x", []), (3, "GET /y", []))]
        traces = os.path.join(self.folder, "every.jsonl")
        pathlib.Path(traces).write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}) + "\n", encoding="utf-8")
        test = "every(span(span.kind == server), exists(http.route))"
        for rule in (f"when {{ span(span.kind == server) }} always {{ {test} }}", f"when {{ span(span.kind == server) as r }} always {{ {test} }}",
                     f"when {{ span(span.kind == server) }} always {{ span(span.kind == server) and\n {test} }}"):
            with self.subTest(rule=rule):
                done = run_cli("eval", "--dsl", rule, "--json", traces)
                violation = json.loads(done.stdout.splitlines()[0])["violation"]
                self.assertEqual(violation["message"], "GET /x: not all of span(span.kind == server) meet exists(http.route); span 0000000000000002 does not")

    def orphan(self, **attributes):
        """A file of one trace, whose root lacks its parent."""
        span = {"traceId": "f3" * 16, "spanId": "a1".zfill(16), "parentSpanId": "ff".zfill(16), "name": "checkout", "startTimeUnixNano": "1000", "endTimeUnixNano": "2000",
                "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]}
        child = {**span, "spanId": "a2".zfill(16), "parentSpanId": "a1".zfill(16), "name": "charge", "attributes": []}
        path = os.path.join(self.folder, "orphan.jsonl")
        pathlib.Path(path).write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span, child]}]}]}) + "\n", encoding="utf-8")
        return path

    def test_a_missing_parent_is_named_where_something_is_not_there(self):
        traces = self.orphan()
        lacks = "; the trace lacks span 00000000000000ff, the parent of checkout"
        for rule, says in (("when { charge } always { refund }", "no refund in this trace" + lacks), ("trace.has(charge) and not trace.has(refund)", "no refund in this trace" + lacks),
                           ("when { charge } always { count(charge) >= 2 }", "count(charge) is 1, expected >= 2" + lacks),
                           ("when { charge } always { count(charge) < 1 }", "count(charge) is 1, expected < 1"), ("never { charge }", "there is charge, and there must be none"),
                           ("when { charge } always { every(charge, exists(k)) }", "not all of charge meet exists(k); span 00000000000000a2 does not")):
            with self.subTest(rule=rule):
                message = json.loads(run_cli("eval", "--dsl", rule, "--json", traces).stdout.splitlines()[0])["violation"]["message"]
                self.assertEqual(message, f"charge: {says}")
                for command in (("eval",), ("replay", *RANGE), ("first", *RANGE)):
                    self.assertIn(message, run_cli(*command, "--dsl", rule, "--traces", traces).stdout, command)

    def test_incomplete_where_eval_is_told_so(self):
        traces = self.orphan()
        rule = "when { charge } always { refund }"
        for flags, code, counted in (((), 1, "violated"), (("--require-complete",), 3, "inconclusive")):
            done = run_cli("eval", "--dsl", rule, *flags, "--json", traces)
            summary = json.loads(done.stdout.splitlines()[-1])["summary"]
            self.assertEqual((done.returncode, summary[counted]), (code, 1), done)
            self.assertEqual(run_cli("replay", "--dsl", rule, *flags, *RANGE, "--traces", traces).returncode, code, "a replay says the same")
        self.assertEqual(run_cli("eval", "--dsl", "never { charge }", "--require-complete", traces).returncode, 1, "what is there is there")
        rules = os.path.join(self.folder, "own.yaml")
        pathlib.Path(rules).write_text(f"rules:\n  - id: own\n    dsl: '{rule}'\n    require_complete: false\n", encoding="utf-8")
        self.assertEqual(run_cli("eval", rules, "--require-complete", traces).returncode, 1, "what a rule says for itself goes before")

    def test_long_texts_are_cut_between_words(self):
        """The message is for a line; the whole stands beside it in JSON."""
        text = '{"error": "the payment provider did not answer in time", "code": 503}'
        traces = self.orphan(doc=text)
        violation = json.loads(run_cli("eval", "--dsl", 'never { span(doc contains "error") }', "--json", traces).stdout.splitlines()[0])["violation"]
        self.assertEqual(violation["message"], 'checkout (doc = {"error": "the payment provider did…): there is a span where doc contains "error", and there must be none')
        self.assertEqual(violation["witnesses"][0]["attributes"], {"doc": text})
        wanted = " or ".join(f'refund.where(reason contains "word{number} and more")' for number in range(12))
        violation = json.loads(run_cli("eval", "--dsl", f"when {{ charge }} always {{ not charge and ({wanted}) or {wanted} }}", "--json", traces).stdout.splitlines()[0])["violation"]
        sentence, ellipsis, lacks = violation["message"].partition("…")
        self.assertLessEqual(len(violation["message"].encode()), 256)
        whole = "charge: " + violation["failed"]["message"]
        self.assertTrue(ellipsis and whole.startswith(sentence + " "), (sentence, whole))
        self.assertEqual(lacks, "; the trace lacks span 00000000000000ff, the parent of checkout")
        unbroken = json.loads(run_cli("eval", "--dsl", "never { span(exists(doc)) }", "--json", self.orphan(doc="ä" * 40)).stdout.splitlines()[0])
        self.assertIn("doc = " + "ä" * 18 + "…)", unbroken["violation"]["message"])

    # ---- commands ----

    def test_eval(self):
        done = run_cli("eval", "--rules", self.rules, self.traces)
        found = {}
        for line in done.stdout.splitlines():
            if line.startswith("violated"):
                _, rule_id, trace_id, message = line.split("  ", 1)[0], *line.split(None, 3)[1:]
                found[rule_id, trace_id] = message
        self.hold(found, "eval")

    def test_eval_json(self):
        done = run_cli("eval", "--rules", self.rules, "--json", self.traces)
        objects = [json.loads(line) for line in done.stdout.splitlines()]
        self.of_violations([one["violation"] for one in objects if one.get("verdict") == "violated"], "eval --json")

    def test_replay(self):
        found = {}
        for line in self.run_command("replay", *RANGE, "--limit", "0").splitlines():
            words = line.split(None, 3)
            if len(words) == 4 and words[2].startswith("row-"):
                found[words[2], words[1]] = words[3]
        self.hold(found, "replay")

    def test_replay_json(self):
        answer = json.loads(self.run_command("replay", *RANGE, "--limit", "0", "--json"))
        self.of_violations(answer["violations"], "replay --json")

    def test_replay_junit(self):
        report = html.unescape(self.run_command("replay", *RANGE, "--limit", "0", "--format", "junit"))
        for row in self.rows:
            self.assertRegex(report, f": {row.said()}\n")

    def test_first(self):
        def first(row):
            done = run_cli("first", "--rules", self.rules, "--rule", row.rule_id, "--traces", self.traces, *RANGE, "--json")
            return json.loads(done.stdout)["violation"]

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            found = list(pool.map(first, self.rows))
        known = {row.pair(): row for row in self.rows}
        told = [(known[pair], one["message"]) for one in found if (pair := (one["rule_id"], one["trace_id"])) in known]
        self.assertGreater(len(told), len(self.rows) // 3, "the first violation of many rules is the table's")
        for row, message in told:
            self.assertRegex(message.partition(": ")[2], f"^{row.said()}$")

    def test_trace(self):
        for trace_id in {row.trace_id for row in self.rows}:
            drawn = run_cli("trace", trace_id, "--rules", self.rules, "--traces", self.traces).stdout
            lines = drawn.splitlines()
            for row in (one for one in self.rows if one.trace_id == trace_id):
                (place,) = [place for place, line in enumerate(lines) if f" {row.rule_id}: violated" in line]
                self.assertEqual(lines[place + 1].strip(), row.says, drawn)

    def test_the_tests_of_rules(self):
        """What `betrace test` says of a violation that nobody expected."""
        path = os.path.join(self.folder, "expected.yaml")
        rules = [{**one, "tests": [{"name": "t", "trace": [{"span": "checkout", "service": "shop"}], "expect": "satisfied"}]}
                 for one in self.definitions[:4]]
        pathlib.Path(path).write_text(json.dumps({"rules": rules}), encoding="utf-8")
        done = run_cli("test", path)
        self.assertEqual(done.returncode, 1, done.stderr)
        for row in self.rows[:4]:
            self.assertIn(f"line 1: {row.says}\n", done.stdout)

    # ---- the service ----

    def serve(self, *arguments):
        server = Betrace("--traces", self.traces, *arguments)
        server.start()
        self.addCleanup(server.__exit__)
        for rule in self.definitions:
            self.assertEqual(server.post("/v1/rules", rule).status, 201)
        return server

    def test_api(self):
        server = self.serve()
        verdicts, tested = [], {}
        for trace_id in {row.trace_id for row in self.rows}:
            verdicts += [one["violation"] for one in server.get(f"/v1/traces/{trace_id}/verdicts").json()["verdicts"]]
        self.of_violations([one for one in verdicts if one], "GET /v1/traces/{trace_id}/verdicts")
        for row in self.rows:
            answer = server.post("/v1/rules/test", {"dsl": row.dsl, "trace_id": row.trace_id}).json()
            tested[row.pair()] = answer["violation"]["message"]
        self.hold(tested, "POST /v1/rules/test")

    def test_replays_and_their_spans(self):
        with OtlpReceiver() as receiver:
            server = self.serve("--otlp", receiver.url)
            found = []
            for row in self.rows:
                body = {"start_time": RANGE[1], "end_time": RANGE[3]}
                self.assertIn(server.post(f"/v1/rules/{row.rule_id}/replay", body).status, (200, 201, 202))
                found += server.violations(server.wait_replay(row.rule_id)["replay_id"])
            self.of_violations(found, "GET /v1/replays/{replay_id}/violations")
            sent = b"".join(body for _, _, body in receiver.seen)
        for one in found:
            self.assertIn(one["message"].encode(), sent, "betrace.violation.message of the span")


if __name__ == "__main__":
    unittest.main(verbosity=1)
