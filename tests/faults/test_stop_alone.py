"""SIGTERM while one kind of work hangs, and nothing else is there that could end it along: a task that outlives what it
uses shows itself here, and hardly where everything hangs at once (test_stop.py). Each kind several times.

    python3 tests/faults/test_stop_alone.py --short
"""
import json
import os
import re
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from silent_names import NAME, SilentNames  # noqa: E402
from stop_case import PATIENCE, RULE, SHORT, StopCase, request  # noqa: E402
from measured_stop import measure_stop  # noqa: E402
from tls_tempo import make_certificate  # noqa: E402

NOON_NS = 1_773_144_000_000_000_000  # 2026-03-10T12:00:00Z
CONTROLLED = f"@SOC2(controls = {{CC7_2}}) {RULE}"
TIMES = 1 if SHORT else 5
VERDICTS = "/v1/traces/00000000000000000000000000000001/verdicts"
EVENTS = "Accept: text/event-stream\r\n"
JSON = "Content-Type: application/json\r\n"
WRITES = 20


class Alone(StopCase):
    def start_with(self, *settings):
        """Another service in the place of the first."""
        self.stop()
        self.settings = settings
        self.server = self.start_service()

    def check(self, what, begin, hanging=None):
        """begin: starts the work; hanging: who is asked then, and does not answer."""
        for _ in range(TIMES):
            if hanging:
                hanging.behaviour = "hang"
            begin()
            if hanging:
                self.wait_for_question(hanging)
            self.check_stop(what)

    def check_asked(self, text, what=None):
        """A call that asks Tempo, or the receiver."""
        self.check(what or text.split(b" ")[1].decode(), lambda: self.ask(text), self.tempo)


class Lanes(Alone):
    """The lanes of server/work/pool.h."""

    def test_source_verdicts(self):
        self.check_asked(request(VERDICTS))

    def test_source_completion(self):
        text = 'trace.has(span["http.route"] == "'
        self.check_asked(request("/v1/dsl/complete", "POST", {"dsl": text, "offset": len(text)}, JSON))

    def test_search_first(self):
        self.check_asked(request("/v1/rules/r1/first-violation?start=now-1h"))

    def test_search_contrast(self):
        self.check_asked(request("/v1/rules/r1/contrast?start=now-1h"))

    def test_search_explain(self):
        self.check_asked(request("/v1/rules/r1/explain?start=now-1h"))

    def test_push(self):
        span = {"trace_id": "1", "span_id": "1", "name": "x", "start_time": int(time.time()), "duration_ms": 1}
        self.check_asked(request("/v1/spans", "POST", {"spans": [span]}, JSON))

    def test_probe_and_check(self):
        self.check_asked(request("/ready"))

    def test_evaluation(self):
        self.check_asked(request("/v1/violations?start=now-1h"))

    def test_evaluation_that_nobody_reads(self):
        """Its reader has gone, and it goes on for a while."""
        def begin():
            self.ask(request("/v1/violations?start=now-1h"))
            self.wait_for_question()
            self.held.pop().close()
        self.check("an evaluation whose reader has gone", begin, self.tempo)

    def test_series(self):
        self.check_asked(request("/v1/violations/series?start=now-1h"))

    def test_report(self):
        self.write_rule("controlled", CONTROLLED)
        self.check_asked(request("/v1/compliance/reports/soc2?start=now-1h"))

    def test_pages_of_violations(self):
        self.check_asked(request("/v1/violations?start=now-1h", more=EVENTS), "a stream of violations")

    def begin_replay(self):
        answer = self.server.post("/v1/replays", {"dsl": RULE, "start_time": "now-1h"})
        self.assertEqual(answer.status, 202, answer)
        return answer.json()["replay_id"]

    def test_replay(self):
        self.check("a replay", self.begin_replay, self.tempo)

    def test_pages_of_replay(self):
        self.check("a stream of a replay", lambda: self.ask(request(f"/v1/replays/{self.begin_replay()}/events", more=EVENTS)), self.tempo)

    def test_compute(self):
        """More rules than there are places, each of which takes a while to compile."""
        texts = [" or ".join(f'trace.has(span.name =~ "(a|b{i}_{j}){{60}}")' for j in range(20)) for i in range(40)]
        self.assertTrue(self.server.post("/v1/rules/validate", {"dsl": texts[0]}).json()["valid"])

        def begin():
            for text in texts:
                self.ask(request("/v1/rules/validate", "POST", {"dsl": text}, JSON))
        self.check("validations", begin)

    def lock_database(self):
        lock = sqlite3.connect(os.path.join(self.folder.name, "rules.db"), isolation_level=None)
        self.addCleanup(lock.close)
        lock.execute("BEGIN IMMEDIATE")
        return lock

    def test_store(self):
        """Another program holds a lock on the rule database: writes wait for its end."""
        for _ in range(TIMES):
            lock = self.lock_database()
            for i in range(WRITES):
                self.ask(request("/v1/rules", "POST", {"id": f"locked-{i}", "dsl": RULE}, JSON))
            time.sleep(0.3)
            stopped = self.stop()
            lock.close()
            self.start_again()
            self.say_and_check("writes that wait for the database", stopped)


