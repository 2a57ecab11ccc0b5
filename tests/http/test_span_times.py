"""Spans without a start or an end, and some that end before they start: no output says 1970 of them, nor a length that is none. One trace of each kind
goes through every command and path that tells times of spans; what is told in words and in JSON is named here."""
import json
import os
import re
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402

AT = 1795714899314983200  # 2026-11-26
SECOND, MS = 1_000_000_000, 1_000_000
KINDS = {"not ended": [(AT, 0)], "no start": [(0, AT)], "no time": [(0, 0)], "backwards": [(AT, AT - 5 * MS)], "beside": [(AT, AT + SECOND), (AT + MS, 0), (0, 0)]}
IDS = {kind: f"{number:032x}" for number, kind in enumerate(KINDS, 0xBE01)}
DSL = 'never { import.where(duration < 600000h or span.name == "import") }'  # broken whatever its times are, which it shows
# What JSON says of places and not of spans: where a violation is placed ("time"), and what range was asked of these files.
PLACES = ("time", "coverage", "looked_at")
FALSE = re.compile(r"1970|-\d+ns|-\d{6}|[1-9]\d{15,}ns|\b\d{6,}m\d\ds|20\d{5,}d")


def without_places(value):
    if isinstance(value, dict):
        return {key: without_places(item) for key, item in value.items() if key not in PLACES}
    return [without_places(item) for item in value] if isinstance(value, list) else value


def of_spans(text):
    """Of a document, or of lines of them, what is said of spans; other text as it is."""
    try:
        return json.dumps(without_places(json.loads(text)))
    except ValueError:
        lines = text.splitlines()
        is_json = bool(lines) and all(line.startswith("{") for line in lines)
        return "\n".join(json.dumps(without_places(json.loads(line))) for line in lines) if is_json else text


def write_traces(path):
    with open(path, "w", encoding="utf-8") as file:
        for kind, times in KINDS.items():
            spans = []
            for start_ns, end_ns in times:
                span = otlp.span(IDS[kind], "step" if spans else "import", start_ns, parent=spans[0]["spanId"] if spans else "")
                span["endTimeUnixNano"] = str(end_ns)
                spans.append(span)
            file.write(json.dumps(otlp.request(spans, "shop")) + "\n")


class SpanTimes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.traces = os.path.join(folder.name, "traces.jsonl")
        write_traces(cls.traces)

    def run_it(self, command, *arguments, dsl=DSL):
        done = run_cli(command, *arguments, "--dsl", dsl, "--traces", self.traces)
        self.assertIn(done.returncode, (0, 1, 3), done.stderr)
        self.assert_nothing_false(done.stdout)
        return done.stdout

    def assert_nothing_false(self, text):
        self.assertIsNone(FALSE.search(of_spans(text)), text)

    def test_a_trace_in_words(self):
        heads = {"not ended": "2026-11-26T17:41:39.314Z  not ended", "no start": "time unknown  no start", "no time": "time unknown  not ended",
                 "backwards": "2026-11-26T17:41:39.314Z  ends before it starts", "beside": "2026-11-26T17:41:39.314Z  1.00s"}
        witnesses = {"not ended": "at +0ns, not ended", "no start": "shop, no start", "no time": "no start, not ended", "backwards": "at +0ns, ends before it starts"}
        for kind, head in heads.items():
            with self.subTest(kind):
                text = self.run_it("trace", IDS[kind])
                self.assertIn(f"{IDS[kind]}  {head}  ", text)
                self.assertIn(witnesses.get(kind, "at +0ns for 1.00s"), text)
        self.assertRegex(self.run_it("trace", IDS["beside"]), r"(?m)step +shop +not ended")
        self.assertRegex(self.run_it("trace", IDS["backwards"]), r"(?m)^1 import +shop +backwards")

    def test_a_trace_in_json(self):
        whole = {"not ended": (True, None, 0, None), "no start": (False, None, None, None), "no time": (False, None, None, None), "backwards": (True, None, 0, None),
                 "beside": (True, SECOND, 0, SECOND)}
        for kind, (has_start, duration, offset, length) in whole.items():
            with self.subTest(kind):
                trace = json.loads(self.run_it("trace", IDS[kind], "--json"))
                self.assertEqual((trace["start"] is not None, trace["duration_ns"]), (has_start, duration))
                self.assertEqual((trace["spans"][0]["start_offset_ns"], trace["spans"][0]["duration_ns"]), (offset, length))
                witness, = trace["verdicts"][0]["violation"]["witnesses"]
                self.assertEqual((witness["start"] is not None, witness["duration"]), (has_start, "1s" if length else None))

    def test_every_other_command(self):
        for arguments in ((), ("--json",), ("--output", "jsonl"), ("--output", "junit"), ("--output", "github")):
            with self.subTest(arguments=arguments):
                self.assertIn("0000be01", self.run_it("replay", *arguments))
        for command in ("eval", "first", "suggest", "contrast"):
            for arguments in ((), ("--json",)):
                with self.subTest(command, arguments=arguments):
                    if command == "suggest":
                        done = run_cli(command, *arguments, self.traces)
                        self.assert_nothing_false(done.stdout)
                    else:
                        self.assertTrue(self.run_it(command, *arguments))
        self.assertIn("import, not ended (shop): ", self.run_it("replay"))
        self.assertIn("time unknown", self.run_it("replay"))

    def test_the_api(self):
        with Betrace("--traces", self.traces) as server:
            self.assertEqual(server.post("/v1/rules", {"id": "none", "dsl": DSL}).status, 201)
            for kind, trace_id in IDS.items():
                with self.subTest(kind):
                    answer = server.get(f"/v1/traces/{trace_id}/verdicts")
                    self.assert_nothing_false(answer.body.decode())
                    trace = answer.json()
                    self.assertEqual(trace["start"] is None, kind in ("no start", "no time"))
                    self.assertEqual(trace["end"] is None, kind in ("not ended", "no time"))
                    witness, = trace["verdicts"][0]["violation"]["witnesses"]
                    self.assertEqual(witness["duration"], "1s" if kind == "beside" else None)


if __name__ == "__main__":
    unittest.main(verbosity=1)
