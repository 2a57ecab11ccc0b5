"""--own-traces: what BeTrace tells of itself. A span of each call, one of each question below it, and who called above."""
import http.server
import os
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support")]
import otlp_protobuf  # noqa: E402
import prometheus_text  # noqa: E402
from before_store import Handler  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402
from otlp_receiver import OtlpReceiver  # noqa: E402

CALLER, ABOVE, READ = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "0102030405060708090a0b0c0d0e0f10"
SERVER, CLIENT, ERROR = 2, 3, 2
GOOD = f"00-{CALLER}-{ABOVE}-01"
BAD = ["", "0", "00", "00-", GOOD[:-1], GOOD + "0", GOOD + "-", GOOD + "-00", "ff" + GOOD[2:], GOOD.upper(), "0x" + GOOD[2:], "0" + GOOD, "-" + GOOD, "." + GOOD[1:],
       GOOD.replace("-", "_"), GOOD.replace("-", ""), GOOD.replace("-", "--"), GOOD.replace("-", " "), f"00-{'0' * 32}-{ABOVE}-01", f"00-{CALLER}-{'0' * 16}-01",
       f"00-{CALLER[:-1]}-{ABOVE}-01", f"00-{CALLER}0-{ABOVE}-01", f"00-{CALLER}-{ABOVE[:-1]}-01", f"00-{CALLER}-{ABOVE}0-01", f"00-{CALLER[:-1]}g-{ABOVE}-01",
       f"00-{CALLER}-{ABOVE[:-1]}G-01", f"00-{CALLER}-{ABOVE}-0x", f"00-{CALLER}-{ABOVE}-.1", f"00-{CALLER}-{ABOVE}-1", f"00-{ABOVE}-{CALLER}-01", f"00-{CALLER}-{ABOVE}",
       f"01-{CALLER}-{ABOVE}-01.x", f"01-{CALLER}-{ABOVE}-011", f"cc-{'0' * 32}-{ABOVE}-01-what-comes", f"{GOOD},{GOOD}", f"{GOOD};x=1", f"\"{GOOD}\""]


