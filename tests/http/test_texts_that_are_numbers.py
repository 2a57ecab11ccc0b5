"""Numbers and booleans that a library wrote as texts, as Envoy, Istio, Helidon and tracing of Rust do. Every command that judges finds them, and
every rule of the packs holds on them. What still cannot be compared is said in every output."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from betrace_process import Betrace, binary, run_cli, sanitizer_environment  # noqa: E402

PACKS = os.path.join(ROOT, "distribution", "packs")
START_S = 1772000000
QUOTED = r'"(?:[^"\\]|\\.)*"'
ATTRIBUTES = re.compile(r"attributes: \{(?:" + QUOTED + r'|[^"}])*\}')
SCALAR = re.compile(QUOTED + r"|(?<=: )(?P<scalar>-?\d+(?:\.\d+)?|true|false)(?=[,}])")
SEND = """
import os, sys, urllib.request
with open(sys.argv[1], "rb") as file:
    for line in file:
        url = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces"
        urllib.request.urlopen(urllib.request.Request(url, line, {"Content-Type": "application/json"}), timeout=30).read()
"""
TOO_SLOW = "never { span(http.status_code >= 500) }"


def value(of):
    if isinstance(of, bool):
        return {"boolValue": of}
    if isinstance(of, int):
        return {"intValue": str(of)}
    return of if isinstance(of, dict) else {"stringValue": of}


def trace(number, attributes, kind=2, name="ingress", service="frontend-proxy"):
    start_ns = (START_S + number) * 10 ** 9
    span = {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": name, "kind": kind, "startTimeUnixNano": str(start_ns),
            "endTimeUnixNano": str(start_ns + 90_000_000), "attributes": [{"key": key, "value": value(of)} for key, of in attributes.items()]}
    resource = {"attributes": [{"key": "service.name", "value": value(service)}]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]})


def messages(answer):
    return "\n".join(note["message"] for note in answer["notes"])


def envoy(number, status):
    """What Envoy's tracer says of a request: all tags are texts."""
    return trace(number, {"component": "proxy", "http.method": "GET", "http.protocol": "HTTP/1.1", "http.status_code": status,
                          "request_size": "0", "response_size": "24", "upstream_cluster": "frontend", "node_id": ""})


class ReadTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, *lines):
        path = os.path.join(self.folder, "traces.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        return path

    def whole(self, path, *more):
        return ("--traces", path, *more)

    def test_the_pack_finds_all_of_envoys_errors(self):
        path = self.write(*(envoy(number, "503" if number % 5 == 0 else "200") for number in range(1, 101)))
        pack = os.path.join(PACKS, "otel-hygiene.yaml")
        done = run_cli("eval", "--rules", pack, "--json", path)
        found = [line for line in map(json.loads, done.stdout.splitlines()) if line.get("rule_id") == "otel-server-error-not-marked"]
        self.assertEqual((done.returncode, len(found)), (1, 20), done.stderr)
        replayed = json.loads(run_cli("replay", "--rules", pack, "--json", *self.whole(path)).stdout)
        self.assertEqual([one["violations_found"] for one in replayed["rules"] if one["rule_id"] == "otel-server-error-not-marked"], [20])

    def test_one_key_of_two_types(self):
        """Half of the services write numbers, half texts."""
        lines = [trace(number, {"http.status_code": of}) for number, of in enumerate(("503", 503, "200", 200, "5e2", "busy"), 1)]
        path = self.write(*lines)
        verdicts = [json.loads(line)["verdict"] for line in run_cli("eval", "--dsl", TOO_SLOW, "--all", "--json", path).stdout.splitlines()[:-1]]
        self.assertEqual(verdicts, ["violated", "violated", "satisfied", "satisfied", "violated", "satisfied"])
        replayed = json.loads(run_cli("replay", "--dsl", TOO_SLOW, "--json", *self.whole(path)).stdout)
        self.assertEqual(sorted(one["trace_id"][-1] for one in replayed["violations"]), ["1", "2", "5"])
        first = run_cli("first", "--dsl", TOO_SLOW, "--json", *self.whole(path))
        self.assertEqual((first.returncode, json.loads(first.stdout)["violation"]["trace_id"][-1]), (1, "1"), first.stderr)
        for dsl, expected in (('never { span(http.status_code == "503") }', 2), ("never { span(http.status_code in [200, 500]) }", 3),
                              ("never { span(http.status_code != 503) }", 4), ("never { span(http.status_code not in [\"503\", 200]) }", 2)):
            done = json.loads(run_cli("replay", "--dsl", dsl, "--json", *self.whole(path)).stdout)
            self.assertEqual(done["violations_found"], expected, dsl)

    def test_every_output_says_what_could_not_be_compared(self):
        """Of some spans, and of all. It changes no exit status."""
        path = self.write(trace(1, {"http.status_code": 200}), trace(2, {"http.status_code": "busy"}), trace(3, {"http.status_code": "200"}))
        self.every_output_says(path, TOO_SLOW, "`http.status_code` was a string in 1 of 3 spans, and here it is compared with a number: it reads as none")
        fine = self.write(trace(1, {"http.status_code": 200}), trace(2, {"http.status_code": "404"}))
        self.assertNotIn("was a string", run_cli("eval", "--dsl", TOO_SLOW, "--all", fine).stdout)

    def test_every_output_says_which_name_no_trace_has(self):
        """With what is near, as it is shown: no name of a span steers a terminal, a log or an assistant."""
        path = self.write(*(trace(number, {}, name=name) for number, name in enumerate(("refunds", "refund\x1b[2J", "refunds"), 1)))
        said = "`refund` is the name of no span and no service in the 3 traces that were read; near: refunds, refund"
        self.every_output_says(path, "never { refund }", said, hidden="\x1b[2J")

    def every_output_says(self, path, dsl, sentence, hidden=""):
        """Each output that a note about the data has, as text or read as what it is. What is hidden in a name follows the sentence: JSON gives it back, and all others show it."""
        outputs = {**self.of_commands(path, dsl), **self.of_listen(path, dsl), **self.of_service(path, dsl), **self.of_mcp(path, dsl)}
        self.assertEqual(len(outputs), 18)
        for output, said in outputs.items():
            shown = hidden if output.endswith(("json", "jsonl", "sarif", "/v1")) else hidden.replace("\x1b", "\\x1b")
            self.assertIn(sentence + shown, said, output)
            if shown != hidden:
                self.assertNotIn("\x1b", said, output)

    def run_well(self, *arguments):
        done = run_cli(*arguments)
        self.assertEqual(done.returncode, 0, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def of_commands(self, path, dsl):
        """{output: what it says} of eval, replay and first."""
        files = ("--dsl", dsl, *self.whole(path))
        outputs = {f"replay {output}": self.run_well("replay", "--output", output, *files) for output in ("text", "json", "jsonl", "junit", "github")}
        outputs |= {"eval": self.run_well("eval", "--all", *files), "eval json": self.run_well("eval", "--all", "--json", *files),
                    "first": self.run_well("first", *files), "first json": self.run_well("first", "--json", *files)}
        summary = {"replay json": json.loads(outputs["replay json"]), "replay jsonl": json.loads(outputs["replay jsonl"].splitlines()[-1])["summary"],
                   "eval json": json.loads(outputs["eval json"].splitlines()[-1])["summary"], "first json": json.loads(outputs["first json"])}
        return {**outputs, **{output: messages(one) for output, one in summary.items()}}

    def of_listen(self, path, dsl):
        junit, sarif = (os.path.join(self.folder, name) for name in ("out.xml", "out.sarif"))
        given = ("listen", "--dsl", dsl, "--settle", "200ms")
        command = ("--", sys.executable, "-c", SEND, path)
        outputs = {"listen": self.run_well(*given, *command), "listen github": self.run_well(*given, "--report", "github", *command)}
        outputs["listen json"] = messages(json.loads(self.run_well(*given, "--json", "--report", f"junit={junit},sarif={sarif}", *command)))
        outputs["listen junit"] = ElementTree.parse(junit).findtext(".//testcase/system-out")
        with open(sarif, encoding="utf-8") as file:
            (result,) = json.load(file)["runs"][0]["results"]
        self.assertEqual(result["level"], "note")
        return {**outputs, "listen sarif": result["message"]["text"]}

    def of_service(self, path, dsl):
        with Betrace("--traces", path) as server:
            self.assertEqual(server.post("/v1/rules", {"id": "one", "dsl": dsl}).status, 201)
            replay = server.post("/v1/replays", {"dsl": dsl, "start_time": START_S, "end_time": START_S + 10}).json()["replay_id"]
            ended = server.wait_job(replay)
            first = server.get(f"/v1/rules/one/first-violation?start={START_S}&end={START_S + 10}").json()
        return {"replays /v1": messages(ended), "first-violation /v1": messages(first)}

    def of_mcp(self, path, dsl):
        """What an assistant reads: the text of the answer, which is the same as JSON."""
        arguments = {"dsl": dsl, "start": str(START_S), "end": str(START_S + 10)}
        asked = [{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}},
                 {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "replay", "arguments": arguments}}]
        done = subprocess.run([binary(), "mcp", *self.whole(path)], input="".join(json.dumps(one) + "\n" for one in asked), capture_output=True, text=True,
                              timeout=60, check=True, env=sanitizer_environment())
        result = next(one["result"] for one in map(json.loads, done.stdout.splitlines()) if one["id"] == 2)
        self.assertEqual(json.loads(result["content"][1]["text"]), result["structuredContent"])
        self.assertIn("result.notes says what", result["content"][0]["text"])
        return {"mcp": messages(result["structuredContent"]["result"]), "mcp text": result["content"][1]["text"].replace("\\\\", "\\")}

    def test_a_list_of_maps_is_said(self):
        maps = {"arrayValue": {"values": [{"kvlistValue": {"values": [{"key": "role", "value": {"stringValue": "user"}}]}}]}}
        path = self.write(trace(1, {"gen_ai.output.messages": maps}), trace(2, {"gen_ai.output.messages": "text"}))
        for output in ("text", "json", "jsonl", "junit", "github"):
            done = run_cli("replay", "--dsl", "never { span(exists(gen_ai.output.messages)) }", "--output", output, *self.whole(path))
            self.assertIn("`gen_ai.output.messages` was a map, a list of maps, bytes, or a list that is empty or mixed, in 1 of 2 spans", done.stdout, output)

    def test_packs_hold_on_texts(self):
        """The tests of every pack, with each number and boolean of an attribute written as a text: the same verdicts. Old and new names are in them."""
        changed = 0
        for pack in sorted(glob.glob(os.path.join(PACKS, "*.yaml"))):
            with open(pack, encoding="utf-8") as file:
                lines = file.read().splitlines()
            for at, line in enumerate(lines):
                for whole in ATTRIBUTES.findall(line):
                    texts = SCALAR.sub(lambda found: json.dumps(as_text(found[0])) if found["scalar"] else found[0], whole)
                    lines[at] = lines[at].replace(whole, texts)
                    changed += texts != whole
            copy = os.path.join(self.folder, os.path.basename(pack))
            with open(copy, "w", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
            done = run_cli("test", copy)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertGreater(changed, 50, "the packs' tests have numbers and booleans")


def as_text(scalar):
    """As PHP, Python and Java write booleans, and numbers as they are."""
    return {"true": "True", "false": "false"}.get(scalar, scalar)


if __name__ == "__main__":
    unittest.main()