class Answers(Alone):
    """What readers hear who waited for Tempo when the stop came: a refusal, or what there is, which says that it is not all."""

    def tool(self, name, **arguments):
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": {"rule_id": "r1", "start": "now-1h", **arguments}}}
        return request("/mcp", "POST", body, JSON)

    def heard_at_stop(self, text):
        self.tempo.behaviour = "hang"
        self.ask(text)
        self.wait_for_question()
        self.assertEqual(self.stop().status, 0)
        answer = b""
        while part := self.held[-1].recv(1 << 16):
            answer += part
        self.start_again()
        return answer.decode()

    def test_none_is_whole(self):
        self.write_rule("controlled", CONTROLLED)
        span = {"trace_id": "1", "span_id": "1", "name": "x", "start_time": int(time.time()), "duration_ms": 1}
        text = 'trace.has(span["http.route"] == "'
        refused = r'HTTP/1.1 503 .*"type":"urn:betrace:problem:stopping"'
        incomplete = r'"reason":"[^"].*"coverage":{"complete":false|"coverage":{"complete":false.*"reason":"[^"]'
        for asked, heard in ((request(VERDICTS), refused), (request("/v1/rules/r1/explain?start=now-1h"), refused),
                             (request("/v1/dsl/complete", "POST", {"dsl": text, "offset": len(text)}, JSON), '"complete":false,"tags":"unavailable"'),
                             (request("/v1/spans", "POST", {"spans": [span]}, JSON), "HTTP/1.1 503 .*may be lost: the service is being stopped"),
                             (request("/ready"), r'HTTP/1.1 503 .*"status":"not_ready"'),
                             (request("/v1/compliance/reports/soc2?start=now-1h"), r'HTTP/1.1 202 .*"status":"running"'),
                             (request("/v1/gate?start=now-1h&baseline=1&candidate=2&rule_id=r1"), '"certain":false.*"coverage":{"complete":false'),
                             *((request(f"/v1/{path}?start=now-1h", more=more), incomplete) for path, more in (
                                 ("rules/r1/first-violation", ""), ("rules/r1/contrast", ""), ("suggestions", ""), ("violations/series", ""),
                                 ("violations", ""), ("violations", EVENTS), ("violations", "Accept: application/x-ndjson\r\n"))),
                             *((self.tool(name), '"conclusion":"not_known"') for name in ("violations", "first_violation"))):
            with self.subTest(asked=asked.decode().splitlines()[0]):
                answer = self.heard_at_stop(asked)
                self.assertRegex(answer.replace("\r\n", " ").replace('\\"', '"'), re.compile(heard, re.S))


class Others(Alone):
    """Who is asked besides Tempo."""

    def setUp(self):
        super().setUp()
        self.receiver = self.start_stub()

    def test_watch_whose_tempo_hangs(self):
        self.start_with("--watch", "--interval", "1s")
        self.check("a round of watch", lambda: None, self.tempo)

    def test_watch_whose_receiver_hangs(self):
        """It gets the marks of how far watch has come."""
        self.start_with("--watch", "--interval", "1s")
        self.check("a mark of watch that nobody takes", lambda: None, self.receiver)

    def make_key(self):
        key = os.path.join(self.folder.name, "key.pem")
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
        os.chmod(key, 0o600)
        return key

    def test_report_that_nobody_stamps(self):
        authority = self.start_stub()
        self.start_with("--evidence-key", self.make_key(), "--timestamp-url", authority.url)
        self.check("a report that nobody stamps", lambda: self.ask(request("/v1/compliance/reports/soc2?start=now-1h")), authority)

    def test_report_whose_span_nobody_takes(self):
        self.write_rule("controlled", CONTROLLED)
        self.start_with("--evidence-key", self.make_key())
        self.check("a report whose span nobody takes", lambda: self.ask(request("/v1/compliance/reports/soc2?start=now-1h")), self.receiver)

    def test_replay_whose_spans_nobody_takes(self):
        """Of a file, so that there is a violation without a Tempo."""
        traces = os.path.join(self.folder.name, "traces.jsonl")
        with open(traces, "w", encoding="utf-8") as file:
            json.dump(otlp.request([otlp.span("01" * 16, "x", NOON_NS)]), file)
        self.source = ("--traces", traces)
        self.start_with()
        replay = {"start_time": "2026-03-10T11:00:00Z", "end_time": "2026-03-10T13:00:00Z"}
        self.check("a replay whose spans nobody takes", lambda: self.server.post("/v1/rules/r1/replay", replay), self.receiver)

    def test_names_that_nobody_tells(self):
        names = SilentNames(self.folder.name)
        self.environment = names.environment
        self.start_with("--otlp", f"http://{NAME}:4318")

        def begin():
            names.forget()
            self.ask(request("/ready"))
            self.wait_until("no name is looked up", names.are_asked)
            time.sleep(0.1)
        self.check("a name that nobody tells", begin)

    def test_a_silent_name_holds_up_nobody(self):
        """The lookup of the receiver's name is given up, and goes on for ever. Tempo is asked meanwhile."""
        names = SilentNames(self.folder.name)
        self.environment = names.environment
        self.start_with("--otlp", f"http://{NAME}:4318")
        self.ask(request("/ready"))
        self.wait_until("the check of the receiver has no end", lambda: b"not answered yet" not in self.server.get("/ready").body, 30)
        asked = self.tempo.asked
        self.assertEqual(self.server.get(VERDICTS).status, 404)
        self.assertGreater(self.tempo.asked, asked)