class Store(Handler):
    """A store in disorder, that keeps who asked."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("traceparent")))
        self.answer(404, b"trace not found", [("Content-Type", "text/plain")])


class OwnTracesTest(unittest.TestCase):
    def setUp(self):
        self.store = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Store)
        self.store.daemon_threads, self.store.asked = True, []
        threading.Thread(target=self.store.serve_forever, args=(0.05,), daemon=True).start()
        self.addCleanup(self.store.server_close)
        self.addCleanup(self.store.shutdown)

    def serve(self, receiver, *more):
        return Betrace("--tempo", f"http://127.0.0.1:{self.store.server_port}", "--tempo-user", "who", "--otlp", receiver.url, *more,
                       env={**os.environ, "BETRACE_TEMPO_PASSWORD": "secret-password"})

    def ask(self, server, traceparent=None):
        answer = server.post("/v1/rules/test", {"dsl": 'never { span(span.name == "secret-name") }', "trace_id": READ},
                             headers={"Authorization": "Bearer secret-token", **({} if traceparent is None else {"traceparent": traceparent})})
        self.assertEqual(answer.status, 503, answer)

    def spans(self, receiver, enough):
        """Until `enough` of them is true."""
        def seen():
            return [span for _, _, body in list(receiver.seen) for of_service in otlp_protobuf.request_of(body)["resourceSpans"]
                    for scope in of_service["scopeSpans"] for span in scope["spans"]]
        self.until(lambda: enough(seen()), "the spans come")
        return seen()

    def until(self, is_so, what):
        until = time.monotonic() + 60
        while not is_so():
            self.assertLess(time.monotonic(), until, what)
            time.sleep(0.05)

    def wait_for_outcomes(self, server, expected):
        """What was sent is counted when its answer has come."""
        self.until(lambda: self.outcomes(server) == expected, expected)

    def outcomes(self, server):
        return {labels["outcome"]: value for _, labels, value in prometheus_text.read(server.get("/metrics").body.decode())["betrace_own_spans_total"].samples}

    def test_a_call_and_its_questions_in_the_trace_of_who_called(self):
        with OtlpReceiver() as receiver, self.serve(receiver, "--own-traces") as server:
            server.get("/health")
            self.ask(server, GOOD)
            server.get("/v1/rules/secret-rule?secret=1", headers={"traceparent": GOOD})
            spans = self.spans(receiver, lambda spans: sum(span["kind"] == SERVER for span in spans) == 2)
            call, other = sorted((span for span in spans if span["kind"] == SERVER), key=lambda span: span["name"], reverse=True)
            questions = [span for span in spans if span["kind"] == CLIENT]
            self.assertEqual((call["name"], call["traceId"], call["parentSpanId"]), ("POST /v1/rules/test", CALLER, ABOVE))
            self.assertEqual(self.attributes(call), {"http.request.method": "POST", "http.route": "/v1/rules/test", "http.response.status_code": "503"})
            self.assertEqual(call["status"]["code"], ERROR)
            self.assertEqual((other["name"], self.attributes(other)["http.response.status_code"]), ("GET /v1/rules/{id}", "404"))
            self.assertNotIn("code", other.get("status", {}), "that nothing is there is no error of the service")
            self.assertTrue(questions)
            for span in questions:
                self.assertEqual((span["name"], span["traceId"], span["parentSpanId"], span["status"]["code"]), ("GET", CALLER, call["spanId"], ERROR))
                self.assertEqual(self.attributes(span), {"http.request.method": "GET", "server.address": "127.0.0.1", "server.port": str(self.store.server_port),
                                                         "betrace.question": "by_id", "http.response.status_code": "404"})
                self.assertLessEqual(int(call["startTimeUnixNano"]), int(span["startTimeUnixNano"]))
            told = {header for path, header in self.store.asked if header}
            self.assertEqual(told, {f"00-{CALLER}-{span['spanId']}-01" for span in questions}, "the store hears of each question's span")
            # Nothing of a question but its kind, and no trace of sending: neither a span nor a header.
            sent = b"".join(body for _, _, body in receiver.seen)
            for secret in (b"secret", READ.encode(), bytes.fromhex(READ), b"/health", b"/metrics"):
                self.assertNotIn(secret, sent)
            self.assertEqual([headers.get("traceparent") for _, headers, _ in receiver.seen], [None] * len(receiver.seen))
            self.wait_for_outcomes(server, {"sent": len(spans), "failed": 0, "dropped": 0})
            resource = otlp_protobuf.request_of(receiver.seen[0][2])["resourceSpans"][0]["resource"]
            self.assertEqual({a["key"] for a in resource["attributes"]}, {"service.name", "service.version", "service.instance.id"})

    def attributes(self, span):
        return {a["key"]: next(iter(a["value"].values())) for a in span["attributes"]}

    def test_what_is_no_traceparent_begins_a_new_trace(self):
        with OtlpReceiver() as receiver, self.serve(receiver, "--own-traces") as server:
            for text in BAD:
                self.ask(server, text)
            spans = self.spans(receiver, lambda spans: sum(span["kind"] == SERVER for span in spans) == len(BAD))
            calls = [span for span in spans if span["kind"] == SERVER]
            self.assertEqual([span for span in calls if span.get("parentSpanId") or span["traceId"] == CALLER], [])
            self.assertEqual(len({span["traceId"] for span in calls}), len(BAD))

    def test_a_version_to_come_and_a_trace_that_nobody_keeps(self):
        with OtlpReceiver() as receiver, self.serve(receiver, "--own-traces") as server:
            self.ask(server, GOOD[:-2] + "00")
            self.assertEqual({header[-3:] for _, header in self.store.asked if header}, {"-00"}, "the store keeps none either")
            self.ask(server, f"cc-{CALLER}-{ABOVE}-01-what-comes")
            spans = self.spans(receiver, lambda spans: any(span["kind"] == SERVER for span in spans))
            self.assertEqual([span["parentSpanId"] for span in spans if span["kind"] == SERVER], [ABOVE])

    def test_a_receiver_that_hangs_or_refuses_holds_up_nobody(self):
        for answer in ("hang", (400, "text/plain", b"no")):
            with self.subTest(answer=answer), OtlpReceiver(answer) as receiver, self.serve(receiver, "--own-traces") as server:
                self.ask(server)
                self.spans(receiver, lambda spans: spans)
                for _ in range(20):
                    self.ask(server)
                if answer == "hang":
                    self.assertEqual(self.outcomes(server)["sent"], 0)
                    self.assertLess(len(receiver.seen), 20, "calls were answered while a batch hangs")
                else:
                    self.until(lambda: self.outcomes(server)["failed"] > 0, "what is refused is counted")

    def test_off(self):
        with OtlpReceiver() as receiver, self.serve(receiver) as server:
            self.ask(server, GOOD)
            self.assertEqual({header for _, header in self.store.asked}, {None})
            self.assertEqual((self.outcomes(server), receiver.seen), ({"sent": 0, "failed": 0, "dropped": 0}, []))
        done = run_cli("serve", "--memory-source", "--listen", "127.0.0.1:0", "--own-traces")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("--own-traces", done.stderr)


if __name__ == "__main__":
    unittest.main()
