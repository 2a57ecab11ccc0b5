"""`betrace listen`: what a command sends is held to rules, and nothing that did not come is taken for kept. The senders here
are scripts; tests/http/test_listen_sdks.py has real SDKs."""
import gzip
import http.server
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import binary, run_cli, sanitizer_environment  # noqa: E402

RULE = "when { checkout } always { fraud-check }"
SEND = """
import gzip, json, os, sys, urllib.request
def send(body, type="application/json", encoding=None, path="/v1/traces"):
    headers = {"Content-Type": type, **({"Content-Encoding": encoding} if encoding else {})}
    url = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + path
    try:
        return urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30).status
    except urllib.error.HTTPError as error:
        return error.code
"""


def span(name, number, trace=1, parent=None, **attributes):
    one = {"traceId": f"{trace:032x}", "spanId": f"{number:016x}", "name": name, "startTimeUnixNano": str(10**18 + number),
           "endTimeUnixNano": str(10**18 + number + 1000)}
    if parent is not None:
        one["parentSpanId"] = f"{parent:016x}"
    return {**one, "attributes": [{"key": key.replace("_", "."), "value": {"stringValue": value}} for key, value in attributes.items()]}


def document(*spans, service="shop"):
    attributes = [{"key": "service.name", "value": {"stringValue": service}}]
    return json.dumps({"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [{"spans": list(spans)}]}]})


def old_protobuf():
    """A checkout alone, in field 1000 of ResourceSpans."""
    def field(tag, body):
        return tag + bytes([len(body)]) + body
    one = field(b"\x0a", bytes(range(16))) + field(b"\x12", bytes(range(8))) + field(b"\x2a", b"checkout") + b"\x39" + (10**18).to_bytes(8, "little") \
        + b"\x41" + (10**18 + 1000).to_bytes(8, "little")
    return field(b"\x0a", field(b"\xc2\x3e", field(b"\x12", one)))


RIGHT = document(span("checkout", 1), span("fraud-check", 2, parent=1))
WRONG = document(span("checkout", 1, trace=2))


class Receiver(http.server.BaseHTTPRequestHandler):
    """Where spans are sent on to."""

    def do_POST(self):
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


class ListenTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-listen-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def listen(self, script, *flags, rule=RULE, settle="200ms"):
        """With a command that is this Python script; `send` is there."""
        return run_cli("listen", "--dsl", rule, "--settle", settle, *flags, "--", sys.executable, "-c", SEND + script)

    def send(self, *bodies, flags=(), rule=RULE):
        return self.listen("\n".join(f"assert send({body.encode()!r}) == 200" for body in bodies), *flags, rule=rule)

    def summary(self, done):
        return json.loads(done.stdout)

    # ---- verdicts and exit statuses ----

    def test_what_is_kept_and_what_is_not(self):
        self.assertEqual(self.send(RIGHT).returncode, 0)
        done = self.send(RIGHT, WRONG)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no fraud-check in this trace", done.stdout)
        self.assertIn(f"{2:032x}", done.stdout)
        self.assertIn("2 traces, 3 spans, 1 rule: 1 violated, 0 inconclusive, 1 satisfied; 0 rules not exercised", done.stdout)

    def test_texts_that_are_numbers_and_others(self):
        """A status that was written as a text is found; one that is no number is said in every output."""
        rule = "never { span(http.status_code >= 500) }"
        found = document(span("GET /", 1, http_status__code="503")).replace("http.status..code", "http.status_code")
        done = self.send(found, flags=("--json",), rule=rule)
        self.assertEqual((done.returncode, self.summary(done)["notes"]), (1, []), done.stdout)
        busy = document(span("GET /", 1, http_status__code="busy")).replace("http.status..code", "http.status_code")
        sentence = "`http.status_code` was a string in 1 of 1 spans, and here it is compared with a number: it reads as none"
        self.assertIn(f"note: dsl: {sentence}\n", self.send(busy, rule=rule).stdout)
        junit, sarif = (os.path.join(self.folder, name) for name in ("out.xml", "out.sarif"))
        done = self.send(busy, flags=("--json", "--report", f"junit={junit}", "--report", f"sarif={sarif}"), rule=rule)
        self.assertEqual((done.returncode, [note["message"] for note in self.summary(done)["notes"]]), (0, [sentence]), done.stderr)
        self.assertEqual(ElementTree.parse(junit).findtext(".//testcase/system-out"), sentence + "\n")
        with open(sarif, encoding="utf-8") as file:
            (result,) = json.load(file)["runs"][0]["results"]
        self.assertEqual((result["level"], result["message"]["text"]), ("note", sentence + "\n"))
        self.assertIn(f"::notice title=betrace dsl%3A about the data::{sentence}", self.send(busy, flags=("--report", "github"), rule=rule).stdout)

    def test_no_span_is_not_no_violation(self):
        done = self.listen("")
        self.assertEqual(done.returncode, 3)
        self.assertIn("no span came, so nothing is known", done.stderr)

    def test_the_commands_status_comes_first(self):
        done = self.listen(f"send({WRONG.encode()!r}); sys.exit(7)")
        self.assertEqual(done.returncode, 7)
        self.assertIn("the command ended with 7", done.stdout)
        self.assertIn("no fraud-check", done.stdout)
        self.assertEqual(self.listen("os.kill(os.getpid(), 9)").returncode, 137)

    def test_a_command_that_cannot_be_started(self):
        done = run_cli("listen", "--dsl", RULE, "--", "no-such-program-here")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no-such-program-here cannot be started: No such file or directory", done.stderr)

    def test_usage(self):
        for flags in (("--report", "html"), ("--report", "junit="), ("--report", "sarif="), ("--report", "github,"), ("--only", "shop"), ("--settle", "soon"), ("--for", "0s")):
            self.assertEqual(run_cli("listen", "--dsl", RULE, *flags, "--", "true").returncode, 2, flags)
        self.assertEqual(run_cli("listen", "--", "true").returncode, 2, "no rule")
        self.assertEqual(run_cli("listen", "--dsl", "when {", "--", "true").returncode, 2, "a broken rule")

    # ---- what is known, and what is not ----

    def test_a_trace_comes_in_pieces(self):
        late = document(span("fraud-check", 2, parent=1))
        self.assertEqual(self.send(document(span("checkout", 1)), late).returncode, 0)

    def test_spans_that_come_after_the_command(self):
        script = f"""
if os.fork() == 0:
    import time; time.sleep(0.4); send({document(span("fraud-check", 2, parent=1)).encode()!r}); os._exit(0)
send({document(span("checkout", 1)).encode()!r})
os._exit(0)
"""
        self.assertEqual(self.listen(script, settle="5s").returncode, 0)

    def test_a_parent_that_never_came(self):
        orphan = document(span("checkout", 1, parent=9))
        done = self.send(orphan)
        self.assertEqual(done.returncode, 0)
        self.assertIn("inconclusive  dsl: 1 trace", done.stdout)
        self.assertEqual(self.send(orphan, flags=["--strict"]).returncode, 3)

    def test_what_cannot_be_read_is_not_forgotten(self):
        for script in ("assert send(b'{') == 400", "assert send(b'x', 'application/x-protobuf') == 400", "assert send(b'a', 'text/plain') == 415",
                       "assert send(b'junk', encoding='gzip') == 400", "assert send(b'{}', encoding='br') == 415"):
            done = self.listen(f"assert send({RIGHT.encode()!r}) == 200\n{script}")
            self.assertEqual(done.returncode, 3, f"{script}\n{done.stderr}")
            self.assertIn("1 request could not be taken, so it is not known what it held", done.stderr)

    def test_what_is_too_large_is_not_forgotten(self):
        """The server refuses it before it is read."""
        script = f"""
assert send({RIGHT.encode()!r}) == 200
try:
    assert send(b" " * (17 << 20)) == 413
except OSError:
    pass  # the connection ends with the answer, which may come before all is sent
"""
        done = self.listen(script)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("1 request could not be taken", done.stderr)

    def test_rules_that_nothing_exercised(self):
        self.assertEqual(self.send(RIGHT, rule="when { refund } always { approval }").returncode, 0)
        done = self.send(RIGHT, rule="when { refund } always { approval }", flags=["--require-exercised"])
        self.assertEqual(done.returncode, 3)
        self.assertIn("not exercised dsl", done.stdout)

    def test_what_was_never_exercised(self):
        """By the language's own word, as replay and vacuity count it: with the names that no trace has, and what is near to them."""
        rules = os.path.join(self.folder, "rules.yaml")
        with open(rules, "w", encoding="utf-8") as file:
            file.write("rules:\n- {id: kept, dsl: 'when { checkout } always { fraud-check }'}\n- {id: typo, dsl: 'when { chekout } always { fraud-check }'}\n"
                       "- {id: beside, dsl: 'checkout and refund and not approval'}\n- {id: nowhere, dsl: 'never { refund or void }'}\n- {id: half, dsl: 'never { refund or checkout.where(k == 1) }'}\n")
        junit, document_file = (os.path.join(self.folder, name) for name in ("out.xml", "out.json"))

        def run(*flags):
            return run_cli("listen", rules, "--settle", "200ms", *flags, "--", sys.executable, "-c", SEND + f"assert send({RIGHT.encode()!r}) == 200; print('from the tests')")
        done = run("--report", f"junit={junit},json={document_file}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("from the tests\n", done.stdout)
        self.assertIn("not exercised typo: nothing exercised this rule: no trace has chekout; near: checkout (1 trace)\n", done.stdout)
        self.assertIn("not exercised beside: nothing exercised this rule: no trace has refund\n", done.stdout)
        self.assertIn("names not seen nowhere: ", done.stdout)
        self.assertIn("; 2 rules not exercised\n", done.stdout)
        with open(document_file, encoding="utf-8") as file:
            told = json.load(file)
        self.assertEqual({rule["rule_id"]: (rule["exercised"], rule["names_seen"]) for rule in told["rules"]},
                         {"kept": (True, True), "typo": (False, True), "beside": (False, True), "nowhere": (True, False), "half": (True, True)})
        self.assertEqual([(rule["rule_id"], [name["name"] for name in rule["absent"]]) for rule in told["unexercised"]], [("typo", ["chekout"]), ("beside", ["refund"])])
        cases = {case.get("name"): [(part.tag, part.get("message")) for part in case if part.tag != "system-out"] for case in ElementTree.parse(junit).iter("testcase")}
        self.assertEqual(cases["typo"], [("skipped", "nothing exercised this rule: no trace has chekout; near: checkout (1 trace)")])
        self.assertEqual((cases["kept"], cases["nowhere"]), ([], [("skipped", "no trace has any name of this rule")]))
        with open(os.path.join(self.folder, "came.jsonl"), "w", encoding="utf-8") as file:
            file.write(RIGHT + "\n")
        answer = json.loads(run_cli("replay", "--rules", rules, "--traces", file.name, "--json").stdout)
        self.assertEqual([rule["rule_id"] for rule in answer["unexercised"]], [rule["rule_id"] for rule in told["unexercised"]])
        for flags in (["--rule", "typo"], ["--rule", "nowhere"]):
            self.assertEqual((run(*flags).returncode, run(*flags, "--require-exercised").returncode), (0, 3), flags)
        self.assertEqual(run("--rule", "half", "--rule", "kept", "--require-exercised").returncode, 0)

    def test_an_end_before_the_batch(self):
        """The usual cause of no span at all is said, and of a run that lost something else it is not."""
        told = self.listen("").stderr
        self.assertIn("within 5s, which exporters wait by default", told)
        self.assertNotIn("--only", told)
        self.assertNotIn("within 5s", self.listen(f"send({RIGHT.encode()!r}, path='/v1/trace')").stderr)
        self.assertNotIn("within 5s", self.send(RIGHT).stderr)

    def test_an_exporter_that_speaks_grpc_to_the_port_for_http(self):
        done = self.listen("import socket\nport = int(os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'].rsplit(':', 1)[1])\n"
                           "one = socket.create_connection(('127.0.0.1', port), timeout=30)\n"
                           "one.sendall(b'PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n' + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))\none.recv(2000)\n")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("  1  HTTP/2 came, as gRPC speaks it, to the port for HTTP/1.1: let the exporter speak http/protobuf (OTEL_EXPORTER_OTLP_PROTOCOL), or give --protocol grpc\n", done.stderr)

    def test_a_command_that_does_not_end(self):
        done = self.listen(f"send({RIGHT.encode()!r}); import time; time.sleep(60)", "--for", "11s")
        self.assertIn("the command still runs after 10s; the rules are evaluated when it has ended\n", done.stderr)
        self.assertNotIn("still runs", self.send(RIGHT).stderr)

    def test_only_some_services(self):
        other = document(span("checkout", 5, trace=3), service="kiosk")
        self.assertEqual(self.send(RIGHT, other, flags=["--only", "service=shop"]).returncode, 0)
        self.assertEqual(self.send(RIGHT, other, flags=["--only", "service=kiosk"]).returncode, 1)
        self.assertEqual(self.send(RIGHT, flags=["--only", "service=nosuch"]).returncode, 3)

    def test_time_is_over(self):
        began = time.monotonic()
        done = self.listen(f"send({RIGHT.encode()!r}); import time; time.sleep(60)", "--for", "2s")
        self.assertEqual(done.returncode, 124)
        self.assertIn("had not ended when the time (--for) was over", done.stderr)
        self.assertLess(time.monotonic() - began, 50)

    # ---- forms ----

    def test_gzip_and_other_signals(self):
        script = f"""
assert send(gzip.compress({WRONG.encode()!r}), encoding="gzip") == 200
assert send(b"", "application/x-protobuf", path="/v1/metrics") == 200
assert send(b"{{}}", path="/v1/logs") == 200
assert send({json.dumps(json.loads(RIGHT), indent=2).encode()!r}) == 200
"""
        done = self.listen(script, "--json")
        self.assertEqual((done.returncode, self.summary(done)["spans"], self.summary(done)["traces"]), (1, 3, 2), done.stderr)

    def test_spans_under_the_name_of_before_2022(self):
        """Field 1000 of protobuf, instrumentation_library_spans, as in JSON; also from a file."""
        with open(os.path.join(self.folder, "old.pb"), "wb") as file:
            file.write(old_protobuf())
        old_json = WRONG.replace("scopeSpans", "instrumentationLibrarySpans")
        for script in (f"assert send({old_protobuf()!r}, 'application/x-protobuf') == 200", f"assert send({old_json.encode()!r}) == 200"):
            done = self.listen(script, "--json")
            self.assertEqual((done.returncode, self.summary(done)["spans"]), (1, 1), done.stderr)
        self.assertEqual(run_cli("eval", "--dsl", RULE, file.name).returncode, 1)

    def test_what_the_command_is_told(self):
        script = """
names = ("ENDPOINT", "PROTOCOL", "TRACES_ENDPOINT")
values = [os.environ["OTEL_EXPORTER_OTLP_" + name] for name in names]
assert values[0].startswith("http://127.0.0.1:") and values[1:] == ["http/protobuf", values[0] + "/v1/traces"], values
assert os.environ["OTEL_TRACES_SAMPLER"] == "always_on" and "127.0.0.1" in os.environ["no_proxy"]
import signal
assert not signal.pthread_sigmask(signal.SIG_BLOCK, []), "no signal is blocked"
"""
        self.assertEqual(self.listen(script).returncode, 3)

    def test_tests_are_told_apart(self):
        first, second = (document(span("checkout", 1, trace=trace, test_name=f"test {trace}")) for trace in (7, 8))
        done = self.send(first, second, document(span("fraud-check", 2, trace=8, parent=1)), flags=["--json"])
        self.assertEqual(self.summary(done)["tests"], {"test 7": 1, "test 8": 0})
        self.assertEqual([one["test"] for one in self.summary(done)["violations"]], ["test 7"])

    def test_the_resource_may_name_the_test(self):
        named = json.loads(WRONG)
        named["resourceSpans"][0]["resource"]["attributes"].append({"key": "test.name", "value": {"stringValue": "of the resource"}})
        done = self.send(json.dumps(named), flags=["--json"])
        self.assertEqual(self.summary(done)["tests"], {"of the resource": 1})

    # ---- reports ----

    def test_reports(self):
        path = os.path.join(self.folder, "junit.xml")
        done = self.send(WRONG, flags=["--report", f"junit={path}", "--report", "github"])
        self.assertRegex(done.stdout, r"(?m)^::error title=betrace dsl::0{31}2  checkout \(shop\): no fraud-check in this trace%0A$")
        case, = ElementTree.parse(path).getroot().iter("testcase")
        self.assertEqual((case.get("name"), case.find("failure").get("message")), ("dsl", "1 trace"))
        self.listen("", "--report", f"junit={path}")
        names = {case.get("name"): [child.tag for child in case] for case in ElementTree.parse(path).getroot().iter("testcase")}
        self.assertEqual(names, {"spans": ["error"], "dsl": ["skipped"]}, "no span is no pass")

    def sarif(self, *bodies, rules, flags=()):
        """The one run of the log, of rules in a file."""
        path, log = os.path.join(self.folder, "my rules.yaml"), os.path.join(self.folder, "log.sarif")
        with open(path, "w", encoding="utf-8") as file:
            file.write("rules:\n" + "".join(f"- id: {name}\n  dsl: {dsl}\n" for name, dsl in rules.items()))
        script = "\n".join(f"assert send({body.encode()!r}) == 200" for body in bodies)
        done = run_cli("listen", path, "--settle", "200ms", "--report", f"sarif={log},github", *flags, "--", sys.executable, "-c", SEND + script)
        with open(log, encoding="utf-8") as file:
            one, = json.load(file)["runs"]
        return done, one

    def test_sarif_and_annotations_at_the_lines_of_rules(self):
        rules = {"kept": "when { checkout } always { checkout }", "broken": RULE, "unseen": "when { refund } always { approval }"}
        done, run = self.sarif(WRONG, rules=rules, flags=["--require-exercised"])
        self.assertEqual(done.returncode, 1)
        found = [(one["ruleId"], one["level"], one["locations"][0]["physicalLocation"]["region"]["startLine"]) for one in run["results"]]
        self.assertEqual(found, [("broken", "error", 4), ("broken", "note", 4), ("unseen", "error", 6), ("unseen", "note", 6)])
        self.assertIn("`fraud-check` is the name of no span and no service", run["results"][1]["message"]["text"])
        self.assertIn(f"{2:032x}", run["results"][0]["message"]["text"])
        self.assertTrue(run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith("/my%20rules.yaml"))
        self.assertTrue(run["invocations"][0]["executionSuccessful"])
        self.assertRegex(done.stdout, r"(?m)^::error file=.*my rules\.yaml,line=4,col=1,title=betrace broken::")

    def test_sarif_of_what_is_not_known(self):
        _, run = self.sarif(document(span("checkout", 1, parent=9)), rules={"late": RULE})
        self.assertEqual([(one["ruleId"], one["level"]) for one in run["results"]], [("late", "warning"), ("late", "note")])
        done, run = self.sarif(rules={"late": RULE})
        self.assertEqual((done.returncode, run["invocations"][0]["executionSuccessful"]), (3, False), "no span is no success")

    def test_saved_traces_say_the_same(self):
        path = os.path.join(self.folder, "traces.jsonl")
        self.send(RIGHT, WRONG, flags=["--save", path])
        done = run_cli("eval", "--dsl", RULE, "--all", "--json", path)
        verdicts = sorted(json.loads(line)["verdict"] for line in done.stdout.splitlines()[:-1])
        self.assertEqual(verdicts, ["satisfied", "violated"])

    def test_saved_traces_keep_what_leaves_a_rule_open(self):
        """Records that differ, keys that stand twice (five of them are more records than a span keeps), trace states, and what was dropped, of
        the span and of its parts."""
        def key(name, value):
            return {"key": name, "value": {"intValue": value}}
        doubled = [key(name, value) for name in "kmnop" for value in (1, 2)]
        spans = [{**span("checkout", 1), "attributes": [key("k", 1)]}, {**span("checkout", 1), "attributes": [key("k", 2)]},
                 {**span("checkout", 1, trace=2), "attributes": doubled[:2]}, {**span("checkout", 1, trace=3), "attributes": doubled},
                 {**span("checkout", 1, trace=4), "traceState": "v=1", "flags": 257, "droppedAttributesCount": 2, "droppedLinksCount": 1},
                 {**span("checkout", 1, trace=5), "events": [{"name": "e", "timeUnixNano": "1", "droppedAttributesCount": 1}],
                  "links": [{"traceId": "9" * 32, "spanId": "9" * 16, "droppedAttributesCount": 1}]}]
        rules = ["never { checkout.where(k == 2) }", "never { checkout.where(o == 2) }", "never { checkout.where(q == 1) }", "never { checkout.where(k == 3) }",
                 'never { checkout.where(span.trace_state["v"] == "1") }', "never { checkout.where(exists(link.trace_id)) }", "never { checkout.where(span.flags > 0) }",
                 "never { checkout.where(exists(event.k)) }", "never { checkout.where(exists(link.k)) }", "never { checkout.where(exists(resource.k)) }"]
        lost = json.loads(document(span("checkout", 1, trace=6)))
        lost["resourceSpans"][0]["resource"]["droppedAttributesCount"] = 1
        documents = [*(document(one) for one in spans), json.dumps(lost)]
        came, saved = (os.path.join(self.folder, name) for name in ("came.jsonl", "saved.jsonl"))
        with open(came, "w", encoding="utf-8") as file:
            file.write("".join(one + "\n" for one in documents))
        self.send(*documents, flags=["--save", saved])
        said = set()
        for rule in rules:
            with self.subTest(rule=rule):
                right, kept = ([(one["trace_id"], one["verdict"], one.get("reason")) for one in map(json.loads, run_cli("eval", "--dsl", rule, "--all", "--json", path).stdout.splitlines()[:-1])]
                               for path in (came, saved))
                self.assertEqual(len(right), 6)
                self.assertEqual(kept, right)
                said.update((verdict, reason) for _, verdict, reason in right)
        self.assertEqual(said, {("satisfied", None), ("violated", None), ("inconclusive", "copies"), ("inconclusive", "dropped")})

    def test_sent_on(self):
        for status in (200, 400):
            with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as other:
                other.bodies, other.status = [], status
                threading.Thread(target=other.serve_forever, daemon=True).start()
                done = self.send(RIGHT, flags=["--forward", f"http://127.0.0.1:{other.server_port}"])
                other.shutdown()
            self.assertEqual(done.returncode, 0, "what another receiver does changes no verdict")
            self.assertEqual(other.bodies, [RIGHT.encode()])
            self.assertEqual("could not be sent on" in done.stderr, status == 400, done.stderr)

    # ---- without a command ----

    def test_until_a_signal(self):
        process = subprocess.Popen([binary(), "listen", "--dsl", RULE, "--settle", "100ms"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=sanitizer_environment())
        told = [process.stderr.readline() for _ in range(2)]
        url = told[1].split("OTEL_EXPORTER_OTLP_ENDPOINT=")[1].split()[0]
        sender = subprocess.run([sys.executable, "-c", f"{SEND}\nassert send({WRONG.encode()!r}) == 200"], check=False,
                                env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": url})
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
        self.assertEqual((sender.returncode, process.returncode), (0, 1), out)

    def test_nothing_is_left_behind(self):
        environment = {**os.environ, "TMPDIR": self.folder}
        run_cli("listen", "--dsl", RULE, "--settle", "10ms", "--", "true", env=environment)
        self.assertEqual(os.listdir(self.folder), [])


if __name__ == "__main__":
    unittest.main()