class Readers(Alone):
    """What a connection may hold open."""

    def test_half_a_head(self):
        self.check("half a head", lambda: (self.ask(b"GET /v1/rules HTTP/1.1\r\nHost: loc"), time.sleep(0.1)))

    def test_half_a_body(self):
        text = request("/v1/rules", "POST", {"id": "x", "dsl": RULE}, JSON)
        self.check("half a body", lambda: (self.ask(text[:-5]), time.sleep(0.1)))

    def test_half_a_chunk(self):
        text = b"POST /v1/rules HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"
        self.check("half a chunk", lambda: (self.ask(text), time.sleep(0.1)))

    def test_between_two_requests(self):
        self.check("idle connections", lambda: (self.ask(request("/health")), time.sleep(0.1)))

    def ask_and_not_read(self, text):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.addCleanup(one.close)
        self.held.append(one)
        one.connect(("127.0.0.1", self.server.port))
        one.sendall(text)
        time.sleep(0.3)

    def test_who_does_not_read(self):
        """Of many answers that are asked for at once, what the two systems do not take waits in the service."""
        self.write_rule("large")
        self.server.put("/v1/rules/large", {"dsl": RULE, "description": "x" * 9000})
        text = b"".join(request("/v1/dsl/language") for _ in range(200))
        self.check("a reader who does not read", lambda: self.ask_and_not_read(text))

    def test_stream_that_is_not_read(self):
        self.check("a stream that is not read", lambda: self.ask_and_not_read(request("/v1/violations?start=now-1h", more=EVENTS)), self.tempo)

    def test_half_a_handshake(self):
        self.start_with("--tls-cert", *make_certificate(self.folder.name)[:1], "--tls-key", os.path.join(self.folder.name, "localhost.key"))
        hello = b"\x16\x03\x01" + struct.pack(">H", 512) + b"\x01"  # the record's head, and no more
        for text in (b"", hello):
            for _ in range(TIMES):
                self.ask(text)
                time.sleep(0.1)
                self.say_and_check("half a handshake", self.stop())
                self.server = self.start_service()


class Beginning(Alone):
    def test_signal_while_it_starts(self):
        """Tempo hangs when it is asked whether it is there."""
        for hanging in (self.tempo, self.receiver):
            for _ in range(TIMES):
                self.stop()
                hanging.behaviour = "hang"
                self.server = self.new_service()
                self.server.process = subprocess.Popen(self.server.arguments, stderr=subprocess.PIPE, text=True, env=self.server.env)
                self.wait_for_question(hanging)
                stopped = measure_stop(self.server.process, PATIENCE)
                text = self.server.process.stderr.read()
                self.server.process.stderr.close()
                self.say_and_check("its start not ended", stopped, text)
                hanging.behaviour = "prompt"
                self.server = self.start_service()

    def test_reload_while_it_stops(self):
        for _ in range(TIMES):
            self.tempo.behaviour = "hang"
            self.ask(request(VERDICTS))
            self.wait_for_question()
            process = self.server.process
            for one in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP):
                process.send_signal(one)
            self.check_stop("reloads before and after the signal")


if __name__ == "__main__":
    unittest.main(argv=[argument for argument in sys.argv if argument != "--short"], verbosity=1)
